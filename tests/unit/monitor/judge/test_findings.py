"""Every kind of finding. A number is an instant in seconds after the slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.judge.findings.platform import add_platform_finding, slot_verdict
from monitor.judge.runs import Blind
from schedules.announcement import Part, Role
from schedules.announcement import State as Standing
from schedules.contract.verdict import Grade, Kind, VerdictKind
from schedules.promise import Promise
from schedules.times.interval import Bounds
from tests.worlds.instants import DAY, HOUR, SLOT, after_slot
from tests.worlds.looks import ABSENT, EDGE, PRESENT, UNKNOWN, WITHDRAWN, RegularLooks, Turn, a_run, in_order, seen_by
from tests.worlds.releases import NEWS, SHEET, a_promise
from tests.worlds.verdicts import found, judged, kinds, runs_seen

Turns = Sequence[Turn]
NOT_OUT = [(-100, ABSENT)]
CAME_IN_TIME = [(-100, ABSENT), (1, PRESENT)]
LATE = [(-100, ABSENT), (300, PRESENT)]


def shown_from(seconds: float) -> Turns:
    """Return the turns of a target that was absent until an instant and shows the release from then on."""
    return [(-100, ABSENT), (seconds, PRESENT)]


@pytest.mark.parametrize("edge_shows", [1, 2])
def test_a_release_in_time_has_no_findings_if_its_edge_is_at_most_one_look_behind(edge_shows: float) -> None:
    assert kinds(judged(200, {"page": shown_from(edge_shows), "page/origin": CAME_IN_TIME})) == []


# Exposures


@pytest.mark.parametrize(("planned_spacing", "expected_exposures"), [(5, 2), (50, 1)])
def test_two_sightings_of_a_page_are_one_exposure_if_the_content_api_showed_it_without_a_gap_in_between(
    planned_spacing: float, expected_exposures: int
) -> None:
    seen_twice = RegularLooks([(-700, ABSENT), (-660, PRESENT), (-650, ABSENT), (-600, PRESENT)], every=5)
    # The API shows it at -655 and at -585, around the absence that begins at -650. These looks are 70 s apart. Over
    # twice the planned spacing is a gap, in which the page may have been removed.
    content = RegularLooks([(-725, ABSENT), (-655, PRESENT)], every=70, spacing=planned_spacing)
    verdict = judged(-560, {"page": seen_twice, "page/content": content})
    assert len(verdict.exposures) == expected_exposures
    assert verdict.exposures[-1].open


def test_an_exposure_is_open_while_the_edge_serves_an_old_copy_of_what_the_origin_has_removed() -> None:
    came, removed, edge_absent, every = -1500, -1200, -890, 5
    early = [(-1600, ABSENT), (came, PRESENT)]
    runs = runs_seen(-900, {"page": early, "page/origin": [*early, (removed, ABSENT)]}, every)
    *absences, presence = runs[EDGE]
    # The edge shows it until -900, in copies of which the last was made at the removal: that is the `end` of its run.
    edge = [*absences, replace(presence, end=after_slot(removed))]
    (while_served,) = judged(-900, {**runs, EDGE: edge}).exposures
    assert while_served.open
    absent_again = runs_seen(-700, [(edge_absent, ABSENT)], every)[EDGE]
    (ended,) = judged(-700, {**runs, EDGE: [*edge, *absent_again]}).exposures
    # It lasted at least from the first look that saw it until the last copy was made, and at most from the last look
    # before, `every` seconds earlier, until the edge showed it absent.
    assert ended.seconds == Bounds(removed - came, edge_absent - (came - every))


def test_an_exposure_is_found_with_its_length_and_part() -> None:
    came, removed, every = -600, -300, 1
    turns = [(-900, ABSENT), (came, PRESENT), (removed, WITHDRAWN)]
    (exposed,) = found(judged(-10, turns, every=every), Kind.EARLY_EXPOSURE)
    assert (exposed.part, exposed.seconds) == ("page", Bounds(removed - came - every, removed - came + every))
    assert "removed between" in exposed.detail


@pytest.mark.parametrize(
    ("now", "turns", "kind", "suggests_utc"),
    [
        (3700, shown_from(3600), Kind.LATE, True),
        (3700, shown_from(2600), Kind.LATE, False),
        (100, [(-4000, ABSENT), (-3600, PRESENT)], Kind.EARLY_EXPOSURE, True),
    ],
)
def test_a_delay_of_exactly_an_hour_suggests_a_clock_in_utc(
    now: float, turns: Turns, kind: Kind, *, suggests_utc: bool
) -> None:
    (finding,) = found(judged(now, turns), kind)
    assert ("UTC" in finding.detail) is suggests_utc


# Parts and other addresses


def test_a_part_late_while_the_page_was_in_time_is_partial() -> None:
    (partial,) = found(judged(900, {"page": CAME_IN_TIME, "sheet": shown_from(780)}, SHEET), Kind.PARTIAL)
    assert partial.detail == "late while other parts were out: sheet"
    # By looks every second.
    assert partial.seconds == Bounds(780 - 1, 780)


@pytest.mark.parametrize(("sheet", "count"), [(NOT_OUT, 1), (LATE, 0)], ids=["still absent", "late together"])
def test_a_late_page_is_partial_if_a_part_is_still_absent(sheet: Turns, count: int) -> None:
    # The page came at 300 s. The sheet came then too (LATE), or never (NOT_OUT).
    assert len(found(judged(900, {"page": LATE, "sheet": sheet}, SHEET), Kind.PARTIAL)) == count


@pytest.mark.parametrize(
    ("now", "page", "head_start"), [(1100, shown_from(1000), Bounds(599, 601)), (500, NOT_OUT, Bounds(100, None))]
)
def test_a_copy_elsewhere_before_a_late_page_is_a_finding_with_its_head_start(
    now: float, page: Turns, head_start: Bounds
) -> None:
    # By looks every second, the copy came from 399 s to 400 s. The page came from 999 s to 1000 s,
    # or is not out yet when this is judged, at 500 s.
    copy = shown_from(6 * 60 + 40)
    (first,) = found(judged(now, {"page": page, "news": copy}, NEWS), Kind.ELSEWHERE_FIRST)
    assert (first.part, first.seconds) == ("news", head_start)
    assert NEWS.url in first.detail
    assert "6 min 39 s to 6 min 40 s after the slot" in first.detail


@pytest.mark.parametrize("news", [shown_from(2), shown_from(50), [(2, PRESENT)]])
def test_a_copy_elsewhere_is_no_finding_if_the_page_came_in_time(news: Turns) -> None:
    # The page came at 20 s, within the tolerance of 60 s.
    assert kinds(judged(200, {"page": shown_from(20), "news": news}, NEWS)) == []


@pytest.mark.parametrize(("count", "findings"), [(59, 0), (60, 1), (2000, 1)])
def test_more_parts_than_are_watched_is_a_finding(count: int, findings: int) -> None:
    # At most 60 parts are watched. The page is one of them.
    parts = [Part(f"found-{n}", Role.DATA, f"https://a.example/{n}", required=False) for n in range(count)]
    assert len(found(judged(200, {}, *parts), Kind.PARTS_CUT)) == findings


# After the release


@pytest.mark.parametrize(
    ("digests", "since_release"),
    [([(500, "b")], Bounds(497, 499)), ([(500, "b"), (510, "a"), (520, "b")], Bounds(517, 519))],
    ids=["once", "and old ones in between"],
)
def test_other_bytes_of_a_file_after_the_release_are_one_swap(
    digests: list[tuple[float, str]], since_release: Bounds
) -> None:
    # `digests` say from when on the file had which bytes. New bytes count once they last for a minute. By looks every
    # second, the file came between 1 s and 2 s. So bytes that came between 499 s and 500 s came 497 s to 499 s later.
    sheet = RegularLooks(shown_from(2), digests=[(-100, "a"), *digests])
    (swap,) = found(judged(600, {"page": CAME_IN_TIME, "sheet": sheet}, SHEET), Kind.SWAPPED)
    assert (swap.part, swap.seconds) == ("sheet", since_release)


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


@pytest.mark.parametrize(
    ("edge", "seconds"),
    [
        (shown_from(90), [Bounds(88, 90)]),
        (NOT_OUT, [Bounds(199, None)]),
        ([(-100, ABSENT), (20, WITHDRAWN), (60, ABSENT), (90, PRESENT)], [Bounds(18, 20)]),
        ([(-100, ABSENT), (-50, WITHDRAWN), (90, PRESENT)], [Bounds(88, 90)]),
    ],
    ids=["for a while", "still", "until it said withdrawn", "saying withdrawn since before"],
)
def test_an_edge_that_hides_what_the_origin_has_is_stale(edge: Turns, seconds: list[Bounds]) -> None:
    # By looks every second, the origin last lacked the page at 0 and shows it from 1 on. An edge that shows it from 90
    # on last lacked it at 89. So it hid the page for at least 89 - 1 and at most 90 - 0 seconds.
    seen = {"page": edge, "page/origin": RegularLooks(CAME_IN_TIME, until=2)}
    assert [each.seconds for each in found(judged(200, seen), Kind.STALE_EDGE)] == seconds


def test_an_edge_is_stale_only_until_the_origin_removed_the_release_and_users_delay_never_ends() -> None:
    origin = [(-100, ABSENT), (1, PRESENT), (31, ABSENT)]
    verdict = judged(200, {"page": NOT_OUT, "page/origin": origin})
    (stale,) = found(verdict, Kind.STALE_EDGE)
    # By looks every second, the origin lacked the page at 0, showed it from 1 to 30, and lacked it again at 31.
    last_shown = 30
    assert stale.seconds == Bounds(last_shown - 1, 31 - 0)
    # No user can have got it from the edge while the origin showed it, and no user is known to have got it since.
    assert verdict.page.users_delay == Bounds(last_shown, None)


def test_every_time_an_edge_hides_the_release_is_found_and_the_worst_sets_the_grade() -> None:
    # The origin shows the page from 1 on. By looks every second, the edge lacks it until 4, and again from 20 to 179.
    edge = [(-100, ABSENT), (5, PRESENT), (20, ABSENT), (180, PRESENT)]
    verdict = judged(300, {"page": edge, "page/origin": CAME_IN_TIME})
    first, second = found(verdict, Kind.STALE_EDGE)
    assert (first.seconds, second.seconds) == (Bounds(4 - 1, 5 - 0), Bounds(179 - 20, 180 - 19))
    assert second.detail.endswith("having shown it before")
    # A user's wait of 5 s is no fault. One of 159 s is a note.
    assert verdict.grade is Grade.NOTE


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


@pytest.mark.parametrize(
    ("part", "grade", "stale_for"), [(SHEET, Grade.REPORT, [Bounds(359, 361)]), (NEWS, Grade.NONE, [])]
)
def test_the_edge_of_a_file_can_be_stale_and_that_of_a_copy_elsewhere_never_is(
    part: Part, grade: Grade, stale_for: list[Bounds]
) -> None:
    # SHEET is a required file and NEWS a copy elsewhere. The origin shows it from 1 s on, and the edge from
    # 361 s on.
    page = {"page": CAME_IN_TIME, "page/origin": CAME_IN_TIME}
    part_shown_later_at_edge = {part.id: shown_from(361), f"{part.id}/origin": CAME_IN_TIME}
    verdict = judged(400, page | part_shown_later_at_edge, part)
    assert (verdict.verdict, verdict.grade) == (VerdictKind.ON_TIME, grade)
    assert [each.seconds for each in verdict.findings] == stale_for


# What hid the slot


def test_a_blind_span_over_the_slot_is_found_with_cause_and_length() -> None:
    begins, ends = -20, 40
    span = Blind(after_slot(begins), after_slot(ends), "killed")
    (blind,) = found(judged(200, shown_from(150), blind=[span]), Kind.BLIND)
    assert blind.seconds == Bounds(ends - begins, ends - begins)
    assert blind.detail.startswith("killed for 1 min")


@pytest.mark.parametrize("span", [(-300, -200), (70, 90), (-0.5, 0.4)])
def test_a_blind_span_that_changed_nothing_is_no_finding(span: tuple[float, float]) -> None:
    # The page came in time, at 1 s. No span covers the slot, except one that is shorter than
    # the second by which our clock may be wrong.
    begins, ends = map(after_slot, span)
    assert kinds(judged(200, CAME_IN_TIME, blind=[Blind(begins, ends, "stalled")])) == []


@pytest.mark.parametrize(
    ("host", "target", "expected_findings"),
    [("www.gov.uk", "", 1), ("www.ons.gov.uk", "", 0), ("", EDGE, 1), ("", "r/sheet/edge", 0)],
)
def test_a_blind_span_counts_only_for_its_host_and_target(host: str, target: str, expected_findings: int) -> None:
    # The only part is the page. It is on www.gov.uk, and EDGE is a target of it. The other target is of a file.
    span = Blind(after_slot(-20), after_slot(40), "dns", host, target)
    assert len(found(judged(200, shown_from(150), blind=[span]), Kind.BLIND)) == expected_findings


FAILED_AROUND_SLOT = [(-100, ABSENT), (-70, UNKNOWN), (150, PRESENT)]


@pytest.mark.parametrize(("page", "is_found"), [(CAME_IN_TIME, False), (FAILED_AROUND_SLOT, True)])
def test_pages_that_no_worker_read_are_found_only_if_that_left_something_unproven(
    page: Turns, *, is_found: bool
) -> None:
    # The first page was seen to come in time, at 1 s. All looks at the second failed from -70 to 149.
    span = Blind(after_slot(-20), after_slot(40), "no_worker", "www.gov.uk")
    blind = found(judged(200, page, blind=[span]), Kind.BLIND)
    assert any(each.detail.startswith("no_worker for 1 min") for each in blind) is is_found


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


def test_blind_spans_and_failed_looks_of_one_wrong_clock_are_one_finding_as_long_as_the_failed_looks() -> None:
    # FAILED_AROUND_SLOT: looks fail from -70 on, until one succeeds at 150. RegularLooks makes one look a second.
    failed = RegularLooks(FAILED_AROUND_SLOT, why="clock")
    spans = [
        Blind(after_slot(-68), after_slot(90), "clock"),
        Blind(after_slot(95), after_slot(140), "clock", target="r/sheet/edge"),
    ]
    # The page's origin is looked at every seven seconds, so that its failed looks begin and end at other times.
    seen = {"page": failed, "sheet": failed, "page/origin": replace(failed, every=7)}
    (clock,) = found(judged(200, seen, SHEET, blind=spans), Kind.CLOCK_FAULT)
    # So page and sheet failed each second from -70 to 149. The looks at the origin, every 7 s, and both blind spans lie
    # within that time. The finding concerns the whole release, so it has no part.
    first_failed, last_failed = -70, 149
    assert (clock.part, clock.seconds) == (None, Bounds(last_failed - first_failed, last_failed - first_failed))


def test_a_clock_fault_is_no_longer_than_the_looks_that_failed_by_the_clock() -> None:
    runs = [
        a_run(first=-100, last=-71),
        a_run(state=UNKNOWN, first=-70, last=-21, why="timeout"),
        a_run(state=UNKNOWN, first=-20, last=-10, why="clock"),
        a_run(state=UNKNOWN, first=-9, last=150, why="timeout"),
    ]
    findings = judged(200, {"page": runs}).findings
    # Clock faults come before other blind spans.
    assert [(each.kind, each.seconds.min) for each in findings] == [
        (Kind.CLOCK_FAULT, -10 - -20), (Kind.BLIND, -21 - -70), (Kind.BLIND, 150 - -9),
    ]  # fmt: skip


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


def by_monitors(**turns: Turns) -> dict[str, Sequence[object]]:
    """Return what monitors of these names saw of one edge until 200 s after the slot."""
    return {"page": in_order(*(seen_by(name, RegularLooks(each).runs("page", 200)) for name, each in turns.items()))}


def test_an_edge_that_serves_one_monitor_and_not_another_is_a_split_view_that_names_both() -> None:
    (split,) = found(judged(200, by_monitors(north=shown_from(5), south=shown_from(60))), Kind.SPLIT_VIEW)
    assert split.part == "page"
    assert split.detail == (
        "“north” got it between Fri 5 Jan 2018 09:30:04 GMT and Fri 5 Jan 2018 09:30:05 GMT; "
        "“south” was served without it for 54 s to 56 s longer"
    )
    # By looks every second, “south” last lacked it at 59.
    assert split.seconds == Bounds(59 - 5, 60 - 4)


def test_a_split_view_has_no_end_while_one_monitor_gets_the_old_answer() -> None:
    (split,) = found(judged(200, by_monitors(north=shown_from(5), south=NOT_OUT)), Kind.SPLIT_VIEW)
    assert split.seconds.max is None


@pytest.mark.parametrize(
    "turns", [{"north": shown_from(5), "south": shown_from(6)}, {"north": shown_from(5)}], ids=["alike", "alone"]
)
def test_monitors_that_saw_the_same_have_no_split_view(turns: dict[str, Turns]) -> None:
    # Looks are a second apart, so a page seen by one monitor at 5 and by another at 6 may have come for both at once.
    assert found(judged(200, by_monitors(**turns)), Kind.SPLIT_VIEW) == []
