"""`ninethirty export`: export verdicts as open data, and the joined calendar."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from monitor.cli.client import write_answer
from monitor.cli.common import Context, json_verb, output_option
from monitor.cli.dates import period_options

FORMATS = ("csv", "json", "ics", "toml", "sqlite", "parquet")


@click.command("export")
@click.option(
    "--format",
    "requested_format",
    type=click.Choice(FORMATS),
    help="Default: by --output, else csv.",
)
@click.option(
    "--calendar",
    "what",
    flag_value="calendar",
    help="Export the joined calendar; default for ics, toml.",
)
@click.option(
    "--events",
    "what",
    flag_value="events",
    help="Export changes of verdicts as JSON lines, oldest first.",
)
@period_options("slots, or of events")
@output_option
@json_verb
def command(
    context: Context,
    /,
    *,
    requested_format: str | None,
    what: str | None,
    output: Path | None,
    **days: date | None,
) -> None:
    """Export every verdict (csv, json), or every promised release as a calendar (ics, toml, or with
    --calendar).

    With --from and --to, only releases with a slot in these days. An sqlite file contains the
    verdicts, the promises, looks and blind spans (times without looks) behind them, and the meaning
    of every column. A parquet file contains the verdicts with typed columns. With --events, every
    change of a verdict is one line of JSON, oldest first, with the release at that time. Instants
    are UTC, lengths are seconds. Content seen before its slot is never exported, only when and
    where.

    Example: ninethirty export --format csv --from 2026-10-01 --to 2026-12-31 --output verdicts.csv
    """
    if what == "events":
        if requested_format:
            raise click.UsageError("--events writes JSON lines: leave out --format")
        requested_format = "json"
    write_answer(context, "/export", FORMATS, requested_format, output, what=what, **days)
