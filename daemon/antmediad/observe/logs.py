"""Configures logging: one line an event, written by a thread of its own."""

from __future__ import annotations

import atexit
import copy
import logging
import os
import queue
import sys
from collections.abc import Mapping
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from typing import Literal, TextIO

from antmediad.observe.files import LogFile, LogFileHandler
from antmediad.observe.lines import (
    JournalFormatter,
    JsonFormatter,
    LineFormatter,
    event_of,
    fields_of,
)

Form = Literal["text", "json"]

MAX_WAITING_RECORDS = 10_000

LOG_NAME = "ant-media-server.log"
"""Everything; the names are those of Ant Media Server, which its tools and users know."""
ERROR_LOG_NAME = "antmedia-error.log"
"""Errors only."""

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


class _DroppingHandler(QueueHandler):
    """Puts records into a bounded queue; a reader of the log that stalls never stalls requests."""

    dropped = 0

    def __init__(
        self,
        waiting: queue.Queue[logging.LogRecord],
        *,
        with_fields: bool,
        marks: Mapping[str, object],
    ) -> None:
        super().__init__(waiting)
        self._waiting = waiting
        self._with_fields = with_fields
        self._marks = marks

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return *record* for another thread: its arguments may have changed by then."""
        return _settled(record, self._with_fields, self._marks)

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self.dropped += 1
            return
        if self.dropped and self._waiting.qsize() < MAX_WAITING_RECORDS // 2:
            dropped, self.dropped = self.dropped, 0
            logging.getLogger(__name__).warning("log lines dropped: count=%d", dropped)


def _settled(
    record: logging.LogRecord, with_fields: bool, marks: Mapping[str, object]
) -> logging.LogRecord:
    settled = copy.copy(record)
    if with_fields:
        fields = {**fields_of(record), **marks}
        settled.__dict__.update(event=event_of(record), fields=fields)
    ends = "".join(f" {name}={value}" for name, value in marks.items())
    settled.msg, settled.args = record.getMessage() + ends, None
    if record.exc_info:
        settled.exc_text = _TRACEBACKS.formatException(record.exc_info)
        settled.exc_info = None
    return settled


_TRACEBACKS = logging.Formatter()
_files: list[LogFile] = []


def configure_logs(
    level: str = "INFO",
    stream: TextIO | None = None,
    directory: Path | None = None,
    form: Form = "text",
    marks: Mapping[str, object] | None = None,
) -> None:
    """Send everything that antmediad logs to *stream*, standard error unless given.

    Args:
        level: one of `LEVELS`; an unknown one counts as INFO.
        form: of what goes to *stream*; the files are text.
        directory: where the log files are, made when it is missing; None for no files.
        marks: fields that every line has at its end.
    """
    marks = marks or {}
    stream = stream or sys.stderr
    writer = logging.StreamHandler(stream)
    if form == "json":
        writer.setFormatter(JsonFormatter())
    else:
        writer.setFormatter(JournalFormatter() if _is_journal(stream) else LineFormatter())
    handlers: list[logging.Handler] = [writer]
    _files.clear()
    if directory is not None:

        def tell(text: str, *arguments: object) -> None:
            # Not through the logger: the record would come to the file that does not work.
            told = logging.LogRecord(__name__, logging.WARNING, "", 0, text, arguments, None)
            writer.handle(_settled(told, form == "json", marks))

        for name, least in ((LOG_NAME, logging.NOTSET), (ERROR_LOG_NAME, logging.ERROR)):
            file = LogFile(directory / name, tell)
            to_file = LogFileHandler(file, least)
            to_file.setFormatter(LineFormatter())
            _files.append(file)
            # Before the stream, whose reader may stall.
            handlers.insert(0, to_file)
    handler = _DroppingHandler(
        queue.Queue(MAX_WAITING_RECORDS), with_fields=form == "json", marks=marks
    )
    listener = QueueListener(handler.queue, *handlers, respect_handler_level=True)
    listener.start()
    atexit.register(listener.stop)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # The libraries' own remarks on each request are no events of ours.
    root.setLevel(logging.WARNING)
    set_level(level)


def _is_journal(stream: TextIO) -> bool:
    """Tell whether *stream* goes to the journal, as systemd.exec(5) has it of JOURNAL_STREAM."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def set_level(level: str) -> None:
    """Log from *level* up; takes effect at once."""
    logging.getLogger("antmediad").setLevel(LEVELS.get(level.upper(), logging.INFO))


def retry_files() -> None:
    """Try log files that could not be written again with the next line."""
    for file in _files:
        file.retry()
