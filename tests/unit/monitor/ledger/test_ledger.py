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
    START,
    STATS,
    CalendarMonitor,
    as_json,
    csv,
    row,
    run_calendar_monitor,
    with_calendar_monitor,
)
from tests.worlds.fetcher import Reply

OTHER = {"name": "own", "kind": "json", "url": "https://stats.example/own.json"}


def promised_times(monitor: CalendarMonitor, release: str) -> list[tuple[str, str]]:
    """Return the calendar and the promised day and time of every promise of a release, in order."""
    found = monitor.daemon.core.store.ledger.promises([release])
    return [(one.calendar, f"{one.slot.instant:%d %H:%M}" if one.slot.instant else one.slot.raw) for one in found]


def entry(name: str, when: str, url: str = "", title: str = "") -> dict[str, str]:
    return {
        "id": f"x-{name}",
        "title": title or f"Example {name}",
        "url": url,
        "date": when,
        "producer": "example-office",
    }


@with_calendar_monitor()
async def test_a_release_that_moves_keeps_every_promise(monitor: CalendarMonitor) -> None:
    await monitor.read_calendar(csv(row("a"), row("b", "2026-12-03")))
    await monitor.read_calendar(csv(row("a", "2026-11-27"), row("b", "2026-12-03")), after=10)
    assert promised_times(monitor, "a") == [("stats", "26 09:30"), ("stats", "27 09:30")]
    assert promised_times(monitor, "b") == [("stats", "03 09:30")]


@with_calendar_monitor()
async def test_an_unchanged_entry_was_last_seen_and_its_promise_confirmed_by_the_latest_read(
    monitor: CalendarMonitor,
) -> None:
    first = await monitor.read_calendar(csv(row("a")))
    second = await monitor.read_calendar(after=10)
    (promise,), (entry,) = (
        monitor.daemon.core.store.ledger.promises(["a"]),
        monitor.daemon.core.store.ledger.announced("stats"),
    )
    assert promise.learnt == first.finished
    assert promise.confirmed_at == entry.seen_last == second.finished


@with_calendar_monitor()
async def test_an_entry_that_leaves_a_calendar_cancels_no_promise_and_keeps_when_it_was_last_seen(
    monitor: CalendarMonitor,
) -> None:
    def entry_of_a() -> Announced:
        (entry,) = (each for each in monitor.daemon.core.store.ledger.announced("stats") if each.uid == "a")
        return entry

    shown = await monitor.read_calendar(csv(row("a"), row("b")))
    missing = await monitor.read_calendar(csv(row("b")), after=10)
    assert (entry_of_a().gone, entry_of_a().seen_last) == (missing.finished, shown.finished)
    assert "a" in monitor.daemon.watch.releases
    back = await monitor.read_calendar(csv(row("a"), row("b")), after=10)
    assert (entry_of_a().gone, entry_of_a().seen_last) == (None, back.finished)
    assert promised_times(monitor, "a") == [("stats", "26 09:30")]


@with_calendar_monitor()
async def test_reads_that_no_longer_show_an_entry_are_counted_and_survive_a_restart(monitor: CalendarMonitor) -> None:
    def reads_without_a() -> Unlisted | None:
        (promise,) = monitor.daemon.core.store.ledger.promises(["a"])
        assert monitor.daemon.core.ledger.promises("a") == [promise]
        return promise.unlisted

    await monitor.read_calendar(csv(row("a"), row("b")))
    assert reads_without_a() is None
    # Entry c is new and has the slot of a, so it may be a successor.
    first = await monitor.read_calendar(csv(row("b"), row("c", title="Both in one")), after=10)
    await monitor.read_calendar(after=10)
    assert reads_without_a() == Unlisted(since=first.started, reads=2, successors=("Both in one",))
    await monitor.restart()
    await monitor.read_calendar(after=10)
    assert reads_without_a() == Unlisted(since=first.started, reads=3, successors=("Both in one",))
    await monitor.read_calendar(csv(row("a"), row("b")), after=10)
    assert reads_without_a() is None


@with_calendar_monitor()
async def test_an_entry_shown_under_another_id_is_not_missing(monitor: CalendarMonitor) -> None:
    await monitor.read_calendar(csv(row("a", title="Example awareness"), row("b")))
    await monitor.read_calendar(csv(row("a2", title="Example awareness"), row("b")), after=10)
    # The promises are those of `a`, `a2` and `b`.
    assert [one.unlisted for one in monitor.daemon.core.store.ledger.promises()] == [None] * 3


@with_calendar_monitor(OTHER)
async def test_an_entry_counts_as_unlisted_if_an_entry_with_another_title_has_its_page_and_slot(
    monitor: CalendarMonitor,
) -> None:
    page, slot = "https://stats.example/example", "2026-11-26T09:30:00"
    await monitor.read_calendar(as_json(entry("a", slot, page, title="Example of one region")), "own")
    # Perhaps the new entry replaces the old one: its title is a successor.
    new_entry = entry("b", slot, page, title="Example of the whole country")
    read = await monitor.read_calendar(as_json(new_entry), "own", after=10)
    (promise_of_a,) = [each for each in monitor.daemon.core.store.ledger.promises() if each.unlisted is not None]
    assert promise_of_a.unlisted == Unlisted(since=read.started, reads=1, successors=("Example of the whole country",))


