"""Several processes that serve one home: starts them, watches them, replaces those that end."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from antmediad.management.first_user import SetupCode
from antmediad.observe.logs import set_level
from antmediad.observe.sums import Sums, add, count, forget, nothing
from antmediad.server import systemd
from antmediad.server.channel import Channel
from antmediad.server.ports import Ports
from antmediad.server.systemd import HTTP, HTTPS, Passed
from antmediad.server.worker import Place, label_of

logger = logging.getLogger(__name__)

HANG_S = 30.0
"""How long a worker may be silent before it is replaced."""
LOOK_S = 1.0
START_S = 600.0
"""How long a worker may take until it serves: it reads everything, and answers nothing."""
STEADY_S = 10.0
"""A worker that has served that long is replaced at once; others soon, and then less often."""
FIRST_DELAY_S, LAST_DELAY_S = 0.5, 30.0
STOP_S = 15.0
"""How long workers may take to stop: more than the grace that they give to requests."""
FIGURES_S = 5.0
"""How often figures are taken, in case that a worker ends without a word."""
FIGURES_WITHIN_S = 1.0
TOLD_S = 0.2
RESCAN_WITHIN_S = 10.0
ALL_READY_WITHIN_S = 30.0


class _Post:
    """The place of one worker, whoever has it.

    Attributes:
        number: from 1.
        status: how the applications are, as the worker told.
        ended: what those counted who had the place before.
        last: the last figures of who has it.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: asyncio.subprocess.Process | None = None
        self.channel: Channel | None = None
        self.sockets: socket.socket | None = None
        self.ready = asyncio.Event()
        self.answered_at = 0.0
        self.status = ""
        self.ended: Sums = nothing()
        self.last: Sums = nothing()

    def retire(self) -> None:
        """Keep what the worker counted, who has ended."""
        add(self.ended, self.last, ended=True)
        self.last = nothing()
        self.channel = None
        self.ready.clear()
        if self.sockets is not None:
            self.sockets.close()


