from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from schedules.announcement import State
from schedules.slot import Precision
from schedules.source import Page, PageRequest, Reading, UnreadableCalendar
from schedules.sources.govuk import GovukSource
from tests.unit.schedules.sources.conftest import NOW, Parse
from tests.worlds.calendars import calendar_settings

HOME = "/government/statistics/announcements/"


def a_listed_result(
    slug: str = "claims", when: str = "26 November 2026 9:30am", **more: object
) -> dict[str, Any]:
    return {
        "title": f"Example {slug}",
        "link": f"{HOME}{slug}",
        "display_date": when,
        "statistics_announcement_state": "confirmed",
        "organisations": [{"slug": "department-for-example", "title": "Department for Example"}],
        **more,
    }


def listing(*results: dict[str, Any], total: int | None = None) -> bytes:
    return json.dumps(
        {"results": results, "total": len(results) if total is None else total, "start": 0}
    ).encode()


def announcement_page(
    slug: str = "claims", schema: str = "statistics_announcement", **more: object
) -> bytes:
    details = {"display_date": "26 November 2026 9:30am", "state": "confirmed"} | more.pop(
        "details", {}
    )
    data = {
        "schema_name": schema,
        "base_path": f"{HOME}{slug}",
        "title": f"Example {slug}",
        "details": details,
    }
    links = {"organisations": [{"base_path": "/government/organisations/department-for-example"}]}
    return json.dumps(data | {"links": links} | more).encode()


def redirect(slug: str, destination: str) -> bytes:
    rule = {"path": f"{HOME}{slug}", "type": "exact", "destination": destination}
    return announcement_page(slug, "redirect", title=None, redirects=[rule], details={})


@pytest.fixture
def source() -> GovukSource:
    return GovukSource(calendar_settings("govuk", "https://www.gov.uk"))


def read_calendar(source: GovukSource, body: bytes, *items: bytes, now: datetime = NOW) -> Reading:
    """Make one whole read: the listing is answered with `body`, and each of the look-ups with one
    of `items`.
    """
    pages = [Page(source.first(now)[0].url, 200, body)]
    look_ups = source.more(pages, now)
    assert len(look_ups) == len(items)
    pages += [
        Page(request.url, 200, answer) for request, answer in zip(look_ups, items, strict=True)
    ]
    return source.read(pages, now)


def query(request: PageRequest) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.url).query)


def test_listing_is_requested_from_16_days_ago_in_stable_order(source: GovukSource) -> None:
    """The calendar is read on 13 November 2026."""
    sent = query(source.first(datetime(2026, 11, 13, 12, tzinfo=UTC))[0])
    assert sent["filter_release_timestamp"] == ["from:2026-10-28"]
    assert (sent["order"], sent["start"]) == (["release_timestamp"], ["0"])


def test_each_read_requests_another_address_to_get_past_the_cache(source: GovukSource) -> None:
    first_read, next_read = source.first(NOW)[0], source.first(NOW + timedelta(seconds=1))[0]
    cache_key = "c"
    assert query(first_read)[cache_key] != query(next_read)[cache_key]


def test_organisations_topics_and_states_are_filters() -> None:
    filters = {"organisations": ["ofqual", "dfe"], "topics": ["t1"], "states": ["confirmed"]}
    asked = query(GovukSource(calendar_settings("govuk", filters=filters)).first(NOW)[0])
    assert asked["filter_organisations"] == ["ofqual", "dfe"]
    assert asked["filter_part_of_taxonomy_tree"] == ["t1"]
    assert asked["filter_statistics_announcement_state"] == ["confirmed"]


def test_filters_are_read_from_pasted_address_of_public_page() -> None:
    pasted = "https://www.gov.uk/search/research-and-statistics?organisations[]=ofqual&content_store_document_type=x"
    asked = GovukSource(calendar_settings("govuk", pasted)).first(NOW)[0]
    assert asked.url.startswith("https://www.gov.uk/api/search.json?")
    assert query(asked)["filter_organisations"] == ["ofqual"]


def test_further_pages_are_requested_together_and_only_once(source: GovukSource) -> None:
    """The first page has two of five entries. So the pages from entries 2 and 4 on are
    requested.
    """
    two_of_five = listing(a_listed_result("a"), a_listed_result("b"), total=5)
    first = Page(source.first(NOW)[0].url, 200, two_of_five)
    further = source.more([first], NOW)
    assert [query(request)["start"] for request in further] == [["2"], ["4"]]
    # All have one cache key, so that they show the same state of the listing.
    assert len({query(request)["c"][0] for request in further}) == 1
    rest = [Page(request.url, 200, listing(a_listed_result("c"), total=5)) for request in further]
    assert source.more([first, *rest], NOW) == []


