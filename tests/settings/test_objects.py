"""Settings as JSON objects: what is shown, and what an object that comes back changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antmediad.applications.write import edit_settings
from antmediad.errors import Problem, SettingsError
from antmediad.properties.reader import parse_properties
from antmediad.settings.checks import EXCLUSIVE
from antmediad.settings.objects import (
    APPLICATION_PROPERTIES,
    READ_ONLY,
    Changes,
    application_object,
    changes_of,
    server_changes_of,
    server_object,
)
from antmediad.settings.parse import Parsed, parse_server_settings, parse_settings
from antmediad.settings.schema import ServerSettings, Settings
from antmediad.settings.setting import MASK, Setting, text_of
from antmediad.settings.values import convert, is_within
from tests.settings.test_ams_files import OF_2021, SHIPPED, saved

SECRET = "S3cret-S3cret-S3cret-S3cret-S3cret"
LADDER = '[{"height":480,"videoBitrate":500000,"audioBitrate":96000,"forceEncode":false}]'
CUSTOM = '{"a":1,"s":{"apiKey":"k-1"},"hooks":[{"u":"x","token":"t-1"},{"u":"y","token":"t-2"}]}'
FULL = saved(
    jwtSecretKey=SECRET,
    jwtControlEnabled="true",
    remoteAllowedCIDR="127.0.0.1, 10.0.0.0/8",
    encoderSettingsString=LADDER,
    customSettings=CUSTOM,
    listenerHookURL="https://user:pass-1@hooks.example/x",
    jwksURL="https://u1:pw-1@a.example,https://u2:pw-2@b.example",
    s3SecretKey="s3-secret",
)
FILES = {"shipped": SHIPPED, "2021": OF_2021, "saved": saved(), "full": FULL}

# The names of the contract, management.md 6.
SERVER_NAMES = set(
    """allowedDashboardCIDR serverName licenceKey buildForMarket marketplace logLevel
    offlineLicense nativeLogLevel heartbeatEnabled useGlobalIp proxyAddress nodeGroup
    webRTCLogLevel cpuMeasurementPeriodMs cpuMeasurementWindowSize defaultHttpPort
    jwtServerControlEnabled jwtServerSecretKey jwksURL originServerPort srtPort rtmpPort
    appIngestsSrtStreamsWithoutStreamId sslEnabled serverStatusWebHookURL localLicenceServerIps
    hostAddress""".split()
)


def read(text: str) -> Parsed:
    """Read an application's file; an error in it raises."""
    document = parse_properties(text.encode())
    return parse_settings(document.properties, problems=document.problems)


def over_the_wire(document: object) -> Any:
    return json.loads(json.dumps(document))


def refused(posted: Mapping[str, Any], base: Settings) -> dict[str, str]:
    """Return why an object is refused, by JSON name."""
    with pytest.raises(SettingsError) as caught:
        changes_of(posted, base)
    return {problem.key: problem.message for problem in caught.value.problems}


def outcome(
    posted: Mapping[str, Any], base: Settings
) -> tuple[Changes | None, tuple[Problem, ...]]:
    try:
        return changes_of(posted, base), ()
    except SettingsError as error:
        return None, error.problems


def server(text: str) -> ServerSettings:
    return parse_server_settings(parse_properties(text.encode()).properties).settings


def test_an_object_has_the_names_of_ant_media_server() -> None:
    shown = application_object(read(FULL).settings)

    assert {"lLHLSEnabled", "targetLatency", "webhookRetryDelay", "encoderSettings"} <= shown.keys()
    assert not shown.keys() & {"dbId", "maxBitrateAccept", "dashTargetLatency", "db.host"}


def test_values_have_their_json_types() -> None:
    shown = application_object(read(FULL).settings)

    assert shown["jwtControlEnabled"] is True
    assert shown["hlsListSize"] == "15"
    assert shown["uploadExtensionsToS3"] == 7
    assert shown["remoteAllowedCIDR"] == "127.0.0.1,10.0.0.0/8"
    assert application_object(Settings())["timeTokenSecretForPlay"] is None
    assert shown["participantVisibilityMatrix"]["default"] == ["default"]
    assert shown["encoderSettings"] == [
        {
            "height": 480,
            "videoBitrate": 500000,
            "audioBitrate": 96000,
            "forceEncode": False,
            "forceSameResolutionEncode": False,
        }
    ]


