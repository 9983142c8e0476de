"""Texts to typed values: what each kind of setting accepts, and what it warns of."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal, NoReturn
from urllib.parse import urlsplit

from antmediad.errors import Problem, SettingsError
from antmediad.settings.setting import Kind, Network, Setting, Value

Severity = Literal["error", "warning"]

_BOOLEANS: Final = {
    **dict.fromkeys(("true", "on", "yes", "1"), True),
    **dict.fromkeys(("false", "off", "no", "0"), False),
}
_INTEGER = re.compile(r"[+-]?[0-9]+|-?(?:0[xX]|#)[0-9A-Fa-f]+")
_FLOAT = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?")
_LONGEST_NUMBER: Final = 100  # characters
_LARGEST_FLOAT: Final = 3.4028235677973366e38  # from here on Java's float is infinite
_NETWORK = re.compile(
    r"(?:\[(?P<bracketed>[^\[\]]*)\]|(?P<bare>[^/\[\]]*))(?P<prefix>/[0-9]{1,3})?"
)
_HOST = re.compile(r"(?=.{1,253}\.?$)(?:(?!-)[\w-]{1,63}(?<!-)(?:\.(?!$)|\.?$))+")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f-\xa0\s\\<>\"^`{|}]")
_MAPPED: Final = IPv6Network("::ffff:0:0/96")


def convert(setting: Setting, text: str) -> Value:
    """Return the typed value that a text stands for.

    Raises:
        SettingsError: with one problem that has no line and key and does not repeat the text.
    """
    if setting.required and not text.strip():
        _refuse(setting.expected or _one_of(setting), text)
    return _CONVERTERS[setting.kind](setting, text)


def limits_broken(setting: Setting, value: Value) -> Iterator[tuple[Severity, str]]:
    """Yield what is wrong with a value that did convert, beyond its limits or not."""
    severity: Severity = "error" if setting.misfit == "refused" else "warning"
    if not is_within(setting, value):
        yield severity, _limits(setting)
    if setting.secret and isinstance(value, str) and value != value.strip():
        yield "warning", "the secret begins or ends with blanks, which are part of it"
    if setting.kind == "urls" and isinstance(value, tuple):
        for position, url in enumerate(value, 1):
            if isinstance(url, str) and _is_plain_http_elsewhere(url):
                yield "warning", f"URL {position} is not encrypted; expected an https:// URL"


def is_within(setting: Setting, value: Value) -> bool:
    """Tell whether a value is within the limits of its setting."""
    if isinstance(value, tuple):
        return not setting.choices or all(item in setting.choices for item in value)
    if isinstance(value, str):
        if not value:
            return True
        if setting.choices:
            return value in setting.choices
        return not setting.pattern or re.fullmatch(setting.pattern, value) is not None
    if value is None:
        return True
    return (setting.minimum is None or value >= setting.minimum) and (
        setting.maximum is None or value <= setting.maximum
    )


def _limits(setting: Setting) -> str:
    if setting.choices:
        return f"expected {_one_of(setting)}"
    if setting.minimum is None and setting.maximum is None:
        return f"expected {setting.expected}"
    if setting.maximum is None:
        return f"expected {setting.minimum} or more"
    return f"expected {setting.minimum} to {setting.maximum}"


def _one_of(setting: Setting) -> str:
    each = "each item one of" if setting.kind == "list" else "one of"
    return f"{each} {', '.join(setting.choices)}"


def _refuse(expected: str, text: str | None = None) -> NoReturn:
    found = "; found nothing" if text is not None and not text.strip() else ""
    raise SettingsError((Problem("error", f"expected {expected}{found}"),))


def _boolean(_: Setting, text: str) -> bool:
    value = _BOOLEANS.get(text.strip().lower())
    if value is None:
        _refuse("true or false (also on/off, yes/no, 1/0)", text)
    return value


def _integer(setting: Setting, text: str) -> int:
    """Read a number as Spring does: blanks dropped, leading zeros decimal, hexadecimal allowed."""
    bits = 64 if setting.kind == "long" else 32
    digits = "".join(text.split())
    sign, bare = (digits[0], digits[1:]) if digits[:1] in ("+", "-") else ("", digits)
    base = 16 if bare.startswith(("0x", "0X", "#")) else 10
    expected = f"a whole number of {bits} bits"
    if _INTEGER.fullmatch(digits) is None or len(bare) > _LONGEST_NUMBER:
        _refuse(expected, text)
    value = int(sign + bare.removeprefix("#"), base)
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        _refuse(expected)
    return value


def _real(_: Setting, text: str) -> float:
    match = _FLOAT.fullmatch(text.strip())
    value = float(match[1]) if match else math.inf
    if abs(value) >= _LARGEST_FLOAT:
        _refuse("a number, such as 0.5", text)
    return value


def _string(setting: Setting, text: str) -> str:
    return text.strip() if setting.is_trimmed else text


def _level(_: Setting, text: str) -> str:
    return text.strip().upper()


def _host(setting: Setting, text: str) -> str:
    host = text.strip()
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        if _is_host_name(host):
            return host
    _refuse(setting.expected)


def _is_host_name(text: str) -> bool:
    # Digits and dots that are no address are a mistyped address, not a name.
    if _HOST.fullmatch(text) is None or re.fullmatch(r"[0-9.]+", text):
        return False
    try:
        # As it is done before it is looked up.
        text.encode("idna")
    except UnicodeError:
        return False
    return True


def _items(text: str) -> Iterator[tuple[int, str]]:
    """Yield the trimmed items of a comma list with their positions, from 1, without empty ones."""
    for position, item in enumerate(text.split(","), 1):
        if trimmed := item.strip():
            yield position, trimmed


def _list(_: Setting, text: str) -> tuple[str, ...]:
    return tuple(item for _, item in _items(text))


def _suffixes(_: Setting, text: str) -> tuple[str, ...]:
    return tuple(item for item in text.split(",") if item)


def _directories(_: Setting, text: str) -> tuple[str, ...]:
    for position, item in _items(text):
        if not item.startswith("/") or ".." in item.split("/") or "\0" in item:
            _refuse(f"absolute directories without '..', comma separated; item {position} is not")
    return tuple(item for _, item in _items(text))


def _networks(_: Setting, text: str) -> tuple[Network, ...]:
    networks: list[Network] = []
    for position, item in _items(text):
        network = _network(item)
        if network is None:
            _refuse(
                "IP addresses and CIDR blocks such as 10.0.0.0/8 or 2001:db8::/32, comma "
                f"separated; item {position} is neither"
            )
        networks.append(network)
    return tuple(networks)


def _network(item: str) -> Network | None:
    """Read one item of a CIDR list; addresses mapped into IPv6 come back as IPv4.

    Stricter than `ipaddress` where that would guess: no netmasks, zones or zeros in front.
    """
    match = _NETWORK.fullmatch(item)
    prefix = (match["prefix"] or "") if match else ""
    if match is None or (len(prefix) > 2 and prefix.startswith("/0")):
        return None
    bracketed = match["bracketed"]
    address = match["bare"] if bracketed is None else bracketed
    if "%" in address or (bracketed is not None and ":" not in address):
        return None
    try:
        network = ip_network(address + prefix, strict=False)
    except ValueError:
        return None
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        return ip_network(f"{mapped}/{network.prefixlen - 96}")
    return network


def _urls(_: Setting, text: str) -> tuple[str, ...]:
    urls: list[str] = []
    for position, item in _items(text):
        url = item if "://" in item else f"https://{item}"
        if not _is_http_url(url):
            _refuse(
                f"http:// or https:// URLs or domains, comma separated; item {position} is neither"
            )
        urls.append(url)
    return tuple(urls)


def _is_http_url(url: str) -> bool:
    if _UNSAFE_IN_URL.search(url):
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return False
    try:
        ip_address(host)
    except ValueError:
        return _is_host_name(host)
    return True


def _is_plain_http_elsewhere(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "http" or host == "localhost":
        return False
    try:
        address = ip_address(host)
    except ValueError:
        return True
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return not (mapped or address).is_loopback


def _object(_: Setting, text: str) -> str:
    if not isinstance(_json(text, "a JSON object"), dict):
        _refuse("a JSON object", text)
    return text


def _ladder(_: Setting, text: str) -> str:
    """Accept nothing, a JSON array of objects, or the comma separated numbers of old."""
    expected = "a JSON array of objects, or height,videoBitrate,audioBitrate triples"
    if not text.strip():
        return text
    if text.lstrip().startswith(("[", "{")):
        steps = _json(text, expected)
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            _refuse(expected)
        return text
    numbers = [item for _, item in _items(text)]
    if len(numbers) < 3 or not all(re.fullmatch(r"[+-]?[0-9]{1,20}", one) for one in numbers):
        _refuse(expected)
    return text


def _json(text: str, expected: str) -> object:
    try:
        document: object = json.loads(text, parse_constant=lambda _: _refuse(expected))
    except (ValueError, RecursionError):
        _refuse(expected, text)
    return document


_CONVERTERS: Final[dict[Kind, Callable[[Setting, str], Value]]] = {
    "bool": _boolean,
    "int": _integer,
    "long": _integer,
    "float": _real,
    "string": _string,
    "level": _level,
    "host": _host,
    "list": _list,
    "suffixes": _suffixes,
    "directories": _directories,
    "networks": _networks,
    "urls": _urls,
    "object": _object,
    "ladder": _ladder,
    "json": _string,
}
