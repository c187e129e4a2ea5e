"""What the watch asks of the evidence."""

from __future__ import annotations

from typing import Protocol

from monitor.judge.runs import Run
from monitor.look.fetch import Answer, Failure
from monitor.plan.targets import Target


class Keeper(Protocol):
    """What the watch asks of the evidence."""

    def turned(self, target: Target, run: Run, outcome: Answer | Failure) -> tuple[str, ...]:
        """Keep the bytes of a look that changed what is known, and of the one before; returns their ids."""

    def same(self, target: Target, outcome: Answer | Failure) -> None:
        """Remember the last look, should the next one turn out different."""

    def forget(self, target: str) -> None:
        """Let go of the last look at a target that is looked at no more."""
