"""`ninethirty backfill`: store what publishers claim about past releases that were not watched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

import click

from monitor.cli import complete
from monitor.cli.client import Api, open_api
from monitor.cli.common import Context, json_verb, log_only_errors, print_json
from monitor.cli.dates import period_options
from monitor.clock import SystemClock
from monitor.errors import EnvironmentFault, unknown_name
from schedules.times.words import stamp
from schedules.times.zone import day_begins

if TYPE_CHECKING:
    from alerts.claim import Claim
    from monitor.ledger.backfill import PublicRecord
    from schedules.sources.settings import CalendarSettings

_REPORT_EVERY = 25
BUDGET_SHARE = 0.25
"""The share of a host's budget that a backfill uses, because a daemon may use the same host at the
same time.
"""


@click.command("backfill")
@click.argument("producer", shell_complete=complete.producers)
@period_options("publication", required=True)
@json_verb
def command(context: Context, /, *, producer: str, **days: date) -> None:
    """Store what the public record says PRODUCER published between two days, both included, marked
    as claimed.

    No verdict, figure or draft uses it, because public timestamps of late releases often say
    09:30:00. Known claims are not stored again (with --json they are printed too). Exit status 3 if
    the record does not answer. Claims read until then are kept.

    Example: ninethirty backfill home-office --from 2026-01-01 --to 2026-03-31
    """
    from monitor.config.organisations import ORGANISATIONS, SLUG
    from schedules.source import UnreadableCalendar

    if not SLUG.fullmatch(producer):
        slug_by_name: dict[str, str] = {}
        for slug, names in ORGANISATIONS.items():
            slug_by_name |= dict.fromkeys(names, slug)
        raise unknown_name("producer", producer, ORGANISATIONS, slug_by_name)
    try:
        with log_only_errors(), open_api(context) as api:
            read, new = api.runner.run(
                _store_claims(context, api, producer, days["from"], days["to"])
            )
    except UnreadableCalendar as exc:
        raise EnvironmentFault(f"the record does not answer: {exc}") from exc
    click.echo(f"{producer}: {read} claimed in the public record, {new} of them new", err=True)


async def _store_claims(
    context: Context, api: Api, producer: str, first: date, last: date
) -> tuple[int, int]:
    """Store and print a producer's claims of when it published.

    Return how many were read and how many are new.
    """
    from alerts.claim import claim_json
    from alerts.one_line import one_line
    from monitor.app.readers import open_poller
    from monitor.config.settings import DEFAULT_RATES
    from monitor.ledger.backfill import PublicRecord
    from monitor.ledger.pages import CalendarPages

    settings = context.settings
    rates = {
        host: settings.rate(host) * BUDGET_SHARE
        for host in ("default", *DEFAULT_RATES, *settings.budget)
    }
    with_reduced_budget = settings.model_copy(update={"budget": rates})
    begin = day_begins(first, settings.timezone)
    end = day_begins(last + timedelta(days=1), settings.timezone)
    read = new = 0
    async with open_poller(with_reduced_budget, SystemClock()) as (poller, workers):
        # `strip` removes personal data from answers.
        pages = CalendarPages(poller.send_in_turn, workers, strip=True)
        record = PublicRecord(pages, producer, begin, end, _report_progress)
        async for claim in _read_claims(context, record):
            claimed = claim_json(claim) | {"title": one_line(claim.title)}
            del claimed["claimed"]  # only answers have it
            kept = await api.post_soon("/claims", **claimed)
            read += 1
            new += kept["new"]
            if context.as_json:  # it prints known claims too
                print_json(kept)
            elif kept["new"]:
                click.echo(f"{stamp(claim.at)}  claimed  {kept['title']}  {kept['url']}")
    return read, new


def _read_claims(context: Context, record: PublicRecord) -> AsyncIterator[Claim]:
    """Yield the claims about the record's producer: for the ONS from its release calendar, for
    others from GOV.UK.
    """
    from schedules.sources.govuk_listing import site_of
    from schedules.sources.ons import PRODUCER, OnsSource
    from schedules.sources.settings import CalendarSettings

    def calendar_of(kind: Literal["ons", "govuk"]) -> CalendarSettings:
        """Return the calendar of this kind that is for the producer, else the first of this kind,
        else a default.
        """
        tables = [table for table in context.settings.calendar if table.kind == kind]
        tables = tables or [CalendarSettings(name=kind, kind=kind)]
        table = next((one for one in tables if one.producer == record.producer), tables[0])
        return table.in_zone(context.settings.timezone)

    ons, govuk = calendar_of("ons"), calendar_of("govuk")
    if record.producer == (ons.producer or PRODUCER):
        # `back` adds days before the first. Read only the requested days.
        return record.read_ons(
            OnsSource(ons.model_copy(update={"options": {**ons.options, "back": "0"}}))
        )
    # Search for the organisations that a calendar of this producer names, by default for the
    # producer itself.
    filters = govuk.filters if govuk.producer == record.producer else {}
    organisations = filters.get("organisations") or [record.producer]
    return record.read_govuk(site_of(govuk), tuple(organisations))


def _report_progress(read: int, whole: int) -> None:
    if read % _REPORT_EVERY == 0 or read == whole:
        click.echo(f"{read} of {whole} read", err=True)
