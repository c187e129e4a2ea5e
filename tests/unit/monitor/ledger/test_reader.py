"""One read of a calendar: what is requested, what is read in the answers, and the reason if there
are none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.clock import VirtualClock
from monitor.ledger.pages import LARGEST_ANSWER, CalendarPages
from monitor.ledger.reader import CalendarReader, Outcome
from monitor.look.fetch import Answer, Reason, Request
from monitor.rehearse.virtual_loop import run_virtually
from schedules.source import PageRequest
from tests.worlds.calendars import calendar_settings
from tests.worlds.fetcher import Reply, ScriptedFetcher
from tests.worlds.workers import workers_here

URL = "https://calendar.example/releases.toml"
ENTRY = """[[release]]
id = "claims"
title = "Example claims"
producer = "example"
url = "https://stats.example/claims"
slot = 2018-01-05T09:30:00
"""
SHOWS_CLAIMS = Reply(200, ENTRY.encode())


def read_calendar(
    script: Mapping[str, Reply],
    times: int = 1,
    file: Path | None = None,
    after_each: Callable[[], None] = lambda: None,
) -> tuple[list[Outcome], list[Request]]:
    """Read a TOML calendar some times. Return the outcomes, and the requests that were made."""

    async def story(clock: VirtualClock) -> tuple[list[Outcome], list[Request]]:
        fetcher = ScriptedFetcher(clock, script)
        pages = CalendarPages(fetcher.fetch, workers_here())
        reader = CalendarReader("own", calendar_settings("toml", URL), pages, clock, file)
        outcomes = []
        for _ in range(times):
            outcomes.append(await reader.read())
            after_each()
        return outcomes, fetcher.asked

    return run_virtually(story)


def test_read_makes_one_request_and_returns_entries() -> None:
    """A read of a calendar makes one request.

    It returns the only entry, "Example claims", and no fault.
    """
    (outcome,), requests = read_calendar({URL: SHOWS_CLAIMS})
    assert (outcome.read.usable, outcome.read.entries, outcome.read.fault) == (True, 1, "")
    (announcement,) = outcome.reading.announcements
    assert announcement.title == "Example claims"
    assert [request.url for request in requests] == [URL]


def test_unchanged_calendar_is_requested_by_etag_and_parsed_once() -> None:
    """A calendar is read three times and never changes. Its first answer has the ETag "a", which
    names this version. The next two requests send the ETag back. The answers to them say that the
    calendar is still this version. So it is parsed only once: the second and third read return the
    entries of the first.
    """
    outcomes, requests = read_calendar({URL: Reply(200, ENTRY.encode(), etag='"a"')}, times=3)
    assert [request.etag for request in requests] == [None, '"a"', '"a"']
    # A second parsing would make another object.
    assert all(outcome.reading is outcomes[0].reading for outcome in outcomes)
    assert {outcome.read.digest for outcome in outcomes} == {outcomes[0].read.digest}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(fails=Reason.TIMEOUT), "timeout"),
        (Reply(fails=Reason.RESET), "reset"),
        (Reply(503), "answered 503"),
        (Reply(429), "answered 429"),
        (Reply(404), URL),
        (Reply(200, b"x" * (LARGEST_ANSWER + 1)), "too_large"),
        (Reply(200, b"<html>We are sorry</html>"), URL.rpartition("/")[2]),
        (Reply(200, b"\x00\x01\xfe"), ""),
        (Reply(200, ENTRY.encode(), {"Fastly-Backend-Name": "mirrorS3"}), "answered by a mirror"),
        (
            Reply(200, ENTRY.encode(), {"Age": "61200", "Cache-Control": "max-age=300"}),
            "answered with a stale copy",
        ),
        (
            Reply(200, ENTRY.encode(), {"X-Amzn-Waf-Action": "challenge"}),
            "answered with a challenge",
        ),
        (
            Reply(200, b"<title>Sign in</title>", {"Content-Type": "text/html"}),
            "answered with a challenge",
        ),
        (
            Reply(200, b"<form><input type='password'>", {"Content-Type": "text/html"}),
            "with a sign-in page",
        ),
    ],
    ids=[
        *("timeout", "reset", "503", "429", "404", "large", "html", "bytes"),
        *("mirror", "stale", "firewall", "challenge", "sign-in"),
    ],
)
def test_failed_read_has_a_reason_and_no_reading(reply: Reply, reason: str) -> None:
    """A read of a calendar fails, for example with a 503 or a sign-in page. So it is not usable and
    has no entries. Its fault contains the reason, such as "answered 503", or any words if `reason`
    is empty.
    """
    (outcome,), _ = read_calendar({URL: reply})
    assert (outcome.read.usable, outcome.reading) == (False, None)
    assert outcome.read.fault
    assert reason in outcome.read.fault
    assert "\n" not in outcome.read.fault


class EvidenceNotes:
    """Evidence that only notes the address, target and kind of each answer it was given."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, str]] = []

    def keep_changed(self, answer: Answer, target: str, kind: str) -> str:
        self.kept.append((answer.url, target, kind))
        return "record"


