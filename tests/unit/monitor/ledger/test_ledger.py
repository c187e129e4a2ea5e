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
    """Return the calendar and the promised day and time of every stored promise of a release, in order."""
    promises = monitor.store.ledger.promises([release])
    return [(promise.calendar, f"{promise.slot.instant:%d %H:%M}") for promise in promises]


@with_calendar_monitor()
async def test_moved_release_keeps_every_promise(monitor: CalendarMonitor) -> None:
    """Release a moves from 26 to 27 November. Release b stays on 3 December."""
    await monitor.read_calendar(csv(row("a"), row("b", "2026-12-03")))
    await monitor.read_calendar(csv(row("a", "2026-11-27"), row("b", "2026-12-03")), minutes_later=10)
    assert promised_times(monitor, "a") == [("stats", "26 09:30"), ("stats", "27 09:30")]
    assert promised_times(monitor, "b") == [("stats", "03 09:30")]


@with_calendar_monitor()
async def test_latest_read_confirms_an_unchanged_entry(monitor: CalendarMonitor) -> None:
    """Two reads, ten minutes apart, show the same entry. `learnt` is when it was first read, `confirmed_at` when
    last."""
    first = await monitor.read_calendar(csv(row("a")))
    second = await monitor.read_calendar(minutes_later=10)
    (promise,) = monitor.store.ledger.promises(["a"])
    (entry,) = monitor.store.ledger.announced("stats")
    assert promise.learnt == first.finished
    assert promise.confirmed_at == entry.seen_last == second.finished


@with_calendar_monitor()
async def test_entry_that_leaves_a_calendar_keeps_its_promise(monitor: CalendarMonitor) -> None:
    """The second read does not show entry a, so it is marked as gone since then. The third read shows it again."""

    def entry_of_a() -> Announced:
        (entry,) = (each for each in monitor.store.ledger.announced("stats") if each.uid == "a")
        return entry

    shown = await monitor.read_calendar(csv(row("a"), row("b")))
    missing = await monitor.read_calendar(csv(row("b")), minutes_later=10)
    assert (entry_of_a().gone, entry_of_a().seen_last) == (missing.finished, shown.finished)
    assert "a" in monitor.watched_ids
    back = await monitor.read_calendar(csv(row("a"), row("b")), minutes_later=10)
    assert (entry_of_a().gone, entry_of_a().seen_last) == (None, back.finished)
    assert promised_times(monitor, "a") == [("stats", "26 09:30")]


@with_calendar_monitor()
async def test_count_of_reads_without_an_entry_survives_restart(monitor: CalendarMonitor) -> None:
    """A calendar that no longer shows a release does not cancel it, but its reads without it are counted."""

    def reads_without_a() -> Unlisted | None:
        (promise,) = monitor.store.ledger.promises(["a"])
        assert monitor.ledger_in_memory.promises("a") == [promise]
        return promise.unlisted

    await monitor.read_calendar(csv(row("a"), row("b")))
    assert reads_without_a() is None
    # Entry c is new and has the slot of a, so it may be a successor.
    first = await monitor.read_calendar(csv(row("b"), row("c", title="Both in one")), minutes_later=10)
    await monitor.read_calendar(minutes_later=10)
    assert reads_without_a() == Unlisted(since=first.started, reads=2, successors=("Both in one",))
    # After a restart, the third read without entry a is counted, too. Then a read shows it again.
    await monitor.restart()
    await monitor.read_calendar(minutes_later=10)
    assert reads_without_a() == Unlisted(since=first.started, reads=3, successors=("Both in one",))
    await monitor.read_calendar(csv(row("a"), row("b")), minutes_later=10)
    assert reads_without_a() is None


@with_calendar_monitor()
async def test_entry_shown_under_another_id_is_not_missing(monitor: CalendarMonitor) -> None:
    """The second read lacks the id a, but shows its title under the id a2. So release a is not missing: `unlisted`,
    which would count the reads without it, is None."""
    await monitor.read_calendar(csv(row("a", title="Example awareness"), row("b")))
    await monitor.read_calendar(csv(row("a2", title="Example awareness"), row("b")), minutes_later=10)
    unlisted = {promise.release: promise.unlisted for promise in monitor.store.ledger.promises()}
    assert unlisted == {"a": None, "a2": None, "b": None}


