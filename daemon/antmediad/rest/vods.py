"""VoDs: upload, import, read, list, count, delete (rest-v2.md, sections 2.14, 5 and 8)."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from pathlib import Path

import orjson

from antmediad.api.answer import FAIL, Answer, answer, answer_list, result
from antmediad.api.body import Part, Upload
from antmediad.api.fields import ListOf, Record
from antmediad.api.models import RESULT
from antmediad.api.routes import Query, Route
from antmediad.applications.home import READ_ONLY
from antmediad.errors import RequestError, StoreError
from antmediad.rest import vod_files
from antmediad.rest.broadcasts import search_text, unless_blank
from antmediad.rest.call import Call
from antmediad.rest.models import SIMPLE_STAT, VOD
from antmediad.rest.scripts import Script
from antmediad.rest.vod_files import STREAMS, NewFile, TooManyFilesError, relative_to
from antmediad.store.interface import VodQuery

logger = logging.getLogger(__name__)

UPLOADED = ("mp4", "webm", "mov", "avi", "mp3", "wmv")
VOD_ID_DIGITS = 24
MAX_METADATA_BYTES = 64 * 1024
WRITE_BYTES = 1024 * 1024

IDS_BLANK = (
    "ids parameter is blank. Please give comma-separated vod ids to the 'ids' as query parameter"
)
TYPE_UNSUPPORTED = result(False, "notSupportedFileType", None)
SYSTEM_BUSY = result(
    False, "Not enough system resources available to upload and process VoD File", None
)
NOT_STORED = result(False, "", None)
NOT_CHANGED = result(False, f"Files of VoDs are not changed: {READ_ONLY}")

_SORTS = {"name", "date"}
_UNKNOWN = answer(VOD.create({}))


def get(call: Call) -> Answer:
    """Return one VoD; an empty one for an unknown id."""
    record = call.store.vods.find_json(call.parameters["id"])
    return _UNKNOWN if record is None else Answer(record)


def list_page(call: Call) -> Answer:
    """Return one page of VoDs."""
    offset, size = call.page()
    sort, order = call.query.get("sort_by", ""), call.query.get("order_by", "").strip()
    query = VodQuery(
        offset=offset,
        size=size,
        stream_id=unless_blank(call.query.get("streamId", "")),
        search=search_text(call.query.get("search", "")),
        sort=sort if sort in _SORTS and order else None,  # type: ignore[arg-type]
        descending=order == "desc",
    )
    return answer_list(call.store.vods.list_json(query))


def count(call: Call) -> Answer:
    """Return how many VoDs there are, or match a text."""
    text = search_text(call.parameters.get("search", ""))
    return answer({"number": call.store.vods.count(text)})


async def delete(call: Call) -> Answer:
    """Remove one VoD, with its file and preview."""
    if call.parameters["id"] == "bulk" and call.body.strip():
        return await _delete_bulk(call)
    return await _delete(call, call.parameters["id"])


async def delete_all(call: Call) -> Answer:
    """Remove the VoDs named by ``ids``, up to the first that is not there."""
    return await _delete_ids(call, call.query.get("ids", ""))


async def _delete_bulk(call: Call) -> Answer:
    ids = call.json()
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise RequestError(400, "expected a JSON list of VoD ids")
    return await _delete_ids(call, ",".join(ids))


async def _delete_ids(call: Call, ids: str) -> Answer:
    if not ids.strip():
        return result(False, IDS_BLANK)
    outcome = FAIL
    for vod_id in ids.split(","):
        outcome = await _delete(call, vod_id)
        if outcome is FAIL:
            break
    return outcome


async def _delete(call: Call, vod_id: str) -> Answer:
    if call.files.read_only:
        return NOT_CHANGED
    found = call.store.vods.find_json(vod_id)
    if found is None:
        return FAIL
    record = orjson.loads(found)
    try:
        await asyncio.to_thread(
            vod_files.delete,
            call.files.directory,
            record["filePath"] or "",
            call.settings.vod_import_roots,
        )
    except OSError as error:
        logger.warning(
            "file not removed: application=%s vod=%s error=%s", call.application, vod_id, error
        )
        # A file of somebody else, perhaps on a disk that cannot be written.  One of ours would
        # be served on, with nothing left to remove it by.
        if record["type"] != "userVod":
            return FAIL
    return result(True, "vod deleted") if await call.store.vods.delete(vod_id) else FAIL


async def upload(call: Call) -> Answer:
    """Store the file in part ``file`` as a new VoD; ``name`` decides its type."""
    if call.files.read_only:
        return NOT_CHANGED
    name = call.query.get("name", "")
    _, dot, extension = name.rpartition(".")
    if not dot or extension not in UPLOADED:
        return TYPE_UNSUPPORTED
    script = call.settings.vod_upload_finish_script.strip()
    if script and not call.files.scripts.has_room(call.application):
        return SYSTEM_BUSY
    if call.upload is None:
        raise RequestError(415, "Content-Type is not supported: expected multipart/form-data")
    vod_id = f"{secrets.randbelow(10**VOD_ID_DIGITS):0{VOD_ID_DIGITS}d}"
    file_name = f"{vod_id}.{extension}"
    file = NewFile(call.files.directory / STREAMS, file_name)
    try:
        metadata = await _receive(call.upload, file)
        await asyncio.to_thread(file.complete)
        record = VOD.create({}) | {
            "streamName": name,
            "vodName": name,
            "streamId": "file",
            "creationDate": time.time_ns() // 1_000_000,
            "fileSize": file.size,
            "filePath": f"{STREAMS}/{file_name}",
            "vodId": vod_id,
            "type": "uploadedVod",
            "processStatus": "inqueue" if script else None,
            "metadata": metadata,
        }
        await _insert(call, file, record)
        await asyncio.to_thread(file.keep)
    except ConnectionError:
        # The client is gone.  An OSError as well, but not of the disk.
        raise
    except OSError as error:
        logger.error("file not stored: application=%s error=%s", call.application, error)
        return NOT_STORED
    finally:
        # In a thread: it takes its time with a large file.
        await asyncio.shield(asyncio.to_thread(file.discard))
    if script:
        path = call.files.directory / STREAMS / file_name
        call.files.scripts.start(call.application, Script(script, path, vod_id), call.open_store)
    return result(True, vod_id, vod_id)


async def _receive(form: Upload, file: NewFile) -> str | None:
    """Write part ``file`` to *file*; return part ``metadata``, None when there is none.

    Of parts of the same name the first counts.
    """
    metadata: str | None = None
    has_file = False
    async for part in form:
        if part.name == "file" and not has_file:
            has_file = True
            await asyncio.to_thread(file.create, form.size)
            await _write(part, file)
        elif part.name == "metadata" and metadata is None:
            metadata = await _read_metadata(part)
    if not has_file:
        raise RequestError(400, "Part file is missing")
    return metadata


async def _write(part: Part, file: NewFile) -> None:
    waiting = bytearray()
    async for chunk in part:
        waiting += chunk
        if len(waiting) >= WRITE_BYTES:
            await asyncio.to_thread(file.write, waiting)
            waiting = bytearray()
    await asyncio.to_thread(file.write, waiting)


async def _read_metadata(part: Part) -> str:
    text = bytearray()
    async for chunk in part:
        text += chunk
        if len(text) > MAX_METADATA_BYTES:
            raise RequestError(413, f"Part metadata is larger than {MAX_METADATA_BYTES} bytes")
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise RequestError(400, "Part metadata is not UTF-8") from None


async def _insert(call: Call, file: NewFile, record: Record) -> None:
    try:
        await call.store.vods.insert(record)
    except asyncio.CancelledError:
        # It may have been kept all the same.
        file.leave()
        raise


async def import_directory(call: Call) -> Answer:
    """Make VoDs of the media files below ``directory``, which is linked to, not copied."""
    if call.files.read_only:
        return NOT_CHANGED
    roots = call.settings.vod_import_roots
    path = await asyncio.to_thread(_locate, call.query.get("directory", ""), roots)
    if path is None or not await asyncio.to_thread(path.exists):
        return _outside(roots)
    if not await asyncio.to_thread(path.is_dir):
        return result(False, f"{path} does not exist or is not a directory")
    streams = call.files.directory / STREAMS
    link = streams / path.name
    taken = result(
        False, f"There is already a file with the name {path.name} in the streams directory"
    )
    if await asyncio.to_thread(os.path.lexists, link):
        return taken
    try:
        found = await asyncio.to_thread(vod_files.scan, path)
    except TooManyFilesError as error:
        return result(False, str(error))
    try:
        streams.mkdir(exist_ok=True)
        link.symlink_to(path, target_is_directory=True)
    except FileExistsError:
        return taken
    except OSError as error:
        logger.error("link not created: application=%s error=%s", call.application, error)
        return result(False, "Exception in creating symbolic link")
    try:
        records = await asyncio.to_thread(_describe, path.name, found)
        await call.store.vods.insert(*records)
    except StoreError:
        link.unlink(missing_ok=True)
        raise
    return result(True, f"{len(found)} files are imported")


def _describe(name: str, found: list[vod_files.Found]) -> list[Record]:
    now = time.time_ns() // 1_000_000
    return [
        VOD.create({})
        | {
            "streamName": name,
            "vodName": file.path.rpartition("/")[2],
            "streamId": name,
            "creationDate": now,
            "fileSize": file.size,
            "filePath": f"{STREAMS}/{name}/{file.path}",
            "vodId": f"{secrets.randbelow(10**VOD_ID_DIGITS):0{VOD_ID_DIGITS}d}",
            "type": "userVod",
        }
        for file in found
    ]


async def unlink_directory(call: Call) -> Answer:
    """Undo the import of ``directory``: remove its VoDs and the link; its files stay."""
    if call.files.read_only:
        return NOT_CHANGED
    directory, roots = call.query.get("directory"), call.settings.vod_import_roots
    missing = result(
        False,
        f"{'null' if directory is None else directory} does not exist or it's not a directory",
    )
    if directory is None:
        return missing
    path = await asyncio.to_thread(_locate, directory, roots)
    if path is None:
        return _outside(roots)
    if not await asyncio.to_thread(path.is_dir):
        return missing
    link = call.files.directory / STREAMS / path.name
    if not await asyncio.to_thread(vod_files.remove_link, link, path):
        # Another directory's import, or no import at all, keeps its name and its VoDs.
        return result(True, "0 of records are deleted")
    deleted = await call.store.vods.delete_imported(path.name)
    return result(True, f"{deleted} of records are deleted")


def _locate(directory: str, roots: tuple[str, ...]) -> Path | None:
    """Return *directory* without links, None when it is below none of *roots*."""
    if not directory.startswith("/") or "\0" in directory:
        return None
    path = os.path.realpath(directory)
    if path == "/" or os.path.basename(path).startswith("."):
        return None
    if any(relative_to(path, os.path.realpath(root)) is not None for root in roots):
        return Path(path)
    return None


def _outside(roots: tuple[str, ...]) -> Answer:
    return result(False, f"VoD import directory is allowed under {', '.join(roots) or 'no root'}")


_DIRECTORY = (Query("directory", description="absolute path, below one of vodImportRoots"),)

ROUTES = (
    Route("GET", "/vods/{id}", get, answers={200: VOD}),
    Route(
        "GET",
        "/vods/list/{offset:int}/{size:int}",
        list_page,
        query=(
            Query("sort_by", description="name or date; together with order_by"),
            Query("order_by", description="desc for descending, anything else for ascending"),
            Query("streamId", description="only VoDs of this stream"),
            Query("search", description="text in an id, a name, the description or the metadata"),
        ),
        answers={200: ListOf(VOD)},
    ),
    Route("GET", "/vods/count", count, answers={200: SIMPLE_STAT}),
    Route("GET", "/vods/count/{search}", count, answers={200: SIMPLE_STAT}),
    Route("DELETE", "/vods/{id}", delete),
    Route(
        "DELETE",
        "/vods",
        delete_all,
        consumes_json=True,
        query=(Query("ids", description="VoD ids, separated by commas"),),
    ),
    Route(
        "POST",
        "/vods/create",
        upload,
        form={
            "type": "object",
            "properties": {
                "file": {"type": "string", "contentMediaType": "video/*"},
                "metadata": {"type": "string", "description": "any text, at most 64 KiB"},
            },
            "required": ["file"],
        },
        query=(Query("name", description="the file's name; its extension must be known"),),
        answers={200: RESULT, 400: RESULT, 413: RESULT},
    ),
    Route("POST", "/vods/directory", import_directory, query=_DIRECTORY),
    Route("DELETE", "/vods/directory", unlink_directory, query=_DIRECTORY),
)
