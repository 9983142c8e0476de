"""Several processes that serve one home, as if they were one."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from antmediad.store.history import History
from tests.daemon import DAEMON, DEADLINE_S, SECRET, Daemon, wait_until, write_properties
from tests.e2e.test_service import PASS_ON, listening, port_of
from tests.e2e.test_service import Manager as ServiceManager
from tests.manager import EMAIL, PASSWORD, Manager, first_user, user_with

VERSION = "/LiveApp/rest/v2/version"
WORKERS = 3
CONNECTIONS = 8
ROOT = Path(__file__).parent.parent.parent


class Workers(Daemon):
    """A daemon of several processes."""

    def __init__(self, home: Path, count: int = WORKERS, **environment: str) -> None:
        super().__init__(home, "--workers", str(count), **environment)
        self.count = count
        self.write("LiveApp")

    def __enter__(self) -> Workers:
        self.start()
        self.wait_for_log(f"workers serve: count={self.count}")
        return self

    @property
    def pids(self) -> dict[int, int]:
        """Who serves, by number."""
        found = re.findall(r"worker serves: number=(\d+) pid=(\d+)", self.log())
        return {int(number): int(pid) for number, pid in found}

    @contextmanager
    def only(self, number: int) -> Iterator[None]:
        """Let nobody but one worker do anything."""
        others = [pid for other, pid in self.pids.items() if other != number]
        try:
            for pid in others:
                os.kill(pid, signal.SIGSTOP)
                wait_until(partial(is_stopped, pid), "stopped")
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    def each(self) -> Iterator[int]:
        """Iterate over the workers, each of which is the only one in its turn."""
        for number in range(1, self.count + 1):
            with self.only(number):
                yield number

    def figures(self) -> Mapping[tuple[str, str], float]:
        """Return the samples by name and the value of their last label."""
        text = self.request("GET", "/metrics").body.decode()
        return {
            (sample.name, ",".join(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def answered(self) -> float:
        return self.figures()["antmediad_requests_total", "LiveApp,2xx"]


def state_of(pid: int) -> str:
    """Return the state of a process, empty when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]