def test_the_ladder_of_old_is_a_list_too() -> None:
    steps = application_object(read(OF_2021).settings)["encoderSettings"]

    assert [(step["height"], step["audioBitrate"]) for step in steps] == [
        (480, 96000),
        (240, 64000),
    ]


def test_secrets_are_masked_unless_they_are_asked_for() -> None:
    base = read(FULL).settings

    masked = json.dumps(application_object(base))
    for secret in (SECRET, "pass-1", "pw-1", "pw-2", "s3-secret", "k-1", "t-1", "t-2"):
        assert secret not in masked
    assert application_object(base, reveal=True)["jwtSecretKey"] == SECRET
    assert application_object(base, reveal=True)["customSettings"] == json.loads(CUSTOM)


def test_a_secret_that_a_placeholder_brought_elsewhere_is_masked_there() -> None:
    placeholder = "vodUploadFinishScript=x-${jwtSecretKey}"
    found = read(f"{SHIPPED}jwtSecretKey={SECRET}\n{placeholder}\n")

    shown = application_object(found.settings, warnings=found.problems)

    assert shown["vodUploadFinishScript"] == f"x-{MASK}"
    assert not changes_of(shown, found.settings, warnings=found.problems).texts


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
@pytest.mark.parametrize("reveal", [False, True], ids=["masked", "revealed"])
def test_an_object_that_comes_back_unchanged_changes_nothing(text: str, reveal: bool) -> None:
    base = read(text).settings

    changes = changes_of(over_the_wire(application_object(base, reveal=reveal)), base)

    assert changes.texts == {}
    assert changes.ignored == ()


EQUAL = {
    "number-for-text": {"hlsListSize": 15, "hlsTime": 2.0},
    "text-for-number": {"uploadExtensionsToS3": "7"},
    "text-for-switch": {"jwtControlEnabled": "True"},
    "blanks-in-a-list": {"remoteAllowedCIDR": " 127.0.0.1 ,  10.0.0.0/8"},
    "order-of-members": {"customSettings": dict(reversed(json.loads(CUSTOM).items()))},
    "object-as-text": {"customSettings": CUSTOM},
    "ladder-with-blanks": {"encoderSettingsString": LADDER.replace(",", ", ")},
    "ladder-with-text": {
        "encoderSettings": [
            {"height": "480", "videoBitrate": 5e5, "audioBitrate": 96000, "forceEncode": False}
        ]
    },
    "mask": {"jwtSecretKey": MASK, "s3SecretKey": MASK},
    "null-for-nothing": {"timeTokenSecretForPlay": None},
    "empty-for-null": {"apnKeyId": ""},
    "list-size-by-its-number": {"hlsListSize": "+15"},
}


@pytest.mark.parametrize("posted", EQUAL.values(), ids=EQUAL)
def test_the_same_in_another_form_changes_nothing(posted: dict[str, Any]) -> None:
    assert changes_of(posted, read(FULL).settings).texts == {}


CHANGED = {
    "switch": ({"jwtControlEnabled": False}, {"jwtControlEnabled": "false"}),
    "by-file-key": ({"targetLatency": 2.5}, {"dashTargetLatency": "2.5"}),
    "null-is-the-default": ({"remoteAllowedCIDR": None}, {"remoteAllowedCIDR": None}),
    "null-for-a-secret": ({"jwtSecretKey": None}, {"jwtSecretKey": None}),
    "empty-list": ({"remoteAllowedCIDR": ""}, {"remoteAllowedCIDR": ""}),
    "list-size-too-small": ({"hlsListSize": "3"}, {"hlsListSize": "5"}),
    "list-size-null": ({"hlsListSize": None}, {"hlsListSize": "5"}),
    "time-too-small": ({"hlsTime": -1}, {"hlsTime": "1"}),
    "ladder-list": (
        {"encoderSettings": [{"height": 240, "videoBitrate": 1, "audioBitrate": 0}]},
        {
            "encoderSettingsString": '[{"height":240,"videoBitrate":1,"audioBitrate":0,'
            '"forceEncode":true,"forceSameResolutionEncode":false}]'
        },
    ),
    "ladder-text": (
        {"encoderSettingsString": "240,1,0"},
        {"encoderSettingsString": "240,1,0"},
    ),
    "ladder-both-alike": (
        {
            "encoderSettingsString": "240,1,0",
            "encoderSettings": [{"height": 240, "videoBitrate": 1}],
        },
        {"encoderSettingsString": "240,1,0"},
    ),
    "no-ladder": ({"encoderSettings": []}, {"encoderSettingsString": None}),
    "one-url-of-two": (
        {"jwksURL": "https://c.example,https://b.example"},
        {"jwksURL": "https://c.example,https://u2:pw-2@b.example"},
    ),
    "member-beside-a-mask": (
        {"customSettings": {"a": 2, "s": {"apiKey": MASK}}},
        {"customSettings": '{"a":2,"s":{"apiKey":"k-1"}}'},
    ),
    "item-removed-before-a-mask": (
        {"customSettings": {"hooks": [{"u": "y", "token": MASK}]}},
        {"customSettings": '{"hooks":[{"u":"y","token":"t-2"}]}'},
    ),
    "item-changed-beside-its-mask": (
        {"customSettings": {"hooks": [{"u": "z", "token": MASK}, {"u": "y", "token": MASK}]}},
        {"customSettings": '{"hooks":[{"u":"z","token":"t-1"},{"u":"y","token":"t-2"}]}'},
    ),
}


