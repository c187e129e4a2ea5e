"""Other monitors' looks are requested together, and a fault of one release does not affect
others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import pytest

from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.judge.runs import Blind, Run
from monitor.look.sighting import State
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.lease import Leaseholder
from monitor.store.members import Members
from monitor.store.sql.read import RunStore
from monitor.store.writer import Writer
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.release import WatchedRelease
from schedules.promise import Promise
from schedules.release import Release
from tests.worlds.instants import HOUR, MINUTE, SECOND, SLOT
from tests.worlds.looks import a_run
from tests.worlds.releases import a_promise
from tests.worlds.stores import TemporaryStore

T = TypeVar("T")
NAMES = [f"r{number}" for number in range(500)]
NOW = SLOT + 30 * SECOND
STORED_PROMISE = a_promise(release="r7")
BLIND = Blind(SLOT - 40 * SECOND, SLOT - 20 * SECOND, "stopped", monitor="south")


@dataclass
class QueryCounter:
    """Runs store queries and counts them. The first `failures` queries fail."""

    failures: int = 0
    queries: int = 0

    async def __call__(self, question: Callable[[], T], /) -> T:
        self.queries += 1
        await asyncio.sleep(0)
        if self.queries <= self.failures:
            raise StoreFault("away")
        return question()


@dataclass(frozen=True)
class OneUnreadable:
    """The runs of a store, of which those of one release cannot be read."""

    runs: RunStore
    release: str

    def of_releases(self, releases: Sequence[str]) -> list[Run]:
        if self.release in releases:
            raise ValueError("not a state")
        return self.runs.of_releases(releases)

    def blind(self, begin: datetime, end: datetime) -> list[Blind]:
        return self.runs.blind(begin, end)


@dataclass(frozen=True)
class Merge:
    """What monitor `north` has after it read what `south` stored.

    `errors` has for each release the exception of its merge, or None. `blind_spans` are those that
    `north` received.
    """

    releases: dict[str, WatchedRelease]
    blind_spans: list[Blind]
    errors: list[object]


def merge_south_into_north(
    ask: QueryCounter, store: TemporaryStore, *own_promises: Promise
) -> Merge:
    """Merge the runs and promises that monitor `south` stored into 500 releases of `north` at once.

    `south` stores a run for each release, and `STORED_PROMISE` for r7. `own_promises` are those
    that `north` has read.
    """
    promised = {name: tuple(one for one in own_promises if one.release == name) for name in NAMES}
    releases = {
        name: WatchedRelease(
            Release(name, name, "ofqual", "", (), ()), promised[name], monitor="north"
        )
        for name in NAMES
    }
    seen = [a_run(f"{name}/page/edge", State.ABSENT, 0, 9, monitor="south") for name in NAMES]
    with store.transaction() as tx:
        tx.save(*(each.release for each in releases.values()))
        tx.add_promises([STORED_PROMISE])
        tx.save(*seen)
        tx.add_blind(BLIND)
    received: list[Blind] = []
    errors: list[object] = []

    async def merge_all_at_once(clock: VirtualClock) -> None:
        holder, writer = Leaseholder("north", timedelta(seconds=3)), Writer(store, clock)
        members = Members("north", holder, store.leases, writer, clock)
        others = OtherMonitors(store, ask, members, received.extend)
        merges = (others.merge_into(watched, NOW) for watched in releases.values())
        errors.extend(await asyncio.gather(*merges, return_exceptions=True))
        await writer.close()

    run_virtually(merge_all_at_once, NOW, patience=20)
    return Merge(releases, received, errors)


def test_looks_of_500_releases_need_less_than_ten_queries() -> None:
    """Two monitors share a store. North reads from it what south saw of 500 releases, for all of
    them at once. It does not need a query for each.
    """
    counter = QueryCounter()
    merge = merge_south_into_north(counter, TemporaryStore())
    assert len(merge.releases) == 500
    assert counter.queries < 10
    assert set(merge.errors) == {None}
    # South stored a look at each release, and a promise of one release.
    for name, watched in merge.releases.items():
        assert [run.target for run in watched.other_runs] == [f"{name}/page/edge"]
    releases_with_promises = [name for name, watched in merge.releases.items() if watched.promises]
    assert releases_with_promises == [STORED_PROMISE.release]
    # It also stored a blind span, which is read again with each query.
    assert merge.blind_spans == [BLIND] * counter.queries


def test_own_unstored_promises_are_kept_beside_stored_ones() -> None:
    """Monitor south stored a promise of r7. Monitor north has read other promises of r7 and r8,
    which are not stored yet. North merges what is stored with its own. So r7 has both promises, and
    r8 has its own.
    """
    own_r7 = a_promise(release="r7", learnt=SLOT - 2 * HOUR)
    own_r8 = a_promise(release="r8", learnt=SLOT - 2 * HOUR)
    merge = merge_south_into_north(QueryCounter(), TemporaryStore(), own_r7, own_r8)
    assert STORED_PROMISE.release == "r7"
    assert merge.releases["r7"].promises == (STORED_PROMISE, own_r7)
    assert merge.releases["r8"].promises == (own_r8,)


def test_promise_has_latest_confirmation_of_any_monitor() -> None:
    """Two monitors know the same promise of release r7. North saw it again in a calendar a minute
    before the slot. South saw it half a minute before the slot, and stored that. North merges what
    south stored, and that later time counts.
    """
    confirmed_by_north = replace(STORED_PROMISE, confirmed_at=SLOT - MINUTE)
    confirmed_later_by_south = replace(STORED_PROMISE, confirmed_at=SLOT - 30 * SECOND)
    store = TemporaryStore()
    with store.transaction() as tx:
        tx.add_promises([confirmed_later_by_south])
    merge = merge_south_into_north(QueryCounter(), store, confirmed_by_north)
    assert merge.releases["r7"].promises == (confirmed_later_by_south,)


def test_failed_query_is_not_repeated_and_fails_all_merges() -> None:
    """Monitor north merges what monitor south saw into each of its 500 releases. One query gets
    that from the store for all of them. It fails, so each merge fails, and the query is not
    repeated.
    """
    counter = QueryCounter(failures=1)
    merge = merge_south_into_north(counter, TemporaryStore())
    assert counter.queries == 1
    assert len(merge.errors) == 500
    assert all(isinstance(error, StoreFault) for error in merge.errors)


@pytest.mark.parametrize("unreadable", ["r0", "r499"])
def test_unreadable_release_does_not_stop_others(unreadable: str) -> None:
    """Monitor north merges what monitor south saw into each of its 500 releases. The stored rows of
    one release cannot be read. Only the merge of that one fails, and all others get the runs of
    south.
    """
    store = TemporaryStore()
    store.runs = OneUnreadable(store.runs, unreadable)
    merge = merge_south_into_north(QueryCounter(), store)
    failed = [
        name for name, error in zip(merge.releases, merge.errors, strict=True) if error is not None
    ]
    without_runs = [name for name, watched in merge.releases.items() if not watched.other_runs]
    assert failed == without_runs == [unreadable]
