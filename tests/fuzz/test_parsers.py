"""Each reader of foreign bytes returns a result or raises its own error for bytes that resemble its
input.

`make fuzz` tries each for longer with fresh seeds. Add failing inputs to the examples below.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.signed_link import read_token as read_link
from monitor.look.fetch import Answer
from monitor.look.interpret import Interpreter
from monitor.look.reading import read_body
from monitor.look.recognise.registry import PLAIN
from monitor.look.recognise.result import Context, Known, Recognised
from monitor.look.sandbox.tasks import PLACES, find_task, unpack
from monitor.plan.targets import Target, View
from monitor.web.users import read_people
from schedules.address import canonical_address, repair_address
from schedules.bounds import why_too_complex
from schedules.clean import clean_address, clean_text
from schedules.dates.read import read_date
from schedules.source import CalendarSource, Page, Reading, UnreadableCalendar
from schedules.sources.body import strip_personal
from schedules.sources.govuk_items import NotAContentItem, read_item
from schedules.sources.registry import KINDS
from schedules.titles import read_title, title_matches
from tests.contracts.test_calendar_source import BODIES
from tests.worlds.calendars import calendar_settings

pytestmark = pytest.mark.explored
NOW = datetime(2026, 11, 13, 12, tzinfo=UTC)
URL = "https://stats.example/calendar"
PIECES = [
    *(
        b"<table>",
        b"</td>",
        b"<a href=",
        b"<",
        b"&#x110000;",
        b"]]>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
        b"<?xml encoding='utf-7'?>",
    ),
    *(
        b'{"',
        b"[",
        b'":',
        b"null",
        b"1e999",
        b"\\ud800",
        b"NaN",
        b'"results"',
        b'"release_date"',
        b'"links"',
    ),
    *(
        b"BEGIN:VEVENT\r\n",
        b"END:VEVENT\r\n",
        b"RRULE:FREQ=SECONDLY\r\n",
        b"DTSTART;TZID=x:",
        b"20261301T996199Z\r\n",
        b"\r\n ",
    ),
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xae",
        b"\xf0\x9f\x92\xa9",
        b"\xed\xa0\x80",
        b",",
        b'"',
        b"\t",
        b"\n",
    ),
    *(
        b"2026-02-30",
        b"31 June 2026 24:61",
        b"Q5 2026",
        b"December 99999",
        b"9:30am",
        b"https://[",
        b"https://x:99999999/",
    ),
    *(
        b"[[release]]\n",
        b"slot = ",
        b"title = '''",
        b"=cmd|' /C calc'!A0",
        b"http://user:pw@host\\@evil/",
    ),
]
SAMPLES = [*BODIES.values(), b"<feed><entry><title>x</title><link href='/x'/></entry></feed>"]
RECOGNISERS = [
    *PLAIN,
    "announcement",
    "unlisted",
    "ees-after:trade",
    "text:Trade",
    "css:td > a",
    "jmespath:results[0].title",
    "link:trade",
    "feed:Trade",
]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw bytes that begin like a sample, and go on otherwise."""
    sample = draw(st.sampled_from(SAMPLES))
    begins, ends = sorted(draw(st.tuples(st.integers(0, len(sample)), st.integers(0, len(sample)))))
    noise = b"".join(draw(st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=8)))
    return sample[:begins] + noise * draw(st.sampled_from([1, 1, 1, 50])) + sample[ends:]


