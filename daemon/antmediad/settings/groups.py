"""The groups in which settings are shown, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from antmediad.settings.setting import Setting

GROUP_TITLES: Final = {
    "rest-security": "REST API security",
    "stream-security": "Stream security",
    "webhooks": "Webhooks",
    "recording": "Recordings and previews",
    "hls": "HLS",
    "dash": "DASH",
    "webrtc": "WebRTC",
    "ingest": "Ingest",
    "encoder": "Encoding",
    "s3": "Object storage",
    "cluster": "Cluster",
    "misc": "Application and miscellaneous",
    "http": "HTTP",
    "management": "Panel, management API and metrics",
    "server": "Server",
    "limits": "Resource limits",
    "media": "Media ports",
}
"""What the groups are called, in the order of the reference."""


def by_group(settings: Iterable[Setting], first: Iterable[str]) -> Mapping[str, list[Setting]]:
    """Return settings by group: the groups named *first*, then the others as they come."""
    groups: dict[str, list[Setting]] = {group: [] for group in first}
    for setting in settings:
        groups.setdefault(setting.group, []).append(setting)
    return {group: found for group, found in groups.items() if found}
