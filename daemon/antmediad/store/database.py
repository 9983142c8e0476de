"""One SQLite database: reads on the caller's thread, writes in groups on a thread of their own."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from antmediad.errors import AntmediadError, StoreBusyError, StoreError

logger = logging.getLogger(__name__)

T = TypeVar("T")

BUSY_TIMEOUT_S = 5.0
MAX_GROUP = 256
IDLE_WRITER_S = 30.0
CHECKPOINT_PAGES = 4000
MAX_WAITING = 10_000
"""How many changes may wait to be written, beside those of the group that is."""

OnCommit = Callable[[int, float], None]
"""Takes the number of changes of a group, and the seconds until it was durable or failed."""


@dataclass(eq=False, slots=True)
class _Job(Generic[T]):
    """A change to make, and where to say that it is durable."""

    change: Callable[[sqlite3.Connection], T]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[T]
    result: T | None = None
    error: BaseException | None = None


class Database:
    """A database file, or a database in memory.

    In a file (WAL, synchronous=FULL) a change that was awaited survives ``kill -9`` and power
    loss.  Changes that wait at the same time are committed together, so that they share the
    cost of reaching the disk.  A database of one process in memory needs neither.
    """

    def __init__(
        self,
        path: Path | None,
        migrations: Sequence[str],
        on_open: Callable[[sqlite3.Connection], None] = lambda _: None,
        on_commit: OnCommit = lambda *_: None,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """Open *path* (None: in memory), and bring it to the newest schema.

        Args:
            migrations: SQL scripts; the database remembers how many of them it has run.
            on_open: makes the first changes, in a transaction, once the schema is there.
            on_commit: called on the writer's thread after each group, and not in memory.
            max_waiting: how many changes may wait.

        Raises:
            StoreError: it cannot be opened, or comes from a newer antmediad.
        """
        self._path = path
        self._on_commit = on_commit
        self._max_waiting = max_waiting
        self._jobs: queue.SimpleQueue[_Job[Any]] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False
        with _translated(path), ExitStack() as opened:
            if path is None:
                connection = opened.enter_context(closing(_connect(":memory:")))
                _migrate(connection, migrations, path)
                self._read_connection = self._write_connection = connection
            else:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                # Created by us, so that it is private from its first byte.
                path.touch(mode=0o600, exist_ok=True)
                connection = opened.enter_context(closing(_connect(str(path))))
                _use_wal(connection)
                connection.execute("PRAGMA synchronous = FULL")
                # 16 MB, four times the default: pages of indexes that many groups change, each
                # in another place, are copied back to the file more seldom.
                connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
                _migrate(connection, migrations, path)
                with _transaction(connection):
                    on_open(connection)
                self._write_connection = connection
                self._read_connection = _connect_to_read(path)
            opened.pop_all()

    @classmethod
    def for_reading(cls, path: Path) -> Database:
        """Open an existing database that another process may be writing; `write` always fails.

        Raises:
            StoreError: it cannot be opened.
        """
        database = cls.__new__(cls)
        database._path = path
        database._writer = None
        database._lock = threading.Lock()
        database._closed = True
        with _translated(path):
            connection = _connect_to_read(path)
            database._read_connection = database._write_connection = connection
        return database

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Return the rows that *sql* selects, as tuples.

        Raises:
            StoreError: the database cannot be read.
        """
        try:
            return self._read_connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"cannot read {self._path or 'memory'}: {error}") from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads inside see one state of the database.

        Raises:
            StoreError: the database cannot be read.
        """
        with _translated(self._path):
            self._read_connection.execute("BEGIN")
        try:
            yield
        finally:
            with _translated(self._path):
                self._read_connection.execute("COMMIT")

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run *change* in a transaction, and return its result when that is durable.

        *change* runs on the writer's thread, or at once in memory; it sees the changes before
        it, and may run twice: when a change of the same group fails, the group is rolled back
        and each is run alone.

        Raises:
            StoreBusyError: too many changes wait.
            StoreError: nothing was changed; also what *change* raises itself.
        """
        if self._path is None:
            with _translated(None), _transaction(self._write_connection):
                return change(self._write_connection)
        loop = asyncio.get_running_loop()
        job: _Job[T] = _Job(change, loop, loop.create_future())
        with self._lock:
            if self._closed:
                raise StoreError(f"cannot write {self._path}: not open for writing")
            if self._jobs.qsize() >= self._max_waiting:
                raise StoreBusyError(f"cannot write {self._path}: too many changes wait")
            self._jobs.put(job)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_groups, daemon=True)
                self._writer.start()
        return await job.done

    async def close(self) -> None:
        """Finish the changes that were asked for, then close."""
        with self._lock:
            self._closed = True
            writer = self._writer
            if writer is not None:
                self._jobs.put(_STOP)
        if writer is not None:
            await asyncio.to_thread(writer.join)
        self._read_connection.close()
        self._write_connection.close()

    def _write_groups(self) -> None:
        while True:
            try:
                group = [self._jobs.get(timeout=IDLE_WRITER_S)]
            except queue.Empty:
                with self._lock:
                    if not self._jobs.empty():
                        continue
                    self._writer = None
                return
            with suppress(queue.Empty):
                while len(group) < MAX_GROUP and group[-1] is not _STOP:
                    group.append(self._jobs.get_nowait())
            jobs = [job for job in group if job is not _STOP]
            begun = time.perf_counter()
            if not self._commit(jobs) and len(jobs) > 1 and not _is_locked_out(jobs[0].error):
                for job in jobs:
                    self._commit([job])
            if jobs:
                self._on_commit(len(jobs), time.perf_counter() - begun)
            for loop in {job.loop for job in jobs}:
                of_loop = [job for job in jobs if job.loop is loop]
                # The loop may be gone with its process's last seconds; the data is safe.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(_answer, of_loop)
            if group[-1] is _STOP:
                return

    def _commit(self, jobs: list[_Job[Any]]) -> bool:
        """Run *jobs* in one transaction; tell whether it was committed."""
        try:
            with _translated(self._path), _transaction(self._write_connection):
                for job in jobs:
                    job.error = None
                    job.result = job.change(self._write_connection)
        except Exception as error:
            # Whatever a change raises belongs to whoever awaits it, not to this thread.
            for job in jobs:
                job.error = error
            return False
        return True


