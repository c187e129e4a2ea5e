"""Copies the near part of a store for the journal, and writes the journal's rows back into the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    NullPool,
    RowMapping,
    Select,
    Table,
    and_,
    create_engine,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from monitor.store.sql.backup import snapshot
from monitor.store.sql.query import chunks, long_limits
from monitor.store.sql.tables import (
    ANNOUNCED,
    BLIND,
    CALENDAR_READ,
    DELIVERY,
    DRAFT,
    EVENT,
    EVIDENCE,
    HEARTBEAT,
    INCIDENT,
    JUDGED,
    LEASE,
    METADATA,
    NOTICE,
    PROMISE,
    RELEASE,
    ROTA,
    RUN,
    SILENCE,
)

_ROWS = 1000
_COPY = "copy_at_start"
RECENTLY = timedelta(days=3)
"""Older runs, calendar reads and settled verdicts are not copied, because a monitor does not need them to start."""

NOTICE_TABLES = (JUDGED, EVENT, INCIDENT, DRAFT, NOTICE, DELIVERY, ROTA, SILENCE, HEARTBEAT, LEASE)
"""Tables that show which notices were sent. They are copied often, so that a journal's monitor sends none again."""

_LATER_COLUMN: Mapping[str, str] = {
    "run": "last_received",
    "blind": "ends",
    "judged": "at",
    "announced": "seen_last",
    "promise": "confirmed_at",
    "delivery": "attempts",
    "heartbeat": "at",
    "rota": "at",
}
"""For each table, the column that shows which of two changed versions of a row is the later one."""

_Row = RowMapping | dict[str, Any]


def copy_near(source: Engine, target: Engine, since: datetime, now: datetime, only: Collection[Table] = ()) -> None:
    """Replace target's rows with source's, for releases listed or due since `since`, in one transaction.

    `target` must be SQLite. With `only`, copy only these tables.
    """
    wanted = {table: rows for table, rows in rows_to_copy(since, now).items() if not only or table in only}
    with snapshot(source) as reader, target.begin() as writer, long_limits(reader, idles=True):
        ordered = [table for table in METADATA.sorted_tables if table in wanted]
        for table in reversed(ordered):
            writer.execute(delete(table))
        for table in ordered:
            columns = [type_coerce(each, _database_type(each)) for each in table.columns]
            # Through SQLAlchemy, row by row, this takes twice as long, and delays this process's looks.
            put = str(insert(_without_conversion(table)).compile(dialect=target.dialect))
            for rows in reader.execute(wanted[table].with_only_columns(*columns)).partitions(_ROWS):
                writer.exec_driver_sql(put, [tuple(row) for row in rows])


def _database_type(column: Column[Any]) -> TypeEngine[Any]:
    """Return the database's own type of a column, so that values are copied without conversion."""
    return column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type


def _without_conversion(table: Table) -> Table:
    return Table(table.name, MetaData(), *(Column(each.name, _database_type(each)) for each in table.columns))


def extend_other_leases(target: Engine, own: str, prefix: str, outbox: str, until: datetime) -> None:
    """Extend all other monitors' leases until `until`, because without the store we cannot see whether they are alive.

    If there is another monitor, it gets the lease on the outbox. Otherwise two monitors would send the same notices.
    """
    others = and_(LEASE.c.name.startswith(prefix, autoescape=True), LEASE.c.name != prefix + own)
    with target.begin() as writer:
        known = writer.execute(update(LEASE).where(others).values(until=until)).rowcount
        writer.execute(delete(LEASE).where(LEASE.c.name == prefix + own))
        writer.execute(delete(LEASE).where(LEASE.c.name == outbox))
        if known:
            writer.execute(insert(LEASE), {"name": outbox, "holder": "others", "until": until, "since": None})


def merge_journal(journal: Path, before: Path, store: Engine) -> int:
    """Write the rows into a store that were added to a journal since it was a copy of `before`. Return how many.

    If the store has changed a row too, the later version wins.
    """
    count = 0
    connect = partial(_connect_with_copy, journal, before)
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    with engine.connect() as reader, store.begin() as writer, long_limits(writer):
        by_others = _verdicts_by_others(reader, writer)
        # Runs name records of evidence, so these are written first.
        for table in sorted(METADATA.sorted_tables, key=lambda each: each is not EVIDENCE):
            if table is not LEASE:
                count += _merge_table(reader, writer, table, by_others)
    return count


