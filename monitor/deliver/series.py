"""What is known of the series of a release: its earlier incidents, and late editions in a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from alerts.draft.input import SeriesRecord
from alerts.incident import Incident
from monitor.store.sql.read import VerdictStore
from schedules.contract.verdict import LATE_VERDICTS
from schedules.regular_series import series_of

_LOOKED_BACK = timedelta(days=800)


def find_series_record(
    verdicts: VerdictStore, incident: Incident, earlier: Sequence[Incident]
) -> SeriesRecord:
    """Return the record of the series of an incident's release.

    `earlier` are incidents that its draft may cite. Without one of the series, nothing is read.
    """
    facts = incident.facts
    series = series_of(incident.producer, incident.title)
    if not series[1]:  # a title that is only a period names no series
        return SeriesRecord()
    same = frozenset(one.id for one in earlier if series_of(one.producer, one.title) == series)
    if not same or facts is None or facts.slot is None or incident.kind not in ("late", "partial"):
        return SeriesRecord(same)
    late_in_row = 1
    before = verdicts.judged(facts.slot - _LOOKED_BACK, facts.slot, producer=incident.producer)
    for edition in reversed(before):
        if series_of(edition.producer, edition.body["title"]) != series:
            continue
        if edition.word not in LATE_VERDICTS:
            break
        late_in_row += 1
    return SeriesRecord(same, late_in_row)
