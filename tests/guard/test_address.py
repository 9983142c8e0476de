"""The IP filter: whose address counts, and which addresses pass."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antmediad.errors import AddressError
from antmediad.guard.address import (
    MAX_HOPS,
    MAX_REMEMBERED,
    AddressFilter,
    Network,
    clients_of,
    is_within,
    parse_address,
    source_of,
)

PROXY = "127.0.0.1"
TRUSTED = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("10.0.0.1", "10.0.0.1", id="IPv4"),
        pytest.param("10.0.0.1:5080", "10.0.0.1", id="IPv4 with port"),
        pytest.param(" \t10.0.0.1 ", "10.0.0.1", id="blanks around"),
        pytest.param("2001:db8::1", "2001:db8::1", id="IPv6"),
        pytest.param("2001:DB8:0:0::1", "2001:db8::1", id="IPv6 spelled otherwise"),
        pytest.param("[2001:db8::1]", "2001:db8::1", id="IPv6 in brackets"),
        pytest.param("[2001:db8::1]:5080", "2001:db8::1", id="IPv6 with port"),
        pytest.param("fe80::1%eth0", "fe80::1", id="zone"),
        pytest.param("[fe80::1%25eth0]:80", "fe80::1", id="zone in brackets"),
        pytest.param("::ffff:10.0.0.1", "10.0.0.1", id="IPv4-mapped"),
        pytest.param("[::ffff:a00:1]:80", "10.0.0.1", id="IPv4-mapped, hexadecimal"),
        pytest.param("::10.0.0.1", "::a00:1", id="IPv4-compatible stays IPv6"),
    ],
)
def test_an_address_is_read_as_sockets_and_proxies_write_it(text: str, address: str) -> None:
    assert parse_address(text) == ip_address(address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "unknown",
        "_hidden",
        "localhost",
        "unix:",
        "10.0.0",
        "010.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "10.0.0.1/8",
        "10.0.0.1:",
        "10.0.0.1:x",
        "10.0.0.1:123456",
        "10.0.0.1:\u0668\u0660",
        "\u0661\u0660.0.0.1",
        "10.0.0.1%eth0",
        "10.0.0.1, 10.0.0.2",
        "[10.0.0.1]",
        "[10.0.0.1]:80",
        "[2001:db8::1",
        "[2001:db8::1]80",
        "[2001:db8::1]:",
        "[2001:db8::1]:\u0668\u0660",
        "[]",
        "2001:db8::1]",
        ":::1",
        "10.0.0.1\x00",
        "10.0.0.1\n10.0.0.2",
    ],
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(AddressError) as refused:
        parse_address(text)
    assert refused.value.reason == "ip_unreadable"


@given(st.text() | st.text(alphabet="0123456789.:[]%abf/ "))
def test_no_text_gives_anything_but_an_address_or_the_refusal(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressError as error:
        outcome = error.reason
    else:
        assert isinstance(address, IPv4Address) or address.ipv4_mapped is None
        outcome = "address"
    assert outcome in ("address", "ip_unreadable")


@given(st.ip_addresses())
def test_an_address_survives_every_way_of_writing_it(address: IPv4Address | IPv6Address) -> None:
    bracketed = f"[{address}]" if isinstance(address, IPv6Address) else str(address)

    ways = {parse_address(text) for text in (str(address), bracketed, f"{bracketed}:5080")}

    assert len(ways) == 1


@given(st.ip_addresses(v=4), st.ip_addresses(v=6))
def test_everything_of_one_version_is_nothing_of_the_other(
    four: IPv4Address, six: IPv6Address
) -> None:
    assert is_within(four, networks("0.0.0.0/0"))
    assert not is_within(four, networks("::/0"))
    assert is_within(six, networks("::/0"))
    assert not is_within(six, networks("0.0.0.0/0"))


FOR, FORWARDED = "X-Forwarded-For", "Forwarded"


@pytest.mark.parametrize(
    ("forwarded_for", "forwarded", "clients"),
    [
        pytest.param([], [], [PROXY], id="no header: the peer"),
        pytest.param([""], [""], [PROXY], id="empty headers: the peer"),
        pytest.param([" , "], [" , ;"], [PROXY], id="empty elements: the peer"),
        pytest.param(["8.8.8.8"], [], ["8.8.8.8"], id="one hop"),
        pytest.param(["8.8.8.8, 9.9.9.9"], [], ["9.9.9.9"], id="the right-most counts"),
        pytest.param(["8.8.8.8, 10.0.0.5"], [], ["8.8.8.8"], id="behind a trusted proxy"),
        pytest.param(["10.0.0.7,10.0.0.5"], [], ["10.0.0.7"], id="all trusted: the left-most"),
        pytest.param(["8.8.8.8", "7.7.7.7"], [], ["7.7.7.7"], id="lines are joined in order"),
        pytest.param(["8.8.8.8", "10.0.0.5"], [], ["8.8.8.8"], id="the walk crosses lines"),
        pytest.param(["8.8.8.8,", ""], [], ["8.8.8.8"], id="empty items are skipped"),
        pytest.param(["8.8.8.8:1234"], [], ["8.8.8.8"], id="port"),
        pytest.param(["[2001:db8::1]:443"], [], ["2001:db8::1"], id="IPv6 with port"),
        pytest.param(["::ffff:8.8.8.8"], [], ["8.8.8.8"], id="IPv4-mapped"),
        pytest.param(["8.8.8.8,::ffff:10.0.0.5"], [], ["8.8.8.8"], id="IPv4-mapped proxy"),
        pytest.param(["unknown, 8.8.8.8"], [], ["8.8.8.8"], id="left of the client anything goes"),
        pytest.param([], ["for=8.8.8.8"], ["8.8.8.8"], id="Forwarded"),
        pytest.param([], ['For="[2001:db8::1]:443"'], ["2001:db8::1"], id="Forwarded, quoted"),
        pytest.param([], [r'for="8.8.8.\8"'], ["8.8.8.8"], id="Forwarded, escaped"),
        pytest.param(
            [], ["by=10.0.0.1;FOR=8.8.8.8 ; proto=https"], ["8.8.8.8"], id="Forwarded, other pairs"
        ),
        pytest.param(
            [], ["for=_seven, for=8.8.8.8, for=10.0.0.5"], ["8.8.8.8"], id="Forwarded, hops"
        ),
        pytest.param(
            [], ["for=9.9.9.9", "for=8.8.8.8;proto=http"], ["8.8.8.8"], id="Forwarded, lines"
        ),
        pytest.param(
            [], ['for=1.1.1.1;host="a, for=10.0.0.9;", for=8.8.8.8'], ["8.8.8.8"], id="quoted comma"
        ),
        pytest.param(
            ["8.8.8.8"], ["for=9.9.9.9"], ["8.8.8.8", "9.9.9.9"], id="both headers: both clients"
        ),
    ],
)
def test_a_trusted_proxy_names_the_client(
    forwarded_for: list[str], forwarded: list[str], clients: list[str]
) -> None:
    assert list(clients_of(PROXY, forwarded_for, forwarded, TRUSTED)) == clients


@pytest.mark.parametrize(
    ("forwarded_for", "forwarded"),
    [
        pytest.param(["unknown"], [], id="unknown"),
        pytest.param(["8.8.8.8, unknown"], [], id="unknown last"),
        pytest.param(["8.8.8.8, unknown, 10.0.0.5"], [], id="unknown before a trusted proxy"),
        pytest.param(["8.8.8.8"] * (MAX_HOPS + 1), [], id="too many hops"),
        pytest.param([], ["for=8.8.8.8," * (MAX_HOPS + 1)], id="too many elements"),
        pytest.param(["8.8.8.8"], ["for=unknown"], id="one header of two"),
        pytest.param([], ["for=_hidden"], id="obfuscated"),
        pytest.param([], ["proto=https"], id="an element that names nobody"),
        pytest.param([], ["for=8.8.8.8, proto=https"], id="the last element names nobody"),
        pytest.param([], ["for=8.8.8.8;for=9.9.9.9"], id="for twice"),
        pytest.param([], ["for=8.8.8.8;For=8.8.8.8"], id="for twice, in two cases"),
        pytest.param([], ["for=8.8.8.8 by=1.1.1.1"], id="no separator"),
        pytest.param([], ['for="8.8.8.8"for=9.9.9.9'], id="no separator after a quoted string"),
        pytest.param([], ['for="8.8.8.8'], id="quote not closed"),
        pytest.param([], ['for=", for=8.8.8.8'], id="quote opened before the proxy's element"),
        pytest.param([], ["for"], id="no value"),
        pytest.param([], ["for="], id="empty value"),
        pytest.param([], ['for=""'], id="empty quoted value"),
        pytest.param([], ["for = 8.8.8.8"], id="blanks around the equals sign"),
        pytest.param([], ["8.8.8.8"], id="an address alone"),
        pytest.param([], [" " * 16_000 + "!"], id="blanks and no pair"),
    ],
)
def test_a_client_that_nobody_names_is_refused(
    forwarded_for: list[str], forwarded: list[str]
) -> None:
    with pytest.raises(AddressError) as refused:
        clients_of(PROXY, forwarded_for, forwarded, TRUSTED)
    assert refused.value.reason == "ip_unreadable"


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        pytest.param("8.8.8.8", TRUSTED, id="a stranger"),
        pytest.param("::ffff:8.8.8.8", TRUSTED, id="a mapped stranger"),
        pytest.param("fe80::1%eth0", TRUSTED, id="a neighbour"),
        pytest.param("192.168.0.9", TRUSTED, id="a private address that is not listed"),
        pytest.param(PROXY, (), id="this machine, while no proxy is trusted"),
    ],
)
@pytest.mark.parametrize("header", [FOR, FORWARDED])
def test_a_peer_that_is_no_trusted_proxy_cannot_name_a_client(
    peer: str, trusted: Sequence[Network], header: str
) -> None:
    forwarded_for = [PROXY, "unknown"] if header == FOR else []
    forwarded = [f"for={PROXY}", '"'] if header == FORWARDED else []

    assert clients_of(peer, forwarded_for, forwarded, trusted) == (peer,)


def test_a_mapped_peer_is_the_trusted_proxy_it_is() -> None:
    assert clients_of("::ffff:127.0.0.1", ["8.8.8.8"], [], TRUSTED) == ("8.8.8.8",)


@pytest.mark.parametrize("peer", ["", "unix:", "/run/proxy.sock"])
def test_a_peer_without_an_address_is_refused(peer: str) -> None:
    with pytest.raises(AddressError) as refused:
        clients_of(peer, ["127.0.0.1"], [], TRUSTED)
    assert refused.value.reason == "ip_unreadable"


HEADERS = st.lists(
    st.text(max_size=60) | st.text(alphabet='for=by;, "\\[]:.0123456789', max_size=60), max_size=4
)


@given(HEADERS, HEADERS)
def test_no_header_gives_anything_but_addresses_or_the_refusal(
    forwarded_for: list[str], forwarded: list[str]
) -> None:
    try:
        clients = clients_of(PROXY, forwarded_for, forwarded, TRUSTED)
    except AddressError:
        return
    assert clients
    assert all(str(parse_address(client)) == client for client in clients)


@given(HEADERS, st.sampled_from([FOR, FORWARDED]))
def test_what_a_client_writes_never_moves_the_address_that_its_proxy_saw(
    lines: list[str], header: str
) -> None:
    forwarded_for = [*lines, "8.8.8.8"] if header == FOR else []
    forwarded = [*lines, "for=8.8.8.8"] if header == FORWARDED else []

    try:
        clients = clients_of(PROXY, forwarded_for, forwarded, TRUSTED)
    except AddressError:
        return
    assert clients == ("8.8.8.8",)


@given(st.text(alphabet='for=by;, "\\[]:.0123456789', max_size=60))
def test_a_forwarded_line_that_a_proxy_adds_to_ends_with_what_it_saw(line: str) -> None:
    try:
        clients = clients_of(PROXY, [], [f"{line}, for=8.8.8.8;proto=https"], TRUSTED)
    except AddressError:
        return
    assert clients == ("8.8.8.8",)


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        ("10.1.2.3", ""),
        ("::ffff:10.1.2.3", ""),
        ("2001:db8::7", ""),
        ("11.0.0.1", "ip_not_allowed"),
        ("::1", "ip_not_allowed"),
        ("", "ip_unreadable"),
        ("unknown", "ip_unreadable"),
    ],
)
def test_the_filter_gives_the_same_verdict_every_time(client: str, reason: str) -> None:
    address_filter = AddressFilter(networks("10.0.0.0/8", "2001:db8::/32"))

    verdicts = []
    for _ in range(3):
        try:
            address_filter.check(client)
            verdicts.append("")
        except AddressError as error:
            verdicts.append(error.reason)

    assert verdicts == [reason] * 3


def test_an_empty_list_lets_nobody_pass() -> None:
    with pytest.raises(AddressError) as refused:
        AddressFilter(()).check("127.0.0.1")
    assert refused.value.reason == "ip_not_allowed"


def test_more_clients_than_are_remembered_change_no_verdict() -> None:
    address_filter = AddressFilter(networks("10.0.0.0/16"))

    for number in range(2 * MAX_REMEMBERED):
        address_filter.check(f"10.0.{number // 256}.{number % 256}")

    assert len(address_filter._remembered) <= MAX_REMEMBERED
    with pytest.raises(AddressError) as refused:
        address_filter.check("10.1.0.0")
    assert refused.value.reason == "ip_not_allowed"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        pytest.param("10.0.0.1", "10.0.0.1", id="IPv4"),
        pytest.param("10.0.0.1:5080", "10.0.0.1", id="IPv4 with port"),
        pytest.param("::ffff:10.0.0.1", "10.0.0.1", id="IPv4-mapped"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="IPv6"),
        pytest.param("[2001:db8:1:2::1]:5080", "2001:db8:1:2::/64", id="IPv6 with port"),
        pytest.param("fe80::1%eth0", "fe80::/64", id="IPv6 with zone"),
        pytest.param("no:address", "no:address", id="no address"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_client_is_counted_by_its_address_or_by_its_network(text: str, source: str) -> None:
    assert source_of(text) == source
