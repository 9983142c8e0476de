"""What a listener puts up with: slow, silent and greedy clients, and too many of them."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import resource
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import NamedTuple

import pytest
import uvloop
from aiohttp import web

from antmediad.api.answer import answer, refusal
from antmediad.errors import RequestError
from antmediad.server.body import read_body
from antmediad.server.connection import (
    MAX_FIELD_BYTES,
    MAX_HEAD_BYTES,
    MAX_TARGET_BYTES,
    Handle,
    Patience,
)
from antmediad.server.connections import MAX_LINGERING, Connections
from antmediad.server.limits import Limits
from antmediad.server.listen import Listener
from antmediad.server.reply import reply
from antmediad.server.streams import open_file, send_file
from antmediad.server.upload import open_form
from antmediad.settings.schema import ServerSettings
from tests.certificates import Issued
from tests.daemon import DEADLINE_S

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LARGE = b"x" * (32 * 1024 * 1024)
HASTY = Patience(head_s=0.3, keep_alive_s=60, linger_s=0.3, stall_s=0.3)
UNHURRIED = Patience(head_s=60, keep_alive_s=60, linger_s=0.3, stall_s=60)


class Client(NamedTuple):
    """A connection, from the client's end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read_answer(self) -> tuple[int, str]:
        """Return the status and all of the answer's text."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
        body = await self.reader.readexactly(length)
        return int(head.split(b" ")[1]), (head + body).decode()

    async def ask(self, request: bytes = GET) -> int:
        self.writer.write(request)
        return (await self.read_answer())[0]

    async def has_ended(self) -> bool:
        """Tell whether the server ends the connection, and does so without a further word."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True


class Server(NamedTuple):
    """A listener that serves."""

    listener: Listener
    connections: Connections
    reached: Counter[str]
    clients: list[Client]

    async def connect(self, first: bytes = b"", context: ssl.SSLContext | None = None) -> Client:
        client = Client(*await asyncio.open_connection(*self.listener.address, ssl=context))
        client.writer.write(first)
        self.clients.append(client)
        return client


async def handle(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as the applications do; what is posted is read as a JSON body or as a form."""
    try:
        if request.path == "/form":
            async for part in open_form(request, 0.3):
                async for _ in part:
                    pass
        elif request.method == "POST" and request.path != "/unread":
            await read_body(request, within_s=0.3)
    except RequestError as error:
        return reply(request, refusal(error.status, error.message))
    made = answer("ok")
    if request.path == "/large":
        made.body = LARGE
    return reply(request, made)


@asynccontextmanager
async def serving(
    patience: Patience = UNHURRIED,
    most: int = 10_000,
    per_address: int = 0,
    handle: Handle = handle,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[Server]:
    reached: Counter[str] = Counter()
    connections = Connections(Limits(reached))
    allow(connections, most, per_address)
    listener = Listener(handle, "http", {}, connections, patience)
    await listener.listen("127.0.0.1", 0, context)
    server = Server(listener, connections, reached, [])
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield server
    finally:
        for client in server.clients:
            client.writer.transport.abort()
        await listener.close()


def allow(connections: Connections, most: int, per_address: int = 0) -> None:
    settings = ServerSettings(
        http_max_connections=most, http_max_connections_per_address=per_address
    )
    connections.refresh(settings)


def serve(work: Coroutine[None, None, None]) -> None:
    """Run *work* on the event loop that the daemon has, too."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what it waits for tells nobody
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("before", "begun", "status"),
    [
        pytest.param(False, b"GET / HT", 408, id="request line"),
        pytest.param(False, b"GET / HTTP/1.1\r\nHost: a\r\n", 408, id="fields"),
        pytest.param(False, b"\r\n", 408, id="empty line"),
        pytest.param(True, b"G", 408, id="second request"),
        pytest.param(False, b"", 0, id="nothing"),
    ],
)
def test_a_head_that_does_not_come_in_time_ends_the_connection(
    before: bool, begun: bytes, status: int
) -> None:
    async def run() -> None:
        async with serving(HASTY) as server:
            client = await server.connect()
            if before:
                assert await client.ask() == 200
            client.writer.write(begun)

            if status:
                found, text = await client.read_answer()
                assert found == status
                assert "connection: close" in text.lower()
                assert '"message":"Request did not arrive in time"' in text
            assert await client.has_ended()
            assert server.reached == ({"slow_head": 1} if status else {})
            await until(lambda: server.connections.count == 0)

    serve(run())


