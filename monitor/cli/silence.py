"""`ninethirty silence`: suppress messages for a while. Evidence, drafts and metrics continue."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from monitor.cli import complete
from monitor.cli.client import act, get_json, post_json
from monitor.cli.common import (
    Context,
    Parsed,
    json_stamp,
    json_verb,
    table_lines,
)
from monitor.cli.dates import INSTANT
from schedules.times.json import Json
from schedules.values import read_duration


def _parse_length(text: str) -> timedelta:
    """Return a length of time such as `30m`, `2h` or `3d`."""
    try:
        return read_duration(text)
    except ValueError as exc:
        raise ValueError(f'{exc}; two hours are "2h"') from exc


@click.group("silence")
def command() -> None:
    """Suppress messages for a while, with an end and a reason.

    At the end people get the current status.

    Looks, evidence, verdicts, drafts, metrics and the board continue.

    Example: ninethirty silence list
    """


@command.command("add")
@click.option(
    "--incident", metavar="ID", shell_complete=complete.incidents, help="Silence this incident."
)
@click.option(
    "--release", metavar="ID", shell_complete=complete.releases, help="Silence this release."
)
@click.option(
    "--producer", metavar="SLUG", shell_complete=complete.producers, help="Silence this producer."
)
@click.option("--host", metavar="NAME", help="Silence all releases on this host.")
@click.option(
    "--from", "begins", type=INSTANT, help="When it begins, at most 90 days ahead; default now."
)
@click.option(
    "--for",
    "length",
    type=Parsed("length", _parse_length),
    help="Its length: 30m, 2h, 3d; at most 14d.",
)
@click.option("--until", type=INSTANT, help="When it ends, instead of --for.")
@click.option("--reason", required=True, help="Why.")
@json_verb
def add(
    context: Context,
    /,
    *,
    begins: datetime | None,
    length: timedelta | None,
    until: datetime | None,
    reason: str,
    **names: str | None,
) -> None:
    """Suppress messages about an incident, release, producer or host for a while, from now or from
    a later time.

    Example: ninethirty silence add --producer ofqual --for 2h --reason "their site moves"
    """
    now = context.now()
    if (length is None) == (until is None):
        raise click.UsageError("give its length or end: --for 2h, or --until TIME")
    begin = max(now, begins or now)  # a time that has passed counts as now
    end = until or begin + (length or timedelta())
    named = [(scope, name) for scope, name in names.items() if name]
    if len(named) != 1:
        raise click.UsageError("give one of --incident, --release, --producer and --host")
    ((scope, name),) = named
    begins = None if begin == now else begin
    made = post_json(
        context, "/silences", of=scope, name=name, begins=begins, until=end, reason=reason
    )
    context.print_result(made, silence_text(made, context.settings_or_default.timezone))


@command.command("list")
@click.option("--all", "with_ended", is_flag=True, help="Include silences that have ended.")
@json_verb
def list_silences(context: Context, *, with_ended: bool) -> None:
    """List current and future silences.

    Example: ninethirty silence list --all
    """
    include = "all" if with_ended else "future"
    chosen = get_json(context, "/silences", include=include)["silences"]
    zone = context.settings_or_default.timezone
    rows = [
        (
            one["of"],
            one["name"],
            json_stamp(one["begins"], zone),
            json_stamp(_end_of(one), zone),
            one["by"],
            one["reason"],
            one["id"],
        )
        for one in chosen
    ]
    heads = ["OF", "NAME", "FROM", "UNTIL", "BY", "WHY", "SILENCE"]
    context.print_result(chosen, table_lines(rows, heads, if_empty="No silences."))


@command.command("end")
@click.argument("silence", shell_complete=complete.silences)
@json_verb
def end(context: Context, *, silence: str) -> None:
    """End a SILENCE before its time. Notices of the current status follow within five minutes.

    Example: ninethirty silence end producer-ofqual-20261126T093000000000
    """
    act(context, f"/silences/{silence}/end", "ended")


def silence_text(one: Json, zone: str) -> str:
    """Return a silence, from its JSON, in one line."""
    until = json_stamp(_end_of(one), zone)
    return f"{one['of']} {one['name']}, until {until}, by {one['by']}: {one['reason']}"


def _end_of(one: Json) -> str:
    return str(one["ended"] or one["until"])