TEXTS = st.text(st.characters(), max_size=60) | st.lists(st.sampled_from(PIECES), max_size=6).map(
    lambda parts: b"".join(parts).decode("utf-8", "surrogateescape")
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@given(body=bodies(), status=st.sampled_from([200, 404]))
@example(
    body=b"<table>&#x110000;<feed><entry><title>x</title><link href='/x'/></entry></feed>",
    status=200,
)
@example(body=b"null", status=200)
@example(body=b"<table><tr><th>Title<th>Date<tr><td>td>December 2026</table>", status=200)
@example(body=b'[{"title": "Trade\\ud800", "date": "December 2026"}]', status=200)
def test_a_calendar_is_read_or_refused_in_its_own_words(
    kind: str, body: bytes, status: int
) -> None:
    source = calendar_settings(kind, URL).make_source()
    pages = [Page(source.first(NOW)[0].url, status, body)]
    reading = attempt(source, pages, body)
    if isinstance(reading, str):
        assert "\n" not in reading
        return
    for one in reading.announcements:
        told = json.dumps([one.uid, one.title, one.url, one.slot.raw], ensure_ascii=False)
        assert told.encode().isascii() or told.encode().decode() == told


@pytest.mark.slow
@pytest.mark.parametrize("name", RECOGNISERS)
@given(
    body=bodies(),
    kind=st.sampled_from(["text/html", "application/json", "application/xml", "", "x" * 300]),
)
def test_a_recogniser_answers_whatever_it_is_shown(name: str, body: bytes, kind: str) -> None:
    answer = Answer(f"{URL}?x=1", 200, {"content-type": kind}, body, NOW, NOW)
    seen = read_body(
        name, answer, Context(URL, "Trade: December 2026", known=Known(baseline="0" * 64))
    )
    assert isinstance(seen, Recognised)
    json.dumps([[one.url, one.title, one.facts] for one in seen.found], ensure_ascii=False).encode()


def attempt(source: CalendarSource, pages: list[Page], body: bytes) -> Reading | str:
    try:
        asks = source.more(pages, NOW)
        return source.read([*pages, *(Page(ask.url, 200, body) for ask in asks[:3])], NOW)
    except UnreadableCalendar as fault:
        return str(fault)


@given(body=bodies())
@example(body=b'{"\\ud800results": [{"title": "Trade"}], "contact": 1}')
def test_people_are_taken_out_of_anything(body: bytes) -> None:
    assert isinstance(strip_personal(body), bytes)


@given(text=TEXTS, other=TEXTS)
@example(text="https://www.gov.uk@evil.example/", other="\ud800")
def test_words_dates_titles_and_addresses_are_read_or_left(text: str, other: str) -> None:
    clean_text(text).encode()
    clean_address(text).encode()
    read_date(text, date(2026, 11, 13))
    read_title(text)
    title_matches(text, other)
    assert canonical_address(repair_address(text)) == canonical_address(
        canonical_address(text)
    ) or not canonical_address(canonical_address(text))


@given(text=TEXTS)
def test_links_and_lines_of_people_that_are_none_are_refused(text: str) -> None:
    assert read_link(text, b"a key", NOW) is None
    people, faults = read_people(text, "users")
    assert not people
    assert all(str(fault) for fault in faults)


HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "date",
            "age",
            "location",
            "retry-after",
            "cache-control",
            "content-type",
            "etag",
            "content-length",
        ]
    ),
    TEXTS
    | st.sampled_from(
        ["Thu, 26 Nov 2026 12:00:00 GMT", "-1", "9" * 400, "max-age=1, stale-if-error=9", "//[::1"]
    ),
)


@given(headers=HEADERS, status=st.sampled_from([200, 301, 304, 404, 410, 503]), body=bodies())
@example(headers={"date": "Thu, 26 Nov 2026 12:00:00 -" + "9" * 500}, status=200, body=b"")
@example(headers={"location": "https://www.gov.uk@evil.example/"}, status=302, body=b"x")
def test_the_head_of_an_answer_is_read_or_left(
    headers: dict[str, str], status: int, body: bytes
) -> None:
    target = Target("r/page/edge", "r", "page", View.EDGE, URL, "stats.example", "govuk", "Trade")
    seen = Interpreter().interpret_now(target, Answer(URL, status, headers, body, NOW, NOW))
    assert seen.why.encode() is not None
    assert seen.proved_from <= seen.proved_to


@given(body=bodies())
@example(body=b'{"details": {"documents": ["<a href=\\"x\\">"]}}')
def test_an_item_of_the_content_api_is_read_or_refused(body: bytes) -> None:
    with suppress(NotAContentItem):
        read_item(body)


@given(body=bodies(), task=st.sampled_from([*PLACES]))
def test_reply_of_a_worker_is_read_or_refused(body: bytes, task: str) -> None:
    for line in (body, b'{"ending": "done", "result": %s}' % body):
        with suppress(ValueError):
            unpack(find_task(task).reply, line)


@given(body=bodies(), more=st.text(st.sampled_from('[]{}"\\<>=/ a'), max_size=400))
def test_how_rich_bytes_are_is_told_of_any(body: bytes, more: str) -> None:
    assert isinstance(why_too_complex(body), str)
    assert isinstance(why_too_complex(more.encode()), str)
