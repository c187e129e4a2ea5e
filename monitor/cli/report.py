"""`ninethirty report`: what was watched between two days, how punctual it was, and the pattern of faults."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from monitor.cli.common import Context, Day, as_json, deliver, midnight, print_json, span_of, unknown
from monitor.cli.today import judged_bodies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.draft.period import Period
    from alerts.draft.report import Report
    from alerts.incident import Incident
    from monitor.store.interface import Store, VerdictStore

FORMATS = ("md", "html", "docx", "odt", "csv", "json")


@click.group("report")
def command() -> None:
    """Write reports on more than one incident.

    Example: ninethirty report period --from 2026-10-01 --to 2026-12-31 --output autumn.docx
    """


@command.command("period")
@click.option("--from", "first", type=Day(), required=True, help="First day of slots.")
@click.option("--to", "last", type=Day(), required=True, help="Last day of slots.")
@click.option("--producer", default="", help="Only this producer.")
@click.option("--host", default="", help="Only this platform, such as www.gov.uk.")
@click.option("--format", "kind", type=click.Choice(FORMATS), help="Default that of --output, else md.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it here, not to the terminal.")
@click.option("--keep", is_flag=True, help="Keep it as a draft to be completed and signed, measured anew each time.")
@as_json
@click.pass_obj
def period(  # noqa: PLR0913 # one for each option
    context: Context,
    *,
    first: date,
    last: date,
    producer: str,
    host: str,
    kind: str | None,
    output: Path | None,
    keep: bool,
    as_json: bool,
) -> None:
    """Report on every release with a slot between two days, both included, of a producer, a platform or of all.

    Example: ninethirty report period --from 2026-10-01 --to 2026-12-31 --producer ofqual --format csv
    """
    if last < first:
        raise click.BadParameter(f"lies before --from {first}", param_hint="--to")
    with context.store() as store:
        found = _period(context, store, first, last, producer, host)
        if keep:
            _keep(context, store, found, as_json=as_json)
            return
    suffix = output.suffix.removeprefix(".") if output is not None else ""
    chosen = "json" if as_json else kind or (suffix if suffix in FORMATS else "md")
    deliver(_written(context, found, chosen), output, chosen)


def _period(context: Context, store: Store, first: date, last: date, producer: str, host: str) -> Period:
    from alerts.draft.period import period_of
    from alerts.finding import BlindSpan
    from alerts.incident import Kind
    from monitor.deliver.period_rows import row_of

    begin, end = span_of(first, last, context.settings.timezone)
    rows = [row_of(store.verdicts, body) for body in judged_bodies(context, store, begin, end)]
    logged = [one for one in store.verdicts.incidents(begin, end) if one.kind is Kind.HAND]
    claims = store.ledger.claims(begin, end)
    known = {one for row in rows for one in (row.producer, *row.others)} | {one.id for one in context.settings.producer}
    known |= {one.producer for one in logged} | {one.producer for one in claims}
    hosts = {row.host for row in rows}.union((one.host for one in claims), *map(_hosts, logged))
    _check_names(store.verdicts, known, hosts, producer, host)
    blind = store.runs.blind(begin, end) if begin is not None and end is not None else []
    spans = tuple(BlindSpan(span.begins, span.ends, span.cause) for span in blind)
    return replace(
        period_of(rows, first, last, producer, host),
        blind=spans,
        logged=tuple(one for one in logged if _is_of(one.producers, producer) and (not host or host in _hosts(one))),
        claims=tuple(one for one in claims if _is_of((one.producer,), producer) and host in ("", one.host)),
    )


def _is_of(producers: Sequence[str], producer: str) -> bool:
    return not producer or producer in producers


def _hosts(incident: Incident) -> set[str]:
    urls = [*incident.words.get("url", "").splitlines(), *([incident.facts.url] if incident.facts is not None else [])]
    return {urlsplit(url).hostname or "" for url in urls}


def _check_names(verdicts: VerdictStore, producers: set[str], hosts: set[str], producer: str, host: str) -> None:
    if producer and producer not in producers:
        producers |= {each.producer for each in verdicts.judged()}
        if producer not in producers:
            raise unknown("producer", producer, producers)
    if host and host not in hosts:
        hosts |= {urlsplit(each.body["url"]).hostname or "" for each in verdicts.judged()}
        if host not in hosts:
            raise unknown("host", host, hosts)


def _keep(context: Context, store: Store, found: Period, *, as_json: bool) -> None:
    """Write the report down as the draft of a period, which is closed and owed by nobody."""
    from alerts.draft.edits import to_complete
    from alerts.incident import Incident, Kind
    from monitor.deliver.drafts import measured_anew
    from monitor.deliver.incident_json import incident_json

    whose, report, now = found.producer or found.host or "all", _report(context, found), context.now()
    name = f"period-{'-'.join(filter(None, (found.producer, found.host))) or 'all'}-{found.begins}-{found.ends}"
    begin = midnight(found.begins, context.settings.timezone)
    title, what = f"{report.title}: {report.subject}", {"what": "A report on all releases of a period."}
    made = Incident(name, Kind.PLATFORM, "", whose, title, now, begin, "none", closed=now, words=what)
    with store.transaction() as tx:
        incident = store.verdicts.incident(name) or made
        tx.save_incident(incident)
        versions = measured_anew(tx, store.verdicts.drafts(name), name, replace(report, incident=name))
    if as_json:
        print_json(incident_json(incident, store.verdicts.drafts(name)))
        return
    click.echo(f"{name}: version {versions[-1].number}, {len(to_complete(versions[-1].report))} to complete")
    click.echo(f"Complete it: ninethirty incident draft {name} --fields", err=True)


def _written(context: Context, found: Period, kind: str) -> bytes:
    from alerts.draft.period_data import period_csv, period_json
    from alerts.draft.write.registry import WRITERS

    if kind == "csv":
        return period_csv(found).encode()
    if kind == "json":
        return (json.dumps(period_json(found), ensure_ascii=False) + "\n").encode()
    return WRITERS[kind](_report(context, found))


def _report(context: Context, found: Period) -> Report:
    from alerts.draft.period_report import period_report
    from monitor.config.organisations import ORGANISATIONS

    settings = context.settings
    called = {slug: names[0] for slug, names in ORGANISATIONS.items()}
    called |= {one.id: one.name for one in settings.producer}
    name = found.host or called.get(found.producer, found.producer) or "All producers watched"
    return period_report(found, name, context.now(), settings.timezone, lambda producer: called.get(producer, producer))
