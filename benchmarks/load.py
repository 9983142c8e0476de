"""Load, by wrk; and the processes that it is put on."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
CLIENTS = 32
SECONDS = 4


def find_wrk() -> str:
    """Return the path of wrk; it is installed if that is possible."""
    if shutil.which("wrk") is None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            sys.exit("the load generator is missing: install wrk (Debian's package of that name)")
        subprocess.run(["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", "wrk"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return shutil.which("wrk") or "wrk"


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """Return *command* bound to a core, where there are two and a tool that does it."""
    if core is None or (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "-c", str(core), *command]


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on the first core while it is needed; begins when *port* answers."""
    process = subprocess.Popen(
        pinned(command, 0), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"did not start: {' '.join(command)}")
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait()


def rate(
    url: str,
    token: str = "",
    script: Path | None = None,
    expect_errors: bool = False,
    arguments: Sequence[str] = (),
    core: int | None = 1,
) -> float:
    """Return how many requests a second are answered, all of them with success.

    Args:
        core: on which the load is made; None for any.
    """
    command = [find_wrk(), "-t1", f"-c{CLIENTS}", f"-d{SECONDS}s"]
    if token:
        command += ["-H", f"Authorization: {token}"]
    if script is not None:
        command += ["-s", str(script)]
    out = subprocess.run(
        pinned([*command, url, *arguments], core), check=True, capture_output=True, text=True
    ).stdout
    if "Non-2xx" in out and not expect_errors:
        sys.exit(f"not all requests were answered with success:\n{out}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    if found is None:
        sys.exit(f"no rate in the output of wrk:\n{out}")
    return float(found[1])
