"""Tells systemd how the service is doing (sd_notify(3))."""

from __future__ import annotations

import os
import socket


def notify(*assignments: str) -> None:
    """Send *assignments* such as ``READY=1`` to systemd; without systemd nothing happens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifier:
        try:
            notifier.sendto("\n".join(assignments).encode(), address)
        except OSError:
            # A service manager that does not listen is no reason not to serve.
            return
