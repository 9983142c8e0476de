"""HTTPS: listens beside HTTP while there is a certificate, and serves the one that is on disk."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from pathlib import Path

from antmediad.applications.certificate import PemFiles, find_files, load, make_context
from antmediad.errors import CertificateError
from antmediad.server.listen import Listener
from antmediad.settings.schema import ServerSettings

logger = logging.getLogger(__name__)

PERIOD_S = 0.25
"""Between two looks.  Files count when two looks find them the same."""
RETRY_S = 5.0
"""Between two attempts to listen where it is not possible."""


class Https:
    """Keeps an HTTPS listener in step with the settings and the files, looking at both.

    Looking, rather than being told: a certificate may be a chain of symbolic links through
    directories that come and go, and may be on a file system that tells nothing.

    Attributes:
        url: where it listens, empty while it does not.
        listener: what listens.
    """

    def __init__(
        self,
        listener: Listener,
        home: Path,
        settings: Callable[[], ServerSettings],
        address: Callable[[], tuple[str, int]],
    ) -> None:
        """Serve with *listener*.

        Args:
            home: where relative paths start.
            settings: returns those in force.
            address: returns the host and the port to listen on.
        """
        self.url = ""
        self.listener = listener
        self._home = home
        self._settings = settings
        self._address = address
        self._task: asyncio.Task[None] | None = None
        self._served: PemFiles | None = None
        self._seen: object = None
        self._tried: object = None
        self._failed: tuple[str, int, str] | None = None
        self._retry_at = 0.0
        # An event loop keeps the context that it was given.  This one has no certificate; each
        # handshake, with a server name or without, goes on under the one that is in force.
        self._context = make_context()
        self._context.sni_callback = self._choose
        self._in_force = self._context

    async def start(self) -> None:
        """Listen if there is a certificate, and go on looking."""
        await self._look()
        if not self.url and not self.listener.is_given:
            # Sockets from before a restart, when there was one.
            self.listener.stop_listening()
        elif not self.url:
            # Who is not taken from the socket unit's queue would wait in it for ever.
            await self._listen()
            logger.warning("no certificate, every handshake is refused: url=%s", self.url)
        self._task = asyncio.create_task(self._go_on())

    async def finish(self, grace_s: float) -> None:
        """Stop looking, and finish as the listener does."""
        await self._stop_looking()
        await self.listener.finish(grace_s)

    async def close(self) -> None:
        """End all connections."""
        await self._stop_looking()
        await self.listener.close()

    async def _stop_looking(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _choose(self, handshake: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        handshake.context = self._in_force

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(PERIOD_S)
            try:
                await self._look()
            except Exception:
                # A certificate that is no longer renewed is noticed when it is too late.
                logger.exception("certificate not looked at")

    async def _look(self) -> None:
        files = find_files(self._settings(), self._home)
        if files is not None:
            await self._look_at(files)
        if files is None or (files != self._served and not files.needed and _is_missing(files)):
            self._served = self._tried = self._failed = None
            if self.listener.is_given:
                if self._in_force is not self._context:
                    logger.warning("no certificate, every handshake is refused: url=%s", self.url)
                self._in_force = self._context
            elif self.url:
                logger.info("not listening: url=%s", self.url)
                self.url = ""
                self.listener.stop_listening()
        elif self._served is not None:
            await self._listen()

    async def _look_at(self, files: PemFiles) -> None:
        """Serve the certificate in *files* from now on, if it has not been tried yet."""
        found = (files, files.signatures())
        is_settled = self._seen in (None, found)
        self._seen = found
        if found == self._tried or not is_settled:
            return
        if files != self._served and not files.needed and _is_missing(files):
            return
        context, problem = None, ""
        try:
            context = await asyncio.to_thread(load, files)
        except CertificateError as error:
            problem = str(error)
        if files.signatures() != found[1]:
            # Perhaps the certificate from before and the key from after a renewal.
            return
        self._tried = found
        if context is None:
            what = "certificate kept" if self._served is not None else "no certificate, no HTTPS"
            logger.error("%s: error=%s", what, problem)
            return
        self._in_force, self._served = context, files
        logger.info("certificate in force: file=%s", files.certificate)

    async def _listen(self) -> None:
        host, port = self._address()
        now = asyncio.get_running_loop().time()
        if self._failed is not None and self._failed[:2] == (host, port) and now < self._retry_at:
            return
        try:
            await self.listener.listen(host, port, self._context)
        except OSError as error:
            failed = (host, port, os.strerror(error.errno or 0))
            if failed != self._failed:
                logger.error("cannot listen for HTTPS: host=%s port=%d error=%s", *failed)
            self._failed, self._retry_at = failed, now + RETRY_S
            return
        self._failed = None
        if self.url != self.listener.url:
            self.url = self.listener.url
            logger.info("listening: url=%s", self.url)


def _is_missing(files: PemFiles) -> bool:
    return not (os.path.exists(files.certificate) and os.path.exists(files.key))
