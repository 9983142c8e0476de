"""What systemd and the service tell each other: state, watchdog, listening sockets."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

from antmediad.errors import UsageError

HTTP, HTTPS = "http", "https"
"""Names of sockets that a socket unit passes (``FileDescriptorName=``)."""
KEPT = "kept-"
"""Begins the names of sockets that the service made itself, and gave to systemd to keep."""

Sockets = Mapping[str, Sequence[socket.socket]]

BARRIER_S = 1.0
_FIRST = 3  # SD_LISTEN_FDS_START


@dataclass(frozen=True, slots=True)
class Passed:
    """What systemd gave to the process when it started it.

    Attributes:
        sockets: listening ones, by name.
        watchdog_s: within how many seconds systemd wants to hear from the process; 0: it does not.
    """

    sockets: Sockets = field(default_factory=dict)
    watchdog_s: float = 0.0


def take_passed(environment: MutableMapping[str, str]) -> Passed:
    """Return what the process was given, and remove the variables that tell of it.

    No process that this one starts takes sockets or watchdog for its own.

    Raises:
        UsageError: what was passed is something else.
    """
    return Passed(_take_sockets(environment), _take_watchdog(environment))


def notify(*assignments: str, handles: Sequence[int] = ()) -> None:
    """Send *assignments* such as ``READY=1`` to systemd; without systemd nothing happens.

    Args:
        handles: open files that go with them, see ``FDSTORE=1`` in sd_notify(3).
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifier:
        try:
            notifier.connect(address)
            socket.send_fds(notifier, ["\n".join(assignments).encode()], handles)
        except OSError:
            # A service manager that does not listen is no reason not to serve.
            return


def notify_reloading() -> None:
    """Tell systemd that a reload begins (sd_notify(3)); ``READY=1`` ends it."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def keep_sockets(name: str, handles: Sequence[int]) -> None:
    """Have systemd keep listening sockets, in place of those that it kept under *name*.

    It keeps them while the service restarts, however that came about, and passes them to the new
    process: who connects meanwhile waits for it.  Needs ``FileDescriptorStoreMax=`` in the unit;
    without, nothing happens.
    """
    notify("FDSTOREREMOVE=1", f"FDNAME={KEPT}{name}")
    if handles:
        notify("FDSTORE=1", f"FDNAME={KEPT}{name}", handles=handles)


def forget_sockets(name: str) -> None:
    """Have systemd keep no sockets under *name*, and wait until it has closed them."""
    keep_sockets(name, ())
    if not os.environ.get("NOTIFY_SOCKET"):
        return
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        # systemd closes its end when it gets there, everything before is then done with
        # (sd_notify_barrier(3)).
        notify("BARRIER=1", handles=[writing])
        os.close(writing)
        poll = select.poll()
        poll.register(reading, 0)
        poll.poll(BARRIER_S * 1000)
    finally:
        os.close(reading)


def _take_sockets(environment: MutableMapping[str, str]) -> dict[str, list[socket.socket]]:
    """Return the sockets, closed on exec, by name (sd_listen_fds_with_names(3))."""
    pid = environment.pop("LISTEN_PID", "")
    count = environment.pop("LISTEN_FDS", "")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()):
        return {}
    if not count.isascii() or not count.isdigit() or int(count) > 1000:
        raise UsageError("LISTEN_FDS: expected the number of sockets that are passed")
    taken: dict[str, list[socket.socket]] = {}
    for index in range(int(count)):
        os.set_inheritable(_FIRST + index, False)
        name = names[index] if index < len(names) else ""
        if name.removeprefix(KEPT) not in (HTTP, HTTPS):
            raise UsageError(
                f"a socket is passed that is called {name!a}; expected"
                f" FileDescriptorName={HTTP} or {HTTPS} in its unit"
            )
        taken.setdefault(name, []).append(_open(_FIRST + index, name))
    return taken


def _open(handle: int, name: str) -> socket.socket:
    try:
        one = socket.socket(fileno=handle)
    except OSError:
        raise UsageError(f"what is passed as {name} is no socket") from None
    if one.family not in (socket.AF_INET, socket.AF_INET6) or not one.getsockopt(
        socket.SOL_SOCKET, socket.SO_ACCEPTCONN
    ):
        raise UsageError(f"what is passed as {name} is no TCP socket that listens")
    one.setblocking(False)
    return one


def _take_watchdog(environment: MutableMapping[str, str]) -> float:
    """Return the time (sd_watchdog_enabled(3))."""
    pid = environment.pop("WATCHDOG_PID", "")
    text = environment.pop("WATCHDOG_USEC", "")
    is_ours = pid in ("", str(os.getpid()))
    return int(text) / 1e6 if is_ours and text.isascii() and text.isdigit() else 0.0


async def feed_watchdog(within_s: float) -> None:
    """Tell systemd again and again that the event loop runs; *within_s* 0: return at once.

    A loop that hangs is silent, and systemd starts the service anew.
    """
    while within_s:
        notify("WATCHDOG=1")
        await asyncio.sleep(within_s / 3)
