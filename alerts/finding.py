"""What went wrong, in numbers: the input of `alerts`, which `monitor/deliver/facts.py` makes from a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from schedules.times.interval import NOTHING, Bounds, Interval
from schedules.times.json import bounds_json, interval_json

LEAD = "lead"
"""What facts have in the place of a verdict, and their findings as a kind, where a person is asked to judge."""
ROLES: Mapping[str, str] = {
    "html": "HTML version",
    "attachment": "attachment",
    "data": "data file",
    "alternative": "alternative address",
    "message": "message",
}
PAGES: Mapping[str, str] = {
    "announced": "announced page",
    "guessed": "page at the address guessed from its announcement",
    "led_to": "page that its announcement leads to",
    "found": "page found by its title",
}
"""What to call the landing page, by how its address is known."""
# Calendars are read again four minutes before a slot: whatever was not has gone unread.
_LATELY = timedelta(minutes=10)


class Ended(StrEnum):
    """Why an exposure ended: the part was removed, its slot came, or the looks do not show which."""

    REMOVED = "removed"
    SLOT = "slot"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Exposure:
    """A span in which a part was public before its slot. `to` is empty while it is open.

    `ended` is None while it is open, and for an exposure that was stored before the reason was recorded.
    """

    part: str
    start: Interval
    to: Interval
    seconds: Bounds
    open: bool
    ended: Ended | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the exposure as the API, webhooks and stored verdicts publish it."""
        return {
            "part": self.part,
            "from": interval_json(self.start),
            "to": interval_json(self.to),
            "seconds": bounds_json(self.seconds),
            "open": self.open,
            "ended": None if self.ended is None else self.ended.value,
        }


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A span in which an alternative address had the release. `to` is empty while it is still there."""

    part: str
    url: str
    start: Interval
    to: Interval = NOTHING

    def as_json(self) -> dict[str, Any]:
        """Return the span as the API, webhooks and stored verdicts publish it."""
        return {"part": self.part, "url": self.url, "from": interval_json(self.start), "to": interval_json(self.to)}


@dataclass(frozen=True, slots=True)
class Due:
    """A part that was not seen `seconds` after its slot, and has no verdict yet.

    `got` is what the last look got, `looks` how many got the same in a row. `is_confirming` is whether the tolerance is
    over and only witnesses, which may be behind, can show that it is late.
    """

    part: str
    seconds: float
    got: str
    looks: int
    is_confirming: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as the API publishes it."""
        return {"part": self.part, "seconds": round(self.seconds, 3), "got": self.got, "looks": self.looks}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the release and what was measured of it.

    `early_bound` is how many seconds before the slot absence was last proved: what came on time came no earlier.
    `address` is how that of the page is known, in the interface's words. `users_delay` is how long after the slot users
    could get it, caches included; None in facts that were stored before it was measured.
    """

    id: str
    role: str
    url: str
    required: bool
    verdict: str
    first_seen: Interval = NOTHING
    released: Interval = NOTHING
    delay: Bounds | None = None
    exposures: tuple[Exposure, ...] = ()
    early_bound: float | None = None
    address: str = "announced"
    users_delay: Bounds | None = None

    @property
    def wait(self) -> Bounds | None:
        """Return how long after the slot users could get it, caches included."""
        return self.delay if self.users_delay is None else self.users_delay

    @property
    def is_hidden(self) -> bool:
        """Tell whether users are known to have waited for it longer than its publisher took."""
        wait, own = self.users_delay, self.delay
        if wait is None or wait.min is None or wait == own:
            return False
        return own is None or own.max is None or wait.min > own.max


def part_called(name: str | None) -> str:
    """Return what to call a part of which only the id is known."""
    return PAGES["announced"] if name in (None, "page") else str(name)


def part_name(part: Part) -> str:
    """Return what to call a part in a sentence: `announced page`, `data file (tables)`."""
    # Where the release was found, how its address was known has been told once.
    is_found = part.address == "guessed" and part.first_seen.by is not None
    page = "landing page" if is_found else PAGES[part.address]
    role = page if part.role == "page" else ROLES.get(part.role, part.role)
    return role if part.id in (part.role, "page") else f"{role} ({part.id})"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; `kind` is one of the words of the interface (`late`, `early_exposure`, `lead`, …).

    `at` is the look by which it had come about, where several are told together that came about together. `url` is
    the address that a lead asks people to look at.
    """

    kind: str
    part: str | None = None
    detail: str = ""
    seconds: Bounds | None = None
    at: datetime | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class BlindSpan:
    """A span in which the monitor could not see, and why."""

    begins: datetime
    ends: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure we are: what was done to measure, and where it was blind.

    `widest_gap` is the longest time in seconds that was measured between two looks at the page around its slot, None
    when there were not two; `clock_offset` the bounds of our clock's
    offset from the watched hosts' clocks. `records` are evidence ids with their SHA-256, `heads` what the
    answers in them said of themselves: status and headers, where this is known. `monitor` measured; `others` share
    its store, and what they saw counts too.
    """

    monitor: str = ""
    looks: int = 0
    failed_looks: int = 0
    widest_gap: float | None = None
    clock_offset: Bounds | None = None
    blind: tuple[BlindSpan, ...] = ()
    records: tuple[tuple[str, str], ...] = ()
    heads: tuple[tuple[str, str], ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """Everything a machine knows about one release that went wrong, as of `at`.

    `verdict` is a word of the interface, or `LEAD`, which is no verdict: then nothing is said against the release.
    Holds addresses and times, never content. `slot` is None unless the slot is an instant; `slot_text`
    is how it was announced, `slot_source` where, `slot_learnt` when, `confirmed` when it was last known to stand.
    `others` are further producers, whose release it is as well, `address` tells how `url` is known. `elsewhere` is
    where else it was public, the first one first. `due` is None unless its slot passed and it has no verdict yet.
    `names` are those of its producers.
    """

    release: str
    title: str
    producer: str
    url: str
    timezone: str
    slot: datetime | None
    slot_text: str
    slot_source: str | None
    slot_learnt: datetime | None
    verdict: str
    grade: str
    final: bool
    at: datetime
    parts: tuple[Part, ...] = ()
    findings: tuple[Finding, ...] = ()
    unproven_because: str | None = None
    certainty: Certainty = Certainty()
    confirmed: datetime | None = None
    others: tuple[str, ...] = ()
    address: str = "announced"
    elsewhere: tuple[Elsewhere, ...] = ()
    due: Due | None = None
    names: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """Return what its producers are called; by their ids where no one has named them."""
        return ", ".join(self.names or self.producers)

    @property
    def producers(self) -> tuple[str, ...]:
        """Return everyone whose it is."""
        return (self.producer, *self.others)

    @property
    def unread_since(self) -> datetime | None:
        """Return when the announced time was last known to stand, None where that was shortly before it counted."""
        if self.slot is None or self.confirmed is None:
            return None
        return self.confirmed if min(self.slot, self.at) - self.confirmed > _LATELY else None

    @property
    def page(self) -> Part | None:
        """Return the landing page, whose first seen and delay are the release's."""
        return next((part for part in self.parts if part.id == "page"), None)

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """Return every exposure of every part."""
        return tuple(exposure for part in self.parts for exposure in part.exposures)
