"""When content was public before its slot, and for how long.

A number is an instant in seconds after the slot.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.judge.exposure import NO_LONGER_AVAILABLE
from monitor.judge.runs import Run
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from schedules.contract.verdict import Ended, Exposure, VerdictKind
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import (
    ABSENT,
    PRESENT,
    UNKNOWN,
    WITHDRAWN,
    Look,
    RegularLooks,
    Turn,
    a_run,
    looks,
)
from tests.worlds.verdicts import judged

# How long content was public for certain


def edge_looked_at_every_5_s(*turns: Turn) -> RegularLooks:
    return RegularLooks(turns, every=5, until=40, specific=True)


def least_length_of_exposure(*, origin_looked_at_every: float, edge: RegularLooks | None) -> float:
    """Return for how long a page was certainly public before its slot.

    Its origin lacked it at -265 s. Each look at the origin from -120 s on showed it.
    """
    origin = RegularLooks(
        [(-265, ABSENT), (-120, PRESENT)], every=origin_looked_at_every, until=40, specific=True
    )
    verdict = judged(
        now=60, seen={"page/origin": origin} | ({} if edge is None else {"page": edge})
    )
    assert verdict.verdict is VerdictKind.EARLY
    (exposure,) = verdict.exposures
    return exposure.seconds.min


def test_frequent_looks_at_origin_prove_exposure_that_edge_hid() -> None:
    """The edge, a cache, showed the page from -121 s to -111 s, and then lacked it until after the
    slot. That may be an old copy. The origin behind the cache was looked at every 5 s, and showed
    the page from -120 s on. So it was certainly public for 121 s before the slot.
    """
    edge_first_present, slot = -121, 0
    # The look 5 s before -106 s was the last that got the page.
    edge = edge_looked_at_every_5_s(
        (-266, ABSENT), (edge_first_present, PRESENT), (-106, ABSENT), (14, PRESENT)
    )
    length = least_length_of_exposure(origin_looked_at_every=5, edge=edge)
    assert length == slot - edge_first_present


def test_rare_looks_at_origin_prove_no_more_than_edge_showed() -> None:
    """The edge, a cache, showed the page from -121 s to -111 s, and then lacked it until after the
    slot. The origin behind it was looked at only every 145 s: at -120 s and at 25 s it showed the
    page. In between, the page may have been removed and published again. So only the 10 s seen at
    the edge are certain.
    """
    edge_first_present, edge_last_present = -121, -111
    # The next look after -111 s was 5 s later, at -106 s.
    edge = edge_looked_at_every_5_s(
        (-266, ABSENT), (edge_first_present, PRESENT), (-106, ABSENT), (14, PRESENT)
    )
    length = least_length_of_exposure(origin_looked_at_every=145, edge=edge)
    assert length == edge_last_present - edge_first_present


def test_rare_looks_at_origin_prove_exposure_without_other_looks() -> None:
    """The origin was looked at every 145 s. It showed the page at -120 s, before the slot, and at
    25 s, after it. The edge was not looked at (None), so no look shows a removal in between. So it
    was public for 120 s before the slot.
    """
    origin_first_present, slot = -120, 0
    length = least_length_of_exposure(origin_looked_at_every=145, edge=None)
    assert length == slot - origin_first_present


# A cache whose copies may be two seconds old, though it sends an Age of 0


def exposures_by_answers_up_to_2_s_old(*page_looks: Look) -> Sequence[Exposure]:
    return judged(now=-1, seen={"page": looks(*page_looks, age=(0, 2))}).exposures


def test_absence_in_copy_from_before_the_content_ends_no_exposure() -> None:
    """Answers may be copies that are up to 2 s old. The page was seen 5 s and 3 s before the slot,
    but not 4 s before it. That answer may be from 6 s before the slot, when the page had not come.
    So it does not prove that the page was removed. The exposure goes on (it is open).
    """
    page_looks = [(-7, ABSENT), (-6, ABSENT), (-5, PRESENT), (-4, ABSENT), (-3, PRESENT)]
    (exposure,) = exposures_by_answers_up_to_2_s_old(*page_looks)
    assert exposure.open
    # The page came after -8 s: the last absence before it was seen at -6 s, in an answer that may
    # be 2 s old too.
    assert exposure.start == Interval(after_slot(-6 - 2), after_slot(-5))


@pytest.mark.parametrize(
    ("last_present", "absent", "is_open"), [(-12.5, -12, True), (-9.5, -9, False)]
)
def test_absence_ends_exposure_only_if_newer_than_content(
    last_present: float, absent: float, *, is_open: bool
) -> None:
    """Answers may be copies that are up to 2 s old.

    The page was first seen 14 s before its slot (-14).
    - Absent again at -12: this copy may be from -14, before the page came. So the exposure goes on
      (it is open).
    - Absent again at -9: this copy is from -11 at the earliest. So the page was removed, and the
      exposure ended.
    """
    page_looks = [
        (-16, ABSENT),
        (-15, ABSENT),
        (-14, PRESENT),
        (last_present, PRESENT),
        (absent, ABSENT),
    ]
    (exposure,) = exposures_by_answers_up_to_2_s_old(*page_looks)
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
    """The slot is 09:30. The page was missing (404) until 09:25:00 and removed (410) from 09:25:15
    on. Only what was public can be removed. So it was public at some time in between, although no
    look saw it. This exposure came and went in the same interval, and lasted 0 to 15 s.
    """
    last_missing, first_removed = -300, -285  # seconds after 09:30
    page = [missing(until=last_missing), removed(since=first_removed, until=-110)]
    came = went = Interval(after_slot(last_missing), after_slot(first_removed))
    seconds = Bounds(0, first_removed - last_missing)
    verdict = verdict_on(*page)
    assert verdict.exposures == (
        Exposure("page", came, went, seconds, open=False, ended=Ended.REMOVED),
    )
    assert "came and went between Fri 5 Jan 2018 09:25:00 GMT" in verdict.findings[0].detail
    # It is early as soon as the 410 was seen, here 100 s before the slot.
    assert verdict_on(*page, now=-100).verdict is VerdictKind.EARLY


def test_404_then_410_at_edge_and_origin_is_one_exposure() -> None:
    """The slot is 09:30. A page that is missing (404) and then removed (410) was public in between.
    At the edge, that was from 09:25:00 to 09:25:15. At the origin, it was from 09:25:10 to
    09:25:20. It is one page, so one exposure.
    """
    # In seconds after 09:30: 09:25:00 is -300.
    edge = [missing(until=-300), removed(since=-285, until=-110)]
    origin = [
        missing(until=-290, target="page/origin"),
        removed(since=-280, until=-110, target="page/origin"),
    ]
    (exposure,) = verdict_on(*edge, origin=origin).exposures
    # It has the narrower of both intervals, that of the origin: 10 s, not 15 s.
    assert exposure.start == Interval(after_slot(-290), after_slot(-280))


@pytest.mark.parametrize(
    "page",
    [
        [removed(since=-285, until=-110)],
        [missing(until=-300, status=200), removed(since=-285, until=-110)],
        [missing(until=-300), removed(since=5, until=110)],
        [
            missing(until=-300),
            a_run("page", WITHDRAWN, -285, -110, status=200, why=NO_LONGER_AVAILABLE),
        ],
    ],
    ids=[
        "removed at the first look",
        "another edition before",
        "removed after the slot",
        "a notice of the site",
    ],
)
def test_removal_without_404_then_410_before_slot_proves_no_exposure(page: Sequence[Run]) -> None:
    """If a page is missing (404) and then removed (410) before its slot, it was public in between:
    an exposure. In each case here, a piece of this proof is missing. For example, the page was
    already removed (410) at the first look.
    """
    assert verdict_on(*page).exposures == ()


def test_404_then_410_within_tolerance_leaves_release_unproven() -> None:
    """The page was missing (404) until 30 s after the slot and removed (410) from 35 s on. So it
    was published in between. That is in time, as 60 s are allowed. But no look saw the page, and it
    is not there now: unproven.
    """
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
    """A page that is missing (404) and then removed (410) was public in between. If that was within
    60 s after the slot, it may have been published in time. That does not hold here, so the page is
    overdue.
    - It was missing (404) until 70 s and removed (410) from 75 s on: public only after the 60 s.
    - It showed another edition (200) until 30 s and was removed (410) from 35 s on: perhaps this
      one was never out.
    """
    verdict = verdict_on(*page, now=600)
    assert (verdict.verdict, verdict.unproven_because) == (VerdictKind.OVERDUE, None)


def test_page_back_late_after_404_and_410_around_slot_is_unproven() -> None:
    """The page was missing (404) until 30 s before the slot and removed (410) from 20 s after it
    on. So it was public in between, early or in time. It was back at 100 s, later than the allowed
    60 s. So late is unproven.
    """
    back = a_run("page", PRESENT, 100, 590, specific=True)
    verdict = verdict_on(missing(until=-30), removed(since=20, until=95), back, now=600)
    assert verdict.verdict is VerdictKind.UNPROVEN
    # It is not known by how much it was early at most (None).
    assert verdict.page.early_bound is None
    # It counts as released when it was back.
    assert verdict.page.released == Interval(after_slot(95), after_slot(100))


def test_404_and_410_around_a_seen_exposure_add_no_second_one() -> None:
    """The slot is 09:30. A page missing (404) until 09:25:00 and removed (410) from 09:25:15 on was
    public in between: one exposure. If looks also saw it public at 09:25:05, that is the same
    exposure, not a second one.
    """
    before, after = missing(until=-300), removed(since=-285, until=-110)  # in seconds after 09:30
    public_between = a_run("page", PRESENT, first=-295, last=-290, specific=True)
    assert len(verdict_on(before, after).exposures) == 1
    assert len(verdict_on(before, public_between, after).exposures) == 1


@pytest.mark.parametrize(
    ("content_api_says", "reason"),
    [(ABSENT, Ended.UNKNOWN), (UNKNOWN, Ended.UNKNOWN), (WITHDRAWN, Ended.REMOVED)],
)
def test_behind_bot_wall_only_api_shows_that_exposure_was_removed(
    content_api_says: State, reason: Ended
) -> None:
    """A page was public from 200 s before its slot on. From 100 s before it, a bot wall refused
    looks at the page, so they failed. Only the content API, which has its text, can then show what
    became of it.
    - If the API says withdrawn from then on, the exposure ended because the page was removed.
    - If the API only lacks the text (absent), or fails too, it is unknown why the exposure ended.
    """
    page = RegularLooks([(-400, ABSENT), (-200, PRESENT), (-100, UNKNOWN)], specific=True)
    content_api = RegularLooks(
        [(-400, ABSENT), (-200, PRESENT), (-100, content_api_says)], specific=True
    )
    verdict = judged(now=120, seen={"page": page, "page/content": content_api})
    (exposure,) = verdict.exposures
    assert exposure.ended is reason
