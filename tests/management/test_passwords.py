"""Passwords: their wire form, their hashes, and how many are checked at a time."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from typing import Any

import argon2
import pytest

from antmediad.errors import AntmediadError, RequestError, StoreError
from antmediad.management import passwords as passwords_module
from antmediad.management.passwords import (
    MAX_AT_ONCE,
    MAX_CHARS,
    MAX_WAITING,
    Passwords,
    hash_password,
    hash_plain_password,
    needs_rehash,
    verify_password,
)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


PLAIN = "correct horse 馬"
SENT = md5(PLAIN)
LIKE_MD5 = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def hashes() -> dict[str, str]:
    return {
        "sent as md5": hash_password(SENT),
        "sent plain": hash_password(PLAIN),
        "set by the command": hash_plain_password(PLAIN),
        "like md5, set by the command": hash_plain_password(LIKE_MD5),
        "upper case": hash_password(SENT.upper()),
    }


@pytest.mark.parametrize(
    ("stored", "received", "expected"),
    [
        pytest.param("sent as md5", SENT, True, id="md5 of md5"),
        pytest.param("sent as md5", PLAIN, True, id="plain of md5"),
        pytest.param("sent plain", SENT, True, id="md5 of plain"),
        pytest.param("sent plain", PLAIN, True, id="plain of plain"),
        pytest.param("set by the command", SENT, True, id="md5 of the command's"),
        pytest.param("set by the command", PLAIN, True, id="plain of the command's"),
        pytest.param("set by the command", md5(SENT), False, id="md5 of md5, twice"),
        pytest.param("set by the command", SENT.upper(), False, id="in upper case"),
        pytest.param("set by the command", f"{SENT}\n", False, id="with a line break"),
        pytest.param("set by the command", "", False, id="nothing"),
        pytest.param("set by the command", PLAIN[:-1], False, id="one character less"),
        pytest.param("like md5, set by the command", LIKE_MD5, True, id="looks like md5"),
        pytest.param("like md5, set by the command", md5(LIKE_MD5), True, id="its md5"),
        pytest.param("upper case", SENT.upper(), True, id="upper case is a plain password"),
        pytest.param("upper case", SENT, False, id="and not its lower case"),
    ],
)
def test_a_password_is_taken_plain_and_as_its_md5(
    hashes: dict[str, str], stored: str, received: str, expected: bool
) -> None:
    assert verify_password(hashes[stored], received) is expected


def test_what_is_stored_is_never_a_password(hashes: dict[str, str]) -> None:
    stored = hashes["sent as md5"]

    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert SENT not in stored
    assert not verify_password(stored, stored)
    assert not verify_password(stored, md5(stored))


def test_two_hashes_of_a_password_differ(hashes: dict[str, str]) -> None:
    assert hashes["sent as md5"] != hashes["sent plain"]


def test_only_a_hash_of_other_strength_is_made_again(hashes: dict[str, str]) -> None:
    weaker = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(SENT)

    assert not needs_rehash(hashes["sent as md5"])
    assert needs_rehash(weaker)
    assert needs_rehash("damaged")
    assert verify_password(weaker, PLAIN)


@pytest.mark.parametrize(
    ("received", "message"),
    [
        pytest.param("", "at least one character", id="empty"),
        pytest.param(md5(""), "at least one character", id="md5 of nothing"),
        pytest.param("x" * (MAX_CHARS + 1), "at most 1024 characters", id="too long"),
        pytest.param("secret\ud800", "text that UTF-8 can hold", id="half a character"),
    ],
)
def test_what_cannot_be_a_password_is_refused(received: str, message: str) -> None:
    with pytest.raises(RequestError, match=message) as raised:
        hash_password(received)

    assert raised.value.status == 400
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("received", ["x" * (MAX_CHARS + 1), "\ud800"], ids=["long", "half"])
def test_what_cannot_be_a_password_is_not_tried(received: str, hashes: dict[str, str]) -> None:
    with pytest.raises(RequestError):
        verify_password(hashes["sent plain"], received)
    with pytest.raises(RequestError):
        verify_password(None, received)


def test_the_longest_password_is_taken() -> None:
    assert verify_password(hash_password("x" * MAX_CHARS), "x" * MAX_CHARS)


def test_a_damaged_hash_is_an_error_and_no_wrong_password() -> None:
    with pytest.raises(StoreError, match="on record"):
        verify_password("$argon2id$damaged", PLAIN)


class Costs:
    """What is verified with: counts, and does as the real one."""

    def __init__(self) -> None:
        self.verified: list[argon2.Parameters] = []

    def verify(self, password_hash: str, password: str) -> bool:
        self.verified.append(argon2.extract_parameters(password_hash))
        return argon2.PasswordHasher().verify(password_hash, password)


@pytest.mark.parametrize("received", [PLAIN + "x", LIKE_MD5], ids=["plain", "md5"])
def test_nobody_costs_as_much_as_a_wrong_password(
    monkeypatch: pytest.MonkeyPatch, hashes: dict[str, str], received: str
) -> None:
    costs = Costs()
    monkeypatch.setattr(passwords_module, "_HASHER", costs)

    assert not verify_password(hashes["sent plain"], received)
    of_somebody = costs.verified.copy()
    costs.verified.clear()
    assert not verify_password(None, received)

    assert costs.verified == of_somebody


class Gate:
    """Work that ends when it is let."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self, *_: Any) -> bool:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.open.wait(30)
        with self._lock:
            self.running -= 1
        return True


def test_few_passwords_are_checked_at_a_time_and_few_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate()
    monkeypatch.setattr(passwords_module, "verify_password", gate)

    async def flood() -> tuple[list[bool | BaseException], RequestError]:
        passwords = Passwords()
        room = MAX_AT_ONCE + MAX_WAITING
        asked = [asyncio.ensure_future(passwords.verify("hash", PLAIN)) for _ in range(room)]
        await asyncio.sleep(0)
        with pytest.raises(RequestError) as raised:
            await passwords.verify("hash", PLAIN)
        asked.pop().cancel()
        await asyncio.sleep(0)
        asked.append(asyncio.ensure_future(passwords.verify("hash", PLAIN)))
        gate.open.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        passwords.close()
        return answers, raised.value

    answers, refused = asyncio.run(flood())

    assert answers == [True] * (MAX_AT_ONCE + MAX_WAITING)
    assert gate.most == MAX_AT_ONCE
    assert refused.status == 503
    assert refused.headers == (("Retry-After", "5"),)


def test_passwords_are_hashed_and_verified_beside_the_loop() -> None:
    async def work() -> list[bool]:
        passwords = Passwords()
        hashed = await passwords.hash(PLAIN)
        answers = [
            await passwords.verify(hashed, SENT),
            await passwords.verify(hashed, "wrong"),
            await passwords.verify(None, SENT),
        ]
        with pytest.raises(AntmediadError):
            await passwords.hash("")
        passwords.close()
        return answers

    assert asyncio.run(work()) == [True, False, False]
