"""Changes of a properties file that a client asks for: what they mean, and how they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from antmediad.applications.change import Changed, change_settings
from antmediad.applications.compare import shown_value
from antmediad.applications.settings_file import SERVER, AnyFile
from antmediad.applications.write import changed_keys, edit_settings, keys_of
from antmediad.errors import Problem, RequestError, SettingsError
from antmediad.management.access import check_role
from antmediad.management.call import Call
from antmediad.management.rights import SYSTEM, Role
from antmediad.management.subject import Subject
from antmediad.properties.editor import split_lines
from antmediad.settings.form import values
from antmediad.settings.references import REFERENCE_REFUSED, is_reference
from antmediad.settings.setting import MASK_REFUSED, has_mask, text_of
from antmediad.settings.spelling import why_unknown

MAX_CHANGES: Final = 1000
BEYOND: Final = frozenset(
    {
        "muxerFinishScript",
        "streamEndedScript",
        "streamIdleTimeoutScript",
        "streamStartedScript",
        "vodImportRoots",
        "vodUploadFinishScript",
    }
)
"""Settings of an application that run or read what is not its own: for ADMIN of system only."""


def read_changes(call: Call) -> Mapping[str, str | None]:
    """Return the member ``changes`` of the body: new values by key, None for the default.

    Raises:
        RequestError: 400, it is something else.
    """
    changes = call.object().get("changes")
    if not isinstance(changes, dict) or len(changes) > MAX_CHANGES:
        raise RequestError(400, f"changes: expected an object of {MAX_CHANGES} members or less")
    for key, value in changes.items():
        if not isinstance(value, str | None):
            raise RequestError(400, f"changes: {key[:64]}: expected text or null")
    return changes


def edited(
    content: bytes, changes: Mapping[str, str | None], subject: Subject, file: AnyFile
) -> bytes:
    """Return a file with *changes* made to it.

    Args:
        changes: as a client posts them: what came back as it was shown, masked, stays.

    Raises:
        SettingsError: a change cannot be made; the problems name the keys.
    """
    return edit_settings(content, _meant(content, changes, subject, file), subject.spellings)


def _meant(
    content: bytes, changes: Mapping[str, str | None], subject: Subject, file: AnyFile
) -> Mapping[str, str | None]:
    standing = {line.key: line.value or "" for line in split_lines(content) if line.key is not None}
    masks = _masks(standing, subject, file)
    problems: list[Problem] = []
    meant: dict[str, str | None] = {}
    for spelling, text in changes.items():
        declared = subject.spellings.get(spelling, ())
        if not declared and spelling not in standing:
            problems.append(
                Problem("error", why_unknown(spelling, subject.suggestion), 0, spelling)
            )
        elif text is None:
            meant[spelling] = None
        elif text == masks.get(declared[0].key if declared else spelling):
            continue
        elif has_mask(text):
            problems.append(Problem("error", MASK_REFUSED, 0, spelling))
        elif text != standing.get(spelling) and is_reference(
            text, secret=bool(declared) and all(one.secret for one in declared)
        ):
            # Whoever may change one application must not read the daemon's files by it.
            problems.append(Problem("error", REFERENCE_REFUSED, 0, spelling))
        else:
            meant[spelling] = text
    if problems:
        raise SettingsError(tuple(problems))
    return meant


def _masks(standing: Mapping[str, str], subject: Subject, file: AnyFile) -> Mapping[str, str]:
    """Return what is shown in place of values that are secret, wholly or in part, by key."""
    masks = {}
    for spelling, raw in standing.items():
        shown = shown_value(spelling, raw, subject.spellings)
        if shown != raw:
            declared = subject.spellings.get(spelling)
            masks[declared[0].key if declared else spelling] = shown
    snapshot = file.snapshot
    if snapshot is None:
        return masks
    in_form = values(
        snapshot.settings, snapshot.origins, subject.declared, warnings=snapshot.warnings
    )
    for key, declared_here in subject.declared.items():
        shown = in_form[key]["text"]
        if shown != text_of(getattr(snapshot.settings, declared_here.name)):
            masks[key] = shown
    return masks


def check_reach(call: Call, spellings: Iterable[str], subject: Subject) -> None:
    """Check that the caller may change these settings.

    Who administers one application administers neither the machine nor other applications.

    Raises:
        RequestError: 403, one takes ADMIN of system.
    """
    keys = {key for spelling in spellings for key in keys_of(spelling, subject.spellings)}
    beyond = sorted(keys & BEYOND)
    if not beyond:
        return
    try:
        check_role(call.caller, SYSTEM, Role.ADMIN)
    except RequestError:
        raise RequestError(
            403, f"{', '.join(beyond)}: can be changed by an ADMIN of system only"
        ) from None


async def make_change(
    subject: Subject,
    call: Call,
    change: Callable[[bytes], bytes],
    expected_digest: str | None,
) -> Changed:
    """Change the file that *call* is about, and put it in force; see `change_settings`.

    Raises:
        SettingsError: nothing was changed.
        RequestError: 403, the caller may not change these settings; nothing was changed.
    """
    name = subject.name_of(call)

    def checked(content: bytes) -> bytes:
        after = change(content)
        check_reach(call, changed_keys(content, after), subject)
        if name == SERVER and not content:
            # A home that is served with the defaults has no conf yet.
            with suppress(OSError):
                call.resources.registry.server.path.parent.mkdir()
        return after

    return await change_settings(
        call.resources.registry,
        call.resources.history,
        name,
        checked,
        expected_digest=expected_digest,
        source=call.source,
        actor=call.caller.actor,
    )