@with_calendar_monitor(OWN)
async def test_entry_is_unlisted_if_another_title_takes_its_place(monitor: CalendarMonitor) -> None:
    """The new entry has the page and slot of the old one, so perhaps it replaces it. Its title is then called a
    successor."""
    page, slot = "https://stats.example/example", "2026-11-26T09:30:00"
    old_entry = own_entry("a", slot, page, title="Example of one region")
    new_entry = own_entry("b", slot, page, title="Example of the whole country")
    await monitor.read_calendar(as_json(old_entry), "own")
    read = await monitor.read_calendar(as_json(new_entry), "own", minutes_later=10)
    (promise_of_a,) = (promise for promise in monitor.store.ledger.promises() if promise.unlisted is not None)
    assert promise_of_a.unlisted == Unlisted(since=read.started, reads=1, successors=("Example of the whole country",))


@with_calendar_monitor()
async def test_unchanged_calendar_makes_no_promise_after_restart(monitor: CalendarMonitor) -> None:
    """A read before a restart and one after it show the same two entries. Each release still has one promise."""
    first = await monitor.read_calendar(csv(row("a"), row("b", "2026-12-03")))
    await monitor.restart()
    # The slot of `b` is too far ahead for it to be watched.
    assert monitor.watched_ids == {"a"}
    assert monitor.ledger_in_memory.last_read("stats") == first.finished
    await monitor.read_calendar(minutes_later=10)
    assert promised_times(monitor, "a") == [("stats", "26 09:30")]
    assert promised_times(monitor, "b") == [("stats", "03 09:30")]
    assert {entry.seen_first for entry in monitor.store.ledger.announced("stats")} == {first.finished}


@with_calendar_monitor()
async def test_restart_after_many_failed_reads_keeps_last_usable_one(monitor: CalendarMonitor) -> None:
    """After a usable read, 21 reads fail (503). A restart loads at most 20 reads from the store. Failed ones do not
    count among them, so the usable one is loaded."""
    usable = await monitor.read_calendar(csv(row("a")))
    for _ in range(MOST_COUNTS + 1):
        await monitor.read_calendar(Reply(503), minutes_later=10)
    await monitor.restart()
    assert monitor.daemon.core.ledger.last_read("stats") == usable.finished


@with_calendar_monitor()
async def test_change_during_restart_is_dated_between_the_reads(monitor: CalendarMonitor) -> None:
    """The last read before a restart shows the slot on 26 November, and the first one after it on 27 November."""
    last_read_before = await monitor.read_calendar(csv(row("a", "2026-11-26")))
    await monitor.clock.sleep(7200)
    await monitor.restart()
    first_read_after = await monitor.read_calendar(csv(row("a", "2026-11-27")))
    _, moved = monitor.store.ledger.promises(["a"])
    assert moved.slot.instant == datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    changed_after, changed_by = moved.unlearnt, moved.learnt
    assert (changed_after, changed_by) == (last_read_before.finished, first_read_after.finished)


@with_calendar_monitor(STATS, OWN)
async def test_calendars_that_share_a_link_become_one_release(monitor: CalendarMonitor) -> None:
    """Two calendars have an entry each, with different titles: two releases. Then the second one adds the link of the
    first to its entry. From then on they are one release, with the promises of both."""
    link = "https://stats.example/a"
    await monitor.read_calendar(csv(row("a", title="Example awareness")))
    await monitor.read_calendar(as_json(own_entry("a", "2026-11-26T09:45:00", title="Quite another name")), "own")
    assert len(monitor.watched_ids) == 2
    with_link = own_entry("a", "2026-11-26T09:45:00", link, title="Quite another name")
    await monitor.read_calendar(as_json(with_link), "own", minutes_later=10)
    assert set(monitor.ledger_in_memory.releases) == {"a"}
    assert monitor.watched_ids == {"a"}
    assert monitor.ledger_in_memory.releases["a"].calendars == ("stats", "own")
    assert promised_times(monitor, "a") == [("stats", "26 09:30"), ("own", "26 09:45")]
    # The entry of the other calendar is stored with the id of the joined release.
    (shown_entry,) = (entry for entry in monitor.store.ledger.announced("own") if entry.gone is None)
    assert shown_entry.release == "a"


