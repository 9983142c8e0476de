"""Which directories are applications."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from antmediad.applications.home import Home, find_applications
from tests.daemon import write_properties


def test_a_directory_with_a_properties_file_is_an_application(home: Path) -> None:
    for name in ("LiveApp", "live-2", "_x", "1"):
        write_properties(Home(home).properties_of(name), appName=name)
    (home / "webapps" / "Empty").mkdir()
    (home / "webapps" / "NoFile" / "WEB-INF").mkdir(parents=True)
    (home / "webapps" / "File").write_text("")

    assert find_applications(Home(home)) == {"LiveApp", "live-2", "_x", "1"}


@pytest.mark.parametrize(
    "name",
    ["root", "Root", ".hidden", "with space", "a.b", "umlaut-ä", os.fsdecode(b"\xff"), "a\n"],
)
def test_a_directory_of_another_name_is_none(home: Path, name: str) -> None:
    write_properties(home / "webapps" / name / "WEB-INF" / "red5-web.properties", a="b")

    assert find_applications(Home(home)) == set()


def test_what_stands_under_the_name_of_the_file_may_be_anything(home: Path) -> None:
    for name in ("Directory", "Fifo", "Dangling"):
        (home / "webapps" / name / "WEB-INF").mkdir(parents=True)
    Home(home).properties_of("Directory").mkdir()
    os.mkfifo(Home(home).properties_of("Fifo"))
    Home(home).properties_of("Dangling").symlink_to("nowhere")

    assert find_applications(Home(home)) == {"Directory", "Fifo", "Dangling"}


def test_a_database_is_never_shared_by_two_applications(tmp_path: Path) -> None:
    home = Home(tmp_path)

    assert home.database_of("Live", "liveapp") != home.database_of("live", "liveapp")
