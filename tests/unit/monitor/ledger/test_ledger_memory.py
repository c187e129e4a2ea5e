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
from tests.unit.monitor.app.office import START, STATS, Office, as_json, csv, row, with_office

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


async def reopen_with_controlled_store(office: Office) -> ControlledStore:
    office.store_of = ControlledStore
    await office.reopen()
    store = office.daemon.core.store
    assert isinstance(store, ControlledStore)
    return store


@with_office()
async def test_a_read_that_could_not_be_written_leaves_nothing_in_memory_or_in_the_store(office: Office) -> None:
    store = await reopen_with_controlled_store(office)
    store.refuses_next_promises = True
    with pytest.raises(Conflict):
        await office.read(csv(row("a"), row("b")))
    ledger, watch = office.daemon.core.ledger, office.daemon.watch
    assert (dict(ledger.releases), ledger.promises("a"), dict(watch.releases)) == ({}, [], {})
    assert (store.ledger.releases(), store.ledger.promises(), store.ledger.announced("stats")) == ([], [], [])


@with_office()
async def test_the_read_after_one_that_could_not_be_written_records_all_entries_as_new(office: Office) -> None:
    store = await reopen_with_controlled_store(office)
    store.refuses_next_promises = True
    with pytest.raises(Conflict):
        await office.read(csv(row("a"), row("b")))
    # The calendar still shows `a` and `b`.
    next_read = await office.read(after=10)
    ledger, watch = office.daemon.core.ledger, office.daemon.watch
    assert set(watch.releases) == {"a", "b"}
    for name in ("a", "b"):
        (in_memory,), (in_store,) = ledger.promises(name), store.ledger.promises([name])
        assert in_memory.learnt == in_store.learnt == next_read.finished


@with_office()
async def test_change_that_could_not_be_written_does_not_change_watched_releases(office: Office) -> None:
    store = await reopen_with_controlled_store(office)
    await office.read(csv(row("a")))
    store.refuses_next_promises = True
    with pytest.raises(Conflict):
        await office.read(csv(row("a", "2026-11-27"), row("b")), after=10)
    assert office.daemon.core.ledger.promises("a") == store.ledger.promises(["a"])
    assert set(office.daemon.watch.releases) == {"a"}
    await office.read(after=10)
    assert len(office.daemon.core.ledger.promises("a")) == len(store.ledger.promises(["a"])) == 2
    assert set(office.daemon.watch.releases) == {"a", "b"}


@with_office(STATS, OTHER)
async def test_join_that_could_not_be_written_moves_no_entry_and_the_next_read_makes_it(office: Office) -> None:
    link = "https://stats.example/a"
    store = await reopen_with_controlled_store(office)
    await office.read(csv(row("a", title="Example awareness")))
    await office.read(as_json(entry("a", url="")), "own")
    before = dict(office.daemon.core.ledger.releases)
    store.refuses_next_promises = True
    with pytest.raises(Conflict):
        await office.read(as_json(entry("a", url=link)), "own", after=10)
    assert dict(office.daemon.core.ledger.releases) == before
    assert {release.id for release in store.ledger.releases()} == set(before)
    await office.read(name="own", after=10)
    assert set(office.daemon.core.ledger.releases) == {release.id for release in store.ledger.releases()} == {"a"}
    assert read_times(store.ledger.promises(["a"])) == read_times(office.daemon.core.ledger.promises("a"))


async def sleep_until(office: Office, at: datetime) -> None:
    await office.clock.sleep((at - office.clock.now()).total_seconds())


def read_times(promises: Iterable[Promise]) -> list[tuple[str, datetime]]:
    """Return the calendar of each promise, and when it was read first."""
    return [(promise.calendar, promise.learnt) for promise in promises]


def entry(name: str, url: str, title: str = "Quite another name") -> dict[str, str]:
    return {"id": f"x-{name}", "title": title, "url": url, "date": "2026-11-26T09:45:00", "producer": "example-office"}


@with_office()
async def test_the_hourly_job_does_not_load_a_release_again_once_its_watch_has_ended(office: Office) -> None:
    store = await reopen_with_controlled_store(office)
    # A release is watched until 15 days after its slot, here until 9:30 on 11 December.
    await office.read(csv(row("a", "2026-11-26", "09:30")))
    await sleep_until(office, datetime(2026, 12, 11, 10, tzinfo=UTC))
    watch = office.daemon.watch
    await watch.judging.judge_all(["a"])
    for _ in range(48):
        await office.daemon.admission.roll()
        await watch.judging.judge_all(list(watch.releases))
        await office.clock.sleep(HOUR.total_seconds())
    assert "a" not in watch.releases
    # To watch a release again, the monitor would load its runs.
    assert store.loads_of_runs["a"] == 0


@with_office()
async def test_a_release_whose_watch_has_ended_is_watched_again_if_its_calendar_moves_it_to_a_near_day(
    office: Office,
) -> None:
    # A release is watched until 15 days after its slot, here until 9:30 on 11 December. Then the hourly job drops it.
    await office.read(csv(row("a", "2026-11-26", "09:30")))
    await sleep_until(office, datetime(2026, 12, 11, 10, tzinfo=UTC))
    watch = office.daemon.watch
    await watch.judging.judge_all(["a"])
    await office.daemon.admission.roll()
    assert "a" not in watch.releases
    moved_to_three_days_later = csv(row("a", "2026-12-14"))
    await office.read(moved_to_three_days_later)
    assert "a" in watch.releases


