"""Notices at the end of the tolerance wait for the origin if the edge hides its age."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config.settings import Settings
from tests.unit.monitor.app.monitor_in_test import (
    PAGE,
    URL,
    MonitorInTest,
    run_monitor,
    with_daemon,
)
from tests.worlds.scripts import an_answer

HIDDEN = 'edge_cache = "30s"\nheaders = { "Age" = "0", "X-Cache" = "MISS" }\n'
ONE_LOOK_A_SECOND = Settings.model_validate({"budget": {"www.gov.uk": "1/s"}})


def page_behind_stale_edge(published_at: str | None) -> str:
    """Return a page behind an edge that serves copies of up to 30 s as if they were new.

    None: it is not published.
    """
    missing = an_answer(URL, "09:00:00", status=404, more=HIDDEN)
    return missing if published_at is None else missing + an_answer(URL, published_at, more=HIDDEN)


@pytest.mark.slow
@pytest.mark.parametrize(
    "published_at", [*(f"09:30:{second}" for second in range(50, 60)), "09:31:00"]
)
def test_release_at_end_of_its_tolerance_is_not_called_absent(
    tmp_path: Path, published_at: str
) -> None:
    """The slot is at 09:30, and the tolerance ends at 09:31. The page comes 50 to 60 s after the
    slot. At 09:31, the edge, a cache, may still serve an old copy without it. The last look at the
    origin behind the edge may be 3 s old. So no notice may say that the page is still absent.
    """

    async def read_notices(monitor: MonitorInTest) -> None:
        await monitor.until("09:33:00")
        assert not any("still absent" in subject for subject in monitor.notice_subjects())
        assert monitor.stored_verdict() in {"on_time", "unproven"}

    run_monitor(
        tmp_path, page_behind_stale_edge(published_at), read_notices, base=ONE_LOOK_A_SECOND
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "base", [Settings(), ONE_LOOK_A_SECOND], ids=["5 looks a second", "1 look a second"]
)
def test_overdue_release_is_notified_as_not_found_then_late(tmp_path: Path, base: Settings) -> None:
    """The slot is at 09:30, and the page never comes. The edge, a cache, hides how old its copies
    of the 404 are. So at first the absence is not proved, and the notice says "NOT FOUND YET". Once
    it is proved, the next notice says "LATE". `base` sets the budget of looks.
    """

    async def read_notices(monitor: MonitorInTest) -> None:
        await monitor.until("09:34:30")
        assert monitor.stored_verdict() == "overdue"
        first_words = [subject.partition(":")[0] for subject in monitor.notice_subjects()]
        assert first_words == ["NOT FOUND YET", "LATE"]

    run_monitor(tmp_path, page_behind_stale_edge(published_at=None), read_notices, base=base)


EDGE_ONLY = Settings.model_validate({"watch": {"origin_view": False}})


@with_daemon(page_behind_stale_edge(published_at=None), base=EDGE_ONLY)
async def test_missing_release_is_overdue_two_minutes_after_tolerance(
    monitor: MonitorInTest,
) -> None:
    """The slot is at 09:30, and the tolerance ends at 09:31. The page never comes at its address.
    But that is guessed, so the page may have come at another one. GOV.UK's index would show that up
    to two minutes late. So only at 09:33 is it proved that the page was absent at 09:31.
    """
    await monitor.until("09:32:55")
    assert monitor.stored_verdict() == "pending"
    await monitor.until("09:33:05")
    assert monitor.stored_verdict() == "overdue"


EDGE_KEEPS_ABSENCE_FOR_FOUR_MINUTES = an_answer(URL, "09:00:00", status=404) + an_answer(
    URL, "09:30:00", more='edge_cache = "4m"\n'
)


@with_daemon(EDGE_KEEPS_ABSENCE_FOR_FOUR_MINUTES)
async def test_edge_that_hides_a_release_gets_frequent_looks(monitor: MonitorInTest) -> None:
    """The page is there from 09:30:00 on. But the edge, a cache, serves its old 404 until 09:34:00.
    While the edge hides the page, it is looked at every few seconds. Once users get the page, looks
    are a minute apart.
    """
    await monitor.until("09:40:00")
    (stale_edge,) = monitor.daemon.parts.watch.releases["claims-q3"].verdict.findings
    # The finding says for how many seconds, at least and at most, the edge hid the page. How far
    # apart these bounds are depends on the time between two looks.
    four_minutes = 240.0
    assert stale_edge.seconds.min is not None
    assert stale_edge.seconds.min <= four_minutes <= stale_edge.seconds.max
    time_between_looks = stale_edge.seconds.max - stale_edge.seconds.min
    assert time_between_looks <= 7
    # From 09:40 to 09:45, users get the page, so it is looked at once a minute.
    looks_before = monitor.runs(PAGE)[-1].looks
    await monitor.until("09:45:00")
    looks_in_five_minutes = monitor.runs(PAGE)[-1].looks - looks_before
    assert looks_in_five_minutes <= 6


@pytest.mark.slow
@with_daemon(page_behind_stale_edge(published_at=None))
async def test_reminder_says_until_when_release_was_not_found(monitor: MonitorInTest) -> None:
    """The slot is at 09:30, and the page never comes. Some minutes after the first notice, between
    09:40 and 09:50, people get a reminder. It says until when the page was not found.
    """
    await monitor.until("09:50:00")
    (reminder,) = (
        one for one in monitor.daemon.core.store.outbox.notices() if one.kind == "reminder"
    )
    assert "not found yet, as of 09:4" in reminder.subject
    assert "Measured so far, as of 09:4" in reminder.text
