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

EDGE_WITHOUT_PAGE_FROM_106_S_BEFORE_SLOT = RegularLooks(
    [(-266, ABSENT), (-121, PRESENT), (-110, ABSENT), (12, PRESENT)], every=5, until=40, specific=True
)
"""It showed the page from -121 to -111, but not from -106 to 9. That may be an old copy of a cache."""


def least_length_of_exposure(*, origin_looked_at_every: float, edge: RegularLooks | None) -> float:
    """Return for how long a page was certainly public before its slot.

    Its origin lacked it at -265 s. Each look at the origin from -120 s on showed it.
    """
    origin = RegularLooks([(-265, ABSENT), (-120, PRESENT)], every=origin_looked_at_every, until=40, specific=True)
    verdict = judged(now=60, seen={"page/origin": origin} | ({} if edge is None else {"page": edge}))
    assert verdict.verdict is VerdictKind.EARLY
    (exposure,) = verdict.exposures
    return exposure.seconds.min


def test_frequent_looks_at_origin_prove_exposure_that_edge_hid() -> None:
    """The edge showed the page from -121 s to -111 s, and then lacked it. The origin, looked at every 5 s, showed it
    until the slot. So the page was certainly public for 121 s."""
    edge_first_present, slot = -121, 0
    length = least_length_of_exposure(origin_looked_at_every=5, edge=EDGE_WITHOUT_PAGE_FROM_106_S_BEFORE_SLOT)
    assert length == slot - edge_first_present


def test_rare_looks_at_origin_prove_no_more_than_edge_showed() -> None:
    """The origin showed the page at -120 s and 25 s. The edge showed it from -121 s to -111 s, and then lacked it. So
    it may have been removed and published again, and was certainly public for only 10 s."""
    edge_first_present, edge_last_present = -121, -111
    length = least_length_of_exposure(origin_looked_at_every=145, edge=EDGE_WITHOUT_PAGE_FROM_106_S_BEFORE_SLOT)
    assert length == edge_last_present - edge_first_present


def test_rare_looks_at_origin_prove_exposure_without_other_looks() -> None:
    """The origin showed the page at -120 s and 25 s. Nothing says that it was removed in between."""
    origin_first_present, slot = -120, 0
    length = least_length_of_exposure(origin_looked_at_every=145, edge=None)
    assert length == slot - origin_first_present


# A cache whose copies may be two seconds old, though it sends an Age of 0


def exposures_by_answers_up_to_2_s_old(*page_looks: Look) -> Sequence[Exposure]:
    return judged(now=-1, seen={"page": looks(*page_looks, age=(0, 2))}).exposures


def test_absence_in_copy_from_before_the_content_ends_no_exposure() -> None:
    """The answer at -4 s may be 2 s old: from before the content came at -5 s."""
    (exposure,) = exposures_by_answers_up_to_2_s_old(
        (-7, ABSENT), (-6, ABSENT), (-5, PRESENT), (-4, ABSENT), (-3, PRESENT)
    )
    assert exposure.open
    # The answer at -6 s proves absence at -8 s, because it may be 2 s old too.
    assert exposure.start == Interval(after_slot(-6 - 2), after_slot(-5))


@pytest.mark.parametrize(("last_present", "absent", "is_open"), [(-12.5, -12, True), (-9.5, -9, False)])
def test_absence_ends_exposure_only_if_made_after_the_content(
    last_present: float, absent: float, *, is_open: bool
) -> None:
    """Answers may be 2 s old. So one at -12 s may be as old as the first content, at -14 s. One at -9 s is newer."""
    (exposure,) = exposures_by_answers_up_to_2_s_old(
        (-16, ABSENT), (-15, ABSENT), (-14, PRESENT), (last_present, PRESENT), (absent, ABSENT)
    )
    assert exposure.open is is_open


# Content that no look saw: its address was missing, and then said that it had been removed


def missing(*, until: float, status: int = 404, target: str = "page") -> Run:
    """Return the run of an absence: a page with status 404, or with 200 another edition."""
    return a_run(target, ABSENT, -3600, until, status=status)


def removed(since: float, until: float, target: str = "page") -> Run:
    return a_run(target, WITHDRAWN, since, until, status=410)


def verdict_on(*edge: Run, origin: Sequence[Run] = (), now: float = 120) -> Verdict:
    return judged(now, {"page": edge, "page/origin": origin})


