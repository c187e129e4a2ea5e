"""A content item is the JSON of a page."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.look.fetch import Answer
from monitor.look.recognise.govuk import recognise, recognise_index, recognise_titled
from monitor.look.recognise.result import Context, Known
from monitor.look.recognise.version import advanced_fields, first_published, parse_version
from monitor.look.sighting import State
from tests.unit.monitor.look.recognise.pages import (
    OUR_RELEASE,
    OUR_TITLE,
    PATH,
    URL,
    answer,
    govuk_page,
    item,
    page,
    recognise_with,
)
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN

SAMPLES = Path(__file__).parents[6] / "shared" / "samples" / "govuk"
needs_samples = pytest.mark.skipif(
    not SAMPLES.exists(), reason="the shared samples are not beside the repository"
)
OTHER_EDITION = "Example claims: quarterly statistics, April to June 2026"


def test_a_publication_with_our_title_and_period_is_specific() -> None:
    """`specific` means that the page can only be this edition."""
    recognised = recognise(govuk_page(OUR_TITLE), OUR_RELEASE)
    assert (recognised.state, recognised.specific) == (PRESENT, True)


def test_edition_before_at_the_same_address_is_absence() -> None:
    assert recognise(govuk_page(OTHER_EDITION), OUR_RELEASE).state is ABSENT
    assert recognise(item("publication", OTHER_EDITION), OUR_RELEASE).state is ABSENT


def test_another_edition_after_a_404_is_absence() -> None:
    recognised = recognise(
        govuk_page(OTHER_EDITION), Context(URL, OUR_TITLE, known=Known(was_missing=True))
    )
    assert (recognised.state, recognised.why) == (ABSENT, "the page shows another edition")


@pytest.mark.parametrize("announcement_redirects_to_it", [False, True])
def test_page_with_another_title_is_unknown_after_404(
    *, announcement_redirects_to_it: bool
) -> None:
    """The address answered 404 before. Now it has a page with the title of another series.

    That is unknown, even if the announcement of our release redirects to it.
    """
    other_page = page("Prison population - GOV.UK", "Prison population")
    answered_404_before = Known(was_missing=True)
    context = Context(
        URL, OUR_TITLE, known=answered_404_before, is_led_to=announcement_redirects_to_it
    )
    recognised = recognise(other_page, context)
    assert (recognised.state, recognised.why) == (UNKNOWN, "the page shows another title")


def test_other_title_is_unknown_unless_announcement_redirected_to_page() -> None:
    other = page("Prison population - GOV.UK", "Prison population")
    assert recognise(other, OUR_RELEASE).state is UNKNOWN
    redirected_to = recognise(other, Context(URL, OUR_TITLE, is_led_to=True))
    # It is not `specific`: without our title and period, it may be another edition.
    assert (redirected_to.state, redirected_to.specific) == (PRESENT, False)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("claims", "clains"), ("", "(provisional)"), ("(provisional)", ""), ("", "final")],
)
def test_small_difference_counts_at_own_address_and_is_a_doubt_elsewhere(
    ours: str, theirs: str
) -> None:
    """One title has a wrong letter, or names a stage that the other one leaves out.

    A stage counts only after an absence, because another stage may have been there before.
    """
    title = OUR_TITLE.replace("claims", f"claims {ours}" if ours != "claims" else ours)
    shown = OUR_TITLE.replace("claims", f"claims {theirs}" if theirs != "clains" else theirs)
    release, seen = Context(URL, title), govuk_page(shown)
    answered_404_before = replace(release, known=Known(was_missing=True))
    recognised = recognise(seen, answered_404_before)
    assert (recognised.state, recognised.specific) == (PRESENT, False)
    assert recognise(seen, release).state is (PRESENT if ours == "claims" else UNKNOWN)
    assert recognise_titled(seen, release).state is UNKNOWN
    assert recognise_index(listing(ELSEWHERE, title=shown), release).state is UNKNOWN


@pytest.mark.parametrize(
    ("shown", "others"),
    [
        ("Example claims (provisional): 2026", ["Example claims (provisional): 2026"]),
        ("Example claims (provisional): 2026", ["Example claims (final): 2026"]),
        ("Example claims (final): 2026", []),
        ("Example clains: 2026", ["Example clains: 2026"]),
        ("Example claims and their causes: 2026", ["Example claims and their causes: 2026"]),
        ("Example claims: 2026 quarter 3", ["Example claims: 2026 quarter 3"]),
    ],
)
@pytest.mark.parametrize("is_led_to", [False, True])
def test_title_of_another_known_release_never_counts(
    shown: str,
    others: list[str],
    is_led_to: bool,  # noqa: FBT001
) -> None:
    """Our release is "Example claims (revised): 2026" in the third case, and "Example claims: 2026"
    otherwise. Each page names 2026 and quarter 3.
    """
    ours = "Example claims: 2026" if others else "Example claims (revised): 2026"
    context = Context(URL, ours, is_led_to=is_led_to, similar_titles=tuple(others))
    seen = govuk_page(shown, "<p>Claims in 2026, quarter 3</p>")
    is_redirect_trusted = is_led_to and shown not in others
    assert recognise(seen, context).state is (PRESENT if is_redirect_trusted else UNKNOWN)
    assert recognise_titled(seen, context).state is UNKNOWN


@pytest.mark.parametrize("recogniser", ["status", "govuk", "titled"])
def test_own_title_counts_whatever_others_are_like(recogniser: str) -> None:
    others = (
        "Example claims: 2026 quarter 3",
        "Example clains: 2026",
        "Example claims final: 2026",
    )
    context = Context(URL, "Example claims: 2026", similar_titles=others)
    seen = recognise_with(recogniser, govuk_page("Example claims: 2026"), context)
    assert seen.state is PRESENT


def test_index_lists_no_release_by_the_title_of_another_one() -> None:
    """The third title is as near to that of the other release as to ours."""
    ours, other = "Example claims and costs by post: 2026", "Example claims and costs by mail: 2026"
    context = Context(URL, ours, similar_titles=(other,))
    assert recognise_index(listing(ELSEWHERE, title=other), context).state is ABSENT
    as_near = listing(ELSEWHERE, title="Example claims and costs: 2026")
    assert recognise_index(as_near, context).state is UNKNOWN


@pytest.mark.parametrize("more", ["in Wales", "women", "(provisional)", "data tables"])
def test_title_of_another_place_group_stage_or_kind_is_unknown(more: str) -> None:
    other = govuk_page(OUR_TITLE.replace(" statistics", f" statistics {more}"))
    assert recognise(other, OUR_RELEASE).state is UNKNOWN


@pytest.mark.parametrize(("period", "state"), [("July to September 2026", PRESENT), ("", UNKNOWN)])
def test_period_in_text_completes_a_title_without_period(period: str, state: State) -> None:
    """Our title has the period "July to September 2026". The page's title has none.

    If its text has that period, the page is present, and otherwise unknown.
    """
    series = "Example claims: quarterly statistics"
    undated_page = govuk_page(series, f"<p>Claims {period} fell.</p>")
    undated_item = item("publication", series, description=period)
    assert recognise(undated_page, OUR_RELEASE).state is state
    assert recognise(undated_item, OUR_RELEASE).state is state


def test_release_without_period_in_title_is_never_specific() -> None:
    """`specific` would mean that the page can only be this edition.

    Without a period, it may be any edition.
    """
    title = "Weekly road fuel prices"
    recognised = recognise(govuk_page(title), Context(URL, title))
    assert (recognised.state, recognised.specific) == (PRESENT, False)


@pytest.mark.parametrize("kind", ["Accredited official", "National", "Official"])
def test_announcement_with_the_releases_title_is_absence(kind: str) -> None:
    announcement = page(f"{OUR_TITLE} - {kind} statistics announcement - GOV.UK", OUR_TITLE)
    assert recognise(announcement, OUR_RELEASE).state is ABSENT


def test_sentence_about_next_release_does_not_deny_this_one() -> None:
    later_release = "<p>The next of these statistics will be released in May.</p>"
    assert recognise(govuk_page(OUR_TITLE, later_release), OUR_RELEASE).state is PRESENT


def test_a_page_marked_as_withdrawn_is_withdrawn() -> None:
    marked_page = page(f"[Withdrawn] {OUR_TITLE} - GOV.UK", OUR_TITLE)
    assert recognise(marked_page, OUR_RELEASE).state is WITHDRAWN
    marked_item = item("publication", withdrawn_notice={"explanation": "x"})
    assert recognise(marked_item, OUR_RELEASE).state is WITHDRAWN


@pytest.mark.parametrize("title", ["Error - GOV.UK", "Sorry, there is a problem - GOV.UK"])
def test_error_page_is_unknown(title: str) -> None:
    assert recognise(page(title, "Page Unavailable"), OUR_RELEASE).state is UNKNOWN


@pytest.mark.parametrize(
    "body", [b"410 Gone", b"<html></html>", b"<p>no heading</p>", b"\x00\xff\xfe"]
)
def test_body_without_title_and_heading_is_unknown(body: bytes) -> None:
    assert recognise(answer(body), OUR_RELEASE).state is UNKNOWN


def test_parts_are_found_on_the_page_once_each() -> None:
    files = "https://assets.publishing.service.gov.uk/media/6925"
    links = (
        f'<a href="{files}/t.ods"><img></a><a href="{files}/t.ods">Tables</a><a'
        f' href="{files}/b.pdf">Bulletin</a><a href="{PATH}/bulletin">HTML</a><a'
        f' href="{PATH}/print">Print</a><a href="/help">Help</a><a'
        f' href="{files}/t.csv/preview">View</a><a href="http://[broken">?</a><a'
        ' href="mailto:a@b.example">Mail</a>'
    )
    # Links to a print version, a preview, help and mail, and a broken link, are no parts.
    found = recognise(govuk_page(OUR_TITLE, links), OUR_RELEASE).found
    assert [(part.role, part.title, part.url) for part in found] == [
        ("data", "Tables", f"{files}/t.ods"),
        ("attachment", "Bulletin", f"{files}/b.pdf"),
        ("html", "HTML", f"{URL}/bulletin"),
    ]


def test_content_item_gives_itself_and_its_usable_attachments() -> None:
    """The last two of its five attachments have no address: they are left out."""
    attachments = [
        {"attachment_type": "html", "url": f"{PATH}/bulletin", "title": "Bulletin"},
        {
            "attachment_type": "file",
            "url": "https://assets.publishing.service.gov.uk/media/1/a.csv",
            "file_size": 9,
        },
        {
            "attachment_type": "external",
            "url": "https://dashboard.example.org/",
            "title": "Dashboard",
        },
        {"attachment_type": "file"},
        "no attachment",
    ]
    publication = {
        "public_updated_at": "2026-11-26T09:30:02Z",
        "scheduled_publishing_delay_seconds": 3,
    }
    found = recognise(
        item("publication", details={"attachments": attachments}, **publication), OUR_RELEASE
    ).found
    item_itself, bulletin, data, dashboard = found
    assert [part.role for part in found] == ["item", "html", "data", "external"]
    assert item_itself.facts["public_updated_at"] == "2026-11-26T09:30:02+00:00"
    assert item_itself.facts["scheduled_publishing_delay_seconds"] == "3"
    assert bulletin.url == f"{URL}/bulletin"
    assert data.facts["file_size"] == "9"
    assert dashboard.url == "https://dashboard.example.org/"


@pytest.mark.parametrize(
    "schema", ["statistics_announcement", "placeholder", "placeholder_publication", "coming_soon"]
)
def test_items_that_are_no_publication_are_absence(schema: str) -> None:
    assert recognise(item(schema), OUR_RELEASE).state is ABSENT


def test_gone_item_is_withdrawn_although_it_answers_200() -> None:
    gone = item("gone", None, details={"explanation": "published in error"})
    assert recognise(gone, OUR_RELEASE).state is WITHDRAWN


def test_redirect_item_is_unknown_and_gives_its_destination() -> None:
    rules = [{"path": PATH, "type": "exact", "destination": "/government/statistics/other"}]
    item_url = f"https://www.gov.uk/api/content{PATH}"
    recognised = recognise(
        item("redirect", None, item_url, redirects=rules), Context(item_url, OUR_TITLE)
    )
    assert recognised.state is UNKNOWN
    # We look at JSON of the content API. So we need the new page's JSON too, whose address begins
    # with /api/content.
    (found,) = recognised.found
    assert (found.role, found.url) == (
        "redirect",
        "https://www.gov.uk/api/content/government/statistics/other",
    )


def test_redirect_item_without_a_destination_gives_none() -> None:
    assert recognise(item("redirect", None, redirects="none"), OUR_RELEASE).found == ()


ELSEWHERE = "/government/statistics/example-claims--1"


def listing(*links: str, title: str = OUR_TITLE) -> Answer:
    """Return a listing that has this title, by default the release's, at each of these addresses,
    and an entry without address.
    """
    results = [{"title": title, "link": link, "public_timestamp": "x"} for link in links]
    return answer(
        json.dumps({"results": [*results, {"title": "No link"}]}).encode(), "application/json"
    )


def test_listing_shows_the_release_at_any_address() -> None:
    """The listing has the title of our release at an unknown address.

    `specific`: it can only be this edition.
    """
    recognised = recognise(listing(ELSEWHERE), OUR_RELEASE)
    assert (recognised.state, recognised.specific) == (PRESENT, True)
    assert [found.url for found in recognised.found] == [f"https://www.gov.uk{ELSEWHERE}"]


def test_listing_proves_nothing_if_title_of_release_is_unknown() -> None:
    assert recognise(listing(ELSEWHERE), Context(URL)).why == "a listing"


def test_an_announcement_in_a_listing_is_no_release() -> None:
    assert recognise(listing("/government/statistics/announcements/a"), OUR_RELEASE).state is ABSENT


REPORT = "/government/publications/example-claims-main-report"


@pytest.mark.parametrize(
    ("listed", "state"),
    [
        ([], ABSENT),
        ([REPORT], ABSENT),
        ([ELSEWHERE], PRESENT),
        ([REPORT, ELSEWHERE], PRESENT),
    ],
    ids=["nothing", "the alternative", "another address", "both"],
)
def test_known_alternative_in_listing_does_not_prove_the_page(
    listed: list[str], state: State
) -> None:
    """REPORT is another page of the release, which may be public before the page that is awaited.

    A listing that shows only REPORT, or nothing, means absent. One that shows a new address means
    present.
    """
    with_alternative = replace(OUR_RELEASE, alternatives=(f"https://www.gov.uk{REPORT}",))
    assert recognise_index(listing(*listed), with_alternative).state is state


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"text"', b"{}", b'{"schema_name": 3}', b"[" * 100_000]
)
def test_other_json_is_unknown(body: bytes) -> None:
    assert recognise(answer(body, "application/json"), OUR_RELEASE).state is UNKNOWN


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_FIELDS = (
    "title",
    "base_path",
    "details",
    "redirects",
    "withdrawn_notice",
    "links",
    "public_updated_at",
    "results",
)


@given(
    st.sampled_from(["publication", "gone", "redirect", "statistics_announcement"]),
    st.dictionaries(st.sampled_from(_FIELDS), _JSON),
)
def test_no_json_breaks_the_govuk_recogniser(schema: str, fields: dict[str, object]) -> None:
    """Fields of a content item, the JSON of a page, have random values. Reading it never fails."""
    recognise(item(schema, **({"title": OUR_TITLE} | fields)), OUR_RELEASE)


def state_of_sampled_item(sample: Path) -> State:
    """Return the state that a sampled content item has for the release with its title."""
    body = sample.read_bytes()
    # Redirects and removed pages have no title. For them, the title of the release makes no
    # difference.
    title = json.loads(body).get("title") or OUR_TITLE
    return recognise(answer(body, "application/json"), Context(URL, title)).state


@needs_samples
@pytest.mark.parametrize(
    ("folder", "allowed_states"),
    [
        ("announcements", {ABSENT}),
        ("html_publication", {PRESENT, WITHDRAWN}),
        ("publications", {PRESENT, WITHDRAWN}),
        ("gone_redirect", {WITHDRAWN, UNKNOWN}),
    ],
)
def test_sampled_content_items_have_a_state_their_folder_allows(
    folder: str, allowed_states: set[State]
) -> None:
    for sample in sorted((SAMPLES / folder).iterdir()):
        assert state_of_sampled_item(sample) in allowed_states, sample.name


@needs_samples
@pytest.mark.parametrize(
    "folder", ["announcements", "html_publication", "publications", "gone_redirect"]
)
def test_sampled_content_item_is_withdrawn_if_its_name_says_so(folder: str) -> None:
    for sample in sorted((SAMPLES / folder).iterdir()):
        name_says_so = "withdrawn" in sample.name or "gone" in sample.name
        is_withdrawn = state_of_sampled_item(sample) is WITHDRAWN
        assert is_withdrawn == name_says_so, sample.name


@needs_samples
def test_sampled_publication_is_present_and_announcements_are_absent() -> None:
    """Of the sampled pages, only `publication_200.html` is that of a release: ours."""
    samples = (SAMPLES / "pages").iterdir()
    states = {
        sample.name: recognise(answer(sample.read_bytes()), OUR_RELEASE).state for sample in samples
    }
    present = {name for name in states if states[name] is PRESENT}
    assert present == {"publication_200.html"}
    absent = {name for name in states if states[name] is ABSENT}
    assert absent == {name for name in states if name.startswith("announcement")}


def test_version_of_item_counts_changes_without_their_notes() -> None:
    """The version is a line: the number of changes, and the last update."""
    history = [
        {"note": "SECRET correction", "public_timestamp": "2026-11-27T14:05:00+00:00"},
        {"note": "First."},
    ]
    corrected = item(
        "publication", public_updated_at="2026-11-27T14:05:00Z", details={"change_history": history}
    )
    # The note "First." is that of the publication itself, so there is one change.
    assert (
        recognise(corrected, OUR_RELEASE).version
        == "change_history=1 public_updated_at=2026-11-27T14:05:00+00:00"
    )
    assert recognise(item("publication"), OUR_RELEASE).version is None


def test_page_and_item_state_when_they_were_first_published() -> None:
    """The page says it in a `meta` element, and the item, which is the page's JSON, in a field."""
    stamp = "2026-11-26T09:30:01+00:00"
    head = (
        f'<head><title>{OUR_TITLE} - GOV.UK</title><meta name="govuk:first-published-at"'
        f' content="{stamp}"></head>'
    )
    html = answer(f"<html>{head}<body><h1>{OUR_TITLE}</h1></body></html>".encode())
    for page_or_item in (html, item("publication", first_published_at=stamp)):
        assert first_published(
            recognise(page_or_item, OUR_RELEASE).version
        ) == datetime.fromisoformat(stamp)


@needs_samples
def test_corrected_page_has_version_with_update_and_change_history() -> None:
    """A page is corrected on the day after its release. Two values in its JSON have grown.

    They are the number of changes and the time of the last update. The version is a line with such
    values.
    """

    def version_of(sample: str) -> str:
        body = (SAMPLES / f"publications/{sample}.json").read_bytes()
        return recognise(answer(body, "application/json"), OUR_RELEASE).version or ""

    first = parse_version(version_of("2026_on_time_scheduled"))
    later = parse_version(version_of("2026_corrected_next_day"))
    assert advanced_fields(first, later) == ["change_history", "public_updated_at"]
