"""The verdict on a release, its grade, delay and exposures.

A number is an instant in seconds after the slot.

A page may come until 60 s after its slot. Users get the page from a cache, the edge. `early_bound`
is by how many seconds at most a page may have come early.
"""

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
from schedules.contract.verdict import Ended, FindingKind, Grade, VerdictKind
from schedules.promise import Promise
from schedules.slot import Slot
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import DAY, HOUR, SLOT, after_slot
from tests.worlds.looks import (
    ABSENT,
    PRESENT,
    UNKNOWN,
    WITHDRAWN,
    RegularLooks,
    Turn,
    a_sighting,
    looks,
)
from tests.worlds.releases import NEWS, SHEET, a_promise, a_slot, no_slot
from tests.worlds.verdicts import Seen, found, judged, kinds

Turns = Sequence[Turn]


def public_from(second: float) -> Turns:
    """Return the answers of a target that was absent until so many seconds after the slot, and
    present since.
    """
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
    "absent after the tolerance": (
        200,
        NOT_OUT,
        VerdictKind.OVERDUE,
        Grade.NOTE,
        False,
        Bounds(200, None),
    ),
    "late": (400, public_from(90), VerdictKind.LATE, Grade.NOTE, True, Bounds(89, 90)),
    "late by a note's length": (
        400,
        public_from(300),
        VerdictKind.LATE,
        Grade.NOTE,
        True,
        Bounds(299, 300),
    ),
    "late by more": (400, public_from(302), VerdictKind.LATE, Grade.REPORT, True, Bounds(301, 302)),
    "early, open": (
        -100,
        PUBLIC_500_S_EARLY,
        VerdictKind.EARLY,
        Grade.REPORT,
        False,
        Bounds(-501, -500),
    ),
    "early, until the slot": (
        50,
        PUBLIC_500_S_EARLY,
        VerdictKind.EARLY,
        Grade.REPORT,
        True,
        Bounds(-501, -500),
    ),
    "early, removed, on time": (
        100,
        [*PUBLIC_500_S_EARLY, (-200, WITHDRAWN), (1, PRESENT)],
        VerdictKind.EARLY,
        Grade.REPORT,
        True,
        Bounds(-501, -500),
    ),
    "early, removed, not back": (
        600,
        [*PUBLIC_500_S_EARLY, (-200, WITHDRAWN)],
        VerdictKind.OVERDUE,
        Grade.REPORT,
        False,
        Bounds(600, None),
    ),
    "failed looks, soon after": (
        80,
        [(-100, ABSENT), (-10, UNKNOWN)],
        VerdictKind.PENDING,
        Grade.NONE,
        False,
        None,
    ),
    "failed looks": (
        95,
        [(-100, ABSENT), (-10, UNKNOWN)],
        VerdictKind.UNPROVEN,
        Grade.NONE,
        False,
        None,
    ),
    "seen after a blind slot": (
        300,
        [(-100, ABSENT), (-61, UNKNOWN), (200, PRESENT)],
        VerdictKind.UNPROVEN,
        Grade.NONE,
        True,
        Bounds(-62, 200),
    ),
    "perhaps early": (
        120,
        [(-90, ABSENT), (-62, UNKNOWN), (1, PRESENT)],
        VerdictKind.UNPROVEN,
        Grade.NONE,
        True,
        Bounds(-63, 1),
    ),
    "present at the first look": (
        200,
        [(-100, PRESENT)],
        VerdictKind.UNPROVEN,
        Grade.NONE,
        True,
        None,
    ),
}


@pytest.mark.parametrize(
    ("now", "page", "expected", "grade", "is_final", "delay"), PAGES.values(), ids=PAGES
)
def test_looks_at_page_give_verdict_grade_and_delay(
    now: float,
    page: Turns,
    expected: VerdictKind,
    grade: Grade,
    delay: Bounds | None,
    *,
    is_final: bool,
) -> None:
    """One look a second is made at a page. Each row gives its answers (`page`) and when it is
    judged (`now`). In one row it is absent until 89 s after its slot and present from 90 s on. It
    may come until 60 s. So at 400 s it is judged as late, by 89 to 90 s (`delay`). Over 60 s are
    graded as a note, and over 300 s as a report. In another row it is still absent at 59 s. So it
    is pending, not yet final, and has no delay (None).
    """
    verdict = judged(now, page)
    assert (verdict.verdict, verdict.grade) == (expected, grade)
    assert verdict.final is is_final  # later looks are not expected to change it
    assert verdict.page.delay == delay


@pytest.mark.parametrize(("status", "had_other_content"), [(200, True), (404, False)])
def test_late_page_says_whether_something_else_was_there(
    status: int, *, had_other_content: bool
) -> None:
    """A placeholder answers with the status 200."""
    absent = [a_sighting(ABSENT, when, status=status) for when in range(-60, 400)]
    page = looks(*absent, a_sighting(PRESENT, 400, status=200))
    assert judged(500, {"page": page}).page.had_other_content is had_other_content


@pytest.mark.parametrize(
    ("now", "seen", "expected_reason"),
    [
        (300, {"page": NOT_OUT, "page/origin": [(30, PRESENT)]}, "still proved absence"),
        (100, public_from(second=61), "on time or up to 1 min 1 s late"),
        (200, [(-100, PRESENT)], "first look"),
        (
            200,
            [(-100, PRESENT), (10, ABSENT), (20, PRESENT)],
            "whether it was public before its slot is not known",
        ),
        (95, [(-100, ABSENT), (-10, UNKNOWN)], "timeout"),
        (95, [], "never looked at"),
    ],
)
def test_unproven_release_states_its_reason(now: float, seen: Seen, expected_reason: str) -> None:
    """If looks do not show whether a release was in time, it is unproven, and the verdict says why.
    In one row the page was absent 60 s after its slot and present at 61 s. Up to 60 s are allowed.
    So it may have come in time or just too late: “on time or up to 1 min 1 s late”. In another row
    no look was made at all: “never looked at”.
    """
    verdict = judged(now, seen)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert expected_reason in verdict.unproven_because


