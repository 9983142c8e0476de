"""The IP filter: which address a request comes from, and whether it is on the list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from antmediad.errors import AddressError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_HOPS = 32
MAX_REMEMBERED = 1024

# RFC 7239, section 4: a pair is a token, "=", and a token or a quoted string; pairs and elements
# may be empty (RFC 9110, section 5.6.1).  Possessive, so that no header costs more than its length.
_FORWARDED_PAIR = re.compile(
    r"""[ \t]*+(?:([!#$%&'*+.^_`|~\w-]++)=("(?:[^"\\]|\\.)*+"|[^\s;,"]++))?+[ \t]*+([;,]|\Z)""",
    re.ASCII,
)
_PORT = re.compile(r"[0-9]{1,5}")


def parse_address(text: str) -> Address:
    """Return the address in *text*, as sockets and proxies write it.

    Accepted: ``10.0.0.1``, ``10.0.0.1:5080``, ``2001:db8::1``, ``[2001:db8::1]`` and
    ``[2001:db8::1]:5080``.  The zone of an IPv6 address (``%eth0``) is dropped, an IPv4-mapped
    address is IPv4.

    Raises:
        AddressError: with reason ``ip_unreadable`` for anything else.
    """
    text = text.strip()
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if ":" not in host or not bracket or colon not in ("", ":"):
            raise AddressError("ip_unreadable")
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
    else:
        host, colon, port = text, "", ""
    if colon and not _PORT.fullmatch(port):
        raise AddressError("ip_unreadable")
    if ":" in host:
        host = host.partition("%")[0]
    try:
        address = ip_address(host)
    except ValueError:
        raise AddressError("ip_unreadable") from None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def source_of(text: str) -> str:
    """Return what counts as one client where clients are counted.

    That is the address, of an IPv6 one the /64, which one customer has; what is no address
    stands for itself.
    """
    # IPv4 without a port, as it nearly always is: this is called for each request.
    if ":" not in text:
        return text
    try:
        address = parse_address(text)
    except AddressError:
        return text
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address)


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    """Tell whether *address* is in one of *networks*; IPv4 and IPv6 never match each other."""
    return any(address in network for network in networks)


class AddressFilter:
    """The list of addresses that may pass; remembers the verdicts on addresses seen lately."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self._remembered: dict[str, str] = {}

    def check(self, client: str) -> None:
        """Let *client*, an address as text, pass.

        Raises:
            AddressError: ``ip_not_allowed`` or ``ip_unreadable``.
        """
        reason = self._remembered.get(client)
        if reason is None:
            try:
                allowed = is_within(parse_address(client), self._networks)
                reason = "" if allowed else "ip_not_allowed"
            except AddressError as error:
                reason = error.reason
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[client] = reason
        if reason:
            raise AddressError(reason)


def clients_of(
    peer: str,
    forwarded_for: Sequence[str],
    forwarded: Sequence[str],
    trusted: Sequence[Network],
) -> tuple[str, ...]:
    """Return the addresses that the request must answer for; all of them have to be allowed.

    Without trusted proxies that is the peer of the socket, whatever the headers say.  From a
    trusted peer, it is the right-most hop that is not a trusted proxy itself.  A proxy that
    writes one of the two headers passes the other one on as the client made it up, so when
    both are there both have to name an allowed address.

    Args:
        peer: the other end of the socket.
        forwarded_for: the lines of ``X-Forwarded-For``.
        forwarded: the lines of ``Forwarded`` (RFC 7239).
        trusted: ``http.trusted_proxies``.

    Raises:
        AddressError: ``ip_unreadable``, when a hop that counts is not an address.
    """
    if not trusted or not (forwarded_for or forwarded):
        return (peer,)
    if not is_within(parse_address(peer), trusted):
        return (peer,)
    clients = []
    for hops in (_split_list(forwarded_for), _forwarded_hops(forwarded)):
        if len(hops) > MAX_HOPS:
            raise AddressError("ip_unreadable")
        if hops:
            clients.append(_rightmost_untrusted(hops, trusted))
    return tuple(clients) or (peer,)


def _rightmost_untrusted(hops: Sequence[str], trusted: Sequence[Network]) -> str:
    client = ""
    for hop in reversed(hops):
        address = parse_address(hop)
        client = str(address)
        if not is_within(address, trusted):
            break
    return client


def _split_list(lines: Sequence[str]) -> list[str]:
    return [hop for line in lines for hop in map(str.strip, line.split(",")) if hop]


def _forwarded_hops(lines: Sequence[str]) -> list[str]:
    """Return the ``for`` of each element; an element without one is a hop that hides itself."""
    hops: list[str] = []
    for line in lines:
        element: dict[str, str] = {}
        position, separator = 0, ";"
        while separator:
            pair = _FORWARDED_PAIR.match(line, position)
            if pair is None:
                raise AddressError("ip_unreadable")
            position, separator = pair.end(), pair[3]
            if pair[1]:
                name = pair[1].lower()
                if name in element:
                    raise AddressError("ip_unreadable")
                element[name] = _unquoted(pair[2])
            if element and separator != ";":
                hops.append(element.get("for", ""))
                element = {}
    return hops


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
