"""`ninethirty silence`: suppress messages for a while. Evidence, drafts and metrics continue."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from alerts.by_hand import clean_role
from alerts.silence import Scope, Silence, create_silence
from monitor.cli import complete
from monitor.cli.common import Context, Parsed, check_producer, json_verb, release_of, table_lines
from monitor.cli.dates import INSTANT
from monitor.cli.incident.store import (
    incident_of,
    record_act,
    refuse_invalid_input,
    refuse_role,
)
from monitor.errors import unknown_name
from schedules.times.words import stamp
from schedules.values import read_duration

if TYPE_CHECKING:
    from monitor.store.sql.engine import Store


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
@refuse_role
@json_verb
def add(  # one for each option
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
    from monitor.deliver.silences import silence_json

    now = context.now()
    if (length is None) == (until is None):
        raise click.UsageError("give its length or end: --for 2h, or --until TIME")
    begin = max(now, begins or now)  # a time that has passed counts as now
    end = until or begin + (length or timedelta())
    with context.store() as store:
        scope, name = _check_scope(
            context, store, {option: name for option, name in names.items() if name}
        )
        with refuse_invalid_input():
            made = create_silence(scope, name, end, context.actor().role, reason, now, begins=begin)
        with store.transaction() as tx:
            tx.save(made)
            record_act(context, tx, "silenced", made.id, now)
    context.print_result(silence_json(made), silence_text(made, context.settings.timezone))


@command.command("list")
@click.option("--all", "with_ended", is_flag=True, help="Include silences that have ended.")
@json_verb
def list_silences(context: Context, *, with_ended: bool) -> None:
    """List current and future silences.

    Example: ninethirty silence list --all
    """
    from monitor.deliver.silences import silence_json

    now, zone = context.now(), context.settings.timezone
    # With --all, the year 1970 selects every silence.
    ended_after = datetime.fromtimestamp(0, now.tzinfo) if with_ended else now
    with context.store() as store:
        stored = store.outbox.silences(ended_after)
    # The store selects by the planned end, so its rows include silences that were ended early.
    chosen = [one for one in stored if with_ended or now < one.ends]
    rows = [
        (
            one.scope,
            one.name,
            stamp(one.begins, zone),
            stamp(one.ends, zone),
            one.by,
            one.reason,
            one.id,
        )
        for one in chosen
    ]
    text = (
        table_lines(rows, ["OF", "NAME", "FROM", "UNTIL", "BY", "WHY", "SILENCE"])
        if rows
        else "No silences."
    )
    context.print_result([silence_json(one) for one in chosen], text)


@command.command("end")
@click.argument("silence", shell_complete=complete.silences)
@refuse_role
@json_verb
def end(context: Context, *, silence: str) -> None:
    """End a SILENCE before its time. People get the current status within five minutes.

    Example: ninethirty silence end producer-ofqual-20261126T093000000000
    """
    from monitor.deliver.silences import silence_json

    now, role = context.now(), clean_role(context.actor().role)
    with context.store() as store, store.transaction() as tx:
        with_end_ahead = {one.id: one for one in tx.read.outbox.silences(now)}
        if silence not in with_end_ahead:
            raise unknown_name("active silence", silence, with_end_ahead)
        ended = with_end_ahead[silence]
        # `ended.ended` is the time of an early end. To end a silence again changes nothing.
        if ended.ended is None:
            ended = replace(ended, ended=now, ended_by=role)
        tx.save(ended)
        record_act(context, tx, "silence_ended", silence, now)
    context.print_result(silence_json(ended), "ended")


def silence_text(one: Silence, zone: str) -> str:
    """Return a silence in one line."""
    return f"{one.scope} {one.name}, until {stamp(one.ends, zone)}, by {one.by}: {one.reason}"


def _check_scope(context: Context, store: Store, given: dict[str, str]) -> tuple[Scope, str]:
    """Return scope and name of a silence from `given`, the names of things by option.

    Raises `UsageError` unless exactly one is given. Each look-up raises `UnknownName`. A host can
    have any name.
    """
    if len(given) != 1:
        raise click.UsageError("give one of --incident, --release, --producer and --host")
    ((scope, name),) = given.items()
    if scope == "incident":
        incident_of(store.verdicts, name)
    elif scope == "release":
        release_of(store.ledger, name)
    elif scope == "producer":
        check_producer(context, store, name)
    return Scope(scope), name
