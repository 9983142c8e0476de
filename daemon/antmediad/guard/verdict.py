"""The guard of one application under one settings snapshot: who may pass, and why not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from antmediad.errors import AddressError, GuardError, TokenError
from antmediad.guard.address import AddressFilter, Network
from antmediad.guard.key_set import KeySet, find_keys
from antmediad.guard.rate import Rate
from antmediad.guard.token import (
    ASYMMETRIC_ALGORITHMS,
    SECRET_ALGORITHM,
    Token,
    bearer_token,
    claims_of,
    is_signed_by,
    numeric_date,
    parse_token,
)

MAX_REMEMBERED_TOKENS = 1024
# Reasons that another look at the key set may change, for every token and for one without ``kid``,
# which never names a key that is not held.
_MAY_CHANGE = frozenset({"unknown_kid", "key_set_unavailable"})
_MAY_CHANGE_WITHOUT_KID = frozenset({"bad_signature", "algorithm_not_allowed"})

SWITCHED_OFF: Final = "switched off"
"""The remark on a filter that is."""
IP_FILTER, JWT_FILTER = "IP filter", "JWT filter"
CHECKS: Final = (
    IP_FILTER,
    "token present",
    "well-formed",
    "algorithm",
    "signature",
    "claims readable",
    "time",
    "issuer and audience",
)
"""The names of the checks when both filters are on, in their order."""


class GuardSettings(Protocol):
    """The settings that a guard reads; `antmediad.settings.schema.Settings` has them."""

    @property
    def ip_filter_enabled(self) -> bool: ...
    @property
    def remote_allowed_cidr(self) -> tuple[Network, ...]: ...
    @property
    def jwt_control_enabled(self) -> bool: ...
    @property
    def jwt_secret_key(self) -> str: ...
    @property
    def jwt_previous_secret_key(self) -> str: ...
    @property
    def jwks_url(self) -> tuple[str, ...]: ...
    @property
    def jwt_algorithms(self) -> tuple[str, ...]: ...
    @property
    def jwt_issuer(self) -> tuple[str, ...]: ...
    @property
    def jwt_audience(self) -> tuple[str, ...]: ...
    @property
    def jwt_clock_skew_seconds(self) -> int: ...
    @property
    def jwt_require_expiry(self) -> bool: ...
    @property
    def jwks_max_stale_seconds(self) -> int: ...
    @property
    def rest_requests_per_second(self) -> int: ...
    @property
    def rest_requests_per_second_per_address(self) -> int: ...


class TokenCounts(Protocol):
    """Counts the tokens that were remembered, and those that were not."""

    token_hits: int
    token_misses: int


@dataclass(slots=True)
class _Unread:
    token_hits: int = 0
    token_misses: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One check on the way to a verdict: its name, the reason it failed for, and a remark."""

    name: str
    reason: str = ""
    remark: str = ""


