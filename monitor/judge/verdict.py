"""The verdict on a release, its parts and its findings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alerts.finding import Due, Elsewhere, Exposure
from monitor.judge.policy import Grade
from monitor.judge.witnesses import DEFAULT_LAGS, Lags
from schedules.announcement import Address, Origin, Role
from schedules.slot import Slot
from schedules.times.interval import NOTHING, Bounds, Interval


class VerdictKind(StrEnum):
    """The verdict on a release or a part."""

    PENDING = "pending"
    ON_TIME = "on_time"
    LATE = "late"
    OVERDUE = "overdue"
    EARLY = "early"
    NOT_PUBLISHED = "not_published"
    UNPROVEN = "unproven"
    CANCELLED = "cancelled"
    MOVED = "moved"
    UNANNOUNCED = "unannounced"


class Kind(StrEnum):
    """The kinds of finding."""

    EARLY_EXPOSURE = "early_exposure"
    LATE = "late"
    PARTIAL = "partial"
    ELSEWHERE_FIRST = "elsewhere_first"
    SWAPPED = "swapped"
    WITHDRAWN = "withdrawn"
    CORRECTED = "corrected"
    STALE_EDGE = "stale_edge"
    CALENDARS_DISAGREE = "calendars_disagree"
    SHORT_NOTICE = "short_notice"
    UNANNOUNCED = "unannounced"
    PLATFORM = "platform"
    CLOCK_FAULT = "clock_fault"
    BLIND = "blind"
    PARTS_CUT = "parts_cut"
    PROMISE_IN_DOUBT = "promise_in_doubt"
    BROUGHT_FORWARD = "brought_forward"
    UNWATCHED = "unwatched"
    WRONG_EDITION = "wrong_edition"
    WRONG_CONTENT = "wrong_content"
    SPLIT_VIEW = "split_view"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the evidence shows about a release or a part, with its length in seconds if it has one.

    `at` is when it was seen or read. Only findings that may be notified long after the release have it.
    """

    kind: Kind
    part: str | None = None
    detail: str = ""
    seconds: Bounds | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PartVerdict:
    """The verdict on one part.

    `first_seen` is the earliest appearance that counts. `released` is the appearance at or after the slot; it differs
    if the part was exposed before. `delay` is relative to the slot, and None before first seen unless overdue.
    `early_bound`: if it was on time, it came at most this many seconds before the slot. `origin` is how the part is
    known. `users_delay` is how long after the slot users could get it, caches included.
    """

    id: str
    role: str
    url: str
    required: bool
    word: VerdictKind
    first_seen: Interval = NOTHING
    released: Interval = NOTHING
    delay: Bounds | None = None
    exposures: tuple[Exposure, ...] = ()
    unproven_because: str | None = None
    early_bound: float | None = None
    origin: Origin = Origin.ANNOUNCED
    users_delay: Bounds | None = None

    @property
    def can_be_late(self) -> bool:
        """Return whether the part can make its release late: it is required and no alternative address."""
        return self.required and self.role != Role.ALTERNATIVE.value

    @property
    def is_hidden(self) -> bool:
        """Return whether the part is out but no look has shown yet that users can get it."""
        is_out = self.delay is not None and self.delay.max is not None
        return is_out and self.users_delay is not None and self.users_delay.max is None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a release as of `at`.

    `slot` is the one in force, read from `source` at `announced`. `final`: later evidence is not expected to change the
    verdict. `revisit` is when it must be judged again without new evidence, or None if only evidence can change it.
    `address` is how `url` is known. `others` are further producers. `early_bound` is that of the page. `confirmed` is
    when the calendar last showed the promise, at its slot at the latest. `elsewhere` are other addresses at which it
    was public, earliest first. `due` is None unless its slot has passed without a verdict. `lags` are the assumed or
    measured lags of witnesses.
    """

    release: str
    title: str
    producer: str
    url: str
    calendars: tuple[str, ...]
    slot: Slot | None
    source: str | None
    announced: datetime | None
    word: VerdictKind
    grade: Grade
    final: bool
    at: datetime
    parts: tuple[PartVerdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    unproven_because: str | None = None
    revisit: datetime | None = None
    address: Address = Address.ANNOUNCED
    early_bound: float | None = None
    confirmed: datetime | None = None
    others: tuple[str, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    due: Due | None = None
    lags: Lags = DEFAULT_LAGS

    @property
    def producers(self) -> tuple[str, ...]:
        """Return all producers of the release."""
        return (self.producer, *self.others)

    @property
    def page(self) -> PartVerdict | None:
        """Return the verdict on the landing page, or None. Its first seen and delay are those of the release."""
        return next((part for part in self.parts if part.id == "page"), None)

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """Return every exposure of every part."""
        return tuple(exposure for part in self.parts for exposure in part.exposures)


def verdict_text(word: str) -> str:
    """Return a verdict in words: `not published`. It may be one that only a newer version knows."""
    return word.replace("_", " ")
