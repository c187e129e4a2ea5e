from __future__ import annotations

import pytest

from monitor.look.fetch import Answer
from monitor.look.recognise.result import Context, Known
from monitor.look.sighting import State
from schedules.slot import Slot
from tests.unit.monitor.look.recognise.pages import (
    NOON,
    OUR_TITLE,
    URL,
    our_page,
    page,
    recognise_with,
)
from tests.worlds.instants import HOUR
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN
from tests.worlds.releases import a_slot

SLOT_TWO_HOURS_AGO = a_slot(NOON - 2 * HOUR)
by_status_and_govuk = pytest.mark.parametrize("name", ["status", "govuk"])
PROMISES = [
    "<p>These statistics will be released on 26 November 2026 9:30am</p>",
    "<p>This release will be published on Thursday 26 November 2026.</p>",
    "<p>The official statistics will be released between November and December 2026</p>",
    "<p>Not yet published.</p>",
    "<div>Coming soon</div>",
]


@by_status_and_govuk
@pytest.mark.parametrize("promise", PROMISES)
def test_page_that_only_promises_its_release_is_absence(name: str, promise: str) -> None:
    assert recognise_with(name, our_page(promise)).state is ABSENT


@pytest.mark.parametrize("promise", PROMISES)
def test_page_with_date_of_publication_is_out_despite_promise(promise: str) -> None:
    """The page still says, for example, "Coming soon".

    But it has "Published 26 November 2026", which counts more.
    """
    published = our_page(f"<dl><dt>Published</dt><dd>26 November 2026</dd></dl>{promise}")
    recognised = recognise_with("govuk", published)
    # `specific` means that its title is that of this edition.
    assert (recognised.state, recognised.specific) == (PRESENT, True)


LONG_TEXT = "Claims are counted when they are made. " * 150


def missing_before(slot: Slot) -> Context:
    """Return the context of a page whose address answered 404 before."""
    return Context(
        "https://www.example.org/claims", OUR_TITLE, known=Known(was_missing=True, slot=slot)
    )


@pytest.mark.parametrize(
    "mention",
    [
        "Figures for Wales are not yet published.",
        "A new dashboard is coming soon.",
        "The final statistics will be published on 30 November 2026.",
    ],
)
@by_status_and_govuk
def test_bulletin_that_mentions_figures_to_come_is_out(name: str, mention: str) -> None:
    """The slot was two hours ago.

    A long text may mention, for example, that a new dashboard is coming soon.
    """
    bulletin = our_page(f"<p>{LONG_TEXT}{mention}</p>")
    assert recognise_with(name, bulletin, missing_before(SLOT_TWO_HOURS_AGO)).state is PRESENT


@by_status_and_govuk
def test_long_page_that_is_coming_soon_is_unknown_before_slot(name: str) -> None:
    """The address answered 404.

    Two hours before the slot, it shows a long text with the words "Coming soon".

    The text may announce the release. Or it is the release, and mentions that other figures are
    coming soon.
    """
    text = our_page(f"<p>{LONG_TEXT}Coming soon.</p>")
    slot_in_two_hours = a_slot(NOON + 2 * HOUR)
    assert recognise_with(name, text, missing_before(slot_in_two_hours)).state is UNKNOWN


def test_long_page_that_promises_its_own_day_is_absence() -> None:
    """The slot was two hours ago.

    The page still says that it will be published on 26 November, the day of the slot.
    """
    announced = our_page(
        f"<p>These statistics will be published on 26 November 2026. {LONG_TEXT}</p>"
    )
    assert recognise_with("status", announced, missing_before(SLOT_TWO_HOURS_AGO)).state is ABSENT


def test_sentence_about_regular_publication_is_no_promise() -> None:
    seen = our_page(
        "<p>These figures will be published on a quarterly basis. There are 4 tables.</p>"
    )
    assert recognise_with("status", seen).state is PRESENT


DUE_NOTICE = "<p>This release is due on 26 November 2026 at 10:00.</p>"


@pytest.mark.parametrize(
    ("date_of_publication", "state"), [("", UNKNOWN), ("Published 26 November 2026", PRESENT)]
)
def test_page_that_announcement_redirects_to_needs_date_of_publication(
    date_of_publication: str, state: State
) -> None:
    """The slot was two hours ago, and the announcement now redirects to the page.

    The page still says that it is due.

    That may be an old text from a cache: unknown. With "Published 26 November 2026" in it, it is
    present.
    """
    context = Context(
        "https://www.example.org/claims",
        OUR_TITLE,
        known=Known(slot=SLOT_TWO_HOURS_AGO),
        is_led_to=True,
    )
    recognised = recognise_with("govuk", our_page(DUE_NOTICE + date_of_publication), context)
    assert recognised.state is state


@pytest.mark.parametrize(
    "context",
    [
        Context(
            URL, OUR_TITLE, known=Known(was_missing=True, slot=SLOT_TWO_HOURS_AGO), is_led_to=True
        ),
        Context(URL, OUR_TITLE, known=Known("the hash of another body", slot=SLOT_TWO_HOURS_AGO)),
    ],
    ids=["missing before", "other content before"],
)
def test_page_missing_or_different_before_is_out_after_slot(context: Context) -> None:
    """The slot was two hours ago, but the page still says that it is due.

    That may be an old text from a cache.

    Earlier looks show that it is new: before, the address answered 404 or had other content. So it
    is present.
    """
    assert recognise_with("govuk", our_page(DUE_NOTICE), context).state is PRESENT


@pytest.mark.parametrize(
    ("url", "state"),
    [("https://www.gov.uk/example", UNKNOWN), ("https://www.example.org/claims", PRESENT)],
)
def test_only_govuk_page_needs_date_of_publication_after_its_slot(url: str, state: State) -> None:
    """The slot was two hours ago, but the page still says that it is due.

    It has no date of publication.

    On GOV.UK a release always has one, so the page is unknown. Other sites may keep the old words,
    so it is present.
    """
    context = Context(url, OUR_TITLE, known=Known(slot=SLOT_TWO_HOURS_AGO))
    assert recognise_with("status", our_page(DUE_NOTICE), context).state is state


@by_status_and_govuk
@pytest.mark.parametrize("seen", [page("Placeholder", "Placeholder"), page("", "Test page")])
def test_placeholder_under_another_title_is_unknown(name: str, seen: Answer) -> None:
    assert recognise_with(name, seen).state is UNKNOWN


@by_status_and_govuk
def test_page_that_is_coming_soon_is_absence(name: str) -> None:
    assert recognise_with(name, page("Coming soon", OUR_TITLE)).state is ABSENT


@by_status_and_govuk
@pytest.mark.parametrize(
    "title",
    [
        "No longer available - GOV.UK",
        "The page you&#x2019;re looking for is no longer here - GOV.UK",
    ],
)
def test_notice_that_page_is_no_longer_available_is_withdrawal(title: str, name: str) -> None:
    seen = page(title, "The page you're looking for is no longer available")
    assert recognise_with(name, seen).state is WITHDRAWN
