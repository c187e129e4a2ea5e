"""Explore Education Statistics: publications and versions of releases as facts. Source: `facts/calendars.md` §2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from schedules.dates import no_slot, on_days
from schedules.dates.span import months, of_span
from schedules.slot import Precision, Slot
from schedules.sources.govuk_items import stamp


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication and the partial date of its next release, which belongs to no named release yet."""

    slug: str
    title: str
    latest: str
    next_slot: Slot | None
    superseded: bool


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a release. `shown` is the displayed date, which amendments inherit; `updated` the real time."""

    shown: datetime | None
    updated: datetime | None
    update_count: int | None


def publication_item(data: Mapping[str, Any], timezone: str) -> Publication:
    """Read `publications/{slug}`. Contacts are not looked at."""
    latest = data.get("latestRelease")
    told = data.get("nextReleaseDate")
    return Publication(
        slug=str(data.get("slug") or ""),
        title=str(data.get("title") or ""),
        latest=str(latest.get("slug") or "") if isinstance(latest, dict) else "",
        next_slot=partial_slot(told, timezone) if isinstance(told, dict) else None,
        superseded=bool(data.get("supersededByPublication")),
    )


def version_item(data: Mapping[str, Any]) -> Version:
    """Read `publications/{slug}/releases/{release}/version-summary`. Pre-release access lists are not looked at."""
    count = data.get("updateCount")
    return Version(
        shown=stamp(data.get("published")),
        updated=stamp(data.get("lastUpdated")),
        update_count=count if isinstance(count, int) else None,
    )


def partial_slot(told: Mapping[str, Any], timezone: str) -> Slot:
    """Return the slot of a partial date, its members integers or (older) strings with "" for what is missing."""
    raw = "-".join(str(told[name]) for name in ("year", "month", "day") if told.get(name) not in {None, ""})
    try:
        year, month, day = (int(told.get(name) or 0) for name in ("year", "month", "day"))
        exact = date(year, month, day) if month and day else None
    except (ValueError, TypeError):
        return no_slot(raw, "impossible", timezone)
    if exact is not None:
        return on_days(exact, exact, raw, timezone)
    if not 0 <= month <= 12:
        return no_slot(raw, "impossible", timezone)
    span = months(Precision.MONTH, year, month, 1) if month else months(Precision.YEAR, year, 1, 12)
    return of_span(span, raw, timezone)
