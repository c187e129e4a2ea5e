"""The ledger in memory never knows more than the store, and drops releases that are over.

A release is watched until 15 days after its slot, here until 11 December at 9:30. A pin is a
setting that gives a title the id of its release.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from alerts.incident import Incident, IncidentKind
from monitor.errors import Conflict
from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.store.sql.engine import Store
from monitor.store.sql.read import RunStore
from monitor.store.sql.write import Transaction
from schedules.join import Pin
from schedules.promise import Promise
from tests.unit.monitor.app.calendar_monitor import (
    OWN,
    START,
    STATS,
    CalendarMonitor,
    as_json,
    csv,
    own_entry,
    row,
    with_calendar_monitor,
)
from tests.worlds.fetcher import Reply

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class RefusingTransaction:
    """A transaction that refuses promises once if its store says so."""

    def __init__(self, tx: Transaction, store: ControlledStore) -> None:
        self._tx = tx
        self._store = store

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # any other write
        return getattr(self._tx, name)

    def add_promises(self, promises: Iterable[Promise]) -> None:
        if self._store.refuses_next_promises:
            self._store.refuses_next_promises = False
            raise Conflict("this store refuses once")
        self._tx.add_promises(promises)


class CountedRuns:
    """The runs of a store, with how often those of each release are loaded."""

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs
        self.loads = Counter[str]()

    def of_releases(self, releases: Sequence[str]) -> list[Run]:
        self.loads.update(releases)
        return self._runs.of_releases(releases)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # any other question
        return getattr(self._runs, name)


class ControlledStore(Store):
    """A store that can be made to refuse the next promises once, and that counts how often runs are
    loaded.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, durable=False)
        self.refuses_next_promises = False
        counted_runs = CountedRuns(self.runs)
        self.runs = cast("RunStore", counted_runs)
        self.loads_of_runs = counted_runs.loads

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with super().transaction() as tx:
            yield cast("Transaction", RefusingTransaction(tx, self))


async def reopen_with_controlled_store(monitor: CalendarMonitor) -> ControlledStore:
    monitor.store_of = ControlledStore
    await monitor.restart()
    store = monitor.store
    assert isinstance(store, ControlledStore)
    return store


async def read_that_store_refuses(
    monitor: CalendarMonitor, store: ControlledStore, reply: Reply, name: str = "stats"
) -> None:
    """Read a calendar ten minutes later, and have the store refuse to write what the read shows."""
    store.refuses_next_promises = True
    with pytest.raises(Conflict):
        await monitor.read_calendar(reply, name, minutes_later=10)


@with_calendar_monitor()
async def test_failed_write_leaves_nothing_in_memory_or_store(monitor: CalendarMonitor) -> None:
    """The first read of a calendar shows the releases a and b. But the store refuses to write it.
    Then neither memory nor the store has these releases, their promises or their entries. Neither
    release is watched.
    """
    store = await reopen_with_controlled_store(monitor)
    await read_that_store_refuses(monitor, store, csv(row("a"), row("b")))
    ledger = monitor.ledger_in_memory
    assert (dict(ledger.releases), ledger.promises("a"), monitor.watched_ids) == ({}, [], set())
    assert (store.ledger.releases(), store.ledger.promises(), store.ledger.announced("stats")) == (
        [],
        [],
        [],
    )


@with_calendar_monitor()
async def test_read_after_a_failed_write_records_entries_as_new(monitor: CalendarMonitor) -> None:
    """The first read of a calendar shows the releases a and b, but the store refuses to write it.
    The next read shows the same and is written. So both count as first read by the next read.
    """
    store = await reopen_with_controlled_store(monitor)
    await read_that_store_refuses(monitor, store, csv(row("a"), row("b")))
    next_read = await monitor.read_calendar(minutes_later=10)
    assert monitor.watched_ids == {"a", "b"}
    for name in ("a", "b"):
        (promise_in_memory,) = monitor.ledger_in_memory.promises(name)
        (promise_in_store,) = store.ledger.promises([name])
        assert promise_in_memory.learnt == promise_in_store.learnt == next_read.finished


@with_calendar_monitor()
async def test_unwritten_change_does_not_reach_watched_releases(monitor: CalendarMonitor) -> None:
    """Release a is watched for its slot on 26 November. A second read moves it to 27 November and
    shows a new release, b. But the store refuses to write this read. So a still has only its old
    promise, and b is not watched. A third read shows the same as the second and is written. Now a
    has both promises, and b is watched.
    """
    store = await reopen_with_controlled_store(monitor)
    await monitor.read_calendar(csv(row("a", "2026-11-26")))
    await read_that_store_refuses(monitor, store, csv(row("a", "2026-11-27"), row("b")))
    assert len(monitor.ledger_in_memory.promises("a")) == 1
    assert monitor.ledger_in_memory.promises("a") == store.ledger.promises(["a"])
    assert monitor.watched_ids == {"a"}
    await monitor.read_calendar(minutes_later=10)
    assert len(monitor.ledger_in_memory.promises("a")) == len(store.ledger.promises(["a"])) == 2
    assert monitor.watched_ids == {"a", "b"}


