"""Which addresses show whether the parts of a release are out."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.plan.targets import (
    Target,
    View,
    content_twin,
    is_file,
    recogniser_of,
    targets_of,
    tripwires_of,
)
from schedules.announcement import Origin, Part, Role
from schedules.release import Release

PAGE = "https://www.gov.uk/government/statistics/widgets-2026"
SHEET = "https://assets.publishing.service.gov.uk/media/5a7f/tables.ods"


def release(*parts: Part, url: str = PAGE) -> Release:
    return Release(
        "widgets-2026", "Widgets: 2026", "dfx", url, (Part("page", Role.PAGE, url), *parts)
    )


def by_id(targets: list[Target]) -> dict[str, Target]:
    return {target.id: target for target in targets}


def test_govuk_page_is_watched_at_edge_origin_and_content_api() -> None:
    targets = by_id(targets_of(release()))
    assert list(targets) == [
        "widgets-2026/page/edge",
        "widgets-2026/page/origin",
        "widgets-2026/page/content",
    ]
    in_content_api = targets["widgets-2026/page/content"]
    assert in_content_api.view is View.CONTENT
    assert in_content_api.url == "https://www.gov.uk/api/content/government/statistics/widgets-2026"
    assert in_content_api.host == "www.gov.uk"
    assert in_content_api.title == "Widgets: 2026"
    assert in_content_api.recognise == "govuk"  # the name of the recogniser


def test_origin_view_can_be_switched_off() -> None:
    assert [target.view for target in targets_of(release(), origin_view=False)] == [
        View.EDGE,
        View.CONTENT,
    ]


def test_page_outside_govuk_is_recognised_by_status() -> None:
    """It has no twin in the content API."""
    targets = targets_of(release(url="https://www.ons.gov.uk/releases/widgets"))
    assert [(target.view, target.recognise) for target in targets] == [
        (View.EDGE, "status"),
        (View.ORIGIN, "status"),
    ]


def test_data_file_is_a_file_recognised_by_status() -> None:
    sheet = by_id(targets_of(release(Part("sheet", Role.DATA, SHEET))))["widgets-2026/sheet/edge"]
    assert (sheet.is_file, sheet.recognise, sheet.title) == (True, "status", "")


@pytest.mark.parametrize(
    ("role", "required", "views"),
    [
        (Role.HTML, True, [View.EDGE, View.ORIGIN]),
        (Role.HTML, False, [View.EDGE]),
        (Role.DATA, True, [View.EDGE, View.ORIGIN]),
        (Role.DATA, False, [View.EDGE]),
        (Role.ALTERNATIVE, False, [View.EDGE, View.ORIGIN]),
        (Role.ALTERNATIVE, True, [View.EDGE, View.ORIGIN]),
    ],
)
def test_required_parts_and_alternatives_have_an_origin_view(
    role: Role, *, required: bool, views: list[View]
) -> None:
    part = Part("more", role, f"{PAGE}/report", required=required)
    assert [target.view for target in targets_of(release(part)) if target.part == "more"] == views


def test_part_without_web_address_has_no_target() -> None:
    assert targets_of(release(url="")) == []


def test_page_with_own_recogniser_has_no_content_api_target() -> None:
    """By default a GOV.UK page is also looked at in the content API.

    This page has a recogniser of its own.
    """
    page = Part("page", Role.PAGE, PAGE, recognise="text:Widgets")
    views = {
        target.view: target.recognise
        for target in targets_of(Release("w", "W", "dfx", PAGE, (page,)))
    }
    assert views == {View.EDGE: "text:Widgets", View.ORIGIN: "text:Widgets"}


@pytest.mark.parametrize(
    ("url", "recogniser"),
    [
        (PAGE, "govuk"),
        (
            "https://www.gov.uk/government/uploads/system/uploads/attachment_data/file/1/a.csv",
            "status",
        ),
        (SHEET, "status"),
        ("https://example.org/widgets", "status"),
    ],
)
def test_only_govuk_pages_have_the_govuk_recogniser(url: str, recogniser: str) -> None:
    assert recogniser_of(Part("x", Role.ATTACHMENT, url)) == recogniser


@pytest.mark.parametrize(
    "url", ["https://www.gov.uk/", "https://www.gov.uk/api/content/x", "https://example.org/x"]
)
def test_only_govuk_pages_have_a_content_twin(url: str) -> None:
    assert content_twin(url) is None


def test_dot_in_page_name_does_not_make_it_a_file() -> None:
    assert not is_file("https://example.org/release-1.2")
    assert is_file("https://example.org/release.XLSX?download=1")


def test_tripwires_of_govuk_producer_are_its_search_and_feed() -> None:
    search, atom = tripwires_of("ofqual", ["www.gov.uk"])
    query = parse_qs(urlsplit(search.url).query)
    assert query["filter_organisations"] == ["ofqual"]
    assert query["order"] == ["-public_timestamp"]
    published_statistics = ["national_statistics", "official_statistics", "statistical_data_set"]
    assert query["filter_content_store_document_type"] == published_statistics
    assert search.id == "~tripwire/ofqual/www.gov.uk/api/search.json"
    assert atom.url == "https://www.gov.uk/government/organisations/ofqual.atom"
    assert {search.view, atom.view} == {View.TRIPWIRE}


@pytest.mark.parametrize(
    ("url", "recogniser"),
    [
        ("https://example.org/news/feed/", "feed:*"),
        ("https://example.org/n.rss", "feed:*"),
        ("https://e.org/n", "link:*"),
    ],
)
def test_own_listing_is_read_as_feed_if_named_so(url: str, recogniser: str) -> None:
    (found,) = tripwires_of("dfx", newest=[url])
    assert (found.recognise, found.release) == (recogniser, "")


def test_ids_of_listings_with_one_path_differ_by_query() -> None:
    """Only the first has an id without its query."""
    first_page, second_page = (
        "https://stats.example/list?page=1",
        "https://stats.example/list?page=2",
    )
    tripwires = tripwires_of("office", newest=[first_page, second_page])
    assert [(tripwire.url, tripwire.id) for tripwire in tripwires] == [
        (first_page, "~tripwire/office/stats.example/list"),
        (second_page, "~tripwire/office/stats.example/list?page=2"),
    ]


def test_listing_configured_twice_is_watched_once() -> None:
    listing = "https://stats.example/list?page=1"
    (tripwire,) = tripwires_of("office", newest=[listing, listing])
    assert tripwire.url == listing


def test_parts_found_on_page_are_left_out_first() -> None:
    """By default 60 parts are watched: here the page, and all 59 that are not `found`."""
    found = [
        Part(f"found-{n}", Role.DATA, f"{SHEET}?{n}", required=False, origin=Origin.FOUND)
        for n in range(2000)
    ]
    optional = [Part(f"more-{n}", Role.HTML, f"{PAGE}/{n}", required=False) for n in range(30)]
    required = [Part(f"sheet-{n}", Role.DATA, f"{SHEET}?r{n}") for n in range(29)]
    watched = {target.part for target in targets_of(release(*found, *optional, *required))}
    assert watched == {"page", *(part.id for part in (*optional, *required))}


def test_configuration_limits_the_number_of_watched_parts() -> None:
    found = [
        Part(f"found-{n}", Role.DATA, f"{SHEET}?{n}", required=False, origin=Origin.FOUND)
        for n in range(2000)
    ]
    assert len({target.part for target in targets_of(release(*found), most=7)}) == 7


def test_optional_parts_and_alternatives_are_optional_targets() -> None:
    """A part is required by default, so the annex is.

    An alternative is a copy of the page elsewhere.
    """
    annex = Part("annex", Role.HTML, f"{PAGE}/annex")
    found = Part("found-1", Role.DATA, SHEET, required=False)
    other = Part("other", Role.ALTERNATIVE, f"{PAGE}/old")
    targets = targets_of(release(annex, found, other))
    assert {target.part for target in targets if target.is_optional} == {"found-1", "other"}
