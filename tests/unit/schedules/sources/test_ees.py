from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from schedules.read_changes import EarlierReads, LastSeen, compare_read
from schedules.slot import Precision
from schedules.source import Page
from schedules.sources.ees import EesSource, partial_slot, read_version
from tests.unit.schedules.sources.conftest import NOW, Parse
from tests.worlds.calendars import calendar_settings


def publication(**more: object) -> bytes:
    data = {
        "slug": "attendance",
        "title": "Pupil attendance",
        "contact": {"teamEmail": "team@example.org"},
        "latestRelease": {"slug": "2025-26-autumn"},
        "nextReleaseDate": {"year": 2027, "month": 3, "day": None},
    }
    return json.dumps(data | more).encode()


def test_next_release_gets_month_as_slot_and_latest_release_in_key(parse: Parse) -> None:
    """The latest release is 2025-26-autumn, and the next one is due in March 2027, without a
    day.
    """
    announcement = parse("ees", publication()).announcements[0]
    assert (announcement.slot.precision, str(announcement.slot.first)) == (
        Precision.MONTH,
        "2027-03-01",
    )
    assert announcement.uid == "attendance/after/2025-26-autumn"
    assert (
        announcement.url
        == "https://explore-education-statistics.service.gov.uk/find-statistics/attendance"
    )


def test_producer_is_the_department_unless_another_is_configured(parse: Parse) -> None:
    (usual,) = parse("ees", publication()).announcements
    (configured,) = parse("ees", publication(), producer="ofsted").announcements
    assert (usual.producer, configured.producer) == ("department-for-education", "ofsted")


def test_next_release_is_recognised_by_a_new_latest_release(parse: Parse) -> None:
    """The latest release is 2025-26-autumn. The next one has no address yet. So the publication's
    data are watched until they name another latest release.
    """
    (page,) = parse("ees", publication()).announcements[0].parts
    assert page.url.endswith("/api/publications/attendance")
    assert page.recognise == "ees-after:2025-26-autumn"


@pytest.mark.parametrize(
    ("partial", "precision", "first", "last"),
    [
        ({"year": 2027, "month": 3, "day": 18}, Precision.DAY, "2027-03-18", "2027-03-18"),
        ({"year": "2027", "month": "3", "day": ""}, Precision.MONTH, "2027-03-01", "2027-03-31"),
        ({"year": 2027}, Precision.YEAR, "2027-01-01", "2027-12-31"),
    ],
)
def test_partial_dates_keep_their_precision(
    partial: dict[str, object], precision: Precision, first: str, last: str
) -> None:
    """The day or the month may be missing.

    For example, year 2027 and month 3 give the whole of March 2027.
    """
    slot = partial_slot(partial, "Europe/London")
    assert (slot.precision, str(slot.first), str(slot.last)) == (precision, first, last)


@pytest.mark.parametrize(
    "partial",
    [
        {"year": 2027, "month": 2, "day": 30},
        {"year": 9999},
        {"year": 10**30, "month": 2, "day": 3},
        {},
        {"year": "x"},
        {"month": 13},
        {"year": [2027], "month": 2},
    ],
)
def test_an_impossible_partial_date_gives_no_slot(partial: dict[str, object]) -> None:
    assert partial_slot(partial, "Europe/London").reason == "impossible"


@pytest.mark.parametrize(
    "more", [{"nextReleaseDate": None}, {"supersededByPublication": {"slug": "new"}}]
)
def test_a_publication_without_a_next_release_announces_nothing(
    parse: Parse, more: dict[str, object]
) -> None:
    assert parse("ees", publication(**more)).announcements == ()


def test_named_publications_are_requested_without_the_list() -> None:
    source = EesSource(
        calendar_settings("ees", filters={"publications": ["attendance", "exclusions"]})
    )
    assert [ask.url.rpartition("/")[2] for ask in source.first(NOW)] == ["attendance", "exclusions"]


def test_each_publication_of_the_list_is_requested_once() -> None:
    """The source first reads the list, then each of its publications, then nothing more."""
    source = EesSource(calendar_settings("ees"))
    listed = Page(
        source.first(NOW)[0].url,
        200,
        b'[{"slug": "attendance", "lastModified": null}, {"slug": "b"}]',
    )
    requests = source.more([listed], NOW)
    assert [request.url.rpartition("/")[2] for request in requests] == ["attendance", "b"]
    responses = [Page(requests[0].url, 200, publication()), Page(requests[1].url, 404, b"")]
    assert source.more([listed, *responses], NOW) == ()


def test_publication_answering_404_is_noted_and_others_are_read() -> None:
    source = EesSource(
        calendar_settings("ees", filters={"publications": ["attendance", "deleted"]})
    )
    request_of_attendance, request_of_deleted = source.first(NOW)
    responses = [
        Page(request_of_attendance.url, 200, publication()),
        Page(request_of_deleted.url, 404, b""),
    ]
    reading = source.read(responses, NOW)
    assert [announcement.title for announcement in reading.announcements] == ["Pupil attendance"]
    assert "answers 404" in reading.notes[0]


@pytest.mark.parametrize(("status", "is_unread"), [(None, True), (503, True), (404, False)])
def test_publication_that_fails_is_unread_and_not_missing(
    status: int | None, *, is_unread: bool
) -> None:
    """The first read shows attendance and exclusions. At the second one, attendance answers with
    `status`, such as 503, or not at all (None). So it is unread, and not missing. Only 404 means
    that it was deleted.
    """
    source = EesSource(
        calendar_settings("ees", filters={"publications": ["attendance", "exclusions"]})
    )
    attendance, exclusions = (request.url for request in source.first(NOW))
    page_of_exclusions = Page(exclusions, 200, publication(slug="exclusions"))
    first = source.read([Page(attendance, 200, publication()), page_of_exclusions], NOW)
    failed_pages = [] if status is None else [Page(attendance, status, b"")]
    second = source.read([page_of_exclusions, *failed_pages], NOW)
    assert second.unread == (("attendance/after/",) if is_unread else ())
    known = {announcement.uid: LastSeen.of(announcement) for announcement in first.announcements}
    earlier = EarlierReads(known, last_read=NOW - timedelta(hours=1))
    changes = compare_read(earlier, second, "ees", NOW, NOW)
    assert bool(changes.newly_missing) is not is_unread


def test_amended_version_has_time_of_last_update() -> None:
    published, amended = "2026-10-15T08:30:21.4402135+00:00", "2026-11-03T14:12:40.1182135+00:00"
    updated, update_count = read_version(
        {"published": published, "lastUpdated": amended, "updateCount": 2}
    )
    # The seventh decimal is cut.
    assert updated == datetime(2026, 11, 3, 14, 12, 40, 118213, tzinfo=UTC)
    assert update_count == 2
