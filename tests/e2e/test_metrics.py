"""What a running daemon tells those who watch it."""

from __future__ import annotations

import http.client
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.daemon import DEADLINE_S, Daemon, signed, wait_until, write_properties
from tests.key_server import KeyServer

VERSION = "/LiveApp/rest/v2/version"
PROXY = "198.51.100.7"


def scrape(daemon: Daemon, **headers: str) -> list[tuple[str, dict[str, str], float]]:
    response = daemon.request("GET", "/metrics", headers=headers)
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(response.body.decode())
    return [
        (sample.name, dict(sample.labels), sample.value)
        for family in families
        for sample in family.samples
    ]


def figure(daemon: Daemon, name: str, **labels: str) -> float | None:
    """Return the one sample of this name that has these labels, None when there is none."""
    found = [
        value
        for sample, given, value in scrape(daemon)
        if sample == name and labels.items() <= given.items()
    ]
    assert len(found) < 2, f"{name} {labels} is not one sample"
    return found[0] if found else None


def server_file(daemon: Daemon) -> Path:
    return daemon.home / "conf" / "red5.properties"


@pytest.fixture
def behind_proxy(home: Path) -> Iterator[Daemon]:
    """A daemon that believes its peers when they say for whom they ask."""
    daemon = Daemon(home)
    daemon.write()
    write_properties(server_file(daemon), http__trusted_proxies="127.0.0.1")
    with daemon:
        yield daemon


def test_requests_and_verdicts_are_counted(daemon: Daemon) -> None:
    daemon.write(jwtControlEnabled="true", jwtSecretKey="a" * 32)
    wait_until(lambda: daemon.get(VERSION) == 403)
    refused = figure(daemon, "antmediad_guard_verdicts_total", reason="no_token") or 0
    passed = figure(daemon, "antmediad_guard_verdicts_total", verdict="passed") or 0

    assert daemon.get(VERSION) == 403
    assert daemon.get(VERSION, signed({"exp": 1}, "a" * 32)) == 403
    assert daemon.get(VERSION, signed(secret="a" * 32)) == 200
    name = "antmediad_guard_verdicts_total"
    assert figure(daemon, name, application="LiveApp", reason="no_token") == refused + 1
    assert figure(daemon, name, application="LiveApp", reason="expired") == 1
    assert figure(daemon, name, application="LiveApp", verdict="passed") == passed + 1
    answered = figure(daemon, "antmediad_requests_total", application="LiveApp", status="4xx")
    assert answered == refused + 2


def test_tokens_that_were_verified_before_are_counted_apart(daemon: Daemon) -> None:
    daemon.write(jwtControlEnabled="true", jwtSecretKey="a" * 32)
    wait_until(lambda: daemon.get(VERSION) == 403)
    token, name = signed(secret="a" * 32), "antmediad_token_lookups_total"

    statuses = [daemon.get(VERSION, token) for _ in range(3)]

    assert statuses == [200] * 3
    assert figure(daemon, name, application="LiveApp", result="hit") == 2
    assert figure(daemon, name, application="LiveApp", result="miss") == 1


def test_reloads_states_and_generations_are_told(daemon: Daemon) -> None:
    def state(name: str) -> float | None:
        return figure(daemon, "antmediad_settings_state", application="LiveApp", state=name)

    def generation() -> float | None:
        return figure(daemon, "antmediad_settings_generation", application="LiveApp")

    def kept() -> float | None:
        return figure(daemon, "antmediad_reloads_total", application="LiveApp", result="kept")

    assert (state("active"), generation(), kept()) == (1, 1, 0)
    daemon.write(hlsTime="3")
    wait_until(lambda: generation() == 2)
    daemon.write(ipFilterEnabled="perhaps")
    wait_until(lambda: state("stale"))

    assert (state("active"), generation()) == (0, 2)
    assert (kept() or 0) >= 1


def test_a_failed_application_counts_its_503(daemon: Daemon) -> None:
    daemon.write("Bad", ipFilterEnabled="perhaps")
    wait_until(lambda: daemon.get("/Bad/rest/v2/version") == 503)

    assert figure(daemon, "antmediad_settings_state", application="Bad", state="failed") == 1
    assert (figure(daemon, "antmediad_requests_total", application="Bad", status="5xx") or 0) >= 1


def test_a_removed_application_is_gone_from_the_figures(daemon: Daemon) -> None:
    daemon.write("Gone")
    wait_until(lambda: daemon.get("/Gone/rest/v2/version") == 200)

    def told() -> bool:
        return any(labels.get("application") == "Gone" for _, labels, _ in scrape(daemon))

    assert told()
    shutil.rmtree(daemon.home / "webapps" / "Gone")
    wait_until(lambda: daemon.get("/Gone/rest/v2/version") == 404)
    wait_until(lambda: not told())
    daemon.write("Gone")
    wait_until(lambda: daemon.get("/Gone/rest/v2/version") == 200)
    assert figure(daemon, "antmediad_guard_verdicts_total", application="Gone") == 1


def test_a_key_set_that_cannot_be_fetched_is_told_without_its_secrets(daemon: Daemon) -> None:
    with KeyServer() as source:
        url = source.url.replace("://", "://user:hunter2@") + "/keys"
        daemon.write(jwtControlEnabled="true", jwksURL=url)
        wait_until(lambda: figure(daemon, "antmediad_key_set_failures_total"))
        shown = url.replace("user:hunter2", "***")

        assert figure(daemon, "antmediad_key_set_up", url=shown) == 0
        assert figure(daemon, "antmediad_key_set_keys", url=shown) == 0
        assert figure(daemon, "antmediad_key_set_age_seconds", url=shown) is None
        assert (figure(daemon, "antmediad_key_set_fetches_total", url=shown) or 0) >= 1
        assert b"hunter2" not in daemon.request("GET", "/metrics").body