def test_first_page_is_evidence_if_the_second_fails() -> None:
    """A calendar has two pages. The first page is answered, the second fails with 503. So the read
    is not usable. The first page is kept as evidence all the same, and the read has the id of its
    record.
    """

    async def read_two_pages(clock: VirtualClock) -> None:
        first = Reply(200, b"[]", {"X-WP-TotalPages": "2"})
        script = {URL: first, f"{URL}?page=2": Reply(503)}
        evidence = EvidenceNotes()  # gives each record the id "record"
        pages = CalendarPages(ScriptedFetcher(clock, script).fetch, workers_here())
        settings = calendar_settings("json", URL, options={"pages": "page"})
        reader = CalendarReader("own", settings, pages, clock, evidence=evidence)
        outcome = await reader.read()
        assert (outcome.read.usable, outcome.read.evidence) == (False, "record")
        assert evidence.kept == [(URL, "~calendar/own", "calendar")]

    run_virtually(read_two_pages)


def test_cached_copy_shows_calendar_as_of_its_making() -> None:
    """A read gets a copy that a cache made 120 s before: the header `Age` says so. So the read
    shows the calendar of then, not of now. `Age` and the `Date` from which it counts have whole
    seconds. So the copy may be up to 2 s older or 1 s younger. These are the two ends of the time
    that the read shows, `as_of` and `finished`.
    """
    copy_of_120_seconds = Reply(200, ENTRY.encode(), {"Age": "120", "Cache-Control": "max-age=300"})
    (outcome,), _ = read_calendar({URL: copy_of_120_seconds})
    copied_at = outcome.read.started - timedelta(seconds=120)
    assert outcome.as_of == copied_at - timedelta(seconds=2)
    assert outcome.read.finished == copied_at + timedelta(seconds=1)


def test_old_copy_of_one_announcement_does_not_date_whole_read() -> None:
    """GOV.UK lists a cancelled announcement. So a read requests the listing, and then the page of
    the announcement. The listing is answered new. The page is answered from a cache, with a 404
    that is 290 s old. This old answer about one announcement does not make the whole read old. The
    read shows the calendar as of its start.
    """
    site, path = "https://www.gov.uk", "/government/statistics/announcements/claims"
    cancelled = {"title": "Claims", "link": path, "display_date": "5 January 2018 9:30am"}
    listing = {"total": 1, "results": [cancelled | {"statistics_announcement_state": "cancelled"}]}
    new_404, old_404 = (
        Reply(404),
        Reply(404, headers={"Age": "290", "Cache-Control": "max-age=300"}),
    )

    def reply(request: Request) -> Reply:
        if "/api/search.json" in request.url:
            return Reply(200, json.dumps(listing).encode())
        return new_404 if request.bust else old_404  # `bust`: the request bypasses caches

    async def read_once(clock: VirtualClock) -> None:
        pages = CalendarPages(ScriptedFetcher(clock, reply).fetch, workers_here())
        reader = CalendarReader("own", calendar_settings("govuk", site), pages, clock)
        outcome = await reader.read()
        assert outcome.as_of == outcome.read.started

    run_virtually(read_once)


def test_304_answer_shows_calendar_as_of_the_304() -> None:
    """A calendar is read twice. The second answer is a 304: the calendar has not changed. Each
    answer takes a second to come, and is then 100 s old by its header `Age`. So the 304 shows the
    calendar as of 100 s before it came. That is a second later than what the first answer shows.
    """
    reply = Reply(200, ENTRY.encode(), {"Age": "100"}, etag='"a"', seconds=1)
    (first, not_modified), _ = read_calendar({URL: reply}, times=2)
    assert not_modified.as_of == first.as_of + timedelta(seconds=1)


def test_calendar_in_a_file_is_read_without_requests(tmp_path: Path) -> None:
    """A calendar is a local file. It is read, then deleted, and read again. The first read is
    usable. The second is not, and says that the file cannot be read. Neither makes a request.
    """
    file = tmp_path / "releases.toml"
    file.write_text(ENTRY)

    def delete_file() -> None:
        file.unlink(missing_ok=True)

    no_answers: dict[str, Reply] = {}
    (with_file, without_file), requests = read_calendar(
        no_answers, times=2, file=file, after_each=delete_file
    )
    assert with_file.read.usable
    assert not without_file.read.usable
    assert without_file.read.fault == "releases.toml: cannot be read: No such file or directory"
    assert requests == []


def test_pages_of_a_calendar_that_names_people_are_read_and_kept_without_them() -> None:
    """The second answer is equal to the first, so what was left of that is used again."""
    named = Reply(200, b'{"title": "Claims", "contact": {"name": "Jo"}}')

    async def fetch_twice(clock: VirtualClock) -> None:
        fetcher = ScriptedFetcher(clock, {URL: named})
        pages = CalendarPages(fetcher.fetch, workers_here(), strip=True)
        for _ in range(2):
            fetched = await pages.fetch(PageRequest(URL))
            assert fetched is not None
            assert fetched.page.body == fetched.answer.body == b'{"title":"Claims"}'

    run_virtually(fetch_twice)
