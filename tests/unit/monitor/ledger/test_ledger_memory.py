"""The ledger in memory never knows more than the store, and drops releases that are over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from alerts.incident import Incident, Kind
from monitor.errors import Conflict
from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.store.sql.engine import Store
from monitor.store.sql.read import RunStore
from monitor.store.sql.write import Transaction
from schedules.join import Pin
from schedules.promise import Promise
from tests.unit.monitor.app.calendar_monitor import (
    START,
    STATS,
    CalendarMonitor,
    as_json,
    csv,
    row,
    with_calendar_monitor,
)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
OTHER = {"name": "own", "kind": "json", "url": "https://stats.example/own.json"}


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
    """A store that can be made to refuse the next promises once, and that counts how often runs are loaded."""

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
    store = monitor.daemon.core.store
    assert isinstance(store, ControlledStore)
    return store


@with_calendar_monitor()
async def test_failed_write_leaves_nothing_in_memory_or_store(monitor: CalendarMonitor) -> None:
    store = await reopen_with_controlled_store(monitor)
    store.refuses_next_promises = True
    with pytest.raises(Conflict):
        await monitor.read_calendar(csv(row("a"), row("b")))
    ledger, watch = monitor.daemon.core.ledger, monitor.daemon.watch
    assert (dict(ledger.releases), ledger.promises("a"), dict(watch.releases)) == ({}, [], {})
    assert (store.ledger.releases(), store.ledger.promises(), store.ledger.announced("stats")) == ([], [], [])


@with_calendar_monitor()
async def test_read_after_a_failed_write_records_entries_as_new(monitor: CalendarMonitor) -> None:
    store = await reopen_with_controlled_store(monitor)
    store.refuses_next_promises = True
    with pytest.raises(Conflict):
        await monitor.read_calendar(csv(row("a"), row("b")))
    # The calendar still shows `a` and `b`.
    next_read = await monitor.read_calendar(after=10)
    ledger, watch = monitor.daemon.core.ledger, monitor.daemon.watch
    assert set(watch.releases) == {"a", "b"}
    for name in ("a", "b"):
        (in_memory,), (in_store,) = ledger.promises(name), store.ledger.promises([name])
        assert in_memory.learnt == in_store.learnt == next_read.finished


@with_calendar_monitor()
async def test_unwritten_change_does_not_reach_watched_releases(monitor: CalendarMonitor) -> None:
    store = await reopen_with_controlled_store(monitor)
    await monitor.read_calendar(csv(row("a")))
    store.refuses_next_promises = True
    with pytest.raises(Conflict):
        await monitor.read_calendar(csv(row("a", "2026-11-27"), row("b")), after=10)
    assert monitor.daemon.core.ledger.promises("a") == store.ledger.promises(["a"])
    assert set(monitor.daemon.watch.releases) == {"a"}
    await monitor.read_calendar(after=10)
    assert len(monitor.daemon.core.ledger.promises("a")) == len(store.ledger.promises(["a"])) == 2
    assert set(monitor.daemon.watch.releases) == {"a", "b"}


@with_calendar_monitor(STATS, OTHER)
async def test_unwritten_join_is_made_at_next_read(monitor: CalendarMonitor) -> None:
    link = "https://stats.example/a"
    store = await reopen_with_controlled_store(monitor)
    await monitor.read_calendar(csv(row("a", title="Example awareness")))
    await monitor.read_calendar(as_json(entry("a", url="")), "own")
    before = dict(monitor.daemon.core.ledger.releases)
    store.refuses_next_promises = True
    with pytest.raises(Conflict):
        await monitor.read_calendar(as_json(entry("a", url=link)), "own", after=10)
    assert dict(monitor.daemon.core.ledger.releases) == before
    assert {release.id for release in store.ledger.releases()} == set(before)
    await monitor.read_calendar(name="own", after=10)
    assert set(monitor.daemon.core.ledger.releases) == {release.id for release in store.ledger.releases()} == {"a"}
    assert read_times(store.ledger.promises(["a"])) == read_times(monitor.daemon.core.ledger.promises("a"))


async def sleep_until(monitor: CalendarMonitor, at: datetime) -> None:
    await monitor.clock.sleep((at - monitor.clock.now()).total_seconds())


def read_times(promises: Iterable[Promise]) -> list[tuple[str, datetime]]:
    """Return the calendar of each promise, and when it was read first."""
    return [(promise.calendar, promise.learnt) for promise in promises]


def entry(name: str, url: str, title: str = "Quite another name") -> dict[str, str]:
    return {"id": f"x-{name}", "title": title, "url": url, "date": "2026-11-26T09:45:00", "producer": "example-office"}


@with_calendar_monitor()
async def test_release_whose_watch_ended_is_not_loaded_again(monitor: CalendarMonitor) -> None:
    store = await reopen_with_controlled_store(monitor)
    # A release is watched until 15 days after its slot, here until 9:30 on 11 December.
    await monitor.read_calendar(csv(row("a", "2026-11-26", "09:30")))
    await sleep_until(monitor, datetime(2026, 12, 11, 10, tzinfo=UTC))
    watch = monitor.daemon.watch
    await watch.judging.judge_all(["a"])
    for _ in range(48):
        await monitor.daemon.admission.roll()
        await watch.judging.judge_all(list(watch.releases))
        await monitor.clock.sleep(HOUR.total_seconds())
    assert "a" not in watch.releases
    # To watch a release again, the monitor would load its runs.
    assert store.loads_of_runs["a"] == 0


@with_calendar_monitor()
async def test_release_moved_to_a_near_day_is_watched_again(monitor: CalendarMonitor) -> None:
    """A release is watched until 15 days after its slot, here until 9:30 on 11 December. Then the hourly job drops
    it."""
    await monitor.read_calendar(csv(row("a", "2026-11-26", "09:30")))
    await sleep_until(monitor, datetime(2026, 12, 11, 10, tzinfo=UTC))
    watch = monitor.daemon.watch
    await watch.judging.judge_all(["a"])
    await monitor.daemon.admission.roll()
    assert "a" not in watch.releases
    moved_to_three_days_later = csv(row("a", "2026-12-14"))
    await monitor.read_calendar(moved_to_three_days_later)
    assert "a" in watch.releases


@with_calendar_monitor()
async def test_verdict_left_open_during_downtime_becomes_final(monitor: CalendarMonitor) -> None:
    """The monitor is down at the slot, so no look can prove anything."""
    await monitor.read_calendar(csv(row("a")))
    await monitor.daemon.watch.judging.judge_all(["a"])
    await monitor.clock.sleep((60 * DAY).total_seconds())
    await monitor.restart()
    store, watch = monitor.daemon.core.store, monitor.daemon.watch
    assert [judged.word for judged in store.verdicts.open_judged()] == ["pending"]
    await monitor.clock.sleep(60)
    await watch.judging.judge_all(list(watch.releases))
    (judged,) = store.verdicts.judged()
    # The monitor was down at the slot, so no look can prove anything.
    assert (judged.word, judged.final, store.verdicts.open_judged()) == ("unproven", True, [])
    assert [notice.kind for notice in store.outbox.notices()] == ["unproven"]
    await monitor.daemon.admission.roll()
    assert dict(watch.releases) == {}


@with_calendar_monitor(STATS, OTHER)
async def test_pinned_releases_become_one_and_keep_old_promises(monitor: CalendarMonitor) -> None:
    # Two calendars announce a release each. Both are judged.
    await monitor.read_calendar(csv(row("a", title="Example awareness")))
    await monitor.read_calendar(as_json(entry("a", url="", title="Quite another name")), "own")
    await monitor.daemon.watch.judging.judge_all(list(monitor.daemon.watch.releases))
    old_ids = {judged.release for judged in monitor.daemon.core.store.verdicts.judged()}
    assert len(old_ids) == 2
    # Then a person pins both titles to one id.
    pins = [Pin(id="awareness", title=title) for title in ("Example awareness", "Quite another name")]
    monitor.settings = monitor.settings.model_copy(update={"pin": pins})
    await monitor.restart()
    await monitor.daemon.watch.judging.judge_all(list(monitor.daemon.watch.releases))
    store = monitor.daemon.core.store
    assert [release.id for release in store.ledger.releases()] == ["awareness"]
    assert [judged.release for judged in store.verdicts.judged()] == ["awareness"]
    assert [judged.release for judged in store.verdicts.judged(START, START + 30 * DAY)] == ["awareness"]
    assert [judged.release for judged in store.verdicts.open_judged()] == ["awareness"]
    for old_id in old_ids:
        assert store.ledger.release(old_id).joined_into == "awareness"
        assert len(store.ledger.promises([old_id])) == 1


@with_calendar_monitor()
async def test_runs_and_incidents_move_with_a_renamed_release(monitor: CalendarMonitor) -> None:
    """A pin gives the release another id."""

    def seen(name: str) -> Run:
        return Run(f"{name}/page/edge", State.ABSENT, START, START, START, START)

    await monitor.read_calendar(csv(row("a", title="Example awareness")))
    late = Incident("i", Kind.LATE, "a", "example-office", "Example awareness", START, START, "report")
    with monitor.daemon.core.store.transaction() as tx:
        tx.save(seen("a"))
        tx.save(late)
    pin = Pin(id="awareness", title="Example awareness")
    monitor.settings = monitor.settings.model_copy(update={"pin": [pin]})
    await monitor.restart()
    store = monitor.daemon.core.store
    assert store.runs.of_release("awareness") == [seen("awareness")]
    assert [one.id for one in store.verdicts.incidents_of("awareness")] == ["i"]
    assert store.verdicts.incidents_of("a") == []


@with_calendar_monitor(STATS, OTHER)
async def test_hourly_job_stores_title_of_new_calendar_order(monitor: CalendarMonitor) -> None:
    def title_in_store() -> str:
        release = monitor.daemon.core.store.ledger.release("a")
        assert release is not None
        return release.title

    # Two calendars announce one release. Its title is that in the first calendar of the configuration.
    await monitor.read_calendar(csv(row("a", title="Title in stats")), "stats")
    await monitor.read_calendar(as_json(entry("b", "https://stats.example/a", title="Title in own")), "own")
    assert title_in_store() == "Title in stats"
    stats, own = monitor.settings.calendar
    monitor.settings = monitor.settings.model_copy(update={"calendar": [own, stats]})
    await monitor.restart(admits_near=False)  # the hourly job has not run yet
    assert monitor.daemon.core.ledger.releases["a"].title == "Title in own"
    assert title_in_store() == "Title in stats"
    await monitor.daemon.admission.roll()
    assert title_in_store() == "Title in own"


@with_calendar_monitor()
async def test_release_can_get_an_earlier_id_back_by_pin(monitor: CalendarMonitor) -> None:
    await monitor.read_calendar(csv(row("a", title="Example awareness")))
    for pinned_id in ("awareness", "a"):
        pin = Pin(id=pinned_id, title="Example awareness")
        monitor.settings = monitor.settings.model_copy(update={"pin": [pin]})
        await monitor.restart()
        assert [release.id for release in monitor.daemon.core.store.ledger.releases()] == [pinned_id]
        assert set(monitor.daemon.watch.releases) == {pinned_id}
