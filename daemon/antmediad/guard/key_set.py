"""JSON Web Key Sets: from a settings' URL to keys in memory, kept fresh in the background."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from jwt import PyJWK, PyJWTError

from antmediad.errors import KeySetError, TokenError

logger = logging.getLogger(__name__)

WELL_KNOWN = "/.well-known/jwks.json"
OPENID_CONFIGURATION = "/.well-known/openid-configuration"

MAX_KEYS = 100
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 16384  # RFC 7518, section 3.3; OpenSSL verifies no longer ones
DEFAULT_LIFE_S = 300.0
MIN_LIFE_S, MAX_LIFE_S = 60.0, 3600.0
FIRST_RETRY_S, LAST_RETRY_S = 2.0, 60.0

# How often tokens of unknown keys may make us ask the source again: twice at once (a rotation
# is followed at once, and so is the next), then once in ten seconds.
UNKNOWN_KEY_FETCHES = 2
UNKNOWN_KEY_PERIOD_S = 10.0

_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document from the network: its bytes, and the seconds it may be kept (None: not said)."""

    content: bytes
    life_s: float | None = None


Fetch = Callable[[str], Awaitable[Fetched]]


class Kept(Protocol):
    """A key set as kept over a restart: where it was found, when (seconds since 1970), and it."""

    @property
    def location(self) -> str: ...
    @property
    def fetched_at(self) -> float: ...
    @property
    def content(self) -> bytes: ...


