"""Keys that no setting declares: what they may have meant, and which are merely old."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

from antmediad.settings.schema import APPLICATION_SPELLINGS, SERVER_SPELLINGS
from antmediad.settings.setting import Setting

_PREFIX: Final = "settings."
_CLOSE: Final = 0.88
_LONGEST: Final = 100  # characters; nothing longer is a slip of the pen

_SOCIAL: Final = tuple(
    f"{network}.client{part}"
    for network in ("periscope", "youtube", "facebook")
    for part in ("Id", "Secret")
)
_BOTH_WAYS: Final = (
    "timeTokenSubscriberOnly",
    "vodFolder",
    "stalkerDBServer",
    "stalkerDBUsername",
    "stalkerDBPassword",
    "objectDetectionEnabled",
    "defaultDecodersEnabled",
    "constantRateFactor",
)
_ENCODER: Final = (
    *(f"settings.encoding.{part}" for part in ("preset", "profile", "level", "rc", "specific")),
    "settings.encoding.timeout",
    "settings.encoding.vp8.speed",
    "settings.encoding.vp8.deadline",
    *(f"encoder{part}" for part in ("Preset", "Profile", "Level", "Rc", "Specific")),
    "encodingTimeout",
    "vp8EncoderSpeed",
    "vp8EncoderDeadline",
    *(f"h265Encoder{part}" for part in ("Preset", "Profile", "Rc", "Specific", "Level")),
)

OBSOLETE_KEYS: Final = frozenset(
    (
        *_SOCIAL,
        "settings.collectSocialMediaActivityEnabled",
        *_BOTH_WAYS,
        *(_PREFIX + key for key in _BOTH_WAYS),
        *_ENCODER,
        "toBeDeleted",
    )
)
"""Keys that older releases of Ant Media Server read and current ones ignore."""


def application_suggestion(key: str) -> str:
    """Return the known key that an unknown one most likely means, or nothing."""
    return _suggestion(key, server=False)


def server_suggestion(key: str) -> str:
    """Return the known key of the server's file that an unknown one most likely means."""
    return _suggestion(key, server=True)


def why_unknown(key: str, suggestion: Callable[[str], str]) -> str:
    """Return what to tell somebody who wants to set a key that no setting has.

    Args:
        suggestion: `application_suggestion` or `server_suggestion`.
    """
    if key in OBSOLETE_KEYS:
        return "no longer used"
    known = suggestion(key)
    return f"no such setting; did you mean {known}?" if known else "no such setting"


@lru_cache(maxsize=4096)
def _suggestion(key: str, *, server: bool) -> str:
    if len(key) > _LONGEST:
        return ""
    plain = _SERVER if server else _APPLICATION
    sought = _plain(key)
    if sought in plain:
        return plain[sought]
    best, best_ratio = "", _CLOSE
    matcher = SequenceMatcher(b=sought, autojunk=False)
    for candidate, spelling in plain.items():
        # Cheap filters first: a slip rarely changes the length by much and both of the ends.
        if abs(len(candidate) - len(sought)) > 2 or not (
            candidate[:2] == sought[:2] or candidate[-2:] == sought[-2:]
        ):
            continue
        matcher.set_seq1(candidate)
        if matcher.quick_ratio() >= best_ratio and (ratio := matcher.ratio()) >= best_ratio:
            best, best_ratio = spelling, ratio
    return best


def _plain(key: str) -> str:
    bare = key.strip().lower().removeprefix(_PREFIX)
    return bare.translate(_PUNCTUATION)


_PUNCTUATION: Final = dict.fromkeys(map(ord, "._- "))


def _by_plain(spellings: Mapping[str, tuple[Setting, ...]]) -> Mapping[str, str]:
    """Index current keys, and older spellings that say the same in other words."""
    found: dict[str, str] = {}
    for spelling, settings in spellings.items():
        found.setdefault(_plain(spelling), settings[0].key)
    return found


_APPLICATION: Final = _by_plain(APPLICATION_SPELLINGS)
_SERVER: Final = _by_plain(SERVER_SPELLINGS)
