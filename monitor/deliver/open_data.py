"""Exports the store's past as flat rows for CSV, Parquet, SQLite and notebooks, with the meaning of
each column.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from alerts.one_line import csv_cell
from monitor.deliver.facts import longest_exposure
from monitor.judge.as_json import Body
from monitor.judge.runs import Run
from monitor.plan.targets import release_from_id
from monitor.store.sql.engine import Store
from schedules.promise import Promise
from schedules.times.json import fields_json, instant_from_json, instant_json

FlatRow = dict[str, Any]
INSTANT = "instant, UTC (RFC 3339)"
_AT_ONCE = 1000
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

VERDICT: Mapping[str, str] = {
    "id": "the release, an id that never changes",
    "title": "its title, as last read from a calendar",
    "producer": "the id of its first producer",
    "url": "the address of its page",
    "slot": f"the promised time in force; {INSTANT}",
    "precision": "how exact the slot is: instant, day, range, month, quarter, season, year or none",
    "verdict": (
        "pending, on_time, late, overdue, early, not_published, unproven, cancelled, moved or"
        " unannounced"
    ),
    "grade": "which paper it needs: none, note or report",
    "final": "true when the measurement is complete",
    "first_seen_after": (
        f"the last look that proved the page absent before it was first seen; {INSTANT}"
    ),
    "first_seen_by": f"the first look that proved the page present; {INSTANT}",
    "delay_min": "minimum time from the slot to its appearance, negative before the slot; seconds",
    "delay_max": "maximum of the same, empty while the delay grows; seconds",
    "exposure_min": "minimum length of the longest exposure before the slot; seconds",
    "exposure_max": "maximum of the same, empty while the exposure is open; seconds",
    "findings": "the kinds of all findings, separated by spaces",
    "unproven_because": "why the verdict could not be proved",
    "released_after": f"the last look that proved it absent before its release; {INSTANT}",
    "released_by": f"the first look that proved it released; {INSTANT}",
}
INCIDENT: Mapping[str, str] = {
    "id": "the incident",
    "kind": "which kind of incident",
    "release": "its release, empty for none",
    "producers": "the ids of its producers, separated by spaces",
    "title": "the title of its release, or as a person logged it",
    "opened": f"when it was opened; {INSTANT}",
    "occurred": f"when it occurred; {INSTANT}",
    "ended": f"when it ended, as a person logged it; {INSTANT}",
    "closed": f"when it was closed; {INSTANT}",
    "urls": "addresses that a person logged, separated by spaces",
    "grade": "which paper it needs: none, note or report",
    "report_owed": "true while its report is neither signed nor waived",
    "acknowledged_at": f"when it was first acknowledged; {INSTANT}",
    "acknowledged_by": "the role that acknowledged it",
    "assigned": "the role it is assigned to",
    "verdict": "the verdict on its release at as_of; empty for a lead",
    "delay_min": "minimum delay of its release; seconds",
    "delay_max": "maximum delay of its release; seconds",
    "as_of": f"when the facts were judged; {INSTANT}",
    "findings": "the kinds of all findings, separated by spaces",
}
EVENT: Mapping[str, str] = {
    "id": "the change",
    "at": f"when it was recorded; {INSTANT}",
    "release": "the release",
    "title": "its title at that time",
    "producer": "the id of its first producer",
    "before": "the verdict before, empty for the first",
    "after": "the verdict afterwards",
}
SILENCE: Mapping[str, str] = {
    "id": "the silence",
    "of": "what it silences: incident, release, producer or host",
    "name": "the id of what it silences, or the name of the host",
    "begins": f"when it begins; {INSTANT}",
    "until": f"when it ends; {INSTANT}",
    "by": "the role that requested it",
    "reason": "the reason given",
}
CALENDAR: Mapping[str, str] = {
    "name": "the calendar's name in the configuration",
    "last_usable_read": f"its last usable read; {INSTANT}",
    "entries": "how many entries that read had",
    "last_read": f"its last read; {INSTANT}",
    "fault": "what was wrong with the last read",
}
PROMISE: Mapping[str, str] = {
    "release": "the release of the promise",
    "calendar": "the calendar that showed it, by its name in the configuration",
    "learnt": f"the first read that showed it; {INSTANT}",
    "unlearnt": f"the last read before, which did not show it; {INSTANT}",
    "confirmed_at": f"the last read that still showed it; {INSTANT}",
    "slot": f"when the promised time begins; {INSTANT}",
    "precision": "how exact the slot is, with the values of a verdict",
    "state": "confirmed, provisional, cancelled or postponed, empty if the calendar does not say",
    "why": "the reason that the calendar gave",
}
LOOK: Mapping[str, str] = {
    "release": "the release",
    "target": "what was requested: RELEASE/PART/VIEW",
    "address": "its address",
    "monitor": "the monitor that looked",
    "state": "present, absent, withdrawn or unknown, the same for all these looks",
    "first_sent": f"when the first request was sent; {INSTANT}",
    "last_received": f"when the last response arrived; {INSTANT}",
    "begin": f"the state is proved from this instant at the latest; {INSTANT}",
    "end": f"and until this instant at the earliest; {INSTANT}",
    "looks": "the number of looks",
    "status": "the HTTP status of the first response",
    "why": "why the state is unknown, or what proved it",
}
BLIND: Mapping[str, str] = {
    "begins": f"when looks began to fail; {INSTANT}",
    "ends": f"when they worked again; {INSTANT}",
    "cause": "stopped, killed, suspended, stalled, network, dns, budget, store or clock",
    "host": "the host concerned, empty for all",
    "target": "the target concerned, empty for all",
}
TABLES: Mapping[str, Mapping[str, str]] = {
    "verdict": VERDICT,
    "promise": PROMISE,
    "look": LOOK,
    "blind": BLIND,
}


def verdict_row(body: Body) -> FlatRow:
    """Return the JSON of a release as one flat row."""
    slot, delay, released = body["slot"] or {}, body["delay"] or {}, body["released"]
    exposure = longest_exposure(body) or {}
    values = {
        **body,
        "final": json.dumps(body["final"]),
        "slot": slot.get("start"),
        "precision": slot.get("precision"),
        "first_seen_after": body["first_seen"]["after"],
        "first_seen_by": body["first_seen"]["by"],
        "released_after": released["after"],
        "released_by": released["by"],
        "delay_min": delay.get("min"),
        "delay_max": delay.get("max"),
        "exposure_min": exposure.get("min"),
        "exposure_max": exposure.get("max"),
        "findings": " ".join(sorted({found["kind"] for found in body["findings"]})),
    }
    return {name: values[name] for name in VERDICT}


def csv_chunks(columns: Collection[str], rows: Iterable[FlatRow]) -> Iterator[bytes]:
    """Yield a CSV file as UTF-8, line by line: first the names of the columns."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()
        writer.writerow([csv_cell(row[name]) for name in columns])
    yield line.getvalue().encode()


