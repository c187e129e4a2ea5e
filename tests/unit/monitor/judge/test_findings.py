"""Every kind of finding. A number is an instant in seconds after the slot.

A release has a page and a file, the sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.judge.findings.platform import add_platform_finding, slot_verdict
from monitor.judge.runs import Blind
from monitor.judge.verdict import Verdict
from schedules.announcement import Part, Role
from schedules.announcement import State as Standing
from schedules.contract.verdict import Ended, Exposure, FindingKind, Grade, VerdictKind
from schedules.promise import Promise
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import DAY, HOUR, SLOT, after_slot
from tests.worlds.looks import (
    ABSENT,
    EDGE,
    PRESENT,
    UNKNOWN,
    WITHDRAWN,
    RegularLooks,
    Turn,
    a_run,
    in_order,
    looks,
    seen_by,
)
from tests.worlds.releases import NEWS, SHEET, a_promise
from tests.worlds.verdicts import found, judged, kinds

Answers = Sequence[Turn]
"""What a target answers, and from when on."""


def public_from(second: float) -> Answers:
    """Return the answers of a target that was absent until so many seconds after the slot, and
    present since.
    """
    return [(-100, ABSENT), (second, PRESENT)]


NOT_OUT = [(-100, ABSENT)]
CAME_IN_TIME = public_from(second=1)
LATE = public_from(second=300)


@pytest.mark.parametrize("edge_shows_at", [1, 2])
def test_release_in_time_has_no_findings(edge_shows_at: float) -> None:
    """The publisher's server, the origin, shows the page 1 s after the slot. The cache for users,
    the edge, shows it at 1 s too, or at 2 s. Looks are a second apart, so a difference of one look
    proves no delay: there is no finding.
    """
    assert (
        kinds(
            judged(now=200, seen={"page": public_from(edge_shows_at), "page/origin": CAME_IN_TIME})
        )
        == []
    )


# Exposures


def exposures_of_page_absent_for_50_s(*, planned_spacing_of_api_looks: float) -> Sequence[Exposure]:
    """Return the exposures of a page that was seen from -660 s on, but not from -650 s to -600 s.

    Looks at the content API, 70 s apart, found the page at -655 s and -585 s.
    """
    page = RegularLooks([(-700, ABSENT), (-660, PRESENT), (-650, ABSENT), (-600, PRESENT)], every=5)
    content = RegularLooks(
        [(-725, ABSENT), (-655, PRESENT)], every=70, spacing=planned_spacing_of_api_looks
    )
    return judged(now=-560, seen={"page": page, "page/content": content}).exposures


def test_absence_splits_no_exposure_if_content_api_showed_page_throughout() -> None:
    """A page was public before its slot, but for 50 s looks found it absent. The site's content
    API, which has its text too, showed it before and after that, at two looks 70 s apart. Looks
    there were planned every 50 s, and up to twice that is no gap. So the text was public all the
    time. It is one exposure, which still goes on (`open`).
    """
    (exposure,) = exposures_of_page_absent_for_50_s(planned_spacing_of_api_looks=50)
    assert exposure.open


def test_absence_splits_exposure_if_content_api_was_looked_at_too_rarely() -> None:
    """A page was public before its slot. For 50 s, looks found it absent. Then it was public again.

    The site's content API has the text of the page too. A look there before the absence and one
    after it showed the text. These looks were 70 s apart, although one was planned every 5 s. In
    such a long gap, the text may have been removed too. So there are two exposures, and only the
    second goes on. (Without a gap it would be one.)
    """
    # The unpacking checks that there are two.
    _before_absence, after_absence = exposures_of_page_absent_for_50_s(
        planned_spacing_of_api_looks=5
    )
    assert after_absence.open


REMOVED_AT = -1200
ORIGIN_THAT_REMOVED_EARLY_PAGE = [
    a_run("page/origin", ABSENT, -1600, -1505),
    a_run("page/origin", PRESENT, -1500, -1205),
    a_run("page/origin", ABSENT, REMOVED_AT, -900),
]
EDGE_WITH_OLD_COPY_UNTIL_900_S_BEFORE = [
    a_run("page", ABSENT, -1600, -1505),
    a_run("page", PRESENT, -1500, -900, end=after_slot(REMOVED_AT)),
]


def test_exposure_is_open_while_edge_serves_old_copy() -> None:
    """The page was public before its slot. The publisher's server, the origin, removed it 1200 s
    before the slot. But 900 s before the slot, which is now, the cache for users, the edge, still
    serves an old copy. So users can still read it: its exposure before the slot is still open.
    """
    views = {
        "page": EDGE_WITH_OLD_COPY_UNTIL_900_S_BEFORE,
        "page/origin": ORIGIN_THAT_REMOVED_EARLY_PAGE,
    }
    (exposure,) = judged(now=-900, seen=views).exposures
    assert exposure.open


def test_old_copy_prolongs_exposure_until_edge_lacks_page() -> None:
    """The page was public before its slot. A look found it absent at -1505 s, and the next found it
    at -1500 s. The publisher's server, the origin, removed it at -1200 s. But the cache for users,
    the edge, served an old copy at -900 s, whatever its Age. That answer was made at most 10 s
    before, the longest a request takes. So the page was public for 590 s at least. A look found it
    absent at -890 s. So it was public for 615 s at most.
    """
    last_absent, first_seen, edge_absent_again, last_served = -1505, -1500, -890, -900 - 10
    edge = [*EDGE_WITH_OLD_COPY_UNTIL_900_S_BEFORE, a_run("page", ABSENT, edge_absent_again, -700)]
    (exposure,) = judged(
        now=-700, seen={"page": edge, "page/origin": ORIGIN_THAT_REMOVED_EARLY_PAGE}
    ).exposures
    assert exposure.seconds == Bounds(
        min=last_served - first_seen, max=edge_absent_again - last_absent
    )


def test_age_of_last_copy_does_not_shorten_exposure() -> None:
    """The edge showed the page every 10 s from -600 s to -300 s, with a copy that was made at
    -600 s. The first absence, at -290 s, has an Age too. It was made 60 s before. The last copy was
    served at most 10 s before it was received, the longest a request takes.
    """
    seen = [(second, PRESENT, second + 600) for second in range(-600, -299, 10)]
    absent = [(second, ABSENT, 60) for second in range(-290, -100, 10)]
    page = looks((-700, ABSENT), *seen, *absent, specific=True)
    (exposure,) = judged(now=-100, seen={"page": page}).exposures
    assert (exposure.start.by, exposure.ended) == (after_slot(-600), Ended.REMOVED)
    assert exposure.to == Interval(after_slot(-310), after_slot(-290))


def test_exposure_is_found_with_its_length_and_part() -> None:
    """Looks a second apart found the page public from 600 s before its slot on, and withdrawn 300 s
    before it. So it was public too early, for 299 to 301 s. The finding names the page, this
    length, and that it was removed.
    """
    came, removed, every = -600, -300, 1
    page = [(-900, ABSENT), (came, PRESENT), (removed, WITHDRAWN)]
    (exposure,) = found(judged(now=-10, seen=page, every=every), FindingKind.EARLY_EXPOSURE)
    assert exposure.part == "page"
    assert exposure.seconds == Bounds(removed - came - every, removed - came + every)
    assert "removed between" in exposure.detail


@pytest.mark.parametrize(
    ("now", "page", "kind", "suggests_utc"),
    [
        (3700, public_from(second=3600), FindingKind.LATE, True),
        (100, [(-4000, ABSENT), (-3600, PRESENT)], FindingKind.EARLY_EXPOSURE, True),
        (3700, public_from(second=2600), FindingKind.LATE, False),
    ],
    ids=["an hour late", "an hour early", "43 min late"],
)
def test_finding_on_page_an_hour_off_suggests_utc(
    now: float, page: Answers, kind: FindingKind, *, suggests_utc: bool
) -> None:
    """A page due at 09:30 comes at 10:30 or 08:30: an hour late or early. In summer, London is an
    hour ahead of UTC. So perhaps its publisher took one for the other, and the finding says so. A
    page 43 minutes late suggests nothing.
    """
    (finding,) = found(judged(now, page), kind)
    assert ("UTC" in finding.detail) is suggests_utc


# Parts and other addresses


def test_release_is_partial_if_page_is_in_time_and_sheet_late() -> None:
    """The page came in time. By looks a second apart, the sheet came 779 to 780 s after the slot:
    late. So until then the release was out only in part. A finding (`PARTIAL`) says so.
    """
    sheet_came, every = 780, 1
    verdict = judged(
        900, {"page": CAME_IN_TIME, "sheet": public_from(sheet_came)}, SHEET, every=every
    )
    (partial,) = found(verdict, FindingKind.PARTIAL)
    assert partial.detail == "late while other parts were out: sheet"
    assert partial.seconds == Bounds(sheet_came - every, sheet_came)


@pytest.mark.parametrize(
    ("sheet", "expected_findings"), [(NOT_OUT, 1), (LATE, 0)], ids=["still absent", "late together"]
)
def test_late_page_is_partial_if_its_sheet_is_absent(
    sheet: Answers, expected_findings: int
) -> None:
    """The page came 300 s after the slot, late. If the sheet is still absent at 900 s, the release
    is out only in part: a finding. If both came together, it is only late.
    """
    assert (
        len(found(judged(900, {"page": LATE, "sheet": sheet}, SHEET), FindingKind.PARTIAL))
        == expected_findings
    )


@pytest.mark.parametrize(
    ("now", "page", "head_start"),
    [
        (1100, public_from(second=1000), Bounds(999 - 400, 1000 - 399)),
        (500, NOT_OUT, Bounds(500 - 400, None)),
    ],
    ids=["page came late", "page is not out yet"],
)
def test_finding_says_how_long_copy_was_out_before_page(
    now: float, page: Answers, head_start: Bounds
) -> None:
    """A copy of the page came 399 to 400 s after the slot at another address, “news”. In one row
    the page itself came at 999 to 1000 s. So the copy had a head start of 599 to 601 s. In the
    other row the page is still absent at 500 s. So the head start is 100 s at least, and has no
    longest value yet (None).
    """
    copy = public_from(second=400)
    (copy_first,) = found(
        judged(now, {"page": page, "news": copy}, NEWS), FindingKind.ELSEWHERE_FIRST
    )
    assert copy_first.part == "news"
    assert copy_first.seconds == head_start
    assert NEWS.url in copy_first.detail
    assert "6 min 39 s to 6 min 40 s after the slot" in copy_first.detail


@pytest.mark.parametrize("news", [public_from(second=2), public_from(second=50), [(2, PRESENT)]])
def test_copy_elsewhere_is_no_finding_beside_page_in_time(news: Answers) -> None:
    page_within_tolerance = public_from(second=20)
    assert kinds(judged(200, {"page": page_within_tolerance, "news": news}, NEWS)) == []


@pytest.mark.parametrize(("files", "expected_findings"), [(59, 0), (60, 1), (2000, 1)])
def test_more_parts_than_are_watched_is_a_finding(files: int, expected_findings: int) -> None:
    """At most 60 parts of a release are watched: a page and 59 files.

    If there are 60 files, a finding says so.
    """
    parts = [
        Part(f"found-{n}", Role.DATA, f"https://a.example/{n}", required=False)
        for n in range(files)
    ]
    assert len(found(judged(200, {}, *parts), FindingKind.PARTS_CUT)) == expected_findings


# After the release


@pytest.mark.parametrize(
    ("bytes_over_time", "changed_at"),
    [
        ([(2, "old"), (500, "new")], 500),
        ([(2, "old"), (500, "new"), (510, "old"), (520, "new")], 520),
    ],
    ids=["changed once", "changed, changed back after 10 s and changed again"],
)
def test_changed_bytes_of_file_are_one_finding(
    bytes_over_time: list[tuple[float, str]], changed_at: float
) -> None:
    """A file came 2 s after its slot. In one row its bytes change at 500 s. In the other row they
    change at 500 s, back at 510 s, and again at 520 s. New bytes count only if they last for a
    minute. So only the change at 520 s counts.
    """
    came, every = 2, 1
    sheet = RegularLooks(public_from(came), every=every, digests=bytes_over_time)
    (change,) = found(
        judged(600, {"page": CAME_IN_TIME, "sheet": sheet}, SHEET), FindingKind.SWAPPED
    )
    assert change.part == "sheet"
    # The file came in the second before 2 s, and its bytes changed in the second before
    # `changed_at`.
    last_absent, last_old_bytes = came - every, changed_at - every
    assert change.seconds == Bounds(last_old_bytes - came, changed_at - last_absent)


def test_changed_bytes_of_page_are_no_finding() -> None:
    page = RegularLooks(CAME_IN_TIME, digests=[(-100, "a"), (50, "b")])
    assert kinds(judged(now=200, seen={"page": page})) == []


def test_content_withdrawn_for_a_time_is_one_withdrawal() -> None:
    """The page came in time. Looks a second apart got a notice that it was withdrawn from 300 s
    after the slot on. At 700 s the page was back. So there is one finding, of 400 s, or up to a
    second less or more.
    """
    withdrawn_at, back_at, every = 300, 700, 1
    page = [*CAME_IN_TIME, (withdrawn_at, WITHDRAWN), (back_at, PRESENT)]
    (withdrawal,) = found(judged(now=900, seen=page, every=every), FindingKind.WITHDRAWN)
    assert withdrawal.seconds == Bounds(
        back_at - withdrawn_at - every, back_at - withdrawn_at + every
    )


@pytest.mark.parametrize(("status", "is_readable"), [(200, True), (410, False)])
def test_page_marked_as_withdrawn_can_still_be_read(status: int, is_readable: bool) -> None:  # noqa: FBT001 # a case
    runs = [
        a_run("page", ABSENT, -100, 0),
        a_run("page", PRESENT, 1, 299),
        a_run("page", WITHDRAWN, 300, 600, status=status),
    ]
    (withdrawal,) = found(judged(now=601, seen={"page": runs}), FindingKind.WITHDRAWN)
    assert withdrawal.is_readable is is_readable
    assert withdrawal.detail.startswith("marked as withdrawn" if is_readable else "taken away")


def test_absent_content_is_judged_again_after_a_minute() -> None:
    """The page came in time, but looks find it absent from 300 s on. A cache may lack a page for a
    moment. So only a minute, until 360 s, makes a removal. The verdict at 330 s must be made again
    then (`revisit`).
    """
    assert judged(now=330, seen=[*CAME_IN_TIME, (300, ABSENT)]).revisit == after_slot(300 + 60)


# Stale edges: the edge is the cache from which users get a page, and the origin is the publisher's
# server

ORIGIN_LACKED_IT, ORIGIN_SHOWED_IT, NOW = 0, 1, 200
HIDDEN = {
    "until it shows the page": (
        public_from(second=90),
        Bounds(89 - ORIGIN_SHOWED_IT, 90 - ORIGIN_LACKED_IT),
    ),
    "still": (NOT_OUT, Bounds(NOW - ORIGIN_SHOWED_IT, None)),
    "until it shows that the page was withdrawn": (
        [(-100, ABSENT), (20, WITHDRAWN), (60, ABSENT), (90, PRESENT)],
        Bounds(19 - ORIGIN_SHOWED_IT, 20 - ORIGIN_LACKED_IT),
    ),
    "with a notice of withdrawal from before the slot, which is not about this release": (
        [(-100, ABSENT), (-50, WITHDRAWN), (90, PRESENT)],
        Bounds(89 - ORIGIN_SHOWED_IT, 90 - ORIGIN_LACKED_IT),
    ),
}


@pytest.mark.parametrize(("edge", "seconds_hidden"), HIDDEN.values(), ids=HIDDEN)
def test_edge_is_stale_until_it_shows_page_or_withdrawal(
    edge: Answers, seconds_hidden: Bounds
) -> None:
    """The publisher's server, the origin, showed the page 1 s after its slot. Users get it from a
    cache, the edge, which is stale as long as it serves its old answer. In one row, looks each
    second found the page there at 90 s: stale for 88 to 90 s. A notice of withdrawal ends this too.
    If it is still stale, it has no longest time (None).
    """
    origin = RegularLooks([(-100, ABSENT), (ORIGIN_SHOWED_IT, PRESENT)], every=1, until=2)
    (stale,) = found(
        judged(now=NOW, seen={"page": edge, "page/origin": origin}), FindingKind.STALE_EDGE
    )
    assert stale.seconds == seconds_hidden


def test_edge_was_stale_until_origin_removed_page() -> None:
    """By looks each second, the publisher's server, the origin, showed the page from 1 s to 30 s
    after its slot. The cache for users, the edge, never showed it. From 1 s on its answer was stale
    (old). At 31 s the origin had removed the page, so from then on an answer without it was right.
    So the edge was stale for 29 to 31 s.
    """
    origin_shows_at, origin_removes_at = 1, 31
    origin = [(-100, ABSENT), (origin_shows_at, PRESENT), (origin_removes_at, ABSENT)]
    verdict = judged(now=200, seen={"page": NOT_OUT, "page/origin": origin})
    (stale,) = found(verdict, FindingKind.STALE_EDGE)
    shortest, longest = (
        (origin_removes_at - 1) - origin_shows_at,
        origin_removes_at - (origin_shows_at - 1),
    )
    assert stale.seconds == Bounds(shortest, longest)
    # Users waited until 30 s at least, when the origin still had the page. They never got it: no
    # longest wait (None).
    assert verdict.page.users_delay == Bounds(origin_removes_at - 1, None)


LACKED_FOR_5_S = [(-100, ABSENT), (5, PRESENT)]
LACKED_FOR_160_S_MORE = [*LACKED_FOR_5_S, (20, ABSENT), (180, PRESENT)]


def test_each_span_in_which_edge_lacks_page_is_a_finding() -> None:
    """The publisher's server, the origin, showed the page from 1 s after its slot on. By looks a
    second apart, the cache for users, the edge, lacked it until 4 s. It lacked it again from 20 s
    to 179 s. That is two findings.
    """
    verdict = judged(now=300, seen={"page": LACKED_FOR_160_S_MORE, "page/origin": CAME_IN_TIME})
    first, second = found(verdict, FindingKind.STALE_EDGE)
    # The origin lacked it at 0 s and showed it at 1 s. The edge lacked it at 4 s and showed it at 5
    # s.
    assert first.seconds == Bounds(min=4 - 1, max=5 - 0)
    # The edge showed it at 19 s, lacked it from 20 s to 179 s and showed it at 180 s.
    assert second.seconds == Bounds(min=179 - 20, max=180 - 19)
    assert second.detail.endswith("having shown it before")


@pytest.mark.parametrize(
    ("edge", "grade"), [(LACKED_FOR_5_S, Grade.NONE), (LACKED_FOR_160_S_MORE, Grade.NOTE)]
)
def test_longest_span_in_which_edge_lacks_page_sets_grade(edge: Answers, grade: Grade) -> None:
    """The publisher's server shows the page. But the cache for users, the edge, lacks it for 5 s,
    or in the other row for 5 s and later for 160 s. The longest time counts. Up to 60 s it has no
    grade, up to 5 min it is a note.
    """
    assert judged(now=300, seen={"page": edge, "page/origin": CAME_IN_TIME}).grade is grade


@pytest.mark.parametrize(
    ("origin_looked_at_until", "expected"),
    [(2, FindingKind.WITHDRAWN), (1600, FindingKind.STALE_EDGE)],
    ids=["no", "yes"],
)
def test_absent_page_was_withdrawn_unless_origin_still_shows_it(
    origin_looked_at_until: float, expected: FindingKind
) -> None:
    """Users get the page from a cache, the edge. It showed the page 3 s after its slot, lacked it
    from 900 s to 1500 s, and showed it again. If the publisher's server, the origin, showed it all
    that time, the edge served an old answer (`STALE_EDGE`). If no one looked at the origin after 2
    s, nothing contradicts the edge. So it was withdrawn.
    """
    edge = RegularLooks([(-100, ABSENT), (3, PRESENT), (900, ABSENT), (1500, PRESENT)], every=5)
    origin = RegularLooks(CAME_IN_TIME, until=origin_looked_at_until)
    assert kinds(judged(now=1600, seen={"page": edge, "page/origin": origin})) == [expected]


def test_content_api_proves_edge_stale_if_there_is_no_origin() -> None:
    """The site's content API, which has the text of the page, showed it 1 s after the slot. The
    cache for users, the edge, showed it only at 30 s. So until then its answer was stale (old). The
    publisher's server was not watched.
    """
    seen = {"page": public_from(second=30), "page/content": CAME_IN_TIME}
    (stale,) = found(judged(now=200, seen=seen), FindingKind.STALE_EDGE)
    assert stale.detail.startswith("the content API showed it")


def test_what_the_content_api_showed_still_counts_once_the_page_is_out() -> None:
    """Origin and edge answered 404 until five minutes after the slot, and came at one time."""
    seen = {"page": LATE, "page/origin": LATE, "page/content": CAME_IN_TIME}
    (stale,) = found(judged(now=400, seen=seen), FindingKind.STALE_EDGE)
    assert stale.detail.startswith("the content API showed it")
    assert stale.at is not None


def verdict_on_part_hidden_by_its_edge(
    part: Part, *, origin_shows_at: float, edge_shows_at: float
) -> Verdict:
    """Return the verdict on a part whose page came in time, from looks each second."""
    page = {"page": CAME_IN_TIME, "page/origin": CAME_IN_TIME}
    hidden = {
        part.id: public_from(edge_shows_at),
        f"{part.id}/origin": public_from(origin_shows_at),
    }
    return judged(400, page | hidden, part)


def test_required_file_hidden_by_edge_needs_a_report() -> None:
    """The publisher's server, the origin, showed a required file, the sheet, in time: 1 s after the
    slot. But the cache for users, the edge, showed it at 361 s. So users went without it for over 5
    minutes, which needs a report.
    """
    verdict = verdict_on_part_hidden_by_its_edge(SHEET, origin_shows_at=1, edge_shows_at=361)
    (stale,) = verdict.findings
    # The origin lacked it at 0 s and showed it at 1 s. The edge lacked it at 360 s and showed it at
    # 361 s.
    assert (stale.kind, stale.part, stale.seconds) == (
        FindingKind.STALE_EDGE,
        "sheet",
        Bounds(min=360 - 1, max=361 - 0),
    )
    assert (verdict.verdict, verdict.grade) == (VerdictKind.ON_TIME, Grade.REPORT)


def test_copy_elsewhere_hidden_by_edge_is_no_finding() -> None:
    """The page came in time. A copy was at another address, “news”. Its server showed it 1 s after
    the slot, but the cache for users, the edge, only at 361 s. No one had promised this copy, so
    this is no finding.
    """
    verdict = verdict_on_part_hidden_by_its_edge(NEWS, origin_shows_at=1, edge_shows_at=361)
    assert (verdict.verdict, verdict.grade, verdict.findings) == (
        VerdictKind.ON_TIME,
        Grade.NONE,
        (),
    )


# What hid the slot


def blind_span(begins: float, ends: float, *where: str, cause: str = "stalled") -> Blind:
    """Return a span in which the monitor saw nothing, or nothing of a host or target that is
    named.
    """
    return Blind(after_slot(begins), after_slot(ends), cause, *where)


def test_blind_span_over_slot_is_found_with_cause_and_length() -> None:
    """The monitor was killed. It saw nothing from 20 s before the slot to 40 s after it. A finding
    says how long and why.
    """
    begins, ends = -20, 40
    verdict = judged(
        now=200, seen=public_from(second=150), blind=[blind_span(begins, ends, cause="killed")]
    )
    (finding,) = found(verdict, FindingKind.BLIND)
    assert finding.seconds == Bounds(ends - begins, ends - begins)
    assert finding.detail.startswith("killed for 1 min")


@pytest.mark.parametrize(
    "span",
    [blind_span(-300, -200), blind_span(70, 90), blind_span(-0.5, 0.4)],
    ids=["long before the slot", "after the page was seen", "shorter than a clock may be wrong"],
)
def test_blind_span_that_hid_nothing_is_no_finding(span: Blind) -> None:
    assert kinds(judged(now=200, seen=public_from(second=1), blind=[span])) == []


@pytest.mark.parametrize(
    ("host", "target", "expected_findings"),
    [("www.gov.uk", "", 1), ("www.ons.gov.uk", "", 0), ("", EDGE, 1), ("", "r/sheet/edge", 0)],
    ids=["host of the page", "another host", "view of the page", "view of a file"],
)
def test_blind_span_counts_only_for_its_host_and_target(
    host: str, target: str, expected_findings: int
) -> None:
    """From 20 s before the slot to 40 s after it, a monitor could not look at one host, or at one
    target (the other is empty). The page is on `www.gov.uk`, and its target is `EDGE`, the page as
    users get it. If one of these two could not be seen, that is a finding. It is none if it was
    another host, or a file.
    """
    span_over_slot = blind_span(-20, 40, host, target)
    verdict = judged(now=200, seen=public_from(second=150), blind=[span_over_slot])
    assert len(found(verdict, FindingKind.BLIND)) == expected_findings


FAILED_AROUND_SLOT = [(-100, ABSENT), (-70, UNKNOWN), (150, PRESENT)]


@pytest.mark.parametrize(
    ("page", "expected", "is_finding"),
    [(FAILED_AROUND_SLOT, VerdictKind.UNPROVEN, True), (CAME_IN_TIME, VerdictKind.ON_TIME, False)],
    ids=["unproven", "on time"],
)
def test_missing_worker_is_finding_only_if_unproven(
    page: Answers, expected: VerdictKind, *, is_finding: bool
) -> None:
    """A worker is a process that reads large answers. In the minute around the slot there was none,
    but looks with small answers may succeed without it. In one row, looks proved the page on time.
    So the missing worker did not matter. In the other row all looks failed, and the release is
    unproven. So the missing worker is a finding.
    """
    no_worker_at_slot = blind_span(-20, 40, "www.gov.uk", cause="no_worker")
    verdict = judged(now=200, seen=page, blind=[no_worker_at_slot])
    assert verdict.verdict is expected
    details = [finding.detail for finding in found(verdict, FindingKind.BLIND)]
    assert any(detail.startswith("no_worker for 1 min") for detail in details) is is_finding


def test_failed_looks_that_leave_release_unproven_are_counted() -> None:
    """One look a second failed from 70 s before the slot on. At 150 s after it a look found the
    page. So it may have been in time or late. The finding names the part and counts the failed
    looks: 70 + 150 = 220.
    """
    (blind,) = found(judged(now=200, seen=FAILED_AROUND_SLOT), FindingKind.BLIND)
    assert blind.part == "page"
    assert blind.detail.startswith("220 looks proved nothing")


def test_every_piece_between_answers_of_another_view_is_found() -> None:
    """All looks at the edge fail from -300 s on. The origin answers from -200 to -150 s, and shows
    the page from 70 to 100 s. So nothing was seen before, between and after that.
    """
    edge = [a_run("page", ABSENT, -400, -301), a_run("page", UNKNOWN, -300, 200, why="timeout")]
    origin = [a_run("page/origin", ABSENT, -200, -150), a_run("page/origin", PRESENT, 70, 100)]
    verdict = judged(now=200, seen={"page": edge, "page/origin": origin})
    (blind,) = found(verdict, FindingKind.BLIND)
    # Only the piece in which the page came is a finding.
    assert blind.seconds == Bounds(70 + 150, 70 + 150)


def test_failed_look_hides_slot_until_the_next_look() -> None:
    """A look fails 70 s before the slot. The next look is made only 150 s after the slot, and finds
    the page. So for 220 s nothing was seen. The finding gives this time and counts the one failed
    look.
    """
    failed_at, next_look = -70, 150
    absent, present = a_run("page", ABSENT, -100, -71), a_run("page", PRESENT, next_look, 200)
    failed = a_run("page", UNKNOWN, failed_at, why="timeout")
    (blind,) = found(judged(now=200, seen={"page": [absent, failed, present]}), FindingKind.BLIND)
    assert blind.seconds == Bounds(next_look - failed_at, next_look - failed_at)
    assert blind.detail.startswith("1 look proved nothing")


def test_failed_looks_at_edge_are_no_finding_beside_seen_origin() -> None:
    assert (
        found(
            judged(now=200, seen={"page": FAILED_AROUND_SLOT, "page/origin": CAME_IN_TIME}),
            FindingKind.BLIND,
        )
        == []
    )


def test_looks_that_failed_by_the_clock_are_a_clock_fault() -> None:
    assert kinds(judged(now=200, seen={"page": RegularLooks(FAILED_AROUND_SLOT, why="clock")})) == [
        FindingKind.CLOCK_FAULT
    ]


def test_one_wrong_clock_is_one_finding_on_whole_release() -> None:
    """From 70 s before the slot to 149 s after it, the monitor's clock was wrong. So looks at the
    page and its file, the sheet, failed, or were not made (`blind`). This is one finding, not one
    for each part, view or span.
    """
    first_failed, last_failed = -70, 149
    answers = [(-100, ABSENT), (first_failed, UNKNOWN), (last_failed + 1, PRESENT)]
    failed_each_second = RegularLooks(answers, every=1, why="clock")
    failed_every_7_s = RegularLooks(answers, every=7, why="clock")
    seen = {
        "page": failed_each_second,
        "sheet": failed_each_second,
        "page/origin": failed_every_7_s,
    }
    # From -68 s to 90 s no look could be made at all, and from 95 s to 140 s none at the sheet.
    blind = [
        blind_span(-68, 90, cause="clock"),
        blind_span(95, 140, "", "r/sheet/edge", cause="clock"),
    ]
    (fault,) = found(judged(200, seen, SHEET, blind=blind), FindingKind.CLOCK_FAULT)
    assert fault.part is None  # it concerns the whole release
    assert fault.seconds == Bounds(last_failed - first_failed, last_failed - first_failed)


def test_looks_that_timed_out_lengthen_no_clock_fault() -> None:
    """All looks failed from 70 s before the slot to 150 s after it. Most timed out. Only from -20 s
    to -10 s our clock was wrong. So the clock fault is 10 s long. The time-outs before and after it
    are two findings (`BLIND`).
    """
    absent = a_run("page", ABSENT, first=-100, last=-71)
    timed_out = a_run("page", UNKNOWN, first=-70, last=-21, why="timeout")
    failed_by_clock = a_run("page", UNKNOWN, first=-20, last=-10, why="clock")
    timed_out_again = a_run("page", UNKNOWN, first=-9, last=150, why="timeout")
    verdict = judged(now=200, seen={"page": [absent, timed_out, failed_by_clock, timed_out_again]})
    clock_fault, blind, blind_again = verdict.findings
    # Each lasts from its first to its last failed look.
    assert (clock_fault.kind, clock_fault.seconds.min) == (FindingKind.CLOCK_FAULT, 20 - 10)
    assert (blind.kind, blind.seconds.min) == (FindingKind.BLIND, 70 - 21)
    assert (blind_again.kind, blind_again.seconds.min) == (FindingKind.BLIND, 9 + 150)


# Promises


def test_calendars_that_differ_are_found_with_both_times() -> None:
    """One calendar, `govuk`, says 09:30.

    Another one, `ics`, says 10:30. The finding names both, each with its time.
    """
    promises = [a_promise(), a_promise(SLOT + HOUR, calendar="ics")]
    (differ,) = found(
        judged(now=200, seen=CAME_IN_TIME, promises=promises), FindingKind.CALENDARS_DISAGREE
    )
    assert "govuk says Fri 5 Jan 2018 09:30:00 GMT" in differ.detail
    assert "ics says Fri 5 Jan 2018 10:30:00 GMT" in differ.detail


OTHER_DAY = a_promise(SLOT - DAY), a_promise(SLOT, learnt=SLOT - 3 * DAY, unlearnt=SLOT - 4 * DAY)
OTHER_TIME = a_promise(SLOT), a_promise(SLOT + HOUR, learnt=SLOT - DAY, unlearnt=SLOT - 2 * DAY)


@pytest.mark.parametrize(
    ("promises", "detail"),
    [
        (OTHER_DAY, "moved to another day 2 days ahead"),
        (OTHER_TIME, "moved to another time 1 day ahead"),
    ],
)
def test_slot_moved_at_short_notice_is_found(promises: Sequence[Promise], detail: str) -> None:
    """A calendar moved the slot of a release. In one row, a read two days before the old slot
    showed another day. Less than 28 days ahead is short notice. So there is a finding: “moved to
    another day 2 days ahead”.
    """
    (short,) = found(
        judged(now=200, seen=CAME_IN_TIME, promises=promises), FindingKind.SHORT_NOTICE
    )
    assert detail in short.detail


def test_cancelled_release_keeps_findings_on_its_calendars() -> None:
    promises = [a_promise(), a_promise(learnt=SLOT - 3 * DAY, state=Standing.CANCELLED)]
    assert kinds(judged(now=200, seen=NOT_OUT, promises=promises)) == [FindingKind.SHORT_NOTICE]


# The platform


LATE_OF_OFQUAL = judged(now=400, seen=LATE)
LATE_OF_ONS = replace(LATE_OF_OFQUAL, release="q", producer="ons")


def test_two_producers_late_on_one_host_are_platform_finding() -> None:
    (platform,) = found(
        add_platform_finding(LATE_OF_OFQUAL, [slot_verdict(LATE_OF_ONS)]), FindingKind.PLATFORM
    )
    assert platform.detail == "2 releases of ofqual, ons late together on www.gov.uk"


@pytest.mark.parametrize(
    ("on_time_on_same_host", "expected_findings"), [(0, 1), (4, 1), (5, 0), (98, 0)]
)
def test_five_releases_on_time_prevent_platform_finding(
    on_time_on_same_host: int, expected_findings: int
) -> None:
    """Two releases of two producers were late on one host, at one slot. If at least a third of all
    releases there were late, the host may be at fault: a finding (`PLATFORM`). With four others on
    time, 2 of 6 were late, which is a third. With five, 2 of 7 were late, which is less. Releases
    on other hosts do not count.
    """
    late = slot_verdict(LATE_OF_ONS)
    on_time = [
        replace(late, release=f"on-time-{n}", verdict=VerdictKind.ON_TIME)
        for n in range(on_time_on_same_host)
    ]
    on_time_elsewhere = [
        replace(each, host="www.ons.gov.uk", release=f"ons-{each.release}") for each in on_time
    ]
    verdict = add_platform_finding(LATE_OF_OFQUAL, [late, *on_time, *on_time_elsewhere])
    assert len(found(verdict, FindingKind.PLATFORM)) == expected_findings


@pytest.mark.parametrize(
    "change", [{"producer": "ofqual"}, {"url": "https://www.ons.gov.uk/x"}, {"slot": None}]
)
def test_platform_finding_needs_two_producers_one_host_one_slot(change: dict[str, object]) -> None:
    other = replace(LATE_OF_ONS, **change)
    assert add_platform_finding(LATE_OF_OFQUAL, [slot_verdict(other)]) is LATE_OF_OFQUAL


# Several monitors


def by_monitors(**answers: Answers) -> dict[str, Sequence[object]]:
    """Return what monitors of these names saw of one edge until 200 s after the slot."""
    return {
        "page": in_order(
            *(seen_by(name, RegularLooks(each).runs("page", 200)) for name, each in answers.items())
        )
    }


def test_edge_that_serves_two_monitors_differently_is_split_view() -> None:
    """Two monitors, “north” and “south”, look at one cache, the edge, each second. It serves the
    page to “north” 5 s after the slot, but to “south” only at 60 s. That is a finding, a split
    view, of 54 to 56 s.
    """
    seen = by_monitors(north=public_from(second=5), south=public_from(second=60))
    (split_view,) = found(judged(now=200, seen=seen), FindingKind.SPLIT_VIEW)
    assert split_view.part == "page"
    # “north” lacked the page at 4 s and got it at 5 s. “south” lacked it at 59 s and got it at 60
    # s.
    assert split_view.seconds == Bounds(min=59 - 5, max=60 - 4)
    assert (
        split_view.detail
        == "“north” got it between Fri 5 Jan 2018 09:30:04 GMT and Fri 5 Jan 2018 09:30:05 GMT; "
        "“south” was served without it for 54 s to 56 s longer"
    )


def test_split_view_lasts_while_one_monitor_gets_old_answer() -> None:
    """Two monitors look at one cache. The one called “north” got the page 5 s after the slot.
    “south” has not got it yet, at 200 s. That is a split view, a finding. It still lasts, so it has
    no longest length (None).
    """
    seen = by_monitors(north=public_from(second=5), south=NOT_OUT)
    (split_view,) = found(judged(now=200, seen=seen), FindingKind.SPLIT_VIEW)
    assert split_view.seconds.max is None


@pytest.mark.parametrize(
    "answers",
    [
        {"north": public_from(second=5), "south": public_from(second=6)},
        {"north": public_from(second=5)},
    ],
    ids=["alike", "alone"],
)
def test_monitors_that_saw_the_same_have_no_split_view(answers: dict[str, Answers]) -> None:
    """Two monitors look at one cache, each second. “north” first got the page at 5 s and “south” at
    6 s. Both may have got it from the same instant on. So that is no split view. Nor is it if only
    “north” looks at it (row “alone”).
    """
    assert found(judged(now=200, seen=by_monitors(**answers)), FindingKind.SPLIT_VIEW) == []