@pytest.mark.parametrize(("posted", "texts"), CHANGED.values(), ids=CHANGED)
def test_what_differs_is_changed(posted: dict[str, Any], texts: dict[str, str | None]) -> None:
    assert changes_of(posted, read(FULL).settings).texts == texts


def test_what_is_not_in_the_body_is_not_adjusted() -> None:
    base = read(SHIPPED + "hlsListSize=3\nhlsTime=0\n").settings

    assert changes_of({"mp4MuxingEnabled": True, "hlsListSize": "3"}, base).texts == {
        "mp4MuxingEnabled": "true"
    }


def test_unknown_properties_are_named_and_change_nothing() -> None:
    changes = changes_of({"nope": 1, "dbId": {"x": 1}, "maxBitrateAccept": 5}, Settings())

    assert changes.texts == {}
    assert changes.ignored == ("nope", "dbId", "maxBitrateAccept")


REFUSED: dict[str, tuple[Any, str]] = {
    "jwtControlEnabled": (None, "expected true or false"),
    "mp4MuxingEnabled": (1, "expected true or false"),
    "webRTCEnabled": ("perhaps", "expected true or false (also on/off, yes/no, 1/0)"),
    "uploadExtensionsToS3": (True, "expected a number"),
    "previewHeight": (None, "expected a number"),
    "webRTCPortRangeMin": ("12x", "expected a whole number of 32 bits"),
    "updateTime": ([], "expected a number"),
    "listenerHookURL": ({}, "expected a text"),
    "appName": (True, "expected a text"),
    "customSettings": ([1], "expected a JSON object"),
    "encoderParameters": ("{", "expected a JSON object"),
    "hlsListSize": ("many", "expected a whole number"),
    "hlsTime": (2.5, "expected a whole number"),
    "encoderSettings": ("480,1,1", "expected an array of objects"),
    "jwtSecretKey": (f"{MASK}x", "expected a value in place of the mask"),
    "jwtStreamSecretKey": ("${file:/etc/shadow}", "expected a plain value"),
    "fileNameFormat": ("${env:DB_PASSWORD}", "expected a plain value"),
    "remoteAllowedCIDR": ("10.0.0.0/8,localhost", "item 2 is neither"),
}


def test_all_that_is_wrong_is_told_at_once_without_a_value() -> None:
    found = refused({name: value for name, (value, _) in REFUSED.items()}, read(FULL).settings)

    assert found.keys() == REFUSED.keys()
    for name, (value, message) in REFUSED.items():
        assert message in found[name]
        assert not isinstance(value, str) or value not in found[name]


@pytest.mark.parametrize(
    ("posted", "message"),
    [
        pytest.param([{"height": 0}], "height of entry 1 to be above 0", id="height"),
        pytest.param([{"height": 9}, 1], "entry 2 to be an object", id="entry"),
        pytest.param([{"height": "x"}], "height of entry 1 to be a whole number", id="number"),
        pytest.param([{"height": 1, "forceEncode": 2}], "to be true or false", id="switch"),
    ],
)
def test_a_ladder_that_cannot_be_is_refused(posted: object, message: str) -> None:
    assert message in refused({"encoderSettings": posted}, Settings())["encoderSettings"]


