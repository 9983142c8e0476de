"""What every store of subscribers does, whatever is behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from antmediad.rest.models import BROADCAST, CONNECTION_EVENT, SUBSCRIBER
from antmediad.store.application import ApplicationStore
from antmediad.store.interface import Record, Store, SubscriberStore
from tests.together import run


@pytest.fixture
def store(opened: Store) -> SubscriberStore:
    return opened.subscribers


def subscriber(stream_id: str, subscriber_id: str, **properties: Any) -> Record:
    record = SUBSCRIBER.create({"subscriberId": subscriber_id})
    return {**record, "streamId": stream_id, **properties}


def event(stream_id: str, subscriber_id: str | None, timestamp: int = 0) -> Record:
    record = CONNECTION_EVENT.create({})
    return {
        **record,
        "streamId": stream_id,
        "subscriberId": subscriber_id,
        "timestamp": timestamp,
    }


def blocked(stream_id: str, subscriber_id: str, type_: str, until_ms: int) -> Record:
    return subscriber(
        stream_id, subscriber_id, blockedType=type_, blockedUntilUnitTimeStampMs=until_ms
    )


def put(store: SubscriberStore, *records: Record) -> None:
    run(*(store.put(record) for record in records))


def append(store: SubscriberStore, *events: Record) -> None:
    run(*(store.append_event(one) for one in events))


def listed(store: SubscriberStore, stream_id: str, offset: int = 0, size: int = 9) -> list[str]:
    return [orjson.loads(one)["subscriberId"] for one in store.list_json(stream_id, offset, size)]


def times(store: SubscriberStore, stream_id: str, subscriber_id: str = "") -> list[int]:
    found = store.list_events_json(stream_id, subscriber_id, 0, 9)
    return [orjson.loads(one)["timestamp"] for one in found]


def record_of(store: SubscriberStore, stream_id: str, subscriber_id: str) -> Record:
    found = store.find(stream_id, subscriber_id)
    assert found is not None
    return found.record


def test_a_subscriber_is_found_as_put_with_the_secret_apart(store: SubscriberStore) -> None:
    record = subscriber("s", "é\n", b32Secret="abcdabcf", avgVideoBitrate=2**62)
    served = {name: value for name, value in record.items() if name != "b32Secret"}

    put(store, record)

    found = store.find("s", "é\n")
    assert found is not None
    assert (found.record, found.b32_secret) == (served, "abcdabcf")
    assert list(store.list_json("s", 0, 1)) == [orjson.dumps(served)]
    assert "abcdabcf" not in repr(found)
    assert store.find("s", "É\n") is None
    assert store.find("S", "é\n") is None


def test_putting_a_subscriber_again_replaces_all_but_the_block(store: SubscriberStore) -> None:
    put(store, subscriber("s", "a", b32Secret="abcdabcf", subscriberName="first", type="play"))
    run(store.block(blocked("s", "a", "publish", 99)))

    put(store, subscriber("s", "a", subscriberName="second"))

    found = store.find("s", "a")
    assert found is not None
    assert found.b32_secret is None
    assert found.record["subscriberName"] == "second"
    assert found.record["type"] is None
    assert found.record["blockedType"] == "publish"
    assert found.record["blockedUntilUnitTimeStampMs"] == 99
    assert listed(store, "s") == ["a"]


def test_a_block_changes_nothing_else_and_the_latest_counts(store: SubscriberStore) -> None:
    put(store, subscriber("s", "a", b32Secret="abcdabcf", subscriberName="first"))
    before = record_of(store, "s", "a")

    for record in (blocked("s", "a", "publish", 1), blocked("s", "a", "play", 2**63 - 1)):
        run(store.block(record))

    found = store.find("s", "a")
    assert found is not None
    assert found.b32_secret == "abcdabcf"
    assert found.record == {
        **before,
        "blockedType": "play",
        "blockedUntilUnitTimeStampMs": 2**63 - 1,
    }


def test_a_block_of_an_unknown_subscriber_makes_the_record(store: SubscriberStore) -> None:
    run(store.block(blocked("s", "a", "play", 5)))

    found = store.find("s", "a")
    assert found is not None
    assert found.b32_secret is None
    assert found.record["blockedUntilUnitTimeStampMs"] == 5
    assert found.record["totpExpiryPeriodSeconds"] is None
    assert "b32Secret" not in found.record


def test_adding_and_blocking_at_once_lose_neither(store: SubscriberStore) -> None:
    names = [f"subscriber{number}" for number in range(20)]

    run(
        *(store.put(subscriber("s", name, subscriberName="named")) for name in names),
        *(store.block(blocked("s", name, "play", 5)) for name in names),
        *(store.put(subscriber("s", name, subscriberName="renamed")) for name in names),
    )

    for name in names:
        record = record_of(store, "s", name)
        assert (record["subscriberName"], record["blockedType"]) == ("renamed", "play")


def test_subscribers_are_listed_by_stream_and_page(store: SubscriberStore) -> None:
    put(store, *(subscriber("s", name) for name in "dacb"), subscriber("other", "e"))

    assert listed(store, "s") == ["a", "b", "c", "d"]
    assert listed(store, "s", 1, 2) == ["b", "c"]
    assert listed(store, "s", 4, 2) == []
    assert listed(store, "s", 0, 0) == []
    assert listed(store, "S") == []


def test_ids_that_join_to_the_same_text_are_different_subscribers(store: SubscriberStore) -> None:
    put(
        store,
        subscriber("a-b", "c", subscriberName="first"),
        subscriber("a", "b-c", subscriberName="second"),
    )
    append(store, event("a-b", "c", 1), event("a", "b-c", 2))

    assert record_of(store, "a-b", "c")["subscriberName"] == "first"
    assert record_of(store, "a", "b-c")["subscriberName"] == "second"

    assert run(store.delete_all("a")) == [1]
    assert listed(store, "a-b") == ["c"]
    assert times(store, "a-b") == [1]
    assert times(store, "a") == []


def test_deleting_a_subscriber_deletes_the_events_of_that_one(store: SubscriberStore) -> None:
    put(store, subscriber("s", "a"), subscriber("s", "b"))
    append(store, event("s", "a", 1), event("s", "b", 2), event("t", "a", 3))

    assert run(store.delete("s", "a")) == [True]
    assert run(store.delete("s", "a")) == [False]
    assert listed(store, "s") == ["b"]
    assert times(store, "s") == [2]
    assert times(store, "t") == [3]


def test_deleting_all_subscribers_tells_how_many_there_were(store: SubscriberStore) -> None:
    put(store, subscriber("s", "a"), subscriber("s", "b"))
    append(store, event("s", "never-added", 1))

    assert run(store.delete_all("s")) == [2]
    assert run(store.delete_all("s")) == [0]
    assert times(store, "s") == []


def test_events_are_listed_the_oldest_first_of_all_or_of_one(store: SubscriberStore) -> None:
    for number, name in enumerate(["b", "a", None, "b", "a"]):
        append(store, event("s", name, number))

    assert times(store, "s") == [0, 1, 2, 3, 4]
    assert times(store, "s", "a") == [1, 4]
    assert times(store, "s", "c") == []
    assert times(store, "other") == []
    assert list(store.list_events_json("s", "b", 1, 5)) == [orjson.dumps(event("s", "b", 3))]
    assert store.list_events_json("s", "", 2, 0) == []


def test_subscribers_and_events_go_with_their_stream_and_its_subtracks(opened: Store) -> None:
    for stream_id, main in (("main", None), ("sub", "main"), ("other", None)):
        record = {**BROADCAST.create({}), "streamId": stream_id, "mainTrackStreamId": main}
        run(opened.broadcasts.insert(record))
        put(opened.subscribers, subscriber(stream_id, "a"))
        append(opened.subscribers, event(stream_id, "a", 1))

    run(opened.broadcasts.delete("main", with_subtracks=True))

    assert [listed(opened.subscribers, one) for one in ("main", "sub", "other")] == [[], [], ["a"]]
    assert [times(opened.subscribers, one) for one in ("main", "sub", "other")] == [[], [], [1]]


def test_subscribers_survive_closing_the_store(tmp_path: Path) -> None:
    store = ApplicationStore(tmp_path / "app.db")
    put(store.subscribers, subscriber("s", "a", b32Secret="abcdabcf"))
    append(store.subscribers, event("s", "a", 1))
    asyncio.run(store.close())

    store = ApplicationStore(tmp_path / "app.db")
    found, events = store.subscribers.find("s", "a"), times(store.subscribers, "s")
    asyncio.run(store.close())

    assert found is not None
    assert found.b32_secret == "abcdabcf"
    assert events == [1]
