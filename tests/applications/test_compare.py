"""Files are shown with their secrets masked, those of the server as those of applications."""

from __future__ import annotations

from pathlib import Path

import pytest

from antmediad.applications.compare import differences, shown_lines, shown_value
from antmediad.settings.schema import SERVER_SPELLINGS
from antmediad.settings.setting import MASK

SERVER_FILE = b"""\
# server.jwtServerSecretKey=old-secret
http.port=5080
server.jwtServerSecretKey=se\\
  cret-1
server.licence_key=licence-1
server.statusWebHookURL=https://u:pass-1@hooks.example/
clusterdb.host=mongodb://u:pass-2@db
clusterdb.password=pass-3
server.name=a\\
  .example
# clusterdb.host = cluster-1
"""
SHIPPED = sorted((Path(__file__).parents[2] / "webapps").rglob("*.properties"))
SECRETS = ("old-secret", "cret-1", "licence-1", "pass-1", "pass-2", "pass-3", "cluster-1")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("server.jwtServerSecretKey", "x"),
        ("server.licence_key", "x"),
        ("clusterdb.host", "x"),
        ("clusterdb.password", "x"),
    ],
)
def test_secrets_of_the_server_are_masked(key: str, value: str) -> None:
    assert shown_value(key, value, SERVER_SPELLINGS) == MASK


def test_a_raw_view_has_numbers_and_keys_and_no_secret() -> None:
    lines = shown_lines(SERVER_FILE, SERVER_SPELLINGS)

    text = "\n".join(line["text"] for line in lines)
    assert not [secret for secret in SECRETS if secret in text]
    assert {"number": 2, "text": "http.port=5080", "key": "http.port"} in lines
    assert {
        "number": 3,
        "text": f"server.jwtServerSecretKey={MASK}",
        "key": "server.jwtServerSecretKey",
    } in lines
    # Physical lines keep their numbers, and those of a masked value are one.
    assert [line["number"] for line in lines] == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11]
    assert [line["key"] for line in lines if line["number"] in (9, 10)] == ["server.name"] * 2
    assert lines[0]["key"] is None


def test_a_raw_view_of_an_application_masks_its_secrets() -> None:
    lines = shown_lines(b"jwtSecretKey=x\rsettings.hlsTime=3\n")

    assert [(line["number"], line["text"]) for line in lines] == [
        (1, f"jwtSecretKey={MASK}"),
        (2, "settings.hlsTime=3"),
    ]


def test_an_empty_file_has_no_lines() -> None:
    assert shown_lines(b"") == []


def test_differences_of_the_server_hide_its_secrets() -> None:
    after = SERVER_FILE.replace(b"pass-3", b"pass-4").replace(b"licence-1", b"licence-2")

    found = list(differences(SERVER_FILE, after, SERVER_SPELLINGS))

    text = "\n".join(one.text for one in found)
    assert not [secret for secret in (*SECRETS, "pass-4", "licence-2") if secret in text]
    assert [one.text for one in found if one.kind == "added"] == [
        f"server.licence_key={MASK}",
        f"clusterdb.password={MASK}",
    ]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.parent.parent.name)
def test_the_comments_of_the_shipped_files_can_be_read(file: Path) -> None:
    shown = shown_lines(file.read_bytes())

    assert not [line["text"] for line in shown if line["key"] is None and MASK in line["text"]]
