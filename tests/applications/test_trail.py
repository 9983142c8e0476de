"""Which entries of which directories lead to a file."""

from __future__ import annotations

import os
from pathlib import Path

from antmediad.applications.trail import steps


def test_below_the_base_every_step_is_told(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)

    told = list(steps(f"{tmp_path}/a/b/file", str(tmp_path)))

    assert told == [
        (f"{tmp_path}", "a", False),
        (f"{tmp_path}/a", "b", False),
        (f"{tmp_path}/a/b", "file", True),
    ]


def test_a_missing_step_is_told_and_nothing_after_it(tmp_path: Path) -> None:
    told = list(steps(f"{tmp_path}/a/b/file", str(tmp_path)))

    assert told == [(f"{tmp_path}", "a", False)]


def test_without_a_base_only_the_last_steps_and_links_are_told(tmp_path: Path) -> None:
    (tmp_path / "a" / "v1" / "b" / "c" / "d").mkdir(parents=True)
    (tmp_path / "a" / "current").symlink_to("v1")

    told = list(steps(f"{tmp_path}/a/current/b/c/d/file"))

    assert told == [
        (f"{tmp_path}/a", "current", False),
        (f"{tmp_path}/a/v1/b", "c", False),
        (f"{tmp_path}/a/v1/b/c", "d", False),
        (f"{tmp_path}/a/v1/b/c/d", "file", True),
    ]


def test_links_are_followed_as_kubernetes_lays_them(tmp_path: Path) -> None:
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "file").symlink_to("..data/file")

    told = list(steps(f"{tmp_path}/file", str(tmp_path)))

    assert told == [
        (f"{tmp_path}", "file", True),
        (f"{tmp_path}", "..data", False),
        (f"{tmp_path}", "..2026", False),
        (f"{tmp_path}/..2026", "file", True),
    ]


def test_an_absolute_link_leads_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "mounted").mkdir()
    (tmp_path / "home" / "file").symlink_to(tmp_path / "mounted" / "file")

    told = list(steps(f"{tmp_path}/home/file", f"{tmp_path}/home"))

    assert told == [
        (f"{tmp_path}/home", "file", True),
        (f"{tmp_path.parent}", tmp_path.name, False),
        (f"{tmp_path}", "mounted", False),
        (f"{tmp_path}/mounted", "file", True),
    ]


def test_a_link_upwards_is_followed_from_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "app").symlink_to("../real/inner")
    (tmp_path / "real" / "inner" / "file").symlink_to("../file")

    *_, last = steps(f"{tmp_path}/home/app/file", f"{tmp_path}/home")

    assert (os.path.realpath(last[0]), last[1]) == (f"{tmp_path}/real", "file")


def test_links_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    assert 0 < len(list(steps(f"{tmp_path}/a", str(tmp_path)))) < 100
