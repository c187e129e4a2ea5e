from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.look.fetch import Answer
from monitor.look.recognise.govuk import recognise
from monitor.look.recognise.result import Context
from monitor.look.recognise.version import advanced_fields, first_published, parse_version
from monitor.look.sighting import State
from tests.unit.monitor.look.recognise.pages import CONTEXT, PATH, TITLE, URL, answer, item, page

SAMPLES = Path(__file__).parents[6] / "shared" / "samples" / "govuk"
OTHER = "Example claims: quarterly statistics, April to June 2026"


def test_a_publication_with_our_title_and_period_is_specific() -> None:
    recognised = recognise(page(f"{TITLE} - GOV.UK", TITLE), CONTEXT)
    assert (recognised.state, recognised.specific) == (State.PRESENT, True)


def test_the_edition_before_at_the_same_address_is_absence() -> None:
    assert recognise(page(f"{OTHER} - GOV.UK", OTHER), CONTEXT).state is State.ABSENT
    assert recognise(item("publication", OTHER), CONTEXT).state is State.ABSENT


def test_another_edition_after_a_404_is_absence() -> None:
    recognised = recognise(page(f"{OTHER} - GOV.UK", OTHER), Context(URL, TITLE, was_missing=True))
    assert (recognised.state, recognised.why) == (State.ABSENT, "the page shows another edition")


def test_another_title_after_a_404_is_unknown() -> None:
    recognised = recognise(
        page("Prison population - GOV.UK", "Prison population"), Context(URL, TITLE, was_missing=True)
    )
    assert (recognised.state, recognised.why) == (State.UNKNOWN, "the page shows another title")


def test_page_with_another_title_is_unknown_unless_the_announcement_redirected_to_it() -> None:
    other = page("Prison population - GOV.UK", "Prison population")
    assert recognise(other, CONTEXT).state is State.UNKNOWN
    led_to = recognise(other, Context(URL, TITLE, is_led_to=True))
    assert (led_to.state, led_to.specific) == (State.PRESENT, False)


def test_a_title_without_its_period_needs_it_on_the_page() -> None:
    series = "Example claims: quarterly statistics"
    for period, state in (("July to September 2026", State.PRESENT), ("", State.UNKNOWN)):
        undated_page = page(f"{series} - GOV.UK", series, f"<p>Claims {period} fell.</p>")
        undated_item = item("publication", series, description=period)
        assert recognise(undated_page, CONTEXT).state is recognise(undated_item, CONTEXT).state is state


def test_a_release_without_a_period_in_its_title_is_never_specific() -> None:
    recognised = recognise(
        page("Weekly road fuel prices - GOV.UK", "Weekly road fuel prices"), Context(URL, "Weekly road fuel prices")
    )
    assert (recognised.state, recognised.specific) == (State.PRESENT, False)


@pytest.mark.parametrize("kind", ["Accredited official", "National", "Official"])
def test_announcement_with_the_releases_title_is_absence(kind: str) -> None:
    assert recognise(page(f"{TITLE} - {kind} statistics announcement - GOV.UK", TITLE), CONTEXT).state is State.ABSENT


@pytest.mark.parametrize(
    "words", ["on 26 November 2026&nbsp;9:30am", "in November&nbsp;2026", "between May and&nbsp;June"]
)
def test_words_about_a_release_to_come_are_absence(words: str) -> None:
    notice = f'<h2 class="gem-c-notice__title">These statistics will be released {words}</h2>'
    assert recognise(page(f"{TITLE} - GOV.UK", TITLE, notice), CONTEXT).state is State.ABSENT


def test_words_about_a_release_to_come_in_the_text_are_no_notice() -> None:
    later_release = "<p>The next of these statistics will be released in May.</p>"
    assert recognise(page(f"{TITLE} - GOV.UK", TITLE, later_release), CONTEXT).state is State.PRESENT


@pytest.mark.parametrize(
    "title", ["No longer available - GOV.UK", "The page you&#x2019;re looking for is no longer here - GOV.UK"]
)
def test_removed_page_is_withdrawn(title: str) -> None:
    assert (
        recognise(page(title, "The page you're looking for is no longer available"), CONTEXT).state is State.WITHDRAWN
    )


def test_a_page_marked_as_withdrawn_is_withdrawn() -> None:
    assert recognise(page(f"[Withdrawn] {TITLE} - GOV.UK", TITLE), CONTEXT).state is State.WITHDRAWN
    assert recognise(item("publication", withdrawn_notice={"explanation": "x"}), CONTEXT).state is State.WITHDRAWN


