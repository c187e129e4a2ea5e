"""`ninethirty report`: report what was watched in a period, how punctual it was, and the pattern of
faults.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli import complete
from monitor.cli.common import Context, choose_format, json_verb, output_option, write_output
from monitor.cli.dates import DAY

if TYPE_CHECKING:
    from alerts.draft.period import Period
    from monitor.store.sql.engine import Store
    from monitor.watch.periods import Periods

FORMATS = ("md", "html", "docx", "odt", "csv", "json")


@click.group("report")
def command() -> None:
    """Write reports on more than one incident.

    Example: ninethirty report period --from 2026-10-01 --to 2026-12-31 --output autumn.docx
    """


@command.command("period")
@click.option("--from", "first", type=DAY, required=True, help="First day of slots.")
@click.option("--to", "last", type=DAY, required=True, help="Last day of slots.")
@click.option(
    "--producer", default="", shell_complete=complete.producers, help="Only this producer."
)
@click.option("--host", default="", help="Only releases on this host, such as www.gov.uk.")
@click.option("--format", "kind", type=click.Choice(FORMATS), help="Default: by --output, else md.")
@output_option
@click.option(
    "--keep",
    is_flag=True,
    help="Store it as a draft to complete and sign; each time it is measured again.",
)
@json_verb
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
) -> None:
    """Report on every release with a slot between two days, both included.

    You can select a producer or host.

    With --keep it prints no report, but stores it as a draft.

    Example: ninethirty report period --from 2026-10-01 --to 2026-12-31 --producer ofqual --format
    csv
    """
    if last < first:
        raise click.BadParameter(f"is before --from {first}", param_hint="--to")
    from monitor.app.options import make_periods

    now = context.now()
    with context.store() as store:
        periods = make_periods(context.settings, store)
        found = periods.period(first, last, now, producer, host)
        if keep:
            _keep_as_draft(context, store, periods, found, now)
            return
    chosen = "json" if context.as_json else choose_format(kind, output, FORMATS, "md")
    # `found` is complete, so the report is written without the store.
    write_output(periods.render(found, chosen, now), output, chosen)


@command.command("series")
@click.argument("title")
@click.option(
    "--producer", default="", shell_complete=complete.producers, help="Only this producer."
)
@click.option("--format", "kind", type=click.Choice(FORMATS), help="Default: by --output, else md.")
@output_option
@json_verb
def series(
    context: Context, *, title: str, producer: str, kind: str | None, output: Path | None
) -> None:
    """Report on all editions of a series: slots, delays, exposures, incidents, and what the record
    cannot tell.

    TITLE is that of any edition. Its period does not count.

    Example: ninethirty report series "Malpractice in GCSE, AS and A level: summer 2017"
    """
    from monitor.app.options import make_periods

    now = context.now()
    with context.store() as store:
        periods = make_periods(context.settings, store)
        found = periods.series(title, now, producer)
    chosen = "json" if context.as_json else choose_format(kind, output, FORMATS, "md")
    write_output(periods.render(found, chosen, now), output, chosen)


def _keep_as_draft(
    context: Context, store: Store, periods: Periods, found: Period, now: datetime
) -> None:
    """Store the report as the draft of an incident, so that it is completed and signed like others.

    Print how.
    """
    from alerts.draft.edits import list_open_fields
    from monitor.deliver.incident_json import incident_json

    with store.transaction() as tx:
        incident, versions = periods.save_as_draft(tx, found, now)
    text = (
        f"{incident.id}: version {versions[-1].number},"
        f" {len(list_open_fields(versions[-1].report))} to complete"
    )
    note = f"Complete it: ninethirty incident draft {incident.id} --fields"
    context.print_result(
        incident_json(incident, store.verdicts.drafts(incident.id)), text, note=note
    )
