"""What a panel is given to draw a form."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from antmediad.properties.reader import parse_properties
from antmediad.settings.form import FIRST_GROUPS, form, values
from antmediad.settings.groups import GROUP_TITLES
from antmediad.settings.parse import parse_settings
from antmediad.settings.schema import APPLICATION_KEYS, SERVER_KEYS
from antmediad.settings.setting import MASK, Setting

DECLARED = {"application": APPLICATION_KEYS, "server": SERVER_KEYS}


@pytest.mark.parametrize("declared", DECLARED.values(), ids=DECLARED)
def test_every_setting_stands_in_one_group_with_a_title(declared: Mapping[str, Setting]) -> None:
    groups = form(declared)

    keys = [one["key"] for group in groups for one in group["settings"]]
    assert sorted(keys) == sorted(declared)
    assert all(group["title"] == GROUP_TITLES[group["name"]] for group in groups)
    assert groups[0]["name"] in FIRST_GROUPS
    assert json.loads(json.dumps(groups)) == groups


def test_the_guard_stands_first() -> None:
    names = [group["name"] for group in form(APPLICATION_KEYS)]

    assert names[:2] == ["rest-security", "stream-security"]


def test_a_setting_says_what_may_be_entered() -> None:
    described = {one["key"]: one for group in form(APPLICATION_KEYS) for one in group["settings"]}

    assert described["jwtSecretKey"]["secret"]
    assert described["jwtClockSkewSeconds"]["maximum"] == 300
    assert described["remoteAllowedCIDR"]["default"] == "127.0.0.1"
    assert described["jwksURL"]["legacy"] == ["settings.jwksURL"]
    assert described["timeTokenSecretForPlay"]["default"] is None
    assert "pattern" in described["listenerHookURL"]
    assert "pattern" not in described["appName"]


def test_values_say_where_they_come_from_and_hide_secrets() -> None:
    text = (
        b"settings.jwksURL=https://u:p@a.example\njwtSecretKey=s3cret\nappName=a-${jwtSecretKey}\n"
    )
    parsed = parse_settings(parse_properties(text).properties)

    shown = values(parsed.settings, parsed.origins, APPLICATION_KEYS, warnings=parsed.problems)

    assert shown.keys() == APPLICATION_KEYS.keys()
    assert shown["jwksURL"] == {
        "text": "https://a.example",
        "isDefault": False,
        "isSet": True,
        "origin": {"line": 1, "spelling": "settings.jwksURL", "source": "file"},
    }
    assert shown["jwtSecretKey"]["text"] == MASK
    assert shown["appName"]["text"] == f"a-{MASK}"
    assert shown["hlsTime"] == {"text": "2", "isDefault": True, "isSet": False, "origin": None}
