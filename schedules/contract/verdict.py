"""The verdict on a release, its parts and its findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Final, Literal

from schedules.announcement import Address, Origin, Role
from schedules.times.interval import NOTHING, Bounds, Interval
from schedules.times.json import Json, fields_json, interval_json

LEAD: Final = "lead"
"""The verdict and finding of facts that a person must judge. It accuses no one."""


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


LATE_VERDICTS = (VerdictKind.LATE, VerdictKind.OVERDUE, VerdictKind.NOT_PUBLISHED)
"""The verdicts on a part that users had, or have, to wait for."""


class FindingKind(StrEnum):
    """What the evidence shows (`docs/verdicts.md#findings`)."""

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
    MARKED_DRAFT = "marked_draft"
    PERSONAL_METADATA = "personal_metadata"
    NOT_ACCESSIBLE = "not_accessible"
    SPLIT_VIEW = "split_view"


class Grade(StrEnum):
    """How serious a late or early release is: nothing, a short note, or a breach report."""

    NONE = "none"
    NOTE = "note"
    REPORT = "report"


def choose_worst_grade(grades: Iterable[str]) -> Grade:
    """Return the worst grade, or `none` for an empty list."""
    return max(map(Grade, grades), key=list(Grade).index, default=Grade.NONE)


class Ended(StrEnum):
    """Why an exposure ended."""

    REMOVED = "removed"
    SLOT = "slot"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Exposure:
    """A span in which a part was public before its slot. `to` is empty while it is open.

    `ended` is None then, and if an older version stored it.
    """

    part: str
    start: Interval
    to: Interval
    seconds: Bounds
    open: bool
    ended: Ended | None = None

    def as_json(self) -> Json:
        """Return the exposure as published."""
        begins = {"part": self.part, "from": interval_json(self.start)}
        return begins | fields_json(self, "to", "seconds", "open", "ended")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A span in which an alternative address had the release. `to` is empty while it has."""

    part: str
    url: str
    start: Interval
    to: Interval = NOTHING

    def as_json(self) -> Json:
        """Return the span as published."""
        return {
            "part": self.part,
            "url": self.url,
            "from": interval_json(self.start),
            "to": interval_json(self.to),
        }


@dataclass(frozen=True, slots=True)
class Due:
    """A part without a verdict that was not seen `seconds` after its slot.

    `looks` in a row had the last result, `got`. `is_confirming`: the tolerance is over, and only
    witnesses, which may lag, can show that it is late.
    """

    part: str
    seconds: float
    got: str
    looks: int
    is_confirming: bool = False

    def as_json(self) -> Json:
        """Return the part as the API has it."""
        return {
            "part": self.part,
            "seconds": round(self.seconds, 3),
            "got": self.got,
            "looks": self.looks,
        }


