"""The parts of the front page that change while it is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from alerts.actions import overdue_actions
from alerts.incident import Incident
from monitor.deliver.incident_json import incident_json, measured_text
from monitor.errors import StoreFault
from monitor.judge.as_json import verdict_or_due
from monitor.judge.as_text import slot_headline
from monitor.readiness.line import Readiness
from monitor.readiness.text import STATE_WORDS, describe_assessment
from monitor.web.pages import ago, list_silences, millis, render_fragment
from monitor.web.queries import Queries
from schedules.times.json import instant_from_json
from schedules.times.words import count

Row = Mapping[str, Any]
_BY_SEVERITY = (
    "overdue",
    "early",
    "not_published",
    "late",
    "unproven",
    "due",
    "unannounced",
    "pending",
)
WITHOUT_PROBLEM = ("on_time", "cancelled", "moved", "pending")
_SHOWN_NOW = ("due", "overdue", "early", "late")
"""Until their verdict is final, releases with these statuses need a person."""
_MOST_IN_BAND = 20
"""Releases or incidents that a band of the front page lists before it says how many more there
are.
"""
_MOST_RENDERED = 1000
_LAST_LOOK = "<looked>"
"""Placeholder in a rendered row for the time of the last look. Other text of the row is escaped, so
it is unique.
"""


def sort_by_name(producers: Iterable[str], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the ids of producers with their names, sorted by name."""
    return sorted(
        ((one, names.get(one, one)) for one in producers), key=lambda one: one[1].casefold()
    )


@lru_cache(maxsize=_MOST_RENDERED)
def element_id(release: str) -> str:
    """Return the HTML id of a release's row."""
    return f"release-{quote(release, safe='')}"


def has_gone_wrong(row: Row) -> bool:
    """Return whether a release has a bad status or an incident."""
    return verdict_or_due(row) not in WITHOUT_PROBLEM or row["incident"] is not None


def severity_rank(verdict: str) -> int:
    """Return the place of a verdict in the order of severity: 0 for the gravest."""
    return [*_BY_SEVERITY, verdict].index(verdict)


def sort_gravest_first(rows: Iterable[Row]) -> list[Row]:
    """Return releases by severity. Of equal ones those whose producer has most come first."""
    pairs = [(verdict_or_due(row), row) for row in rows]
    alike = Counter((verdict, row["producer"]) for verdict, row in pairs)

    def place(pair: tuple[str, Row]) -> tuple[int, int, str, str]:
        verdict, row = pair
        number = alike[verdict, row["producer"]]
        return severity_rank(verdict), -number, row["producer"], row["title"].casefold()

    return [row for _, row in sorted(pairs, key=place)]


def count_statuses(rows: Iterable[Row]) -> list[tuple[str, int]]:
    """Return how many releases have each status, the gravest status first."""
    found = Counter(verdict_or_due(row) for row in rows)
    return sorted(found.items(), key=lambda one: severity_rank(one[0]))


def find_next_slot(rows: Iterable[Row], now: datetime) -> tuple[datetime, int] | None:
    """Return the next slot with a time of day, and how many releases have it.

    None if there is no such slot.
    """
    slots = (row["slot"] for row in rows if row["slot"] and row["verdict"] != "cancelled")
    starts = (instant_from_json(slot["start"]) for slot in slots if slot["precision"] == "instant")
    ahead = Counter(start for start in starts if start is not None and start > now)
    return min(ahead.items(), default=None)


def render_row(
    queries: Queries,
    row: Row,
    looked: datetime | None,
    now: datetime | None,
    step: NextStep | None = None,
) -> str:
    """Return the HTML cells of a release's row, from the cache if the release has not changed.

    `looked` is the time of the last look. Without `now`, the page's script counts how long ago that
    was. `step` is the next one of its incident.
    """
    key = queries.sees_all, row["id"]
    # Render the cells again if one of these values has changed. The cells do not show `at`, when it
    # was judged.
    more = {
        "at": None,
        "timezone": queries.timezone,
        "producer_name": queries.producers.get(row["producer"]),
        "step": step,
    }
    rendered_from = {**row, **more}
    cached = queries.rendered.get(key)
    if cached is None or cached[0] != rendered_from:
        if len(queries.rendered) >= _MOST_RENDERED:
            queries.rendered.clear()
        html = render_fragment(queries, "row.html", row=row, looked=_LAST_LOOK, step=step)
        cached = queries.rendered[key] = (rendered_from, html)
    # The time since the last look changes every second, so the cached cells have a placeholder for
    # it.
    return cached[1].replace(_LAST_LOOK, _render_last_look(looked, now))


