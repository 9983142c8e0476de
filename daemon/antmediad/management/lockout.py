"""Who has failed to log in so often that no further password is tried for a while."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from antmediad.guard.address import source_of
from antmediad.store.accounts import key_of
from antmediad.store.attempts import NONE, Attempts, Failures

BLOCK_S = 300.0


@dataclass(frozen=True, slots=True)
class Rule:
    """How many failures, and within how many seconds, block a subject for `BLOCK_S`."""

    failures: int
    within_s: float


# Ant Media Server counts per e-mail alone (AbstractConsoleDataStore), by which a stranger can keep
# an administrator out.
PAIR = Rule(3, inf)
ADDRESS = Rule(20, 300.0)
EMAIL = Rule(30, 300.0)

_RULES = (PAIR, ADDRESS, EMAIL)


class Lockout:
    """Limits attempts to log in, in all processes together and over restarts.

    - Three failures in a row of an e-mail from an address block this pair.
    - Twenty failures within 300 s from an address, whatever the e-mails, block the address.
    - Thirty failures within 300 s for an e-mail, whatever the addresses, block the e-mail, but
      not for addresses from which its user has logged in within 30 days.

    A block lasts 300 s from the failure that caused it; attempts meanwhile do not prolong it, and
    the first one after it counts from zero.  What counts as one address is what `source_of` says.

    The order of a login::

        if blocked_s := await lockout.admit(email, address, now):
            ...  # refuse, without trying the password
        if await passwords.verify(password_hash, received):
            await lockout.succeeded(email, address, now)
    """

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    def blocked_for_s(self, email: str, address: str, now: float) -> float:
        """Return for how many seconds no attempt will be admitted; 0 if one would be.

        Args:
            address: the client's, as text.
            now: seconds since 1970.

        Raises:
            StoreError: the database cannot be read.
        """
        found = [self._attempts.failures(subject) for subject in _subjects(email, address)]
        return self._blocked_s(found, email, address, now)

    async def admit(self, email: str, address: str, now: float) -> float:
        """Return 0 and count an attempt as failed, or return for how many seconds it is blocked.

        The time stands for the attempt when it is taken back.  It is counted before the password
        is tried, so that attempts at the same time, also on several processes, get no more tries
        than one after the other.

        Raises:
            StoreError: nothing was counted: do not try the password.
        """
        known = self._is_known(email, address, now)
        blocked_s = 0.0

        def count(before: Sequence[Failures]) -> Sequence[Failures]:
            nonlocal blocked_s
            blocked_s = _longest(before, known, now)
            if blocked_s:
                return before
            return [
                _with_failure(failures, rule, now)
                for failures, rule in zip(before, _RULES, strict=True)
            ]

        counted = await self._attempts.change(_subjects(email, address), count, now, always=known)
        # So many are blocked that strangers have to wait until some are not.
        return blocked_s if counted else BLOCK_S

    async def failed(self, email: str, address: str, now: float) -> None:
        """Count a failure of something that needed no `admit`, such as a wrong old password."""
        await self.admit(email, address, now)

    async def withdrawn(self, email: str, address: str, at: float) -> None:
        """Take back what `admit` counted at *at*: the password could not be tried after all."""
        await self._attempts.change(
            _subjects(email, address),
            lambda before: [
                _without_failure(failures, rule, at)
                for failures, rule in zip(before, _RULES, strict=True)
            ],
            at,
        )

    async def succeeded(self, email: str, address: str, at: float) -> None:
        """Take back what `admit` counted at *at*, and clear the failures of this pair."""

        def clear(before: Sequence[Failures]) -> Sequence[Failures]:
            _, *others = (
                _without_failure(failures, rule, at)
                for failures, rule in zip(before, _RULES, strict=True)
            )
            return [NONE, *others]

        await asyncio.gather(
            self._attempts.change(_subjects(email, address), clear, at),
            self._attempts.remember_address(email, _source(address), at),
        )

    def _blocked_s(self, found: Sequence[Failures], email: str, address: str, now: float) -> float:
        return _longest(found, self._is_known(email, address, now), now)

    def _is_known(self, email: str, address: str, now: float) -> bool:
        return self._attempts.is_known(email, _source(address), now)


def _longest(found: Sequence[Failures], known: bool, now: float) -> float:
    of_pair, of_address, of_email = (
        # No longer than a block lasts, also after the clock was set back.
        min(max(failures.blocked_until - now, 0.0), BLOCK_S)
        for failures in found
    )
    return max(of_pair, of_address, 0.0 if known else of_email)


def _with_failure(failures: Failures, rule: Rule, now: float) -> Failures:
    if failures.blocked_until > now:
        # Only the e-mail's, and the attempt is from a known address.
        return failures
    times = failures.times if not failures.blocked_until else ()
    return _judged((*(time for time in times if now - time < rule.within_s), now), rule)


def _without_failure(failures: Failures, rule: Rule, at: float) -> Failures:
    times = list(failures.times)
    if at in times:
        times.remove(at)
    return _judged(tuple(times), rule)


def _judged(times: tuple[float, ...], rule: Rule) -> Failures:
    return Failures(times, times[-1] + BLOCK_S if len(times) >= rule.failures else 0.0)


def _subjects(email: str, address: str) -> tuple[bytes, bytes, bytes]:
    """Return what is counted by, in the order of `_RULES`."""
    name, source = key_of(email), _source(address)
    return (
        _digest("pair", name, source),
        _digest("address", source),
        _digest("email", name),
    )


def _digest(*parts: str) -> bytes:
    # Lengths before the parts: no two lists of parts are the same text.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).digest()


def _source(address: str) -> str:
    # What is no address is text from outside, which may be such that cannot be stored.
    return key_of(source_of(address))
