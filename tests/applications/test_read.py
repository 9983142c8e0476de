"""Reading files that others write."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from antmediad.applications.read import (
    UNSETTLED,
    References,
    read_file,
    settled,
    stat_signature,
)


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(make_fifo, "not a regular file", id="fifo"),
        pytest.param(Path.mkdir, "not a regular file", id="directory"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "not a regular file", id="device"),
        pytest.param(lambda path: path.write_bytes(bytes(101)), "larger than 100", id="too-large"),
        pytest.param(lambda path: path.symlink_to("nowhere"), "No such file", id="dangling"),
        pytest.param(lambda path: path.symlink_to(path.name), "symbolic links", id="circle"),
    ],
)
def test_what_is_no_file_to_read_is_an_error(tmp_path: Path, make: object, message: str) -> None:
    assert callable(make)
    make(tmp_path / "file")

    with pytest.raises(OSError, match=message):
        read_file(tmp_path / "file", 100)


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)

    assert read_file(tmp_path / "file", 100)[0] == b"x" * 100


def test_a_file_that_changes_while_it_is_read_is_never_half_of_two_versions(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    versions = [b"a" * 300_000, b"b" * 250_000]
    path.write_bytes(versions[0])
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            for version in versions:
                path.write_bytes(version)

    writer = threading.Thread(target=write)
    writer.start()
    seen: set[bytes | str] = set()
    try:
        for _ in range(300):
            try:
                seen.add(read_file(path)[0])
            except OSError as error:
                seen.add(str(error))
    finally:
        done.set()
        writer.join()
    contents = [content for content in seen if isinstance(content, bytes)]
    assert all(any(version.startswith(content) for version in versions) for content in contents)
    assert seen - set(contents) <= {"still being written"}


def test_a_young_file_has_no_signature_to_compare_with(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    young = stat_signature(tmp_path / "file")
    old = (*young[:-1], young[-1] - 3_000_000_000)

    assert settled(young) == UNSETTLED
    assert settled(old) == old


def test_references_resolve_variables_files_and_credentials(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "relative").write_text("one\n")
    (tmp_path / "credential.x").write_text("two\r\n")
    references = References(
        tmp_path / "app", {"NAME": "three", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    )

    assert references.resolve("file", "../relative") == "one"
    assert references.resolve("credential", "credential.x") == "two"
    assert references.resolve("env", "NAME") == "three"
    assert set(references.files) == {tmp_path / "app" / "../relative", tmp_path / "credential.x"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param("env", "NONE", id="no-variable"),
        pytest.param("file", "none", id="no-file"),
        pytest.param("file", "odd\0name", id="null-byte"),
        pytest.param("file", "fifo", id="fifo"),
        pytest.param("file", "latin-1", id="not-utf-8"),
        pytest.param("credential", "../fifo", id="path-as-credential"),
        pytest.param("credential", "..", id="parent-as-credential"),
        pytest.param("credential", "none", id="no-credentials-directory"),
    ],
)
def test_a_reference_to_nothing_usable_is_an_error(tmp_path: Path, kind: str, name: str) -> None:
    make_fifo(tmp_path / "fifo")
    (tmp_path / "latin-1").write_bytes(b"\xe4")
    references = References(tmp_path, {})

    with pytest.raises((LookupError, OSError, ValueError)):
        references.resolve(kind, name)


def test_a_file_that_is_missing_is_awaited(tmp_path: Path) -> None:
    references = References(tmp_path, {})
    with pytest.raises(FileNotFoundError):
        references.resolve("file", "later")
    before = references.files[tmp_path / "later"]
    (tmp_path / "later").write_text("here")

    assert before != UNSETTLED
    assert stat_signature(tmp_path / "later") != before


def test_a_file_that_cannot_be_read_for_the_moment_is_tried_again(tmp_path: Path) -> None:
    make_fifo(tmp_path / "fifo")
    references = References(tmp_path, {})
    with pytest.raises(OSError, match="regular"):
        references.resolve("file", "fifo")

    assert references.files == {tmp_path / "fifo": UNSETTLED}
