"""Users: the first one, and those that an administrator adds (management.md, section 3)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from antmediad.api.answer import Answer, answer, refusal, result
from antmediad.api.json_schema import TEXT, TEXT_OR_NULL, list_of, object_of
from antmediad.api.routes import Schema
from antmediad.errors import LastAdministratorError, RecordExistsError, RequestError, StoreError
from antmediad.management.access import Access
from antmediad.management.call import Call
from antmediad.management.rights import (
    SYSTEM,
    TYPES,
    check_administrator_stays,
    is_system,
    rights_of,
    text_of,
)
from antmediad.management.routes import Route
from antmediad.store.accounts import User, check_email, key_of

logger = logging.getLogger(__name__)

# What stands in a path where an e-mail could.
RESERVED = frozenset({"authenticate", "initial", "logout", "password"})

_LAST = "This is the last administrator of the system"
_EXISTS = "User with the same e-mail already exists"

_USER_PROPERTIES: dict[str, Any] = {
    "email": TEXT,
    "userType": {"enum": [*TYPES, None]},
    "scope": TEXT_OR_NULL,
    "appNameUserType": {
        "type": ["object", "null"],
        "additionalProperties": {"enum": list(TYPES)},
    },
    "firstName": TEXT_OR_NULL,
    "lastName": TEXT_OR_NULL,
    "fullName": TEXT_OR_NULL,
    "picture": TEXT_OR_NULL,
}
_USER = Schema(object_of(_USER_PROPERTIES))
_USERS = Schema(list_of(_USER.schema))
_NEW_USER = Schema(object_of({**_USER_PROPERTIES, "password": TEXT, "newPassword": TEXT}))


# The first user


def first_login_status(call: Call) -> Answer:
    """Tell whether there is no user yet."""
    return result(not call.resources.management.accounts.has_users())


async def add_first_user(call: Call) -> Answer:
    """Make the first user, an administrator of everything."""
    sent = call.object()
    call.note.action, call.note.target = "first user refused", call.text("email", sent)
    # Nothing limits how often a stranger tries: the audit log never ends, the other one is rotated.
    call.note.left_out = True
    accounts = call.resources.management.accounts
    if accounts.has_users():
        return result(False, "There is a first user already", error_id=-1)
    code = call.text("setupCode", sent)
    if not call.is_local and not call.resources.setup_code.fits(code):
        logger.info("first user refused: client=%s", ",".join(call.clients))
        return refusal(
            403,
            "This is not the set-up code in the daemon's log"
            if code
            else "The first user can be made from the machine itself, by 'antmediad user add', or"
            " with the set-up code in the daemon's log, as setupCode",
        )
    call.note.left_out = False
    email = _new_email(call, sent)
    received = call.text("password", sent, required=True)
    user = User(
        email=email,
        user_type="ADMIN",
        scope=SYSTEM,
        app_types={SYSTEM: "ADMIN"},
        first_name=call.text("firstName", sent) or None,
        last_name=call.text("lastName", sent) or None,
        created_at=call.now,
    )
    stored = await call.resources.passwords.hash(received)
    if not await accounts.add_first_user(user, stored):
        return result(False, "There is a first user already", error_id=-1)
    call.note.action = "first user created"
    return result(True, error_id=-1)


# Users


async def list_users(call: Call) -> Answer:
    """Return all users."""
    users = await call.resources.read_aside(call.resources.management.accounts.users)
    return answer([_shown(user) for user in users])


async def add_user(call: Call) -> Answer:
    """Add a user."""
    sent = call.json()
    if sent is None:
        return result(False, "User object is null")
    sent = call.object()
    call.note.action, call.note.target = "user not created", call.text("email", sent)
    received = call.text("password", sent)
    accounts = call.resources.management.accounts
    if not call.note.target or not received or accounts.find_user(call.note.target) is not None:
        # Ant Media Server says the same of an e-mail or a password that is missing.
        return result(False, _EXISTS)
    user = _read_user(call, sent, _new_email(call, sent))
    try:
        await accounts.add_user(user, await call.resources.passwords.hash(received))
    except RecordExistsError:
        return result(False, _EXISTS)
    call.note.action, call.note.detail = "user created", _rights_text(user)
    return result(True)


async def edit_user(call: Call) -> Answer:
    """Replace a user's rights, and set those names and the password that are sent."""
    sent = call.object()
    email = call.text("email", sent, required=True)
    call.note.action, call.note.target = "user not changed", email
    accounts = call.resources.management.accounts
    if key_of(email) == key_of(call.caller.email):
        return result(False, "User cannot edit itself")
    before = accounts.find_user(email)
    if before is None:
        return result(False, "Edited user is not found in database")
    # Ant Media Server's panels send no names when they change the rights.
    names = {
        "firstName": before.first_name,
        "lastName": before.last_name,
        "fullName": before.full_name,
        "picture": before.picture,
    }
    user = _read_user(call, {**names, **sent}, before.email)
    new_password = call.text("newPassword", sent)
    stored = await call.resources.passwords.hash(new_password) if new_password else ""

    def check(users: Iterable[User]) -> None:
        if not is_system(rights_of(user)):
            check_administrator_stays(users, email)

    try:
        is_found = await accounts.replace_user(user, check)
    except LastAdministratorError:
        return result(False, _LAST)
    if not is_found:
        return result(False, "Edited user is not found in database")
    if stored:
        await accounts.set_password(user.email, stored)
    call.note.action, call.note.detail = "user changed", _rights_text(user)
    if stored:
        call.note.detail += ", new password"
    return result(True)


