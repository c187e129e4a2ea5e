from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from schedules.announcement import State
from schedules.slot import Precision
from schedules.source import Page, Reading
from schedules.sources.body import strip_personal
from schedules.sources.ons import OnsSource
from tests.unit.schedules.sources.conftest import NOW, Parse
from tests.worlds.calendars import calendar_settings


def a_listed_release(
    slug: str = "gdp", when: str = "2026-12-09T07:00:00.000Z", **about: object
) -> dict[str, Any]:
    changes = about.pop("date_changes", None)
    described = {
        "title": f"Example {slug}",
        "release_date": when,
        "finalised": True,
        "postponed": True,
    } | about
    return {"uri": f"/releases/{slug}", "date_changes": changes, "description": described}


def search_result(*releases: dict[str, Any]) -> bytes:
    return json.dumps(
        {"took": 1, "breakdown": {"total": len(releases)}, "releases": releases or None}
    ).encode()


def only_announcement(parse: Parse, entry: dict[str, Any]) -> Any:  # noqa: ANN401  # one announcement
    return parse("ons", search_result(entry)).announcements[0]


@pytest.mark.parametrize(
    "when", ["2026-12-09T07:00:00.000Z", "2027-07-22T08:30:00.000Z"], ids=["in winter", "in summer"]
)
def test_a_final_release_has_its_instant(parse: Parse, when: str) -> None:
    announcement = only_announcement(parse, a_listed_release("gdp", when=when, finalised=True))
    assert announcement.slot.instant == datetime.fromisoformat(when)
    assert (announcement.state, announcement.url) == (
        State.CONFIRMED,
        "https://www.ons.gov.uk/releases/gdp",
    )


def test_changed_date_keeps_earlier_slot_and_is_not_postponed(parse: Parse) -> None:
    """The date was changed twice. The last change gives the earlier slot and the reason."""
    changes = [
        {"previous_date": "2026-12-02T07:00:00.000Z", "change_notice": "first"},
        {"previous_date": "2026-12-16T07:00:00.000Z", "change_notice": "Brought forward."},
    ]
    # The ONS sets `postponed` at every change of a date.
    announcement = only_announcement(parse, a_listed_release(date_changes=changes, postponed=True))
    assert announcement.state is State.CONFIRMED
    assert announcement.previous.instant == datetime(2026, 12, 16, 7, tzinfo=UTC)
    assert announcement.why == "Brought forward."


def test_an_earlier_date_without_a_time_is_a_day(parse: Parse) -> None:
    changes = [{"previous_date": "2018-06-01", "change_notice": ""}]
    announcement = only_announcement(parse, a_listed_release(date_changes=changes))
    assert announcement.previous.precision is Precision.DAY


@pytest.mark.parametrize(
    ("text", "precision", "first", "last"),
    [
        ("January to February 2027", Precision.RANGE, "2027-01-01", "2027-02-28"),
        ("April 2027", Precision.MONTH, "2027-04-01", "2027-04-30"),
        ("", Precision.DAY, "2027-04-29", "2027-04-29"),
        ("soon", Precision.DAY, "2027-04-29", "2027-04-29"),
    ],
)
def test_a_provisional_release_never_has_an_instant(
    parse: Parse, text: str, precision: Precision, first: str, last: str
) -> None:
    """The release is not final, so of its `release_date` only the day counts, 29 April. If it also
    has a readable `provisional_date`, such as “April 2027”, that is the slot instead.
    """
    release = a_listed_release(
        when="2027-04-29T08:30:00.000Z", finalised=False, provisional_date=text
    )
    announcement = only_announcement(parse, release)
    slot = announcement.slot
    assert (slot.precision, str(slot.first), str(slot.last)) == (precision, first, last)
    assert announcement.state is State.PROVISIONAL


def test_midnight_in_london_is_a_placeholder_for_the_day(parse: Parse) -> None:
    """In summer, 23:00 UTC on 30 June is 00:00 on 1 July in London."""
    announcement = only_announcement(parse, a_listed_release(when="2027-06-30T23:00:00.000Z"))
    assert (announcement.slot.precision, str(announcement.slot.first)) == (
        Precision.DAY,
        "2027-07-01",
    )


def test_a_release_both_published_and_cancelled_is_cancelled(parse: Parse) -> None:
    announcement = only_announcement(parse, a_listed_release(published=True, cancelled=True))
    assert (announcement.state, announcement.published) == (State.CANCELLED, False)


def test_a_cancellation_notice_of_a_release_that_is_not_cancelled_is_a_doubt(parse: Parse) -> None:
    entry = a_listed_release(cancellation_notice=["Not enough data."])
    announcement = only_announcement(parse, entry)
    assert (announcement.doubt, announcement.status) == ("status", "Not enough data.")


def test_moved_page_is_watched_once_at_its_new_address(parse: Parse) -> None:
    """The page moved to /bulletins/gdp, which the ONS gives twice: as `migration_link` and among
    the related documents. It is watched once, as an alternative address. The other document is
    watched as a part.
    """
    data = a_listed_release(published=True, migration_link="/economy/bulletins/gdp")
    data["related_documents"] = [
        {"uri": "/economy/bulletins/gdp"},
        {"uri": "/economy/articles/gdp"},
    ]
    parts = parse("ons", json.dumps(data).encode()).announcements[0].parts
    assert [(part.role.value, part.url, part.required) for part in parts] == [
        ("alternative", "https://www.ons.gov.uk/economy/bulletins/gdp", False),
        ("html", "https://www.ons.gov.uk/economy/articles/gdp", False),
    ]


