"""How much an application's directory holds."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path


class Sizes:
    """Measures directories on another thread, one at a time.

    Whoever asks for one that is being measured waits for that: a panel that asks again and again
    does not make the disk look for the same twice.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._measuring: dict[Path, asyncio.Task[int]] = {}

    async def of(self, directory: Path) -> int:
        """Return the bytes of all files below *directory*, -1 when it cannot be read."""
        task = self._measuring.get(directory)
        if task is None:
            task = asyncio.create_task(self._measure(directory))
            self._measuring[directory] = task
            task.add_done_callback(lambda _: self._measuring.pop(directory, None))
        return await asyncio.shield(task)

    async def _measure(self, directory: Path) -> int:
        async with self._turn:
            return await asyncio.to_thread(size_of, directory)


def size_of(directory: Path) -> int:
    """Return the bytes of all files below *directory*, -1 when it cannot be read.

    Links below it are not followed; what goes meanwhile, or cannot be read, counts nothing.
    """
    size = 0
    waiting = [os.fspath(directory)]
    while waiting:
        path = waiting.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        size += entry.stat(follow_symlinks=False).st_size
        except OSError:
            if path == os.fspath(directory):
                return -1
    return size
