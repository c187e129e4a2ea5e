"""`ninethirty calendar`: read, parse and compare calendars, and show the history of a release."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.calendar.history import show_history
from monitor.cli.calendar.read import diff, read
from monitor.cli.common import Context, json_ignored, print_json, print_json_lines
from monitor.cli.dates import Day, today
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


class Zone(click.ParamType[str]):
    """A time zone by its name."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 # click's own signature
        """Read the name of a zone, or fail with wrong usage."""
        from schedules.times.zone import UnknownZone, zone

        try:
            zone(value)
        except UnknownZone:
            self.fail(f'no time zone of that name, write "Europe/London" (got "{value}")', param, ctx)
        return str(value)


class Kind(click.ParamType[str]):
    """A kind of calendar."""

    name = "kind"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 # click's own signature
        """Read a kind, or fail with wrong usage."""
        from schedules.sources.registry import KINDS
        from schedules.values import did_you_mean

        if value not in KINDS:
            meant = did_you_mean(value, KINDS) or f", write one of {', '.join(KINDS)}"
            self.fail(f'no calendar is of that kind{meant} (got "{value}")', param, ctx)
        return str(value)


class Pair(click.ParamType[tuple[str, str]]):
    """An option of a kind: `rows=table tr`."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:  # noqa: ANN401 # click's own signature
        """Read a pair, or fail with wrong usage."""
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f'write NAME=VALUE (got "{value}")', param, ctx)
        return name, text


@command.command("parse")
@click.argument("kind", type=Kind())
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--timezone", type=Zone(), default="Europe/London", help="Of times written without one.")
@click.option("--producer", default="", help="Producer of entries that name none.")
@click.option("--option", "options", type=Pair(), multiple=True, help="An option of this kind, as in config.toml.")
@click.option("--url", default="", help="Where the file was saved from, for relative links.")
@json_ignored
def parse(kind: str, file: Path, timezone: str, producer: str, options: tuple[tuple[str, str], ...], url: str) -> None:
    """Print the announcements of a local FILE, one JSON object on each line, and every fault on standard error.

    Exit status 1 if a calendar kept by hand (toml, csv) has faults, or if the file cannot be read.

    Example: ninethirty calendar parse toml calendar.toml
    """
    from monitor.config.read import validated
    from schedules.sources.settings import CalendarSettings

    where = {"url": url} if url else {"file": file.name}
    given = {"name": "parse", "kind": kind, "timezone": timezone, "producer": producer, "options": dict(options)}
    chosen, wrong = validated(given | where, "", CalendarSettings)
    if chosen is None:
        raise click.UsageError("; ".join(f"{fault.key}: {fault.reason}" for fault in wrong))
    _parse_file(kind, file, chosen, Context("").now())


def _parse_file(kind: str, file: Path, settings: CalendarSettings, now: datetime) -> None:
    """Print the announcements of a file, and its notes on standard error. Raises `BadInput`, `UserFault`."""
    from schedules.as_json import announcement_json
    from schedules.source import UnreadableCalendar
    from schedules.sources.registry import parse_saved

    try:
        body = file.read_bytes()
    except OSError as exc:
        raise BadInput([Fault(str(file), "", f"cannot be read: {exc.strerror}")]) from exc
    try:
        reading = parse_saved(body, settings, now)
        remarks = _check_hand_kept(kind, body, settings, now)
    except UnreadableCalendar as exc:
        raise UserFault(str(exc)) from exc
    print_json_lines(announcement_json(one) for one in reading.announcements)
    if remarks is None:
        for note in reading.notes:
            click.echo(f"{file.name}: {note}", err=True)
        return
    harmless = [remark for remark in remarks if _is_harmless(remark)]
    for remark in harmless:
        click.echo(f"note: {_remark_fault(file, remark)}", err=True)
    if faults := [_remark_fault(file, remark) for remark in remarks if remark not in harmless]:
        raise BadInput(faults)


def _check_hand_kept(kind: str, body: bytes, settings: CalendarSettings, now: datetime) -> Sequence[Remark] | None:
    """Return every remark on a calendar that people write, or None for kinds that programs write."""
    from schedules.sources.csv import csv_faults
    from schedules.sources.toml import toml_faults

    checks = {"toml": toml_faults, "csv": csv_faults}
    return checks[kind](body, settings, now) if kind in checks else None


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
@click.option("--anchor", type=Day(), help="The day of the read, which supplies a missing year; default today.")
@click.option("--timezone", type=Zone(), default="Europe/London", help="Of times written without one.")
@json_ignored
def read_dates(texts: tuple[str, ...], anchor: date | None, timezone: str) -> None:
    """Print how each date TEXT is read, one JSON object on each line.

    Example: ninethirty calendar date "Thursday 23 July 2015, 9:30am" "Spring 2026" --anchor 2015-07-01
    """
    from schedules.as_json import slot_json
    from schedules.dates import read_date

    for text in texts:
        found = read_date(text, anchor or today(timezone), timezone).slot
        print_json({"text": text, "slot": slot_json(found), "doubt": found.doubt, "reason": found.reason})
