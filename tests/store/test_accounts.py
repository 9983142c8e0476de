"""Users and login sessions."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from antmediad.errors import LastAdministratorError, RecordExistsError, StoreError
from antmediad.store.accounts import (
    MAX_EMAIL_CHARS,
    MAX_SESSIONS,
    SESSION_IDLE_S,
    SESSION_LONGEST_S,
    Accounts,
    Session,
    User,
)
from antmediad.store.management import ManagementStore
from tests.together import run_processes

NOW = 1_700_000_000.0
ANN = User(
    email="Ann@example.com",
    user_type="ADMIN",
    scope="system",
    app_types={"system": "ADMIN"},
    first_name="Ann",
    last_name="",
    full_name=None,
    picture="https://pictures.example/ann",
    created_at=NOW,
)
BOB = User(email="bob@example.com", app_types={"live": "USER"}, created_at=NOW + 1)
HERE = "192.0.2.1"

# Waits for a line on its input, so that several can start at once.
FIRST = """
import asyncio, sys
from pathlib import Path
from antmediad.store.accounts import User
from antmediad.store.management import ManagementStore

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    store = ManagementStore(Path(sys.argv[1]))
    print(await store.accounts.add_first_user(User(email=sys.argv[2]), "hash"))
    await store.close()

asyncio.run(main())
"""


@pytest.fixture(params=["file", "memory"])
def accounts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Accounts]:
    store = ManagementStore(tmp_path / "management.db" if request.param == "file" else None)
    yield store.accounts
    asyncio.run(store.close())


def add(accounts: Accounts, user: User, password_hash: str = "hash") -> None:
    asyncio.run(accounts.add_user(user, password_hash))


def start(
    accounts: Accounts, digest: bytes, email: str = ANN.email, now: float = NOW, address: str = HERE
) -> bool:
    return asyncio.run(accounts.start_session(digest, email, address, now))


# Users


def test_there_is_nobody_at_first(accounts: Accounts) -> None:
    assert not accounts.has_users()
    assert accounts.users() == []
    assert accounts.find_user(ANN.email) is None
    assert accounts.password_hash(ANN.email) is None


def test_a_user_is_found_as_added_in_any_case(accounts: Accounts) -> None:
    add(accounts, BOB)
    add(accounts, ANN, "$argon2id$ann")

    assert accounts.has_users()
    assert accounts.users() == [ANN, BOB]
    assert accounts.find_user("aNN@EXAMPLE.com") == ANN
    assert accounts.password_hash("ann@example.com") == "$argon2id$ann"
    assert accounts.find_user("ann@example.co") is None


def test_no_two_e_mails_differ_in_case_only(accounts: Accounts) -> None:
    add(accounts, ANN, "first")

    with pytest.raises(RecordExistsError):
        add(accounts, dataclasses.replace(BOB, email="ann@EXAMPLE.com"))

    assert accounts.users() == [ANN]
    assert accounts.password_hash(ANN.email) == "first"


@pytest.mark.parametrize(
    "email",
    [
        pytest.param("", id="empty"),
        pytest.param(" a@b", id="a blank before"),
        pytest.param("a@b\n", id="a line break"),
        pytest.param("a\0@b", id="a null"),
        pytest.param("a\N{RIGHT-TO-LEFT OVERRIDE}@b", id="turns the text around"),
        pytest.param("\ud800@b", id="half a character"),
        pytest.param("a" * (MAX_EMAIL_CHARS + 1), id="too long"),
    ],
)
def test_an_e_mail_that_cannot_name_a_user_is_refused_and_finds_nobody(
    accounts: Accounts, email: str
) -> None:
    for adding in (accounts.add_user, accounts.add_first_user):
        with pytest.raises(StoreError, match="e-mail: expected"):
            asyncio.run(adding(User(email=email), "hash"))

    assert accounts.find_user(email) is None
    assert not accounts.has_users()


def test_only_the_first_user_is_the_first(accounts: Accounts) -> None:
    assert asyncio.run(accounts.add_first_user(ANN, "ann"))
    assert not asyncio.run(accounts.add_first_user(BOB, "bob"))
    assert not asyncio.run(accounts.add_first_user(ANN, "other"))

    assert accounts.users() == [ANN]
    assert accounts.password_hash(ANN.email) == "ann"


def test_of_processes_that_claim_the_first_user_at_once_one_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "data" / "management.db"
    emails = [f"user{number}@example.com" for number in range(4)]

    said = run_processes(FIRST, *([str(path), email] for email in emails))

    assert sorted(said) == ["False\n"] * 3 + ["True\n"]
    store = ManagementStore(path)
    assert [user.email for user in store.accounts.users()] == [emails[said.index("True\n")]]
    asyncio.run(store.close())


def test_replacing_a_user_keeps_password_and_age(accounts: Accounts) -> None:
    add(accounts, ANN, "ann")
    new = User(email="ann@example.com", app_types={"live": "READ_ONLY"}, created_at=1.0)

    assert asyncio.run(accounts.replace_user(new))
    assert not asyncio.run(accounts.replace_user(BOB))

    assert accounts.users() == [dataclasses.replace(new, created_at=NOW)]
    assert accounts.password_hash(ANN.email) == "ann"


def test_text_that_utf_8_cannot_hold_is_kept_in_another_form(accounts: Accounts) -> None:
    odd = dataclasses.replace(ANN, first_name="\ud800", app_types={"\udfff": "\ud800"})

    add(accounts, odd)

    found = accounts.find_user(ANN.email)
    assert found == dataclasses.replace(odd, first_name="\\ud800")


def test_a_rehash_never_undoes_a_change_of_password(accounts: Accounts) -> None:
    add(accounts, ANN, "old")
    start(accounts, b"1")

    assert asyncio.run(accounts.rehash_password("ANN@example.com", "old", "old, stronger"))
    assert not asyncio.run(accounts.rehash_password(ANN.email, "old", "too late"))

    assert accounts.password_hash(ANN.email) == "old, stronger"
    assert accounts.find_session(b"1", NOW)


def test_a_removed_user_is_gone_with_all_sessions(accounts: Accounts) -> None:
    add(accounts, ANN)
    start(accounts, b"1")

    assert asyncio.run(accounts.remove_user("ANN@example.com"))
    assert not asyncio.run(accounts.remove_user(ANN.email))

    add(accounts, ANN)
    assert accounts.find_session(b"1", NOW) is None


def test_of_two_users_who_remove_each_other_one_stays(accounts: Accounts) -> None:
    add(accounts, ANN)
    add(accounts, BOB)

    def check(users: Sequence[User]) -> None:
        if len(users) == 1:
            raise LastAdministratorError

    async def remove_both() -> list[bool | BaseException]:
        removals = (accounts.remove_user(one.email, check) for one in (ANN, BOB))
        return await asyncio.gather(*removals, return_exceptions=True)

    removed = asyncio.run(remove_both())

    assert removed[0] is True
    assert isinstance(removed[1], LastAdministratorError)
    assert [one.email for one in accounts.users()] == [BOB.email]


def test_a_user_carries_no_password() -> None:
    assert "password" not in {field.name for field in dataclasses.fields(User)}


# Sessions


def test_a_session_is_found_by_its_digest(accounts: Accounts) -> None:
    add(accounts, ANN)

    assert start(accounts, b"1", "ann@EXAMPLE.com")

    assert accounts.find_session(b"1", NOW) == Session(ANN.email, NOW, NOW, HERE)
    assert accounts.find_session(b"2", NOW) is None


def test_nobody_has_no_session(accounts: Accounts) -> None:
    assert not start(accounts, b"1")

    assert accounts.find_session(b"1", NOW) is None


def test_a_password_that_was_changed_since_it_was_verified_starts_no_session(
    accounts: Accounts,
) -> None:
    add(accounts, ANN, "old")
    asyncio.run(accounts.set_password(ANN.email, "new"))

    assert not asyncio.run(accounts.start_session(b"1", ANN.email, HERE, NOW, "old"))
    assert asyncio.run(accounts.start_session(b"2", ANN.email, HERE, NOW, "new"))


def test_a_session_ends_when_it_is_idle(accounts: Accounts) -> None:
    add(accounts, ANN)
    start(accounts, b"1")
    asyncio.run(accounts.touch_session(b"1", NOW + 1000))

    assert accounts.find_session(b"1", NOW + 1000 + SESSION_IDLE_S)
    assert accounts.find_session(b"1", NOW + 1000 + SESSION_IDLE_S + 1) is None


def test_a_session_that_is_over_is_not_brought_back(accounts: Accounts) -> None:
    add(accounts, ANN)
    start(accounts, b"1")

    asyncio.run(accounts.touch_session(b"1", NOW + SESSION_IDLE_S + 1))

    assert accounts.find_session(b"1", NOW + SESSION_IDLE_S + 1) is None


def test_a_session_ends_however_busy_it_is(accounts: Accounts) -> None:
    add(accounts, ANN)
    start(accounts, b"1")
    end = NOW + SESSION_LONGEST_S
    for after in range(0, int(SESSION_LONGEST_S), int(SESSION_IDLE_S)):
        asyncio.run(accounts.touch_session(b"1", NOW + after))

    asyncio.run(accounts.touch_session(b"1", end))

    assert accounts.find_session(b"1", end)
    assert accounts.find_session(b"1", end + 1) is None


def test_the_clock_of_another_process_takes_no_time_back(accounts: Accounts) -> None:
    add(accounts, ANN)
    start(accounts, b"1")

    asyncio.run(accounts.touch_session(b"1", NOW - 60))

    session = accounts.find_session(b"1", NOW - 60)
    assert session is not None
    assert session.seen_at == NOW


ENDINGS: list[tuple[Callable[[Accounts], object], set[bytes]]] = [
    (lambda accounts: asyncio.run(accounts.end_session(b"1")), {b"2", b"3", b"bob"}),
    (lambda accounts: asyncio.run(accounts.set_password("ANN@example.com", "new")), {b"bob"}),
    (lambda accounts: asyncio.run(accounts.set_password(ANN.email, "new", b"3")), {b"3", b"bob"}),
]


@pytest.mark.parametrize(
    ("end", "left"),
    ENDINGS,
    ids=["one", "other password", "other password, but one"],
)
def test_sessions_end(
    accounts: Accounts, end: Callable[[Accounts], object], left: set[bytes]
) -> None:
    add(accounts, ANN)
    add(accounts, BOB)
    for digest in (b"1", b"2", b"3"):
        start(accounts, digest)
    start(accounts, b"bob", BOB.email)

    end(accounts)

    found = {one for one in (b"1", b"2", b"3", b"bob") if accounts.find_session(one, NOW)}
    assert found == left


def test_nobody_gets_no_password(accounts: Accounts) -> None:
    assert not asyncio.run(accounts.set_password(ANN.email, "new"))
    assert not accounts.has_users()


def test_the_oldest_sessions_of_a_user_make_room(accounts: Accounts) -> None:
    add(accounts, ANN)
    add(accounts, BOB)
    start(accounts, b"bob", BOB.email, NOW - 1)

    for number in range(MAX_SESSIONS + 2):
        start(accounts, bytes([number]), now=NOW + number)

    now = NOW + MAX_SESSIONS + 2
    found = [number for number in range(150) if accounts.find_session(bytes([number]), now)]
    assert found == list(range(2, MAX_SESSIONS + 2))
    assert accounts.find_session(b"bob", now)


def test_sessions_that_are_over_take_no_room(tmp_path: Path) -> None:
    store = ManagementStore(tmp_path / "management.db")
    add(store.accounts, ANN)
    start(store.accounts, b"1")
    start(store.accounts, b"2", now=NOW + SESSION_IDLE_S + 1)

    assert store._database.read("SELECT digest FROM session") == [(b"2",)]
    asyncio.run(store.close())


# The file


def test_users_and_sessions_outlive_the_process_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "data" / "management.db"
    umask = os.umask(0)
    try:
        store = ManagementStore(path)
    finally:
        os.umask(umask)
    add(store.accounts, ANN)
    start(store.accounts, b"1")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}
    asyncio.run(store.close())

    reopened = ManagementStore(path)

    assert reopened.accounts.users() == [ANN]
    assert reopened.accounts.find_session(b"1", NOW)
    asyncio.run(reopened.close())


def test_what_one_process_does_the_others_see(tmp_path: Path) -> None:
    one, other = (ManagementStore(tmp_path / "management.db") for _ in range(2))
    add(one.accounts, ANN)
    start(one.accounts, b"1")

    assert other.accounts.find_session(b"1", NOW)
    asyncio.run(other.accounts.end_session(b"1"))

    assert one.accounts.find_session(b"1", NOW) is None
    for store in (one, other):
        asyncio.run(store.close())
