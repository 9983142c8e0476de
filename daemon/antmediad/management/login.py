"""How users log in and out, and change their passwords (management.md, section 2)."""

from __future__ import annotations

import json
from typing import Any

from antmediad import __version__
from antmediad.api.answer import Answer, answer, result
from antmediad.api.json_schema import OBJECT, TEXT, object_of
from antmediad.api.routes import Schema
from antmediad.errors import RequestError, StoreError
from antmediad.management.access import Access
from antmediad.management.authentication import digest_of, new_session_id, session_cookie
from antmediad.management.call import Call
from antmediad.management.lockout import BLOCK_S
from antmediad.management.passwords import needs_rehash
from antmediad.management.rights import Role, is_system
from antmediad.management.routes import Route
from antmediad.store.accounts import User

_WRONG = "Wrong e-mail or password"
_BLOCKED = f"Too many login attempts. User is blocked for {BLOCK_S:.0f} secs"

_LOGIN = Schema(object_of({"email": TEXT, "password": TEXT}))
_PASSWORDS = Schema(object_of({"password": TEXT, "newPassword": TEXT}))


async def authenticate(call: Call) -> Answer:
    """Log in: the answer sets the session's cookie."""
    sent = call.object()
    email, received = call.text("email", sent), call.text("password", sent)
    if not email or not received:
        call.note.left_out = True
        return result(False, _WRONG)
    call.note.action, call.note.target = "login refused", email
    accounts = call.resources.management.accounts
    # Anybody may be blocked, or not be tried, without end: the failures that led to a block are
    # on the audit log.
    call.note.left_out = True
    if not await _admit(call, email):
        return result(False, _BLOCKED)
    stored = accounts.password_hash(email)
    fits = await _verify(call, email, stored, received)
    call.note.left_out = False
    user = accounts.find_user(email)
    if not fits or user is None:
        return result(False, _WRONG)
    await _clear(call, email)
    session_id = new_session_id()
    started = await accounts.start_session(
        digest_of(session_id), user.email, ",".join(call.clients), call.now, verified_hash=stored
    )
    if not started:
        return result(False, _WRONG)
    if stored is not None and needs_rehash(stored):
        new = await call.resources.passwords.hash(received)
        await accounts.rehash_password(user.email, stored, new)
    if call.cookie:
        # One that was set before the login, perhaps by somebody else, is not to be logged in.
        await accounts.end_session(digest_of(call.cookie))
    call.note.action, call.note.target = "login", user.email
    welcome = result(True, _role_text(user))
    cookie = session_cookie(session_id, is_secure=call.is_secure)
    return Answer(welcome.body, 200, (cookie,))


async def log_out(call: Call) -> Answer:
    """End the session."""
    call.note.action, call.note.target = "logout", call.caller.email
    if call.caller.session:
        await call.resources.management.accounts.end_session(call.caller.session)
    ended = result(True)
    return Answer(ended.body, 200, (session_cookie("", is_secure=call.is_secure),))


def authentication_status(call: Call) -> Answer:
    """Tell whether the caller is logged in."""
    return result(call.identity is not None)


def admin_status(call: Call) -> Answer:
    """Tell whether the caller administers the whole server."""
    if is_system(call.caller.rights, Role.ADMIN):
        return result(True, "User is admin")
    return result(False, "User is not admin")


def blocked_status(call: Call) -> Answer:
    """Tell whether a user may not try to log in for the moment, from the caller's address."""
    lockout, email = call.resources.lockout, call.parameters["email"]
    blocked = any(lockout.blocked_for_s(email, client, call.now) for client in call.clients)
    return result(blocked)


def session(call: Call) -> Answer:
    """Tell who is logged in, and whether the first user is still to be made."""
    accounts = call.resources.management.accounts
    is_first = not accounts.has_users()
    user: dict[str, Any] | None = None
    if call.identity is not None:
        found = accounts.find_user(call.identity.email) if call.identity.email else None
        user = {
            "email": call.identity.email or call.identity.actor,
            "firstName": found.first_name if found is not None else None,
            "lastName": found.last_name if found is not None else None,
            "rights": {name: role.name for name, role in call.identity.rights.items()},
        }
    return answer(
        {
            "version": __version__,
            "firstLogin": is_first,
            "setupCodeRequired": is_first and not call.is_local,
            "user": user,
        }
    )


async def change_password(call: Call) -> Answer:
    """Change the caller's own password; the user's other sessions end."""
    sent = call.object()
    email = call.caller.email
    call.note.action, call.note.target = "password not changed", email
    received, new_password = call.text("password", sent), call.text("newPassword", sent)
    if not email or not new_password:
        return result(False, "User name does not exist or there is no new password")
    if not await _admit(call, email):
        return result(False, _BLOCKED)
    accounts = call.resources.management.accounts
    stored = accounts.password_hash(email)
    if not await _verify(call, email, stored, received):
        return result(False, "User not exist with that name and pass")
    await _clear(call, email)
    new_hash = await call.resources.passwords.hash(new_password)
    await accounts.set_password(email, new_hash, call.caller.session)
    call.note.action = "password changed"
    return result(True, "Success")


async def _admit(call: Call, email: str) -> bool:
    """Count an attempt of each client as failed; False if one is blocked."""
    for client in call.clients:
        if await call.resources.lockout.admit(email, client, call.now):
            return False
    return True


async def _verify(call: Call, email: str, stored: str | None, received: str) -> bool:
    """Tell whether a password is the one whose hash is *stored*.

    Raises:
        RequestError, StoreError: it could not be tried; the attempt counts no longer.
    """
    try:
        return await call.resources.passwords.verify(stored, received)
    except (RequestError, StoreError):
        for client in call.clients:
            await call.resources.lockout.withdrawn(email, client, call.now)
        raise


async def _clear(call: Call, email: str) -> None:
    """Forget the failures before an attempt that was none."""
    for client in call.clients:
        await call.resources.lockout.succeeded(email, client, call.now)


def _role_text(user: User) -> str:
    """Return what Ant Media Server's panels read the user's rights from."""
    if user.scope is not None:
        return f"{user.scope}/{user.user_type}"
    return json.dumps(dict(user.app_types), separators=(",", ":"))


ROUTES = (
    Route(
        "POST",
        "/users/authenticate",
        authenticate,
        consumes_json=True,
        body=_LOGIN,
        access=Access.OPEN,
    ),
    Route("GET", "/authentication-status", authentication_status, access=Access.OPEN),
    Route("GET", "/session", session, access=Access.OPEN, answers={200: Schema(OBJECT)}),
    Route("DELETE", "/users/logout", log_out, access=Access.SIGNED_IN),
    Route("GET", "/admin-status", admin_status, access=Access.SIGNED_IN),
    Route("GET", "/users/{email}/blocked", blocked_status, access=Access.OPEN),
    Route(
        "POST",
        "/users/password",
        change_password,
        consumes_json=True,
        body=_PASSWORDS,
        access=Access.SIGNED_IN,
    ),
)
