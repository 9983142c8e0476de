"""Who may play: the rules in front of ``/streams/`` (filters.md, section 10.3 of the contract)."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from antmediad.errors import PlayError, TokenError
from antmediad.guard.stream import (
    check_stream_token,
    decode_base32,
    is_same,
    stream_hash,
    subscriber_secret,
    totp,
)
from antmediad.settings.schema import Settings
from antmediad.store.interface import Store

MAX_SESSIONS = 10_000
SESSION_S = 12 * 3600.0
MAX_NAME_CHARS = 255

_REPLACED = re.compile(r"[\n\r\t|]")
# The names that the media server gives: resolution and bitrate of a rendition, the date of a
# recording, the number of a second one.
_RENDITION = r"_(?:\d+p\d+kbps|\d+p|\d+kbps)"
_PLAYLIST = re.compile(rf"(.+?)(?:_adaptive|{_RENDITION})?\.m3u8", re.ASCII)
_SEGMENT = re.compile(rf"(.+?)(?:{_RENDITION})?-?(?:\d{{9}}|\d{{4}})\.(?:ts|fmp4)", re.ASCII)
_RECORDING = re.compile(
    r"(.+?)(?:-\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(?:\.\d{3})?)?"
    rf"(?:{_RENDITION})?(?:_\d+)?\.(?:mp4|webm)",
    re.ASCII,
)
_FORMATS = (_PLAYLIST, _SEGMENT, _RECORDING)
# strftime's, and printf's for the number of a segment.
_CONVERSION = re.compile(r"%0?(\d*)d|%([A-Za-z%])")
_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "j": 3, "y": 2, "s": 10}


def stream_id_of(segments: Sequence[str], suffix_format: str = "") -> str | None:
    """Return the stream that a path belongs to, None when it names none.

    Args:
        segments: of the path, below ``/streams``, decoded.
        suffix_format: ``hlsSegmentFileSuffixFormat``.
    """
    names = [_REPLACED.sub("_", name) for name in segments]
    if not names or len(names[-1]) > MAX_NAME_CHARS:
        return None
    if "drm" in names[:-2]:
        return names[names.index("drm") + 1] or None
    name = names[-1]
    if name.endswith((".mpd", ".m4s")):
        return names[-2] if len(names) > 1 else None
    before, separator, _ = name.partition("__")
    if separator and before:
        return before
    for pattern in (_segment(suffix_format), *_FORMATS):
        match = pattern.fullmatch(name)
        if match is not None:
            return match[1]
    return None


@functools.lru_cache
def _segment(suffix_format: str) -> re.Pattern[str]:
    """Return what matches the name of a segment whose suffix is of this format."""
    suffix, end = "", 0
    for match in _CONVERSION.finditer(suffix_format):
        suffix += re.escape(suffix_format[end : match.start()])
        end = match.end()
        if match[1]:
            suffix += rf"\d{{{min(int(match[1]), 20)}}}"
        elif match[2] is None or match[2] == "d":
            suffix += r"\d{1,20}"
        elif match[2] == "%":
            suffix += "%"
        else:
            width = _WIDTHS.get(match[2])
            suffix += rf"\d{{{width}}}" if width else "[A-Za-z0-9]{1,3}"
    suffix += re.escape(suffix_format[end:])
    return re.compile(rf"(.+?)(?:{_RENDITION})?{suffix}\.(?:ts|fmp4)", re.ASCII)


class Sessions:
    """Which clients have used which one-time token: they may go on with that stream.

    A player asks for one file in many requests, and only the first one uses up the token.  This is
    what one process remembers of the sessions that the store keeps for all of them.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Keep sessions; *clock* gives seconds since 1970."""
        self._clock = clock
        self._begun: OrderedDict[tuple[object, ...], float] = OrderedDict()
        self._beginning: dict[tuple[object, ...], asyncio.Event] = {}

    def __contains__(self, session: tuple[object, ...]) -> bool:
        begun = self._begun.get(session)
        return begun is not None and abs(self._clock() - begun) < SESSION_S

    async def begin(
        self, session: tuple[object, ...], begin: Callable[[], Awaitable[float]]
    ) -> bool:
        """Begin a session if *begin* allows it, or go on with it; tell whether there is one now.

        Of requests that come together, the first one asks and the others wait for its answer.
        """
        first = self._beginning.get(session)
        if first is not None:
            await first.wait()
            return session in self
        answered = self._beginning[session] = asyncio.Event()
        try:
            if begun := await begin():
                self._add(session, begun)
            return session in self
        finally:
            del self._beginning[session]
            answered.set()

    def _add(self, session: tuple[object, ...], begun: float) -> None:
        self._begun[session] = begun
        self._begun.move_to_end(session)
        while len(self._begun) > MAX_SESSIONS:
            self._begun.popitem(last=False)


class Player:
    """One request to play, and who makes it."""

    def __init__(
        self,
        application: str,
        clients: tuple[str, ...],
        segments: Sequence[str],
        query: Mapping[str, str],
    ) -> None:
        """Take the request's *query*, and *segments* below ``/streams``."""
        self.application = application
        self.clients = clients
        self.segments = segments
        self.token = _REPLACED.sub("_", query.get("token", ""))
        self.subscriber_id = _REPLACED.sub("_", query.get("subscriberId", ""))
        self.code = _REPLACED.sub("_", query.get("subscriberCode", ""))


