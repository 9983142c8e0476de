"""Serves the files below ``/{App}/streams/``, whole or in part (RFC 9110)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import re
import stat
from collections.abc import Mapping, Sequence
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from aiohttp import hdrs, web

from antmediad.api.answer import Answer
from antmediad.errors import RequestError
from antmediad.rest.vod_files import resolve
from antmediad.server.reply import SERVER, Headers

logger = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024

METHODS = ("GET", "HEAD", "OPTIONS")
CONTENT_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "avi": "video/x-msvideo",
        "flv": "video/x-flv",
        "fmp4": "video/mp4",
        "jpg": "image/jpeg",
        "m3u8": "application/vnd.apple.mpegurl",
        "m4s": "video/iso.segment",
        "mkv": "video/x-matroska",
        "mov": "video/quicktime",
        "mp3": "audio/mpeg",
        "mp4": "video/mp4",
        "mpd": "application/dash+xml",
        "png": "image/png",
        "ts": "video/mp2t",
        "vtt": "text/vtt",
        "webm": "video/webm",
        "wmv": "video/x-ms-wmv",
    }
)
# They grow while a stream is live.
_PLAYLISTS = ("m3u8", "mpd")
_RANGE = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE | re.ASCII)
_BASE_URL = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_ETAG = re.compile(r'(?:W/)?"[^"]*"')
_NO_SNIFFING = ("X-Content-Type-Options", "nosniff")


def answer_elsewhere(
    segments: Sequence[str], suffixes: Sequence[str], base_url: str
) -> Answer | None:
    """Return the redirect of a file that is kept elsewhere, as in a bucket; None for another.

    The address is that of AMS's HttpForwardFilter: the base, ``streams/`` and the path.  The
    query, in which tokens travel, stays here.

    Args:
        segments: of the path below ``streams``, decoded.
        suffixes: ``httpForwardingExtension``.
        base_url: ``httpForwardingBaseURL``.
    """
    path = "/".join(segments)
    if not any(path.endswith(suffix) for suffix in suffixes if suffix):
        return None
    base = base_url.strip().rstrip("/")
    # Settings warn of any other; it is not to become a header.
    if not _BASE_URL.fullmatch(base):
        return None
    location = f"{base}/streams/{quote(path)}"
    return Answer(b"", 302, (("Location", location),), "text/plain")


class StreamFile(NamedTuple):
    """A file that is open for reading, and what it was then."""

    handle: int
    size: int
    modified_s: int
    etag: str
    content_type: str
    is_playlist: bool

    @property
    def headers(self) -> Headers:
        """The headers that go with it whatever the answer is."""
        return (
            ("ETag", self.etag),
            ("Last-Modified", formatdate(self.modified_s, usegmt=True)),
            ("Accept-Ranges", "bytes"),
            _NO_SNIFFING,
        )


def open_file(streams: Path, segments: Sequence[str], roots: Sequence[str]) -> StreamFile:
    """Open the file of a path below ``streams``.

    Args:
        streams: the application's directory of that name.
        segments: of the path, decoded.
        roots: where links may lead.

    Raises:
        RequestError: 404, there is no such file, or it is not for everybody; 503, too many files
            are open.
    """
    try:
        path = resolve(streams, segments, roots)
        if path is None:
            raise RequestError(404, "Not found")
        handle = _open_without_links(path)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            retry = (("Retry-After", "1"),)
            raise RequestError(503, "Too many files are open", retry) from error
        raise RequestError(404, "Not found") from None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise RequestError(404, "Not found")
    suffix = segments[-1].rpartition(".")[2].lower()
    return StreamFile(
        handle,
        status.st_size,
        int(status.st_mtime),
        f'"{status.st_mtime_ns:x}-{status.st_size:x}"',
        CONTENT_TYPES.get(suffix, "application/octet-stream"),
        suffix in _PLAYLISTS,
    )


def _open_without_links(path: Path) -> int:
    """Open *path*, in which a directory could have become a link since it was looked at."""
    with contextlib.ExitStack() as opened:
        directory = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        opened.callback(os.close, directory)
        for name in path.parts[1:-1]:
            directory = os.open(
                name,
                os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
                dir_fd=directory,
            )
            opened.callback(os.close, directory)
        # Not waiting for a writer, should it be a pipe.
        return os.open(
            path.name,
            os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
            dir_fd=directory,
        )


def check_method(method: str) -> Answer | None:
    """Return the answer to OPTIONS, None for a request for a file.

    Raises:
        RequestError: 403, for any other method.
    """
    if method == "OPTIONS":
        return Answer(b"", 200, (("Allow", ", ".join(METHODS)),), "text/plain")
    if method not in METHODS:
        raise RequestError(403, "Invalid Request Type")
    return None


async def send_file(
    request: web.BaseRequest, file: StreamFile, headers: Headers, *, close: bool
) -> web.StreamResponse | Answer:
    """Send the part of *file* that *request* asks for, or return the answer without any of it.

    Args:
        headers: those of every response.
        close: whether the connection ends with the response.

    Raises:
        RequestError: 412 or 416.
        ConnectionError: the client is gone, or got less than it was promised.
    """
    if _fails_precondition(request, file):
        raise RequestError(412, "Precondition failed", file.headers)
    if _is_known(request, file):
        return Answer(b"", 304, file.headers)
    part = _part_of(request, file)
    start, end = part or (0, file.size)
    response = web.StreamResponse(status=206 if part else 200)
    if part:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    response.headers.extend((*headers, *file.headers))
    response.headers["Server"] = SERVER
    response.headers["Content-Type"] = file.content_type
    response.content_length = end - start
    if file.is_playlist:
        response.headers["Cache-Control"] = "no-cache"
    if close:
        response.force_close()
    await response.prepare(request)
    if request.method != "HEAD":
        await _send(request, response, file, start, end)
    await response.write_eof()
    return response


async def _send(
    request: web.BaseRequest, response: web.StreamResponse, file: StreamFile, start: int, end: int
) -> None:
    try:
        while start < end:
            size = min(CHUNK_BYTES, end - start)
            data = await asyncio.to_thread(os.pread, file.handle, size, start)
            if not data:
                raise OSError("file has become shorter")
            start += len(data)
            await response.write(data)
    except (OSError, asyncio.CancelledError) as error:
        # The length is promised: only the end of the connection tells the client.
        if request.transport is not None:
            request.transport.abort()
        if isinstance(error, ConnectionError | asyncio.CancelledError):
            raise
        logger.warning("file not sent: error=%r", error)
        raise ConnectionResetError from error


def _fails_precondition(request: web.BaseRequest, file: StreamFile) -> bool:
    wanted = request.headers.get(hdrs.IF_MATCH)
    if wanted is not None:
        return wanted.strip() != "*" and file.etag not in _ETAG.findall(wanted)
    since = _date(request.headers.get(hdrs.IF_UNMODIFIED_SINCE))
    return since is not None and file.modified_s > since


def _is_known(request: web.BaseRequest, file: StreamFile) -> bool:
    known = request.headers.get(hdrs.IF_NONE_MATCH)
    if known is not None:
        etags = (etag.removeprefix("W/") for etag in _ETAG.findall(known))
        return known.strip() == "*" or file.etag in etags
    since = _date(request.headers.get(hdrs.IF_MODIFIED_SINCE))
    return since is not None and file.modified_s <= since


def _part_of(request: web.BaseRequest, file: StreamFile) -> tuple[int, int] | None:
    """Return the range asked for, from where and up to where; None for the whole file.

    Several ranges at once, and what is no range of bytes, are answered with the whole file.

    Raises:
        RequestError: 416, the file has nothing there.
    """
    match = _RANGE.fullmatch(request.headers.get(hdrs.RANGE, "").strip())
    if match is None or not (match[1] or match[2]):
        return None
    condition = request.headers.get(hdrs.IF_RANGE)
    if condition is not None and condition.strip() != file.etag:
        # A date counts only if it is the very one.
        if condition.lstrip().startswith(('"', "W/")) or _date(condition) != file.modified_s:
            return None
    if match[1]:
        start = int(match[1])
        last = int(match[2]) if match[2] else file.size - 1
        if last < start and match[2]:
            return None
        end = min(last + 1, file.size)
    else:
        start, end = max(file.size - int(match[2]), 0), file.size
    if start >= end:
        unsatisfied = (("Content-Range", f"bytes */{file.size}"), _NO_SNIFFING)
        raise RequestError(416, "Range is not in the file", unsatisfied)
    return start, end


def _date(text: str | None) -> int | None:
    """Return a date of HTTP, seconds since 1970, None when it is none."""
    if text is None:
        return None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    try:
        return int(date.timestamp())
    except (ValueError, OverflowError):
        return None