EXPOSURES = {
    "open": (-100, PUBLIC_500_S_EARLY, (None, None), Bounds(400, None)),
    "removed": (
        100,
        [*PUBLIC_500_S_EARLY, (-200, WITHDRAWN), (1, PRESENT)],
        (-201, -200),
        Bounds(299, 301),
    ),
    "until the slot": (50, PUBLIC_500_S_EARLY, (0, 0), Bounds(500, 501)),
    "failed looks do not end it": (
        -100,
        [*PUBLIC_500_S_EARLY, (-400, UNKNOWN)],
        (None, None),
        Bounds(99, None),
    ),
    "not seen again": (10, [*PUBLIC_500_S_EARLY, (-400, UNKNOWN)], (-401, 0), Bounds(99, 501)),
    "not seen again before the slot": (
        50,
        [*PUBLIC_500_S_EARLY, (-400, UNKNOWN), (1, PRESENT)],
        (-401, 0),
        Bounds(99, 501),
    ),
    "seen again, then removed": (
        50,
        [*PUBLIC_500_S_EARLY, (-400, UNKNOWN), (-300, PRESENT), (-200, WITHDRAWN), (1, PRESENT)],
        (-401, -200),
        Bounds(99, 301),
    ),
}


@pytest.mark.parametrize(
    ("now", "page", "ended_between", "expected_length"), EXPOSURES.values(), ids=EXPOSURES
)
def test_exposure_ends_at_removal_or_slot(
    now: float,
    page: Turns,
    ended_between: tuple[float | None, float | None],
    expected_length: Bounds,
) -> None:
    """An exposure is a time in which a page was public before its slot. It ends when the page is
    removed, or at the slot. In row “removed”, looks each second found the page absent at -501 s and
    public from -500 s on. At -200 s they found it withdrawn. So the exposure ended between -201 s
    and -200 s (`ended_between`), after 299 to 301 s. Looks that fail do not end an exposure. One
    that still goes on has no end and no greatest length (None).
    """
    (exposure,) = judged(now, page).exposures
    assert exposure.seconds == expected_length
    assert exposure.open is (ended_between == (None, None))
    assert exposure.to == Interval(*map(after_slot, ended_between))


@pytest.mark.parametrize(
    ("later_answers", "released_at"),
    [([], 0), ([(-200, WITHDRAWN), (1, PRESENT)], 1)],
    ids=["stays public", "removed and back after its slot"],
)
def test_early_page_counts_as_released_at_slot_or_return(
    later_answers: Turns, released_at: float
) -> None:
    """A page was public too early, 500 s before its slot. In one row it stays public, so it is
    released at its slot (0). In the other row it is removed at -200 s and is back at 1 s, so it is
    released then (1).
    """
    page = judged(now=100, seen=[*PUBLIC_500_S_EARLY, *later_answers]).page
    assert page.released.by == after_slot(released_at)


def test_early_page_not_seen_since_its_removal_is_not_released() -> None:
    """Users get a page from a cache, the edge. It showed the page from 500 s to 200 s before its
    slot: too early. The publisher's server, the origin, showed it at the first look there, at -490
    s, and until -200 s too. From 10 s before the slot on, all looks fail. So no look shows when the
    page came back. That it was public before does not count as its release. So the time of its
    release is not known (None).
    """
    removed_at, looks_fail_from = -200, -10
    edge = [*PUBLIC_500_S_EARLY, (removed_at, WITHDRAWN), (looks_fail_from, UNKNOWN)]
    origin = [(-490, PRESENT), (removed_at, WITHDRAWN), (looks_fail_from, UNKNOWN)]
    page = judged(now=120, seen={"page": edge, "page/origin": origin}).page
    assert page.verdict is VerdictKind.EARLY
    assert page.released == Interval(after=None, by=None)


def test_early_page_that_comes_back_late_is_also_late() -> None:
    """A page was public from 500 s to 200 s before its slot. So its verdict is early. It came back
    400 s after its slot, but only 60 s are allowed. So there is also a finding that it was late.
    """
    back_at, seconds_between_looks = 400, 1
    page = [*PUBLIC_500_S_EARLY, (-200, WITHDRAWN), (back_at, PRESENT)]
    verdict = judged(now=600, seen=page, every=seconds_between_looks)
    (late,) = found(verdict, FindingKind.LATE)
    assert verdict.verdict is VerdictKind.EARLY
    assert late.seconds == Bounds(back_at - seconds_between_looks, back_at)  # 399 to 400 s late


@pytest.mark.parametrize(
    ("seconds_early", "expected"),
    [(0.9, VerdictKind.ON_TIME), (1, VerdictKind.ON_TIME), (1.1, VerdictKind.EARLY)],
)
def test_page_is_early_only_if_seen_over_a_second_early(
    seconds_early: float, expected: VerdictKind
) -> None:
    """Our own clock may be wrong by a second. A page that we first see 1 s before its slot may
    really have come at its slot. So it is on time. A page that we first see 1.1 s before its slot
    came early, even by the true time.
    """
    first_seen = -seconds_early
    page = looks((first_seen - 1, ABSENT), (first_seen, PRESENT), (60, PRESENT))
    assert judged(now=60, seen={"page": page}).verdict is expected


def test_release_absent_for_14_days_is_finally_not_published() -> None:
    """A release is looked at until 14 days after its slot (`WATCH_CLOSES`). All looks found it
    absent. So a second after that it is judged as not published. That needs a report, and is final,
    because no more looks are made.
    """
    verdict = judged(now=WATCH_CLOSES + 1, seen=[(-100, ABSENT)])
    assert (verdict.verdict, verdict.grade, verdict.final) == (
        VerdictKind.NOT_PUBLISHED,
        Grade.REPORT,
        True,
    )


def test_release_whose_last_looks_failed_is_overdue_after_14_days() -> None:
    """Looks found the page absent until 3 days after its slot. From then on, all looks failed. It
    may have come unseen. So when the looks end, 14 days after the slot, it is not “not published”,
    but only overdue. No more looks are made: final.
    """
    verdict = judged(now=WATCH_CLOSES + 1, seen=[(-100, ABSENT), (3 * DAY_S, UNKNOWN)])
    assert (verdict.verdict, verdict.grade, verdict.final) == (
        VerdictKind.OVERDUE,
        Grade.REPORT,
        True,
    )