def is_controlled(settings: Settings) -> bool:
    """Tell whether players must show something."""
    return (
        settings.enable_time_token_for_play
        or settings.play_token_control_enabled
        or settings.hash_control_play_enabled
        or settings.play_jwt_control_enabled
    )


async def check_play(
    settings: Settings,
    open_store: Callable[[], Store],
    sessions: Sessions,
    player: Player,
    now: float,
) -> None:
    """Let *player* play.

    Args:
        now: seconds since 1970.

    Raises:
        PlayError: 403 or 401, with the message of Ant Media Server.
        StoreError: it is not known who may.
    """
    controlled = is_controlled(settings)
    if not controlled and not player.subscriber_id:
        return
    stream_id = stream_id_of(player.segments, settings.hls_segment_file_suffix_format)
    if controlled:
        if stream_id is None:
            raise PlayError("unknown_stream", "Cannot specified the stream id from the url")
        if settings.enable_time_token_for_play and not _is_code_valid(
            settings, open_store(), stream_id, player, now
        ):
            raise PlayError("bad_code", "Time Based subscriber id or code is invalid")
        if settings.play_token_control_enabled and not await _is_token_valid(
            open_store(), sessions, stream_id, player, now
        ):
            raise PlayError("bad_one_time_token", f"Invalid Token for streamId:{stream_id}")
        if settings.hash_control_play_enabled and not _is_hash_valid(settings, stream_id, player):
            raise PlayError("bad_hash", "Invalid Hash")
        if settings.play_jwt_control_enabled:
            try:
                check_stream_token(
                    player.token, settings.jwt_stream_secret_key, stream_id, "play", now
                )
            except TokenError:
                raise PlayError("bad_stream_token", "Invalid JWT Token") from None
    if stream_id is not None and _is_blocked(open_store(), stream_id, player, now):
        raise PlayError("subscriber_blocked", "Subscriber is blocked", 401)


def _is_code_valid(
    settings: Settings, store: Store, stream_id: str, player: Player, now: float
) -> bool:
    """Tell whether a code is that of this time step, or of the one before or after."""
    if not player.subscriber_id or not player.code:
        return False
    found = store.subscribers.find(stream_id, player.subscriber_id)
    period_s = settings.time_token_period
    if found is not None and found.b32_secret:
        key = decode_base32(found.b32_secret)
        period_s = found.record["totpExpiryPeriodSeconds"] or period_s
    else:
        secret = settings.time_token_secret_for_play or ""
        if not secret.strip():
            return False
        key = subscriber_secret(secret, player.subscriber_id, stream_id, "play")
    return any(is_same(player.code, totp(key, period_s, now, offset)) for offset in (-1, 0, 1))


async def _is_token_valid(
    store: Store, sessions: Sessions, stream_id: str, player: Player, now: float
) -> bool:
    session = (player.application, player.clients, stream_id, player.token)
    if not player.token or session in sessions:
        return bool(player.token)
    given = {"tokenId": player.token, "streamId": stream_id, "type": "play", "roomId": None}
    digest = _digest(*player.clients, stream_id, player.token)
    return await sessions.begin(session, lambda: store.tokens.begin_playing(digest, given, now))


def _digest(*parts: str) -> bytes:
    # Lengths before the parts: no two lists of parts are the same text.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def _is_hash_valid(settings: Settings, stream_id: str, player: Player) -> bool:
    # Without a secret anybody could make the hash.
    secret = settings.token_hash_secret
    return bool(secret) and is_same(player.token, stream_hash(stream_id, "play", secret))


def _is_blocked(store: Store, stream_id: str, player: Player, now: float) -> bool:
    if not player.subscriber_id:
        return False
    found = store.subscribers.find(stream_id, player.subscriber_id)
    return (
        found is not None
        and found.record["blockedType"] in ("play", "publish_play")
        and now * 1000 <= found.record["blockedUntilUnitTimeStampMs"]
    )