def _connect_with_copy(journal: Path, before: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(journal)
    connection.execute(f"ATTACH DATABASE ? AS {_COPY}", (str(before),))
    return connection


def _verdicts_by_others(reader: Connection, writer: Connection) -> dict[str, str | None]:
    """Return for each release that other monitors judged since the copy was made the kind of verdict in the store.

    It is None if the store's verdict stays, because it is later than the journal's.
    """
    copy, found = JUDGED.to_metadata(MetaData(), schema=_COPY), dict[str, str | None]()
    for rows in chunks(reader.execute(select(JUDGED).except_(select(copy))).mappings().all()):
        starts, theirs = _by_key(reader, copy, rows), _by_key(writer, JUDGED, rows)
        for row in rows:
            before, their = starts.get(_key_of(JUDGED, row)), theirs.get(_key_of(JUDGED, row))
            if their is not None and their != before:
                found[row["release"]] = their["word"] if _choose_row(JUDGED, row, before, their) else None
    return found


def _continue_events(event: dict[str, Any], by_others: dict[str, str | None]) -> dict[str, Any] | None:
    """Return a journal's event, changed to follow the store's last event. None if the store's verdict stays."""
    before = by_others.get(event["release"], event["before"])
    if before is None:
        return None
    if event["release"] in by_others:
        by_others[event["release"]] = event["after"]
    return event | {"before": before}


def _merge_table(reader: Connection, writer: Connection, table: Table, by_others: dict[str, str | None]) -> int:
    """Write the rows of one table that the journal has changed since its copy was made. Return how many."""
    copy, count = table.to_metadata(MetaData(), schema=_COPY), 0
    changed = reader.execute(select(table).except_(select(copy))).mappings().all()
    if table is EVENT:
        changed = sorted(changed, key=lambda row: row["at"])
    for rows in chunks(changed):
        starts, theirs = _by_key(reader, copy, rows), _by_key(writer, table, rows)
        for row in rows:
            key = _key_of(table, row)
            if (chosen := _choose_row(table, row, starts.get(key), theirs.get(key))) is not None:
                if table is EVENT and (chosen := _continue_events(chosen, by_others)) is None:
                    continue
                if table is RUN:
                    chosen["evidence"] = tuple(name for name in chosen["evidence"] if _is_kept(writer, name))
                # New records that continue the store's chain were written before this. Any other would leave a gap.
                if table is EVIDENCE and key not in theirs:
                    continue
                _write_row(writer, table, chosen, is_there=key in theirs)
                count += 1
    return count


def _is_kept(writer: Connection, record: str) -> bool:
    """Return whether a record of evidence is in the store."""
    monitor, _, number = record.rpartition("-")
    mine = and_(EVIDENCE.c.monitor == monitor, EVIDENCE.c.number == int(number))
    return writer.execute(select(EVIDENCE.c.number).where(mine)).first() is not None


def _choose_row(table: Table, ours: RowMapping, before: _Row | None, theirs: _Row | None) -> dict[str, Any] | None:
    """Return the row to write, None if the store's stays, given the versions of journal, common copy and store."""
    if theirs is None or theirs == before:
        return dict(ours)
    column = _LATER_COLUMN.get(table.name)
    if column is None or ours[column] is None:
        return None
    return dict(ours) if theirs[column] is None or ours[column] > theirs[column] else None


def _write_row(writer: Connection, table: Table, row: dict[str, Any], *, is_there: bool) -> None:
    if is_there:
        same = and_(*(column == row[column.name] for column in table.primary_key))
        writer.execute(update(table).where(same).values(row))
    else:
        writer.execute(insert(table), row)


def _by_key(asked: Connection, table: Table, rows: Sequence[RowMapping]) -> dict[tuple[Any, ...], _Row]:
    """Return the stored versions of these rows by primary key."""
    keys = [_key_of(table, row) for row in rows]
    found = asked.execute(select(table).where(tuple_(*table.primary_key).in_(keys))).mappings()
    return {_key_of(table, row): dict(row) for row in found}


def _key_of(table: Table, row: _Row) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def rows_to_copy(since: datetime, now: datetime) -> Mapping[Table, Select[Any]]:
    """Return the query for the rows of each table to copy."""
    lately = now - RECENTLY
    shown = or_(ANNOUNCED.c.gone.is_(None), ANNOUNCED.c.gone >= since)
    left_open = select(JUDGED.c.release).where(JUDGED.c.final.is_(False))
    promised = select(PROMISE.c.release).where(PROMISE.c.begins >= since)
    names = select(ANNOUNCED.c.release).where(shown).union(promised, left_open)
    later = DRAFT.alias()
    newest = select(func.max(later.c.version)).where(later.c.incident == DRAFT.c.incident).scalar_subquery()
    open_or_new = or_(INCIDENT.c.is_open, INCIDENT.c.opened >= lately)
    incidents = select(INCIDENT.c.id).where(open_or_new)
    notices = or_(NOTICE.c.at >= lately, NOTICE.c.incident.in_(incidents))
    return {
        RELEASE: select(RELEASE).where(RELEASE.c.id.in_(names)),
        PROMISE: select(PROMISE).where(PROMISE.c.release.in_(names)),
        ANNOUNCED: select(ANNOUNCED).where(or_(shown, ANNOUNCED.c.release.in_(names))),
        CALENDAR_READ: select(CALENDAR_READ).where(CALENDAR_READ.c.started >= lately),
        RUN: select(RUN).where(RUN.c.last_received >= lately),
        BLIND: select(BLIND).where(BLIND.c.ends >= since),
        JUDGED: select(JUDGED).where(or_(JUDGED.c.slot >= lately, JUDGED.c.final.is_(False))),
        EVENT: select(EVENT).where(EVENT.c.at >= lately),
        INCIDENT: select(INCIDENT).where(open_or_new),
        DRAFT: select(DRAFT).where(DRAFT.c.incident.in_(incidents), DRAFT.c.version == newest),
        NOTICE: select(NOTICE).where(notices),
        DELIVERY: select(DELIVERY).where(DELIVERY.c.notice.in_(select(NOTICE.c.id).where(notices))),
        ROTA: select(ROTA),
        SILENCE: select(SILENCE).where(SILENCE.c.until >= since),
        HEARTBEAT: select(HEARTBEAT),
        LEASE: select(LEASE),
        EVIDENCE: select(EVIDENCE).where(EVIDENCE.c.at >= lately),
    }
