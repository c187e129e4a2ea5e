"""Releases that ended long ago leave memory without any loss of facts.

A release is long past if its slot is over and no calendar has shown it for more than 90 days.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

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
PAST_RELEASE, COMING_RELEASE = (
    row("a", "2026-11-20", title="Example awareness"),
    row("b", "2027-12-20"),
)


async def let_release_a_pass_and_be_unlisted_for_91_days(monitor: CalendarMonitor) -> None:
    """Let the calendar announce releases `a` and `b`, leave out `a` after its slot, and let 91 days
    pass.
    """
    await monitor.read_calendar(csv(PAST_RELEASE, COMING_RELEASE))
    await monitor.clock.sleep(10 * DAY)
    await monitor.read_calendar(csv(COMING_RELEASE))
    await monitor.clock.sleep(91 * DAY)
    await monitor.judge_all()


@with_calendar_monitor()
async def test_long_past_release_is_only_in_store_after_restart(monitor: CalendarMonitor) -> None:
    """Release a was not shown for 91 days. Release b is due next year. A restart loads only b into
    memory. The store keeps both.
    """
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    assert set(monitor.ledger_in_memory.releases) == {"a", "b"}
    await monitor.restart()
    ledger = monitor.ledger_in_memory
    assert set(ledger.releases) == {"b"}
    assert ledger.promises("a") == []
    assert [entry.uid for entry in ledger.state_of("stats").announcements()] == ["b"]
    assert {release.id for release in monitor.store.ledger.releases()} == {"a", "b"}


@with_calendar_monitor()
async def test_running_monitor_drops_long_past_releases_daily(monitor: CalendarMonitor) -> None:
    """Release a was not shown for 91 days. But it is still watched, and a watched release stays in
    memory. The first hourly job ends the watch. A day later, the job drops a from memory. Release b
    is due next year and stays.
    """
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    await monitor.run_hourly_job()
    ledger = monitor.ledger_in_memory
    assert set(ledger.releases) == {"a", "b"}
    await monitor.clock.sleep(DAY)
    await monitor.run_hourly_job()
    assert set(ledger.releases) == {"b"}
    assert ledger.promises("a") == []
    assert [entry.uid for entry in ledger.state_of("stats").announcements()] == ["b"]


@with_calendar_monitor()
async def test_relisted_past_release_keeps_times_of_first_read(monitor: CalendarMonitor) -> None:
    """The slot of release a has passed, and no calendar has shown it for 91 days. So a restart
    leaves it in the store only. Then its calendar shows it again. Its promise and entry keep the
    time of their first read.
    """
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    stored_before = monitor.store.ledger.release("a")
    await monitor.restart()
    await monitor.read_calendar(csv(PAST_RELEASE, COMING_RELEASE))
    first_read, this_read = START, monitor.clock.now()
    assert monitor.ledger_in_memory.releases["a"] == stored_before
    assert [promise.learnt for promise in monitor.ledger_in_memory.promises("a")] == [first_read]
    in_store = monitor.store.ledger
    (promise,) = in_store.promises(["a"])
    assert (promise.learnt, promise.confirmed_at) == (first_read, this_read)
    (entry,) = in_store.entries_of(["a"])
    assert (entry.seen_first, entry.seen_last) == (first_read, this_read)
    assert entry.gone is None  # it is no longer missing from its calendar


@with_calendar_monitor()
async def test_new_slot_of_dropped_release_joins_earlier_promises(monitor: CalendarMonitor) -> None:
    """Release a had its slot on 20 November. That is long ago, so a restart leaves it in the store
    only. On 25 February its calendar shows it again, with a new slot on 1 March. Then memory has
    both promises, not only the new one.
    """
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    await monitor.restart()
    assert f"{monitor.clock.now():%Y-%m-%d}" == "2027-02-25"
    await monitor.read_calendar(
        csv(row("a", "2027-03-01", title="Example awareness"), COMING_RELEASE)
    )
    slots = [promise.slot.instant for promise in monitor.ledger_in_memory.promises("a")]
    assert [f"{slot:%Y-%m-%d}" for slot in slots if slot] == ["2026-11-20", "2027-03-01"]
    # The new slot of a is near, so a is watched again. The other release, b, is due ten months
    # later.
    assert monitor.watched_ids == {"a"}


@with_calendar_monitor(OWN)
async def test_id_of_dropped_release_is_not_reused(monitor: CalendarMonitor) -> None:
    """The id of a release is made from its title. A release of 2026 is long past, so a restart
    leaves it in the store only. Then the calendar shows another release of the same title, for
    2027. In memory, the id of this title is free. But the store still uses it for the past release.
    So the new release gets another id.
    """
    past = own_entry("1", "2026-11-20T09:30:00", title="Example awareness")
    # it only keeps the calendar from being empty
    ahead = own_entry("9", "2027-12-20T09:30:00", title="Ahead")
    await monitor.read_calendar(as_json(past, ahead), "own")
    (past_id,) = (
        release.id
        for release in monitor.store.ledger.releases()
        if release.title == "Example awareness"
    )
    # Ten days later the calendar no longer shows the past release. Another 91 days pass.
    await monitor.clock.sleep(10 * DAY)
    await monitor.read_calendar(as_json(ahead), "own")
    await monitor.clock.sleep(91 * DAY)
    await monitor.restart()
    assert past_id not in monitor.ledger_in_memory.releases
    new = own_entry("2", "2027-11-20T09:30:00", title="Example awareness")
    await monitor.read_calendar(as_json(new, ahead), "own")
    # The new id begins with the id made from the title, and differs from it.
    (new_id,) = (
        name
        for name in monitor.ledger_in_memory.releases
        if name.startswith(past_id) and name != past_id
    )
    for release_id in (past_id, new_id):
        assert len(monitor.store.ledger.promises([release_id])) == 1
    assert [entry.uid for entry in monitor.store.ledger.entries_of([past_id])] == [past["id"]]


@with_calendar_monitor()
async def test_entry_is_matched_with_stored_past_release(monitor: CalendarMonitor) -> None:
    """Release a, "Example awareness", is long past, so a restart leaves it in the store only. Now a
    web page lists something. It is release a if it has the same link or title. Under another
    producer, it is not.
    """
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    await monitor.restart()

    async def matching_ids(*, link: str, title: str, producer: str = "example-office") -> list[str]:
        matching = await monitor.ledger_in_memory.find_matching_in_store(producer, link, title)
        return [release.id for release in matching]

    link_of_a, title_of_a = "https://stats.example/a", "Example awareness"
    other_link, other_title = "https://stats.example/elsewhere", "Example deaths"
    assert await matching_ids(link=link_of_a, title=other_title) == ["a"]
    assert await matching_ids(link=other_link, title=title_of_a) == ["a"]
    assert await matching_ids(link=other_link, title=other_title) == []
    assert await matching_ids(link=link_of_a, title=title_of_a, producer="another-office") == []


@with_calendar_monitor()
async def test_series_of_a_stored_past_release_is_known(monitor: CalendarMonitor) -> None:
    """Release a, "Example awareness", is long past, so a restart leaves it in the store only. A
    series has all editions of one title, each perhaps with its period. So the series of "Example
    awareness: May 2031" is known.
    """
    await let_release_a_pass_and_be_unlisted_for_91_days(monitor)
    await monitor.restart()
    assert await monitor.ledger_in_memory.has_series(
        "example-office", "Example awareness: May 2031"
    )
    assert not await monitor.ledger_in_memory.has_series("example-office", "Example deaths")


@with_calendar_monitor()
async def test_past_release_is_loaded_on_request(monitor: CalendarMonitor) -> None:
    """Release a is long past, so a restart leaves it in the store only. On request, for example of
    a web page, it is loaded into memory with its promise. An unknown id gives no release (None).
    """
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
PAST_EDITIONS = [
    row(f"e-{day}", day, title=f"Example yields: {name}") for name, day in EDITIONS.items()
]
OTHER_RELEASES = many(12, days=600)
EDITION_MISSING = (
    "CALENDAR: no calendar announces the next edition of Example yields: July 2025 (example-office)"
)


@pytest.mark.parametrize("is_restarted", [True, False])
@with_calendar_monitor(begins=datetime(2025, 11, 1, 12, tzinfo=UTC))
async def test_missing_edition_is_reported_from_stored_past_editions(
    monitor: CalendarMonitor, *, is_restarted: bool
) -> None:
    """The series "Example yields" had an edition in each April and October of 2024 and 2025. These
    are long past, so only the store still has them. In March 2026, no calendar announces the
    edition of April. People are notified of that: the monitor knows the rhythm of the series from
    the store. It does not matter whether there was a restart.
    """
    # 1 November 2025: the calendar shows the past editions. Ten minutes later it shows only other
    # releases.
    await monitor.read_calendar(csv(*PAST_EDITIONS, *OTHER_RELEASES))
    await monitor.read_calendar(csv(*OTHER_RELEASES), minutes_later=10)
    # February 2026: the editions have been missing for more than 90 days, so two daily jobs drop
    # them from memory.
    await monitor.clock.sleep(100 * DAY)
    if is_restarted:
        await monitor.restart()
    for _ in range(2):
        await monitor.clock.sleep(DAY)
        await monitor.run_hourly_job()
    ids_in_memory = set(monitor.ledger_in_memory.releases)
    ids_of_past_editions = {f"e-{day}" for day in EDITIONS.values()}
    assert not ids_in_memory & ids_of_past_editions
    # 31 March 2026: the edition of April should be announced by now.
    await monitor.clock.sleep(48 * DAY)
    await monitor.read_calendar(csv(*OTHER_RELEASES))
    await monitor.daemon.parts.calendar_reads.report_missing_editions()
    assert monitor.notice_subjects() == [EDITION_MISSING]


@with_calendar_monitor(begins=datetime(2025, 11, 1, 12, tzinfo=UTC))
async def test_editions_dropped_after_a_report_still_show_the_rhythm(
    monitor: CalendarMonitor,
) -> None:
    """In November, missing editions are looked for, and none is. In February, the editions of
    "Example yields" are dropped from memory. In March, the edition of April is missing.
    """
    await monitor.read_calendar(csv(*PAST_EDITIONS, *OTHER_RELEASES))
    await monitor.read_calendar(csv(*OTHER_RELEASES), minutes_later=10)
    await monitor.daemon.parts.calendar_reads.report_missing_editions()
    assert monitor.notice_subjects() == []
    await monitor.clock.sleep(100 * DAY)
    for _ in range(2):
        await monitor.clock.sleep(DAY)
        await monitor.run_hourly_job()
    assert "e-2025-10-15" not in monitor.ledger_in_memory.releases
    await monitor.clock.sleep(48 * DAY)
    await monitor.read_calendar(csv(*OTHER_RELEASES))
    await monitor.daemon.parts.calendar_reads.report_missing_editions()
    assert monitor.notice_subjects() == [EDITION_MISSING]


@with_calendar_monitor(begins=datetime(2025, 11, 1, 12, tzinfo=UTC))
async def test_edition_due_in_five_months_is_not_missing(monitor: CalendarMonitor) -> None:
    """A series had an edition in each April and October of 2024 and 2025. It is 1 November 2025. No
    calendar announces the edition of next April. That is five months ahead, so no one is notified
    yet.
    """
    await monitor.read_calendar(csv(*PAST_EDITIONS, *OTHER_RELEASES))
    await monitor.read_calendar(csv(*OTHER_RELEASES), minutes_later=10)
    await monitor.daemon.parts.calendar_reads.report_missing_editions()
    assert monitor.notice_subjects() == []