def test_the_older_spelling_of_fields_is_accepted(parse: Parse) -> None:
    """Older answers of the ONS spell `releaseDate`. Newer ones have `release_date`."""
    about = {"title": "Old", "releaseDate": "2026-12-03T09:30:00.000Z", "finalised": True}
    changes = [{"previousDate": "2026-11-26T09:30:00.000Z", "changeNotice": "Moved."}]
    body = json.dumps(
        {"uri": "/releases/old", "description": about, "dateChanges": changes}
    ).encode()
    announcement = parse("ons", body).announcements[0]
    assert announcement.slot.instant == datetime(2026, 12, 3, 9, 30, tzinfo=UTC)
    assert announcement.previous.instant == datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
    assert announcement.why == "Moved."


@pytest.mark.parametrize("body", [b'{"releases": null}', b'{"releases": []}'])
def test_a_list_without_releases_is_no_fault(parse: Parse, body: bytes) -> None:
    assert parse("ons", body).announcements == ()


DUE_TODAY = a_listed_release("gdp", when="2026-11-13T09:30:00.000Z")


def look_up_unlisted_release(status: int, body: bytes, **headers: str) -> Reading:
    """Read a calendar that listed DUE_TODAY and no longer does, with this answer to the look-up of
    that release.
    """
    source = OnsSource(calendar_settings("ons"))
    upcoming, cancelled = source.first(NOW)
    empty = search_result()
    source.read(
        [Page(upcoming.url, 200, search_result(DUE_TODAY)), Page(cancelled.url, 200, empty)], NOW
    )
    lists = [Page(request.url, 200, empty) for request in source.first(NOW)]
    (look_up,) = source.more(lists, NOW)
    assert look_up.url == "https://www.ons.gov.uk/releases/gdp/data"
    return source.read([*lists, Page(look_up.url, status, body, headers)], NOW)


def test_late_release_no_longer_listed_is_still_announced() -> None:
    """The ONS lists only releases that are still to come, so one that is late leaves the list."""
    (late,) = look_up_unlisted_release(200, json.dumps(DUE_TODAY).encode()).announcements
    assert (late.uid, late.published) == ("/releases/gdp", False)


@pytest.mark.parametrize(
    ("status", "body", "headers", "note"),
    [
        (404, b"", {"sunset": "Sat, 1 Jan 2028 00:00:00 GMT"}, "retired"),
        (200, b"", {}, "retired"),
        (404, b"<html>", {}, "answers 404"),
    ],
)
def test_retired_or_missing_api_address_cancels_nothing_and_is_noted(
    status: int, body: bytes, headers: dict[str, str], note: str
) -> None:
    """The release has left the list. The request for its own data fails, for example with 404, or
    with the empty answer of an address that the ONS has retired.
    """
    reading = look_up_unlisted_release(status, body, **headers)
    assert reading.announcements == ()
    assert note in reading.notes[0]


def test_the_ons_list_drops_overdue_entries(parse: Parse) -> None:
    """So an entry that leaves the list after its slot does not count as removed."""
    assert not parse("ons", search_result(a_listed_release())).lists_overdue


def test_lists_longer_than_a_page_are_read_to_their_end() -> None:
    source = OnsSource(calendar_settings("ons"))
    body = json.dumps({"breakdown": {"total": 2500}, "releases": [a_listed_release()]}).encode()
    upcoming, cancelled = source.first(NOW)
    first = Page(upcoming.url, 200, body)
    # A page has 1000 entries. The list of cancelled releases has no answer here and is not
    # continued.
    further = source.more([first], NOW)
    offsets = [
        parse_qs(urlsplit(request.url).query)["offset"]
        for request in (upcoming, cancelled, *further)
    ]
    assert offsets == [["0"], ["0"], ["1000"], ["2000"]]
    assert source.more([first, *(Page(request.url, 200, body) for request in further)], NOW) == []


def test_list_with_short_pages_is_read_to_its_end() -> None:
    """With the option `count`, a page has 100 entries. The list has 250. So after the first page,
    the pages that begin with entries 100 and 200 are requested.
    """
    source = OnsSource(calendar_settings("ons", options={"count": "100"}))
    upcoming, _cancelled = source.first(NOW)
    first_page = Page(
        upcoming.url, 200, json.dumps({"breakdown": {"total": 250}, "releases": []}).encode()
    )
    further = source.more([first_page], NOW)
    assert [parse_qs(urlsplit(request.url).query)["offset"] for request in further] == [
        ["100"],
        ["200"],
    ]


def test_personal_data_is_removed_from_json_only() -> None:
    """`contact` and `highlight` are two of the keys that count as personal.

    An HTML page stays as it is.
    """
    body = json.dumps(
        {"description": {"contact": {"name": "Jo"}, "title": "x"}, "highlight": {}}
    ).encode()
    assert strip_personal(body) == b'{"description":{"title":"x"}}'
    assert strip_personal(b"<html>") == b"<html>"