@with_calendar_monitor()
async def test_unchanged_calendar_makes_no_promise_after_a_restart(monitor: CalendarMonitor) -> None:
    first = await monitor.read_calendar(csv(row("a"), row("b", "2026-12-03")))
    await monitor.restart()
    # The slot of `b` is too far ahead for it to be watched.
    assert set(monitor.daemon.watch.releases) == {"a"}
    assert monitor.daemon.core.ledger.last_read("stats") == first.finished
    await monitor.read_calendar(after=10)
    assert promised_times(monitor, "a") == [("stats", "26 09:30")]
    assert promised_times(monitor, "b") == [("stats", "03 09:30")]
    assert {entry.seen_first for entry in monitor.daemon.core.store.ledger.announced("stats")} == {first.finished}


@with_calendar_monitor()
async def test_a_restart_after_many_failed_reads_keeps_the_last_usable(monitor: CalendarMonitor) -> None:
    usable = await monitor.read_calendar(csv(row("a")))
    for _ in range(MOST_COUNTS + 1):
        await monitor.read_calendar(Reply(503), after=10)
    await monitor.restart()
    assert monitor.daemon.core.ledger.last_read("stats") == usable.finished


@with_calendar_monitor()
async def test_a_change_during_a_restart_was_made_between_the_last_read_before_it_and_the_first_after_it(
    monitor: CalendarMonitor,
) -> None:
    last_read_before = await monitor.read_calendar(csv(row("a", "2026-11-26")))
    await monitor.clock.sleep(7200)
    await monitor.restart()
    first_read_after = await monitor.read_calendar(csv(row("a", "2026-11-27")))
    _, moved = monitor.daemon.core.store.ledger.promises(["a"])
    assert moved.slot.instant == datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    changed_after, changed_by = moved.unlearnt, moved.learnt
    assert (changed_after, changed_by) == (last_read_before.finished, first_read_after.finished)


@with_calendar_monitor(STATS, OTHER)
async def test_two_calendars_that_come_to_share_a_link_are_watched_as_one_release(monitor: CalendarMonitor) -> None:
    link = "https://stats.example/a"
    await monitor.read_calendar(csv(row("a", title="Example awareness")))
    await monitor.read_calendar(as_json(entry("a", "2026-11-26T09:45:00", title="Quite another name")), "own")
    assert len(monitor.daemon.watch.releases) == 2
    joined = as_json(entry("a", "2026-11-26T09:45:00", link, "Quite another name"))
    await monitor.read_calendar(joined, "own", after=10)
    assert set(monitor.daemon.core.ledger.releases) == {"a"}
    assert set(monitor.daemon.watch.releases) == {"a"}
    assert monitor.daemon.core.ledger.releases["a"].calendars == ("stats", "own")
    # What the other calendar promised before they were joined is part of the release's ledger.
    assert promised_times(monitor, "a") == [("stats", "26 09:30"), ("own", "26 09:45")]
    (stored,) = [one for one in monitor.daemon.core.store.ledger.announced("own") if one.gone is None]
    assert stored.release == "a"


@with_calendar_monitor(STATS, OTHER)
async def test_pins_join_entries_with_different_titles_and_addresses_after_a_restart(monitor: CalendarMonitor) -> None:
    await monitor.read_calendar(csv(row("a", title="Example awareness")))
    await monitor.read_calendar(as_json(entry("a", "2026-11-26T09:30:00", title="Quite another name")), "own")
    assert len(monitor.daemon.core.ledger.releases) == 2
    titles = ("Example awareness", "Quite another name")
    # All entries with the title of a pin are the release with its id.
    pins = [Pin(id="awareness", title=title) for title in titles]
    monitor.settings = monitor.settings.model_copy(update={"pin": pins})
    await monitor.restart()
    assert set(monitor.daemon.core.ledger.releases) == {"awareness"}
    assert set(monitor.daemon.watch.releases) == {"awareness"}
    assert promised_times(monitor, "awareness") == [("stats", "26 09:30"), ("own", "26 09:30")]


def test_split_separates_entries_that_share_a_link(tmp_path: Path) -> None:
    link = "https://stats.example/a"

    async def act(monitor: CalendarMonitor) -> None:
        await monitor.read_calendar(csv(row("a")))
        await monitor.read_calendar(as_json(entry("a", "2026-11-26T09:30:00", link)), "own")
        assert len(monitor.daemon.core.ledger.releases) == 2

    # The setting `split` names entries that must not be joined with others of their link.
    run_calendar_monitor(tmp_path, act, STATS, OTHER, split=[{"calendar": "own", "url": link}])


