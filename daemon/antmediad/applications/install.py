"""Installs a certificate: checked, in files of its own, and named in the server's settings."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from antmediad.applications.build import build_directory
from antmediad.applications.certificate import CERTIFICATE, CHAIN, KEY, PemFiles, load
from antmediad.applications.change import Changed, change_settings
from antmediad.applications.home import READ_ONLY, Home
from antmediad.applications.registry import Registry
from antmediad.applications.settings_file import SERVER
from antmediad.applications.write import edit_settings, turn
from antmediad.errors import CertificateError, SettingsError
from antmediad.settings.schema import SERVER_SPELLINGS
from antmediad.store.history import History

_WAIT_S: Final = 10.0
_NEW = re.compile(r"\.ssl-[0-9TZ]+-[0-9a-f]{8}\.new", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pem:
    """A certificate as it is handed in: PEM texts.

    Attributes:
        full_chain: the certificate, and its issuers after it.
        key: its private key, without a password.
        chain: its issuers.
    """

    full_chain: bytes
    key: bytes = field(repr=False)
    chain: bytes


async def install_certificate(
    registry: Registry, history: History | None, pem: Pem, *, source: str, actor: str
) -> Changed:
    """Put a certificate in the place of the one that the server's settings name.

    Its files are new ones below ``conf``, and the settings change from the old ones to them all
    at once; the old files stay, so that the settings can be rolled back.

    Args:
        history, source, actor: as of `change.change_settings`.

    Raises:
        CertificateError: it cannot be served, or its files cannot be written, or the home is
            read only; the text names parts of the form.
        SettingsError: the settings cannot be changed.
    """
    if registry.home.read_only:
        raise CertificateError(READ_ONLY)
    check_pem(pem, datetime.now(UTC))
    directory = await asyncio.to_thread(place, registry.home, pem)
    changes = {
        key: f"{directory.parent.name}/{directory.name}/{name}" for key, name in _NAMES.items()
    }
    try:
        return await change_settings(
            registry,
            history,
            SERVER,
            lambda content: edit_settings(content, changes, SERVER_SPELLINGS),
            expected_digest=None,
            source=source,
            actor=actor,
        )
    except SettingsError:
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
        raise


_NAMES: Mapping[str, str] = {
    CERTIFICATE: "fullchain.pem",
    KEY: "privkey.pem",
    CHAIN: "chain.pem",
}


def check_pem(pem: Pem, now: datetime) -> None:
    """Check that the parts are what they are to be, and belong together.

    Raises:
        CertificateError: they do not.
    """
    certificate, *_ = _certificates("fullChainFile", pem.full_chain)
    _certificates("chainFile", pem.chain)
    try:
        key = load_pem_private_key(pem.key, None)
    except TypeError:
        raise CertificateError("privateKeyFile: expected a key without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        # Not the text of that error: it may be about what is in the key.
        raise CertificateError("privateKeyFile: expected a private key in PEM form") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        of_certificate = certificate.public_key().public_bytes(*form)
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError("fullChainFile: its key is of no known kind") from None
    if key.public_key().public_bytes(*form) != of_certificate:
        raise CertificateError(
            "privateKeyFile: is not the key of the first certificate in fullChainFile"
        )
    if certificate.not_valid_after_utc <= now:
        raise CertificateError("fullChainFile: the certificate is expired")
    if certificate.not_valid_before_utc > now:
        raise CertificateError("fullChainFile: the certificate is not valid yet")


def _certificates(name: str, text: bytes) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(text)
    except (ValueError, UnsupportedAlgorithm):
        found = []
    if not found:
        raise CertificateError(f"{name}: expected certificates in PEM form")
    return found


def place(home: Home, pem: Pem) -> Path:
    """Write the files of a certificate into a new directory below ``conf``, and return that.

    Blocks.

    Raises:
        CertificateError: they cannot be written, or OpenSSL refuses what is in them.
    """
    conf = home.server_properties.parent
    stem = f"ssl-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    growing = conf / f".{stem}.new"
    contents = {CERTIFICATE: pem.full_chain, KEY: pem.key, CHAIN: pem.chain}
    files = {
        _NAMES[key]: (content, 0o600 if key == KEY else 0o640) for key, content in contents.items()
    }
    try:
        conf.mkdir(mode=0o755, exist_ok=True)
        with turn(conf, _WAIT_S) as descriptor:
            _remove_leftovers(conf)
            try:
                build_directory(growing, files, mode=0o750)
                certificate, key, chain = (
                    growing / _NAMES[one] for one in (CERTIFICATE, KEY, CHAIN)
                )
                load(PemFiles(certificate, key, chain, needs_chain=True, needed=True))
                os.rename(growing, conf / stem)
            except BaseException:
                shutil.rmtree(growing, ignore_errors=True)
                raise
            os.fsync(descriptor)
    except SettingsError as error:
        raise CertificateError(str(error)) from error
    except OSError as error:
        raise CertificateError(error.strerror or "its files cannot be written") from error
    return conf / stem


def _remove_leftovers(conf: Path) -> None:
    """Remove what a crash left: nobody else is writing now, and there are keys in it."""
    for name in os.listdir(conf):
        if _NEW.fullmatch(name):
            shutil.rmtree(conf / name, ignore_errors=True)
