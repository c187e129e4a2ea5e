"""The ledger stores promises, joins releases again and survives restarts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.ledger.state import MOST_COUNTS
from monitor.store.rows import Announced
from schedules.join import Pin
from schedules.promise import Unlisted
from tests.unit.monitor.app.calendar_monitor import (
    OWN,
    START,
    STATS,
    CalendarMonitor,
    as_json,
    csv,
    own_entry,
    row,
    run_calendar_monitor,
    with_calendar_monitor,
)
from tests.worlds.fetcher import Reply


def promised_times(monitor: CalendarMonitor, release: str) -> list[tuple[str, str]]:
    """Return the calendar and the promised day and time of every stored promise of a release, in
    order.
    """
    promises = monitor.store.ledger.promises([release])
    return [(promise.calendar, f"{promise.slot.instant:%d %H:%M}") for promise in promises]


@with_calendar_monitor()
async def test_moved_release_keeps_every_promise(monitor: CalendarMonitor) -> None:
    """The first read shows release a on 26 November and release b on 3 December. The second read
    shows a on 27 November and b unchanged. So a has two promises, the old and the new one. Release
    b has one.
    """
    await monitor.read_calendar(
        csv(row("a", "2026-11-26", "09:30"), row("b", "2026-12-03", "09:30"))
    )
    with_a_moved = csv(row("a", "2026-11-27", "09:30"), row("b", "2026-12-03", "09:30"))
    await monitor.read_calendar(with_a_moved, minutes_later=10)
    assert promised_times(monitor, "a") == [("stats", "26 09:30"), ("stats", "27 09:30")]
    assert promised_times(monitor, "b") == [("stats", "03 09:30")]


@with_calendar_monitor()
async def test_latest_read_confirms_an_unchanged_entry(monitor: CalendarMonitor) -> None:
    """Two reads, ten minutes apart, show the same entry. Its promise was read first by the first
    read (`learnt`). The second read confirms it, so the time of the second is its `confirmed_at`.
    """
    first = await monitor.read_calendar(csv(row("a")))
    second = await monitor.read_calendar(minutes_later=10)
    (promise,) = monitor.store.ledger.promises(["a"])
    assert (promise.learnt, promise.confirmed_at) == (first.finished, second.finished)
    (entry,) = monitor.store.ledger.announced("stats")
    assert entry.seen_last == second.finished


@with_calendar_monitor()
async def test_entry_that_leaves_a_calendar_keeps_its_promise(monitor: CalendarMonitor) -> None:
    """The first read shows the entries a and b. The second read shows only b, so a is marked as
    gone since then. But its promise stays, and it is still watched. The third read shows both
    again, so a is no longer gone.
    """

    def entry_of_a() -> Announced:
        (entry,) = (each for each in monitor.store.ledger.announced("stats") if each.uid == "a")
        return entry

    entry_a, entry_b = row("a", "2026-11-26", "09:30"), row("b")
    first = await monitor.read_calendar(csv(entry_a, entry_b))
    second = await monitor.read_calendar(csv(entry_b), minutes_later=10)
    assert (entry_of_a().gone, entry_of_a().seen_last) == (second.finished, first.finished)
    assert "a" in monitor.watched_ids
    third = await monitor.read_calendar(csv(entry_a, entry_b), minutes_later=10)
    assert (entry_of_a().gone, entry_of_a().seen_last) == (None, third.finished)
    assert promised_times(monitor, "a") == [("stats", "26 09:30")]


@with_calendar_monitor()
async def test_count_of_reads_without_an_entry_survives_restart(monitor: CalendarMonitor) -> None:
    """A calendar shows a release, and three later reads lack it. Its promise counts these reads. A
    restart before the third does not end the count. A read that shows the release again ends it
    (None).
    """

    def count_of_reads_without_a() -> Unlisted | None:
        (promise,) = monitor.store.ledger.promises(["a"])
        assert monitor.ledger_in_memory.promises("a") == [promise]
        return promise.unlisted

    await monitor.read_calendar(csv(row("a"), row("b")))
    assert count_of_reads_without_a() is None
    # These reads show a new entry, c, with the slot of a. Perhaps it replaces a, so its title is
    # noted as a successor.
    first = await monitor.read_calendar(
        csv(row("b"), row("c", title="Both in one")), minutes_later=10
    )
    await monitor.read_calendar(minutes_later=10)
    assert count_of_reads_without_a() == Unlisted(
        since=first.started, reads=2, successors=("Both in one",)
    )
    await monitor.restart()
    await monitor.read_calendar(minutes_later=10)
    assert count_of_reads_without_a() == Unlisted(
        since=first.started, reads=3, successors=("Both in one",)
    )
    await monitor.read_calendar(csv(row("a"), row("b")), minutes_later=10)
    assert count_of_reads_without_a() is None


@with_calendar_monitor()
async def test_entry_that_a_person_gave_another_id_is_promised_once(
    monitor: CalendarMonitor,
) -> None:
    """The first read shows an entry under the id a. The second shows the same title, slot and
    address under a2, which begins a release. If that is late, that of a is not late too: its
    promise counts this read as one without it.
    """
    entry = row("a", title="Example awareness")
    await monitor.read_calendar(csv(entry, row("b")))
    await monitor.read_calendar(csv(entry.replace("a", "a2", 1), row("b")), minutes_later=10)
    unlisted = {promise.release: promise.unlisted for promise in monitor.store.ledger.promises()}
    assert {release for release, reads in unlisted.items() if reads is not None} == {"a"}


@with_calendar_monitor()
async def test_entry_shown_at_another_address_is_missing(monitor: CalendarMonitor) -> None:
    """The second read shows the title and slot of a under another id, at another address. The
    release may come out there only, so the promise of a counts this read as one without it.
    """
    await monitor.read_calendar(csv(row("a", title="Example awareness"), row("b")))
    await monitor.read_calendar(
        csv(row("a2", title="Example awareness"), row("b")), minutes_later=10
    )
    unlisted = {promise.release: promise.unlisted for promise in monitor.store.ledger.promises()}
    assert {release for release, reads in unlisted.items() if reads is not None} == {"a"}


@with_calendar_monitor(OWN)
async def test_entry_is_unlisted_if_another_title_takes_its_place(monitor: CalendarMonitor) -> None:
    """The first read shows one entry. The second read shows another one instead, with another title
    but the same page and slot. Perhaps it is another release. So the promise of the first entry
    counts this read as one without it. It also notes the new title as a successor, which may
    replace it.
    """
    page, slot = "https://stats.example/example", "2026-11-26T09:30:00"
    old_entry = own_entry("a", slot, page, title="Example of one region")
    new_entry = own_entry("b", slot, page, title="Example of the whole country")
    await monitor.read_calendar(as_json(old_entry), "own")
    read = await monitor.read_calendar(as_json(new_entry), "own", minutes_later=10)
    (promise_of_a,) = (
        promise for promise in monitor.store.ledger.promises() if promise.unlisted is not None
    )
    assert promise_of_a.unlisted == Unlisted(
        since=read.started, reads=1, successors=("Example of the whole country",)
    )


@with_calendar_monitor()
async def test_unchanged_calendar_makes_no_promise_after_restart(monitor: CalendarMonitor) -> None:
    """A read before a restart and one after it show the same two releases.

    Each still has one promise.
    """
    first = await monitor.read_calendar(
        csv(row("a", "2026-11-26", "09:30"), row("b", "2026-12-03", "09:30"))
    )
    await monitor.restart()
    # It is 16 November. The slot of b, on 3 December, is too far ahead for b to be watched.
    assert monitor.watched_ids == {"a"}
    assert monitor.ledger_in_memory.state_of("stats").last_read == first.finished
    await monitor.read_calendar(minutes_later=10)
    assert promised_times(monitor, "a") == [("stats", "26 09:30")]
    assert promised_times(monitor, "b") == [("stats", "03 09:30")]
    assert {entry.seen_first for entry in monitor.store.ledger.announced("stats")} == {
        first.finished
    }


@with_calendar_monitor()
async def test_restart_after_many_failed_reads_keeps_last_usable_one(
    monitor: CalendarMonitor,
) -> None:
    """A usable read is followed by 21 reads that fail with 503. A restart loads the last 20 usable
    reads (MOST_COUNTS). Failed ones do not count among these. So the usable read is still known.
    """
    usable = await monitor.read_calendar(csv(row("a")))
    for _ in range(MOST_COUNTS + 1):
        await monitor.read_calendar(Reply(503), minutes_later=10)
    await monitor.restart()
    assert monitor.ledger_in_memory.state_of("stats").last_read == usable.finished


@with_calendar_monitor()
async def test_change_during_restart_is_dated_between_the_reads(monitor: CalendarMonitor) -> None:
    """The last read before a restart shows a slot on 26 November. Two hours later, the first read
    after the restart shows 27 November. So the slot changed between these two reads.
    """
    last_read_before = await monitor.read_calendar(csv(row("a", "2026-11-26", "09:30")))
    await monitor.clock.sleep(2 * 60 * 60)  # two hours
    await monitor.restart()
    first_read_after = await monitor.read_calendar(csv(row("a", "2026-11-27", "09:30")))
    _promise_for_26, promise_for_27 = monitor.store.ledger.promises(["a"])
    assert promise_for_27.slot.instant == datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    changed_after, changed_by = promise_for_27.unlearnt, promise_for_27.learnt
    assert (changed_after, changed_by) == (last_read_before.finished, first_read_after.finished)


@with_calendar_monitor(STATS, OWN)
async def test_calendars_that_share_a_link_become_one_release(monitor: CalendarMonitor) -> None:
    """The calendars "stats" and "own" show an entry each, with different titles: two releases. Then
    "own" adds the link of the other entry to its own. Now they are one release, with the promises
    of both.
    """
    link_of_stats = "https://stats.example/a"
    await monitor.read_calendar(
        csv(row("a", "2026-11-26", "09:30", title="Example awareness")), "stats"
    )
    without_link = own_entry("a", "2026-11-26T09:45:00", title="Quite another name")
    await monitor.read_calendar(as_json(without_link), "own")
    assert len(monitor.watched_ids) == 2
    with_link = own_entry("a", "2026-11-26T09:45:00", link_of_stats, title="Quite another name")
    await monitor.read_calendar(as_json(with_link), "own", minutes_later=10)
    # Both entries now belong to release a, which is the one of "stats".
    assert set(monitor.ledger_in_memory.releases) == {"a"}
    assert monitor.watched_ids == {"a"}
    assert monitor.ledger_in_memory.releases["a"].calendars == ("stats", "own")
    assert promised_times(monitor, "a") == [("stats", "26 09:30"), ("own", "26 09:45")]
    (entry_of_own,) = (
        entry for entry in monitor.store.ledger.announced("own") if entry.gone is None
    )
    assert entry_of_own.release == "a"


@with_calendar_monitor(STATS, OWN)
async def test_pins_join_differing_entries_after_a_restart(monitor: CalendarMonitor) -> None:
    """Two calendars have an entry each, with different titles. So these are two releases. A pin is
    a setting that gives all entries of one title to the release with the pin's id. A person sets a
    pin for each title, both with the id "awareness". After a restart, both entries are one release
    with that id.
    """
    await monitor.read_calendar(
        csv(row("a", "2026-11-26", "09:30", title="Example awareness")), "stats"
    )
    await monitor.read_calendar(
        as_json(own_entry("a", "2026-11-26T09:30:00", title="Quite another name")), "own"
    )
    assert len(monitor.ledger_in_memory.releases) == 2
    pins = [
        Pin(id="awareness", title="Example awareness"),
        Pin(id="awareness", title="Quite another name"),
    ]
    await monitor.restart(pin=pins)
    assert set(monitor.ledger_in_memory.releases) == {"awareness"}
    assert monitor.watched_ids == {"awareness"}
    assert promised_times(monitor, "awareness") == [("stats", "26 09:30"), ("own", "26 09:30")]


def test_split_separates_entries_that_share_a_link(tmp_path: Path) -> None:
    """Two calendars have an entry each, with the same link. Usually that makes them one release.
    But the setting `split` names the entry of the second calendar as one that must not be joined.
    So they are two releases.
    """
    link = "https://stats.example/a"

    async def read_both_calendars(monitor: CalendarMonitor) -> None:
        await monitor.read_calendar(csv(row("a")))  # it has this link
        await monitor.read_calendar(as_json(own_entry("a", url=link)), "own")
        assert len(monitor.ledger_in_memory.releases) == 2

    run_calendar_monitor(
        tmp_path, read_both_calendars, STATS, OWN, split=[{"calendar": "own", "url": link}]
    )


@with_calendar_monitor()
async def test_second_read_of_large_calendar_confirms_only_near_promises(
    monitor: CalendarMonitor,
) -> None:
    """A large calendar shows a release in four days, which is watched, and 4,500 releases that are
    months or years ahead. A second read, ten minutes later, shows the same. To write less, it
    confirms only the promise of the watched release. Those of the others are confirmed every six
    hours, so they stay as the first read confirmed them.
    """
    near = row("near", "2026-11-20")
    # 300 in each year from 2027 on
    far_ahead = [row(f"r{n}", f"{2027 + n // 300}-03-01") for n in range(4_500)]
    first = await monitor.read_calendar(csv(near, *far_ahead))
    store = monitor.store
    assert (len(store.ledger.announced("stats")), len(store.ledger.promises())) == (4_501, 4_501)
    assert len(store.ledger.releases()) == 4_501
    second = await monitor.read_calendar(minutes_later=10)
    confirmed = {promise.release: promise.confirmed_at for promise in store.ledger.promises()}
    assert confirmed.pop("near") == second.finished
    assert set(confirmed.values()) == {first.finished}


@with_calendar_monitor()
async def test_releases_are_written_in_order_of_their_ids(monitor: CalendarMonitor) -> None:
    """A calendar shows 50 releases. Their rows are written in the order of the ids. A former leader
    may store its reads while its successor writes the same releases. In one order, they never wait
    for each other's rows in a circle.
    """
    fifty_entries = [row(f"r{number}") for number in range(50)]
    await monitor.read_calendar(csv(*fifty_entries))
    with closing(sqlite3.connect(monitor.settings.store.url.removeprefix("sqlite:///"))) as store:
        # SQLite numbers rows in the order in which they were written.
        written = [name for (name,) in store.execute("SELECT id FROM release ORDER BY rowid")]
    assert len(written) == 50
    assert written == sorted(written)


@with_calendar_monitor(STATS, OWN)
async def test_reason_of_a_join_is_stored(monitor: CalendarMonitor) -> None:
    """The entries of two calendars have the same link. So they are one release, joined by
    "link".
    """
    await monitor.read_calendar(csv(row("a")))  # its link is https://stats.example/a
    await monitor.read_calendar(as_json(own_entry("a", url="https://stats.example/a")), "own")
    (release,) = monitor.store.ledger.releases()
    assert release.joined_by == "link"


@with_calendar_monitor()
async def test_first_read_of_a_csv_calendar_may_be_empty(monitor: CalendarMonitor) -> None:
    """The first read of a CSV calendar finds no entries, and is usable.

    The next read finds the first one.
    """
    first = await monitor.read_calendar(csv())
    assert first.usable
    second = await monitor.read_calendar(csv(row("a")), minutes_later=10)
    assert second.entries == 1


def confirmed_at(monitor: CalendarMonitor, release: str) -> datetime | None:
    (promise,) = monitor.store.ledger.promises([release])
    assert promise == monitor.ledger_in_memory.promises(release)[-1]
    return promise.confirmed_at


def cached_copy(*rows: str, age_in_seconds: int) -> Reply:
    """Return a calendar with these rows as a cache serves it, with its age in whole seconds."""
    return Reply(200, csv(*rows).body, {"Age": f"{age_in_seconds}"})


@with_calendar_monitor()
async def test_read_confirms_promise_as_of_its_cached_copy(monitor: CalendarMonitor) -> None:
    """It is 12:00 at START. The read of 12:10 gets a copy that a cache made 60 s before. So it
    confirms the promise only as of 12:09, less two seconds of rounding. The read of 12:20 gets no
    copy: as of 12:20.
    """
    await monitor.read_calendar(csv(row("births")))
    await monitor.read_calendar(cached_copy(row("births"), age_in_seconds=60), minutes_later=10)
    # The age and the date from which it counts are each cut to whole seconds. So the copy may be 2
    # s older.
    oldest_age_of_copy = timedelta(seconds=60 + 2)
    assert confirmed_at(monitor, "births") == START + timedelta(minutes=10) - oldest_age_of_copy
    not_cached = csv(row("births"), row("deaths"))  # with another row, so that this is no copy
    await monitor.read_calendar(not_cached, minutes_later=10)
    assert confirmed_at(monitor, "births") == START + timedelta(minutes=20)


@with_calendar_monitor()
async def test_change_is_dated_between_two_cached_copies(monitor: CalendarMonitor) -> None:
    """The read of 12:00 (START) gets a copy that a cache made 60 s before, at 11:59:00. It shows a
    release at 09:30. The read of 12:10 gets a copy that is 30 s old, of 12:09:30. It shows the
    release at 07:00. So its time changed between 11:59:00 and 12:09:30.
    """
    await monitor.read_calendar(cached_copy(row("births", time="09:30"), age_in_seconds=60))
    await monitor.read_calendar(
        cached_copy(row("births", time="07:00"), age_in_seconds=30), minutes_later=10
    )
    second = timedelta(seconds=1)
    first_copy, second_copy = START - 60 * second, START + timedelta(minutes=10) - 30 * second
    _promise_for_9_30, promise_for_7_00 = monitor.store.ledger.promises(["births"])
    changed_after, changed_by = promise_for_7_00.unlearnt, promise_for_7_00.learnt
    # Ages and dates have whole seconds. So a copy may be up to 2 s older or 1 s younger than they
    # say.
    assert changed_after == first_copy - 2 * second
    assert changed_by == second_copy + 1 * second
    # The second copy confirms the new time as of the earliest time at which it may have been made.
    assert promise_for_7_00.confirmed_at == second_copy - 2 * second


@with_calendar_monitor()
async def test_copy_older_than_last_read_reverts_no_change(monitor: CalendarMonitor) -> None:
    """The read of 12:00 shows a release at 09:30. The read of 12:10 shows it at 07:00. At 12:20, a
    cache answers with a copy that it made 15 minutes before, at 12:05. It still shows 09:30. It is
    older than the read of 12:10, so it is not usable, and the release is not moved back. The next
    read shows 07:00 again and is usable.
    """
    await monitor.read_calendar(csv(row("births", "2026-11-26", "09:30")))
    moved_to_7_00 = csv(row("births", "2026-11-26", "07:00"))
    await monitor.read_calendar(moved_to_7_00, minutes_later=10)
    old_copy = cached_copy(row("births", "2026-11-26", "09:30"), age_in_seconds=15 * 60)
    read = await monitor.read_calendar(old_copy, minutes_later=10)
    assert (read.usable, read.fault) == (False, "a copy that may be older than the last read")
    assert promised_times(monitor, "births") == [("stats", "26 09:30"), ("stats", "26 07:00")]
    next_read = await monitor.read_calendar(moved_to_7_00, minutes_later=10)
    assert next_read.usable
