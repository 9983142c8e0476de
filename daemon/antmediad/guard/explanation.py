"""A verdict in words: what was checked, what refused, and what that means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from antmediad.errors import GuardError, TokenError
from antmediad.guard.reasons import REASONS
from antmediad.guard.verdict import CHECKS, SWITCHED_OFF, Guard, Step

Outcome = Literal["passed", "failed", "skipped"]


class Check(NamedTuple):
    """One check of a guard, and what came of it."""

    name: str
    outcome: Outcome
    detail: str


class Explanation:
    """Why a guard lets a request through or refuses it.

    Attributes:
        steps: the checks that were made, in their order.
        reason: the word for why it is refused; empty when it is let through.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        self.reason = self.steps[-1].reason

    @property
    def is_allowed(self) -> bool:
        """Whether the request is let through."""
        return not self.reason

    @property
    def meaning(self) -> str:
        """What ``reason`` means; empty when the request is let through."""
        return REASONS.get(self.reason, self.reason)

    def checks(self) -> Iterator[Check]:
        """Yield all checks that a guard knows, those too that are not made."""
        made = {step.name for step in self.steps}
        for step in self.steps:
            detail = REASONS.get(step.reason, step.reason)
            if step.reason:
                detail = "; ".join(filter(None, (detail, step.remark)))
                yield Check(step.name, "failed", detail)
            else:
                is_off = step.remark == SWITCHED_OFF
                yield Check(step.name, "skipped" if is_off else "passed", step.remark)
        if self.reason:
            for name in CHECKS:
                if name not in made:
                    yield Check(name, "skipped", "")


async def explain(guard: Guard, client: str, token: str) -> Explanation:
    """Say what *guard* makes of a request, as it would answer one now.

    Args:
        client: its address.
        token: what stands in its ``Authorization`` header, with or without ``Bearer``; empty for
            none.
    """
    authorization = (token,) if token else ()
    explained = Explanation(guard.explain(client, authorization))
    if explained.is_allowed:
        return explained
    try:
        await guard.check_again(TokenError(explained.reason), authorization)
    except GuardError:
        pass  # told below, perhaps for another reason than before
    return Explanation(guard.explain(client, authorization))
