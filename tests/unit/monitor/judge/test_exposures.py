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
    """The edge, a cache, showed the page from -121 s to -111 s, and then lacked it: an old copy. The origin behind it,
    looked at every 5 s, showed it until the slot. So it was certainly public for 121 s."""
    edge_first_present, slot = -121, 0
    length = least_length_of_exposure(origin_looked_at_every=5, edge=EDGE_WITHOUT_PAGE_FROM_106_S_BEFORE_SLOT)
    assert length == slot - edge_first_present


def test_rare_looks_at_origin_prove_no_more_than_edge_showed() -> None:
    """The edge showed the page from 121 s to 111 s before the slot, and then lacked it. Two looks at the origin showed
    it, at -120 s and at 25 s. In between it may have been removed and published again, so only 10 s are certain."""
    edge_first_present, edge_last_present = -121, -111
    length = least_length_of_exposure(origin_looked_at_every=145, edge=EDGE_WITHOUT_PAGE_FROM_106_S_BEFORE_SLOT)
    assert length == edge_last_present - edge_first_present


def test_rare_looks_at_origin_prove_exposure_without_other_looks() -> None:
    """Two looks at the origin showed the page, 120 s before the slot and 25 s after it. There were no looks at the edge
    (None), so nothing says that it was removed in between. It was public for 120 s before the slot."""
    origin_first_present, slot = -120, 0
    length = least_length_of_exposure(origin_looked_at_every=145, edge=None)
    assert length == slot - origin_first_present


# A cache whose copies may be two seconds old, though it sends an Age of 0


def exposures_by_answers_up_to_2_s_old(*page_looks: Look) -> Sequence[Exposure]:
    return judged(now=-1, seen={"page": looks(*page_looks, age=(0, 2))}).exposures


def test_absence_in_copy_from_before_the_content_ends_no_exposure() -> None:
    """The page was seen from 5 s before the slot on, except at -4 s. That answer may be a copy 2 s old, from before the
    page came. So it does not prove that the page was removed."""
    (exposure,) = exposures_by_answers_up_to_2_s_old(
        (-7, ABSENT), (-6, ABSENT), (-5, PRESENT), (-4, ABSENT), (-3, PRESENT)
    )
    assert exposure.open
    # The answer at -6 s proves absence at -8 s, because it may be 2 s old too.
    assert exposure.start == Interval(after_slot(-6 - 2), after_slot(-5))


@pytest.mark.parametrize(("last_present", "absent", "is_open"), [(-12.5, -12, True), (-9.5, -9, False)])
def test_absence_ends_exposure_only_if_newer_than_content(last_present: float, absent: float, *, is_open: bool) -> None:
    """Answers may be 2 s old. The page was first seen 14 s before its slot (-14), so an absence seen at -12 may be from
    before that. An absence seen at -9 is newer, so it proves that the page was removed."""
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
    """The page was missing (404) until 09:25:00 and removed (410) from 09:25:15 on, before its slot at 09:30. Only what
    was public can be removed. So it was public in between, for 0 to 15 s, although no look saw it."""
    last_missing, first_removed = -300, -285  # seconds after 09:30
    page = [missing(until=last_missing), removed(since=first_removed, until=-110)]
    came = went = Interval(after_slot(last_missing), after_slot(first_removed))
    length = Bounds(0, first_removed - last_missing)
    verdict = verdict_on(*page)
    assert verdict.exposures == (Exposure("page", came, went, length, open=False, ended=Ended.REMOVED),)
    assert "came and went between Fri 5 Jan 2018 09:25:00 GMT" in verdict.findings[0].detail
    # It is early as soon as the 410 was seen, here 100 s before the slot.
    assert verdict_on(*page, now=-100).verdict is VerdictKind.EARLY


def test_404_then_410_at_edge_and_origin_is_one_exposure() -> None:
    """A page that is missing (404) and then removed (410) was public in between. By the edge, that was from 09:25:00 to
    09:25:15, before its slot at 09:30. By the origin, it was from 09:25:10 to 09:25:20."""
    edge = [missing(until=-300), removed(since=-285, until=-110)]
    origin = [missing(until=-290, target="page/origin"), removed(since=-280, until=-110, target="page/origin")]
    (exposure,) = verdict_on(*edge, origin=origin).exposures
    # The origin gives the narrower interval, 290 s to 280 s before 09:30: 10 s, not 15 s.
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


def test_404_then_410_within_tolerance_leaves_release_unproven() -> None:
    """The page was missing (404) until 30 s after the slot and removed (410) from 35 s on. So it was published in
    between. That is in time, as 60 s are allowed, but no look saw for how long: unproven."""
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
    """The page was missing (404) until 70 s after its slot and removed (410) from 75 s on. So it was public only in
    between, and 60 s are allowed. If another edition (200) comes before the 410, this one was perhaps never public."""
    verdict = verdict_on(*page, now=600)
    assert (verdict.verdict, verdict.unproven_because) == (VerdictKind.OVERDUE, None)


def test_page_back_late_after_404_and_410_around_slot_is_unproven() -> None:
    """The page was missing (404) 30 s before the slot, removed (410) 20 s after it, and back late, at 100 s. But it was
    also public between 404 and 410, early or in time."""
    back = a_run("page", PRESENT, 100, 590, specific=True)
    verdict = verdict_on(missing(until=-30), removed(since=20, until=95), back, now=600)
    assert verdict.verdict is VerdictKind.UNPROVEN
    # It is not known how early it came at most, but looks show when it was back.
    assert verdict.page.early_bound is None
    assert verdict.page.released == Interval(after_slot(95), after_slot(100))


def test_404_and_410_around_a_seen_exposure_add_no_second_one() -> None:
    """A page missing (404) until 09:25:00 and removed (410) from 09:25:15 on was public in between. If looks saw it
    public at 09:25:05, that is the same exposure, not a second one."""
    before, after = missing(until=-300), removed(since=-285, until=-110)  # seconds after the slot at 09:30
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
    """A page was public from 200 s before its slot on. From 100 s before it, a bot wall refuses looks at it, so they
    fail. Only the content API, which has its text, can show that it was removed."""
    page = RegularLooks([(-400, ABSENT), (-200, PRESENT), (-100, UNKNOWN)], specific=True)
    content_api = RegularLooks([(-400, ABSENT), (-200, PRESENT), (-100, content_api_says)], specific=True)
    (exposure,) = judged(now=120, seen={"page": page, "page/content": content_api}).exposures
    assert exposure.ended is expected_reason
