"""`ninethirty export`: verdicts as open data, and the joined calendar to subscribe to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import Context, as_json, deliver
from monitor.cli.dates import Day
from monitor.cli.today import judged_bodies
from monitor.deliver.open_data import VERDICT, as_csv, blind_rows, verdict_row, write_parquet, write_sqlite
from monitor.errors import UserFault
from schedules.times.zone import span_of

if TYPE_CHECKING:
    from monitor.store.sql.engine import Store
    from monitor.store.sql.read import VerdictStore

FORMATS = ("csv", "json", "ics", "toml", "sqlite", "parquet")


@click.command("export")
@click.option("--format", "kind", type=click.Choice(FORMATS), help="Default that of --output, else csv.")
@click.option(
    "--calendar", "is_calendar", is_flag=True, help="The joined calendar, not the verdicts; so are ics, toml."
)
@click.option("--events", "is_history", is_flag=True, help="Every change of a verdict, as JSON lines, by when it came.")
@click.option("--from", "first", type=Day(), help="First day of slots, or of events.")
@click.option("--to", "last", type=Day(), help="Last day of slots, or of events.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it here, not to the terminal.")
@as_json
@click.pass_obj
def command(  # noqa: PLR0913 # one for each option
    context: Context,
    *,
    kind: str | None,
    is_calendar: bool,
    is_history: bool,
    first: date | None,
    last: date | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write every verdict (csv, json), or every promised release as a calendar (ics, toml, or with --calendar).

    sqlite is a file with the verdicts, what they rest on (promises, looks, blind spans) and what every column means;
    parquet one with the verdicts alone, each column typed.
    With --events every change of a verdict is one line of JSON, oldest first, with the release as it stood then.
    Instants are UTC, lengths are seconds. Nothing of what was seen before its slot is told but when and where.

    Example: ninethirty export --format csv --from 2026-10-01 --to 2026-12-31 --output verdicts.csv
    """
    suffix = output.suffix.removeprefix(".") if output is not None else ""
    chosen = "json" if as_json else kind or (suffix if suffix in FORMATS else "csv")
    begin, end = span_of(first, last, context.settings.timezone)
    if is_history and (is_calendar or chosen in {"ics", "toml"} or kind == "csv"):
        raise click.UsageError("--events are written as JSON lines, and are no calendar")
    with context.store() as store:
        if is_history:
            content, chosen = _events(store.verdicts, begin, end), "json"
        elif chosen in {"sqlite", "parquet"}:
            deliver(_file(context, store, chosen, (begin, end)), output, chosen)
            return
        elif is_calendar or chosen in {"ics", "toml"}:
            content = iter([_calendar(context, store, chosen, (begin, end))])
        else:
            content = _verdicts(judged_bodies(context, store, begin, end), chosen)
        deliver((context.hide(piece.decode()).encode() for piece in content), output, chosen)


def _verdicts(bodies: Iterable[Mapping[str, Any]], kind: str) -> Iterator[bytes]:
    if kind == "json":
        before = "["
        for body in bodies:
            yield (before + json.dumps(body, ensure_ascii=False)).encode()
            before = ", "
        yield b"]\n" if before != "[" else b"[]\n"
        return
    yield from as_csv(VERDICT, map(verdict_row, bodies))


def _events(verdicts: VerdictStore, begin: datetime | None, end: datetime | None) -> Iterator[bytes]:
    from monitor.deliver.incident_json import event_json

    last = None if begin is None else (begin, "")
    while page := verdicts.events(last):
        for event in page:
            if end is not None and event.at >= end:
                return
            yield (json.dumps(event_json(event), ensure_ascii=False) + "\n").encode()
        last = page[-1].at, page[-1].id


def _file(context: Context, store: Store, kind: str, span: tuple[datetime | None, datetime | None]) -> Iterator[bytes]:
    with TemporaryDirectory(prefix="ninethirty-") as folder:
        file, bodies = Path(folder) / "export", judged_bodies(context, store, *span)
        if kind == "sqlite":
            write_sqlite(store, bodies, blind_rows(store, *span), file)
        else:
            _parquet(bodies, file)
        with file.open("rb") as made:
            yield from iter(lambda: made.read(1_000_000), b"")


def _parquet(bodies: Iterable[Mapping[str, Any]], file: Path) -> None:
    try:
        write_parquet(bodies, file)
    except ModuleNotFoundError as exc:
        raise UserFault(f"--format parquet: needs {exc.name}, which the extra `parquet` installs") from exc


def _calendar(context: Context, store: Store, kind: str, span: tuple[datetime | None, datetime | None]) -> bytes:
    from monitor.ledger.export import export_calendar

    return export_calendar(store.ledger, kind, span, context.now(), context.settings.timezone)[0]
