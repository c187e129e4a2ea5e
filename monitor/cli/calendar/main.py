"""`ninethirty calendar` and its verbs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import click

from alerts.claim import NO_PROOF
from monitor.cli import complete
from monitor.cli.calendar.read import diff, read
from monitor.cli.client import open_api
from monitor.cli.common import (
    PATH,
    Context,
    Parsed,
    json_ignored,
    json_stamp,
    json_verb,
    print_json,
    read_input,
    table_lines,
)
from monitor.cli.dates import DAY, today
from monitor.cli.terminal import page_output
from monitor.clock import SystemClock
from monitor.config.read import validate_data
from monitor.errors import BadInput, Fault, UserFault
from schedules.dates.read import read_date
from schedules.source import UnreadableCalendar
from schedules.sources.csv import csv_faults
from schedules.sources.row import REASONS, Remark
from schedules.sources.settings import CalendarSettings
from schedules.sources.toml import toml_faults
from schedules.times.zone import UnknownZone, zone
from schedules.values import quote_value


@click.group("calendar")
def command() -> None:
    """Read, parse and compare calendars, and show the history of a release.

    Example: ninethirty calendar read govuk
    """


for _verb in (read, diff):
    command.add_command(_verb)


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
@click.argument("file", type=PATH)
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
@json_ignored
def parse(
    kind: str,
    file: Path,
    timezone: str,
    producer: str,
    options: tuple[tuple[str, str], ...],
    url: str,
) -> None:
    """Print the announcements of a local FILE, one JSON object on each line, and faults and notes
    on standard error.

    Exit status 1 if a calendar kept by hand (toml, csv) has faults, or if the file cannot be read.
    Notes are harmless.

    Example: ninethirty calendar parse toml calendar.toml
    """
    source = {"url": url} if url else {"file": file.name}
    table = {
        "name": "parse",
        "kind": kind,
        "timezone": timezone,
        "producer": producer,
        "options": dict(options),
    }
    settings, option_faults = validate_data(table | source, "", CalendarSettings)
    if settings is None:
        raise click.UsageError("; ".join(f"{fault.key}: {fault.reason}" for fault in option_faults))
    body, now = read_input(file), SystemClock().now()
    # None for a calendar that is not kept by hand
    find_problems = _CHECKS_OF_KINDS_KEPT_BY_HAND.get(kind)
    try:
        reading = settings.parse_saved(body, now)
        problems = [] if find_problems is None else find_problems(body, settings, now)
    except UnreadableCalendar as exc:
        raise UserFault(str(exc)) from exc
    for announcement in reading.announcements:
        print_json(announcement.as_json())
    if find_problems is None:  # else `problems` include these notes
        for note in reading.notes:
            click.echo(f"{file.name}: {note}", err=True)
    faults = []
    for problem in problems:
        value = None if problem.value is None else quote_value(problem.value)
        fault = Fault(file.name, problem.key, problem.reason, value)
        if _is_harmless(problem):
            click.echo(f"note: {fault}", err=True)
        else:
            faults.append(fault)
    if faults:
        raise BadInput(faults)


def _is_harmless(remark: Remark) -> bool:
    """Return whether a remark is not a fault: the entry is kept with a doubt, or an option would
    resolve it.
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
@json_ignored
def read_dates(texts: tuple[str, ...], anchor: date | None, timezone: str) -> None:
    """Print how each date TEXT is read, one JSON object on each line.

    Example: ninethirty calendar date "Thursday 23 July 2015, 9:30am" "Spring 2026" --anchor
    2015-07-01
    """
    for text in texts:
        found = read_date(text, anchor or today(timezone), timezone).slot
        print_json(
            {"text": text, "slot": found.as_json(), "doubt": found.doubt, "reason": found.reason}
        )


@command.command("history")
@click.argument("release", shell_complete=complete.releases)
@json_verb
@page_output
def show_history(context: Context, *, release: str) -> None:
    """Print the history of RELEASE: every promise, where and when it was read, and what changed.

    Example: ninethirty calendar history malpractice-2017
    """
    with open_api(context) as api:
        found = api.get(f"/releases/{release}/history")
    context.print_result(found, _history_lines(found))


def _history_lines(found: Mapping[str, Any]) -> Iterator[str]:
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
