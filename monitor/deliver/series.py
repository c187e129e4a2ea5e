"""What is known of the series of a release: its earlier incidents, and late editions in a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile

from alerts.draft.input import SeriesRecord
from alerts.incident import Incident
from monitor.store.rows import Judged
from monitor.store.sql.read import VerdictStore
from schedules.contract.verdict import LATE_VERDICTS
from schedules.regular_series import series_of
from schedules.times.json import instant_from_json
from schedules.times.words import day_text
from schedules.times.zone import local_date

PUBLISHED = ("on_time", "late", "early")
"""Verdicts on an edition that was published."""
_LOOKED_BACK = timedelta(days=800)


def find_series_record(
    verdicts: VerdictStore, incident: Incident, earlier: Sequence[Incident]
) -> SeriesRecord:
    """Return the record of the series of an incident's release.

    `earlier` are incidents that its draft may cite.
    """
    facts = incident.measured
    series = series_of(incident.producer, incident.title)
    if not series[1]:  # a title that is only a period names no series
        return SeriesRecord()
    same = frozenset(one.id for one in earlier if series_of(one.producer, one.title) == series)
    if facts is None or facts.slot is None:
        return SeriesRecord(same)
    before = verdicts.judged(facts.slot - _LOOKED_BACK, facts.slot, producer=incident.producer)
    editions = [
        edition
        for edition in reversed(before)
        if edition.release != incident.release
        and series_of(edition.producer, edition.body["title"]) == series
    ]
    late_in_row = 0
    if same and incident.kind in ("late", "partial"):
        late_before = takewhile(lambda edition: edition.word in LATE_VERDICTS, editions)
        late_in_row = 1 + len([*late_before])
    published = (edition for edition in editions if edition.word in PUBLISHED)
    return SeriesRecord(same, late_in_row, _describe_edition(next(published, None), facts.timezone))


def _describe_edition(edition: Judged | None, timezone: str) -> str:
    """Return the title of an edition and the day on which it came; empty without one."""
    if edition is None:
        return ""
    first_seen = edition.body.get("first_seen") or {}
    came = instant_from_json(first_seen.get("by")) or edition.slot
    day = ""
    if came is not None:
        day = f", {day_text(local_date(came, timezone))}"
    return f"“{edition.body['title']}”{day}"