@pytest.mark.parametrize("title", ["Page not found - GOV.UK", "404 - GOV.UK"])
def test_a_page_that_says_not_found_is_absence(title: str) -> None:
    assert recognise(page(title, "Page not found"), CONTEXT).state is State.ABSENT


@pytest.mark.parametrize("title", ["Error - GOV.UK", "Sorry, there is a problem - GOV.UK"])
def test_error_page_is_unknown(title: str) -> None:
    assert recognise(page(title, "Page Unavailable"), CONTEXT).state is State.UNKNOWN


@pytest.mark.parametrize("body", [b"410 Gone", b"<html></html>", b"<p>no heading</p>", b"\x00\xff\xfe"])
def test_body_without_title_and_heading_is_unknown(body: bytes) -> None:
    assert recognise(answer(body), CONTEXT).state is State.UNKNOWN


def test_parts_are_found_on_the_page_once_each() -> None:
    files = "https://assets.publishing.service.gov.uk/media/6925"
    links = (
        f'<a href="{files}/t.ods"><img></a><a href="{files}/t.ods">Tables</a><a href="{files}/b.pdf">Bulletin</a>'
        f'<a href="{PATH}/bulletin">HTML</a><a href="{PATH}/print">Print</a><a href="/help">Help</a>'
        f'<a href="{files}/t.csv/preview">View</a><a href="http://[broken">?</a><a href="mailto:a@b.example">Mail</a>'
    )
    found = recognise(page(f"{TITLE} - GOV.UK", TITLE, links), CONTEXT).found
    assert [(part.role, part.title, part.url) for part in found] == [
        ("data", "Tables", f"{files}/t.ods"),
        ("attachment", "Bulletin", f"{files}/b.pdf"),
        ("html", "HTML", f"{URL}/bulletin"),
    ]


def test_parts_and_stamps_are_found_in_the_content_item() -> None:
    attachments = [
        {"attachment_type": "html", "url": f"{PATH}/bulletin", "title": "Bulletin"},
        {"attachment_type": "file", "url": "https://assets.publishing.service.gov.uk/media/1/a.csv", "file_size": 9},
        {"attachment_type": "external", "url": "https://dashboard.example.org/", "title": "Dashboard"},
        {"attachment_type": "file"},
        "no attachment",
    ]
    stamps = {"public_updated_at": "2026-11-26T09:30:02Z", "scheduled_publishing_delay_seconds": 3}
    recognised = recognise(item("publication", details={"attachments": attachments}, **stamps), CONTEXT)
    assert [part.role for part in recognised.found] == ["item", "html", "data", "external"]
    assert recognised.found[0].facts["scheduled_publishing_delay_seconds"] == "3"
    assert recognised.found[1].url == f"{URL}/bulletin"
    assert recognised.found[2].facts["file_size"] == "9"


@pytest.mark.parametrize("schema", ["statistics_announcement", "placeholder", "placeholder_publication", "coming_soon"])
def test_items_that_are_no_publication_are_absence(schema: str) -> None:
    assert recognise(item(schema), CONTEXT).state is State.ABSENT


def test_gone_item_is_withdrawn_although_it_answers_200() -> None:
    assert (
        recognise(item("gone", None, details={"explanation": "published in error"}), CONTEXT).state is State.WITHDRAWN
    )


def test_redirect_item_is_unknown_and_gives_its_destination() -> None:
    rules = [{"path": PATH, "type": "exact", "destination": "/government/statistics/other"}]
    twin = f"https://www.gov.uk/api/content{PATH}"
    recognised = recognise(item("redirect", None, twin, redirects=rules), Context(twin, TITLE))
    assert recognised.state is State.UNKNOWN
    assert [(found.role, found.url) for found in recognised.found] == [
        ("redirect", "https://www.gov.uk/api/content/government/statistics/other")
    ]


def test_redirect_item_without_a_destination_gives_none() -> None:
    assert recognise(item("redirect", None, redirects="none"), CONTEXT).found == ()


def test_listing_gives_every_entry_and_finds_the_release_anywhere() -> None:
    results = [
        {"title": TITLE, "link": "/government/statistics/elsewhere", "public_timestamp": "x"},
        {"title": "No link"},
    ]
    content = answer(b'{"results": %s}' % str(results).replace("'", '"').encode(), "application/json")
    recognised = recognise(content, CONTEXT)
    assert (recognised.state, recognised.specific, len(recognised.found)) == (State.PRESENT, True, 1)
    assert recognised.found[0].url == "https://www.gov.uk/government/statistics/elsewhere"
    assert recognise(content, Context(URL)).why == "a listing"


