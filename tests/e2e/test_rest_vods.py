"""VoDs over HTTP, as the contract has them (rest-v2.md, sections 2.14, 3.8, 5 and 8)."""

from __future__ import annotations

import concurrent.futures
import http.client
import itertools
import os
import re
import resource
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from antmediad.rest.models import VOD
from tests.daemon import DEADLINE_S, Daemon, Response, wait_until

BOUNDARY = "----boundary7MA4YWxk"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
MIB = 1024 * 1024
UNSUPPORTED = {
    "success": False,
    "message": "notSupportedFileType",
    "dataId": None,
    "errorId": 0,
}
NOT_STORED = {**UNSUPPORTED, "message": ""}

numbers = itertools.count()


def result(success: bool, message: str = "") -> dict[str, Any]:
    return {"success": success, "message": message, "dataId": "", "errorId": 0}


FAIL = result(False)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for the whole module; each test has an application of its own."""
    running = Daemon(tmp_path_factory.mktemp("vods") / "home")
    with running:
        yield running


@pytest.fixture
def application(shared: Daemon) -> str:
    """The name of an application without anything in it."""
    return add_application(shared)


def add_application(daemon: Daemon, **properties: str) -> str:
    name = f"App{next(numbers)}"
    daemon.write(name, **properties)
    wait_until(lambda: daemon.get(f"/{name}/rest/v2/version") == 200, "the application is served")
    return name


def part(name: str, content: bytes, *headers: str) -> bytes:
    lines = [f'Content-Disposition: form-data; name="{name}"; filename="x.bin"', *headers]
    return (
        f"--{BOUNDARY}\r\n".encode() + "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n"
    )


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def upload(
    daemon: Daemon, application: str, name: str, content: bytes = b"film", *more: bytes
) -> Response:
    path = f"/{application}/rest/v2/vods/create?name={quote(name)}"
    return daemon.request("POST", path, form(part("file", content), *more), FORM)


def uploaded(daemon: Daemon, application: str, name: str = "x.mp4", content: bytes = b"x") -> str:
    response = upload(daemon, application, name, content)
    assert response.json["success"], response.body
    return str(response.json["dataId"])


def streams(daemon: Daemon, application: str) -> Path:
    return daemon.home / "webapps" / application / "streams"


def files(daemon: Daemon, application: str) -> list[str]:
    """Return the names of all files below ``streams``, hidden ones too."""
    directory = streams(daemon, application)
    return sorted(os.listdir(directory)) if directory.exists() else []


def read(daemon: Daemon, application: str, vod_id: str) -> Any:
    return daemon.call("GET", f"/vods/{vod_id}", application=application).json


def listed(daemon: Daemon, application: str, query: str = "", page: str = "0/250") -> list[Any]:
    response = daemon.call("GET", f"/vods/list/{page}?{query}", application=application)
    assert response.status == 200
    return list(response.json)


def count(daemon: Daemon, application: str, search: str = "") -> int:
    path = f"/vods/count/{search}" if search else "/vods/count"
    return int(daemon.call("GET", path, application=application).json["number"])


# --- upload


def test_an_upload_becomes_a_file_and_a_record(shared: Daemon, application: str) -> None:
    before = time.time_ns() // 1_000_000
    content = os.urandom(3 * MIB + 7)
    response = upload(shared, application, "Holidays 2026.mp4", content)
    after = time.time_ns() // 1_000_000

    vod_id = response.json["dataId"]
    assert response.json == {**result(True, vod_id), "dataId": vod_id}
    assert re.fullmatch(r"\d{24}", vod_id)
    record = read(shared, application, vod_id)
    assert list(record) == [field.name for field in VOD.fields]
    assert before <= record["creationDate"] <= after
    assert record == {
        **VOD.create({}),
        "streamName": "Holidays 2026.mp4",
        "vodName": "Holidays 2026.mp4",
        "streamId": "file",
        "creationDate": record["creationDate"],
        "fileSize": len(content),
        "filePath": f"streams/{vod_id}.mp4",
        "vodId": vod_id,
        "type": "uploadedVod",
    }
    assert files(shared, application) == [f"{vod_id}.mp4"]
    assert (streams(shared, application) / f"{vod_id}.mp4").read_bytes() == content
    assert shared.request("GET", f"/{application}/streams/{vod_id}.mp4").body == content


@pytest.mark.parametrize("extension", ["mp4", "webm", "mov", "avi", "mp3", "wmv"])
def test_the_name_decides_the_extension(shared: Daemon, application: str, extension: str) -> None:
    vod_id = uploaded(shared, application, f"a.b.{extension}")

    assert files(shared, application) == [f"{vod_id}.{extension}"]


@pytest.mark.parametrize(
    "query",
    ["", "?name=", "?name=x.MP4", "?name=mp4", "?name=x.mp4.exe", "?name=x.", "?name=x.b%2Fmp4"],
)
def test_another_extension_is_refused_and_nothing_written(
    shared: Daemon, application: str, query: str
) -> None:
    response = shared.request(
        "POST", f"/{application}/rest/v2/vods/create{query}", form(part("file", b"film")), FORM
    )

    assert (response.status, response.json) == (200, UNSUPPORTED)
    assert not streams(shared, application).exists()
    assert count(shared, application) == 0


@pytest.mark.parametrize("name", ["../../evil.mp4", "/etc/evil.mp4", "a\0b.mp4", "é𝄞 |.mp4"])
def test_a_name_is_kept_as_text_and_never_used_as_a_path(
    shared: Daemon, application: str, name: str
) -> None:
    vod_id = uploaded(shared, application, name)

    assert read(shared, application, vod_id)["vodName"] == name
    assert files(shared, application) == [f"{vod_id}.mp4"]


@pytest.mark.parametrize("position", ["before", "after"])
def test_metadata_is_kept_wherever_it_stands(
    shared: Daemon, application: str, position: str
) -> None:
    parts = [part("metadata", '{"é":1}'.encode()), part("file", b"film"), part("other", b"?")]
    if position == "after":
        parts.reverse()

    response = shared.request(
        "POST", f"/{application}/rest/v2/vods/create?name=x.mp4", form(*parts), FORM
    )

    record = read(shared, application, response.json["dataId"])
    assert (record["metadata"], record["fileSize"]) == ('{"é":1}', 4)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(form(part("metadata", b"{}")), 400, id="no-file"),
        pytest.param(form(), 400, id="no-part"),
        pytest.param(b"", 400, id="empty"),
        pytest.param(part("file", b"film"), 400, id="no-end"),
        pytest.param(form(part("file", b"film"))[:-6], 400, id="cut-in-the-last-delimiter"),
        pytest.param(b"--other\r\n\r\nfilm\r\n--other--\r\n", 400, id="other-boundary"),
        pytest.param(form(b"--" + BOUNDARY.encode() + b"\r\nx"), 400, id="no-headers"),
        pytest.param(form(part("file", b"x", "X: " + "y" * 20_000)), 400, id="large-headers"),
        pytest.param(form(*[part("x", b"") for _ in range(40)]), 400, id="many-parts"),
        pytest.param(
            form(part("file", b"x", "Content-Transfer-Encoding: base64")), 400, id="encoded"
        ),
        pytest.param(
            form(part("file", b"film"), part("metadata", b"x" * 65_537)), 413, id="large-metadata"
        ),
        pytest.param(
            form(part("file", b"film"), part("metadata", b"\xff")), 400, id="metadata-not-utf-8"
        ),
    ],
)
def test_a_form_that_cannot_be_used_leaves_nothing(
    shared: Daemon, application: str, body: bytes, status: int
) -> None:
    response = shared.request("POST", f"/{application}/rest/v2/vods/create?name=x.mp4", body, FORM)

    assert response.status == status
    assert response.json["success"] is False
    assert files(shared, application) == []
    assert count(shared, application) == 0


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/mixed; boundary=x", 415),
        ("multipart/form-data", 400),
        (f"multipart/form-data; boundary={'x' * 71}", 400),
    ],
)
def test_another_content_type_is_refused(
    shared: Daemon, application: str, kind: str, status: int
) -> None:
    path = f"/{application}/rest/v2/vods/create?name=x.mp4"

    assert shared.request("POST", path, form(), {"Content-Type": kind}).status == status


CONTENTS = [
    b"",
    b"\r\n",
    b"--",
    b"\r\n--",
    b"\r\n--" + BOUNDARY.encode()[:-1],
    b"\r\n\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n",
    b"x--" + BOUNDARY.encode() + b"\r\n",
    b"x" * (MIB - 1),
    b"\r" * 300_000,
]


@pytest.mark.parametrize("content", CONTENTS, ids=range(len(CONTENTS)))
@pytest.mark.parametrize("step", [None, 1, 7])
def test_a_file_is_stored_byte_by_byte_however_it_arrives(
    shared: Daemon, application: str, content: bytes, step: int | None
) -> None:
    body = form(part("metadata", b""), part("file", content))
    if step and len(content) > 1000:
        step = 65_536 + step
    pieces = [body] if step is None else [body[n : n + step] for n in range(0, len(body), step)]

    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=DEADLINE_S)
    connection.request("POST", f"/{application}/rest/v2/vods/create?name=x.mp4", iter(pieces), FORM)
    response = connection.getresponse().read()
    connection.close()

    (name,) = files(shared, application)
    assert name.encode()[:24] in response
    assert (streams(shared, application) / name).read_bytes() == content


def test_a_large_upload_takes_no_memory(shared: Daemon, application: str) -> None:
    uploaded(shared, application)
    block, blocks = os.urandom(MIB), 200
    head, tail = part("file", b"")[:-2], b"\r\n" + form()
    before = peak_memory(shared)

    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=DEADLINE_S)
    connection.request(
        "POST",
        f"/{application}/rest/v2/vods/create?name=x.mp4",
        itertools.chain([head], itertools.repeat(block, blocks), [tail]),
        {**FORM, "Content-Length": str(len(head) + len(tail) + blocks * MIB)},
    )
    response = connection.getresponse()
    vod_id = re.findall(rb"\d{24}", response.read())[0].decode()
    connection.close()

    path = streams(shared, application) / f"{vod_id}.mp4"
    assert path.stat().st_size == blocks * MIB
    with path.open("rb") as file:
        assert all(file.read(MIB) == block for _ in range(blocks))
    assert peak_memory(shared) - before < 20 * MIB
    received = 0
    connection.request("GET", f"/{application}/streams/{vod_id}.mp4")
    response = connection.getresponse()
    while chunk := response.read(MIB):
        received += len(chunk)
    connection.close()
    assert received == blocks * MIB
    assert peak_memory(shared) - before < 20 * MIB
    path.unlink()


def peak_memory(daemon: Daemon) -> int:
    assert daemon.process is not None
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


def begin_upload(daemon: Daemon, application: str) -> socket.socket:
    """Send half of an upload, and return when the daemon has begun to store it."""
    head = (
        f"POST /{application}/rest/v2/vods/create?name=x.mp4 HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: {FORM['Content-Type']}\r\nContent-Length: 9000000\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", daemon.port), DEADLINE_S)
    connection.sendall(head.encode() + part("file", b"x" * 3 * MIB)[:-2])
    wait_until(
        lambda: any(
            path.stat().st_size >= MIB for path in streams(daemon, application).glob(".*.upload")
        ),
        "the upload is under way",
    )
    return connection


def test_what_is_not_complete_is_neither_listed_nor_served(
    shared: Daemon, application: str
) -> None:
    with begin_upload(shared, application):
        (growing,) = files(shared, application)
        name = growing.removesuffix(".upload")

        assert count(shared, application) == 0
        for path in (growing, name, name.removeprefix(".")):
            assert shared.get(f"/{application}/streams/{path}") == 404


def test_an_upload_whose_client_leaves_leaves_nothing(shared: Daemon, application: str) -> None:
    begin_upload(shared, application).close()

    wait_until(lambda: files(shared, application) == [], "the file is removed")
    assert count(shared, application) == 0


def test_an_upload_that_the_end_of_the_daemon_ends_leaves_nothing(home: Path) -> None:
    daemon = Daemon(home)
    daemon.write("LiveApp")
    daemon.start()
    kept = uploaded(daemon, "LiveApp")

    with begin_upload(daemon, "LiveApp"):
        daemon.stop(signal.SIGKILL)
    assert len(files(daemon, "LiveApp")) == 2
    # As if the end had come between the file and its record, and between that and the end.
    directory = streams(daemon, "LiveApp")
    (directory / ".1.mp4.upload").write_bytes(b"x")
    (directory / "1.mp4").hardlink_to(directory / ".1.mp4.upload")
    (directory / f".{kept}.mp4.upload").hardlink_to(directory / f"{kept}.mp4")

    daemon.start()
    wait_until(lambda: files(daemon, "LiveApp") == [f"{kept}.mp4"], "the rest is removed")
    assert [record["vodId"] for record in listed(daemon, "LiveApp")] == [kept]
    daemon.stop()


def test_an_upload_under_way_does_not_keep_the_daemon_from_stopping(home: Path) -> None:
    daemon = Daemon(home)
    daemon.write("LiveApp")
    daemon.start()
    with begin_upload(daemon, "LiveApp") as connection:
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_log("stopping")
        connection.sendall(b"x" * MIB)
        connection.close()
        assert daemon.process.wait(DEADLINE_S) == 0

    assert files(daemon, "LiveApp") == []


def test_a_file_that_the_disk_does_not_take_leaves_nothing(home: Path) -> None:
    daemon = Daemon(home)
    daemon.write("LiveApp")
    limit = (4 * MIB, 4 * MIB)
    daemon.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))

    response = upload(daemon, "LiveApp", "x.mp4", b"x" * 6 * MIB)

    assert (response.status, response.json) == (200, NOT_STORED)
    assert files(daemon, "LiveApp") == []
    assert upload(daemon, "LiveApp", "x.mp4", b"x" * MIB).json["success"]
    daemon.stop()


def test_a_file_larger_than_the_disk_is_refused_before_it_is_written(
    shared: Daemon, application: str
) -> None:
    head = (
        f"POST /{application}/rest/v2/vods/create?name=x.mp4 HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: {FORM['Content-Type']}\r\nContent-Length: {2**60}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", shared.port), DEADLINE_S) as connection:
        connection.sendall(head.encode() + part("file", b"film"))
        answer = connection.recv(65536)

    assert b'"success":false,"message":"","dataId":null' in answer
    assert files(shared, application) == []


def test_a_client_that_waits_is_told_to_go_on_only_if_its_file_is_wanted(
    shared: Daemon, application: str
) -> None:
    body = form(part("file", b"film"))
    for name, expected in (("x.mp4", b"HTTP/1.1 100 "), ("x.exe", b"HTTP/1.1 200 ")):
        head = (
            f"POST /{application}/rest/v2/vods/create?name={name} HTTP/1.1\r\nHost: x\r\n"
            f"Content-Type: {FORM['Content-Type']}\r\nContent-Length: {len(body)}\r\n"
            "Expect: 100-continue\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", shared.port), DEADLINE_S) as connection:
            connection.sendall(head.encode())
            assert connection.recv(13) == expected
            connection.sendall(body)


def test_uploads_of_one_name_at_once_are_all_kept_apart(shared: Daemon, application: str) -> None:
    contents = [os.urandom(100_000 + n) for n in range(20)]

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        ids = list(pool.map(lambda one: uploaded(shared, application, "x.mp4", one), contents))

    assert sorted(f"{vod_id}.mp4" for vod_id in ids) == files(shared, application)
    directory = streams(shared, application)
    assert [(directory / f"{vod_id}.mp4").read_bytes() for vod_id in ids] == contents
    assert count(shared, application) == 20


def test_uploads_are_behind_the_guard(shared: Daemon) -> None:
    name = f"App{next(numbers)}"
    shared.write(name, remoteAllowedCIDR="192.0.2.1")
    wait_until(lambda: shared.get(f"/{name}/rest/v2/version") == 403)

    assert upload(shared, name, "x.mp4").status == 403
    assert files(shared, name) == []


# --- the script that an upload starts


def write_script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(("code", "status"), [(0, "finished"), (3, "failed")])
def test_the_script_gets_the_path_and_the_record_tells_how_it_ended(
    shared: Daemon, tmp_path: Path, code: int, status: str
) -> None:
    output = tmp_path / "arguments"
    script = write_script(
        tmp_path / "a script; touch x", f'printf "%s|" "$@" > {output}\nexit {code}'
    )
    application = add_application(shared, vodUploadFinishScript=script)

    vod_id = uploaded(shared, application)

    wait_until(lambda: read(shared, application, vod_id)["processEndTime"], "the script ended")
    record = read(shared, application, vod_id)
    assert record["processStatus"] == status
    assert record["creationDate"] <= record["processStartTime"] <= record["processEndTime"]
    assert output.read_text() == f"{streams(shared, application) / vod_id}.mp4|"


def test_a_script_that_is_not_there_has_failed(shared: Daemon, tmp_path: Path) -> None:
    application = add_application(shared, vodUploadFinishScript=str(tmp_path / "none"))

    vod_id = uploaded(shared, application)

    wait_until(lambda: read(shared, application, vod_id)["processStatus"] == "failed")


def test_scripts_run_one_after_the_other_and_end_with_the_daemon(home: Path) -> None:
    script = write_script(home.parent / "script", "exec sleep 1000")
    daemon = Daemon(home)
    daemon.write("LiveApp", vodUploadFinishScript=script)
    daemon.start()
    first, second = uploaded(daemon, "LiveApp"), uploaded(daemon, "LiveApp")

    wait_until(lambda: read(daemon, "LiveApp", first)["processStatus"] == "processing")
    assert read(daemon, "LiveApp", second)["processStatus"] == "inqueue"
    daemon.stop(signal.SIGTERM)
    daemon.start()

    for vod_id in (first, second):
        assert read(daemon, "LiveApp", vod_id)["processStatus"] == "failed"
    third = uploaded(daemon, "LiveApp")
    wait_until(lambda: read(daemon, "LiveApp", third)["processStatus"] == "processing")
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert read(daemon, "LiveApp", third)["processStatus"] == "failed"
    daemon.stop()


# --- read, list, count


def test_an_unknown_vod_is_an_empty_one(shared: Daemon, application: str) -> None:
    response = shared.call("GET", "/vods/unknown", application=application)

    assert (response.status, response.json) == (200, VOD.create({}))


def test_lists_filter_search_sort_and_page(shared: Daemon, application: str) -> None:
    names = ["b.mp4", "A.mp4", "c.webm", "a2.mp4"]
    ids = {uploaded(shared, application, name): name for name in names}

    def found(query: str, page: str = "0/250") -> list[str]:
        return [record["vodName"] for record in listed(shared, application, query, page)]

    assert [record["vodId"] for record in listed(shared, application)] == sorted(ids)
    assert found("sort_by=name&order_by=asc") == ["A.mp4", "a2.mp4", "b.mp4", "c.webm"]
    assert found("sort_by=name&order_by=desc") == ["c.webm", "b.mp4", "a2.mp4", "A.mp4"]
    assert found("sort_by=name") == [ids[one] for one in sorted(ids)]
    assert found("sort_by=date&order_by=desc")[-1] == "b.mp4"
    assert found("search=A&sort_by=name&order_by=x") == ["A.mp4", "a2.mp4"]
    assert found("streamId=file&search=webm") == ["c.webm"]
    assert found("streamId=File") == []
    assert found("sort_by=name&order_by=asc", "1/2") == ["a2.mp4", "b.mp4"]
    assert found("", "4/10") == found("", "0/0") == found("", "0/-1") == []
    assert len(found("", "-5/2")) == 2
    assert (count(shared, application), count(shared, application, "mp4")) == (4, 3)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/vods", 405),
        ("GET", "/vods/create", 405),
        ("DELETE", "/vods/create", 405),
        ("DELETE", "/vods/count", 405),
        ("GET", "/vods/directory", 405),
        ("PUT", "/vods/1", 405),
        ("GET", "/vods/list/a/5", 404),
        ("GET", "/vods/list/0/99999999999", 404),
        ("GET", "/vods/list/0/5/6", 404),
        ("HEAD", "/vods/1", 200),
        ("OPTIONS", "/vods/create", 200),
    ],
)
def test_paths_and_methods(
    shared: Daemon, application: str, method: str, path: str, status: int
) -> None:
    assert shared.call(method, path, application=application).status == status


# --- delete


def test_delete_removes_file_preview_and_record(shared: Daemon, application: str) -> None:
    vod_id, other = uploaded(shared, application), uploaded(shared, application)
    preview = shared.home / "webapps" / application / "previews" / f"{vod_id}.png"
    preview.parent.mkdir()
    preview.write_bytes(b"png")

    response = shared.call("DELETE", f"/vods/{vod_id}", application=application)

    assert response.json == result(True, "vod deleted")
    assert files(shared, application) == [f"{other}.mp4"]
    assert not preview.exists()
    assert read(shared, application, vod_id)["vodId"] is None
    assert shared.call("DELETE", f"/vods/{vod_id}", application=application).json == FAIL


def test_a_vod_whose_file_is_gone_is_listed_not_served_and_can_be_deleted(
    shared: Daemon, application: str
) -> None:
    vod_id = uploaded(shared, application)
    (streams(shared, application) / f"{vod_id}.mp4").unlink()

    assert shared.get(f"/{application}/streams/{vod_id}.mp4") == 404
    assert count(shared, application) == 1
    response = shared.call("DELETE", f"/vods/{vod_id}", application=application)
    assert response.json == result(True, "vod deleted")
    assert count(shared, application) == 0


def test_a_list_of_ids_is_deleted_up_to_the_first_that_is_not_there(
    shared: Daemon, application: str
) -> None:
    a, b, c = (uploaded(shared, application) for _ in range(3))

    response = shared.call("DELETE", f"/vods/?ids={a},no,{b}", application=application)
    assert response.json == FAIL
    assert {record["vodId"] for record in listed(shared, application)} == {b, c}

    response = shared.call("DELETE", f"/vods?ids={b}", application=application)
    assert response.json == result(True, "vod deleted")
    response = shared.call("DELETE", "/vods/bulk", [c], application)
    assert response.json == result(True, "vod deleted")
    assert (count(shared, application), files(shared, application)) == (0, [])


@pytest.mark.parametrize("query", ["", "?ids=", "?ids=%20"])
def test_a_blank_list_of_ids_is_refused(shared: Daemon, application: str, query: str) -> None:
    response = shared.call("DELETE", f"/vods/{query}", application=application)

    assert response.json == result(
        False,
        "ids parameter is blank. Please give comma-separated vod ids to the 'ids' as query"
        " parameter",
    )


# --- import of directories


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory to import from, with one of recordings in it."""
    recordings = tmp_path / "root" / "recordings"
    (recordings / "deep" / "er").mkdir(parents=True)
    (recordings / "one.mp4").write_bytes(b"1")
    (recordings / "deep" / "two.mkv").write_bytes(b"22")
    (recordings / "deep" / "er" / "three.flv").write_bytes(b"333")
    (recordings / "live.m3u8").write_bytes(b"#EXTM3U")
    for ignored in ("UPPER.MP4", "text.txt", ".hidden.mp4", "mp4"):
        (recordings / ignored).write_bytes(b"x")
    (recordings / "loop").symlink_to(recordings)
    (recordings / "out.mp4").symlink_to("/etc/passwd")
    return tmp_path / "root"