def test_404_then_410_before_slot_proves_exposure() -> None:
    """The page was public for a moment that no look saw."""
    last_missing, first_removed = -300, -285
    page = [missing(until=last_missing), removed(since=first_removed, until=-110)]
    unseen = Interval(after_slot(last_missing), after_slot(first_removed))
    length = Bounds(0, first_removed - last_missing)
    verdict = verdict_on(*page)
    assert verdict.exposures == (Exposure("page", unseen, unseen, length, open=False, ended=Ended.REMOVED),)
    assert "came and went between Fri 5 Jan 2018 09:25:00 GMT" in verdict.findings[0].detail  # 300 s before 09:30
    # It is early as soon as the 410 was seen.
    assert verdict_on(*page, now=-100).verdict is VerdictKind.EARLY


def test_exposure_unseen_at_two_views_is_one_with_the_narrower_interval() -> None:
    """A 404 and then a 410 prove that the page was public in between: within 15 s at the edge, and within 10 s at the
    origin."""
    edge = [missing(until=-300), removed(since=-285, until=-110)]
    origin = [missing(until=-290, target="page/origin"), removed(since=-280, until=-110, target="page/origin")]
    (exposure,) = verdict_on(*edge, origin=origin).exposures
    assert exposure.start == Interval(after_slot(-290), after_slot(-280))


@pytest.mark.parametrize(
    "page",
    [
        [removed(since=-285, until=-110)],
        [missing(until=-300, status=200), removed(since=-285, until=-110)],
        [missing(until=-300), removed(since=5, until=110)],
        [missing(until=-300), a_run("page", WITHDRAWN, -285, -110, status=200, why=NO_LONGER_AVAILABLE)],
    ],
    ids=["removed at the first look", "another edition before", "removed after the slot", "a notice of the site"],
)
def test_removal_without_404_then_410_before_slot_proves_no_exposure(page: Sequence[Run]) -> None:
    assert verdict_on(*page).exposures == ()


def test_page_out_and_removed_unseen_within_tolerance_is_unproven() -> None:
    """A 404 and then a 410 prove that it was public in between, here by 35 s. The tolerance is 60 s."""
    verdict = verdict_on(missing(until=30), removed(since=35, until=590), now=600)
    assert verdict.verdict is VerdictKind.UNPROVEN
    # 30 s after the slot at 09:30.
    assert "published and removed between Fri 5 Jan 2018 09:30:30 GMT" in verdict.unproven_because


@pytest.mark.parametrize(
    "page",
    [
        [missing(until=70), removed(since=75, until=590)],
        [missing(until=30, status=200), removed(since=35, until=590)],
    ],
    ids=["missing until after the tolerance of 60 s", "another edition until 30 s"],
)
def test_removed_page_is_overdue_unless_out_within_tolerance(page: Sequence[Run]) -> None:
    """A 404 and then a 410 prove that a page was public in between, here only after the tolerance of 60 s. Another
    edition and then a 410 prove nothing about this edition."""
    verdict = verdict_on(*page, now=600)
    assert (verdict.verdict, verdict.unproven_because) == (VerdictKind.OVERDUE, None)


def test_page_removed_unseen_around_slot_is_unproven_when_back_late() -> None:
    """A 404 at -30 s and a 410 at 20 s prove that the page was public for a time in between, early or not."""
    back = a_run("page", PRESENT, 100, 590, specific=True)
    verdict = verdict_on(missing(until=-30), removed(since=20, until=95), back, now=600)
    assert verdict.verdict is VerdictKind.UNPROVEN
    # So it is not known how early it came at most, though its return is dated.
    assert verdict.page.early_bound is None
    assert verdict.page.released == Interval(after_slot(95), after_slot(100))


def test_404_and_410_around_a_seen_exposure_add_no_other() -> None:
    """A 404 and then a 410 prove that the page was public in between. If a look saw it then, that is the same
    exposure."""
    before, after = missing(until=-300), removed(since=-285, until=-110)
    public = a_run("page", PRESENT, -295, -290, specific=True)
    assert len(verdict_on(before, after).exposures) == 1
    assert len(verdict_on(before, public, after).exposures) == 1


@pytest.mark.parametrize(
    ("content_api_says", "expected_reason"),
    [(ABSENT, Ended.UNKNOWN), (UNKNOWN, Ended.UNKNOWN), (WITHDRAWN, Ended.REMOVED)],
)
def test_behind_bot_wall_only_api_shows_that_exposure_was_removed(
    content_api_says: State, expected_reason: Ended
) -> None:
    """From -100 s on, a bot wall refuses looks at the page, so they fail. Only the content API can show that the page
    was removed."""
    page = RegularLooks([(-400, ABSENT), (-200, PRESENT), (-100, UNKNOWN)], specific=True)
    content_api = RegularLooks([(-400, ABSENT), (-200, PRESENT), (-100, content_api_says)], specific=True)
    (exposure,) = judged(now=120, seen={"page": page, "page/content": content_api}).exposures
    assert exposure.ended is expected_reason
