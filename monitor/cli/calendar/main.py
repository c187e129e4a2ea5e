"""`ninethirty calendar`: read, parse and compare calendars, and show the history of a release."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.calendar.history import show_history
from monitor.cli.calendar.read import diff, read
from monitor.cli.common import Context, Parsed, json_ignored, print_json, print_json_lines
from monitor.cli.dates import DAY, today
from monitor.errors import BadInput, Fault, UserFault

if TYPE_CHECKING:
    from schedules.sources.row import Remark
    from schedules.sources.settings import CalendarSettings


@click.group("calendar")
def command() -> None:
    """Read, parse and compare calendars, and show the history of a release.

    Example: ninethirty calendar read govuk
    """


for _verb in (read, diff, show_history):
    command.add_command(_verb)


def _parse_zone(text: str) -> str:
    from schedules.times.zone import UnknownZone, zone

    try:
        zone(text)
    except UnknownZone:
        raise ValueError('no time zone of that name, write "Europe/London"') from None
    return text


def _parse_kind(text: str) -> str:
    from schedules.sources.registry import KINDS
    from schedules.values import did_you_mean

    if text not in KINDS:
        meant = did_you_mean(text, KINDS) or f", write one of {', '.join(KINDS)}"
        raise ValueError(f"no calendar is of that kind{meant}")
    return text


def _parse_pair(text: str) -> tuple[str, str]:
    """Return name and value of an option such as `rows=table tr`."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError("write NAME=VALUE")
    return name, value


_OPTION = Parsed("name=value", _parse_pair)
_ZONE = Parsed("zone", _parse_zone)
_timezone_option = click.option("--timezone", type=_ZONE, default="Europe/London", help="Of times written without one.")


@command.command("parse")
@click.argument("kind", type=Parsed("kind", _parse_kind))
@click.argument("file", type=click.Path(path_type=Path))
@_timezone_option
@click.option("--producer", default="", help="Producer of entries that name none.")
@click.option("--option", "options", type=_OPTION, multiple=True, help="An option of this kind, as in config.toml.")
@click.option("--url", default="", help="Where the file was saved from, for relative links.")
@json_ignored
def parse(kind: str, file: Path, timezone: str, producer: str, options: tuple[tuple[str, str], ...], url: str) -> None:
    """Print the announcements of a local FILE, one JSON object on each line, and every fault on standard error.

    Exit status 1 if a calendar kept by hand (toml, csv) has faults, or if the file cannot be read.

    Example: ninethirty calendar parse toml calendar.toml
    """
    from monitor.config.read import validated
    from schedules.sources.settings import CalendarSettings

    source = {"url": url} if url else {"file": file.name}
    given = {"name": "parse", "kind": kind, "timezone": timezone, "producer": producer, "options": dict(options)}
    settings, faults = validated(given | source, "", CalendarSettings)
    if settings is None:
        raise click.UsageError("; ".join(f"{fault.key}: {fault.reason}" for fault in faults))
    _parse_file(kind, file, settings, Context("").now())


def _parse_file(kind: str, file: Path, settings: CalendarSettings, now: datetime) -> None:
    """Print the announcements of a file, and its notes on standard error. Raises `BadInput`, `UserFault`."""
    from schedules.as_json import announcement_json
    from schedules.source import UnreadableCalendar
    from schedules.sources.csv import csv_faults
    from schedules.sources.registry import parse_saved
    from schedules.sources.toml import toml_faults

    checks_of_kinds_kept_by_hand = {"toml": toml_faults, "csv": csv_faults}
    find_remarks = checks_of_kinds_kept_by_hand.get(kind)
    try:
        body = file.read_bytes()
    except OSError as exc:
        raise BadInput([Fault(str(file), "", f"cannot be read: {exc.strerror}")]) from exc
    try:
        reading = parse_saved(body, settings, now)
        remarks = [] if find_remarks is None else find_remarks(body, settings, now)
    except UnreadableCalendar as exc:
        raise UserFault(str(exc)) from exc
    print_json_lines(announcement_json(one) for one in reading.announcements)
    # The remarks on a calendar kept by hand include its notes.
    for note in reading.notes if find_remarks is None else ():
        click.echo(f"{file.name}: {note}", err=True)
    harmless = [remark for remark in remarks if _is_harmless(remark)]
    for remark in harmless:
        click.echo(f"note: {_remark_fault(file, remark)}", err=True)
    if faults := [_remark_fault(file, remark) for remark in remarks if remark not in harmless]:
        raise BadInput(faults)


def _is_harmless(remark: Remark) -> bool:
    """Return whether a remark is no fault: the entry is kept with a doubt, or an option would resolve it."""
    from schedules.sources.row import REASONS

    harmless = {REASONS["serial"], REASONS["order"], "unknown column"}
    without_url = remark.reason == "missing" and remark.key.endswith(".url")
    return without_url or remark.reason in harmless or remark.reason.startswith(("doubtful", "left out"))


def _remark_fault(file: Path, remark: Remark) -> Fault:
    from schedules.values import quote_value

    return Fault(file.name, remark.key, remark.reason, None if remark.value is None else quote_value(remark.value))


@command.command("date")
@click.argument("texts", nargs=-1, required=True, metavar="TEXT...")
@click.option("--anchor", type=DAY, help="The day of the read, which supplies a missing year; default today.")
@_timezone_option
@json_ignored
def read_dates(texts: tuple[str, ...], anchor: date | None, timezone: str) -> None:
    """Print how each date TEXT is read, one JSON object on each line.

    Example: ninethirty calendar date "Thursday 23 July 2015, 9:30am" "Spring 2026" --anchor 2015-07-01
    """
    from schedules.as_json import slot_json
    from schedules.dates import read_date

    for text in texts:
        found = read_date(text, anchor or today(timezone), timezone)
        print_json({"text": text, "slot": slot_json(found.slot), "doubt": found.doubt, "reason": found.reason})
