"""Files that grow, and what several processes may do to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from antmediad.rest.vod_files import NewFile, find_unfinished, settle, taken_over


@pytest.fixture
def streams(tmp_path: Path) -> Path:
    return tmp_path / "streams"


def grown(streams: Path) -> NewFile:
    file = NewFile(streams, "1.mp4")
    file.create(None)
    file.write(b"video")
    return file


def test_a_file_that_a_living_process_has_is_not_taken_over(streams: Path) -> None:
    file = grown(streams)

    with taken_over(streams, "1.mp4") as is_ours:
        assert not is_ours
    file.complete()
    with taken_over(streams, "1.mp4") as is_ours:
        assert not is_ours

    file.keep()
    assert (streams / "1.mp4").read_bytes() == b"video"
    assert find_unfinished(streams) == []


def test_what_was_left_is_taken_over_by_one_process(streams: Path) -> None:
    file = grown(streams)
    file.complete()
    file.leave()

    with taken_over(streams, "1.mp4") as first, taken_over(streams, "1.mp4") as second:
        assert (first, second) == (True, False)
        assert settle(streams, "1.mp4", is_kept=True)

    assert find_unfinished(streams) == []
    assert (streams / "1.mp4").exists()
    with taken_over(streams, "1.mp4") as again:
        assert not again


def test_what_is_not_on_record_goes(streams: Path) -> None:
    grown(streams).leave()

    with taken_over(streams, "1.mp4"):
        settle(streams, "1.mp4", is_kept=False)

    assert list(streams.iterdir()) == []
