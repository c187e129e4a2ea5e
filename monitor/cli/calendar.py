"""`ninethirty calendar` and its verbs: what calendars show, how dates are read, and a history."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alerts.claim import NO_PROOF
from monitor.cli import complete
from monitor.cli.client import get_json
from monitor.cli.common import (
    Context,
    Parsed,
    file_argument,
    json_stamp,
    json_verb,
    log_only_errors,
    print_json,
    read_input,
    table_lines,
)
from monitor.cli.complete import release_argument
from monitor.cli.dates import DAY
from monitor.cli.terminal import page_output, progress_line
from monitor.clock import SystemClock
from monitor.config.read import validate_data
from monitor.errors import BadInput, Fault, UserFault, unknown_name
from monitor.judge.as_json import slot_text
from monitor.look.fetch import Answer, Failure, Request
from schedules.dates.read import read_date
from schedules.source import Reading, UnreadableCalendar
from schedules.sources.csv import csv_faults
from schedules.sources.row import REASONS, Remark
from schedules.sources.settings import CalendarSettings
from schedules.sources.toml import toml_faults
from schedules.times.json import Json
from schedules.times.words import count
from schedules.times.zone import UnknownZone, local_date, zone
from schedules.values import quote_value

if TYPE_CHECKING:
    from monitor.ledger.reader import Outcome


@click.group("calendar")
def command() -> None:
    """Read, parse and compare calendars, and show the history of a release.

    Example: ninethirty calendar read govuk
    """


@command.command("read")
@click.argument("name", shell_complete=complete.calendars)
@json_verb
def read(context: Context, *, name: str) -> None:
    """Read the configured calendar NAME now and print its announcements, one JSON object on each
    line.

    Nothing is stored. Exit status 1 if it cannot be read.

    Example: ninethirty calendar read govuk
    """
    reading = read_calendar(context, name)
    for announcement in reading.announcements:
        print_json(announcement.as_json())
    for note in reading.notes:
        click.echo(f"{name}: {note}", err=True)


@command.command("diff")
@click.argument("name", shell_complete=complete.calendars)
@json_verb
def diff(context: Context, *, name: str) -> None:
    """Show how the calendar NAME differs now from its last read.

    Example: ninethirty calendar diff govuk
    """
    rows = list(_compare_with_last_read(context, name))
    for row in rows:
        if context.as_json:
            print_json(row)
            continue
        before = "-"
        if row["before"]:
            before = slot_text(row["before"]["slot"])
        after = "-"
        if row["after"]:
            after = slot_text(row["after"]["slot"])
        click.echo(f"{row['change']:<8} {row['title']}: {before} -> {after}")
    if not context.as_json:
        differing = f"{len(rows) or 'no'} entries differ"
        if len(rows) == 1:
            differing = "1 entry differs"
        click.echo(f"{name}: {differing}", err=True)


def read_calendar(context: Context, name: str) -> Reading:
    """Read a configured calendar now. Raises `UnknownName`, and `UserFault` if it cannot be
    read.
    """
    tables = {table.name: table for table in context.settings.calendar}
    if name not in tables:
        raise unknown_name("calendar", name, tables)
    with log_only_errors():
        outcome = asyncio.run(read_once(context, tables[name]))
    if outcome.reading is None:
        raise UserFault(f"calendar {name}: {outcome.read.fault}")
    return outcome.reading


async def read_once(context: Context, table: CalendarSettings) -> Outcome:
    """Read a calendar once from its file or web address, within the budgets of its hosts."""
    from monitor.app.readers import make_calendar_reader, open_poller

    clock, requested = SystemClock(), 0
    async with open_poller(context.settings, clock) as (poller, workers):
        with progress_line() as show:

            async def count_and_send(request: Request) -> Answer | Failure:
                # The number of pages is not known in advance, so no percentage can be shown.
                nonlocal requested
                requested += 1
                show(f"{table.name}: {count(requested, 'page')} requested")
                return await poller.send_in_turn(request)

            folder = context.path.parent
            return await make_calendar_reader(
                context.settings, table, folder, count_and_send, clock, workers
            ).read()


def _compare_with_last_read(context: Context, name: str) -> Iterator[Json]:
    """Yield each entry that is new, gone or changed in a new read of the calendar."""
    entries_now = {one.uid: one.as_json() for one in read_calendar(context, name).announcements}
    entries = get_json(context, f"/calendars/{name}/entries")["entries"]
    stored = {one["uid"]: one for one in entries}
    for uid in sorted({*stored, *entries_now}):
        before, after = stored.get(uid), entries_now.get(uid)
        if before == after:
            continue
        change = "changed"
        if before is None:
            change = "new"
        elif after is None:
            change = "gone"
        title = (after or before or {}).get("title", "")
        yield {"change": change, "uid": uid, "title": title, "before": before, "after": after}


def _parse_zone(text: str) -> str:
    try:
        zone(text)
    except UnknownZone:
        raise ValueError('no time zone of that name, write "Europe/London"') from None
    return text


def _parse_pair(text: str) -> tuple[str, str]:
    """Return name and value of an option such as `rows=table tr`."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError("write NAME=VALUE")
    return name, value


