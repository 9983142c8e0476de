"""Follows a home directory: each change on disk becomes a reload of what it concerns."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass

from antmediad.applications.home import exists, find_applications, is_application_name
from antmediad.applications.read import Signature, signature_of, stat_signature
from antmediad.applications.registry import Registry
from antmediad.applications.settings_file import SERVER, AnyFile
from antmediad.applications.trail import steps
from antmediad.applications.watch import ANY, Change, Role, Watch, is_remote
from antmediad.applications.watches import Watches

logger = logging.getLogger(__name__)

LARGE_BYTES = 16 * 1024
"""From this size on a file is parsed on another thread."""
SLICE_S = 0.005
"""For how long files are reloaded at a time, before requests get their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How long the reloader waits for what, in seconds.

    Attributes:
        settle_s: from an event to the reload: an editor's rename and its clean-up are one change.
        gone_s: for a file that is gone or empty, before that is an error: editors replace files.
        new_s: for a file in a directory that was not watched before to stay as it is, for nothing
            is known of its writer.
        writing_s: for a writer that does not close its file, from its last write.
        poll_s: between two looks at what cannot be watched.
        sweep_s: between two looks at everything.
    """

    settle_s: float = 0.002
    gone_s: float = 0.1
    new_s: float = 0.05
    writing_s: float = 1.0
    poll_s: float = 0.5
    sweep_s: float = 10.0


# Owners of watches beside the applications and the server; no application can be named so.
_WEBAPPS = "*"
"""Wants to know what comes and goes in the directory of the applications."""
_HOME = "/"
"""Wants to know when that directory itself comes, goes, or is another one."""


class Reloader:
    """Keeps a registry in step with the files.

    Where inotify does not work (its limits, remote file systems), files are looked at every
    `Periods.poll_s` seconds; everything is looked at every `Periods.sweep_s` seconds in any case.
    """

    def __init__(
        self,
        registry: Registry,
        open_watch: Callable[..., Watch] = Watch,
        periods: Periods | None = None,
        remote: Callable[[str], bool] = is_remote,
    ) -> None:
        """Follow the home of *registry*.

        Args:
            open_watch: makes the watch, and may fail.
            remote: tells whether a path is where changes made elsewhere raise no event.
        """
        self._registry = registry
        self._home = registry.home
        self._webapps = os.path.abspath(self._home.webapps)
        self._periods = periods or Periods()
        self._watches = Watches(
            lambda: open_watch(self._on_change, self.rescan),
            self._webapps,
            remote,
            self._periods.poll_s,
        )
        self._due: dict[str, tuple[float, asyncio.TimerHandle]] = {}
        self._ready: deque[str] = deque()
        self._aside: dict[str, bool] = {}
        self._aside_turn = asyncio.Lock()
        self._writing_until: dict[str, float] = {}
        self._missed_since: dict[str, float] = {}
        self._arriving: dict[str, Signature] = {}
        self._looked: dict[str, tuple[Signature, ...]] = {}
        self._listed = True
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def load(self) -> None:
        """Read everything once, without watching it.

        An application on record whose file is gone is one still, as long as its directory is
        there: it is to be refused or guarded as before, not to be unknown.

        Raises:
            OSError: the directory of the applications cannot be read.
        """
        names = find_applications(self._home)
        names |= {name for name in self._registry.recorded() if not self._is_removed(name)}
        for name in (SERVER, *sorted(names)):
            if self._registry.reload(name) == "kept":
                self._registry.restore(name)

    def start(self) -> None:
        """Begin to follow, on the running event loop, and load everything.

        Raises:
            OSError: the directory of the applications cannot be read.
        """
        self._watches.start()
        # Watched before it is read: what changes in between is seen twice, not never.
        self._watch_webapps()
        for name in (SERVER, *self._names()):
            self._watch_file(name)
        self.load()
        for file in self._registry.files():
            self._after_reload(file.name)
        self._spawn(self._poll())
        self._spawn(self._sweep())

    async def close(self) -> None:
        """Stop following."""
        self._closed = True
        self._watches.close()
        for _, handle in self._due.values():
            handle.cancel()
        self._due.clear()
        self._ready.clear()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def rescan(self) -> None:
        """Look at everything, whatever the status of the files says."""
        if self._closed:
            return
        self._watch_webapps()
        names: list[str] = []
        try:
            names = self._names()
        except OSError as error:
            self._tell_unlisted(error)
        else:
            self._listed = True
        for name in (SERVER, *{*names, *self._registry.applications}):
            self._schedule(name, 0)

    # What happens on disk

    def _on_change(self, owner: str, name: str, change: Change) -> None:
        if owner == _HOME:
            self._schedule(_HOME)
        elif owner == _WEBAPPS:
            if is_application_name(name):
                self._schedule(name)
            elif not name:
                self._schedule(_HOME)
        elif change is Change.WRITING:
            self._writing_until[owner] = time.monotonic() + self._periods.writing_s
            self._schedule(owner, self._periods.writing_s)
        else:
            if change is Change.WRITTEN:
                self._writing_until.pop(owner, None)
            self._schedule(owner)

    def _schedule(self, name: str, after_s: float | None = None) -> None:
        if after_s is None:
            after_s = self._periods.settle_s
        loop = asyncio.get_running_loop()
        when = loop.time() + after_s
        if name in self._due:
            due, handle = self._due[name]
            # A reload that is due as soon has not read anything yet: it will see this change.
            if due <= when:
                return
            handle.cancel()
        self._due[name] = when, loop.call_later(after_s, self._make_ready, name)

    def _make_ready(self, name: str) -> None:
        self._ready.append(name)
        if len(self._ready) == 1:
            asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        """Reload what is ready, in slices: a thousand files at once must not stall requests."""
        until = time.monotonic() + SLICE_S
        try:
            while self._ready:
                name = self._ready[0]
                self._due.pop(name, None)
                try:
                    self._reload(name)
                finally:
                    # Only now, so that nobody else begins to work in between.
                    self._ready.popleft()
                if time.monotonic() >= until:
                    break
        finally:
            if self._ready:
                asyncio.get_running_loop().call_soon(self._work)

    def _reload(self, name: str) -> None:
        if name == _HOME:
            self.rescan()
            return
        wait_s = self._writing_until.get(name, 0.0) - time.monotonic()
        if wait_s > 0:
            # Torn: the writer closes the file, or is silent for long enough.
            self._schedule(name, wait_s)
            return
        self._writing_until.pop(name, None)
        if name in self._aside:
            self._aside[name] = True
            return
        # Watched before it is read, so that no change falls between the two.
        is_new = self._watch_file(name)
        if not self._is_there(name):
            return
        try:
            status = os.stat(self._path_of(name))
        except OSError:
            status = None
        if status is not None and not self._has_arrived(name, is_new, signature_of(status)):
            return
        size = status.st_size if status is not None else 0
        if not size and not self._is_missed(name):
            return
        if size:
            self._missed_since.pop(name, None)
        if size >= LARGE_BYTES:
            self._aside[name] = False
            self._spawn(self._reload_aside(name))
        else:
            self._registry.reload(name)
            self._after_reload(name)

    def _is_there(self, name: str) -> bool:
        """Tell whether there is a file to look at, or to miss; what was removed is forgotten."""
        if self._is_removed(name):
            if self._file(name) is None or self._is_missed(name):
                self._forget(name)
            return False
        return self._file(name) is not None or exists(self._path_of(name))

    def _is_missed(self, name: str) -> bool:
        """Tell whether what is gone or empty is so for too long; look again later if not."""
        since = self._missed_since.setdefault(name, time.monotonic())
        wait_s = since + self._periods.gone_s - time.monotonic()
        if wait_s > 0:
            self._schedule(name, wait_s)
        return wait_s <= 0

    def _has_arrived(self, name: str, is_new: bool, signature: Signature) -> bool:
        """Tell whether a file was watched, or stayed as it is, for long enough to be whole.

        Whoever copies it here may have begun before it was watched.
        """
        if is_new or name in self._arriving or self._file(name) is None:
            if self._arriving.get(name) != signature:
                self._arriving[name] = signature
                is_polled = name in self._watches.polled
                self._schedule(name, self._periods.poll_s if is_polled else self._periods.new_s)
                return False
            del self._arriving[name]
        return True

    async def _reload_aside(self, name: str) -> None:
        try:
            # One at a time: threads that parse take their turns from the event loop's.
            async with self._aside_turn:
                await self._registry.reload_aside(name)
        finally:
            again = self._aside.pop(name)
        if again:
            self._schedule(name, 0)
        self._after_reload(name)

    def _after_reload(self, name: str) -> None:
        file = self._file(name)
        # A reference may have changed between being read and being watched.
        if file is None or not file.references:
            return
        before = self._watches.of(name)
        self._watch_file(name)
        if not self._watches.of(name) <= before:
            self._schedule(name)

    def _forget(self, name: str) -> None:
        self._registry.remove(name)
        self._watches.forget(name)
        for of_names in (
            self._writing_until,
            self._missed_since,
            self._arriving,
            self._looked,
        ):
            of_names.pop(name, None)

    def _is_removed(self, name: str) -> bool:
        """Tell whether the directory of an application is gone, as opposed to out of reach."""
        if name == SERVER:
            return False
        try:
            mode = os.lstat(os.path.join(self._webapps, name)).st_mode
        except FileNotFoundError:
            return os.path.isdir(self._webapps)
        except OSError:
            return False
        return not (stat.S_ISDIR(mode) or stat.S_ISLNK(mode))

    def _names(self) -> list[str]:
        """Return the names in ``webapps`` that can be applications.

        Raises:
            OSError: it cannot be read.
        """
        return [name for name in os.listdir(self._webapps) if is_application_name(name)]

    def _path_of(self, name: str) -> str:
        home = self._home
        path = home.server_properties if name == SERVER else home.properties_of(name)
        return os.path.abspath(path)

    def _file(self, name: str) -> AnyFile | None:
        return self._registry.server if name == SERVER else self._registry.applications.get(name)

    # Watching

    def _watch_webapps(self) -> None:
        self._watches.follow(_HOME, steps(self._webapps), role=Role.STRUCTURE)
        self._watches.follow(_WEBAPPS, [(self._webapps, ANY, True)], role=Role.STRUCTURE)

    def _watch_file(self, name: str) -> bool:
        """Watch what leads to the file of *name*; tell whether some of that was not watched."""
        # Below the home for the server: conf may not be there yet.
        base = os.path.dirname(self._webapps) if name == SERVER else self._webapps
        file = self._file(name)
        references = file.references if file is not None else ()
        return self._watches.follow(
            name,
            steps(self._path_of(name), base),
            *(steps(os.path.abspath(reference)) for reference in references),
        )

    # Looking, for what watching does not tell

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._periods.poll_s)
            if _WEBAPPS in self._watches.polled or _HOME in self._watches.polled:
                self._find()
            await self._look_at(self._watches.polled.keys() - {_WEBAPPS, _HOME}, twice=True)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._periods.sweep_s)
            self._watches.start()
            self._watch_webapps()
            for position, name in enumerate(tuple(self._watches.polled)):
                if position % 50 == 49:
                    await asyncio.sleep(0)
                if name in self._watches.polled and name not in (_WEBAPPS, _HOME):
                    self._watch_file(name)
            self._find()
            names = {file.name for file in self._registry.files()}
            await self._look_at(names - self._watches.polled.keys())

    def _find(self) -> None:
        """Compare the applications that are there with those that are known."""
        try:
            found = find_applications(self._home)
        except OSError as error:
            # Not "all removed": a file system that went away may come back.
            self._tell_unlisted(error)
            return
        self._listed = True
        known = self._registry.applications.keys()
        for name in found - known:
            self._schedule(name, 0)
        for name in known - found:
            if self._is_removed(name):
                self._schedule(name, 0)

    def _tell_unlisted(self, error: OSError) -> None:
        if self._listed:
            logger.warning("applications not listed: error=%s", error.strerror)
        self._listed = False

    async def _look_at(self, names: Iterable[str], *, twice: bool = False) -> None:
        """Reload the files that changed; those looked at *twice* when they stay as they are.

        Nothing else tells of a polled file whether somebody is still writing it.
        """
        for position, name in enumerate(names):
            if position % 50 == 49:
                await asyncio.sleep(0)
            file = self._file(name)
            if file is None or not file.has_changed():
                self._looked.pop(name, None)
                continue
            if twice:
                look = (stat_signature(file.path), *map(stat_signature, file.references))
                if self._looked.get(name) != look:
                    self._looked[name] = look
                    continue
            self._schedule(name, 0)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