def test_first_look_before_slot_that_shows_this_edition_proves_early() -> None:
    """The first look, 100 s before the slot, found a page. No look had found it absent, so it might
    be the page of the last edition. But this page names this edition (`specific`). So this edition
    was public before its slot.
    """
    this_edition_from_first_look = RegularLooks([(-100, PRESENT)], specific=True)
    assert judged(now=-50, seen={"page": this_edition_from_first_look}).verdict is VerdictKind.EARLY


def test_first_look_after_slot_gives_only_longest_delay() -> None:
    """The first look, 30 s after the slot, found a page that names this edition (`specific`). It
    was never found absent. So it may have come before the slot (early), or up to 30 s after it (on
    time). Its shortest delay is not known (None).
    """
    first_look = 30
    verdict = judged(now=200, seen={"page": RegularLooks([(first_look, PRESENT)], specific=True)})
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert verdict.page.delay == Bounds(min=None, max=first_look)


@pytest.mark.parametrize(
    ("now", "page", "judged_again_at"),
    [(-10, NOT_OUT, 0), (59, NOT_OUT, 60), (60, CAME_IN_TIME, None)],
    ids=["at its slot", "when its tolerance ends", "never, as it came in time"],
)
def test_verdict_is_made_again_if_time_alone_changes_it(
    now: float, page: Turns, judged_again_at: float | None
) -> None:
    """A verdict says when it must be made again even without a new look (`revisit`). One that is
    absent at 59 s is judged again at 60 s. One that is absent 10 s before its slot is judged again
    at its slot. One that came in time is only judged again after a new look (None).
    """
    assert judged(now, page).revisit == after_slot(judged_again_at)


def test_release_not_looked_at_any_more_is_judged_again_at_each_time_limit() -> None:
    """Looks failed from 50 s to 40 s before the slot, and no more were made. Each verdict says when
    it must be made again even without a new look (`revisit`). This test makes the first verdict at
    -50 s, and each further one at the `revisit` of the one before, until there is none (None).
    `verdicts` lists the time and result of each.
    """
    looks_until_40_s_before_slot = {
        "page": RegularLooks([(-100, ABSENT), (-50, UNKNOWN)], until=-40)
    }
    slot, tolerance_ends, grace_ends, note_ends = 0, 60, 60 + 30, 300
    verdicts = []
    judged_at: datetime | None = after_slot(-50)
    while judged_at is not None:
        seconds = (judged_at - SLOT).total_seconds()
        verdict = judged(now=seconds, seen=looks_until_40_s_before_slot)
        verdicts.append((seconds, verdict.verdict))
        judged_at = verdict.revisit
    assert verdicts == [
        (-50, VerdictKind.PENDING),
        (slot, VerdictKind.PENDING),  # it may come until 60 s after its slot
        # answers of looks made by then may arrive for 30 s more
        (tolerance_ends, VerdictKind.PENDING),
        (grace_ends, VerdictKind.UNPROVEN),  # no look showed whether it came
        (note_ends, VerdictKind.UNPROVEN),  # a delay of up to 300 s is a note, and then a report
        (WATCH_CLOSES, VerdictKind.UNPROVEN),  # no look is made after 14 days
    ]


def test_verdict_as_of_earlier_instant_ignores_later_looks() -> None:
    looks_until_400 = RegularLooks(public_from(second=200), until=400).runs("page")
    assert judged(now=-50, seen={"page": looks_until_400}).verdict is VerdictKind.PENDING


# Parts


def test_release_has_worst_verdict_of_its_required_parts() -> None:
    """A release has two required parts, its page and a spreadsheet. The page came 1 s after the
    slot: on time. The sheet came at 400 s: late. Over 300 s need a report. So the release as a
    whole is late, and needs a report.
    """
    verdict = judged(500, {"page": CAME_IN_TIME, "sheet": public_from(second=400)}, SHEET)
    assert verdict.page.verdict is VerdictKind.ON_TIME
    assert (verdict.verdict, verdict.grade) == (VerdictKind.LATE, Grade.REPORT)


@pytest.mark.parametrize(
    "absent_part", [replace(NEWS, required=True), replace(SHEET, required=False)]
)
def test_absent_alternative_or_optional_part_makes_no_release_late(absent_part: Part) -> None:
    assert (
        judged(500, {"page": CAME_IN_TIME, absent_part.id: NOT_OUT}, absent_part).verdict
        is VerdictKind.ON_TIME
    )


def test_copy_elsewhere_before_slot_makes_release_early() -> None:
    """The page came in time. But a copy of it was public at another address, “news”, 60 s before
    the slot. So the release was early. Two findings say that it was public early, and that it was
    at another address first.
    """
    verdict = judged(100, {"page": CAME_IN_TIME, "news": public_from(second=-60)}, NEWS)
    assert (verdict.verdict, verdict.grade) == (VerdictKind.EARLY, Grade.REPORT)
    assert {*kinds(verdict)} >= {FindingKind.EARLY_EXPOSURE, FindingKind.ELSEWHERE_FIRST}


def test_copy_elsewhere_after_slot_leaves_page_overdue() -> None:
    """The promised page is still absent, 400 s after its slot. A copy of it came at another
    address, “news”, at 120 s. But users look for it on the page. So the release is overdue.
    """
    seen = {"page": NOT_OUT, "news": public_from(second=120)}
    assert judged(400, seen, NEWS).verdict is VerdictKind.OVERDUE


