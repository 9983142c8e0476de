"""The log files, a piece at a time (management.md of the contract, section 6)."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

from antmediad.api.answer import Answer, answer
from antmediad.api.json_schema import TEXT, object_of
from antmediad.api.routes import Query, Schema
from antmediad.errors import RequestError
from antmediad.management.access import Access
from antmediad.management.call import Call
from antmediad.management.routes import Route
from antmediad.observe.logs import ERROR_LOG_NAME, LOG_NAME

MAX_BYTES = 512_000
"""At most this much at a time, bytes, as in Ant Media Server."""
TAIL = -1
"""The offset that stands for the end of the file."""

_PIECE = Schema(
    object_of(
        {
            "logContent": TEXT,
            "logContentSize": {"type": "integer", "description": "bytes"},
            "logFileSize": {"type": "integer", "description": "bytes"},
        }
    )
)


async def read_log(call: Call) -> Answer:
    """Return a piece of a log file; with an offset of -1, its last bytes."""
    offset, size = int(call.parameters["offset"]), int(call.parameters["charSize"])
    if offset < TAIL:
        raise RequestError(400, "offset: expected a number of bytes, or -1 for the end of the file")
    if size < 0:
        raise RequestError(400, "charSize: expected a number of bytes")
    name = ERROR_LOG_NAME if call.query.get("logType") == "error" else LOG_NAME
    path = call.resources.registry.home.log / name
    return answer(await asyncio.to_thread(piece_of, path, offset, min(size, MAX_BYTES)))


def piece_of(path: Path, offset: int, size: int) -> dict[str, Any]:
    """Return what Ant Media Server tells of a log file.

    A character may be cut where the piece begins or ends: what is left of it becomes U+FFFD.
    What is there under the file's name but is no file is none.

    Args:
        offset: bytes from the beginning; `TAIL` for the last *size* bytes.
        size: bytes, at most.
    """
    try:
        # Without O_NONBLOCK, opening a FIFO waits for somebody to write to it.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        descriptor = os.open(path, flags)
    except OSError:
        return {"logContent": "There is no log yet"}
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return {"logContent": "There is no log yet"}
        begin = max(0, status.st_size - size) if offset == TAIL else offset
        # Not beyond the end, where an offset may be too large for the system.
        content = os.pread(descriptor, size, min(begin, status.st_size))
    finally:
        os.close(descriptor)
    return {
        "logContent": content.decode(errors="replace"),
        "logContentSize": len(content),
        "logFileSize": status.st_size,
    }


ROUTES = (
    Route(
        "GET",
        "/log-file/{offset:long}/{charSize:int}",
        read_log,
        query=(Query("logType", description="error for the errors, anything else for the log"),),
        access=Access.SYSTEM_READ,
        answers={200: _PIECE},
    ),
)