def test_a_confirmed_announcement_names_the_expected_landing_page(source: GovukSource) -> None:
    listed = a_listed_result("claims", when="26 November 2026 9:30am")
    only = read_calendar(source, listing(listed)).announcements[0]
    assert only.slot.instant == datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
    assert only.url == "https://www.gov.uk/government/statistics/claims"
    assert only.link == "https://www.gov.uk/government/statistics/announcements/claims"
    assert (only.producer, only.state, only.recognise) == (
        "department-for-example",
        State.CONFIRMED,
        "govuk",
    )


def test_the_family_of_landing_page_addresses_can_be_configured(parse: Parse) -> None:
    only = parse(
        "govuk", listing(a_listed_result()), options={"family": "publications"}
    ).announcements[0]
    assert only.url == "https://www.gov.uk/government/publications/claims"


@pytest.mark.parametrize(
    ("text", "precision", "first", "last"),
    [
        ("November 2026", Precision.MONTH, "2026-11-01", "2026-11-30"),
        ("December to January 2027", Precision.RANGE, "2026-12-01", "2027-01-31"),
    ],
)
def test_text_of_only_months_is_no_exact_slot_despite_timestamp(
    source: GovukSource, text: str, precision: Precision, first: str, last: str
) -> None:
    """For example, the text is “November 2026”. The timestamp of the entry is 1 November at 9.30,
    which no one has announced.
    """
    entry = a_listed_result(when=text, release_timestamp="2026-11-01T09:30:00.000+00:00")
    slot = read_calendar(source, listing(entry)).announcements[0].slot
    assert (slot.precision, str(slot.first), str(slot.last), slot.doubt) == (
        precision,
        first,
        last,
        None,
    )


@pytest.mark.parametrize(
    ("timestamp", "doubt"),
    [
        ("2026-07-16T09:30:00.000+01:00", None),
        ("2026-07-16T08:30:00Z", None),
        ("2026-07-16T09:30:00.000+00:00", "zone"),
        ("2026-07-17T08:30:00Z", "duplicate-date"),
        ("not a stamp", None),
    ],
)
def test_timestamp_that_contradicts_the_text_is_a_doubt(
    source: GovukSource, timestamp: str, doubt: str | None
) -> None:
    """The text says 9:30am, which is 08:30 UTC in summer. A timestamp of 09:30 UTC puts the zone in
    doubt, and one of the next day the date. The slot follows the text in all cases.
    """
    entry = a_listed_result(when="16 July 2026 9:30am", release_timestamp=timestamp)
    only = read_calendar(source, listing(entry)).announcements[0]
    assert only.slot.instant == datetime(2026, 7, 16, 8, 30, tzinfo=UTC)
    assert only.doubt == doubt


def test_a_cancelled_announcement_is_looked_up_once_for_its_reason(source: GovukSource) -> None:
    entry = a_listed_result(statistics_announcement_state="cancelled")
    cancelled = announcement_page(
        details={"state": "cancelled", "cancellation_reason": "Discontinued."}
    )
    # `read_calendar` fails unless the source makes one look-up for each answer after the listing:
    # one now, none later.
    first_read = read_calendar(source, listing(entry), cancelled)
    second_read = read_calendar(source, listing(entry))
    assert first_read.announcements[0].why == "Discontinued."
    assert second_read.announcements[0].why == "Discontinued."


def test_mail_addresses_are_removed_from_the_reason_of_a_cancellation(source: GovukSource) -> None:
    entry = a_listed_result(statistics_announcement_state="cancelled")
    cancelled = announcement_page(
        details={"state": "cancelled", "cancellation_reason": "Discontinued. Ask jo@example.org"}
    )
    assert (
        read_calendar(source, listing(entry), cancelled).announcements[0].why == "Discontinued. Ask"
    )


