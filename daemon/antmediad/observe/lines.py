"""Log records as lines."""

from __future__ import annotations

import logging
import re
import time

# What could start a line of its own, or steer a terminal that shows the log.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def printable(text: str) -> str:
    """Return *text* with escapes for what is no character to be shown; always valid UTF-8."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


class LineFormatter(logging.Formatter):
    """``2026-11-21T20:47:03.123Z INFO settings in force: application=LiveApp``, in UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, form: str = "%(asctime)s %(levelname)s %(message)s") -> None:
        super().__init__(form)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line; what comes from outside cannot add a second one."""
        return printable(super().formatMessage(record))
