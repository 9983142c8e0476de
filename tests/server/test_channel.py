"""Questions and answers between two processes, over a real socket pair."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from antmediad.server.channel import Channel


class Pair:
    """Two ends, and what the second one was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        first, second = socket.socketpair()
        self.first, self.second = Channel(first, self.answer), Channel(second, self.answer)

    async def answer(self, what: str, value: Any) -> Any:
        if what == "fail":
            raise ValueError
        if what == "never":
            await asyncio.Event().wait()
        if what == "back":
            return await self.second.ask("double", value, 5)
        self.told.append((what, value))
        return value * 2 if what == "double" else None

    async def __aenter__(self) -> Pair:
        await self.first.open()
        await self.second.open()
        self.tasks = [asyncio.create_task(one.serve()) for one in (self.first, self.second)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def test_many_questions_at_once_get_their_own_answers() -> None:
    async def ask() -> list[int]:
        async with Pair() as pair:
            pair.first.tell("note", "x" * 1_000_000)
            asked = (pair.first.ask("double", number, 5) for number in range(100))
            answers = await asyncio.gather(*asked, pair.first.ask("back", 50, 5))
            assert pair.told[0] == ("note", "x" * 1_000_000)
            return list(answers)

    assert asyncio.run(ask()) == [*range(0, 200, 2), 100]


@pytest.mark.parametrize("what", ["fail", "never"])
def test_a_question_without_an_answer_takes_its_time_and_no_more(what: str) -> None:
    async def ask() -> None:
        async with Pair() as pair:
            with pytest.raises(TimeoutError):
                await pair.first.ask(what, None, 0.05)
            assert await pair.first.ask("double", 1, 5) == 2

    asyncio.run(ask())


def test_when_the_other_end_is_gone_whoever_waits_is_told() -> None:
    async def ask() -> None:
        async with Pair() as pair:
            asked = asyncio.create_task(pair.first.ask("never", None, 60))
            await asyncio.sleep(0)
            pair.second.close()

            with pytest.raises(ConnectionResetError):
                await asked
            await pair.tasks[0]
            with pytest.raises(ConnectionResetError):
                await pair.first.ask("double", 1, 5)
            pair.first.tell("note", "nobody")

    asyncio.run(ask())


def test_a_message_that_is_too_large_ends_it() -> None:
    async def nothing(what: str, value: Any) -> None:
        raise AssertionError(what)

    async def send() -> None:
        first, second = socket.socketpair()
        channel = Channel(first, nothing)
        await channel.open()
        second.sendall(b"\xff\xff\xff\xff")
        await channel.serve()
        second.close()

    asyncio.run(send())
