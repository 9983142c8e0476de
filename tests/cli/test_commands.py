"""The command, as a process, on real files."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.daemon import DAEMON, SECRET, signed, write_properties


def antmediad(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("ANTMEDIA_HOME", "ANTMEDIA_DATA")
    }
    environment.update(PYTHONPATH=str(DAEMON), **options.pop("environment", {}))
    return subprocess.run(
        [sys.executable, "-m", "antmediad", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=30,
        **options,
    )


@pytest.fixture
def guarded(home: Path) -> Path:
    """A home whose LiveApp takes tokens of SECRET."""
    write(home, jwtControlEnabled="true", jwtSecretKey=SECRET)
    return home


def write(home: Path, application: str = "LiveApp", **properties: str) -> Path:
    path = home / "webapps" / application / "WEB-INF" / "red5-web.properties"
    complete = {"webapp__contextPath": f"/{application}", "webapp__virtualHosts": "*"}
    write_properties(path, **complete, **properties)
    return path


@pytest.mark.parametrize(
    "command",
    [
        "serve",
        "check",
        "apps",
        "top",
        "token",
        "explain",
        "jwks",
        "settings",
        "user",
        "backup",
        "restore",
    ],
)
def test_help_has_examples(command: str) -> None:
    done = antmediad(command, "--help")

    assert done.returncode == 0
    assert f"antmediad {command}" in done.stdout.partition("examples:")[2]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((), id="no command"),
        pytest.param(("dance",), id="no such command"),
        pytest.param(("serve", "--port", "99999"), id="no port"),
        pytest.param(("serve", "--host", "xn--\u00e9"), id="no host"),
        pytest.param(("token", "create", "--exp", "tomorrow"), id="no time"),
    ],
)
def test_a_wrong_command_line_ends_with_status_2_and_one_hint(arguments: tuple[str, ...]) -> None:
    done = antmediad(*arguments)

    assert done.returncode == 2
    assert done.stderr.startswith("antmediad: ")
    assert "Traceback" not in done.stderr


def test_a_home_that_is_none_is_named(tmp_path: Path) -> None:
    done = antmediad("apps", "--home", str(tmp_path / "nowhere"))

    assert done.returncode == 2
    assert str(tmp_path / "nowhere") in done.stderr
    assert "--home" in done.stderr


def test_the_home_of_the_environment_is_used(guarded: Path) -> None:
    done = antmediad("apps", environment={"ANTMEDIA_HOME": str(guarded)})

    assert done.returncode == 0
    assert "LiveApp" in done.stdout


def test_a_port_in_use_is_an_error_without_a_traceback(guarded: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = antmediad("serve", "--home", str(guarded), "--host", "127.0.0.1", "--port", port)

    assert done.returncode == 2
    assert f"port {port}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_apps_names_states_filters_and_problems(guarded: Path) -> None:
    write(guarded, "Broken", jwtControlEnabled="ture")

    done = antmediad("apps", "--home", str(guarded))

    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert done.returncode == 1
    assert rows["LiveApp"][1:5] == ["active", "1", "on", "secret"]
    assert rows["Broken"][1] == "failed"
    assert "red5-web.properties:3: error: jwtControlEnabled: expected true or false" in done.stdout


def test_apps_as_json_is_complete(guarded: Path) -> None:
    done = antmediad("apps", "--home", str(guarded), "--json")

    (application,) = json.loads(done.stdout)
    assert application["name"] == "LiveApp"
    assert application["state"] == "active"
    assert application["jwtFilter"] == "secret"
    assert application["ipFilter"] is True


@pytest.mark.parametrize(
    ("properties", "options", "status"),
    [
        pytest.param({}, (), 0, id="clean"),
        pytest.param({"ipFilterEnabled": "false"}, (), 0, id="warning"),
        pytest.param({"ipFilterEnabled": "false"}, ("--strict",), 1, id="warning-strict"),
        pytest.param({"remoteAllowedCIDR": "10.0.0.0/33"}, (), 2, id="error"),
    ],
)
def test_check_tells_by_its_status(
    home: Path, properties: dict[str, str], options: tuple[str, ...], status: int
) -> None:
    write(home, **properties)

    assert antmediad("check", "--home", str(home), *options).returncode == status


def test_check_names_file_line_key_and_what_was_expected_but_no_value(home: Path) -> None:
    path = write(home, jwtSecretKey=SECRET, jwtControlEnabled="ture", remoteAllowedCIDR="nowhere")

    done = antmediad("check", "--home", str(home), "LiveApp")

    assert f"{path}:4: error: jwtControlEnabled: expected true or false" in done.stdout
    assert f"{path}:5: error: remoteAllowedCIDR:" in done.stdout
    assert SECRET not in done.stdout
    assert "nowhere" not in done.stdout


def test_check_takes_a_file_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "draft.properties"
    path.write_text("jwksURL=ftp://keys.example/\n")

    done = antmediad("check", "--json", str(path))

    (problem,) = [one for one in json.loads(done.stdout) if one["severity"] == "error"]
    assert done.returncode == 2
    assert problem["file"] == str(path)
    assert (problem["line"], problem["key"]) == (1, "jwksURL")


def test_a_created_token_is_signed_with_the_applications_secret(guarded: Path) -> None:
    done = antmediad(
        "token", "create", "--home", str(guarded), "--app", "LiveApp", "--exp", "1h",
        "--sub", "backup", "--claim", "level=3",
    )  # fmt: skip

    claims = jwt.decode(done.stdout.strip(), SECRET, ["HS256"])
    assert claims["sub"] == "backup"
    assert claims["level"] == 3
    assert 3590 < claims["exp"] - time.time() <= 3600


def test_no_token_is_created_without_a_secret(home: Path) -> None:
    write(home)

    done = antmediad("token", "create", "--home", str(home), "--app", "LiveApp")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "no jwtSecretKey" in done.stderr


def test_an_unknown_application_is_told_beside_the_known_ones(guarded: Path) -> None:
    done = antmediad("token", "create", "--home", str(guarded), "--app", "liveapp")

    assert done.returncode == 2
    assert "'liveapp'" in done.stderr
    assert "LiveApp" in done.stderr


@pytest.mark.parametrize(
    ("claims", "secret", "ip", "reason"),
    [
        pytest.param({}, SECRET, "127.0.0.1", None, id="good"),
        pytest.param({"exp": 1}, SECRET, "127.0.0.1", "expired", id="expired"),
        pytest.param({}, SECRET[::-1], "127.0.0.1", "bad_signature", id="wrong secret"),
        pytest.param({}, SECRET, "192.0.2.9", "ip_not_allowed", id="wrong address"),
    ],
)
def test_explain_tells_the_verdict(
    guarded: Path, claims: dict[str, int], secret: str, ip: str, reason: str | None
) -> None:
    token = signed(claims, secret)

    done = antmediad(
        "explain", "--home", str(guarded), "--app", "LiveApp", "--ip", ip, "--json", "-",
        input=token,
    )  # fmt: skip

    verdict = json.loads(done.stdout)
    assert (verdict["passed"], verdict["reason"]) == (reason is None, reason)
    assert done.returncode == (1 if reason else 0)
    assert token not in done.stdout


def test_explain_is_readable(guarded: Path) -> None:
    done = antmediad("explain", "--home", str(guarded), "--app", "LiveApp", signed({"exp": 1}))

    assert "refused: expired: the token's 'exp' is over" in done.stdout
    assert "\x1b" not in done.stdout


def test_inspect_shows_claims_and_times(guarded: Path) -> None:
    done = antmediad("token", "inspect", signed({"exp": 1_900_000_000, "sub": "x"}))

    assert "2030-03-17 17:46:40 UTC" in done.stdout
    assert '"x"' in done.stdout


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES512", "EdDSA"])
def test_a_generated_key_signs_tokens_that_its_key_set_verifies(
    tmp_path: Path, algorithm: str
) -> None:
    done = antmediad(
        "jwks", "generate", "--alg", algorithm, "--kid", "k1", "--out", str(tmp_path), "--json"
    )
    made = json.loads(done.stdout)
    token = antmediad("token", "create", "--key", made["privateKey"], "--kid", "k1").stdout.strip()

    key = jwt.PyJWKSet.from_json(Path(made["keySet"]).read_text())["k1"]
    assert "iat" in jwt.decode(token, key, [algorithm])
    assert Path(made["privateKey"]).stat().st_mode & 0o777 == 0o600
    assert '"d"' not in Path(made["keySet"]).read_text()


def test_a_second_key_is_put_beside_the_first_and_over_none(tmp_path: Path) -> None:
    generate = ("jwks", "generate", "--alg", "EdDSA", "--out", str(tmp_path))
    antmediad(*generate, "--kid", "k1")
    antmediad(*generate, "--kid", "k2")

    again = antmediad(*generate, "--kid", "k1")

    key_set = json.loads((tmp_path / "public" / ".well-known" / "jwks.json").read_text())
    assert [key["kid"] for key in key_set["keys"]] == ["k2", "k1"]
    assert again.returncode == 2
    assert "choose another --kid" in again.stderr
