"""Keeps the last good JSON Web Key Set of each URL in a file, for a start during an outage."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import orjson


class KeptKeySet(NamedTuple):
    """A key set as fetched: from where, when (seconds since 1970), and its bytes."""

    location: str
    fetched_at: float
    content: bytes


class KeySetFiles:
    """A directory with one file for each URL."""

    def __init__(self, directory: Path, *, writable: bool = True) -> None:
        """Use *directory*; when it is not *writable*, `save` does nothing."""
        self._directory = directory
        self._writable = writable

    def load(self, url: str) -> KeptKeySet | None:
        """Return what was saved for *url*, None when nothing usable was.

        Raises:
            OSError: there is a file, and it cannot be read.
        """
        try:
            kept = orjson.loads(self._path(url).read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        match kept:
            case {
                "location": str(location),
                "fetchedAt": int() | float() as fetched_at,
                "document": str(document),
            }:
                return KeptKeySet(location, float(fetched_at), document.encode())
        return None

    def save(self, url: str, location: str, fetched_at: float, content: bytes) -> None:
        """Replace what is kept for *url*.  A crash leaves the old file or the new one.

        Raises:
            OSError: the old file is still there.
        """
        if not self._writable:
            return
        document = {
            "url": url,
            "location": location,
            "fetchedAt": fetched_at,
            "document": content.decode(errors="replace"),
        }
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._directory, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(orjson.dumps(document))
            os.replace(name, self._path(url))
        except OSError:
            os.unlink(name)
            raise

    def _path(self, url: str) -> Path:
        return self._directory / f"{hashlib.sha256(url.encode()).hexdigest()}.json"
