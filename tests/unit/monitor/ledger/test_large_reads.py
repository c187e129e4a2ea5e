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

    def recorded_reads(self) -> list[datetime]:
        return [read.finished for read in self.store.ledger.reads("stats")]


FIRST_READ = [an_entry(number) for number in range(MANY)]
SECOND_READ = [
    *(an_entry(number, moved=HOUR) for number in range(REMOVED, REMOVED + MOVED)),
    *(an_entry(number) for number in range(REMOVED + MOVED, MANY + NEW)),
]
"""It is written in three portions. The entries that it no longer shows begin in the second."""
REMOVED_IDS, SHOWN_IDS = [entry.uid for entry in FIRST_READ[:REMOVED]], [entry.uid for entry in SECOND_READ]


def promises_by_entry(store: TemporaryStore) -> Mapping[tuple[str, str], list[Promise]]:
    found: dict[tuple[str, str], list[Promise]] = {}
    for promise in store.ledger.promises():
        found.setdefault((promise.calendar, promise.release), []).append(promise)
    return found


def assert_last_promise_of_every_entry_is_its_slot(store: TemporaryStore) -> None:
    promises = promises_by_entry(store)
    for calendar in RULES.order:
        for row in store.ledger.announced(calendar):
            announced_slot = announcement_from_json(row.body["announcement"]).slot
            assert promises[calendar, row.release][-1].slot.is_same_time(announced_slot)


@pytest.mark.parametrize("portions_written", range(3))
@partial(virtually, begins=START)
async def test_a_read_whose_writing_stops_before_its_last_portion_counts_only_when_it_is_read_again(
    clock: VirtualClock, portions_written: int
) -> None:
    # The first read has MANY entries. The second one no longer shows the first REMOVED of them, moves the next MOVED to
    # another time, and shows NEW others. It is written in three portions: the second begins to mark entries as removed,
    # and the read counts once the third is written. Here the store fails before that.
    store, read_again_at = CutOffStore(), START + DAY + HOUR
    monitor = await Monitor(store, clock).started(START)
    await monitor.record(FIRST_READ, START)
    store.accepts_transactions = portions_written
    await monitor.record(SECOND_READ, START + DAY)
    monitor.writer.abandon()  # as if the process were killed
    store.accepts_transactions = inf
    assert monitor.recorded_reads() == [START]
    assert_last_promise_of_every_entry_is_its_slot(store)

    # The read that was cut off confirms no promise of a removed entry, even if the entry is not marked as removed yet.
    restarted = await Monitor(store, clock).started(read_again_at)
    removed_promises = [promise for name in REMOVED_IDS for promise in restarted.ledger.promises(name)]
    assert [promise.confirmed_at for promise in removed_promises] == [START] * REMOVED
    await restarted.record(SECOND_READ, read_again_at)
    assert restarted.recorded_reads() == [read_again_at, START]
    await restarted.writer.close()
    # Removed entries have the time of the complete read as their time of removal. Entries still shown have None.
    removed_at = {row.uid: row.gone for row in store.ledger.announced("stats")}
    assert removed_at == dict.fromkeys(REMOVED_IDS, read_again_at) | dict.fromkeys(SHOWN_IDS)
    assert_last_promise_of_every_entry_is_its_slot(store)
    promises = store.ledger.promises()
    assert len(promises) == MANY + MOVED + NEW
    promises_of_second_read = [promise for promise in promises if promise.learnt > START]
    assert {promise.confirmed_at for promise in promises_of_second_read} == {read_again_at}


@pytest.mark.parametrize(("portions_written", "expected_reads"), [(2, [START]), (3, [START + DAY, START])])
@partial(virtually, begins=START)
async def test_a_read_that_is_written_in_three_portions_counts_once_the_third_is_written(
    clock: VirtualClock, portions_written: int, expected_reads: list[datetime]
) -> None:
    store = CutOffStore()
    monitor = await Monitor(store, clock).started(START)
    await monitor.record(FIRST_READ, START)
    store.accepts_transactions = portions_written
    await monitor.record(SECOND_READ, START + DAY)
    assert monitor.recorded_reads() == expected_reads
    monitor.writer.abandon()


