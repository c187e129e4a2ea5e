from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import UnknownName, UserFault
from monitor.look.fetch import Answer
from monitor.look.recognise.registry import PLAIN, WITH_RULE, find_recogniser
from monitor.look.recognise.result import Context, Known
from monitor.look.recognise.title import OTHER_FILE, Likeness, compare_titles, names_a_period
from monitor.look.recognise.version import advanced_fields, parse_version
from monitor.look.sighting import State
from tests.unit.monitor.look.recognise.pages import (
    OUR_RELEASE,
    OUR_TITLE,
    URL,
    answer,
    our_page,
    page,
    recognise_with,
)
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN

by_status_and_govuk = pytest.mark.parametrize("name", ["status", "govuk"])
FEED = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>
<entry><id>1</id><title>{title}</title><link href="/a"/><updated>2026-11-26T09:30:02Z</updated></entry>
<entry><id>2</id><title>Another thing</title><link href="https://www.gov.uk/b"/></entry></feed>"""


def json_answer(content: object) -> Answer:
    return answer(json.dumps(content).encode(), "application/json")


def test_presence_by_recogniser_status_is_never_specific() -> None:
    """The page has the title of our release.

    `specific` would mean that it can only be this edition.
    """
    recognised = recognise_with("status", our_page())
    assert (recognised.state, recognised.specific) == (PRESENT, False)


def test_status_recogniser_compares_heading_and_title_with_releases_title() -> None:
    """The heading or the title names our edition (present), another edition (absent), or something
    else (unknown).
    """
    other_edition = OUR_TITLE.replace("July to September", "April to June")
    for title, state in ((OUR_TITLE, PRESENT), (other_edition, ABSENT), ("Others", UNKNOWN)):
        in_heading = page(title="Agency", heading=title)
        assert recognise_with("status", in_heading).state is state
        in_title = page(title=f"{title} - Agency", heading="Agency")
        assert recognise_with("status", in_title).state is state


def test_status_recogniser_accepts_any_page_if_title_is_unknown() -> None:
    context = Context(OUR_RELEASE.url, "", known=Known(was_missing=True))
    assert recognise_with("status", page("Others", "Agency"), context).state is PRESENT


@by_status_and_govuk
@pytest.mark.parametrize(
    "words",
    [
        "Sorry, we cannot find that page",
        "Sorry, the service is unavailable",
        "This site is under maintenance",
        "Scheduled maintenance on Sunday",
        "The website is temporarily unavailable",
        "Sign in to continue",
        "Please log in",
        "Cookies on example.org",
        "Access denied",
    ],
)
def test_notice_about_the_site_is_unknown(name: str, words: str) -> None:
    """For example, the title or the heading is "This site is under maintenance"."""
    in_title, in_heading = page(words, "", "<p>Words.</p>"), page("Example", words, "<p>Words.</p>")
    assert recognise_with(name, in_title).state is UNKNOWN
    assert recognise_with(name, in_heading).state is UNKNOWN


@by_status_and_govuk
def test_release_about_maintenance_is_no_site_notice(name: str) -> None:
    title = "Sorry statistics and sites under maintenance: July to September 2026"
    assert (
        recognise_with(name, page(title, title), Context(OUR_RELEASE.url, title)).state is PRESENT
    )


@pytest.mark.parametrize("name", ["status", "govuk", "ees"])
@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("404 - Not found", "Oops"),
        ("Page not found", "Page not found"),
        ("Page not found - GOV.UK", "Page not found"),
        ("404 - GOV.UK", "Page not found"),
    ],
)
def test_a_page_that_says_not_found_is_unknown(title: str, heading: str, name: str) -> None:
    recognised = recognise_with(name, page(title, heading))
    assert (recognised.state, recognised.why) == (UNKNOWN, "the page says that it is not there")


@by_status_and_govuk
def test_a_blank_page_is_absence(name: str) -> None:
    recognised = recognise_with(name, page(" - GOV.UK", "", "<main id='content'> </main>"))
    assert (recognised.state, recognised.why) == (ABSENT, "a blank page")


@by_status_and_govuk
def test_a_blank_page_that_may_be_cut_short_is_unknown(name: str) -> None:
    whole = page(" - GOV.UK", "", "<main id='content'> </main>")
    cut = replace(whole, body=b"<!DOCTYPE html><html><head><title>Exampl")
    assert recognise_with(name, cut).state is UNKNOWN


@pytest.mark.parametrize(
    "inside", ["<script>draw()</script>", "<iframe src='/dashboard'></iframe>", "<p>42</p>"]
)
def test_a_page_that_a_browser_may_fill_is_not_blank(inside: str) -> None:
    assert recognise_with("status", page("Dashboard", "", inside), Context(URL)).state is PRESENT


@pytest.mark.parametrize(
    ("baseline", "state"), [(None, UNKNOWN), ("this hash", ABSENT), ("another hash", PRESENT)]
)
def test_recogniser_changed_compares_hash_of_page_with_baseline(
    baseline: str | None, state: State
) -> None:
    context = Context(URL, OUR_TITLE, digest="this hash", known=Known(baseline=baseline))
    assert recognise_with("changed", page("Dashboard", "Dashboard"), context).state is state


def test_text_is_found_whatever_its_case_but_not_in_scripts() -> None:
    """The recogniser searches for "July to September 2026". It finds these words in capitals,
    across elements, and in a CSV file, but not in a script of the page.
    """
    recogniser = "text:July to September 2026"
    split_text = page("Title", "Heading", "<p>JULY  to\n<b>September</b> 2026</p>")
    assert recognise_with(recogniser, split_text).state is PRESENT
    # The words name a period, so the page can only be this edition (`specific`).
    assert recognise_with(recogniser, split_text).specific
    in_script = page("Title", "Heading", "<script>July to September 2026</script>")
    assert recognise_with(recogniser, in_script).state is ABSENT
    in_file = answer(b"a,b\nJuly to September 2026,3", "text/csv")
    assert recognise_with(recogniser, in_file).state is PRESENT


def test_file_without_the_words_is_another_file() -> None:
    other = recognise_with("text:October 2026", answer(b"a,b\nSeptember 2026,3", "text/csv"))
    assert (other.state, other.why) == (ABSENT, OTHER_FILE)
    other_page = recognise_with("text:October 2026", page("Title", "Heading", "September 2026"))
    assert (other_page.state, other_page.why) == (ABSENT, "the words are not there")


def test_text_that_names_no_period_is_not_specific() -> None:
    """The words "Main points" may be in any edition.

    `specific` would mean that the page can only be this one.
    """
    assert not recognise_with("text:Main points", page("Title", "Heading", "Main points")).specific


def test_a_link_is_found_by_its_address_or_words() -> None:
    """The recogniser `link:…` searches addresses and words of links.

    In its pattern, `*` stands for any text.
    """
    links = '<a href="/files/q3-2026.ods">Tables</a><a href="/old">Other</a>'
    recognised = recognise_with("link:/files/*.ods", page("Title", "Heading", links))
    assert [found.url for found in recognised.found] == ["https://www.gov.uk/files/q3-2026.ods"]
    assert recognise_with("link:tables", page("Title", "Heading", links)).state is PRESENT
    assert recognise_with("link:*.csv", page("Title", "Heading", links)).state is ABSENT


def test_link_is_specific_by_its_title_or_period() -> None:
    """`specific` means that the link can only be to this edition.

    That is so if its words are the title of our release, or if the pattern that is searched for
    names a period: 2026.
    """
    titled = page("Title", "Heading", f'<a href="/x">{OUR_TITLE}</a>')
    assert recognise_with("link:/x", titled).specific
    dated = page("Title", "Heading", '<a href="/x-2026">More</a>')
    assert recognise_with("link:*2026*", dated).specific
    assert not recognise_with("link:/x*", dated).specific


def test_an_element_is_found_by_its_selector() -> None:
    """The recogniser `css:h1.out` searches for a heading of the class "out"."""
    recognised = recognise_with(
        "css:h1.out", page("Title", "Heading", f'<h1 class="out">{OUR_TITLE}</h1>')
    )
    # `specific`: with the title of our release, it can only be this edition.
    assert (recognised.state, recognised.specific) == (PRESENT, True)
    assert recognise_with("css:h1.out", page("Title", "Heading")).state is ABSENT
    assert recognise_with("css:h1.out", answer(b"")).state is ABSENT


@pytest.mark.parametrize(
    ("content", "state"),
    [({"out": True}, PRESENT), ({"out": 0}, PRESENT), ({"out": []}, ABSENT), ({}, ABSENT)],
)
def test_json_is_queried_by_an_expression(content: object, state: State) -> None:
    """A value counts as found, even 0, unless it is null, false or empty."""
    assert recognise_with("jmespath:out", json_answer(content)).state is state


@pytest.mark.parametrize("expression", ["[url, title]", "{address: url}"])
def test_expression_whose_fields_are_all_missing_finds_nothing(expression: str) -> None:
    assert recognise_with(f"jmespath:{expression}", json_answer({"id": 1})).state is ABSENT
    found = recognise_with(f"jmespath:{expression}", json_answer({"id": 1, "url": "/a"}))
    assert found.state is PRESENT


def test_title_found_by_expression_is_specific() -> None:
    """`specific` means that it can only be this edition, because the title is that of our
    release.
    """
    assert recognise_with(
        "jmespath:results[].title", json_answer({"results": [{"title": OUR_TITLE}]})
    ).specific


def test_broken_json_is_unknown_to_expression() -> None:
    assert (
        recognise_with("jmespath:results[].title", answer(b"<html>", "application/json")).state
        is UNKNOWN
    )


def test_entry_of_feed_is_found() -> None:
    """The feed has an entry at /a with the title of our release, which contains "Example claims".
    /b is another.
    """
    feed = answer(FEED.format(title=OUR_TITLE).encode(), "application/atom+xml")
    recognised = recognise_with("feed:example claims", feed)
    # `specific`: with the whole title of our release, it can only be this edition.
    assert (recognised.state, recognised.specific) == (PRESENT, True)
    assert recognised.why == "https://www.gov.uk/a"
    assert [(found.role, found.url) for found in recognised.found] == [
        ("matched", "https://www.gov.uk/a"),
        ("listed", "https://www.gov.uk/b"),
    ]


def test_only_whole_feed_without_the_entry_proves_absence() -> None:
    """The recogniser searches a feed for "example claims".

    A feed that is cut might have had it in the missing part.
    """
    whole = FEED.format(title="Something else").encode()
    assert (
        recognise_with("feed:example claims", answer(whole, "application/atom+xml")).state is ABSENT
    )
    assert (
        recognise_with("feed:example claims", answer(whole[:-60], "application/atom+xml")).state
        is UNKNOWN
    )
    assert (
        recognise_with("feed:example claims", answer(b"<html>not a feed</html>")).state is UNKNOWN
    )
    # feedparser opens a file or an address if it gets the name of one. A body must not be used as
    # such a name.
    assert recognise_with("feed:example claims", answer(b"/etc/passwd")).state is UNKNOWN


def test_feed_of_more_than_500_000_bytes_is_unknown() -> None:
    """To read it would take seconds. These entries have 20,000 * 31 = 620,000 bytes."""
    entries = "<entry><title>x</title></entry>" * 20_000
    body = FEED.format(title="Something else").replace("</feed>", f"{entries}</feed>").encode()
    assert (
        recognise_with("feed:example claims", answer(body, "application/atom+xml")).state is UNKNOWN
    )


def test_very_long_title_is_unknown() -> None:
    assert recognise_with("govuk", page("Q1 2026 january " * 50_000, "", "x")).state is UNKNOWN


def test_ons_entry_gives_its_parts_in_both_spellings() -> None:
    """ONS names its documents `relatedDocuments` or `related_documents`.

    Parts without an address are left out.
    """
    content = {
        "description": {"published": True, "title": OUR_TITLE, "migrationLink": "/new"},
        "relatedDocuments": [{"uri": "/a", "title": "A"}],
        "related_datasets": [{"uri": "/b"}, {"title": "no address"}, None],
    }
    found = recognise_with("ons", json_answer(content)).found
    assert [(part.role, part.url) for part in found] == [
        ("html", "https://www.ons.gov.uk/a"),
        ("data", "https://www.ons.gov.uk/b"),
        ("redirect", "https://www.ons.gov.uk/new"),
    ]


def test_text_of_ons_page_gives_status_missing_in_its_code() -> None:
    """These pages have the title of our release, but no status in their code."""
    without_text = recognise_with("ons", our_page())
    assert without_text.state is UNKNOWN
    banner = "<div class='ons-panel__body'><p>Not yet released</p></div>"
    not_yet_released = recognise_with("ons", our_page(banner))
    assert not_yet_released.state is ABSENT
    sentence = our_page("<h2>Publications</h2><p>Figures for Wales are not yet released.</p>")
    assert recognise_with("ons", sentence).state is PRESENT
    with_publications = recognise_with("ons", our_page("<h2>Publications</h2>"))
    # `specific` means that the page can only be this edition.
    assert (with_publications.state, with_publications.specific) == (PRESENT, True)


def test_ees_answer_about_our_release_proves_presence_and_gives_its_id() -> None:
    """In an answer of EES, `title` is only the period, and `publication` has the series.

    Together they are our title.

    `specific` means that the answer can only be about this edition.
    """
    content: dict[str, object] = {"id": "1", "releaseId": "2", "published": "2026-11-26T09:30:00Z"}
    content |= {
        "title": "July to September 2026",
        "publication": {"title": "Example claims: quarterly statistics"},
    }
    recognised = recognise_with("ees", json_answer(content))
    assert (recognised.state, recognised.specific) == (PRESENT, True)
    assert recognised.found[0].facts["releaseId"] == "2"


def test_ees_amendment_advances_last_update_and_update_count() -> None:
    """EES shows a release as published in October, and then as amended in November.

    Each answer gives a version, a line with the last update and the number of updates. Both have
    grown.
    """
    published, series = "2026-10-15T08:30:21.44+00:00", "Example claims: quarterly statistics"
    content = {
        "id": "1",
        "releaseId": "2",
        "published": published,
        "title": "July to September 2026",
    }
    content |= {"publication": {"title": series}, "lastUpdated": published, "updateCount": 1}
    amendment = {"updateCount": 2, "lastUpdated": "2026-11-03T14:12:40.1180000+00:00"}
    first = recognise_with("ees", json_answer(content)).version or ""
    assert first == "lastUpdated=2026-10-15T08:30:21.440000+00:00 updateCount=1"
    amended = recognise_with("ees", json_answer(content | amendment)).version or ""
    assert advanced_fields(parse_version(first), parse_version(amended)) == [
        "lastUpdated",
        "updateCount",
    ]


def test_version_is_read_from_own_entry_in_ees_list() -> None:
    """In a list of EES, another edition was updated in December, and ours in November.

    Our version says November.
    """
    ours = {"releaseId": "1", "published": "x", "title": "July to September 2026"}
    other = {
        "releaseId": "2",
        "published": "x",
        "title": "April to June 2026",
        "lastUpdated": "2026-12-01T09:30:00Z",
    }
    context = Context(URL, "Example claims: July to September 2026")
    listed = json_answer({"results": [other, ours | {"lastUpdated": "2026-11-26T09:30:02Z"}]})
    assert recognise_with("ees", listed, context).version == "lastUpdated=2026-11-26T09:30:02+00:00"


def test_ees_list_shows_our_release_only_with_our_period() -> None:
    """Our release is that of July to September 2026.

    In a list of EES, `title` is only the period of an edition.
    """
    our_entry = {"releaseId": "1", "published": "x", "title": "July to September 2026"}
    old_entry = {"releaseId": "2", "published": "x", "title": "April to June 2010"}
    context = Context(URL, title="Example claims: July to September 2026")
    with_ours = recognise_with("ees", json_answer({"results": [our_entry, old_entry]}), context)
    # `specific` means that the entry can only be that of our edition.
    assert (with_ours.state, with_ours.specific) == (PRESENT, True)
    without_ours = recognise_with("ees", json_answer({"results": [old_entry]}), context)
    assert without_ours.state is ABSENT


def test_ees_list_is_not_searched_without_title_of_our_release() -> None:
    """Without our title, no release in a list of EES can be recognised as ours.

    The list itself is recognised.
    """
    entry = {"releaseId": "1", "published": "x", "title": "July to September 2026"}
    old_entry = {"title": "April to June 2010", "url": "/x"}
    recognised = recognise_with(
        "ees", json_answer({"results": [entry, old_entry]}), Context(URL, title="")
    )
    assert recognised.why == "a listing"


@pytest.mark.parametrize(
    ("before_ours", "latest", "state"),
    [
        ("2024-25", "2024-25", ABSENT),
        ("2024-25", "2025-26", PRESENT),
        ("2024-25-autumn-term", "2024-25-autumn-term", ABSENT),
        ("2024-25-autumn-term", "2024-25-spring-term", PRESENT),
        ("2024-25-autumn-term", "2025-26-autumn-term", PRESENT),
        ("2024-25-autumn-term", "2023-24-autumn-term", UNKNOWN),
        ("2024-25-autumn-term", "autumn-term", PRESENT),
    ],
)
def test_ees_release_is_out_once_latest_slug_follows_edition_before(
    before_ours: str, latest: str, state: State
) -> None:
    """A slug is the last part of an edition's address, and names its period, such as 2024-25.

    While the edition before ours is the latest, ours is absent. Once another is, ours is present.
    If the latest is of an earlier year, it is unknown, because an edition may have been withdrawn.
    """
    content = json_answer({"latestRelease": {"slug": latest}})
    assert recognise_with(f"ees-after:{before_ours}", content).state is state


@pytest.mark.parametrize("content", [{"latestRelease": None}, {"results": []}])
def test_ees_publication_without_a_latest_release_is_unknown(content: dict[str, object]) -> None:
    assert recognise_with("ees-after:2024-25", json_answer(content)).state is UNKNOWN


def test_first_ees_release_is_present_once_any_is_latest() -> None:
    """The recogniser `ees-after:…` names the edition before ours.

    "none" means that ours is the first.
    """
    without_latest = recognise_with("ees-after:none", json_answer({"latestRelease": None}))
    assert without_latest.state is ABSENT
    with_latest = recognise_with(
        "ees-after:none", json_answer({"latestRelease": {"slug": "2025-26"}})
    )
    # `specific` means that it can only be this edition.
    assert (with_latest.state, with_latest.specific) == (PRESENT, True)


def test_ees_release_of_another_year_is_absence() -> None:
    """Our release is that of 2025/26.

    Only an answer about it is present. `specific`: it can only be this edition.
    """
    ours, release = (
        "Example absence: Academic year 2025/26",
        {"id": "1", "releaseId": "2", "published": "x"},
    )
    for year, state in (("2025/26", PRESENT), ("2024/25", ABSENT)):
        content = release | {
            "title": f"Academic year {year}",
            "publication": {"title": "Example absence"},
        }
        recognised = recognise_with("ees", json_answer(content), Context(URL, ours))
        assert (recognised.state, recognised.specific) == (state, state is PRESENT)


def test_ees_landing_page_without_an_edition_is_not_specific() -> None:
    """The page names only the series, not our year.

    `specific` would mean that it can only be this edition.
    """
    landing_page = page(
        "Example absence - Explore education statistics - GOV.UK", "Example absence"
    )
    assert not recognise_with(
        "ees", landing_page, Context(URL, "Example absence: Academic year 2025/26")
    ).specific


def test_ees_page_with_series_and_period_is_specific() -> None:
    """The title has our period, and the heading our series.

    `specific` means that it can only be this edition.
    """
    out = page(
        "July to September 2026 - Explore education statistics - GOV.UK",
        "Example claims: quarterly statistics",
    )
    assert recognise_with("ees", out).specific


@pytest.mark.parametrize("name", ["", "nonsense", "text", "text:", "text: ", "govuk:x", "css:"])
def test_unknown_recogniser_is_refused_with_the_known_names(name: str) -> None:
    with pytest.raises(UnknownName, match="one of: changed ees govuk ons period status titled css"):
        find_recogniser(name)


@pytest.mark.parametrize("name", ["css:h1[", "jmespath:a["])
def test_unreadable_rule_is_a_user_fault(name: str) -> None:
    with pytest.raises(UserFault):
        find_recogniser(name)


NAMES = [*PLAIN, *(f"{name}:{'title' if name == 'jmespath' else 'a'}" for name in WITH_RULE)]


KINDS = st.sampled_from(
    ["text/html", "text/html; charset=nonsense", "application/json", "", "text/xml"]
)


@given(st.sampled_from(NAMES), st.binary(max_size=400), KINDS)
def test_no_body_breaks_any_recogniser(name: str, body: bytes, kind: str) -> None:
    recognise_with(name, answer(body, kind))


@pytest.mark.parametrize(
    ("seen", "like"),
    [
        (OUR_TITLE, Likeness.SAME),
        ("Example claims quarterly: July to September 2026, official statistics", Likeness.SAME),
        (
            "Example claims quarterly statistics: July to September 2026 (provisional)",
            Likeness.DIFFERENT,
        ),
        ("Example claims: quarterly statistics, April to June 2026", Likeness.OTHER_EDITION),
        ("Example claims: quarterly statistics, July to September 2025", Likeness.OTHER_EDITION),
        ("Example claims: quarterly statistics", Likeness.UNDATED),
        ("Example claims: quarterly statistics, Q3 2026", Likeness.UNDATED),
        ("Prison population: July to September 2026", Likeness.DIFFERENT),
        ("", Likeness.DIFFERENT),
    ],
)
def test_titles_are_compared_by_series_and_period(seen: str, like: Likeness) -> None:
    """Our title is "Example claims: quarterly statistics, July to September 2026".

    With "April to June 2026" instead, a title is that of another edition. "Undated": of the same
    series, but the period is missing or less precise. A title of another series is "different".
    """
    assert compare_titles(OUR_TITLE, seen) is like


def test_title_of_school_year_may_name_one_of_its_calendar_years() -> None:
    """2026 may mean the school year 2025/26, but is less precise: "undated". Two school years are
    two editions.
    """
    assert compare_titles("Absence: 2026", "Absence: 2025/26") is Likeness.UNDATED
    assert compare_titles("Absence: 2025/26", "Absence: 2024/25") is Likeness.OTHER_EDITION


@pytest.mark.parametrize(
    ("text", "dated"),
    [("September", True), ("2026", True), ("Q3", True), ("week 3", False), ("Main", False)],
)
def test_period_is_known_by_year_month_quarter_or_season(text: str, dated: bool) -> None:  # noqa: FBT001
    assert names_a_period(text) is dated


@pytest.mark.parametrize(
    ("title", "other_title", "likeness"),
    [
        ("Absence: 2024/25", "Absence: 2025/26", Likeness.OTHER_EDITION),
        (
            "Absence: academic year 2024 to 2025",
            "Absence: academic year 2023/24",
            Likeness.OTHER_EDITION,
        ),
        ("Absence: 2024/25", "Absence: 2024-25", Likeness.SAME),
        ("Absence: 2024/25", "Absence: 2025", Likeness.UNDATED),
        ("Spend Q3 2024/25", "Spend Q4 2024/25", Likeness.OTHER_EDITION),
        ("Deaths: week 7 2026", "Deaths: week 8 2026", Likeness.OTHER_EDITION),
        ("Fuel May-26", "Fuel: May 2026", Likeness.SAME),
        ("Fuel May-26", "Fuel May-25", Likeness.OTHER_EDITION),
    ],
)
def test_titles_of_one_series_are_compared_by_period(
    title: str, other_title: str, likeness: Likeness
) -> None:
    """For example, 2024/25 and 2025/26 are two editions, but 2024/25 and 2024-25 are the same one.

    2025 is less precise than 2024/25, but does not contradict it. That is called "undated".
    """
    assert compare_titles(title, other_title) is likeness
    assert compare_titles(other_title, title) is likeness


def test_upcoming_status_in_script_outweighs_heading_of_ons_page() -> None:
    """The heading "Data" is that of a published page.

    `specific` would mean that it can only be this edition.
    """
    script = '<script>dataLayer.push({"releaseStatus": "upcoming"})</script>'
    recognised = recognise_with("ons", our_page(f"{script}<h2>Data</h2>"))
    assert (recognised.state, recognised.specific) == (ABSENT, False)


def test_published_status_in_attribute_outweighs_text_of_ons_page() -> None:
    attribute = '<div data-gtm-release-status="published"></div>'
    text = "<p>This release is not yet published</p>"
    recognised = recognise_with("ons", our_page(attribute + text))
    # `specific` means that the page can only be this edition.
    assert (recognised.state, recognised.specific) == (PRESENT, True)


def test_ons_page_with_contradicting_statuses_is_unknown() -> None:
    """The code says both "upcoming" and "published".

    `specific` would mean that it can only be this edition.
    """
    upcoming, published = (
        '<i data-gtm-release-status="upcoming"></i>',
        '<i data-gtm-release-status="published"></i>',
    )
    recognised = recognise_with("ons", our_page(upcoming + published))
    assert (recognised.state, recognised.specific) == (UNKNOWN, False)
