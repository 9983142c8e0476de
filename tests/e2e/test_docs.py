"""The description and the page that shows it, behind the guard like every path."""

from __future__ import annotations

import re

import pytest

from tests.daemon import SECRET, Daemon, signed

API = "/LiveApp/rest/v2"
PAGE = ("docs", "docs/", "docs/app.js", "docs/style.css")


def test_the_document_names_the_application_that_it_is_of(daemon: Daemon) -> None:
    response = daemon.call("GET", "/openapi.json")

    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json["servers"] == [{"url": API}]


@pytest.mark.parametrize(
    ("path", "kind"),
    [("docs", "text/html"), ("docs/app.js", "text/javascript"), ("docs/style.css", "text/css")],
)
def test_the_page_comes_with_a_strict_policy(daemon: Daemon, path: str, kind: str) -> None:
    response = daemon.request("GET", f"{API}/{path}", headers={"Accept": kind})

    assert response.status == 200
    assert response.headers["content-type"] == f"{kind}; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert int(response.headers["content-length"]) == len(response.body)


def test_the_page_loads_nothing_from_elsewhere(daemon: Daemon) -> None:
    html = daemon.call("GET", "/docs").body.decode()

    linked = re.findall(r'(?:href|src)="([^"#][^"]*)"', html)
    assert len(linked) == 5
    for target in linked:
        assert target == "data:," or daemon.get(target) == 200
    assert not re.search(r"<style|<script>| on\w+=|style=", html)
    for path in PAGE:
        assert b"//" not in re.sub(rb"(?m)^\s*//.*$", b"", daemon.call("GET", f"/{path}").body)


def test_both_need_a_token_while_the_filter_is_on(daemon: Daemon) -> None:
    daemon.write("Guarded", jwtControlEnabled="true", jwtSecretKey=SECRET)
    daemon.wait_for_log("application=Guarded generation=1")

    for path in ("openapi.json", *PAGE):
        assert daemon.get(f"/Guarded/rest/v2/{path}") == 403
        assert daemon.get(f"/Guarded/rest/v2/{path}", signed()) == 200


def test_the_page_is_read_only(daemon: Daemon) -> None:
    assert daemon.call("POST", "/docs").status == 405
    assert daemon.call("GET", "/docs/other.js").status == 404
