"""Serve a home directory: follow its properties files, guard its applications, answer."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import os
from collections.abc import Callable

from antmediad.applications.home import Home
from antmediad.cli.main import add_home, home_of
from antmediad.observe.logs import configure_logs
from antmediad.server.daemon import Daemon
from antmediad.server.systemd import take_passed

EXAMPLES = """examples:
  antmediad serve
  antmediad serve --home ./home --host 127.0.0.1 --port 5080

signals: SIGHUP looks at every file again, SIGTERM stops in order.
exit status: 0 stopped in order, 2 could not start."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_home(parser)
    parser.add_argument("--host", help="address to listen on, instead of http.host")
    parser.add_argument(
        "--port", type=_port, help="port to listen on, instead of http.port; 0 for any free one"
    )
    parser.add_argument(
        "--https-port",
        type=_port,
        help="port for HTTPS, instead of https.port; in use while there is a certificate",
    )
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="of the log on standard error: lines to read, or an object a line, for machines",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until stopped."""
    home = home_of(options)
    configure_logs(directory=Home(home).log, form=options.log_format)
    # Where it hangs is then in the log when the watchdog of systemd ends it.
    faulthandler.enable()
    passed = take_passed(os.environ)
    daemon = Daemon(home, options.host, options.port, options.https_port, passed=passed)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(daemon.run())
    return 0


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
