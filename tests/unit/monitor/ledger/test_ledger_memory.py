"""The ledger in memory never knows more than the store, and drops releases that are over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
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
UNTIL_15_DAYS_AFTER_SLOT = timedelta(days=24, hours=22)
"""From the start of an office until 15 days and half an hour after the slot of release `a`."""
OTHER = {"name": "own", "kind": "json", "url": "https://stats.example/own.json"}


class RefusingTransaction:
    """A transaction that refuses promises once if its store says so."""

    def __init__(self, tx: Transaction, store: RefusingStore) -> None:
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
    """The runs of a store, with how often those of each release are read back."""

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs
        self.read_back = Counter[str]()

    def of_releases(self, releases: Sequence[str]) -> list[Run]:
        self.read_back.update(releases)
        return self._runs.of_releases(releases)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # any other question
        return getattr(self._runs, name)


class RefusingStore(Store):
    """A store that can be made to refuse the next promises once, and that counts how often runs are read back."""

    def __init__(self, url: str) -> None:
        super().__init__(url, durable=False)
        self.refuses_next_promises = False
        self.counted = CountedRuns(self.runs)
        self.runs = cast("RunStore", self.counted)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with super().transaction() as tx:
            yield cast("Transaction", RefusingTransaction(tx, self))


async def reopen_with_refusing_store(office: Office) -> RefusingStore:
    office.store_of = RefusingStore
    await office.reopen()
    store = office.daemon.core.store
    assert isinstance(store, RefusingStore)
    return store


@with_office()
async def test_next_read_records_everything_of_a_read_that_could_not_be_written(office: Office) -> None:
    store = await reopen_with_refusing_store(office)
    store.refuses_next_promises = True
    with pytest.raises(Conflict):
        await office.read(csv(row("a"), row("b")))
    ledger, watch = office.daemon.core.ledger, office.daemon.watch
    assert (dict(ledger.releases), ledger.promises("a"), dict(watch.releases)) == ({}, [], {})
    assert (store.ledger.releases(), store.ledger.promises(), store.ledger.announced("stats")) == ([], [], [])
    read = await office.read(after=10)
    assert set(watch.releases) == {"a", "b"}
    in_memory = [*ledger.promises("a"), *ledger.promises("b")]
    assert [promise.learnt for promise in in_memory] == [read.finished, read.finished]
    assert [promise.learnt for promise in store.ledger.promises()] == [read.finished, read.finished]


@with_office()
async def test_change_that_could_not_be_written_does_not_change_watched_releases(office: Office) -> None:
    store = await reopen_with_refusing_store(office)
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
    store = await reopen_with_refusing_store(office)
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


def read_times(promises: Iterable[Promise]) -> list[tuple[str, datetime]]:
    """Return the calendar of each promise, and when it was read first."""
    return [(promise.calendar, promise.learnt) for promise in promises]


def entry(name: str, url: str, title: str = "Quite another name") -> dict[str, str]:
    return {"id": f"x-{name}", "title": title, "url": url, "date": "2026-11-26T09:45:00", "producer": "example-office"}


@with_office()
async def test_past_release_is_not_loaded_every_hour(office: Office) -> None:
    store = await reopen_with_refusing_store(office)
    await office.read(csv(row("a")))
    watch = office.daemon.watch
    # A release is near until 15 days after its slot, and this is half an hour later.
    await office.clock.sleep(UNTIL_15_DAYS_AFTER_SLOT.total_seconds())
    await watch.judging.judge_all(["a"])
    # A release that is loaded has its runs read back from the store.
    assert store.counted.read_back["a"] == 0
    for _ in range(48):
        await office.daemon.admission.roll()
        await watch.judging.judge_all(list(watch.releases))
        await office.clock.sleep(HOUR.total_seconds())
    assert store.counted.read_back["a"] == 0
    assert "a" not in watch.releases


@with_office()
async def test_past_release_is_loaded_if_a_calendar_moves_it_to_a_near_day(office: Office) -> None:
    await office.read(csv(row("a")))
    watch = office.daemon.watch
    # A release is near until 15 days after its slot, and this is half an hour later.
    await office.clock.sleep(UNTIL_15_DAYS_AFTER_SLOT.total_seconds())
    await watch.judging.judge_all(["a"])
    await office.daemon.admission.roll()
    assert "a" not in watch.releases
    # It is 11 December.
    await office.read(csv(row("a", "2026-12-14")), after=10)
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
async def test_a_release_that_was_joined_into_another_keeps_its_promises_and_is_not_listed(office: Office) -> None:
    await office.read(csv(row("a", title="Example awareness")))
    await office.read(as_json(entry("a", url="", title="Quite another name")), "own")
    await office.daemon.watch.judging.judge_all(list(office.daemon.watch.releases))
    ids_before = {judged.release for judged in office.daemon.core.store.verdicts.judged()}
    assert len(ids_before) == 2
    pins = [Pin(id="awareness", title=title) for title in ("Example awareness", "Quite another name")]
    office.settings = office.settings.model_copy(update={"pin": pins})
    await office.reopen()
    store = office.daemon.core.store
    await office.daemon.watch.judging.judge_all(list(office.daemon.watch.releases))
    assert [release.id for release in store.ledger.releases()] == ["awareness"]
    for listed in (
        store.verdicts.judged(),
        store.verdicts.open_judged(),
        store.verdicts.judged(START, START + 30 * DAY),
    ):
        assert [judged.release for judged in listed] == ["awareness"]
    for id_before in ids_before:
        assert store.ledger.release(id_before).joined_into == "awareness"
        assert len(store.ledger.promises([id_before])) == 1


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
async def test_a_release_changed_by_a_new_order_of_calendars_is_stored_by_the_first_hourly_job(
    office: Office,
) -> None:
    def stored_title() -> str | None:
        release = office.daemon.core.store.ledger.release("a")
        return release and release.title

    await office.read(csv(row("a", title="Example awareness")))
    await office.read(as_json(entry("b", "https://stats.example/a", "Awareness, an example")), "own")
    assert stored_title() == "Example awareness"
    # The title of a release is that in its first calendar.
    calendars = office.settings.calendar
    office.settings = office.settings.model_copy(update={"calendar": calendars[::-1]})
    # This start does not yet admit near releases, which would store the change.
    await office.reopen(admits_near=False)
    assert stored_title() == "Example awareness"
    assert office.daemon.core.ledger.releases["a"].title == "Awareness, an example"
    # `roll` is the hourly job that admits near releases.
    await office.daemon.admission.roll()
    assert stored_title() == "Awareness, an example"


@with_office()
async def test_a_release_takes_the_id_of_its_pin_even_if_it_had_that_id_before_another_pin(office: Office) -> None:
    await office.read(csv(row("a", title="Example awareness")))
    for pinned_id in ("awareness", "a"):
        pin = Pin(id=pinned_id, title="Example awareness")
        office.settings = office.settings.model_copy(update={"pin": [pin]})
        await office.reopen()
        assert [release.id for release in office.daemon.core.store.ledger.releases()] == [pinned_id]
        assert set(office.daemon.watch.releases) == {pinned_id}
