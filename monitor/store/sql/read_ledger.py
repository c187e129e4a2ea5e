"""The queries of the ledger: releases, promises, and calendars with their entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, func, or_, select, tuple_, union

from alerts.claim import Claim
from monitor.store.rows import Announced, CalendarRead, SeriesEdition
from monitor.store.sql import tables
from monitor.store.sql.query import QueryRunner, equals, from_json, from_row, in_period, keyed_row, select_all, whole_of
from schedules.promise import Promise
from schedules.release import Release

_PLACEHOLDER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LedgerStore:
    """Queries for releases, promises, calendars' entries and reads, and claims."""

    ask: QueryRunner

    def releases(self, begin: datetime | None = None, end: datetime | None = None) -> list[Release]:
        """Return all releases, or those with a newest promise (or a verdict's slot) that begins in `[begin, end)`.

        Releases without a readable slot are returned only without bounds. Those joined into others are never returned.
        """
        table = tables.RELEASE
        wanted = select(table).where(table.c.joined_into.is_(None)).order_by(table.c.id)
        if begin is not None or end is not None:
            wanted = wanted.where(table.c.id.in_(_releases_in_period(begin, end)))
        return [from_row(Release, row) for row in self.ask.rows(wanted)]

    def release(self, release: str) -> Release | None:
        """Return one release, or None if no release has this id."""
        return self.ask.find(Release, tables.RELEASE, release)

    def releases_named(self, releases: Sequence[str]) -> list[Release]:
        """Return the stored ones of these releases, sorted by id."""
        wanted = select(tables.RELEASE)
        found = self.ask.make_among(whole_of(Release, wanted), wanted, tables.RELEASE.c.id, releases)
        return sorted(found, key=lambda release: release.id)

    def differing(self, releases: Sequence[Release]) -> list[str]:
        """Return the ids of the releases that are not stored, or differ from their stored rows."""
        table, keys, names = tables.RELEASE, tables.RELEASE_KEYS, [one.id for one in releases]
        wanted = select(*(table.c[name] for name in (*keys, "body")))
        stored = {row[0]: row for row in self.ask.make_among(lambda *row: row, wanted, table.c.id, names)}
        # Most are unchanged. Comparing the rows first avoids parsing the stored JSON of each.
        doubtful = [one for one in releases if stored.get(one.id) != tuple(keyed_row(one, *keys).values())]
        same = {one.id: one for one in self.releases_named([one.id for one in doubtful])}
        return [one.id for one in doubtful if same.get(one.id) != one]

    def releases_alike(self, producer: str, url: str, words: Sequence[str]) -> list[Release]:
        """Return a producer's releases with `url` in their address or one of `words` in their title, by id.

        The letters A to Z match in upper and lower case.
        """
        table = tables.RELEASE
        titled = (table.c.title.icontains(word, autoescape=True) for word in words)
        alike = or_(table.c.url.icontains(url, autoescape=True), *titled)
        wanted = select(table).where(table.c.producer == producer, table.c.joined_into.is_(None), alike)
        return [from_row(Release, row) for row in self.ask.rows(wanted.order_by(table.c.id))]

    def promises(self, releases: Sequence[str] | None = None) -> list[Promise]:
        """Return promises in the order of their reads, of these releases or of all."""
        table = tables.PROMISE
        wanted = select(table.c.body, table.c.release, table.c.calendar, table.c.learnt, table.c.confirmed_at)
        found = self.ask.make_among(_make_promise, wanted, table.c.release, releases)
        return sorted(found, key=lambda promise: (promise.learnt, promise.release, promise.calendar))

    def editions(self, after: str = "", limit: int = 1000) -> list[SeriesEdition]:
        """Return the newest promises of the first `limit` releases with an id after `after`, by id."""
        release, promise, newer = tables.RELEASE, tables.PROMISE, tables.PROMISE.alias()
        later = tuple_(newer.c.learnt, newer.c.calendar) > tuple_(promise.c.learnt, promise.c.calendar)
        outdated = select(newer.c.release).where(newer.c.release == promise.c.release, later)
        newest = (
            _without(promise, "begins")
            .add_columns(release.c.producer, release.c.title)
            .join(release, release.c.id == promise.c.release)
            .where(release.c.id > after, release.c.joined_into.is_(None), ~outdated.exists())
            .order_by(release.c.id)
            .limit(limit)
        )
        return [_make_edition(dict(row)) for row in self.ask.rows(newest)]

    def shown_since(self, since: datetime) -> list[str]:
        """Return, sorted, the ids of releases that a calendar has shown since `since` or promised for later."""
        entry, promise = tables.ANNOUNCED, tables.PROMISE
        shown = union(
            select(entry.c.release).where(entry.c.gone.is_(None)),
            select(entry.c.release).where(entry.c.gone >= since),
            select(promise.c.release).where(promise.c.begins >= since),
        )
        return sorted(self.ask.make_each(str, shown))

    def announced(self, calendar: str) -> list[Announced]:
        """Return all entries that a calendar has ever shown, by uid."""
        table = tables.ANNOUNCED
        return self.ask.make_each(
            Announced, select_all(Announced, table).where(table.c.calendar == calendar).order_by(table.c.uid)
        )

    def entries_of(self, releases: Sequence[str]) -> list[Announced]:
        """Return the calendar entries of these releases, by calendar and uid."""
        table = tables.ANNOUNCED
        found = self.ask.make_among(Announced, select_all(Announced, table), table.c.release, releases)
        return sorted(found, key=lambda entry: (entry.calendar, entry.uid))

    def entries_named(self, calendar: str, uids: Sequence[str]) -> list[Announced]:
        """Return the stored ones of these entries of a calendar, by uid."""
        table = tables.ANNOUNCED
        mine = select_all(Announced, table).where(table.c.calendar == calendar)
        return sorted(self.ask.make_among(Announced, mine, table.c.uid, uids), key=lambda entry: entry.uid)

    def reads(self, calendar: str | None = None, limit: int = 100) -> list[CalendarRead]:
        """Return the newest `limit` reads of one calendar or of all, newest first."""
        table = tables.CALENDAR_READ
        wanted = select_all(CalendarRead, table).where(*equals(table.c.calendar, calendar))
        return self.ask.make_each(
            CalendarRead, wanted.order_by(table.c.started.desc(), table.c.calendar.desc()).limit(limit)
        )

    def stale_reads(self, before: datetime) -> list[tuple[str, datetime]]:
        """Return the calendar and start of each read before `before` that only repeats the read before it."""
        table = tables.CALENDAR_READ
        facts = (table.c.usable, table.c.digest, table.c.fault)
        read = select(table, *map(_in_previous_read, facts)).where(table.c.started < before).subquery()
        repeats = [read.c[column.name] == read.c[f"before_{column.name}"] for column in facts]
        return [(row["calendar"], row["started"]) for row in self.ask.rows(select(read).where(*repeats))]

    def claims(self, begin: datetime | None = None, end: datetime | None = None, url: str | None = None) -> list[Claim]:
        """Return the publishers' claims of publication in `[begin, end)`, at one address or all, in time order."""
        table = tables.CLAIM
        wanted = select_all(Claim, table).where(*in_period(table.c.at, begin, end), *equals(table.c.url, url))
        return self.ask.make_each(Claim, wanted.order_by(table.c.at, table.c.url, table.c.producer))


