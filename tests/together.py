"""Work done at the same time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from tests.daemon import DAEMON

T = TypeVar("T")


def run(*work: Awaitable[T]) -> list[T]:
    """Return the results of *work*, done at the same time on an event loop of its own."""

    async def together() -> list[T]:
        return await asyncio.gather(*work)

    return asyncio.run(together())


def run_processes(program: str, *arguments: Sequence[str]) -> list[str]:
    """Return what processes of a Python *program* print, one for each of *arguments*.

    Each prints ``ready``, and goes on at once with the others when it has read a line.
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, *own],
            env={**os.environ, "PYTHONPATH": str(DAEMON)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for own in arguments
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0] for process in processes]
