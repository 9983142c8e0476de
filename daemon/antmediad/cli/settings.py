"""Show, change and restore the settings of an application.

A change edits the properties file: only the lines that it concerns, at once or not at all. A
running daemon puts it in force at once; one that is started later finds it."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from antmediad.applications.compare import differences, shown_value
from antmediad.applications.home import Home
from antmediad.applications.read import read_file
from antmediad.applications.registry import Registry
from antmediad.applications.settings_file import Application, Snapshot
from antmediad.applications.versions import shown_versions
from antmediad.applications.write import (
    changed_keys,
    check_change,
    digest_of,
    edit_settings,
    keys_of,
    write_settings,
)
from antmediad.cli.applications import find_application, read_home
from antmediad.cli.input import read_secret
from antmediad.cli.main import add_action, add_home, add_json, home_of
from antmediad.cli.output import coloured, plain, print_json, print_table
from antmediad.cli.process import user_name
from antmediad.errors import Problem, SettingsError, StoreError, UsageError
from antmediad.properties.editor import split_lines
from antmediad.settings.included import included_secrets, without
from antmediad.settings.parse import Origin
from antmediad.settings.schema import APPLICATION_KEYS, APPLICATION_SPELLINGS, Settings
from antmediad.settings.setting import masked, text_of
from antmediad.settings.spelling import application_suggestion, why_unknown
from antmediad.store.history import MAX_GENERATION, History, Version

EXAMPLES = """examples:
  antmediad settings get LiveApp
  antmediad settings get LiveApp jwksURL --origin
  antmediad settings set LiveApp jwtControlEnabled=true jwtSecretKey=- < secret.txt
  antmediad settings set LiveApp remoteAllowedCIDR=10.0.0.0/8 --dry-run
  antmediad settings unset LiveApp jwksURL
  antmediad settings history LiveApp
  antmediad settings diff LiveApp 3
  antmediad settings rollback LiveApp 3

