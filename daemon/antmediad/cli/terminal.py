"""A terminal that a command takes for itself for a while, and gives back as it was."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Sequence
from types import FrameType
from typing import Self

_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"


def screen_size() -> os.terminal_size:
    """Return the size of the terminal as it is now, whatever COLUMNS and LINES say."""
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        size = os.terminal_size((0, 0))
    return size if size.columns and size.lines else shutil.get_terminal_size()


class Terminal:
    """The terminal of standard output, on a screen of its own without a cursor.

    Keys are read as they are pressed; Ctrl-C is KeyboardInterrupt as ever, and so is SIGTERM.
    """

    def __enter__(self) -> Self:
        self._keys = sys.stdin.fileno() if sys.stdin.isatty() else None
        self._before = termios.tcgetattr(self._keys) if self._keys is not None else []
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._fd_before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._handlers = {
            number: signal.signal(number, handler)
            for number, handler in (
                # Nothing to do but to wake up, and draw for the new size.
                (signal.SIGWINCH, lambda *_: None),
                (signal.SIGCONT, lambda *_: self._enter()),
                (signal.SIGTSTP, self._suspend),
                (signal.SIGTERM, signal.default_int_handler),
            )
        }
        self._enter()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._fd_before)
        os.close(self._woken)
        os.close(self._wake)
        self._leave()

    def draw(self, lines: Sequence[str]) -> None:
        """Show *lines*, as many as there is room for."""
        rows = screen_size().lines
        shown = "\x1b[K\n".join(lines[:rows])
        # From the top over what is there: clearing the screen first would flicker.
        sys.stdout.write(f"\x1b[H{shown}\x1b[K\x1b[J")
        sys.stdout.flush()

    def wait(self, seconds: float) -> str:
        """Return the key that is pressed; empty after *seconds* and when it is time to draw."""
        watched = [self._woken, *([self._keys] if self._keys is not None else [])]
        ready, _, _ = select.select(watched, [], [], max(seconds, 0))
        if self._woken in ready:
            os.read(self._woken, 4096)
        if self._keys is not None and self._keys in ready:
            key = os.read(self._keys, 64).decode(errors="replace")
            if not key:
                # The terminal is gone: it would be ready for ever.
                raise KeyboardInterrupt
            return key
        return ""

    def _enter(self) -> None:
        if self._keys is not None:
            tty.setcbreak(self._keys)
        sys.stdout.write(_ENTER)
        sys.stdout.flush()

    def _leave(self) -> None:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        if self._keys is not None:
            termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)

    def _suspend(self, *_: int | FrameType | None) -> None:
        self._leave()
        os.kill(os.getpid(), signal.SIGSTOP)
