"""Show what a running daemon does, application by application, again and again."""

from __future__ import annotations

import argparse
import http.client
import math
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from antmediad.applications.home import Home
from antmediad.applications.settings_file import SERVER
from antmediad.cli.applications import read_home
from antmediad.cli.main import add_home, add_json, home_of
from antmediad.cli.output import COLOUR, coloured, plain, print_json, table
from antmediad.cli.terminal import Terminal, screen_size
from antmediad.errors import UsageError
from antmediad.observe.scrape import KeySetRow, Row, Scrape, compare, read_scrape

EXAMPLES = """examples:
  antmediad top
  antmediad top --interval 5
  antmediad top --url http://203.0.113.5:5080 --once
  antmediad top --json

keys: q ends it.  The figures are those of /metrics: see metrics.allowed_cidr.
exit status: 0, or 2 when there is no daemon that tells."""

TIMEOUT_S = 5.0
MAX_BYTES = 64 * 1024 * 1024
MAX_NAME = 32

_STATES = {"active": "green", "stale": "yellow", "failed": "red"}
_HEAD = (
    "APPLICATION",
    "STATE",
    "GENERATION",
    "REQUESTS/S",
    "PASSED/S",
    "REFUSED/S",
    "MOSTLY",
    "P50",
    "P99",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_home(parser)
    add_json(parser)
    parser.add_argument(
        "--url", help="of the daemon (default: http.host and http.port of the home's server)"
    )
    parser.add_argument(
        "--interval",
        type=_interval,
        default=2.0,
        metavar="SECONDS",
        help="between two looks, of which rates are made (default: 2)",
    )
    parser.add_argument("--once", action="store_true", help="print one table, for scripts")


def run(options: argparse.Namespace) -> int:
    """Show the figures until told to stop; once, with ``--once`` or ``--json``."""
    url = options.url or _url_of(home_of(options))
    source = _Source(url)
    before = source.read()
    if options.once or options.json:
        time.sleep(options.interval)
        after = source.read()
        if options.json:
            print_json(_as_json(before, after))
        else:
            print("\n".join(_lines(source.url, before, after)))
    elif sys.stdout.isatty():
        _show(source, before, options.interval)
    else:
        raise UsageError("standard output is no terminal; expected --once or --json with it")
    return 0


class _Source:
    """The daemon, by its URL."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise UsageError(f"--url: {error}; expected http://HOST:PORT") from error
        if parts.scheme not in ("http", "https") or not self._host:
            raise UsageError("--url: expected http://HOST:PORT or https://HOST:PORT")
        # A user's password is not to be shown; it is not sent either.
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._is_tls = parts.scheme == "https"
        self._path = parts.path if parts.path.strip("/") else "/metrics"

    def read(self) -> Scrape:
        """Return the figures of now.

        Raises:
            UsageError: there are none to be had; the text says why.
        """
        kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", self._path, headers={"Accept": "text/plain"})
            response = connection.getresponse()
            body = response.read(MAX_BYTES)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise UsageError(
                f"{self.url}: no daemon answers ({reason}); name it with --url"
            ) from error
        finally:
            connection.close()
        if response.status == 404:
            raise UsageError(
                f"{self.url}: no figures for this machine's address; it must be in"
                " metrics.allowed_cidr of the daemon's conf/red5.properties"
            )
        if response.status != 200:
            raise UsageError(f"{self.url}: answered with status {response.status}, not figures")
        try:
            return read_scrape(body.decode(errors="replace"), time.monotonic())
        except (ValueError, KeyError, IndexError) as error:
            raise UsageError(
                f"{self.url}: answered with what are no figures of antmediad"
            ) from error


def _url_of(home: Home) -> str:
    snapshot = read_home(home).server.snapshot
    if snapshot is None:
        raise UsageError("conf/red5.properties cannot be used; name the daemon with --url")
    host, port = snapshot.settings.http_host.strip("[]"), snapshot.settings.http_port
    if not port:
        raise UsageError("http.port is 0, which is any; name the daemon with --url")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("expected seconds, 0.1 to 3600")
    return seconds


def _show(source: _Source, before: Scrape, interval_s: float) -> None:
    try:
        with Terminal() as terminal:
            after, trouble = before, "looking ..."
            look_at = before.at + interval_s
            while True:
                terminal.draw(_fitted(_lines(source.url, before, after), trouble))
                if terminal.wait(look_at - time.monotonic()) in ("q", "Q", "\x04"):
                    return
                if time.monotonic() < look_at:
                    continue
                try:
                    before, after, trouble = after, source.read(), ""
                except UsageError as error:
                    # It may be about to start again.
                    trouble = str(error)
                look_at = time.monotonic() + interval_s
    except KeyboardInterrupt:
        # How such commands are ended.
        return


def _lines(url: str, before: Scrape, after: Scrape) -> list[str]:
    rows = compare(before, after)
    server = next((row for row in rows if row.application == SERVER), None)
    lines = [
        "  ".join(_summary(before, after, url)),
        f"server: {_state(server.state) if server else '-'}"
        f"  generation {server.generation if server else '-'}"
        f"  requests for no application {_rate(server.requests) if server else '-'}/s",
        "",
    ]
    lines += table(
        _HEAD,
        [_cells(row) for row in rows if row.application != SERVER],
        numbers=(2, 3, 4, 5, 7, 8),
    )
    if after.key_sets:
        head = ("KEY SET", "LAST FETCH", "KEYS", "AGE", "FAILURES")
        lines += ["", *table(head, [_key_set(one) for one in after.key_sets], numbers=(2, 3, 4))]
    return lines


def _fitted(lines: list[str], trouble: str) -> list[str]:
    """Return what fits on the screen, and what the reader has to know below it."""
    size = screen_size()
    room = max(size.lines - 2, 1)
    hidden = len(lines) - room
    if hidden > 0:
        lines = [*lines[: room - 1], f"({hidden + 1} more lines)"]
    foot = coloured(plain(trouble), "red") if trouble else "q: quit"
    return [_cut(line, size.columns) for line in (*lines, "", foot)]


def _cut(line: str, room: int) -> str:
    shown = COLOUR.sub("", line)
    return line if len(shown) <= room else shown[:room]


def _summary(before: Scrape, after: Scrape, url: str) -> list[str]:
    process = after.process
    said = [f"antmediad {plain(after.version)}", plain(url)]
    if "start_time_seconds" in process:
        said.append(f"up {_duration(time.time() - process['start_time_seconds'])}")
    if "resident_memory_bytes" in process:
        said.append(f"memory {process['resident_memory_bytes'] / 2**20:.0f} MiB")
    used = process.get("cpu_seconds_total", 0) - before.process.get("cpu_seconds_total", 0)
    if after.at > before.at and used >= 0:
        said.append(f"cpu {100 * used / (after.at - before.at):.0f}%")
    if "open_fds" in process:
        said.append(f"files {process['open_fds']:.0f}")
    return said


def _cells(row: Row) -> tuple[str, ...]:
    name = plain(row.application)
    return (
        name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 3]}...",
        _state(row.state),
        str(row.generation or "-"),
        _rate(row.requests),
        _rate(row.passed),
        coloured(_rate(row.refused), "yellow") if row.refused else _rate(0),
        plain(row.reason) or "-",
        _latency(row.p50_s),
        _latency(row.p99_s),
    )


def _key_set(one: KeySetRow) -> tuple[str, ...]:
    return (
        plain(one.url),
        coloured("good", "green") if one.is_up else coloured("failed", "red"),
        str(one.keys),
        "-" if one.age_s is None else _duration(one.age_s),
        str(one.failures),
    )


def _state(state: str) -> str:
    return coloured(state, _STATES[state]) if state in _STATES else "-"


def _rate(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 100 or not rate else f"{rate:.1f}"


def _latency(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _duration(seconds: float) -> str:
    whole = max(int(seconds), 0)
    for size, unit, smaller, below in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // smaller:02d}{below}"
    return f"{whole}s"


def _as_json(before: Scrape, after: Scrape) -> dict[str, Any]:
    return {
        "version": after.version,
        "seconds": after.at - before.at,
        "applications": [
            {
                "name": row.application,
                "state": row.state,
                "generation": row.generation,
                "requestsPerSecond": row.requests,
                "passedPerSecond": row.passed,
                "refusedPerSecond": row.refused,
                "reason": row.reason,
                "p50Seconds": row.p50_s,
                "p99Seconds": row.p99_s,
            }
            for row in compare(before, after)
        ],
        "keySets": [
            {
                "url": one.url,
                "up": one.is_up,
                "keys": one.keys,
                "ageSeconds": one.age_s,
                "failures": one.failures,
            }
            for one in after.key_sets
        ],
        "process": dict(after.process),
    }
