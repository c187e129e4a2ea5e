"""What a store holds of the past as flat rows, for CSV, Parquet, SQLite and notebooks, with what each column means."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from alerts.one_line import cell
from monitor.judge.runs import Run
from monitor.plan.targets import release_of
from monitor.store.sql.engine import Store
from schedules.promise import Promise
from schedules.times.json import instant_from_json, instant_json

Row = dict[str, Any]
INSTANT = "instant, UTC (RFC 3339)"
_AT_ONCE = 1000
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

VERDICT: Mapping[str, str] = {
    "id": "the release, the same for ever",
    "title": "its title, as a calendar last told it",
    "producer": "the id of its first producer",
    "url": "the address of its page",
    "slot": f"the promised time in force; {INSTANT}",
    "precision": "how exact that is: instant, day, range, month, quarter, season, year or none",
    "verdict": "pending, on_time, late, overdue, early, not_published, unproven, cancelled, moved or unannounced",
    "grade": "what is due for it: none, note or report",
    "final": "true once nothing more will be measured",
    "first_seen_after": f"the last look that proved the page absent before it was first seen; {INSTANT}",
    "first_seen_by": f"the first look that proved it there; {INSTANT}",
    "delay_min": "how long after the slot it appeared at least, negative before it; seconds",
    "delay_max": "how long at most, empty while it still grows; seconds",
    "exposure_min": "how long the longest exposure before the slot lasted at least; seconds",
    "exposure_max": "how long at most, empty while it is open; seconds",
    "findings": "the kinds of all findings, with blanks between them",
    "unproven_because": "why nothing could be proved",
    "released_after": f"the last look that proved it absent before its release; {INSTANT}",
    "released_by": f"the first look that proved it released; {INSTANT}",
}
INCIDENT: Mapping[str, str] = {
    "id": "the incident",
    "kind": "which kind of incident",
    "release": "its release, empty for none",
    "producers": "the ids of its producers, with blanks between them",
    "title": "the title of its release, or as a person logged it",
    "opened": f"when it was opened; {INSTANT}",
    "occurred": f"when it occurred; {INSTANT}",
    "ended": f"when it ended, as a person logged it; {INSTANT}",
    "closed": f"when it was closed; {INSTANT}",
    "urls": "addresses that a person logged, with blanks between them",
    "grade": "what is due for it: none, note or report",
    "report_owed": "true while its report is neither signed nor waived",
    "acknowledged_at": f"when somebody first had it; {INSTANT}",
    "acknowledged_by": "in which role",
    "assigned": "the role it was given to",
    "verdict": "the verdict on its release, as of as_of; empty for a lead, which claims none",
    "delay_min": "how late its release is at least; seconds",
    "delay_max": "how late at most; seconds",
    "as_of": f"when this was so; {INSTANT}",
    "findings": "the kinds of all findings, with blanks between them",
}
EVENT: Mapping[str, str] = {
    "id": "the change",
    "at": f"when it was written down; {INSTANT}",
    "release": "the release",
    "title": "its title then",
    "producer": "the id of its first producer",
    "before": "the verdict before, empty for the first",
    "after": "the verdict from then on",
}
SILENCE: Mapping[str, str] = {
    "id": "the silence",
    "of": "of what messages are muted: incident, release, producer or host",
    "name": "its id, or the name of the host",
    "begins": f"from when; {INSTANT}",
    "until": f"until when; {INSTANT}",
    "by": "in which role somebody asked for it",
    "reason": "why",
}
CALENDAR: Mapping[str, str] = {
    "name": "the calendar, by the name it is configured under",
    "last_usable_read": f"when it was last read so that it could be used; {INSTANT}",
    "entries": "how many entries that read had",
    "last_read": f"when it was last read; {INSTANT}",
    "fault": "what was wrong with the last read",
}
PROMISE: Mapping[str, str] = {
    "release": "the release it was promised for",
    "calendar": "the calendar that showed it, by the name it is configured under",
    "learnt": f"the read that first showed it; {INSTANT}",
    "unlearnt": f"the last read before that which did not show it; {INSTANT}",
    "confirmed_at": f"the last read that still showed it; {INSTANT}",
    "slot": f"when the promised time begins; {INSTANT}",
    "precision": "how exact that is, as of a verdict",
    "state": "confirmed, provisional, cancelled or postponed, empty where the calendar does not tell",
    "why": "the reason that the calendar gave",
}
LOOK: Mapping[str, str] = {
    "release": "the release that was looked for",
    "target": "what was looked at: RELEASE/PART/VIEW",
    "address": "its address",
    "monitor": "the monitor that looked",
    "state": "present, absent or unknown, all through these looks",
    "first_sent": f"when the first request was sent; {INSTANT}",
    "last_received": f"when the last answer came; {INSTANT}",
    "begin": f"the state held at this instant or before; {INSTANT}",
    "end": f"and at this one or after; {INSTANT}",
    "looks": "how many looks these are",
    "status": "the HTTP status of the first answer",
    "why": "why the state is unknown, or what told it",
}
BLIND: Mapping[str, str] = {
    "begins": f"when nothing could be seen any more; {INSTANT}",
    "ends": f"until when; {INSTANT}",
    "cause": "stopped, killed, suspended, stalled, network, dns, budget, store or clock",
    "host": "the host that could not be seen, empty for all",
    "target": "the target that could not be seen, empty for all",
}
TABLES: Mapping[str, Mapping[str, str]] = {"verdict": VERDICT, "promise": PROMISE, "look": LOOK, "blind": BLIND}


def verdict_row(body: Mapping[str, Any]) -> Row:
    """Return the JSON of a release as one flat row."""
    slot, delay, released = body["slot"] or {}, body["delay"] or {}, body["released"]
    longest: Mapping[str, Any] = max(
        (one["seconds"] for one in body["exposures"]), key=lambda one: one["min"] or 0.0, default={}
    )
    told = {
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
        "exposure_min": longest.get("min"),
        "exposure_max": longest.get("max"),
        "findings": " ".join(sorted({found["kind"] for found in body["findings"]})),
    }
    return {name: told[name] for name in VERDICT}


def as_csv(columns: Collection[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the lines of a CSV file: the names of the columns, then these of each row."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        yield held.getvalue().encode()
        held.seek(0)
        held.truncate()
        writer.writerow([cell(row[name]) for name in columns])
    yield held.getvalue().encode()


def incident_row(told: Mapping[str, Any]) -> Row:
    """Return the JSON of an incident as one flat row."""
    delay, who = told["delay"] or {}, told["acknowledged"] or {}
    return {
        **told,
        "producers": " ".join(told["producers"]),
        "urls": " ".join(told["urls"]),
        "report_owed": json.dumps(told["report_owed"]),
        "acknowledged_at": who.get("at"),
        "acknowledged_by": who.get("by"),
        "delay_min": delay.get("min"),
        "delay_max": delay.get("max"),
        "findings": " ".join(sorted({found["kind"] for found in told["findings"]})),
    }


def event_row(told: Mapping[str, Any]) -> Row:
    """Return the JSON of a change of verdict as one flat row."""
    return {**told, "title": told["body"]["title"], "producer": told["body"]["producer"]}


def promise_row(promise: Promise) -> Row:
    """Return a promise as one flat row."""
    told = _flat(promise, PROMISE.keys() - {"slot", "precision", "state"})
    state = None if promise.state is None else promise.state.value
    begins = instant_json(promise.slot.begins())
    return _ordered(PROMISE, told | {"slot": begins, "precision": promise.slot.precision.value, "state": state})


def look_row(run: Run) -> Row:
    """Return consecutive looks with one answer as one flat row."""
    told = _flat(run, LOOK.keys() - {"release", "state"})
    return _ordered(LOOK, told | {"release": release_of(run.target), "state": run.state.value})


def blind_rows(store: Store, begin: datetime | None, end: datetime | None) -> list[Row]:
    """Return the blind spans that touch `[begin, end)` as flat rows; without a bound from or to all time."""
    return [_ordered(BLIND, _flat(span, BLIND)) for span in store.runs.blind(begin or _FIRST, end or _LAST)]


def write_sqlite(store: Store, bodies: Iterable[Mapping[str, Any]], blind: Iterable[Row], file: Path) -> None:
    """Write these verdicts, and the promises, looks and blind spans they rest on, to a new SQLite file.

    Its table `dictionary` tells of every column what it means.
    """
    with closing(sqlite3.connect(file)) as made, made:
        for name, columns in TABLES.items():
            made.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        made.execute("CREATE TABLE dictionary (of, name, means)")
        told = [(name, *column) for name, columns in TABLES.items() for column in columns.items()]
        made.executemany("INSERT INTO dictionary VALUES (?, ?, ?)", told)
        _insert(made, "blind", blind)
        for body in bodies:
            _insert(made, "verdict", [verdict_row(body)])
            _insert(made, "promise", map(promise_row, store.ledger.promises([body["id"]])))
            _insert(made, "look", map(look_row, store.runs.of_release(body["id"])))


def write_parquet(bodies: Iterable[Mapping[str, Any]], file: Path) -> None:
    """Write these verdicts to a new Parquet file, whose fields say what they mean (`means` in their metadata).

    Raises `ImportError` where pyarrow is not installed.
    """
    # An extra, which few install.
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow.parquet import ParquetWriter  # noqa: PLC0415

    kinds = {"instant": pa.timestamp("ms", tz="UTC"), "seconds": pa.float64(), "final": pa.bool_()}
    told = {name: kinds.get(_kind(name), pa.string()) for name in VERDICT}
    fields = [pa.field(name, kind, metadata={"means": VERDICT[name]}) for name, kind in told.items()]
    with ParquetWriter(file, schema := pa.schema(fields)) as made:
        rows = iter({name: _typed(name, value) for name, value in verdict_row(body).items()} for body in bodies)
        while page := list(islice(rows, _AT_ONCE)):
            made.write_table(pa.Table.from_pylist(page, schema=schema))


def _kind(name: str) -> str:
    means = VERDICT[name]
    return "instant" if means.endswith(INSTANT) else "seconds" if means.endswith("seconds") else name


def _typed(name: str, value: Any) -> Any:  # noqa: ANN401 # whatever a row holds
    if name == "final":
        return value == "true"
    return instant_from_json(value) if _kind(name) == "instant" else value


def _insert(made: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    marks = ", ".join("?" for _ in TABLES[table])
    # The name is one of ours.
    made.executemany(f"INSERT INTO {table} VALUES ({marks})", (tuple(row.values()) for row in rows))  # noqa: S608


def _flat(thing: object, names: Iterable[str]) -> Row:
    return {name: _plain(getattr(thing, name)) for name in names}


def _plain(value: Any) -> Any:  # noqa: ANN401 # whatever a field holds
    return instant_json(value) if isinstance(value, datetime) else value


def _ordered(columns: Mapping[str, str], told: Row) -> Row:
    return {name: told[name] for name in columns}