@with_calendar_monitor(STATS, OWN)
async def test_pins_join_differing_entries_after_a_restart(monitor: CalendarMonitor) -> None:
    """Two calendars announce releases of different titles. Then a person configures two pins. A pin gives all entries
    of a title to the release with its id, here the same for both."""
    await monitor.read_calendar(csv(row("a", title="Example awareness")))
    await monitor.read_calendar(as_json(own_entry("a", title="Quite another name")), "own")
    assert len(monitor.ledger_in_memory.releases) == 2
    pins = [Pin(id="awareness", title=title) for title in ("Example awareness", "Quite another name")]
    await monitor.restart(pin=pins)
    assert set(monitor.ledger_in_memory.releases) == {"awareness"}
    assert monitor.watched_ids == {"awareness"}
    assert promised_times(monitor, "awareness") == [("stats", "26 09:30"), ("own", "26 09:30")]


def test_split_separates_entries_that_share_a_link(tmp_path: Path) -> None:
    """Entries of two calendars have the same link. The setting `split` names one that must not be joined."""
    link = "https://stats.example/a"

    async def read_both_calendars(monitor: CalendarMonitor) -> None:
        await monitor.read_calendar(csv(row("a")))
        await monitor.read_calendar(as_json(own_entry("a", url=link)), "own")
        assert len(monitor.ledger_in_memory.releases) == 2

    run_calendar_monitor(tmp_path, read_both_calendars, STATS, OWN, split=[{"calendar": "own", "url": link}])


@with_calendar_monitor()
async def test_second_read_of_large_calendar_confirms_only_near_promises(monitor: CalendarMonitor) -> None:
    """A calendar has one release that is near and 4,500 that are years ahead. Two reads, ten minutes apart, show it."""
    near = row("near", "2026-11-20")
    years_ahead = [row(f"r{n}", f"{2027 + n // 300}-03-01") for n in range(4_500)]
    first = await monitor.read_calendar(csv(near, *years_ahead))
    store = monitor.store
    assert (len(store.ledger.announced("stats")), len(store.ledger.promises())) == (4_501, 4_501)
    assert len(store.ledger.releases()) == 4_501
    # Of a large calendar, promises for releases that are not watched yet are confirmed only every six hours.
    second = await monitor.read_calendar(minutes_later=10)
    confirmed = {promise.release: promise.confirmed_at for promise in store.ledger.promises()}
    assert confirmed.pop("near") == second.finished
    assert set(confirmed.values()) == {first.finished}


@with_calendar_monitor()
async def test_releases_are_written_in_order_of_their_ids(monitor: CalendarMonitor) -> None:
    """So two monitors that write at the same time never wait for each other."""
    fifty_entries = [row(f"r{number}") for number in range(50)]
    await monitor.read_calendar(csv(*fifty_entries))
    with closing(sqlite3.connect(monitor.settings.store.url.removeprefix("sqlite:///"))) as store:
        written = [name for (name,) in store.execute("SELECT id FROM release ORDER BY rowid")]
    assert len(written) == 50
    assert written == sorted(written)


@with_calendar_monitor(STATS, OWN)
async def test_reason_of_a_join_is_stored(monitor: CalendarMonitor) -> None:
    """The entries of two calendars have the same link, so they become one release."""
    await monitor.read_calendar(csv(row("a")))
    await monitor.read_calendar(as_json(own_entry("a", url="https://stats.example/a")), "own")
    (release,) = monitor.store.ledger.releases()
    assert release.joined_by == "link"


