"""Tolerances and grades, per producer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo

from pydantic import model_validator

from alerts.finding import ReleaseFacts
from monitor.plan.targets import MOST_PARTS
from schedules.contract.verdict import Grade
from schedules.release import Release
from schedules.times.interval import Bounds
from schedules.values import Duration, Table, TimeOfDay, at_least, find_shorter, refuse_any
from schedules.workdays import ENGLAND, Workdays

T = TypeVar("T")
FileFinding = Literal[
    "wrong_edition", "wrong_content", "marked_draft", "personal_metadata", "not_accessible"
]
FILE_FINDINGS: tuple[FileFinding, ...] = get_args(FileFinding)
"""The findings from what is read inside files."""


@dataclass(frozen=True, slots=True)
class UsualTime:
    """A granted release time, the `reference` of its approval, and patterns of its releases (`*`:
    any text).
    """

    time: time
    reference: str
    producer: str = "*"
    title: str = "*"
    url: str = "*"

    def fits(self, thing: Release | ReleaseFacts, slot: datetime | None, timezone: str) -> bool:
        """Return whether a release matches the patterns and its slot has this local time."""
        if slot is None or slot.astimezone(ZoneInfo(timezone)).time() != self.time:
            return False
        matches_producer = any(fnmatchcase(producer, self.producer) for producer in thing.producers)
        return (
            matches_producer
            and fnmatchcase(thing.title, self.title)
            and fnmatchcase(thing.url, self.url)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """How a release is judged."""

    on_time_within: timedelta = timedelta(seconds=60)
    """The tolerance after the slot."""
    note_within: timedelta = timedelta(minutes=5)
    """A release later than this gets a report."""
    uncertainty: timedelta = timedelta(seconds=1)
    """How wrong our clock may be. Content seen before the slot by less is not early."""
    closes_after: timedelta = timedelta(days=14)
    """How long after its slot the watch ends for a release that never appears."""
    short_notice: timedelta = timedelta(days=28)
    """A change announced less than this ahead is a finding."""
    grace: timedelta = timedelta(seconds=30)
    """How long after the tolerance evidence may still arrive."""
    most_parts: int = MOST_PARTS
    """How many parts of a release are watched at most."""
    confirmed_within: timedelta = timedelta(minutes=30)
    """How long before its slot a promise must be confirmed at the earliest."""
    workdays: Workdays = ENGLAND
    """Those of the producer's nation."""
    on_file: tuple[UsualTime, ...] = ()
    """Granted times."""
    file_findings: Sequence[FileFinding] = FILE_FINDINGS
    """What is looked for inside files."""


class PolicyTable(Table):
    """How releases of one producer are judged.

    NAME is its id. Keys that you leave out are taken from `[policy]`.
    """

    on_time_within: Duration | None = None
    """As in `[policy]`."""
    note_within: Duration | None = None
    """As in `[policy]`."""
    default_time: TimeOfDay | None = None
    """As in `[policy]`."""
    file_findings: list[FileFinding] | None = None
    """As in `[policy]`."""


class PolicySettings(PolicyTable):
    """How releases are judged and graded."""

    on_time_within: Duration = timedelta(seconds=60)
    """A release that is seen within this time after its slot is on time."""
    note_within: Duration = timedelta(minutes=5)
    """A later release that is seen within this time has the grade `note`, any other the grade
    `report`.
    """
    default_time: TimeOfDay = time(9, 30)
    """If only a day was announced, the release is watched most closely around this time."""
    short_notice: Duration = timedelta(days=28)
    """A slot announced, moved or cancelled with less notice than this gets the finding
    `short_notice`.
    """
    confirmed_within: Annotated[Duration, at_least(timedelta(minutes=5))] = timedelta(minutes=30)
    """A usable read of the calendar at most this long before a slot must confirm it, else it is
    `unproven`. At least five minutes, because the last read is about four minutes before.
    """
    expect_editions: bool = True
    """Whether you are notified if a regular series' next edition is not announced in time."""
    file_findings: list[FileFinding] = list(FILE_FINDINGS)
    """Which faults are looked for inside published files. `[]` reads no file."""
    producer: dict[str, PolicyTable] = {}

    @model_validator(mode="after")
    def _check_order(self) -> PolicySettings:
        on_time, note = self.on_time_within, self.note_within
        faults = find_shorter("note_within", note, "on_time_within", on_time)
        for producer, table in self.producer.items():
            own_on_time = on_time
            if table.on_time_within is not None:
                own_on_time = table.on_time_within
            own_note = note
            if table.note_within is not None:
                own_note = table.note_within
            if table.on_time_within is not None or table.note_within is not None:
                key = f"producer.{producer}.note_within"
                faults += find_shorter(key, own_note, "its on_time_within", own_on_time)
        refuse_any(faults)
        return self


@dataclass(frozen=True, slots=True)
class Policies:
    """The general policy, the table `[policy]` with what producers change, and for each producer
    the working days of its nation.
    """

    general: Policy = Policy()
    table: PolicySettings = field(default_factory=PolicySettings)
    workdays: Mapping[str, Workdays] = field(default_factory=dict)

    def of(self, release: Release) -> Policy:
        """Return the policy of a release: that of its first producer with a value for a setting."""
        producers = release.producers
        changes = self.table.producer
        tables = [changes[producer] for producer in producers if producer in changes]
        return replace(
            self.general,
            on_time_within=self.tolerance(producers),
            note_within=_first_set(
                (table.note_within for table in tables), self.general.note_within
            ),
            workdays=_first_set(map(self.workdays.get, producers), self.general.workdays),
            file_findings=_first_set(
                (table.file_findings for table in tables), self.general.file_findings
            ),
        )

    def tolerance(self, producers: Sequence[str]) -> timedelta:
        """Return within what a release of these producers is on time."""
        changes = (self.table.producer.get(producer) for producer in producers)
        within = (table.on_time_within for table in changes if table is not None)
        return _first_set(within, self.general.on_time_within)


def _first_set(values: Iterable[T | None], default: T) -> T:
    return next((value for value in values if value is not None), default)


def grade_delay(seconds: Bounds | None, policy: Policy) -> Grade:
    """Return the grade of a delay by its upper bound, or by its lower bound while it still
    grows.
    """
    # The regulator states no tolerance; the grades are ours (`docs/verdicts.md#grades`).
    if seconds is None:
        return Grade.NONE
    length = seconds.min if seconds.max is None else seconds.max
    if length is None or length <= policy.on_time_within.total_seconds():
        return Grade.NONE
    if length <= policy.note_within.total_seconds():
        return Grade.NOTE
    return Grade.REPORT
