"""`ninethirty report`: report on a period or series, and how punctual it was."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.client import open_api, write_answer
from monitor.cli.common import Context, json_verb, output_option
from monitor.cli.complete import producer_option
from monitor.cli.dates import period_options
from monitor.cli.incident.draft import form_text

FORMATS = ("md", "html", "docx", "odt", "csv", "json")
_format_option = click.option(
    "--format", "kind", type=click.Choice(FORMATS), help="Default: by --output, else md."
)


@click.group("report")
def command() -> None:
    """Write reports on more than one incident.

    Example: ninethirty report period --from 2026-10-01 --to 2026-12-31 --output autumn.docx
    """


@command.command("period")
@period_options("slots", required=True)
@producer_option
@click.option("--host", help="Only releases on this host, such as www.gov.uk.")
@_format_option
@output_option
@click.option(
    "--keep",
    is_flag=True,
    help="Store it as a draft to complete and sign; each time it is measured again.",
)
@json_verb
def period(
    context: Context, /, *, kind: str | None, output: Path | None, keep: bool, **choice: object
) -> None:
    """Report on every release with a slot between two days, both included.

    You can select a producer or host.

    With --keep it prints no report, but stores it as a draft.

    Example: ninethirty report period --from 2026-10-01 --to 2026-12-31 --producer ofqual --format
    csv
    """
    if not keep:
        write_answer(context, "/report", FORMATS, kind, output, **choice)
        return
    with open_api(context) as api:
        kept = api.post("/reports", **choice)
        form = api.get(f"/incidents/{kept['id']}/answers")
    note = f"Complete it: ninethirty incident draft {kept['id']} --fields"
    context.print_result(kept, form_text(form), note=note)


@command.command("series")
@click.argument("series", metavar="TITLE")
@producer_option
@_format_option
@output_option
@json_verb
def series(context: Context, /, *, kind: str | None, output: Path | None, **choice: object) -> None:
    """Report on all editions of a series: slots, delays, exposures, incidents, and what the record
    cannot tell.

    TITLE is that of any edition. Its period does not count.

    Example: ninethirty report series "Malpractice in GCSE, AS and A level: summer 2017"
    """
    write_answer(context, "/report", FORMATS, kind, output, **choice)
