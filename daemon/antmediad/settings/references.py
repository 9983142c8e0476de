"""``${...}`` in values: placeholders that expand, and references to what is kept elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from antmediad.errors import Problem, SettingsError
from antmediad.settings.setting import Setting

Resolver = Callable[[str, str], str]
"""Takes a kind (``env``, ``file`` or ``credential``) and a name, returns the text it stands for.

May raise LookupError, OSError or ValueError; none of their texts is shown.
"""

INCLUDES_SECRET: Final = "includes the secret"  # noqa: S105 - part of a message
"""What the warning of a placeholder that stands for a secret begins with."""
REFERENCE_REFUSED: Final = (
    "expected a plain value; ${...} takes somebody who can edit the file itself"
)
"""Why whoever may change settings only, and not the file, cannot post one."""
MAX_TEXT: Final = 64 * 1024  # characters of one expanded value
MAX_DEPTH: Final = 32

_WHOLE = re.compile(r"\$\{(env|file|credential):([^{}]+)\}")
_PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")
_BRACE = re.compile(r"[{}]")
_NAMEABLE = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_NOT_FOUND: Final = {
    "env": "environment variable {} is not set",
    "file": "file {} cannot be read",
    "credential": "credential {} cannot be read",
}


def refuse_references(kind: str, name: str) -> str:
    """Resolve nothing; for texts that must stand on their own."""
    raise LookupError(kind, name)


def is_reference(text: str, *, secret: bool) -> bool:
    """Tell whether a text of a properties file may stand for something else than itself."""
    return _WHOLE.fullmatch(text.strip()) is not None if secret else "${" in text


@dataclass(frozen=True, slots=True)
class Expansion:
    """The text that counts, and where it came from.

    Attributes:
        text: what the value expands to.
        sources: ``env:NAME``, ``file:PATH``, ``credential:NAME`` or ``default`` for each part
            that is not from the properties file, in order of first use.
        warnings: messages without a value.
    """

    text: str
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class References:
    """Expands the values of one properties file."""

    def __init__(
        self,
        values: Mapping[str, str],
        spellings: Mapping[str, tuple[Setting, ...]],
        environment: Mapping[str, str],
        resolve: Resolver,
    ) -> None:
        self._values = values
        self._spellings = spellings
        self._environment = environment
        self._resolve = resolve
        self._expanding: list[str] = []
        self._known: dict[str, Expansion] = {}

    def expand(self, text: str, *, secret: bool) -> Expansion:
        """Return what a value stands for.

        A secret is literal, unless all of it is a reference: a password may contain ``${``.

        Raises:
            SettingsError: with one problem that has no line and key.
        """
        if "${" not in text:
            return Expansion(text)
        if whole := _WHOLE.fullmatch(text.strip()):
            return self._referred(whole[1], whole[2], secret=secret)
        if secret:
            if _PLACEHOLDER.fullmatch(text.strip()):
                return Expansion(text, warnings=(_TAKEN_LITERALLY,))
            return Expansion(text)
        return self._expand(text, 0)

    def _referred(self, kind: str, name: str, *, secret: bool) -> Expansion:
        if kind != "env" and not secret:
            # Whoever may edit settings could show any file of the machine in one that is shown.
            _refuse(f"expected ${{{kind}:...}} as the value of a secret only")
        try:
            text = self._resolve(kind, name)
        except (LookupError, OSError, ValueError):
            _refuse(_NOT_FOUND[kind].format(name) + f"; expected ${{{kind}:...}} to have a value")
        if kind != "env":
            text = text.rstrip("\r\n")
        if not text.strip():
            _refuse(f"{kind} {name} is empty; expected ${{{kind}:...}} to have a value")
        if len(text) > MAX_TEXT:
            _refuse(f"{kind} {name} is too long; expected {MAX_TEXT} characters or less")
        return Expansion(text, (f"{kind}:{name}",))

    def _expand(self, text: str, depth: int) -> Expansion:
        """Expand every placeholder, the innermost first, as Spring does."""
        if depth > MAX_DEPTH:
            _refuse(f"placeholders are nested too deeply; expected {MAX_DEPTH} levels or less")
        pieces: list[str] = []
        sources: dict[str, None] = {}
        warnings: dict[str, None] = {}
        size = at = 0
        while (start := text.find("${", at)) >= 0:
            end = _closing_brace(text, start + 2)
            if end < 0:
                break
            name = self._expand(text[start + 2 : end], depth + 1)
            found = self._look_up(name.text, depth)
            pieces += (text[at:start], found.text)
            size += len(found.text)
            if size > MAX_TEXT:
                _refuse(f"expands to too long a text; expected {MAX_TEXT} characters or less")
            for expansion in (name, found):
                sources.update(dict.fromkeys(expansion.sources))
                warnings.update(dict.fromkeys(expansion.warnings))
            at = end + 1
        pieces.append(text[at:])
        return Expansion("".join(pieces), tuple(sources), tuple(warnings))

    def _look_up(self, name: str, depth: int) -> Expansion:
        found = self._find(name, depth)
        if found is not None:
            return found
        before, colon, default = name.partition(":")
        if colon and before in _NOT_FOUND and before not in self._values:
            _refuse(f"expected ${{{before}:...}} to be the whole value, not a part of it")
        if colon:
            return self._find(before, depth) or Expansion(default, ("default",))
        shown = f" {name}" if _NAMEABLE.fullmatch(name) else ""
        _refuse(
            f"placeholder{shown} stands for nothing; expected a key of this file, "
            "an environment variable or a default as in ${name:default}"
        )

    def _find(self, name: str, depth: int) -> Expansion | None:
        if name in self._known:
            return self._known[name]
        if name in self._expanding:
            _refuse("the placeholder leads back to itself; expected no circle")
        if name in self._values:
            found = self._value_of(name, depth)
        elif name in self._environment:
            found = self._nested(name, self._environment[name], depth)
            found = Expansion(found.text, (f"env:{name}", *found.sources), found.warnings)
        else:
            return None
        self._known[name] = found
        return found

    def _value_of(self, key: str, depth: int) -> Expansion:
        text = self._values[key]
        if any(setting.secret for setting in self._spellings.get(key, ())):
            found = self.expand(text, secret=True)
            return Expansion(found.text, found.sources, (_includes_secret(key),))
        if whole := _WHOLE.fullmatch(text.strip()):
            return self._referred(whole[1], whole[2], secret=False)
        return self._nested(key, text, depth)

    def _nested(self, name: str, text: str, depth: int) -> Expansion:
        self._expanding.append(name)
        try:
            return self._expand(text, depth + 1)
        finally:
            self._expanding.pop()


_TAKEN_LITERALLY: Final = (
    "a secret is taken literally; a reference is ${env:NAME}, ${file:PATH} or ${credential:NAME}"
)


def _includes_secret(key: str) -> str:
    return f"{INCLUDES_SECRET} {key}, but is not masked as a secret is"


def _closing_brace(text: str, start: int) -> int:
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.start()
    return -1


def _refuse(message: str) -> NoReturn:
    raise SettingsError((Problem("error", message),))