@with_calendar_monitor(STATS, OWN)
async def test_unwritten_join_is_made_at_next_read(monitor: CalendarMonitor) -> None:
    """Two calendars have an entry each, with different titles. So these are two releases. Then the
    calendar "own" adds to its entry the link of the other one. That would join both to one release.
    But the store refuses to write this read, so there are still two releases. Ten minutes later a
    read shows the same and is written. Now there is one.
    """

    def ids_in_store() -> set[str]:
        return {release.id for release in store.ledger.releases()}

    store = await reopen_with_controlled_store(monitor)
    without_link = own_entry("a", title="Quite another name")
    with_link = without_link | {"url": "https://stats.example/a"}
    await monitor.read_calendar(csv(row("a", title="Example awareness")), "stats")
    await monitor.read_calendar(as_json(without_link), "own")
    two_releases = dict(monitor.ledger_in_memory.releases)
    assert len(two_releases) == 2
    await read_that_store_refuses(monitor, store, as_json(with_link), "own")
    assert dict(monitor.ledger_in_memory.releases) == two_releases
    assert ids_in_store() == set(two_releases)
    await monitor.read_calendar(name="own", minutes_later=10)
    assert set(monitor.ledger_in_memory.releases) == ids_in_store() == {"a"}
    assert read_times(store.ledger.promises(["a"])) == read_times(
        monitor.ledger_in_memory.promises("a")
    )


async def sleep_until(monitor: CalendarMonitor, at: datetime) -> None:
    await monitor.clock.sleep((at - monitor.clock.now()).total_seconds())


def read_times(promises: Iterable[Promise]) -> list[tuple[str, datetime]]:
    """Return the calendar of each promise, and when it was read first."""
    return [(promise.calendar, promise.learnt) for promise in promises]


@with_calendar_monitor()
async def test_release_whose_watch_ended_is_not_loaded_again(monitor: CalendarMonitor) -> None:
    """In the two days after that, no hourly job watches it again. None even loads its runs, which
    would be the first step.
    """
    store = await reopen_with_controlled_store(monitor)
    await monitor.read_calendar(csv(row("a", "2026-11-26", "09:30")))
    await sleep_until(monitor, datetime(2026, 12, 11, 10, tzinfo=UTC))
    await monitor.judge_all()
    for _hour in range(48):
        await monitor.run_hourly_job()
        await monitor.judge_all()
        await monitor.clock.sleep(HOUR.total_seconds())
    assert "a" not in monitor.watched_ids
    assert store.loads_of_runs["a"] == 0


@with_calendar_monitor()
async def test_release_moved_to_a_near_day_is_watched_again(monitor: CalendarMonitor) -> None:
    """At 10:00 the hourly job ends the watch. Then the calendar moves the release to 14 December.
    That is near, so it is watched again.
    """
    await monitor.read_calendar(csv(row("a", "2026-11-26", "09:30")))
    await sleep_until(monitor, datetime(2026, 12, 11, 10, tzinfo=UTC))
    await monitor.judge_all()
    await monitor.run_hourly_job()
    assert "a" not in monitor.watched_ids
    await monitor.read_calendar(csv(row("a", "2026-12-14")))
    assert "a" in monitor.watched_ids


@with_calendar_monitor()
async def test_verdict_left_open_during_downtime_becomes_final(monitor: CalendarMonitor) -> None:
    """A release is judged before its slot: "pending". Then the monitor is down, at the slot and for
    weeks after it. So no look can ever prove when the release was published. After a restart it is
    judged again, now "unproven". This verdict is final, and people are notified of it. The release
    is no longer watched.
    """
    await monitor.read_calendar(csv(row("a", "2026-11-26")))
    await monitor.judge_all()
    await monitor.clock.sleep((60 * DAY).total_seconds())
    await monitor.restart()
    # Until the release is judged again, the store has the verdict from before the slot.
    assert [judged.word for judged in monitor.store.verdicts.open_judged()] == ["pending"]
    await monitor.clock.sleep(60)
    await monitor.judge_all()
    (judged,) = monitor.store.verdicts.judged()
    assert (judged.word, judged.final) == ("unproven", True)
    assert monitor.store.verdicts.open_judged() == []
    assert [notice.kind for notice in monitor.store.outbox.notices()] == ["unproven"]
    # The hourly job ends the watch of releases that are over.
    await monitor.run_hourly_job()
    assert monitor.watched_ids == set()


