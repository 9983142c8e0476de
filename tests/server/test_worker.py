"""A worker's end of what it and its supervisor tell each other."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from antmediad.server.channel import Channel
from antmediad.server.worker import Place, Worker, label_of

HOST = "127.0.0.1"
HELLO = {
    "setup_code": "",
    "started_at": 0.0,
    "instance_id": "",
    "key": "00",
    "given": {"http": 0, "https": 0},
}


def test_sockets_that_came_too_late_are_not_taken_for_others() -> None:
    async def run() -> None:
        channel, of_worker = socket.socketpair()
        sockets, to_worker = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        channel.setblocking(False)
        late, wanted = (socket.create_server((HOST, 0)) for _ in range(2))

        async def answer(what: str, value: Any) -> Any:
            if what == "hello":
                return HELLO
            assert (what, value) == ("open", ["http", HOST, 1])
            # The answer to who waited no longer, and then the one that is waited for.
            for one, port in ((late, 2), (wanted, 1)):
                socket.send_fds(sockets, [label_of("http", HOST, port)], [one.fileno()])
            return 1, None, 0

        supervisor = Channel(channel, answer)
        await supervisor.open()
        serving = asyncio.create_task(supervisor.serve())
        worker = Worker(Place(1, True, of_worker.detach(), to_worker.detach()))
        await worker.join()
        (found,) = await worker.open("http", HOST, 1)

        assert found.getsockname() == wanted.getsockname()
        await worker.leave()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        for one in (late, wanted, found, sockets):
            one.close()

    asyncio.run(run())
