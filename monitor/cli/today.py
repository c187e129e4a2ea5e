"""`ninethirty today`: the board of a day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from monitor.cli.common import Context, Day, as_json, midnight, print_json, table, today
from monitor.words import length_text, verdict_text


@click.command("today")
@click.option("--date", "day", type=Day(), help="Another day than today.")
@as_json
@click.pass_obj
def command(context: Context, day: date | None, as_json: bool) -> None:  # noqa: FBT001 # click's own way
    """Print the board: slot, producer, title, verdict, delay or exposure.

    Example: ninethirty today --date 2026-11-26
    """
    rows = board(context, day or today(context.settings.timezone))
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo("No release that is watched is promised for this day.")
    else:
        table([row_text(row) for row in rows], ["SLOT", "PRODUCER", "VERDICT", "DELAY OR EXPOSURE", "TITLE"])


def board(context: Context, day: date) -> list[dict[str, Any]]:
    """Return the JSON of every release whose slot begins on a local day, judged afresh where it is not final."""
    from monitor.casefile import fresh
    from monitor.wiring import policies_of

    settings = context.settings
    begin, end = midnight(day, settings.timezone), midnight(day + timedelta(days=1), settings.timezone)
    with context.store() as store:
        return [fresh(store, policies_of(settings), row, context.now()) for row in store.judged(begin, end)]


def row_text(row: dict[str, Any]) -> list[str]:
    """Return a release as the cells of one line of the board."""
    return [slot_text(row["slot"]), row["producer"], verdict_text(row["verdict"]), measure_text(row), row["title"]]


def slot_text(slot: dict[str, Any] | None) -> str:
    """Return the local time of a slot, or its day where no time was announced."""
    if slot is None:
        return "-"
    if slot["precision"] != "instant":
        return str(slot["start"] or "-")
    local = datetime.fromisoformat(slot["start"]).astimezone(ZoneInfo(slot["timezone"]))
    return f"{local:%H:%M} {local.tzname()}"


def measure_text(row: dict[str, Any]) -> str:
    """Return the longest exposure, else the delay, with both bounds."""
    exposures = sorted(row["exposures"], key=lambda one: -(one["seconds"]["max"] or one["seconds"]["min"] or 0))
    if exposures:
        ended = " so far" if exposures[0]["open"] else ""
        return f"out early {length_text(exposures[0]['seconds'])}{ended}"
    return length_text(row["delay"]) if row["verdict"] in {"late", "overdue", "on_time"} else ""
