"""Configures logging: one line an event, written by a thread of its own."""

from __future__ import annotations

import atexit
import logging
import queue
import re
import sys
import time
from logging.handlers import QueueHandler, QueueListener
from typing import TextIO

MAX_WAITING_RECORDS = 10_000

# What could start a line of its own, or steer a terminal that shows the log.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# red5.properties names the levels of logback (settings.md, section 11 of the contract).
LEVELS = {
    "ALL": logging.DEBUG,
    "TRACE": logging.DEBUG,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "OFF": logging.CRITICAL + 1,
}


class LineFormatter(logging.Formatter):
    """``2026-11-21T20:47:03.123Z INFO settings in force: application=LiveApp``, in UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line; what comes from outside cannot add a second one."""
        return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], super().formatMessage(record))


class _DroppingHandler(QueueHandler):
    """Puts records into a bounded queue; a reader of the log that stalls never stalls requests."""

    dropped = 0

    def __init__(self, waiting: queue.Queue[logging.LogRecord]) -> None:
        super().__init__(waiting)
        self._waiting = waiting

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self.dropped += 1
            return
        if self.dropped and self._waiting.qsize() < MAX_WAITING_RECORDS // 2:
            dropped, self.dropped = self.dropped, 0
            logging.getLogger(__name__).warning("log lines dropped: count=%d", dropped)


def configure_logs(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send everything that antmediad logs to *stream*, standard error unless given.

    Args:
        level: one of `LEVELS`; an unknown one counts as INFO.
    """
    writer = logging.StreamHandler(stream or sys.stderr)
    writer.setFormatter(LineFormatter())
    handler = _DroppingHandler(queue.Queue(MAX_WAITING_RECORDS))
    listener = QueueListener(handler.queue, writer)
    listener.start()
    atexit.register(listener.stop)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # The libraries' own remarks on each request are no events of ours.
    root.setLevel(logging.WARNING)
    set_level(level)


def set_level(level: str) -> None:
    """Log from *level* up; takes effect at once."""
    logging.getLogger("antmediad").setLevel(LEVELS.get(level.upper(), logging.INFO))
