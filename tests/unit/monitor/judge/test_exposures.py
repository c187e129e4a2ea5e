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

SHOWN_BY_ORIGIN = [(-265.0, ABSENT), (-120.0, PRESENT)]
HIDDEN_BY_EDGE = [(-266.0, ABSENT), (-121.0, PRESENT), (-110.0, ABSENT), (12.0, PRESENT)]


@pytest.mark.parametrize(
    ("edge_turns", "origin_looked_at_every", "expected_least_length"),
    [(HIDDEN_BY_EDGE, 5.0, 121.0), (HIDDEN_BY_EDGE, 145.0, 10.0), ([], 145.0, 120.0)],
    ids=["looked at closely", "minutes apart, and the edge denies it", "minutes apart, and no view denies it"],
)  # fmt: skip
def test_looks_at_the_origin_minutes_apart_prove_an_exposure_only_where_the_edge_does_not_deny_it(
    edge_turns: Sequence[tuple[float, object]], origin_looked_at_every: float, expected_least_length: float
) -> None:
    # SHOWN_BY_ORIGIN: present from -120 on. HIDDEN_BY_EDGE: present from -121, absent from -110 to 12. The origin
    # proves presence until the slot if it was looked at every 5 s. If its looks are at -120 and 25 only, the edge's
    # last presence, at -111, is the last that is proved: 10 s. Without an edge nothing denies the 120 s from -120 to
    # the slot.
    seen = {"page/origin": RegularLooks(SHOWN_BY_ORIGIN, every=origin_looked_at_every, until=40, specific=True)}
    if edge_turns:
        seen["page"] = RegularLooks(edge_turns, every=5, until=40, specific=True)
    verdict = judged(60, seen)
    (exposure,) = verdict.exposures
    assert (verdict.verdict, exposure.seconds.min) == (VerdictKind.EARLY, expected_least_length)


# A cache whose copies may be two seconds old, though it sends an Age of 0


def exposures_in_copies_up_to_two_seconds_old(*each: Look) -> Sequence[Exposure]:
    return judged(-1, {"page": looks(*each, age=(0, 2))}).exposures


def test_an_absence_in_a_copy_that_may_be_older_than_a_presence_ends_no_exposure() -> None:
    # The copy that was got at -4 may have been made at -6, before the content came at -5.
    last_absent, came, absent_again, greatest_age = -6, -5, -4, 2
    (exposure,) = exposures_in_copies_up_to_two_seconds_old(
        (-7, ABSENT), (last_absent, ABSENT), (came, PRESENT), (absent_again, ABSENT), (-3, PRESENT)
    )
    assert exposure.open
    assert exposure.start == Interval(after_slot(last_absent - greatest_age), after_slot(came))


@pytest.mark.parametrize(("seconds_later", "is_ended"), [(2, False), (5, True)])
def test_an_absence_ends_an_exposure_only_if_its_copy_cannot_be_from_before_the_content_came(
    seconds_later: float, *, is_ended: bool
) -> None:
    came = -14
    absent_again = came + seconds_later
    (exposure,) = exposures_in_copies_up_to_two_seconds_old(
        (-16, ABSENT), (-15, ABSENT), (came, PRESENT), (absent_again - 0.5, PRESENT), (absent_again, ABSENT)
    )
    assert exposure.open is not is_ended


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


def test_an_exposure_that_two_views_prove_without_seeing_it_has_the_narrower_interval() -> None:
    origin = [
        a_run("page/origin", ABSENT, -3600, -290, status=404),
        a_run("page/origin", WITHDRAWN, -280, -110, status=410),
    ]
    (exposure,) = verdict_on(MISSING_UNTIL_300_S_BEFORE, REMOVED_FROM_285_S_BEFORE, origin=origin).exposures
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


@pytest.mark.parametrize(
    ("last_missing", "status_before", "expected"),
    [(30, 404, VerdictKind.UNPROVEN), (70, 404, VerdictKind.OVERDUE), (30, 200, VerdictKind.OVERDUE)],
    ids=["published in time and removed", "published late and removed", "another edition before"],
)
def test_a_page_first_seen_after_its_removal_is_unproven_if_it_may_have_come_in_time_and_else_overdue(
    last_missing: int, status_before: int, expected: VerdictKind
) -> None:
    # A 404 and then a 410 prove that the page was public in between. It came in time if that was by 60 s after the
    # slot. After a 200 of another edition, a 410 does not prove that this one was public.
    missing = a_run("page", ABSENT, -3600, last_missing, status=status_before)
    removed = a_run("page", WITHDRAWN, last_missing + 5, 590, status=410)
    verdict = judged(600, {"page": [missing, removed]})
    assert verdict.verdict is expected
    # The page that may have come in time was last missing 30 s after the slot at 09:30.
    is_explained = "published and removed between Fri 5 Jan 2018 09:30:30 GMT" in (verdict.unproven_because or "")
    assert is_explained is (expected is VerdictKind.UNPROVEN)


def test_a_page_that_was_public_around_its_slot_and_removed_unseen_has_no_early_bound_when_it_comes_back() -> None:
    missing, removed = a_run("page", ABSENT, -3600, -30, status=404), a_run("page", WITHDRAWN, 20, 95, status=410)
    verdict = judged(600, {"page": [missing, removed, a_run("page", PRESENT, 100, 590, specific=True)]})
    assert (verdict.verdict, verdict.parts[0].early_bound) == (VerdictKind.UNPROVEN, None)
    assert verdict.parts[0].released == Interval(after_slot(95), after_slot(100))


def test_an_exposure_that_was_seen_is_not_counted_twice() -> None:
    # The page was missing until -300, was seen from -295 to -290, and was gone (410) from -285 on.
    seen = a_run("page", PRESENT, -295, -290, specific=True)
    (_only_one,) = verdict_on(MISSING_UNTIL_300_S_BEFORE, seen, REMOVED_FROM_285_S_BEFORE).exposures


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
