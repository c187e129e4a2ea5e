"""Release pages of ONS in the shape of its own template and locale files, in English and Welsh, and
their `/data`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
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
OUR_RELEASE = Context(URL, TITLE)

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
in_english_and_welsh = pytest.mark.parametrize("language", ["en", "cy"])
MARKS = {
    "upcoming": "upcoming",
    "postponed": "upcoming",
    "cancelled": "cancelled",
    "published": "published",
}


def recognise_page(
    *,
    language: str,
    status: str,
    sections: tuple[str, ...] = (),
    title: str = TITLE,
    banner: str = "",
    has_status_mark: bool = True,
) -> Recognised:
    """Return what is recognised on a page with a status, in English or Welsh, with headings for
    these sections.

    The page says its status in a banner, by default in the words of ONS. With a status mark it also
    has its status in an attribute and a script.
    """
    words, mark = WORDS[language], MARKS[status]
    own = (
        f'data-gtm-release-status="{mark}" data-gtm-release-date-status=""'
        if has_status_mark
        else ""
    )
    pushed = (
        f"""<script>dataLayer.push({{"contentTitle": "{title}", "release-status": "{mark}",
        "release-date-status": "", "next-release-date": "To be announced"}});</script>"""
        * has_status_mark
    )
    panel = (
        ""
        if status == "published"
        else f'<div class="ons-panel__body"><p>{banner or words[status]}</p></div>'
    )
    parts = "".join(f'<section id="{name}"><h2>{words[name]}</h2></section>' for name in sections)
    site = "Office for National Statistics"
    body = f"""<!DOCTYPE html><html lang="{language}"><head><title>{title} - {site}</title>{pushed}</head><body>
        <div class="ons-page__container ons-container release" {own}><div>{words["type"]}</div>
        <h1 class="ons-u-fs-xxxl"><span>{title}</span></h1>{panel}{parts}</div></body></html>"""
    return find_recogniser("ons")(answer(body.encode(), url=URL), OUR_RELEASE)


@in_english_and_welsh
@pytest.mark.parametrize("sections", [(), ("summary",), ("publications", "data")])
@pytest.mark.parametrize("status", MARKS)
def test_release_page_is_recognised_by_its_status_in_any_language(
    language: str, sections: tuple[str, ...], status: str
) -> None:
    """A page states its status: upcoming, postponed, cancelled or published.

    Only a published page is present.

    Headings for documents do not count beside a status. `specific` means that the page can only be
    this edition.
    """
    recognised = recognise_page(language=language, status=status, sections=sections)
    is_published = status == "published"
    assert recognised.state is (PRESENT if is_published else ABSENT)
    assert recognised.specific is is_published


@in_english_and_welsh
@pytest.mark.parametrize("status", ["upcoming", "postponed", "cancelled"])
@pytest.mark.parametrize("apostrophe", ["'", "\u2019"], ids=["straight", "curly"])
def test_page_is_absent_if_english_or_welsh_banner_says_so(
    language: str, status: str, apostrophe: str
) -> None:
    """The banner says that the release is upcoming, postponed or cancelled.

    That makes the page absent.

    It has the headings of a published page, and no status in its code. So only the banner can tell.
    """
    banner = WORDS[language][status].replace("'", apostrophe)  # Welsh banners contain apostrophes
    headings = ("publications", "data")
    recognised = recognise_page(
        language=language, status=status, banner=banner, sections=headings, has_status_mark=False
    )
    assert recognised.state is ABSENT


@in_english_and_welsh
def test_unmarked_page_is_present_only_if_it_lists_publications(language: str) -> None:
    """A published page has no banner.

    This one has no status in its code either, so only its headings can tell.

    "Publications" shows that it is out, and "Summary" shows nothing. `specific` means that it can
    only be this edition.
    """
    unmarked_page = partial(
        recognise_page, language=language, status="published", has_status_mark=False
    )
    with_publications = unmarked_page(sections=("publications",))
    assert (with_publications.state, with_publications.specific) == (PRESENT, True)
    only_with_summary = unmarked_page(sections=("summary",))
    assert only_with_summary.state is UNKNOWN


@in_english_and_welsh
def test_postponed_page_with_its_own_reason_is_absent(language: str) -> None:
    """The banner gives only the reason, and the heading "Data" is that of a published page.

    The status decides.
    """
    reason = "Moved by one week to allow further checks."
    recognised = recognise_page(
        language=language, status="postponed", sections=("data",), banner=reason
    )
    assert recognised.state is ABSENT


def test_published_page_of_another_month_or_series_is_not_present() -> None:
    """Our release is that of deaths in June.

    A page of May shows that June is not out. One of births shows nothing.
    """
    of_another_month = "Example deaths registered in Wales: May 2026"
    assert recognise_page(language="cy", status="published", title=of_another_month).state is ABSENT
    of_another_series = "Example births registered in Wales: June 2026"
    assert (
        recognise_page(language="cy", status="published", title=of_another_series).state is UNKNOWN
    )


def recognise_data(data: dict[str, Any], title: str = TITLE) -> Recognised:
    url = f"{URL}/data"
    return find_recogniser("ons")(
        answer(json.dumps(data).encode(), "application/json", url), Context(url, title)
    )


def release_data(**about: object) -> dict[str, Any]:
    """Return the data of our release, which by default is announced and not published."""
    return {
        "description": {
            "title": TITLE,
            "published": False,
            "cancelled": False,
            "finalised": True,
            **about,
        }
    }


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (release_data(), ABSENT),
        (
            release_data()
            | {
                "date_changes": [{"previous_date": "2026-06-01T08:30:00.000Z", "change_notice": ""}]
            },
            ABSENT,
        ),
        (release_data() | {"related_datasets": [{"uri": "/a", "title": "A"}]}, ABSENT),
        (release_data(cancelled=True, cancellation_notice=["Not enough answers."]), ABSENT),
        (release_data(cancelled=True, published=True), WITHDRAWN),
        (release_data(published=True), PRESENT),
        (
            release_data(published=True) | {"related_documents": None, "related_datasets": []},
            PRESENT,
        ),
        (
            release_data(published=True, welsh_statistic=True, provisional_date="Mehefin 2026"),
            PRESENT,
        ),
        (release_data(published="true"), UNKNOWN),
        (release_data(published=None), UNKNOWN),
        ({"description": {"title": TITLE, "finalised": True}}, UNKNOWN),
        ({"description": None}, UNKNOWN),
    ],
)
def test_json_of_ons_shows_whether_release_is_published(data: dict[str, Any], state: State) -> None:
    """A release is present if `published` is exactly true.

    If it is also cancelled, it is withdrawn.

    False means absent. With anything else, the release is unknown. `specific`: it can only be this
    edition.
    """
    recognised = recognise_data(data)
    assert (recognised.state, recognised.specific) == (state, state is PRESENT)


@pytest.mark.parametrize(
    ("name", "state"),
    [("ons_release_data", ABSENT), ("ons_release_data_published", PRESENT)],
)
def test_ons_samples_are_recognised_with_their_state(root: Path, name: str, state: State) -> None:
    """One sample is of a release to come, the other of a published one, which is `specific`: only
    this edition.
    """
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


def test_sunset_header_makes_404_unknown_and_deprecation_changes_nothing() -> None:
    """A Sunset header (RFC 8594) says that an address ends.

    So a 404 with it may not be about the release: unknown.
    """
    # it counts whether it is before or after the look
    end_of_address = "Wed, 01 Jul 2026 00:00:00 GMT"
    assert state_by_headers(404, b"not found") is ABSENT
    assert state_by_headers(404, b"not found", sunset=end_of_address) is UNKNOWN
    assert state_by_headers(404, b"not found", deprecation="true") is ABSENT
    # With status 200, both headers change nothing. Without a body, the look is always unknown.
    assert state_by_headers(200, b"", deprecation="true") is UNKNOWN
    # None means that the headers do not decide, so the body is read.
    assert state_by_headers(200, b"{}", sunset=end_of_address) is None