def directory_call(daemon: Daemon, method: str, application: str, directory: str | Path) -> Any:
    path = f"/vods/directory?directory={quote(str(directory))}"
    response = daemon.call(method, path, application=application)
    assert response.status == 200
    return response.json


def test_an_import_makes_records_and_a_link_and_unlinking_undoes_it(
    shared: Daemon, root: Path
) -> None:
    application = add_application(shared, vodImportRoots=str(root))
    directory = root / "recordings"
    kept = uploaded(shared, application)

    answer = directory_call(shared, "POST", application, f"{directory}/")

    assert answer == result(True, "4 files are imported")
    assert (streams(shared, application) / "recordings").readlink() == directory
    records = listed(shared, application, "streamId=recordings&sort_by=name&order_by=asc")
    assert [(record["filePath"], record["fileSize"]) for record in records] == [
        ("streams/recordings/live.m3u8", 7),
        ("streams/recordings/one.mp4", 1),
        ("streams/recordings/deep/er/three.flv", 3),
        ("streams/recordings/deep/two.mkv", 2),
    ]
    assert {(one["type"], one["streamName"], one["duration"]) for one in records} == {
        ("userVod", "recordings", 0)
    }
    assert all(re.fullmatch(r"\d{24}", record["vodId"]) for record in records)
    served = shared.request("GET", f"/{application}/streams/recordings/deep/two.mkv")
    assert (served.status, served.body) == (200, b"22")
    for path in ("recordings/out.mp4", "recordings/.hidden.mp4", "recordings"):
        assert shared.get(f"/{application}/streams/{path}") == 404
    assert directory_call(shared, "POST", application, directory) == result(
        False, "There is already a file with the name recordings in the streams directory"
    )

    assert directory_call(shared, "DELETE", application, directory) == result(
        True, "4 of records are deleted"
    )
    assert files(shared, application) == [f"{kept}.mp4"]
    assert (directory / "deep" / "two.mkv").read_bytes() == b"22"
    assert [record["vodId"] for record in listed(shared, application)] == [kept]
    assert shared.get(f"/{application}/streams/recordings/one.mp4") == 404


