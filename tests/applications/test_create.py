"""An application's directory is there as a whole, or not at all."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from antmediad.applications.create import make_directory
from antmediad.applications.home import Home, find_applications
from antmediad.applications.remove import put_aside, remove_gone
from antmediad.errors import ApplicationError, ApplicationExistsError


@pytest.fixture
def of(home: Path) -> Home:
    return Home(home)


def test_whoever_looks_meanwhile_never_sees_a_half(of: Home) -> None:
    names = [f"app{number}" for number in range(20)]
    is_over = threading.Event()

    def look() -> set[str]:
        seen: set[str] = set()
        while not is_over.is_set():
            for name in os.listdir(of.webapps):
                if not name.startswith("."):
                    seen.add(name)
                    assert of.properties_of(name).read_bytes().endswith(b"db.host=localhost\n")
        return seen

    with ThreadPoolExecutor() as threads:
        looking = threads.submit(look)
        try:
            for name in names:
                make_directory(of, name)
        finally:
            is_over.set()
        assert looking.result() <= set(names)
    assert find_applications(of) == set(names) == set(os.listdir(of.webapps))


def test_of_many_who_make_one_at_once_one_does(of: Home) -> None:
    def make(_: int) -> bool:
        try:
            make_directory(of, "contested")
        except ApplicationExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(make, range(8)))

    assert made.count(True) == 1
    assert os.listdir(of.webapps) == ["contested"]


def test_all_of_it_belongs_to_the_owner_of_webapps(of: Home) -> None:
    if os.geteuid() == 0:
        os.chown(of.webapps, 12345, 23456)
    owner = os.stat(of.webapps)

    make_directory(of, "owned")

    made = [of.webapps / "owned", *(of.webapps / "owned").rglob("*")]
    assert len(made) == 3
    assert {(one.stat().st_uid, one.stat().st_gid) for one in made} == {
        (owner.st_uid, owner.st_gid)
    }


def test_without_webapps_none_is_made(of: Home) -> None:
    of.webapps.rmdir()

    with pytest.raises(ApplicationError, match="No such file or directory"):
        make_directory(of, "nowhere")


def test_what_is_put_aside_is_removed_with_what_an_earlier_process_left(of: Home) -> None:
    for name in ("one", "two"):
        make_directory(of, name)
        put_aside(of.webapps / name)
    assert find_applications(of) == set()

    assert remove_gone(of.webapps)

    assert os.listdir(of.webapps) == []


def test_what_is_not_there_cannot_be_put_aside(of: Home) -> None:
    with pytest.raises(FileNotFoundError):
        put_aside(of.webapps / "nothing")
