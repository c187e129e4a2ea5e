"""What happened in the ledger: one line of `calendar history`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schedules.promise import Promise
from schedules.slot import Slot


class What(StrEnum):
    """The kinds of ledger event."""

    ANNOUNCED = "announced"
    RE_DATED = "re-dated"
    TIME_CHANGED = "time-changed"
    SHORT_NOTICE = "short-notice"
    PRECISION_RAISED = "precision-raised"
    PRECISION_LOWERED = "precision-lowered"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    REINSTATED = "reinstated"
    CHANGED_AFTER_SLOT = "changed-after-slot"
    BACK_DATED = "back-dated"
    FIRST_SEEN_AFTER_SLOT = "first-seen-after-slot"
    CALENDARS_DISAGREE = "calendars-disagree"
    ZONE_DOUBT = "zone-doubt"
    UNLIKELY_DAY = "unlikely-day"
    UNANNOUNCED = "unannounced"
    RETITLED = "retitled"
    PERIOD_CHANGED = "period-changed"


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One thing that a read showed.

    `at` is the read that showed it; `since` the last earlier read that did not, so that it happened in
    `(since, at]`. `before` and `after` are the slots it concerns. `release` is empty for an event of
    a whole series.
    """

    what: What
    at: datetime
    calendar: str
    release: str = ""
    since: datetime | None = None
    before: Slot | None = None
    after: Slot | None = None
    detail: str = ""


def event_of(
    what: What, promise: Promise, before: Slot | None = None, detail: str = "", after: Slot | None = None
) -> LedgerEvent:
    """Return what the read showed that brought a promise; `detail` and `after` are the promise's own unless given."""
    at, since = promise.learnt, promise.unlearnt
    told, slot = detail or promise.why, after or promise.slot
    return LedgerEvent(what, at, promise.calendar, promise.release, since, before, slot, told)