def test_commits_are_measured(daemon: Daemon) -> None:
    before = figure(daemon, "antmediad_store_commit_changes_sum") or 0
    assert daemon.call("POST", "/broadcasts/create", {"name": "one"}).status == 200

    assert figure(daemon, "antmediad_store_commit_changes_sum") == before + 1
    assert figure(daemon, "antmediad_stores_open") == 1
    assert (figure(daemon, "antmediad_store_commit_duration_seconds_sum") or 0) > 0


def test_a_refusal_to_play_is_counted(daemon: Daemon) -> None:
    daemon.write(hashControlPlayEnabled="true", tokenHashSecret="secret")
    wait_until(lambda: daemon.get("/LiveApp/streams/film.mp4") == 403)

    name = "antmediad_play_refusals_total"
    assert (figure(daemon, name, application="LiveApp", reason="bad_hash") or 0) >= 1


def test_the_process_is_described(daemon: Daemon) -> None:
    names = {name for name, _, _ in scrape(daemon)}

    assert {
        "antmediad_build_info",
        "process_start_time_seconds",
        "process_resident_memory_bytes",
        "process_open_fds",
    } <= names


def test_an_application_called_metrics_keeps_its_own_paths(daemon: Daemon) -> None:
    daemon.write("metrics", jwtControlEnabled="true", jwtSecretKey="a" * 32)
    wait_until(lambda: daemon.get("/metrics/rest/v2/version") == 403)

    assert daemon.get("/metrics/rest/v2/version", signed(secret="a" * 32)) == 200
    assert figure(daemon, "antmediad_settings_generation", application="metrics") == 1


@pytest.mark.parametrize("header", [{}, {"X-Forwarded-For": "127.0.0.1"}], ids=["direct", "named"])
def test_allowed_addresses_get_figures(behind_proxy: Daemon, header: dict[str, str]) -> None:
    assert behind_proxy.request("GET", "/metrics", headers=header).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": PROXY},
        {"X-Forwarded-For": f"127.0.0.2, {PROXY}"},
        {"X-Forwarded-For": "nonsense"},
        {"Forwarded": f"for={PROXY}"},
        {"X-Forwarded-For": "127.0.0.1", "Forwarded": f"for={PROXY}"},
    ],
    ids=str,
)
def test_others_find_no_metrics(behind_proxy: Daemon, method: str, header: dict[str, str]) -> None:
    unknown = behind_proxy.request(method, "/nothing", headers=header)
    response = behind_proxy.request(method, "/metrics", headers=header)

    assert (response.status, response.body) == (404, unknown.body)


def test_others_may_ask_for_health_but_get_no_details(behind_proxy: Daemon) -> None:
    outside = {"X-Forwarded-For": PROXY}

    assert behind_proxy.request("GET", "/healthz", headers=outside).status == 200
    response = behind_proxy.request("GET", "/readyz", headers=outside)
    assert (response.status, response.json) == (200, {"ready": True})


def test_who_is_allowed_changes_with_the_file(behind_proxy: Daemon) -> None:
    outside = {"X-Forwarded-For": PROXY}

    def status() -> int:
        return behind_proxy.request("GET", "/metrics", headers=outside).status

    assert status() == 404
    write_properties(
        server_file(behind_proxy),
        http__trusted_proxies="127.0.0.1",
        metrics__allowed_cidr="198.51.100.0/24",
    )
    wait_until(lambda: status() == 200)
    assert behind_proxy.get("/metrics") == 404


def test_readiness_names_the_states(daemon: Daemon) -> None:
    daemon.write("Bad", ipFilterEnabled="perhaps")
    wait_until(lambda: daemon.get("/Bad/rest/v2/version") == 503)

    response = daemon.request("GET", "/readyz")
    states = {"active": 1, "stale": 0, "failed": 1}
    assert (response.status, response.json) == (200, {"ready": True, "applications": states})


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
def test_monitoring_is_read_only(daemon: Daemon, path: str) -> None:
    response = daemon.request("POST", path, "{}")

    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")
    assert daemon.request("HEAD", path).status == 200
    assert daemon.get(f"{path}/more") == 404


def test_a_daemon_that_stops_is_alive_but_not_ready(daemon: Daemon) -> None:
    probe = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=DEADLINE_S)
    probe.request("GET", "/readyz")
    before = probe.getresponse()
    before.read()
    # A request whose body is on its way keeps the daemon from ending.
    with socket.create_connection(("127.0.0.1", daemon.port), DEADLINE_S) as slow:
        slow.sendall(
            b"POST /LiveApp/rest/v2/broadcasts/create HTTP/1.1\r\nHost: a\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert b"100 Continue" in slow.recv(1024)
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_log("stopping:")
        probe.request("GET", "/readyz")
        after = probe.getresponse()
        body = after.read()
        slow.sendall(b"{}")

        assert b"200 OK" in slow.recv(65536)
    probe.close()
    assert (before.status, after.status) == (200, 503)
    assert b'"ready":false' in body
    assert daemon.process.wait(DEADLINE_S) == 0
