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


def test_a_page_about_figures_that_are_published_regularly_is_no_promise() -> None:
    seen = page(TITLE, TITLE, "<p>These figures will be published on a quarterly basis. There are 4 tables.</p>")
    assert find_recogniser("status")(seen, CONTEXT).state is State.PRESENT


DUE_NOTICE = "<p>This release is due on 26 November 2026 at 10:00.</p>"
SLOT_TWO_HOURS_AGO = a_slot(NOON - 2 * HOUR)


@pytest.mark.parametrize(
    ("date_of_publication", "state"), [("", State.UNKNOWN), ("Published 26 November 2026", State.PRESENT)]
)
def test_page_that_an_announcement_redirects_to_proves_a_release_only_with_a_date_of_publication(
    date_of_publication: str, state: State
) -> None:
    # The slot is over, so another page that is not on GOV.UK would be out. But after a redirect (`is_led_to`), a text
    # that names the day of its slot, as the notice does, may be from before the slot.
    led_to = Context("https://www.example.org/claims", TITLE, known=Known(slot=SLOT_TWO_HOURS_AGO), is_led_to=True)
    assert find_recogniser("govuk")(page(TITLE, TITLE, DUE_NOTICE + date_of_publication), led_to).state is state


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


@pytest.mark.parametrize(
    ("url", "state"), [(URL, State.UNKNOWN), ("https://www.example.org/claims", State.PRESENT)], ids=["GOV.UK", "other"]
)
def test_first_page_seen_after_its_slot_needs_a_date_of_publication_only_on_gov_uk(url: str, state: State) -> None:
    # DUE_NOTICE names the day of the slot, and is no date of publication. On GOV.UK, each release has one.
    context = Context(url, TITLE, known=Known(slot=SLOT_TWO_HOURS_AGO))
    assert find_recogniser("status")(page(TITLE, TITLE, DUE_NOTICE), context).state is state


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
