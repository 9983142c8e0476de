"""What every store of one-time tokens does, whatever is behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from antmediad.errors import RecordExistsError
from antmediad.rest.models import BROADCAST, TOKEN
from antmediad.store.application import ApplicationStore
from antmediad.store.interface import Record, Store, TokenStore
from antmediad.store.tokens import PLAYING_S
from tests.together import run

NOW = 1_700_000_000.0
LATER = 1_700_000_060


@pytest.fixture
def store(opened: Store) -> TokenStore:
    return opened.tokens


def token(token_id: str, stream_id: str = "s", **properties: Any) -> Record:
    value = {"tokenId": token_id, "streamId": stream_id, "expireDate": LATER, "type": "play"}
    return TOKEN.create({**value, **properties})


def fill(store: TokenStore, *records: Record) -> None:
    run(*(store.insert(record) for record in records))


def listed(store: TokenStore, stream_id: str, offset: int = 0, size: int = 100) -> list[str]:
    return [orjson.loads(one)["tokenId"] for one in store.list_json(stream_id, offset, size)]


def test_a_token_is_found_as_it_was_inserted(store: TokenStore) -> None:
    record = token("1", "é\n", expireDate=2**63 - 1, roomId="")

    fill(store, record)

    assert store.find_json("1") == orjson.dumps(record)
    assert list(store.list_json("é\n", 0, 1)) == [orjson.dumps(record)]
    assert store.find_json("2") is None


def test_a_taken_token_id_is_refused_and_its_token_stays(store: TokenStore) -> None:
    fill(store, token("1", "a"))

    with pytest.raises(RecordExistsError):
        fill(store, token("1", "b"))

    assert listed(store, "a") == ["1"]
    assert listed(store, "b") == []


def test_tokens_are_listed_by_stream_and_page_the_oldest_first(store: TokenStore) -> None:
    for number in (5, 3, 9, 1):
        fill(store, token(str(number)), token(f"x{number}", "other"))

    assert listed(store, "s") == ["5", "3", "9", "1"]
    assert listed(store, "s", 1, 2) == ["3", "9"]
    assert listed(store, "s", 3, 2) == ["1"]
    assert listed(store, "s", 4, 2) == []
    assert listed(store, "s", 0, 0) == []
    assert listed(store, "S") == []


@pytest.mark.parametrize(
    ("stored", "given", "now", "valid", "kept"),
    [
        pytest.param({}, {}, NOW, True, False, id="good"),
        pytest.param({"type": "publish"}, {"type": "publish"}, NOW, True, False, id="publish"),
        pytest.param({}, {"tokenId": "2"}, NOW, False, True, id="unknown"),
        pytest.param({}, {"tokenId": None}, NOW, False, True, id="no-token-id"),
        pytest.param({}, {"type": "publish"}, NOW, False, True, id="another-type"),
        pytest.param({}, {"type": None}, NOW, False, True, id="no-type"),
        pytest.param({}, {}, LATER - 0.1, True, False, id="last-second"),
        pytest.param({}, {}, LATER, False, True, id="expired"),
        pytest.param({}, {"expireDate": 2**40}, LATER, False, True, id="client-says-not-expired"),
        pytest.param({}, {"streamId": "other"}, NOW, False, True, id="another-stream"),
        pytest.param({}, {"streamId": None}, NOW, False, True, id="no-stream"),
        pytest.param({"roomId": "r"}, {}, NOW, True, False, id="room-not-asked-for"),
        pytest.param({"roomId": "r"}, {"roomId": " "}, NOW, True, False, id="blank-room"),
        pytest.param({"roomId": "r"}, {"roomId": "r"}, NOW, True, True, id="room"),
        pytest.param(
            {"roomId": "r"}, {"roomId": "r", "streamId": "other"}, NOW, True, True, id="room-stream"
        ),
        pytest.param({"roomId": "r"}, {"roomId": "q"}, NOW, False, True, id="another-room"),
        pytest.param({}, {"roomId": "r"}, NOW, False, True, id="token-without-room"),
        pytest.param({"roomId": " "}, {"roomId": "r"}, NOW, False, True, id="blank-room-stored"),
        pytest.param({"roomId": "r"}, {"roomId": "r"}, LATER, False, True, id="room-expired"),
        pytest.param(
            {"roomId": "r"}, {"roomId": "r", "type": "publish"}, NOW, False, True, id="room-type"
        ),
    ],
)
def test_a_token_opens_one_stream_once_or_its_room_until_it_expires(
    store: TokenStore,
    stored: dict[str, Any],
    given: dict[str, Any],
    now: float,
    valid: bool,
    kept: bool,
) -> None:
    fill(store, token("1", **stored))

    assert run(store.validate({**token("1"), **given}, now)) == [valid]
    assert (store.find_json("1") is not None) is kept


def test_of_many_who_use_a_token_at_once_one_gets_in(store: TokenStore) -> None:
    fill(store, token("1"), token("2"))

    outcomes = run(*(store.validate(token("1"), NOW) for _ in range(50)))

    assert sorted(outcomes) == [False] * 49 + [True]
    assert listed(store, "s") == ["2"]


def test_who_plays_with_a_token_goes_on_without_it_for_a_while(store: TokenStore) -> None:
    fill(store, token("1"))

    begun = [run(store.begin_playing(b"me", token("1"), NOW + s))[0] for s in (0, 30, PLAYING_S)]

    assert begun == [NOW, NOW, 0]
    assert run(store.begin_playing(b"other", token("1"), NOW + 30)) == [0]
    assert listed(store, "s") == []


def test_of_many_clients_with_one_token_one_plays_and_all_its_requests_do(
    store: TokenStore,
) -> None:
    fill(store, token("1"))

    clients = [b"a", b"b"] * 25
    outcomes = run(*(store.begin_playing(client, token("1"), NOW) for client in clients))

    assert outcomes in ([NOW, 0] * 25, [0, NOW] * 25)


def test_only_the_latest_players_are_kept(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antmediad.store.tokens.MAX_PLAYING", 2)
    for number in range(3):
        fill(store, token(str(number)))
        run(store.begin_playing(bytes([number]), token(str(number)), NOW + number))

    again = [run(store.begin_playing(bytes([n]), token(str(n)), NOW + 5))[0] for n in range(3)]

    assert again == [0, NOW + 1, NOW + 2]


def test_tokens_of_a_stream_are_revoked_together(store: TokenStore) -> None:
    fill(store, token("1"), token("2", expireDate=1), token("3", "other"))

    assert run(store.delete_all("s")) == [2]
    assert run(store.delete_all("s")) == [0]
    assert run(store.validate(token("1"), NOW)) == [False]
    assert listed(store, "other") == ["3"]


@pytest.mark.parametrize(
    ("with_subtracks", "left"), [(True, {"other"}), (False, {"other", "sub1", "sub2"})]
)
def test_tokens_go_with_their_stream_and_its_subtracks(
    opened: Store, with_subtracks: bool, left: set[str]
) -> None:
    def broadcast(stream_id: str, main: str | None = None) -> Record:
        return {**BROADCAST.create({}), "streamId": stream_id, "mainTrackStreamId": main}

    streams = [broadcast("main"), broadcast("sub1", "main"), broadcast("sub2", "main")]
    run(*(opened.broadcasts.insert(record) for record in (*streams, broadcast("other"))))
    fill(opened.tokens, *(token(one, one) for one in ("main", "sub1", "sub2", "other")))

    run(opened.broadcasts.delete("main", with_subtracks=with_subtracks))

    streams_left = {one for one in ("main", "sub1", "sub2", "other") if listed(opened.tokens, one)}
    assert streams_left == left


def test_a_change_of_a_broadcast_keeps_its_tokens(opened: Store) -> None:
    run(opened.broadcasts.insert({**BROADCAST.create({}), "streamId": "s"}))
    fill(opened.tokens, token("1"))

    run(opened.broadcasts.update("s", lambda record: {**record, "name": "new"}))

    assert listed(opened.tokens, "s") == ["1"]


def test_tokens_survive_closing_the_store(tmp_path: Path) -> None:
    store = ApplicationStore(tmp_path / "app.db")
    fill(store.tokens, token("1"), token("2"))
    asyncio.run(store.close())

    store = ApplicationStore(tmp_path / "app.db")
    outcomes = run(store.tokens.validate(token("1"), NOW))
    remaining = listed(store.tokens, "s")
    asyncio.run(store.close())

    assert outcomes == [True]
    assert remaining == ["2"]