_STOP: _Job[Any] = _Job(lambda _: None, None, None)  # type: ignore[arg-type]


def _is_locked_out(error: BaseException | None) -> bool:
    """Tell whether another process keeps the database locked: then each would wait for long."""
    cause = error.__cause__ if error is not None else None
    return isinstance(cause, sqlite3.Error) and (
        getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    )


def _answer(jobs: list[_Job[Any]]) -> None:
    for job in jobs:
        if job.done.cancelled():
            continue
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _translated(path: Path | None) -> Iterator[None]:
    try:
        yield
    except AntmediadError:
        raise
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"cannot use {path or 'memory'}: {error}") from error


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; two processes that do so to a new file at once get in each other's way."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # SQLite gives up at once where waiting could be a deadlock.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _connect(database: str) -> sqlite3.Connection:
    return sqlite3.connect(
        database,
        uri=database.startswith("file:"),
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )


def _connect_to_read(path: Path) -> sqlite3.Connection:
    connection = _connect(f"{path.absolute().as_uri()}?mode=ro")
    try:
        # Opening reads nothing: this is what finds out that it is no database.
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, migrations: Sequence[str], path: Path | None) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == len(migrations):
        return
    with _transaction(connection):
        # Once more: another process may have been at it since.
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(migrations):
            raise StoreError(f"{path} has schema {version}, made by a newer antmediad")
        # Not by `executescript`, which would end the transaction.
        for statement in (one for script in migrations[version:] for one in _statements(script)):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")


def _statements(script: str) -> Iterator[str]:
    """Split a script; a semicolon inside a statement, as in a trigger, splits nothing."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip("; \n"):
        raise StoreError("a migration ends within a statement")
