"""Key sets of a running daemon: rotation, outages, floods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.daemon import Daemon, wait_until
from tests.key_server import WELL_KNOWN, KeyServer
from tests.keys import jwk, key_set, signed_by

VERSION = "/LiveApp/rest/v2/version"
FIRST = key_set(jwk("P-256 first", kid="first"))
BOTH = key_set(jwk("P-256 first", kid="first"), jwk("Ed25519 second", kid="second"))
SECOND = key_set(jwk("Ed25519 second", kid="second"))
HANDFUL = 10


@pytest.fixture
def source() -> Iterator[KeyServer]:
    """A source of one key."""
    with KeyServer(FIRST) as running:
        yield running


@pytest.fixture
def daemon(home: Path, source: KeyServer) -> Iterator[Daemon]:
    """A running daemon whose LiveApp has its keys from the source."""
    daemon = Daemon(home)
    daemon.write(jwtControlEnabled="true", jwksURL=f"{source.url}/")
    with daemon:
        daemon.wait_for_log("key set in force")
        yield daemon


def first() -> str:
    return signed_by("P-256 first", "ES256", kid="first")


def second() -> str:
    return signed_by("Ed25519 second", "EdDSA", kid="second")


def test_the_base_of_a_source_is_enough(daemon: Daemon, source: KeyServer) -> None:
    assert daemon.get(VERSION, first()) == 200
    assert set(source.requests) == {WELL_KNOWN}


def test_tokens_of_known_keys_cost_the_source_nothing(daemon: Daemon, source: KeyServer) -> None:
    assert {daemon.get(VERSION, first()) for _ in range(20)} == {200}
    assert len(source.requests) == 1


@pytest.mark.parametrize("after", [BOTH, SECOND], ids=["added", "replaced"])
def test_a_token_of_a_new_key_passes_at_once(
    daemon: Daemon, source: KeyServer, after: bytes
) -> None:
    before = daemon.get(VERSION, first()), daemon.get(VERSION, second())
    source.publish(after)

    assert before == (200, 403)
    assert daemon.get(VERSION, second()) == 200
    assert daemon.get(VERSION, first()) == (200 if after == BOTH else 403)


def test_while_the_source_is_down_known_keys_pass_and_unknown_ones_do_not(
    daemon: Daemon, source: KeyServer
) -> None:
    source.close()

    assert daemon.get(VERSION, second()) == 403
    assert daemon.get(VERSION, first()) == 200
    daemon.wait_for_log("key set not fetched")


def test_while_the_source_hangs_known_keys_are_not_kept_waiting(
    daemon: Daemon, source: KeyServer
) -> None:
    source.hanging = True

    with ThreadPoolExecutor(1) as pool:
        unknown = pool.submit(daemon.get, VERSION, second())
        wait_until(lambda: len(source.requests) > 1, "the source was asked")
        known = daemon.get(VERSION, first())
        answered_before = unknown.done()
        source.close()

    assert (known, answered_before, unknown.result()) == (200, False, 403)


@pytest.mark.parametrize("is_up", [True, False], ids=["source up", "source down"])
def test_a_flood_of_made_up_keys_costs_the_source_a_handful_of_fetches(
    daemon: Daemon, source: KeyServer, is_up: bool
) -> None:
    source.broken = not is_up
    tokens = [signed_by("P-256 other", "ES256", kid=f"made-up-{number}") for number in range(500)]

    with ThreadPoolExecutor(16) as pool:
        statuses = set(pool.map(lambda token: daemon.get(VERSION, token), tokens))

    assert statuses == {403}
    assert len(source.requests) <= HANDFUL
    assert daemon.get(VERSION, first()) == 200


def test_a_restart_during_an_outage_serves_known_keys(daemon: Daemon, source: KeyServer) -> None:
    source.close()
    daemon.stop()

    daemon.start()

    assert daemon.get(VERSION, first()) == 200
    assert daemon.get(VERSION, second()) == 403


def test_keys_that_are_too_stale_serve_no_longer(daemon: Daemon, source: KeyServer) -> None:
    source.close()
    daemon.stop()
    (kept,) = daemon.home.glob("**/key-sets/*.json")
    document = json.loads(kept.read_bytes())
    kept.write_text(json.dumps({**document, "fetchedAt": document["fetchedAt"] - 7200}))

    daemon.start()
    within_limit = daemon.get(VERSION, first())
    daemon.write(jwtControlEnabled="true", jwksURL=f"{source.url}/", jwksMaxStaleSeconds="3600")

    assert within_limit == 200
    wait_until(lambda: daemon.get(VERSION, first()) == 403, "the keys are too stale")
    daemon.wait_for_log("reason=key_set_unavailable")


def test_a_source_that_was_down_at_the_start_is_found_when_it_is_needed(
    daemon: Daemon, source: KeyServer
) -> None:
    source.broken = True
    with KeyServer() as late:
        daemon.write(jwtControlEnabled="true", jwksURL=late.url)
        wait_until(lambda: late.requests, "the new source was asked")
        before = daemon.get(VERSION, first())
        late.publish(FIRST)

        wait_until(lambda: daemon.get(VERSION, first()) == 200, "the keys were fetched")
        assert before == 403


def test_an_issuer_and_a_document_elsewhere_are_found(daemon: Daemon, source: KeyServer) -> None:
    source.publish(SECOND, "/certs")
    source.publish(
        f'{{"jwks_uri":"{source.url}/certs"}}'.encode(),
        "/realm/.well-known/openid-configuration",
    )

    daemon.write(jwtControlEnabled="true", jwksURL=f"{source.url}/realm")

    wait_until(lambda: daemon.get(VERSION, second()) == 200, "the issuer's keys are in force")
    assert daemon.get(VERSION, first()) == 403


def test_two_sources_count_together(daemon: Daemon, source: KeyServer) -> None:
    with KeyServer(SECOND, "/certs") as other:
        daemon.write(jwtControlEnabled="true", jwksURL=f"{source.url}, {other.url}/certs")

        wait_until(lambda: daemon.get(VERSION, second()) == 200, "both key sets are in force")
        assert daemon.get(VERSION, first()) == 200


def test_the_password_of_a_source_is_sent_and_never_logged(
    daemon: Daemon, source: KeyServer
) -> None:
    with KeyServer() as protected:
        url = protected.url.replace("://", "://user:pa55word@")
        daemon.write(jwtControlEnabled="true", jwksURL=url)
        wait_until(lambda: protected.requests, "the source was asked")
        daemon.wait_for_log("key set not fetched: url=http://***@127.0.0.1")
        protected.publish(FIRST)
        wait_until(lambda: daemon.get(VERSION, first()) == 200, "the keys were fetched")

        sent = {headers.get("authorization") for headers in protected.headers}
        assert sent == {"Basic dXNlcjpwYTU1d29yZA=="}
    daemon.stop()
    assert "key set in force: url=http://***@127.0.0.1" in daemon.log()
    assert "pa55word" not in daemon.log()


def test_a_source_that_no_application_names_any_longer_is_left_alone(
    daemon: Daemon, source: KeyServer
) -> None:
    daemon.write(jwtControlEnabled="true", jwtSecretKey="a secret of thirty-two characters")
    wait_until(lambda: daemon.get(VERSION, first()) == 403, "the secret counts")
    asked = len(source.requests)

    for _ in range(3):
        daemon.get(VERSION, second())

    assert len(source.requests) == asked