@with_calendar_monitor()
async def test_first_read_of_a_csv_calendar_may_be_empty(monitor: CalendarMonitor) -> None:
    """The first read finds no entries and is usable. Ten minutes later there is one."""
    first = await monitor.read_calendar(csv())
    assert first.usable
    second = await monitor.read_calendar(csv(row("a")), minutes_later=10)
    assert second.entries == 1


def confirmed_at(monitor: CalendarMonitor, release: str) -> datetime | None:
    """Return when the only promise of a release was last confirmed, in the store and in memory."""
    (promise,) = monitor.store.ledger.promises([release])
    assert promise == monitor.ledger_in_memory.promises(release)[-1]
    return promise.confirmed_at


def cached_copy(*rows: str, age_in_seconds: int) -> Reply:
    """Return a calendar with these rows as a cache serves it, with its age in whole seconds."""
    return Reply(200, csv(*rows).body, {"Age": f"{age_in_seconds}"})


@with_calendar_monitor()
async def test_read_confirms_promise_as_of_its_cached_copy(monitor: CalendarMonitor) -> None:
    """It is 12:00 at START. The read of 12:10 gets a copy that a cache made 60 s before, so it shows the calendar of
    12:09. The read of 12:20 gets no copy, so it shows that of 12:20."""
    await monitor.read_calendar(csv(row("births")))
    await monitor.read_calendar(cached_copy(row("births"), age_in_seconds=60), minutes_later=10)
    # The age and the date from which it counts are each cut to whole seconds, so the copy may be 2 s older.
    oldest_age_of_copy = timedelta(seconds=60 + 2)
    assert confirmed_at(monitor, "births") == START + timedelta(minutes=10) - oldest_age_of_copy
    not_cached = csv(row("births"), row("deaths"))
    await monitor.read_calendar(not_cached, minutes_later=10)
    assert confirmed_at(monitor, "births") == START + timedelta(minutes=20)


@with_calendar_monitor()
async def test_change_is_dated_between_two_cached_copies(monitor: CalendarMonitor) -> None:
    """The read of 12:00 (START) gets a copy that is 60 s old, with the time 09:30. The read of 12:10 gets one that is
    30 s old, with 07:00. So the time changed between 11:59:00 and 12:09:30."""
    await monitor.read_calendar(cached_copy(row("births", time="09:30"), age_in_seconds=60))
    await monitor.read_calendar(cached_copy(row("births", time="07:00"), age_in_seconds=30), minutes_later=10)
    second = timedelta(seconds=1)
    first_copy, second_copy = START - 60 * second, START + timedelta(minutes=10) - 30 * second
    _, moved = monitor.store.ledger.promises(["births"])
    changed_after, changed_by = moved.unlearnt, moved.learnt
    # Age and date have whole seconds, so a copy may be up to 2 s older or 1 s younger than they say.
    assert changed_after == first_copy - 2 * second
    assert changed_by == second_copy + 1 * second
    # The second copy confirms the new time as of the earliest time at which it may have been made.
    assert moved.confirmed_at == second_copy - 2 * second


@with_calendar_monitor()
async def test_copy_older_than_last_read_reverts_no_change(monitor: CalendarMonitor) -> None:
    """The read of 12:00 shows 09:30, and that of 12:10 shows 07:00. At 12:20, a cache answers with a copy of 12:05,
    which shows 09:30 again. It is older than the last read, so it is not usable."""
    await monitor.read_calendar(csv(row("births")))
    await monitor.read_calendar(csv(row("births", time="07:00")), minutes_later=10)
    read = await monitor.read_calendar(cached_copy(row("births"), age_in_seconds=15 * 60), minutes_later=10)
    assert (read.usable, read.fault) == (False, "a copy that may be older than the last read")
    assert promised_times(monitor, "births") == [("stats", "26 09:30"), ("stats", "26 07:00")]
    next_read = await monitor.read_calendar(csv(row("births", time="07:00")), minutes_later=10)
    assert next_read.usable
