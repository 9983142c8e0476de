"""Subtracks over HTTP (rest-v2.md, section 2.8)."""

from __future__ import annotations

import concurrent.futures
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.daemon import Daemon
from tests.rest_api import FAIL, OK, answered, create, read, result


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for the whole module: tests use stream ids of their own."""
    running = Daemon(tmp_path_factory.mktemp("subtracks") / "home")
    running.write("LiveApp")
    running.write("Memory", db__type="memorydb")
    with running:
        yield running


numbers = itertools.count()


@pytest.fixture
def main(daemon: Daemon) -> str:
    """The id of a broadcast that no other test uses."""
    stream_id = f"main{next(numbers)}"
    create(daemon, streamId=stream_id)
    return stream_id


def add(daemon: Daemon, main: str, query: str, application: str = "LiveApp") -> Any:
    path = f"/broadcasts/{main}/subtrack{query}"
    return answered(daemon, "POST", path, application=application)


def remove(daemon: Daemon, main: str, query: str) -> Any:
    return answered(daemon, "DELETE", f"/broadcasts/{main}/subtrack{query}")


def listed(daemon: Daemon, path: str) -> list[str]:
    return [record["streamId"] for record in answered(daemon, "GET", f"/broadcasts/{path}")]


def no_such(sub: str, main: str) -> Any:
    return result(False, f"There is no stream with id:{sub} as subtrack or {main} as mainTrack")


def test_a_subtrack_is_added_and_removed(daemon: Daemon, main: str) -> None:
    sub = create(daemon, streamId=f"{main}-sub", name="n")
    before = read(daemon, main)

    assert add(daemon, main, f"?id={main}-sub") == OK
    assert read(daemon, f"{main}-sub") == {**sub, "mainTrackStreamId": main}
    assert read(daemon, main) == {**before, "virtual": True}
    assert add(daemon, main, f"?id={main}-sub") == OK

    assert remove(daemon, main, f"?id={main}-sub") == OK
    assert read(daemon, f"{main}-sub") == {**sub, "mainTrackStreamId": ""}
    assert read(daemon, main) == {**before, "virtual": True}
    assert listed(daemon, f"{main}/subtracks/0/10") == []


def test_a_subtrack_can_move_to_another_main_track(daemon: Daemon, main: str) -> None:
    for name in ("other", "sub"):
        create(daemon, streamId=f"{main}-{name}")
    add(daemon, main, f"?id={main}-sub")

    assert add(daemon, f"{main}-other", f"?id={main}-sub") == OK

    assert listed(daemon, f"{main}/subtracks/0/10") == []
    assert listed(daemon, f"{main}-other/subtracks/0/10") == [f"{main}-sub"]


def test_both_streams_must_be_there(daemon: Daemon, main: str) -> None:
    before = read(daemon, main)

    assert add(daemon, main, "?id=nowhere") == no_such("nowhere", main)
    assert add(daemon, "nowhere", f"?id={main}") == no_such(main, "nowhere")
    assert add(daemon, main, "?id=") == no_such("", main)
    assert add(daemon, main, "") == no_such("null", main)
    assert read(daemon, main) == before


def test_no_track_is_its_own_subtrack(daemon: Daemon, main: str) -> None:
    assert add(daemon, main, f"?id={main}") == no_such(main, main)

    assert read(daemon, main)["mainTrackStreamId"] is None
    assert read(daemon, main)["virtual"] is False


@pytest.mark.parametrize("application", ["LiveApp", "Memory"])
@pytest.mark.parametrize("depth", [1, 2, 20])
def test_no_track_comes_to_be_below_itself(daemon: Daemon, application: str, depth: int) -> None:
    tracks = [f"depth{depth}-{number}" for number in range(depth + 1)]
    for track in tracks:
        create(daemon, application, streamId=track)
    for above, below in itertools.pairwise(tracks):
        assert add(daemon, above, f"?id={below}", application) == OK

    refused = add(daemon, tracks[-1], f"?id={tracks[0]}", application)

    assert refused == no_such(tracks[0], tracks[-1])
    assert read(daemon, tracks[0], application)["mainTrackStreamId"] is None


def test_of_two_tracks_added_to_each_other_at_the_same_time_one_is_the_main_track(
    daemon: Daemon, main: str
) -> None:
    pairs = [(f"{main}-{n}a", f"{main}-{n}b") for n in range(8)]
    for stream_id in itertools.chain(*pairs):
        create(daemon, streamId=stream_id)

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        added = list(
            threads.map(
                lambda one: add(daemon, one[0], f"?id={one[1]}")["success"],
                itertools.chain(*((pair, pair[::-1]) for pair in pairs)),
            )
        )

    assert [sum(both) for both in zip(added[::2], added[1::2], strict=True)] == [1] * 8


@pytest.mark.parametrize(("limit", "is_added"), [(-1, True), (1, True), (0, False)])
def test_a_main_track_has_a_limit_of_live_subtracks(
    daemon: Daemon, main: str, limit: int, is_added: bool
) -> None:
    create(daemon, streamId=f"{main}-sub")
    answered(daemon, "PUT", f"/broadcasts/{main}", {"subtracksLimit": limit})

    added = add(daemon, main, f"?id={main}-sub")

    refused = result(False, f"Subtrack limit is reached for the main track:{main}")
    assert added == (OK if is_added else refused)
    assert listed(daemon, f"{main}/subtracks/0/10") == ([f"{main}-sub"] if is_added else [])


def test_only_a_subtrack_of_the_main_track_is_removed(daemon: Daemon, main: str) -> None:
    for name in ("other", "sub", "free"):
        create(daemon, streamId=f"{main}-{name}")
    add(daemon, main, f"?id={main}-sub")

    for above, below in [
        (f"{main}-other", f"{main}-sub"),
        (main, f"{main}-free"),
        (main, "nowhere"),
        ("nowhere", f"{main}-sub"),
    ]:
        message = f"Main track of the stream {below} which is {above} cannot be updated"
        assert remove(daemon, above, f"?id={below}") == result(False, message)
    assert listed(daemon, f"{main}/subtracks/0/10") == [f"{main}-sub"]


@pytest.mark.parametrize("query", ["", "?id=", "?id=%20"])
def test_removing_no_subtrack_fails(daemon: Daemon, main: str, query: str) -> None:
    assert remove(daemon, main, query) == FAIL


def test_a_subtrack_is_removed_from_a_main_track_that_is_gone(daemon: Daemon, main: str) -> None:
    create(daemon, streamId=f"{main}-sub", mainTrackStreamId="gone")

    assert remove(daemon, "gone", f"?id={main}-sub") == OK
    assert read(daemon, f"{main}-sub")["mainTrackStreamId"] == ""


@pytest.fixture(scope="module")
def room(daemon: Daemon) -> str:
    """A main track with 300 subtracks."""
    create(daemon, streamId="room")
    for number in range(300):
        role = ("host", None, "Host")[number % 3]
        create(daemon, streamId=f"room-{number:03}", mainTrackStreamId="room", role=role)
    return "room"


@pytest.mark.parametrize(
    ("page", "numbers"),
    [
        ("0/3", [0, 1, 2]),
        ("298/10", [298, 299]),
        ("300/10", []),
        ("-5/1", [0]),
        ("0/0", []),
        ("0/-1", []),
        ("0/1000", list(range(250))),
        ("0/3?role=host", [0, 3, 6]),
        ("99/3?role=Host", [299]),
        ("0/3?role=", [0, 1, 2]),
        ("0/3?role=%20", [0, 1, 2]),
        ("0/3?role=HOST", []),
        ("0/3?role=null", []),
    ],
)
def test_subtracks_are_listed_by_page_and_role(
    daemon: Daemon, room: str, page: str, numbers: list[int]
) -> None:
    found = listed(daemon, f"{room}/subtracks/{page}")

    assert found == [f"{room}-{number:03}" for number in numbers]


def test_a_listed_subtrack_is_a_whole_broadcast(daemon: Daemon, room: str) -> None:
    (found,) = answered(daemon, "GET", f"/broadcasts/{room}/subtracks/7/1")

    assert found == read(daemon, f"{room}-007")


@pytest.mark.parametrize("query", ["", "?role=host"])
def test_without_an_engine_no_subtrack_is_active(daemon: Daemon, room: str, query: str) -> None:
    assert listed(daemon, f"{room}/active-subtracks/0/50{query}") == []
    count = answered(daemon, "GET", f"/broadcasts/{room}/active-subtracks-count{query}")
    assert count == {"number": 0}


@pytest.mark.parametrize(
    "path", ["subtracks/0/10", "active-subtracks/0/10", "active-subtracks-count", "subtracks/0/0"]
)
def test_a_main_track_that_is_not_there_is_not_found(daemon: Daemon, path: str) -> None:
    response = daemon.call("GET", f"/broadcasts/nowhere/{path}")

    assert response.status == 404
    assert response.json == result(False, "Broadcast not found with id: nowhere")


@pytest.mark.parametrize("path", ["subtracks/a/10", "active-subtracks/0/1.5", "subtracks/0"])
def test_a_page_that_is_no_number_is_not_found(daemon: Daemon, main: str, path: str) -> None:
    assert daemon.call("GET", f"/broadcasts/{main}/{path}").status == 404


@pytest.mark.parametrize(
    "path", ["subtracks/0/10", "active-subtracks/0/10", "active-subtracks-count"]
)
def test_a_query_that_declares_a_form_is_refused(daemon: Daemon, main: str, path: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    response = daemon.request("GET", f"/LiveApp/rest/v2/broadcasts/{main}/{path}", None, headers)

    assert response.status == 415
