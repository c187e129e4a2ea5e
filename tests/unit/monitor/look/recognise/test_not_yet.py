from __future__ import annotations

import pytest

from monitor.look.fetch import Answer
from monitor.look.recognise.registry import find_recogniser
from monitor.look.recognise.result import Context, Known
from monitor.look.sighting import State
from tests.unit.monitor.look.recognise.pages import CONTEXT, NOON, TITLE, URL, page
from tests.worlds.instants import HOUR
from tests.worlds.releases import a_slot

PROMISES = [
    "<p>These statistics will be released on 26 November 2026 9:30am</p>",
    "<p>This release will be published on Thursday 26 November 2026.</p>",
    "<p>The official statistics will be released between November and December 2026</p>",
    "<p>Not yet published.</p>",
    "<div>Coming soon</div>",
]


@pytest.mark.parametrize("name", ["status", "govuk"])
@pytest.mark.parametrize("promise", PROMISES)
def test_page_that_only_promises_its_release_is_absence(name: str, promise: str) -> None:
    assert find_recogniser(name)(page(TITLE, TITLE, promise), CONTEXT).state is State.ABSENT


@pytest.mark.parametrize("promise", PROMISES)
def test_a_page_with_its_date_of_publication_is_out_whatever_it_promises(promise: str) -> None:
    published = page(TITLE, TITLE, f"<dl><dt>Published</dt><dd>26 November 2026</dd></dl>{promise}")
    recognised = find_recogniser("govuk")(published, CONTEXT)
    # It is specific: its title is that of this edition.
    assert (recognised.state, recognised.specific) == (State.PRESENT, True)


@pytest.mark.parametrize(
    "mention",
    [
        "Figures for Wales are not yet published.",
        "A new dashboard is coming soon.",
        "The final statistics will be published on 30 November 2026.",
    ],
)
@pytest.mark.parametrize("name", ["status", "govuk"])
def test_bulletin_that_mentions_figures_to_come_is_out(name: str, mention: str) -> None:
    # The address was missing before. The slot, 10:00 on 26 November 2026, was two hours ago.
    context = Context("https://www.example.org/claims", TITLE, known=Known(was_missing=True, slot=SLOT_TWO_HOURS_AGO))
    bulletin = "Claims fell by 3 per cent. " * 150 + mention
    assert find_recogniser(name)(page(TITLE, TITLE, f"<p>{bulletin}</p>"), context).state is State.PRESENT


def test_long_page_that_promises_its_own_day_is_absence() -> None:
    context = Context("https://www.example.org/claims", TITLE, known=Known(was_missing=True, slot=SLOT_TWO_HOURS_AGO))
    method = "Claims are counted when they are made. " * 150
    announced = page(TITLE, TITLE, f"<p>These statistics will be published on 26 November 2026. {method}</p>")
    assert find_recogniser("status")(announced, context).state is State.ABSENT


def test_a_page_about_figures_that_are_published_regularly_is_no_promise() -> None:
    seen = page(TITLE, TITLE, "<p>These figures will be published on a quarterly basis. There are 4 tables.</p>")
    assert find_recogniser("status")(seen, CONTEXT).state is State.PRESENT


DUE_NOTICE = "<p>This release is due on 26 November 2026 at 10:00.</p>"
SLOT_TWO_HOURS_AGO = a_slot(NOON - 2 * HOUR)


@pytest.mark.parametrize(
    ("date_of_publication", "state"), [("", State.UNKNOWN), ("Published 26 November 2026", State.PRESENT)]
)
def test_page_that_an_announcement_redirects_to_is_present_only_if_it_has_a_date_of_publication(
    date_of_publication: str, state: State
) -> None:
    # The slot, 10:00, was two hours ago. Without a redirect, such a page outside GOV.UK would be present. After one, a
    # cache may still serve the text of before the slot, which says "due".
    due = "<p>This release is due on 26 November 2026 at 10:00.</p>"
    context = Context("https://www.example.org/claims", TITLE, known=Known(slot=SLOT_TWO_HOURS_AGO), is_led_to=True)
    recognised = find_recogniser("govuk")(page(TITLE, TITLE, due + date_of_publication), context)
    assert recognised.state is state


@pytest.mark.parametrize(
    "context",
    [
        Context(URL, TITLE, known=Known(was_missing=True, slot=SLOT_TWO_HOURS_AGO), is_led_to=True),
        Context(URL, TITLE, known=Known("the hash of another body", slot=SLOT_TWO_HOURS_AGO)),
    ],
    ids=["missing before", "other content before"],
)
def test_page_that_was_missing_or_had_other_content_before_is_out_after_its_slot(context: Context) -> None:
    # DUE_NOTICE ("due on 26 November 2026 at 10:00") may be old text. But what was known before shows that the page is
    # new.
    assert find_recogniser("govuk")(page(TITLE, TITLE, DUE_NOTICE), context).state is State.PRESENT


def test_page_on_gov_uk_first_seen_after_its_slot_is_unknown_without_a_date_of_publication() -> None:
    # The slot, 10:00, was two hours ago. Every publication on GOV.UK has a date of publication.
    due = "<p>This release is due on 26 November 2026 at 10:00.</p>"
    context = Context("https://www.gov.uk/example", TITLE, known=Known(slot=SLOT_TWO_HOURS_AGO))
    assert find_recogniser("status")(page(TITLE, TITLE, due), context).state is State.UNKNOWN


def test_page_on_another_site_first_seen_after_its_slot_is_present_without_a_date_of_publication() -> None:
    # The slot, 10:00, was two hours ago. Other sites need not give a date of publication, or change "is due".
    due = "<p>This release is due on 26 November 2026 at 10:00.</p>"
    context = Context("https://www.example.org/claims", TITLE, known=Known(slot=SLOT_TWO_HOURS_AGO))
    assert find_recogniser("status")(page(TITLE, TITLE, due), context).state is State.PRESENT


@pytest.mark.parametrize("name", ["status", "govuk"])
@pytest.mark.parametrize("seen", [page("Placeholder", "Placeholder"), page("", "Test page")])
def test_placeholder_under_another_title_is_unknown(name: str, seen: Answer) -> None:
    assert find_recogniser(name)(seen, CONTEXT).state is State.UNKNOWN


@pytest.mark.parametrize("name", ["status", "govuk"])
def test_a_page_under_its_title_that_is_coming_soon_is_absence(name: str) -> None:
    assert find_recogniser(name)(page("Coming soon", TITLE), CONTEXT).state is State.ABSENT


@pytest.mark.parametrize("name", ["status", "govuk"])
@pytest.mark.parametrize(
    "title", ["No longer available - GOV.UK", "The page you&#x2019;re looking for is no longer here - GOV.UK"]
)
def test_a_notice_that_a_page_is_no_longer_available_is_a_withdrawal_although_its_status_is_200(
    title: str, name: str
) -> None:
    seen = page(title, "The page you're looking for is no longer available")
    assert find_recogniser(name)(seen, CONTEXT).state is State.WITHDRAWN
