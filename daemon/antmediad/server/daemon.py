"""The daemon: one object that starts, serves and stops everything."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial

from antmediad.applications.home import Home
from antmediad.applications.registry import Registry
from antmediad.applications.reload import Reloader
from antmediad.applications.settings_file import SERVER
from antmediad.applications.shared import SharedRegistry
from antmediad.errors import StoreError, UsageError
from antmediad.guard.fetch import fetch
from antmediad.guard.key_set import KeySets
from antmediad.guard.verdict import Guard
from antmediad.management.call import Resources
from antmediad.management.first_user import SetupCode
from antmediad.management.passwords import Passwords
from antmediad.management.recorded import BY_CALLS, entry_of
from antmediad.observe.access import AccessLog
from antmediad.observe.exposition import Load
from antmediad.observe.lines import Fields
from antmediad.observe.logs import retry_files, set_level
from antmediad.observe.metrics import Counts, Metrics
from antmediad.observe.refusals import Refusals
from antmediad.server import systemd
from antmediad.server.app import App
from antmediad.server.connections import Connections
from antmediad.server.https import Https
from antmediad.server.limits import Limits
from antmediad.server.listen import Listener, detect_address
from antmediad.server.monitor import Monitor
from antmediad.server.record import Recorder
from antmediad.server.root import Root
from antmediad.server.stores import Stores
from antmediad.server.systemd import HTTP, HTTPS, Passed
from antmediad.server.worker import Joined, Worker
from antmediad.settings.schema import Settings
from antmediad.store.history import History, Version
from antmediad.store.interface import Store
from antmediad.store.key_sets import KeySetFiles
from antmediad.store.management import ManagementStore

logger = logging.getLogger(__name__)

MANAGEMENT_WITHIN_S = 1.0
"""How long the start waits for the database of users."""
GRACE_S = 10.0
"""How long requests may go on after the daemon was told to stop."""


class Daemon:
    """Serves one home directory until it is stopped.

    Attributes:
        refusals: the latest refused requests.
        url: where it listens, once it does.
    """

    def __init__(  # noqa: PLR0913 - what a command line and systemd may give
        self,
        home: Home,
        host: str | None = None,
        port: int | None = None,
        https_port: int | None = None,
        environment: Mapping[str, str] = os.environ,
        passed: Passed | None = None,
        worker: Worker | None = None,
    ) -> None:
        """Serve *home*; *host* and the ports come before those of its settings.

        Args:
            passed: what systemd gave to the process; its sockets come before all of these.
            worker: this process as one of several; None when it serves alone.
        """
        self.home = home
        self.metrics = Metrics()
        self.refusals = Refusals()
        self.url = ""
        self._access_log = AccessLog(self.home.log / "access.log")
        self._host, self._port, self._https_port = host, port, https_port
        self._passed = passed or Passed()
        self._worker = worker
        self._joined: Joined | None = None
        self._environment = environment
        self._address = environment.get("AMS_HOST_ADDRESS") or detect_address()
        self._recorder: Recorder | None = None
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._dropping: asyncio.TimerHandle | None = None
        self._key_sets = KeySets(fetch, KeySetFiles(self.home.data / "key-sets"))
        self._stores = Stores(self.home, self.metrics.add_commit, is_shared=worker is not None)
        self._management: ManagementStore | None = None
        self._reaching: asyncio.Task[None] | None = None
        self._passwords = Passwords()
        self._setup_code = SetupCode()

    async def run(self, on_ready: Callable[[Daemon], None] = lambda _: None) -> None:
        """Start, call *on_ready*, serve until `stop` or SIGTERM, and stop in order.

        Raises:
            UsageError: it cannot start; the text says why.
        """
        loop = asyncio.get_running_loop()
        limits = Limits(self.metrics.limits)
        self._connections = connections = Connections(limits, _allow_many_files())
        if self._worker is not None:
            self._worker.on_gone = self.stop
            self._joined = await self._worker.join()
            self._passed = Passed(self._joined.given)
            self._setup_code = SetupCode(self._joined.setup_code)
        registry = self._open_registry()
        app = App(
            registry,
            self._stores,
            self._make_guard,
            self.metrics,
            self.refusals,
            self._access_log,
            limits,
            self._address,
        )
        monitor = Monitor(
            registry,
            self.metrics,
            self._stores,
            self._key_sets,
            lambda: Load(connections.count, app.at_work),
        )
        self._registry, self._app, self._monitor = registry, app, monitor
        app.root = Root(self._make_resources(), monitor, app.call, app.set_aside)
        registry.on_change = self._on_change
        registry.on_version = self._on_version
        reloader = Reloader(registry)
        self._listener = Listener(app.handle, HTTP, self._passed.sockets, connections)
        self._https = Https(
            Listener(app.handle_secure, HTTPS, self._passed.sockets, connections),
            self.home.path.absolute(),
            lambda: app.server_settings,
            self._https_address,
        )
        if self._worker is not None:
            self._listener.shared = self._https.listener.shared = self._worker
            self._worker.on_rescan = partial(self._rescan, reloader)
            self._worker.sums = monitor.sums
            self._worker.recent = self.refusals.recent
            monitor.gather = self._worker.gather
        watchdog: asyncio.Task[None] | None = None
        try:
            try:
                reloader.start()
            except OSError as error:
                raise UsageError(
                    f"{self.home.webapps}: cannot be read ({error.strerror}); expected the"
                    " directory of the applications, see --home"
                ) from error
            # The applications do not wait for it, if somebody keeps it locked.
            await asyncio.wait((self._reach_management(),), timeout=MANAGEMENT_WITHIN_S)
            await self._listen()
            await self._https.start()
            for signal_ in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(signal_, self.stop)
            loop.add_signal_handler(signal.SIGHUP, self._rescan, reloader)
            self._log_summary()
            self._tell_of_first_user()
            # What was made until now stays: looking for garbage in it over and over costs time.
            gc.collect()
            gc.freeze()
            gc.set_threshold(10_000, 20, 50)
            monitor.is_ready = True
            self._tell_status("READY=1")
            watchdog = asyncio.create_task(systemd.feed_watchdog(self._passed.watchdog_s))
            on_ready(self)
            await self._stopping.wait()
        finally:
            systemd.notify("STOPPING=1")
            await self._close(reloader)
            if watchdog is not None:
                watchdog.cancel()

    def stop(self) -> None:
        """Begin to stop."""
        self._stopping.set()

    @property
    def status(self) -> str:
        """How the applications are, in one line."""
        states = [one.state for one in self._registry.applications.values()]
        return ", ".join(
            f"{states.count(state)} {state}"
            for state in ("active", "stale", "failed")
            if state == "active" or state in states
        )

    @property
    def _is_first(self) -> bool:
        """Whether this process does what is done once at a start."""
        return self._worker is None or self._worker.place.is_first

    def _tell_status(self, *assignments: str) -> None:
        systemd.notify(*assignments, f"STATUS={self.status}")
        if self._worker is not None and self._monitor.is_ready:
            self._worker.tell_ready(self.status, self.url, self._app.server_settings.log_level)

    def _make_resources(self) -> Resources:
        def open_store(name: str) -> Store | None:
            served = self._app.find(name)
            return served.open_store() if served is not None else None

        def guard_of(name: str) -> Guard | None:
            served = self._app.find(name)
            return served.guard if served is not None else None

        resources = Resources(
            registry=self._registry,
            history=self._recorder.history if self._recorder is not None else None,
            open_management=self._open_management,
            passwords=self._passwords,
            setup_code=self._setup_code,
            metrics=self.metrics,
            refusals=self.refusals,
            key_sets=self._key_sets,
            open_store=open_store,
            drop_data=self._stores.drop,
            guard_of=guard_of,
            is_https_served=lambda: bool(self._https.url),
            address=self._address,
        )
        if self._joined is not None:
            resources.started_at = self._joined.started_at
            resources.instance_id, resources.key = self._joined.instance_id, self._joined.key
            resources.peers = self._worker
        return resources

    def _open_management(self) -> ManagementStore:
        """Return the users and the audit log; tried again as long as they are out of reach.

        Raises:
            StoreError: they are.
        """
        if self._management is None:
            self._reach_management()
            raise StoreError(f"{self.home.management} is out of reach")
        return self._management

    def _reach_management(self) -> asyncio.Task[None]:
        """Begin to open them on a thread: where somebody holds a lock, that takes seconds."""

        async def reach() -> None:
            try:
                self._management = await asyncio.to_thread(ManagementStore, self.home.management)
            except StoreError as error:
                logger.error("management API is out of order: error=%s", error)
                return
            if self._monitor.is_ready:
                self._tell_of_first_user()

        if self._reaching is None or self._reaching.done():
            self._reaching = asyncio.create_task(reach())
        return self._reaching

    def _tell_of_first_user(self) -> None:
        if not self._is_first:
            return
        try:
            if self._open_management().accounts.has_users():
                return
        except StoreError:
            return
        logger.warning(
            "no user yet: make the first one at %s/ on this machine, from elsewhere with this"
            " set-up code, or with 'antmediad user add': code=%s",
            # Of all addresses, one that every browser takes.
            self.url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:"),
            self._setup_code.show(),
        )

    def _open_registry(self) -> Registry:
        # A record that is there and cannot be read may say of any application that it was guarded.
        had_record = self.home.history.exists()
        try:
            history = History(self.home.history)
            registry = self._make_registry(history)
        except StoreError as error:
            # Guarding is possible without; what is lost is the memory over a restart.
            logger.error("settings are not put on record: error=%s", error)
            return Registry(
                self.home, None, self._environment, self.metrics, assume_guarded=had_record
            )
        self._recorder = Recorder(history)
        history.on_kept = self._audit
        if self._worker is not None and isinstance(registry, SharedRegistry):
            self._worker.on_record = registry.agree
            self._recorder.on_record = partial(_agree_on, registry, self._worker)
        return registry

    def _make_registry(self, history: History) -> Registry:
        if self._worker is None:
            return Registry(self.home, history, self._environment, self.metrics)
        return SharedRegistry(self.home, history, self._environment, self.metrics)

    async def _listen(self) -> None:
        settings = self._app.server_settings
        host = self._host if self._host is not None else settings.http_host
        port = self._port if self._port is not None else settings.http_port
        try:
            await self._listener.listen(host, port)
        except OSError as error:
            raise UsageError(
                f"cannot listen on {host} port {port}: {_reason_of(error)};"
                " choose another with --host and --port, or http.host and http.port in"
                " conf/red5.properties"
            ) from error
        self.url = self._listener.url

    def _https_address(self) -> tuple[str, int]:
        settings = self._app.server_settings
        return (
            self._host if self._host is not None else settings.http_host,
            self._https_port if self._https_port is not None else settings.https_port,
        )

    def _make_guard(self, settings: Settings, counts: Counts) -> Guard:
        key_sets = self._key_sets.of(settings.jwks_url) if settings.jwt_control_enabled else ()
        return Guard(settings, key_sets, counts=counts)

    def _on_change(self, name: str) -> None:
        if name != SERVER:
            self._app.refresh(name)
        else:
            self._app.refresh_server()
            self._connections.refresh(self._app.server_settings)
            if self.url:
                self._spawn(self._follow_server_settings())
        if self._dropping is None:
            loop = asyncio.get_running_loop()
            self._dropping = loop.call_later(1.0, self._drop_unused_key_sets)
        if self.url:
            self._tell_status()
        if self._worker is not None:
            self._look_at_as_worker(self._worker, name)

    def _look_at_as_worker(self, worker: Worker, name: str) -> None:
        application = self._registry.applications.get(name)
        if name != SERVER and application is None:
            worker.tell_removed(name)
        if application is not None and application.snapshot is not None:
            try:
                self._stores.check(application.snapshot.settings)
            except StoreError as error:
                logger.error("data is not available: application=%s error=%s", name, error)

    def _drop_unused_key_sets(self) -> None:
        self._dropping = None
        applications = self._registry.applications.values()
        snapshots = [one.snapshot for one in applications if one.snapshot is not None]
        used = {
            url
            for snapshot in snapshots
            if snapshot.settings.jwt_control_enabled
            for url in snapshot.settings.jwks_url
        }
        server = self._app.server_settings
        if server.server_jwt_server_control_enabled:
            used.update(server.server_jwks_url)
        self._spawn(self._key_sets.retain(used))

    async def _follow_server_settings(self) -> None:
        set_level(self._app.server_settings.log_level)
        if self._stopping.is_set():
            return
        before = self.url
        try:
            await self._listen()
        except UsageError as error:
            logger.error("listening stays as it was: url=%s error=%s", self.url, error)
        if self.url != before:
            logger.info("listening: url=%s", self.url)

    def _on_version(self, version: Version, content: bytes | None) -> None:
        if self._recorder is not None:
            self._recorder.append(version, content)

    def _audit(self, version: Version) -> None:
        """Put a version on the audit log, unless the call that made it does."""
        if version.source not in BY_CALLS:
            self._spawn(self._record_version(version))

    async def _record_version(self, version: Version) -> None:
        entry = entry_of(version)
        if self._management is None:
            # At the start the files are read before it is open.
            await asyncio.wait((self._reach_management(),))
        try:
            await self._open_management().audit.record(entry)
        except StoreError as error:
            logger.error("audit log not written: error=%s", error)

    def _rescan(self, reloader: Reloader) -> None:
        retry_files()
        logger.info("reload of everything asked for: signal=SIGHUP")
        systemd.notify_reloading()
        reloader.rescan()
        # What was not possible when the server's file was saved may be possible now.
        self._spawn(self._follow_server_settings())
        systemd.notify("READY=1")

    def _log_summary(self) -> None:
        set_level(self._app.server_settings.log_level)
        if not self._is_first:
            return
        for name, application in sorted(self._registry.applications.items()):
            snapshot = application.snapshot
            filters = (
                application.describe(snapshot.settings)
                if snapshot is not None
                else Fields(ip_filter="-", jwt_filter="-")
            )
            logger.info(
                "application: name=%s state=%s generation=%d %s problems=%d",
                name,
                application.state,
                application.generation,
                filters,
                len(application.problems),
            )
        logger.info(
            "serving: url=%s%s home=%s applications=%d (%s)",
            self.url,
            f" url={self._https.url}" if self._https.url else "",
            self.home.path,
            len(self._registry.applications),
            self.status,
        )

    async def _close(self, reloader: Reloader) -> None:
        self._monitor.is_ready = False
        logger.info("stopping: grace=%gs", GRACE_S)
        until = time.monotonic() + GRACE_S
        self._app.begin_to_stop()
        await asyncio.gather(self._listener.finish(GRACE_S), self._https.finish(GRACE_S))
        await self._app.finish(max(0.0, until - time.monotonic()))
        await asyncio.gather(self._listener.close(), self._https.close())
        await reloader.close()
        await self._key_sets.retain(())
        if self._recorder is not None:
            # Before what it puts on the audit log.
            await self._recorder.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._passwords.close()
        await self._stores.close()
        if self._reaching is not None:
            await self._reaching
        if self._management is not None:
            await self._management.close()
        await asyncio.to_thread(self._access_log.close)
        if self._worker is not None:
            await self._worker.leave()
        logger.info("stopped")

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _agree_on(registry: SharedRegistry, worker: Worker, name: str) -> None:
    registry.agree(name)
    worker.tell_recorded(name)


def _reason_of(error: OSError) -> str:
    # Of a name that cannot be resolved the number is none of the system's.
    if isinstance(error, socket.gaierror):
        return error.strerror or "no such host"
    return os.strerror(error.errno or 0)


def _allow_many_files() -> int:
    """Raise the soft limit of open files to the hard one, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else sys.maxsize
