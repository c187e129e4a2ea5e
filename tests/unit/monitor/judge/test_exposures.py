"""When content was public before its slot, and for how long. A number is an instant in seconds after the slot."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.judge.runs import Run
from monitor.judge.verdict import Verdict
from monitor.look.recognise.result import NO_LONGER_AVAILABLE
from monitor.look.sighting import State
from schedules.contract.verdict import Ended, Exposure, VerdictKind
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN, Look, RegularLooks, a_run, looks
from tests.worlds.verdicts import judged

# How long content was public for certain

EDGE_THAT_HID_EARLY_PAGE = RegularLooks(
    [(-266, ABSENT), (-121, PRESENT), (-110, ABSENT), (12, PRESENT)], every=5, until=40, specific=True
)


def least_length_of_exposure(*, origin_looked_at_every: float, edge: RegularLooks | None) -> float:
    """Return for how long a page was certainly public before its slot.

    Its origin lacked it at -265 s. Each look at the origin from -120 s on showed it.
    """
    origin = RegularLooks([(-265, ABSENT), (-120, PRESENT)], every=origin_looked_at_every, until=40, specific=True)
    verdict = judged(60, {"page/origin": origin} | ({} if edge is None else {"page": edge}))
    assert verdict.verdict is VerdictKind.EARLY
    (exposure,) = verdict.exposures
    return exposure.seconds.min


def test_close_looks_at_the_origin_prove_an_exposure_until_its_slot_although_the_edge_hid_the_page() -> None:
    # The edge showed the page from -121 on, but not from -106 to 9. That may be an old copy of a cache.
    edge_first_present, slot = -121, 0
    length = least_length_of_exposure(origin_looked_at_every=5, edge=EDGE_THAT_HID_EARLY_PAGE)
    assert length == slot - edge_first_present


def test_looks_at_the_origin_minutes_apart_do_not_prove_an_exposure_while_the_edge_hid_the_page() -> None:
    # The edge showed the page from -121 to -111, but not from -106 to 9. The origin showed it at -120 and at 25. In
    # between it may have been removed and published again.
    edge_first_present, edge_last_present = -121, -111
    length = least_length_of_exposure(origin_looked_at_every=145, edge=EDGE_THAT_HID_EARLY_PAGE)
    assert length == edge_last_present - edge_first_present


def test_looks_at_the_origin_minutes_apart_prove_an_exposure_if_no_other_view_hid_the_page() -> None:
    # The origin showed the page at -120 and at 25. No look in between found it absent.
    origin_first_present, slot = -120, 0
    length = least_length_of_exposure(origin_looked_at_every=145, edge=None)
    assert length == slot - origin_first_present


# A cache whose copies may be two seconds old, though it sends an Age of 0


def exposures_by_answers_up_to_2_s_old(*page_looks: Look) -> Sequence[Exposure]:
    return judged(-1, {"page": looks(*page_looks, age=(0, 2))}).exposures


def test_an_absence_in_an_answer_that_may_be_from_before_the_content_came_ends_no_exposure() -> None:
    # The look at -4 s got an answer that a cache may have made up to 2 s earlier, before the content came at -5 s.
    (exposure,) = exposures_by_answers_up_to_2_s_old(
        (-7, ABSENT), (-6, ABSENT), (-5, PRESENT), (-4, ABSENT), (-3, PRESENT)
    )
    assert exposure.open
    # The answer at -6 s proves absence at -8 s, because it may be 2 s old too.
    assert exposure.start == Interval(after_slot(-6 - 2), after_slot(-5))


def test_an_absence_2_s_after_the_content_came_ends_no_exposure_if_answers_may_be_2_s_old() -> None:
    # The answer at -12 s may be as old as the first one that showed the content, at -14 s.
    (exposure,) = exposures_by_answers_up_to_2_s_old(
        (-16, ABSENT), (-15, ABSENT), (-14, PRESENT), (-12.5, PRESENT), (-12, ABSENT)
    )
    assert exposure.open


def test_an_absence_5_s_after_the_content_came_ends_an_exposure_if_answers_may_be_2_s_old() -> None:
    # The answer at -9 s was made at -11 s or later. The content had come by -14 s, so it was removed.
    (exposure,) = exposures_by_answers_up_to_2_s_old(
        (-16, ABSENT), (-15, ABSENT), (-14, PRESENT), (-9.5, PRESENT), (-9, ABSENT)
    )
    assert not exposure.open


# Content that no look saw: its address was missing, and then said that it had been removed

MISSING_UNTIL_300_S_BEFORE = a_run("page", ABSENT, -3600, -300, status=404)
REMOVED_FROM_285_S_BEFORE = a_run("page", WITHDRAWN, -285, -110, status=410)


def verdict_on(*edge: Run, origin: Sequence[Run] = ()) -> Verdict:
    return judged(120, {"page": edge, "page/origin": origin})


def test_a_410_after_a_404_before_the_slot_proves_that_the_page_was_public_for_a_moment() -> None:
    last_missing, first_removed = -300, -285
    unseen = Interval(after_slot(last_missing), after_slot(first_removed))
    length = Bounds(0, first_removed - last_missing)
    verdict = verdict_on(MISSING_UNTIL_300_S_BEFORE, REMOVED_FROM_285_S_BEFORE)
    assert verdict.exposures == (Exposure("page", unseen, unseen, length, open=False, ended=Ended.REMOVED),)
    assert "came and went between Fri 5 Jan 2018 09:25:00 GMT" in verdict.findings[0].detail  # 300 s before 09:30
    # It is early as soon as the 410 was seen.
    assert judged(-100, {"page": [MISSING_UNTIL_300_S_BEFORE, REMOVED_FROM_285_S_BEFORE]}).verdict is VerdictKind.EARLY


def test_an_unseen_exposure_that_two_views_prove_is_one_with_the_narrower_interval() -> None:
    # A 404 and then a 410 prove that the page was public in between. At the edge that is within 15 s, at the origin
    # within 10 s. The two spans overlap, so they count as one exposure. The narrower span is kept as it is.
    missing_at_edge = a_run("page", ABSENT, -3600, -300, status=404)
    removed_at_edge = a_run("page", WITHDRAWN, -285, -110, status=410)
    missing_at_origin = a_run("page/origin", ABSENT, -3600, -290, status=404)
    removed_at_origin = a_run("page/origin", WITHDRAWN, -280, -110, status=410)
    (exposure,) = verdict_on(missing_at_edge, removed_at_edge, origin=[missing_at_origin, removed_at_origin]).exposures
    assert exposure.start == Interval(after_slot(-290), after_slot(-280))


@pytest.mark.parametrize(
    "runs",
    [
        [REMOVED_FROM_285_S_BEFORE],
        [a_run("page", ABSENT, -3600, -300, status=200), REMOVED_FROM_285_S_BEFORE],
        [MISSING_UNTIL_300_S_BEFORE, a_run("page", WITHDRAWN, 5, 110, status=410)],
        [MISSING_UNTIL_300_S_BEFORE, a_run("page", WITHDRAWN, -285, -110, status=200, why=NO_LONGER_AVAILABLE)],
    ],
    ids=["removed at the first look", "another edition before", "removed after the slot", "a notice of the site"],
)
def test_a_removed_page_proves_no_exposure_unless_it_went_from_404_to_410_before_its_slot(runs: Sequence[Run]) -> None:
    # Only a 404 and then a 410, both before the slot, prove that the page was public in between.
    assert verdict_on(*runs).exposures == ()


def test_a_page_published_and_removed_unseen_within_the_tolerance_is_unproven() -> None:
    # A 404 and then a 410 prove that the page was public in between, here by 35 s. The tolerance is 60 s.
    missing = a_run("page", ABSENT, -3600, 30, status=404)
    removed = a_run("page", WITHDRAWN, 35, 590, status=410)
    verdict = judged(600, {"page": [missing, removed]})
    assert verdict.verdict is VerdictKind.UNPROVEN
    # 30 s after the slot at 09:30.
    assert "published and removed between Fri 5 Jan 2018 09:30:30 GMT" in verdict.unproven_because


def test_a_page_published_and_removed_unseen_after_the_tolerance_is_overdue() -> None:
    # A 404 and then a 410 prove that the page was public in between. It was missing until 70 s. The tolerance is 60 s.
    missing = a_run("page", ABSENT, -3600, 70, status=404)
    removed = a_run("page", WITHDRAWN, 75, 590, status=410)
    verdict = judged(600, {"page": [missing, removed]})
    assert (verdict.verdict, verdict.unproven_because) == (VerdictKind.OVERDUE, None)


def test_a_page_removed_after_another_edition_within_the_tolerance_is_overdue() -> None:
    # Unlike a 404, a 200 with another edition before the 410 does not prove that this edition was public in between.
    another_edition = a_run("page", ABSENT, -3600, 30, status=200)
    removed = a_run("page", WITHDRAWN, 35, 590, status=410)
    verdict = judged(600, {"page": [another_edition, removed]})
    assert (verdict.verdict, verdict.unproven_because) == (VerdictKind.OVERDUE, None)


def test_a_page_published_and_removed_unseen_around_its_slot_is_unproven_when_it_is_back_late() -> None:
    # A 404 and then a 410 prove that it was public at some time from -30 s to 20 s: before its slot, at it or after it.
    missing = a_run("page", ABSENT, -3600, -30, status=404)
    removed = a_run("page", WITHDRAWN, 20, 95, status=410)
    back = a_run("page", PRESENT, 100, 590, specific=True)
    verdict = judged(600, {"page": [missing, removed, back]})
    assert verdict.verdict is VerdictKind.UNPROVEN
    # So it is not known how early it came at most, though its return is dated.
    assert verdict.page.early_bound is None
    assert verdict.page.released == Interval(after_slot(95), after_slot(100))


def test_an_exposure_that_a_look_saw_is_not_listed_again_for_the_404_and_410_around_it() -> None:
    missing = a_run("page", ABSENT, -3600, -300, status=404)
    public = a_run("page", PRESENT, -295, -290, specific=True)
    removed = a_run("page", WITHDRAWN, -285, -110, status=410)
    # A 404 and then a 410 alone prove an exposure.
    assert len(verdict_on(missing, removed).exposures) == 1
    assert len(verdict_on(missing, public, removed).exposures) == 1


@pytest.mark.parametrize(
    ("content_api_says", "expected_reason"),
    [(ABSENT, Ended.UNKNOWN), (UNKNOWN, Ended.UNKNOWN), (WITHDRAWN, Ended.REMOVED)],
)
def test_behind_a_bot_wall_only_the_api_saying_gone_shows_that_an_exposure_was_removed(
    content_api_says: State, expected_reason: Ended
) -> None:
    # The page was public from -200 on. From -100 on, a bot wall refuses looks at it, so they fail.
    page, content = (
        RegularLooks([(-400, ABSENT), (-200, PRESENT), (-100, then)], specific=True)
        for then in (UNKNOWN, content_api_says)
    )
    (exposure,) = judged(120, {"page": page, "page/content": content}).exposures
    assert exposure.ended is expected_reason
