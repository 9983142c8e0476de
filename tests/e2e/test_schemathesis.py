"""The running daemon behaves as its own description says, whatever it is sent."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

from tests.daemon import Daemon

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
EXAMPLES = 10
PHASES = "examples,coverage,fuzzing"


def test_answers_are_as_the_document_says(daemon: Daemon, tmp_path: Path) -> None:
    # The ids that generated paths begin with, so that calls find something.
    for stream_id in ("0", "00", "1", "a"):
        properties = {
            "streamId": stream_id,
            "mainTrackStreamId": None if stream_id == "0" else "0",
            "endPointList": [{"endpointUrl": "rtmp://peer.example/live"}],
            "playListItemList": [{"streamUrl": "https://peer.example/a.mp4"}],
            "encoderSettingsList": [{"height": 360}],
            "hlsParameters": {"hlsTime": "2"},
        }
        assert daemon.call("POST", "/broadcasts/create", properties).status == 200
        daemon.call("POST", f"/broadcasts/{stream_id}/subscribers", {"subscriberId": "0000"})

    run = subprocess.run(
        [
            str(Path(sysconfig.get_path("scripts"), "schemathesis")),
            "run",
            f"http://127.0.0.1:{daemon.port}/LiveApp/rest/v2/openapi.json",
            f"--checks={','.join(CHECKS)}",
            f"--phases={PHASES}",
            f"--max-examples={EXAMPLES}",
            "--seed=1",
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert run.returncode == 0, f"{run.stdout[-8000:]}\n{run.stderr[-2000:]}"
    assert "request failed" not in daemon.log()
