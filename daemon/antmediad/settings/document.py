"""The settings reference, docs/settings.md, made from the declarations.

``python -m antmediad.settings.document > docs/settings.md`` writes it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Final

from antmediad.settings.groups import GROUP_TITLES, by_group
from antmediad.settings.schema import APPLICATION_KEYS, SERVER_KEYS
from antmediad.settings.setting import Kind, Setting, text_of

INTRODUCTION: Final = """\
# Settings

<!-- Made from the declarations by `python -m antmediad.settings.document`; edit those. -->

An application's settings are in `webapps/<application>/WEB-INF/red5-web.properties`, those of the
server in `conf/red5.properties`. Save the file and they are in force: nothing needs a restart. A
file with an error changes nothing; the settings in force stay, and the error is told with its line,
its key and what was expected.

**Spellings.** Older spellings of a key, such as `settings.jwksURL` for `jwksURL`, are read too. If
only one of them has a value, that value counts. If they differ, the current spelling counts, with a
warning that names both lines. Of a key that stands twice, the last line counts. Keys that are not
listed here are kept as they are.

**Types.** A switch is `true`, `on`, `yes`, `1` or `false`, `off`, `no`, `0`, in any case. Whole
numbers may be hexadecimal (`0x1F`). In lists of addresses an item is an IP address or a CIDR block;
names, netmasks and short forms are errors. A key that is present but empty is an error for switches
and numbers. Blanks at the end of a line belong to the value; for secrets they count. Around one of
several choices, or a text that must have a certain form, they are dropped with a warning.

**Damaged files.** A file with a NUL byte in it, as a crash may leave it, or in UTF-16 is an error.
Its bytes are ISO-8859-1; UTF-8 is read too, with a warning.

**Placeholders.** `${name}` and `${name:default}` in a value stand for another key of the same file,
else for an environment variable. A secret is literal, so that it may contain any text. Nothing is
taken from the environment unless the file asks for it, and `#{...}` is never executed.

**References.** A value that is nothing but `${env:NAME}`, `${file:PATH}` or `${credential:NAME}` is
read from there, secrets too; line ends at the end of a file are dropped. What cannot be read, or is
empty, is an error.

**Switching the JWT filter off** takes a line that says so: `jwtControlEnabled=false`. When the line
was `true` and is merely gone, as it is from a file cut short, the settings in force stay.

*Effect* says whether a setting changes what this daemon does (**here**) or is checked, kept and
served for the media server (carried). A value beyond its limits is an error in the first case and a
warning in the second.

**What stops no application.** Ant Media Server takes any text for some keys, or writes them without
ever reading them. A value that cannot be used is only a warning there:
"""

_TYPES: Final[dict[Kind, str]] = {
    "bool": "switch",
    "int": "whole number",
    "long": "whole number, 64 bits",
    "float": "number",
    "string": "text",
    "level": "text, any case",
    "host": "host",
    "list": "comma list",
    "suffixes": "comma list, exact",
    "directories": "comma list",
    "networks": "addresses",
    "urls": "URLs",
    "object": "JSON object",
    "ladder": "JSON array or list",
    "json": "JSON",
}
_COLUMNS: Final = ("Key", "Type", "Default", "Allowed", "Secret", "Effect", "Meaning")


def settings_reference() -> str:
    """Return docs/settings.md: every setting with its spellings, type, default and meaning."""
    return "\n".join(
        (
            INTRODUCTION,
            *_exceptions(APPLICATION_KEYS.values()),
            "## Application: red5-web.properties\n",
            *_tables(APPLICATION_KEYS.values()),
            "## Server: conf/red5.properties\n",
            *_tables(SERVER_KEYS.values()),
        )
    )


def _exceptions(settings: Iterable[Setting]) -> Iterator[str]:
    effective, default = [], []
    for setting in settings:
        if setting.misfit == "default":
            default.append(_code(setting.key))
        elif setting.misfit == "kept" and setting.effective:
            effective.append(_code(setting.key))
    yield f"- the default counts: {', '.join(default)}"
    yield f"- the value is kept: {', '.join(effective)}\n"


def _tables(settings: Iterable[Setting]) -> Iterator[str]:
    for group, members in by_group(settings, GROUP_TITLES).items():
        rows = (_COLUMNS, ("---",) * len(_COLUMNS), *map(_row, members))
        yield f"### {GROUP_TITLES[group]}\n"
        yield "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _row(setting: Setting) -> tuple[str, ...]:
    older = f"<br>older: {', '.join(map(_code, setting.legacy))}" if setting.legacy else ""
    cells = (
        _code(setting.key) + older,
        _TYPES[setting.kind],
        "not set" if setting.default is None else _code(text_of(setting.default)),
        _allowed(setting),
        "yes" if setting.secret else "",
        "**here**" if setting.effective else "carried",
        setting.description,
    )
    return tuple(cell.replace("|", "\\|") for cell in cells)


def _allowed(setting: Setting) -> str:
    if setting.choices:
        return ", ".join(map(_code, setting.choices))
    if setting.expected:
        return setting.expected
    if setting.minimum is not None:
        return f"{setting.minimum} " + (
            "or more" if setting.maximum is None else f"to {setting.maximum}"
        )
    return ""


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    sys.stdout.write(settings_reference())
