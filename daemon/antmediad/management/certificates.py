"""The certificate of HTTPS (management.md of the contract, section 6)."""

from __future__ import annotations

import re

from antmediad.api.answer import Answer, result
from antmediad.api.body import Part, Upload
from antmediad.api.json_schema import object_of
from antmediad.api.routes import Query
from antmediad.applications.certificate import MAX_PEM_BYTES
from antmediad.applications.install import Pem, install_certificate
from antmediad.errors import CertificateError, RequestError, SettingsError
from antmediad.management.access import Access
from antmediad.management.call import Call
from antmediad.management.routes import Route

_CUSTOM = "CUSTOM_CERTIFICATE"
_OTHERS = {
    "CUSTOM_DOMAIN": "antmediad asks no authority for a certificate",
    "ANTMEDIA_SUBDOMAIN": "antmediad asks nobody for a domain",
    "NO_SSL": "HTTPS is switched off by http.ssl_certificate_file= in conf/red5.properties",
}
_DOMAIN = re.compile(r"([A-Za-z0-9-]{1,63}\.){1,10}[A-Za-z][A-Za-z0-9-]{1,62}", re.ASCII)
_FILES = ("fullChainFile", "privateKeyFile", "chainFile")
_MAX_DOMAIN_CHARS = 253


async def configure(call: Call) -> Answer:
    """Serve HTTPS with a certificate from now on, without a restart."""
    call.note.action = "certificate not installed"
    kind, domain = call.query.get("type", ""), call.query.get("domain", "")
    if not kind:
        return result(False, "Undefined configuration type")
    if kind in _OTHERS:
        return result(False, f"{_OTHERS[kind]}; expected type {_CUSTOM}")
    if kind != _CUSTOM:
        return result(False, "Unknown SSL configuration type")
    if len(domain) > _MAX_DOMAIN_CHARS or not _DOMAIN.fullmatch(domain):
        return result(False, "Invalid domain name parameter")
    call.note.target = domain
    parts = await _read(call.upload) if call.upload is not None else {}
    if not all(parts.get(name, b"").strip() for name in _FILES):
        return result(
            False,
            "Missing parameters for custom SSL certificate. Please provide domain name, fullChain,"
            " private key, and chain",
        )
    pem = Pem(*(parts[name] for name in _FILES))
    resources = call.resources
    try:
        changed = await install_certificate(
            resources.registry,
            resources.history,
            pem,
            source=call.source,
            actor=call.caller.actor,
        )
    except (CertificateError, SettingsError) as error:
        return result(False, f"Certificate file operation is not succesful due to {error}")
    errors = [str(problem) for problem in changed.problems if problem.severity == "error"]
    if errors:
        return result(
            False,
            "The certificate is installed, but is not served as long as conf/red5.properties has"
            f" errors: {'; '.join(errors)}",
        )
    call.note.action = "certificate installed"
    return result(True)


async def _read(form: Upload) -> dict[str, bytes]:
    """Return the files of the form; of several of one name the first."""
    parts: dict[str, bytes] = {}
    async for part in form:
        if part.name in _FILES and part.name not in parts:
            parts[part.name] = await _read_part(part)
    return parts


async def _read_part(part: Part) -> bytes:
    content = bytearray()
    async for chunk in part:
        content += chunk
        if len(content) > MAX_PEM_BYTES:
            raise RequestError(413, f"{part.name}: expected {MAX_PEM_BYTES} bytes or less")
    return bytes(content)


_FILE = {"type": "string", "contentMediaType": "application/x-pem-file"}

ROUTES = (
    Route(
        "POST",
        "/ssl-settings",
        configure,
        form=object_of(dict.fromkeys(_FILES, _FILE)),
        query=(
            Query("domain", description="the server's name", required=True),
            Query("type", description=f"{_CUSTOM}; no other is of use here", required=True),
        ),
        access=Access.SYSTEM_ADMIN,
    ),
)