def _without(table: Table, *names: str) -> Select[Any]:
    return select(*(column for column in table.c if column.name not in names))


@lru_cache(maxsize=1024)
def _promise_without_keys(body: str) -> Promise:
    """Return the promise in a JSON text, with placeholders as keys. Cached, because many promises share a text."""
    return from_json(Promise, body, {"release": "", "calendar": "", "learnt": _PLACEHOLDER})


def _make_promise(body: str, release: str, calendar: str, learnt: datetime, confirmed_at: datetime | None) -> Promise:
    promise = _promise_without_keys(body)
    return replace(promise, release=release, calendar=calendar, learnt=learnt, confirmed_at=confirmed_at)


def _make_edition(row: dict[str, Any]) -> SeriesEdition:
    producer, title = row.pop("producer"), row.pop("title")
    promise = from_json(Promise, row.pop("body"), row)
    return SeriesEdition(promise.release, producer, title, (promise.calendar,), promise.slot)


def _releases_in_period(begin: datetime | None, end: datetime | None) -> Any:  # noqa: ANN401  # a subquery has no type name
    """Return the query for releases with a newest promise, or a verdict's slot, in `[begin, end)`."""
    promise, newer = tables.PROMISE, tables.PROMISE.alias()
    outdated = select(newer.c.release).where(newer.c.release == promise.c.release, newer.c.learnt > promise.c.learnt)
    promised = select(promise.c.release).where(*in_period(promise.c.begins, begin, end), ~outdated.exists())
    judged = select(tables.JUDGED.c.release).where(*in_period(tables.JUDGED.c.slot, begin, end))
    return union(promised, judged)


def _in_previous_read(column: Column[Any]) -> ColumnElement[Any]:
    """Return the value of this column in the previous read of the same calendar."""
    table = tables.CALENDAR_READ
    before = func.lag(column).over(partition_by=table.c.calendar, order_by=table.c.started)
    return before.label(f"before_{column.name}")
