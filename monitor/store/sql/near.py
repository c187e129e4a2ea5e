"""Copies the near part of a store for the journal, and writes the journal's rows back into the
store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, MetaData, RowMapping, Select, Table
from sqlalchemy.types import TypeDecorator

from monitor.store.sql import tables
from monitor.store.sql.backup import snapshot
from monitor.store.sql.query import chunks, long_limits
from monitor.store.sql.tables import METADATA

_ROWS_AT_ONCE = 1000
_COPY = "copy_at_start"
"""The name of the attached database with the copy that the journal began as."""
RECENTLY = timedelta(days=3)
"""Older runs, calendar reads and settled verdicts are not copied, because a monitor does not need
them to start.
"""

NOTICE_TABLES = (
    "judged",
    "event",
    "incident",
    "draft",
    "notice",
    "delivery",
    "rota",
    "silence",
    "heartbeat",
    "lease",
)
"""The tables that show which notices were sent. They are copied often, so that a journal's monitor
sends none again.
"""

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


def copy_near(
    source: Engine, target: Engine, since: datetime, now: datetime, only: Collection[str] = ()
) -> None:
    """Replace all rows of `target`, an SQLite store, with the near part of `source`, as
    `rows_to_copy` chooses it.

    The near part is about recent and coming releases. With `only`, replace only the tables with
    these names, otherwise all. This is one transaction. Its time limits are long. It also idles in
    `source` while it writes `target`.
    """
    queries = {
        table: query
        for table, query in rows_to_copy(since, now).items()
        if not only or table.name in only
    }
    with snapshot(source) as reader, target.begin() as writer, long_limits(reader, idles=True):
        # Each table comes after those that it refers to.
        ordered = [table for table in METADATA.sorted_tables if table in queries]
        for table in reversed(ordered):
            writer.execute(sa.delete(table))
        for table in ordered:
            # Our own types (`TypeDecorator`) convert values. With the database's types, values are
            # copied as they are.
            columns = [
                sa.type_coerce(column, column.type.impl_instance)
                if isinstance(column.type, TypeDecorator)
                else column
                for column in table.columns
            ]
            # If SQLAlchemy ran this statement, it would take twice as long, and delay this
            # process's looks.
            statement = str(sa.insert(table).compile(dialect=target.dialect))
            for rows in reader.execute(queries[table].with_only_columns(*columns)).partitions(
                _ROWS_AT_ONCE
            ):
                writer.exec_driver_sql(statement, [tuple(row) for row in rows])


def merge_journal(journal: Path, store_copy: Path, store: Engine) -> int:
    """Write the rows of a journal that are new or changed into a store.

    Return how many were written.

    The journal began as a copy of the file `store_copy`, so rows that are equal in both are left
    out. If the store has changed a row too, the later version wins. Leases and the leader are not
    written.
    """
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(journal)), poolclass=sa.NullPool)
    with engine.connect() as reader, store.begin() as writer, long_limits(writer):
        reader.exec_driver_sql(f"ATTACH DATABASE ? AS {_COPY}", (str(store_copy),))
        merger = _Merge(reader, writer)
        # Runs name records of evidence, so these are written first.
        ordered = sorted(METADATA.sorted_tables, key=lambda table: table is not tables.EVIDENCE)
        return sum(
            merger.write_changed_rows(table)
            for table in ordered
            if table not in {tables.LEASE, tables.LEADER}
        )


@dataclass(frozen=True, slots=True)
class _Versions:
    """The versions of one row: in the journal, in the copy that it began as, and in the store.

    None if absent.
    """

    journal: RowMapping
    copy: _Row | None
    store: _Row | None


class _Merge:
    """Writes the rows that a journal, a local database in use while the store was down, has changed
    into the store.

    `journal` is a connection to the journal, and to the copy of the store that it began as when the
    store failed.
    """

    def __init__(self, journal: Connection, store: Connection) -> None:
        """Find releases whose verdict changed in the store and in the journal (written while the
        store failed).
        """
        self._journal = journal
        self._store = store
        # The releases of which the store keeps its own verdict, because the journal's is not later.
        self._releases_kept = set[str]()
        # An event is a change of verdict, from the kind `before` to `after`. If the journal's
        # verdict is later, its first event must continue from the store's verdict. By release: the
        # `before` of the next event to write.
        self._next_before: dict[str, str] = {}
        # `row` has three versions of one row: `journal`, `store`, and `copy` from the store before
        # it failed.
        for row in self._find_changed_rows(tables.JUDGED):
            # other monitors changed the store's verdict
            if row.store is not None and row.store != row.copy:
                release = row.journal["release"]
                # the journal's verdict must not replace the store's
                if _choose_row(tables.JUDGED, row) is None:
                    self._releases_kept.add(release)
                else:
                    # the column `word` is the kind of a verdict
                    self._next_before[release] = row.store["word"]

    def write_changed_rows(self, table: Table) -> int:
        """Write to the store the rows of a table that were added or changed in the journal, while
        the store failed.

        Left out are rows that must not replace the store's, or do not fit its other rows. Return
        how many were written.
        """
        count = 0
        for row in self._find_changed_rows(table):
            chosen = _choose_row(table, row)
            if chosen is not None and self._fit_to_store(
                table, chosen, is_stored=row.store is not None
            ):
                if row.store is not None:
                    is_same = sa.and_(
                        *(column == chosen[column.name] for column in table.primary_key)
                    )
                    self._store.execute(sa.update(table).where(is_same).values(chosen))
                else:
                    self._store.execute(sa.insert(table), chosen)
                count += 1
        return count

    def _find_changed_rows(self, table: Table) -> Iterator[_Versions]:
        """Yield each row that the journal has added or changed, with its versions in the journal,
        copy and store.

        The journal has this monitor's rows from a time without the store. The copy is the store
        before that time, and the store may have rows of other monitors from that time. Events are
        in time order.
        """
        copy = table.to_metadata(MetaData(), schema=_COPY)
        changed = self._journal.execute(sa.select(table).except_(sa.select(copy))).mappings().all()
        if table is tables.EVENT:
            changed = sorted(changed, key=lambda row: row["at"])
        for rows in chunks(changed):
            copies, stored = _by_key(self._journal, copy, rows), _by_key(self._store, table, rows)
            for row in rows:
                key = _key_of(table, row)
                yield _Versions(journal=row, copy=copies.get(key), store=stored.get(key))

    def _fit_to_store(self, table: Table, row: dict[str, Any], *, is_stored: bool) -> bool:
        """Change a row of the journal so that it fits the store's other rows.

        Return whether to write it.

        `is_stored` is whether the store has an earlier version of the row.
        """
        if table is tables.RUN:  # a run must not name evidence that the store lacks
            row["evidence"] = tuple(name for name in row["evidence"] if self._is_in_store(name))
        # an event is a change of verdict, from the kind `before` to the kind `after`
        if table is tables.EVENT:
            release = row["release"]
            # the store keeps its own verdict, so drop the journal's changes of it
            if release in self._releases_kept:
                return False
            # Other monitors may have changed the verdict, for example to `late`. Then the journal's
            # first event must begin with `late`, and each further event with the kind to which the
            # event before it led.
            if release in self._next_before:
                row["before"] = self._next_before[release]
                self._next_before[release] = row["after"]
        # `Journal` has written new records that continue the store's evidence already. Others would
        # leave a gap.
        is_new_evidence = table is tables.EVIDENCE and not is_stored
        return not is_new_evidence

    def _is_in_store(self, evidence_id: str) -> bool:
        monitor, _, number = evidence_id.rpartition("-")
        evidence = tables.EVIDENCE.c
        query = sa.select(evidence.number).where(
            evidence.monitor == monitor, evidence.number == int(number)
        )
        return self._store.execute(query).first() is not None


def _choose_row(table: Table, row: _Versions) -> dict[str, Any] | None:
    """Return the journal's row (written while the store failed) if it must replace the store's row,
    or None.
    """
    if row.store is None or row.store == row.copy:  # only the journal changed it
        return dict(row.journal)
    # Both changed since `copy` was made of the store. The store's row stays unless the journal's is
    # known to be later.
    deciding = _LATER_COLUMN.get(table.name)  # the column with the higher value in the later row
    if deciding is None or row.journal[deciding] is None:
        return None
    is_later = row.store[deciding] is None or row.journal[deciding] > row.store[deciding]
    return dict(row.journal) if is_later else None


def _by_key(
    connection: Connection, table: Table, rows: Sequence[RowMapping]
) -> dict[tuple[Any, ...], _Row]:
    """Return the stored versions of these rows by primary key."""
    keys = [_key_of(table, row) for row in rows]
    found = connection.execute(
        sa.select(table).where(sa.tuple_(*table.primary_key).in_(keys))
    ).mappings()
    return {_key_of(table, row): dict(row) for row in found}


def _key_of(table: Table, row: _Row) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def rows_to_copy(since: datetime, now: datetime) -> Mapping[Table, Select[Any]]:
    """Return for each table the query for its rows that a monitor needs to start without the store.

    Most are about releases that a calendar has shown since `since` or promises for later, or whose
    verdict is not final. Others are about open incidents, or from the last days.
    """
    lately = now - RECENTLY
    entry, promise, judged = tables.ANNOUNCED.c, tables.PROMISE.c, tables.JUDGED.c
    is_shown = sa.or_(entry.gone.is_(None), entry.gone >= since)
    unsettled = sa.select(judged.release).where(judged.final.is_(False))
    promised = sa.select(promise.release).where(promise.begins >= since)
    releases = sa.select(entry.release).where(is_shown).union(promised, unsettled)
    incident, notice, draft, later_draft = (
        tables.INCIDENT.c,
        tables.NOTICE.c,
        tables.DRAFT.c,
        tables.DRAFT.alias().c,
    )
    is_open_or_new = sa.or_(incident.is_open, incident.opened >= lately)
    incidents = sa.select(incident.id).where(is_open_or_new)
    is_about_these = sa.or_(notice.at >= lately, notice.incident.in_(incidents))
    newest_draft = sa.select(sa.func.max(later_draft.version)).where(
        later_draft.incident == draft.incident
    )
    conditions = {
        tables.RELEASE: tables.RELEASE.c.id.in_(releases),
        tables.PROMISE: promise.release.in_(releases),
        tables.ANNOUNCED: sa.or_(is_shown, entry.release.in_(releases)),
        tables.CALENDAR_READ: tables.CALENDAR_READ.c.started >= lately,
        tables.RUN: tables.RUN.c.last_received >= lately,
        tables.BLIND: tables.BLIND.c.ends >= since,
        tables.JUDGED: sa.or_(judged.slot >= lately, judged.final.is_(False)),
        tables.EVENT: tables.EVENT.c.at >= lately,
        tables.INCIDENT: is_open_or_new,
        tables.DRAFT: sa.and_(
            draft.incident.in_(incidents), draft.version == newest_draft.scalar_subquery()
        ),
        tables.NOTICE: is_about_these,
        tables.DELIVERY: tables.DELIVERY.c.notice.in_(sa.select(notice.id).where(is_about_these)),
        tables.ROTA: sa.true(),
        tables.SILENCE: tables.SILENCE.c.until >= since,
        tables.HEARTBEAT: sa.true(),
        tables.LEASE: sa.true(),
        tables.EVIDENCE: tables.EVIDENCE.c.at >= lately,
    }
    return {table: sa.select(table).where(condition) for table, condition in conditions.items()}
