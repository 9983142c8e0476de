"""HTTPS: listens beside HTTP while there is a certificate, and serves the one that is on disk."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from antmediad.applications.read import Signature, stat_signature
from antmediad.errors import CertificateError
from antmediad.server.listen import Listener
from antmediad.settings.schema import ServerSettings

logger = logging.getLogger(__name__)

PERIOD_S = 0.25
"""Between two looks.  Files count when two looks find them the same."""
RETRY_S = 5.0
"""Between two attempts to listen where it is not possible."""
MAX_PEM_BYTES = 1024 * 1024

_CERTIFICATE = "http.ssl_certificate_file"
_CHAIN = "http.ssl_certificate_chain_file"
_KEY = "http.ssl_certificate_key_file"
_DEFAULTS = ServerSettings()


@dataclass(frozen=True, slots=True)
class PemFiles:
    """Where a certificate is.

    Attributes:
        chain: intermediate certificates, of use when *certificate* has only its own; or None.
        needs_chain: whether *chain* has to be there.
        needed: whether it is a mistake when certificate and key are not there.
    """

    certificate: Path
    key: Path
    chain: Path | None
    needs_chain: bool
    needed: bool

    def signatures(self) -> tuple[Signature, ...]:
        """Return what changes with every change of one of the files."""
        paths = (self.certificate, self.key, self.chain)
        return tuple(stat_signature(path) for path in paths if path is not None)


def find_files(settings: ServerSettings, home: Path) -> PemFiles | None:
    """Return the files that *settings* name, None when they name no certificate or no key.

    The names that are the defaults of Ant Media Server stand in every file that it ships, so
    that nobody need have put anything there.
    """
    certificate, key = settings.http_ssl_certificate_file, settings.http_ssl_certificate_key_file
    chain = settings.http_ssl_certificate_chain_file
    if not certificate or not key:
        return None
    defaults = (_DEFAULTS.http_ssl_certificate_file, _DEFAULTS.http_ssl_certificate_key_file)
    return PemFiles(
        certificate=home / certificate,
        key=home / key,
        chain=home / chain if chain else None,
        needs_chain=chain != _DEFAULTS.http_ssl_certificate_chain_file,
        needed=(certificate, key) != defaults,
    )


def load(files: PemFiles) -> ssl.SSLContext:
    """Return a context that serves the certificate in *files*.

    Raises:
        CertificateError: there is none, or the key is not its key.
    """
    _check_file(_CERTIFICATE, files.certificate)
    _check_file(_KEY, files.key)
    context = _make_context()
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(files.certificate, files.key, password="")
    except ssl.SSLError as error:
        if error.reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"):
            raise CertificateError(f"{_KEY}: is not the key of {_CERTIFICATE}") from None
        raise CertificateError(
            f"{_CERTIFICATE}, {_KEY}: expected a certificate and its key, without a password,"
            " in PEM form"
        ) from None
    except (OSError, ValueError) as error:
        raise CertificateError(f"{_CERTIFICATE}, {_KEY}: {type(error).__name__}") from None
    if files.chain is not None and (files.needs_chain or files.chain.exists()):
        _check_file(_CHAIN, files.chain)
        try:
            # OpenSSL completes from there a certificate that comes without its issuers.
            context.load_verify_locations(files.chain)
        except OSError:
            raise CertificateError(f"{_CHAIN}: expected certificates in PEM form") from None
    return context


def _check_file(key: str, path: Path) -> None:
    try:
        # Opened and closed, for its permissions; a pipe would have to wait for a writer.
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC))
        status = os.stat(path)
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else "not a path"
        raise CertificateError(f"{key}: cannot be read ({text})") from None
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_PEM_BYTES:
        raise CertificateError(f"{key}: expected a regular file of up to {MAX_PEM_BYTES} bytes")


def _make_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


class Https:
    """Keeps an HTTPS listener in step with the settings and the files, looking at both.

    Looking, rather than being told: a certificate may be a chain of symbolic links through
    directories that come and go, and may be on a file system that tells nothing.

    Attributes:
        url: where it listens, empty while it does not.
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
        self._listener = listener
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
        self._context = _make_context()
        self._context.sni_callback = self._choose
        self._in_force = self._context

    async def start(self) -> None:
        """Listen if there is a certificate, and go on looking."""
        await self._look()
        if not self.url and not self._listener.is_given:
            # Sockets from before a restart, when there was one.
            self._listener.stop_listening()
        elif not self.url:
            # Who is not taken from the socket unit's queue would wait in it for ever.
            await self._listen()
            logger.warning("no certificate, every handshake is refused: url=%s", self.url)
        self._task = asyncio.create_task(self._go_on())

    async def finish(self, grace_s: float) -> None:
        """Stop looking, and finish as the listener does."""
        await self._stop_looking()
        await self._listener.finish(grace_s)

    async def close(self) -> None:
        """End all connections."""
        await self._stop_looking()
        await self._listener.close()

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
            if self._listener.is_given:
                if self._in_force is not self._context:
                    logger.warning("no certificate, every handshake is refused: url=%s", self.url)
                self._in_force = self._context
            elif self.url:
                logger.info("not listening: url=%s", self.url)
                self.url = ""
                self._listener.stop_listening()
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
            await self._listener.listen(host, port, self._context)
        except OSError as error:
            failed = (host, port, os.strerror(error.errno or 0))
            if failed != self._failed:
                logger.error("cannot listen for HTTPS: host=%s port=%d error=%s", *failed)
            self._failed, self._retry_at = failed, now + RETRY_S
            return
        self._failed = None
        if self.url != self._listener.url:
            self.url = self._listener.url
            logger.info("listening: url=%s", self.url)


def _is_missing(files: PemFiles) -> bool:
    return not (os.path.exists(files.certificate) and os.path.exists(files.key))
