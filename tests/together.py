"""Work done at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


def run(*work: Awaitable[T]) -> list[T]:
    """Return the results of *work*, done at the same time on an event loop of its own."""

    async def together() -> list[T]:
        return await asyncio.gather(*work)

    return asyncio.run(together())
