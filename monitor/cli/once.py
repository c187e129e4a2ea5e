"""`ninethirty once`: calendars read, one look at what is due, verdicts, and out."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import Context, Day, as_json, hushed, print_json
from monitor.cli.today import print_board, summary
from monitor.errors import SurroundingsFault
from schedules.times.words import stamp

if TYPE_CHECKING:
    from monitor.app.daemon import Daemon

_ALIVE = timedelta(minutes=2)


@click.command("once")
@click.option("--date", "day", type=Day(), help="Only releases of this day; default all that are being watched.")
@as_json
@click.pass_obj
def command(context: Context, *, day: date | None, as_json: bool) -> None:
    """Read calendars, look once at what is due, print verdicts, tell what is to be told, and stop.

    For cron and for trying out. Nothing is looked at between two such calls, and verdicts say so.

    Example: ninethirty once --date today
    """
    from monitor.config.secrets import secrets_of

    with hushed(secrets_of(context.settings)):
        rows = asyncio.run(_once(context, day))
    if as_json:
        print_json(rows)
        return
    click.echo(f"{len(rows)} releases looked at" + (f": {summary(rows)}" if rows else ""))
    if rows:
        print_board(rows)


async def _once(context: Context, day: date | None) -> list[dict[str, Any]]:
    from monitor.app.build import Edges, build

    daemon = build(context.settings, Edges(serve=False), context.path.parent)
    try:
        _refuse_company(daemon)
        await daemon.take_up()
        rows = await _looked_at(daemon, day)
        for channel in daemon.channels:
            await daemon.outbox.empty(channel.name)
        daemon.heartbeat.end(daemon.clock.now())
        daemon.writer.nudge()
        await daemon.writer.close()
    finally:
        daemon.abandon()
        await daemon.close()
    return sorted(rows, key=lambda row: (row["slot"]["start"] or "" if row["slot"] else "", row["id"]))


async def _looked_at(daemon: Daemon, day: date | None) -> list[dict[str, Any]]:
    await daemon.read_calendars()
    for name, fault in daemon.health.faults.items():
        click.echo(f"calendar {name}: {fault}", err=True)
    await daemon.look_once(day)
    looked = {target.release for target in daemon.roster.targets_on(day)}
    return [body for release in looked if (body := daemon.body(release)) is not None]


def _refuse_company(daemon: Daemon) -> None:
    # Two of one name would each take the other's silence for its own blind span.
    beat = daemon.store.heartbeat(daemon.name)
    if beat is not None and not beat.stopped and daemon.clock.now() - beat.at < _ALIVE:
        raise SurroundingsFault(
            f'a monitor named "{daemon.name}" is running on this store, last heard of at {stamp(beat.at)}: '
            "ask it with `today`, or stop it first"
        )
