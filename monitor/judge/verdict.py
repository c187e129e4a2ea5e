"""The verdict on a release, with what only the judge and the planner need of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.judge.witnesses import DEFAULT_LAGS, Lags
from schedules.contract.verdict import JudgedRelease, VerdictKind
from schedules.slot import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(JudgedRelease):
    """The verdict on a release as of `at`.

    `slot` is the one in force. `revisit` is when it must be judged again without new evidence, or
    None if only evidence can change it. `lags` are the assumed or measured lags of witnesses.
    """

    calendars: tuple[str, ...]
    slot: Slot | None
    verdict: VerdictKind
    revisit: datetime | None = None
    lags: Lags = DEFAULT_LAGS

    @property
    def slot_begins(self) -> datetime | None:
        """Return when its slot begins, None without a readable one."""
        return None if self.slot is None else self.slot.begins()

    @property
    def slot_passes(self) -> datetime | None:
        """Return when its slot has passed, None without a readable one."""
        return None if self.slot is None else self.slot.passes()
