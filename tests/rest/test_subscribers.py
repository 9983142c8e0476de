"""Subscribers at a given moment, and with events that an engine recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from antmediad.api.answer import Answer
from antmediad.rest import subscribers, tokens
from antmediad.rest.call import Call, Files, Host
from antmediad.rest.scripts import Scripts
from antmediad.settings.schema import Settings
from antmediad.store.application import ApplicationStore

NOW = 1_700_000_000.999


def ask(
    store: ApplicationStore,
    handler: Any,
    body: Any = None,
    query: Mapping[str, str] | None = None,
    **parameters: str,
) -> Any:
    """Return what *handler* answers at `NOW`."""
    call = Call(
        application="app",
        settings=Settings(time_token_secret_for_play="secret1", time_token_secret_for_publish="s2"),
        host=Host("192.0.2.1", "example.org"),
        open_store=lambda: store,
        parameters={"id": "stream1", "subscriberId": "sub1", **parameters},
        query=query or {},
        body=b"" if body is None else orjson.dumps(body),
        now=lambda: NOW,
        files=Files(Path("app"), Scripts()),
    )
    answer = handler(call)
    if not isinstance(answer, Answer):
        answer = asyncio.run(answer)
    return orjson.loads(answer.body)


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"b32Secret": "6qsp6qhndryqs56zjmvs37i6gqtjsdvc"}, "216877"),
        ({"b32Secret": "abcdabcf"}, "215703"),
        ({"b32Secret": "ABCDABCF", "totpExpiryPeriodSeconds": 30}, "550726"),
        ({}, "176709"),
    ],
)
def test_a_code_is_the_one_of_the_moment(properties: dict[str, Any], code: str) -> None:
    store = ApplicationStore(None)
    ask(store, subscribers.add, {"subscriberId": "sub1", **properties})

    assert ask(store, subscribers.get_code, query={"type": "play"}) == {
        "success": True,
        "message": "",
        "dataId": code,
        "errorId": 0,
    }


@pytest.mark.parametrize(
    ("seconds", "until_ms"),
    [
        ("0", 1_700_000_000_999),
        ("+60", 1_700_000_060_999),
        ("2147484", 1_702_147_484_999),
        ("9223370336854774", 9_223_372_036_854_774_999),
        ("9223370336854775", 2**63 - 1),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_a_block_is_counted_in_64_bits_and_ends_with_them(seconds: str, until_ms: int) -> None:
    store = ApplicationStore(None)

    ask(store, subscribers.block, seconds=seconds, type="play")

    (found,) = ask(store, subscribers.list_page, offset="0", size="9")
    assert found["blockedUntilUnitTimeStampMs"] == until_ms


@pytest.mark.parametrize(
    ("expire_date", "success"), [(1_700_000_000, False), (1_700_000_001, True)]
)
def test_a_token_is_good_until_its_second_begins(expire_date: int, success: bool) -> None:
    store = ApplicationStore(None)
    query = {"type": "play", "expireDate": str(expire_date)}
    token = ask(store, tokens.create, query=query)

    assert ask(store, tokens.validate, token)["success"] is success


def test_a_token_id_that_is_taken_is_not_given_away_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ApplicationStore(None)
    monkeypatch.setattr("secrets.randbelow", lambda _: 7)
    query = {"type": "play", "expireDate": "1800000000"}

    first = ask(store, tokens.create, query=query)
    second = ask(store, tokens.create, query=query)

    assert first["tokenId"] == "7".zfill(24)
    assert second["message"] == "Cannot save token to the datastore"


def event(subscriber_id: str, timestamp: int) -> dict[str, Any]:
    return {
        "timestamp": timestamp,
        "eventType": "connected",
        "instanceIP": None,
        "type": "play",
        "eventProtocol": "hls",
        "streamId": "stream1",
        "subscriberId": subscriber_id,
    }


def test_events_are_listed_as_recorded() -> None:
    store = ApplicationStore(None)
    events = [event("sub1", 1), event("sub2", 2), event("sub1", 3)]
    for one in events:
        asyncio.run(store.subscribers.append_event(one))

    def listed(subscriber_id: str, offset: str = "0", size: str = "9") -> Any:
        query = {"subscriberId": subscriber_id}
        return ask(store, subscribers.list_events, query=query, offset=offset, size=size)

    assert ask(store, subscribers.list_events, offset="0", size="9") == events
    assert listed(" ") == events
    assert listed("sub1") == [events[0], events[2]]
    assert listed("sub1", "1", "1") == [events[2]]
    assert listed("", "1", "1") == [events[1]]


def test_statistics_hold_the_events_of_each_subscriber() -> None:
    store = ApplicationStore(None)
    ask(store, subscribers.add, {"subscriberId": "sub1", "b32Secret": "abcdabcf"})
    for one in (event("sub1", 1), event("sub2", 2)):
        asyncio.run(store.subscribers.append_event(one))

    assert ask(store, subscribers.list_stats, offset="0", size="9") == [
        {
            "subscriberId": "sub1",
            "streamId": "stream1",
            "connectionEvents": [event("sub1", 1)],
            "avgVideoBitrate": 0,
            "avgAudioBitrate": 0,
        }
    ]
