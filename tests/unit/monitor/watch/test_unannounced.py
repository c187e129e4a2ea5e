"""Editions that a listing shows and no calendar announced."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from monitor.look.fetch import Found
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target
from monitor.threads import Tasks
from monitor.watch.tripwires import Producer
from monitor.watch.unannounced import Unannounced
from tests.unit.monitor.app.calendar_monitor import (
    START,
    CalendarMonitor,
    csv,
    row,
    with_calendar_monitor,
)
from tests.unit.monitor.watch.fake_poller import make_tripwires
from tests.worlds.fetcher import Reply

PAGE_URL = "https://www.gov.uk/government/statistics/example-surprise"
CONTENT_URL = "https://www.gov.uk/api/content/government/statistics/example-surprise"
TITLE = "Example surprise: October 2026"
HTML = (
    f"<html><head><title>{TITLE} - GOV.UK</title></head><body><h1"
    f' class="gem-c-heading">{TITLE}</h1></body></html>'
)


def publish_page(monitor: CalendarMonitor, first_published: str) -> None:
    """Have GOV.UK answer with a page of statistics, and with its content item."""
    fields = {
        "schema_name": "publication",
        "document_type": "official_statistics",
        "base_path": "/government/statistics/example-surprise",
        "title": TITLE,
        "first_published_at": first_published,
    }
    content_item = Reply(200, json.dumps(fields).encode(), {"Content-Type": "application/json"})
    monitor.pages |= {CONTENT_URL: content_item, PAGE_URL: Reply(200, HTML.encode())}


def unannounced_of(monitor: CalendarMonitor) -> Unannounced:
    daemon = monitor.daemon
    return Unannounced(
        daemon.core.store.ledger,
        daemon.core.writer,
        daemon.core.ledger,
        daemon.parts.watch,
        daemon.parts.poller,
        monitor.clock,
        daemon.parts.intake.tally,
        Tasks(),
    )


async def consider_entry(
    monitor: CalendarMonitor, found: Found, producer: str = "example-office"
) -> None:
    await unannounced_of(monitor).consider(producer, found)
    await monitor.judge_all()


@with_calendar_monitor()
async def test_unannounced_publication_becomes_a_release_with_one_notice(
    monitor: CalendarMonitor,
) -> None:
    """A calendar announces a release called `a`. A listing shows another page, at two looks. No
    calendar announced that. So it becomes a release without a slot, and people get one notice.
    """
    publish_page(monitor, first_published="2026-11-16T11:58:00Z")
    await monitor.read_calendar(csv(row("a")))
    for _ in range(2):
        await consider_entry(monitor, Found(PAGE_URL, TITLE, "listed"))
    judged = monitor.store.verdicts.judged_one("example-surprise")
    assert (judged.word, judged.grade, judged.slot) == ("unannounced", "none", None)
    assert [notice.kind for notice in monitor.store.outbox.notices()] == ["calendar"]


@pytest.mark.parametrize(
    ("title_of_entry", "url_of_entry", "page_first_published"),
    [
        ("Example a", PAGE_URL, "2026-11-16T11:58:00Z"),
        ("Another name", "https://stats.example/a/", "2026-11-16T11:58:00Z"),
        (TITLE, PAGE_URL, "2019-11-16T11:58:00Z"),
        (TITLE, "https://www.gov.uk/government/news/example-surprise", "2026-11-16T11:58:00Z"),
        (TITLE, "https://blog.example/surprise", "2026-11-16T11:58:00Z"),
    ],
    ids=[
        "its title is known",
        "its address is known",
        "it is old",
        "it is news",
        "it is of no known series",
    ],
)
@with_calendar_monitor()
async def test_known_old_or_non_statistical_entry_makes_no_release(
    title_of_entry: str, url_of_entry: str, page_first_published: str, monitor: CalendarMonitor
) -> None:
    """The calendar announces the release "Example a", at https://stats.example/a. A listing shows
    an entry. If that were new statistics that no calendar announced, it would become a release. But
    it has the title or the address of "Example a", or it is of 2019, or it is news, or it is of no
    known series.
    """
    await monitor.read_calendar(csv(row("a")))
    publish_page(monitor, page_first_published)
    # also the date of an edit of an old page
    date_in_listing = {"published": "Mon, 16 Nov 2026 11:58:00 GMT"}
    await consider_entry(monitor, Found(url_of_entry, title_of_entry, "listed", date_in_listing))
    assert monitor.watched_ids == {"a"}


@with_calendar_monitor()
async def test_page_announced_within_15_minutes_is_not_unannounced(
    monitor: CalendarMonitor,
) -> None:
    """At 12:00, a listing shows a new page that no calendar announced. The monitor waits until
    12:15 for a calendar to do so. Only then would it make a release of its own, `example-surprise`.
    At 12:10 a calendar announces the page, as that of its release `surprise`.
    """
    publish_page(monitor, first_published="2026-11-16T11:58:00Z")
    unannounced_of(monitor).consider_in_background(
        "example-office", Found(PAGE_URL, TITLE, "listed")
    )
    announced = f"surprise,Example renamed,example-office,{PAGE_URL},2026-11-16,12:00,confirmed"
    ten_minutes, twenty_minutes = 10, 20
    await monitor.read_calendar(csv(announced), minutes_later=ten_minutes)
    # At 12:30, `surprise` is the only release.
    await monitor.clock.sleep(twenty_minutes * 60)
    assert monitor.watched_ids == {"surprise"}


@with_calendar_monitor()
async def test_new_edition_in_a_feed_becomes_a_watched_release(monitor: CalendarMonitor) -> None:
    """The calendar announces only the edition of October, as the release `a`. A feed shows that of
    November, which is published. So that becomes a release, too, and is watched.
    """
    url = "https://stats.example/awareness-november"
    monitor.pages[url] = Reply(200, b"<html><title>Example awareness: November 2026</title></html>")
    await monitor.read_calendar(csv(row("a", title="Example awareness: October 2026")))
    found = Found(
        url,
        "Example awareness: November 2026",
        "listed",
        {"published": "Mon, 16 Nov 2026 11:58:00 GMT"},
    )
    await consider_entry(monitor, found)
    (new,) = monitor.watched_ids - {"a"}
    assert monitor.daemon.parts.watch.releases[new].release.url == url


def a_sighting(target: Target, *found: Found, state: State = State.PRESENT) -> Sighting:
    return Sighting(target.id, state, START, START, START, START, found=found)


def test_first_look_at_a_listing_reports_only_newer_entries() -> None:
    """The monitor starts at 11:00. At the first look at a listing, most entries were there before.
    So only an entry that is dated after 11:00 is new. At later looks, each entry that was not there
    before is new.
    """
    # No release is near, so each new entry is reported as unmatched.
    reported: list[str] = []
    producer = Producer("example-office", newest=["https://stats.example/new"])
    wires = make_tripwires(
        [producer], on_unmatched=lambda _producer, found: reported.append(found.url)
    )
    wires.start(datetime(2026, 11, 16, 11, tzinfo=UTC))
    (target,) = wires.targets()
    # a failed look, so the next one is the first
    wires.see(target, a_sighting(target, state=State.UNKNOWN))
    undated, undated_later = Found("undated", "a", "listed"), Found("undated, later", "b", "listed")
    dated = Found("dated", "c", "listed", {"published": "Mon, 16 Nov 2026 11:58:00 GMT"})
    wires.see(target, a_sighting(target, undated, dated))
    assert reported == ["dated"]
    wires.see(target, a_sighting(target, undated, undated_later, dated))
    assert reported == ["dated", "undated, later"]
