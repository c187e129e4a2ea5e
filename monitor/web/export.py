"""Exports for staff: verdicts as open data, every change of a verdict, and the joined calendar."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from monitor.deliver.incident_json import event_json
from monitor.deliver.open_data import (
    VERDICT,
    blind_rows,
    csv_chunks,
    verdict_row,
    write_parquet,
    write_sqlite,
)
from monitor.errors import Refused, UnknownName
from monitor.ledger.export import export_calendar
from monitor.store.sql.read import VerdictStore
from monitor.watch.periods import Periods
from monitor.web import inputs
from monitor.web.operations import ApiRoute, Operation, file_response
from monitor.web.request import require_staff
from schedules.export import FORMATS

MEDIA = {kind: media for kind, (_, media) in FORMATS.items()} | {
    "sqlite": "application/vnd.sqlite3",
    "parquet": "application/vnd.apache.parquet",
}
Span = tuple[datetime | None, datetime | None]


async def export(request: Request, query: inputs.ExportChoice) -> Response:
    """Export verdicts, changes of verdicts (JSON lines, oldest first) or the joined calendar."""
    queries, kind = require_staff(request), request.path_params["kind"]
    periods = queries.periods
    if kind not in MEDIA or periods is None:
        raise UnknownName(f"There is no export of that kind: there are {', '.join(MEDIA)}.")
    span, now = queries.span_of_days(query.first, query.to), queries.now()
    is_calendar = query.what == "calendar" or kind in {"ics", "toml"}

    def make_content() -> bytes:
        if query.what == "events":
            return b"".join(_event_lines(queries.store.verdicts, *span))
        if kind in {"sqlite", "parquet"}:
            return _write_database(periods, kind, span, now)
        if is_calendar:
            ledger = queries.store.ledger
            return export_calendar(ledger, kind, span, now, queries.timezone)[0]
        return b"".join(_verdict_pieces(periods.judge.bodies_between(span, now), kind))

    content = await queries.ask(make_content, is_slow=True)
    return file_response(content, MEDIA[kind], f"{query.what or 'verdicts'}.{kind}")


def _verdict_pieces(bodies: Iterable[Mapping[str, Any]], kind: str) -> Iterator[bytes]:
    """Yield the verdicts piece by piece: as one JSON list if `kind` is `json`, else as CSV."""
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


def _write_database(periods: Periods, kind: str, span: Span, now: datetime) -> bytes:
    """Return an SQLite or Parquet file. Raises `Refused` if the library for Parquet is absent."""
    judge, bodies = periods.judge, periods.judge.bodies_between(span, now)
    with TemporaryDirectory(prefix="ninethirty-") as folder:
        file = Path(folder) / "export"
        if kind == "sqlite":
            blind = blind_rows(judge.store, *span)
            write_sqlite(judge.store, bodies, blind, file, judge.redactor or str)
        else:
            try:
                write_parquet(bodies, file)
            except ModuleNotFoundError as exc:
                raise Refused(
                    f"--format parquet needs {exc.name}: install the extra `parquet`"
                ) from exc
        return file.read_bytes()


OPERATIONS = [
    ApiRoute("/export.{kind}", Operation("export", "releases", export, media=tuple(MEDIA.values())))
]