def _render_last_look(looked: datetime | None, now: datetime | None) -> str:
    if looked is None:
        return ""
    text = ""
    if now is not None:
        text = f"last looked {ago(now - looked)} ago"
    return f'<span class="looked" data-ago="{millis(looked)}">{text}</span>'


def incident_for_list(incident: Incident, today: date) -> Mapping[str, Any]:
    """Return the JSON of an incident with the texts `measured` and `overdue`, empty if no action is
    overdue.
    """
    overdue = ""
    if actions := overdue_actions([incident], today):
        overdue = f"{count(len(actions), 'action')} overdue"
    return incident_json(incident) | {"measured": measured_text(incident), "overdue": overdue}


class NextStep(NamedTuple):
    """The next step of an incident that needs action, its place on the page, and whose it is."""

    words: str
    anchor: str
    whose: str


def choose_next_step(incident: Mapping[str, Any]) -> NextStep:
    """Return the next step of an incident that needs action, from its JSON."""
    whose = ""
    if incident["assigned"]:
        whose = f"given to {incident['assigned']}"
    if not incident["closed"]:
        if incident["acknowledged"]:
            return NextStep("See what to do now", "now", whose)
        return NextStep("Acknowledge it", "acknowledge", whose)
    if incident["report_owed"]:
        return NextStep("Complete the report", "draft", whose)
    return NextStep("Do what is overdue", "actions", whose)


@dataclass(frozen=True, slots=True)
class Attention:
    """What needs a person, each release once: rows of the shown day, and other incidents.

    `steps` has the next step by incident, `waiting` are not acknowledged.
    """

    rows: Sequence[Row]
    others: Sequence[Incident]
    steps: Mapping[str, NextStep]
    waiting: Sequence[str]


def select_attention(
    rows: Iterable[Row], needing: Sequence[Incident], *, sees_all: bool
) -> Attention:
    """Return which of a day's releases and which incidents need a person, the worst first.

    Strangers see no next steps.
    """
    open_incidents = {one.id: one for one in needing}
    waiting = [one.id for one in needing if one.is_waiting]
    shown = [
        row
        for row in rows
        if row["incident"] in open_incidents
        or (verdict_or_due(row) in _SHOWN_NOW and not row["final"])
    ]
    shown.sort(key=lambda row: severity_rank(verdict_or_due(row)))
    shown.sort(key=lambda row: row["incident"] not in waiting)
    shown = shown[:_MOST_IN_BAND]
    named = {row["incident"] for row in shown}
    others = [one for one in needing if one.id not in named]
    steps = {one.id: choose_next_step(incident_json(one)) for one in needing} if sees_all else {}
    return Attention(shown, others, steps, waiting)


def render_others(queries: Queries, attention: Attention) -> str:
    """Return the HTML list of incidents that need action and are of no shown release."""
    others = attention.others
    listed = [incident_for_list(one, queries.today()) for one in others[:_MOST_IN_BAND]]
    more = max(0, len(others) - _MOST_IN_BAND)
    return render_fragment(
        queries, "needing.html", needing=listed, steps=attention.steps, more=more
    )


def render_day_parts(
    queries: Queries,
    rows: Sequence[Row],
    now: datetime,
    counted_at: datetime | None,
) -> dict[str, str]:
    """Return the HTML of the parts that summarise all releases of the day, by element id.

    Without `counted_at`, no part says how far a slot is.
    """
    headline, following = slot_headline(rows, now), find_next_slot(rows, now)
    return {
        "headline": render_fragment(queries, "headline.html", headline=headline, now=counted_at),
        "next": render_fragment(queries, "next.html", next=following, now=counted_at),
    }


async def render_readiness(queries: Queries, day: date | None) -> str:
    """Return the HTML of what is not ready for the slots of a day (None: the next with a slot).

    Empty for strangers, without a slot, and while the store does not answer.
    """
    try:
        assessment = await queries.assess_readiness(day)
    except StoreFault:
        return ""
    if assessment is None or not assessment.slots:
        return ""
    headline = describe_assessment(assessment, queries.timezone)
    open_lines = [line for line in assessment.lines if line.state is not Readiness.READY]
    more = max(0, len(open_lines) - _MOST_IN_BAND)
    lines = open_lines[:_MOST_IN_BAND]
    return render_fragment(
        queries, "readiness.html", headline=headline, lines=lines, more=more, words=STATE_WORDS
    )


async def render_warnings(queries: Queries, now: datetime) -> str:
    """Return the HTML of the warnings: why the board is unreliable, which hosts fail, which
    messages are muted.
    """
    return render_fragment(
        queries,
        "warnings.html",
        unready=list(queries.live.unready()),
        silences=await list_silences(queries),
        silent_hosts=queries.silent_hosts(now) if queries.sees_all else {},
    )
