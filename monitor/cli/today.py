"""`ninethirty today`: print the board of a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import Context, as_json, check_producer, print_json, table
from monitor.cli.complete import producer_option
from monitor.cli.dates import Day, today
from monitor.cli.on_call import on_call_lines, read_rotas
from monitor.cli.silence import silence_text
from monitor.cli.terminal import page_output
from monitor.judge.as_text import count_by_status, elapsed_text, listed_status, measure_text, slot_headline, slot_label
from schedules.times.words import day_text
from schedules.times.zone import span_of

if TYPE_CHECKING:
    from alerts.incident import Incident
    from monitor.store.sql.engine import Store

_MOST_OPEN = 10


@click.command("today")
@click.option("--date", "day", type=Day(), help="Day to show; default today.")
@producer_option
@as_json
@click.pass_obj
@page_output
def command(context: Context, *, day: date | None, producer: str | None, as_json: bool) -> None:
    """Print the board: slot, producer, verdict, delay or exposure, release, title. Faults are in capitals.

    Example: ninethirty today --date 2026-11-26
    """
    day = day or today(context.settings.timezone)
    rows = [row for row in board(context, day) if producer in {None, row["producer"], *row.get("producers", ())}]
    if as_json:
        print_json(rows)
        return
    if producer and not rows:
        with context.store() as store:
            check_producer(context, store, producer)
    click.echo(f"{day_text(day, weekday=True)}: {verdict_counts(rows)}")
    # If all verdicts are final, the counts above say it.
    headline, since = slot_headline(rows, context.now())
    if headline and not all(row["final"] for row in rows):
        click.echo(f"{headline} ({elapsed_text(context.now() - since)})" if since else headline)
    for line in on_call_lines(context, read_rotas(context)):
        click.echo(line)
    if rows:
        print_board(rows, context)
    _print_work(context)


def _print_work(context: Context) -> None:
    from monitor.deliver.owed import find_owed

    # A release published days early is on the board of another day, but people must act today.
    with context.store() as store:
        still = [one for one in store.verdicts.incidents() if one.closed is None]
        reports, late = find_owed(store.verdicts, today(context.settings.timezone))
        owed = [one for one in reports if one.closed is not None]
        silent = [one for one in store.outbox.silences(context.now()) if one.is_on(context.now())]
    if silent:
        click.echo(f"\nActive silences: {len(silent)}")
    for silence in silent:
        click.echo(f"  {silence_text(silence, context.settings.timezone)}")
    _print_open_incidents(context, still)
    if owed:
        click.echo(f"\nClosed, report owed: {len(owed)}")
    for one in owed[-_MOST_OPEN:]:
        click.echo(_incident_text(context, one))
    if late:
        click.echo(f"\nActions overdue: {len(late)}")
    for one, number, each in late[:_MOST_OPEN]:
        click.echo(f"  {each.due}  {each.owner}  {one.title}, no. {number}: {each.text}  {one.id}")


def _print_open_incidents(context: Context, still: Sequence[Incident]) -> None:
    """Print the open incidents with what to do now. Incidents with the same steps are grouped."""
    from alerts.incident import steps_for_incident
    from alerts.steps import numbered_steps

    if still:
        click.echo(f"\nOpen incidents: {len(still)}")
    together: dict[tuple[str, ...], list[Incident]] = {}
    for one in still[-_MOST_OPEN:]:
        together.setdefault(tuple(numbered_steps(steps_for_incident(one))[1:]), []).append(one)
    for steps, found in together.items():
        for line in [*(_incident_text(context, one) for one in found), *(f"      {step}" for step in steps)]:
            click.echo(line)


def _incident_text(context: Context, one: Incident) -> str:
    taken = "" if one.acknowledged or one.closed else ", not acknowledged"
    return f"  {one.grade:<6}  {one.kind.value:<8}  {one.title} ({context.name_of(one.producer)}){taken}  {one.id}"


def print_board(rows: Sequence[dict[str, Any]], context: Context) -> None:
    """Print releases as the lines of a board."""
    table(
        [row_text(row, context.name_of(row["producer"])) for row in rows],
        ["SLOT", "PRODUCER", "VERDICT", "DELAY OR EXPOSURE", "RELEASE", "TITLE"],
        lambda cells: cells[2].isupper() and cells[2] != "VERDICT",
    )


def verdict_counts(rows: Sequence[dict[str, Any]]) -> str:
    """Return how many releases have each verdict."""
    return count_by_status(rows) or "no release that is watched is promised for this day"


def board(context: Context, day: date) -> list[dict[str, Any]]:
    """Return the JSON of every release whose slot begins on a local day, judged again if it is not final."""
    from monitor.app.options import make_policies
    from monitor.app.reporting_options import make_code_book
    from monitor.watch.rejudge import body_of_unwatched

    begin, end = span_of(day, day, context.settings.timezone)
    with context.store() as store:
        rows = [*judged_bodies(context, store, begin, end)]
        known = {row["id"] for row in rows}
        ahead = [release.id for release in store.ledger.releases(begin, end) if release.id not in known]
        policies, now, book = make_policies(context.settings), context.now(), make_code_book(context.settings)
        rows += [body for name in ahead if (body := body_of_unwatched(store, policies, name, now, book)) is not None]
    return sorted(rows, key=lambda row: (row["slot"]["start"] or "" if row["slot"] else "", row["id"]))


def judged_bodies(
    context: Context, store: Store, begin: datetime | None, end: datetime | None
) -> Iterator[dict[str, Any]]:
    """Return the JSON, as of now, of every judged release whose slot begins between two instants (None: no bound)."""
    from monitor.app.options import make_policies
    from monitor.app.reporting_options import make_code_book
    from monitor.watch.rejudge import judged_between

    settings = context.settings
    span, now = (begin, end), context.now()
    return judged_between(store, make_policies(settings), span, now, make_code_book(settings), context.redactor)


def judged_now(context: Context, store: Store, release: str) -> dict[str, Any] | None:
    """Return the JSON of a judged release as of now, or None if it was not judged yet."""
    from monitor.app.options import make_policies
    from monitor.app.reporting_options import make_code_book
    from monitor.watch.rejudge import current_body

    row = store.verdicts.judged_one(release)
    book = make_code_book(context.settings)
    return None if row is None else current_body(store, make_policies(context.settings), row, context.now(), book)


def row_text(row: dict[str, Any], producer: str = "") -> list[str]:
    """Return a release as the cells of one line of the board. `producer` is the name of its producer."""
    producer = producer or row["producer"]
    return [slot_label(row["slot"]), producer, listed_status(row), measure_text(row), row["id"], row["title"]]
