"""Whom a request comes from, and entrances that only some addresses may use."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from aiohttp import hdrs, web

from antmediad.errors import GuardError
from antmediad.guard.address import AddressFilter, Network, clients_of

logger = logging.getLogger(__name__)


def clients_of_request(request: web.BaseRequest, trusted: Sequence[Network]) -> tuple[str, ...]:
    """Return the addresses that *request* answers for; see `clients_of`.

    Args:
        trusted: ``http.trusted_proxies``.

    Raises:
        AddressError: a hop that counts is no address.
    """
    return clients_of(
        request.remote or "",
        request.headers.getall(hdrs.X_FORWARDED_FOR, ()),
        request.headers.getall(hdrs.FORWARDED, ()),
        trusted,
    )


class Entrance:
    """What only the addresses of a list may enter, beside the applications' own guards."""

    def __init__(self, name: str, allowed: Sequence[Network], trusted: Sequence[Network]) -> None:
        """Let the addresses in *allowed* in; *name* is what the log says of others."""
        self._name = name
        self._addresses = AddressFilter(allowed)
        self._trusted = trusted

    def admit(self, request: web.BaseRequest, *, log: bool = True) -> tuple[str, ...]:
        """Return the client's addresses, all of which may enter.

        Raises:
            AddressError: one may not.
        """
        clients: tuple[str, ...] = (request.remote or "",)
        try:
            clients = clients_of_request(request, self._trusted)
            for client in clients:
                self._addresses.check(client)
        except GuardError as error:
            if log:
                logger.info(
                    "%s refused: client=%s reason=%s", self._name, ",".join(clients), error.reason
                )
            raise
        return clients
