"""A period as CSV and JSON: its releases and, in JSON, its counts and faults."""

from __future__ import annotations

import csv
import io
from itertools import chain

from alerts.by_hand import logged_end
from alerts.claim import claim_json
from alerts.draft.history import describe_outcome
from alerts.draft.pattern import charts_json
from alerts.draft.period import (
    Period,
    PlatformFault,
    Row,
    count_verdicts,
    find_platform_faults,
    list_early_bounds,
    measure_punctuality,
)
from alerts.incident import Incident
from alerts.one_line import csv_cell
from alerts.platform import platform_id
from schedules.times.interval import Bounds
from schedules.times.json import Json, bounds_json, fields_json, instant_json

COLUMNS = (
    "release",
    "title",
    "producer",
    "url",
    "slot",
    "verdict",
    "first_seen_after",
    "first_seen_by",
    "delay_min",
    "delay_max",
    "exposure_min",
    "exposure_max",
    "practice",
    "cause",
    "incident",
    "early_bound",
    "decided",
    "claimed",
    "logged",
    "precision",
)


def period_csv(period: Period) -> bytes:
    """Return every release of the period as CSV in UTF-8 with a header; instants in UTC, durations
    in seconds.

    Then follow incidents logged by hand and publishers' claims, with no verdict and the time in
    `logged` or `claimed`.
    """
    content = io.BytesIO()
    text = io.TextIOWrapper(content, "utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    incidents = map(_logged_json, period.logged)
    logged = (
        {**each, "logged": each["occurred"], "url": " ".join(each["urls"])} for each in incidents
    )
    claimed = (
        {**claim, "claimed": claim["first_published"]} for claim in map(claim_json, period.claims)
    )
    for record in chain(map(_row_json, period.rows), logged, claimed):
        writer.writerow([csv_cell(record.get(name)) for name in COLUMNS])
    text.flush()
    return content.getvalue()


def _row_json(row: Row) -> Json:
    delay, exposure = row.delay or Bounds(), row.exposure or Bounds()
    names = (
        "release",
        "title",
        "producer",
        "url",
        "verdict",
        "practice",
        "cause",
        "incident",
        "decided",
    )
    return fields_json(row, *names, "slot", "precision") | {
        "first_seen_after": instant_json(row.first_seen.after),
        "first_seen_by": instant_json(row.first_seen.by),
        "early_bound": row.early_bound,
        "delay_min": delay.min,
        "delay_max": delay.max,
        "exposure_min": exposure.min,
        "exposure_max": exposure.max,
    }


def period_json(period: Period) -> Json:
    """Return the period as JSON values: bounds, counts, punctuality, faults of platforms, and each
    release.
    """
    indicator = measure_punctuality(period)
    return {
        "from": period.begins.isoformat(),
        "to": period.ends.isoformat(),
        "producer": period.producer or None,
        "host": period.host or None,
        "series": period.series or None,
        "counts": count_verdicts(period),
        "punctuality": {
            "judged": indicator.judged,
            "on_time": indicator.on_time,
            # How many of the releases on time were perhaps early: no look proved absence shortly
            # before their slot.
            "on_time_unsure": len(list_early_bounds(period)),
            "share_on_time": indicator.share,
            "mean_delay": bounds_json(indicator.mean),
            # how many delays are not known well enough for the mean
            "mean_leaves_out": len(indicator.left_out),
        },
        "platform_incidents": [_platform_fault_json(each) for each in find_platform_faults(period)],
        "releases": [_row_json(row) for row in period.rows],
        "logged": [_logged_json(incident) for incident in period.logged],
        "claims": [claim_json(claim) for claim in period.claims],
        "patterns": charts_json(period),
    }


def _logged_json(incident: Incident) -> Json:
    """Return an incident that a person logged, not the monitor, as JSON values.

    `words` are what they typed, by key.
    """
    return {
        "incident": incident.id,
        "release": incident.release or None,
        **fields_json(incident, "title", "producer"),
        "urls": incident.words.get("url", "").splitlines(),
        "occurred": instant_json(incident.occurred),
        "ended": instant_json(logged_end(incident)),
        "what": describe_outcome(incident),
        "grade": incident.grade,
        "cause": incident.words.get("cause"),
    }


def _platform_fault_json(fault: PlatformFault) -> Json:
    return {
        "id": platform_id(fault.host, fault.begins),
        "host": fault.host,
        "slot": instant_json(fault.begins),
        "ends": instant_json(fault.ends),
        "causes": list(fault.causes),
        "producers": sorted({row.producer for row in fault.rows}),
        "releases": [row.release for row in fault.rows],
        "incidents": [row.incident for row in fault.rows if row.incident],
    }