def test_page_of_changed_date_is_requested_for_old_date_and_note(source: GovukSource) -> None:
    """The second listing has only the new date. So the announcement's own page is requested. It has
    the old date too, and a note on the change.
    """
    old_date, new_date = "26 November 2026 9:30am", "3 December 2026 9:30am"
    read_calendar(source, listing(a_listed_result(when=old_date)))
    details = {
        "display_date": new_date,
        "previous_display_date": old_date,
        "latest_change_note": "Further checks.",
    }
    (changed,) = read_calendar(
        source, listing(a_listed_result(when=new_date)), announcement_page(details=details)
    ).announcements
    assert changed.previous is not None
    assert (changed.previous.raw, changed.why) == (old_date, "Further checks.")


def test_an_announcement_that_redirects_to_its_publication_is_published(
    source: GovukSource,
) -> None:
    """The second listing lacks the announcement, so it is looked up. The answer is a redirect."""
    read_calendar(source, listing(a_listed_result("claims")))
    (published,) = read_calendar(
        source, listing(), redirect("claims", "/government/statistics/claims-q3")
    ).announcements
    assert published.uid.endswith("/claims")
    assert (published.published, published.url) == (
        True,
        "https://www.gov.uk/government/statistics/claims-q3",
    )


def test_an_announcement_that_was_published_is_not_looked_up_again(source: GovukSource) -> None:
    """The second read finds by a redirect that the release was published. The third read requests
    nothing more about it.
    """
    read_calendar(source, listing(a_listed_result("claims")))
    read_calendar(source, listing(), redirect("claims", "/government/statistics/claims-q3"))
    # `read_calendar` fails if the source makes a look-up for which it gets no answer.
    no_answers: list[bytes] = []
    assert read_calendar(source, listing(), *no_answers).announcements == ()


@pytest.mark.parametrize(
    "elsewhere", ["/search/research-and-statistics", f"{HOME}claims--1", "https://ons.gov.uk/x"]
)
def test_a_redirect_elsewhere_does_not_mean_published(source: GovukSource, elsewhere: str) -> None:
    """The second listing lacks the announcement, so it is looked up. It redirects to a page that is
    no publication of statistics.
    """
    read_calendar(source, listing(a_listed_result("claims")))
    reading = read_calendar(source, listing(), redirect("claims", elsewhere))
    assert reading.announcements == ()
    assert "no longer listed" in reading.notes[0]


def test_an_announcement_missing_only_from_the_index_is_kept(source: GovukSource) -> None:
    """The second listing lacks the announcement.

    But the look-up of its own page finds it unchanged.
    """
    read_calendar(source, listing(a_listed_result("claims")))
    assert (
        read_calendar(source, listing(), announcement_page("claims")).announcements[0].title
        == "Example claims"
    )


def test_announcements_in_the_store_are_looked_up_after_a_restart(source: GovukSource) -> None:
    """The new source never listed the announcement itself.

    It looks it up only because `remember` restored it.
    """
    stored = read_calendar(source, listing(a_listed_result("claims"))).announcements
    restarted = GovukSource(calendar_settings("govuk", "https://www.gov.uk"))
    restarted.remember(stored)
    reading = read_calendar(
        restarted, listing(), redirect("claims", "/government/publications/claims")
    )
    assert reading.announcements[0].published


def test_releases_long_past_are_no_longer_looked_up(source: GovukSource) -> None:
    read_calendar(source, listing(a_listed_result(when="26 November 2026 9:30am")))
    # `read_calendar` fails if the source makes a look-up for which it gets no answer.
    no_answers: list[bytes] = []
    # An unlisted release is looked up until 21 days after its slot.
    in_january = datetime(2027, 1, 12, tzinfo=UTC)
    assert read_calendar(source, listing(), *no_answers, now=in_january).announcements == ()


def test_a_failed_look_up_withdraws_no_release(source: GovukSource) -> None:
    """The release has left the listing, so its own page is requested. That answers 503."""
    read_calendar(source, listing(a_listed_result()))
    page_without_the_release = Page(source.first(NOW)[0].url, 200, listing())
    look_ups = source.more([page_without_the_release], NOW)
    failed = [Page(request.url, 503, b"<html>") for request in look_ups]
    assert failed
    # A withdrawn or published release would be announced with its new state.
    assert source.read([page_without_the_release, *failed], NOW).announcements == ()


def test_rows_missing_between_pages_are_reported(source: GovukSource) -> None:
    """The listing says that it has two entries, but shows the same one twice."""
    one_shown_twice = listing(a_listed_result("claims"), a_listed_result("claims"), total=2)
    assert read_calendar(source, one_shown_twice).notes == (
        "listing: 1 of 2 entries were not shown",
    )


