"""Add, list and remove the users of the panel and the management API.

Works with a running daemon or without. A new user can log in at once; one who is removed, or gets
another password, is logged out at once."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from antmediad.applications.home import Home, find_applications
from antmediad.cli.input import is_at_terminal, read_secret
from antmediad.cli.main import add_action, add_home, add_json, home_of
from antmediad.cli.output import plain, print_json, print_table
from antmediad.cli.process import become_owner, user_name
from antmediad.errors import LastAdministratorError, RecordExistsError, StoreError, UsageError
from antmediad.management.passwords import hash_plain_password
from antmediad.management.rights import (
    SYSTEM,
    TYPES,
    Role,
    check_administrator_stays,
    rights_of,
    text_of,
)
from antmediad.store.accounts import User, check_email, key_of
from antmediad.store.audit import AuditEntry
from antmediad.store.management import ManagementStore

EXAMPLES = """examples:
  antmediad user add ann@example.com
  antmediad user add bob@example.com --type USER --app LiveApp WebRTCAppEE
  antmediad user add ci@example.com --type READ_ONLY < password.txt
  antmediad user list
  antmediad user passwd ann@example.com
  antmediad user remove bob@example.com

The password is asked for on a terminal, or read from standard input: a single line.
exit status: 0 done, 2 cannot be done, and nothing was changed."""

MIN_PASSWORD_CHARS = 8

T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    add = add_action(actions, "add", "add a user")
    _add_email(add)
    add.add_argument(
        "--type",
        choices=TYPES,
        default=Role.ADMIN.name,
        help="ADMIN does everything, USER changes streams and VoDs, READ_ONLY reads"
        " (default: ADMIN)",
    )
    add.add_argument(
        "--app",
        action="extend",
        nargs="+",
        metavar="APP",
        dest="applications",
        default=[],
        help="in these applications only (default: all, and the server)",
    )
    add.set_defaults(action=_add)

    users = add_action(actions, "list", "list the users")
    add_home(users)
    add_json(users)
    users.set_defaults(action=_list)

    passwd = add_action(actions, "passwd", "set a user's password")
    _add_email(passwd)
    passwd.set_defaults(action=_passwd)

    remove = add_action(actions, "remove", "remove a user")
    _add_email(remove)
    remove.add_argument("--force", action="store_true", help="even the last administrator")
    remove.set_defaults(action=_remove)


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    return int(options.action(options))


def _add_email(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("email", metavar="EMAIL", help="the user's e-mail address")
    add_home(parser)


# What the actions do


def _add(options: argparse.Namespace) -> int:
    home = home_of(options)
    _check_email(options.email)
    user = _user(options.email, options.type, _applications(home, options.applications))
    if _find(home, user.email) is not None:
        raise _exists(user.email)
    password_hash = hash_plain_password(_read_password())

    async def add(store: ManagementStore) -> None:
        try:
            await store.accounts.add_user(user, password_hash)
        except RecordExistsError as error:
            raise _exists(user.email) from error
        await store.audit.record(_entry("user created", user.email, text_of(rights_of(user))))

    _change(home, add)
    return 0


def _list(options: argparse.Namespace) -> int:
    users = _users(home_of(options))
    if options.json:
        print_json([_described(user) for user in users])
    elif users:
        print_table(
            ("EMAIL", "TYPES", "ADDED (UTC)"),
            [
                (
                    plain(user.email),
                    plain(text_of(rights_of(user)) or "-"),
                    f"{datetime.fromtimestamp(user.created_at, UTC):%Y-%m-%d %H:%M:%S}",
                )
                for user in users
            ],
        )
    else:
        print("no users")
    return 0


def _passwd(options: argparse.Namespace) -> int:
    home = home_of(options)
    email = _existing(home, options.email).email
    password_hash = hash_plain_password(_read_password())

    async def change(store: ManagementStore) -> None:
        if not await store.accounts.set_password(email, password_hash):
            raise _unknown(email)
        await store.audit.record(_entry("password changed", email))

    _change(home, change)
    return 0


def _remove(options: argparse.Namespace) -> int:
    home = home_of(options)
    email = _existing(home, options.email).email

    def check(users: Iterable[User]) -> None:
        if not options.force:
            check_administrator_stays(users, email)

    async def remove(store: ManagementStore) -> None:
        try:
            is_found = await store.accounts.remove_user(email, check)
        except LastAdministratorError:
            raise UsageError(
                f"{plain(email)} is the last administrator; add another one first, or use --force"
            ) from None
        if not is_found:
            raise _unknown(email)
        await store.audit.record(_entry("user removed", email))

    _change(home, remove)
    return 0


# Users and roles


def _user(email: str, type_name: str, applications: Sequence[str]) -> User:
    """Return a user as Ant Media Server would store it: with a scope for the system only."""
    if applications:
        types = dict.fromkeys(applications, type_name)
        return User(email=email, app_types=types, created_at=time.time())
    return User(
        email=email,
        user_type=type_name,
        scope=SYSTEM,
        app_types={SYSTEM: type_name},
        created_at=time.time(),
    )


def _applications(home: Home, names: Sequence[str]) -> Sequence[str]:
    if not names:
        return ()
    try:
        there = find_applications(home)
    except OSError as error:
        raise UsageError(f"{home.webapps}: cannot be read ({error.strerror or error})") from error
    for name in names:
        if name == SYSTEM:
            raise UsageError(f"--app {SYSTEM}: leave --app out to mean all applications")
        if name not in there:
            known = ", ".join(sorted(there)) or "none"
            raise UsageError(f"no application {plain(name)!r}; there are: {known}")
    return names


def _check_email(email: str) -> None:
    name, at, domain = email.rpartition("@")
    if not (name and at and domain) or any(character.isspace() for character in email):
        raise UsageError(f"{plain(email)!r}: expected an e-mail address, NAME@DOMAIN")
    check_email(email)


def _described(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "userType": user.user_type,
        "scope": user.scope,
        "appNameUserType": dict(user.app_types),
        "firstName": user.first_name,
        "lastName": user.last_name,
        "roles": {name: role.name for name, role in sorted(rights_of(user).items())},
        "createdAt": user.created_at,
    }


def _entry(action: str, email: str, detail: str = "") -> AuditEntry:
    return AuditEntry(
        at=time.time(),
        actor=f"cli:{user_name()}",
        source="cli",
        action=action,
        target=email,
        success=True,
        detail=detail,
    )


def _exists(email: str) -> UsageError:
    return UsageError(f"{plain(email)} is a user already; 'passwd' sets another password")


def _unknown(email: str) -> UsageError:
    return UsageError(f"no user {plain(email)}; 'antmediad user list' lists those that there are")


# The password


def _read_password() -> str:
    password = read_secret("password")
    if is_at_terminal() and read_secret("the same once more") != password:
        raise UsageError("the passwords differ")
    if "\n" in password:
        raise UsageError("standard input: expected a password, on a single line")
    if len(password) < MIN_PASSWORD_CHARS:
        raise UsageError(f"password: expected at least {MIN_PASSWORD_CHARS} characters")
    return password


# The database


def _users(home: Home) -> list[User]:
    become_owner(home)
    try:
        # An error that is not "not there" is told by opening it.
        if not home.management.exists():
            return []
    except OSError as error:
        raise _out_of_reach(home, error) from error
    store = _opened(home, ManagementStore.for_reading)
    try:
        return store.accounts.users()
    finally:
        asyncio.run(store.close())


def _find(home: Home, email: str) -> User | None:
    return next((user for user in _users(home) if key_of(user.email) == key_of(email)), None)


def _existing(home: Home, email: str) -> User:
    user = _find(home, email)
    if user is None:
        raise _unknown(email)
    return user


def _change(home: Home, change: Callable[[ManagementStore], Awaitable[None]]) -> None:
    become_owner(home)

    async def opened() -> None:
        store = _opened(home, ManagementStore)
        try:
            await change(store)
        finally:
            await store.close()

    asyncio.run(opened())


def _opened(home: Home, opened: Callable[[Any], T]) -> T:
    try:
        return opened(home.management)
    except StoreError as error:
        raise _out_of_reach(home, error) from error


def _out_of_reach(home: Home, error: Exception) -> UsageError:
    there = next(path for path in (home.management, home.data, home.path) if os.path.lexists(path))
    if os.access(there, os.R_OK | os.W_OK, effective_ids=True):
        return UsageError(str(error))
    return UsageError(f"{error}; run this as root or as the daemon's user")
