"""The panel's files, as they are sent to browsers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from antmediad import panel
from antmediad.api.answer import Answer

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PAGE = "index.html"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    # After an upgrade of the server no part of the old panel is to be used.
    ("Cache-Control", "no-cache"),
)


def read_panel() -> Mapping[str, Answer]:
    """Return the answer with each file of the panel, by its name."""
    directory = Path(panel.__file__).parent
    files = {}
    for path in sorted(directory.iterdir()):
        if path.suffix in TYPES:
            content = path.read_bytes()
            tag = ("ETag", f'"{hashlib.sha256(content).hexdigest()[:32]}"')
            files[path.name] = Answer(content, 200, (tag, *HEADERS), TYPES[path.suffix])
    return files


def answer_file(answer: Answer, known: str | None) -> Answer:
    """Return *answer*, or that nothing changed for a browser that has it.

    Args:
        known: the value of ``If-None-Match``.
    """
    name, tag = answer.headers[0]
    if known is not None and tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Answer(b"", 304, ((name, tag), *HEADERS))
    return answer
