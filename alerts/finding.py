"""Facts about a release that went wrong, the input of `alerts`; `monitor/deliver/facts.py` makes
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from schedules.contract.verdict import JudgedRelease, PartVerdict
from schedules.times.interval import Bounds

ROLE_NAMES = {
    "html": "HTML version",
    "attachment": "attachment",
    "data": "data file",
    "alternative": "alternative address",
    "message": "message",
}
PART_TITLES = {
    "bulletin": "bulletin",
    "dashboard": "dashboard",
    "report": "report",
    "series": "time series",
    "table": "data table",
    "tables": "data tables",
}
"""What users call a part, by the word that is its id."""
PAGE_NAMES = {
    "announced": "announced page",
    "guessed": "page at the address guessed from its announcement",
    "led_to": "page that its announcement leads to",
    "found": "page found by its title",
}
"""Names of the landing page, by how its address is known."""


def part_label(name: str | None) -> str:
    """Return what to call a part if only its id is known."""
    return PAGE_NAMES["announced"] if name in (None, "page") else str(name)


def title_part(part: PartVerdict) -> str:
    """Return what users call a part, such as `data tables`: by its id, if that is words; else by
    its role.
    """
    words = part.id.split("-")
    if part.id in PART_TITLES:
        return PART_TITLES[part.id]
    if len(words) > 1 and all(word.isalpha() for word in words):
        return " ".join(words)
    return ROLE_NAMES.get(part.role, part.role)


def part_name(part: PartVerdict) -> str:
    """Return the name of a part in a sentence, such as `announced page` or `data file (tables)`."""
    role = ROLE_NAMES.get(part.role, part.role)
    if part.role == "page":
        role = PAGE_NAMES[part.address]
        # Once the release was found at a guessed address, that it was guessed no longer matters.
        if part.address == "guessed" and part.first_seen.by is not None:
            role = "landing page"
    return role if part.id in (part.role, "page") else f"{role} ({part.id})"


@dataclass(frozen=True, slots=True)
class BlindSpan:
    """A span in which the monitor could not see, and why."""

    begins: datetime
    ends: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure the measurements are: how many looks, where they were blind, and the evidence.

    `widest_gap` is the longest time in seconds without a proof until the page was seen, None
    if there were not two. `clock_offset` are the bounds of our clock's offset from the watched
    hosts' clocks. `records` are evidence ids with their SHA-256, `heads` the status and headers of
    those answers, if known. `monitor` is the monitor that measured, `others` those that share its
    store and contributed looks.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFacts(JudgedRelease):
    """Everything measured about one release that went wrong, as of `at`: addresses and times, never
    content.

    `slot` is None unless it is an instant, `slot_text` is how it was announced. `names` are the
    producers' names.
    """

    timezone: str
    slot: datetime | None
    slot_text: str
    certainty: Certainty = Certainty()
    names: tuple[str, ...] = ()

    @property
    def finding_kinds(self) -> frozenset[str]:
        """Return the kinds of its findings."""
        return frozenset(finding.kind for finding in self.findings)

    @property
    def is_exposed(self) -> bool:
        """Return whether something is public early now."""
        return any(exposure.open for exposure in self.exposures)

    @property
    def producer_names(self) -> str:
        """Return the names of its producers, or their ids without names."""
        return ", ".join(self.names or self.producers)

    @property
    def host(self) -> str:
        """Return the platform: the host of its address."""
        return urlsplit(self.url).hostname or ""

    @property
    def unread_since(self) -> datetime | None:
        """Return when the announced time was last read, None if that was shortly before the slot,
        as it should be.
        """
        read_at = self.confirmed
        if self.slot is None or read_at is None:
            return None
        # Calendars are read again four minutes before a slot.
        if min(self.slot, self.at) - read_at <= timedelta(minutes=10):
            return None
        return read_at