@with_calendar_monitor()
async def test_a_large_calendar_is_stored_whole_and_a_second_read_confirms_only_near_promises(
    monitor: CalendarMonitor,
) -> None:
    near = row("near", "2026-11-20")
    years_ahead = [row(f"r{n}", f"{2027 + n // 300}-03-01") for n in range(4_500)]
    first = await monitor.read_calendar(csv(near, *years_ahead))
    store = monitor.daemon.core.store
    assert (len(store.ledger.announced("stats")), len(store.ledger.promises())) == (4_501, 4_501)
    assert len(store.ledger.releases()) == 4_501
    # Of a large calendar, promises for releases that are not watched yet are confirmed only every six hours.
    second = await monitor.read_calendar(after=10)
    confirmed = {promise.release: promise.confirmed_at for promise in store.ledger.promises()}
    assert confirmed.pop("near") == second.finished
    assert set(confirmed.values()) == {first.finished}


@with_calendar_monitor()
async def test_releases_are_written_in_order_so_that_two_monitors_never_wait_for_each_other(
    monitor: CalendarMonitor,
) -> None:
    await monitor.read_calendar(csv(*(row(f"r{n}") for n in range(50))))
    with closing(sqlite3.connect(monitor.settings.store.url.removeprefix("sqlite:///"))) as store:
        written = [name for (name,) in store.execute("SELECT id FROM release ORDER BY rowid")]
    assert len(written) == 50
    assert written == sorted(written)


@with_calendar_monitor(STATS, OTHER)
async def test_reason_of_a_join_is_stored(monitor: CalendarMonitor) -> None:
    await monitor.read_calendar(csv(row("a")))
    await monitor.read_calendar(as_json(entry("a", "2026-11-26T09:30:00", "https://stats.example/a")), "own")
    assert monitor.daemon.core.store.ledger.releases()[0].joined_by == "link"


@with_calendar_monitor()
async def test_the_first_read_of_a_calendar_in_a_csv_file_may_be_empty(monitor: CalendarMonitor) -> None:
    first = await monitor.read_calendar(csv())
    assert first.usable
    second = await monitor.read_calendar(csv(row("a")), after=10)
    assert second.entries == 1


def confirmed_at(monitor: CalendarMonitor, release: str) -> datetime | None:
    """Return when the only promise of a release was last confirmed, in the store and in memory."""
    (promise,) = monitor.daemon.core.store.ledger.promises([release])
    assert promise == monitor.daemon.core.ledger.promises(release)[-1]
    return promise.confirmed_at


ROUNDING = timedelta(seconds=2)
"""An `Age` is cut off to whole seconds, as is the `Date` from which it counts."""


@with_calendar_monitor()
async def test_a_read_confirms_an_unchanged_promise_as_of_when_its_copy_was_made(monitor: CalendarMonitor) -> None:
    await monitor.read_calendar(csv(row("births")))
    copy = Reply(200, csv(row("births")).body, {"Age": "60", "Cache-Control": "max-age=300"})
    await monitor.read_calendar(copy, after=10)
    # ROUNDING is 2 s: the age and the date from which it counts are each cut to whole seconds.
    assert confirmed_at(monitor, "births") == START + timedelta(minutes=10) - timedelta(seconds=60) - ROUNDING
    not_cached = csv(row("births"), row("deaths"))
    await monitor.read_calendar(not_cached, after=10)
    assert confirmed_at(monitor, "births") == START + timedelta(minutes=20)


@with_calendar_monitor()
async def test_a_change_was_made_between_the_cached_copy_that_lacks_it_and_the_cached_copy_that_shows_it(
    monitor: CalendarMonitor,
) -> None:
    # The first read gets a copy that is 60 s old. Ten minutes later the second gets one that is 30 s old.
    await monitor.read_calendar(Reply(200, csv(row("births", time="09:30")).body, {"Age": "60"}))
    await monitor.read_calendar(Reply(200, csv(row("births", time="07:00")).body, {"Age": "30"}), after=10)
    second = timedelta(seconds=1)
    first_copy, second_copy = START - 60 * second, START + timedelta(minutes=10) - 30 * second
    _, moved = monitor.daemon.core.store.ledger.promises(["births"])
    changed_after, changed_by = moved.unlearnt, moved.learnt
    # Age and date have whole seconds, so a copy may be up to 2 s older or 1 s younger than they say.
    assert changed_after == first_copy - 2 * second
    assert changed_by == second_copy + 1 * second
    # The second copy confirms the new time as of the earliest time at which it may have been made.
    assert moved.confirmed_at == second_copy - 2 * second


@with_calendar_monitor()
async def test_a_copy_older_than_the_last_read_takes_no_change_back(monitor: CalendarMonitor) -> None:
    await monitor.read_calendar(csv(row("births")))
    await monitor.read_calendar(csv(row("births", time="07:00")), after=10)
    # The copy is 900 s old, and the last read was 600 s ago.
    read = await monitor.read_calendar(Reply(200, csv(row("births")).body, {"Age": "900"}), after=10)
    assert (read.usable, read.fault) == (False, "a copy that may be older than the last read")
    assert [one.slot.raw[-5:] for one in monitor.daemon.core.store.ledger.promises(["births"])] == ["09:30", "07:00"]
    assert (await monitor.read_calendar(csv(row("births", time="07:00")), after=10)).usable