def test_a_ladder_in_two_versions_is_refused() -> None:
    posted = {"encoderSettingsString": "240,1,0", "encoderSettings": [{"height": 360}]}

    assert "different things" in refused(posted, Settings())["encoderSettings"]
    assert (
        "above 0"
        in refused({"encoderSettingsString": "0,1,0"}, Settings())["encoderSettingsString"]
    )
    assert refused({"encoderSettingsString": "[{}, 1]"}, Settings()) != {}


def test_a_mask_that_stands_for_nothing_is_refused() -> None:
    base = read(FULL).settings

    new = {"customSettings": {"new": {"password": MASK}}}
    assert "masks" in refused(new, base)["customSettings"]
    # The place of the first, by another: its token must not go where the second one points.
    moved = {"customSettings": {"hooks": [{"u": "y2", "token": MASK}]}}
    assert "masks" in refused(moved, base)["customSettings"]


def test_documents_nested_too_deeply_are_refused_or_shown_as_text() -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"a": deep}

    assert "levels" in refused({"customSettings": deep}, Settings())["customSettings"]
    base = read(f"customSettings={json.dumps(deep)}\n").settings
    shown = application_object(base)
    assert isinstance(shown["customSettings"], str)
    assert not changes_of(shown, base).texts


@pytest.mark.parametrize("text", ['{"a":1e999}', '{"a":99999999999999999999}', '{"a":"\\\\ud800"}'])
def test_an_object_that_other_readers_refuse_is_shown_as_text(text: str) -> None:
    base = read(f"customSettings={text}\n").settings

    shown = application_object(base)["customSettings"]

    assert isinstance(shown, str)
    assert shown.encode()
    assert not changes_of({"customSettings": shown}, base).texts


def test_a_long_list_in_another_order_keeps_what_was_masked() -> None:
    users = [{"name": number, "password": f"p{number}"} for number in range(20_000)]
    base = Settings(custom_settings=json.dumps({"users": users}))
    shown = json.loads(json.dumps(application_object(base)["customSettings"]))
    shown["users"].reverse()

    text = changes_of({"customSettings": shown}, base).texts["customSettings"]

    assert text is not None
    assert len(json.loads(text)["users"]) == len(users)


def test_only_one_token_mode_can_be_switched_on() -> None:
    base = read(SHIPPED + "playTokenControlEnabled=true\nplayJwtControlEnabled=true\n").settings

    found = refused({"publishTokenControlEnabled": True, "publishJwtControlEnabled": True}, base)
    assert found == {
        "publishTokenControlEnabled": "excludes publishJwtControlEnabled; "
        "expected only one to be on"
    }
    assert changes_of({"playJwtControlEnabled": True, "mp4MuxingEnabled": True}, base).texts == {
        "mp4MuxingEnabled": "true"
    }
    assert refused({"enableTimeTokenForPlay": True}, base) != {}


def test_what_a_change_says_is_not_in_its_repr() -> None:
    assert SECRET not in repr(changes_of({"jwtSecretKey": SECRET}, Settings()))


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
ADDRESSES = st.ip_addresses().map(str)


def posted_values(declared: Setting) -> st.SearchStrategy[Any]:
    """Return JSON values that a property can have."""
    if declared.choices and declared.kind in ("string", "level"):
        return st.sampled_from(declared.choices)
    if declared.kind == "bool":
        return st.booleans()
    if declared.kind in ("int", "long"):
        return st.integers(declared.minimum or 0, declared.maximum or 2**31 - 1)
    if declared.kind == "float":
        return st.floats(-1000, 1000)
    if declared.kind == "networks":
        return st.lists(ADDRESSES, max_size=3).map(", ".join)
    if declared.kind == "urls":
        return st.lists(st.sampled_from(("https://c.example", "d.example")), max_size=2).map(
            ",".join
        )
    if declared.kind == "object":
        return st.dictionaries(TEXTS, TEXTS | st.integers(-9, 9) | st.none(), max_size=3)
    if declared.kind == "ladder":
        return st.sampled_from(("[]", "480,500000,96000", LADDER))
    if declared.kind == "directories":
        return st.sampled_from(("", "/a", "/a, /b"))
    if declared.kind == "list":
        items = st.sampled_from(declared.choices) if declared.choices else st.just("one")
        return st.lists(items, max_size=2).map(", ".join)
    return TEXTS if not declared.pattern else st.sampled_from(("", "1", "https://a.example/x"))