@with_office()
async def test_verdict_left_open_while_the_monitor_was_down_is_made_final_and_notified_and_then_dropped(
    office: Office,
) -> None:
    await office.read(csv(row("a")))
    await office.daemon.watch.judging.judge_all(["a"])
    await office.clock.sleep((60 * DAY).total_seconds())
    await office.reopen()
    store, watch = office.daemon.core.store, office.daemon.watch
    assert [judged.word for judged in store.verdicts.open_judged()] == ["pending"]
    await office.clock.sleep(60)
    await watch.judging.judge_all(list(watch.releases))
    (judged,) = store.verdicts.judged()
    # The monitor was down at the slot, so no look can prove anything.
    assert (judged.word, judged.final, store.verdicts.open_judged()) == ("unproven", True, [])
    assert [notice.kind for notice in store.outbox.notices()] == ["unproven"]
    await office.daemon.admission.roll()
    assert dict(watch.releases) == {}


@with_office(STATS, OTHER)
async def test_two_releases_that_pins_join_are_listed_as_one_and_their_old_ids_keep_their_promises(
    office: Office,
) -> None:
    # Two calendars announce a release each. Both are judged.
    await office.read(csv(row("a", title="Example awareness")))
    await office.read(as_json(entry("a", url="", title="Quite another name")), "own")
    await office.daemon.watch.judging.judge_all(list(office.daemon.watch.releases))
    old_ids = {judged.release for judged in office.daemon.core.store.verdicts.judged()}
    assert len(old_ids) == 2
    # Then a person pins both titles to one id.
    pins = [Pin(id="awareness", title=title) for title in ("Example awareness", "Quite another name")]
    office.settings = office.settings.model_copy(update={"pin": pins})
    await office.reopen()
    await office.daemon.watch.judging.judge_all(list(office.daemon.watch.releases))
    store = office.daemon.core.store
    assert [release.id for release in store.ledger.releases()] == ["awareness"]
    assert [judged.release for judged in store.verdicts.judged()] == ["awareness"]
    assert [judged.release for judged in store.verdicts.judged(START, START + 30 * DAY)] == ["awareness"]
    assert [judged.release for judged in store.verdicts.open_judged()] == ["awareness"]
    for old_id in old_ids:
        assert store.ledger.release(old_id).joined_into == "awareness"
        assert len(store.ledger.promises([old_id])) == 1


@with_office()
async def test_runs_and_incidents_move_with_a_release_that_a_pin_renames(office: Office) -> None:
    def seen(name: str) -> Run:
        return Run(f"{name}/page/edge", State.ABSENT, START, START, START, START)

    await office.read(csv(row("a", title="Example awareness")))
    late = Incident("i", Kind.LATE, "a", "example-office", "Example awareness", START, START, "report")
    with office.daemon.core.store.transaction() as tx:
        tx.save(seen("a"))
        tx.save(late)
    pin = Pin(id="awareness", title="Example awareness")
    office.settings = office.settings.model_copy(update={"pin": [pin]})
    await office.reopen()
    store = office.daemon.core.store
    assert store.runs.of_release("awareness") == [seen("awareness")]
    assert [one.id for one in store.verdicts.incidents_of("awareness")] == ["i"]
    assert store.verdicts.incidents_of("a") == []


@with_office(STATS, OTHER)
async def test_the_title_that_a_release_gets_from_a_new_order_of_calendars_is_stored_by_the_hourly_job(
    office: Office,
) -> None:
    def title_in_store() -> str:
        release = office.daemon.core.store.ledger.release("a")
        assert release is not None
        return release.title

    # Two calendars announce one release. Its title is that in the first calendar of the configuration.
    await office.read(csv(row("a", title="Title in stats")), "stats")
    await office.read(as_json(entry("b", "https://stats.example/a", title="Title in own")), "own")
    assert title_in_store() == "Title in stats"
    stats, own = office.settings.calendar
    office.settings = office.settings.model_copy(update={"calendar": [own, stats]})
    await office.reopen(admits_near=False)  # the hourly job has not run yet
    assert office.daemon.core.ledger.releases["a"].title == "Title in own"
    assert title_in_store() == "Title in stats"
    await office.daemon.admission.roll()
    assert title_in_store() == "Title in own"


@with_office()
async def test_a_release_takes_the_id_of_its_pin_even_if_it_had_that_id_before_another_pin(office: Office) -> None:
    await office.read(csv(row("a", title="Example awareness")))
    for pinned_id in ("awareness", "a"):
        pin = Pin(id=pinned_id, title="Example awareness")
        office.settings = office.settings.model_copy(update={"pin": [pin]})
        await office.reopen()
        assert [release.id for release in office.daemon.core.store.ledger.releases()] == [pinned_id]
        assert set(office.daemon.watch.releases) == {pinned_id}
