"""java.util.Properties to compare with, and files on which a reader is likely to differ from it."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from hypothesis import strategies as st

NASTY = [
    *(b"\\", b"\\", b"\\\\", b"\r", b"\n", b"\r\n", b"\\\n", b"\\\r", b"\\\r\n"),
    *(b" ", b"\t", b"\f", b"\v", b"#", b"!", b"=", b":", b"#:", b"\\ ", b"\\=", b"\\:", b"\\#"),
    *(b"a", b"b", b"key", b"value", b"\\t", b"\\n", b"\\r", b"\\f", b"\\x", b"\\z", b"\\0"),
    *(b"\\u0041", b"\\u00e9", b"\\u0000", b"\\u000a", b"\\u005c", b"\\u003d", b"\\uFFFF"),
    *(b"\\u", b"\\u1", b"\\u12_4", b"\\u+123", b"\\u 123", b"\\u\n", b"\\uu0041", b"\\U0041"),
    *(b"\\uD83D", b"\\uDE00", b"\\ud83d\\ude00", b"\\uD83D\\\n\\uDE00"),
    *(b"\0", b"\x1c", b"\x85", b"\xa0", b"\xb2", b"\xe9", b"\xff", b"\xc3\xa9"),
]
# The last byte of a file is where Java is at its strangest; most examples end in one of these.
ENDS = [b"", b"", b"\\", b"\\\n", b"\\\r", b"\\\r\n", b"\\\n ", b"a\\\n", b"#", b"=", b"\n"]
DOCUMENTS = st.builds(
    lambda fragments, end: b"".join((*fragments, end)),
    st.lists(st.sampled_from(NASTY), max_size=24),
    st.sampled_from(ENDS),
)


class Oracle:
    """A running PropertiesOracle.java.  Single-threaded; stopped with the test session."""

    def __init__(self, java: str) -> None:
        source = Path(__file__).with_name("PropertiesOracle.java")
        self._process = subprocess.Popen(
            [java, "-Xshare:auto", "-XX:TieredStopAtLevel=1", str(source)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def load(self, content: bytes) -> tuple[list[tuple[str, str]], bool]:
        """Return what Java puts, in order, and whether it throws in the end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(struct.pack(">i", len(content)) + content)
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer.endswith(b"\n"), "the oracle has ended; its reason is on standard error"
        *puts, end = answer.decode("ascii").removesuffix("\n").split(" ")
        return [self._pair(put) for put in puts], end == "!"

    @staticmethod
    def _pair(put: str) -> tuple[str, str]:
        key, value = (
            bytes.fromhex(units).decode("utf-16-be", "surrogatepass") for units in put.split(":")
        )
        return key, value

    def stop(self) -> None:
        self._process.communicate()
