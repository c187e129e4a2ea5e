"""Releases that ended long ago leave memory without any loss of facts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.look.fetch import Found
from tests.unit.monitor.app.calendar_monitor import (
    OWN,
    START,
    CalendarMonitor,
    as_json,
    csv,
    many,
    own_entry,
    row,
    with_calendar_monitor,
)

DAY = 86_400.0
PAST_RELEASE, COMING_RELEASE = row("a", "2026-11-20", title="Example awareness"), row("b", "2027-12-20")


async def let_release_a_pass_and_be_unlisted_for_91_days(monitor: CalendarMonitor) -> None:
    """Let the calendar announce releases `a` and `b`, leave out `a` after its slot, and let 91 days pass."""
    await monitor.read_calendar(csv(PAST_RELEASE, COMING_RELEASE))
    await monitor.clock.sleep(10 * DAY)
    await monitor.read_calendar(csv(COMING_RELEASE))
    await monitor.clock.sleep(91 * DAY)
    await monitor.judge_all()


@with_calendar_monitor()
async def test_long_past_release_is_only_in_store_after_restart(monitor: CalendarMonitor) -> None:
    """A release is long past if its slot passed and a calendar last showed it more than 90 days ago. Release a is, with
    91 days. Release b has its slot next year. A restart loads only b from the store into memory."""
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    assert set(monitor.ledger_in_memory.releases) == {"a", "b"}
    await monitor.restart()
    ledger = monitor.ledger_in_memory
    assert set(ledger.releases) == {"b"}
    assert ledger.promises("a") == []
    assert [entry.uid for entry in ledger.shown_entries("stats")] == ["b"]
    assert {release.id for release in monitor.store.ledger.releases()} == {"a", "b"}


@with_calendar_monitor()
async def test_running_monitor_drops_long_past_releases_daily(monitor: CalendarMonitor) -> None:
    """A release is long past if its slot passed and a calendar last showed it more than 90 days ago. Release a is, with
    91 days. Only unwatched releases are dropped. So the first job ends the watch of a, and that of the next day drops
    it from memory."""
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    await monitor.run_hourly_job()
    ledger = monitor.ledger_in_memory
    assert set(ledger.releases) == {"a", "b"}
    await monitor.clock.sleep(DAY)
    await monitor.run_hourly_job()
    assert set(ledger.releases) == {"b"}
    assert ledger.promises("a") == []
    assert [entry.uid for entry in ledger.shown_entries("stats")] == ["b"]


@with_calendar_monitor()
async def test_relisted_past_release_keeps_times_of_first_read(monitor: CalendarMonitor) -> None:
    """For 91 days no calendar showed release a, whose slot has passed. Then its calendar shows it again."""
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    before = monitor.store.ledger.release("a")
    # After a restart the release is only in the store, until its calendar shows it again.
    await monitor.restart()
    await monitor.read_calendar(csv(PAST_RELEASE, COMING_RELEASE))
    assert monitor.ledger_in_memory.releases["a"] == before
    first_read, this_read = START, monitor.clock.now()
    in_store = monitor.store.ledger
    (promise,) = in_store.promises(["a"])
    assert (promise.learnt, promise.confirmed_at) == (first_read, this_read)
    assert [each.learnt for each in monitor.ledger_in_memory.promises("a")] == [first_read]
    (entry,) = in_store.entries_of(["a"])
    assert (entry.seen_first, entry.seen_last) == (first_read, this_read)
    is_missing_since = entry.gone
    assert is_missing_since is None


@with_calendar_monitor()
async def test_new_slot_of_dropped_release_joins_earlier_promises(monitor: CalendarMonitor) -> None:
    """Release a had its slot on 20 November. It is long past, so a restart leaves it in the store only. Then its
    calendar shows it again, for 1 March. Memory must have both promises."""
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    await monitor.restart()
    await monitor.read_calendar(csv(row("a", "2027-03-01", title="Example awareness"), COMING_RELEASE))
    slots = [promise.slot.instant for promise in monitor.ledger_in_memory.promises("a")]
    assert [f"{slot:%Y-%m-%d}" for slot in slots if slot] == ["2026-11-20", "2027-03-01"]
    # Release `a` is near its new slot. Release `b` is due ten months later.
    assert monitor.watched_ids == {"a"}


@with_calendar_monitor(OWN)
async def test_id_of_dropped_release_is_not_reused(monitor: CalendarMonitor) -> None:
    """A release is long past, so a restart leaves it in the store only. Then a calendar shows a new release of the same
    title, from which ids are made. It must get another id."""
    past = own_entry("1", "2026-11-20T09:30:00", title="Example awareness")
    ahead = own_entry("9", "2027-12-20T09:30:00", title="Ahead")  # it only keeps the calendar from being empty
    await monitor.read_calendar(as_json(past, ahead), "own")
    (past_id,) = (release.id for release in monitor.store.ledger.releases() if release.title == "Example awareness")
    await monitor.clock.sleep(10 * DAY)
    await monitor.read_calendar(as_json(ahead), "own")
    await monitor.clock.sleep(91 * DAY)
    await monitor.restart()
    assert past_id not in monitor.ledger_in_memory.releases
    new = own_entry("2", "2027-11-20T09:30:00", title="Example awareness")
    await monitor.read_calendar(as_json(new, ahead), "own")
    (new_id,) = (name for name in monitor.ledger_in_memory.releases if name.startswith(past_id) and name != past_id)
    for release_id in (past_id, new_id):
        assert len(monitor.store.ledger.promises([release_id])) == 1
    id_of_past_entry = "x-1"
    assert [entry.uid for entry in monitor.store.ledger.entries_of([past_id])] == [id_of_past_entry]


@with_calendar_monitor()
async def test_entry_is_matched_with_stored_past_release(monitor: CalendarMonitor) -> None:
    """Only the store knows release a, "Example awareness", as it is long past. A listing shows an entry. It matches
    release a by its link or its title, but not under another producer."""
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    await monitor.restart()
    by_link = Found("https://stats.example/a", "Another title altogether", "listed")
    by_title = Found("https://stats.example/elsewhere", "Example awareness", "listed")
    neither = Found("https://stats.example/elsewhere", "Example deaths", "listed")

    async def matching_ids(entry: Found, producer: str = "example-office") -> list[str]:
        matching = await monitor.ledger_in_memory.find_matching_in_store(producer, entry.url, entry.title)
        return [release.id for release in matching]

    assert await matching_ids(by_link) == ["a"]
    assert await matching_ids(by_title) == ["a"]
    assert await matching_ids(neither) == []
    assert await matching_ids(by_link, producer="another-office") == []


@with_calendar_monitor()
async def test_series_of_a_stored_past_release_is_known(monitor: CalendarMonitor) -> None:
    """Release a, "Example awareness", is long past, and only the store keeps it. A series has all editions of one
    title, which may each name another period."""
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    await monitor.restart()
    assert await monitor.ledger_in_memory.has_series("example-office", "Example awareness: May 2031")
    assert not await monitor.ledger_in_memory.has_series("example-office", "Example deaths")


@with_calendar_monitor()
async def test_past_release_is_loaded_on_request(monitor: CalendarMonitor) -> None:
    """Release a is long past, so a restart leaves it in the store only. On request, for example of a web page, it is
    loaded with its promise. For an unknown id there is no release (None)."""
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    await monitor.restart()
    loaded = await monitor.ledger_in_memory.load_release("a")
    assert loaded.title == "Example awareness"
    assert len(monitor.ledger_in_memory.promises("a")) == 1
    assert await monitor.ledger_in_memory.load_release("unknown") is None


EDITIONS = {
    "January 2024": "2024-04-17",
    "July 2024": "2024-10-16",
    "January 2025": "2025-04-16",
    "July 2025": "2025-10-15",
}
PAST_EDITIONS = [row(f"e-{day}", day, title=f"Example yields: {name}") for name, day in EDITIONS.items()]
OTHER_RELEASES = many(12, days=600)
EDITION_MISSING = "CALENDAR: no calendar announces the next edition of Example yields: July 2025 (example-office)"


@pytest.mark.parametrize("is_restarted", [True, False])
@with_calendar_monitor(begins=datetime(2025, 11, 1, 12, tzinfo=UTC))
async def test_missing_edition_is_reported_from_stored_past_editions(
    monitor: CalendarMonitor, *, is_restarted: bool
) -> None:
    """A series has come each April and October. Only the store still has these editions. In March, no calendar
    announces the one of April, so people are notified."""
    # 1 November 2025: the calendar shows the past editions. Ten minutes later it does not.
    await monitor.read_calendar(csv(*PAST_EDITIONS, *OTHER_RELEASES))
    await monitor.read_calendar(csv(*OTHER_RELEASES), minutes_later=10)
    # 9 February 2026: they were missing for more than 90 days, so two daily jobs drop them from memory.
    await monitor.clock.sleep(100 * DAY)
    if is_restarted:
        await monitor.restart()
    for _ in range(2):
        await monitor.clock.sleep(DAY)
        await monitor.run_hourly_job()
    ids_in_memory = set(monitor.ledger_in_memory.releases)
    assert not any(id_in_memory.startswith("e-") for id_in_memory in ids_in_memory)
    # 31 March 2026: the edition of April should be announced by now.
    await monitor.clock.sleep(48 * DAY)
    await monitor.read_calendar(csv(*OTHER_RELEASES))
    await monitor.daemon.calendar_reads.report_missing_editions()
    assert monitor.notice_subjects() == [EDITION_MISSING]


@with_calendar_monitor(begins=datetime(2025, 11, 1, 12, tzinfo=UTC))
async def test_edition_due_in_five_months_is_not_missing(monitor: CalendarMonitor) -> None:
    """The editions come each April and October. In November the next one need not be announced yet."""
    await monitor.read_calendar(csv(*PAST_EDITIONS, *OTHER_RELEASES))
    await monitor.read_calendar(csv(*OTHER_RELEASES), minutes_later=10)
    await monitor.daemon.calendar_reads.report_missing_editions()
    assert monitor.notice_subjects() == []
