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
from schedules.announcement import Part
from schedules.announcement import State as Standing
from schedules.contract.verdict import Ended, Grade, Kind, VerdictKind
from schedules.promise import Promise
from schedules.slot import Slot
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import DAY, HOUR, SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN, RegularLooks, Turn, looks
from tests.worlds.releases import NEWS, SHEET, a_promise, a_slot, no_slot
from tests.worlds.verdicts import Seen, found, judged, kinds

Turns = Sequence[Turn]


def public_from(second: float) -> Turns:
    """Return the answers of a target that was absent until so many seconds after the slot, and present since."""
    return [(-100, ABSENT), (second, PRESENT)]


DAY_S = DAY.total_seconds()
WATCH_CLOSES = 14 * DAY_S
PUBLIC_500_S_EARLY = [(-1000, ABSENT), (-500, PRESENT)]
NOT_OUT = [(-100, ABSENT)]
CAME_IN_TIME = public_from(second=1)

PAGES = {
    "not seen before the slot": (-10, NOT_OUT, VerdictKind.PENDING, Grade.NONE, False, None),
    "appears in time": (60, public_from(2), VerdictKind.ON_TIME, Grade.NONE, True, Bounds(1, 2)),
    "absent within the tolerance": (59, NOT_OUT, VerdictKind.PENDING, Grade.NONE, False, None),
    "absent after the tolerance": (200, NOT_OUT, VerdictKind.OVERDUE, Grade.NOTE, False, Bounds(200, None)),
    "late": (400, public_from(90), VerdictKind.LATE, Grade.NOTE, True, Bounds(89, 90)),
    "late by a note's length": (400, public_from(300), VerdictKind.LATE, Grade.NOTE, True, Bounds(299, 300)),
    "late by more": (400, public_from(302), VerdictKind.LATE, Grade.REPORT, True, Bounds(301, 302)),
    "early, open": (-100, PUBLIC_500_S_EARLY, VerdictKind.EARLY, Grade.REPORT, False, Bounds(-501, -500)),
    "early, until the slot": (50, PUBLIC_500_S_EARLY, VerdictKind.EARLY, Grade.REPORT, True, Bounds(-501, -500)),
    "early, removed, on time": (
        100, [*PUBLIC_500_S_EARLY, (-200, WITHDRAWN), (1, PRESENT)],
        VerdictKind.EARLY, Grade.REPORT, True, Bounds(-501, -500),
    ),
    "early, removed, not back": (
        600, [*PUBLIC_500_S_EARLY, (-200, WITHDRAWN)], VerdictKind.OVERDUE, Grade.REPORT, False, Bounds(600, None),
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


@pytest.mark.parametrize(("now", "page", "expected", "grade", "is_final", "delay"), PAGES.values(), ids=PAGES)
def test_looks_at_page_give_verdict_grade_and_delay(
    now: float, page: Turns, expected: VerdictKind, grade: Grade, delay: Bounds | None, *, is_final: bool
) -> None:
    """In one row, looks each second lack the page until 89 s after its slot and show it at 90 s (`page`). Judged at 400
    s (`now`), it is late by 89 to 90 s, as 60 s are allowed. Up to 300 s are only a note."""
    verdict = judged(now, page)
    assert (verdict.verdict, verdict.grade) == (expected, grade)
    assert verdict.final is is_final  # later looks are not expected to change it
    assert verdict.page.delay == delay


@pytest.mark.parametrize(
    ("now", "seen", "expected_reason"),
    [
        (300, {"page": NOT_OUT, "page/origin": [(30, PRESENT)]}, "still proved absence"),
        (100, public_from(second=61), "on time or up to 1 min 1 s late"),
        (200, [(-100, PRESENT)], "first look"),
        (200, [(-100, PRESENT), (10, ABSENT), (20, PRESENT)], "whether it was public before its slot is not known"),
        (95, [(-100, ABSENT), (-10, UNKNOWN)], "timeout"),
        (95, [], "never looked at"),
    ],
)
def test_unproven_release_states_its_reason(now: float, seen: Seen, expected_reason: str) -> None:
    """For example, a page was absent 60 s after its slot and present at 61 s. A delay of 60 s is allowed, so it may be
    in time or late. The reason is “on time or up to 1 min 1 s late”."""
    verdict = judged(now, seen)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert expected_reason in verdict.unproven_because


EXPOSURES = {
    "open": (-100, PUBLIC_500_S_EARLY, (None, None), Bounds(400, None)),
    "removed": (100, [*PUBLIC_500_S_EARLY, (-200, WITHDRAWN), (1, PRESENT)], (-201, -200), Bounds(299, 301)),
    "until the slot": (50, PUBLIC_500_S_EARLY, (0, 0), Bounds(500, 501)),
    "failed looks do not end it": (-100, [*PUBLIC_500_S_EARLY, (-400, UNKNOWN)], (None, None), Bounds(99, None)),
    "not seen again": (10, [*PUBLIC_500_S_EARLY, (-400, UNKNOWN)], (-401, 0), Bounds(99, 501)),
    "not seen again before the slot": (
        50, [*PUBLIC_500_S_EARLY, (-400, UNKNOWN), (1, PRESENT)], (-401, 0), Bounds(99, 501),
    ),
    "seen again, then removed": (
        50, [*PUBLIC_500_S_EARLY, (-400, UNKNOWN), (-300, PRESENT), (-200, WITHDRAWN), (1, PRESENT)],
        (-401, -200), Bounds(99, 301),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("now", "page", "ended_between", "expected_length"), EXPOSURES.values(), ids=EXPOSURES)
def test_exposure_ends_at_removal_or_slot(
    now: float, page: Turns, ended_between: tuple[float | None, float | None], expected_length: Bounds
) -> None:
    """In row “removed”, looks each second found a page from 500 s before its slot on, and a notice of removal 200 s
    before it. So it ended between -201 and -200, after 299 to 301 s. One that still goes on has no end (None)."""
    (exposure,) = judged(now, page).exposures
    assert exposure.seconds == expected_length
    assert exposure.open is (ended_between == (None, None))
    assert exposure.to == Interval(*map(after_slot, ended_between))


@pytest.mark.parametrize(
    ("later_answers", "released_at"),
    [([], 0), ([(-200, WITHDRAWN), (1, PRESENT)], 1)],
    ids=["stays public", "removed and back after its slot"],
)
def test_early_page_counts_as_released_at_slot_or_return(later_answers: Turns, released_at: float) -> None:
    """A page was public 500 s before its slot. If it stays public, it counts as released at its slot (0). If it is
    removed at -200 s and back a second after its slot, it counts as released then (1)."""
    page = judged(now=100, seen=[*PUBLIC_500_S_EARLY, *later_answers]).page
    assert page.released.by == after_slot(released_at)


def test_early_page_not_seen_since_its_removal_is_not_released() -> None:
    """A page was public from 500 s to 200 s before its slot. From 10 s before the slot on, all looks fail. It was
    early, but no look shows when it came back, so its release has no time (None)."""
    removed_at, looks_fail_from = -200, -10
    edge = [*PUBLIC_500_S_EARLY, (removed_at, WITHDRAWN), (looks_fail_from, UNKNOWN)]
    # The origin showed it at its very first look, 490 s before the slot. That does not count as its release either.
    origin = [(-490, PRESENT), (removed_at, WITHDRAWN), (looks_fail_from, UNKNOWN)]
    page = judged(now=120, seen={"page": edge, "page/origin": origin}).page
    assert page.verdict is VerdictKind.EARLY
    assert page.released == Interval(after=None, by=None)


def test_early_page_that_comes_back_late_is_also_late() -> None:
    """A page was public 500 s before its slot, removed 200 s before it, and back 400 s after it. A release may come
    until 60 s after its slot. So this one is early, and also late."""
    back_at, seconds_between_looks = 400, 1
    page = [*PUBLIC_500_S_EARLY, (-200, WITHDRAWN), (back_at, PRESENT)]
    verdict = judged(now=600, seen=page, every=seconds_between_looks)
    (late,) = found(verdict, Kind.LATE)
    assert verdict.verdict is VerdictKind.EARLY
    assert late.seconds == Bounds(back_at - seconds_between_looks, back_at)  # 399 to 400 s late


@pytest.mark.parametrize(
    ("seconds_early", "expected"), [(0.9, VerdictKind.ON_TIME), (1, VerdictKind.ON_TIME), (1.1, VerdictKind.EARLY)]
)
def test_page_is_early_only_if_seen_over_a_second_early(seconds_early: float, expected: VerdictKind) -> None:
    """The monitor's clock may be wrong by a second. So a page first seen 1 s before its slot may have come at its slot:
    on time. One seen 1.1 s before it came early."""
    page = looks((-seconds_early - 1, ABSENT), (-seconds_early, PRESENT), (60, PRESENT))
    assert judged(now=60, seen={"page": page}).verdict is expected


def test_release_absent_for_14_days_is_finally_not_published() -> None:
    """A release is watched until 14 days after its slot (`WATCH_CLOSES`). Looks found it absent all that time."""
    verdict = judged(now=WATCH_CLOSES + 1, seen=[(-100, ABSENT)])
    assert (verdict.verdict, verdict.grade, verdict.final) == (VerdictKind.NOT_PUBLISHED, Grade.REPORT, True)


def test_release_whose_last_looks_failed_is_overdue_after_14_days() -> None:
    """Looks found the page absent until 3 days after its slot, and then failed. It may have come since, unseen. So it
    is not called `not_published`, even at the end of the watch."""
    verdict = judged(now=WATCH_CLOSES + 1, seen=[(-100, ABSENT), (3 * DAY_S, UNKNOWN)])
    assert (verdict.verdict, verdict.grade, verdict.final) == (VerdictKind.OVERDUE, Grade.REPORT, True)


def test_first_look_before_slot_that_shows_this_edition_proves_early() -> None:
    """The first look, 100 s before the slot, found a page that names this edition (`specific`). So it is not the last
    edition, still shown, but this one, public early."""
    this_edition_from_first_look = RegularLooks([(-100, PRESENT)], specific=True)
    assert judged(now=-50, seen={"page": this_edition_from_first_look}).verdict is VerdictKind.EARLY


def test_first_look_after_slot_gives_only_longest_delay() -> None:
    """The first look, 30 s after the slot, found a page that names this edition (`specific`). It may have come at any
    time before: early, in time or up to 30 s late."""
    first_look = 30
    verdict = judged(now=200, seen={"page": RegularLooks([(first_look, PRESENT)], specific=True)})
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert verdict.page.delay == Bounds(min=None, max=first_look)


@pytest.mark.parametrize(
    ("now", "page", "judged_again_at"),
    [(-10, NOT_OUT, 0), (59, NOT_OUT, 60), (60, CAME_IN_TIME, None)],
    ids=["at its slot", "when its tolerance ends", "never, as it came in time"],
)
def test_release_is_judged_again_when_time_alone_changes_its_verdict(
    now: float, page: Turns, judged_again_at: float | None
) -> None:
    """A page may come until 60 s after its slot. One absent at 59 s is judged again at 60 s, even without a new look.
    One that came in time is judged again only after new looks (None)."""
    assert judged(now, page).revisit == after_slot(judged_again_at)


def test_release_without_looks_is_judged_again_at_each_time_limit() -> None:
    """The last look was 40 s before the slot. Each verdict says in `revisit` when it must be made again, even if there
    is no new look. This test makes it at each such time, from 50 s before the slot on."""
    looks_until_40_s_before_slot = {"page": RegularLooks([(-100, ABSENT), (-50, UNKNOWN)], until=-40)}
    slot, tolerance_ends, grace_ends, note_ends = 0, 60, 60 + 30, 300
    verdicts = []
    now: datetime | None = after_slot(-50)
    while now is not None:
        seconds = (now - SLOT).total_seconds()
        verdict = judged(now=seconds, seen=looks_until_40_s_before_slot)
        verdicts.append((seconds, verdict.verdict))
        now = verdict.revisit
    assert verdicts == [
        (-50, VerdictKind.PENDING),
        (slot, VerdictKind.PENDING),  # it may come until 60 s after its slot
        (tolerance_ends, VerdictKind.PENDING),  # answers of looks made by then may arrive for 30 s more
        (grace_ends, VerdictKind.UNPROVEN),  # no look showed whether it came
        (note_ends, VerdictKind.UNPROVEN),  # a delay of up to 300 s is a note, and then a report
        (WATCH_CLOSES, VerdictKind.UNPROVEN),  # no look is made after 14 days
    ]


def test_verdict_as_of_earlier_instant_ignores_later_looks() -> None:
    looks_until_400 = RegularLooks(public_from(second=200), until=400).runs("page")
    assert judged(now=-50, seen={"page": looks_until_400}).verdict is VerdictKind.PENDING


# Parts


def test_release_has_worst_verdict_of_its_required_parts() -> None:
    """The page came in time. The sheet, required too, came 400 s after the slot. Over 300 s need a report."""
    verdict = judged(500, {"page": CAME_IN_TIME, "sheet": public_from(second=400)}, SHEET)
    assert verdict.page.verdict is VerdictKind.ON_TIME
    assert (verdict.verdict, verdict.grade) == (VerdictKind.LATE, Grade.REPORT)


@pytest.mark.parametrize("absent_part", [replace(NEWS, required=True), replace(SHEET, required=False)])
def test_absent_alternative_or_optional_part_makes_no_release_late(absent_part: Part) -> None:
    assert judged(500, {"page": CAME_IN_TIME, absent_part.id: NOT_OUT}, absent_part).verdict is VerdictKind.ON_TIME


def test_copy_elsewhere_before_slot_makes_release_early() -> None:
    """The page came in time. A copy at another address, “news”, was public 60 s before the slot."""
    verdict = judged(100, {"page": CAME_IN_TIME, "news": public_from(second=-60)}, NEWS)
    assert (verdict.verdict, verdict.grade) == (VerdictKind.EARLY, Grade.REPORT)
    assert {*kinds(verdict)} >= {Kind.EARLY_EXPOSURE, Kind.ELSEWHERE_FIRST}


def test_copy_elsewhere_after_slot_leaves_page_overdue() -> None:
    """A copy came at another address, “news”. The promised page is still absent, 400 s after its slot."""
    seen = {"page": NOT_OUT, "news": public_from(second=120)}
    assert judged(400, seen, NEWS).verdict is VerdictKind.OVERDUE


def test_part_that_page_revealed_came_no_earlier_than_page() -> None:
    """The page came 1 s after the slot and named the file. The first look at the file, at 6 s, found it. So it came by
    6 s, and not before 0 s, when the page was last absent."""
    page_last_absent, sheet_first_seen = 0, 6
    verdict = judged(100, {"page": public_from(page_last_absent + 1), "sheet": [(sheet_first_seen, PRESENT)]}, SHEET)
    _page, sheet = verdict.parts
    assert verdict.verdict is VerdictKind.ON_TIME
    assert sheet.delay == Bounds(page_last_absent, sheet_first_seen)


def test_part_that_page_revealed_is_unproven_if_looked_at_late() -> None:
    """The page came 1 s after its slot and named the file, which was first looked at at 90 s. So the file may have come
    in time, by 60 s, or late. Its address was not known before, so the release as a whole stays on time."""
    verdict = judged(200, {"page": CAME_IN_TIME, "sheet": [(90, PRESENT)]}, SHEET)
    _page, sheet = verdict.parts
    assert sheet.verdict is VerdictKind.UNPROVEN
    assert verdict.verdict is VerdictKind.ON_TIME


# Views


def verdict_by_views(now: float, *, origin_shows_at: float, edge_shows_at: float) -> Verdict:
    """Return the verdict at `now` on a page that its origin and its edge show from these instants on."""
    return judged(now, {"page": public_from(edge_shows_at), "page/origin": public_from(origin_shows_at)})


@pytest.mark.parametrize(
    ("origin_shows_at", "expected"), [(3, VerdictKind.ON_TIME), (90, VerdictKind.LATE)], ids=["on time", "late"]
)
def test_origin_decides_verdict_if_edge_shows_page_later(origin_shows_at: float, expected: VerdictKind) -> None:
    """Users get the page from a cache, the edge, which shows it only 400 s after the slot. The publisher's server, the
    origin, showed it at 3 s or at 90 s. Only this counts, and 60 s are allowed, so 3 s is on time."""
    assert verdict_by_views(now=600, origin_shows_at=origin_shows_at, edge_shows_at=400).verdict is expected


@pytest.mark.parametrize(("origin_shows_at", "edge_shows_at"), [(3, 400), (90, 390)])
def test_finding_says_how_long_edge_hid_a_release(origin_shows_at: float, edge_shows_at: float) -> None:
    """For example, the publisher's server, the origin, shows the page 3 s after the slot. The cache from which users
    get it, the edge, shows it at 400 s. So the edge hid it for 396 to 398 s."""
    verdict = verdict_by_views(now=600, origin_shows_at=origin_shows_at, edge_shows_at=edge_shows_at)
    (stale,) = found(verdict, Kind.STALE_EDGE)
    # Looks are a second apart. So each view may have begun to show it up to a second before its first look that did.
    shortest, longest = (edge_shows_at - 1) - origin_shows_at, edge_shows_at - (origin_shows_at - 1)
    assert stale.seconds == Bounds(shortest, longest)
    # From the slot on, users waited for over 300 s, which needs a report.
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
def test_publishers_delay_ends_at_origin_and_users_delay_at_edge(
    now: float, origin_shows_at: float, edge_shows_at: float, publishers_delay: Bounds, users_delay: Bounds
) -> None:
    """The origin, the publisher's server, shows a page 3 s after its slot, and the edge, the cache for users, at 480 s.
    By looks each second, the publisher is 2 to 3 s late, and users wait 479 to 480 s, or without end so far (None)."""
    page = verdict_by_views(now, origin_shows_at=origin_shows_at, edge_shows_at=edge_shows_at).page
    assert (page.delay, page.users_delay) == (publishers_delay, users_delay)


ORIGIN_20_S_EARLY = public_from(second=-20)
USERS_OF_EARLY_RELEASE = {
    "edge shows it after the slot": (public_from(60), Bounds(59, 60), True),
    "edge shows it before the slot": (public_from(-10), Bounds(-11, -10), True),
    "looks at the edge failed before it showed it": (
        [(-100, ABSENT), (45, UNKNOWN), (60, PRESENT)], Bounds(44, 60), True,
    ),
    "edge still hides it": ([(-100, ABSENT)], Bounds(300, None), False),
    # The verdict waits 30 s for a usable look at the edge. Users got it after -21, when the origin lacked it.
    "looks at the edge have failed since before it came": ([(-100, ABSENT), (-25, UNKNOWN)], Bounds(-21, None), True),
}  # fmt: skip


@pytest.mark.parametrize(
    ("edge", "users_delay", "is_final"), USERS_OF_EARLY_RELEASE.values(), ids=USERS_OF_EARLY_RELEASE
)
def test_users_wait_for_early_release_until_edge_shows_it(edge: Turns, users_delay: Bounds, *, is_final: bool) -> None:
    """The publisher's server, the origin, showed the page 20 s before its slot, but the cache for users, the edge, only
    at 60 s. So they waited 59 to 60 s from the slot. The verdict is final once that is known, or cannot be known."""
    verdict = judged(now=300, seen={"page": edge, "page/origin": ORIGIN_20_S_EARLY})
    assert verdict.verdict is VerdictKind.EARLY
    assert verdict.page.users_delay == users_delay  # a wait below zero ends before the slot
    assert verdict.final is is_final


@pytest.mark.parametrize(("now", "is_final"), [(20, False), (60, True)])
def test_verdict_waits_30_s_for_a_look_at_the_edge(now: float, *, is_final: bool) -> None:
    """The origin showed the page 3 s after the slot. All looks at the edge, from which users get it, have failed since
    1 s. Until 33 s, the verdict waits for a look that shows when users got it. So it is final at 60 s."""
    edge, origin = [(-100, ABSENT), (1, UNKNOWN)], public_from(second=3)
    verdict = judged(now, {"page": edge, "page/origin": origin})
    assert verdict.verdict is VerdictKind.ON_TIME
    assert verdict.final is is_final
    origin_last_absent = 2  # users cannot have got it before that, but perhaps have not got it yet (None)
    assert verdict.page.users_delay == Bounds(origin_last_absent, None)


@pytest.mark.parametrize(("now", "grade"), [(60, Grade.NONE), (61, Grade.NOTE), (300, Grade.NOTE), (301, Grade.REPORT)])
def test_grade_follows_how_long_users_have_waited_so_far(now: float, grade: Grade) -> None:
    """The publisher's server shows the page at 3 s, in time, but the cache for users not before 480 s. At 61 s users
    have waited for 61 s since the slot. Over 60 s are a note, over 300 s a report."""
    verdict = verdict_by_views(now, origin_shows_at=3, edge_shows_at=480)
    assert (verdict.verdict, verdict.grade, verdict.final) == (VerdictKind.ON_TIME, grade, False)


@pytest.mark.parametrize(
    ("now", "judged_again_at"), [(30, 3 + 30), (290, 300), (60, 60 + 1), (60.5, 60.5 + 1), (300, 300 + 1)]
)
def test_hidden_release_is_judged_again_at_next_limit_of_grade(now: float, judged_again_at: float) -> None:
    """The origin shows the page 3 s after the slot, the cache for users at 480 s. One verdict is made at 30 s and again
    at 33 s, when a wait of 30 s for that cache ends. Just after 60 s and 300 s, the users' wait gets a worse grade."""
    verdict = verdict_by_views(now, origin_shows_at=3, edge_shows_at=480)
    assert verdict.revisit == after_slot(judged_again_at)


@pytest.mark.parametrize(("now", "is_final"), [(32, False), (33, True)])
def test_release_without_look_at_edge_is_final_after_30_s(now: float, *, is_final: bool) -> None:
    """The last look at the edge, from which users get the page, was 2 s after the slot. The origin showed the page at 3
    s. A look at the edge, which shows when users got it, is awaited for 30 s, until 33 s."""
    edge_not_looked_at_since_2_s = RegularLooks([(-100, ABSENT)], until=2)
    verdict = judged(now, {"page": edge_not_looked_at_since_2_s, "page/origin": public_from(second=3)})
    assert verdict.final is is_final


def test_presence_in_content_api_proves_exposure_before_slot() -> None:
    seen = {"page": CAME_IN_TIME, "page/content": public_from(second=-50)}
    assert judged(now=100, seen=seen).verdict is VerdictKind.EARLY


def test_presence_in_content_api_proves_no_release_after_slot() -> None:
    seen = {"page": NOT_OUT, "page/content": public_from(second=1)}
    assert judged(now=300, seen=seen).verdict is VerdictKind.OVERDUE


def test_rarer_looks_at_content_api_widen_no_exposure() -> None:
    """The page was public from 900 s to 300 s before its slot. Looks at it, 5 s apart, prove 595 to 605 s. Looks at its
    data in the content API, 170 s apart, show the same less exactly, so they change nothing."""
    came, removed, every = -900, -300, 5
    turns = [(-2000, ABSENT), (came, PRESENT), (removed, WITHDRAWN), (1, PRESENT)]
    seen = {"page": RegularLooks(turns, every=every), "page/content": RegularLooks(turns, every=170)}
    (exposure,) = judged(now=100, seen=seen).exposures
    assert exposure.seconds == Bounds(removed - came - every, removed - came + every)


def test_exposure_lasts_as_long_as_content_api_shows_it() -> None:
    """The page was public from 900 s to 300 s before the slot. Its text was in the site's content API until 200 s
    before it. So users could read it for 700 s, give or take the 5 s between two looks."""
    came, removed_from_page, removed_from_api, every = -900, -300, -200, 5
    page = [(-2000, ABSENT), (came, PRESENT), (removed_from_page, WITHDRAWN)]
    content_api = [(-2000, ABSENT), (came, PRESENT), (removed_from_api, WITHDRAWN)]
    (exposure,) = judged(now=-10, seen={"page": page, "page/content": content_api}, every=every).exposures
    assert exposure.seconds == Bounds(removed_from_api - came - every, removed_from_api - came + every)


CONTRADICTIONS = {
    "the edge is absent, the origin present at its first look after the slot": ([(-100, ABSENT)], [(30, PRESENT)]),
    "the origin is absent, the edge present over the slot and absent after it": (
        [(-30, PRESENT), (20, ABSENT)], [(-30, ABSENT)],
    ),
    "present over the slot, absent after it, present": ([(-30, PRESENT), (6, ABSENT), (30, PRESENT)], []),
    "present at the first look after the slot, absent, present": ([(2, PRESENT), (6, ABSENT), (30, PRESENT)], []),
}  # fmt: skip


@pytest.mark.parametrize(("edge", "origin"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradicting_looks_around_slot_leave_release_unproven(edge: Turns, origin: Turns) -> None:
    """In one row, the edge lacked the page all the time, until 300 s after the slot. The first look at the origin, at
    30 s, showed a page: this edition, in time, or an earlier one that was never removed."""
    assert judged(now=300, seen={"page": edge, "page/origin": origin}).verdict is VerdictKind.UNPROVEN


def test_origin_that_always_showed_page_contradicts_no_absence_at_edge() -> None:
    """The edge lacked the page at each look, also after the slot. The origin showed a page at each look, even before
    it. Such an origin may show some page at any address, so only the edge counts: overdue."""
    edge, origin = [(-100, ABSENT)], [(-100, PRESENT)]
    assert judged(now=300, seen={"page": edge, "page/origin": origin}).verdict is VerdictKind.OVERDUE


def test_page_removed_before_slot_and_not_back_is_overdue() -> None:
    assert judged(now=100, seen=[(-30, PRESENT), (-20, ABSENT)]).verdict is VerdictKind.OVERDUE


def test_page_in_time_stays_on_time_if_later_absent() -> None:
    """A page was seen from 30 s to 20 s before the slot. As no look before had found it absent, that may be an earlier
    edition. Looks then found it absent until it came at 3 s. Its absence from 6 s to 9 s changes nothing."""
    perhaps_earlier_edition, came_in_time = [(-30, PRESENT), (-20, ABSENT)], (3, PRESENT)
    missed_by_a_later_look = [(6, ABSENT), (9, PRESENT)]
    page = [*perhaps_earlier_edition, came_in_time, *missed_by_a_later_look]
    assert judged(now=100, seen=page).verdict is VerdictKind.ON_TIME


def test_page_absent_from_before_slot_until_after_it_was_not_early() -> None:
    """A page was seen from 30 s to 20 s before the slot, perhaps an earlier edition. It was absent from then until 6 s
    after the slot. So this edition was early by 0 s at most."""
    removed_at, back_at = -20, 6
    page = judged(now=100, seen=[(-30, PRESENT), (removed_at, ABSENT), (back_at, PRESENT)]).page
    assert page.early_bound == 0


def test_early_bound_counts_from_last_absence_at_origin() -> None:
    """`early_bound` is by how many seconds at most a page may have come early. The origin lacked it 1 s before the
    slot: 1 s. The edge had shown an earlier edition or an old copy, because it lacked the page at 6 s."""
    origin_last_absent = -1
    origin = [(-30, ABSENT), (origin_last_absent + 1, PRESENT)]
    edge = [(-30, PRESENT), (6, ABSENT), (30, PRESENT)]
    page = judged(now=100, seen={"page": edge, "page/origin": origin}).page
    assert page.early_bound == 0 - origin_last_absent


def test_early_bound_is_unknown_for_page_never_absent_before_slot() -> None:
    """`early_bound` is by how many seconds at most a page may have come early. Looks from -30 s to 5 s showed a page:
    this edition or an earlier one. It was absent only from 6 s to 29 s. So the bound is not known (None)."""
    page = judged(now=100, seen=[(-30, PRESENT), (6, ABSENT), (30, PRESENT)]).page
    assert page.early_bound is None


def test_page_that_was_certainly_early_has_no_early_bound() -> None:
    """Looks found the page absent until 20 s before its slot, and then public. So it was early. `early_bound` says how
    early a page in time may have come, so there is none (None)."""
    page = judged(now=100, seen=[(-30, ABSENT), (-20, PRESENT)]).page
    assert (page.verdict, page.early_bound) == (VerdictKind.EARLY, None)


@pytest.mark.parametrize(
    ("edge_shows_at", "expected"),
    [(21, VerdictKind.ON_TIME), (81, VerdictKind.UNPROVEN)],
    ids=["edge proves it in time", "perhaps too late"],
)
def test_absence_at_edge_proves_nothing_once_origin_showed_page(edge_shows_at: float, expected: VerdictKind) -> None:
    """The edge lacks the page from 4 s on. At 6.2 s the origin shows a page, so from then on the edge may serve an old
    copy. If the edge shows it at 21 s, it is on time. At 81 s it is unproven, as it came by 60 s, in time, or later."""
    edge_absent_from, origin_first_look = 4, 6.2
    edge, origin = [(edge_absent_from, ABSENT), (edge_shows_at, PRESENT)], [(origin_first_look, PRESENT)]
    verdict = judged(now=100, seen={"page": edge, "page/origin": origin})
    # An absence at the edge counts only until the origin showed the page.
    assert after_slot(edge_absent_from) <= verdict.page.released.after <= after_slot(origin_first_look)
    assert verdict.verdict is expected


ORIGIN_LOOKS = {
    "origin absent too": (62, [(-100, ABSENT)], VerdictKind.OVERDUE),
    "origin failed shortly before the tolerance ended": (62, [(-100, ABSENT), (55, UNKNOWN)], VerdictKind.PENDING),
    "still waiting": (69, [(-100, ABSENT), (55, UNKNOWN)], VerdictKind.PENDING),
    "waited for 10 s": (70, [(-100, ABSENT), (55, UNKNOWN)], VerdictKind.OVERDUE),
    "origin never answered": (62, [(-100, UNKNOWN)], VerdictKind.OVERDUE),
    "origin failed long before": (62, [(-100, ABSENT), (-60, UNKNOWN)], VerdictKind.PENDING),
    "origin shows it perhaps just in time": (62, public_from(second=61), VerdictKind.UNPROVEN),
}


@pytest.mark.parametrize(("now", "origin", "expected"), ORIGIN_LOOKS.values(), ids=ORIGIN_LOOKS)
def test_late_verdict_waits_10_s_for_failed_origin(now: float, origin: Turns, expected: VerdictKind) -> None:
    """A page may come until 60 s after its slot. At 62 s the edge lacks it, but may serve an old copy, so the origin
    decides. If looks at the origin worked before but have failed since 55 s, the verdict waits until 70 s."""
    verdict = judged(now, {"page": NOT_OUT, "page/origin": origin})
    assert verdict.verdict is expected
    # None of these verdicts is final, so each says when it must be made again.
    assert verdict.revisit is not None


def test_looks_while_clock_was_wrong_prove_nothing() -> None:
    clock_was_wrong = Blind(after_slot(-200), after_slot(400), "clock")
    assert judged(now=300, seen=NOT_OUT, blind=[clock_was_wrong]).verdict is VerdictKind.UNPROVEN


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


@pytest.mark.parametrize(("slot", "now_in_hours", "page_in_hours", "expected"), DAYS.values(), ids=DAYS)
def test_promise_of_day_or_month_is_judged_by_whole_days(
    slot: Slot, now_in_hours: float, page_in_hours: Turns, expected: VerdictKind
) -> None:
    """Hours count from 09:30 on Friday 5 January 2018. So that day began at -9.5 and ends at 14.5. A page that comes at
    any time of it, such as 4 (13:30), is on time, and has no delay in minutes (None)."""
    page = [(hours * HOURS, state) for hours, state in page_in_hours]
    verdict = judged(now=now_in_hours * HOURS, seen=page, promises=[a_promise(slot)])
    assert verdict.verdict is expected
    assert verdict.page.delay is None


def test_release_overdue_by_promise_of_a_day_is_a_note() -> None:
    assert judged(now=15 * HOURS, seen=[(-60, ABSENT)], promises=[a_promise(A_DAY)]).grade is Grade.NOTE


def test_release_that_came_in_its_month_is_final() -> None:
    assert judged(now=10, seen=[(-60, ABSENT), (5, PRESENT)], promises=[a_promise(JANUARY)]).final


@pytest.mark.parametrize(
    "doubtful",
    [
        a_promise(state=Standing.PROVISIONAL),
        a_promise(doubt="zone"),
        a_promise(a_slot(doubt="weekday")),
        a_promise(state=Standing.POSTPONED),
    ],
)
def test_provisional_or_doubtful_time_is_judged_as_its_day(doubtful: Promise) -> None:
    """A calendar announced 09:30, but says that this is provisional, or its time zone is in doubt. A page that came at
    10:00 would be late by that time. By its day it is on time."""
    came_half_an_hour_later = public_from(second=1800)
    # An hour after the slot, at 10:30, the page is still absent, or it has come.
    absent = judged(now=3600, seen=NOT_OUT, promises=[doubtful])
    out = judged(now=3600, seen=came_half_an_hour_later, promises=[doubtful])
    assert absent.verdict is VerdictKind.PENDING
    assert out.verdict is VerdictKind.ON_TIME
    assert out.page.delay is None


def moved_to_next_week(*, read_at: datetime) -> list[Promise]:
    """Return the promises of a release whose calendar showed, from a read on, a slot a week later."""
    return [a_promise(SLOT), a_promise(SLOT + 7 * DAY, learnt=read_at)]


@pytest.mark.parametrize(
    ("now", "page", "expected"),
    [
        (3600, NOT_OUT, VerdictKind.MOVED),
        (-60, NOT_OUT, VerdictKind.PENDING),
        (3600, CAME_IN_TIME, VerdictKind.EARLY),
    ],
    ids=["not out after the old slot", "not out before the old slot", "came at the old slot"],
)
def test_release_moved_before_its_slot_is_judged_by_new_slot(now: float, page: Turns, expected: VerdictKind) -> None:
    """Two days before the slot, the calendar showed a new slot, a week later. So a page that is absent an hour after
    the old slot is not late, but moved. One that came at the old slot is early."""
    promises = moved_to_next_week(read_at=SLOT - 2 * DAY)
    assert judged(now, page, promises=promises).verdict is expected


def test_release_moved_after_its_slot_is_judged_by_old_slot() -> None:
    promises = moved_to_next_week(read_at=after_slot(120))
    assert judged(now=3600, seen=NOT_OUT, promises=promises).verdict is VerdictKind.OVERDUE


def test_postponed_release_is_judged_by_its_new_time() -> None:
    """Five days before its new slot, the calendar showed that the release was postponed by two days. It is absent 200 s
    after the new slot. 60 s are allowed, so it is overdue."""
    old = a_promise(SLOT - 2 * DAY)
    new = a_promise(SLOT, learnt=SLOT - 5 * DAY, state=Standing.POSTPONED)
    assert judged(now=200, seen=NOT_OUT, promises=[old, new]).verdict is VerdictKind.OVERDUE


def test_release_cancelled_before_its_slot_is_cancelled() -> None:
    """A day before the slot, the calendar showed the release as cancelled. It need not come."""
    cancelled_before_slot = a_promise(learnt=SLOT - DAY, state=Standing.CANCELLED)
    verdict = judged(now=3600, seen=NOT_OUT, promises=[a_promise(), cancelled_before_slot])
    assert (verdict.verdict, verdict.grade, verdict.final) == (VerdictKind.CANCELLED, Grade.NONE, True)


def test_release_cancelled_after_its_slot_is_overdue() -> None:
    """The calendar showed the release as cancelled only 100 s after its slot. It was still promised for that slot."""
    cancelled_after_slot = a_promise(learnt=after_slot(100), state=Standing.CANCELLED)
    verdict = judged(now=3600, seen=NOT_OUT, promises=[a_promise(), cancelled_after_slot])
    assert verdict.verdict is VerdictKind.OVERDUE


def test_release_that_no_calendar_announced_is_unannounced() -> None:
    """The page came, but no calendar had announced a slot for it (no `promises`)."""
    verdict = judged(now=3600, seen=CAME_IN_TIME, promises=[])
    assert (verdict.verdict, verdict.slot) == (VerdictKind.UNANNOUNCED, None)
    assert kinds(verdict) == [Kind.UNANNOUNCED]


def test_release_announced_without_a_time_is_unproven() -> None:
    assert judged(now=3600, seen=CAME_IN_TIME, promises=[a_promise(no_slot())]).verdict is VerdictKind.UNPROVEN


def test_slot_first_read_after_it_passed_leaves_release_unproven() -> None:
    """The calendar was first read a minute after the slot, and the page never came. It is not known whether the slot
    had been announced before. No later read can show that, so the verdict is final."""
    verdict = judged(now=3600, seen=NOT_OUT, promises=[a_promise(learnt=after_slot(60))])
    assert (verdict.verdict, verdict.final) == (VerdictKind.UNPROVEN, True)
    assert verdict.unproven_because == Reason.READ_AFTER_SLOT.text()


def test_producer_may_have_its_own_tolerance() -> None:
    policy = Policy(on_time_within=timedelta(minutes=5))
    assert judged(now=400, seen=public_from(second=200), policy=policy).verdict is VerdictKind.ON_TIME


CANCELLED_AN_HOUR_BEFORE_SLOT = [
    a_promise(learnt=SLOT - DAY, confirmed_at=SLOT - 1.5 * HOUR),
    a_promise(learnt=SLOT - HOUR, unlearnt=SLOT - 1.5 * HOUR, state=Standing.CANCELLED),
]


@pytest.mark.parametrize("now", [-3500, -10, 3600], ids=["since its cancellation", "at its slot", "after its slot"])
def test_release_public_before_its_cancellation_stays_early(now: float) -> None:
    """The release was public from 07:30 to 07:40, cancelled at 08:30 and due at 09:30. While it was public, it was
    promised for 09:30, so it was early. Its absence at 09:30 is no fault."""
    seen = [(-9000, ABSENT), (-7200, PRESENT), (-6600, ABSENT)]  # from 07:00, 07:30 and 07:40 on
    verdict = judged(now, seen, promises=CANCELLED_AN_HOUR_BEFORE_SLOT, every=20)
    assert (verdict.verdict, verdict.grade) == (VerdictKind.EARLY, Grade.REPORT)
    assert [exposure.ended for exposure in verdict.exposures] == [Ended.REMOVED]
    assert not {Kind.LATE, Kind.PROMISE_IN_DOUBT} & set(kinds(verdict))
    is_slot_over = now > 0
    assert verdict.final is is_slot_over


def test_release_public_only_after_its_cancellation_is_cancelled() -> None:
    """Cancelled at 08:30 and public at 09:10. By then it was not promised for 09:30, so it is not early."""
    seen = [(-9000, ABSENT), (-1200, PRESENT)]  # from 07:00 and 09:10 on
    verdict = judged(3600, seen, promises=CANCELLED_AN_HOUR_BEFORE_SLOT, every=20)
    assert verdict.verdict is VerdictKind.CANCELLED
