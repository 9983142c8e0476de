"""Follows a home directory: each change on disk becomes a reload of what it concerns."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path

from antmediad.applications.home import (
    WEB_INF,
    find_applications,
    is_application_name,
)
from antmediad.applications.registry import SERVER, AnyFile, Registry
from antmediad.applications.watch import Change, Role, Watch, is_remote

logger = logging.getLogger(__name__)

SETTLE_S = 0.002
"""From an event to the reload: an editor's rename and its clean-up are one change."""
GONE_S = 0.1
"""How long a file may be gone or empty before that is an error: editors replace files."""
NEW_S = 0.05
"""How old the file of a new application must be: nothing is known of its writer."""
WRITING_S = 1.0
"""How long a writer that does not close its file is waited for, from its last write."""
POLL_S = 0.5
SWEEP_S = 10.0
LARGE_BYTES = 128 * 1024
"""From this size on a file is parsed on another thread."""

_WEBAPPS = "*"
"""Owner of the watches on the directory of the applications; no application can be named so."""


class Reloader:
    """Keeps a registry in step with the files.

    Where inotify does not work (its limits, remote file systems), files are looked at every
    `POLL_S` seconds; everything is looked at every `SWEEP_S` seconds in any case.
    """

    def __init__(
        self,
        registry: Registry,
        open_watch: Callable[..., Watch] = Watch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Follow the home of *registry*; *open_watch* makes the watch, and may fail."""
        self._registry = registry
        self._home = registry.home
        self._open_watch = open_watch
        self._clock = clock
        self._watch: Watch | None = None
        self._watched: defaultdict[str, set[int]] = defaultdict(set)
        self._polled: set[str] = set()
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._writing_until: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def load(self) -> None:
        """Read everything once, without watching it.

        Raises:
            OSError: the directory of the applications cannot be read.
        """
        for name in (SERVER, *sorted(find_applications(self._home))):
            if self._registry.reload(name) == "kept":
                self._registry.restore(name)

    def start(self) -> None:
        """Begin to follow, on the running event loop, and load everything.

        Raises:
            OSError: the directory of the applications cannot be read.
        """
        try:
            self._watch = self._open_watch(self._on_change, self.rescan)
            self._watch.start()
        except OSError as error:
            logger.warning(
                "watching falls back to polling: every=%gs error=%s", POLL_S, error.strerror
            )
        if self._watch is not None and is_remote(self._home.path):
            logger.warning(
                "watching falls back to polling: every=%gs error=remote file system", POLL_S
            )
            self._watch.close()
            self._watch = None
        # Watched before it is read: what changes in between is seen twice, not never.
        self._watch_webapps()
        for name in filter(is_application_name, os.listdir(self._home.webapps)):
            self._watch_files(name, ())
        self._watch_files(SERVER, ())
        self.load()
        for file in self._registry.files():
            if file.references or os.path.islink(file.path):
                self._watch_files(file.name, file.references)
        self._spawn(self._poll())
        self._spawn(self._sweep())

    async def close(self) -> None:
        """Stop following."""
        for handle in self._due.values():
            handle.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._watch is not None:
            self._watch.close()

    def rescan(self) -> None:
        """Look at everything, whatever the status of the files says."""
        self._watch_webapps()
        self._find(look=True)

    def _find(self, *, look: bool) -> None:
        """Compare the applications that are there with those that are known."""
        try:
            found = find_applications(self._home)
        except OSError as error:
            # Not "all removed": a file system that went away may come back.
            logger.warning("applications not listed: error=%s", error.strerror)
            return
        known = self._registry.applications.keys()
        for name in (found - known) | self._removed(known - found):
            self._schedule(name, 0)
        if look:
            for name in (SERVER, *(found & known)):
                self._schedule(name, 0)

    def _removed(self, names: Iterable[str]) -> set[str]:
        return {name for name in names if not (self._home.webapps / name).is_dir()}

    def _on_change(self, owner: str, role: Role, name: str, change: Change) -> None:
        if owner == _WEBAPPS:
            if is_application_name(name):
                self._schedule(name)
            elif not name:
                # The directory of the applications itself went, or came back.
                asyncio.get_running_loop().call_later(SETTLE_S, self.rescan)
        elif role is Role.STRUCTURE:
            if name in (WEB_INF, self._home.server_properties.parent.name, ""):
                self._schedule(owner)
        elif change is Change.ENTRY:
            # Any entry: the file may be reached through links such as Kubernetes' ..data.
            self._schedule(owner)
        elif self._is_ours(owner, name):
            if change is Change.WRITING:
                self._writing_until[owner] = self._clock() + WRITING_S
            else:
                self._writing_until.pop(owner, None)
                self._schedule(owner)

    def _is_ours(self, owner: str, name: str) -> bool:
        path = self._path_of(owner)
        if name in (path.name, os.path.basename(os.path.realpath(path))):
            return True
        file = self._file(owner)
        return file is not None and any(name == path.name for path in file.references)

    def _file(self, name: str) -> AnyFile | None:
        return self._registry.server if name == SERVER else self._registry.applications.get(name)

    def _schedule(self, name: str, after_s: float = SETTLE_S) -> None:
        loop = asyncio.get_running_loop()
        due = self._due.get(name)
        if due is not None:
            # A reload that is due as soon has not read anything yet: it will see this change.
            if due.when() <= loop.time() + after_s:
                return
            due.cancel()
        self._due[name] = loop.call_later(after_s, self._reload, name)

    def _reload(self, name: str, *, patient: bool = True) -> None:
        del self._due[name]
        wait_s = self._writing_until.get(name, 0.0) - self._clock()
        if wait_s > 0:
            # Torn: the writer closes the file, or is silent for long enough.
            self._schedule(name, wait_s)
            return
        self._writing_until.pop(name, None)
        # Watched before it is read, so that no change falls between the two.
        self._watch_files(name, ())
        path = self._path_of(name)
        if name != SERVER and not os.path.lexists(path):
            if not path.parent.parent.is_dir():
                self._forget(name)
                return
            if name not in self._registry.applications:
                return
        try:
            status = os.stat(path)
        except OSError:
            status = None
        size = status.st_size if status is not None else 0
        is_new = name != SERVER and name not in self._registry.applications
        if is_new and status is not None and time.time() - status.st_mtime < NEW_S:
            # Whoever copies it here may have begun before it was watched.
            self._schedule(name, NEW_S)
        elif not size and patient:
            self._due[name] = asyncio.get_running_loop().call_later(
                GONE_S, lambda: self._reload(name, patient=False)
            )
        elif size > LARGE_BYTES:
            self._spawn(self._reload_aside(name))
        else:
            self._registry.reload(name)
            self._follow_references(name)

    def _path_of(self, name: str) -> Path:
        return self._home.server_properties if name == SERVER else self._home.properties_of(name)

    async def _reload_aside(self, name: str) -> None:
        await self._registry.reload_aside(name)
        self._follow_references(name)

    def _follow_references(self, name: str) -> None:
        file = self._file(name)
        if file is not None and file.references:
            self._watch_files(name, file.references)

    def _forget(self, name: str) -> None:
        self._registry.remove(name)
        self._polled.discard(name)
        self._writing_until.pop(name, None)
        for number in self._watched.pop(name, ()):
            if self._watch is not None:
                self._watch.remove(name, number)

    def _watch_webapps(self) -> None:
        self._set_watches(_WEBAPPS, {self._home.webapps: Role.STRUCTURE})

    def _watch_files(self, name: str, references: Iterable[Path]) -> None:
        """Watch the directories in which a change concerns *name*."""
        path = self._path_of(name)
        directories = {path.parent.parent: Role.STRUCTURE, path.parent: Role.CONTENTS}
        for file in (path, *references):
            if file is not path or os.path.islink(path):
                directories[file.parent] = Role.CONTENTS
                directories[Path(os.path.realpath(file)).parent] = Role.CONTENTS
        self._set_watches(name, directories)

    def _set_watches(self, owner: str, directories: dict[Path, Role]) -> None:
        if self._watch is None:
            self._polled.add(owner)
            return
        numbers = set()
        try:
            for directory, role in directories.items():
                try:
                    numbers.add(self._watch.add(owner, directory, role))
                except (FileNotFoundError, NotADirectoryError, PermissionError):
                    # Its parent is watched, and tells when it comes or can be read.
                    continue
            if owner in self._polled:
                self._polled.discard(owner)
        except OSError as error:
            if not self._polled:
                logger.warning(
                    "watching falls back to polling: every=%gs error=%s", POLL_S, error.strerror
                )
            self._polled.add(owner)
        for number in self._watched[owner] - numbers:
            self._watch.remove(owner, number)
        self._watched[owner] = numbers

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            if self._polled:
                if _WEBAPPS in self._polled:
                    self._find(look=False)
                await self._look_at(self._polled - {_WEBAPPS})

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._find(look=False)
            await self._look_at({file.name for file in self._registry.files()})

    async def _look_at(self, names: Iterable[str]) -> None:
        for position, name in enumerate(names):
            if position % 50 == 49:
                await asyncio.sleep(0)
            file = self._file(name)
            if file is None or file.has_changed():
                self._schedule(name)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
