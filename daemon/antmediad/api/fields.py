"""JSON objects by declaration: what a client may send, and how odd values become types.

The coercions are those of Jackson, which Ant Media Server reads JSON with (rest-v2.md, section
1.5 of the contract); existing clients rely on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from antmediad.errors import RequestError

Record = dict[str, Any]
Coerce = Callable[[Any], Any]

MAX_TEXT_CHARS = 64 * 1024
"""A page of 250 records of a few such texts is still a page."""

_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE", "")


class ValueRefusedError(Exception):
    """A value that cannot be coerced; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a JSON object.

    Attributes:
        name: in JSON.
        coerce: makes any JSON value but null a value of the right type.
        default: when the client sends none.
        null: what null means in a new object; primitives of Java become 0 or false.
        on_create, on_update: whether a client's value counts then; it is checked in any case.
        write_only: whether no answer ever has it.
        coerce_on_update: what coerces instead when an object is changed.
        nullable: whether a client may send null in a new object.
    """

    name: str
    coerce: Coerce
    default: Any = None
    null: Any = None
    on_create: bool = False
    on_update: bool = False
    write_only: bool = False
    coerce_on_update: Coerce | None = None
    nullable: bool = True


def text(value: Any) -> str:
    """Coerce to text: numbers and booleans become theirs."""
    if isinstance(value, str):
        if len(value) > MAX_TEXT_CHARS:
            raise ValueRefusedError(f"expected at most {MAX_TEXT_CHARS} characters")
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise ValueRefusedError("expected text")


def _integer(bits: int) -> Coerce:
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def integer(value: Any) -> int | None:
        if isinstance(value, str):
            value = value.strip()
            if not value:
                return None
            if not _INTEGER.fullmatch(value):
                raise ValueRefusedError("expected an integer")
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueRefusedError("expected an integer")
        number = int(value)
        if not low <= number <= high:
            raise ValueRefusedError(f"expected an integer of {bits} bits")
        return number

    return integer


int32 = _integer(32)
int64 = _integer(64)


def double(value: Any) -> float | None:
    """Coerce to a finite number."""
    if isinstance(value, str) and not value.strip():
        return None
    if not isinstance(value, bool) and isinstance(value, int | float | str):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = float("nan")
        if abs(number) != float("inf") and number == number:
            return number
    raise ValueRefusedError("expected a number")


def boolean(value: Any) -> bool:
    """Coerce to a boolean: also 0 and other integers, and Java's spellings as text."""
    if isinstance(value, int):
        return bool(value)
    if isinstance(value, str) and value.strip() in _TRUE:
        return True
    if isinstance(value, str) and value.strip() in _FALSE:
        return False
    raise ValueRefusedError("expected true or false")


class Nested:
    """Coerces to an object of a model."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __call__(self, value: Any) -> Record:
        return self.model.create(value)


class ListOf:
    """Coerces to a list of objects of a model; null in it is dropped."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __call__(self, value: Any) -> list[Record]:
        if not isinstance(value, list):
            raise ValueRefusedError("expected a list")
        return [self.model.create(one) for one in value if one is not None]


class Texts:
    """Coerces to a list of texts; null in it is dropped."""

    def __call__(self, value: Any) -> list[str]:
        if not isinstance(value, list):
            raise ValueRefusedError("expected a list")
        return [text(one) for one in value if one is not None]


class Model:
    """The properties of a kind of JSON object, in the order in which they are written."""

    def __init__(
        self,
        name: str,
        fields: Iterable[Field],
        ignored: Collection[str] = (),
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        """Declare an object *name*.

        Args:
            ignored: names that clients send without effect.
            aliases: older names, each with the one that it stands for when that is absent.
        """
        self.name = name
        self.fields = tuple(fields)
        self._by_name = {field.name: field for field in self.fields}
        self._ignored = frozenset(ignored)
        self.aliases = dict(aliases or {})
        self._defaults = {field.name: field.default for field in self.fields}

    def create(self, value: Any) -> Record:
        """Return a new object of what a client sent.

        Raises:
            RequestError: 400, naming the property and what was expected.
        """
        record = dict(self._defaults)
        for field, sent in self._read(value):
            if field.on_create:
                record[field.name] = field.null if sent is None else sent
        return record

    def update(self, value: Any) -> Record:
        """Return the properties that a client's *value* changes; null changes nothing.

        Raises:
            RequestError: 400, as `create`.
        """
        return {
            field.name: sent
            for field, sent in self._read(value, is_update=True)
            if field.on_update and sent is not None
        }

    def _read(self, value: Any, *, is_update: bool = False) -> Iterable[tuple[Field, Any]]:
        if not isinstance(value, dict):
            raise RequestError(400, f"{self.name}: expected a JSON object")
        for alias, name in self.aliases.items():
            if alias in value:
                value = dict(value)
                stands_in = value.pop(alias)
                if value.get(name) is None:
                    value[name] = stands_in
        for name, sent in value.items():
            field = self._by_name.get(name)
            if field is None:
                if name in self._ignored:
                    continue
                raise RequestError(
                    400,
                    f'Unrecognized field "{name[:64]}" (class {self.name}),'
                    " not marked as ignorable",
                )
            if sent is None and not (field.nullable or is_update):
                raise RequestError(400, f"{name} cannot be null")
            coerce = (field.coerce_on_update if is_update else None) or field.coerce
            try:
                yield field, None if sent is None else coerce(sent)
            except ValueRefusedError as error:
                raise RequestError(400, f"{self.name}.{name}: {error}") from None
