"""What one setting is: its metadata, how its value is written as text, how it is masked."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import ClassVar, Final, Literal, TypeVar, cast

Network = IPv4Network | IPv6Network
Value = bool | int | float | str | tuple[str, ...] | tuple[Network, ...] | None
T = TypeVar("T", bound=Value)

Kind = Literal[
    "bool",
    "int",  # 32 bits
    "long",  # 64 bits
    "float",
    "string",  # exact; trimmed where there are choices or a pattern
    "level",  # one of the choices, in any case
    "host",  # an IP address or a host name
    "list",  # comma separated, trimmed, empty items skipped
    "suffixes",  # comma separated, exact
    "directories",  # comma separated absolute paths
    "networks",  # comma separated addresses and CIDR blocks
    "urls",  # comma separated http(s) URLs; https:// is put before a bare domain
    "object",  # a JSON object, kept as text
    "ladder",  # a JSON array of objects or comma separated numbers, kept as text
    "json",  # JSON that nothing here looks into, kept as text
]

Misfit = Literal["refused", "kept", "default"]
Spellings = Mapping[str, tuple["Setting", ...]]
"""The settings of a file by every spelling; one old spelling can stand for several."""

MASK: Final = "*" * 32
"""What is shown for a secret.

Ant Media Server's panels count its characters, and save nothing while a secret for stream tokens
has less than these.
"""
MASK_REFUSED: Final = "expected a value in place of the mask"
_PART_OF_A_MASK = "*" * 8

_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_CREDENTIAL = re.compile(
    r"secret|passw|pwd|credential|token|private|apikey|api_key|accesskey", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One declared setting.

    Attributes:
        key: the current spelling in a properties file.
        name: the field of `Settings` or `ServerSettings` that holds it.
        legacy: older spellings that are read too, the preferred one first.
        kind: how the text is read; see `Kind`.
        default: what counts while the file has no such key; None is Java's null, "not set".
        secret: masked wherever it is shown, and literal in the file.
        group: the heading it stands under in the reference and on the panel.
        effective: it changes what this daemon does; otherwise it is checked, carried and served.
        misfit: what becomes of a value beyond the limits.  It is ``refused`` with an error;
            or ``kept`` with a warning, where Ant Media Server takes every value that converts; or
            the ``default`` counts, with a warning, and so it does for what does not convert.
        required: an empty value is an error.
        choices: the values allowed, or for a list the items allowed; empty for no such limit.
        minimum: smallest value allowed.
        maximum: largest value allowed.
        pattern: what a value that is not empty must match from end to end.
        expected: the limit in words, as error messages and the reference say it.
        description: one or two sentences for an operator.
        json_name: its property in the settings REST API; None where that API has none.
    """

    key: str
    name: str
    legacy: tuple[str, ...]
    kind: Kind
    default: Value
    secret: bool
    group: str
    effective: bool
    misfit: Misfit
    required: bool
    choices: tuple[str, ...]
    minimum: int | None
    maximum: int | None
    pattern: str
    expected: str
    description: str
    json_name: str | None

    @property
    def is_trimmed(self) -> bool:
        """Blanks around the text do not belong to the value, and are told."""
        limited = bool(self.choices or self.pattern)
        return self.kind == "string" and limited and not self.secret

    @property
    def spellings(self) -> tuple[str, ...]:
        """The current key and then every older one, in the order in which they count."""
        return (self.key, *self.legacy)


def setting(  # noqa: PLR0913 - a declaration names what it declares
    key: str,
    *,
    default: T,
    group: str,
    description: str,
    legacy: tuple[str, ...] = (),
    kind: Kind | None = None,
    secret: bool = False,
    effective: bool = False,
    misfit: Misfit | None = None,
    required: bool = False,
    choices: tuple[str, ...] = (),
    minimum: int | None = None,
    maximum: int | None = None,
    pattern: str = "",
    expected: str = "",
    json_name: str | None = "",
) -> T:
    """Declare a dataclass field that is a setting.

    If not given, the kind follows from *default*, and *misfit* from *effective*.
    """
    declared = Setting(
        key=key,
        name="",  # not known yet; `declared_settings` fills it in
        legacy=legacy,
        kind=kind or _kind_of(default),
        default=default,
        secret=secret,
        group=group,
        effective=effective,
        misfit=misfit or ("refused" if effective else "kept"),
        required=required,
        choices=choices,
        minimum=minimum,
        maximum=maximum,
        pattern=pattern,
        expected=expected,
        description=description,
        json_name=key if json_name == "" else json_name,
    )
    return dataclasses.field(default=default, metadata={"setting": declared})


def _kind_of(default: Value) -> Kind:
    if isinstance(default, bool):
        return "bool"
    if isinstance(default, int):
        return "int"
    if isinstance(default, float):
        return "float"
    return "list" if isinstance(default, tuple) else "string"


class Masked:
    """Base of the settings classes: their repr shows what differs from the defaults, masked."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[object]]]

    def __repr__(self) -> str:
        shown = (
            f"{declared.name}={masked(declared, value)!r}"
            for declared in declared_settings(type(self))
            if (value := getattr(self, declared.name)) != declared.default
        )
        return f"{type(self).__name__}({', '.join(shown)})"


def declared_settings(settings: type[Masked]) -> tuple[Setting, ...]:
    """Return the settings that a class declares, in its order, each with its field's name."""
    return tuple(
        dataclasses.replace(cast("Setting", field.metadata["setting"]), name=field.name)
        for field in dataclasses.fields(settings)
    )


def text_of(value: Value) -> str:
    """Write a typed value as a properties file has it; null is written as nothing.

    Not for showing: a secret comes out as it is.  See `masked`.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(_item_text(item) for item in value)
    return str(value)


def _item_text(item: str | Network) -> str:
    if isinstance(item, str):
        return item
    return str(item.network_address if item.prefixlen == item.max_prefixlen else item)


def masked(declared: Setting, value: Value) -> str:
    """Write a value so that it can be shown.

    A secret that is set becomes `MASK`, a URL loses its user and password, and a JSON object has
    the members masked whose name sounds like a credential.
    """
    text = text_of(value)
    if declared.secret:
        return MASK if text else ""
    if declared.kind == "object" and ("@" in text or "\\" in text or _CREDENTIAL.search(text)):
        return _masked_object(text)
    return without_userinfo(text)


def has_mask(text: str) -> bool:
    """Tell whether a text holds a mask, or so much of one that it cannot be meant as a value."""
    return _PART_OF_A_MASK in text


def without_userinfo(text: str) -> str:
    """Return a text without the users and passwords of the URLs in it."""
    return _USERINFO.sub("", text) if "@" in text else text


def masked_unknown(key: str, value: str) -> str:
    """Write the value of a key that no setting declares; a name that sounds secret masks it."""
    if is_credential(key):
        return MASK if value else ""
    return without_userinfo(value)


def is_credential(name: str) -> bool:
    """Tell whether a name, or any text, sounds like that of something secret."""
    return _CREDENTIAL.search(name) is not None


def _masked_object(text: str) -> str:
    try:
        document: object = _without_credentials(json.loads(text))
        shown = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        shown.encode()  # half of a surrogate pair cannot be written
        return shown
    except (ValueError, RecursionError):
        return MASK


def _without_credentials(node: object) -> object:
    if isinstance(node, dict):
        return {
            name: MASK if _CREDENTIAL.search(name) else _without_credentials(member)
            for name, member in node.items()
        }
    if isinstance(node, list):
        return [_without_credentials(member) for member in node]
    return without_userinfo(node) if isinstance(node, str) else node
