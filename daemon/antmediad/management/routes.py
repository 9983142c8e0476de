"""What a route of the management API is."""

from __future__ import annotations

from dataclasses import dataclass, field

from antmediad.api.routes import Route as ApiRoute
from antmediad.management.access import Access
from antmediad.management.call import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(ApiRoute[Call]):
    """One endpoint.

    Attributes:
        access: what its callers must be allowed.
        is_change: whether the audit log has its calls; of GETs, those that change something.
    """

    access: Access
    is_change: bool = field(default=False)

    @property
    def is_recorded(self) -> bool:
        """Whether the audit log has its calls."""
        return self.is_change or self.method != "GET"