def test_entry_missed_while_another_was_withdrawn_is_reported(source: GovukSource) -> None:
    """The first page says that there are three entries and shows two. Then one is withdrawn, so the
    second page says two, and shows none.
    """
    two_of_three = listing(a_listed_result("a"), a_listed_result("b"), total=3)
    first = Page(source.first(NOW)[0].url, 200, two_of_three)
    (further,) = source.more([first], NOW)
    reading = source.read([first, Page(further.url, 200, listing(total=2))], NOW)
    assert reading.notes == ("listing: 1 of 3 entries were not shown",)


def test_entry_that_is_no_announcement_is_left_out_and_noted(source: GovukSource) -> None:
    publication = a_listed_result(link="/government/statistics/claims", when="")
    reading = read_calendar(source, listing(publication))
    assert reading.announcements == ()
    assert reading.notes == (
        "/government/statistics/claims: left out, it is not an announcement (got 'Example claims')",
    )


def test_date_that_no_calendar_has_is_noted(source: GovukSource) -> None:
    reading = read_calendar(source, listing(a_listed_result(when="31 June 2026")))
    assert reading.notes == (f"{HOME}claims: no calendar has this date (got '31 June 2026')",)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"<!DOCTYPE html><title>Too many requests</title>", 429, "answered 429"),
        (b"<!DOCTYPE html><title>Sorry</title>", 200, "an HTML page"),
        (b'{"error": "Unexpected parameters: foo"}', 200, "without results"),
        (b'{"results": [{"title": "cut', 200, "not JSON: line 1"),
        (b"", 200, "is empty"),
        (b"[]", 200, "another shape"),
        (b"[" * 200_000, 200, "nested deeper than 100"),
        (b'{"results": "\0"}', 200, "not JSON|NUL"),
        (b"\xff\xfe\x00\xd8", 200, "not UTF-8|not JSON"),
    ],
)
def test_a_response_that_is_not_a_listing_is_refused(
    source: GovukSource, body: bytes, status: int, reason: str
) -> None:
    """For example an HTML page, an empty answer, or JSON without results."""
    pages = [Page(source.first(NOW)[0].url, status, body)]
    assert list(source.more(pages, NOW)) == []
    with pytest.raises(UnreadableCalendar, match=reason):
        source.read(pages, NOW)


def test_a_listing_without_entries_is_no_fault(source: GovukSource) -> None:
    assert read_calendar(source, listing()).announcements == ()


def test_twenty_thousand_entries_are_read(source: GovukSource) -> None:
    url = source.first(NOW)[0].url
    pages: Sequence[Page] = [
        Page(
            url.replace("start=0", f"start={start}"),
            200,
            listing(*numbered_results(start, 1000), total=20_000),
        )
        for start in range(0, 20_000, 1000)
    ]
    assert len(source.read(pages, NOW).announcements) == 20_000


def numbered_results(start: int, count: int) -> list[dict[str, Any]]:
    return [
        a_listed_result(f"r{n}", f"{n % 28 + 1} January {2027 + n % 3} 9:30am")
        for n in range(start, start + count)
    ]


def test_outdated_item_of_changed_announcement_is_requested_again(source: GovukSource) -> None:
    """The listing shows the new date.

    The content API still answers with the old one, then with the new one.
    """
    old_date, new_date = "26 November 2026 9:30am", "3 December 2026 9:30am"
    read_calendar(source, listing(a_listed_result(when=old_date)))
    moved = listing(a_listed_result(when=new_date))
    read_calendar(source, moved, announcement_page(details={"display_date": old_date}))
    (announcement,) = read_calendar(
        source, moved, announcement_page(details={"display_date": new_date})
    ).announcements
    assert announcement.slot.raw == new_date


def test_outdated_item_does_not_hide_a_cancellation_for_long(source: GovukSource) -> None:
    """The listing says that the release is cancelled. Its own page at first still says confirmed,
    so the next read requests it again.
    """
    read_calendar(source, listing(a_listed_result()))
    cancelled = listing(a_listed_result(statistics_announcement_state="cancelled"))
    read_calendar(source, cancelled, announcement_page(details={"state": "confirmed"}))
    (announcement,) = read_calendar(
        source, cancelled, announcement_page(details={"state": "cancelled"})
    ).announcements
    assert announcement.state is State.CANCELLED
