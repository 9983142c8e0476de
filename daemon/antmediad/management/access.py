"""Who may call what: rights of users and tokens against what a route asks for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from antmediad.errors import RequestError
from antmediad.management.call import Identity
from antmediad.management.rights import SYSTEM, Role, role_for

NOT_AUTHENTICATED = "Not authenticated user"
NOT_ALLOWED = "Not allowed to access this resource. Contact system admin"


class Access(Enum):
    """What a route asks for: a role, and for what.

    ``APPLICATION_...`` is about the application that the route's own parameter ``app`` names,
    and nothing else of the request.
    """

    OPEN = "anyone"
    SIGNED_IN = "any user or token"
    SYSTEM_READ = "READ_ONLY of system"
    SYSTEM_ADMIN = "ADMIN of system"
    APPLICATION_READ = "READ_ONLY of the application"
    APPLICATION_ADMIN = "ADMIN of the application"


_ROLES = {
    Access.SYSTEM_READ: Role.READ_ONLY,
    Access.SYSTEM_ADMIN: Role.ADMIN,
    Access.APPLICATION_READ: Role.READ_ONLY,
    Access.APPLICATION_ADMIN: Role.ADMIN,
}
_OF_SYSTEM = frozenset({Access.SYSTEM_READ, Access.SYSTEM_ADMIN})


def check_access(access: Access, identity: Identity | None, parameters: Mapping[str, str]) -> None:
    """Let a call go on.

    Raises:
        RequestError: 403, nobody is known to call, or the rights do not suffice.
    """
    if access is Access.OPEN:
        return
    if identity is None:
        raise RequestError(403, NOT_AUTHENTICATED)
    if access is Access.SIGNED_IN:
        return
    name = SYSTEM if access in _OF_SYSTEM else parameters["app"]
    check_role(identity, name, _ROLES[access])


def check_role(identity: Identity, name: str, least: Role) -> None:
    """Check that *identity* has the role *least*, or a higher one, for *name*.

    Raises:
        RequestError: 403, it has not.
    """
    role = role_for(identity.rights, name)
    if role is None or role < least:
        raise RequestError(403, NOT_ALLOWED)


def _is_credential(segments: tuple[str, ...]) -> bool:
    """Tell whether what is read at this path lets somebody play or publish."""
    of_stream = segments[5:] if segments[1:4] == ("rest", "v2", "broadcasts") else ()
    return of_stream[:1] in (("token",), ("jwt-token",), ("tokens",)) or (
        of_stream[:1] == ("subscribers",) and of_stream[2:] == ("totp",)
    )


def check_proxied(identity: Identity | None, method: str, segments: tuple[str, ...]) -> None:
    """Let a call of an application's API go on that comes through the panel's proxy.

    Whoever may read the application reads; broadcasts and VoDs are changed by ``USER``, too, who
    also gets the tokens and codes of streams: to have one is more than to read.

    Args:
        segments: the path of the call, the application's name first.

    Raises:
        RequestError: 403.
    """
    if identity is None:
        raise RequestError(403, NOT_AUTHENTICATED)
    if method in ("GET", "HEAD", "OPTIONS") and not _is_credential(segments):
        least = Role.READ_ONLY
    elif segments[1:4] in (("rest", "v2", "broadcasts"), ("rest", "v2", "vods")):
        least = Role.USER
    else:
        least = Role.ADMIN
    check_role(identity, segments[0] if segments else SYSTEM, least)
