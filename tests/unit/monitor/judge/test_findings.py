"""Every kind of finding. A number is an instant in seconds after the slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.judge.findings.platform import add_platform_finding, slot_verdict
from monitor.judge.runs import Blind
from monitor.judge.verdict import Verdict
from schedules.announcement import Part, Role
from schedules.announcement import State as Standing
from schedules.contract.verdict import Exposure, Grade, Kind, VerdictKind
from schedules.promise import Promise
from schedules.times.interval import Bounds
from tests.worlds.instants import DAY, HOUR, SLOT, after_slot
from tests.worlds.looks import ABSENT, EDGE, PRESENT, UNKNOWN, WITHDRAWN, RegularLooks, Turn, a_run, in_order, seen_by
from tests.worlds.releases import NEWS, SHEET, a_promise
from tests.worlds.verdicts import found, judged, kinds

Answers = Sequence[Turn]
"""What a target answers, and from when on."""
NOT_OUT = [(-100, ABSENT)]
CAME_IN_TIME = [(-100, ABSENT), (1, PRESENT)]
LATE = [(-100, ABSENT), (300, PRESENT)]


def shown_from(seconds: float) -> Answers:
    """Return the turns of a target that was absent until an instant and shows the release from then on."""
    return [(-100, ABSENT), (seconds, PRESENT)]


@pytest.mark.parametrize("edge_shows", [1, 2])
def test_a_release_in_time_has_no_findings_if_its_edge_is_at_most_one_look_behind(edge_shows: float) -> None:
    assert kinds(judged(200, {"page": shown_from(edge_shows), "page/origin": CAME_IN_TIME})) == []


# Exposures


def exposures_of_page_absent_for_50_s(*, planned_spacing_of_api_looks: float) -> Sequence[Exposure]:
    """Return the exposures of a page that was seen from -660 s on, but not from -650 s to -600 s.

    Looks at the content API, 70 s apart, found the page at -655 s and -585 s.
    """
    page = RegularLooks([(-700, ABSENT), (-660, PRESENT), (-650, ABSENT), (-600, PRESENT)], every=5)
    content = RegularLooks([(-725, ABSENT), (-655, PRESENT)], every=70, spacing=planned_spacing_of_api_looks)
    return judged(-560, {"page": page, "page/content": content}).exposures


def test_an_absence_of_50_s_splits_no_exposure_if_the_content_api_showed_the_page_all_the_time() -> None:
    # The content API showed it before and after the absence, by looks 70 s apart. Looks at most twice as far apart as
    # planned leave no gap.
    (exposure,) = exposures_of_page_absent_for_50_s(planned_spacing_of_api_looks=50)
    assert exposure.open


def test_an_absence_of_50_s_splits_an_exposure_if_the_content_api_was_not_looked_at_meanwhile() -> None:
    # The content API showed it before and after the absence, by looks 70 s apart. Looks over twice as far apart as
    # planned leave a gap, in which the page may have been removed.
    _before_absence, after_absence = exposures_of_page_absent_for_50_s(planned_spacing_of_api_looks=5)
    assert after_absence.open


# Looks every 5 s at a page that came early. Its origin removed it at -1200. Until -900, all looks at the edge still got
# a copy from -1200.
ORIGIN_THAT_REMOVED_EARLY_PAGE = [
    a_run("page/origin", ABSENT, -1600, -1505),
    a_run("page/origin", PRESENT, -1500, -1205),
    a_run("page/origin", ABSENT, -1200, -900),
]
EDGE_WITH_OLD_COPY_OF_EARLY_PAGE = [
    a_run("page", ABSENT, -1600, -1505),
    a_run("page", PRESENT, -1500, -900, end=after_slot(-1200)),
]


def test_an_exposure_is_open_while_the_edge_serves_an_old_copy_of_a_page_that_its_origin_removed() -> None:
    # The origin removed the page at -1200. At -900 users still get it from the edge, so it is still public.
    views = {"page": EDGE_WITH_OLD_COPY_OF_EARLY_PAGE, "page/origin": ORIGIN_THAT_REMOVED_EARLY_PAGE}
    (exposure,) = judged(-900, views).exposures
    assert exposure.open


def test_an_exposure_that_an_old_copy_prolonged_lasts_at_most_until_the_edge_lacks_the_page() -> None:
    # The page came early. Its origin removed it at -1200, and the edge served a copy from then until -900.
    last_absent, first_seen, last_copy_made, edge_absent_again = -1505, -1500, -1200, -890
    edge = [*EDGE_WITH_OLD_COPY_OF_EARLY_PAGE, a_run("page", ABSENT, edge_absent_again, -700)]
    (exposure,) = judged(-700, {"page": edge, "page/origin": ORIGIN_THAT_REMOVED_EARLY_PAGE}).exposures
    # The page was certainly public until the edge made its last copy, and perhaps until the edge lacked it again.
    shortest, longest = last_copy_made - first_seen, edge_absent_again - last_absent
    assert exposure.seconds == Bounds(shortest, longest)


def test_an_exposure_is_found_with_its_length_and_part() -> None:
    came, removed, every = -600, -300, 1
    turns = [(-900, ABSENT), (came, PRESENT), (removed, WITHDRAWN)]
    (exposed,) = found(judged(-10, turns, every=every), Kind.EARLY_EXPOSURE)
    assert (exposed.part, exposed.seconds) == ("page", Bounds(removed - came - every, removed - came + every))
    assert "removed between" in exposed.detail


def test_a_page_exactly_an_hour_late_or_early_suggests_that_the_publishers_clock_is_in_utc() -> None:
    # In summer, clocks in UTC and in London differ by an hour, 3600 s.
    (hour_late,) = found(judged(now=3700, seen=shown_from(3600)), Kind.LATE)
    (hour_early,) = found(judged(now=100, seen=[(-4000, ABSENT), (-3600, PRESENT)]), Kind.EARLY_EXPOSURE)
    (forty_three_minutes_late,) = found(judged(now=3700, seen=shown_from(2600)), Kind.LATE)
    assert "UTC" in hour_late.detail
    assert "UTC" in hour_early.detail
    assert "UTC" not in forty_three_minutes_late.detail


# Parts and other addresses


def test_a_part_late_while_the_page_was_in_time_is_partial() -> None:
    (partial,) = found(judged(900, {"page": CAME_IN_TIME, "sheet": shown_from(780)}, SHEET), Kind.PARTIAL)
    assert partial.detail == "late while other parts were out: sheet"
    # By looks every second.
    assert partial.seconds == Bounds(780 - 1, 780)


@pytest.mark.parametrize(("sheet", "count"), [(NOT_OUT, 1), (LATE, 0)], ids=["still absent", "late together"])
def test_a_late_page_is_partial_if_a_part_is_still_absent(sheet: Answers, count: int) -> None:
    # The page came at 300 s. The sheet came then too (LATE), or never (NOT_OUT).
    assert len(found(judged(900, {"page": LATE, "sheet": sheet}, SHEET), Kind.PARTIAL)) == count


@pytest.mark.parametrize(
    ("now", "page", "head_start"), [(1100, shown_from(1000), Bounds(599, 601)), (500, NOT_OUT, Bounds(100, None))]
)
def test_a_copy_elsewhere_before_a_late_page_is_a_finding_with_its_head_start(
    now: float, page: Answers, head_start: Bounds
) -> None:
    # By looks every second, the copy came from 399 s to 400 s. The page came from 999 s to 1000 s,
    # or is not out yet when this is judged, at 500 s.
    copy = shown_from(6 * 60 + 40)
    (first,) = found(judged(now, {"page": page, "news": copy}, NEWS), Kind.ELSEWHERE_FIRST)
    assert (first.part, first.seconds) == ("news", head_start)
    assert NEWS.url in first.detail
    assert "6 min 39 s to 6 min 40 s after the slot" in first.detail


@pytest.mark.parametrize("news", [shown_from(2), shown_from(50), [(2, PRESENT)]])
def test_a_copy_elsewhere_is_no_finding_if_the_page_came_in_time(news: Answers) -> None:
    # The page came at 20 s, within the tolerance of 60 s.
    assert kinds(judged(200, {"page": shown_from(20), "news": news}, NEWS)) == []


@pytest.mark.parametrize(("count", "findings"), [(59, 0), (60, 1), (2000, 1)])
def test_more_parts_than_are_watched_is_a_finding(count: int, findings: int) -> None:
    # At most 60 parts are watched. The page is one of them.
    parts = [Part(f"found-{n}", Role.DATA, f"https://a.example/{n}", required=False) for n in range(count)]
    assert len(found(judged(200, {}, *parts), Kind.PARTS_CUT)) == findings


# After the release


def test_changed_bytes_of_a_file_are_a_finding_with_the_time_since_its_release() -> None:
    # By looks every second, the file came between 1 s and 2 s, and its bytes changed between 499 s and 500 s.
    sheet = RegularLooks(shown_from(2), digests=[(2, "old"), (500, "new")])
    (change,) = found(judged(600, {"page": CAME_IN_TIME, "sheet": sheet}, SHEET), Kind.SWAPPED)
    assert (change.part, change.seconds) == ("sheet", Bounds(499 - 2, 500 - 1))


def test_bytes_that_changed_back_and_again_are_one_finding_from_the_last_change_on() -> None:
    # New bytes count once they last for a minute. Those of 500 s lasted for 10 s, and those of 520 s stay.
    sheet = RegularLooks(shown_from(2), digests=[(2, "old"), (500, "new"), (510, "old"), (520, "new")])
    (change,) = found(judged(600, {"page": CAME_IN_TIME, "sheet": sheet}, SHEET), Kind.SWAPPED)
    # By looks every second, the file came between 1 s and 2 s, and the new bytes between 519 s and 520 s.
    assert (change.part, change.seconds) == ("sheet", Bounds(519 - 2, 520 - 1))


def test_other_bytes_of_a_page_are_no_swap() -> None:
    assert kinds(judged(200, {"page": RegularLooks(CAME_IN_TIME, digests=[(-100, "a"), (50, "b")])})) == []


def test_content_that_was_withdrawn_and_came_back_is_one_withdrawal_of_that_length() -> None:
    withdrawn_at, back_at, every = 300, 700, 1
    (withdrawal,) = found(judged(900, [*CAME_IN_TIME, (withdrawn_at, WITHDRAWN), (back_at, PRESENT)]), Kind.WITHDRAWN)
    assert withdrawal.seconds == Bounds(back_at - withdrawn_at - every, back_at - withdrawn_at + every)


def test_content_that_went_absent_is_judged_again_a_minute_later_when_it_is_no_flicker() -> None:
    removed = 300
    assert judged(330, [*CAME_IN_TIME, (removed, ABSENT)]).revisit == after_slot(removed + 60)


# Stale edges


ORIGIN_LAST_ABSENT, ORIGIN_FIRST_PRESENT = 0, 1


def seconds_hidden_by_edge(edge: Answers) -> Bounds:
    """Return for how long an edge, looked at each second until 200 s, hid a page that its origin showed in time."""
    origin = RegularLooks([(-100, ABSENT), (ORIGIN_FIRST_PRESENT, PRESENT)], every=1, until=2)
    (stale,) = found(judged(now=200, seen={"page": edge, "page/origin": origin}), Kind.STALE_EDGE)
    return stale.seconds


def test_an_edge_that_shows_a_page_later_than_its_origin_was_stale_until_it_showed_it() -> None:
    # Looks are a second apart.
    edge_last_absent, edge_first_present = 89, 90
    hidden = seconds_hidden_by_edge([(-100, ABSENT), (edge_first_present, PRESENT)])
    assert hidden == Bounds(edge_last_absent - ORIGIN_FIRST_PRESENT, edge_first_present - ORIGIN_LAST_ABSENT)


def test_an_edge_that_still_lacks_a_page_that_its_origin_shows_is_stale_without_an_end() -> None:
    last_look = 200
    assert seconds_hidden_by_edge([(-100, ABSENT)]) == Bounds(last_look - ORIGIN_FIRST_PRESENT, None)


def test_an_edge_is_stale_only_until_it_shows_that_the_page_was_withdrawn() -> None:
    # Looks are a second apart.
    edge_last_absent, edge_first_withdrawn = 19, 20
    hidden = seconds_hidden_by_edge([(-100, ABSENT), (edge_first_withdrawn, WITHDRAWN), (60, ABSENT), (90, PRESENT)])
    assert hidden == Bounds(edge_last_absent - ORIGIN_FIRST_PRESENT, edge_first_withdrawn - ORIGIN_LAST_ABSENT)


def test_an_edge_that_shows_an_old_notice_of_withdrawal_is_stale_until_it_shows_the_page() -> None:
    # The notice is from before the slot, so it is not about this release. Looks are a second apart.
    edge_last_withdrawn, edge_first_present = 89, 90
    hidden = seconds_hidden_by_edge([(-100, ABSENT), (-50, WITHDRAWN), (edge_first_present, PRESENT)])
    assert hidden == Bounds(edge_last_withdrawn - ORIGIN_FIRST_PRESENT, edge_first_present - ORIGIN_LAST_ABSENT)


def test_an_edge_that_never_showed_a_page_was_stale_until_the_origin_removed_the_page() -> None:
    edge, origin = [(-100, ABSENT)], [(-100, ABSENT), (1, PRESENT), (31, ABSENT)]
    (stale,) = found(judged(200, {"page": edge, "page/origin": origin}), Kind.STALE_EDGE)
    # By looks every second, the origin lacked the page at 0, showed it from 1 to 30, and lacked it again at 31.
    shortest, longest = 30 - 1, 31 - 0
    assert stale.seconds == Bounds(shortest, longest)


def test_the_wait_of_users_has_no_end_if_the_origin_removed_a_page_that_the_edge_never_showed() -> None:
    edge, origin = [(-100, ABSENT)], [(-100, ABSENT), (1, PRESENT), (31, ABSENT)]
    page = judged(200, {"page": edge, "page/origin": origin}).page
    # Users get pages from the edge. They waited for this one until the origin last showed it, at 30, and never got it.
    assert page.users_delay == Bounds(30, None)


def test_each_span_in_which_the_edge_lacks_a_page_of_the_origin_is_a_finding_of_its_own_length() -> None:
    # By looks every second, the origin last lacked the page at 0 s. The edge lacked it until 4 s, showed it from 5 s to
    # 19 s, and lacked it from 20 s to 179 s.
    origin = [(-100, ABSENT), (1, PRESENT)]
    edge = [(-100, ABSENT), (5, PRESENT), (20, ABSENT), (180, PRESENT)]
    first, second = found(judged(300, {"page": edge, "page/origin": origin}), Kind.STALE_EDGE)
    assert first.seconds == Bounds(4 - 1, 5 - 0)
    assert second.seconds == Bounds(179 - 20, 180 - 19)
    assert second.detail.endswith("having shown it before")


def test_the_longest_span_in_which_the_edge_lacks_a_page_sets_the_grade() -> None:
    lacked_for_5_s = [(-100, ABSENT), (5, PRESENT)]
    lacked_for_160_s_more = [*lacked_for_5_s, (20, ABSENT), (180, PRESENT)]
    # Up to 60 s has no grade, and up to 5 min is a note.
    assert judged(300, {"page": lacked_for_5_s, "page/origin": CAME_IN_TIME}).grade is Grade.NONE
    assert judged(300, {"page": lacked_for_160_s_more, "page/origin": CAME_IN_TIME}).grade is Grade.NOTE


def test_a_page_that_disappears_from_the_edge_was_withdrawn_unless_looks_at_the_origin_still_show_it() -> None:
    edge = RegularLooks([(-100, ABSENT), (3, PRESENT), (900, ABSENT), (1500, PRESENT)], every=5)
    # The origin shows the page from 1 s on. These are looks at it until 2 s, and until after the absence at the edge.
    origin_until_2_s = RegularLooks(CAME_IN_TIME, until=2)
    origin_until_1600_s = RegularLooks(CAME_IN_TIME, until=1600)
    assert kinds(judged(1600, {"page": edge, "page/origin": origin_until_2_s})) == [Kind.WITHDRAWN]
    assert kinds(judged(1600, {"page": edge, "page/origin": origin_until_1600_s})) == [Kind.STALE_EDGE]


def test_without_an_origin_view_the_content_api_shows_a_stale_edge() -> None:
    (stale,) = found(judged(200, {"page": shown_from(30), "page/content": CAME_IN_TIME}), Kind.STALE_EDGE)
    assert stale.detail.startswith("the content API showed it")


def verdict_on_part_that_its_edge_hid_for_6_minutes(part: Part) -> Verdict:
    """Return the verdict on a page in time and a part. Its origin shows it from 1 s on, and its edge from 361 s on."""
    origin, edge = [(-100, ABSENT), (1, PRESENT)], [(-100, ABSENT), (361, PRESENT)]
    page = {"page": CAME_IN_TIME, "page/origin": CAME_IN_TIME}
    return judged(400, page | {part.id: edge, f"{part.id}/origin": origin}, part)


def test_a_required_file_that_its_edge_hid_for_6_minutes_is_a_finding_to_be_reported() -> None:
    verdict = verdict_on_part_that_its_edge_hid_for_6_minutes(SHEET)
    (stale,) = verdict.findings
    # By looks every second, the origin showed it first at 1 s, and the edge at 361 s.
    shortest, longest = 360 - 1, 361 - 0
    assert (stale.kind, stale.part, stale.seconds) == (Kind.STALE_EDGE, "sheet", Bounds(shortest, longest))
    # The file came in time, but over 5 minutes without it are to be reported.
    assert (verdict.verdict, verdict.grade) == (VerdictKind.ON_TIME, Grade.REPORT)


def test_a_copy_elsewhere_that_its_edge_hid_for_6_minutes_is_no_finding() -> None:
    # The copy was not promised to anyone.
    verdict = verdict_on_part_that_its_edge_hid_for_6_minutes(NEWS)
    assert verdict.findings == ()
    assert (verdict.verdict, verdict.grade) == (VerdictKind.ON_TIME, Grade.NONE)


# What hid the slot


def test_a_blind_span_over_the_slot_is_found_with_cause_and_length() -> None:
    begins, ends = -20, 40
    span = Blind(after_slot(begins), after_slot(ends), "killed")
    (blind,) = found(judged(200, shown_from(150), blind=[span]), Kind.BLIND)
    assert blind.seconds == Bounds(ends - begins, ends - begins)
    assert blind.detail.startswith("killed for 1 min")


def test_a_blind_span_that_hid_nothing_of_a_page_that_came_in_time_is_no_finding() -> None:
    long_before_slot = Blind(after_slot(-300), after_slot(-200), "stalled")
    after_page_was_seen = Blind(after_slot(70), after_slot(90), "stalled")
    # This one is at the slot, but shorter than the second by which our clock may be wrong.
    for_less_than_a_second = Blind(after_slot(-0.5), after_slot(0.4), "stalled")
    page_from_1_s_on = [(-100, ABSENT), (1, PRESENT)]
    for span in (long_before_slot, after_page_was_seen, for_less_than_a_second):
        assert kinds(judged(200, page_from_1_s_on, blind=[span])) == []


@pytest.mark.parametrize(
    ("host", "target", "expected_findings"),
    [("www.gov.uk", "", 1), ("www.ons.gov.uk", "", 0), ("", EDGE, 1), ("", "r/sheet/edge", 0)],
)
def test_a_blind_span_counts_only_for_its_host_and_target(host: str, target: str, expected_findings: int) -> None:
    # The only part is the page. It is on www.gov.uk, and EDGE is a target of it. The other target is of a file.
    span = Blind(after_slot(-20), after_slot(40), "dns", host, target)
    assert len(found(judged(200, shown_from(150), blind=[span]), Kind.BLIND)) == expected_findings


FAILED_AROUND_SLOT = [(-100, ABSENT), (-70, UNKNOWN), (150, PRESENT)]


NO_WORKER_AT_SLOT = Blind(after_slot(-20), after_slot(40), "no_worker", "www.gov.uk")


def test_a_minute_without_a_worker_is_a_finding_if_it_left_the_release_unproven() -> None:
    looks_failed_around_slot = [(-100, ABSENT), (-70, UNKNOWN), (150, PRESENT)]
    verdict = judged(200, looks_failed_around_slot, blind=[NO_WORKER_AT_SLOT])
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert any(finding.detail.startswith("no_worker for 1 min") for finding in found(verdict, Kind.BLIND))


def test_a_minute_without_a_worker_is_no_finding_if_the_release_was_seen_to_come_in_time() -> None:
    verdict = judged(200, [(-100, ABSENT), (1, PRESENT)], blind=[NO_WORKER_AT_SLOT])
    assert verdict.verdict is VerdictKind.ON_TIME
    assert not any(finding.detail.startswith("no_worker for 1 min") for finding in found(verdict, Kind.BLIND))


def test_failed_looks_that_left_a_release_unproven_are_found_with_their_number() -> None:
    (blind,) = found(judged(200, FAILED_AROUND_SLOT), Kind.BLIND)
    assert blind.part == "page"
    # One look a second failed from 70 s before the slot until 150 s after it.
    assert blind.detail.startswith("220 looks proved nothing")


def test_a_failure_that_delayed_the_next_look_hid_the_slot_until_then() -> None:
    failed_at, next_look = -70, 150
    runs = [
        a_run("page", ABSENT, -100, -71),
        a_run("page", UNKNOWN, failed_at, why="timeout"),
        a_run("page", PRESENT, next_look, 200),
    ]
    (blind,) = found(judged(200, {"page": runs}), Kind.BLIND)
    assert blind.seconds == Bounds(next_look - failed_at, next_look - failed_at)
    assert blind.detail.startswith("1 look proved nothing")


def test_failed_looks_at_the_edge_are_no_finding_if_the_origin_was_seen() -> None:
    assert found(judged(200, {"page": FAILED_AROUND_SLOT, "page/origin": CAME_IN_TIME}), Kind.BLIND) == []


def test_looks_that_failed_by_the_clock_are_a_clock_fault() -> None:
    assert kinds(judged(200, {"page": RegularLooks(FAILED_AROUND_SLOT, why="clock")})) == [Kind.CLOCK_FAULT]


def test_failed_looks_and_blind_spans_of_one_wrong_clock_are_one_finding_on_the_whole_release() -> None:
    # Because the clock was wrong, looks at page and sheet failed each second from -70 s to 149 s. Looks at the page's
    # origin, every 7 s, failed within that time, and two blind spans lie in it.
    first_failed, last_failed = -70, 149
    answers = [(-100, ABSENT), (first_failed, UNKNOWN), (last_failed + 1, PRESENT)]
    failed_each_second = RegularLooks(answers, every=1, why="clock")
    failed_every_7_s = RegularLooks(answers, every=7, why="clock")
    seen = {"page": failed_each_second, "sheet": failed_each_second, "page/origin": failed_every_7_s}
    blind = Blind(after_slot(-68), after_slot(90), "clock")
    blind_at_sheet = Blind(after_slot(95), after_slot(140), "clock", target="r/sheet/edge")
    (fault,) = found(judged(200, seen, SHEET, blind=[blind, blind_at_sheet]), Kind.CLOCK_FAULT)
    assert fault.part is None  # It concerns the whole release.
    length = last_failed - first_failed
    assert fault.seconds == Bounds(length, length)


def test_looks_that_failed_for_another_reason_than_the_clock_do_not_lengthen_a_clock_fault() -> None:
    absent = a_run("page", ABSENT, first=-100, last=-71)
    timed_out = a_run("page", UNKNOWN, first=-70, last=-21, why="timeout")
    failed_by_clock = a_run("page", UNKNOWN, first=-20, last=-10, why="clock")
    timed_out_again = a_run("page", UNKNOWN, first=-9, last=150, why="timeout")
    verdict = judged(200, {"page": [absent, timed_out, failed_by_clock, timed_out_again]})
    clock_fault, blind, blind_again = verdict.findings
    assert (clock_fault.kind, clock_fault.seconds.min) == (Kind.CLOCK_FAULT, 20 - 10)
    assert (blind.kind, blind.seconds.min) == (Kind.BLIND, 70 - 21)
    assert (blind_again.kind, blind_again.seconds.min) == (Kind.BLIND, 9 + 150)


# Promises


def test_calendars_that_differ_are_found_with_both_times() -> None:
    promises = [a_promise(), a_promise(SLOT + HOUR, calendar="ics")]
    (differ,) = found(judged(200, CAME_IN_TIME, promises=promises), Kind.CALENDARS_DISAGREE)
    assert "govuk says Fri 5 Jan 2018 09:30:00 GMT" in differ.detail
    assert "ics says Fri 5 Jan 2018 10:30:00 GMT" in differ.detail


@pytest.mark.parametrize(
    ("promises", "detail"),
    [
        (
            [a_promise(SLOT - DAY), a_promise(learnt=SLOT - 3 * DAY, unlearnt=SLOT - 4 * DAY)],
            "moved to another day 2 days ahead",
        ),
        (
            [a_promise(), a_promise(SLOT + HOUR, learnt=SLOT - DAY, unlearnt=SLOT - 2 * DAY)],
            "moved to another time 1 day ahead",
        ),
    ],
)
def test_a_slot_that_was_moved_with_short_notice_is_found(promises: list[Promise], detail: str) -> None:
    # Less than 28 days is short notice. It counts from the read that showed the change (`learnt`) to the old slot.
    (short,) = found(judged(200, CAME_IN_TIME, promises=promises), Kind.SHORT_NOTICE)
    assert detail in short.detail


def test_a_cancelled_release_keeps_the_findings_on_its_calendars() -> None:
    promises = [a_promise(), a_promise(learnt=SLOT - 3 * DAY, state=Standing.CANCELLED)]
    assert kinds(judged(200, NOT_OUT, promises=promises)) == [Kind.SHORT_NOTICE]


# The platform


def test_two_producers_late_on_one_host_at_one_slot_are_a_platform_finding() -> None:
    late = judged(400, LATE)
    other_late = replace(late, release="q", producer="ons")
    (platform,) = found(add_platform_finding(late, [slot_verdict(other_late)]), Kind.PLATFORM)
    assert platform.detail == "2 releases of ofqual, ons late together on www.gov.uk"


@pytest.mark.parametrize(("on_time_on_same_host", "expected_findings"), [(0, 1), (4, 1), (5, 0), (98, 0)])
def test_two_late_releases_are_no_platform_finding_if_five_on_the_same_host_are_on_time(
    on_time_on_same_host: int, expected_findings: int
) -> None:
    late = judged(400, LATE)
    other_late = slot_verdict(replace(late, release="q", producer="ons"))
    on_time = [
        replace(other_late, release=f"on-time-{place}", verdict=VerdictKind.ON_TIME)
        for place in range(on_time_on_same_host)
    ]
    on_time_elsewhere = [replace(each, host="www.ons.gov.uk", release=f"ons-{each.release}") for each in on_time]
    verdict = add_platform_finding(late, [other_late, *on_time, *on_time_elsewhere])
    assert len(found(verdict, Kind.PLATFORM)) == expected_findings


@pytest.mark.parametrize("change", [{"producer": "ofqual"}, {"url": "https://www.ons.gov.uk/x"}, {"slot": None}])
def test_late_releases_of_one_producer_or_of_different_hosts_or_slots_are_no_platform_finding(
    change: dict[str, object],
) -> None:
    late = judged(400, LATE)
    other_late = replace(late, **({"release": "q", "producer": "ons"} | change))
    assert add_platform_finding(late, [slot_verdict(other_late)]) is late


# Several monitors


def by_monitors(**turns: Answers) -> dict[str, Sequence[object]]:
    """Return what monitors of these names saw of one edge until 200 s after the slot."""
    return {"page": in_order(*(seen_by(name, RegularLooks(each).runs("page", 200)) for name, each in turns.items()))}


def test_an_edge_that_shows_a_page_to_two_monitors_at_different_times_is_a_split_view() -> None:
    # By looks every second, “north” last lacked the page at 4 s, and “south” at 59 s.
    north, south = [(-100, ABSENT), (5, PRESENT)], [(-100, ABSENT), (60, PRESENT)]
    (split_view,) = found(judged(now=200, seen=by_monitors(north=north, south=south)), Kind.SPLIT_VIEW)
    assert split_view.part == "page"
    shortest, longest = 59 - 5, 60 - 4
    assert split_view.seconds == Bounds(shortest, longest)
    assert split_view.detail == (
        "“north” got it between Fri 5 Jan 2018 09:30:04 GMT and Fri 5 Jan 2018 09:30:05 GMT; "
        "“south” was served without it for 54 s to 56 s longer"
    )


def test_a_split_view_has_no_end_while_one_monitor_gets_the_old_answer() -> None:
    (split,) = found(judged(200, by_monitors(north=shown_from(5), south=NOT_OUT)), Kind.SPLIT_VIEW)
    assert split.seconds.max is None


@pytest.mark.parametrize(
    "turns", [{"north": shown_from(5), "south": shown_from(6)}, {"north": shown_from(5)}], ids=["alike", "alone"]
)
def test_monitors_that_saw_the_same_have_no_split_view(turns: dict[str, Answers]) -> None:
    # Looks are a second apart, so a page seen by one monitor at 5 and by another at 6 may have come for both at once.
    assert found(judged(200, by_monitors(**turns)), Kind.SPLIT_VIEW) == []
