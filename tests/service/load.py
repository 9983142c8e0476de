"""Sends requests on connections that stay open, and counts what became of each.

Run as ``python load.py PORT REQUESTS CONNECTIONS``.  No request is tried twice: one that gets no
answer has failed.  Prints a JSON object when a quarter of them is sent, and one at the end.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter

REQUEST = b"GET /LiveApp/rest/v2/broadcasts/list/0/10 HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATIENCE_S = 60.0


class Load:
    """All connections together."""

    def __init__(self, port: int, requests: int) -> None:
        self.results: Counter[str] = Counter()
        self.longest_s = 0.0
        self._port = port
        self._requests = requests
        self._left = requests

    async def run(self, connections: int) -> None:
        """Send the requests."""
        await asyncio.gather(*(self._go_on() for _ in range(connections)))

    async def _go_on(self) -> None:
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while self._left:
            self._left -= 1
            if self._left == self._requests * 3 // 4:
                _tell({"sent": self._requests - self._left})
            begun = time.monotonic()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    if streams is None:
                        streams = await asyncio.open_connection("127.0.0.1", self._port)
                    result, stays = await _send(*streams)
            except (OSError, EOFError, TimeoutError) as error:
                result, stays = type(error).__name__, False
            self.longest_s = max(self.longest_s, time.monotonic() - begun)
            self.results[result] += 1
            if not stays and streams is not None:
                streams[1].close()
                streams = None


async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, bool]:
    """Return the status, and whether the connection stays open."""
    writer.write(REQUEST)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
    await reader.readexactly(int(fields["content-length"]))
    return head.split(" ")[1], fields.get("connection") != "close"


def _tell(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main(port: int, requests: int, connections: int) -> None:
    """Send, and print what came of it."""
    load = Load(port, requests)
    asyncio.run(load.run(connections))
    _tell({"results": load.results, "longest_s": load.longest_s})


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:4]))