@pytest.mark.parametrize("portions_written", range(4))
@pytest.mark.parametrize(
    ("relinked", "promises_of_each_release"), [("own", {"stats": 1, "own": 2}), ("stats", {"stats": 2, "own": 1})]
)
@partial(virtually, begins=START)
async def test_promises_follow_their_entries_to_a_joined_release_even_if_the_read_that_joins_is_cut_off(
    clock: VirtualClock, relinked: str, promises_of_each_release: Mapping[str, int], portions_written: int
) -> None:
    # At first each entry is a release of its own. Then one calendar, `relinked`, changes each of its entries: it gives
    # it the link of an entry of the other calendar, which makes both one release, and moves its slot: a second promise.
    store, many = CutOffStore(), 200
    in_stats, in_own = FIRST_READ[:many], [an_entry(number, calendar="own") for number in range(many)]
    in_the_other = in_stats if relinked == "own" else in_own
    joined = [an_entry(number, calendar=relinked, url=in_the_other[number].url, moved=HOUR) for number in range(many)]
    monitor = await Monitor(store, clock).started(START)
    await monitor.record(in_stats, START)
    await monitor.record(in_own, START, "own")
    store.accepts_transactions = portions_written
    recorded = await monitor.record(joined, START + DAY, relinked)
    assert recorded.read.usable, recorded.read.fault
    monitor.writer.abandon()  # as if the process were killed
    store.accepts_transactions = inf
    assert_last_promise_of_every_entry_is_its_slot(store)

    restarted = await Monitor(store, clock).started(START + DAY + HOUR)
    # The first job of a monitor: store the releases that differ from their rows in the store.
    await restarted.ledger.store_differing()
    await restarted.record(joined, START + DAY + HOUR, relinked)
    await restarted.writer.close()
    assert_last_promise_of_every_entry_is_its_slot(store)
    assert len(store.ledger.releases()) == many
    promises = promises_by_entry(store)
    for release in store.ledger.releases():
        by_calendar = {calendar: len(promises[calendar, release.id]) for calendar in ("stats", "own")}
        assert by_calendar == promises_of_each_release


Act = Callable[[Monitor, CutOffStore, VirtualClock], Awaitable[None]]


def run_without_store(act: Act) -> CutOffStore:
    """Record a first read, act while the store is away, and write what waits once the store is back."""
    store = CutOffStore()

    async def story(clock: VirtualClock) -> None:
        monitor = await Monitor(store, clock).started(START)
        await monitor.record(FIRST_READ, START)
        store.accepts_transactions = 0
        await act(monitor, store, clock)
        store.accepts_transactions = inf
        await monitor.writer.backlog.finish_large(STALLED_AFTER)
        await clock.sleep(10)
        await monitor.writer.close()

    run_virtually(story, START)
    return store


def test_reads_made_while_a_store_is_away_are_written_from_the_oldest_to_the_newest_once_it_is_back() -> None:
    first, *later = [START + hours * HOUR for hours in range(4)]

    async def act(monitor: Monitor, _store: CutOffStore, _clock: VirtualClock) -> None:
        # The store has `FIRST_READ`, made at START. Each of these reads moves the slot of entry 0 to another time.
        for read_at in later:
            await monitor.record([an_entry(0, moved=read_at - START), *FIRST_READ[1:]], read_at)

    store = run_without_store(act)
    newest_first = [read.finished for read in store.ledger.reads("stats")]
    assert newest_first == [*reversed(later), first]
    assert [promise.learnt for promise in store.ledger.promises(["stats-0"])] == [first, *later]
    # The newest read was written last: both entries are as it showed them.
    assert_last_promise_of_every_entry_is_its_slot(store)
    (unmoved_entry,) = store.ledger.entries_named("stats", ["stats-1"])
    assert unmoved_entry.seen_last == later[-1]


def test_reads_that_say_the_same_do_not_pile_up_while_a_store_is_away() -> None:
    async def act(monitor: Monitor, _store: CutOffStore, _clock: VirtualClock) -> None:
        same_reading = monitor.ledger._memory.state_of("stats").reading
        assert same_reading is not None
        for hours in range(1, 100):
            at = START + hours * HOUR
            read = CalendarRead("stats", at, at, usable=True, entries=MANY)
            await monitor.ledger.record_read(Outcome(read, same_reading), ())
        # Each write replaces the same one before it, except the first, whose writing has begun.
        waiting_writes = [write for write in monitor.writer.backlog.large if not write.done.done()]
        assert len(waiting_writes) <= 2

    store = run_without_store(act)
    assert store.ledger.reads("stats")[0].finished == START + 99 * HOUR
    assert {promise.confirmed_at for promise in store.ledger.promises()} == {START + 99 * HOUR}


def test_read_without_room_in_the_queue_is_refused_and_can_be_recorded_later() -> None:
    # While the store is away, reads wait in a queue with room for 10,000 rows. FIRST_READ has 600 entries, so the reads
    # of 19 hours do not fit.
    reads_made: list[datetime] = []

    async def act(monitor: Monitor, store: CutOffStore, _clock: VirtualClock) -> None:
        async def read_every_hour() -> None:
            for hours in range(1, 20):
                reads_made.append(START + hours * HOUR)
                await monitor.record([an_entry(0, moved=hours * HOUR), *FIRST_READ[1:]], reads_made[-1])

        with pytest.raises(StoreFault, match="no room"):
            await read_every_hour()
        *_, last_recorded, refused = reads_made
        assert monitor.ledger.last_read("stats") == last_recorded
        # The store is back. Wait until the queue is written, then record the refused read.
        store.accepts_transactions = inf
        await monitor.writer.backlog.finish_large(STALLED_AFTER)
        await monitor.record([an_entry(0, moved=DAY), *FIRST_READ[1:]], refused)

    store = run_without_store(act)
    assert store.ledger.reads("stats", limit=1)[0].finished == reads_made[-1]
    # Each read moved this entry, so each recorded read has a promise of its own.
    assert len(store.ledger.promises(["stats-0"])) == len(store.ledger.reads("stats", limit=1000))
