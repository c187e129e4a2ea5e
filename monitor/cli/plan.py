"""`ninethirty plan`: what will be looked at when, and whether the budgets carry it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from monitor.cli.common import Context, as_json, print_json, table
from monitor.cli.complete import of_producer
from monitor.cli.dates import Day, today
from monitor.cli.terminal import by_the_page
from schedules.times.words import day_text
from schedules.times.zone import day_begins

if TYPE_CHECKING:
    from monitor.watch.day_plan import HostPlan, Planned

_BAR = 40
_ALIKE = 0.2


@click.command("plan")
@click.option("--date", "day", type=Day(), help="Another day than today.")
@of_producer
@as_json
@click.pass_obj
@by_the_page
def command(context: Context, *, day: date | None, producer: str | None, as_json: bool) -> None:
    """Tell what will be looked at when, requests per host against its budget, and where that is too little.

    It reckons with the worst: releases of the day that do not come out.

    Example: ninethirty plan --date 2026-11-26
    """
    from monitor.app.options import budget_of, tripwires_of, watch_rules_of
    from monitor.watch.day_plan import Load, plan_hosts, plan_releases

    settings = context.settings
    zone, rules = settings.timezone, watch_rules_of(settings)
    day = day or today(zone)
    begin, end = day_begins(day, zone), day_begins(day + timedelta(days=1), zone)
    with context.store() as store:
        releases = plan_releases(store, rules, begin, end, context.now())
    hosts = plan_hosts(releases, Load(budget_of(settings), tripwires_of(settings), zone), rules, begin, end)
    # What hosts must carry is of all producers, whoever asks.
    releases = [one for one in releases if producer in {None, one.release.producer}]
    if as_json:
        print_json(_as_json(day, releases, hosts))
    else:
        for line in _lines(day, zone, releases, hosts):
            click.echo(line)


def _as_json(day: date, releases: Sequence[Planned], hosts: Sequence[HostPlan]) -> dict[str, Any]:
    return {
        "date": day.isoformat(),
        "releases": [one.as_json() for one in releases],
        "hosts": {one.host: one.as_json() for one in hosts},
        "warnings": [one.warning for one in hosts if one.warning],
    }


def _lines(day: date, zone: str, releases: Sequence[Planned], hosts: Sequence[HostPlan]) -> Iterator[str]:
    yield from (click.style(f"WARNING: {one.warning}", bold=True) for one in hosts if one.warning)
    due = [one for one in releases if one.is_due]
    addresses = sum(one.targets for one in hosts)
    yield f"{day_text(day, weekday=True)}: {len(due)} due, {len(releases)} watched, {addresses} addresses"
    _tables(due, hosts, zone)
    for host in hosts:
        yield ""
        yield f"{host.host}, looks a minute ({host.budget * 60:.0f} can be carried)"
        yield from _minutes(host.minutes, host.budget * 60, zone)
    for one in releases:
        yield from (
            f"{one.release.title}: {url} is watched too, made from an earlier edition's" for url in one.predicted_urls
        )


def _tables(due: Sequence[Planned], hosts: Sequence[HostPlan], zone: str) -> None:
    if due:
        click.echo("")
        table([[one.slot_text, one.release.producer, one.release.title] for one in due], ["SLOT", "PRODUCER", "TITLE"])
    if hosts:
        click.echo("")
        table([_host_row(one, zone) for one in hosts], ["HOST", "BUDGET", "LOOKS", "PEAK", "STRETCH", ""])


def _host_row(host: HostPlan, zone: str) -> list[str]:
    at, looks = host.peak
    peak = f"{looks / 60:.2g}/s at {_clock(at, zone)}"
    verdict = "too little" if host.warning else ""
    return [host.host, f"{host.budget:g}/s", f"{host.looks:,}", peak, f"{host.stretch:.1f}", verdict]


def _minutes(minutes: Sequence[tuple[datetime, int]], carried: float, zone: str) -> Iterator[str]:
    """Yield one line for each stretch of the day in which about as many looks are due every minute."""
    most = max([carried, *(looks for _, looks in minutes)])
    for begin, end, looks in _stretches(minutes):
        bar = "#" * round(_BAR * looks / most)
        over = "  over budget" if looks > carried else ""
        yield f"  {_clock(begin, zone)} to {_end(end, zone)} {looks:>6,}  {bar}{over}".rstrip()


def _stretches(minutes: Sequence[tuple[datetime, int]]) -> Iterator[tuple[datetime, datetime, int]]:
    """Yield where a stretch begins, where it ends, and the most looks in any minute of it; none without looks."""
    held: list[tuple[datetime, int]] = []
    for minute in [*minutes, None]:
        if held and (minute is None or not _is_alike(minute[1], held)):
            most = max(looks for _, looks in held)
            if most:
                yield held[0][0], held[-1][0] + timedelta(minutes=1), most
            held = []
        held += [] if minute is None else [minute]


def _is_alike(looks: int, held: Sequence[tuple[datetime, int]]) -> bool:
    counts = [looks, *(each for _, each in held)]
    return max(counts) - min(counts) <= _ALIKE * max(counts) or (min(counts) > 0 and max(counts) - min(counts) <= 1)


def _clock(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%H:%M}"


def _end(instant: datetime, zone: str) -> str:
    # Midnight at which a day ends is not the one at which it begins.
    return _clock(instant, zone).replace("00:00", "24:00")
