"""Endpoints of broadcasts over HTTP (rest-v2.md, sections 2.3 and 9.4)."""

from __future__ import annotations

import concurrent.futures
import itertools
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.daemon import Daemon
from tests.rest_api import FAIL, OK, answered, create, read, result

URL = "rtmp://example.com/app/key"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for the whole module: tests use stream ids of their own."""
    running = Daemon(tmp_path_factory.mktemp("endpoints") / "home")
    running.write("LiveApp")
    with running:
        yield running


numbers = itertools.count()


@pytest.fixture
def stream(daemon: Daemon) -> str:
    """The id of a broadcast that no other test uses."""
    stream_id = f"stream{next(numbers)}"
    create(daemon, streamId=stream_id)
    return stream_id


def add(daemon: Daemon, stream_id: str, **endpoint: Any) -> Any:
    return answered(daemon, "POST", f"/broadcasts/{stream_id}/endpoint", endpoint)


def remove(daemon: Daemon, stream_id: str, query: str) -> Any:
    return answered(daemon, "DELETE", f"/broadcasts/{stream_id}/endpoint{query}")


def endpoints(daemon: Daemon, stream_id: str) -> Any:
    return read(daemon, stream_id)["endPointList"]


@pytest.mark.parametrize("name", ["endpoint", "rtmp-endpoint"])
@pytest.mark.parametrize("property_", ["endpointUrl", "rtmpUrl"])
def test_an_endpoint_is_added_and_gets_an_id(
    daemon: Daemon, stream: str, name: str, property_: str
) -> None:
    added = answered(daemon, "POST", f"/broadcasts/{stream}/{name}", {property_: URL})

    assert added == result(True, None, added["dataId"])
    assert re.fullmatch(r"custom[A-Za-z0-9]{6}", added["dataId"])
    assert endpoints(daemon, stream) == [
        {
            "status": "created",
            "type": "generic",
            "endpointUrl": URL,
            "endpointServiceId": added["dataId"],
        }
    ]


def test_what_the_server_owns_of_an_endpoint_is_not_the_clients(
    daemon: Daemon, stream: str
) -> None:
    added = add(
        daemon,
        stream,
        endpointUrl=URL,
        endpointServiceId="mine",
        type="periscope",
        status="broadcasting",
        broadcastId="b",
        streamId="s",
        name="n",
        serverStreamId="s",
    )

    assert added == result(True, None, "mine")
    (endpoint,) = endpoints(daemon, stream)
    assert (endpoint["type"], endpoint["status"]) == ("generic", "created")


def test_two_endpoints_never_have_the_same_id(daemon: Daemon, stream: str) -> None:
    add(daemon, stream, endpointUrl=URL, endpointServiceId="mine")
    second = add(daemon, stream, endpointUrl=f"{URL}2", endpointServiceId="mine")

    assert second["success"] is True
    ids = [endpoint["endpointServiceId"] for endpoint in endpoints(daemon, stream)]
    assert ids == ["mine", second["dataId"]]
    assert second["dataId"].startswith("custom")


def test_an_endpoint_is_added_to_those_that_a_client_listed(daemon: Daemon, stream: str) -> None:
    listed = {"endPointList": [{"endpointUrl": URL}]}
    assert answered(daemon, "PUT", f"/broadcasts/{stream}", listed) == OK

    assert add(daemon, stream, endpointUrl="srt://example.com")["success"] is True

    urls = [endpoint["endpointUrl"] for endpoint in endpoints(daemon, stream)]
    assert urls == [URL, "srt://example.com"]


def test_the_url_alone_may_come_in_the_query(daemon: Daemon, stream: str) -> None:
    path = f"/broadcasts/{stream}/endpoint?rtmpUrl={quote(URL, safe='')}"

    added = answered(daemon, "POST", path)

    assert added["success"] is True
    assert endpoints(daemon, stream)[0]["endpointUrl"] == URL


@pytest.mark.parametrize("body", [None, "", "null", "{}", '{"endpointUrl":null}', '{"type":"a"}'])
def test_an_endpoint_needs_a_url(daemon: Daemon, stream: str, body: str | None) -> None:
    for stream_id in (stream, "nowhere"):
        path = f"/LiveApp/rest/v2/broadcasts/{stream_id}/endpoint"
        response = daemon.request("POST", path, body)

        assert (response.status, response.json) == (200, result(False, "Missing Endpoint url"))
    assert endpoints(daemon, stream) is None


def test_a_broadcast_that_is_not_there_gets_no_endpoint(daemon: Daemon) -> None:
    unknown = result(False, "Stream does not exist with Id: nowhere")

    assert add(daemon, "nowhere", endpointUrl=URL) == unknown
    assert add(daemon, "nowhere", endpointUrl="no address") == unknown


def test_a_url_is_added_once(daemon: Daemon, stream: str) -> None:
    add(daemon, stream, endpointUrl=URL)

    message = f"Endpoint is not added to datastore for stream {stream}. It is already added ->{URL}"
    assert add(daemon, stream, endpointUrl=URL) == result(False, message)
    assert len(endpoints(daemon, stream)) == 1


@pytest.mark.parametrize("url", ["", "localhost", "example.com/app", "rtsps://a", "file:///etc"])
def test_an_endpoint_that_is_no_address_is_not_added(daemon: Daemon, stream: str, url: str) -> None:
    message = f"Endpoint is not added to stream: {stream}"

    given = add(daemon, stream, endpointUrl=url, endpointServiceId="mine")
    generated = add(daemon, stream, endpointUrl=url)

    assert given == result(False, message, "mine")
    assert generated == result(False, message, generated["dataId"])
    assert re.fullmatch(r"custom[A-Za-z0-9]{6}", generated["dataId"])
    assert endpoints(daemon, stream) is None


def test_endpoints_added_at_the_same_time_all_stay(daemon: Daemon, stream: str) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        added = threads.map(lambda n: add(daemon, stream, endpointUrl=f"{URL}{n % 8}"), range(16))
        outcomes = [one["success"] for one in added]

    assert outcomes.count(True) == 8
    urls = [endpoint["endpointUrl"] for endpoint in endpoints(daemon, stream)]
    assert sorted(urls) == [f"{URL}{n}" for n in range(8)]


@pytest.mark.parametrize("name", ["endpoint", "rtmp-endpoint"])
@pytest.mark.parametrize(
    "query",
    [
        "endpointServiceId=mine",
        "endpointServiceId=mine&resolutionHeight=-5",
        f"endpointServiceId=mine&endpointUrl={quote(URL)}2",
        f"endpointUrl={quote(URL)}",
        f"rtmpUrl={quote(URL)}",
        f"endpointServiceId=&rtmpUrl={quote(URL)}",
    ],
)
def test_an_endpoint_is_removed_by_id_or_url(
    daemon: Daemon, stream: str, name: str, query: str
) -> None:
    add(daemon, stream, endpointUrl=URL, endpointServiceId="mine")
    add(daemon, stream, endpointUrl=f"{URL}2", endpointServiceId="other")
    path = f"/broadcasts/{stream}/{name}?{query}"

    assert answered(daemon, "DELETE", path) == OK
    assert [one["endpointServiceId"] for one in endpoints(daemon, stream)] == ["other"]
    assert answered(daemon, "DELETE", path) == FAIL


def test_no_list_of_endpoints_is_left_half(daemon: Daemon, stream: str) -> None:
    assert remove(daemon, stream, "?endpointServiceId=mine") == FAIL
    assert endpoints(daemon, stream) is None

    add(daemon, stream, endpointUrl=URL, endpointServiceId="mine")
    assert remove(daemon, stream, "?endpointServiceId=mine") == OK
    assert endpoints(daemon, stream) == []


@pytest.mark.parametrize(
    "query", ["", "?endpointServiceId=", "?endpointServiceId=other", "?rtmpUrl="]
)
def test_removing_no_endpoint_fails(daemon: Daemon, stream: str, query: str) -> None:
    add(daemon, stream, endpointUrl=URL, endpointServiceId="mine")

    assert remove(daemon, stream, query) == FAIL
    assert remove(daemon, "nowhere", query) == FAIL
    assert len(endpoints(daemon, stream)) == 1


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("height", ["a", "1.5", "99999999999"])
def test_a_height_that_is_no_integer_is_not_found(
    daemon: Daemon, stream: str, method: str, height: str
) -> None:
    value = {"endpointUrl": URL} if method == "POST" else None

    response = daemon.call(
        method, f"/broadcasts/{stream}/endpoint?resolutionHeight={height}", value
    )

    assert response.status == 404
    assert endpoints(daemon, stream) is None


def test_an_unknown_property_is_refused(daemon: Daemon, stream: str) -> None:
    response = daemon.call("POST", f"/broadcasts/{stream}/endpoint", {"endpointUrl": URL, "foo": 1})

    assert response.status == 400
    assert response.json["message"].startswith('Unrecognized field "foo" (class Endpoint)')
