"""Guarded reads by one process, and by two and more workers: the rate, and what each costs."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from antmediad.guard.issue import issue_with_secret
from benchmarks.load import rate
from tests.daemon import SECRET, Daemon

ROUNDS = 3
PATH = "/LiveApp/rest/v2/broadcasts/stream1"


def run() -> None:
    """Print rate and processor time for one process, and for a worker on each processor."""
    print(
        "Workers.  The load generator takes processor time from them: with as many workers as\n"
        "processors the rate falls short of that of one process times their number by its share,\n"
        "and the time per request tells what they would answer without it."
    )
    for count in (1, max(os.cpu_count() or 1, 2)):
        _measure(count)


def _measure(count: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        daemon = Daemon(Path(directory, "home"), "--workers", str(count))
        daemon.write("LiveApp", jwtControlEnabled="true", jwtSecretKey=SECRET)
        token = issue_with_secret({"exp": int(time.time()) + 3600}, SECRET)
        with daemon:
            if count > 1:
                daemon.wait_for_log(f"workers serve: count={count}")
            _create_stream(daemon, token)
            assert daemon.process is not None
            url = f"http://127.0.0.1:{daemon.port}{PATH}"
            found = []
            for _ in range(ROUNDS):
                before, begun = _cpu_s(daemon.process.pid), time.monotonic()
                per_s = rate(url, token, core=None)
                took_s = time.monotonic() - begun
                after = _cpu_s(daemon.process.pid)
                used = {pid: after[pid] - before.get(pid, 0.0) for pid in after}
                found.append((per_s, sum(used.values()) / (per_s * took_s), used))
    found.sort(key=lambda one: one[0])
    per_s, each_s, used = found[ROUNDS // 2]
    name = "one process" if count == 1 else f"{count} workers"
    shares = " + ".join(f"{one / sum(used.values()):.0%}" for one in used.values())
    print(
        f"guarded GET, {name}: {per_s:,.0f}/s, {each_s * 1e6:.0f} us of processor time each"
        f" ({shares}), so {count / each_s:,.0f}/s without the load on the same processors"
    )


def _create_stream(daemon: Daemon, token: str) -> None:
    headers = {"Authorization": token}
    body = '{"streamId": "stream1", "name": "benchmark"}'
    created = daemon.request("POST", "/LiveApp/rest/v2/broadcasts/create", body, headers)
    assert created.status == 200, created.body


def _cpu_s(pid: int) -> dict[int, float]:
    """Return the processor time of a process and of its children, seconds."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = {}
    for one in (pid, *map(int, children)):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        found[one] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found
