"""What the management API tells of the server, the machine and the log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from antmediad.management.logs import MAX_BYTES, piece_of
from tests.daemon import Daemon
from tests.manager import Manager, first_user, user_with

NO_LOG = {"logContent": "There is no log yet"}


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """The session of an administrator, on one daemon for all tests here."""
    running = Daemon(tmp_path_factory.mktemp("management") / "home")
    running.write("LiveApp")
    with running:
        yield first_user(running)


@pytest.fixture(scope="module")
def reader(admin: Manager) -> Manager:
    """The session of a user who may read everything."""
    return user_with(admin.daemon, admin, system="READ_ONLY")


def get(manager: Manager, path: str) -> Any:
    answer = manager.call("GET", path)
    assert answer.status == 200, answer.body
    return answer.json


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/system-status", "osName osArch javaVersion processorCount"),
        (
            "/cpu-status",
            "processCPUTime systemCPULoad processCPULoad systemLoadAverageLastMinute",
        ),
        (
            "/system-memory-status",
            "virtualMemory totalMemory freeMemory inUseMemory totalSwapSpace freeSwapSpace"
            " inUseSwapSpace availableMemory",
        ),
        ("/jvm-memory-status", "maxMemory totalMemory freeMemory inUseMemory"),
        ("/file-system-status", "usableSpace totalSpace freeSpace inUseSpace"),
        ("/server-time", "up-time start-time"),
        ("/live-clients-size", "totalConnectionSize totalLiveStreamSize"),
        ("/threads", "dead-locked-thread thread-count thread-peek-count"),
        ("/cluster/node-count", "number"),
    ],
)
def test_figures_have_the_names_of_ant_media_server(reader: Manager, path: str, names: str) -> None:
    assert list(get(reader, path)) == names.split()


def test_figures_are_those_of_this_machine_and_process(admin: Manager, reader: Manager) -> None:
    assert admin.daemon.process is not None
    process = psutil.Process(admin.daemon.process.pid)

    memory, own = get(reader, "/system-memory-status"), get(reader, "/jvm-memory-status")
    cpu, disk = get(reader, "/cpu-status"), get(reader, "/file-system-status")
    times = get(reader, "/server-time")

    assert memory["totalMemory"] == psutil.virtual_memory().total == own["maxMemory"]
    assert 0 < own["inUseMemory"] <= own["totalMemory"] < own["maxMemory"]
    assert 0 <= cpu["processCPULoad"] <= 100 >= cpu["systemCPULoad"] >= 0
    assert 0 < cpu["processCPUTime"] <= round(sum(process.cpu_times()[:2]) * 1_000_000)
    assert disk["inUseSpace"] + disk["freeSpace"] == disk["totalSpace"] >= disk["usableSpace"]
    assert abs(times["start-time"] / 1000 - process.create_time()) < 60
    assert 0 <= times["up-time"] < 600_000


def test_all_figures_come_together(reader: Manager) -> None:
    found = get(reader, "/system-resources")

    assert set(found) == set(
        "instanceId cpuUsage jvmMemoryUsage systemInfo systemMemoryInfo fileSystemInfo"
        " jvmNativeMemoryUsage softwareVersion gpuUsageInfo ffmpegBuildInfo dbAverageQueryTimeMs"
        " localWebRTCLiveStreams localLiveStreams localWebRTCViewers localHLSViewers"
        " localDASHViewers encoders-blocked encoders-not-opened publish-timeout-errors"
        " vertx-worker-thread-queue-size webrtc-vertx-worker-thread-queue-size server-timing"
        " totalLiveStreamSize license".split()
    )
    assert found["systemInfo"] == get(reader, "/system-status")
    assert found["softwareVersion"] == get(reader, "/version")
    assert set(found["cpuUsage"]) == set(get(reader, "/cpu-status"))


@pytest.mark.parametrize("path", ["/gpu-status", "/thread-dump-json", "/cluster/nodes/0/10"])
def test_what_there_is_nothing_of_is_an_empty_list(reader: Manager, path: str) -> None:
    assert get(reader, path) == []


@pytest.mark.parametrize("path", ["/licence-status?key=x", "/last-licence-status"])
def test_there_is_no_licence(reader: Manager, path: str) -> None:
    answer = reader.call("GET", path)

    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/cluster-mode-status", 200),
        ("GET", "/thread-dump", 200),
        ("GET", "/heap-dump", 404),
        ("POST", "/support/request", 200),
        ("DELETE", "/cluster/node/1", 404),
    ],
)
def test_what_has_no_meaning_here_says_why(
    admin: Manager, method: str, path: str, status: int
) -> None:
    answer = admin.call(method, path, {} if method == "POST" else None, {"Accept": "*/*"})

    assert (answer.status, answer.json["success"]) == (status, False)
    assert answer.json["message"]


def test_memory_is_given_to_nobody_in_whatever_form(admin: Manager) -> None:
    answer = admin.call("GET", "/heap-dump", headers={"Accept": "application/octet-stream"})

    assert answer.status == 404


def test_rights_decide_who_sees_the_server(admin: Manager, reader: Manager) -> None:
    of_application = user_with(admin.daemon, admin, LiveApp="ADMIN")

    for path in ("/system-resources", "/log-file/-1/10", "/cluster-mode-status", "/cpu-status"):
        assert reader.call("GET", path).status == 200
        assert of_application.call("GET", path).status == 403
    for manager, status in ((reader, 403), (of_application, 403), (admin, 200)):
        assert manager.call("POST", "/system/gc").status == status
    assert of_application.call("POST", "/support/request", {}).status == 200


# The log


@pytest.mark.parametrize(
    ("offset", "size", "content"),
    [
        (-1, 5, "lmno\n"),
        (-1, 500, "abcdefghijklmno\n"),
        (0, 3, "abc"),
        (3, 4, "defg"),
        (14, 1024, "o\n"),
        (16, 10, ""),
        (9_999_999_999, 10, ""),
        ((1 << 63) - 1, 10, ""),
        (0, 0, ""),
        (-1, 0, ""),
    ],
)
def test_a_piece_of_the_log_is_where_and_as_long_as_asked(
    tmp_path: Path, offset: int, size: int, content: str
) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"abcdefghijklmno\n")

    assert piece_of(path, offset, size) == {
        "logContent": content,
        "logContentSize": len(content),
        "logFileSize": 16,
    }


def test_a_character_that_is_cut_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("aéz", encoding="utf-8")

    assert piece_of(path, 0, 2)["logContent"] == "a\N{REPLACEMENT CHARACTER}"
    assert piece_of(path, -1, 2) == {
        "logContent": "\N{REPLACEMENT CHARACTER}z",
        "logContentSize": 2,
        "logFileSize": 4,
    }


def test_what_is_no_file_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")

    for name in ("link", "directory", "pipe", "missing"):
        assert piece_of(tmp_path / name, 0, 100) == NO_LOG


def test_the_log_is_read_over_the_api(admin: Manager, reader: Manager) -> None:
    log = admin.daemon.home / "log"
    log.mkdir(exist_ok=True)
    (log / "antmedia-error.log").write_bytes(b"x" * (MAX_BYTES + 10))

    errors = get(reader, "/log-file/0/9999999?logType=error")
    tail = get(reader, "/log-file/-1/3?logType=error")
    server = get(reader, "/log-file/0/200000?logType=server")
    missing_type = get(reader, "/log-file/0/200000")

    assert errors["logContentSize"] == MAX_BYTES
    assert errors["logFileSize"] == MAX_BYTES + 10
    assert tail["logContent"] == "xxx"
    assert "serving: url=" in server["logContent"]
    assert "serving: url=" in missing_type["logContent"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/log-file/-2/10", 400),
        ("/log-file/0/-1", 400),
        ("/log-file/x/10", 404),
        ("/log-file/0/99999999999", 404),
        ("/log-file/0", 404),
    ],
)
def test_a_piece_that_cannot_be_is_refused(reader: Manager, path: str, status: int) -> None:
    answer = reader.call("GET", path)

    assert (answer.status, answer.json["success"]) == (status, False)
    assert answer.json["message"]
