"""Serve a home directory: follow its properties files, guard its applications, answer."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace

from antmediad.applications.home import Home
from antmediad.applications.lock import Lock
from antmediad.applications.restore import lock_to_serve
from antmediad.cli.main import add_home, home_of
from antmediad.errors import UsageError
from antmediad.observe.logs import configure_logs
from antmediad.server.daemon import Daemon
from antmediad.server.supervisor import Supervisor
from antmediad.server.systemd import take_passed
from antmediad.server.worker import Place, Worker, parse_place

logger = logging.getLogger(__name__)

EXAMPLES = """examples:
  antmediad serve
  antmediad serve --home ./home --host 127.0.0.1 --port 5080
  antmediad serve --data /var/lib/antmediad --read-only --port 5090 --https-port 5453
  antmediad serve --workers auto

signals: SIGHUP looks at every file again, SIGTERM stops in order.
exit status: 0 stopped in order, 2 could not start."""

MAX_WORKERS = 128


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_home(parser)
    parser.add_argument(
        "--read-only",
        action="store_true",
        help="change nothing in the home, not even when asked to over the management API or by an"
        " upload; needs --data",
    )
    parser.add_argument("--host", type=_host, help="address to listen on, instead of http.host")
    parser.add_argument(
        "--port", type=_port, help="port to listen on, instead of http.port; 0 for any free one"
    )
    parser.add_argument(
        "--https-port",
        type=_port,
        metavar="PORT",
        help="port for HTTPS, instead of https.port; in use while there is a certificate",
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        default=1,
        metavar="N|auto",
        help="processes that serve together; auto: one for each processor; 1, the default, is one"
        " process without a supervisor",
    )
    # How a supervisor starts its workers.
    parser.add_argument("--worker", type=_place, help=argparse.SUPPRESS)
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="of the log on standard error: lines to read, or an object a line, for machines",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until stopped."""
    # Until it is answered: everything is about to be read anyway.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    home = _home_to_serve(options)
    place: Place | None = options.worker
    marks = {"worker": place.number} if place is not None else {}
    configure_logs(directory=home.log, form=options.log_format, marks=marks)
    # Where it hangs is then in the log when the watchdog of systemd ends it.
    faulthandler.enable()
    passed = take_passed(os.environ)
    # A worker's supervisor has the lock.
    lock = _lock(home) if place is None else None
    try:
        if place is None and options.workers > 1:
            command = _worker_command(home, options)
            # Workers that outlive it for a moment still use the home.
            inherited = [lock.fileno()] if lock is not None else []
            supervisor = Supervisor(command, options.workers, passed, inherited)
            return asyncio.run(supervisor.run())
        daemon = Daemon(
            home,
            options.host,
            options.port,
            options.https_port,
            passed=passed,
            worker=Worker(place) if place is not None else None,
        )
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(daemon.run())
    finally:
        if lock is not None:
            lock.release()
    return 0


def _lock(home: Home) -> Lock | None:
    """Take the lock of the home; None when there can be none, which keeps nobody from serving.

    Raises:
        HomeInUseError: another process has it.
        BackupError: an interrupted restore cannot be undone.
    """
    try:
        return lock_to_serve(home)
    except OSError as error:
        logger.warning(
            "home not locked, see to it that no other daemon serves it: directory=%s error=%s",
            home.data,
            error.strerror or error,
        )
        return None


def _home_to_serve(options: argparse.Namespace) -> Home:
    """Return the home, with the directory of what is written in place.

    Raises:
        UsageError: there is none, or what is written would be within what is read only.
    """
    home = home_of(options)
    if options.read_only:
        if home.own is None:
            raise UsageError(
                "--read-only: expected --data as well, a directory outside of the home for what"
                " antmediad itself writes"
            )
        if home.own.resolve().is_relative_to(home.path.resolve()):
            raise UsageError(f"--data {home.own}: expected a directory outside of {home.path}")
        home = replace(home, read_only=True)
    if home.own is not None:
        try:
            home.own.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"--data {home.own}: cannot be made ({error.strerror or error})"
            ) from error
    return home


def _worker_command(home: Home, options: argparse.Namespace) -> list[str]:
    """Return the command of a worker, to which its place is to be added."""
    command = [sys.executable, "-m", "antmediad", "serve", "--home", str(home.path)]
    if home.own is not None:
        command += ["--data", str(home.own.absolute())]
    if options.read_only:
        command.append("--read-only")
    for name in ("host", "port", "https_port", "log_format"):
        value = getattr(options, name)
        if value is not None:
            command += [f"--{name.replace('_', '-')}", str(value)]
    return [*command, "--worker"]


def _workers(text: str) -> int:
    if text == "auto":
        return min(len(os.sched_getaffinity(0)), MAX_WORKERS)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"expected auto or a number, 1 to {MAX_WORKERS}")
    return int(text)


def _place(text: str) -> Place:
    try:
        return parse_place(text)
    except ValueError:
        raise argparse.ArgumentTypeError("expected what a supervisor passes") from None


def _host(text: str) -> str:
    try:
        # As it is done before it is looked up.
        text.encode("idna")
    except UnicodeError:
        raise argparse.ArgumentTypeError("expected an IP address or a host name") from None
    return text


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("expected a port, 0 to 65535")
    return int(text)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