class Guard:
    """Lets requests pass or raises.  Made anew for each snapshot; never changes.

    A token that was verified is remembered until its own ``exp``, so that using it again costs
    no signature check; at most `MAX_REMEMBERED_TOKENS`, and none over a change of a key set.
    """

    def __init__(
        self,
        settings: GuardSettings,
        key_sets: Sequence[KeySet] = (),
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        counts: TokenCounts | None = None,
    ) -> None:
        """Guard by *settings*; *key_sets* are those of ``settings.jwks_url``."""
        self._settings = settings
        self._counts: TokenCounts = _Unread() if counts is None else counts
        self._addresses = (
            AddressFilter(settings.remote_allowed_cidr) if settings.ip_filter_enabled else None
        )
        per_second = settings.rest_requests_per_second
        per_second_of_address = settings.rest_requests_per_second_per_address
        self._rate = (
            Rate(per_second, per_second_of_address, monotonic)
            if per_second or per_second_of_address
            else None
        )
        self._wants_token = settings.jwt_control_enabled
        self._key_sets = tuple(key_sets)
        self._is_jwks = bool(settings.jwks_url)
        # An empty secret is no secret: HMAC would accept an empty key as any other.
        self._secrets = tuple(
            # As Java does it, for which half a surrogate pair is a question mark.
            secret.encode(errors="replace")
            for secret in (settings.jwt_secret_key, settings.jwt_previous_secret_key)
            if secret
        )
        allowed = ASYMMETRIC_ALGORITHMS if self._is_jwks else frozenset({SECRET_ALGORITHM})
        named = frozenset(settings.jwt_algorithms)
        self._algorithms = allowed & named if named else allowed
        self._skew_s = settings.jwt_clock_skew_seconds
        self._clock = clock
        self._remembered: dict[str, tuple[float, float]] = {}
        self._keys_in_force: list[tuple[KeySet, int]] = []
        self._keys_until = float("-inf")

    def check(self, clients: Sequence[str], authorization: Sequence[str]) -> None:
        """Let the request pass, without waiting for anything.

        Args:
            clients: addresses that the request answers for (`address.clients_of`).
            authorization: the lines of the ``Authorization`` header.

        Raises:
            AddressError, RateError, TokenError: the first filter that refuses.
        """
        if self._addresses is not None:
            if not clients:
                raise AddressError("ip_unreadable")
            for client in clients:
                self._addresses.check(client)
        # Before the token: a flood of bad ones costs no signature checks.
        if self._rate is not None:
            self._rate.take(clients)
        if self._wants_token:
            self._check_token(bearer_token(authorization))

    async def check_again(self, error: GuardError, authorization: Sequence[str]) -> None:
        """Decide on a request that `check` refused with *error*, once the keys are fetched anew.

        Raises:
            GuardError: it stays refused.
        """
        if not (self._is_jwks and self._may_change(error.reason, authorization)):
            raise error
        asked = await asyncio.gather(*(one.fetch_for_unknown_key() for one in self._key_sets))
        if not any(asked):
            raise error
        # It has passed all that comes before its token, and taken its place in the rate.
        self._check_token(bearer_token(authorization))

    def _may_change(self, reason: str, authorization: Sequence[str]) -> bool:
        if reason not in _MAY_CHANGE_WITHOUT_KID:
            return reason in _MAY_CHANGE
        token = parse_token(bearer_token(authorization))
        return token.kid is None and token.algorithm in self._algorithms

    def explain(self, client: str, authorization: Sequence[str]) -> list[Step]:
        """Return the checks in their order, up to the one that refuses, each with its result."""
        steps: list[Step] = []

        def run(name: str, check: Callable[[], Any], remark: str = "") -> Any:
            try:
                result = check()
            except GuardError as error:
                steps.append(Step(name, error.reason, remark))
                raise
            steps.append(Step(name, "", remark))
            return result

        try:
            addresses = self._addresses
            if addresses is None:
                steps.append(Step(IP_FILTER, remark=SWITCHED_OFF))
            else:
                run(IP_FILTER, lambda: addresses.check(client), client)
            if not self._wants_token:
                steps.append(Step(JWT_FILTER, remark=SWITCHED_OFF))
                return steps
            mode = "key set" if self._is_jwks else "shared secret"
            present, form, algorithm, signature, readable, time_, names = CHECKS[1:]
            text: str = run(present, lambda: bearer_token(authorization))
            token: Token = run(form, lambda: parse_token(text))
            run(algorithm, lambda: self._check_algorithm(token), f"{token.algorithm!r}, {mode}")
            run(signature, lambda: self._check_signature(token), f"kid {token.kid!r}")
            claims: Mapping[str, Any] = run(readable, lambda: claims_of(token))
            run(time_, lambda: self._check_time(*self._span(claims)))
            run(names, lambda: self._check_names(claims))
        except GuardError:
            pass  # it is the last step
        return steps

    def _check_token(self, text: str) -> None:
        if self._is_jwks:
            self._forget_with_keys()
        span = self._remembered.get(text)
        if span is not None:
            self._counts.token_hits += 1
            self._check_time(*span)
            return
        self._counts.token_misses += 1
        token = parse_token(text)
        self._check_algorithm(token)
        self._check_signature(token)
        claims = claims_of(token)
        span = self._span(claims)
        self._check_time(*span)
        self._check_names(claims)
        if len(self._remembered) >= MAX_REMEMBERED_TOKENS:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[text] = span

    def _forget_with_keys(self) -> None:
        """Forget the tokens that were verified with keys which are no longer those in force."""
        for one, version in self._keys_in_force:
            if one.version != version:
                break
        else:
            if self._clock() <= self._keys_until:
                return
        stale_s = self._settings.jwks_max_stale_seconds
        usable = [one for one in self._key_sets if one.is_usable(stale_s)]
        keys_in_force = [(one, one.version) for one in usable]
        if keys_in_force != self._keys_in_force:
            self._keys_in_force = keys_in_force
            self._remembered.clear()
        # A set that cannot be used now may be at any moment, by a fetch.
        all_usable = len(usable) == len(self._key_sets)
        ends = [one.usable_until(stale_s) for one in usable]
        self._keys_until = min(ends) if all_usable and ends else float("-inf")

    def _check_algorithm(self, token: Token) -> None:
        if token.algorithm not in self._algorithms:
            raise TokenError("algorithm_not_allowed")

    def _check_signature(self, token: Token) -> None:
        if self._is_jwks:
            keys = find_keys(self._key_sets, token.kid, self._settings.jwks_max_stale_seconds)
            fitting = [key for key in keys if token.algorithm in key.algorithms]
            if not fitting:
                raise TokenError("algorithm_not_allowed")
            if any(is_signed_by(token, token.algorithm, key.key) for key in fitting):
                return
        else:
            if not self._secrets:
                raise TokenError("no_secret")
            # Every secret is tried, so that the time taken does not tell which one fits.
            fitting_secrets = [
                key for key in self._secrets if is_signed_by(token, SECRET_ALGORITHM, key)
            ]
            if fitting_secrets:
                return
        raise TokenError("bad_signature")

    def _span(self, claims: Mapping[str, Any]) -> tuple[float, float]:
        """Return the times from which and until which the token is valid, in seconds."""
        begin, end = numeric_date(claims, "nbf"), numeric_date(claims, "exp")
        # Read for its form only: a client whose clock is a second ahead is no reason to refuse.
        numeric_date(claims, "iat")
        if end is None and self._settings.jwt_require_expiry:
            raise TokenError("no_expiry")
        return (
            float("-inf") if begin is None else begin,
            float("inf") if end is None else end,
        )

    def _check_time(self, begin: float, end: float) -> None:
        """Check ``nbf`` and ``exp`` (RFC 7519, sections 4.1.4 and 4.1.5)."""
        now = self._clock()
        if now >= end + self._skew_s:
            raise TokenError("expired")
        if now < begin - self._skew_s:
            raise TokenError("not_yet_valid")

    def _check_names(self, claims: Mapping[str, Any]) -> None:
        issuers, audiences = self._settings.jwt_issuer, self._settings.jwt_audience
        if issuers and claims.get("iss") not in issuers:
            raise TokenError("issuer_not_allowed")
        if audiences:
            named = claims.get("aud")
            named = named if isinstance(named, list) else [named]
            if not any(one in audiences for one in named):
                raise TokenError("audience_not_allowed")
