"""One database: groups of changes, and what goes wrong with files."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from antmediad.errors import RecordExistsError, StoreBusyError, StoreError
from antmediad.store import database as database_module
from antmediad.store.database import Database
from tests.daemon import wait_until

SCHEMA = ("CREATE TABLE word (text TEXT NOT NULL UNIQUE);",)

Change = Callable[[sqlite3.Connection], Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "words.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(path, SCHEMA)
    yield opened
    asyncio.run(opened.close())


def adding(word: str) -> Change:
    def add(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO word (text) VALUES (?)", (word,))
        return word

    return add


def words(database: Database) -> list[str]:
    return [row[0] for row in database.read("SELECT text FROM word ORDER BY text")]


def write_group(database: Database, *changes: Change) -> list[Any]:
    """Return the results of *changes*, or their errors; all wait at the same time."""

    async def write() -> list[Any]:
        go_on = threading.Event()
        before = asyncio.create_task(database.write(lambda _: go_on.wait()))
        waiting = [asyncio.create_task(database.write(change)) for change in changes]
        await asyncio.sleep(0)
        go_on.set()
        await before
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(write())


def refuse(_: sqlite3.Connection) -> None:
    raise RecordExistsError("taken")


def make_a_mistake(_: sqlite3.Connection) -> None:
    raise ZeroDivisionError


def add_and_fail(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO word VALUES ('half')")
    raise KeyError("half")


def use_no_such_table(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO nothing VALUES (1)")


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (refuse, RecordExistsError),
        (make_a_mistake, ZeroDivisionError),
        (add_and_fail, KeyError),
        (use_no_such_table, StoreError),
        (adding("a"), StoreError),
    ],
    ids=["refused", "mistake", "half-done", "sql", "twice"],
)
def test_a_change_that_fails_costs_the_others_of_its_group_nothing(
    database: Database, bad: Change, error: type[Exception]
) -> None:
    first, failed, last = write_group(database, adding("a"), bad, adding("b"))

    assert (first, last) == ("a", "b")
    assert isinstance(failed, error)
    assert words(database) == ["a", "b"]


def test_changes_that_wait_together_are_committed_together(database: Database) -> None:
    statements: list[str] = []
    asyncio.run(database.write(lambda connection: connection.set_trace_callback(statements.append)))

    write_group(database, *(adding(str(number)) for number in range(100)))

    assert len(words(database)) == 100
    # The one that keeps the writer busy, and then the group.
    assert statements.count("COMMIT") <= 3


def test_a_change_sees_those_before_it(database: Database) -> None:
    def count(connection: sqlite3.Connection) -> Any:
        return connection.execute("SELECT count(*) FROM word").fetchone()[0]

    assert write_group(database, count, adding("a"), count, adding("b"), count) == [
        0,
        "a",
        1,
        "b",
        2,
    ]


def test_more_changes_than_fit_into_a_group_are_all_made(database: Database) -> None:
    changes = [adding(f"{number:04}") for number in range(3 * database_module.MAX_GROUP)]

    assert write_group(database, *changes) == words(database)


def test_a_change_that_nobody_waits_for_any_more_is_made_all_the_same(
    database: Database,
) -> None:
    async def write() -> str:
        go_on = threading.Event()
        before = asyncio.create_task(database.write(lambda _: go_on.wait()))
        abandoned = asyncio.create_task(database.write(adding("a")))
        awaited = asyncio.create_task(database.write(adding("b")))
        await asyncio.sleep(0)
        abandoned.cancel()
        go_on.set()
        await before
        return str(await awaited)

    assert asyncio.run(write()) == "b"
    assert words(database) == ["a", "b"]


def test_reading_waits_for_no_writer(database: Database) -> None:
    async def read_while_writing() -> list[str]:
        go_on, begun = threading.Event(), threading.Event()

        def slow(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO word VALUES ('new')")
            begun.set()
            go_on.wait()

        writing = asyncio.create_task(database.write(slow))
        await asyncio.to_thread(begun.wait)
        seen = words(database)
        go_on.set()
        await writing
        return seen

    assert asyncio.run(read_while_writing()) == []
    assert words(database) == ["new"]


def test_closing_finishes_what_was_begun(path: Path) -> None:
    async def write_and_close() -> int:
        database = Database(path, SCHEMA)
        writing = [asyncio.create_task(database.write(adding(str(n)))) for n in range(500)]
        await asyncio.sleep(0)
        await database.close()
        return len(await asyncio.gather(*writing))

    assert asyncio.run(write_and_close()) == 500
    reopened = Database(path, SCHEMA)
    assert len(words(reopened)) == 500
    asyncio.run(reopened.close())


def test_a_closed_database_refuses_to_be_used_and_can_be_closed_again(path: Path) -> None:
    database = Database(path, SCHEMA)
    asyncio.run(database.write(adding("a")))

    asyncio.run(database.close())
    asyncio.run(database.close())

    with pytest.raises(StoreError):
        asyncio.run(database.write(adding("b")))
    with pytest.raises(StoreError):
        words(database)


def test_an_idle_writer_ends_and_another_begins(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "IDLE_WRITER_S", 0.01)
    threads = threading.active_count()

    asyncio.run(database.write(adding("a")))
    wait_until(lambda: threading.active_count() == threads, "the writer ended")
    asyncio.run(database.write(adding("b")))

    assert words(database) == ["a", "b"]


def test_while_another_process_locks_the_database_changes_fail_together(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    database = Database(path, SCHEMA)
    statements: list[str] = []
    other = sqlite3.connect(path, isolation_level=None)

    def lock_out(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(statements.append)

    asyncio.run(database.write(lock_out))
    other.execute("BEGIN IMMEDIATE")
    results = write_group_of(database, [adding(str(number)) for number in range(20)])
    other.execute("ROLLBACK")
    other.close()

    assert all(isinstance(result, StoreError) for result in results)
    # Each alone would wait once more, one after the other.
    assert statements.count("BEGIN IMMEDIATE") < 20
    assert asyncio.run(database.write(adding("later"))) == "later"
    assert words(database) == ["later"]
    asyncio.run(database.close())


def write_group_of(database: Database, changes: list[Change]) -> list[Any]:
    async def write() -> list[Any]:
        work = (database.write(change) for change in changes)
        return await asyncio.gather(*work, return_exceptions=True)

    return asyncio.run(write())


def test_a_schema_is_brought_up_to_date_once(path: Path) -> None:
    asyncio.run(Database(path, SCHEMA).close())
    newer = (*SCHEMA, "ALTER TABLE word ADD COLUMN length INTEGER DEFAULT 7;")

    for _ in range(2):
        database = Database(path, newer)
        asyncio.run(database.close())

    reopened = Database(path, newer)
    asyncio.run(reopened.write(adding("a")))
    assert reopened.read("SELECT * FROM word") == [("a", 7)]
    asyncio.run(reopened.close())


def test_whoever_opens_a_new_database_at_once_gets_the_same_one(tmp_path: Path) -> None:
    schema = (*SCHEMA, "CREATE TABLE other (a);", "CREATE INDEX of_other ON other (a);")
    begin = threading.Barrier(4)

    def open_all(_: int) -> list[Database]:
        opened = []
        for number in range(20):
            begin.wait(30)
            opened.append(Database(tmp_path / f"{number}.db", schema))
        return opened

    with ThreadPoolExecutor(4) as threads:
        opened = [database for of_one in threads.map(open_all, range(4)) for database in of_one]

    assert {database.read("PRAGMA user_version")[0] for database in opened} == {(3,)}
    for database in opened:
        asyncio.run(database.close())


def test_a_migration_may_hold_a_statement_with_statements_in_it(path: Path) -> None:
    trigger = """
        CREATE TRIGGER once BEFORE INSERT ON word BEGIN
            DELETE FROM word WHERE text = 'a;b'; DELETE FROM word WHERE text = NEW.text;
        END;
        INSERT INTO word VALUES ('a;b');
    """
    database = Database(path, (*SCHEMA, trigger))

    asyncio.run(database.write(adding("a")))
    asyncio.run(database.write(adding("a")))

    assert words(database) == ["a"]
    asyncio.run(database.close())


def test_a_database_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    asyncio.run(Database(path, (*SCHEMA, "CREATE TABLE more (x);")).close())
    before = path.read_bytes()

    with pytest.raises(StoreError, match="schema 2, made by a newer antmediad"):
        Database(path, SCHEMA)
    assert path.read_bytes() == before


def test_a_migration_that_fails_leaves_the_old_schema(path: Path) -> None:
    asyncio.run(Database(path, SCHEMA).close())

    with pytest.raises(StoreError):
        Database(path, (*SCHEMA, "CREATE TABLE more (x); CREATE TABLE word (x);"))

    database = Database(path, SCHEMA)
    assert asyncio.run(database.write(adding("a"))) == "a"
    asyncio.run(database.close())


def put_garbage(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all, but long enough to be looked at\n" * 200)


def put_directory(path: Path) -> None:
    path.mkdir(parents=True)


def put_file_for_parent(path: Path) -> None:
    path.parent.write_text("in the way")


def put_dangling_link(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(path.parent / "nowhere" / "words.db")


@pytest.mark.parametrize(
    "put", [put_garbage, put_directory, put_file_for_parent, put_dangling_link]
)
def test_what_is_no_database_is_an_error_that_names_the_path(
    path: Path, put: Callable[[Path], None]
) -> None:
    put(path)

    with pytest.raises(StoreError) as error:
        Database(path, SCHEMA)
    assert str(path) in str(error.value)
    with pytest.raises(StoreError, match=r"words\.db"):
        Database.for_reading(path)


def test_a_database_that_is_damaged_later_is_an_error(path: Path) -> None:
    database = Database(path, SCHEMA)
    for number in range(3):
        asyncio.run(database.write(adding(f"{number}" * 10_000)))
    asyncio.run(database.close())
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))

    damaged = Database(path, SCHEMA)
    with pytest.raises(StoreError):
        words(damaged)
    with pytest.raises(StoreError):
        asyncio.run(damaged.write(adding("a")))
    asyncio.run(damaged.close())


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """Limit the size of files, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size or soft, hard))

    yield limit
    limit(0)


