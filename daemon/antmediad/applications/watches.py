"""What is watched for whom; and what cannot be, which is then polled."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterable

from antmediad.applications.trail import Step
from antmediad.applications.watch import Entry, Role, Watch

logger = logging.getLogger(__name__)


class Watches:
    """The steps that lead to files, watched for owners.

    Attributes:
        polled: why, by owner: those of whom not everything can be watched.
    """

    def __init__(
        self,
        open_watch: Callable[[], Watch],
        webapps: str,
        is_remote: Callable[[str], bool],
        poll_s: float,
    ) -> None:
        """Watch nothing yet.

        Args:
            open_watch: makes the watch, and may fail with OSError.
            webapps: the directory whose every entry is watched, so that none of an owner's own
                name has to be.
            is_remote: tells whether a path is where changes made elsewhere raise no event.
            poll_s: between two looks at what is polled, seconds; for the log.
        """
        self.polled: dict[str, str] = {}
        self._open_watch = open_watch
        self._webapps = webapps
        self._is_remote = is_remote
        self._poll_s = poll_s
        self._watch: Watch | None = None
        self._unwatchable = ""
        self._watched: dict[str, frozenset[Entry]] = {}
        self._devices: dict[int, str] = {}

    def start(self) -> None:
        """Begin to watch, on the running event loop, unless that was possible before."""
        if self._watch is not None:
            return
        watch: Watch | None = None
        try:
            watch = self._open_watch()
            watch.start()
        except OSError as error:
            self._unwatchable = error.strerror or str(error)
            if watch is not None:
                watch.close()
        else:
            self._watch = watch

    def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def of(self, owner: str) -> frozenset[Entry]:
        """Return what is watched for *owner*."""
        return self._watched.get(owner, frozenset())

    def follow(self, owner: str, *trails: Iterable[Step], role: Role = Role.CONTENTS) -> bool:
        """Watch the steps of *trails* for *owner*, the last ones for *role*, and nothing else.

        Where that is not possible, poll.  Tells whether some of the first trail is new.
        """
        before = self.of(owner)
        entries: set[Entry] = set()
        trouble = ""
        is_new = False
        for position, trail in enumerate(trails):
            for step in trail:
                entry, trouble_here = self._add(owner, step, role)
                trouble = trouble or trouble_here
                if entry is not None:
                    entries.add(entry)
                    is_new = is_new or (position == 0 and entry not in before)
        self._remove(owner, before - entries)
        self._watched[owner] = frozenset(entries)
        self._set_polled(owner, trouble)
        return is_new

    def forget(self, owner: str) -> None:
        """Watch and poll nothing for *owner* any more."""
        self._remove(owner, self._watched.pop(owner, frozenset()))
        self.polled.pop(owner, None)

    def _remove(self, owner: str, entries: Iterable[Entry]) -> None:
        if self._watch is not None:
            for entry in entries:
                self._watch.remove(owner, entry)

    def _add(self, owner: str, step: Step, role: Role) -> tuple[Entry | None, str]:
        """Return the entry, if there is something to watch, and why to poll, if so."""
        directory, name, is_last = step
        if self._watch is None:
            return None, self._unwatchable
        if directory == self._webapps and name == owner:
            return None, ""
        try:
            entry = self._watch.add(owner, directory, name, role if is_last else Role.STRUCTURE)
        except (FileNotFoundError, NotADirectoryError):
            # The step before tells when it comes.
            return None, ""
        except OSError as error:
            reason = error.strerror or str(error)
            return None, reason if error.errno == errno.ENOSPC else f"{reason}: {directory}"
        return entry, self._remoteness_of(directory)

    def _remoteness_of(self, directory: str) -> str:
        """Return why changes in *directory* may raise no event; the same for all of a device."""
        try:
            device = os.stat(directory).st_dev
        except OSError:
            return ""
        if device not in self._devices:
            is_remote = self._is_remote(directory)
            self._devices[device] = f"remote file system: {directory}" if is_remote else ""
        return self._devices[device]

    def _set_polled(self, owner: str, trouble: str) -> None:
        if not trouble:
            if self.polled.pop(owner, "") and not self.polled:
                logger.info("watching works again: nothing is polled")
        elif trouble != self.polled.get(owner):
            if trouble not in self.polled.values():
                logger.warning(
                    "watching falls back to polling: every=%gs error=%s", self._poll_s, trouble
                )
            self.polled[owner] = trouble
