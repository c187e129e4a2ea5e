"""`ninethirty calendar read` and `diff`: read a configured calendar now, and compare it with the last read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import complete
from monitor.cli.common import Context, as_json, json_ignored, log_only_errors, print_lines
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
@json_ignored
@click.pass_obj
def read(context: Context, name: str) -> None:
    """Read the configured calendar NAME now and print its announcements, one JSON object on each line.

    Nothing is stored. Exit status 1 if it cannot be read.

    Example: ninethirty calendar read govuk
    """
    from schedules.as_json import announcement_json

    reading = read_calendar(context, name)
    print_lines(announcement_json(one) for one in reading.announcements)
    for note in reading.notes:
        click.echo(f"{name}: {note}", err=True)


@click.command("diff")
@click.argument("name", shell_complete=complete.calendars)
@as_json
@click.pass_obj
def diff(context: Context, *, name: str, as_json: bool) -> None:
    """Show how the calendar NAME differs now from its last read.

    Example: ninethirty calendar diff govuk
    """
    rows = _calendar_differences(context, name)
    if as_json:
        print_lines(rows)
        return
    for row in rows:
        before, after = (slot_text(row[side]["slot"]) if row[side] else "-" for side in ("before", "after"))
        click.echo(f"{row['change']:<8} {row['title']}: {before} -> {after}")
    click.echo(f"{name}: {len(rows)} entries differ" if rows else f"{name}: no entries differ", err=True)


def read_calendar(context: Context, name: str) -> Reading:
    """Read one configured calendar. Raises `UnknownName`, and `UserFault` if it cannot be read."""
    tables = {table.name: table for table in context.settings.calendar}
    if name not in tables:
        raise unknown("calendar", name, tables)
    with log_only_errors():
        outcome = asyncio.run(read_once(context, tables[name]))
    if outcome.reading is None:
        raise UserFault(f"calendar {name}: {outcome.read.fault}")
    return outcome.reading


async def read_once(context: Context, table: CalendarSettings) -> Outcome:
    """Read a calendar over the network, within the budgets of hosts."""
    from monitor.app.readers import make_calendar_reader, open_poller

    settings, clock = context.settings, SystemClock()
    async with open_poller(settings, clock) as (poller, workers):
        with progress() as tell:
            ask = _count_requests(table.name, poller.send_in_turn, tell)
            return await make_calendar_reader(settings, table, context.path.parent, ask, clock, workers).read()


def _count_requests(calendar: str, ask: Ask, tell: Callable[[str], None]) -> Ask:
    """Return `ask` with a count of requests as progress, because the number of pages is not known in advance."""
    count = 0

    async def counted(request: Request) -> Answer | Failure:
        nonlocal count
        count += 1
        tell(f"{calendar}: {count} page{'' if count == 1 else 's'} requested")
        return await ask(request)

    return counted


def _calendar_differences(context: Context, name: str) -> list[dict[str, Any]]:
    from schedules.as_json import announcement_json

    now = {one.uid: announcement_json(one) for one in read_calendar(context, name).announcements}
    with context.store() as store:
        before = {row.uid: row.body["announcement"] for row in store.ledger.announced(name) if row.gone is None}
    return list(_compare_entries(before, now))


def _compare_entries(before: dict[str, Any], now: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for uid in sorted({*before, *now}):
        old, new = before.get(uid), now.get(uid)
        if old != new:
            change = "new" if old is None else "gone" if new is None else "changed"
            title = (new or old or {}).get("title", "")
            yield {"change": change, "uid": uid, "title": title, "before": old, "after": new}
