"""`ninethirty calendar read` and `diff`: a configured calendar as it is now, and what it says otherwise than before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import complete
from monitor.cli.common import Context, as_json, hushed, json_anyway, print_lines
from monitor.cli.terminal import progress
from monitor.clock import SystemClock
from monitor.errors import UserFault, unknown
from monitor.judge.as_json import slot_text

if TYPE_CHECKING:
    from monitor.app.readers import Ask
    from monitor.ledger.reader import Outcome
    from monitor.look.fetch import Answer, Failure, Request
    from schedules.source import Reading
    from schedules.sources.settings import CalendarSettings


@click.command("read")
@click.argument("name", shell_complete=complete.calendars)
@json_anyway
@click.pass_obj
def read(context: Context, name: str) -> None:
    """Read the configured calendar NAME now and print its announcements, one JSON object a line.

    Nothing is written down. Exit status 1 when it cannot be read.

    Example: ninethirty calendar read govuk
    """
    from schedules.as_json import announcement_json

    reading = reading_of(context, name)
    print_lines(announcement_json(one) for one in reading.announcements)
    for note in reading.notes:
        click.echo(f"{name}: {note}", err=True)


@click.command("diff")
@click.argument("name", shell_complete=complete.calendars)
@as_json
@click.pass_obj
def diff(context: Context, *, name: str, as_json: bool) -> None:
    """Tell what the calendar NAME says now otherwise than when it was last read.

    Example: ninethirty calendar diff govuk
    """
    rows = _differences(context, name)
    if as_json:
        print_lines(rows)
        return
    for row in rows:
        before, after = (slot_text(row[side]["slot"]) if row[side] else "-" for side in ("before", "after"))
        click.echo(f"{row['change']:<8} {row['title']}: {before} -> {after}")
    click.echo(f"{name}: {len(rows)} entries differ" if rows else f"{name}: says what it said before", err=True)


def reading_of(context: Context, name: str) -> Reading:
    """Read one configured calendar. Raises `UnknownName`, and `UserFault` when it cannot be read."""
    tables = {table.name: table for table in context.settings.calendar}
    if name not in tables:
        raise unknown("calendar", name, tables)
    with hushed():
        outcome = asyncio.run(read_once(context, tables[name]))
    if outcome.reading is None:
        raise UserFault(f"calendar {name}: {outcome.read.fault}")
    return outcome.reading


async def read_once(context: Context, table: CalendarSettings) -> Outcome:
    """Read a calendar over the network, each request in its host's turn."""
    from monitor.app.readers import asking, reader_of

    settings, clock = context.settings, SystemClock()
    async with asking(settings, clock) as (poller, workers):
        with progress() as tell:
            ask = _counted(table.name, poller.ask, tell)
            return await reader_of(settings, table, context.path.parent, ask, clock, workers).read()


def _counted(calendar: str, ask: Ask, tell: Callable[[str], None]) -> Ask:
    """Return what asks likewise and tells how often: nobody knows beforehand how many pages there are."""
    asked = 0

    async def counted(request: Request) -> Answer | Failure:
        nonlocal asked
        asked += 1
        tell(f"{calendar}: {asked} page{'' if asked == 1 else 's'} asked for")
        return await ask(request)

    return counted


def _differences(context: Context, name: str) -> list[dict[str, Any]]:
    from schedules.as_json import announcement_json

    now = {one.uid: announcement_json(one) for one in reading_of(context, name).announcements}
    with context.store() as store:
        before = {row.uid: row.body["announcement"] for row in store.ledger.announced(name) if row.gone is None}
    return list(_compared(before, now))


def _compared(before: dict[str, Any], now: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for uid in sorted({*before, *now}):
        old, new = before.get(uid), now.get(uid)
        if old != new:
            change = "new" if old is None else "gone" if new is None else "changed"
            title = (new or old or {}).get("title", "")
            yield {"change": change, "uid": uid, "title": title, "before": old, "after": new}
