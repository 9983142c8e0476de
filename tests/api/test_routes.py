"""Which route answers which path."""

from __future__ import annotations

import pytest

from antmediad.api.answer import OK, Answer
from antmediad.api.routes import Route, Router
from antmediad.errors import RequestError
from antmediad.rest import api, broadcasts, version
from antmediad.rest.call import Call

ROUTER = Router((*broadcasts.ROUTES, *version.ROUTES))


def found(
    path: str, router: Router[Route[Call]] = ROUTER
) -> tuple[set[str], dict[str, str], set[str]]:
    """Return the methods of *path*, its parameters and the route's paths."""
    routes, parameters = router.find(path.split("/")[1:])
    return set(routes), parameters, {route.path for route in routes.values()}


@pytest.mark.parametrize(
    ("path", "methods", "parameters"),
    [
        ("/version", {"GET"}, {}),
        ("/broadcasts", {"DELETE"}, {}),
        ("/broadcasts/create", {"POST"}, {}),
        ("/broadcasts/count", {"GET"}, {}),
        ("/broadcasts/count/text", {"GET"}, {"search": "text"}),
        ("/broadcasts/active-live-stream-count", {"GET"}, {}),
        ("/broadcasts/list/0/50", {"GET"}, {"offset": "0", "size": "50"}),
        ("/broadcasts/list/-1/+5", {"GET"}, {"offset": "-1", "size": "+5"}),
        ("/broadcasts/filter-list/0/5/VoD", {"GET"}, {"offset": "0", "size": "5", "type": "VoD"}),
        ("/broadcasts/abc", {"GET", "PUT", "DELETE"}, {"id": "abc"}),
        ("/broadcasts/Create", {"GET", "PUT", "DELETE"}, {"id": "Create"}),
        # Words that are no whole path leave these names to broadcasts.
        ("/broadcasts/list", {"GET", "PUT", "DELETE"}, {"id": "list"}),
        ("/broadcasts/filter-list", {"GET", "PUT", "DELETE"}, {"id": "filter-list"}),
        ("/broadcasts/bulk", {"GET", "PUT", "DELETE"}, {"id": "bulk"}),
    ],
)
def test_a_path_has_its_methods_and_parameters(
    path: str, methods: set[str], parameters: dict[str, str]
) -> None:
    assert found(path)[:2] == (methods, parameters)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/broadcast",
        "/broadcasts/",
        "/broadcasts//count",
        "/broadcasts/abc/def",
        "/broadcasts/list/0",
        "/broadcasts/list/0/50/1",
        "/broadcasts/count/a/b",
        "/version/1",
        "/Version",
    ],
)
def test_an_unknown_path_is_not_found(path: str) -> None:
    with pytest.raises(RequestError) as refusal:
        found(path)

    assert refusal.value.status == 404


@pytest.mark.parametrize(
    ("number", "known"),
    [
        ("0", True),
        ("007", True),
        ("+1", True),
        ("-2147483648", True),
        ("2147483647", True),
        ("2147483648", False),
        ("-2147483649", False),
        ("99999999999", False),
        ("9" * 30, False),
        ("1.5", False),
        ("1e3", False),
        ("0x1", False),
        ("1_0", False),
        ("٣", False),
        ("", False),
        ("-", False),
        ("--1", False),
        (" 1", False),
        ("abc", False),
    ],
)
def test_a_segment_that_is_no_number_is_no_such_path(number: str, known: bool) -> None:
    for path in (f"/broadcasts/list/{number}/5", f"/broadcasts/list/5/{number}"):
        if known:
            assert found(path)[0] == {"GET"}
        else:
            with pytest.raises(RequestError, match="Not found"):
                found(path)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("create", "POST"),
        ("count", "GET"),
        ("duration", "GET"),
        ("onvif-devices", "GET"),
        ("validate-token", "POST"),
        ("active-live-stream-count", "GET"),
        ("total-broadcast-statistics", "GET"),
        ("webrtc-send-low-level-stats", "GET"),
        ("webrtc-receive-low-level-stats", "GET"),
    ],
)
def test_a_word_of_the_api_is_never_the_id_of_a_broadcast(name: str, method: str) -> None:
    assert found(f"/broadcasts/{name}", api.ROUTER)[:2] == ({method}, {})


def nothing(_: Call) -> Answer:
    return OK


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/a/b", "/a/b"),
        ("/a/x", "/a/{name}"),
        ("/a/1", "/a/{number:int}"),
        ("/z/x", "/{id}/x"),
        ("/a/b/c", "/{id}/b/c"),
    ],
)
def test_fixed_text_comes_before_what_varies_unless_it_leads_nowhere(
    path: str, template: str
) -> None:
    templates = ("/a/b", "/{id}/x", "/a/{number:int}", "/a/{name}", "/{id}/b/c")
    router = Router(Route("GET", one, nothing) for one in templates)

    assert found(path, router)[2] == {template}


def test_a_dead_end_leaves_no_parameter_behind() -> None:
    router = Router((Route("GET", "/{first}/x", nothing), Route("GET", "/{second:int}/y", nothing)))

    assert found("/1/y", router)[1] == {"second": "1"}


def test_long_segments_have_64_bits() -> None:
    router = Router((Route("GET", "/{time:long}", nothing),))

    assert found("/9223372036854775807", router)[0] == {"GET"}
    with pytest.raises(RequestError, match="Not found"):
        found("/9223372036854775808", router)
