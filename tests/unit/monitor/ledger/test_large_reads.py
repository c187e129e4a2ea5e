"""Large reads of calendars are written in portions: cut off, delayed or refused, they stay honest
and in order.
"""

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


def an_entry(
    number: int, *, moved: timedelta = timedelta(), calendar: str = "stats", url: str = ""
) -> Announcement:
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

    async def record(
        self, entries: Sequence[Announcement], at: datetime, calendar: str = "stats"
    ) -> RecordedRead:
        return await self.ledger.record_read(a_read(entries, at, calendar), (), {})


FIRST_ENTRIES = [an_entry(number) for number in range(MANY)]
CHANGED_ENTRIES = [
    *(an_entry(number, moved=HOUR) for number in range(REMOVED, REMOVED + MOVED)),
    *(an_entry(number) for number in range(REMOVED + MOVED, MANY + NEW)),
]
"""A read of these is written in three portions.

The second begins to mark those that it lacks as removed.
"""
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
    """Return a store in which `FIRST_ENTRIES` were recorded at START, and a day later some portions
    of the changes.

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
    """A first read of a calendar is recorded at START. A second read comes a day later. It has so
    many changes that they are written in three transactions, the portions. The monitor is killed
    after `portions_written` of them. If that is 0, 1 or 2, only the first read counts. If it is 3,
    both reads count.
    """
    store = await store_with_changes_cut_off(clock, portions_written)
    assert times_of_reads(store) == expected_times
    # Each portion has entries together with their promises. So these agree, however many portions
    # are written.
    assert_last_promise_of_every_entry_is_its_slot(store)


@pytest.mark.parametrize("portions_written", [0, 1, 2])
@partial(virtually, begins=START)
async def test_cut_off_read_confirms_no_entry_that_it_lacks(
    clock: VirtualClock, portions_written: int
) -> None:
    """A first read of a calendar, at START, shows 600 entries. A second read, a day later, lacks
    300 of them. It is written in three transactions, the portions. The monitor is killed before the
    last portion. Some of the 300 entries are then not marked as removed yet. Even so, only the
    first read confirms their promises.
    """
    store = await store_with_changes_cut_off(clock, portions_written)
    restarted = await Monitor(store, clock).started(START + DAY + HOUR)
    for entry_id in REMOVED_IDS:  # those that the second read lacks
        (promise,) = restarted.ledger.promises(entry_id)
        assert promise.confirmed_at == START


@pytest.mark.parametrize("portions_written", [0, 1, 2])
@partial(virtually, begins=START)
async def test_cut_off_read_is_recorded_whole_at_next_read(
    clock: VirtualClock, portions_written: int
) -> None:
    """A first read, at START, shows 600 entries. A day later, a second read lacks 300 of them, has
    moved 30 and has 50 new ones. It is written in three transactions, the portions. The monitor is
    killed before the last one. After a restart, a third read shows the same. Now all changes are
    recorded, with the time of the third read.
    """
    store = await store_with_changes_cut_off(clock, portions_written)
    third_read_at = START + DAY + HOUR
    restarted = await Monitor(store, clock).started(third_read_at)
    await restarted.record(CHANGED_ENTRIES, third_read_at)
    await restarted.writer.close()
    assert times_of_reads(store) == [third_read_at, START]
    assert_last_promise_of_every_entry_is_its_slot(store)
    removed_since = {entry.uid: entry.gone for entry in store.ledger.announced("stats")}
    assert removed_since == dict.fromkeys(REMOVED_IDS, third_read_at) | dict.fromkeys(
        SHOWN_IDS, None
    )
    # Each of the 600 first entries has a promise. Each of the 30 that moved has a second one. The
    # 50 new have one each.
    promises = store.ledger.promises()
    assert len(promises) == 600 + 30 + 50
    assert {promise.confirmed_at for promise in promises if promise.learnt > START} == {
        third_read_at
    }


async def store_with_joining_read_cut_off(
    clock: VirtualClock, joining_calendar: str, joining: list[Announcement], portions_written: int
) -> CutOffStore:
    """Return a store with entries of two calendars, and some portions of a later read that joins
    them to releases.

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
@pytest.mark.parametrize(
    ("joining_calendar", "other_calendar"), [("own", "stats"), ("stats", "own")]
)
@partial(virtually, begins=START)
async def test_joined_releases_keep_promises_despite_a_cut_off_read(
    clock: VirtualClock, joining_calendar: str, other_calendar: str, portions_written: int
) -> None:
    """Two calendars have 200 entries each, which are 400 releases. Then one calendar is read again.
    Each of its entries now has the link of an entry of the other calendar. So each such pair
    becomes one release. Each entry also has another slot, which is a new promise. This read is
    written in three transactions, the portions. The monitor is killed after some of them. When it
    reads the calendar again, no promise may be lost or doubled.
    """
    joining = [
        an_entry(
            number,
            calendar=joining_calendar,
            url=f"https://{other_calendar}.example/{number}",
            moved=HOUR,
        )
        for number in range(200)
    ]
    store = await store_with_joining_read_cut_off(
        clock, joining_calendar, joining, portions_written
    )
    assert_last_promise_of_every_entry_is_its_slot(store)

    # The monitor is restarted. It first stores the releases that differ from their rows. Then it
    # reads the calendar.
    restarted = await Monitor(store, clock).started(START + DAY + HOUR)
    await restarted.ledger.store_differing()
    await restarted.record(joining, START + DAY + HOUR, joining_calendar)
    await restarted.writer.close()
    assert_last_promise_of_every_entry_is_its_slot(store)
    releases = store.ledger.releases()
    assert len(releases) == 200
    # Each release has the old and the new promise of the joining calendar, and the only one of the
    # other calendar.
    promises = promises_by_entry(store)
    for release in releases:
        assert len(promises[joining_calendar, release.id]) == 2
        assert len(promises[other_calendar, release.id]) == 1


