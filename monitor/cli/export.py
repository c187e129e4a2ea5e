"""`ninethirty export`: export verdicts as open data, and the joined calendar."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from monitor.cli.common import Context, choose_format, json_verb, output_option, write_output
from monitor.cli.dates import DAY
from monitor.deliver.incident_json import event_json
from monitor.deliver.open_data import (
    VERDICT,
    blind_rows,
    csv_chunks,
    verdict_row,
    write_parquet,
    write_sqlite,
)
from monitor.errors import UserFault
from monitor.ledger.export import export_calendar
from monitor.store.sql.engine import Store
from monitor.store.sql.read import VerdictStore
from schedules.times.zone import span_of

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
    "is_calendar",
    is_flag=True,
    help="Export the joined calendar; default for ics, toml.",
)
@click.option(
    "--events",
    "is_events",
    is_flag=True,
    help="Export changes of verdicts as JSON lines, oldest first.",
)
@click.option("--from", "first", type=DAY, help="First day of slots, or of events.")
@click.option("--to", "last", type=DAY, help="Last day of slots, or of events.")
@output_option
@json_verb
def command(  # noqa: PLR0913 # one for each option
    context: Context,
    *,
    requested_format: str | None,
    is_calendar: bool,
    is_events: bool,
    first: date | None,
    last: date | None,
    output: Path | None,
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
    if first and last and last < first:
        raise click.BadParameter(f"is before --from {first}", param_hint="--to")
    file_format = (
        "json" if context.as_json else choose_format(requested_format, output, FORMATS, "csv")
    )
    zone = context.settings.timezone
    begin, end = span_of(first, last, zone)
    is_calendar = is_calendar or file_format in {"ics", "toml"}
    if is_events and (is_calendar or requested_format):
        raise click.UsageError("--events writes JSON lines: leave out --calendar and --format")
    with context.store() as store:
        if is_events:
            file_format = "json"
            pieces = _event_lines(store.verdicts, begin, end)
        elif file_format in {"sqlite", "parquet"}:
            # --calendar does not change the content of such a file. Its secrets are removed before
            # it is written.
            write_output(
                _database_pieces(context, store, file_format, (begin, end)), output, file_format
            )
            return
        elif is_calendar:
            content, _media_type = export_calendar(
                store.ledger, file_format, (begin, end), context.now(), zone
            )
            pieces = iter([content])
        else:
            pieces = _verdict_pieces(judged_bodies(context, store, begin, end), file_format)
        # The texts can contain configured addresses with secrets.
        write_output(
            (context.hide(piece.decode()).encode() for piece in pieces), output, file_format
        )


def judged_bodies(
    context: Context, store: Store, begin: datetime | None, end: datetime | None
) -> Iterator[dict[str, Any]]:
    """Return the JSON, as of now, of every judged release whose slot begins between two instants
    (None: no bound).
    """
    from monitor.app.options import make_editions, make_policies
    from monitor.watch.rejudge import judged_between

    settings = context.settings
    span, now = (begin, end), context.now()
    return judged_between(
        store, make_policies(settings), span, now, make_editions(settings), context.redactor
    )


def _verdict_pieces(bodies: Iterable[Mapping[str, Any]], kind: str) -> Iterator[bytes]:
    """Yield the verdicts (JSON of releases) piece by piece: as one JSON list if `kind` is `json`,
    else as CSV.
    """
    if kind != "json":
        yield from csv_chunks(VERDICT, map(verdict_row, bodies))
        return
    yield b"["
    separator = ""
    for body in bodies:
        yield (separator + json.dumps(body, ensure_ascii=False)).encode()
        separator = ", "
    yield b"]\n"


def _event_lines(
    verdicts: VerdictStore, begin: datetime | None, end: datetime | None
) -> Iterator[bytes]:
    """Yield each change of a verdict between two instants (None: no bound) as one line of JSON."""
    # The time and id after which the next page begins. The empty id is before every id at `begin`.
    position = None if begin is None else (begin, "")
    while page := verdicts.events(position):
        for event in page:
            if end is not None and event.at >= end:
                return
            yield (json.dumps(event_json(event), ensure_ascii=False) + "\n").encode()
        position = page[-1].at, page[-1].id


def _database_pieces(
    context: Context, store: Store, kind: str, span: tuple[datetime | None, datetime | None]
) -> Iterator[bytes]:
    """Yield the pieces of an SQLite or Parquet file.

    Raises `UserFault` if the library for Parquet is absent.
    """
    with TemporaryDirectory(prefix="ninethirty-") as folder:
        file, bodies = Path(folder) / "export", judged_bodies(context, store, *span)
        if kind == "sqlite":
            write_sqlite(store, bodies, blind_rows(store, *span), file, context.hide)
        else:
            try:
                write_parquet(bodies, file)
            except ModuleNotFoundError as exc:
                raise UserFault(
                    f"--format parquet needs {exc.name}: install the extra `parquet`"
                ) from exc
        with file.open("rb") as content:
            while piece := content.read(1_000_000):
                yield piece
