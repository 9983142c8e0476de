"""Settings as a panel draws them: what may be entered, and what is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from antmediad.errors import Problem
from antmediad.settings.groups import GROUP_TITLES, by_group
from antmediad.settings.included import included_secrets, without
from antmediad.settings.parse import Origin
from antmediad.settings.schema import ServerSettings, Settings
from antmediad.settings.setting import Setting, masked, text_of

FIRST_GROUPS: Final = ("rest-security", "management", "stream-security")
"""Who gets in stands first; the other groups follow in the order of the schema."""


def form(declared: Mapping[str, Setting]) -> list[dict[str, Any]]:
    """Return the groups of a form, each with its settings; JSON-ready.

    Args:
        declared: the settings of a file, by key.
    """
    return [
        {
            "name": group,
            "title": GROUP_TITLES[group],
            "settings": [_described(one) for one in settings],
        }
        for group, settings in by_group(declared.values(), FIRST_GROUPS).items()
    ]


def values(
    settings: Settings | ServerSettings,
    origins: Mapping[str, Origin],
    declared: Mapping[str, Setting],
    *,
    warnings: Iterable[Problem] = (),
) -> dict[str, dict[str, Any]]:
    """Return what stands in a form, by key: texts, secrets masked; JSON-ready.

    Args:
        origins: where the values come from, by key, for those that stand in the file.
        declared: the settings to show, by key.
        warnings: of the file; they tell whether placeholders brought secrets into other values.
    """
    secrets = included_secrets(settings, declared, warnings)
    shown: dict[str, dict[str, Any]] = {}
    for key, one in declared.items():
        value, origin = getattr(settings, one.name), origins.get(key)
        shown[key] = {
            "text": without(secrets, masked(one, value)),
            "isDefault": value == one.default,
            "isSet": origin is not None,
            "origin": None
            if origin is None
            else {"line": origin.line, "spelling": origin.spelling, "source": origin.source},
        }
    return shown


def _described(setting: Setting) -> dict[str, Any]:
    described: dict[str, Any] = {
        "key": setting.key,
        "kind": setting.kind,
        "default": None if setting.default is None else text_of(setting.default),
        "secret": setting.secret,
        "effective": setting.effective,
        "required": setting.required,
        "choices": list(setting.choices),
        "minimum": setting.minimum,
        "maximum": setting.maximum,
        "expected": setting.expected,
        "description": setting.description,
        "legacy": list(setting.legacy),
    }
    if setting.pattern:
        described["pattern"] = setting.pattern
    return described
