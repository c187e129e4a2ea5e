"""Large reads of calendars are written in portions: cut off, delayed or refused, they stay honest and in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from math import inf

import pytest

from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.ledger.ledger import Ledger, RecordedRead
from monitor.ledger.reader import Outcome
from monitor.ledger.state import Checks
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import CalendarRead
from monitor.store.sql.write import Transaction
from monitor.store.writer import STALLED_AFTER, Writer
from schedules.announcement import Announcement, State, announcement_from_json
from schedules.join import JoinRules
from schedules.promise import Promise
from schedules.slot import Precision, Slot
from schedules.source import Reading
from tests.worlds.stores import TemporaryStore
from tests.worlds.virtual import virtually

START = datetime(2026, 11, 16, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MANY, REMOVED, MOVED, NEW = 600, 300, 30, 50
RULES = JoinRules(("stats", "own"), hand_kept=frozenset({"stats"}))


class CutOffStore(TemporaryStore):
    """A store that accepts a number of further transactions, and refuses all others."""

    accepts_transactions: float = inf

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with super().transaction() as tx:
            if self.accepts_transactions <= 0:
                raise StoreFault("the store is away")
            yield tx
        self.accepts_transactions -= 1


def an_entry(number: int, *, moved: timedelta = timedelta(), calendar: str = "stats", url: str = "") -> Announcement:
    slot = Slot(Precision.INSTANT, START + 40 * DAY + number * DAY + moved)
    title = f"Statistics of {calendar} on subject {number}"
    link = url or f"https://{calendar}.example/{number}"
    return Announcement(f"{calendar}-{number}", title, "example", link, slot, State.CONFIRMED)


def a_read(entries: Sequence[Announcement], at: datetime, calendar: str = "stats") -> Outcome:
    read = CalendarRead(calendar, at, at, usable=True, entries=len(entries), digest=f"{at}")
    return Outcome(read, Reading(tuple(entries)))


class Monitor:
    """A ledger over a store, until it is killed."""

    def __init__(self, store: CutOffStore, clock: VirtualClock) -> None:
        # So much may change in one read only once a person has agreed.
        checks = dict.fromkeys(RULES.order, Checks(accept=date(2026, 11, 17)))
        self.store, self.writer = store, Writer(store, clock, most_large=10_000)
        self.ledger = Ledger(store, self.writer, clock, RULES, checks)

    async def started(self, at: datetime) -> Monitor:
        await self.ledger.load(at)
        return self

    async def record(self, entries: Sequence[Announcement], at: datetime, calendar: str = "stats") -> RecordedRead:
        return await self.ledger.record_read(a_read(entries, at, calendar), ())


FIRST_ENTRIES = [an_entry(number) for number in range(MANY)]
CHANGED_ENTRIES = [
    *(an_entry(number, moved=HOUR) for number in range(REMOVED, REMOVED + MOVED)),
    *(an_entry(number) for number in range(REMOVED + MOVED, MANY + NEW)),
]
"""A read of these is written in three portions. The second begins to mark those that it lacks as removed."""
REMOVED_IDS = [entry.uid for entry in FIRST_ENTRIES[:REMOVED]]
SHOWN_IDS = [entry.uid for entry in CHANGED_ENTRIES]


def first_entries_with_one_moved(by: timedelta) -> list[Announcement]:
    return [an_entry(0, moved=by), *FIRST_ENTRIES[1:]]


def promises_by_entry(store: TemporaryStore) -> Mapping[tuple[str, str], list[Promise]]:
    promises: dict[tuple[str, str], list[Promise]] = {}
    for promise in store.ledger.promises():
        promises.setdefault((promise.calendar, promise.release), []).append(promise)
    return promises


def assert_last_promise_of_every_entry_is_its_slot(store: TemporaryStore) -> None:
    promises = promises_by_entry(store)
    for calendar in RULES.order:
        for row in store.ledger.announced(calendar):
            announced_slot = announcement_from_json(row.body["announcement"]).slot
            assert promises[calendar, row.release][-1].slot.is_same_time(announced_slot)


async def store_with_changes_cut_off(clock: VirtualClock, portions_written: int) -> CutOffStore:
    """Return a store in which `FIRST_ENTRIES` were recorded at START, and a day later some portions of the changes.

    Then the process that wrote them was killed.
    """
    store = CutOffStore()
    monitor = await Monitor(store, clock).started(START)
    await monitor.record(FIRST_ENTRIES, START)
    store.accepts_transactions = portions_written
    await monitor.record(CHANGED_ENTRIES, START + DAY)
    monitor.writer.abandon()
    store.accepts_transactions = inf
    return store


def times_of_reads(store: TemporaryStore) -> list[datetime]:
    """Return when the reads that count were made, the newest first."""
    return [read.finished for read in store.ledger.reads("stats")]


@pytest.mark.parametrize(
    ("portions_written", "expected_times"),
    [(0, [START]), (1, [START]), (2, [START]), (3, [START + DAY, START])],
    ids=["none written", "first written", "first and second written", "all written"],
)
@partial(virtually, begins=START)
async def test_read_in_three_portions_counts_once_all_are_written(
    clock: VirtualClock, portions_written: int, expected_times: list[datetime]
) -> None:
    """A first read is recorded at START. A second one, a day later, is written in three transactions, the portions, and
    cut off after some of them."""
    store = await store_with_changes_cut_off(clock, portions_written)
    assert times_of_reads(store) == expected_times
    # A portion has an entry and its promise together, so even before that they agree.
    assert_last_promise_of_every_entry_is_its_slot(store)


@pytest.mark.parametrize("portions_written", [0, 1, 2])
@partial(virtually, begins=START)
async def test_cut_off_read_confirms_no_entry_that_it_lacks(clock: VirtualClock, portions_written: int) -> None:
    """A first read is recorded at START. A second one, a day later, lacks some entries. It takes three transactions,
    the portions, and the monitor is killed before the last. Only the first read confirmed the lacking entries."""
    store = await store_with_changes_cut_off(clock, portions_written)
    restarted = await Monitor(store, clock).started(START + DAY + HOUR)
    # Some of them are not marked as removed yet, because the portion with that was not written.
    for entry_id in REMOVED_IDS:
        (promise,) = restarted.ledger.promises(entry_id)
        assert promise.confirmed_at == START


@pytest.mark.parametrize("portions_written", [0, 1, 2])
@partial(virtually, begins=START)
async def test_cut_off_read_is_recorded_whole_at_next_read(clock: VirtualClock, portions_written: int) -> None:
    """A first read is recorded at START. A second one, a day later, takes three transactions, the portions. The monitor
    is killed before the last of them. After a restart an hour later, a third read shows the same as the second."""
    store = await store_with_changes_cut_off(clock, portions_written)
    read_again_at = START + DAY + HOUR
    restarted = await Monitor(store, clock).started(read_again_at)
    await restarted.record(CHANGED_ENTRIES, read_again_at)
    await restarted.writer.close()
    assert times_of_reads(store) == [read_again_at, START]
    assert_last_promise_of_every_entry_is_its_slot(store)
    removed_since = {entry.uid: entry.gone for entry in store.ledger.announced("stats")}
    assert removed_since == dict.fromkeys(REMOVED_IDS, read_again_at) | dict.fromkeys(SHOWN_IDS, None)
    # Each of the first entries has a promise. Each one moved has a second, and each new one has its first.
    promises = store.ledger.promises()
    assert len(promises) == MANY + MOVED + NEW
    assert {promise.confirmed_at for promise in promises if promise.learnt > START} == {read_again_at}


async def store_with_joining_read_cut_off(
    clock: VirtualClock, joining_calendar: str, joining: list[Announcement], portions_written: int
) -> CutOffStore:
    """Return a store with entries of two calendars, and some portions of a later read that joins them to releases.

    Then the process that wrote them was killed.
    """
    store, number_of_entries = CutOffStore(), len(joining)
    monitor = await Monitor(store, clock).started(START)
    for calendar in ("stats", "own"):
        entries = [an_entry(number, calendar=calendar) for number in range(number_of_entries)]
        await monitor.record(entries, START, calendar)
    store.accepts_transactions = portions_written
    recorded = await monitor.record(joining, START + DAY, joining_calendar)
    assert recorded.read.usable, recorded.read.fault
    monitor.writer.abandon()
    store.accepts_transactions = inf
    return store


@pytest.mark.parametrize("portions_written", range(4))
@pytest.mark.parametrize(("joining_calendar", "other_calendar"), [("own", "stats"), ("stats", "own")])
@partial(virtually, begins=START)
async def test_joined_releases_keep_promises_despite_a_cut_off_read(
    clock: VirtualClock, joining_calendar: str, other_calendar: str, portions_written: int
) -> None:
    """Two calendars have 200 entries each. Then one is read again. Each entry of this read has the link of an entry of
    the other calendar, so both become one release. It also has another slot, which is a new promise. The monitor is
    killed after `portions_written` transactions of this read."""
    joining = [
        an_entry(number, calendar=joining_calendar, url=f"https://{other_calendar}.example/{number}", moved=HOUR)
        for number in range(200)
    ]
    store = await store_with_joining_read_cut_off(clock, joining_calendar, joining, portions_written)
    assert_last_promise_of_every_entry_is_its_slot(store)

    # After a restart, the monitor stores the releases that differ from their rows. Then the calendar is read again.
    restarted = await Monitor(store, clock).started(START + DAY + HOUR)
    await restarted.ledger.store_differing()
    await restarted.record(joining, START + DAY + HOUR, joining_calendar)
    await restarted.writer.close()
    assert_last_promise_of_every_entry_is_its_slot(store)
    releases = store.ledger.releases()
    assert len(releases) == 200
    promises = promises_by_entry(store)
    for release in releases:
        assert len(promises[joining_calendar, release.id]) == 2
        assert len(promises[other_calendar, release.id]) == 1


def run_while_store_is_away(act: Callable[[Monitor], Awaitable[None]]) -> CutOffStore:
    """Record a first read, act while the store is away, and write what waits once the store is back."""
    store = CutOffStore()

    async def record_then_act(clock: VirtualClock) -> None:
        monitor = await Monitor(store, clock).started(START)
        await monitor.record(FIRST_ENTRIES, START)
        store.accepts_transactions = 0
        await act(monitor)
        store.accepts_transactions = inf
        await monitor.writer.backlog.finish_large(STALLED_AFTER)
        await clock.sleep(10)
        await monitor.writer.close()

    run_virtually(record_then_act, START)
    return store


def test_reads_waiting_for_store_are_written_oldest_first() -> None:
    """The store is away while three reads come, an hour apart. Once it is back, they are written in that order."""
    first, *later = [START + hours * HOUR for hours in range(4)]

    async def record_later_reads(monitor: Monitor) -> None:
        # The store has `FIRST_ENTRIES`, read at START. Each of these reads moves the slot of entry 0 to another time.
        for read_at in later:
            await monitor.record(first_entries_with_one_moved(by=read_at - START), read_at)

    store = run_while_store_is_away(record_later_reads)
    newest_first = [*reversed(later), first]
    assert times_of_reads(store) == newest_first
    assert [promise.learnt for promise in store.ledger.promises(["stats-0"])] == [first, *later]
    # The newest read was written last: both entries are as it showed them.
    assert_last_promise_of_every_entry_is_its_slot(store)
    (unmoved_entry,) = store.ledger.entries_named("stats", ["stats-1"])
    assert unmoved_entry.seen_last == later[-1]


def test_at_most_two_unchanged_reads_wait_for_the_store() -> None:
    """While the store is away, 99 reads show the calendar unchanged. Each only confirms what is known. So a new one
    replaces the one that still waits, and nothing is lost."""

    async def record_99_unchanged_reads(monitor: Monitor) -> None:
        unchanged = monitor.ledger._memory.state_of("stats").reading
        assert unchanged is not None
        for hours in range(1, 100):
            at = START + hours * HOUR
            read = CalendarRead("stats", at, at, usable=True, entries=MANY)
            await monitor.ledger.record_read(Outcome(read, unchanged), ())
        # The writing of the first one has begun. Of the others, each replaces the one before it.
        waiting_writes = [write for write in monitor.writer.backlog.large if not write.done.done()]
        assert len(waiting_writes) <= 2

    store = run_while_store_is_away(record_99_unchanged_reads)
    last_read = START + 99 * HOUR
    assert times_of_reads(store)[0] == last_read
    assert {promise.confirmed_at for promise in store.ledger.promises()} == {last_read}


async def read_each_hour_until_refused(monitor: Monitor) -> datetime:
    """Record reads of 600 entries, of which one has moved each time. Return when the first refused one was made."""
    for hours in range(1, 20):
        at = START + hours * HOUR
        try:
            await monitor.record(first_entries_with_one_moved(by=hours * HOUR), at)
        except StoreFault as fault:
            assert "no room" in str(fault)  # noqa: PT017  # the time of the refused read is needed
            return at
    pytest.fail("no read was refused")


def test_read_refused_by_full_queue_can_be_recorded_later() -> None:
    """While the store is away, reads wait in a queue with room for 10,000 rows. Each read has 600, so 16 fit."""
    refused_reads: list[datetime] = []

    async def fill_queue_and_record_again(monitor: Monitor) -> None:
        refused_at = await read_each_hour_until_refused(monitor)
        refused_reads.append(refused_at)
        assert monitor.ledger.last_read("stats") == refused_at - HOUR
        # The store is back: the queue is written, and the refused read is recorded.
        monitor.store.accepts_transactions = inf
        await monitor.writer.backlog.finish_large(STALLED_AFTER)
        await monitor.record(first_entries_with_one_moved(by=DAY), refused_at)

    store = run_while_store_is_away(fill_queue_and_record_again)
    all_reads = store.ledger.reads("stats", limit=1000)
    assert [all_reads[0].finished] == refused_reads
    # Each read moved entry 0, so each recorded read has a promise of its own for it.
    assert len(store.ledger.promises(["stats-0"])) == len(all_reads)
