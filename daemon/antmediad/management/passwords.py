"""Passwords of the management API: hashed with Argon2id, in the wire form of Ant Media Server.

Clients send the MD5 of a password, in lower-case hexadecimal digits, or the password itself.  Both
lead to the same text, the canonical form, which is hashed.  That MD5 is as good as the password
for whoever reads it on the wire is a property of the protocol; whoever reads the database has
neither.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import (
    HashingError,
    InvalidHashError,
    VerificationError,
    VerifyMismatchError,
)
from argon2.profiles import RFC_9106_LOW_MEMORY

from antmediad.errors import RequestError, StoreError

T = TypeVar("T")

MAX_CHARS = 1024
MAX_AT_ONCE = 2
MAX_WAITING = 50
RETRY_AFTER_S = 5

# RFC 9106, section 4, the second recommended option: 64 MiB, 3 passes.  The first one takes 2 GiB,
# which is more than many a media server has to spare.
_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)

_MD5 = re.compile(r"[0-9a-f]{32}")


def hash_password(received: str) -> str:
    """Return the hash of a password in its wire form, to be stored.

    Raises:
        RequestError: it is empty, too long, or no text.
        StoreError: there is no memory to hash with.
    """
    canonical = _canonical(received)
    if canonical == _md5(""):
        raise RequestError(400, "password: expected at least one character")
    return _hash(canonical)


def hash_plain_password(password: str) -> str:
    """Return the hash of a password that is not in wire form; 32 hexadecimal digits are one, too.

    Raises:
        RequestError: it is empty, too long, or no text.
        StoreError: there is no memory to hash with.
    """
    if not password:
        raise RequestError(400, "password: expected at least one character")
    return _hash(_md5(password))


def verify_password(password_hash: str | None, received: str) -> bool:
    """Tell whether *received* is the password, in its wire form or plain.

    Args:
        password_hash: None for a user that does not exist, which takes as long as a wrong password.

    Raises:
        RequestError: it is too long, or no text.
        StoreError: there is no memory to hash with, or the hash on record is damaged.
    """
    stored = password_hash or _NOBODY
    canonical = _canonical(received)
    if _verify(stored, canonical):
        return True
    # A plain password may look like an MD5.
    return canonical == received and _verify(stored, _md5(received))


def needs_rehash(password_hash: str) -> bool:
    """Tell whether a hash was made with other parameters than those of today."""
    try:
        return _HASHER.check_needs_rehash(password_hash)
    except InvalidHashError:
        return True


class Passwords:
    """The same, on threads of its own.

    At most `MAX_AT_ONCE` run at a time, so that they never take more than 128 MiB (64 MiB each),
    and at most `MAX_WAITING` wait.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="password")
        self._asked = 0

    async def hash(self, received: str) -> str:
        """Do as `hash_password`.

        Raises:
            RequestError: also with status 503 when too many wait; so do the others.
        """
        return await self._run(lambda: hash_password(received))

    async def verify(self, password_hash: str | None, received: str) -> bool:
        """Do as `verify_password`."""
        return await self._run(lambda: verify_password(password_hash, received))

    def close(self) -> None:
        """Give up what waits; what runs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._asked >= MAX_AT_ONCE + MAX_WAITING:
            raise RequestError(
                503,
                "Too many passwords are being checked; try again later",
                (("Retry-After", str(RETRY_AFTER_S)),),
            )
        self._asked += 1
        try:
            # Not `asyncio.to_thread` and a semaphore: a request that is given up would make room
            # for another one while its thread still holds the memory.
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._asked -= 1


def _nobody() -> str:
    """Return a hash that is no password's: what it says to be the result is random."""
    parameters = RFC_9106_LOW_MEMORY
    salt, result = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (parameters.salt_len, parameters.hash_len)
    )
    return (
        f"$argon2id$v={parameters.version}$m={parameters.memory_cost},t={parameters.time_cost}"
        f",p={parameters.parallelism}${salt}${result}"
    )


_NOBODY = _nobody()


def _canonical(received: str) -> str:
    return received if _MD5.fullmatch(received) else _md5(received)


def _md5(password: str) -> str:
    if len(password) > MAX_CHARS:
        raise RequestError(400, f"password: expected at most {MAX_CHARS} characters")
    try:
        encoded = password.encode()
    except UnicodeEncodeError:
        raise RequestError(400, "password: expected text that UTF-8 can hold") from None
    return hashlib.md5(encoded, usedforsecurity=False).hexdigest()


def _hash(canonical: str) -> str:
    try:
        return _HASHER.hash(canonical)
    except HashingError as error:
        raise StoreError(f"the password cannot be hashed: {error}") from error


def _verify(password_hash: str, canonical: str) -> bool:
    try:
        return _HASHER.verify(password_hash, canonical)
    except VerifyMismatchError:
        return False
    except (VerificationError, InvalidHashError) as error:
        raise StoreError("the password hash on record cannot be used") from error
