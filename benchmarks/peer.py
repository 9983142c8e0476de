"""The peer: answers a fixed body of 1 KB through aiohttp's low-level server, on uvloop."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web

BODY = b"x" * 1024


async def answer(_: web.BaseRequest) -> web.StreamResponse:
    """Answer any request."""
    return web.Response(body=BODY, content_type="application/json")


async def main(port: int) -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(web.Server(answer), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