class Shelf(Protocol):
    """Where the last good key set of each URL is kept."""

    def load(self, url: str) -> Kept | None: ...
    def save(self, url: str, location: str, fetched_at: float, content: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key with the algorithms that its type, curve, ``alg`` and ``use`` leave."""

    kid: str | None
    algorithms: frozenset[str]
    key: Any

    @property
    def kty(self) -> str:
        """The type of the key (RFC 7518, section 6.1; RFC 8037)."""
        families = {algorithm[:2] for algorithm in self.algorithms}
        return "EC" if "ES" in families else "OKP" if "Ed" in families else "RSA"


def without_secrets(url: str) -> str:
    """Return *url* for people and logs: user, password and query are replaced by ``***``."""
    return re.sub(r"\?.*", "?***", re.sub(r"://[^/?#]*@", "://***@", url), flags=re.DOTALL)


def locations_of(url: str) -> tuple[str, ...]:
    """Return where to look for the key set that *url* means, in order.

    Ant Media Server always appends ``/.well-known/jwks.json``; people also give the document
    itself, or the issuer.  The last location may be an OpenID configuration.
    """
    split = urlsplit(url)
    path = split.path.rstrip("/")

    def at(suffix: str) -> str:
        return urlunsplit((split.scheme, split.netloc, path + suffix, "", ""))

    if "?" in url or "#" in url or split.path.endswith(WELL_KNOWN):
        return (url.partition("#")[0],)
    if not path:
        return (at(WELL_KNOWN),)
    return (url, at(WELL_KNOWN), at(OPENID_CONFIGURATION))


def parse_key_set(content: bytes) -> tuple[VerificationKey, ...]:
    """Return the usable signature keys of a JWK Set document (RFC 7517, section 5).

    An entry that cannot be used is skipped with a warning in the log, as the RFC asks; the
    warning never quotes the entry.

    Raises:
        KeySetError: the document is no JWK Set, or has more than `MAX_KEYS` entries.
    """
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise KeySetError("not JSON") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise KeySetError("no JWK Set: expected a JSON object with a list 'keys'")
    if len(entries) > MAX_KEYS:
        raise KeySetError(f"more than {MAX_KEYS} keys")
    keys = []
    for position, entry in enumerate(entries, 1):
        try:
            keys.append(_parse_key(entry))
        except KeySetError as error:
            logger.warning("key skipped: position=%d problem=%s", position, error)
    return tuple(keys)


def _parse_key(entry: Any) -> VerificationKey:
    if not isinstance(entry, dict):
        raise KeySetError("expected a JSON object")
    kid, alg, operations = entry.get("kid"), entry.get("alg"), entry.get("key_ops")
    if not isinstance(kid, str | None):
        raise KeySetError("expected text as kid")
    if entry.get("use", "sig") != "sig":
        raise KeySetError("not for signatures (use)")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        raise KeySetError("not for verifying (key_ops)")
    kinds: tuple[str, ...]
    match entry.get("kty"), entry.get("crv"):
        case "RSA", _:
            kinds = _RSA
        case "EC", str(curve) if curve in _CURVES:
            kinds = (_CURVES[curve],)
        case "OKP", "Ed25519" | "Ed448":
            kinds = ("EdDSA",)
        case _:
            raise KeySetError("expected kty RSA, EC (P-256, P-384, P-521) or OKP (Ed25519, Ed448)")
    if alg is not None:
        # RFC 9864 renames EdDSA by curve; both names mean the same signature here.
        name = "EdDSA" if alg in ("Ed25519", "Ed448") else alg
        if name not in kinds:
            raise KeySetError("alg does not fit the key type")
        kinds = (name,)
    # Only the public members: a set that leaks its private keys must not make us load them.
    public = {name: entry[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in entry}
    try:
        key = PyJWK(public, kinds[0]).key
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, ArithmeticError):
        # Not chained: the text of PyJWT's errors quotes the entry.
        raise KeySetError("members missing or malformed") from None
    if kinds[0] in _RSA and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise KeySetError(f"expected an RSA key of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    return VerificationKey(kid, frozenset(kinds), key)


class KeySet:
    """The keys behind one URL.  Found without waiting, fetched in the background.

    The set is fetched again before it expires, and at once for an unknown key, but then at
    most `UNKNOWN_KEY_FETCHES` times and one more every `UNKNOWN_KEY_PERIOD_S`.  While the
    source is down the last good set stays in force, for as long as the caller of `find_keys`
    says.  ``url`` and ``location`` may hold a password: show them by `without_secrets`.

    Attributes:
        version: grows by one with each change of the keys.
        location: where the set was found, empty until then.
        fetched_at: of the last good fetch, seconds since 1970; 0 before the first.
        error: why the last fetch failed, empty when it did not.
        fetches: how often the source was asked.
        failures: how often it was asked, at all locations, in vain.
    """

    def __init__(
        self,
        url: str,
        fetch: Fetch,
        shelf: Shelf | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.url = url
        self.version = 0
        self.keys: tuple[VerificationKey, ...] = ()
        self.location = ""
        self.fetched_at = 0.0
        self.error = ""
        self.fetches = 0
        self.failures = 0
        self._content = b""
        self._life_s = DEFAULT_LIFE_S
        self._fetch = fetch
        self._shelf = shelf
        self._clock = clock
        self._credit = float(UNKNOWN_KEY_FETCHES)
        self._credit_at = clock()
        self._fetching: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._take_from_shelf()

    def start(self) -> None:
        """Begin to fetch, and to keep the set fresh; needs a running event loop."""
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep_fresh())

    async def close(self) -> None:
        """Stop fetching."""
        tasks = [task for task in (self._keeping, self._fetching) if task is not None]
        self._keeping = self._fetching = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def is_usable(self, max_stale_s: float) -> bool:
        """Tell whether the keys held may still decide: not longer than *max_stale_s* overdue."""
        return self._clock() <= self.usable_until(max_stale_s)

    def usable_until(self, max_stale_s: float) -> float:
        """Return when the keys held may no longer decide, unless they are fetched again."""
        if not self.fetched_at:
            return float("-inf")
        return self.fetched_at + self._life_s + max_stale_s

    async def fetch_for_unknown_key(self) -> bool:
        """Ask the source again because a token names a key that is not held.

        Returns:
            Whether a fetch was under way or allowed; False: the caller asked too often.
        """
        if self._fetching is None:
            now = self._clock()
            earned = max(now - self._credit_at, 0.0) / UNKNOWN_KEY_PERIOD_S
            self._credit = min(self._credit + earned, float(UNKNOWN_KEY_FETCHES))
            self._credit_at = now
            if self._credit < 1:
                return False
            self._credit -= 1
        await self.refresh()
        return True

    async def refresh(self) -> None:
        """Fetch now, or wait for the fetch that is under way; a failure is in ``error``."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._find_key_set())
            self._fetching.add_done_callback(self._end_fetch)
        # wait() leaves the task alone: a client that hangs up does not cancel what others wait
        # for, and neither `close` nor a defect reaches those who wait as an exception.
        await asyncio.wait((self._fetching,))

    def _end_fetch(self, task: asyncio.Task[None]) -> None:
        if self._fetching is task:
            self._fetching = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Nothing that `fetch` may raise: a defect.  The keys held and the next fetch go on
            # without it.  Its text may quote the document or the URL, so only its place is told.
            last = traceback.extract_tb(error.__traceback__)[-1]
            self._fail(f"{type(error).__name__} at {last.filename}:{last.lineno}")

    async def _keep_fresh(self) -> None:
        retry_s = FIRST_RETRY_S
        while True:
            await self.refresh()
            if self.error:
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, LAST_RETRY_S)
            else:
                retry_s = FIRST_RETRY_S
                await asyncio.sleep(self._life_s * 0.8)

    async def _find_key_set(self) -> None:
        # Where the set was found last comes first, and the others after it: it may have moved.
        pending = [self.location] if self.location else []
        pending += locations_of(self.url)
        problems: dict[str, str] = {}
        while pending:
            location = pending.pop(0)
            if location in problems:
                continue
            try:
                self.fetches += 1
                fetched = await self._fetch(location)
                if location.endswith(OPENID_CONFIGURATION):
                    pending.append(_jwks_uri(fetched.content, location))
                    continue
                keys = self._parse(location, fetched.content)
            except KeySetError as error:
                problems[location] = f"{without_secrets(location)}: {error}"
                continue
            self._take(location, fetched, keys)
            return
        self._fail("; ".join(problems.values()))

    def _parse(self, location: str, content: bytes) -> tuple[VerificationKey, ...]:
        if content == self._content:
            return self.keys
        keys = parse_key_set(content)
        # From a source that had keys, none is an answer: all of them are revoked.
        if not keys and location != self.location:
            raise KeySetError("no usable key")
        return keys

    def _fail(self, problem: str) -> None:
        self.failures += 1
        self.error = problem
        logger.warning("key set not fetched: url=%s error=%s", without_secrets(self.url), problem)

    def _take(self, location: str, fetched: Fetched, keys: tuple[VerificationKey, ...]) -> None:
        changed = fetched.content != self._content
        life_s = DEFAULT_LIFE_S if fetched.life_s is None else fetched.life_s
        self._life_s = min(max(life_s, MIN_LIFE_S), MAX_LIFE_S)
        self.location, self.fetched_at, self.error = location, self._clock(), ""
        if changed:
            self.keys, self._content = keys, fetched.content
            self.version += 1
            logger.log(
                logging.INFO if keys else logging.WARNING,
                "key set in force: url=%s keys=%d",
                without_secrets(location),
                len(keys),
            )
        if self._shelf is not None:
            try:
                self._shelf.save(self.url, location, self.fetched_at, self._content)
            except OSError as error:
                logger.warning(
                    "key set not kept on disk: url=%s error=%s", without_secrets(self.url), error
                )

    def _take_from_shelf(self) -> None:
        try:
            kept = self._shelf.load(self.url) if self._shelf is not None else None
            if kept is None:
                return
            self.keys = parse_key_set(kept.content)
        except (OSError, KeySetError) as error:
            logger.warning(
                "kept key set not used: url=%s error=%s", without_secrets(self.url), error
            )
            return
        self._content = kept.content
        self.location = kept.location
        self.fetched_at = min(kept.fetched_at, self._clock())
        self.version = 1


