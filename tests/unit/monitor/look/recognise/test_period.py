"""`period`: heading and title of a page that keeps its address decide which edition it shows."""

from __future__ import annotations

import pytest

from monitor.look.recognise.registry import find_recogniser
from monitor.look.recognise.result import Context, Known, Recognised
from monitor.look.sighting import State
from tests.unit.monitor.look.recognise.pages import NOON, answer, page
from tests.worlds.instants import HOUR
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN
from tests.worlds.releases import a_slot

OURS = "Example deaths: June 2026"


def recognise(
    heading: str, title: str = "Example figures", inside: str = "", ours: str = OURS
) -> Recognised:
    return find_recogniser("period")(
        page(title, heading, inside), Context("https://figures.example.org/deaths", ours)
    )


@pytest.mark.parametrize(
    ("heading", "title", "state"),
    [
        ("Deaths, June 2026", "Example figures", PRESENT),
        ("Example figures", "Deaths June 2026 | Example figures", PRESENT),
        ("Deaths, May 2026", "Example figures", ABSENT),
        ("Deaths, June 2025", "Example figures", ABSENT),
        ("Example figures", "Deaths May 2026 | Example figures", ABSENT),
        ("Deaths", "Example figures", UNKNOWN),
        ("Deaths, 2026", "Example figures", UNKNOWN),
        ("Deaths, June 2026, published 16 July 2026", "Example figures", UNKNOWN),
        ("Deaths, June 2026", "Deaths, May 2026", UNKNOWN),
        ("", "", UNKNOWN),
    ],
)
def test_period_in_heading_or_title_decides_the_edition(
    heading: str, title: str, state: State
) -> None:
    """Our release is that of June 2026. If heading or title name that month, the page is present.

    If they name another month or year, it is absent. If they name no month, or two, it is unknown.
    """
    assert recognise(heading, title).state is state


@pytest.mark.parametrize(
    "heading",
    [
        "Next release: June 2026",
        "Upcoming: deaths, June 2026",
        "Deaths, June 2026, to be published",
        "Scheduled maintenance, June 2026",
    ],
)
def test_period_in_heading_about_coming_edition_proves_nothing(heading: str) -> None:
    """Our release is that of June. "Next release: June 2026" does not say that June is out.

    "Next release: May 2026" does not say either whether June is out.
    """
    assert recognise(heading).state is UNKNOWN
    heading_with_another_period = heading.replace("June", "May")
    assert recognise(heading_with_another_period).state is UNKNOWN


def test_page_with_our_period_is_present_though_figures_will_follow() -> None:
    next_will_follow = "<p>The next release will be published in July.</p>"
    assert recognise("Deaths, June 2026", inside=next_will_follow).state is PRESENT


def test_page_with_our_period_needs_content_before_its_slot() -> None:
    known = Known(slot=a_slot(NOON + HOUR))
    before_slot = Context("https://figures.example.org/deaths", OURS, known=known)
    thin = page("Deaths, June 2026", "Deaths, June 2026", "<p>Figures follow at 1pm.</p>")
    assert find_recogniser("period")(thin, before_slot).state is UNKNOWN
    table = "<table><tr><td>Deaths</td><td>1,204</td></tr></table>"
    complete = page("Deaths, June 2026", "Deaths, June 2026", table)
    assert find_recogniser("period")(complete, before_slot).state is PRESENT


def test_page_of_another_period_is_absent_though_figures_will_follow() -> None:
    """Our release is that of June 2026.

    The page of May is still there, so June is not out, whatever the page says.
    """
    will_follow = "<p>These figures will be published at 9.30am.</p>"
    assert recognise("Deaths, May 2026", inside=will_follow).state is ABSENT


def test_presence_is_specific_only_under_whole_title_of_our_release() -> None:
    """The page's heading comes first, then our title.

    `specific` means that the page can only be this edition.
    """
    assert recognise("Example deaths, June 2026", ours="Example deaths: June 2026").specific
    assert not recognise("Deaths, June 2026", ours="Example deaths: June 2026").specific
    # Provisional figures have the same period as the final ones.
    assert not recognise(
        "Example deaths, June 2026", ours="Example deaths, final: June 2026"
    ).specific


@pytest.mark.parametrize("title", ["Example deaths", "Example deaths: week 27"])
def test_release_without_a_period_is_unknown_to_period(title: str) -> None:
    assert recognise(title, ours=title).state is UNKNOWN


def test_bytes_that_are_no_page_are_unknown() -> None:
    context = Context("https://figures.example.org/deaths", OURS)
    assert (
        find_recogniser("period")(answer(b"PK\x03\x04", "application/zip"), context).state
        is UNKNOWN
    )
