"""The verb `ninethirty once`."""

from __future__ import annotations

import asyncio
from datetime import date

import click

from monitor.cli.common import Context, json_verb, log_only_errors
from monitor.cli.dates import day_option
from monitor.cli.today import board_lines
from monitor.judge.as_text import count_by_status
from schedules.times.json import Json
from schedules.times.words import count


@click.command("once")
@day_option("Only releases of this day; default all watched ones.")
@json_verb
def command(context: Context, *, day: date | None) -> None:
    """Read calendars, look once at what is due, print verdicts, send due notices, and stop.

    Use it for cron or to try things out. Between two calls nothing is watched, and verdicts say so.

    Example: ninethirty once --date today
    """
    from monitor.config.secrets import redactor, secrets_of

    # Without secrets there is no redactor. Then `str` leaves each line as it is.
    redact = redactor(secrets_of(context.settings)) or str
    with log_only_errors(redact):
        rows = asyncio.run(_look_once(context, day))
    statuses = f": {count_by_status(rows)}" if rows else ""
    looked = f"{count(len(rows), 'release')} looked at{statuses}"
    context.print_result(rows, [looked, *board_lines(rows, context)])


async def _look_once(context: Context, day: date | None) -> list[Json]:
    """Look once at the releases of a day (None: all).

    Return their JSON by slot, first those without one. Print calendar faults to stderr.
    """
    from monitor.app.build import Edges, build
    from monitor.store.open import locked_store

    with locked_store(context.settings.store.url) as lock:
        app = build(context.settings, Edges(serve=False), context.path.parent)
        try:
            lock.lock()  # the file of a new store
            looked = await app.run_once(day)
        finally:
            # A complete run has committed everything. After a failure, this drops what is not
            # committed.
            app.daemon.abandon()
            await app.daemon.close()
    for name, fault in looked.faults.items():
        click.echo(f"calendar {name}: {fault}", err=True)
    return sorted(looked.releases, key=_slot_and_id)


def _slot_and_id(row: Json) -> tuple[str, str]:
    begins = row["slot"] and row["slot"]["start"]
    return begins or "", row["id"]
