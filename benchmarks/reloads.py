"""From the saving of a file to the first request that it decides; start-up; memory."""

from __future__ import annotations

import http.client
import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.daemon import Daemon

SAVES = 1000
LAYOUT = {f"key{number}": f"value of key {number}" for number in range(15)}


def run() -> None:
    """Print the figures for 100 and for 1000 applications."""
    memory_of_one = _measure(1)
    for applications in (100, 1000):
        memory = _measure(applications)
        each = (memory - memory_of_one) / (applications - 1) / 1024
        print(f"memory for each idle application, of {applications}: {each:.1f} KiB (wanted: 30)")


def _measure(applications: int) -> int:
    with tempfile.TemporaryDirectory() as directory:
        daemon = Daemon(Path(directory, "home"))
        for number in range(applications):
            daemon.write(f"App{number}", ipFilterEnabled="true", **LAYOUT)
        begin = time.perf_counter()
        with daemon:
            start_s = time.perf_counter() - begin
            assert daemon.process is not None
            memory = _resident(daemon.process.pid)
            if applications > 1:
                print(f"start to ready, {applications} applications: {start_s:.2f} s (wanted: 3)")
                _print_latencies(daemon, applications)
        return memory


def _print_latencies(daemon: Daemon, applications: int) -> None:
    path = daemon.properties("App7")
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port)
    latencies, lost = [], 0
    for save in range(SAVES):
        allowed = save % 2 == 1
        lines = {"remoteAllowedCIDR": "127.0.0.1" if allowed else "192.0.2.1", **LAYOUT}
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        begin = time.perf_counter()
        deadline = begin + 2
        while True:
            connection.request("GET", "/App7/rest/v2/version")
            response = connection.getresponse()
            response.read()
            now = time.perf_counter()
            if (response.status == 200) is allowed:
                latencies.append(now - begin)
                break
            if now > deadline:
                lost += 1
                break
    connection.close()
    latencies.sort()
    middle, last = statistics.median(latencies), latencies[int(len(latencies) * 0.99)]
    print(
        f"save to enforced, {applications} applications: median {middle * 1e3:.2f} ms,"
        f" 99th percentile {last * 1e3:.2f} ms, lost {lost} of {SAVES} (wanted: 5, 25, 0)"
    )


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
