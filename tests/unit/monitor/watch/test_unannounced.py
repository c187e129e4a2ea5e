"""Editions that a listing shows and no calendar announced."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from monitor.look.fetch import Found
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target
from monitor.threads import Tasks
from monitor.watch.tripwires import Producer, Tripwires
from monitor.watch.unannounced import Unannounced
from tests.unit.monitor.app.office import START, Office, csv, row, with_office
from tests.unit.monitor.watch.fake_poller import FakePoller
from tests.worlds.fetcher import Reply

PAGE_URL = "https://www.gov.uk/government/statistics/example-surprise"
CONTENT_URL = "https://www.gov.uk/api/content/government/statistics/example-surprise"
TITLE = "Example surprise: October 2026"
HTML = f'<html><head><title>{TITLE} - GOV.UK</title></head><body><h1 class="gem-c-heading">{TITLE}</h1></body></html>'


def publish_page(office: Office, first_published: str) -> None:
    """Have GOV.UK answer with a page of statistics, and with its content item."""
    fields = {
        "schema_name": "publication",
        "document_type": "official_statistics",
        "base_path": "/government/statistics/example-surprise",
        "title": TITLE,
        "first_published_at": first_published,
    }
    content_item = Reply(200, json.dumps(fields).encode(), {"Content-Type": "application/json"})
    office.pages |= {CONTENT_URL: content_item, PAGE_URL: Reply(200, HTML.encode())}


def unannounced_of(office: Office) -> Unannounced:
    daemon = office.daemon
    return Unannounced(
        daemon.core.store.ledger,
        daemon.core.writer,
        daemon.core.ledger,
        daemon.watch,
        daemon.poller,
        office.clock,
        daemon.intake.tally,
        Tasks(),
    )


async def consider_entry(office: Office, found: Found, producer: str = "example-office") -> None:
    await unannounced_of(office).consider(producer, found)
    await office.daemon.watch.judging.judge_all(list(office.daemon.watch.releases))


@with_office()
async def test_a_publication_that_no_calendar_announced_is_an_unannounced_release_with_one_notice(
    office: Office,
) -> None:
    publish_page(office, first_published="2026-11-16T11:58:00Z")
    await office.read(csv(row("a")))
    for _ in range(2):
        await consider_entry(office, Found(PAGE_URL, TITLE, "listed"))
    judged = office.daemon.core.store.verdicts.judged_one("example-surprise")
    assert (judged.word, judged.grade, judged.slot) == ("unannounced", "none", None)
    assert [notice.kind for notice in office.daemon.core.store.outbox.notices()] == ["calendar"]


@pytest.mark.parametrize(
    ("title", "url", "first_published"),
    [
        ("Example a", PAGE_URL, "2026-11-16T11:58:00Z"),
        ("Another name", "https://stats.example/a/", "2026-11-16T11:58:00Z"),
        (TITLE, PAGE_URL, "2019-11-16T11:58:00Z"),
        (TITLE, "https://www.gov.uk/government/news/example-surprise", "2026-11-16T11:58:00Z"),
        (TITLE, "https://blog.example/surprise", "2026-11-16T11:58:00Z"),
    ],
    ids=["its title is known", "its address is known", "it is old", "it is news", "it is of no known series"],
)
@with_office()
async def test_known_and_old_entries_and_other_pages_are_not_unannounced(
    title: str, url: str, first_published: str, office: Office
) -> None:
    publish_page(office, first_published)
    await office.read(csv(row("a")))
    await consider_entry(office, Found(url, title, "listed", {"published": "Mon, 16 Nov 2026 11:58:00 GMT"}))
    assert set(office.daemon.watch.releases) == {"a"}


@with_office()
async def test_a_release_that_its_calendar_names_within_fifteen_minutes_is_not_unannounced(office: Office) -> None:
    publish_page(office, first_published="2026-11-16T11:58:00Z")
    unannounced_of(office).consider_in_background("example-office", Found(PAGE_URL, TITLE, "listed"))
    announced = f"surprise,Example renamed,example-office,{PAGE_URL},2026-11-16,12:00,confirmed"
    await office.read(csv(announced), after=10)  # in minutes
    await office.clock.sleep(20 * 60)
    assert set(office.daemon.watch.releases) == {"surprise"}


@with_office()
async def test_a_feeds_new_edition_of_a_known_series_becomes_a_watched_release(office: Office) -> None:
    url = "https://stats.example/awareness-november"
    office.pages[url] = Reply(200, b"<html><title>Example awareness: November 2026</title></html>")
    await office.read(csv(row("a", title="Example awareness: October 2026")))
    found = Found(url, "Example awareness: November 2026", "listed", {"published": "Mon, 16 Nov 2026 11:58:00 GMT"})
    await consider_entry(office, found)
    (new,) = set(office.daemon.watch.releases) - {"a"}
    assert office.daemon.watch.releases[new].release.url == url


def a_sighting(target: Target, *found: Found, state: State = State.PRESENT) -> Sighting:
    return Sighting(target.id, state, START, START, START, START, found=found)


def test_entries_of_the_first_look_at_a_listing_are_new_only_if_they_are_dated_after_the_start() -> None:
    reported: list[str] = []
    producer = Producer("example-office", newest=["https://stats.example/new"])
    wires = Tripwires(
        FakePoller(),
        [producer],
        near_releases=lambda _producer: [],
        on_unmatched=lambda _producer, found: reported.append(found.url),
    )
    wires.start(datetime(2026, 11, 16, 11, tzinfo=UTC))
    (target,) = wires.targets()
    wires.see(target, a_sighting(target, state=State.UNKNOWN))  # it shows no entries, so the next look is the first
    undated, undated_later = Found("undated", "a", "listed"), Found("undated, later", "b", "listed")
    dated = Found("dated", "c", "listed", {"published": "Mon, 16 Nov 2026 11:58:00 GMT"})
    wires.see(target, a_sighting(target, undated, dated))
    assert reported == ["dated"]
    # From the second look on, each entry that was not there before is new.
    wires.see(target, a_sighting(target, undated, undated_later, dated))
    assert reported == ["dated", "undated, later"]
