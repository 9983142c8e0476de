"""Who calls: a user by session, or a machine by token (management.md of the contract, 2)."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from antmediad.errors import GuardError, RequestError, StoreError
from antmediad.guard.key_set import KeySets
from antmediad.guard.token import claims_of, parse_token
from antmediad.guard.verdict import Guard
from antmediad.management.call import Identity
from antmediad.management.rights import SYSTEM, Role, rights_of
from antmediad.settings.schema import ServerSettings, Settings
from antmediad.store.management import ManagementStore

logger = logging.getLogger(__name__)

COOKIE = "JSESSIONID"
TOUCH_AFTER_S = 60.0
INVALID_TOKEN = "Invalid Server JWT Token"  # noqa: S105 - a message


def new_session_id() -> str:
    """Return the id of a new session: 256 bits."""
    return secrets.token_urlsafe(32)


def digest_of(session_id: str) -> bytes:
    """Return what a session is stored by."""
    return hashlib.sha256(session_id.encode(errors="replace")).digest()


def session_cookie(session_id: str, *, is_secure: bool) -> tuple[str, str]:
    """Return the header that sets the session's cookie; an empty id ends it."""
    end = "" if session_id else "; Max-Age=0"
    secure = "; Secure" if is_secure else ""
    return ("Set-Cookie", f"{COOKIE}={session_id}; Path=/; HttpOnly; SameSite=Strict{secure}{end}")


def check_same_site(headers: Mapping[str, str]) -> None:
    """Check that no other site makes a browser call us.

    ``Sec-Fetch-Site`` tells where it is sent; elsewhere ``Origin`` has to name this host.  What
    has neither comes from no browser's page.

    Raises:
        RequestError: 403.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise RequestError(403, "Not allowed from another site")
        return
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        raise RequestError(403, "Not allowed from another site")


class Authentication:
    """Finds out who calls, by the server's settings in force."""

    def __init__(self, key_sets: KeySets) -> None:
        self._key_sets = key_sets
        self._guard: Guard | None = None

    def refresh(self, settings: ServerSettings) -> None:
        """Check tokens by *settings* from now on."""
        if not settings.server_jwt_server_control_enabled:
            self._guard = None
            return
        urls = settings.server_jwks_url
        # Of an application's settings a guard needs few; the others have no say here.
        guarded = replace(
            Settings(),
            ip_filter_enabled=False,
            jwt_control_enabled=True,
            jwt_secret_key=settings.server_jwt_server_secret_key or "",
            jwks_url=urls,
        )
        self._guard = Guard(guarded, self._key_sets.of(urls))

    async def identify(
        self,
        tokens: Sequence[str],
        session_id: str,
        clients: Sequence[str],
        now: float,
        open_management: Callable[[], ManagementStore],
    ) -> Identity | None:
        """Return who calls, None if nobody is known to.

        Args:
            tokens: the lines of ``ProxyAuthorization``; one that is not blank decides alone.
            session_id: the value of the cookie.
            now: seconds since 1970.

        Raises:
            RequestError: 403, the token is not valid.
            StoreError: sessions are out of reach.
        """
        given = [line.strip() for line in tokens if line.strip()]
        if self._guard is not None and given:
            return await self._identify_token(self._guard, given, clients)
        if not session_id:
            return None
        store, digest = open_management(), digest_of(session_id)
        session = store.accounts.find_session(digest, now)
        user = store.accounts.find_user(session.email) if session is not None else None
        if session is None or user is None:
            return None
        if now - session.seen_at >= TOUCH_AFTER_S:
            try:
                await store.accounts.touch_session(digest, now)
            except StoreError as error:
                # On a full disk, too, an administrator closes a guard; the session ends in time.
                logger.warning("session not prolonged: error=%s", error)
        return Identity(user.email, rights_of(user), user.email, digest)

    async def _identify_token(
        self, guard: Guard, given: Sequence[str], clients: Sequence[str]
    ) -> Identity:
        try:
            # The raw token only, as Ant Media Server takes it.
            if any(len(line.split()) != 1 for line in given):
                raise RequestError(403, INVALID_TOKEN)
            try:
                guard.check(clients, given)
            except GuardError as error:
                await guard.check_again(error, given)
        except GuardError as error:
            logger.info(
                "management request refused: client=%s reason=%s", ",".join(clients), error.reason
            )
            raise RequestError(403, INVALID_TOKEN) from None
        subject = claims_of(parse_token(given[0])).get("sub")
        name = subject[:64] if isinstance(subject, str) and subject.isprintable() else ""
        return Identity(f"token:{name}", {SYSTEM: Role.ADMIN})