def test_without_roots_nothing_is_imported(shared: Daemon, application: str, root: Path) -> None:
    message = "VoD import directory is allowed under no root"

    for method in ("POST", "DELETE"):
        answer = directory_call(shared, method, application, root / "recordings")
        assert answer == result(False, message)
    assert files(shared, application) == []


@pytest.mark.parametrize(
    "directory",
    [
        "",
        "/",
        "recordings",
        "/etc",
        "{root}/../other",
        "{root}/link",
        "{root}/none",
        "{root}x",
        "{root}/a\0b",
        "{root}/recordings/../../other",
    ],
)
def test_only_directories_below_a_root_are_imported(
    shared: Daemon, root: Path, directory: str
) -> None:
    (root.parent / "other").mkdir()
    (root.parent / "rootx").mkdir()
    (root / "link").symlink_to(root.parent / "other")
    application = add_application(shared, vodImportRoots=f"{root},/srv/none")

    answer = directory_call(shared, "POST", application, directory.format(root=root))

    assert answer == result(False, f"VoD import directory is allowed under {root}, /srv/none")
    assert files(shared, application) == []


def test_what_is_no_directory_is_not_imported(shared: Daemon, root: Path) -> None:
    application = add_application(shared, vodImportRoots=str(root))
    file = root / "recordings" / "one.mp4"

    assert directory_call(shared, "POST", application, file) == result(
        False, f"{file} does not exist or is not a directory"
    )
    for one in (file, root / "none"):
        assert directory_call(shared, "DELETE", application, one) == result(
            False, f"{one} does not exist or it's not a directory"
        )
    response = shared.call("DELETE", "/vods/directory", application=application)
    assert response.json == result(False, "null does not exist or it's not a directory")


