"""The writes of the store: the methods of an open transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    case,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)

from alerts.notice import Notice
from monitor.errors import Conflict
from monitor.judge.runs import Blind, Run
from monitor.store.rows import LEADER, Delivery, Draft, Leader, Lease, Record
from monitor.store.sql import tables
from monitor.store.sql.columns import Instant, database_clock
from monitor.store.sql.query import FORMS, Storable, chunks
from monitor.store.sql.read import Reads
from schedules.promise import Promise

_LATER_COLUMNS: Mapping[Table, str] = {
    tables.RUN: "last_received",
    tables.ANNOUNCED: "seen_last",
    tables.PROMISE: "confirmed_at",
    tables.HEARTBEAT: "at",
    tables.DELIVERY: "attempts",
}
"""The column by which the later of two versions of a row is known. Of other facts, the
first stays.
"""


class Transaction:
    """The writes of one transaction, rolled back if its block raises.

    `read` has queries that see them. Use it there, not the store.
    """

    def __init__(self, connection: Connection, read: Reads) -> None:
        self.read = read
        self._connection, self._dialect = connection, connection.dialect.name

    def save(self, *items: Storable) -> None:
        """Insert objects, or replace those with the same keys.

        A row that breaks a rule of the database raises `Conflict`, such as a delivery without a
        stored notice. Do not pass a notice that was sent: this would replace it.
        """
        for kind, some in groupby(items, key=type):
            rows = [_to_row(item) for item in some]
            statement = _upsert_statement(FORMS[kind].table, self._dialect, tuple(rows[0]))
            self._connection.execute(statement, rows)

    def save_later(self, *items: Storable) -> None:
        """Insert objects, or replace earlier versions of them."""
        for item in items:
            table = FORMS[type(item)].table
            statement = _make_insert(table, self._dialect)
            row = _to_row(item)
            name = _LATER_COLUMNS.get(table)
            if name is None:
                unless_stored = statement.on_conflict_do_nothing(
                    index_elements=list(table.primary_key)
                )
                self._connection.execute(unless_stored, row)
                continue
            stored, new = table.c[name], statement.excluded[name]
            upsert = statement.on_conflict_do_update(
                index_elements=list(table.primary_key),
                set_={key: statement.excluded[key] for key in row},
                where=stored.is_(None) | (stored <= new),
            )
            self._connection.execute(upsert, row)

    def add(self, item: Storable) -> bool:
        """Insert an object. Return False if its key is stored already."""
        table = FORMS[type(item)].table
        statement = self._insert_unless_stored(table).returning(*table.primary_key)
        return self._connection.execute(statement, _to_row(item)).first() is not None

    def add_promises(self, promises: Iterable[Promise]) -> None:
        """Add promises, except those stored by release, calendar and time of reading."""
        rows = [_to_row(promise) for promise in promises]
        if rows:
            self._connection.execute(self._insert_unless_stored(tables.PROMISE), rows)

    def confirm_all(self, calendar: str, releases: Sequence[str], at: datetime) -> None:
        """Record that a calendar still showed its newest promises for these releases at `at`."""
        table, newer = tables.PROMISE, tables.PROMISE.alias()
        is_of_same = (newer.c.release == table.c.release, newer.c.calendar == calendar)
        newest = select(func.max(newer.c.learnt)).where(*is_of_same).scalar_subquery()
        # A read stored before this one may be later.
        is_earlier = table.c.confirmed_at.is_(None) | (table.c.confirmed_at < at)
        for some in chunks(releases):
            is_newest = (
                table.c.release.in_(some)
                & (table.c.calendar == calendar)
                & (table.c.learnt == newest)
            )
            self._connection.execute(
                update(table).where(is_newest, is_earlier).values(confirmed_at=at)
            )

    def confirm_entries(self, calendar: str, uids: Sequence[str], at: datetime) -> None:
        """Record that a calendar showed these entries at `at`."""
        table = tables.ANNOUNCED
        for some in chunks(uids):
            is_shown = (table.c.calendar == calendar) & table.c.uid.in_(some)
            is_earlier = table.c.seen_last <= at
            self._connection.execute(
                update(table).where(is_shown, is_earlier).values(seen_last=at, gone=None)
            )

    def forget_reads(self, reads: Sequence[tuple[str, datetime]]) -> None:
        """Delete reads of calendars, by calendar and start."""
        self._delete_rows(tables.CALENDAR_READ, reads)

    def replace_promises(self, promises: Iterable[Promise], corrected: Iterable[Promise]) -> None:
        """Replace promises with corrected ones, which may have other times of reading."""
        keys = [(promise.release, promise.calendar, promise.learnt) for promise in promises]
        self._delete_rows(tables.PROMISE, keys)
        self.add_promises(list(corrected))

    def merge_runs(self, runs: Sequence[Run], merged: Sequence[Run]) -> None:
        """Replace `runs` with `merged`."""
        self._delete_rows(tables.RUN, [run.key for run in runs])
        self.save(*merged)

    def add_blind(self, blind: Blind) -> None:
        """Add a blind span, or extend one with the same start, cause and scope."""
        table = tables.BLIND
        statement = _make_insert(table, self._dialect)
        new = statement.excluded
        ends = case((new.ends > table.c.ends, new.ends), else_=table.c.ends)
        upsert = statement.on_conflict_do_update(
            index_elements=list(table.primary_key), set_={"ends": ends}
        )
        self._connection.execute(upsert, [_to_row(blind)])

    def replace_blind_spans(self, spans: Sequence[Blind], corrected: Sequence[Blind]) -> None:
        """Replace blind spans with corrected ones."""
        names = [column.name for column in tables.BLIND.primary_key]
        self._delete_rows(
            tables.BLIND, [tuple(getattr(span, name) for name in names) for span in spans]
        )
        for span in corrected:
            self.add_blind(span)

    def add_draft(self, draft: Draft) -> None:
        """Add a version of a draft. Raises `Conflict` if it is stored already."""
        if not self.add(draft):
            raise Conflict(
                f"version {draft.version} of the draft of {draft.incident} is there already"
            )

    def add_notice(self, notice: Notice, deliveries: Sequence[Delivery]) -> bool:
        """Add a notice with its deliveries. Return False if it is stored already."""
        if not self.add(notice):
            return False
        self.save(*deliveries)
        return True

    def record_outcome(self, notice: Notice, delivery: Delivery) -> None:
        """Save how an attempt to send a notice ended, unless a later attempt is stored.

        A store that was restored from an older copy gets the notice too.
        """
        self.add(notice)
        self.save_later(delivery)

    def add_evidence(self, records: Iterable[Record]) -> None:
        """Add records of evidence. Raises `Conflict` if a different one has the same number."""
        table = tables.EVIDENCE
        by_key = {(record.monitor, record.number): record for record in records}
        if not by_key:
            return
        # It returns the keys of inserted rows. The others were stored before.
        statement = self._insert_unless_stored(table).returning(*table.primary_key)
        inserted = self._connection.execute(
            statement, [_to_row(record) for record in by_key.values()]
        )
        stored_before = [*by_key.keys() - {tuple(row) for row in inserted}]
        query = select(*table.primary_key, table.c.chain)
        for some in chunks(stored_before):
            for row in self._connection.execute(query.where(tuple_(*table.primary_key).in_(some))):
                record = by_key[row.monitor, row.number]
                # A hash over this record and all before it.
                if row.chain != record.chain:
                    raise Conflict(f"evidence {record.id} is there already, and is another")

    def expire_evidence(self, monitor: str, last: int, at: datetime) -> None:
        """Record that a monitor's bytes up to record `last` were deleted at `at`."""
        table = tables.EVIDENCE
        is_deleted_now = (
            (table.c.monitor == monitor) & (table.c.number <= last) & table.c.expired.is_(None)
        )
        self._connection.execute(update(table).where(is_deleted_now).values(expired=at))

    def drop_sessions(self, key_hashes: Sequence[str], ended_by: datetime) -> None:
        """Delete these sessions, and all that ended by `ended_by`."""
        table = tables.SESSION
        is_dropped = table.c.key_hash.in_(key_hashes) | (table.c.ends <= ended_by)
        self._connection.execute(delete(table).where(is_dropped))

    def note_session_seen(self, key_hash: str, at: datetime) -> None:
        """Record that a session was used at `at`, unless it was deleted."""
        table = tables.SESSION
        is_used = table.c.key_hash == key_hash
        self._connection.execute(update(table).where(is_used).values(seen=at))

    def take_lease(self, name: str, holder: str, now: datetime, until: datetime) -> Lease | None:
        """Take or renew a lease and return it, None if another has it beyond `now`.

        By PostgreSQL's own clock, it lasts from its present for as long as from `now` to `until`.
        """
        table = tables.LEASE
        begins, ends = self._from_present(now, until)
        statement = _make_insert(table, self._dialect).values(name=name, holder=holder, until=ends)
        # One statement, so that exactly one of two monitors gets the lease.
        upsert = statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={"holder": holder, "until": ends},
            where=(table.c.until <= begins) | (table.c.holder == holder),
        )
        row = self._connection.execute(upsert.returning(table.c.until)).first()
        return None if row is None else Lease(name, holder, row.until)

    def drop_lease(self, name: str, holder: str) -> None:
        """Give up a lease, unless another holder has it."""
        table = tables.LEASE
        self._connection.execute(
            delete(table).where(table.c.name == name, table.c.holder == holder)
        )

    def claim_delivery(self, notice: str, channel: str) -> Delivery | None:
        """Return a delivery, locked until the transaction ends, None if missing or locked."""
        table = tables.DELIVERY
        form = FORMS[Delivery]
        is_wanted = (table.c.notice == notice) & (table.c.channel == channel)
        query = form.select.where(is_wanted).with_for_update(skip_locked=True)
        row = self._connection.execute(query).first()
        return None if row is None else form.make(*row)

    def take_leader(
        self, holder: str, monitor: str, now: datetime, until: datetime
    ) -> Leader | None:
        """Lead, with the next epoch. Return None if another leads beyond `now` (as in
        `take_lease`).
        """
        table = tables.LEADER
        begins, ends = self._from_present(now, until)
        new = {"holder": holder, "monitor": monitor, "since": begins, "until": ends}
        statement = _make_insert(table, self._dialect).values(role=LEADER, epoch=1, **new)
        upsert = statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={"epoch": table.c.epoch + 1, **new},
            where=table.c.until <= begins,
        )
        row = self._connection.execute(upsert.returning(*table.c)).first()
        return None if row is None else Leader(*row)

    def renew_leader(self, holder: str, epoch: int, now: datetime, until: datetime) -> bool:
        """Lead for longer. Return False if a later epoch has begun."""
        table = tables.LEADER
        _begins, ends = self._from_present(now, until)
        is_ours = (table.c.holder == holder) & (table.c.epoch == epoch)
        renewed = self._connection.execute(update(table).where(is_ours).values(until=ends))
        return renewed.rowcount == 1

    def resign_leader(self, holder: str, epoch: int, now: datetime) -> None:
        """Let another monitor lead at once, unless a later epoch has begun."""
        table = tables.LEADER
        is_ours = (table.c.holder == holder) & (table.c.epoch == epoch)
        begins, _ends = self._from_present(now, now)
        self._connection.execute(update(table).where(is_ours).values(holder="", until=begins))

    def _from_present(
        self, now: datetime, until: datetime
    ) -> tuple[ColumnElement[datetime], ColumnElement[datetime]]:
        """Return the present, and the end of a time from `now` to `until`."""
        if self._dialect == "postgresql":
            return database_clock(), database_clock(until - now)
        return literal(now, Instant), literal(until, Instant)

    def _delete_rows(self, table: Table, keys: Sequence[tuple[Any, ...]]) -> None:
        for some in chunks(keys):
            self._connection.execute(delete(table).where(tuple_(*table.primary_key).in_(some)))

    def _insert_unless_stored(self, table: Table) -> Any:  # noqa: ANN401  # as below
        return _make_insert(table, self._dialect).on_conflict_do_nothing(
            index_elements=list(table.primary_key)
        )


# Building it took half of the time of a commit of one look.
@cache
def _upsert_statement(table: Table, dialect: str, names: tuple[str, ...]) -> Any:  # noqa: ANN401  # as below
    """Return the statement that inserts rows with these columns, or updates stored ones."""
    statement = _make_insert(table, dialect)
    new_values = {name: statement.excluded[name] for name in names if not table.c[name].primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=new_values)


def _make_insert(table: Table, dialect: str) -> Any:  # noqa: ANN401  # each dialect has an insert of its own
    """Return the dialect's own insert statement, which can also update or skip stored rows."""
    # By name, so that only the dialect in use is loaded.
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)


def _to_row(item: Storable) -> dict[str, Any]:
    row = FORMS[type(item)].to_row(item)
    if isinstance(item, Promise):
        row["begins"] = item.slot.begins()
    return row