_CHECKS_OF_KINDS_KEPT_BY_HAND = {"toml": toml_faults, "csv": csv_faults}
_OPTION = Parsed("name=value", _parse_pair)
_ZONE = Parsed("zone", _parse_zone)
_timezone_option = click.option(
    "--timezone", type=_ZONE, default="Europe/London", help="Of times written without one."
)


@command.command("parse")
@click.argument("kind")
@file_argument
@_timezone_option
@click.option("--producer", default="", help="Producer of entries that name none.")
@click.option(
    "--option",
    "options",
    type=_OPTION,
    multiple=True,
    help="An option of this kind, as in config.toml.",
)
@click.option("--url", default="", help="Where the file was saved from, for relative links.")
@json_verb
def parse(
    context: Context, /, *, file: Path, options: tuple[tuple[str, str], ...], url: str, **keys: str
) -> None:
    """Print the announcements of a local FILE, one JSON object on each line, and faults and notes
    on standard error.

    Exit status 1 if a calendar kept by hand (toml, csv) has faults, or if the file cannot be read.
    Notes are harmless.

    Example: ninethirty calendar parse toml calendar.toml
    """
    source = {"url": url} if url else {"file": file.name}
    # `keys` are kind, timezone and producer.
    table = {"name": "parse", "options": dict(options), **keys, **source}
    settings, option_faults = validate_data(table, "", CalendarSettings)
    if settings is None:
        raise click.UsageError("; ".join(f"{fault.key}: {fault.reason}" for fault in option_faults))
    body, now = read_input(file), context.now()
    # None for a calendar that is not kept by hand
    find_problems = _CHECKS_OF_KINDS_KEPT_BY_HAND.get(settings.kind)
    try:
        reading = settings.parse_saved(body, now)
        problems = find_problems(body, settings, now) if find_problems else ()
    except UnreadableCalendar as exc:
        raise UserFault(str(exc)) from exc
    for announcement in reading.announcements:
        print_json(announcement.as_json())
    if find_problems is None:  # else `problems` include these notes
        for note in reading.notes:
            click.echo(f"{file.name}: {note}", err=True)
    faults = []
    for problem in problems:
        value = None
        if problem.value is not None:
            value = quote_value(problem.value)
        fault = Fault(file.name, problem.key, problem.reason, value)
        if _is_harmless(problem):
            click.echo(f"note: {fault}", err=True)
        else:
            faults.append(fault)
    if faults:
        raise BadInput(faults)


def _is_harmless(remark: Remark) -> bool:
    """Return whether a remark is not a fault: an entry is kept with a doubt or left out, or an
    option would resolve it.
    """
    harmless = {REASONS["serial"], REASONS["order"], "unknown column"}
    without_url = remark.reason == "missing" and remark.key.endswith(".url")
    return (
        without_url
        or remark.reason in harmless
        or remark.reason.startswith(("doubtful", "left out"))
    )


@command.command("date")
@click.argument("texts", nargs=-1, required=True, metavar="TEXT...")
@click.option(
    "--anchor", type=DAY, help="The day of the read, which supplies a missing year; default today."
)
@_timezone_option
@json_verb
def read_dates(
    context: Context, *, texts: tuple[str, ...], anchor: date | None, timezone: str
) -> None:
    """Print how each date TEXT is read, one JSON object on each line.

    Example: ninethirty calendar date "Thursday 23 July 2015, 9:30am" "Spring 2026" --anchor
    2015-07-01
    """
    day = anchor or local_date(context.now(), timezone)
    for text in texts:
        found = read_date(text, day, timezone).slot
        print_json(
            {"text": text, "slot": found.as_json(), "doubt": found.doubt, "reason": found.reason}
        )


@command.command("history")
@release_argument
@json_verb
@page_output
def show_history(context: Context, *, release: str) -> None:
    """Print the history of RELEASE: every promise, where and when it was read, and what changed.

    Example: ninethirty calendar history malpractice-2017
    """
    found = get_json(context, f"/releases/{release}/history")
    context.print_result(found, _history_lines(found))


def _history_lines(found: Json) -> Iterator[str]:
    """Yield title and address of a release, its promises, changes and incidents, and claims of the
    public record.
    """
    yield f"{found['title']} ({found['producer']})"
    yield found["url"]
    if found["joined_by"]:
        yield f"Joined: {found['joined_by']}"
    if other := found["joined_into"]:
        yield f"Its entries now belong to {other}: see `ninethirty explain {other}`"
    yield ""
    rows = [
        [json_stamp(one["learnt"]), one["calendar"], one["state"] or "-", one["promised"]]
        for one in found["promises"]
    ]
    yield from table_lines(rows, ["READ AT", "CALENDAR", "STATE", "PROMISED"])
    yield ""
    for event in found["events"]:
        details = ", ".join(part for part in (event["promised"], event["detail"]) if part)
        # `at` is the first read that showed the change, which happened at some time since the read
        # before.
        change = f"{json_stamp(event['at'])}  {event['calendar']}  {event['what']}"
        yield f"{change}: {details}" if details else change
    if found["incidents"]:
        yield from ("", f"Incidents: {', '.join(found['incidents'])}")
    if found["claims"]:
        yield from ("", f"Claimed in the public record. {NO_PROOF}")
    for one in found["claims"]:
        first, read = json_stamp(one["first_published"]), json_stamp(one["read"])
        yield f"  first published {first}, read {read} at {one['source']}"
