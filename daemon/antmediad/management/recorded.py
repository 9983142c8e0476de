"""What the audit log has of settings that were changed by others than its callers."""

from __future__ import annotations

from typing import Final

from antmediad.applications.settings_file import SERVER
from antmediad.management.rights import SYSTEM
from antmediad.store.audit import AuditEntry
from antmediad.store.history import Version

BY_CALLS: Final = frozenset({"api", "panel"})
"""Sources of versions that are on the audit log as calls."""


def entry_of(version: Version) -> AuditEntry:
    """Return what there is to say of a version that came into force."""
    if not version.digest:
        action = "application removed"
    elif version.generation == 1:
        action = "settings found"
    else:
        action = "settings changed"
    return AuditEntry(
        at=version.taken_at,
        actor=f"{version.source}:{version.actor}" if version.actor else "",
        source=version.source,
        action=action,
        target=SYSTEM if version.application == SERVER else version.application,
        success=True,
        detail=f"generation {version.generation}",
    )
