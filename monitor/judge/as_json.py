"""A verdict as the JSON of one release that other people's tools rely on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from monitor.judge.verdict import Exposure, Finding, PartVerdict, Verdict
from schedules.slot import Slot
from schedules.times.interval import Bounds, Interval

Json = dict[str, Any]


def release_json(verdict: Verdict, code: Json | None = None, incident: str | None = None) -> Json:
    """Return the JSON of one release of the interface.

    `code` is the edition and practice of the Code for its date, `incident` the id of its incident, both
    known only to the caller.
    """
    page = verdict.page
    return {
        "id": verdict.release,
        "title": verdict.title,
        "producer": verdict.producer,
        "calendar": list(verdict.calendars),
        "url": verdict.url,
        "slot": _slot(verdict.slot, verdict.announced, verdict.source),
        "verdict": verdict.word.value,
        "grade": verdict.grade.value,
        "final": verdict.final,
        "first_seen": interval_json(page.first_seen if page else Interval()),
        "released": interval_json(page.released if page else Interval()),
        "delay": bounds_json(page.delay if page else None),
        "exposures": [_exposure(exposure) for exposure in verdict.exposures],
        "parts": [_part(part) for part in verdict.parts],
        "findings": [_finding(found) for found in verdict.findings],
        "code": code,
        "incident": incident,
        "unproven_because": verdict.unproven_because,
        "at": instant_json(verdict.at),
    }


def instant_json(instant: datetime | None) -> str | None:
    """Return an instant as RFC 3339 with offset `Z` and milliseconds."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def interval_json(interval: Interval) -> Json:
    """Return an interval; a side that is not known is null."""
    return {"after": instant_json(interval.after), "by": instant_json(interval.by)}


def bounds_json(bounds: Bounds | None) -> Json | None:
    """Return bounds in seconds, null when there is nothing to tell."""
    return None if bounds is None else {"min": bounds.min, "max": bounds.max}


def _slot(slot: Slot | None, announced: datetime | None, source: str | None) -> Json | None:
    if slot is None:
        return None
    return {
        "start": instant_json(slot.begins()),
        "precision": slot.precision.value,
        "timezone": slot.timezone,
        "announced": instant_json(announced),
        "source": source,
        "end": None if slot.instant else instant_json(slot.passes()),
        "raw": slot.raw,
        "doubt": slot.doubt,
    }


def _part(part: PartVerdict) -> Json:
    return {
        "id": part.id,
        "role": part.role,
        "url": part.url,
        "required": part.required,
        "verdict": part.word.value,
        "first_seen": interval_json(part.first_seen),
        "released": interval_json(part.released),
        "delay": bounds_json(part.delay),
        "exposures": [_exposure(exposure) for exposure in part.exposures],
        "unproven_because": part.unproven_because,
    }


def _exposure(exposure: Exposure) -> Json:
    return {
        "part": exposure.part,
        "from": interval_json(exposure.start),
        "to": interval_json(exposure.to),
        "seconds": bounds_json(exposure.seconds),
        "open": exposure.open,
    }


def _finding(found: Finding) -> Json:
    return {
        "kind": found.kind.value,
        "part": found.part,
        "detail": found.detail,
        "seconds": bounds_json(found.seconds),
    }
