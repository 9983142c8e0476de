"""What a user may do where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum

from antmediad.errors import LastAdministratorError
from antmediad.store.accounts import User, key_of

SYSTEM = "system"
"""In the place of an application's name: all applications, the server, and the users."""


class Role(IntEnum):
    """Ant Media Server's ``UserType``; the names are those of its JSON."""

    READ_ONLY = 1
    """Reads."""
    USER = 2
    """Also changes broadcasts and VoDs, but no settings."""
    ADMIN = 3
    """Everything."""


TYPES = tuple(role.name for role in sorted(Role, reverse=True))
"""What ``userType`` can be, the type with most rights first."""


def rights_of(user: User) -> Mapping[str, Role]:
    """Return a user's roles by application, and by `SYSTEM`.

    They are in ``appNameUserType``, and in the older pair of ``scope`` and ``userType``.  Where
    both speak of the same name, the lesser role counts.  A missing type says nothing, an
    unknown one allows nothing; a user of whom nothing is said has no rights.
    """
    rights: dict[str, Role] = {}
    refused = set()
    for name, type_name in _said(user):
        role = Role.__members__.get(type_name)
        if role is None:
            refused.add(name)
        else:
            rights[name] = min(role, rights.get(name, role))
    return {name: role for name, role in rights.items() if name not in refused}


def role_for(rights: Mapping[str, Role], application: str) -> Role | None:
    """Return the role in *application*, whose name is compared as a whole; None: no rights.

    It is the higher one of that for the application and that for the whole system.  For
    `SYSTEM` itself, it is that for the whole system.
    """
    return max(
        (rights[name] for name in (application, SYSTEM) if name in rights),
        default=None,
    )


def is_system(rights: Mapping[str, Role], role: Role = Role.ADMIN) -> bool:
    """Tell whether the rights are *role* or more for the whole system."""
    return rights.get(SYSTEM, 0) >= role


def text_of(rights: Mapping[str, Role]) -> str:
    """Return rights as people read them, ``LiveApp: USER, vod: ADMIN``; empty for none."""
    return ", ".join(f"{name}: {role.name}" for name, role in sorted(rights.items()))


def check_administrator_stays(users: Iterable[User], email: str) -> None:
    """Check that *email* can go, or lose its rights: somebody else is ADMIN of the whole system.

    Without one, nobody could make another; without any user, the next stranger could.

    Raises:
        LastAdministratorError: it is the last one.
    """
    administrators = [user.email for user in users if is_system(rights_of(user))]
    if [key_of(one) for one in administrators] == [key_of(email)]:
        raise LastAdministratorError("this is the last administrator of the system")


def _said(user: User) -> Iterator[tuple[str, str]]:
    for name, type_name in user.app_types.items():
        if name and type_name:
            yield name, type_name
    if user.scope and user.user_type:
        yield user.scope, user.user_type
