"""One process at a time serves a home."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from antmediad.applications.lock import Lock
from antmediad.errors import HomeInUseError


def test_the_lock_is_held_by_one_and_says_by_whom(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "data")

    with pytest.raises(HomeInUseError, match=f"process {os.getpid()}"):
        Lock(tmp_path / "data")

    lock.release()
    Lock(tmp_path / "data").release()


def test_what_was_left_by_others_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"\xff" * 100)

    lock = Lock(tmp_path)

    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic links"):
        Lock(tmp_path)

    assert not (tmp_path / "elsewhere").exists()
