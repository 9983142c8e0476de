"""Lists of broadcasts: pages by position, and what matches a text, without reading all records.

Every order has an index and, in the table `fence`, the first key of each stretch of up to
`MAX_STRETCH` records with the number of records in it.  Adding these numbers up leads to the
stretch that holds a position.  Triggers keep all of it in step with the records.

Texts are found by trigrams (`found`) where few records have them.  Otherwise the matches of
each stretch are counted, and remembered for as long as no record of the stretch changes.  That
looks at every record once, so it is done a few stretches at a time, between other requests.
"""

from __future__ import annotations

import asyncio
import math
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from antmediad.store.database import Database
from antmediad.store.interface import BroadcastQuery

T = TypeVar("T")

MAX_STRETCH = 1024
STRETCHES_AT_ONCE = 8
NEAR = 256
MAX_CANDIDATES = 300
FEW_TRIGRAMS = 3
MAX_TRIGRAMS = 9
MAX_REMEMBERED = 32
FEW = 64
MAX_LIKE = 10_000

_SORTS = {"id": "stream_id", "name": "name", "date": "date", "status": "status"}
_HAS = "(instr(name, ?) OR instr(lower(stream_id), ?))"
# Twice as fast.  LIKE behind an expression: for a mere parameter SQLite prepares the statement
# anew, in case that the text is one that an index would help with.
_LIKE = r"(name LIKE '%' || ? || '%' ESCAPE '\' OR stream_id LIKE '%' || ? || '%' ESCAPE '\')"


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
        """Return the index, and the trigger that divides stretches."""
        # With the name at its end, matches are counted in the index alone.
        columns = ["type"] * self.typed + self.columns.split(", ")
        columns += ["name"] * ("name" not in columns)
        own = "NEW.type <> ''" if self.typed else "NEW.type = ''"
        same = "type = NEW.type AND" if self.typed else ""
        values = "NEW.key" if self.key == "stream_id" else "NEW.key, NEW.stream_id"
        return f"""
            CREATE INDEX {self.index} ON broadcast ({", ".join(columns)});
            CREATE TRIGGER {self.index}_divided INSTEAD OF INSERT ON crowded
                WHEN NEW.sort = '{self.sort}' AND {own}
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
    -- One trigger, and a view for it to choose another by: every trigger of the table costs each
    -- change of a record eight times its condition.
    CREATE VIEW crowded AS SELECT * FROM fence;
    CREATE TRIGGER fence_counted AFTER UPDATE OF records ON fence
        WHEN NEW.records > {MAX_STRETCH} OR (NEW.records = 0 AND NEW.stream_id <> '')
    BEGIN
        DELETE FROM fence WHERE NEW.records = 0
            AND (sort, type, key, stream_id) = (NEW.sort, NEW.type, NEW.key, NEW.stream_id);
        INSERT INTO crowded
            SELECT NEW.sort, NEW.type, NEW.key, NEW.stream_id, NEW.records, NEW.change
            WHERE NEW.records > 0;
    END;
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
class _Search:
    """Which records, in which order.

    Attributes:
        type: the type that *order* is one of, empty for one of all.
        text: `searchable`; empty for all records.
    """

    order: _Order
    type: str
    text: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class _Matches:
    """What matches a search in one stretch.

    Attributes:
        change: the last one of the stretch when this was found out.
        count: how many records match.
        few: their numbers in the table, None for too many.
    """

    change: int
    count: int
    few: Sequence[int] | None = None


_Stretch = tuple[Sequence[Fence], _Matches]
"""Its fence and the next one, and its matches."""
_Known = dict[tuple[Any, str], _Matches]
"""The matches of a search by the start of their stretch."""


class Lists:
    """Pages and counts of the table `broadcast`, with the `TABLES` beside it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read = database.read
        self._remembered: OrderedDict[tuple[str, str, str], _Known] = OrderedDict()
        self._turn = asyncio.Lock()

    async def page(self, query: BroadcastQuery) -> list[bytes]:
        """Return one page of records."""
        order = (_OF_TYPE if query.type else _OF_ALL)[query.sort or "id"]
        descending = bool(query.sort) and query.descending
        search = _Search(order, query.type, searchable(query.search), descending)
        if not search.text and query.offset <= NEAR:
            return self._records(search, (), None, query.size, query.offset)
        with self._database.snapshot():
            candidates = self._candidates(search.text)
            if candidates is not None:
                return self._records(search, (), candidates, query.size, query.offset)

        def page(stretches: Sequence[_Stretch]) -> list[bytes]:
            found: list[bytes] = []
            offset = query.offset
            for bounds, matches in stretches:
                if matches.count <= offset:
                    offset -= matches.count
                    continue
                size = query.size - len(found)
                found += self._records(search, bounds, matches.few, size, offset)
                offset = 0
            return found

        return await self._when_counted(search, query.offset + query.size, page)

    async def count(self, search: str) -> int:
        """Return how many records match; all, when there is nothing to search for."""
        if not search:
            return int(self._read("SELECT broadcasts FROM total")[0][0])
        text = searchable(search)
        with self._database.snapshot():
            candidates = self._candidates(text)
            if candidates is not None:
                where, parameters = _matching(text)
                numbers = "number IN (SELECT value FROM json_each(?))"
                return int(
                    self._read(
                        f"SELECT count(*) FROM broadcast WHERE {numbers} AND {where}",
                        (str(candidates), *parameters),
                    )[0][0]
                )
        return await self._when_counted(
            _Search(_OF_ALL["id"], "", text),
            math.inf,
            lambda stretches: sum(matches.count for _, matches in stretches),
        )

    async def _when_counted(
        self, search: _Search, enough: float, answer: Callable[[Sequence[_Stretch]], T]
    ) -> T:
        """Return what *answer* makes of the stretches from the first to where *enough* match.

        Counts them in turns, and other requests come between.  All in one turn would hold these
        up, for 10 to 30 ms with 100,000 records.
        """
        known = self._recall(search) if search.text else {}
        turns = 0
        while True:
            # More and more, so that it ends even if all the stretches change between turns.
            count_at_most = STRETCHES_AT_ONCE + turns // 8
            with self._database.snapshot():
                stretches = self._stretches(search, enough, known, count_at_most)
                if stretches is not None:
                    return answer(stretches)
            # Of several searches one is at work between two rounds of the event loop.
            async with self._turn:
                await asyncio.sleep(0)
            turns += 1

    def _stretches(
        self, search: _Search, enough: float, known: _Known, count_at_most: int
    ) -> Sequence[_Stretch] | None:
        """Return the stretches in which the first *enough* records match.

        None when more than *count_at_most* stretches are not *known*: these many are, then.
        """
        fences: list[Fence] = self._read(
            "SELECT key, stream_id, records, change FROM fence WHERE sort = ? AND type = ?"
            " ORDER BY key, stream_id",
            (search.order.sort, search.type),
        )
        if len(known) > 2 * len(fences):
            known.clear()
        stretches: list[_Stretch] = []
        positions = range(len(fences))
        for position in reversed(positions) if search.descending else positions:
            key, stream_id, records, change = fences[position]
            bounds = fences[position : position + 2]
            matches = _Matches(change, records)
            if search.text and records:
                remembered = known.get((key, stream_id))
                if remembered is None or remembered.change != change:
                    if not count_at_most:
                        return None
                    count_at_most -= 1
                    remembered = known[key, stream_id] = self._find_matches(search, bounds)
                matches = remembered
            stretches.append((bounds, matches))
            enough -= matches.count
            if enough <= 0:
                break
        return stretches

    def _find_matches(self, search: _Search, bounds: Sequence[Fence]) -> _Matches:
        where, parameters = _condition(search, bounds)
        source = f"FROM broadcast INDEXED BY {search.order.index} WHERE {where}"
        rows = self._read(f"SELECT number {source} LIMIT {FEW + 1}", parameters)
        if len(rows) <= FEW:
            return _Matches(bounds[0][3], len(rows), array("q", (row[0] for row in rows)))
        return _Matches(bounds[0][3], self._read(f"SELECT count(*) {source}", parameters)[0][0])

    def _records(
        self,
        search: _Search,
        bounds: Sequence[Fence],
        few: Sequence[int] | None,
        size: int,
        offset: int,
    ) -> list[bytes]:
        """Return what matches in a stretch, or among a *few* records by number."""
        where, parameters = _condition(search, bounds)
        source = f"broadcast INDEXED BY {search.order.index}"
        if few is not None:
            source = "broadcast"
            where = f"number IN (SELECT value FROM json_each(?)) AND {where}"
            parameters.insert(0, str([*few]))
        rows = self._read(
            f"SELECT json FROM {source} WHERE {where}"
            f" ORDER BY {search.order.by(search.descending)} LIMIT ? OFFSET ?",
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

    def _recall(self, search: _Search) -> _Known:
        """Return what is remembered of a search, to be added to."""
        name = (search.order.sort, search.type, search.text)
        known = self._remembered.pop(name, {})
        self._remembered[name] = known
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return known


def _condition(search: _Search, bounds: Sequence[Fence]) -> tuple[str, list[Any]]:
    """Return the condition of the matches from the first of *bounds* to before the second."""
    conditions: list[str] = ["TRUE"]
    parameters: list[Any] = []
    if search.type:
        conditions.append("type = ?")
        parameters.append(search.type)
    for sign, fence in zip((">=", "<"), bounds, strict=False):
        if search.order.key == "stream_id":
            conditions.append(f"stream_id {sign} ?")
            parameters.append(fence[0])
        else:
            conditions.append(f"({search.order.columns}) {sign} (?, ?)")
            parameters += fence[:2]
    if search.text:
        where, texts = _matching(search.text)
        conditions.append(where)
        parameters += texts
    return " AND ".join(conditions), parameters


def _matching(text: str) -> tuple[str, tuple[str, str]]:
    """Return the condition of the records that have *text*."""
    # LIKE takes U+FFFE for U+FFFD, and no pattern of over 50,000 bytes.
    if not text.isascii() or len(text) > MAX_LIKE:
        return _HAS, (text, text)
    pattern = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return _LIKE, (pattern, pattern)
