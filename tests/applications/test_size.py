"""How much a directory holds."""

from __future__ import annotations

import asyncio
from pathlib import Path

from antmediad.applications.size import Sizes, size_of


def test_files_count_and_links_do_not(tmp_path: Path) -> None:
    directory = tmp_path / "app"
    (directory / "streams" / "deep").mkdir(parents=True)
    (directory / "one").write_bytes(b"x" * 10)
    (directory / "streams" / "deep" / "two").write_bytes(b"x" * 5)
    (tmp_path / "elsewhere").write_bytes(b"x" * 1000)
    (directory / "file").symlink_to(tmp_path / "elsewhere")
    (directory / "loop").symlink_to(directory)

    assert size_of(directory) == 15


def test_what_is_not_there_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")

    assert size_of(tmp_path / "nothing") == -1
    assert size_of(tmp_path / "file") == -1


def test_a_directory_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "one").write_bytes(b"x" * 10)
    (tmp_path / "link").symlink_to(tmp_path / "app")

    assert size_of(tmp_path / "link") == 10


def test_all_who_ask_at_once_are_told(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * 10)

    async def ask() -> list[int]:
        sizes = Sizes()
        return [
            *await asyncio.gather(*(sizes.of(tmp_path) for _ in range(5))),
            await sizes.of(tmp_path / "nothing"),
            await sizes.of(tmp_path),
        ]

    assert asyncio.run(ask()) == [10] * 5 + [-1, 10]
