"""What the documentation has in its blocks of code."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def block_of(name: str, language: str) -> str:
    """Return the one block in *language* of a file in docs/."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / name).read_text(), re.S | re.M)
    assert isinstance(block, str)
    return block