def test_without_room_changes_fail_and_with_room_they_work_again(
    path: Path, small_files: Callable[[int], None]
) -> None:
    database = Database(path, SCHEMA)
    asyncio.run(database.write(adding("before")))

    small_files(100_000)
    results = write_group_of(database, [adding(f"{number}" * 60_000) for number in range(4)])
    small_files(0)

    failed = [result for result in results if isinstance(result, Exception)]
    assert failed
    assert {type(error) for error in failed} == {StoreError}
    assert len(words(database)) == 1 + len(results) - len(failed)
    assert asyncio.run(database.write(adding("after"))) == "after"
    assert {"before", "after"} <= set(words(database))
    asyncio.run(database.close())


def test_without_room_a_new_database_is_an_error(
    path: Path, small_files: Callable[[int], None]
) -> None:
    small_files(2_000)
    with pytest.raises(StoreError):
        Database(path, SCHEMA)
    small_files(0)

    asyncio.run(Database(path, SCHEMA).close())


def test_a_change_for_which_there_is_no_room_costs_the_others_nothing(
    database: Database,
) -> None:
    # SQLite itself takes back the whole transaction then.
    asyncio.run(database.write(lambda connection: connection.execute("PRAGMA max_page_count = 30")))

    first, huge, last = write_group(database, adding("a"), adding("b" * 1_000_000), adding("c"))

    assert (first, last) == ("a", "c")
    assert isinstance(huge, StoreError)
    assert words(database) == ["a", "c"]


