"""Key sets that outlive the daemon."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from antmediad.store.key_sets import KeptKeySet, KeySetFiles

URL = "https://issuer.example/jwks"


def test_a_key_set_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    files = KeySetFiles(tmp_path / "data" / "key-sets")

    files.save(URL, "https://cdn.example/keys", 1_700_000_000.25, b'{"keys":["\xc3\xa9"]}')

    kept = KeptKeySet("https://cdn.example/keys", 1_700_000_000.25, b'{"keys":["\xc3\xa9"]}')
    assert files.load(URL) == kept
    assert KeySetFiles(tmp_path / "data" / "key-sets").load(URL) == kept


def test_nothing_was_saved_for_another_url(tmp_path: Path) -> None:
    files = KeySetFiles(tmp_path)
    files.save(URL, URL, 1.0, b"{}")

    assert files.load(URL + "/") is None
    assert files.load("") is None
    assert files.load("../../etc/passwd") is None


def test_the_newer_key_set_replaces_the_older_and_nothing_else_stays(tmp_path: Path) -> None:
    files = KeySetFiles(tmp_path)

    for number in range(3):
        files.save(URL, URL, float(number), b"%d" % number)

    assert files.load(URL) == KeptKeySet(URL, 2.0, b"2")
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"location":1,"fetchedAt":"x","document":"{}"}',
        b'{"location":"l","fetchedAt":null,"document":"{}"}',
        b'{"location":"l","fetchedAt":1,"document":[]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_file_that_makes_no_sense_is_nothing_saved(tmp_path: Path, content: bytes) -> None:
    files = KeySetFiles(tmp_path)
    files.save(URL, URL, 1.0, b"{}")
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)

    assert files.load(URL) is None


def test_files_are_private(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        KeySetFiles(tmp_path / "key-sets").save(URL, URL, 1.0, b"{}")
    finally:
        os.umask(umask)

    (file,) = (tmp_path / "key-sets").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_what_cannot_be_saved_is_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    files = KeySetFiles(tmp_path)
    files.save(URL, URL, 1.0, b"{}")
    (file,) = tmp_path.iterdir()
    file.unlink()
    file.mkdir()

    with pytest.raises(OSError, match="directory"):
        files.save(URL, URL, 2.0, b"{}")
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(OSError, match="directory"):
        files.load(URL)
