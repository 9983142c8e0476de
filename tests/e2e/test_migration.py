"""What docs/migration.md tells to do works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from antmediad.settings.schema import APPLICATION_SPELLINGS, SERVER_SPELLINGS
from tests.daemon import SECRET, Daemon, signed
from tests.markdown import DOCS, block_of
from tests.rest_api import create, read


def copy(source: Daemon, target: Daemon, directory: Path) -> subprocess.CompletedProcess[str]:
    script = directory / "copy_broadcasts.py"
    script.write_text(block_of("migration.md", "python"))
    urls = [f"http://127.0.0.1:{one.port}/LiveApp" for one in (source, target)]
    return subprocess.run(
        [sys.executable, str(script), *urls],
        env={**os.environ, "TARGET_TOKEN": signed()},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_broadcasts_are_copied_and_those_that_are_there_stay(
    daemon: Daemon, tmp_path: Path
) -> None:
    for number in range(120):
        create(daemon, streamId=f"s{number}", name=f"Stream {number}")
    camera: dict[str, Any] = {
        "type": "ipCamera",
        "ipAddr": "192.0.2.1",
        "username": "me",
        "endPointList": [{"endpointUrl": "rtmp://192.0.2.2/live/x", "type": "generic"}],
        "plannedStartDate": 1900000000,
    }
    create(daemon, streamId="camera", **camera)
    create(daemon, streamId="track", mainTrackStreamId="s1")
    target = Daemon(tmp_path / "other" / "home")
    target.write("LiveApp")
    with target:
        create(target, streamId="s7", name="mine")
        target.write("LiveApp", jwtControlEnabled="true", jwtSecretKey=SECRET)
        target.wait_for_log("generation=2")

        first, again = copy(daemon, target, tmp_path), copy(daemon, target, tmp_path)

        assert first.stdout == "copied: 121, there already: 1\n", first.stderr
        assert again.stdout == "copied: 0, there already: 122\n", again.stderr
        target.write("LiveApp", jwtControlEnabled="false")
        target.wait_for_log("generation=3")
        assert read(target, "s7")["name"] == "mine"
        assert read(target, "s119")["name"] == "Stream 119"
        assert read(target, "track")["mainTrackStreamId"] == "s1"
        copied = read(target, "camera")
        assert copied["endPointList"][0]["endpointUrl"] == "rtmp://192.0.2.2/live/x"
        assert {**camera, "endPointList": copied["endPointList"]}.items() <= copied.items()


def test_what_is_not_let_in_is_told(daemon: Daemon, tmp_path: Path) -> None:
    create(daemon, streamId="one")
    target = Daemon(tmp_path / "other" / "home")
    target.write("LiveApp", jwtControlEnabled="true", jwtSecretKey=SECRET[::-1])
    with target:
        done = copy(daemon, target, tmp_path)
        back = copy(target, daemon, tmp_path)

    assert (done.returncode, back.returncode) == (1, 1)
    assert done.stderr.startswith("one: 403 ")
    assert f":{target.port}/LiveApp/rest/v2/broadcasts/list/0/50: 403 " in back.stderr
    assert "Traceback" not in back.stderr


def test_every_key_that_is_named_is_one() -> None:
    text = (DOCS / "migration.md").read_text()
    named = set(re.findall(r"`((?:jwt|jwks|ip|remote|server\.|http\.|settings\.|vod)[\w.]*)", text))

    named.discard("server.db")  # a file of Ant Media Server
    assert len(named) > 10
    assert named <= {*APPLICATION_SPELLINGS, *SERVER_SPELLINGS}