def test_files_are_private_whatever_the_umask(path: Path) -> None:
    umask = os.umask(0)
    try:
        database = Database(path, SCHEMA)
        asyncio.run(database.write(adding("a")))
    finally:
        os.umask(umask)

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"words.db": 0o600, "words.db-wal": 0o600, "words.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    asyncio.run(database.close())


@pytest.mark.parametrize("name", ["a b.db", "a?mode=memory.db", "a#b%20.db", "ü.db"])
def test_any_file_name_is_a_name_and_no_option(tmp_path: Path, name: str) -> None:
    database = Database(tmp_path / name, SCHEMA)
    asyncio.run(database.write(adding("a")))
    assert words(database) == ["a"]
    asyncio.run(database.close())

    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_what_is_opened_for_reading_sees_changes_and_makes_none(
    database: Database, path: Path
) -> None:
    asyncio.run(database.write(adding("a")))
    reader = Database.for_reading(path)
    assert words(reader) == ["a"]

    asyncio.run(database.write(adding("b")))

    assert words(reader) == ["a", "b"]
    with pytest.raises(StoreError, match="not open for writing"):
        asyncio.run(reader.write(adding("c")))
    with pytest.raises(StoreError, match="readonly"):
        reader.read("INSERT INTO word VALUES ('d')")
    asyncio.run(reader.close())
    assert words(database) == ["a", "b"]


def test_opening_for_reading_makes_no_file(path: Path) -> None:
    with pytest.raises(StoreError):
        Database.for_reading(path)
    assert not path.parent.exists()


def test_a_database_in_memory_takes_back_what_fails(tmp_path: Path) -> None:
    database = Database(None, SCHEMA)
    asyncio.run(database.write(adding("a")))

    with pytest.raises(KeyError):
        asyncio.run(database.write(add_and_fail))
    with pytest.raises(StoreError):
        asyncio.run(database.write(adding("a")))

    assert words(database) == ["a"]
    assert list(tmp_path.iterdir()) == []
    asyncio.run(database.close())


def test_a_commit_waits_for_the_disk(database: Database) -> None:
    def modes(connection: sqlite3.Connection) -> list[Any]:
        pragmas = ("synchronous", "journal_mode")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]

    # What a power loss would show; FULL is 2.
    assert asyncio.run(database.write(modes)) == [2, "wal"]


def test_one_change_more_than_may_wait_is_not_taken(path: Path) -> None:
    database = Database(path, SCHEMA, max_waiting=2)
    begun, go_on = threading.Event(), threading.Event()

    def block(_: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait()

    async def write() -> list[Any]:
        before = asyncio.create_task(database.write(block))
        await asyncio.to_thread(begun.wait)
        changes = [adding(word) for word in ("a", "b", "c")]
        waiting = [asyncio.create_task(database.write(change)) for change in changes]
        await asyncio.sleep(0)
        go_on.set()
        results = await asyncio.gather(before, *waiting, return_exceptions=True)
        return [*results[1:], await database.write(adding("d"))]

    a, b, error, d = asyncio.run(write())

    assert (a, b, d) == ("a", "b", "d")
    assert isinstance(error, StoreBusyError)
    assert words(database) == ["a", "b", "d"]
    asyncio.run(database.close())
