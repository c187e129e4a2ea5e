"""`ninethirty today`: print the board of a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from alerts.incident import Incident, steps_for_incident
from alerts.steps import numbered_steps
from monitor.cli.common import Context, check_producer, json_verb, table_lines
from monitor.cli.complete import producer_option
from monitor.cli.dates import DAY, today
from monitor.cli.on_call import on_call_lines, read_rotas
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
from schedules.times.words import day_text
from schedules.times.zone import span_of

if TYPE_CHECKING:
    from monitor.store.sql.engine import Store

_MOST_SHOWN = 10


@click.command("today")
@click.option("--date", "day", type=DAY, help="Day to show; default today.")
@producer_option
@json_verb
@page_output
def command(context: Context, *, day: date | None, producer: str | None) -> None:
    """Print the board: slot, producer, verdict, delay or exposure, release, title.

    Faults are in capitals.

    Example: ninethirty today --date 2026-11-26
    """
    day = day or today(context.settings.timezone)
    rows = [
        row
        for row in read_board(context, day)
        if producer in {None, row["producer"], *row.get("producers", ())}
    ]
    # programs get an empty list for an unknown producer
    if producer and not rows and not context.as_json:
        with context.store() as store:
            check_producer(context, store, producer)
    context.print_result(rows, _day_lines(context, day, rows))


def _day_lines(context: Context, day: date, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a day: its counts, who is on call, the board, and what people must do
    now.
    """
    nothing_read = "" if rows else _no_calendar_read_text(context)
    counts = (
        count_by_status(rows)
        or nothing_read
        or "no release that is watched is promised for this day"
    )
    yield f"{day_text(day, weekday=True)}: {counts}"
    # If all verdicts are final, the counts above say everything that the headline would.
    headline, since = slot_headline(rows, context.now())
    if headline and not all(row["final"] for row in rows):
        yield f"{headline} ({elapsed_text(context.now() - since)})" if since else headline
    yield from on_call_lines(context, read_rotas(context))
    yield from board_lines(rows, context)
    # A release published days early is on the board of another day, but people must act today.
    yield from _open_work_lines(context)


def _no_calendar_read_text(context: Context) -> str:
    """Return why no calendar was read yet and what to do next, or "" if the store has a usable read
    or a release.
    """
    with context.store() as store:
        reads = store.ledger.reads()
        if any(read.usable for read in reads) or store.ledger.editions(limit=1):
            return ""
    if not context.settings.calendar:
        return "no calendar is configured. Add a [[calendar]] to your configuration"
    if not reads:
        return "no calendar has been read yet. Start the monitor: `ninethirty run` reads them first"
    return (
        f"no calendar could be read yet. Run `ninethirty calendar read {reads[0].calendar}` to"
        " see why"
    )


def _open_work_lines(context: Context) -> Iterator[str]:
    """Yield active silences, open incidents, closed ones that owe their report, and overdue
    actions.
    """
    from monitor.deliver.owed import find_owed
    from monitor.deliver.silences import silence_json

    with context.store() as store:
        still_open = [one for one in store.verdicts.incidents() if one.closed is None]
        reports, overdue = find_owed(store.verdicts, today(context.settings.timezone))
        owed = [one for one in reports if one.closed is not None]
        silences = [one for one in store.outbox.silences(context.now()) if one.is_on(context.now())]
    # Incidents are oldest first, so the last are shown. Actions begin with the longest overdue.
    if silences:
        yield from ("", f"Active silences: {len(silences)}")
        yield from (
            f"  {silence_text(silence_json(silence), context.settings.timezone)}"
            for silence in silences
        )
    if still_open:
        yield from ("", f"Open incidents: {len(still_open)}")
        yield from _open_incident_lines(context, still_open[-_MOST_SHOWN:])
    if owed:
        yield from ("", f"Closed, report owed: {len(owed)}")
        yield from (_incident_text(context, one) for one in owed[-_MOST_SHOWN:])
    if overdue:
        yield from ("", f"Actions overdue: {len(overdue)}")
        for one, number, action in overdue[:_MOST_SHOWN]:
            yield (
                f"  {action.due}  {action.owner}  {one.title}, no. {number}: {action.text} "
                f" {one.id}"
            )


def _open_incident_lines(context: Context, incidents: Sequence[Incident]) -> Iterator[str]:
    """Yield open incidents, each followed by what to do now.

    Incidents with the same steps are grouped.
    """
    by_steps: dict[tuple[str, ...], list[Incident]] = {}
    for one in incidents:
        _heading, *steps = numbered_steps(steps_for_incident(one))
        by_steps.setdefault(tuple(steps), []).append(one)
    for grouped_steps, found in by_steps.items():
        yield from (_incident_text(context, one) for one in found)
        yield from (f"      {step}" for step in grouped_steps)


def _incident_text(context: Context, one: Incident) -> str:
    """Return an incident in one line, with whether someone must still acknowledge it."""
    waiting = "" if one.acknowledged or one.closed else ", not acknowledged"
    return (
        f"  {one.grade:<6}  {one.kind.value:<8}  {one.title}"
        f" ({context.name_of(one.producer)}){waiting}  {one.id}"
    )


def board_lines(rows: Sequence[dict[str, Any]], context: Context) -> Iterator[str]:
    """Return the lines of a board with these releases. Without releases there are none."""
    cells = [board_cells(row, context.name_of(row["producer"])) for row in rows]
    heads = ["SLOT", "PRODUCER", "VERDICT", "DELAY OR EXPOSURE", "RELEASE", "TITLE"]
    # The verdict of a fault is in capitals.
    return table_lines(cells, heads, lambda row: row[2].isupper()) if rows else iter(())


def by_slot(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the JSON of releases, sorted by begin of their slots. Those without a slot are
    first.
    """
    return sorted(
        rows, key=lambda row: (row["slot"]["start"] or "" if row["slot"] else "", row["id"])
    )


def read_board(context: Context, day: date) -> list[dict[str, Any]]:
    """Return the JSON of every release whose slot begins on a local day, as of now, also of those
    not judged yet.
    """
    from monitor.app.options import make_editions, make_policies
    from monitor.watch.rejudge import body_of_unwatched

    begin, end = span_of(day, day, context.settings.timezone)
    with context.store() as store:
        rows = [*judged_bodies(context, store, begin, end)]
        known = {row["id"] for row in rows}
        unjudged = [
            release.id for release in store.ledger.releases(begin, end) if release.id not in known
        ]
        policies, now, editions = (
            make_policies(context.settings),
            context.now(),
            make_editions(context.settings),
        )
        bodies = (body_of_unwatched(store, policies, name, now, editions) for name in unjudged)
        rows += [body for body in bodies if body is not None]
    return by_slot(rows)


def judged_bodies(
    context: Context, store: Store, begin: datetime | None, end: datetime | None
) -> Iterator[dict[str, Any]]:
    """Return the JSON, as of now, of every judged release whose slot begins between two instants
    (None: no bound).
    """
    from monitor.app.options import make_editions, make_policies
    from monitor.watch.rejudge import judged_between

    settings = context.settings
    span, now = (begin, end), context.now()
    return judged_between(
        store, make_policies(settings), span, now, make_editions(settings), context.redactor
    )


def board_cells(row: dict[str, Any], producer: str = "") -> list[str]:
    """Return the cells of a release in the board.

    `producer` is the name of its producer (default: its id).
    """
    name = producer or row["producer"]
    return [
        slot_label(row["slot"]),
        name,
        listed_status(row),
        measure_text(row),
        row["id"],
        row["title"],
    ]