def test_part_that_page_revealed_came_no_earlier_than_page() -> None:
    """A release has a page and a file, the sheet. The page was absent at its slot, 0 s, and came at
    1 s. Only the page says where the sheet is. So the first look at the sheet was at 6 s. It found
    the sheet, so the sheet came by 6 s. It cannot have come before its page. So it came between 0 s
    and 6 s (`delay`): in time.
    """
    page_last_absent, sheet_first_seen = 0, 6
    verdict = judged(
        100,
        {"page": public_from(page_last_absent + 1), "sheet": [(sheet_first_seen, PRESENT)]},
        SHEET,
    )
    _page, sheet = verdict.parts
    assert verdict.verdict is VerdictKind.ON_TIME
    assert sheet.delay == Bounds(page_last_absent, sheet_first_seen)


def test_part_that_page_revealed_is_unproven_if_looked_at_late() -> None:
    """The page came 1 s after its slot. Only the page says where the file, the sheet, is. The first
    look at the sheet was at 90 s, and found it. Up to 60 s are allowed. So it may have come in time
    or late: it is unproven. But it could not be looked at before. So it does not count against the
    release, which is on time by its page.
    """
    verdict = judged(200, {"page": CAME_IN_TIME, "sheet": [(90, PRESENT)]}, SHEET)
    _page, sheet = verdict.parts
    assert sheet.verdict is VerdictKind.UNPROVEN
    assert verdict.verdict is VerdictKind.ON_TIME


# Views


def verdict_by_views(now: float, *, origin_shows_at: float, edge_shows_at: float) -> Verdict:
    return judged(
        now, {"page": public_from(edge_shows_at), "page/origin": public_from(origin_shows_at)}
    )


@pytest.mark.parametrize(
    ("origin_shows_at", "expected"),
    [(3, VerdictKind.ON_TIME), (90, VerdictKind.LATE)],
    ids=["on time", "late"],
)
def test_origin_decides_verdict_if_edge_shows_page_later(
    origin_shows_at: float, expected: VerdictKind
) -> None:
    """The publisher's server, the origin, shows the page 3 s or 90 s after its slot. Users get it
    from a cache, the edge, which shows it only at 400 s. That is not the publisher's delay, so only
    the origin counts. A page may come until 60 s. So 3 s is on time and 90 s is late.
    """
    assert (
        verdict_by_views(now=600, origin_shows_at=origin_shows_at, edge_shows_at=400).verdict
        is expected
    )


@pytest.mark.parametrize(("origin_shows_at", "edge_shows_at"), [(3, 400), (90, 390)])
def test_finding_says_how_long_edge_hid_a_release(
    origin_shows_at: float, edge_shows_at: float
) -> None:
    """The publisher's server, the origin, shows the page, in one row 3 s after its slot. The cache
    for users, the edge, shows it only at 400 s. So in between, the edge hid it: for 396 to 398 s. A
    finding (`STALE_EDGE`) says so.
    """
    verdict = verdict_by_views(
        now=600, origin_shows_at=origin_shows_at, edge_shows_at=edge_shows_at
    )
    (stale,) = found(verdict, FindingKind.STALE_EDGE)
    # Looks are a second apart. So each of the two may have begun to show it up to a second before a
    # look found it.
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
    ids=[
        "hidden",
        "still hidden",
        "late and hidden",
        "not hidden",
        "not out yet",
        "its edge is to be looked at",
    ],
)
def test_publishers_delay_ends_at_origin_and_users_delay_at_edge(
    now: float,
    origin_shows_at: float,
    edge_shows_at: float,
    publishers_delay: Bounds,
    users_delay: Bounds,
) -> None:
    """The publisher's server, the origin, shows a page 3 s after its slot. The cache for users, the
    edge, shows it at 480 s. Looks are a second apart. So at 600 s (`now`) the publisher was 2 to 3
    s late, and users had to wait for 479 to 480 s. At 100 s, users have waited for 100 s, and their
    wait has no end yet (None).
    """
    page = verdict_by_views(now, origin_shows_at=origin_shows_at, edge_shows_at=edge_shows_at).page
    assert (page.delay, page.users_delay) == (publishers_delay, users_delay)


ORIGIN_20_S_EARLY = public_from(second=-20)
USERS_OF_EARLY_RELEASE = {
    "edge shows it after the slot": (public_from(60), Bounds(59, 60), True),
    "edge shows it before the slot": (public_from(-10), Bounds(-11, -10), True),
    "looks at the edge failed before it showed it": (
        [(-100, ABSENT), (45, UNKNOWN), (60, PRESENT)],
        Bounds(44, 60),
        True,
    ),
    "edge still hides it": ([(-100, ABSENT)], Bounds(300, None), False),
    # The verdict waits 30 s for a usable look at the edge. Users got it after -21, when the origin
    # lacked it.
    "looks at the edge have failed since before it came": (
        [(-100, ABSENT), (-25, UNKNOWN)],
        Bounds(-21, None),
        True,
    ),
}


@pytest.mark.parametrize(
    ("edge", "users_delay", "is_final"), USERS_OF_EARLY_RELEASE.values(), ids=USERS_OF_EARLY_RELEASE
)
def test_users_wait_for_early_release_until_edge_shows_it(
    edge: Turns, users_delay: Bounds, *, is_final: bool
) -> None:
    """The publisher's server, the origin, showed the page 20 s before its slot, so it was early. In
    one row the cache for users, the edge, showed it at 60 s, by looks each second. So users waited
    for 59 to 60 s after the slot. If the edge still hides it at 300 s, their wait has no end yet
    (None), and the verdict is not final. If the edge showed it before the slot too, the wait is
    below zero. If all looks at the edge fail, its end will never be known: final.
    """
    verdict = judged(now=300, seen={"page": edge, "page/origin": ORIGIN_20_S_EARLY})
    assert verdict.verdict is VerdictKind.EARLY
    assert verdict.page.users_delay == users_delay
    assert verdict.final is is_final


