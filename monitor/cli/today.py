"""`ninethirty today`: print the board of a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import click

from monitor.cli.client import Api, open_api, refuse_unknown
from monitor.cli.common import Context, json_verb, table_lines
from monitor.cli.complete import producer_option
from monitor.cli.dates import day_option, today
from monitor.cli.silence import silence_text
from monitor.cli.terminal import page_output
from monitor.judge.as_text import (
    count_by_status,
    elapsed_text,
    listed_status,
    measure_text,
    slot_headline,
    slot_label,
)
from schedules.times.json import Json
from schedules.times.words import day_text

_MOST_SHOWN = 10
_NONE_PROMISED = "no release that is watched is promised for this day"
UNREAD = "no calendar has been read yet. Start the monitor: `ninethirty run` reads them first"


@click.command("today")
@day_option("Day to show; default today.")
@producer_option
@json_verb
@page_output
def command(context: Context, *, day: date | None, producer: str | None) -> None:
    """Print the board: slot, producer, verdict, delay or exposure, release, title.

    Faults are in capitals.

    Example: ninethirty today --date 2026-11-26
    """
    day = day or today(context.settings_or_default.timezone)
    with open_api(context) as api:
        query = {"from": day, "producer": producer}
        rows = api.get("/releases", **query)["releases"]
        refuse_unknown(context, api, producer, rows)
        lines = [] if context.as_json else list(_day_lines(context, api, day, rows))
    context.print_result(rows, lines)


def _day_lines(context: Context, api: Api, day: date, rows: Sequence[Json]) -> Iterator[str]:
    counts = count_by_status(rows) or why_unread(api) or _NONE_PROMISED
    yield f"{day_text(day, weekday=True)}: {counts}"
    # If all verdicts are final, the counts above say everything that the headline would.
    headline, since = slot_headline(rows, context.now())
    if headline and not all(row["final"] for row in rows):
        if since:
            yield f"{headline} ({elapsed_text(context.now() - since)})"
        else:
            yield headline
    for one in api.get_for_staff("/on-call", "rotas") or []:
        yield f"on call now: {one['rota']}: {one['words']}"
    yield from board_lines(rows, context)
    # A release published days early is on the board of another day, but people must act today.
    yield from _open_work_lines(context, api)


def why_unread(api: Api) -> str:
    """Return why no release can be known, with what to do next, or ""."""
    calendars = api.get_for_staff("/calendars", "calendars")
    if calendars is None:  # a viewer does not know them
        return ""
    if not calendars:
        return "no calendar is configured. Add a [[calendar]] to your configuration"
    read = [one for one in calendars if one["last_read"]]
    if not read:
        return UNREAD
    if not any(one["last_usable_read"] for one in read):
        name = read[0]["name"]
        return f"no calendar could be read yet. Run `ninethirty calendar read {name}` to see why"
    return ""


def _open_work_lines(context: Context, api: Api) -> Iterator[str]:
    """Yield active silences, open incidents, closed ones that owe their report, and overdue
    actions.
    """
    silences = api.get("/silences")["silences"]
    if silences:
        zone = context.settings_or_default.timezone
        yield from ("", f"Active silences: {len(silences)}")
        yield from (f"  {silence_text(silence, zone)}" for silence in silences)
    incidents = api.list_pages("/incidents", "incidents", open="true", drafts="true")
    still_open = [one for one in incidents if one["closed"] is None]
    if still_open:
        yield from ("", f"Open incidents: {len(still_open)}")
        yield from _open_incident_lines(context, still_open[:_MOST_SHOWN])
    owed = [one for one in incidents if one["closed"] and one["report_owed"]]
    if owed:
        yield from ("", f"Closed, report owed: {len(owed)}")
        yield from (_incident_text(context, one) for one in owed[:_MOST_SHOWN])
    actions = api.get_for_staff("/actions", "actions") or []
    overdue = [one for one in actions if one["overdue"]]
    titles = {one["id"]: one["title"] for one in incidents}
    if overdue:
        yield from ("", f"Actions overdue: {len(overdue)}")
    for one in overdue[:_MOST_SHOWN]:
        action = f"{titles.get(one['incident'], '')}, no. {one['number']}: {one['text']}"
        yield f"  {one['due']}  {one['owner']}  {action}  {one['incident']}"


def _open_incident_lines(context: Context, incidents: Sequence[Json]) -> Iterator[str]:
    """Yield open incidents, each followed by what to do now.

    Incidents with the same steps are grouped.
    """
    by_steps: dict[tuple[str, ...], list[Json]] = {}
    for one in incidents:
        steps = tuple(one["to_do"][1:])  # the first line is a heading
        by_steps.setdefault(steps, []).append(one)
    for steps, found in by_steps.items():
        yield from (_incident_text(context, one) for one in found)
        yield from (f"      {step}" for step in steps)


def _incident_text(context: Context, one: Json) -> str:
    """Return an incident in one line, with whether someone must still acknowledge it."""
    waiting = ""
    if not (one["acknowledged"] or one["closed"]):
        waiting = ", not acknowledged"
    producer = context.name_of(one["producer"])
    return (
        f"  {one['grade']:<6}  {one['kind']:<8}  {one['title']} ({producer}){waiting}  {one['id']}"
    )


def board_lines(rows: Sequence[Json], context: Context) -> Iterator[str]:
    """Return the lines of a board with these releases. Without releases there are none."""
    cells = [board_cells(row, context.name_of(row["producer"])) for row in rows]
    heads = ["SLOT", "PRODUCER", "VERDICT", "DELAY OR EXPOSURE", "RELEASE", "TITLE"]
    # The verdict of a fault is in capitals.
    return table_lines(cells, heads, lambda row: row[2].isupper())


def board_cells(row: Json, producer: str) -> list[str]:
    """Return the cells of a release in the board, with the name of its producer."""
    return [
        slot_label(row["slot"]),
        producer,
        listed_status(row),
        measure_text(row),
        row["id"],
        row["title"],
    ]
