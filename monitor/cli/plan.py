"""`ninethirty plan`: show what will be looked at and when, and whether the budgets are large
enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from monitor.cli.common import Context, json_verb, table_lines
from monitor.cli.complete import producer_option
from monitor.cli.dates import day_option, today
from monitor.cli.terminal import page_output
from monitor.cli.today import UNREAD
from monitor.errors import unknown_name
from schedules.release import producers_of
from schedules.times.words import day_text
from schedules.times.zone import day_begins, local

if TYPE_CHECKING:
    from monitor.store.sql.engine import Store
    from monitor.watch.day_plan import HostPlan, PlannedRelease


@click.command("plan")
@day_option("Day to show; default today.")
@producer_option
@json_verb
@page_output
def command(context: Context, *, day: date | None, producer: str | None) -> None:
    """Show what will be looked at and when, the requests to each host, and which budgets are too
    small.

    The plan assumes the worst case: no release of the day is published.

    Example: ninethirty plan --date 2026-11-26
    """
    settings, zone = context.settings, context.settings.timezone
    day = day or today(zone)
    with context.store() as store:
        if producer and not context.as_json:  # programs get an empty plan for an unknown producer
            known = producers_of(store.ledger.releases())
            known |= {one.id for one in settings.producer}
            if producer not in known:
                raise unknown_name("producer", producer, known)
        releases, hosts = plan_day(context, store, day)
        is_read = bool(store.ledger.reads(limit=1, usable=True))
    # The load of hosts includes all producers, so only releases are filtered.
    releases = [one for one in releases if producer in {None, one.release.producer}]
    body = {
        "date": day.isoformat(),
        "releases": [one.as_json() for one in releases],
        "hosts": {one.host: one.as_json() for one in hosts},
        "warnings": [one.warning for one in hosts if one.warning],
    }
    lines = _plan_lines(day, zone, releases, hosts)
    context.print_result(body, lines if is_read or releases else [UNREAD])


def plan_day(
    context: Context, store: Store, day: date
) -> tuple[list[PlannedRelease], list[HostPlan]]:
    """Return the releases that are watched on a local day, and the load of each host if none is
    published.
    """
    from monitor.app.options import make_budget, make_tripwire_producers, make_watch_rules
    from monitor.watch.day_plan import Load, plan_hosts, plan_releases

    settings, zone = context.settings, context.settings.timezone
    rules = make_watch_rules(settings)
    load = Load(make_budget(settings), make_tripwire_producers(settings), zone)
    begin, end = day_begins(day, zone), day_begins(day + timedelta(days=1), zone)
    releases = plan_releases(store, rules, begin, end, context.now())
    return releases, plan_hosts(releases, load, rules, begin, end)


def _plan_lines(
    day: date, zone: str, releases: Sequence[PlannedRelease], hosts: Sequence[HostPlan]
) -> Iterator[str]:
    """Yield the plan: warnings, the releases due, the load of each host, and predicted
    addresses.
    """
    yield from (
        click.style(f"WARNING: {host.warning}", bold=True) for host in hosts if host.warning
    )
    due = [one for one in releases if one.is_due]
    addresses = sum(host.targets for host in hosts)
    yield (
        f"{day_text(day, weekday=True)}: {len(due)} due, {len(releases)} watched, {addresses}"
        " addresses"
    )
    if due:
        yield ""
        rows = [[one.slot_text, one.release.producer, one.release.title] for one in due]
        yield from table_lines(rows, ["SLOT", "PRODUCER", "TITLE"])
    if hosts:
        yield ""
        # STRETCH is the factor for the spacing of looks in the busiest minute.
        rows = [_host_row(one, zone) for one in hosts]
        yield from table_lines(rows, ["HOST", "BUDGET", "LOOKS", "PEAK", "STRETCH", ""])
        yield ""
    for host in hosts:
        for slot in host.slots:
            yield f"{host.host}: {slot.describe(zone)}"
    for one in releases:
        for url in one.predicted_urls:
            yield f"{one.release.title}: {url} is watched too, predicted from an earlier edition"


def _host_row(host: HostPlan, zone: str) -> list[str]:
    """Return the cells of a host: its budget, its looks, its busiest minute, and whether the budget
    is enough.
    """
    at, looks = host.peak
    peak = f"{looks / 60:.2g}/s at {local(at, zone):%H:%M}"
    verdict = "too little" if host.warning else ""
    numbers = [f"{host.budget:g}/s", f"{host.looks:,}", peak, f"{host.stretch:.1f}"]
    return [host.host, *numbers, verdict]
