"""The joined calendar as people subscribe to it, and read back by our own sources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event

from schedules.announcement import Part, Role, State
from schedules.dates.read import read_date
from schedules.dates.span import on_days
from schedules.export import (
    FORMATS,
    PromisedRelease,
    as_csv,
    as_ics,
    as_toml,
    list_promised,
    slot_text,
)
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot
from schedules.source import Page
from schedules.times.zone import LONDON, local
from tests.worlds.calendars import calendar_settings

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
URL = "https://stats.example/awareness"
SLOT = Slot(Precision.INSTANT, instant=datetime(2026, 7, 23, 8, 30, tzinfo=UTC))


def a_release(
    name: str = "awareness-2026", title: str = "Example awareness: 2026", url: str = URL
) -> Release:
    return Release(name, title, "example-office", url, (Part("page", Role.PAGE, url),), ("govuk",))


def an_entry(slot: Slot = SLOT, state: State | None = State.CONFIRMED) -> PromisedRelease:
    return PromisedRelease(a_release(), slot, state, NOW)


def promise_read(slot: Slot, *, days_ago: int, state: State | None = State.CONFIRMED) -> Promise:
    return Promise("awareness-2026", "govuk", slot, state, NOW - timedelta(days=days_ago))


def promised(*promises: Promise) -> list[PromisedRelease]:
    return list(list_promised([a_release()], {"awareness-2026": promises}, NOW))


def exported_event(entries: Iterable[PromisedRelease]) -> Event:
    (event,) = Calendar.from_ical(as_ics(entries)).walk("VEVENT")
    return event


TEXTS = [
    "2026-07-23",
    "July 2026",
    "Q3 2026",
    "Q1 2027",
    "Q4 2025",
    "Spring 2026",
    "Winter 2025/26",
    "2026",
    "2026/27",
    "30 June - 2 July 2026",
    "November to December 2026",
    "28 December 2026 - 3 January 2027",
]
spans = st.sampled_from(TEXTS).map(lambda text: read_date(text, NOW.date()).slot)
ranges = st.dates(date(2025, 1, 1), date(2027, 1, 1)).flatmap(
    lambda first: st.integers(0, 40).map(
        lambda days: on_days(first, first + timedelta(days=days), "", LONDON)
    )
)
# Midnight is what calendars write for a day without a time, and is read as one.
instants = (
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # made aware
    .map(lambda moment: Slot(Precision.INSTANT, instant=moment.replace(second=0, microsecond=0)))
    .filter(
        lambda slot: (
            slot.instant is not None
            and time() not in (slot.instant.time(), local(slot.instant).time())
        )
    )
)
titles = st.text("abcXYZ 0123,;:'\"\\é\u2013=+@-#", min_size=1, max_size=30).map(
    lambda text: " ".join(f"T {text}".split())
)
calendars = st.lists(
    st.tuples(titles, st.one_of(instants, spans, ranges), st.sampled_from([None, *State])),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(contents=calendars)
def test_a_written_calendar_is_read_back_as_it_was(
    kind: str, contents: list[tuple[str, Slot, State | None]]
) -> None:
    """Random releases are written as a calendar file of each kind. Read again, it has the same ids,
    titles, addresses, slots and states, with the exceptions below.
    """
    entries = [
        PromisedRelease(a_release(f"r{n}", title, f"{URL}/{n}"), slot, state, NOW)
        for n, (title, slot, state) in enumerate(contents)
    ]
    source = calendar_settings(kind, URL).make_source()
    write, _media_type = FORMATS[kind]
    reading = source.read(
        [Page(source.first(NOW)[0].url, 200, write(entries, "Europe/London"))], NOW
    )
    for entry, read in zip(entries, reading.announcements, strict=True):
        # Only iCalendar writes an id with this end.
        assert read.uid.removesuffix("@ninethirty") == entry.release.id
        assert (read.title, read.url) == (entry.release.title, entry.release.url)
        # iCalendar writes a month as an event of all its days, so only the begin and the end of a
        # slot are the same.
        assert (read.slot.begins(), read.slot.passes()) == (
            entry.slot.begins(),
            entry.slot.passes(),
        )
        assert (read.slot.instant is None) is (entry.slot.instant is None)
        # iCalendar has no status for postponed (RFC 5545). It writes tentative, which is read as
        # provisional.
        is_tentative = kind == "ics" and entry.state is State.POSTPONED
        assert read.state is (State.PROVISIONAL if is_tentative else entry.state)


@pytest.mark.parametrize("text", TEXTS)
def test_slot_without_time_is_written_and_read_back_the_same(text: str) -> None:
    """For example, the text that is written for July 2026 is read as July 2026 again."""
    slot = read_date(text, NOW.date()).slot
    date_text, _time = slot_text(slot)
    again = read_date(date_text, NOW.date()).slot
    assert again.is_same_time(slot)


def test_the_hour_that_occurs_twice_is_written_with_its_offset() -> None:
    """On 25 October 2026 the clock goes back from 02:00 BST to 01:00 GMT.

    So 01:30 occurs twice, first at 00:30 UTC.
    """
    slot = Slot(Precision.INSTANT, instant=datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert slot_text(slot) == ("2026-10-25T01:30:00+01:00", "")


def test_moved_release_keeps_its_uid_and_has_its_changes_counted() -> None:
    """The first promise is for 23 July (`SLOT`).

    The second one, 100 days later, is for 1 December: one change.
    """
    in_december = replace(SLOT, instant=datetime(2026, 12, 1, 9, 30, tzinfo=UTC))
    release = promised(promise_read(SLOT, days_ago=300), promise_read(in_december, days_ago=200))
    event = exported_event(release)
    assert (str(event["UID"]), event["DTSTART"].dt) == (
        "awareness-2026@ninethirty",
        in_december.instant,
    )
    number_of_changes = event["SEQUENCE"]
    assert number_of_changes == 1


def test_a_cancelled_release_stays_in_the_calendar_as_cancelled() -> None:
    cancelled = promise_read(SLOT, days_ago=200, state=State.CANCELLED)
    event = exported_event(promised(promise_read(SLOT, days_ago=300), cancelled))
    assert (str(event["STATUS"]), event["DTSTART"].dt) == ("CANCELLED", SLOT.instant)


def test_release_without_readable_time_or_promise_is_left_out() -> None:
    """The only promise of a release says "soon", which is no date. Then the release has no promise
    at all. In both cases the list of promised releases is empty.
    """
    unreadable = promise_read(Slot(Precision.NONE, raw="soon", reason="not-a-date"), days_ago=1)
    assert promised(unreadable) == []
    without_promises = promised()
    assert without_promises == []


def test_month_is_exported_as_event_of_all_its_days() -> None:
    """An event ends on the day after its last one."""
    july = read_date("July 2026", NOW.date()).slot
    event = exported_event([an_entry(july)])
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2026, 7, 1), date(2026, 8, 1))
    assert str(event["DESCRIPTION"]) == "No time was announced: July 2026"


def test_stamp_of_event_is_when_its_promise_was_read() -> None:
    promise = promise_read(SLOT, days_ago=200)
    assert exported_event(promised(promise))["DTSTAMP"].dt == promise.learnt


def test_a_title_that_begins_like_a_formula_is_escaped() -> None:
    """A spreadsheet would calculate a cell that begins with =.

    With a blank before it, it is a text.
    """
    entry = replace(an_entry(), release=a_release(title="=HYPERLINK(1)"))
    assert b", =HYPERLINK(1)," in as_csv([entry])


def test_parts_except_landing_page_are_read_back_from_toml() -> None:
    """The landing page is not written as a part, because it is the `url` of the release."""
    sheet = Part("sheet", Role.DATA, f"{URL}.ods", "status", required=False)
    (page,) = a_release().parts
    release = replace(a_release(), parts=(page, sheet))
    source = calendar_settings("toml", URL).make_source()
    file = as_toml([replace(an_entry(), release=release)])
    (read,) = source.read([Page(URL, 200, file)], NOW).announcements
    assert read.parts == (sheet,)