class Supervisor:
    """Runs workers until it is told to stop; serves nothing itself.

    The first worker is started alone: what is done once is its task, and when it cannot start,
    there is no use in the others.
    """

    def __init__(
        self,
        command: Sequence[str],
        workers: int,
        passed: Passed,
        inherited: Sequence[int] = (),
    ) -> None:
        """Run *workers* of them.

        Args:
            command: runs a worker, with its `Place` as one more argument.
            passed: what systemd gave to this process.
            inherited: handles that workers are to have open as well.
        """
        self._inherited = tuple(inherited)
        self._command = tuple(command)
        self._posts = [_Post(number) for number in range(1, workers + 1)]
        self._passed = passed
        self._ports = Ports(passed.sockets)
        self._setup_code = SetupCode()
        self._instance_id = str(uuid4())
        self._key = secrets.token_hex(32)
        self._started_at = time.time()
        self._stopping = asyncio.Event()
        self._restarts = 0
        self._failed: int | None = None
        self._hang_s = min(HANG_S, passed.watchdog_s / 2 or HANG_S)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Return the exit status, when all workers have ended."""
        loop = asyncio.get_running_loop()
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._spawn(self._rescan()))
        first, *others = self._posts
        keeping = [asyncio.create_task(self._keep(first))]
        await self._until(first.ready.wait(), START_S)
        if not self._stopping.is_set():
            keeping += [asyncio.create_task(self._keep(post)) for post in others]
            await self._until(
                asyncio.gather(*(post.ready.wait() for post in others)), ALL_READY_WITHIN_S
            )
        if not self._stopping.is_set():
            ready = sum(post.ready.is_set() for post in self._posts)
            logger.info("workers serve: count=%d of=%d", ready, len(self._posts))
            systemd.notify("READY=1", self._status())
            feeding = asyncio.create_task(self._feed_watchdog())
            await self._stopping.wait()
            feeding.cancel()
        await self._stop(keeping)
        return self._failed or 0

    async def _until(self, event: Coroutine[Any, Any, Any] | asyncio.Future[Any], s: float) -> None:
        """Wait for *event*, but not longer than *s* seconds, nor when it is time to stop."""
        waiting = asyncio.ensure_future(event)
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((waiting, stopping), timeout=s, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        stopping.cancel()

    # Workers

    async def _keep(self, post: _Post) -> None:
        """Have a worker at *post*, and another one whenever it ends."""
        short = 0
        is_first = post is self._posts[0]
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                status = await self._run_worker(post, is_first)
            except OSError as error:
                logger.error("worker not started: number=%d error=%s", post.number, error.strerror)
                status = 1
            if status == 0:
                # It was told to stop.  Perhaps all are, this process too, as systemd does it.
                await self._until(asyncio.sleep(TOLD_S), STOP_S)
            if self._stopping.is_set():
                return
            if is_first and not post.status:
                # What is wrong it has told.
                self._failed = status if status > 0 else 1
                self._stopping.set()
                return
            is_first = False
            self._restarts += 1
            short = 0 if time.monotonic() - begun >= STEADY_S else short + 1
            delay_s = min(FIRST_DELAY_S * 2 ** (short - 2), LAST_DELAY_S) if short > 1 else 0.0
            logger.error(
                "worker ended and is replaced: number=%d status=%d restarts=%d delay=%gs",
                post.number,
                status,
                self._restarts,
                delay_s,
            )
            await self._until(asyncio.sleep(delay_s), delay_s + 1)

    async def _run_worker(self, post: _Post, is_first: bool) -> int:
        """Start a worker, and return its exit status when it has ended."""
        channel, of_worker = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        post.sockets, to_worker = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        channel.setblocking(False)
        handles = (of_worker.fileno(), to_worker.fileno())
        environment = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
        try:
            post.process = await asyncio.create_subprocess_exec(
                *self._command,
                str(Place(post.number, is_first, *handles)),
                stdin=asyncio.subprocess.DEVNULL,
                env=environment,
                pass_fds=(*handles, *self._inherited),
                # Who presses Ctrl-C means this process, which tells the workers in turn.
                process_group=0,
            )
        except BaseException:
            channel.close()
            post.retire()
            raise
        finally:
            of_worker.close()
            to_worker.close()
        if self._stopping.is_set():
            post.process.terminate()
        post.channel = Channel(channel, lambda what, value: self._answer(post, what, value))
        await post.channel.open()
        serving = asyncio.create_task(post.channel.serve())
        watching = asyncio.create_task(self._watch(post, post.process, post.channel))
        try:
            return await post.process.wait()
        finally:
            watching.cancel()
            serving.cancel()
            await asyncio.gather(watching, serving, return_exceptions=True)
            post.retire()
            self._ports.forget(post.number)

    async def _watch(
        self, post: _Post, process: asyncio.subprocess.Process, channel: Channel
    ) -> None:
        """End a worker that does not answer any more, or does not begin to serve."""
        try:
            async with asyncio.timeout(START_S):
                await post.ready.wait()
            figures_at = 0.0
            while True:
                post.answered_at = now = time.monotonic()
                if now - figures_at >= FIGURES_S:
                    figures_at = now
                    post.last = await channel.ask("figures", None, self._hang_s)
                else:
                    await channel.ask("alive", None, self._hang_s)
                await asyncio.sleep(min(LOOK_S, self._hang_s / 3))
        except TimeoutError:
            logger.error("worker hangs and is ended: number=%d pid=%d", post.number, process.pid)
            with suppress(ProcessLookupError):
                # It says in the log where it hung, if it still can.
                process.send_signal(signal.SIGABRT)
                await asyncio.sleep(1)
                process.kill()
        except OSError:
            # Its end of the channel is gone: it is about to end.
            return

    # What workers ask and tell

    async def _answer(self, post: _Post, what: str, value: Any) -> Any:
        match what:
            case "hello":
                return self._greet(post)
            case "open":
                return await self._open(post, *value)
            case "release":
                self._ports.release(post.number, value)
            case "ready":
                self._take_status(post, *value)
            case "recorded":
                for other in self._posts:
                    if other is not post and other.channel is not None:
                        other.channel.tell("recorded", value)
            case "removed":
                for one in self._posts:
                    forget(one.ended, value)
                    forget(one.last, value)
            case "figures":
                return await self._gather(post, value)
            case "refusals":
                return await self._ask_others(post, "refusals", value)
        return None

    def _greet(self, post: _Post) -> dict[str, object]:
        given = {name: list(self._ports.given(name)) for name in (HTTP, HTTPS)}
        for name, sockets in given.items():
            self._send(post, label_of(name), sockets)
        return {
            "setup_code": self._setup_code.show(),
            "started_at": self._started_at,
            "instance_id": self._instance_id,
            "key": self._key,
            "given": {name: len(sockets) for name, sockets in given.items()},
        }

    async def _open(
        self, post: _Post, name: str, host: str, port: int
    ) -> tuple[int, str | None, int]:
        """Send sockets, and tell how many; or what the problem is, and its number."""
        try:
            sockets = await self._ports.open(post.number, name, host, port)
            self._send(post, label_of(name, host, port), sockets)
        except socket.gaierror as error:
            return 0, error.strerror or "no such host", 0
        except OSError as error:
            return 0, error.strerror or str(error), error.errno or 0
        return len(sockets), None, 0

    def _send(self, post: _Post, label: bytes, sockets: Sequence[socket.socket]) -> None:
        if sockets and post.sockets is not None:
            socket.send_fds(post.sockets, [label], [one.fileno() for one in sockets])

    def _take_status(self, post: _Post, status: str, url: str, log_level: str) -> None:
        set_level(log_level)
        changed = status != self._posts[0].status
        post.status = status
        if not post.ready.is_set() and post.process is not None:
            logger.info(
                "worker serves: number=%d pid=%d url=%s", post.number, post.process.pid, url
            )
            post.ready.set()
        if changed and post is self._posts[0]:
            systemd.notify(self._status())

    def _status(self) -> str:
        return f"STATUS={self._posts[0].status}, {len(self._posts)} workers"

    async def _gather(self, asking: _Post, own: Sums) -> dict[str, object]:
        """Return the figures of all workers but the one that is *asking*, and of those before."""
        asking.last = own
        others = [one for one in self._posts if one is not asking and one.ready.is_set()]
        answers = await asyncio.gather(*(self._take_figures(one) for one in others))
        total = nothing()
        for post in self._posts:
            add(total, post.ended, ended=True)
            if post is not asking:
                add(total, post.last)
        requests = {
            str(post.number): sum(
                count(sums, "antmediad_requests") for sums in (post.ended, post.last)
            )
            for post in self._posts
        }
        return {
            "count": sum(post.ready.is_set() for post in self._posts),
            "silent": answers.count(False),
            "restarts": self._restarts,
            "requests": requests,
            "others": total,
        }

    async def _ask_others(self, asking: _Post, what: str, value: Any) -> list[Any]:
        """Return what the others answer, lists all of them, as one; who is silent is left out."""
        channels = [
            one.channel
            for one in self._posts
            if one is not asking and one.ready.is_set() and one.channel is not None
        ]
        answers = await asyncio.gather(
            *(channel.ask(what, value, FIGURES_WITHIN_S) for channel in channels),
            return_exceptions=True,
        )
        return [one for found in answers if isinstance(found, list) for one in found]

    async def _take_figures(self, post: _Post) -> bool:
        """Take a worker's figures; the last ones stay, and False is returned, when it is silent."""
        channel = post.channel
        try:
            found = await channel.ask("figures", None, FIGURES_WITHIN_S) if channel else None
        except OSError:
            found = None
        if found is None:
            return False
        if post.channel is channel:
            post.last = found
        return True

    # The supervisor itself

    async def _feed_watchdog(self) -> None:
        within_s = self._passed.watchdog_s
        while within_s:
            now = time.monotonic()
            if all(
                now - post.answered_at < within_s for post in self._posts if post.ready.is_set()
            ):
                systemd.notify("WATCHDOG=1")
            await asyncio.sleep(within_s / 3)

    async def _rescan(self) -> None:
        logger.info("reload of everything asked for: signal=SIGHUP")
        systemd.notify_reloading()
        channels = [post.channel for post in self._posts if post.channel and post.ready.is_set()]
        await asyncio.gather(
            *(channel.ask("rescan", None, RESCAN_WITHIN_S) for channel in channels),
            return_exceptions=True,
        )
        systemd.notify("READY=1")

    async def _stop(self, keeping: Sequence[asyncio.Task[None]]) -> None:
        systemd.notify("STOPPING=1")
        # The workers take what comes for a while, and then nobody: who connects is to know it.
        # What systemd keeps stays open.
        self._ports.close()
        running = [
            post.process
            for post in self._posts
            if post.process is not None and post.process.returncode is None
        ]
        for process in running:
            with suppress(ProcessLookupError):
                process.terminate()
        _, slow = await asyncio.wait(keeping, timeout=STOP_S)
        if slow:
            for process in running:
                if process.returncode is None:
                    logger.error("worker does not stop and is ended: pid=%d", process.pid)
                    with suppress(ProcessLookupError):
                        process.kill()
            await asyncio.wait(slow)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*keeping, *self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
