"""Lists of broadcasts: pages by position, and what matches a text, without reading all records.

Every order has an index and, in the table `fence`, the first key of each stretch of up to
`MAX_STRETCH` records with the number of records in it.  Adding these numbers up leads to the
stretch that holds a position.  Triggers keep all of it in step with the records.

Texts are found by trigrams (`found`) where few records have them.  Otherwise the matches of
each stretch are counted, and remembered for as long as no record of the stretch changes.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from antmediad.store.database import Database
from antmediad.store.interface import BroadcastQuery

MAX_STRETCH = 1024
NEAR = 256
MAX_CANDIDATES = 300
FEW_TRIGRAMS = 3
MAX_TRIGRAMS = 9
MAX_REMEMBERED = 32
FEW = 64

_SORTS = {"id": "stream_id", "name": "name", "date": "date", "status": "status"}
_MATCHES = "(instr(name, ?) OR instr(lower(stream_id), ?))"


def searchable(text: str) -> str:
    """Return *text* as it is compared: the same for all letter cases, and without NUL.

    Not in lower case, where a sigma depends on what follows, and so the start of a word would
    not be found in the word.  SQLite's trigrams end at a NUL.
    """
    return text.casefold().replace("\0", "\1")


@dataclass(frozen=True, slots=True)
class _Order:
    """One order of all broadcasts, or of those of each type.

    Attributes:
        key: the column that it is by; equal keys are by stream id.
        typed: whether it is one of each type.
    """

    sort: str
    key: str
    typed: bool

    @property
    def index(self) -> str:
        return f"broadcast_of_type_by_{self.sort}" if self.typed else f"broadcast_by_{self.sort}"

    @property
    def columns(self) -> str:
        return self.key if self.key == "stream_id" else f"{self.key}, stream_id"

    def by(self, descending: bool) -> str:
        """Return what goes behind ORDER BY."""
        return self.columns.replace(",", " DESC,") + " DESC" if descending else self.columns

    def tables(self) -> str:
        """Return the index, and the triggers that divide stretches."""
        # With the name at its end, matches are counted in the index alone.
        columns = ["type"] * self.typed + self.columns.split(", ")
        columns += ["name"] * ("name" not in columns)
        own = "NEW.type <> ''" if self.typed else "NEW.type = ''"
        same = "type = NEW.type AND" if self.typed else ""
        values = "NEW.key" if self.key == "stream_id" else "NEW.key, NEW.stream_id"
        return f"""
            CREATE INDEX {self.index} ON broadcast ({", ".join(columns)});
            CREATE TRIGGER {self.index}_divided AFTER UPDATE OF records ON fence
                WHEN NEW.records > {MAX_STRETCH} AND NEW.sort = '{self.sort}' AND {own}
            BEGIN
                INSERT INTO fence
                    SELECT NEW.sort, NEW.type, {self.key}, stream_id,
                        NEW.records - {MAX_STRETCH // 2}, NEW.change
                    FROM broadcast INDEXED BY {self.index}
                    WHERE {same} ({self.columns}) >= ({values})
                    ORDER BY {self.columns} LIMIT 1 OFFSET {MAX_STRETCH // 2};
                UPDATE fence SET records = {MAX_STRETCH // 2}
                    WHERE (sort, type, key, stream_id)
                        = (NEW.sort, NEW.type, NEW.key, NEW.stream_id);
            END;
        """

    def count_one(self, row: str, number: int) -> str:
        """Return a statement for a trigger: the stretch of *row* has *number* records more."""
        of = f"sort = '{self.sort}' AND type = {f'{row}.type' if self.typed else repr('')}"
        # A plus sign before a column hides its type, which fences of another would not be
        # compared with by their index.
        return f"""
            UPDATE fence SET records = records + {number}, change = (SELECT changes FROM total)
                WHERE {of} AND (key, stream_id) = (
                    SELECT key, stream_id FROM fence
                    WHERE {of} AND (key, stream_id) <= (+{row}.{self.key}, {row}.stream_id)
                    ORDER BY key DESC, stream_id DESC LIMIT 1);
        """


_OF_ALL = {sort: _Order(sort, key, typed=False) for sort, key in _SORTS.items()}
_OF_TYPE = {sort: _Order(sort, key, typed=True) for sort, key in _SORTS.items()}


def _first_fences(type_: str) -> str:
    """Return the fences of empty lists, below every key."""
    lowest = dict.fromkeys(_SORTS, "''") | {"date": "-9223372036854775808"}
    return ", ".join(f"('{sort}', {type_}, {key}, '', 0, 0)" for sort, key in lowest.items())


def _triggers(event: str, condition: str, changes: Sequence[tuple[str, int]]) -> str:
    """Return the triggers which count rows, OLD or NEW ones, after *event*."""
    name, _, _ = event.partition(" ")
    triggers = f"""
        CREATE TRIGGER broadcast_{name.lower()} AFTER {event} ON broadcast WHEN {condition} BEGIN
            UPDATE total SET broadcasts = broadcasts + {sum(n for _, n in changes)},
                changes = changes + 1;
    """
    for row, number in changes:
        triggers += "".join(order.count_one(row, number) for order in _OF_ALL.values())
        text = f"{row}.name || char(10) || {row}.stream_id"
        if number > 0:
            triggers += f"INSERT INTO found (rowid, text) VALUES ({row}.number, {text});"
        else:
            triggers += (
                f"INSERT INTO found (found, rowid, text) VALUES ('delete', {row}.number, {text});"
            )
    triggers += "END;"
    for row, number in changes:
        triggers += f"""
            CREATE TRIGGER broadcast_of_type_{name.lower()}_{row} AFTER {event} ON broadcast
            WHEN {row}.type <> '' AND {condition} BEGIN
        """
        if number > 0:
            triggers += f"INSERT OR IGNORE INTO fence VALUES {_first_fences(f'{row}.type')};"
        triggers += "".join(order.count_one(row, number) for order in _OF_TYPE.values()) + "END;"
    return triggers


TABLES = f"""
    CREATE TABLE total (broadcasts INTEGER NOT NULL, changes INTEGER NOT NULL);
    INSERT INTO total VALUES (0, 0);
    CREATE TABLE fence (
        sort TEXT NOT NULL,
        type TEXT NOT NULL,
        key NOT NULL,
        stream_id TEXT NOT NULL,
        records INTEGER NOT NULL,
        change INTEGER NOT NULL,
        PRIMARY KEY (sort, type, key, stream_id)
    ) WITHOUT ROWID;
    INSERT INTO fence VALUES {_first_fences("''")};
    CREATE TRIGGER fence_without_records AFTER UPDATE OF records ON fence
        WHEN NEW.records = 0 AND NEW.stream_id <> ''
        BEGIN DELETE FROM fence WHERE (sort, type, key, stream_id)
            = (NEW.sort, NEW.type, NEW.key, NEW.stream_id); END;
    CREATE VIRTUAL TABLE found
        USING fts5 (text, content = '', columnsize = 0, detail = none, tokenize = 'trigram');
    INSERT INTO found (found, rank) VALUES ('pgsz', 1000);
    {"".join(order.tables() for order in (*_OF_ALL.values(), *_OF_TYPE.values()))}
    {_triggers("INSERT", "TRUE", [("NEW", 1)])}
    {_triggers("DELETE", "TRUE", [("OLD", -1)])}
    {
    _triggers(
        "UPDATE OF stream_id, name, date, status, type",
        "(OLD.stream_id, OLD.name, OLD.date, OLD.status, OLD.type)"
        " IS NOT (NEW.stream_id, NEW.name, NEW.date, NEW.status, NEW.type)",
        [("OLD", -1), ("NEW", 1)],
    )
}
"""

Fence = tuple[Any, str, int, int]
"""Of a stretch: its first key and stream id, how many records it has, when it last changed."""


@dataclass(frozen=True, slots=True)
class _Matches:
    """What matches a search in one stretch.

    Attributes:
        change: the last one of the stretch when this was found out.
        count: how many records match, or are to be looked at.
        few: their numbers in the table, None for too many.
    """

    change: int
    count: int
    few: Sequence[int] | None = None


class Lists:
    """Pages and counts of the table `broadcast`, with the `TABLES` beside it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read = database.read
        self._remembered: OrderedDict[tuple[str, str, str], dict[Any, _Matches]] = OrderedDict()

    def page(self, query: BroadcastQuery) -> list[bytes]:
        """Return one page of records."""
        order = (_OF_TYPE if query.type else _OF_ALL)[query.sort or "id"]
        descending = bool(query.sort) and query.descending
        text = searchable(query.search)
        if not text and query.offset <= NEAR:
            return self._page(order, (), query.type, "", descending, query.size, query.offset)
        with self._database.snapshot():
            candidates = self._candidates(text)
            if candidates is not None:
                found = _Matches(0, len(candidates), candidates)
                stretches: Iterable[tuple[Sequence[Fence], _Matches]] = [((), found)]
            else:
                stretches = self._stretches(order, query.type, text, descending)
            page: list[bytes] = []
            offset = query.offset
            for bounds, matches in stretches:
                if matches.count <= offset:
                    offset -= matches.count
                    continue
                part = (query.type, text, descending, query.size - len(page), offset)
                page += self._page(order, bounds, *part, few=matches.few)
                if len(page) >= query.size:
                    break
                offset = 0
            return page

    def count(self, search: str) -> int:
        """Return how many records match; all, when there is nothing to search for."""
        if not search:
            return int(self._read("SELECT broadcasts FROM total")[0][0])
        text = searchable(search)
        with self._database.snapshot():
            candidates = self._candidates(text)
            if candidates is not None:
                return int(
                    self._read(
                        "SELECT count(*) FROM broadcast WHERE number IN"
                        f" (SELECT value FROM json_each(?)) AND {_MATCHES}",
                        (str(candidates), text, text),
                    )[0][0]
                )
            stretches = self._stretches(_OF_ALL["id"], "", text, descending=False)
            return sum(matches.count for _, matches in stretches)

    def _page(  # noqa: PLR0913
        self,
        order: _Order,
        bounds: Sequence[Fence],
        type_: str,
        text: str,
        descending: bool,
        size: int,
        offset: int,
        few: Sequence[int] | None = None,
    ) -> list[bytes]:
        """Return one page of a stretch, or of a few records by number."""
        where, parameters = _condition(order, bounds, type_, text)
        source = f"broadcast INDEXED BY {order.index}"
        if few is not None:
            source = "broadcast"
            where = f"number IN (SELECT value FROM json_each(?)) AND {where}"
            parameters.insert(0, str([*few]))
        rows = self._read(
            f"SELECT json FROM {source} WHERE {where}"
            f" ORDER BY {order.by(descending)} LIMIT ? OFFSET ?",
            (*parameters, size, offset),
        )
        return [row[0] for row in rows]

    def _candidates(self, text: str) -> list[int] | None:
        """Return the ids of all records that may match; None when that does not narrow it down."""
        # From the end, where names of a series differ.  Each trigram that many records have
        # costs time, so that a few are tried first.
        trigrams = list(dict.fromkeys(text[at : at + 3] for at in range(len(text) - 3, -1, -1)))
        if not trigrams:
            return None
        for most in (FEW_TRIGRAMS, MAX_TRIGRAMS):
            chosen = trigrams[:: -(-len(trigrams) // most)]
            quoted = " ".join('"' + one.replace('"', '""') + '"' for one in chosen)
            rows = self._read(
                "SELECT rowid FROM found WHERE found MATCH ? LIMIT ?",
                (quoted, MAX_CANDIDATES + 1),
            )
            if len(rows) <= MAX_CANDIDATES:
                return [row[0] for row in rows]
            if len(chosen) == len(trigrams):
                break
        return None

    def _stretches(
        self, order: _Order, type_: str, text: str, descending: bool
    ) -> Iterator[tuple[Sequence[Fence], _Matches]]:
        """Yield the stretches of a list, each as its fence and the next, with its matches."""
        fences: list[Fence] = self._read(
            "SELECT key, stream_id, records, change FROM fence WHERE sort = ? AND type = ?"
            " ORDER BY key, stream_id",
            (order.sort, type_),
        )
        known = self._recall(order, type_, text, len(fences)) if text else {}
        positions = range(len(fences))
        for position in reversed(positions) if descending else positions:
            key, stream_id, records, change = fences[position]
            bounds = fences[position : position + 2]
            if not text or not records:
                yield bounds, _Matches(change, records)
                continue
            matches = known.get((key, stream_id))
            if matches is None or matches.change != change:
                matches = self._find_matches(order, bounds, type_, text)
                known[key, stream_id] = matches
            yield bounds, matches

    def _find_matches(
        self, order: _Order, bounds: Sequence[Fence], type_: str, text: str
    ) -> _Matches:
        where, parameters = _condition(order, bounds, type_, text)
        source = f"FROM broadcast INDEXED BY {order.index} WHERE {where}"
        rows = self._read(f"SELECT number {source} LIMIT {FEW + 1}", parameters)
        if len(rows) <= FEW:
            return _Matches(bounds[0][3], len(rows), array("q", (row[0] for row in rows)))
        return _Matches(bounds[0][3], self._read(f"SELECT count(*) {source}", parameters)[0][0])

    def _recall(self, order: _Order, type_: str, text: str, fences: int) -> dict[Any, _Matches]:
        """Return what is remembered of a search, for each fence."""
        search = (order.sort, type_, text)
        known = self._remembered.pop(search, {})
        if len(known) > 2 * fences:
            known.clear()
        self._remembered[search] = known
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return known


def _condition(
    order: _Order, bounds: Sequence[Fence], type_: str, text: str
) -> tuple[str, list[Any]]:
    """Return the condition of the records from the first of *bounds* to before the second."""
    conditions: list[str] = ["TRUE"]
    parameters: list[Any] = []
    if type_:
        conditions.append("type = ?")
        parameters.append(type_)
    for sign, fence in zip((">=", "<"), bounds, strict=False):
        if order.key == "stream_id":
            conditions.append(f"stream_id {sign} ?")
            parameters.append(fence[0])
        else:
            conditions.append(f"({order.columns}) {sign} (?, ?)")
            parameters += fence[:2]
    if text:
        conditions.append(_MATCHES)
        parameters += (text, text)
    return " AND ".join(conditions), parameters