def incident_row(body: Body) -> FlatRow:
    """Return the JSON of an incident as one flat row."""
    delay, who = body["delay"] or {}, body["acknowledged"] or {}
    return {
        **body,
        "producers": " ".join(body["producers"]),
        "urls": " ".join(body["urls"]),
        "report_owed": json.dumps(body["report_owed"]),
        "acknowledged_at": who.get("at"),
        "acknowledged_by": who.get("by"),
        "delay_min": delay.get("min"),
        "delay_max": delay.get("max"),
        "findings": " ".join(sorted({found["kind"] for found in body["findings"]})),
    }


def event_row(change: Body) -> FlatRow:
    """Return the JSON of a change of verdict as one flat row."""
    return {**change, "title": change["body"]["title"], "producer": change["body"]["producer"]}


def promise_row(promise: Promise) -> FlatRow:
    """Return a promise as one flat row."""
    slot = {"slot": instant_json(promise.slot.begins()), "precision": promise.slot.precision.value}
    values = fields_json(promise, *PROMISE.keys() - slot.keys()) | slot
    return {name: values[name] for name in PROMISE}


def look_row(run: Run) -> FlatRow:
    """Return a run, consecutive looks with the same answer, as one flat row."""
    values = fields_json(run, *LOOK.keys() - {"release"}) | {"release": release_from_id(run.target)}
    return {name: values[name] for name in LOOK}


def blind_rows(store: Store, begin: datetime | None, end: datetime | None) -> list[FlatRow]:
    """Return the blind spans that touch `[begin, end)` as flat rows (None: no bound)."""
    return [fields_json(span, *BLIND) for span in store.runs.blind(begin or _FIRST, end or _LAST)]


def write_sqlite(
    store: Store,
    bodies: Iterable[Body],
    blind: Iterable[FlatRow],
    file: Path,
    hide: Callable[[str], str],
) -> None:
    """Write these verdicts to a new SQLite file, with the promises, looks and blind spans that
    prove them.

    Its table `dictionary` has the meaning of every column. `hide` removes secrets from a text, such
    as an address.
    """

    def insert(table: str, rows: Iterable[FlatRow]) -> None:
        marks = ", ".join("?" for _ in TABLES[table])
        for row in rows:
            cells = [hide(cell) if isinstance(cell, str) else cell for cell in row.values()]
            # The name is one of ours.
            made.execute(f"INSERT INTO {table} VALUES ({marks})", cells)  # noqa: S608

    with closing(sqlite3.connect(file)) as made, made:  # the second commits at the end
        for name, columns in TABLES.items():
            made.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        made.execute("CREATE TABLE dictionary (of, name, means)")
        for name, columns in TABLES.items():
            meanings = [(name, *column) for column in columns.items()]
            made.executemany("INSERT INTO dictionary VALUES (?, ?, ?)", meanings)
        insert("blind", blind)
        for body in bodies:
            insert("verdict", [verdict_row(body)])
            insert("promise", map(promise_row, store.ledger.promises([body["id"]])))
            insert("look", map(look_row, store.runs.of_release(body["id"])))


def write_parquet(bodies: Iterable[Body], file: Path) -> None:
    """Write these verdicts to a new Parquet file.

    Each field's metadata has its meaning, as `means`.

    Raises `ImportError` if pyarrow is not installed.
    """
    # pyarrow is an optional extra.
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow.parquet import ParquetWriter  # noqa: PLC0415

    kinds = {"instant": pa.timestamp("ms", tz="UTC"), "seconds": pa.float64(), "final": pa.bool_()}
    fields = [
        pa.field(name, kinds.get(_column_type(name), pa.string()), metadata={"means": means})
        for name, means in VERDICT.items()
    ]
    with ParquetWriter(file, schema := pa.schema(fields)) as made:
        rows = iter(
            {name: _parquet_value(name, value) for name, value in verdict_row(body).items()}
            for body in bodies
        )
        while page := list(islice(rows, _AT_ONCE)):
            made.write_table(pa.Table.from_pylist(page, schema=schema))


def _column_type(name: str) -> str:
    means = VERDICT[name]
    if means.endswith(INSTANT):
        return "instant"
    return "seconds" if means.endswith("seconds") else name


def _parquet_value(name: str, value: Any) -> Any:  # noqa: ANN401 # a value of any column
    if name == "final":
        return value == "true"
    if _column_type(name) == "instant":
        return instant_from_json(value)
    return value
