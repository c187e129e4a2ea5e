"""The contract of every calendar source."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from schedules.source import CalendarSource, Page, UnreadableCalendar
from schedules.sources.registry import KINDS
from tests.worlds.calendars import calendar_settings

NOW = datetime(2026, 11, 13, 12, tzinfo=UTC)
URL = "https://stats.example/calendar"

_LISTED = {
    "title": "Trade",
    "link": "/government/statistics/announcements/trade",
    "display_date": "December 2026",
}
_RELEASE = {"title": "Trade", "release_date": "2026-12-01T09:30:00.000Z", "finalised": True}
_NEXT = {
    "slug": "trade",
    "title": "Trade",
    "nextReleaseDate": {"year": 2026, "month": 12},
    "latestRelease": None,
}

BODIES: dict[str, bytes] = {
    "toml": b'[[release]]\ntitle = "Trade"\nslot = "December 2026"\n',
    "csv": b"title,date\nTrade,December 2026\n",
    "govuk": json.dumps({"results": [_LISTED], "total": 1}).encode(),
    "ons": json.dumps({"releases": [{"uri": "/releases/trade", "description": _RELEASE}]}).encode(),
    "ees": json.dumps(_NEXT).encode(),
    "ics": (
        b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nSUMMARY:Trade\nDTSTART:20261201\nEND:VEVENT\nEND:VCALENDAR"
    ),
    "feed": (
        b"<rss version='2'><channel><item><title>Trade</title><pubDate>July"
        b" 2027</pubDate></item></channel></rss>"
    ),
    "html": b"<table><tr><th>Title<th>Date<tr><td>Trade<td>December 2026</table>",
    "json": b'[{"title": "Trade", "date": "December 2026"}]',
}
EMPTY = {
    BODIES["govuk"]: b'{"results": [], "total": 0}',
    BODIES["ons"]: b'{"releases": []}',
}


@dataclass(frozen=True)
class Case:
    source: CalendarSource
    body: bytes


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest) -> Case:
    kind = request.param
    return Case(calendar_settings(kind, URL).make_source(), BODIES[kind])


def pages(case: Case, status: int = 200, body: bytes | None = None) -> list[Page]:
    return [Page(case.source.first(NOW)[0].url, status, case.body if body is None else body)]


def test_a_read_begins_with_something_to_ask_for(case: Case) -> None:
    asks = case.source.first(NOW)
    assert asks
    assert all(ask.url for ask in asks)


def test_a_read_comes_to_its_end(case: Case) -> None:
    answered = pages(case)
    for _ in range(5):
        asks = case.source.more(answered, NOW)
        answered += [Page(ask.url, 404, b"") for ask in asks]
    assert not case.source.more(answered, NOW)


def test_a_read_comes_to_its_end_though_nothing_more_is_answered(case: Case) -> None:
    answered = pages(case)
    case.source.read(answered, NOW)  # so that there is something to look up
    answered = [Page(case.source.first(NOW)[0].url, 200, EMPTY.get(case.body, case.body))]
    asked = [list(case.source.more(answered, NOW)) for _ in range(5)]
    assert not asked[-1]


def test_a_sole_page_is_the_answer_whatever_its_name(case: Case) -> None:
    assert case.source.read([Page("own.saved", 200, case.body)], NOW).announcements


def test_the_same_answers_give_the_same_reading(case: Case) -> None:
    first = case.source.read(pages(case), NOW)
    assert [each.title for each in first.announcements] == ["Trade"]
    assert case.source.read(pages(case), NOW) == first


def test_an_entry_keeps_its_key_from_read_to_read(case: Case) -> None:
    later = NOW + timedelta(hours=1)
    again = [Page(case.source.first(later)[0].url, 200, case.body)]
    assert (
        case.source.read(again, later).announcements[0].uid
        == case.source.read(pages(case), NOW).announcements[0].uid
    )


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_an_answer_that_failed_is_unreadable_in_one_line(case: Case, status: int) -> None:
    with pytest.raises(UnreadableCalendar) as fault:
        case.source.read(pages(case, status), NOW)
    assert "\n" not in str(fault.value)


def test_no_answer_is_unreadable(case: Case) -> None:
    with pytest.raises(UnreadableCalendar):
        case.source.read([], NOW)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [b"", b"<!DOCTYPE html><title>Sign in</title>", b"\0\0\0", None])
def test_bytes_that_are_no_calendar_are_unreadable_in_one_line(
    kind: str, cut: bytes | None
) -> None:
    case = Case(calendar_settings(kind, URL).make_source(), BODIES[kind])
    with pytest.raises(UnreadableCalendar) as fault:
        case.source.read(pages(case, body=case.body[:7] if cut is None else cut), NOW)
    assert "\n" not in str(fault.value)
