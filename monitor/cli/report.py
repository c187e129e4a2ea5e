"""`ninethirty report`: what was watched between two days, how punctual it was, and the pattern of faults."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from monitor.cli.common import Context, Day, as_json, deliver, span_of, unknown
from monitor.cli.today import judged_bodies

if TYPE_CHECKING:
    from alerts.draft.period import Period, Row
    from monitor.config.settings import Settings
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
    as_json: bool,
) -> None:
    """Report on every release with a slot between two days, both included, of a producer, a platform or of all.

    Example: ninethirty report period --from 2026-10-01 --to 2026-12-31 --producer ofqual --format csv
    """
    if last < first:
        raise click.BadParameter(f"lies before --from {first}", param_hint="--to")
    with context.store() as store:
        found = _period(context, store, first, last, producer, host)
    suffix = output.suffix.removeprefix(".") if output is not None else ""
    chosen = "json" if as_json else kind or (suffix if suffix in FORMATS else "md")
    deliver(_written(context, found, chosen), output, chosen)


def _period(context: Context, store: Store, first: date, last: date, producer: str, host: str) -> Period:
    from alerts.draft.period import period_of
    from alerts.finding import BlindSpan
    from monitor.deliver.period_rows import row_of

    begin, end = span_of(first, last, context.settings.timezone)
    rows = [row_of(store.verdicts, body) for body in judged_bodies(context, store, begin, end)]
    _check_names(context.settings, store.verdicts, rows, producer, host)
    blind = store.runs.blind(begin, end) if begin is not None and end is not None else []
    spans = tuple(BlindSpan(span.begins, span.ends, span.cause) for span in blind)
    claims = (
        one for one in store.ledger.claims(begin, end) if producer in ("", one.producer) and host in ("", one.host)
    )
    return replace(period_of(rows, first, last, producer, host), blind=spans, claims=tuple(claims))


def _check_names(settings: Settings, verdicts: VerdictStore, rows: list[Row], producer: str, host: str) -> None:
    producers = {one for row in rows for one in (row.producer, *row.others)} | {table.id for table in settings.producer}
    if producer and producer not in producers:
        producers |= {each.producer for each in verdicts.judged()}
        if producer not in producers:
            raise unknown("producer", producer, producers)
    if host and host not in {row.host for row in rows}:
        known = {urlsplit(each.body["url"]).hostname or "" for each in verdicts.judged()}
        if host not in known:
            raise unknown("host", host, known)


def _written(context: Context, found: Period, kind: str) -> bytes:
    from alerts.draft.pattern import patterns_json
    from alerts.draft.period import period_csv, period_json
    from alerts.draft.period_report import period_report
    from alerts.draft.write.registry import WRITERS

    if kind == "csv":
        return period_csv(found).encode()
    if kind == "json":
        body = {**period_json(found), "patterns": patterns_json(found)}
        return (json.dumps(body, ensure_ascii=False) + "\n").encode()
    name = found.host or context.settings.producer_of(found.producer).name or "All producers watched"
    return WRITERS[kind](period_report(found, name, context.now(), context.settings.timezone))
