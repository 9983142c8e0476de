"""Files that start an application in Ant Media Server are read here too."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from antmediad.properties.reader import parse_properties
from antmediad.settings.parse import Parsed, parse_settings
from antmediad.settings.schema import APPLICATION_KEYS

RANDOM = "k3Jd8sLq0Zx7Vb2Nm5Tg9Rw4Yp6Hc1Fa"

with (Path(__file__).parent.parent / "data" / "settings.csv").open(newline="") as table:
    DEFAULTS = {row["key"]: row["default"] for row in csv.DictReader(table)}

# What the installer ships in a new application.
SHIPPED = """\
webapp.contextPath=/LiveApp
webapp.virtualHosts=*
appName=LiveApp
db.name=liveapp
db.type=mapdb
db.host=localhost
"""
OF_2021 = """\
webapp.contextPath=/LiveApp
webapp.virtualHosts=*, localhost, 127.0.0.1
webapp.dbName=liveapp.db
db.app.name=LiveApp
db.name=liveapp
db.type=mapdb
db.host=localhost
db.user=
db.password=
settings.mp4MuxingEnabled=true
settings.addDateTimeToMp4FileName=true
settings.hlsMuxingEnabled=true
settings.encoderSettingsString=480,500000,96000,240,300000,64000
settings.hlsListSize=5
settings.hlsTime=2
settings.hlsPlayListType=
settings.deleteHLSFilesOnEnded=true
settings.webRTCEnabled=true
settings.listenerHookURL=
settings.acceptOnlyStreamsInDataStore=false
settings.tokenControlEnabled=false
settings.objectDetectionEnabled=false
settings.createPreviewPeriod=5000
settings.previewOverwrite=false
settings.streamFetcherRestartPeriod=0
settings.remoteAllowedCIDR=127.0.0.1
settings.encoding.preset=veryfast
settings.webrtc.portRangeMin=0
settings.webrtc.portRangeMax=0
settings.previewHeight=480
settings.h264Enabled=true
settings.defaultDecodersEnabled=true
"""


def escaped(text: str) -> str:
    """Return a value as ``java.util.Properties.store`` writes it."""
    written = re.sub(r"([\\=:#!])", r"\\\1", text)
    return "\\" + written if written.startswith(" ") else written


def saved(**changes: str) -> str:
    """Return a file as a REST save of Ant Media Server 2.6.2 to 3.x leaves it."""
    values = {"updateTime": "1750000000000", "appName": "LiveApp", **changes}
    lines = ["#", "#Tue Jun 16 12:00:00 UTC 2026", *SHIPPED.splitlines()]
    for key, default in DEFAULTS.items():
        if key.startswith(("webapp.", "db.")) or key == "appName":
            continue
        if default == "null":
            default = ""
        elif default.startswith("random"):
            default = RANDOM
        name = APPLICATION_KEYS[key].json_name or key
        lines.append(f"{name}={escaped(values.get(key, default))}")
    return "\n".join(lines) + "\n"


def read(text: str) -> Parsed:
    """Read a file; an error in it raises."""
    document = parse_properties(text.encode("iso-8859-1"))
    return parse_settings(document.properties, application="LiveApp", problems=document.problems)


def test_a_complete_file_is_read_without_a_word() -> None:
    found = read(saved())

    assert found.problems == ()
    assert not found.unknown
    assert len(found.origins) == 184 + 5
    assert found.settings.stun_server_uri == "stun:stun1.l.google.com:19302"
    matrix = found.settings.participant_visibility_matrix
    assert matrix == DEFAULTS["participantVisibilityMatrix"]
    assert found.settings.cluster_communication_key == RANDOM
    assert found.settings.update_time == 1750000000000


def test_a_file_of_2021_is_read_with_a_word_on_what_is_no_longer_used() -> None:
    found = read(OF_2021)

    assert not found.unknown.keys() - {
        "settings.objectDetectionEnabled",
        "settings.encoding.preset",
        "settings.defaultDecodersEnabled",
    }
    messages = [problem.message for problem in found.problems]
    assert messages.count("no longer used") == 3
    assert len(messages) <= 4
    assert found.settings.app_name == "LiveApp"
    assert found.settings.mp4_muxing_enabled


@pytest.mark.parametrize("text", [SHIPPED, OF_2021, saved()], ids=["shipped", "2021", "saved"])
def test_windows_line_ends_and_blanks_after_values_are_no_errors(text: str) -> None:
    plain = read(text)

    assert read(text.replace("\n", "\r\n")) == plain
    blanks = re.sub(r"(?<!\n)\n", "  \r\n", text)
    found = read(blanks)
    assert found.settings.db_type == "mapdb"
    assert found.settings.db_name == "liveapp"
    assert found.settings.remote_allowed_cidr == plain.settings.remote_allowed_cidr


UNREAD = (
    "dbId",
    "mySqlClientPath",
    "updateTime",
    "appStatus",
    "appInstallationTime",
    "pullWarFile",
    "warFileOriginServerAddress",
)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("updateTime", "yesterday"),
        ("updateTime", ""),
        ("updateTime", "${nope}"),
        ("appStatus", "broken"),
        ("appInstallationTime", "1.5"),
        ("pullWarFile", "null"),
    ],
)
def test_what_no_start_reads_stops_none(key: str, value: str) -> None:
    found = read(f"{SHIPPED}{key}={value}\n")

    [problem] = found.problems
    assert (problem.severity, problem.line, problem.key) == ("warning", 7, key)
    assert problem.message.endswith("; the default counts")
    declared = APPLICATION_KEYS[key]
    assert getattr(found.settings, declared.name) == declared.default


def test_no_key_but_those_is_replaced_by_its_default() -> None:
    replaced = {key for key, one in APPLICATION_KEYS.items() if one.misfit == "default"}

    assert replaced == {*UNREAD, "encoderSettingsString"}


@pytest.mark.parametrize("value", ["480", "480,500000", "480,high,1", "[1]", "[{", "{}", "null"])
def test_a_ladder_that_is_none_is_empty_with_a_warning(value: str) -> None:
    found = read(f"{SHIPPED}encoderSettingsString={value}\n")

    assert found.settings.encoder_settings_string == ""
    [problem] = found.problems
    assert (problem.severity, problem.key) == ("warning", "encoderSettingsString")
    assert "expected a JSON array" in problem.message


def test_any_base_of_redirects_is_kept_with_a_warning() -> None:
    found = read(f"{SHIPPED}httpForwardingBaseURL=cdn.example/live\n")

    assert found.settings.http_forwarding_base_url == "cdn.example/live"
    [problem] = found.problems
    assert (problem.severity, problem.key) == ("warning", "httpForwardingBaseURL")


@pytest.mark.parametrize(
    ("key", "value"),
    [("db.type", "mapdb"), ("db.name", "liveapp"), ("hlsTime", "2"), ("appStatus", "installed")],
)
def test_blanks_around_what_has_a_form_are_dropped_with_a_warning(key: str, value: str) -> None:
    rest = re.sub(rf"^{re.escape(key)}=.*\n", "", SHIPPED, flags=re.MULTILINE)

    found = read(f"{rest}{key}=\\ {value}\t \n")

    assert getattr(found.settings, APPLICATION_KEYS[key].name) == value
    [problem] = found.problems
    assert (problem.severity, problem.key) == ("warning", key)
    assert "blanks" in problem.message
