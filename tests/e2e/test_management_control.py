"""States, tokens, key sets, refusals and the audit log over the management API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.daemon import SECRET, Daemon, signed, wait_until
from tests.key_server import KeyServer
from tests.keys import jwk, key_set, signed_by
from tests.manager import EMAIL, Manager, first_user, user_with

VERSION = "/LiveApp/rest/v2/version"
KEYS = key_set(jwk("P-256 first", kid="first"))


@pytest.fixture(scope="module")
def source() -> Iterator[KeyServer]:
    """A source of one key."""
    with KeyServer(KEYS) as running:
        yield running


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory, source: KeyServer) -> Iterator[Manager]:
    """An administrator of a daemon with an application for each mode of the JWT filter."""
    daemon = Daemon(tmp_path_factory.mktemp("control") / "home")
    daemon.write("LiveApp", jwtControlEnabled="true", jwtSecretKey=SECRET)
    daemon.write("Open")
    daemon.write("Keys", jwtControlEnabled="true", jwksURL=f"{source.url}/?password=in-a-query")
    source.publish(KEYS, "/")
    path = daemon.properties("Failed")
    path.parent.mkdir(parents=True)
    path.write_text("ipFilterEnabled=maybe\n")
    with daemon:
        daemon.wait_for_log("key set in force")
        yield first_user(daemon)


def of_applications(states: dict[str, Any], what: str) -> dict[str, Any]:
    return {one["name"]: one[what] for one in states["applications"]}


def test_states_are_those_of_all_applications_and_the_server(admin: Manager) -> None:
    admin.daemon.get(VERSION)

    states = admin.call("GET", "/apps").json

    assert of_applications(states, "state") == {
        "Failed": "failed",
        "Keys": "active",
        "LiveApp": "active",
        "Open": "active",
    }
    assert of_applications(states, "jwtFilter") == {
        "Failed": None,
        "Keys": "jwks",
        "LiveApp": "secret",
        "Open": "off",
    }
    live = admin.call("GET", "/apps/LiveApp").json
    assert live["requests"]["reasons"]["no_token"] >= 1
    assert live["path"] == str(admin.daemon.properties())
    assert states["server"]["state"] == "active"
    assert admin.call("GET", "/apps/Nothing").status == 404


def test_a_failed_application_has_no_tokens_and_no_verdict(admin: Manager) -> None:
    for path in ("tokens", "explain"):
        answer = admin.call("POST", f"/apps/Failed/{path}", {})
        assert (answer.status, answer.json["success"]) == (409, False)
    assert admin.call("GET", "/apps/Failed/key-sets").json == []
    assert admin.call("GET", "/apps/Failed/refusals").json == []


# Tokens


def test_a_token_that_is_issued_is_accepted_and_is_in_no_log(admin: Manager) -> None:
    asked = {"claims": {"sub": "deploy", "list": [1]}, "expiresInS": 60}

    issued = admin.call("POST", "/apps/LiveApp/tokens", asked).json
    permanent = admin.call("POST", "/apps/LiveApp/tokens", {}).json

    claims = jwt.decode(issued["token"], SECRET, ["HS256"])
    assert claims == issued["claims"]
    assert 50 < claims["exp"] - time.time() <= 60
    assert admin.daemon.get(VERSION, issued["token"]) == 200
    assert permanent["claims"] == {}
    assert admin.daemon.get(VERSION, permanent["token"]) == 200
    newest = admin.call("GET", "/audit/0/2?target=LiveApp").json["entries"]
    assert [one["detail"] for one in newest] == ["claims: none", "claims: sub, list, exp"]
    assert issued["token"] not in admin.daemon.log() + str(newest)


@pytest.mark.parametrize(
    "order",
    [
        {"claims": []},
        {"claims": {"x": "y" * 9000}},
        {"claims": {"exp": "tomorrow"}},
        {"claims": {"exp": 2_000_000_000}, "expiresInS": 60},
        {"expiresInS": 0},
        {"expiresInS": "60"},
        {"expiresInS": True},
        {"expiresInS": 11 * 366 * 86_400},
    ],
)
def test_an_order_that_makes_no_good_token_is_refused(admin: Manager, order: Any) -> None:
    answer = admin.call("POST", "/apps/LiveApp/tokens", order)

    assert (answer.status, answer.json["success"]) == (400, False)
    assert "expected" in answer.json["message"]


def test_without_a_secret_nothing_is_signed(admin: Manager) -> None:
    of_keys = admin.call("POST", "/apps/Keys/tokens", {})
    of_open = admin.call("POST", "/apps/Open/tokens", {})

    assert (of_keys.status, of_open.status) == (409, 409)
    assert "signed by whoever holds the key" in of_keys.json["message"]
    assert "set jwtSecretKey" in of_open.json["message"]


@pytest.mark.parametrize(
    ("token", "address", "reason"),
    [
        pytest.param(signed(), None, None, id="good"),
        pytest.param(f"Bearer {signed()}", "127.0.0.1", None, id="with-bearer"),
        pytest.param(signed(), "203.0.113.9", "ip_not_allowed", id="from-elsewhere"),
        pytest.param(signed(), "nowhere", "ip_unreadable", id="from-nowhere"),
        pytest.param(None, None, "no_token", id="no-token"),
        pytest.param("nonsense", None, "malformed", id="nonsense"),
        pytest.param(signed(secret="x" * 32), None, "bad_signature", id="other-secret"),
        pytest.param(signed({"exp": 1}), None, "expired", id="expired"),
    ],
)
def test_a_verdict_is_explained_check_by_check(
    admin: Manager, token: str | None, address: str | None, reason: str | None
) -> None:
    question = {"token": token, "address": address}

    told = admin.call("POST", "/apps/LiveApp/explain", question).json

    outcomes = [step["outcome"] for step in told["steps"]]
    assert (told["allowed"], told["reason"]) == (reason is None, reason)
    assert len(outcomes) == 8
    if reason is None:
        assert set(outcomes) == {"passed"}
    else:
        failed = outcomes.index("failed")
        assert outcomes == ["passed"] * failed + ["failed"] + ["skipped"] * (7 - failed)
        assert told["meaning"] in told["steps"][failed]["detail"]
    assert told["steps"][0]["name"] == "IP filter"


def test_a_filter_that_is_off_is_skipped(admin: Manager) -> None:
    told = admin.call("POST", "/apps/Open/explain", {}).json

    assert told["allowed"]
    assert told["steps"][-1] == {
        "name": "JWT filter",
        "outcome": "skipped",
        "detail": "switched off",
    }


def test_a_key_that_is_new_is_fetched_for_an_explanation_too(
    admin: Manager, source: KeyServer
) -> None:
    source.publish(
        key_set(jwk("P-256 first", kid="first"), jwk("Ed25519 second", kid="second")),
        "/",
    )

    told = admin.call(
        "POST", "/apps/Keys/explain", {"token": signed_by("Ed25519 second", "EdDSA", kid="second")}
    ).json

    assert told["allowed"], told


# Key sets


def test_key_sets_are_shown_and_fetched_when_asked(admin: Manager, source: KeyServer) -> None:
    (shown,) = admin.call("GET", "/apps/Keys/key-sets").json
    asked = len(source.requests)

    (refreshed,) = admin.call("POST", "/apps/Keys/key-sets/refresh").json
    source.broken = True
    (broken,) = admin.call("POST", "/apps/Keys/key-sets/refresh", {}).json
    source.broken = False

    assert shown["url"] == shown["resolvedUrl"] == f"{source.url}/?***"
    assert shown["keys"][0] == {"kid": "first", "kty": "EC", "alg": "ES256", "use": "sig"}
    assert (shown["isUp"], shown["error"]) == (True, None)
    assert len(source.requests) >= asked + 2
    assert refreshed["fetchedAt"] > shown["fetchedAt"]
    assert (broken["isUp"], "answered 500" in broken["error"]) == (False, True)
    assert broken["keys"] == refreshed["keys"]
    assert admin.call("GET", "/apps/LiveApp/key-sets").json == []


# Refusals and the audit log


def test_refusals_are_told_with_their_reason_and_without_query(admin: Manager) -> None:
    admin.daemon.get("/Keys/rest/v2/version?token=secret-token")
    admin.daemon.get(VERSION, signed({"exp": 1}))

    newest, before = admin.call("GET", "/refusals").json[:2]
    of_keys = admin.call("GET", "/apps/Keys/refusals").json

    assert (newest["application"], newest["reason"]) == ("LiveApp", "expired")
    assert newest["meaning"] == "the token's 'exp' is over"
    assert of_keys[0] == before
    assert before["path"] == "/Keys/rest/v2/version"
    assert {one["application"] for one in of_keys} == {"Keys"}


def test_edits_of_a_file_are_on_the_audit_log_once_and_calls_as_calls(admin: Manager) -> None:
    daemon = admin.daemon
    daemon.write("Edited")
    wait_until(lambda: daemon.get("/Edited/rest/v2/version") == 200, "Edited is served")
    changes = {"changes": {"hlsTime": "3"}}
    assert admin.call("POST", "/apps/Edited/settings", changes).json["success"]
    daemon.write("Edited", hlsTime="4")

    def entries() -> list[tuple[str, str, str, str]]:
        found = admin.call("GET", "/audit/0/50?target=Edited").json["entries"]
        return [(one["source"], one["actor"], one["action"], one["detail"]) for one in found]

    wait_until(lambda: len(entries()) == 3, "all are on the audit log")
    assert entries() == [
        ("file", "", "settings changed", "generation 3"),
        ("api", EMAIL, "settings changed", "hlsTime"),
        ("file", "", "settings found", "generation 1"),
    ]


def test_what_the_first_start_finds_is_on_the_audit_log(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "home")
    daemon.write("First")
    daemon.write("Second")

    with daemon:
        admin = first_user(daemon)
        wait_until(
            lambda: (
                {"First", "Second"}
                <= {one["target"] for one in admin.call("GET", "/audit/0/50").json["entries"]}
            ),
            "both are on the audit log",
        )

    assert "ERROR" not in daemon.log()


def test_the_audit_log_comes_in_pages_and_by_target(admin: Manager) -> None:
    other = user_with(admin.daemon, admin, Open="ADMIN")
    other.call("POST", "/apps/Open/tokens", {})

    page = admin.call("GET", "/audit/0/2").json
    rest = admin.call("GET", "/audit/1/1000").json
    of_open = admin.call("GET", "/audit/0/10?target=Open").json

    assert len(page["entries"]) == 2
    assert rest["count"] == page["count"] == len(rest["entries"]) + 1
    assert page["entries"][1] == rest["entries"][0]
    assert of_open["entries"][0]["action"] == "token not issued"
    assert of_open["entries"][0]["actor"] == "user-Open-ADMIN"
    assert of_open["entries"][0]["source"] == "api"
    assert {one["target"] for one in of_open["entries"]} == {"Open"}
    assert [
        one["action"] for one in admin.call("GET", f"/audit/0/9?target={EMAIL}").json["entries"]
    ]
    assert other.call("GET", "/audit/0/2").status == 403
    assert admin.call("GET", "/audit/0/x").status == 404
