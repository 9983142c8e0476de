"""Which home a command is about, and where antmediad writes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from antmediad.cli.main import HOME_FILE, home_of, main


@pytest.mark.parametrize(
    ("home", "data", "variables", "noted", "expected"),
    [
        pytest.param("A", None, {}, None, ("A", None), id="option"),
        pytest.param("A", "X", {}, None, ("A", "X"), id="both options"),
        pytest.param("A", None, {"DATA": "Y"}, None, ("A", None), id="data of another home"),
        pytest.param(None, None, {"HOME": "B", "DATA": "Y"}, None, ("B", "Y"), id="environment"),
        pytest.param(None, "X", {"HOME": "B", "DATA": "Y"}, None, ("B", "X"), id="option first"),
        pytest.param(None, None, {}, "C\n", ("C", None), id="noted"),
        pytest.param(None, None, {}, "C\nZ\n", ("C", "Z"), id="both noted"),
        pytest.param(None, None, {"DATA": "Y"}, "C\nZ\n", ("C", "Y"), id="environment first"),
        pytest.param(None, None, {"HOME": "B"}, "C\nZ\n", ("B", None), id="noted for another"),
    ],
)
def test_a_home_and_its_data_come_from_the_same_place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    home: str | None,
    data: str | None,
    variables: dict[str, str],
    noted: str | None,
    expected: tuple[str, str | None],
) -> None:
    for name in "ABC":
        (tmp_path / name / "webapps").mkdir(parents=True)
    if noted is not None:
        (tmp_path / HOME_FILE).write_text(noted)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    for name in ("HOME", "DATA"):
        monkeypatch.delenv(f"ANTMEDIA_{name}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(f"ANTMEDIA_{name}", value)

    found = home_of(argparse.Namespace(home=home, data=data))

    assert found.path == tmp_path / expected[0]
    assert found.own == (tmp_path / expected[1] if expected[1] else None)
    assert found.data == (found.own or found.path) / "data"


def test_the_help_names_the_home_of_this_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / HOME_FILE).write_text("/srv/100%\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")

    with pytest.raises(SystemExit):
        main(["settings", "get", "--help"])

    shown = capsys.readouterr().out
    assert "Print what stands in the file." in shown
    assert "(default: $ANTMEDIA_HOME, else /srv/100%)" in shown
