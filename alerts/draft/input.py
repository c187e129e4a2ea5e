"""The facts and settings from which a draft is filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.draft.code import Edition, Practice
from alerts.finding import ReleaseFacts
from alerts.incident import Incident
from schedules.contract.verdict import PartVerdict
from schedules.times.words import day_text
from schedules.times.zone import local_date


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """What is known of the series of a release: the ids of its earlier incidents, how many editions
    in a row were late, this one included, and the last edition with its day.
    """

    incidents: frozenset[str] = frozenset()
    late_in_row: int = 0
    last_edition: str = ""


@dataclass(frozen=True, slots=True)
class DraftInput:
    """An incident with the practices it concerns, the producer's settings and earlier incidents.

    `settings` can contain `name`, `head_of_profession`, `contact`, `to` and `slot_time_reference`.
    `kinds` are kinds of finding. `requested_facts` are the facts that the questions of the form ask
    for. `typed` are the texts that people wrote into the draft, by id of field or step.
    `recorded_since` is the time of the first record of evidence, None if unknown.
    """

    incident: Incident
    settings: Mapping[str, str]
    previous: Sequence[Incident]
    now: datetime
    edition: Edition
    practices: Sequence[Practice]
    kinds: Sequence[str]
    requested_facts: frozenset[str] = frozenset()
    typed: Mapping[str, str] = field(default_factory=dict)
    series: SeriesRecord = SeriesRecord()
    recorded_since: datetime | None = None

    @property
    def facts(self) -> ReleaseFacts | None:
        """Return the facts of the release, or None if the incident concerns no watched release."""
        return self.incident.facts

    @property
    def measured_facts(self) -> ReleaseFacts | None:
        """Return `facts` if the incident was measured, None if a person logged it."""
        return self.incident.measured

    @property
    def title(self) -> str:
        """Return the title of the release, or of an incident that concerns no watched release."""
        return self.facts.title if self.facts else self.incident.title

    @property
    def producer_name(self) -> str:
        """Return the configured name of the producer, or its id."""
        return self.settings.get("name") or self.incident.producer

    @property
    def is_outside_code(self) -> bool:
        """Return whether the Code of Practice does not bind the producer."""
        return self.incident.producer in self.edition.outside

    @property
    def timezone(self) -> str:
        """Return the zone in which people read times."""
        return self.incident.timezone

    def local_day(self, at: datetime) -> str:
        """Return the local date of an instant in words."""
        return day_text(local_date(at, self.timezone))


def sort_parts(facts: ReleaseFacts) -> list[PartVerdict]:
    """Return the parts of a release: the announced page first, alternative addresses last."""
    return sorted(
        facts.parts,
        key=lambda part: (part.role == "alternative", part.role != "page", part.id != "page"),
    )
