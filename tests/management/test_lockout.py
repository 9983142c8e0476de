"""Who has failed to log in so often that no further password is tried for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from antmediad.management.lockout import ADDRESS, BLOCK_S, EMAIL, PAIR, Lockout
from antmediad.store import attempts as attempts_module
from antmediad.store.accounts import User
from antmediad.store.attempts import KNOWN_FOR_S, MAX_KNOWN_ADDRESSES
from antmediad.store.management import ManagementStore
from tests.together import run, run_processes

NOW = 1_700_000_000.0
ANN = "ann@example.com"
HERE = "192.0.2.1"
THERE = "198.51.100.1"

ATTEMPTS = """
import asyncio, sys
from pathlib import Path
from antmediad.management.lockout import Lockout
from antmediad.store.management import ManagementStore

async def main():
    store = ManagementStore(Path(sys.argv[1]))
    lockout = Lockout(store.attempts)
    print("ready", flush=True)
    sys.stdin.readline()
    blocked = await asyncio.gather(
        *(lockout.admit("ann@example.com", "192.0.2.1", 1.7e9) for _ in range(10))
    )
    print(blocked.count(0.0))
    await store.close()

asyncio.run(main())
"""


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ManagementStore]:
    opened = ManagementStore(tmp_path / "management.db" if request.param == "file" else None)
    asyncio.run(opened.accounts.add_user(User(email=ANN), "hash"))
    yield opened
    asyncio.run(opened.close())


@pytest.fixture
def lockout(store: ManagementStore) -> Lockout:
    return Lockout(store.attempts)


def fail(
    lockout: Lockout, times: int = 1, email: str = ANN, address: str = HERE, now: float = NOW
) -> list[float]:
    """Try and fail; return what the attempts were told."""

    async def one_after_the_other() -> list[float]:
        return [await lockout.admit(email, address, now) for _ in range(times)]

    return asyncio.run(one_after_the_other())


def succeed(lockout: Lockout, address: str = HERE, now: float = NOW) -> float:
    async def succeed() -> float:
        blocked_s = await lockout.admit(ANN, address, now)
        if not blocked_s:
            await lockout.succeeded(ANN, address, now)
        return blocked_s

    return asyncio.run(succeed())


# A pair


def test_three_failures_in_a_row_block_a_pair_for_five_minutes(lockout: Lockout) -> None:
    assert lockout.blocked_for_s(ANN, HERE, NOW) == 0

    assert fail(lockout, 3) == [0, 0, 0]

    assert lockout.blocked_for_s(ANN, HERE, NOW + 1) == BLOCK_S - 1
    assert fail(lockout, now=NOW + 1) == [BLOCK_S - 1]
    assert lockout.blocked_for_s("ANN@example.com", HERE, NOW + 1) == BLOCK_S - 1


@pytest.mark.parametrize(
    ("email", "address"),
    [("bob@example.com", HERE), (ANN, THERE), ("nn@example.com", f"{HERE}a")],
    ids=["e-mail", "address", "both"],
)
def test_a_blocked_pair_blocks_no_other(lockout: Lockout, email: str, address: str) -> None:
    fail(lockout, 3)

    assert lockout.blocked_for_s(email, address, NOW) == 0


def test_attempts_while_blocked_do_not_prolong_the_block(lockout: Lockout) -> None:
    fail(lockout, 3)
    fail(lockout, 50, now=NOW + 299)

    assert lockout.blocked_for_s(ANN, HERE, NOW + 300) == 0


def test_after_a_block_counting_begins_at_zero(lockout: Lockout) -> None:
    fail(lockout, 3)

    assert fail(lockout, 2, now=NOW + 300) == [0, 0]
    assert lockout.blocked_for_s(ANN, HERE, NOW + 301) == 0
    assert fail(lockout, now=NOW + 301) == [0]
    assert lockout.blocked_for_s(ANN, HERE, NOW + 301) == BLOCK_S


def test_failures_in_a_row_count_however_far_apart(lockout: Lockout) -> None:
    for day in range(3):
        fail(lockout, now=NOW + day * 86_400)

    assert lockout.blocked_for_s(ANN, HERE, NOW + 2 * 86_400) == BLOCK_S


def test_a_success_clears_the_failures_of_its_pair(lockout: Lockout) -> None:
    fail(lockout, 2)
    fail(lockout, 2, address=THERE)

    assert succeed(lockout) == 0

    fail(lockout, 2)
    assert lockout.blocked_for_s(ANN, HERE, NOW) == 0
    fail(lockout, 1, address=THERE)
    assert lockout.blocked_for_s(ANN, THERE, NOW) == BLOCK_S


def test_the_right_password_is_not_tried_while_blocked(lockout: Lockout) -> None:
    fail(lockout, 3)

    assert succeed(lockout, now=NOW + 1) == BLOCK_S - 1
    assert succeed(lockout, now=NOW + 300) == 0


def test_an_attempt_that_was_not_tried_does_not_count(lockout: Lockout) -> None:
    fail(lockout, 2)
    fail(lockout, now=NOW + 1)

    asyncio.run(lockout.withdrawn(ANN, HERE, NOW + 1))

    assert lockout.blocked_for_s(ANN, HERE, NOW + 1) == 0
    fail(lockout, now=NOW + 2)
    assert lockout.blocked_for_s(ANN, HERE, NOW + 2) == BLOCK_S


def test_a_failure_that_was_no_attempt_counts_as_one(lockout: Lockout) -> None:
    fail(lockout, 2)

    asyncio.run(lockout.failed(ANN, HERE, NOW))

    assert lockout.blocked_for_s(ANN, HERE, NOW) == BLOCK_S


def test_attempts_at_once_get_no_more_tries(lockout: Lockout) -> None:
    blocked = run(*(lockout.admit(ANN, HERE, NOW) for _ in range(50)))

    assert blocked.count(0) == PAIR.failures


def test_attempts_of_several_processes_get_no_more_tries(tmp_path: Path) -> None:
    tried = run_processes(ATTEMPTS, *[[str(tmp_path / "management.db")]] * 3)

    assert sum(map(int, tried)) == PAIR.failures


def test_a_block_outlives_the_process(tmp_path: Path) -> None:
    store = ManagementStore(tmp_path / "management.db")
    fail(Lockout(store.attempts), 3)
    asyncio.run(store.close())

    store = ManagementStore(tmp_path / "management.db")

    assert Lockout(store.attempts).blocked_for_s(ANN, HERE, NOW) == BLOCK_S
    asyncio.run(store.close())


def test_a_clock_that_was_set_back_makes_no_block_longer(lockout: Lockout) -> None:
    fail(lockout, 3)

    assert lockout.blocked_for_s(ANN, HERE, NOW - 1e9) == BLOCK_S


# An address


def test_twenty_failures_block_an_address_whatever_the_e_mails(lockout: Lockout) -> None:
    for number in range(ADDRESS.failures - 1):
        fail(lockout, email=f"user{number}@example.com", now=NOW + number)
    assert lockout.blocked_for_s("new@example.com", HERE, NOW + 19) == 0

    fail(lockout, email="last@example.com", now=NOW + 19)

    assert lockout.blocked_for_s("new@example.com", HERE, NOW + 20) == BLOCK_S - 1
    assert lockout.blocked_for_s("new@example.com", THERE, NOW + 20) == 0


def test_failures_that_are_long_ago_do_not_count_against_an_address(lockout: Lockout) -> None:
    step = ADDRESS.within_s / (ADDRESS.failures - 1)

    told = [
        fail(lockout, email=f"user{number}@example.com", now=NOW + number * step)[0]
        for number in range(3 * ADDRESS.failures)
    ]

    assert set(told) == {0}


def test_an_account_of_ones_own_does_not_clear_the_address(lockout: Lockout) -> None:
    for number in range(ADDRESS.failures - 1):
        fail(lockout, email=f"user{number}@example.com")
        succeed(lockout)

    fail(lockout, email="last@example.com")

    assert lockout.blocked_for_s(ANN, HERE, NOW) == BLOCK_S


def test_successes_do_not_count_against_an_address(lockout: Lockout) -> None:
    told = [succeed(lockout) for _ in range(2 * ADDRESS.failures)]

    assert set(told) == {0}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("2001:db8::1", "2001:db8::ffff:0:0:2", True, id="a /64"),
        pytest.param("2001:db8::1", "2001:DB8:0::1", True, id="spelling"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", False, id="another /64"),
        pytest.param("192.0.2.1", "::ffff:192.0.2.1", True, id="IPv4 in IPv6"),
        pytest.param("192.0.2.1", "192.0.2.2", False, id="IPv4"),
        pytest.param("unix", "unix", True, id="no address"),
        pytest.param("\ud800", "\udfff", False, id="nothing of the kind"),
    ],
)
def test_addresses_of_one_customer_are_one(
    lockout: Lockout, one: str, other: str, same: bool
) -> None:
    fail(lockout, 3, address=one)

    assert (lockout.blocked_for_s(ANN, other, NOW) > 0) is same


# An e-mail


def spread(lockout: Lockout, failures: int, now: float = NOW) -> list[float]:
    """Fail for ANN, from other addresses each time."""
    return [
        fail(lockout, address=f"10.{int(now) % 200}.0.{number}", now=now)[0]
        for number in range(failures)
    ]


def test_thirty_failures_block_an_e_mail_for_strangers(lockout: Lockout) -> None:
    assert set(spread(lockout, EMAIL.failures)) == {0}

    assert lockout.blocked_for_s(ANN, THERE, NOW) == BLOCK_S
    assert lockout.blocked_for_s("bob@example.com", THERE, NOW) == 0
    assert lockout.blocked_for_s(ANN, THERE, NOW + BLOCK_S) == 0


def test_a_user_is_not_locked_out_by_strangers(lockout: Lockout) -> None:
    succeed(lockout, "2001:db8::1", NOW + 1 - KNOWN_FOR_S)
    spread(lockout, EMAIL.failures)

    assert lockout.blocked_for_s(ANN, "2001:db8::2", NOW) == 0
    assert succeed(lockout, "2001:db8::2", NOW + 1) == 0
    assert lockout.blocked_for_s(ANN, THERE, NOW + 1) == BLOCK_S - 1


def test_a_known_address_has_three_tries_like_any_other(lockout: Lockout) -> None:
    succeed(lockout)
    spread(lockout, EMAIL.failures)

    assert fail(lockout, 4) == [0, 0, 0, BLOCK_S]
    assert lockout.blocked_for_s(ANN, THERE, NOW + BLOCK_S) == 0


def test_an_address_is_known_for_thirty_days(lockout: Lockout) -> None:
    succeed(lockout, HERE, NOW - KNOWN_FOR_S - 1)
    spread(lockout, EMAIL.failures)

    assert lockout.blocked_for_s(ANN, HERE, NOW) == BLOCK_S


def test_known_addresses_go_with_their_user(lockout: Lockout, store: ManagementStore) -> None:
    succeed(lockout)
    asyncio.run(store.accounts.remove_user(ANN))
    asyncio.run(store.accounts.add_user(User(email=ANN), "hash"))
    spread(lockout, EMAIL.failures)

    assert lockout.blocked_for_s(ANN, HERE, NOW) == BLOCK_S


def test_a_user_has_few_known_addresses_and_the_newest(store: ManagementStore) -> None:
    for number in range(MAX_KNOWN_ADDRESSES + 1):
        asyncio.run(store.attempts.remember_address(ANN, f"10.0.0.{number}", NOW + number))
    asyncio.run(store.attempts.remember_address("nobody@example.com", HERE, NOW))

    rows = store._database.read("SELECT user, address FROM known_address")
    assert len(rows) == MAX_KNOWN_ADDRESSES
    assert (ANN, "10.0.0.0") not in rows
    assert (ANN, "10.0.0.1") in rows


# Room


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> int:
    """Room for ten subjects, of which an attempt has three."""
    monkeypatch.setattr(attempts_module, "MAX_SUBJECTS", 10)
    return 10


def rows(store: ManagementStore) -> int:
    ((number,),) = store._database.read("SELECT count(*) FROM attempt")
    return int(number)


def test_a_flood_of_invented_names_unblocks_nobody(
    lockout: Lockout, store: ManagementStore, little_room: int
) -> None:
    fail(lockout, 3)

    for number in range(100):
        fail(lockout, email=f"user{number}@x", address=f"10.0.0.{number}", now=NOW + 1 + number)
        assert rows(store) <= little_room

    assert lockout.blocked_for_s(ANN, HERE, NOW + 102) == BLOCK_S - 102


def test_the_oldest_failures_make_room(
    lockout: Lockout, store: ManagementStore, little_room: int
) -> None:
    fail(lockout, 2)
    for number in range(4):
        fail(lockout, 2, f"user{number}@x", f"10.0.0.{number}", NOW + 1 + number)

    fail(lockout, now=NOW + 5)
    fail(lockout, email="user3@x", address="10.0.0.3", now=NOW + 5)

    assert rows(store) == little_room
    assert lockout.blocked_for_s(ANN, HERE, NOW + 5) == 0
    assert lockout.blocked_for_s("user3@x", "10.0.0.3", NOW + 5) == BLOCK_S


def test_when_too_many_are_blocked_strangers_wait_and_users_do_not(
    lockout: Lockout, store: ManagementStore, little_room: int
) -> None:
    succeed(lockout)
    told = [
        fail(lockout, 3, f"user{number}@x", f"10.0.0.{number}", NOW + number)
        for number in range(little_room)
    ]

    assert told == [[0, 0, 0]] * 5 + [[BLOCK_S] * 3] * 5
    assert fail(lockout, address=THERE, now=NOW + 10) == [BLOCK_S]
    assert fail(lockout, 4, now=NOW + 10) == [0, 0, 0, BLOCK_S]
    assert rows(store) <= little_room
    assert fail(lockout, address=THERE, now=NOW + 10 + BLOCK_S) == [0]


def test_a_name_takes_no_room_of_its_length(lockout: Lockout, store: ManagementStore) -> None:
    fail(lockout, email="my password, typed into the wrong field" * 1000)

    subjects = store._database.read("SELECT subject FROM attempt")
    assert {len(subject) for (subject,) in subjects} == {32}
