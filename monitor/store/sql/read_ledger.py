"""The queries of the ledger: releases, promises, and calendars with their entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import func, or_, select, tuple_, union

from alerts.claim import Claim
from monitor.store.rows import Announced, CalendarRead, SeriesEdition
from monitor.store.sql import tables
from monitor.store.sql.query import FORMS, Queries, equals, from_json, in_period
from schedules.promise import Promise
from schedules.release import Release

_PLACEHOLDER = datetime.min.replace(tzinfo=UTC)


class LedgerStore(Queries):
    """Queries for releases, promises, calendars' entries and reads, and claims."""

    def releases(self, begin: datetime | None = None, end: datetime | None = None) -> list[Release]:
        """Return all releases or, with bounds, those with a slot in `[begin, end)`.

        The slot is that of the newest promise of any calendar, or of the verdict. Releases joined
        into others are never returned.
        """
        release = tables.RELEASE.c
        conditions = [release.joined_into.is_(None)]
        if begin is not None or end is not None:
            promise, newer, verdict = tables.PROMISE.c, tables.PROMISE.alias().c, tables.JUDGED.c
            newer_promise = select(newer.release).where(
                newer.release == promise.release, newer.learnt > promise.learnt
            )
            promised = select(promise.release).where(
                *in_period(promise.begins, begin, end), ~newer_promise.exists()
            )
            judged = select(verdict.release).where(*in_period(verdict.slot, begin, end))
            conditions.append(release.id.in_(union(promised, judged)))
        return self.runner.find_all(Release, *conditions, order_by=(release.id,))

    def promised_between(self, begin: datetime, end: datetime) -> list[Release]:
        """Return the releases of which any promise, even an old one, has a slot in
        `[begin, end)`.
        """
        promise, release = tables.PROMISE.c, tables.RELEASE.c
        promised = select(promise.release).where(*in_period(promise.begins, begin, end))
        conditions = (release.joined_into.is_(None), release.id.in_(promised))
        return self.runner.find_all(Release, *conditions, order_by=(release.id,))

    def promised_instants(self, begin: datetime, end: datetime) -> list[datetime]:
        """Return the begins of all slots ever promised in `[begin, end)`."""
        begins = tables.PROMISE.c.begins
        query = select(begins).where(*in_period(begins, begin, end)).distinct()
        return sorted(self.runner.make_each(lambda slot: slot, query))

    def release(self, release: str) -> Release | None:
        """Return one release, if it is stored."""
        return self.runner.find(Release, release)

    def releases_named(self, releases: Sequence[str]) -> list[Release]:
        """Return the stored ones of these releases, by id."""
        found = self.runner.find_each_of(Release, tables.RELEASE.c.id, releases)
        return sorted(found, key=lambda release: release.id)

    def differing(self, releases: Sequence[Release]) -> list[str]:
        """Return the ids of releases that are not stored, or differ."""
        form = FORMS[Release]
        ids = [release.id for release in releases]
        rows = self.runner.make_each_of(lambda *row: row, form.select, tables.RELEASE.c.id, ids)
        stored_rows = {row[0]: row for row in rows}
        # Most are equal. Comparing rows first avoids parsing their JSON.
        unequal = [
            one for one in releases if stored_rows.get(one.id) != tuple(form.to_row(one).values())
        ]
        # Another version may have written the same release as other JSON.
        stored = {one.id: one for one in self.releases_named([one.id for one in unequal])}
        return [one.id for one in unequal if stored.get(one.id) != one]

    def releases_alike(self, producer: str, url: str, words: Sequence[str]) -> list[Release]:
        """Return a producer's releases with `url` in their address or one of `words` in their
        title.

        A to Z match in either case, here and in `releases_titled`.
        """
        release = tables.RELEASE.c
        titled = (release.title.icontains(word, autoescape=True) for word in words)
        is_alike = or_(release.url.icontains(url, autoescape=True), *titled)
        conditions = (release.producer == producer, release.joined_into.is_(None), is_alike)
        return self.runner.find_all(Release, *conditions, order_by=(release.id,))

    def releases_titled(self, words: Sequence[str]) -> list[Release]:
        """Return the releases with all of `words` in their title, by id."""
        release = tables.RELEASE.c
        titled = [release.title.icontains(word, autoescape=True) for word in words]
        return self.runner.find_all(
            Release, release.joined_into.is_(None), *titled, order_by=(release.id,)
        )

    def titles(self) -> list[tuple[str, str, str]]:
        """Return id, title and producer of every release: first those that are not judged yet, then
        by slot, the latest first.
        """
        release, slot = tables.RELEASE, tables.JUDGED.c.slot
        query = (
            select(release.c.id, release.c.title, release.c.producer)
            .outerjoin(tables.JUDGED, tables.JUDGED.c.release == release.c.id)
            .where(release.c.joined_into.is_(None))
            .order_by(slot.desc().nulls_first(), release.c.id)
        )
        return self.runner.make_each(lambda *row: row, query)

    def urls(self) -> list[str]:
        """Return the addresses of all releases."""
        return self.runner.make_each(str, select(tables.RELEASE.c.url).distinct())

    def promises(self, releases: Sequence[str] | None = None) -> list[Promise]:
        """Return promises in the order of their reads, of these releases or of all."""
        table = tables.PROMISE
        query = select(
            table.c.body, table.c.release, table.c.calendar, table.c.learnt, table.c.confirmed_at
        )
        found = self.runner.make_each_of(_make_promise, query, table.c.release, releases)
        return sorted(
            found, key=lambda promise: (promise.learnt, promise.release, promise.calendar)
        )

    def promises_by_release(self, releases: Sequence[str]) -> dict[str, list[Promise]]:
        """Return what `promises` does, by release."""
        found: dict[str, list[Promise]] = {name: [] for name in releases}
        for promise in self.promises(releases):
            found[promise.release].append(promise)
        return found

    def editions(self, after: str = "", limit: int = 1000) -> list[SeriesEdition]:
        """Return the newest promise of the first `limit` releases with ids above `after`, as
        editions.
        """
        release, promise, other = tables.RELEASE, tables.PROMISE, tables.PROMISE.alias()
        is_newer = tuple_(other.c.learnt, other.c.calendar) > tuple_(
            promise.c.learnt, promise.c.calendar
        )
        newer = select(other.c.release).where(other.c.release == promise.c.release, is_newer)
        newest = (
            select(
                release.c.id,
                release.c.producer,
                release.c.title,
                promise.c.calendar,
                promise.c.body,
            )
            .join(release, release.c.id == promise.c.release)
            .where(release.c.id > after, release.c.joined_into.is_(None), ~newer.exists())
            .order_by(release.c.id)
            .limit(limit)
        )
        return [
            SeriesEdition(name, producer, title, (calendar,), _promise_without_keys(body).slot)
            for name, producer, title, calendar, body in self.runner.make_each(
                lambda *row: row, newest
            )
        ]

    def shown_since(self, since: datetime) -> list[str]:
        """Return the ids of releases that a calendar has shown since `since`, or promised for a
        time from then on.
        """
        entry, promise = tables.ANNOUNCED, tables.PROMISE
        shown = union(
            select(entry.c.release).where(entry.c.gone.is_(None)),
            select(entry.c.release).where(entry.c.gone >= since),
            select(promise.c.release).where(promise.c.begins >= since),
        )
        return sorted(self.runner.make_each(str, shown))

    def announced(self, calendar: str) -> list[Announced]:
        """Return all entries that a calendar has ever shown, by uid."""
        entry = tables.ANNOUNCED.c
        return self.runner.find_all(Announced, entry.calendar == calendar, order_by=(entry.uid,))

    def entries_of(self, releases: Sequence[str]) -> list[Announced]:
        """Return the calendar entries of these releases, by calendar and uid."""
        found = self.runner.find_each_of(Announced, tables.ANNOUNCED.c.release, releases)
        return sorted(found, key=lambda entry: (entry.calendar, entry.uid))

    def entries_named(self, calendar: str, uids: Sequence[str]) -> list[Announced]:
        """Return the stored ones of these entries, by uid."""
        entry = tables.ANNOUNCED.c
        found = self.runner.find_each_of(Announced, entry.uid, uids, entry.calendar == calendar)
        return sorted(found, key=lambda entry: entry.uid)

    def reads(
        self, calendar: str | None = None, limit: int = 100, *, usable: bool = False
    ) -> list[CalendarRead]:
        """Return the newest `limit` reads of one calendar or all, newest first, perhaps only usable
        ones.
        """
        read = tables.CALENDAR_READ.c
        newest_first = (read.started.desc(), read.calendar.desc())
        conditions = [
            *equals(read.calendar, calendar),
            *([read.usable.is_(True)] if usable else []),
        ]
        return self.runner.find_all(CalendarRead, *conditions, order_by=newest_first, limit=limit)

    def repeated_reads(self, before: datetime) -> list[tuple[str, datetime]]:
        """Return the calendar and start of each read before `before` with the result of the one
        before.
        """
        table = tables.CALENDAR_READ
        calendar, started, compared = (
            table.c.calendar,
            table.c.started,
            (table.c.usable, table.c.digest, table.c.fault),
        )
        earlier = (
            func.lag(column).over(partition_by=calendar, order_by=started) for column in compared
        )
        previous = [
            one.label(f"previous_{column.name}")
            for one, column in zip(earlier, compared, strict=True)
        ]
        read = select(table, *previous).where(started < before).subquery()
        is_repeated = [
            read.c[column.name] == read.c[f"previous_{column.name}"] for column in compared
        ]
        repeats = select(read.c.calendar, read.c.started).where(*is_repeated)
        return self.runner.make_each(lambda *key: key, repeats)

    def claims(
        self, begin: datetime | None = None, end: datetime | None = None, url: str | None = None
    ) -> list[Claim]:
        """Return the publishers' claims in `[begin, end)`, at one address or all, in order."""
        claim = tables.CLAIM.c
        conditions = (*in_period(claim.at, begin, end), *equals(claim.url, url))
        return self.runner.find_all(
            Claim, *conditions, order_by=(claim.at, claim.url, claim.producer)
        )


@lru_cache(maxsize=1024)
def _promise_without_keys(body: str) -> Promise:
    """Return the promise in a JSON text, with placeholders as keys.

    Cached, because many promises share a text.
    """
    return from_json(Promise, body, {"release": "", "calendar": "", "learnt": _PLACEHOLDER})


def _make_promise(
    body: str, release: str, calendar: str, learnt: datetime, confirmed_at: datetime | None
) -> Promise:
    promise = _promise_without_keys(body)
    return replace(
        promise, release=release, calendar=calendar, learnt=learnt, confirmed_at=confirmed_at
    )