@pytest.mark.parametrize(("now", "is_final"), [(20, False), (60, True)])
def test_verdict_waits_30_s_for_a_look_at_the_edge(now: float, *, is_final: bool) -> None:
    """The publisher's server, the origin, showed the page 3 s after its slot: on time. Users get it
    from a cache, the edge. All looks at the edge have failed since 1 s. So it is not known when
    users got the page. The verdict waits for 30 s, until 33 s, for a look at the edge that does not
    fail. At 20 s it is not final yet, at 60 s it is.
    """
    edge, origin = [(-100, ABSENT), (1, UNKNOWN)], public_from(second=3)
    verdict = judged(now, {"page": edge, "page/origin": origin})
    assert verdict.verdict is VerdictKind.ON_TIME
    assert verdict.final is is_final
    # At 2 s even the origin lacked the page, so users waited longer. Perhaps they still wait
    # (None).
    origin_last_absent = 2
    assert verdict.page.users_delay == Bounds(origin_last_absent, None)


@pytest.mark.parametrize(
    ("now", "grade"), [(60, Grade.NONE), (61, Grade.NOTE), (300, Grade.NOTE), (301, Grade.REPORT)]
)
def test_grade_follows_how_long_users_have_waited_so_far(now: float, grade: Grade) -> None:
    """The publisher's server shows the page 3 s after its slot: on time. The cache for users hides
    it until 480 s. At 61 s, for example, users have waited for 61 s, and still wait. So the verdict
    is not final. Over 60 s are graded as a note, over 300 s as a report.
    """
    verdict = verdict_by_views(now, origin_shows_at=3, edge_shows_at=480)
    assert (verdict.verdict, verdict.grade, verdict.final) == (VerdictKind.ON_TIME, grade, False)


@pytest.mark.parametrize(
    ("now", "judged_again_at"),
    [(30, 3 + 30), (290, 300), (60, 60 + 1), (60.5, 60.5 + 1), (300, 300 + 1)],
)
def test_hidden_release_is_judged_again_at_next_limit_of_grade(
    now: float, judged_again_at: float
) -> None:
    """The publisher's server shows the page 3 s after its slot. The cache for users hides it until
    480 s. A verdict says when it must be made again (`revisit`). At 30 s it says 33 s, when it has
    waited 30 s for a look at that cache. At 290 s it says 300 s, because the grade gets worse once
    users have waited for over 300 s. A look that proves this may come in any second after the
    limit. So at 60 s, 60.5 s and 300 s, it says a second later.
    """
    verdict = verdict_by_views(now, origin_shows_at=3, edge_shows_at=480)
    assert verdict.revisit == after_slot(judged_again_at)


@pytest.mark.parametrize(("now", "is_final"), [(32, False), (33, True)])
def test_release_without_look_at_edge_is_final_after_30_s(now: float, *, is_final: bool) -> None:
    """The last look at the edge was 2 s after the slot, and the page was absent there. The
    publisher's server, the origin, showed it at 3 s. The verdict waits for 30 s, until 33 s, for a
    look that shows when users got it. So it is not final at 32 s, but it is at 33 s.
    """
    edge_not_looked_at_since_2_s = RegularLooks([(-100, ABSENT)], until=2)
    verdict = judged(
        now, {"page": edge_not_looked_at_since_2_s, "page/origin": public_from(second=3)}
    )
    assert verdict.final is is_final


def test_presence_in_content_api_proves_exposure_before_slot() -> None:
    seen = {"page": CAME_IN_TIME, "page/content": public_from(second=-50)}
    assert judged(now=100, seen=seen).verdict is VerdictKind.EARLY


def test_presence_in_content_api_proves_no_release_after_slot() -> None:
    seen = {"page": NOT_OUT, "page/content": public_from(second=1)}
    assert judged(now=300, seen=seen).verdict is VerdictKind.OVERDUE


def test_rarer_looks_at_content_api_widen_no_exposure() -> None:
    """The page was public from 900 s to 300 s before its slot. Looks at it were 5 s apart. So they
    prove that it was public for 595 to 605 s. Its text was in the site's content API from -900 s to
    -300 s too. Looks at the API were 170 s apart. So they show the same, only less exactly. The
    result is still 595 to 605 s.
    """
    came, removed, every = -900, -300, 5
    turns = [(-2000, ABSENT), (came, PRESENT), (removed, WITHDRAWN), (1, PRESENT)]
    seen = {
        "page": RegularLooks(turns, every=every),
        "page/content": RegularLooks(turns, every=170),
    }
    (exposure,) = judged(now=100, seen=seen).exposures
    assert exposure.seconds == Bounds(removed - came - every, removed - came + every)


def test_exposure_lasts_as_long_as_content_api_shows_it() -> None:
    """The page was public from 900 s to 300 s before its slot. Users could still read its text in
    the site's content API, until 200 s before the slot. So it was public for 700 s, or 5 s more or
    less, as looks are 5 s apart.
    """
    came, removed_from_page, removed_from_api, every = -900, -300, -200, 5
    page = [(-2000, ABSENT), (came, PRESENT), (removed_from_page, WITHDRAWN)]
    content_api = [(-2000, ABSENT), (came, PRESENT), (removed_from_api, WITHDRAWN)]
    (exposure,) = judged(
        now=-10, seen={"page": page, "page/content": content_api}, every=every
    ).exposures
    assert exposure.seconds == Bounds(
        removed_from_api - came - every, removed_from_api - came + every
    )


CONTRADICTIONS = {
    "the edge is absent, the origin present at its first look after the slot": (
        [(-100, ABSENT)],
        [(30, PRESENT)],
    ),
    "the origin is absent, the edge present over the slot and absent after it": (
        [(-30, PRESENT), (20, ABSENT)],
        [(-30, ABSENT)],
    ),
    "present over the slot, absent after it, present": (
        [(-30, PRESENT), (6, ABSENT), (30, PRESENT)],
        [],
    ),
    "present at the first look after the slot, absent, present": (
        [(2, PRESENT), (6, ABSENT), (30, PRESENT)],
        [],
    ),
}


