"""Listening sockets that several workers share."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest

from antmediad.server.ports import Ports

HOST = "127.0.0.1"


def place_of(sockets: Sequence[socket.socket]) -> tuple[str, int]:
    assert len(sockets) == 1
    name: tuple[str, int] = sockets[0].getsockname()
    return name


def is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def test_an_address_is_opened_once_and_closed_when_all_are_elsewhere() -> None:
    async def open_() -> None:
        ports = Ports({})
        first, second = [await ports.open(worker, "http", HOST, 0) for worker in (1, 2)]
        _, port = place_of(first)
        assert place_of(second) == (HOST, port)

        await ports.open(1, "http", "localhost", 0)
        meanwhile = is_free(port)
        await ports.open(2, "http", "localhost", 0)

        assert (meanwhile, is_free(port)) == (False, True)
        ports.close()

    asyncio.run(open_())


def test_an_address_that_is_left_again_is_not_kept() -> None:
    async def open_() -> None:
        ports = Ports({})
        first, _ = [await ports.open(worker, "http", HOST, 0) for worker in (1, 2)]
        _, other = place_of(await ports.open(1, "http", "localhost", 0))

        # Before the second worker had followed.
        await ports.open(1, "http", HOST, 0)
        ports.forget(1)
        ports.forget(2)

        assert is_free(other)
        assert await ports.open(1, "http", HOST, 0) == first
        ports.close()

    asyncio.run(open_())


def test_who_is_replaced_finds_the_socket_and_its_queue() -> None:
    async def open_() -> None:
        ports = Ports({})
        port = place_of(await ports.open(1, "http", HOST, 0))[1]
        with socket.create_connection((HOST, port)):
            ports.forget(1)
            (again,) = await ports.open(1, "http", HOST, 0)
            again.accept()[0].close()
        ports.close()
        assert is_free(port)

    asyncio.run(open_())


def test_what_nobody_listens_for_any_more_is_closed() -> None:
    async def open_() -> None:
        ports = Ports({})
        port = place_of(await ports.open(1, "https", HOST, 0))[1]
        await ports.open(2, "https", HOST, 0)

        ports.release(1, "https")
        meanwhile = is_free(port)
        ports.release(2, "https")

        assert (meanwhile, is_free(port)) == (False, True)

    asyncio.run(open_())


def test_an_address_that_is_taken_is_an_error_and_nothing_changes() -> None:
    async def open_() -> None:
        ports = Ports({})
        before = await ports.open(1, "http", HOST, 0)
        with socket.create_server((HOST, 0)) as taken:
            port = taken.getsockname()[1]

            with pytest.raises(OSError, match="in use"):
                await ports.open(1, "http", HOST, port)

        assert await ports.open(1, "http", HOST, 0) == before
        ports.close()

    asyncio.run(open_())


def test_a_socket_that_was_kept_is_used_if_it_has_the_address() -> None:
    async def open_() -> None:
        kept, other = (socket.create_server((HOST, 0)) for _ in range(2))
        port = kept.getsockname()[1]
        ports = Ports({"kept-http": [kept], "kept-https": [other]})

        found = await ports.open(1, "http", HOST, port)
        await ports.open(1, "https", HOST, 0)

        assert list(found) == [kept]
        assert other.fileno() == -1
        ports.close()

    asyncio.run(open_())


def test_what_a_socket_unit_passed_is_given() -> None:
    with socket.create_server((HOST, 0)) as passed:
        ports = Ports({"http": [passed]})

        assert ports.given("http") == [passed]
        assert not ports.given("https")
