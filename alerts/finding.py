"""Facts about a release that went wrong, the input of `alerts`; `monitor/deliver/facts.py` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from schedules.times.interval import NOTHING, Bounds, Interval
from schedules.times.json import bounds_json, interval_json

LEAD = "lead"
"""The verdict, and the kind of finding, of facts that a person must judge."""
ROLE_NAMES: Mapping[str, str] = {
    "html": "HTML version",
    "attachment": "attachment",
    "data": "data file",
    "alternative": "alternative address",
    "message": "message",
}
PAGE_NAMES: Mapping[str, str] = {
    "announced": "announced page",
    "guessed": "page at the address guessed from its announcement",
    "led_to": "page that its announcement leads to",
    "found": "page found by its title",
}
"""Names of the landing page, by how its address is known."""
# Calendars are read again four minutes before a slot. An older read missed that one.
_FRESH_READ = timedelta(minutes=10)


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
    """A span in which an alternative address had the release. `to` is empty while it still has it."""

    part: str
    url: str
    start: Interval
    to: Interval = NOTHING

    def as_json(self) -> dict[str, Any]:
        """Return the span as the API, webhooks and stored verdicts publish it."""
        return {"part": self.part, "url": self.url, "from": interval_json(self.start), "to": interval_json(self.to)}


@dataclass(frozen=True, slots=True)
class Due:
    """A part without a verdict that was not seen `seconds` after its slot.

    `got` is the result of the last look, `looks` how many in a row had it. `is_confirming` is whether the tolerance is
    over and only witnesses, which may lag, can show that it is late.
    """

    part: str
    seconds: float
    got: str
    looks: int
    is_confirming: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the part as the API publishes it."""
        return {"part": self.part, "seconds": round(self.seconds, 3), "got": self.got, "looks": self.looks}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the release and its measurements.

    `early_bound` is how many seconds before the slot absence was last proved, so a part on time came no earlier.
    `address` says how the address is known: a key of `PAGE_NAMES`. `users_delay` is how long after the slot users could
    get it, caches included. It is None in facts that were stored before it was measured.
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
        """Return how long after the slot users could get it, caches included; the publisher's delay if not measured."""
        return self.delay if self.users_delay is None else self.users_delay

    @property
    def is_hidden(self) -> bool:
        """Return whether a cache is known to have kept it from users for longer than its publisher did."""
        users, publisher = self.users_delay, self.delay
        if users is None or users.min is None or users == publisher:
            return False
        return publisher is None or publisher.max is None or users.min > publisher.max


def part_label(name: str | None) -> str:
    """Return what to call a part if only its id is known."""
    return PAGE_NAMES["announced"] if name in (None, "page") else str(name)


def part_name(part: Part) -> str:
    """Return the name of a part in a sentence, such as `announced page` or `data file (tables)`."""
    # Once the release was found at a guessed address, that it was guessed no longer matters.
    is_found = part.address == "guessed" and part.first_seen.by is not None
    page = "landing page" if is_found else PAGE_NAMES[part.address]
    role = page if part.role == "page" else ROLE_NAMES.get(part.role, part.role)
    return role if part.id in (part.role, "page") else f"{role} ({part.id})"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, such as `late`, `early_exposure` or `lead`: its `kind` has these published names.

    `at` is the look that showed it, used to group findings of one moment. `url` is the address that a lead asks people
    to open.
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
    """How sure the measurements are: how many looks, where they were blind, and the evidence.

    `widest_gap` is the longest time in seconds between two looks at the page around its slot, None if there were not
    two. `clock_offset` are the bounds of our clock's offset from the watched hosts' clocks. `records` are evidence ids
    with their SHA-256, `heads` the status and headers of those answers, if known. `monitor` is the monitor that
    measured, `others` those that share its store and contributed looks.
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
    """Everything measured about one release that went wrong, as of `at`: addresses and times, never content.

    `verdict` is a published verdict, or `LEAD`, which accuses no one. `slot` is None unless it is an instant.
    `slot_text` is how the slot was announced, `slot_source` in which calendar, `slot_learnt` when it was first read,
    `confirmed` when it was last read unchanged. `others` are further producers of the release. `address` says how
    `url` is known. `elsewhere` are alternatives where it was public, the first one first. `due` is None unless the
    slot has passed without a verdict. `names` are the producers' names.
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
    def producer_names(self) -> str:
        """Return the names of its producers, or their ids without names."""
        return ", ".join(self.names or self.producers)

    @property
    def producers(self) -> tuple[str, ...]:
        """Return the ids of all its producers."""
        return (self.producer, *self.others)

    @property
    def unread_since(self) -> datetime | None:
        """Return when the announced time was last read, None if that was shortly before the slot, as it should be."""
        if self.slot is None or self.confirmed is None:
            return None
        return self.confirmed if min(self.slot, self.at) - self.confirmed > _FRESH_READ else None

    @property
    def page(self) -> Part | None:
        """Return the landing page, or None. Its first seen and delay are those of the release."""
        return next((part for part in self.parts if part.id == "page"), None)

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """Return every exposure of every part."""
        return tuple(exposure for part in self.parts for exposure in part.exposures)
