"""The declarations say what the table of Ant Media Server's settings says."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest

from antmediad.settings.document import settings_reference
from antmediad.settings.schema import (
    APPLICATION_KEYS,
    APPLICATION_SPELLINGS,
    SERVER_KEYS,
    ServerSettings,
    Settings,
)
from antmediad.settings.setting import MASK, Setting, masked, masked_unknown, text_of
from antmediad.settings.values import convert

TESTS = Path(__file__).parent.parent
REFERENCE = TESTS.parent / "docs" / "settings.md"

with (TESTS / "data" / "settings.csv").open(newline="") as table:
    ROWS = {row["key"]: row for row in csv.DictReader(table)}

OWN_KEYS = (
    "jwtPreviousSecretKey",
    "jwtIssuer",
    "jwtAudience",
    "jwtAlgorithms",
    "jwtClockSkewSeconds",
    "jwtRequireExpiry",
    "jwksMaxStaleSeconds",
    "vodImportRoots",
    "restRequestsPerSecond",
    "restRequestsPerSecondPerAddress",
)
TYPES = {
    "level": "string",
    "host": "string",
    "suffixes": "list",
    "networks": "list",
    "urls": "string",
    "object": "json",
    "ladder": "json",
}
# Not known before there is an application: its name, its random keys, its own webapp.* lines.
MADE_LATER = ("random 32 alphanumeric", "(required)", "lower-case application name")
# Nothing is published here, so nothing here asks for these tokens.
NOT_ENFORCED = (
    "hashControlPublishEnabled",
    "publishTokenControlEnabled",
    "publishJwtControlEnabled",
    "enableTimeTokenForPublish",
    "secureAnalyticEndpoint",
)
# What the table leaves to the media server, and files below /streams/ and uploads need here.
FOR_FILES = ("hlsSegmentFileSuffixFormat", "vodUploadFinishScript")


def test_every_setting_is_declared_in_the_order_of_the_table_and_then_the_own_ones() -> None:
    assert tuple(APPLICATION_KEYS) == (*ROWS, *OWN_KEYS)


@pytest.mark.parametrize("key", ROWS)
def test_a_declaration_says_what_its_row_says(key: str) -> None:
    row, setting = ROWS[key], APPLICATION_KEYS[key]

    assert setting.legacy == tuple(filter(None, row["legacy_key"].split("|")))
    assert TYPES.get(setting.kind, setting.kind) == row["type"]
    assert setting.secret == (row["secret"] == "yes")
    assert setting.group == row["group"]
    applies = row["applies_without_media"] == "yes" and key not in NOT_ENFORCED
    assert setting.effective == (applies or key in FOR_FILES)


@pytest.mark.parametrize("key", ROWS)
def test_a_default_is_what_the_text_of_its_row_stands_for(key: str) -> None:
    row, setting = ROWS[key], APPLICATION_KEYS[key]

    if row["default"] == "null":
        assert setting.default is None
    elif row["default"] in MADE_LATER:
        assert setting.default in ("", ())
    elif row["default"] or row["type"] == "list":
        assert setting.default == convert(setting, row["default"])
    else:
        assert setting.default in ("", ())


@pytest.mark.parametrize(
    "setting", [*APPLICATION_KEYS.values(), *SERVER_KEYS.values()], ids=lambda setting: setting.key
)
def test_every_default_can_be_written_and_read_back(setting: Setting) -> None:
    if setting.default is None:
        return

    assert convert(setting, text_of(setting.default)) == setting.default


def test_own_settings_are_off_by_default() -> None:
    settings = Settings()

    assert settings.jwt_previous_secret_key == ""
    assert settings.jwt_issuer == settings.jwt_audience == settings.jwt_algorithms == ()
    assert settings.vod_import_roots == ServerSettings().http_trusted_proxies == ()
    assert settings.jwt_clock_skew_seconds == 0
    assert not settings.jwt_require_expiry
    assert settings.jwks_max_stale_seconds == 86400
    assert settings.rest_requests_per_second == 0
    assert settings.rest_requests_per_second_per_address == 0
    assert ServerSettings().http_max_connections_per_address == 0


def test_only_the_old_token_switch_stands_for_two_settings() -> None:
    shared = {spelling for spelling, both in APPLICATION_SPELLINGS.items() if len(both) > 1}

    assert shared == {"settings.tokenControlEnabled"}


def test_six_settings_have_another_name_in_json_and_two_have_none() -> None:
    renamed = {
        setting.json_name
        for setting in APPLICATION_KEYS.values()
        if setting.json_name not in (setting.key, None)
    }
    absent = {key for key, setting in APPLICATION_KEYS.items() if setting.json_name is None}

    assert renamed == {
        "targetLatency",
        "lLDashEnabled",
        "lLHLSEnabled",
        "originEdgeIdleTimeout",
        "statsBasedABREnabled",
        "webhookRetryDelay",
    }
    assert {key for key in absent if "." not in key} == {"dbId", "maxBitrateAccept"}


def test_settings_cannot_be_edited_and_compare_by_value() -> None:
    settings = Settings(jwt_secret_key="a")

    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.jwt_secret_key = "b"  # type: ignore[misc]
    assert settings == Settings(jwt_secret_key="a")
    assert settings != Settings()


def test_a_repr_shows_no_secret() -> None:
    settings = Settings(
        jwt_secret_key="S3cret",
        listener_hook_url="https://user:S3cret@hooks.example/x",
        custom_settings='{"s3":{"password":"S3cret","tries":3}}',
    )

    assert "S3cret" not in repr(settings)
    assert "hooks.example" in repr(settings)
    assert '"tries":3' in repr(settings)
    assert "S3cret" not in repr(ServerSettings(server_licence_key="S3cret"))


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        pytest.param("jwtSecretKey", "abc", MASK, id="secret"),
        pytest.param("jwtSecretKey", "", "", id="empty-secret"),
        pytest.param("jwksURL", ("https://u:p@a.b/c",), "https://a.b/c", id="userinfo"),
        pytest.param("jwtControlEnabled", True, "true", id="switch"),
        pytest.param("dbId", None, "", id="null"),
        pytest.param("customSettings", '{"token', MASK, id="json-cut-short"),
        pytest.param("customSettings", '{"a":"@"}', '{"a":"@"}', id="json-without-credentials"),
        pytest.param(
            "customSettings",
            '{"p\\u0061ssword":"abc"}',
            f'{{"password":"{MASK}"}}',
            id="json-with-an-escaped-name",
        ),
        pytest.param(
            "customSettings",
            '{"token":1,"a":' * 900 + "1" + "}" * 900,
            MASK,
            id="json-nested-too-deeply",
        ),
        pytest.param("customSettings", '{"a@":"\\ud800"}', MASK, id="json-that-is-no-text"),
    ],
)
def test_masking_leaves_what_may_be_shown(
    key: str, value: str | bool | tuple[str, ...] | None, shown: str
) -> None:
    assert masked(APPLICATION_KEYS[key], value) == shown


def test_unknown_keys_that_sound_secret_are_masked() -> None:
    assert masked_unknown("youtube.clientSecret", "abc") == MASK
    assert masked_unknown("my.url", "ftp://u:p@host/") == "ftp://host/"


def test_the_settings_reference_is_what_the_declarations_say() -> None:
    assert REFERENCE.read_text() == settings_reference()