@settings(max_examples=300)
@given(st.data())
def test_one_field_that_is_changed_changes_that_key_and_no_other(data: st.DataObject) -> None:
    before = data.draw(st.sampled_from(tuple(FILES.values())))
    base = read(before).settings
    shown = over_the_wire(application_object(base))
    name = data.draw(st.sampled_from(tuple(APPLICATION_PROPERTIES)))
    declared = APPLICATION_PROPERTIES[name]
    posted = data.draw(posted_values(declared))

    changes, problems = outcome({**shown, name: over_the_wire(posted)}, base)
    assert {problem.key for problem in problems} <= {name, *EXCLUSIVE[0], *EXCLUSIVE[1]}
    if changes is None:
        return
    after = edit_settings(before.encode(), changes.texts)
    document = parse_properties(after)
    found = parse_settings(document.properties).settings

    assert changes.texts.keys() <= {declared.key}
    different = {
        one.key
        for one in APPLICATION_PROPERTIES.values()
        if getattr(found, one.name) != getattr(base, one.name)
    }
    assert different <= {declared.key}
    if declared.kind not in ("object", "ladder") and name not in ("hlsListSize", "hlsTime"):
        meant = convert(declared, posted if isinstance(posted, str) else text_of(posted))
        if is_within(declared, meant) and (meant or getattr(base, declared.name)):
            assert getattr(found, declared.name) == meant
    assert not changes_of(over_the_wire(application_object(found)), found).texts


def test_a_server_object_has_the_names_of_the_contract() -> None:
    base = server(f"server.jwtServerSecretKey={SECRET}\nserver.licence_key=L-1\nhttp.port=5081\n")

    shown = server_object(base, host_address="192.0.2.1", ssl_enabled=True)

    assert shown.keys() == SERVER_NAMES
    assert shown["defaultHttpPort"] == 5081
    assert shown["hostAddress"] == "192.0.2.1"
    assert shown["sslEnabled"] is True
    assert shown["jwtServerSecretKey"] == shown["licenceKey"] == MASK
    assert server_changes_of(over_the_wire(shown), base).texts == {}


@pytest.mark.parametrize(
    ("posted", "texts"),
    [
        pytest.param({}, {}, id="absent"),
        pytest.param({"serverName": "a.example"}, {"server.name": "a.example"}, id="name"),
        pytest.param({"serverName": None}, {"server.name": None}, id="null"),
        pytest.param({"licenceKey": MASK}, {}, id="mask"),
        pytest.param({"logLevel": "debug"}, {"logLevel": "DEBUG"}, id="level-in-any-case"),
        pytest.param({"logLevel": "warn"}, {}, id="same-level"),
        pytest.param({"nodeGroup": None}, {"nodeGroup": None}, id="group"),
        pytest.param({"hostAddress": "elsewhere", "sslEnabled": True}, {}, id="found-out"),
        pytest.param({"defaultHttpPort": 5080, "srtPort": "4200"}, {}, id="unchanged"),
    ],
)
def test_a_server_object_changes_what_differs(
    posted: dict[str, Any], texts: dict[str, str | None]
) -> None:
    base = server("server.name=old.example\nserver.licence_key=L\nnodeGroup=g\nlogLevel=WARN\n")

    assert server_changes_of(posted, base).texts == texts


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param("logLevel", "LOUD", "expected one of ALL, TRACE", id="level"),
        pytest.param("logLevel", None, "expected one of ALL, TRACE", id="no-level"),
        pytest.param("serverName", True, "expected a text", id="type"),
        pytest.param("defaultHttpPort", 80, READ_ONLY, id="port"),
        pytest.param("jwtServerControlEnabled", None, READ_ONLY, id="switch"),
        pytest.param("jwtServerSecretKey", "x", READ_ONLY, id="secret"),
        pytest.param("allowedDashboardCIDR", "10.0.0.0/8", READ_ONLY, id="networks"),
    ],
)
def test_what_a_server_object_cannot_change_is_refused(
    name: str, value: object, message: str
) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        server_changes_of({name: value}, server(""))
    assert message in caught.value.problems[0].message
