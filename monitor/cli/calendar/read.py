"""`ninethirty calendar read` and `diff`: read a configured calendar now, and compare it with the
last read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import complete
from monitor.cli.client import open_api
from monitor.cli.common import Context, json_ignored, json_verb, log_only_errors, print_json
from monitor.cli.terminal import progress_line
from monitor.clock import SystemClock
from monitor.errors import UserFault, unknown_name
from monitor.judge.as_json import slot_text
from monitor.look.fetch import Answer, Failure, Request
from schedules.source import Reading
from schedules.sources.settings import CalendarSettings

if TYPE_CHECKING:
    from monitor.app.readers import Ask
    from monitor.ledger.reader import Outcome


@click.command("read")
@click.argument("name", shell_complete=complete.calendars)
@json_ignored
@click.pass_obj
def read(context: Context, name: str) -> None:
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


@click.command("diff")
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
        before = slot_text(row["before"]["slot"]) if row["before"] else "-"
        after = slot_text(row["after"]["slot"]) if row["after"] else "-"
        click.echo(f"{row['change']:<8} {row['title']}: {before} -> {after}")
    if not context.as_json:
        click.echo(
            f"{name}: {len(rows)} entries differ" if rows else f"{name}: no entries differ",
            err=True,
        )


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
    """Read a calendar once from its file or web address, within the budgets of its hosts.

    Return the outcome.
    """
    from monitor.app.readers import make_calendar_reader, open_poller

    settings, clock = context.settings, SystemClock()
    async with open_poller(settings, clock) as (poller, workers):
        with progress_line() as show:
            send = _count_requests(table.name, poller.send_in_turn, show)
            return await make_calendar_reader(
                settings, table, context.path.parent, send, clock, workers
            ).read()


def _count_requests(calendar: str, send: Ask, show: Callable[[str], None]) -> Ask:
    """Return a function that sends as `send` does, and shows how many pages it has requested.

    The number of pages is not known in advance, so no percentage can be shown.
    """
    numbers = count(1)

    async def count_and_send(request: Request) -> Answer | Failure:
        number = next(numbers)
        show(f"{calendar}: {number} page{'' if number == 1 else 's'} requested")
        return await send(request)

    return count_and_send


def _compare_with_last_read(context: Context, name: str) -> Iterator[dict[str, Any]]:
    """Yield each entry that differs between the stored calendar and a read now, as new, gone
    (removed) or changed.
    """
    entries_now = {one.uid: one.as_json() for one in read_calendar(context, name).announcements}
    with open_api(context) as api:
        entries = api.get(f"/calendars/{name}/entries")["entries"]
    stored = {one["uid"]: one for one in entries}
    for uid in sorted({*stored, *entries_now}):
        before, after = stored.get(uid), entries_now.get(uid)
        if before != after:
            change = "new" if before is None else "changed"
            if after is None:
                change = "gone"
            title = (after or before or {}).get("title", "")
            yield {"change": change, "uid": uid, "title": title, "before": before, "after": after}
