"""Changes a properties file for a client of the daemon, and puts the change in force."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from antmediad.applications.home import READ_ONLY
from antmediad.applications.read import read_file
from antmediad.applications.registry import Registry
from antmediad.applications.reload import LARGE_BYTES
from antmediad.applications.settings_file import SERVER, AnyFile
from antmediad.applications.write import (
    NO_FILE,
    changed_keys,
    check_change,
    digest_of,
    write_settings,
)
from antmediad.errors import (
    Problem,
    SettingsConflictError,
    SettingsError,
    SettingsWriteError,
    StoreError,
)
from antmediad.store.history import History, Version

logger = logging.getLogger(__name__)

ATTEMPTS = 10
"""How often a change is made anew on a file that others change, if any version will do."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that was made.

    Attributes:
        before: digest of the file as it was; `write.NO_FILE` when there was none.
        after: digest of the file now; the same when there was nothing to change.
        generation: the one in force now, 0 when none is.
        keys: what differs between the two, as spelled in the file.
        problems: warnings that concern what was changed, or were not there before; and errors
            that were there before and stay, for which the file is not in force.
    """

    before: str
    after: str
    generation: int
    keys: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    before: str
    content: bytes
    after: str
    keys: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


async def change_settings(  # noqa: PLR0913 - who changes what where, from what
    registry: Registry,
    history: History | None,
    name: str,
    change: Callable[[bytes], bytes],
    *,
    expected_digest: str | None,
    source: str,
    actor: str,
) -> Changed:
    """Change the file of *name* and put it in force; when this returns, it is.

    Changes of one file are made one after the other, and each goes on to its end when its caller
    is cancelled.

    Args:
        history: is told who makes the change; None for nobody.
        name: an application's, or `registry.SERVER`.
        change: returns the new file; called on a thread, and perhaps more than once.
        expected_digest: of the file that the change was made for, `write.NO_FILE` for none.  None
            takes any, and what others write meanwhile is changed, not overwritten.
        source: where the change comes from, such as ``api``.
        actor: who makes it.

    Raises:
        SettingsConflictError: the file is not the expected one; nothing was changed.
        SettingsWriteError: it cannot be written, or the home is read only; nothing was changed.
        SettingsError: there is no such file, it cannot be read, or the daemon would refuse the
            change; nothing was changed.
    """
    if registry.home.read_only:
        raise SettingsWriteError(READ_ONLY)
    file = registry.server if name == SERVER else registry.applications.get(name)
    if file is None:
        raise _refused("there is no such application")
    followed = file

    async def make() -> Changed:
        attempts = ATTEMPTS if expected_digest is None else 1
        async with followed.turn:
            while True:
                attempts -= 1
                plan = await asyncio.to_thread(_plan, registry, followed, change, expected_digest)
                try:
                    return await _make(registry, history, followed, plan, source, actor)
                except SettingsConflictError:
                    if not attempts:
                        raise

    return await asyncio.shield(make())


def _plan(
    registry: Registry,
    file: AnyFile,
    change: Callable[[bytes], bytes],
    expected_digest: str | None,
) -> _Plan:
    """Read and check."""
    before, digest = _read(file)
    if expected_digest not in (None, digest):
        raise SettingsConflictError
    after = change(before)
    if after == before:
        return _Plan(digest, after, digest)

    def check(content: bytes) -> tuple[Problem, ...]:
        return registry.check(file.name, content)

    problems = check_change(before, after, check)
    changed = changed_keys(before, after)
    known = {(problem.key, problem.message) for problem in check(before)}
    telling = tuple(
        problem
        for problem in problems
        if problem.severity == "error"
        or problem.key in changed
        or (problem.key, problem.message) not in known
    )
    return _Plan(digest, after, digest_of(after), tuple(sorted(changed)), telling)


def _read(file: AnyFile) -> tuple[bytes, str]:
    try:
        content, _ = read_file(file.path)
    except FileNotFoundError:
        # Of a file that is gone only the daemon knows what was in it: a new one would lose that.
        if (
            file.name == SERVER
            and not file.errors
            and (not file.snapshot or not file.snapshot.digest)
        ):
            return b"", NO_FILE
        raise _refused("the file is gone; expected it back before it is changed") from None
    except OSError as error:
        raise _refused(f"the file cannot be read: {error.strerror or error}") from error
    return content, digest_of(content)


async def _make(  # noqa: PLR0913 - see change_settings
    registry: Registry,
    history: History | None,
    file: AnyFile,
    plan: _Plan,
    source: str,
    actor: str,
) -> Changed:
    if plan.after == plan.before:
        return Changed(plan.before, plan.after, file.generation)
    note = Version(file.name, 0, time.time(), source, plan.after, False, actor)
    await announce(history, note)
    generation = file.generation
    try:
        await asyncio.to_thread(write_settings, file.path, plan.content, plan.before)
    except BaseException:
        await withdraw(history, note)
        raise
    await _reload(registry, file, plan)
    if file.generation == generation and file.state == "active":
        # Only comments and the like differ.  Whoever writes this file once more is another one.
        await withdraw(history, note)
    return Changed(plan.before, plan.after, file.generation, plan.keys, plan.problems)


async def _reload(registry: Registry, file: AnyFile, plan: _Plan) -> None:
    if len(plan.content) >= LARGE_BYTES:
        for _ in range(ATTEMPTS):
            reading = file.reading + 1
            await registry.reload_aside(file.name)
            if file.reading == reading:
                return
            # Whoever follows the file has begun to read it meanwhile, and that reading counts.
            if file.snapshot is not None and file.snapshot.digest == plan.after:
                return
    registry.reload(file.name)


async def announce(history: History | None, note: Version) -> None:
    """Tell *history* who is about to make a change, as far as it can be told."""
    if history is None:
        return
    try:
        await history.announce(note)
    except StoreError as error:
        # A change that closes a guard must not wait for somebody to free the disk.
        logger.warning(
            "change not announced: application=%s source=%s error=%s",
            note.application,
            note.source,
            error,
        )


async def withdraw(history: History | None, note: Version) -> None:
    """Take back what `announce` told."""
    if history is not None:
        with suppress(StoreError):
            await history.withdraw(note.application, note.digest)


def _refused(message: str) -> SettingsError:
    return SettingsError((Problem("error", message),))