@contextmanager
def under_load(port: int, requests: int) -> Iterator[Callable[[], dict[str, int]]]:
    """Send requests meanwhile; yields what waits for the end and tells what became of them."""
    command = [sys.executable, "-m", "tests.service.load", str(port), str(requests)]
    with subprocess.Popen(
        [*command, str(CONNECTIONS)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as load:
        assert load.stdout is not None
        # Tells when a quarter is sent.
        load.stdout.readline()
        yield lambda: json.loads(load.communicate(timeout=100)[0])["results"]


def is_stopped(pid: int) -> bool:
    return state_of(pid) == "T"


def is_gone(pid: int) -> bool:
    return state_of(pid) in ("", "Z")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    home = tmp_path_factory.mktemp("workers") / "home"
    home.mkdir()
    with Workers(home) as daemon:
        yield daemon


def test_every_worker_answers(shared: Workers) -> None:
    statuses = [shared.get(VERSION) for _ in shared.each()]

    assert statuses == [200] * WORKERS
    figures = shared.figures()
    assert figures["antmediad_workers", ""] == WORKERS
    requests = [figures["antmediad_worker_requests_total", str(n + 1)] for n in range(WORKERS)]
    assert min(requests) >= 1
    assert sum(requests) >= figures["antmediad_requests_total", "LiveApp,2xx"] >= WORKERS


def test_many_quick_saves_end_with_one_generation_in_all_workers(shared: Workers) -> None:
    shared.write("Quick")
    for number in range(60):
        shared.write("Quick", remoteAllowedCIDR=f"10.{number % 7}.0.0/16")
    shared.write("Quick", jwtControlEnabled="true", jwtSecretKey=SECRET, remoteAllowedCIDR="::/0")

    def agree() -> bool:
        history = History.for_reading(shared.home / "data" / "settings.db")
        try:
            newest = history.newest("Quick")
        finally:
            asyncio.run(history.close())
        generations = {
            shared.figures().get(("antmediad_settings_generation", "Quick")) for _ in range(12)
        }
        return newest is not None and newest.guarded and generations == {newest.generation}

    wait_until(agree, "all count alike")
    # Not its address: the filter lets none from here.
    assert [shared.get("/Quick/rest/v2/version") for _ in shared.each()] == [403] * WORKERS


def test_a_change_is_in_force_in_all_workers(shared: Workers) -> None:
    shared.write("Changed")
    wait_until(lambda: shared.get("/Changed/rest/v2/version") == 200)
    shared.write("Changed", remoteAllowedCIDR="10.0.0.0/8")

    for _ in shared.each():
        wait_until(lambda: shared.get("/Changed/rest/v2/version") == 403, "refused by each")


def test_sessions_and_lock_outs_hold_in_all_workers(shared: Workers) -> None:
    with shared.only(1):
        admin = first_user(shared)
    seen = [admin.call("GET", "/user-list").status for _ in shared.each()]

    attempts = [
        Manager(shared).log_in(EMAIL, f"wrong {number}").json["success"] for number in shared.each()
    ]
    with shared.only(2):
        blocked = Manager(shared).log_in(EMAIL, PASSWORD).json["success"]

    assert seen == [200] * WORKERS
    assert [*attempts, blocked] == [False] * (WORKERS + 1)


def test_the_management_api_tells_of_what_all_workers_refused_and_passed(home: Path) -> None:
    with Workers(home, 2) as daemon:
        admin = first_user(daemon)
        reader = user_with(daemon, admin, system="READ_ONLY")
        daemon.write("Closed", remoteAllowedCIDR="10.0.0.0/8")
        for _ in daemon.each():
            wait_until(lambda: daemon.get("/Closed/rest/v2/version") == 403, "refused by each")
        passed = [daemon.get(VERSION) for _ in daemon.each()]

        states = [admin.call("GET", "/apps/LiveApp").json["requests"] for _ in range(6)]
        refused = [admin.call("GET", "/apps/Closed").json["requests"] for _ in range(6)]
        lists = [admin.call("GET", "/refusals").json for _ in range(6)]
        digests = {reader.call("GET", "/apps/Closed").json["digest"] for _ in range(12)}

    assert passed == [200, 200]
    assert all(state == {"passed": 2, "refused": 0, "reasons": {}} for state in states)
    assert all(one == refused[0] and one["refused"] >= 2 for one in refused)
    assert all(len(one) == refused[0]["refused"] for one in lists)
    assert all(one == sorted(one, key=lambda each: -each["at"]) for one in lists)
    assert len(digests) == 1


def test_a_one_time_token_is_used_once_and_its_player_goes_on_with_any_worker(
    shared: Workers,
) -> None:
    shared.write("Tokens", playTokenControlEnabled="true")
    streams = shared.home / "webapps" / "Tokens" / "streams"
    streams.mkdir()
    (streams / "s.mp4").write_bytes(b"video")
    wait_until(lambda: shared.get("/Tokens/rest/v2/version") == 200)
    path = "/broadcasts/s/token?expireDate=99999999999&type=play"
    token = wait_until(lambda: shared.call("GET", path, application="Tokens").json.get("tokenId"))

    def play(client: str) -> int:
        connection = http.client.HTTPConnection(
            "127.0.0.1", shared.port, DEADLINE_S, source_address=(client, 0)
        )
        connection.request("GET", f"/Tokens/streams/s.mp4?token={token}")
        status = connection.getresponse().status
        connection.close()
        return status

    own = [play("127.0.0.1") for _ in shared.each()]
    others = [play("127.0.0.2") for _ in shared.each()]

    assert own == [200] * WORKERS
    assert others == [403] * WORKERS


def test_of_requests_at_once_one_uses_a_token_up(shared: Workers) -> None:
    path = "/broadcasts/once/token?expireDate=99999999999&type=play"
    token = shared.call("GET", path).json
    results: list[bool] = []

    def validate() -> None:
        results.append(shared.call("POST", "/broadcasts/validate-token", token).json["success"])

    threads = [threading.Thread(target=validate) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [False] * 29 + [True]


def test_data_of_one_process_is_refused_and_said_to_be(shared: Workers) -> None:
    shared.write("Memory", db__type="memorydb")
    shared.wait_for_log("data is not available: application=Memory error=db.type=memorydb")

    assert shared.call("GET", "/broadcasts/count", application="Memory").status == 503


def test_a_worker_that_does_not_answer_is_left_out_of_the_figures_and_counted(
    shared: Workers,
) -> None:
    before = shared.answered()
    with shared.only(1):
        figures = shared.figures()

    assert figures["antmediad_workers_silent", ""] == WORKERS - 1
    assert figures["antmediad_requests_total", "LiveApp,2xx"] >= before


def test_a_reload_reaches_all_workers(shared: Workers) -> None:
    assert shared.process is not None
    shared.process.send_signal(signal.SIGHUP)

    def reloaded() -> bool:
        said = re.findall(r"reload of everything asked for: signal=SIGHUP worker=\d", shared.log())
        return len(set(said)) == WORKERS

    wait_until(reloaded, "all look at everything")


def test_a_killed_worker_loses_what_it_had_in_hand_and_is_replaced(home: Path) -> None:
    with Workers(home, 2) as daemon, under_load(daemon.port, 4000) as results:
        counted = daemon.answered()
        os.kill(daemon.pids[2], signal.SIGKILL)
        found = results()
        wait_until(lambda: daemon.log().count("worker serves: number=2") == 2, "replaced")

        assert found["200"] >= 4000 - CONNECTIONS
        assert daemon.answered() >= counted
        assert [daemon.get(VERSION) for _ in daemon.each()] == [200, 200]
        assert daemon.figures()["antmediad_worker_restarts_total", ""] == 1


def test_a_restart_loses_no_request(home: Path) -> None:
    with listening() as passed:
        numbers = [passed.fileno()]

        def started() -> Workers:
            daemon = Workers(home, 2, LISTEN_FDS="1", LISTEN_FDNAMES="http")
            daemon.starter = (sys.executable, "-c", PASS_ON, str(numbers[0]))
            before = daemon.log().count("workers serve: count=2")
            daemon.start(pass_fds=numbers)
            wait_until(lambda: daemon.log().count("workers serve: count=2") > before)
            return daemon

        first = started()
        with under_load(port_of(passed), 6000) as results:
            status = first.stop()
            second = started()
            found = results()
        second.stop()

    assert status == 0
    assert found == {"200": 6000}


def test_workers_end_with_their_supervisor_however_that_ends(home: Path) -> None:
    daemon = Workers(home, 2)
    with daemon:
        pids = daemon.pids.values()
        daemon.stop(signal.SIGKILL)

        wait_until(lambda: all(is_gone(pid) for pid in pids), "workers end")
        socket.create_server(("127.0.0.1", daemon.port)).close()


def test_a_signal_to_all_processes_stops_them_in_order(home: Path) -> None:
    with Workers(home, 2) as daemon:
        assert daemon.process is not None
        # As systemd does, which begins with any of them.
        for pid in (*daemon.pids.values(), daemon.process.pid):
            os.kill(pid, signal.SIGTERM)

        assert daemon.process.wait(DEADLINE_S) == 0
    assert daemon.log().count("INFO stopped") == 2
    assert "replaced" not in daemon.log()


def test_a_worker_that_was_told_to_stop_is_replaced(home: Path) -> None:
    with Workers(home, 2) as daemon:
        os.kill(daemon.pids[1], signal.SIGTERM)
        wait_until(lambda: daemon.log().count("worker serves: number=1") == 2, "replaced")

        assert [daemon.get(VERSION) for _ in daemon.each()] == [200, 200]
        # What is done once at a start was done.
        assert daemon.log().count(" serving: ") == 1


@pytest.mark.parametrize("count", ["0", "-1", "two", "129", ""])
def test_a_number_of_workers_that_makes_no_sense_is_refused(home: Path, count: str) -> None:
    daemon = Daemon(home, "--workers", count)

    with pytest.raises(AssertionError, match="expected auto or a number, 1 to 128"):
        daemon.start()


def test_one_worker_is_one_process_without_a_supervisor(home: Path) -> None:
    daemon = Daemon(home, "--workers", "1")
    with daemon:
        assert daemon.process is not None
        pid = daemon.process.pid

        assert Path(f"/proc/{pid}/task/{pid}/children").read_text() == ""
        assert "worker=" not in daemon.log()


def test_a_worker_that_hangs_is_replaced_and_the_service_manager_hears_on(
    home: Path, tmp_path: Path
) -> None:
    manager = ServiceManager(tmp_path / "notify")
    with Workers(home, 2, NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="3000000") as daemon:
        ready = manager.wait_for("READY=1")
        hung = daemon.pids[2]
        os.kill(hung, signal.SIGSTOP)
        daemon.wait_for_log("worker hangs and is ended: number=2")
        wait_until(lambda: daemon.log().count("worker serves: number=2") == 2, "replaced")

        manager.wait_for("WATCHDOG=1")
        assert is_gone(hung)
        assert "STATUS=1 active, 2 workers" in ready.lines
    manager.close()


def test_what_is_wrong_with_the_start_is_told_once(home: Path) -> None:
    with listening() as taken:
        daemon = Daemon(home, "--port", str(port_of(taken)), "--workers", "2")

        with pytest.raises(AssertionError, match="cannot listen on 127"):
            daemon.start()
    assert daemon.process is not None
    assert daemon.process.returncode == 2
    assert daemon.log().count("cannot listen") == 1


def test_all_workers_follow_a_change_of_the_address(home: Path) -> None:
    write_properties(home / "webapps/LiveApp/WEB-INF/red5-web.properties", webapp__contextPath="/L")
    with listening() as first, listening() as second:
        ports = [port_of(first), port_of(second)]
    server = home / "conf" / "red5.properties"
    write_properties(server, http__host="127.0.0.1", http__port=str(ports[0]))
    daemon = Workers(home, 2)
    with daemon.log_path.open("ab") as log:
        daemon.process = subprocess.Popen(
            [sys.executable, "-m", "antmediad", "serve", "--home", str(home), "--workers", "2"],
            env={**os.environ, "PYTHONPATH": str(DAEMON)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    daemon.wait_for_log("workers serve: count=2")
    try:
        write_properties(server, http__host="127.0.0.1", http__port=str(ports[1]))
        wait_until(lambda: daemon.log().count(f"listening: url=http://127.0.0.1:{ports[1]}") == 2)
        daemon.port = ports[1]
        statuses = [daemon.get(VERSION) for _ in daemon.each()]

        assert statuses == [200, 200]
        # It was closed by the supervisor, too.
        socket.create_server(("127.0.0.1", ports[0])).close()
    finally:
        daemon.stop()


def test_the_set_up_code_is_one_and_shown_once(home: Path) -> None:
    with Workers(home, 2) as daemon:
        codes = re.findall(r"code=([-A-Z0-9]+)", daemon.log())
        user = {"email": EMAIL, "password": PASSWORD, "setupCode": codes[0]}
        with daemon.only(2):
            # Through a proxy: not from this machine, as far as is known.
            made = daemon.request(
                "POST", "/rest/v2/users/initial", json.dumps(user), {"X-Forwarded-For": "10.0.0.1"}
            )

        assert len(codes) == 1
        assert made.json["success"]