async def remove_user(call: Call) -> Answer:
    """Remove a user; the user's sessions end."""
    email = call.parameters["email"]
    call.note.action, call.note.target = "user not removed", email
    if key_of(email) == key_of(call.caller.email):
        return result(False, "You cannot delete yourself")
    accounts = call.resources.management.accounts
    try:
        # In the same transaction: of two administrators who remove each other, one stays.
        is_found = await accounts.remove_user(
            email, lambda users: check_administrator_stays(users, email)
        )
    except LastAdministratorError:
        return result(False, _LAST)
    if not is_found:
        return result(False, "User does not exist")
    call.note.action = "user removed"
    return result(True)


def _new_email(call: Call, sent: Mapping[str, Any]) -> str:
    email = call.text("email", sent, required=True)
    try:
        check_email(email)
    except StoreError as error:
        raise RequestError(400, str(error)) from None
    if email in RESERVED:
        raise RequestError(400, "email: this name is taken by the API itself")
    return email


def _read_user(call: Call, sent: Mapping[str, Any], email: str) -> User:
    """Return the user that a body describes; what it lacks is null.

    Raises:
        RequestError: 400, a type is none, or a member has the wrong JSON type.
    """
    user_type = call.text("userType", sent) or None
    app_types = sent.get("appNameUserType")
    if app_types is None:
        app_types = {}
    if not isinstance(app_types, dict):
        raise RequestError(400, "appNameUserType: expected an object")
    for name, one in {"userType": user_type, **app_types}.items():
        if one not in TYPES and not (name == "userType" and one is None):
            raise RequestError(400, f"{name[:64]}: expected one of {', '.join(TYPES)}")
    return User(
        email=email,
        user_type=user_type,
        scope=call.text("scope", sent) or None,
        app_types=app_types,
        first_name=call.text("firstName", sent) or None,
        last_name=call.text("lastName", sent) or None,
        full_name=call.text("fullName", sent) or None,
        picture=call.text("picture", sent) or None,
        created_at=call.now,
    )


def _shown(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "userType": user.user_type,
        "scope": user.scope,
        "appNameUserType": dict(user.app_types),
        "firstName": user.first_name,
        "lastName": user.last_name,
        "fullName": user.full_name,
        "picture": user.picture,
    }


def _rights_text(user: User) -> str:
    return text_of(rights_of(user)) or "no rights"


ROUTES = (
    Route("GET", "/first-login-status", first_login_status, access=Access.OPEN),
    Route(
        "POST",
        "/users/initial",
        add_first_user,
        consumes_json=True,
        body=_NEW_USER,
        access=Access.OPEN,
    ),
    Route("GET", "/user-list", list_users, access=Access.SYSTEM_READ, answers={200: _USERS}),
    Route(
        "POST", "/users", add_user, consumes_json=True, body=_NEW_USER, access=Access.SYSTEM_ADMIN
    ),
    Route(
        "PUT", "/users", edit_user, consumes_json=True, body=_NEW_USER, access=Access.SYSTEM_ADMIN
    ),
    Route("DELETE", "/users/{email}", remove_user, access=Access.SYSTEM_ADMIN),
)