def test_an_announcement_in_a_listing_is_no_release() -> None:
    content = b'{"results": [{"title": "%s", "link": "/government/statistics/announcements/a"}]}' % TITLE.encode()
    assert recognise(answer(content, "application/json"), CONTEXT).state is State.ABSENT


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"{}", b'{"schema_name": 3}', b"[" * 100_000])
def test_other_json_is_unknown(body: bytes) -> None:
    assert recognise(answer(body, "application/json"), CONTEXT).state is State.UNKNOWN


@given(st.binary(max_size=400), st.sampled_from(["text/html", "application/json", "", "text/html; charset=nonsense"]))
def test_no_body_breaks_the_govuk_recogniser(body: bytes, kind: str) -> None:
    recognise(answer(body, kind), CONTEXT)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = ("title", "base_path", "details", "redirects", "withdrawn_notice", "links", "public_updated_at", "results")


@given(
    st.sampled_from(["publication", "gone", "redirect", "statistics_announcement"]),
    st.dictionaries(st.sampled_from(_FIELDS), _JSON),
)
def test_no_json_breaks_the_govuk_recogniser(schema: str, fields: dict[str, object]) -> None:
    recognise(item(schema, **({"title": TITLE} | fields)), CONTEXT)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the shared samples are not beside the repository")
@pytest.mark.parametrize(
    ("folder", "possible"),
    [
        ("announcements", {State.ABSENT}),
        ("html_publication", {State.PRESENT, State.WITHDRAWN}),
        ("publications", {State.PRESENT, State.WITHDRAWN}),
        ("gone_redirect", {State.WITHDRAWN, State.UNKNOWN}),
    ],
)
def test_the_samples_of_content_items_have_a_state_of_their_folder(folder: str, possible: set[State]) -> None:
    for sample in sorted((SAMPLES / folder).iterdir()):
        body = sample.read_bytes()
        state = recognise(answer(body, "application/json"), Context(URL, json.loads(body).get("title") or TITLE)).state
        assert state in possible, sample.name
        assert (state is State.WITHDRAWN) == any(word in sample.name for word in ("withdrawn", "gone")), sample.name


@pytest.mark.skipif(not SAMPLES.exists(), reason="the shared samples are not beside the repository")
def test_only_the_sampled_publication_is_present_and_announcements_are_absent() -> None:
    states = {
        sample.name: recognise(
            Answer(URL, 200, {"content-type": "text/html"}, sample.read_bytes(), *_TIMES), CONTEXT
        ).state
        for sample in (SAMPLES / "pages").iterdir()
    }
    assert {name for name, state in states.items() if state is State.PRESENT} == {"publication_200.html"}
    assert {name for name, state in states.items() if state is State.ABSENT} == {
        name for name in states if name.startswith(("announcement", "not_found"))
    }


_TIMES = (answer(b"").sent, answer(b"").received)


def test_item_states_its_version_by_fields_not_by_change_notes() -> None:
    history = [{"note": "SECRET correction", "public_timestamp": "2026-11-27T14:05:00+00:00"}, {"note": "First."}]
    corrected = item("publication", public_updated_at="2026-11-27T14:05:00Z", details={"change_history": history})
    assert recognise(corrected, CONTEXT).version == "change_history=1 public_updated_at=2026-11-27T14:05:00+00:00"
    assert recognise(item("publication"), CONTEXT).version is None


def test_page_and_item_state_when_they_were_first_published() -> None:
    stamp = "2026-11-26T09:30:01+00:00"
    head = f'<head><title>{TITLE} - GOV.UK</title><meta name="govuk:first-published-at" content="{stamp}"></head>'
    html = answer(f"<html>{head}<body><h1>{TITLE}</h1></body></html>".encode())
    for page_or_item in (html, item("publication", first_published_at=stamp)):
        assert first_published(recognise(page_or_item, CONTEXT).version) == datetime.fromisoformat(stamp)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
def test_the_version_of_a_corrected_page_has_a_later_update_and_change_history() -> None:
    names = ("2026_on_time_scheduled", "2026_corrected_next_day")
    bodies = ((SAMPLES / f"publications/{name}.json").read_bytes() for name in names)
    first, later = (recognise(answer(body, "application/json"), CONTEXT).version for body in bodies)
    assert advanced_fields(parse_version(first or ""), parse_version(later or "")) == [
        "change_history",
        "public_updated_at",
    ]
