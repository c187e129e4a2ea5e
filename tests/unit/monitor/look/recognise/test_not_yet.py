"""What a page of the release proves around its slot, beside `cases/not_yet.toml`."""

from __future__ import annotations

from datetime import timedelta

from monitor.look.recognise.result import Context, Known
from schedules.dates.sentences import has_date_of_publication, names_day_of
from tests.unit.monitor.look.recognise.pages import NOON, OUR_TITLE, our_page, recognise_with
from tests.worlds.instants import HOUR
from tests.worlds.looks import PRESENT, UNKNOWN
from tests.worlds.releases import a_slot

OWN_SITE = "https://www.example.org/claims"


def test_countdown_that_stood_before_slot_stays_unknown_as_its_numbers_change() -> None:
    before_slot = Known(was_missing=True, slot=a_slot(NOON + 2 * HOUR))
    seen = recognise_with(
        "status",
        our_page("<p>Not long now: 00:03:00</p>"),
        Context(OWN_SITE, OUR_TITLE, known=before_slot),
    )
    after_slot = Known(was_missing=True, placeholder=seen.placeholder, slot=a_slot(NOON - 2 * HOUR))
    context = Context(OWN_SITE, OUR_TITLE, known=after_slot)
    counted_down = our_page("<p>Not long now: 00:00:00</p>")
    assert recognise_with("status", counted_down, context).state is UNKNOWN
    assert recognise_with("status", our_page("<p>Claims fell.</p>"), context).state is PRESENT


def test_day_without_year_is_the_nearest_at_or_after_slot() -> None:
    slot = a_slot(NOON + timedelta(days=34))
    assert names_day_of("due on 30 December", slot)
    assert not names_day_of("due on 2 January", slot)


def test_without_a_slot_only_a_whole_date_is_one_of_publication() -> None:
    assert has_date_of_publication("Published: 26 November 2026", None, is_before=False)
    assert not has_date_of_publication("Updated 3 times a year", None, is_before=False)