def test_unlinking_spares_what_another_directory_of_that_name_was_linked_for(
    shared: Daemon, root: Path
) -> None:
    application = add_application(shared, vodImportRoots=str(root))
    (root / "again" / "recordings").mkdir(parents=True)
    directory_call(shared, "POST", application, root / "recordings")

    answer = directory_call(shared, "DELETE", application, root / "again" / "recordings")

    assert answer == result(True, "0 of records are deleted")
    assert count(shared, application) == 4
    assert files(shared, application) == ["recordings"]


def test_imported_files_are_served_only_while_their_root_is_allowed(
    shared: Daemon, root: Path
) -> None:
    application = add_application(shared, vodImportRoots=str(root))
    directory_call(shared, "POST", application, root / "recordings")
    path = f"/{application}/streams/recordings/one.mp4"
    assert shared.get(path) == 200

    shared.write(application)

    wait_until(lambda: shared.get(path) == 404, "the link leads nowhere")


def test_deleting_an_imported_vod_removes_its_file(shared: Daemon, root: Path) -> None:
    application = add_application(shared, vodImportRoots=str(root))
    directory_call(shared, "POST", application, root / "recordings")
    (record,) = listed(shared, application, "search=one.mp4")

    response = shared.call("DELETE", f"/vods/{record['vodId']}", application=application)

    assert response.json == result(True, "vod deleted")
    assert not (root / "recordings" / "one.mp4").exists()
    assert count(shared, application) == 3


def test_imports_of_one_directory_at_once_happen_once(shared: Daemon, root: Path) -> None:
    application = add_application(shared, vodImportRoots=str(root))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda _: directory_call(shared, "POST", application, root / "recordings"),
                range(8),
            )
        )

    assert [answer["success"] for answer in answers].count(True) == 1
    assert count(shared, application) == 4