@with_calendar_monitor(STATS, OWN)
async def test_pinned_releases_become_one_and_keep_old_promises(monitor: CalendarMonitor) -> None:
    """Two calendars announce a release each, under different titles. Both are judged. Then a person
    gives both titles the same id by a setting, the pin. After a restart they are one release with
    one verdict. In the store, both old ids lead to it and keep their promises.
    """
    await monitor.read_calendar(csv(row("a", title="Example awareness")), "stats")
    await monitor.read_calendar(as_json(own_entry("a", title="Quite another name")), "own")
    await monitor.judge_all()
    old_ids = {judged.release for judged in monitor.store.verdicts.judged()}
    assert len(old_ids) == 2
    pins = [
        Pin(id="awareness", title="Example awareness"),
        Pin(id="awareness", title="Quite another name"),
    ]
    await monitor.restart(pin=pins)
    await monitor.judge_all()
    ledger, verdicts = monitor.store.ledger, monitor.store.verdicts
    assert [release.id for release in ledger.releases()] == ["awareness"]
    # All verdicts, those with a slot in the next 30 days, and those not final yet: each time only
    # the new one.
    for judged in (
        verdicts.judged(),
        verdicts.judged(START, START + 30 * DAY),
        verdicts.open_judged(),
    ):
        assert [row.release for row in judged] == ["awareness"]
    for old_id in old_ids:
        assert ledger.release(old_id).joined_into == "awareness"
        assert len(ledger.promises([old_id])) == 1


@with_calendar_monitor()
async def test_runs_and_incidents_move_with_a_renamed_release(monitor: CalendarMonitor) -> None:
    """The store has a run of looks at the page of release a, and an incident about a. A person pins
    the title of a to the id "awareness". After a restart, the run and the incident belong to
    "awareness", and none is left under the id a.
    """
    await monitor.read_calendar(csv(row("a", title="Example awareness")))
    run = Run("a/page/edge", State.ABSENT, START, START, START, START)  # one look, at START
    late = Incident(
        "i",
        IncidentKind.LATE,
        "a",
        "example-office",
        "Example awareness",
        START,
        START,
        grade="report",
    )
    with monitor.store.transaction() as tx:
        tx.save(run)
        tx.save(late)
    await monitor.restart(pin=[Pin(id="awareness", title="Example awareness")])
    store = monitor.store
    assert store.runs.of_release("awareness") == [replace(run, target="awareness/page/edge")]
    assert [incident.id for incident in store.verdicts.incidents_of("awareness")] == ["i"]
    assert store.verdicts.incidents_of("a") == []


@with_calendar_monitor(STATS, OWN)
async def test_hourly_job_stores_title_of_new_calendar_order(monitor: CalendarMonitor) -> None:
    """The calendars "stats" and "own" show the same release under different titles. The release has
    the title of the calendar that is first in the configuration: "stats". Then "own" is put first,
    and the monitor restarts. Memory has the title of "own" at once. The store has it after the
    hourly job.
    """

    def title_in_store() -> str:
        release = monitor.store.ledger.release("a")
        assert release is not None
        return release.title

    await monitor.read_calendar(csv(row("a", title="Title in stats")), "stats")
    # The link of release a in "stats" makes this entry one of the same release.
    entry_of_own = own_entry("b", url="https://stats.example/a", title="Title in own")
    await monitor.read_calendar(as_json(entry_of_own), "own")
    assert title_in_store() == "Title in stats"
    stats, own = monitor.settings.calendar
    await monitor.restart(calendar=[own, stats], runs_hourly_job=False)
    assert monitor.ledger_in_memory.releases["a"].title == "Title in own"
    assert title_in_store() == "Title in stats"
    await monitor.run_hourly_job()
    assert title_in_store() == "Title in own"


@with_calendar_monitor()
async def test_release_can_get_an_earlier_id_back_by_pin(monitor: CalendarMonitor) -> None:
    """A first pin changes the id of release a to "awareness". Another one changes it back. Each
    time, store and watch have only the pinned id.
    """
    await monitor.read_calendar(csv(row("a", title="Example awareness")))
    for pinned_id in ("awareness", "a"):
        pin = Pin(id=pinned_id, title="Example awareness")
        await monitor.restart(pin=[pin])
        assert [release.id for release in monitor.store.ledger.releases()] == [pinned_id]
        assert monitor.watched_ids == {pinned_id}
