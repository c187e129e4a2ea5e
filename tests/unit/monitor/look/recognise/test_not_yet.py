"""What a page of the release proves before and after its slot: sentences prove nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.look.fetch import Answer
from monitor.look.recognise.content import PLACEHOLDER
from monitor.look.recognise.notices import CLOSED, NOTICE_ONLY, SAYS_CALLED_OFF
from monitor.look.recognise.result import Context, Known
from monitor.look.sighting import State
from schedules.dates.sentences import names_day_of
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
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN
from tests.worlds.releases import a_slot

SLOT_TWO_HOURS_AGO = a_slot(NOON - 2 * HOUR)
SLOT_IN_TWO_HOURS = a_slot(NOON + 2 * HOUR)
by_status_and_govuk = pytest.mark.parametrize("name", ["status", "govuk"])
before_and_after = pytest.mark.parametrize(
    "slot", [SLOT_IN_TWO_HOURS, SLOT_TWO_HOURS_AGO], ids=["before slot", "after slot"]
)
OWN_SITE = "https://www.example.org/claims"
SENTENCES = [
    "The next release will be published on Thursday 14 January.",
    "Figures for Wales are not yet published and will be added in the new year.",
    "A dashboard is coming soon.",
    "These figures will be published on 3 December 2026 for Scotland.",
    "The final statistics will be released on 26 November 2026.",
    "This publication was previously released on 26 August 2026.",
    "Not found in every area: data no longer available are marked.",
]
FORTY_WORDS = f"<p>{'Claims fell. ' * 20}</p>"
CONTENT = [
    "<a href='/files/claims-q3-2026.ods'>Tables</a>",
    "<a href='/download/1234'>Tables: September 2026 (XLSX, 34 KB)</a>",
    "<table><tr><th>Claims</th></tr><tr><td>1,204</td></tr></table>",
    FORTY_WORDS,
    "<p>Published: 25 November 2026</p>",
    "<dl><dt>Published</dt><dd>26 November 2026</dd></dl>",
    "<p>Last updated <time datetime='2026-11-25T09:30:00Z'>yesterday</time></p>",
    "<p>Official statistics. Published Thursday, 26 November 2026</p>",
    "<p>Date published: 24th November, 2026</p>",
    "<dl><dt>Release date:</dt><dd>25 November 2026</dd></dl>",
    "<p>Diweddarwyd: 25 Tachwedd 2026</p>",
]
NO_CONTENT = [
    "",
    "<p>Claims fell.</p>",
    "<p>These statistics will be released on 26 November 2026 at 2pm.</p>",
    "<p>Coming soon</p>",
    "<dl><dt>Release date</dt><dd>26 November 2026</dd></dl>",
    "<p>Publication date: 26 November 2026 2pm</p>",
    "<p>Published: 3 December 2026</p>",
    "<p>To be published 26 November 2026</p>",
    "<p>The last edition was published on 26 August 2026.</p>",
    "<table><tr><th>Release</th><td>26 November 2026 2:00pm</td></tr></table>",
    "<a href='/files/claims-q2-2026.ods'>Last edition: April to June 2026</a>",
    "<a href='/files/qmi.pdf'>Quality and methodology information</a>",
    f"<footer>{FORTY_WORDS}</footer>",
    f"<p>{OUR_TITLE}. {OUR_TITLE}. {OUR_TITLE}. {OUR_TITLE}. {OUR_TITLE}. {OUR_TITLE}.</p>",
]


def missing_before(slot: Slot, url: str = OWN_SITE) -> Context:
    """Return the context of a page whose address answered 404 before."""
    return Context(url, OUR_TITLE, known=Known(was_missing=True, slot=slot))


@by_status_and_govuk
@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("url", [OWN_SITE, URL])
def test_sentence_of_a_published_page_does_not_deny_it(name: str, sentence: str, url: str) -> None:
    """The slot was two hours ago. Before, the address answered 404."""
    short, long = our_page(f"<p>Claims fell. {sentence}</p>"), our_page(FORTY_WORDS + sentence)
    for seen in (short, long):
        context = missing_before(SLOT_TWO_HOURS_AGO, url)
        assert recognise_with(name, seen, context).state is PRESENT


@by_status_and_govuk
@pytest.mark.parametrize("sentence", SENTENCES)
@before_and_after
def test_page_with_content_is_present_whatever_it_says(
    name: str, sentence: str, slot: Slot
) -> None:
    for content in CONTENT:
        seen = our_page(f"{content}<p>{sentence}</p>")
        assert recognise_with(name, seen, missing_before(slot)).state is PRESENT, content


@by_status_and_govuk
@pytest.mark.parametrize("inside", NO_CONTENT)
def test_page_without_content_proves_nothing_until_its_slot(name: str, inside: str) -> None:
    """After the slot, the page counts, because its address answered 404 before."""
    early = recognise_with(name, our_page(inside), missing_before(SLOT_IN_TWO_HOURS))
    assert (early.state, early.why) == (UNKNOWN, PLACEHOLDER)
    after_slot = missing_before(SLOT_TWO_HOURS_AGO)
    assert recognise_with(name, our_page(inside), after_slot).state is PRESENT


@by_status_and_govuk
def test_words_of_site_outside_main_are_no_content(name: str) -> None:
    banner = f"<div>We use cookies. {FORTY_WORDS}</div>"
    in_frame = our_page(f"{banner}<main><h1>{OUR_TITLE}</h1></main>")
    assert recognise_with(name, in_frame, missing_before(SLOT_IN_TWO_HOURS)).state is UNKNOWN
    in_main = our_page(f"<main>{FORTY_WORDS}</main>")
    assert recognise_with(name, in_main, missing_before(SLOT_IN_TWO_HOURS)).state is PRESENT


@by_status_and_govuk
@before_and_after
@pytest.mark.parametrize(
    "inside",
    [
        "<p>Enter the password.</p><form><input type='password'></form>",
        f"<p>Published: 24 November 2026</p>{FORTY_WORDS}<form><input type='password'></form>",
        "<p>You are now in line. Your estimated wait time is 4 minutes.</p>",
        "<p id='c' data-until='2026-11-26T14:00:00Z'>Figures go live in 00:03:00</p>",
        "<div id='root'></div><noscript>You need to enable JavaScript.</noscript>",
        "<script src='/app.js'></script>",
        "<main><div>Loading…</div></main><script src='/app.js'></script>",
        "<p>Enter your access code</p><form><input name='code'></form>",
        "<div class='countdown-timer'>00:04:59</div>",
        f"<p>You are in the queue.</p>{FORTY_WORDS}",
        f"<p>Live in 0 days, 0 hours, 4 minutes and 59 seconds</p>{FORTY_WORDS}",
        "<meta http-equiv='Refresh' content='20'><p>Please wait.</p>",
    ],
)
def test_password_queue_countdown_or_script_is_a_sign_against(
    name: str, slot: Slot, inside: str
) -> None:
    seen = recognise_with(name, our_page(inside), missing_before(slot))
    assert (seen.state, seen.why) == (UNKNOWN, CLOSED)


@by_status_and_govuk
@before_and_after
def test_real_page_may_mention_queues_and_passwords(name: str, slot: Slot) -> None:
    words = (
        "People in the queue had a waiting time of 4 days. Passwords expire. A waiting room is full."
        " Enter your PIN code."
    )
    seen = our_page(f"<p>{words}</p>{FORTY_WORDS}<script>draw()</script>")
    assert recognise_with(name, seen, missing_before(slot)).state is PRESENT


def test_countdown_that_stood_before_slot_stays_unknown_as_its_numbers_change() -> None:
    before = our_page("<p>Not long now: 00:03:00</p>")
    seen = recognise_with("status", before, missing_before(SLOT_IN_TWO_HOURS))
    known = Known(was_missing=True, placeholder=seen.placeholder, slot=SLOT_TWO_HOURS_AGO)
    after_slot = Context(OWN_SITE, OUR_TITLE, known=known)
    counted_down = our_page("<p>Not long now: 00:00:00</p>")
    assert recognise_with("status", counted_down, after_slot).state is UNKNOWN
    assert recognise_with("status", our_page("<p>Claims fell.</p>"), after_slot).state is PRESENT


NOTICE = '<section class="gem-c-notice"><h2>These statistics will be released {}</h2></section>'


@before_and_after
@pytest.mark.parametrize("when", ["on 26 November 2026&nbsp;2:00pm", "on 26 November"])
def test_page_of_govuk_with_only_a_notice_of_its_day_is_absence(slot: Slot, when: str) -> None:
    """Like the placeholders of Ofqual in 2018: no publication metadata, no file, no part."""
    seen = recognise_with("govuk", our_page(NOTICE.format(when)), missing_before(slot, URL))
    assert seen.state is ABSENT


@pytest.mark.parametrize(
    "seen",
    [
        our_page(NOTICE.format("on 26 November 2026") + CONTENT[0]),
        our_page(NOTICE.format("on 26 November 2026") + CONTENT[5]),
        our_page(NOTICE.format("on 26 November 2026") + FORTY_WORDS),
        our_page(NOTICE.format("on 26 February 2027")),
        our_page(NOTICE.format("soon")),
    ],
    ids=["a file", "a date of publication", "words", "another day", "no day"],
)
def test_notice_beside_content_or_of_another_day_denies_nothing(seen: Answer) -> None:
    context = missing_before(SLOT_TWO_HOURS_AGO, URL)
    assert recognise_with("govuk", seen, context).state is PRESENT


def test_notice_on_another_site_is_no_absence() -> None:
    seen = our_page(NOTICE.format("on 26 November 2026"))
    for slot, state in ((SLOT_IN_TWO_HOURS, UNKNOWN), (SLOT_TWO_HOURS_AGO, PRESENT)):
        assert recognise_with("status", seen, missing_before(slot)).state is state


@by_status_and_govuk
@pytest.mark.parametrize(
    ("title", "slot", "state"),
    [
        ("Test", SLOT_IN_TWO_HOURS, ABSENT),
        ("Test", SLOT_TWO_HOURS_AGO, UNKNOWN),
        (OUR_TITLE, SLOT_IN_TWO_HOURS, UNKNOWN),
        (OUR_TITLE, SLOT_TWO_HOURS_AGO, UNKNOWN),
    ],
)
def test_dummy_text_is_absence_only_before_slot_and_under_another_title(
    name: str, title: str, slot: Slot, state: State
) -> None:
    seen = page(title, title, f"<p>{'Lorem ipsum dolor sit amet. ' * 20}</p>")
    assert recognise_with(name, seen, missing_before(slot)).state is state


@by_status_and_govuk
@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("This release has been postponed.", SAYS_CALLED_OFF["postponed"]),
        ("These statistics have been cancelled.", SAYS_CALLED_OFF["cancelled"]),
        ("This page is temporarily unavailable. Try again later.", NOTICE_ONLY),
    ],
)
def test_page_that_says_only_that_it_is_not_available_is_unknown(
    name: str, sentence: str, why: str
) -> None:
    seen = recognise_with(name, our_page(f"<p>{sentence}</p>"), missing_before(SLOT_TWO_HOURS_AGO))
    assert (seen.state, seen.why) == (UNKNOWN, why)
    with_content = our_page(f"<p>{sentence}</p>{FORTY_WORDS}")
    context = missing_before(SLOT_TWO_HOURS_AGO)
    assert recognise_with(name, with_content, context).state is PRESENT


DUE_NOTICE = "<p>This release is due on 26 November 2026 at 10:00.</p>"


@pytest.mark.parametrize(
    ("date_of_publication", "state"), [("", UNKNOWN), ("<p>Published 26 November 2026", PRESENT)]
)
def test_page_that_announcement_redirects_to_needs_date_of_publication(
    date_of_publication: str, state: State
) -> None:
    """The slot was two hours ago, and the announcement now redirects to the page.

    The page still says that it is due.

    That may be an old text from a cache: unknown. With "Published 26 November 2026" in it, it is
    present.
    """
    context = Context(OWN_SITE, OUR_TITLE, known=Known(slot=SLOT_TWO_HOURS_AGO), is_led_to=True)
    recognised = recognise_with("govuk", our_page(DUE_NOTICE + date_of_publication), context)
    assert recognised.state is state


@pytest.mark.parametrize("url", [URL, OWN_SITE])
@pytest.mark.parametrize(
    ("known", "state"),
    [
        (Known(was_missing=True, slot=SLOT_TWO_HOURS_AGO), PRESENT),
        (Known(placeholder="other words", slot=SLOT_TWO_HOURS_AGO), PRESENT),
        (Known(slot=SLOT_TWO_HOURS_AGO), UNKNOWN),
    ],
    ids=["missing before", "other words before", "nothing known"],
)
def test_page_that_names_its_day_after_slot_counts_only_if_it_is_new(
    url: str, known: Known, state: State
) -> None:
    """The slot was two hours ago, but the page still says that it is due.

    That may be an old text. If an earlier look got a 404 or other words, it is new.
    """
    context = Context(url, OUR_TITLE, known=known)
    assert recognise_with("status", our_page(DUE_NOTICE), context).state is state


@by_status_and_govuk
@pytest.mark.parametrize(
    "seen",
    [
        page("Placeholder", "Placeholder"),
        page("", "Test page"),
        page("404 - Not found", "Oops"),
        page("Page not found - GOV.UK", "Page not found"),
        page("No longer available - GOV.UK", "The page you're looking for is no longer available"),
        page("Published in error", "Published in error"),
        page("Coming soon", "Coming soon"),
    ],
)
def test_page_of_another_title_is_unknown_whatever_it_says(name: str, seen: Answer) -> None:
    assert recognise_with(name, seen).state is UNKNOWN
    assert recognise_with(name, seen, missing_before(SLOT_TWO_HOURS_AGO)).state is UNKNOWN


def test_day_without_year_is_the_nearest_at_or_after_slot() -> None:
    """The slot is on 30 December 2026, so "2 January" is in 2027: a promise, no publication."""
    slot = a_slot(NOON + timedelta(days=34))
    assert names_day_of(slot, "due on 30 December")
    assert not names_day_of(slot, "due on 2 January")
    promise = our_page("<p>Published: 2 January</p>")
    assert recognise_with("status", promise, missing_before(slot)).state is UNKNOWN
