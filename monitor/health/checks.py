"""One line of the status page: a part of the monitor that works, or its fault and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """A part of the monitor with its state.

    `todo` says what to do about a fault (empty: no fault). `alert` names its section of the runbook.
    """

    name: str
    state: str
    todo: str = ""
    alert: str = ""

    @property
    def is_good(self) -> bool:
        """Return whether no one has to act."""
        return not self.todo