def run_while_store_is_away(act: Callable[[Monitor], Awaitable[None]]) -> CutOffStore:
    """Record a first read, act while the store is away, and write what waits once the store is
    back.
    """
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
    """The store has a first read of a calendar, made at START. Then the store is away while three
    more reads come, an hour apart. Each moves the slot of entry 0 to another time. Once the store
    is back, the waiting reads are written in the order in which they came. So the newest read is
    written last, and its entries are those that stay.
    """
    times_of_waiting_reads = [START + 1 * HOUR, START + 2 * HOUR, START + 3 * HOUR]

    async def record_three_reads(monitor: Monitor) -> None:
        for read_at in times_of_waiting_reads:
            await monitor.record(first_entries_with_one_moved(by=read_at - START), read_at)

    store = run_while_store_is_away(record_three_reads)
    oldest_first = [START, *times_of_waiting_reads]
    assert times_of_reads(store) == list(reversed(oldest_first))
    assert [promise.learnt for promise in store.ledger.promises(["stats-0"])] == oldest_first
    assert_last_promise_of_every_entry_is_its_slot(store)
    # Entry 1 never moved. It too was last seen by the newest read.
    (unmoved_entry,) = store.ledger.entries_named("stats", ["stats-1"])
    assert unmoved_entry.seen_last == times_of_waiting_reads[-1]


def test_at_most_two_unchanged_reads_wait_for_the_store() -> None:
    """The store is away. In that time 99 reads, an hour apart, show the calendar unchanged. Each of
    them only confirms the known promises as of its time. So a newer read replaces an older one that
    still waits for the store. Once the store is back, it has the last of the 99 reads, and all
    promises are confirmed as of that one.
    """

    async def record_99_unchanged_reads(monitor: Monitor) -> None:
        last_reading = monitor.ledger._memory.state_of("stats").reading
        assert last_reading is not None
        for hours in range(1, 100):
            at = START + hours * HOUR
            read = CalendarRead("stats", at, at, usable=True, entries=MANY)
            # A read that returns the last reading itself counts as unchanged.
            await monitor.ledger.record_read(Outcome(read, last_reading), (), {})
        # The first write has begun, so it is not replaced. Of all others, only the newest waits.
        waiting_writes = [write for write in monitor.writer.backlog.large if not write.done.done()]
        assert len(waiting_writes) <= 2

    store = run_while_store_is_away(record_99_unchanged_reads)
    last_read = START + 99 * HOUR
    assert times_of_reads(store)[0] == last_read
    assert {promise.confirmed_at for promise in store.ledger.promises()} == {last_read}


async def read_each_hour_until_refused(monitor: Monitor) -> datetime:
    """Record reads of 600 entries, of which one has moved each time.

    Return when the first refused one was made.
    """
    for hours in range(1, 20):
        at = START + hours * HOUR
        try:
            await monitor.record(first_entries_with_one_moved(by=hours * HOUR), at)
        except StoreFault as fault:
            assert "no room" in str(fault)  # noqa: PT017  # the time of the refused read is needed
            return at
    pytest.fail("no read was refused")


def test_read_refused_by_full_queue_can_be_recorded_later() -> None:
    """While the store is away, reads wait for it in a queue with room for 10,000 rows. A read comes
    each hour, of about 1,200 rows: 600 entries and their promises. So eight reads fit, and the
    ninth is refused. Then the store is back and the queue is written. Now the refused read can be
    recorded. It is the newest read in the store.
    """
    refused_reads: list[datetime] = []

    async def fill_queue_and_record_again(monitor: Monitor) -> None:
        refused_at = await read_each_hour_until_refused(monitor)
        assert refused_at == START + 9 * HOUR
        refused_reads.append(refused_at)
        assert monitor.ledger.state_of("stats").last_read == refused_at - HOUR
        monitor.store.accepts_transactions = inf  # the store is back
        await monitor.writer.backlog.finish_large(STALLED_AFTER)  # writes the queue
        await monitor.record(first_entries_with_one_moved(by=DAY), refused_at)

    store = run_while_store_is_away(fill_queue_and_record_again)
    newest_first = store.ledger.reads("stats", limit=1000)
    assert [newest_first[0].finished] == refused_reads
    # Each read moved the slot of entry 0. So each recorded read has made a promise for it.
    assert len(store.ledger.promises(["stats-0"])) == len(newest_first)
