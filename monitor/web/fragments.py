"""The parts of the front page that change while it is open, each rendered alike into the page and onto its stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from alerts.actions import overdue_actions
from alerts.incident import Incident
from monitor.deliver.incident_json import incident_json, measured_text
from monitor.judge.as_json import status_of
from monitor.judge.as_text import slot_headline
from monitor.web.pages import ago, fragment, millis, silences_of
from monitor.web.queries import Queries
from schedules.times.json import instant_from_json

Row = Mapping[str, Any]
_GRAVEST = ("overdue", "early", "not_published", "late", "unproven", "due", "unannounced", "pending")
_GOOD = ("on_time", "cancelled", "moved", "pending")
_NOW = ("due", "overdue", "early", "late")
"""The statuses that the first band of the front page shows until the verdict is final, in its order."""
_MOST_IN_BAND = 12
"""Releases or incidents that a band of the front page lists before it says how many more there are."""
_MOST_RENDERED = 1000
_LOOKED = "<looked>"
"""Where a row tells when its release was last looked at: what is of others is escaped, and has no such tag."""


def named(producers: Iterable[str], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the ids of producers with their names, in the order of these."""
    return sorted(((one, names.get(one, one)) for one in producers), key=lambda one: one[1].casefold())


@lru_cache(maxsize=_MOST_RENDERED)
def element_of(release: str) -> str:
    """Return the id of a release's row on the page."""
    return f"release-{quote(release, safe='')}"


def is_bad(row: Row) -> bool:
    """Tell whether something went wrong with a release, so that it is never folded away."""
    return status_of(row) not in _GOOD or row["incident"] is not None


def gravity(verdict: str) -> int:
    """Return where a verdict stands among all, the gravest first."""
    return _GRAVEST.index(verdict) if verdict in _GRAVEST else len(_GRAVEST)


def counts(rows: Iterable[Row]) -> list[tuple[str, int]]:
    """Return how many releases have each status, the gravest first: a busy day is longer than a screen."""
    found = Counter(status_of(row) for row in rows)
    return sorted(found.items(), key=lambda one: gravity(one[0]))


def next_slot(rows: Iterable[Row], now: datetime) -> tuple[datetime, int] | None:
    """Return when the next releases are due that were promised to the minute, and how many; None when none is."""
    slots = (row["slot"] for row in rows if row["slot"] and row["verdict"] != "cancelled")
    starts = [instant_from_json(slot["start"]) for slot in slots if slot["precision"] == "instant"]
    ahead = [start for start in starts if start is not None and start > now]
    return (min(ahead), ahead.count(min(ahead))) if ahead else None


def row_part(queries: Queries, row: Row, looked: datetime | None = None, now: datetime | None = None) -> str:
    """Return the cells of a release's row; when it was last looked at, as of now, is told on a stream by itself."""
    called = queries.timezone, queries.producers.get(row["producer"])
    key, shown = (queries.sees_all, row["id"]), {**row, "at": called}
    kept = queries.rendered.get(key)
    if kept is None or kept[0] != shown:
        if len(queries.rendered) >= _MOST_RENDERED:
            queries.rendered.clear()
        kept = queries.rendered[key] = (shown, fragment(queries, "row.html", row=row, looked=_LOOKED))
    # Seconds go by while nothing else of a row changes.
    return kept[1].replace(_LOOKED, _looked_part(element_of(row["id"]), looked, now))


def _looked_part(element: str, looked: datetime | None, now: datetime | None, style: str = "looked") -> str:
    if looked is None or now is None:
        return f'<span class="{style}" data-of="{element}"></span>'
    told = f"last looked {ago(now - looked)} ago"
    return f'<span class="{style}" data-of="{element}" data-ago="{millis(looked)}">{told}</span>'


def now_part(queries: Queries, rows: Iterable[Row], looked: Mapping[str, datetime], now: datetime | None) -> str:
    """Return the releases that are due and not seen, early or late, until their verdicts are final.

    Without `now`, the page's script fills in how long each has been due.
    """
    found = [row for row in rows if status_of(row) in _NOW and not row["final"]]
    found.sort(key=lambda row: _NOW.index(status_of(row)))
    shown = found[:_MOST_IN_BAND]
    parts = {row["id"]: _looked_part(element_of(row["id"]), looked.get(row["id"]), now, "hint looked") for row in shown}
    return fragment(queries, "now.html", rows=shown, more=len(found) - len(shown), looked=parts, now=now)


def with_overdue(incident: Incident, today: date) -> Mapping[str, Any]:
    """Return the JSON of an incident as lists show it: in words, what was measured and how many actions are overdue."""
    many = len(overdue_actions([incident], today))
    words = {"measured": measured_text(incident), "overdue": f"{many} {'action' if many == 1 else 'actions'} overdue"}
    return incident_json(incident) | (words if many else words | {"overdue": ""})


def next_step(incident: Mapping[str, Any]) -> tuple[str, str]:
    """Return the one next step on an incident that needs action, and the place on its page where it is done."""
    if not incident["closed"]:
        return ("See what to do now", "now") if incident["acknowledged"] else ("Acknowledge it", "acknowledge")
    return ("Complete the report", "draft") if incident["report_owed"] else ("Do what is overdue", "actions")


def needing_part(queries: Queries, needing: Sequence[Incident]) -> str:
    """Return the incidents that need action, each with its next step for those who may know everything."""
    told = [with_overdue(one, queries.today()) for one in needing[:_MOST_IN_BAND]]
    steps = [next_step(one) if queries.sees_all else None for one in told]
    more = max(0, len(needing) - _MOST_IN_BAND)
    return fragment(queries, "needing.html", needing=list(zip(told, steps, strict=True)), more=more)


def pieces(
    queries: Queries,
    rows: Sequence[Row],
    now: datetime,
    looked: Mapping[str, datetime] | None = None,
    *,
    counting: bool = False,
) -> dict[str, str]:
    """Return the parts of the page about all releases of today, by the ids of their elements.

    If `counting`, with the times since and until each slot and since it was `looked` at, as of now.
    """
    return {
        "now": now_part(queries, rows, looked or {}, now if counting else None),
        "counts": fragment(
            queries,
            "counts.html",
            counts=counts(rows),
            promised=len(rows),
            is_filtered=False,
        ),
        "headline": fragment(queries, "headline.html", told=slot_headline(rows, now), now=now if counting else None),
        "next": fragment(queries, "next.html", next=next_slot(rows, now), now=now if counting else None),
    }


async def warnings_part(queries: Queries, now: datetime) -> str:
    """Return why what is shown is not to be relied on, and what people are not told of just now."""
    return fragment(
        queries,
        "warnings.html",
        unready=list(queries.live.unready()),
        silences=await silences_of(queries),
        unheard=queries.unheard(now) if queries.sees_all else {},
    )