def _jwks_uri(content: bytes, location: str) -> str:
    """Return the ``jwks_uri`` of an OpenID configuration (OpenID Connect Discovery, section 3)."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise KeySetError("not JSON") from None
    uri = document.get("jwks_uri") if isinstance(document, dict) else None
    if not isinstance(uri, str):
        raise KeySetError("no OpenID configuration: expected a jwks_uri")
    try:
        scheme = urlsplit(uri).scheme
    except ValueError:
        scheme = ""
    schemes = ("https",) if location.startswith("https:") else ("https", "http")
    if scheme not in schemes or uri.endswith(OPENID_CONFIGURATION):
        raise KeySetError("jwks_uri: expected an https URL of a key set")
    return uri


def find_keys(
    sets: Sequence[KeySet], kid: str | None, max_stale_s: float
) -> tuple[VerificationKey, ...]:
    """Return the keys that a token with this ``kid`` may be signed by.

    A token without ``kid`` is accepted only when there is exactly one key at all.

    Raises:
        TokenError: ``key_set_unavailable`` when no set can be used, ``unknown_kid`` when no
            key fits; both may change after a fetch.
    """
    usable = [one for one in sets if one.is_usable(max_stale_s)]
    if not usable:
        raise TokenError("key_set_unavailable")
    keys = [key for one in usable for key in one.keys]
    found = tuple(keys) if kid is None else tuple(key for key in keys if key.kid == kid)
    if not found or (kid is None and len(found) > 1):
        raise TokenError("unknown_kid")
    return found


class KeySets:
    """All key sets in use, one for each URL, however many applications name it."""

    def __init__(self, fetch: Fetch, shelf: Shelf | None = None) -> None:
        self._fetch = fetch
        self._shelf = shelf
        self._sets: dict[str, KeySet] = {}

    def __iter__(self) -> Iterator[KeySet]:
        return iter(tuple(self._sets.values()))

    def of(self, urls: Iterable[str]) -> tuple[KeySet, ...]:
        """Return the key sets of *urls*, started."""
        found = []
        for url in urls:
            if url not in self._sets:
                self._sets[url] = KeySet(url, self._fetch, self._shelf)
                self._sets[url].start()
            found.append(self._sets[url])
        return tuple(found)

    def retain(self, urls: Iterable[str]) -> Coroutine[Any, Any, None]:
        """Let go of the key sets of all URLs but these; what is returned waits for their end."""
        # Here, not in the coroutine: between the caller's list of URLs and the moment when the
        # coroutine begins, a guard could be given a set that is about to close.
        unused = [self._sets.pop(url) for url in self._sets.keys() - set(urls)]
        return _close_all(unused)


async def _close_all(sets: Sequence[KeySet]) -> None:
    await asyncio.gather(*(one.close() for one in sets))
