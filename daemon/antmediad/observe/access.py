"""The access log: one line a request, in a file of its own, written by a thread of its own."""

from __future__ import annotations

import logging
import time
from collections import deque
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from antmediad.observe.files import LogFile
from antmediad.observe.lines import printable

logger = logging.getLogger(__name__)

FLUSH_S = 0.25
"""How often lines are written."""
MAX_WAITING = 20_000
MAX_PATH = 1000
STOP_S = 5.0

_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"'})


class Access(NamedTuple):
    """One request and how it was answered.

    Attributes:
        at: when it was answered, seconds since 1970.
        client: the address; several when a proxy named several.
        application: empty when it was for none.
        path: without the query, in which some clients send tokens.
        version: of HTTP.
        size: of the answer's body, bytes.
        reason: why it was refused, empty when it was not.
    """

    at: float
    client: str
    application: str
    method: str
    path: str
    version: str
    status: int
    size: int
    took_s: float
    reason: str


class AccessLog:
    """Writes what it is given to a file, while it is switched on.

    When lines come faster than they can be written, some are left out, and the log says so.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: deque[Access] = deque()
        self._left_out = 0
        self._stop = Event()
        self._thread: Thread | None = None

    def switch(self, on: bool) -> bool:
        """Begin or end to write, and return *on*; what was added before is written still."""
        if on and self._thread is None:
            self._stop = Event()
            self._thread = Thread(
                target=self._write, args=(self._stop,), name="access-log", daemon=True
            )
            self._thread.start()
        elif not on and self._thread is not None:
            self._stop.set()
            self._thread = None
        return on

    def add(self, access: Access) -> None:
        """Write a line soon; for one thread."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(access)
        else:
            self._left_out += 1

    def close(self) -> None:
        """End to write; returns when everything is written, or after `STOP_S`."""
        thread = self._thread
        self.switch(False)
        if thread is not None:
            thread.join(STOP_S)

    def _write(self, stop: Event) -> None:
        # One of its own: a thread that ends may still write when the next one begins.
        file = LogFile(self._path, logger.warning)
        try:
            is_last = False
            while not is_last:
                is_last = stop.wait(FLUSH_S)
                self._write_waiting(file)
        finally:
            file.close()

    def _write_waiting(self, file: LogFile) -> None:
        lines: list[str] = []
        while self._waiting and len(lines) < MAX_WAITING:
            lines.append(line_of(self._waiting.popleft()))
        if lines:
            file.write("".join(lines).encode(), len(lines))
        if self._left_out:
            left_out, self._left_out = self._left_out, 0
            logger.warning("access log lines left out: count=%d", left_out)


def line_of(access: Access) -> str:
    """Return the line: the Common Log Format, and after it what that has no place for."""
    at = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(access.at))
    method, path = (
        printable(text.translate(_QUOTED)) for text in (access.method, access.path[:MAX_PATH])
    )
    return (
        f'{printable(access.client) or "-"} - - [{at}] "{method} {path} HTTP/{access.version}"'
        f" {access.status} {access.size} application={access.application or '-'}"
        f" ms={access.took_s * 1000:.2f} reason={access.reason or '-'}\n"
    )