def test_a_connection_that_was_used_may_rest_for_longer_than_a_head_may_take() -> None:
    async def run() -> None:
        async with serving(HASTY) as server:
            client, other = await server.connect(), await server.connect(b"GET")
            assert await client.ask() == 200
            # A later one has come to its end meanwhile.
            assert (await other.read_answer())[0] == 408

            assert await client.ask() == 200

    serve(run())


def test_what_is_left_of_a_body_begins_no_request() -> None:
    async def run() -> None:
        async with serving(HASTY) as server:
            client = await server.connect()
            client.writer.write(
                b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n" + b"1"
            )
            assert (await client.read_answer())[0] == 200
            client.writer.write(b"2")
            assert (await (await server.connect(b"G")).read_answer())[0] == 408

            assert await client.ask() == 200

    serve(run())


@pytest.mark.parametrize("declared", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize(
    "path",
    [pytest.param(b"/", id="JSON"), pytest.param(b"/form", id="form")],
)
def test_a_body_that_does_not_come_ends_the_connection(path: bytes, declared: bytes) -> None:
    async def run() -> None:
        async with serving() as server:
            begun = b"5\r\n--x\r\n\r\n" if b"chunked" in declared else b"--x\r\n"
            client = await server.connect(
                b"POST " + path + b" HTTP/1.1\r\nHost: a\r\n" + declared + b"\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n\r\n" + begun
            )

            assert (await client.read_answer())[0] == 408
            assert await client.has_ended()

    serve(run())


def test_a_json_body_that_trickles_has_a_limit_as_a_whole() -> None:
    async def run() -> None:
        async with serving() as server:
            client = await server.connect(
                b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            )

            async def trickle() -> None:
                while True:
                    client.writer.write(b"1\r\n \r\n")
                    await asyncio.sleep(0.02)

            trickling = asyncio.create_task(trickle())
            assert (await client.read_answer())[0] == 408
            trickling.cancel()

    serve(run())


@pytest.mark.parametrize(
    "requests",
    [
        pytest.param(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n", id="large answer"),
        pytest.param(b"GET /large HTTP/1.0\r\n\r\n", id="large last answer"),
        pytest.param(GET * 60_000, id="many small answers"),
    ],
)
def test_a_client_that_does_not_take_its_answer_is_given_up(requests: bytes) -> None:
    async def run() -> None:
        async with serving(HASTY) as server:
            unread = socket.create_connection(server.listener.address)
            unread.setblocking(False)
            unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            loop = asyncio.get_running_loop()
            sending = asyncio.create_task(loop.sock_sendall(unread, requests))
            await until(lambda: server.connections.count == 1)

            await until(lambda: server.connections.count == 0)
            assert server.reached["slow_reader"] == 1
            await asyncio.gather(sending, return_exceptions=True)
            unread.close()

    serve(run())


def test_a_client_that_takes_its_answer_slowly_gets_all_of_it() -> None:
    async def run() -> None:
        async with serving(HASTY) as server:
            client = await server.connect(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            await client.reader.readuntil(b"\r\n\r\n")
            left = len(LARGE)
            while left:
                read = await client.reader.readexactly(min(left, 2 * 1024 * 1024))
                left -= len(read)
                # In all longer than without any progress it might take.
                await asyncio.sleep(0.05)

            assert server.reached == {}

    serve(run())


@pytest.mark.parametrize(
    ("head", "status", "message"),
    [
        pytest.param(
            b"GET /" + b"a" * (MAX_TARGET_BYTES - 1) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
            200,
            "",
            id="longest target",
        ),
        pytest.param(
            b"GET /" + b"a" * MAX_TARGET_BYTES + b" HTTP/1.1\r\nHost: a\r\n\r\n",
            414,
            "URL is longer than 16383 bytes",
            id="target",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (MAX_FIELD_BYTES - 1) + b"\r\n\r\n",
            200,
            "",
            id="longest field",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"/" * (MAX_FIELD_BYTES + 1) + b"\r\n\r\n",
            431,
            "Header field is larger than 16384 bytes",
            id="value",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\n" + b"n" * (MAX_FIELD_BYTES + 1) + b": 1\r\n\r\n",
            431,
            "Header field is larger than 16384 bytes",
            id="name",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 100 + b"\r\n",
            431,
            "Header has more than 100 fields",
            id="fields",
        ),
        pytest.param(b"GET / HTTP/1.1\r\nNo field\r\n\r\n", 400, "Bad request", id="no HTTP"),
    ],
)
def test_a_head_beyond_the_limits_is_answered_in_json(
    head: bytes, status: int, message: str
) -> None:
    async def run() -> None:
        async with serving() as server:
            client = await server.connect(head)

            found, text = await client.read_answer()
            assert found == status
            if message:
                assert "application/json" in text
                assert f'"message":"{message}"' in text
                assert await client.has_ended()

    serve(run())


def test_a_head_in_many_pieces_is_not_kept_without_bound() -> None:
    async def run() -> None:
        async with serving() as server:
            client = await server.connect(b"GET / HTTP/1.1\r\nHost: a\r\n")
            for number in range(9):
                await asyncio.sleep(0.01)
                client.writer.write(b"X-%d: %b\r\n" % (number, b"a" * 8000))
                await client.writer.drain()

            status, text = await client.read_answer()
            assert status == 431
            assert "Header is larger than 65536 bytes" in text
            client.writer.close()
            await until(lambda: server.connections.lingering == server.connections.count == 0)

    serve(run())


def test_one_connection_too_many_gets_503_and_one_that_ends_makes_room() -> None:
    async def run() -> None:
        async with serving(most=2) as server:
            clients = [await server.connect(), await server.connect()]
            assert [await client.ask() for client in clients] == [200, 200]

            # Before it has asked for anything.
            late = await server.connect()
            status, text = await late.read_answer()
            assert status == 503
            assert "retry-after: 1\r\n" in text.lower()
            assert '"success":false' in text
            assert await late.has_ended()
            assert server.reached == {"max_connections": 1}
            # Also if it has; and those that there are go on.
            assert await (await server.connect(GET)).ask(GET) == 503
            assert await clients[1].ask() == 200
            clients[0].writer.close()
            await until(lambda: server.connections.count == 1)
            assert await (await server.connect()).ask() == 200

    serve(run())


def test_the_limits_follow_the_settings() -> None:
    async def run() -> None:
        async with serving() as server:
            first, second = await server.connect(), await server.connect()
            assert [await first.ask(), await second.ask()] == [200, 200]
            allow(server.connections, 10, per_address=2)
            assert (await (await server.connect()).read_answer())[0] == 503
            assert server.reached == {"max_connections_per_address": 1}
            assert await first.ask() == 200

            allow(server.connections, 10, per_address=3)
            assert await (await server.connect()).ask() == 200

    serve(run())


def test_more_that_are_turned_away_than_may_linger_are_closed_at_once() -> None:
    async def run() -> None:
        async with serving(most=1) as server:
            assert await (await server.connect()).ask() == 200
            for _ in range(MAX_LINGERING + 10):
                assert (await (await server.connect()).read_answer())[0] == 503

            assert server.connections.lingering <= MAX_LINGERING
            assert server.connections.count == 1
            for client in server.clients[1:]:
                client.writer.close()
            await until(lambda: server.connections.lingering == 0)

    serve(run())


@pytest.mark.parametrize(
    ("open_", "peer", "admitted"),
    [
        pytest.param(["10.0.0.1"], "10.0.0.1", True, id="one of two"),
        pytest.param(["10.0.0.1"] * 2, "10.0.0.1", False, id="third"),
        pytest.param(["10.0.0.1"] * 2, "10.0.0.2", True, id="other address"),
        pytest.param(["::ffff:10.0.0.1"] * 2, "10.0.0.1", False, id="mapped"),
        pytest.param(["2001:db8::1", "2001:db8::2"], "2001:db8::3", False, id="same /64"),
        pytest.param(["2001:db8::1"] * 2, "2001:db8:0:1::1", True, id="other /64"),
        pytest.param(["10.9.0.1"] * 2, "10.9.0.1", True, id="trusted proxy"),
        pytest.param([""] * 2, "", False, id="no address"),
    ],
)
def test_connections_are_counted_by_address(open_: list[str], peer: str, admitted: bool) -> None:
    async def run() -> None:
        connections = Connections(Limits(Counter()))
        connections.refresh(
            ServerSettings(
                http_max_connections_per_address=2,
                http_trusted_proxies=(ip_network("10.9.0.0/16"),),
            )
        )
        sources = [connections.admit(one) for one in open_]
        assert None not in sources

        assert (connections.admit(peer) is not None) == admitted

    serve(run())


def sending(directory: Path, handles: list[int]) -> Handle:
    """Return what answers with a large file, and keeps its handle in *handles* while it is open."""
    (directory / "film.mp4").write_bytes(LARGE)

    async def send(request: web.BaseRequest) -> web.StreamResponse:
        file = open_file(directory, ["film.mp4"], ())
        handles.append(file.handle)
        try:
            sent = await send_file(request, file, (), close=False)
        finally:
            os.close(handles.pop())
        assert isinstance(sent, web.StreamResponse)
        return sent

    return send


def test_a_file_is_closed_when_the_client_does_not_take_it(tmp_path: Path) -> None:
    handles: list[int] = []

    async def run() -> None:
        async with serving(HASTY, handle=sending(tmp_path, handles)) as server:
            client = await server.connect(GET)
            await client.reader.readuntil(b"\r\n\r\n")
            assert handles

            await until(lambda: not handles and server.connections.count == 0)
            assert server.reached == {"slow_reader": 1}

    serve(run())


def test_without_a_file_to_open_the_answer_is_to_come_later(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with (tmp_path / "film.mp4").open() as last:
        resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno() + 1, hard))
        try:
            with pytest.raises(RequestError) as error:
                open_file(tmp_path, ["film.mp4"], ())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert error.value.status == 503
    assert error.value.headers == (("Retry-After", "1"),)


def test_over_tls_the_same_holds(tmp_path: Path) -> None:
    issued = Issued("localhost")
    (tmp_path / "certificate.pem").write_bytes(issued.certificate + issued.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "certificate.pem")
    trusting = ssl.create_default_context(cadata=issued.certificate.decode())
    trusting.check_hostname = False

    async def run() -> None:
        async with serving(HASTY, 2, handle=sending(tmp_path, []), context=context) as server:
            slow = await server.connect(b"GET", trusting)
            await server.connect(GET, trusting)
            await until(lambda: server.connections.count == 2)
            late = await server.connect(GET, trusting)

            assert (await late.read_answer())[0] == 503
            assert await late.has_ended()
            assert (await slow.read_answer())[0] == 408
            assert await slow.has_ended()
            await until(lambda: server.connections.count == 0)
            assert server.reached == {"max_connections": 1, "slow_head": 1, "slow_reader": 1}

    serve(run())


def a_third_of_each(number: int) -> bytes:
    return (b"", b"G", b"GET / HTTP/1.1\r\nHost: a")[number % 3]


def test_a_thousand_idle_and_trickling_connections_disturb_nobody() -> None:
    async def run() -> None:
        async with serving() as server:
            slow = [await server.connect(a_third_of_each(number)) for number in range(1000)]
            await until(lambda: server.connections.count == 1000)

            for _ in range(200):
                client = await server.connect()
                assert await client.ask() == 200
                client.writer.close()
            slow[1].writer.write(GET[1:])
            assert (await slow[1].read_answer())[0] == 200

    serve(run())


def test_a_thousand_idle_and_trickling_connections_are_closed() -> None:
    async def run() -> None:
        async with serving(HASTY) as server:
            for number in range(1000):
                await server.connect(a_third_of_each(number))

            for number, client in enumerate(server.clients):
                told = await client.reader.read()
                assert told.startswith(b"HTTP/1.1 408 ") == (number % 3 > 0)
                client.writer.close()
            await until(lambda: server.connections.count == server.connections.lingering == 0)
            assert server.reached["slow_head"] == 666

    serve(run())


class Delayed:
    """Opens sockets, the first ones after a while."""

    delay_s = 0.05

    async def open(self, _: str, host: str, port: int) -> list[socket.socket]:
        delay_s, self.delay_s = self.delay_s, 0
        await asyncio.sleep(delay_s)
        one = socket.create_server((host, port))
        one.setblocking(False)
        return [one]

    def release(self, _: str) -> None: ...


def accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port)).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize("last", ["127.0.0.1", "127.0.0.3"], ids=["back", "further"])
def test_of_addresses_that_follow_quickly_the_last_one_counts(last: str) -> None:
    async def run() -> None:
        async with serving() as server:
            listener = server.listener
            port = listener.address[1]
            # As a worker does it, which may have to wait for the supervisor.
            listener.shared = Delayed()
            # Port 0 is how the first address was asked for.
            wanted = 0 if last == "127.0.0.1" else port
            await asyncio.gather(listener.listen("127.0.0.2", port), listener.listen(last, wanted))
            await asyncio.sleep(0)

            assert listener.address[0] == last
            assert accepts(*listener.address)
            assert not accepts("127.0.0.2", port)

    serve(run())


def test_who_sends_too_much_before_all_else_leaves_no_error_behind() -> None:
    async def run() -> None:
        errors: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: errors.append(told))
        async with serving() as server:
            for _ in range(10):
                with socket.socket() as client:
                    client.connect(server.listener.address)
                    # There when the server looks for the first time.
                    client.sendall(b"\r\n" * (MAX_HEAD_BYTES // 2 + 1))
                    await until(lambda: server.connections.count == 0)
                    await asyncio.sleep(0.01)
        gc.collect()

        assert errors == []

    serve(run())