@pytest.mark.parametrize(("edge", "origin"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradicting_looks_around_slot_leave_release_unproven(edge: Turns, origin: Turns) -> None:
    """In one row all looks at the edge found it absent, until 300 s after the slot. But the first
    look at the publisher's server, the origin, found a page at 30 s. Perhaps this edition came in
    time, and the edge serves an old answer. Or it is an earlier edition, and this one has not come:
    unproven.
    """
    assert (
        judged(now=300, seen={"page": edge, "page/origin": origin}).verdict is VerdictKind.UNPROVEN
    )


def test_origin_that_always_showed_page_contradicts_no_absence_at_edge() -> None:
    """All looks at the edge, the cache for users, found the page absent, also after the slot. All
    looks at the origin, the publisher's server, found a page, also before the slot. A server may
    answer so at any address, so this proves nothing. Only the edge counts. So the release is
    overdue.
    """
    edge, origin = [(-100, ABSENT)], [(-100, PRESENT)]
    assert (
        judged(now=300, seen={"page": edge, "page/origin": origin}).verdict is VerdictKind.OVERDUE
    )


def test_page_removed_before_slot_and_not_back_is_overdue() -> None:
    assert judged(now=100, seen=[(-30, PRESENT), (-20, ABSENT)]).verdict is VerdictKind.OVERDUE


def test_page_in_time_stays_on_time_if_later_absent() -> None:
    """The first looks, from 30 s before the slot on, found a page. That may be an earlier edition.
    From 20 s before the slot until 3 s after it, it was absent. At 3 s this edition came: on time.
    That it was absent again from 6 s to 9 s does not change this.
    """
    perhaps_earlier_edition, came_in_time = [(-30, PRESENT), (-20, ABSENT)], (3, PRESENT)
    absent_again = [(6, ABSENT), (9, PRESENT)]
    page = [*perhaps_earlier_edition, came_in_time, *absent_again]
    assert judged(now=100, seen=page).verdict is VerdictKind.ON_TIME


def test_page_absent_from_before_slot_until_after_it_was_not_early() -> None:
    """Looks from 30 s before the slot on found a page, perhaps an earlier edition. From 20 s before
    the slot until 6 s after it they found it absent. So this edition was early by 0 s at most.
    """
    removed_at, back_at = -20, 6
    page = judged(now=100, seen=[(-30, PRESENT), (removed_at, ABSENT), (back_at, PRESENT)]).page
    assert page.early_bound == 0


def test_early_bound_counts_from_last_absence_at_origin() -> None:
    """The publisher's server, the origin, lacked it 1 s before the slot and showed it at the slot:
    1 s at most. The cache for users, the edge, showed a page from -30 s to 5 s, but not at 6 s. So
    that was an earlier edition or an old copy, and does not count.
    """
    origin_last_absent = -1
    origin = [(-30, ABSENT), (origin_last_absent + 1, PRESENT)]
    edge = [(-30, PRESENT), (6, ABSENT), (30, PRESENT)]
    page = judged(now=100, seen={"page": edge, "page/origin": origin}).page
    assert page.early_bound == 0 - origin_last_absent


def test_early_bound_is_unknown_for_page_never_absent_before_slot() -> None:
    """All looks from 30 s before the slot to 5 s after it found a page. It may be this edition or
    an earlier one. The page was absent from 6 s on, and back at 30 s. No look before the slot found
    it absent. So the bound is not known (None).
    """
    page = judged(now=100, seen=[(-30, PRESENT), (6, ABSENT), (30, PRESENT)]).page
    assert page.early_bound is None


def test_page_that_was_certainly_early_has_no_early_bound() -> None:
    """Looks found the page absent until 20 s before its slot, and then public. So it was early.
    `early_bound` says by how many seconds at most a page may have come early if that is not
    certain. So this page has none (None).
    """
    page = judged(now=100, seen=[(-30, ABSENT), (-20, PRESENT)]).page
    assert (page.verdict, page.early_bound) == (VerdictKind.EARLY, None)


@pytest.mark.parametrize(
    ("edge_shows_at", "expected"),
    [(21, VerdictKind.ON_TIME), (81, VerdictKind.UNPROVEN)],
    ids=["edge proves it in time", "perhaps too late"],
)
def test_absence_at_edge_proves_nothing_once_origin_showed_page(
    edge_shows_at: float, expected: VerdictKind
) -> None:
    """From 4 s after the slot on, looks find it absent there. The first look at the publisher's
    server, the origin, finds a page at 6.2 s. From then on the edge may serve an old answer, so the
    page came after its last absence before 6.2 s. If the edge shows it at 21 s, it came in time. If
    the edge shows it only at 81 s, it may have come before 60 s, in time, or after that, late. So
    it is unproven.
    """
    edge_absent_from, origin_first_look = 4, 6.2
    edge, origin = (
        [(edge_absent_from, ABSENT), (edge_shows_at, PRESENT)],
        [(origin_first_look, PRESENT)],
    )
    verdict = judged(now=100, seen={"page": edge, "page/origin": origin})
    # Absences at the edge count from the first one until the origin showed a page.
    assert (
        after_slot(edge_absent_from) <= verdict.page.released.after <= after_slot(origin_first_look)
    )
    assert verdict.verdict is expected


ORIGIN_LOOKS = {
    "origin absent too": (62, [(-100, ABSENT)], VerdictKind.OVERDUE),
    "origin failed shortly before the tolerance ended": (
        62,
        [(-100, ABSENT), (55, UNKNOWN)],
        VerdictKind.PENDING,
    ),
    "still waiting": (69, [(-100, ABSENT), (55, UNKNOWN)], VerdictKind.PENDING),
    "waited for 10 s": (70, [(-100, ABSENT), (55, UNKNOWN)], VerdictKind.OVERDUE),
    "origin never answered": (62, [(-100, UNKNOWN)], VerdictKind.OVERDUE),
    "origin failed long before": (62, [(-100, ABSENT), (-60, UNKNOWN)], VerdictKind.PENDING),
    "origin shows it perhaps just in time": (62, public_from(second=61), VerdictKind.UNPROVEN),
}


@pytest.mark.parametrize(("now", "origin", "expected"), ORIGIN_LOOKS.values(), ids=ORIGIN_LOOKS)
def test_late_verdict_waits_10_s_for_failed_origin(
    now: float, origin: Turns, expected: VerdictKind
) -> None:
    """At 62 s it is still absent at the edge, the cache for users. But the edge may serve an old
    answer. So the publisher's server, the origin, decides. If it lacks the page too, the release is
    overdue at once. In one row, looks at the origin have failed since 55 s. Then the verdict waits
    for one until 70 s, for 10 s. If no look at the origin ever succeeded, it does not wait.
    """
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
    "came in its month": (
        JANUARY,
        10 * 24,
        [(-5 * 24, ABSENT), (9 * 24, PRESENT)],
        VerdictKind.ON_TIME,
    ),
}


@pytest.mark.parametrize(
    ("slot", "now_in_hours", "page_in_hours", "expected"), DAYS.values(), ids=DAYS
)
def test_promise_of_day_or_month_is_judged_by_whole_days(
    slot: Slot, now_in_hours: float, page_in_hours: Turns, expected: VerdictKind
) -> None:
    """A calendar promised only a day, or only a month. Hours count from 09:30 on Friday 5 January
    2018. So that day begins at hour -9.5 and ends at hour 14.5. In one row a page promised for that
    day comes at hour 4, at 13:30. Any time of the day is on time, and there is no delay in seconds
    (None). One that comes at hour -10 is early.
    """
    page = [(hours * HOURS, state) for hours, state in page_in_hours]
    verdict = judged(now=now_in_hours * HOURS, seen=page, promises=[a_promise(slot)])
    assert verdict.verdict is expected
    assert verdict.page.delay is None


def test_release_overdue_by_promise_of_a_day_is_a_note() -> None:
    assert (
        judged(now=15 * HOURS, seen=[(-60, ABSENT)], promises=[a_promise(A_DAY)]).grade
        is Grade.NOTE
    )


def test_release_that_came_in_its_month_is_final() -> None:
    assert judged(now=10, seen=[(-60, ABSENT), (5, PRESENT)], promises=[a_promise(JANUARY)]).final


@pytest.mark.parametrize(
    "doubtful",
    [
        a_promise(doubt="unreadable-date"),
        a_promise(a_slot(doubt="midnight")),
    ],
)
def test_a_time_that_cannot_be_read_is_never_on_time(doubtful: Promise) -> None:
    """A calendar announced 5 January, with a time that cannot be read. A page that comes at 10:00
    may be late. One that is still absent at 10:30 is pending by the day.
    """
    came_half_an_hour_later = public_from(second=1800)
    an_hour_later = 3600
    absent = judged(now=an_hour_later, seen=NOT_OUT, promises=[doubtful])
    out = judged(now=an_hour_later, seen=came_half_an_hour_later, promises=[doubtful])
    assert absent.verdict is VerdictKind.PENDING
    assert out.verdict is VerdictKind.UNPROVEN


def test_a_provisional_time_is_judged_as_its_day() -> None:
    """By the time, a page that comes at 10:00, or is still absent at 10:30, would be late."""
    provisional = [a_promise(state=Standing.PROVISIONAL)]
    absent = judged(now=3600, seen=NOT_OUT, promises=provisional)
    out = judged(now=3600, seen=public_from(second=1800), promises=provisional)
    assert absent.verdict is VerdictKind.PENDING
    assert out.verdict is VerdictKind.ON_TIME
    assert out.page.delay is None


@pytest.mark.parametrize(
    ("now", "came", "verdict"),
    [
        (-5000, None, VerdictKind.PENDING),
        (-1800, None, VerdictKind.UNPROVEN),
        (3600, None, VerdictKind.OVERDUE),
        (3600, -5000, VerdictKind.EARLY),
        (3600, -3600, VerdictKind.UNPROVEN),
        (3600, -1800, VerdictKind.UNPROVEN),
        (3600, 0, VerdictKind.UNPROVEN),
        (3600, 1800, VerdictKind.LATE),
    ],
)
def test_no_verdict_on_a_time_with_two_readings_is_stronger_than_its_weakest_reading(
    now: int, came: int | None, verdict: VerdictKind
) -> None:
    """The calendar's 09:30 can also mean 08:30. Each verdict is true by both, else `unproven`."""
    seen = [(-7200, ABSENT), *([] if came is None else [(came, PRESENT)])]
    doubtful = a_promise(a_slot(doubt="zone", readings=(SLOT - HOUR, SLOT)), doubt="zone")
    judgement = judged(now=now, seen=seen, promises=[doubtful])
    assert judgement.verdict is verdict
    assert FindingKind.PROMISE_IN_DOUBT in kinds(judgement)
    if verdict is VerdictKind.UNPROVEN:
        assert judgement.unproven_because is not None
        assert "08:30:00" in judgement.unproven_because
        assert "09:30:00" in judgement.unproven_because


@pytest.mark.parametrize(
    "quoted",
    [
        a_promise(state=Standing.POSTPONED, status="on hold"),
        a_promise(doubt="status", status="see note 3"),
    ],
)
def test_an_entry_that_does_not_say_that_it_stands_is_never_judged(quoted: Promise) -> None:
    two_weeks_later = 14 * 24 * 3600
    absent = judged(now=two_weeks_later, seen=NOT_OUT, promises=[quoted])
    early = judged(now=3600, seen=[(-3600, ABSENT), (-1800, PRESENT)], promises=[quoted])
    assert (absent.verdict, absent.grade) == (VerdictKind.PENDING, Grade.NONE)
    assert (early.verdict, early.grade) == (VerdictKind.UNPROVEN, Grade.NONE)
    (finding,) = absent.findings
    assert finding.kind is FindingKind.PROMISE_IN_DOUBT
    assert quoted.status in finding.detail


def test_a_postponed_entry_stands_at_the_slot_to_which_it_was_moved() -> None:
    before = a_promise(SLOT - 7 * DAY)
    moved = a_promise(state=Standing.POSTPONED, learnt=SLOT - 20 * DAY)
    assert judged(now=3600, seen=NOT_OUT, promises=[before, moved]).verdict is VerdictKind.OVERDUE


def moved_to_next_week(*, read_at: datetime) -> list[Promise]:
    """Return the promises of a release whose calendar showed, from a read on, a slot a week
    later.
    """
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
def test_release_moved_before_its_slot_is_judged_by_new_slot(
    now: float, page: Turns, expected: VerdictKind
) -> None:
    """Two days before its slot, a release was moved: its calendar now showed a slot a week later.
    So only the new slot counts. If the page is absent an hour after the old slot, it is not late.
    The verdict says that it was moved. If the page came at the old slot, it was a week early.
    Before the old slot it is pending, as usual.
    """
    promises = moved_to_next_week(read_at=SLOT - 2 * DAY)
    assert judged(now, page, promises=promises).verdict is expected


def test_release_moved_after_its_slot_is_judged_by_old_slot() -> None:
    promises = moved_to_next_week(read_at=after_slot(120))
    assert judged(now=3600, seen=NOT_OUT, promises=promises).verdict is VerdictKind.OVERDUE


def test_postponed_release_is_judged_by_its_new_time() -> None:
    """A release was postponed by two days. The calendar showed that five days before the new slot,
    in good time. The page is still absent 200 s after the new slot. 60 s are allowed, so it is
    overdue.
    """
    old = a_promise(SLOT - 2 * DAY)
    new = a_promise(SLOT, learnt=SLOT - 5 * DAY, state=Standing.POSTPONED)
    assert judged(now=200, seen=NOT_OUT, promises=[old, new]).verdict is VerdictKind.OVERDUE


def test_release_cancelled_before_its_slot_is_cancelled() -> None:
    """A day before the slot, the calendar showed the release as cancelled. So the page need not
    come. An hour after the slot it is absent, and the release is not overdue but cancelled. That is
    no fault (no grade), and is final.
    """
    cancelled_before_slot = a_promise(learnt=SLOT - DAY, state=Standing.CANCELLED)
    verdict = judged(now=3600, seen=NOT_OUT, promises=[a_promise(), cancelled_before_slot])
    assert (verdict.verdict, verdict.grade, verdict.final) == (
        VerdictKind.CANCELLED,
        Grade.NONE,
        True,
    )


def test_release_cancelled_after_its_slot_is_overdue() -> None:
    """The calendar cancelled the release only 100 s after its slot.

    So it was due then. It is absent an hour later.
    """
    cancelled_after_slot = a_promise(learnt=after_slot(100), state=Standing.CANCELLED)
    verdict = judged(now=3600, seen=NOT_OUT, promises=[a_promise(), cancelled_after_slot])
    assert verdict.verdict is VerdictKind.OVERDUE


def test_release_that_no_calendar_announced_is_unannounced() -> None:
    """The page came, but no calendar had announced it (no `promises`).

    So it has no slot. The only finding says so.
    """
    verdict = judged(now=3600, seen=CAME_IN_TIME, promises=[])
    assert (verdict.verdict, verdict.slot) == (VerdictKind.UNANNOUNCED, None)
    assert kinds(verdict) == [FindingKind.UNANNOUNCED]


def test_release_announced_without_a_time_is_unproven() -> None:
    assert (
        judged(now=3600, seen=CAME_IN_TIME, promises=[a_promise(no_slot())]).verdict
        is VerdictKind.UNPROVEN
    )


def test_slot_first_read_after_it_passed_leaves_release_unproven() -> None:
    """We read the calendar for the first time a minute after the slot that it shows. An hour after
    the slot the page is absent. But the calendar may have been changed before we read it. So no one
    knows whether the slot was announced in time: the release is unproven. No later read can show
    it, so the verdict is final.
    """
    verdict = judged(now=3600, seen=NOT_OUT, promises=[a_promise(learnt=after_slot(60))])
    assert (verdict.verdict, verdict.final) == (VerdictKind.UNPROVEN, True)
    assert verdict.unproven_because == Reason.READ_AFTER_SLOT.text()


def test_producer_may_have_its_own_tolerance() -> None:
    policy = Policy(on_time_within=timedelta(minutes=5))
    assert (
        judged(now=400, seen=public_from(second=200), policy=policy).verdict is VerdictKind.ON_TIME
    )


CANCELLED_AN_HOUR_BEFORE_SLOT = [
    a_promise(learnt=SLOT - DAY, confirmed_at=SLOT - 1.5 * HOUR),
    a_promise(learnt=SLOT - HOUR, unlearnt=SLOT - 1.5 * HOUR, state=Standing.CANCELLED),
]


@pytest.mark.parametrize(
    "now", [-3500, -10, 3600], ids=["since its cancellation", "at its slot", "after its slot"]
)
def test_release_public_before_its_cancellation_stays_early(now: float) -> None:
    """A release was promised for 09:30. By looks every 20 s, its page was public from 07:30 to
    07:40: early. At 08:30 the calendar showed it as cancelled. At 07:30 it was still promised, so
    it stays early. As it was cancelled, its absence at 09:30 is no fault. The verdict is final once
    09:30 has passed.
    """
    at_07_00, at_07_30, at_07_40 = -9000, -7200, -6600
    page = [(at_07_00, ABSENT), (at_07_30, PRESENT), (at_07_40, ABSENT)]
    verdict = judged(now, page, promises=CANCELLED_AN_HOUR_BEFORE_SLOT, every=20)
    assert (verdict.verdict, verdict.grade) == (VerdictKind.EARLY, Grade.REPORT)
    assert [exposure.ended for exposure in verdict.exposures] == [Ended.REMOVED]
    assert not {FindingKind.LATE, FindingKind.PROMISE_IN_DOUBT} & set(
        kinds(verdict)
    )  # no other fault
    assert verdict.final is (now > 0)  # final once its slot is over


def test_release_public_only_after_its_cancellation_is_cancelled() -> None:
    """A release was promised for 09:30, but cancelled at 08:30. By looks every 20 s, its page
    became public at 09:10. Then no promise was in force that it could break. So it is not early,
    but cancelled.
    """
    at_07_00, at_09_10, at_10_30 = -9000, -1200, 3600
    page = [(at_07_00, ABSENT), (at_09_10, PRESENT)]
    verdict = judged(at_10_30, page, promises=CANCELLED_AN_HOUR_BEFORE_SLOT, every=20)
    assert verdict.verdict is VerdictKind.CANCELLED