@dataclass(frozen=True, slots=True)
class Readings:
    """What the doubtful text of a calendar can mean, as clock times, and by whom and when it was
    settled.
    """

    text: str
    times: tuple[datetime, ...] = ()
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShownSince:
    """What a calendar shows in place of a slot that still counts, because it changed too late or
    after an exposure. It was read at `at`.
    """

    at: datetime
    slot: datetime | None = None
    text: str = ""
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the evidence shows about a release or a part.

    `at` is when it was seen or read, if it may be notified long after the release, or, of
    `stale_edge`, by when its publisher had it out. `url` is the address that a lead asks people to
    open. `is_readable`: what was withdrawn can still be read. `instead` is what a file is that is
    not this release's: another period, another title or a mark.
    """

    kind: FindingKind | Literal["lead"]
    part: str | None = None
    detail: str = ""
    seconds: Bounds | None = None
    at: datetime | None = None
    url: str = ""
    is_readable: bool = False
    instead: str = ""

    def as_json(self) -> Json:
        """Return the finding as published."""
        return fields_json(self, "kind", "part", "detail", "seconds")


@dataclass(frozen=True, slots=True)
class PartVerdict:
    """The verdict on one part and its measurements."""

    id: str
    role: str
    url: str
    required: bool
    verdict: VerdictKind
    first_seen: Interval = NOTHING
    """The earliest appearance that counts."""
    released: Interval = NOTHING
    """The appearance at or after the slot."""
    delay: Bounds | None = None
    """From the slot. None before that, unless overdue."""
    exposures: tuple[Exposure, ...] = ()
    unproven_because: str | None = None
    early_bound: float | None = None
    """If on time, how many seconds before the slot it came at most."""
    origin: Origin = Origin.ANNOUNCED
    address: Address = Address.ANNOUNCED
    users_delay: Bounds | None = None
    """As `delay` for users, caches included. None in older facts."""
    seen_until: datetime | None = None
    """Set if the last look did not show it."""
    was_in_place: bool = False
    """Whether something was at its address from before the slot on."""
    changed: Interval = NOTHING
    """When what was in place first changed since the slot."""
    entry: str = ""
    """The address of the entry if `url` is a feed's."""
    had_other_content: bool = False
    """Whether its address, while it was absent, answered with something else."""

    @property
    def shown_at(self) -> str:
        """Return the address at which people can read it."""
        return self.entry or self.url

    @property
    def is_exposed(self) -> bool:
        """Return whether it is still public early."""
        return any(exposure.open for exposure in self.exposures)

    @property
    def can_be_late(self) -> bool:
        """Return whether it is required and not an alternative address."""
        return self.required and self.role != Role.ALTERNATIVE.value

    @property
    def wait(self) -> Bounds | None:
        """Return users' delay, or the publisher's if that is not measured."""
        if self.users_delay is None:
            return self.delay
        return self.users_delay

    @property
    def is_unseen_by_users(self) -> bool:
        """Return whether it is out but not yet shown to users."""
        is_out = self.delay is not None and self.delay.max is not None
        return is_out and self.users_delay is not None and self.users_delay.max is None

    @property
    def is_hidden(self) -> bool:
        """Return whether a cache provably kept it from users for longer than its publisher did."""
        users, publisher = self.users_delay, self.delay
        if users is None or users.min is None or users == publisher:
            return False
        return publisher is None or publisher.max is None or users.min > publisher.max

    def as_json(self) -> Json:
        """Return the part as published. Webhooks have fewer keys."""
        known = fields_json(
            self, "id", "role", "origin", "url", "required", "verdict", "first_seen", "released"
        )
        measured = fields_json(
            self, "delay", "users_delay", "early_bound", "exposures", "unproven_because"
        )
        return known | measured


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRelease:
    """A release and the verdict on it as of `at`."""

    release: str
    title: str
    producer: str
    others: tuple[str, ...] = ()
    """Further producers."""
    url: str
    address: Address = Address.ANNOUNCED
    slot_source: str | None
    """The calendar of the slot in force."""
    slot_learnt: datetime | None
    """When the slot was first read there."""
    confirmed: datetime | None = None
    """When the slot was last read there, at the slot at the latest."""
    verdict: VerdictKind | Literal["lead"]
    unproven_because: str | None = None
    grade: Grade
    final: bool
    """Whether the verdict is not expected to change."""
    at: datetime
    parts: tuple[PartVerdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    """Alternatives where it was public, in order."""
    due: Due | None = None
    """Set if the slot has passed without a verdict."""
    readings: Readings | None = None
    """Set if the slot's text is or was in doubt."""
    shown_since: ShownSince | None = None
    """Set if the slot changed too late."""

    @property
    def producers(self) -> tuple[str, ...]:
        """Return the ids of all its producers."""
        return (self.producer, *self.others)

    @property
    def page(self) -> PartVerdict | None:
        """Return the verdict on the landing page, or None.

        Its first seen and delay are those of the release.
        """
        return next((part for part in self.parts if part.id == "page"), None)

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """Return every exposure of every part."""
        return tuple(exposures_of(self.parts))

    @property
    def is_exposed(self) -> bool:
        """Return whether any part is still public early."""
        return any(part.is_exposed for part in self.parts)

    def has_finding(self, *kinds: str) -> bool:
        """Return whether it has a finding of one of these kinds."""
        return any(finding.kind in kinds for finding in self.findings)


def exposures_of(parts: Iterable[PartVerdict]) -> list[Exposure]:
    """Return every exposure of these parts."""
    return list(chain.from_iterable(part.exposures for part in parts))


def verdict_text(word: str) -> str:
    """Return a verdict in words: `not published`. It may be one that only a newer version knows."""
    return word.replace("_", " ")
