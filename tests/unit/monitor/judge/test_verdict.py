"""The verdict on a release, its grade, delay and exposures. A number is an instant in seconds after the slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from monitor.judge.policy import Policy
from monitor.judge.reasons import Reason
from monitor.judge.runs import Blind
from monitor.judge.verdict import Verdict
from schedules.announcement import State as Standing
from schedules.contract.verdict import Ended, Grade, Kind, VerdictKind
from schedules.slot import Slot
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import DAY, HOUR, SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN, RegularLooks, Turn, looks
from tests.worlds.releases import NEWS, SHEET, a_promise, a_slot, no_slot
from tests.worlds.verdicts import Seen, found, judged, kinds

Turns = Sequence[Turn]
DAY_S = DAY.total_seconds()
OUT_EARLY = [(-1000, ABSENT), (-500, PRESENT)]
NOT_OUT = [(-100, ABSENT)]
CAME_IN_TIME = [(-100, ABSENT), (1, PRESENT)]

PAGES = {
    "not seen before the slot": (-10, NOT_OUT, VerdictKind.PENDING, Grade.NONE, False, None),
    "appears in time": (60, [(-100, ABSENT), (2, PRESENT)], VerdictKind.ON_TIME, Grade.NONE, True, Bounds(1, 2)),
    "absent within the tolerance": (59, NOT_OUT, VerdictKind.PENDING, Grade.NONE, False, None),
    "absent after the tolerance": (200, NOT_OUT, VerdictKind.OVERDUE, Grade.NOTE, False, Bounds(200, None)),
    "late": (400, [(-100, ABSENT), (90, PRESENT)], VerdictKind.LATE, Grade.NOTE, True, Bounds(89, 90)),
    "late by a note's length": (
        400, [(-100, ABSENT), (300, PRESENT)], VerdictKind.LATE, Grade.NOTE, True, Bounds(299, 300),
    ),
    "late by more": (400, [(-100, ABSENT), (302, PRESENT)], VerdictKind.LATE, Grade.REPORT, True, Bounds(301, 302)),
    "early, open": (-100, OUT_EARLY, VerdictKind.EARLY, Grade.REPORT, False, Bounds(-501, -500)),
    "early, until the slot": (50, OUT_EARLY, VerdictKind.EARLY, Grade.REPORT, True, Bounds(-501, -500)),
    "early, removed, on time": (
        100, [*OUT_EARLY, (-200, WITHDRAWN), (1, PRESENT)], VerdictKind.EARLY, Grade.REPORT, True, Bounds(-501, -500),
    ),
    "early, removed, not back": (
        600, [*OUT_EARLY, (-200, WITHDRAWN)], VerdictKind.OVERDUE, Grade.REPORT, False, Bounds(600, None),
    ),
    "failed looks, soon after": (80, [(-100, ABSENT), (-10, UNKNOWN)], VerdictKind.PENDING, Grade.NONE, False, None),
    "failed looks": (95, [(-100, ABSENT), (-10, UNKNOWN)], VerdictKind.UNPROVEN, Grade.NONE, False, None),
    "seen after a blind slot": (
        300, [(-100, ABSENT), (-61, UNKNOWN), (200, PRESENT)], VerdictKind.UNPROVEN, Grade.NONE, True, Bounds(-62, 200),
    ),
    "perhaps early": (
        120, [(-90, ABSENT), (-62, UNKNOWN), (1, PRESENT)], VerdictKind.UNPROVEN, Grade.NONE, True, Bounds(-63, 1),
    ),
    "present at the first look": (200, [(-100, PRESENT)], VerdictKind.UNPROVEN, Grade.NONE, True, None),
}  # fmt: skip


@pytest.mark.parametrize(
    ("now", "turns", "expected_verdict", "expected_grade", "is_final", "expected_delay"), PAGES.values(), ids=PAGES
)
def test_looks_at_a_page_every_second_give_its_verdict_grade_and_delay(
    now: float,
    turns: Turns,
    expected_verdict: VerdictKind,
    expected_grade: Grade,
    expected_delay: Bounds | None,
    *,
    is_final: bool,
) -> None:
    # For example, a page that is absent until 89 s and present from 90 s on is late, because the tolerance is 60 s. A
    # delay of at most 300 s is a note, and a longer one is a report. OUT_EARLY is public from 500 s before the slot on.
    verdict = judged(now, turns)
    assert (verdict.verdict, verdict.grade, verdict.final) == (expected_verdict, expected_grade, is_final)
    assert verdict.page.delay == expected_delay


@pytest.mark.parametrize(
    ("now", "seen", "expected_reason"),
    [
        (300, {"page": NOT_OUT, "page/origin": [(30, PRESENT)]}, "still proved absence"),
        (100, [(-100, ABSENT), (61, PRESENT)], "on time or up to 1 min 1 s late"),
        (200, [(-100, PRESENT)], "first look"),
        (200, [(-100, PRESENT), (10, ABSENT), (20, PRESENT)], "whether it was public before its slot is not known"),
        (95, [(-100, ABSENT), (-10, UNKNOWN)], "timeout"),
        (95, [], "never looked at"),
    ],
)
def test_an_unproven_release_has_its_reason(now: float, seen: Seen, expected_reason: str) -> None:
    verdict = judged(now, seen)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert expected_reason in verdict.unproven_because


EXPOSURES = {
    "open": (-100, OUT_EARLY, None, Bounds(400, None)),
    "removed": (100, [*OUT_EARLY, (-200, WITHDRAWN), (1, PRESENT)], (-201, -200), Bounds(299, 301)),
    "until the slot": (50, OUT_EARLY, (0, 0), Bounds(500, 501)),
    "failed looks do not end it": (-100, [*OUT_EARLY, (-400, UNKNOWN)], None, Bounds(99, None)),
    "not seen again": (10, [*OUT_EARLY, (-400, UNKNOWN)], (-401, 0), Bounds(99, 501)),
    "not seen again before the slot": (50, [*OUT_EARLY, (-400, UNKNOWN), (1, PRESENT)], (-401, 0), Bounds(99, 501)),
    "seen again, then removed": (
        50, [*OUT_EARLY, (-400, UNKNOWN), (-300, PRESENT), (-200, WITHDRAWN), (1, PRESENT)],
        (-401, -200), Bounds(99, 301),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("now", "turns", "ended_between", "expected_length"), EXPOSURES.values(), ids=EXPOSURES)
def test_an_exposure_ends_when_it_was_seen_removed_or_at_the_slot(
    now: float, turns: Turns, ended_between: tuple[float, float] | None, expected_length: Bounds
) -> None:
    # OUT_EARLY is absent until -501 and present from -500 on, and looks are a second apart. For example, if the page
    # was removed at -200, it was public from 299 s to 301 s.
    (exposure,) = judged(now, turns).exposures
    assert exposure.seconds == expected_length
    assert exposure.open is (ended_between is None)
    if ended_between is not None:
        assert exposure.to == Interval(*map(after_slot, ended_between))


@pytest.mark.parametrize(("turns_since", "released_at"), [([], 0), ([(-200, WITHDRAWN), (1, PRESENT)], 1)])
def test_an_exposed_page_is_released_at_its_slot_or_when_it_comes_back(turns_since: Turns, released_at: float) -> None:
    # OUT_EARLY: public from 500 s before the slot on.
    assert judged(100, [*OUT_EARLY, *turns_since]).page.released.by == after_slot(released_at)


def test_an_early_page_that_was_removed_and_not_seen_since_has_no_time_of_release() -> None:
    # -500: the page is public, early. -200: it is removed. From -10 on, all looks fail.
    edge = [(-1000, ABSENT), (-500, PRESENT), (-200, WITHDRAWN), (-10, UNKNOWN)]
    # The origin was first looked at when the page was already public. That does not count as its release either.
    origin = [(-490, PRESENT), (-200, WITHDRAWN), (-10, UNKNOWN)]
    page = judged(120, {"page": edge, "page/origin": origin}).page
    assert page.verdict is VerdictKind.EARLY
    assert page.released == Interval(after=None, by=None)


def test_a_page_that_was_early_was_removed_and_came_back_late_is_early_and_late() -> None:
    # OUT_EARLY: public from 500 s before the slot on.
    back_at, every = 400, 1
    verdict = judged(600, [*OUT_EARLY, (-200, WITHDRAWN), (back_at, PRESENT)], every=every)
    assert verdict.verdict is VerdictKind.EARLY
    (late,) = found(verdict, Kind.LATE)
    assert late.seconds == Bounds(back_at - every, back_at)


@pytest.mark.parametrize(
    ("seconds_early", "expected"), [(0.9, VerdictKind.ON_TIME), (1, VerdictKind.ON_TIME), (1.1, VerdictKind.EARLY)]
)
def test_a_page_seen_before_its_slot_is_early_only_if_it_was_seen_over_a_second_before_it(
    seconds_early: float, expected: VerdictKind
) -> None:
    # Our clock may be wrong by a second.
    page = looks((-seconds_early - 1, ABSENT), (-seconds_early, PRESENT), (60, PRESENT))
    assert judged(now=60, seen={"page": page}).verdict is expected


def test_a_release_absent_at_every_look_for_14_days_is_not_published_and_needs_a_report() -> None:
    watch_closes, every_half_hour = 14 * DAY_S, 1800
    verdict = judged(watch_closes + 1, [(-100, ABSENT)], every=every_half_hour)
    assert (verdict.verdict, verdict.grade, verdict.final) == (VerdictKind.NOT_PUBLISHED, Grade.REPORT, True)


def test_a_release_whose_looks_fail_for_days_until_its_watch_closes_is_finally_overdue() -> None:
    # It may have come unseen since the last look that found it absent, so it is not called `not_published`.
    watch_closes, every_half_hour, looks_fail_since = 14 * DAY_S, 1800, 3 * DAY_S
    verdict = judged(watch_closes + 1, [(-100, ABSENT), (looks_fail_since, UNKNOWN)], every=every_half_hour)
    assert (verdict.verdict, verdict.grade, verdict.final) == (VerdictKind.OVERDUE, Grade.REPORT, True)


def test_a_first_look_before_the_slot_that_shows_this_edition_proves_it_early() -> None:
    this_edition_from_first_look = RegularLooks([(-100, PRESENT)], specific=True)
    assert judged(-50, {"page": this_edition_from_first_look}).verdict is VerdictKind.EARLY


def test_a_first_look_after_the_slot_that_shows_this_edition_gives_only_the_most_that_its_delay_can_be() -> None:
    first_look = 30
    verdict = judged(200, {"page": RegularLooks([(first_look, PRESENT)], specific=True)})
    assert (verdict.verdict, verdict.page.delay) == (VerdictKind.UNPROVEN, Bounds(None, first_look))


@pytest.mark.parametrize(
    ("now", "turns", "judged_again_at"), [(-10, NOT_OUT, 0), (59, NOT_OUT, 60), (60, CAME_IN_TIME, None)]
)
def test_a_release_is_judged_again_when_time_alone_can_change_its_verdict(
    now: float, turns: Turns, judged_again_at: float | None
) -> None:
    # A page that is not out may be on time from its slot at 0 until 60 s. One that came in time keeps its verdict.
    assert judged(now, turns).revisit == after_slot(judged_again_at)


def test_a_release_without_looks_at_its_slot_is_judged_again_at_each_time_limit_of_its_policy() -> None:
    # Looks failed from 50 s before the slot on, and there were none from 40 s before it on.
    looks_until_40_s_before_slot = {"page": RegularLooks([(-100, ABSENT), (-50, UNKNOWN)], until=-40)}
    slot, tolerance_ends, grace_ends, note_ends, watch_closes = 0, 60, 60 + 30, 300, 14 * DAY_S
    verdicts = []
    # Each verdict says when it must be judged again: at `revisit`.
    now: datetime | None = after_slot(-50)
    while now is not None:
        seconds = (now - SLOT).total_seconds()
        verdict = judged(seconds, looks_until_40_s_before_slot)
        verdicts.append((seconds, verdict.verdict))
        now = verdict.revisit
    # Answers of looks made in time may still arrive until the grace period ends. Then nothing is proved.
    assert verdicts == [
        (-50, VerdictKind.PENDING),
        (slot, VerdictKind.PENDING),
        (tolerance_ends, VerdictKind.PENDING),
        (grace_ends, VerdictKind.UNPROVEN),
        (note_ends, VerdictKind.UNPROVEN),
        (watch_closes, VerdictKind.UNPROVEN),
    ]


def test_a_verdict_as_of_an_earlier_instant_leaves_out_later_looks() -> None:
    looks_until_400 = RegularLooks([(-100, ABSENT), (200, PRESENT)], until=400).runs("page")
    assert judged(-50, {"page": looks_until_400}).verdict is VerdictKind.PENDING


# Parts


def test_a_release_has_the_worst_verdict_of_its_required_parts() -> None:
    verdict = judged(500, {"page": CAME_IN_TIME, "sheet": [(-100, ABSENT), (400, PRESENT)]}, SHEET)
    assert (verdict.verdict, verdict.grade) == (VerdictKind.LATE, Grade.REPORT)
    assert verdict.page.verdict is VerdictKind.ON_TIME


@pytest.mark.parametrize("part", [replace(NEWS, required=True), replace(SHEET, required=False)])
def test_an_alternative_or_optional_part_that_is_absent_does_not_make_a_release_late(part: object) -> None:
    assert judged(500, {"page": CAME_IN_TIME, part.id: NOT_OUT}, part).verdict is VerdictKind.ON_TIME


def test_a_copy_elsewhere_before_the_slot_makes_the_release_early() -> None:
    verdict = judged(100, {"page": CAME_IN_TIME, "news": [(-100, ABSENT), (-60, PRESENT)]}, NEWS)
    assert (verdict.verdict, verdict.grade) == (VerdictKind.EARLY, Grade.REPORT)
    assert {*kinds(verdict)} >= {Kind.EARLY_EXPOSURE, Kind.ELSEWHERE_FIRST}


def test_a_copy_elsewhere_after_the_slot_leaves_the_page_overdue() -> None:
    seen = {"page": NOT_OUT, "news": [(-100, ABSENT), (120, PRESENT)]}
    assert judged(400, seen, NEWS).verdict is VerdictKind.OVERDUE


def test_a_part_whose_address_the_page_revealed_came_no_earlier_than_the_page() -> None:
    verdict = judged(100, {"page": CAME_IN_TIME, "sheet": [(6, PRESENT)]}, SHEET)
    _page, sheet = verdict.parts
    page_last_absent, sheet_first_seen = 0, 6
    assert (verdict.verdict, sheet.delay) == (VerdictKind.ON_TIME, Bounds(page_last_absent, sheet_first_seen))


def test_a_part_named_by_its_page_and_first_looked_at_after_the_tolerance_is_unproven() -> None:
    # The page came at 1 s and named the sheet. The sheet may have come with it, or up to 90 s after the slot, when it
    # was first looked at. The tolerance is 60 s.
    page = [(-100, ABSENT), (1, PRESENT)]
    _page, sheet = judged(200, {"page": page, "sheet": [(90, PRESENT)]}, SHEET).parts
    assert sheet.verdict is VerdictKind.UNPROVEN


def test_a_release_is_on_time_although_a_part_that_its_page_names_was_looked_at_too_late() -> None:
    # A part that was not known before the page came does not put the release in doubt.
    page = [(-100, ABSENT), (1, PRESENT)]
    verdict = judged(200, {"page": page, "sheet": [(90, PRESENT)]}, SHEET)
    assert verdict.verdict is VerdictKind.ON_TIME


# Views


def verdict_behind_edge(now: float, *, origin_shows_at: float, edge_shows_at: float) -> Verdict:
    """Return the verdict at `now` on a page that its origin and its edge show from these instants on."""
    edge, origin = ([(-100, ABSENT), (shown_at, PRESENT)] for shown_at in (edge_shows_at, origin_shows_at))
    return judged(now, {"page": edge, "page/origin": origin})


@pytest.mark.parametrize(
    ("origin_shows_at", "expected"), [(3, VerdictKind.ON_TIME), (90, VerdictKind.LATE)], ids=["on time", "late"]
)
def test_the_origin_decides_the_verdict_on_a_release_that_its_edge_showed_later(
    origin_shows_at: float, expected: VerdictKind
) -> None:
    # The tolerance is 60 s.
    assert verdict_behind_edge(600, origin_shows_at=origin_shows_at, edge_shows_at=400).verdict is expected


@pytest.mark.parametrize(("origin_shows_at", "edge_shows_at"), [(3, 400), (90, 390)])
def test_a_finding_says_how_long_an_edge_hid_a_release_that_its_origin_showed(
    origin_shows_at: float, edge_shows_at: float
) -> None:
    verdict = verdict_behind_edge(600, origin_shows_at=origin_shows_at, edge_shows_at=edge_shows_at)
    (stale,) = found(verdict, Kind.STALE_EDGE)
    # Looks are a second apart. So each view may have begun to show it up to a second before its first look that did.
    least, most = edge_shows_at - 1 - origin_shows_at, edge_shows_at - (origin_shows_at - 1)
    assert stale.seconds == Bounds(least, most)


@pytest.mark.parametrize(("origin_shows_at", "edge_shows_at"), [(3, 400), (90, 390)])
def test_a_release_that_its_edge_hid_for_perhaps_over_300_s_is_graded_report(
    origin_shows_at: float, edge_shows_at: float
) -> None:
    verdict = verdict_behind_edge(600, origin_shows_at=origin_shows_at, edge_shows_at=edge_shows_at)
    assert verdict.grade is Grade.REPORT


@pytest.mark.parametrize(
    ("now", "origin_shows_at", "edge_shows_at", "publishers_delay", "users_delay"),
    [
        (600, 3, 480, Bounds(2, 3), Bounds(479, 480)),
        (100, 3, 480, Bounds(2, 3), Bounds(100, None)),
        (600, 90, 390, Bounds(89, 90), Bounds(389, 390)),
        (600, 3, 3, Bounds(2, 3), Bounds(2, 3)),
        (80, 120, 480, Bounds(80, None), Bounds(80, None)),
        (3, 3, 480, Bounds(2, 3), Bounds(2, None)),
    ],
    ids=["hidden", "still hidden", "late and hidden", "not hidden", "not out yet", "its edge is to be looked at"],
)
def test_the_publishers_delay_ends_when_the_origin_shows_the_page_and_the_users_delay_when_the_edge_does(
    now: float, origin_shows_at: float, edge_shows_at: float, publishers_delay: Bounds, users_delay: Bounds
) -> None:
    page = verdict_behind_edge(now, origin_shows_at=origin_shows_at, edge_shows_at=edge_shows_at).page
    assert page.delay == publishers_delay
    assert page.users_delay == users_delay


OUT_20_S_EARLY = [(-100, ABSENT), (-20, PRESENT)]


@pytest.mark.parametrize("edge_shows_at", [60, -10])
def test_users_of_a_release_that_its_origin_had_early_wait_until_its_edge_shows_it(edge_shows_at: float) -> None:
    edge = [(-100, ABSENT), (edge_shows_at, PRESENT)]
    verdict = judged(300, {"page": edge, "page/origin": OUT_20_S_EARLY})
    assert verdict.verdict is VerdictKind.EARLY
    # `users_delay` counts from the slot, and is negative before it. Looks are a second apart.
    edge_last_absent = edge_shows_at - 1
    assert verdict.page.users_delay == Bounds(edge_last_absent, edge_shows_at)
    assert verdict.final


def test_users_of_an_early_release_waited_at_least_until_the_last_absence_at_its_edge() -> None:
    # The edge lacked the release until 44 s. Then looks at it failed until it showed the release, at 60 s.
    edge = [(-100, ABSENT), (45, UNKNOWN), (60, PRESENT)]
    verdict = judged(300, {"page": edge, "page/origin": OUT_20_S_EARLY})
    assert (verdict.verdict, verdict.final) == (VerdictKind.EARLY, True)
    assert verdict.page.users_delay == Bounds(44, 60)


def test_an_early_release_is_not_final_while_its_edge_still_hides_it_from_users() -> None:
    now, edge = 300, [(-100, ABSENT)]
    verdict = judged(now, {"page": edge, "page/origin": OUT_20_S_EARLY})
    assert (verdict.verdict, verdict.final) == (VerdictKind.EARLY, False)
    assert verdict.page.users_delay == Bounds(now, None)


def test_the_wait_of_users_has_no_upper_bound_if_no_look_at_the_edge_succeeded_since_the_release() -> None:
    # The origin showed it from -20 s on, and last lacked it at -21 s. From -25 s on, looks at the edge failed. The
    # verdict waits 30 s for a usable one.
    edge = [(-100, ABSENT), (-25, UNKNOWN)]
    verdict = judged(300, {"page": edge, "page/origin": OUT_20_S_EARLY})
    assert (verdict.verdict, verdict.final) == (VerdictKind.EARLY, True)
    origin_last_absent = -21
    assert verdict.page.users_delay == Bounds(origin_last_absent, None)


def verdict_without_look_at_edge_since_slot(now: float) -> Verdict:
    """Return the verdict on a page that its origin showed 3 s after its slot. Looks at its edge fail from 1 s on."""
    edge, origin = [(-100, ABSENT), (1, UNKNOWN)], [(-100, ABSENT), (3, PRESENT)]
    return judged(now, {"page": edge, "page/origin": origin})


@pytest.mark.parametrize("now", [20, 60])
def test_the_wait_of_users_has_no_upper_bound_if_every_look_at_the_edge_since_the_slot_failed(now: float) -> None:
    # Users cannot have got the page before the origin, looked at each second, last lacked it at 2 s. No look shows
    # whether they have got it since.
    origin_last_absent = 2
    verdict = verdict_without_look_at_edge_since_slot(now)
    assert verdict.page.users_delay == Bounds(origin_last_absent, None)


@pytest.mark.parametrize(("now", "is_final"), [(20, False), (60, True)])
def test_a_release_waits_30_s_for_a_look_at_its_edge_until_it_is_finally_on_time(now: float, *, is_final: bool) -> None:
    # The origin showed it at 3 s. Since 1 s, all looks at the edge failed.
    verdict = verdict_without_look_at_edge_since_slot(now)
    assert (verdict.verdict, verdict.final) == (VerdictKind.ON_TIME, is_final)


@pytest.mark.parametrize(("now", "grade"), [(60, Grade.NONE), (61, Grade.NOTE), (300, Grade.NOTE), (301, Grade.REPORT)])
def test_the_grade_follows_how_long_users_have_waited_while_they_still_do(now: float, grade: Grade) -> None:
    # Up to 60 s is no fault, up to 300 s a note, and more is to be reported.
    verdict = verdict_behind_edge(now, origin_shows_at=3, edge_shows_at=480)
    assert (verdict.verdict, verdict.grade, verdict.final) == (VerdictKind.ON_TIME, grade, False)


@pytest.mark.parametrize(("now", "next_limit"), [(30, 33), (290, 300)])
def test_a_release_hidden_by_its_edge_is_judged_again_at_the_next_limit_of_its_grade(
    now: float, next_limit: float
) -> None:
    # Until 33 s, 30 s after the origin showed it, a look at the edge is awaited. Users who have waited for over 60 s
    # make it a note, and over 300 s a report.
    assert verdict_behind_edge(now, origin_shows_at=3, edge_shows_at=480).revisit == after_slot(next_limit)


@pytest.mark.parametrize("now", [60, 60.5, 300])
def test_a_release_whose_users_have_waited_until_a_limit_of_its_grade_is_judged_each_second(now: float) -> None:
    # The limits are 60 s and 300 s. Any look at the edge from then on may prove that users have waited longer.
    assert verdict_behind_edge(now, origin_shows_at=3, edge_shows_at=480).revisit == after_slot(now + 1)


def test_a_release_without_a_later_look_at_its_edge_is_final_after_the_grace_period() -> None:
    # The origin showed it at 3 s. For 30 s from then on, a look at the edge may still come.
    seen = {"page": RegularLooks([(-100, ABSENT)], until=2), "page/origin": [(-100, ABSENT), (3, PRESENT)]}
    assert [judged(now, seen).final for now in (32, 33)] == [False, True]


@pytest.mark.parametrize(
    ("now", "page", "content", "expected"),
    [
        (100, CAME_IN_TIME, [(-100, ABSENT), (-50, PRESENT)], VerdictKind.EARLY),
        (300, NOT_OUT, [(-100, ABSENT), (1, PRESENT)], VerdictKind.OVERDUE),
    ],
    ids=["an exposure before the slot", "not the page after it"],
)
def test_presence_in_the_content_api_proves_an_exposure_before_the_slot_and_no_release_after_it(
    now: float, page: Turns, content: Turns, expected: VerdictKind
) -> None:
    assert judged(now, {"page": page, "page/content": content}).verdict is expected


def test_looks_at_the_content_api_change_no_bounds_of_an_exposure_of_the_page() -> None:
    came, removed, every = -900, -300, 5
    turns = [(-2000, ABSENT), (came, PRESENT), (removed, WITHDRAWN), (1, PRESENT)]
    seen = {"page": RegularLooks(turns, every=every), "page/content": RegularLooks(turns, every=170)}
    (exposure,) = judged(100, seen).exposures
    assert exposure.seconds == Bounds(removed - came - every, removed - came + every)


def test_an_exposure_lasts_as_long_as_the_content_api_shows_it() -> None:
    came, removed_from_api, every = -900, -200, 5
    out = [(-2000, ABSENT), (came, PRESENT)]
    seen = {"page": [*out, (-300, WITHDRAWN)], "page/content": [*out, (removed_from_api, WITHDRAWN)]}
    (exposure,) = judged(-10, seen, every=every).exposures
    assert exposure.seconds == Bounds(removed_from_api - came - every, removed_from_api - came + every)


@pytest.mark.parametrize(
    ("edge", "origin"),
    [
        ([(-100, ABSENT)], [(30, PRESENT)]),
        ([(-30, PRESENT), (20, ABSENT)], [(-30, ABSENT)]),
        ([(-30, PRESENT), (6, ABSENT), (30, PRESENT)], []),
        ([(2, PRESENT), (6, ABSENT), (30, PRESENT)], []),
    ],
    ids=[
        "the edge is absent, the origin present at its first look after the slot",
        "the origin is absent, the edge present over the slot and absent after it",
        "present over the slot, absent after it, present",
        "present at the first look after the slot, absent, present",
    ],
)
def test_a_release_that_one_look_showed_around_its_slot_and_another_lacked_is_unproven(
    edge: Turns, origin: Turns
) -> None:
    # The view that showed a page had not lacked it before. So that page may be an earlier edition, or this one.
    assert judged(300, {"page": edge, "page/origin": origin}).verdict is VerdictKind.UNPROVEN


def test_an_origin_that_always_showed_a_page_does_not_contradict_the_absence_at_its_edge() -> None:
    # Such an origin may answer so at any address.
    seen = {"page": [(-100, ABSENT)], "page/origin": [(-100, PRESENT)]}
    assert judged(300, seen).verdict is VerdictKind.OVERDUE


def test_a_page_that_was_removed_before_its_slot_and_did_not_come_back_is_overdue() -> None:
    assert judged(100, [(-30, PRESENT), (-20, ABSENT)]).verdict is VerdictKind.OVERDUE


def test_a_page_that_came_in_time_is_on_time_although_a_later_look_found_it_absent() -> None:
    turns = [(-30, PRESENT), (-20, ABSENT), (3, PRESENT), (6, ABSENT), (9, PRESENT)]
    assert judged(100, turns).verdict is VerdictKind.ON_TIME


def test_a_page_that_was_absent_until_after_its_slot_cannot_have_been_early() -> None:
    # By looks every second, it was removed at -20 and came back at 6.
    page = judged(now=100, seen=[(-30, PRESENT), (-20, ABSENT), (6, PRESENT)]).page
    seconds_early_at_most = page.early_bound
    assert seconds_early_at_most == 0


def test_a_page_that_its_origin_last_lacked_a_second_before_its_slot_was_early_by_a_second_at_most() -> None:
    # By looks every second, the origin lacked the page until -1.
    origin = [(-30, ABSENT), (0, PRESENT)]
    # What the edge shows may be an old copy, so the origin decides.
    edge = [(-30, PRESENT), (6, ABSENT), (30, PRESENT)]
    seconds_early_at_most = judged(now=100, seen={"page": edge, "page/origin": origin}).page.early_bound
    assert seconds_early_at_most == 1


def test_it_is_not_known_how_early_a_page_was_if_it_may_have_been_public_at_its_slot_and_removed() -> None:
    # Each look from -30 to 5 showed a page, which may be this edition or an earlier one. It was absent from 6 on.
    page = judged(now=100, seen=[(-30, PRESENT), (6, ABSENT), (30, PRESENT)]).page
    seconds_early_at_most = page.early_bound
    assert seconds_early_at_most is None


def test_a_page_that_was_certainly_early_has_no_early_bound() -> None:
    # `early_bound` says by how many seconds a page may have been early that is not proved early.
    page = judged(now=100, seen=[(-30, ABSENT), (-20, PRESENT)]).page
    assert page.verdict is VerdictKind.EARLY
    assert page.early_bound is None


@pytest.mark.parametrize(("edge_shows_at", "expected"), [(21, VerdictKind.ON_TIME), (81, VerdictKind.UNPROVEN)])
def test_absences_at_the_edge_after_the_origin_showed_the_page_do_not_date_its_release(
    edge_shows_at: float, expected: VerdictKind
) -> None:
    # The origin was first looked at when it already showed the page. So only the edge proves that the page was absent.
    edge_absent_from, origin_shows_at = 4, 6.2
    edge, origin = [(edge_absent_from, ABSENT), (edge_shows_at, PRESENT)], [(origin_shows_at, PRESENT)]
    verdict = judged(100, {"page": edge, "page/origin": origin})
    assert after_slot(edge_absent_from) <= verdict.page.released.after <= after_slot(origin_shows_at)
    # The edge proves that the page was out: at 21 s in time, at 81 s perhaps too late.
    assert verdict.verdict is expected


@pytest.mark.parametrize(
    ("now", "origin_turns", "expected"),
    [
        (62, [(-100, ABSENT)], VerdictKind.OVERDUE),
        (62, [(-100, ABSENT), (55, UNKNOWN)], VerdictKind.PENDING),
        (69, [(-100, ABSENT), (55, UNKNOWN)], VerdictKind.PENDING),
        (70, [(-100, ABSENT), (55, UNKNOWN)], VerdictKind.OVERDUE),
        (62, [(-100, UNKNOWN)], VerdictKind.OVERDUE),
        (62, [(-100, ABSENT), (-60, UNKNOWN)], VerdictKind.PENDING),
        (62, [(-100, ABSENT), (61, PRESENT)], VerdictKind.UNPROVEN),
    ],
)
def test_lateness_by_the_edge_waits_ten_seconds_for_an_origin_whose_look_failed(
    now: float, origin_turns: Turns, expected: VerdictKind
) -> None:
    # The edge lacks the page at every look, and the tolerance ends at 60 s. But an edge may serve an old copy. So if
    # the origin answered before and not since 60 s, the verdict waits for it until 70 s. If the origin shows the page
    # at 61 s, it may have come just in time.
    verdict = judged(now, {"page": NOT_OUT, "page/origin": origin_turns})
    assert verdict.verdict is expected
    # It is not final in any case, so it is judged again.
    assert verdict.revisit is not None


def test_looks_while_the_clock_was_wrong_prove_nothing() -> None:
    wrong = Blind(after_slot(-200), after_slot(400), "clock")
    assert judged(300, NOT_OUT, blind=[wrong]).verdict is VerdictKind.UNPROVEN


# Promises

A_DAY = a_slot(SLOT.date())
JANUARY = a_slot(date(2018, 1, 1), date(2018, 1, 31), raw="January 2018")
HOURS = 3600
DAYS = {
    "came on its day": (A_DAY, 5, [(-9, ABSENT), (4, PRESENT)], VerdictKind.ON_TIME),
    "came as its day began": (A_DAY, -1, [(-20, ABSENT), (-9, PRESENT)], VerdictKind.ON_TIME),
    "came the day before": (A_DAY, -1, [(-20, ABSENT), (-10, PRESENT)], VerdictKind.EARLY),
    "absent to the end of its day": (A_DAY, 14, [(-1, ABSENT)], VerdictKind.PENDING),
    "absent after its day": (A_DAY, 15, [(-1, ABSENT)], VerdictKind.OVERDUE),
    "came in its month": (JANUARY, 10 * 24, [(-5 * 24, ABSENT), (9 * 24, PRESENT)], VerdictKind.ON_TIME),
}


@pytest.mark.parametrize(("slot", "now_in_hours", "turns_in_hours", "expected"), DAYS.values(), ids=DAYS)
def test_a_promise_of_a_day_or_a_month_is_judged_by_whole_days_and_gives_no_delay(
    slot: Slot, now_in_hours: float, turns_in_hours: Turns, expected: VerdictKind
) -> None:
    # Hours count from 09:30 on Friday 5 January 2018. So that day began at -9.5 and ends at 14.5.
    turns = [(hours * HOURS, state) for hours, state in turns_in_hours]
    verdict = judged(now_in_hours * HOURS, turns, promises=[a_promise(slot)], every=300)
    assert (verdict.verdict, verdict.page.delay) == (expected, None)


def test_a_release_overdue_by_a_promise_of_a_day_is_graded_as_a_note() -> None:
    assert judged(15 * HOURS, [(-60, ABSENT)], promises=[a_promise(A_DAY)], every=300).grade is Grade.NOTE


def test_a_release_that_came_in_its_month_is_final() -> None:
    assert judged(10, [(-60, ABSENT), (5, PRESENT)], promises=[a_promise(JANUARY)]).final


@pytest.mark.parametrize(
    "doubtful",
    [
        a_promise(state=Standing.PROVISIONAL),
        a_promise(doubt="zone"),
        a_promise(a_slot(doubt="weekday")),
        a_promise(state=Standing.POSTPONED),
    ],
)
def test_a_provisional_or_doubtful_time_is_judged_as_its_day(doubtful: object) -> None:
    # By its time, 09:30, a page that is out at 10:00 is late. By its day it is on time, and pending until the day ends.
    came_half_an_hour_later = [(-100, ABSENT), (1800, PRESENT)]
    assert judged(3600, NOT_OUT, promises=[doubtful], every=60).verdict is VerdictKind.PENDING
    verdict = judged(3600, came_half_an_hour_later, promises=[doubtful], every=60)
    assert (verdict.verdict, verdict.page.delay) == (VerdictKind.ON_TIME, None)


@pytest.mark.parametrize(
    ("now", "page", "expected"),
    [
        (3600, NOT_OUT, VerdictKind.MOVED),
        (-60, NOT_OUT, VerdictKind.PENDING),
        (3600, CAME_IN_TIME, VerdictKind.EARLY),
    ],
    ids=["not out after the old slot", "not out before the old slot", "came at the old slot"],
)
def test_a_release_whose_move_to_next_week_was_read_before_its_slot_is_judged_by_the_new_slot(
    now: float, page: Turns, expected: VerdictKind
) -> None:
    promises = [a_promise(SLOT), a_promise(SLOT + 7 * DAY, learnt=SLOT - 2 * DAY)]
    assert judged(now, page, promises=promises, every=20).verdict is expected


def test_a_release_whose_move_was_read_after_its_slot_is_judged_by_the_old_slot() -> None:
    promises = [a_promise(SLOT), a_promise(SLOT + 7 * DAY, learnt=after_slot(120))]
    assert judged(3600, NOT_OUT, promises=promises, every=20).verdict is VerdictKind.OVERDUE


def test_a_postponed_release_with_a_new_time_is_judged_by_the_new_time() -> None:
    # The old slot was two days before. A read five days before the new one showed the new time, marked as postponed.
    promises = [a_promise(SLOT - 2 * DAY), a_promise(SLOT, learnt=SLOT - 5 * DAY, state=Standing.POSTPONED)]
    assert judged(200, NOT_OUT, promises=promises, every=20).verdict is VerdictKind.OVERDUE


def test_a_release_whose_cancellation_was_read_before_its_slot_is_cancelled() -> None:
    promises = [a_promise(), a_promise(learnt=SLOT - DAY, state=Standing.CANCELLED)]
    assert judged(3600, NOT_OUT, promises=promises, every=20).verdict is VerdictKind.CANCELLED


def test_a_release_whose_cancellation_was_read_after_its_slot_is_overdue() -> None:
    promises = [a_promise(), a_promise(learnt=after_slot(100), state=Standing.CANCELLED)]
    assert judged(3600, NOT_OUT, promises=promises, every=20).verdict is VerdictKind.OVERDUE


def test_a_release_that_no_calendar_announced_is_unannounced() -> None:
    assert judged(3600, CAME_IN_TIME, promises=[], every=20).verdict is VerdictKind.UNANNOUNCED


def test_a_release_announced_without_a_time_is_unproven() -> None:
    assert judged(3600, CAME_IN_TIME, promises=[a_promise(no_slot())], every=20).verdict is VerdictKind.UNPROVEN


def test_a_cancelled_release_is_final_and_has_no_grade() -> None:
    verdict = judged(3600, promises=[a_promise(), a_promise(learnt=SLOT - DAY, state=Standing.CANCELLED)])
    assert (verdict.grade, verdict.final) == (Grade.NONE, True)


def test_a_release_whose_slot_was_first_read_after_it_had_passed_is_finally_unproven() -> None:
    verdict = judged(3600, NOT_OUT, promises=[a_promise(learnt=after_slot(60))])
    assert (verdict.verdict, verdict.final) == (VerdictKind.UNPROVEN, True)
    assert verdict.unproven_because == Reason.READ_AFTER_SLOT.text()


def test_a_release_that_no_calendar_announced_has_no_slot() -> None:
    verdict = judged(3600, CAME_IN_TIME, promises=[])
    assert (kinds(verdict), verdict.slot) == ([Kind.UNANNOUNCED], None)


def test_a_producer_may_have_its_own_tolerance() -> None:
    policy = Policy(on_time_within=timedelta(minutes=5))
    assert judged(400, [(-100, ABSENT), (200, PRESENT)], policy=policy).verdict is VerdictKind.ON_TIME


CANCELLED_LATER = [
    a_promise(learnt=SLOT - DAY, confirmed_at=SLOT - 1.5 * HOUR),
    a_promise(learnt=SLOT - HOUR, unlearnt=SLOT - 1.5 * HOUR, state=Standing.CANCELLED),
]
"""A release that was cancelled an hour before its slot. The last read before that was half an hour earlier."""


@pytest.mark.parametrize("now", [-3500, -10, 3600], ids=["since its cancellation", "at its slot", "after its slot"])
def test_release_that_was_public_before_its_cancellation_stays_early(now: float) -> None:
    public_for_ten_minutes = [(-9000, ABSENT), (-7200, PRESENT), (-6600, ABSENT)]
    verdict = judged(now, public_for_ten_minutes, promises=CANCELLED_LATER, every=20)
    assert (verdict.verdict, verdict.grade, verdict.final) == (VerdictKind.EARLY, Grade.REPORT, now > 0)
    assert [exposure.ended for exposure in verdict.exposures] == [Ended.REMOVED]
    assert not {Kind.LATE, Kind.PROMISE_IN_DOUBT} & set(kinds(verdict))


def test_release_that_was_public_only_after_its_cancellation_is_cancelled() -> None:
    promises, public_at_last = CANCELLED_LATER, [(-9000, ABSENT), (-1200, PRESENT)]
    verdict = judged(3600, public_at_last, promises=promises, every=20)
    assert verdict.verdict is VerdictKind.CANCELLED
