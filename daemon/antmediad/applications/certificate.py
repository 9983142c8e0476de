"""The certificate that the server's settings name: where it is, and whether it can be served."""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from antmediad.applications.read import Signature, stat_signature
from antmediad.errors import CertificateError
from antmediad.settings.schema import ServerSettings

MAX_PEM_BYTES = 1024 * 1024

CERTIFICATE = "http.ssl_certificate_file"
CHAIN = "http.ssl_certificate_chain_file"
KEY = "http.ssl_certificate_key_file"
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
    _check_file(CERTIFICATE, files.certificate)
    _check_file(KEY, files.key)
    context = make_context()
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(files.certificate, files.key, password="")
    except ssl.SSLError as error:
        if error.reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"):
            raise CertificateError(f"{KEY}: is not the key of {CERTIFICATE}") from None
        raise CertificateError(
            f"{CERTIFICATE}, {KEY}: expected a certificate and its key, without a password,"
            " in PEM form"
        ) from None
    except (OSError, ValueError) as error:
        raise CertificateError(f"{CERTIFICATE}, {KEY}: {type(error).__name__}") from None
    if files.chain is not None and (files.needs_chain or files.chain.exists()):
        _check_file(CHAIN, files.chain)
        try:
            # OpenSSL completes from there a certificate that comes without its issuers.
            context.load_verify_locations(files.chain)
        except OSError:
            raise CertificateError(f"{CHAIN}: expected certificates in PEM form") from None
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


def make_context() -> ssl.SSLContext:
    """Return a context without a certificate, for TLS 1.2 and later."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