Keys may be in any spelling: settings.jwksURL is jwksURL. '-' as a value is read from standard
input, where other users of the machine cannot see it. Secrets are masked.
exit status: 0 done, 1 'diff' found a difference, 2 cannot be done, and nothing was changed."""

_SIGNS = {
    "same": (" ", ""),
    "removed": ("-", "red"),
    "added": ("+", "green"),
    "place": ("", "bold"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    get = add_action(actions, "get", "print what stands in the file")
    _add_application(get)
    get.add_argument(
        "keys", nargs="*", metavar="KEY", help="which ones (default: those in the file)"
    )
    get.add_argument("--origin", action="store_true", help="with line, spelling and source")
    get.add_argument("--all", action="store_true", help="those that have their default, too")
    get.add_argument("--reveal", action="store_true", help="do not mask secrets")
    add_json(get)
    get.set_defaults(action=_get)

    put = add_action(actions, "set", "change settings in the file")
    _add_application(put)
    put.add_argument(
        "changes",
        nargs="+",
        metavar="KEY=VALUE",
        help="in any spelling; KEY=- reads the value from standard input",
    )
    _add_change_options(put)
    put.set_defaults(action=_set)

    unset = add_action(actions, "unset", "remove settings from the file")
    _add_application(unset)
    unset.add_argument("keys", nargs="+", metavar="KEY", help="in any spelling")
    _add_change_options(unset)
    unset.set_defaults(action=_unset)

    diff = add_action(
        actions, "diff", "print what differs between versions, or between one and the file"
    )
    _add_application(diff)
    diff.add_argument(
        "generations",
        nargs="*",
        type=_generation,
        metavar="GENERATION",
        help="one: with the file; two: with each other (default: the last one)",
    )
    diff.set_defaults(action=_diff)

    history = add_action(actions, "history", "list the versions that were in force")
    _add_application(history)
    add_json(history)
    history.set_defaults(action=_history)

    rollback = add_action(actions, "rollback", "write the file of an earlier version again")
    _add_application(rollback)
    rollback.add_argument(
        "generation", type=_generation, metavar="GENERATION", help="as 'history' lists it"
    )
    rollback.add_argument("--dry-run", action="store_true", help="show the change, do not make it")
    rollback.set_defaults(action=_rollback)


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    return int(options.action(options))


def _add_application(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("application", metavar="APP", help="the application")
    add_home(parser)


def _generation(text: str) -> int:
    if re.fullmatch(r"\d{1,19}", text, re.ASCII) and 0 < int(text) <= MAX_GENERATION:
        return int(text)
    raise argparse.ArgumentTypeError("expected a generation: a whole number from 1")


def _add_change_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show the change, do not make it")
    parser.add_argument(
        "--force",
        action="store_true",
        help="write what is refused here, too: a key that no setting has, or a reference that"
        " only the daemon can read",
    )


# get


def _get(options: argparse.Namespace) -> int:
    application = find_application(read_home(home_of(options)), options.application)
    snapshot = application.snapshot
    if snapshot is None:
        raise UsageError(f"{options.application} has no usable settings: see 'antmediad check'")
    if application.state != "active":
        _tell(f"{options.application} is {application.state}: these are its last good settings")
    lines = {line.key: line.number for line in split_lines(_content_in_force(application))}
    rows = [
        _describe(snapshot, key, lines, options.reveal)
        for key in dict.fromkeys(_keys_to_get(options, snapshot))
    ]
    if options.json:
        print_json(rows)
    elif options.origin:
        print_table(
            ("SETTING", "LINE", "SPELLING", "SOURCE"),
            [
                (
                    plain(f"{row['key']}={row['value']}"),
                    str(row["line"] or "-"),
                    plain(row["spelling"] or "-"),
                    plain(row["source"]),
                )
                for row in rows
            ],
        )
    else:
        for row in rows:
            print(plain(f"{row['key']}={row['value']}"))
    return 0


def _keys_to_get(options: argparse.Namespace, snapshot: Snapshot[Settings]) -> Iterator[str]:
    for spelling in options.keys:
        for key in keys_of(spelling):
            if key not in APPLICATION_KEYS and key not in snapshot.unknown:
                raise UsageError(_unknown(key))
            yield key
    if options.keys:
        return
    for key in APPLICATION_KEYS:
        if options.all or key in snapshot.origins:
            yield key
    yield from snapshot.unknown


def _content_in_force(application: Application) -> bytes:
    """Return the file, if it is what is in force."""
    if application.snapshot is None or application.state != "active":
        return b""
    content = _read(application)
    return content if digest_of(content) == application.snapshot.digest else b""


def _describe(
    snapshot: Snapshot[Settings], key: str, lines: Mapping[str | None, int], reveal: bool
) -> dict[str, Any]:
    declared = APPLICATION_KEYS.get(key)
    origin = snapshot.origins.get(key)
    if declared is None:
        raw = snapshot.unknown[key]
        value = raw if reveal else shown_value(key, raw)
        origin = Origin(lines.get(key, 0), key, "file")
    else:
        typed = getattr(snapshot.settings, declared.name)
        secrets = included_secrets(snapshot.settings, APPLICATION_KEYS, snapshot.warnings)
        value = text_of(typed) if reveal else without(secrets, masked(declared, typed))
    return {
        "key": key,
        "value": value,
        "secret": declared is not None and declared.secret,
        "line": (origin.line or None) if origin else None,
        "spelling": origin.spelling if origin else None,
        "source": origin.source if origin else "default",
    }


# set, unset, rollback


def _set(options: argparse.Namespace) -> int:
    pairs = [change.partition("=") for change in options.changes]
    changes: dict[str, str | None] = {}
    for key, equals, value in pairs:
        if not equals or not key:
            # Not the argument itself: it may be a secret whose key was forgotten.
            raise UsageError("expected KEY=VALUE")
        if key in changes:
            raise UsageError(f"{plain(key)}: expected one value, not two")
        changes[key] = value
    from_input = [key for key, value in changes.items() if value == "-"]
    if len(from_input) > 1:
        raise UsageError("expected one '-': only one value can be read from standard input")
    for key in from_input:
        changes[key] = read_secret(plain(key))
    return _change(options, changes)


def _unset(options: argparse.Namespace) -> int:
    return _change(options, dict.fromkeys(options.keys))


def _change(options: argparse.Namespace, changes: Mapping[str, str | None]) -> int:
    registry = read_home(home_of(options))
    application = find_application(registry, options.application)
    before = _read(application)
    standing = {line.key for line in split_lines(before)}
    for key in changes:
        if key not in APPLICATION_SPELLINGS and key not in standing and not options.force:
            raise UsageError(f"{_unknown(key)} (--force writes it all the same)")
    try:
        after = edit_settings(before, changes)
    except SettingsError as error:
        raise _not_written(error) from error
    return _write(options, registry, application, before, after)


def _rollback(options: argparse.Namespace) -> int:
    home = home_of(options)
    registry = read_home(home)
    application = find_application(registry, options.application)
    history = _open_history(home)
    try:
        after = _content_of(history, options.application, options.generation)
    finally:
        _close(history)
    return _write(options, registry, application, _read(application), after)


def _write(
    options: argparse.Namespace,
    registry: Registry,
    application: Application,
    before: bytes,
    after: bytes,
) -> int:
    if before == after:
        print("nothing to change")
        return 0
    try:
        problems = check_change(
            before, after, lambda content: registry.check(application.name, content)
        )
    except SettingsError as error:
        if not getattr(options, "force", False):
            raise _not_written(error) from error
        problems = error.problems
    _print_differences(before, after, str(application.path))
    changed = changed_keys(before, after)
    _tell_of(problems, changed)
    if options.dry_run:
        return 0
    with_note = _announce(registry.home, application.name, after)
    try:
        write_settings(application.path, after, digest_of(before))
    except SettingsError as error:
        if with_note:
            _withdraw(registry.home, application.name, after)
        raise _not_written(error) from error
    return 0


def _tell_of(problems: tuple[Problem, ...], changed: set[str]) -> None:
    """Say what is odd about what was changed, and what keeps the file from being used."""
    for problem in problems:
        if problem.severity == "error" or problem.key in changed:
            _tell(f"{problem.severity}: {problem}")
    if any(problem.severity == "error" for problem in problems):
        _tell("a daemon that finds these errors too keeps the settings that are in force")


def _read(application: Application) -> bytes:
    try:
        content, _ = read_file(application.path)
    except OSError as error:
        raise UsageError(
            f"{application.path}: cannot be read ({error.strerror or error})"
        ) from error
    return content


def _announce(home: Home, application: str, content: bytes) -> bool:
    """Tell the history who changes the file; without a right to write it, nobody is told."""
    note = Version(application, 0, time.time(), "cli", digest_of(content), False, user_name())
    return _note(home, lambda history: history.announce(note))


def _withdraw(home: Home, application: str, content: bytes) -> None:
    _note(home, lambda history: history.withdraw(application, digest_of(content)))


def _note(home: Home, write: Any) -> bool:
    # Not made here: a file of this user's could keep the daemon's user from writing its own.
    if not home.history.is_file() or not os.access(home.history, os.W_OK):
        return False

    async def note() -> None:
        history = History(home.history)
        try:
            await write(history)
        finally:
            await history.close()

    try:
        asyncio.run(note())
    except StoreError:
        return False
    return True


# diff, history


def _diff(options: argparse.Namespace) -> int:
    if len(options.generations) > 2:
        raise UsageError("expected two generations or less")
    home = home_of(options)
    application = find_application(read_home(home), options.application)
    history = _open_history(home)
    try:
        generations = options.generations or [
            version.generation for version in history.versions(options.application)[:1]
        ]
        if not generations:
            raise UsageError(f"no version of {options.application} is on record")
        versions = [
            _content_of(history, options.application, generation) for generation in generations
        ]
    finally:
        _close(history)
    before, after = versions if len(versions) == 2 else (versions[0], _read(application))
    if before == after:
        return 0
    names = [f"generation {generation}" for generation in generations]
    _print_differences(before, after, *names, *([] if names[1:] else [str(application.path)]))
    return 1


def _history(options: argparse.Namespace) -> int:
    home = home_of(options)
    history = _open_history(home)
    try:
        described = shown_versions(history, options.application)
        if not described:
            raise UsageError(f"no version of {options.application!r} is on record")
    finally:
        _close(history)
    if options.json:
        print_json(described)
    else:
        print_table(
            ("GENERATION", "WHEN (UTC)", "SOURCE", "WHO", "CHANGED"),
            [
                (
                    str(one["generation"]),
                    f"{datetime.fromtimestamp(one['takenAt'], UTC):%Y-%m-%d %H:%M:%S}",
                    plain(one["source"]),
                    plain(one["actor"] or "-"),
                    plain(_enumerated(one["changed"])),
                )
                for one in described
            ],
        )
    return 0


def _enumerated(keys: list[str]) -> str:
    shown = ", ".join(keys[:5])
    return f"{shown} and {len(keys) - 5} more" if len(keys) > 5 else shown or "-"


def _open_history(home: Home) -> History:
    try:
        if home.history.exists():
            return History.for_reading(home.history)
    except (OSError, StoreError) as error:
        raise UsageError(
            f"{home.history}: cannot be read; run this as root or as the daemon's user"
        ) from error
    raise UsageError(f"nothing is on record: no daemon has served {home.path} yet")


def _content_of(history: History, application: str, generation: int) -> bytes:
    content = history.content(application, generation)
    if content is None:
        raise UsageError(
            f"{application} has no file of generation {generation} on record:"
            f" see 'antmediad settings history {application}'"
        )
    return content


def _close(history: History) -> None:
    with suppress(StoreError):
        asyncio.run(history.close())


def _print_differences(before: bytes, after: bytes, old: str, new: str = "") -> None:
    found = list(differences(before, after))
    print(plain(f"--- {old}"))
    print(plain(f"+++ {new or old}"))
    for kind, text in found:
        sign, colour = _SIGNS[kind]
        line = plain(sign + text)
        print(coloured(line, colour) if colour else line)
    if not found:
        print("only line ends or the byte-order mark differ")


def _unknown(key: str) -> str:
    return f"{plain(key)}: {why_unknown(key, application_suggestion)}"


def _not_written(error: SettingsError) -> UsageError:
    return UsageError(f"not written: {plain(error)}")


def _tell(message: str) -> None:
    print(plain(f"antmediad: {message}"), file=sys.stderr)
