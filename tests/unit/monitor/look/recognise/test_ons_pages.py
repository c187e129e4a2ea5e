"""Release pages of ONS in the shape of its own template and locale files, in English and Welsh, and their `/data`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.look.fetch import Answer
from monitor.look.interpret import interpret_without_body
from monitor.look.recognise.registry import find_recogniser
from monitor.look.recognise.result import Context, Recognised
from monitor.look.sighting import State
from monitor.plan.targets import Target, View
from tests.unit.monitor.look.recognise.pages import answer
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN

TITLE = "Example deaths registered in Wales: June 2026"
URL = "https://cy.ons.gov.uk/releases/exampledeathsregisteredinwalesjune2026"
CONTEXT = Context(URL, TITLE)

# As in assets/locales of dp-frontend-release-calendar.
WORDS = {
    "en": {
        "type": "Release",
        "upcoming": "This release is not yet published",
        "postponed": "This release has been postponed",
        "cancelled": "This release has been cancelled",
        "publications": "Publications",
        "data": "Data",
        "summary": "Summary",
    },
    "cy": {
        "type": "Datganiad",
        "upcoming": "Nid yw'r datganiad hwn wedi'i gyhoeddi eto",
        "postponed": "Mae'r datganiad hwn wedi cael ei ohirio",
        "cancelled": "Mae'r datganiad hwn wedi cael ei ganslo",
        "publications": "Cyhoeddiadau",
        "data": "Data",
        "summary": "Crynodeb",
    },
}
MARKS = {"upcoming": "upcoming", "postponed": "upcoming", "cancelled": "cancelled", "published": "published"}


def recognise_page(
    language: str, state: str, *sections: str, title: str = TITLE, banner: str = "", has_status_mark: bool = True
) -> Recognised:
    """Return what is recognised on a page in a state, with headings for these sections.

    The page says its state in a banner, by default in the words of ONS. With a status mark it also has its state in an
    attribute and a script.
    """
    words, mark = WORDS[language], MARKS[state]
    own = f'data-gtm-release-status="{mark}" data-gtm-release-date-status=""' if has_status_mark else ""
    pushed = (
        f"""<script>dataLayer.push({{"contentTitle": "{title}", "release-status": "{mark}",
        "release-date-status": "", "next-release-date": "To be announced"}});</script>"""
        * has_status_mark
    )
    panel = "" if state == "published" else f'<div class="ons-panel__body"><p>{banner or words[state]}</p></div>'
    parts = "".join(f'<section id="{one}"><h2>{words[one]}</h2></section>' for one in sections)
    site = "Office for National Statistics"
    body = f"""<!DOCTYPE html><html lang="{language}"><head><title>{title} - {site}</title>{pushed}</head><body>
        <div class="ons-page__container ons-container release" {own}><div>{words["type"]}</div>
        <h1 class="ons-u-fs-xxxl"><span>{title}</span></h1>{panel}{parts}</div></body></html>"""
    return find_recogniser("ons")(answer(body.encode(), url=URL), CONTEXT)


@pytest.mark.parametrize("language", ["en", "cy"])
@pytest.mark.parametrize("sections", [(), ("summary",), ("publications", "data")])
@pytest.mark.parametrize("state", MARKS)
def test_a_release_page_is_recognised_by_its_state_in_any_language(
    language: str, sections: tuple[str, ...], state: str
) -> None:
    # Specific: the page can only be this edition. The page has a status mark, so its headings for documents do not
    # count.
    recognised = recognise_page(language, state, *sections)
    assert (recognised.state, recognised.specific) == ((PRESENT, True) if state == "published" else (ABSENT, False))


@pytest.mark.parametrize("language", ["en", "cy"])
@pytest.mark.parametrize("state", ["upcoming", "postponed", "cancelled"])
def test_page_without_a_status_mark_is_absent_if_its_banner_says_in_its_language_that_it_is_not_out(
    language: str, state: str
) -> None:
    words_of_ons = WORDS[language][state]
    for banner in (words_of_ons, words_of_ons.replace("'", "\u2019")):
        # Sections for documents would make a page without this banner present.
        page = recognise_page(language, state, "publications", "data", banner=banner, has_status_mark=False)
        assert page.state is ABSENT


@pytest.mark.parametrize("language", ["en", "cy"])
def test_published_page_without_a_status_mark_is_present_with_documents_and_unknown_without(language: str) -> None:
    # Only a page that is present can be `specific`, which means that it can only be this edition.
    assert recognise_page(language, "published", "publications", has_status_mark=False).specific
    assert recognise_page(language, "published", "summary", has_status_mark=False).state is UNKNOWN


@pytest.mark.parametrize("language", ["en", "cy"])
def test_a_postponed_page_that_gives_a_reason_of_its_own_is_absent(language: str) -> None:
    recognised = recognise_page(language, "postponed", "data", banner="Moved by one week to allow further checks.")
    assert recognised.state is ABSENT


def test_another_edition_at_the_address_is_absence_and_another_title_is_unknown() -> None:
    assert recognise_page("cy", "published", title=TITLE.replace("June", "May")).state is ABSENT
    other = recognise_page("cy", "published", title="Example births registered in Wales: June 2026")
    assert other.state is State.UNKNOWN


def recognise_data(data: dict[str, Any], title: str = TITLE) -> Recognised:
    url = f"{URL}/data"
    return find_recogniser("ons")(answer(json.dumps(data).encode(), "application/json", url), Context(url, title))


def described(**about: object) -> dict[str, Any]:
    return {"description": {"title": TITLE, "published": False, "cancelled": False, "finalised": True, **about}}


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (described(), ABSENT),
        (described() | {"date_changes": [{"previous_date": "2026-06-01T08:30:00.000Z", "change_notice": ""}]}, ABSENT),
        (described() | {"related_datasets": [{"uri": "/a", "title": "A"}]}, ABSENT),
        (described(cancelled=True, cancellation_notice=["Not enough answers."]), ABSENT),
        (described(cancelled=True, published=True), WITHDRAWN),
        (described(published=True), PRESENT),
        (described(published=True) | {"related_documents": None, "related_datasets": []}, PRESENT),
        (described(published=True, welsh_statistic=True, provisional_date="Mehefin 2026"), PRESENT),
        (described(published="true"), ABSENT),
        ({"description": {"title": TITLE, "finalised": True}}, UNKNOWN),
        ({"description": None}, UNKNOWN),
    ],
)
def test_the_data_of_a_release_say_whether_it_is_out(said: dict[str, Any], state: State) -> None:
    # A release is out if `published` is exactly true and it is not cancelled. Then its title shows that it is this
    # edition, which is called specific.
    recognised = recognise_data(said)
    assert (recognised.state, recognised.specific) == (state, state is PRESENT)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("ons_release_data", ABSENT),
        ("ons_release_data_published", PRESENT),
    ],
)
def test_ons_samples_are_recognised_with_their_state(root: Path, name: str, state: State) -> None:
    sample = root.parent / f"shared/samples/calendars/{name}.json"
    if not sample.exists():
        pytest.skip("the samples do not stand beside the project")
    content = json.loads(sample.read_bytes())
    recognised = recognise_data(content, content["description"]["title"])
    assert (recognised.state, recognised.specific) == (state, state is PRESENT)


DATA = Target("r/page/edge", "r", "page", View.EDGE, f"{URL}/data", "cy.ons.gov.uk", "ons", TITLE)


def state_by_headers(status: int, body: bytes = b"", **headers: str) -> State | None:
    plain = answer(body, "text/html", DATA.url)
    got: Answer = replace(plain, status=status, headers={**plain.headers, **headers})
    seen = interpret_without_body(got, DATA)
    return None if seen is None else seen.state


def test_sunset_header_makes_only_a_404_unknown_and_a_deprecation_header_changes_nothing() -> None:
    # A Sunset header (RFC 8594) names the end of an address. Its date is not compared with the time of the look.
    end_of_address = "Wed, 01 Jul 2026 00:00:00 GMT"
    assert state_by_headers(404, b"not found") is ABSENT
    assert state_by_headers(404, b"not found", sunset=end_of_address) is UNKNOWN
    assert state_by_headers(404, b"not found", deprecation="true") is ABSENT
    # A success without a body is always unknown.
    assert state_by_headers(200, b"", deprecation="true") is UNKNOWN
    # None: the state is not known by the headers, so the body is read.
    assert state_by_headers(200, b"{}", sunset=end_of_address) is None
