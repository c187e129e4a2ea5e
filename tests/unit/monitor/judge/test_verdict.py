"""Every verdict, by sentence. Instants are seconds from the slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from monitor.judge.judge import judge
from monitor.judge.policy import Grade, Policy
from monitor.judge.runs import Blind, Run
from monitor.judge.verdict import Kind, Verdict, Word
from monitor.look.sighting import State
from schedules.announcement import Part, Role
from schedules.announcement import State as Standing
from schedules.promise import Promise
from schedules.slot import Precision, Slot
from schedules.times.interval import Bounds
from tests.unit.monitor.judge.world import SLOT, Story, promise, release, second, watched

P, A, U, W = State.PRESENT, State.ABSENT, State.UNKNOWN, State.WITHDRAWN
DAY = 86_400.0
Told = list[tuple[float, State]]


@dataclass
class Watch:
    """Looks at a page, and what comes of them."""

    now: float
    promises: Sequence[Promise] = field(default_factory=lambda: [promise()])
    parts: Sequence[Part] = ()
    blind: Sequence[Blind] = ()
    policy: Policy = field(default_factory=Policy)
    runs: dict[str, list[Run]] = field(default_factory=dict)

    def see(self, story: Told, part: str = "page", view: str = "edge", every: float = 1, **more: object) -> Watch:
        target = f"r/{part}/{view}"
        self.runs[target] = watched(target, Story(story, **more), every, self.now)
        return self

    def verdict(self) -> Verdict:
        return judge(release(*self.parts), self.promises, self.runs, self.blind, self.policy, second(self.now))


def page(now: float, *story: tuple[float, State], **more: object) -> Verdict:
    return Watch(now).see(list(story), **more).verdict()


def test_before_the_slot_a_release_not_seen_is_pending() -> None:
    verdict = page(-10, (-100, A))
    assert (verdict.word, verdict.grade, verdict.final) == (Word.PENDING, Grade.NONE, False)
    assert verdict.revisit == SLOT


def test_seen_to_appear_within_a_minute_of_the_slot_is_on_time() -> None:
    verdict = page(60, (-100, A), (2, P))
    assert (verdict.word, verdict.grade, verdict.final) == (Word.ON_TIME, Grade.NONE, True)
    assert verdict.page is not None
    assert verdict.page.delay == Bounds(1.0, 2.0)
    assert verdict.revisit is None


def test_still_absent_within_the_tolerance_is_pending() -> None:
    verdict = page(59, (-100, A))
    assert verdict.word is Word.PENDING
    assert verdict.revisit == second(60)


def test_absent_after_the_tolerance_is_overdue_and_its_delay_grows() -> None:
    verdict = page(200, (-100, A))
    assert (verdict.word, verdict.grade, verdict.final) == (Word.OVERDUE, Grade.NOTE, False)
    assert verdict.page is not None
    assert verdict.page.delay == Bounds(200.0, None)


@pytest.mark.parametrize(("came", "grade"), [(90, Grade.NOTE), (300, Grade.NOTE), (302, Grade.REPORT)])
def test_a_late_release_is_graded_by_its_delay(came: float, grade: Grade) -> None:
    verdict = page(400, (-100, A), (came, P))
    assert (verdict.word, verdict.grade, verdict.final) == (Word.LATE, grade, True)
    assert verdict.page is not None
    assert verdict.page.delay == Bounds(came - 1, came)


def test_absence_up_to_the_tolerance_and_presence_just_after_is_unproven() -> None:
    verdict = page(100, (-100, A), (61, P))
    assert verdict.word is Word.UNPROVEN
    assert verdict.unproven_because is not None
    assert "on time or up to 1 min 1 s late" in verdict.unproven_because


def test_present_before_the_slot_is_early_while_it_stands() -> None:
    verdict = page(-100, (-1000, A), (-500, P))
    assert (verdict.word, verdict.grade, verdict.final) == (Word.EARLY, Grade.REPORT, False)
    (exposure,) = verdict.exposures
    assert exposure.open
    assert exposure.seconds == Bounds(400.0, None)


def test_an_exposure_ends_when_it_was_seen_gone_and_the_release_may_still_be_on_time() -> None:
    verdict = page(100, (-1000, A), (-500, P), (-200, W), (1, P))
    (exposure,) = verdict.exposures
    assert exposure.seconds == Bounds(299.0, 301.0)
    assert verdict.word is Word.EARLY
    assert verdict.page is not None
    assert verdict.page.delay == Bounds(-501.0, -500.0)
    assert verdict.page.released.by == second(1)
    assert verdict.final


def test_an_exposure_that_stands_ends_exactly_at_the_slot() -> None:
    verdict = page(50, (-1000, A), (-500, P))
    (exposure,) = verdict.exposures
    assert (exposure.to.after, exposure.to.by, exposure.seconds) == (SLOT, SLOT, Bounds(500.0, 501.0))
    assert verdict.page is not None
    assert verdict.page.released.by == SLOT
    assert verdict.final


def test_failed_looks_do_not_end_an_exposure() -> None:
    verdict = page(-100, (-1000, A), (-500, P), (-400, U))
    assert verdict.exposures[0].open


def test_an_exposure_not_seen_again_ended_somewhere_up_to_the_slot() -> None:
    verdict = page(10, (-1000, A), (-500, P), (-400, U))
    (exposure,) = verdict.exposures
    assert (exposure.to.after, exposure.to.by) == (second(-401), SLOT)
    assert exposure.seconds == Bounds(99.0, 501.0)


def test_an_exposure_that_was_lost_from_sight_ended_somewhere_up_to_the_slot_though_the_release_is_out_after_it() -> (
    None
):
    verdict = page(50, (-1000, A), (-500, P), (-400, U), (1, P))
    (exposure,) = verdict.exposures
    assert (exposure.to.after, exposure.to.by) == (second(-401), SLOT)
    assert exposure.seconds == Bounds(99.0, 501.0)


def test_an_exposure_that_was_lost_from_sight_and_then_seen_gone_ended_somewhere_in_between() -> None:
    verdict = page(50, (-1000, A), (-500, P), (-400, U), (-300, P), (-200, W), (1, P))
    (exposure,) = verdict.exposures
    assert (exposure.to.after, exposure.to.by) == (second(-401), second(-200))
    assert exposure.seconds == Bounds(99.0, 301.0)


def test_presence_within_the_clocks_uncertainty_before_the_slot_is_not_early() -> None:
    assert page(60, (-100.9, A), (-0.9, P)).word is Word.ON_TIME
    assert page(60, (-101.1, A), (-1.1, P)).word is Word.EARLY


def test_early_then_taken_down_then_late_carries_both() -> None:
    verdict = page(600, (-1000, A), (-500, P), (-200, W), (400, P))
    assert verdict.word is Word.EARLY
    late = next(found for found in verdict.findings if found.kind is Kind.LATE)
    assert late.seconds == Bounds(399.0, 400.0)


def test_early_then_taken_down_and_not_back_is_overdue() -> None:
    assert page(600, (-1000, A), (-500, P), (-200, W)).word is Word.OVERDUE


def test_never_seen_until_the_watch_closed_is_not_published() -> None:
    verdict = page(14 * DAY + 1, (-100, A), every=1800)
    assert (verdict.word, verdict.grade, verdict.final) == (Word.NOT_PUBLISHED, Grade.REPORT, True)


def test_absence_last_proved_days_before_the_watch_closed_stays_overdue() -> None:
    verdict = page(14 * DAY + 1, (-100, A), (3 * DAY, U), every=1800)
    assert (verdict.word, verdict.final) == (Word.OVERDUE, True)


def test_a_page_that_answered_from_the_first_look_proves_nothing() -> None:
    verdict = page(200, (-100, P))
    assert verdict.word is Word.UNPROVEN
    assert "first look" in str(verdict.unproven_because)
    assert not verdict.exposures


def test_a_first_look_that_reads_this_very_edition_proves_presence() -> None:
    assert page(-50, (-100, P), specific=True).word is Word.EARLY
    verdict = page(200, (30, P), specific=True)
    assert verdict.word is Word.UNPROVEN
    assert verdict.page is not None
    assert verdict.page.delay == Bounds(None, 30.0)


def test_only_failed_looks_over_the_slot_leave_it_pending_and_then_unproven() -> None:
    assert page(80, (-100, A), (-10, U)).word is Word.PENDING
    verdict = page(95, (-100, A), (-10, U))
    assert (verdict.word, verdict.grade, verdict.final) == (Word.UNPROVEN, Grade.NONE, False)
    assert "timeout" in str(verdict.unproven_because)


def test_never_looked_at_is_unproven() -> None:
    verdict = Watch(95).verdict()
    assert (verdict.word, verdict.unproven_because) == (Word.UNPROVEN, "never looked at")


def test_a_release_seen_only_after_a_blind_slot_is_unproven() -> None:
    verdict = page(300, (-100, A), (-61, U), (200, P))
    assert verdict.word is Word.UNPROVEN
    assert verdict.page is not None
    assert verdict.page.delay == Bounds(-62.0, 200.0)
    assert verdict.final


def test_the_worst_of_the_required_parts_is_the_verdict_of_the_release() -> None:
    sheet = Part("sheet", Role.DATA, "https://assets.publishing.service.gov.uk/media/x/tables.ods")
    watch = Watch(500, parts=[sheet]).see([(-100, A), (1, P)]).see([(-100, A), (400, P)], "sheet")
    verdict = watch.verdict()
    assert (verdict.word, verdict.grade) == (Word.LATE, Grade.REPORT)
    assert verdict.page is not None
    assert verdict.page.word is Word.ON_TIME


@pytest.mark.parametrize(
    "part",
    [
        Part("news", Role.ALTERNATIVE, "https://www.gov.uk/government/news/x"),
        Part("extra", Role.DATA, "https://www.gov.uk/x.ods", required=False),
    ],
)
def test_alternatives_and_optional_parts_never_worsen_the_verdict(part: Part) -> None:
    watch = Watch(500, parts=[part]).see([(-100, A), (1, P)]).see([(-100, A)], part.id)
    assert watch.verdict().word is Word.ON_TIME


def test_an_alternative_out_before_the_slot_makes_the_release_early() -> None:
    news = Part("news", Role.ALTERNATIVE, "https://www.gov.uk/government/news/x", required=False)
    watch = Watch(100, parts=[news]).see([(-100, A), (1, P)]).see([(-100, A), (-60, P)], "news")
    verdict = watch.verdict()
    assert (verdict.word, verdict.grade) == (Word.EARLY, Grade.REPORT)
    assert {found.kind for found in verdict.findings} >= {Kind.EARLY_EXPOSURE, Kind.ELSEWHERE_FIRST}


def test_an_alternative_does_not_stop_the_clock() -> None:
    news = Part("news", Role.ALTERNATIVE, "https://www.gov.uk/government/news/x", required=False)
    watch = Watch(400, parts=[news]).see([(-100, A)]).see([(-100, A), (120, P)], "news")
    assert watch.verdict().word is Word.OVERDUE


def test_a_part_that_only_the_page_revealed_came_no_earlier_than_the_page() -> None:
    sheet = Part("sheet", Role.DATA, "https://assets.publishing.service.gov.uk/media/x/tables.ods")
    watch = Watch(100, parts=[sheet]).see([(-100, A), (1, P)]).see([(6, P)], "sheet")
    verdict = watch.verdict()
    assert verdict.word is Word.ON_TIME
    assert verdict.parts[1].delay == Bounds(0.0, 6.0)


def test_a_revealed_part_looked_at_too_late_leaves_the_release_on_time() -> None:
    sheet = Part("sheet", Role.DATA, "https://assets.publishing.service.gov.uk/media/x/tables.ods")
    verdict = Watch(200, parts=[sheet]).see([(-100, A), (1, P)]).see([(90, P)], "sheet").verdict()
    assert (verdict.word, verdict.parts[1].word) == (Word.ON_TIME, Word.UNPROVEN)


def test_the_origin_decides_where_the_edge_contradicts_it() -> None:
    watch = Watch(600).see([(-100, A), (400, P)]).see([(-100, A), (3, P)], view="origin")
    verdict = watch.verdict()
    assert verdict.word is Word.ON_TIME
    assert verdict.grade is Grade.REPORT
    (stale,) = [found for found in verdict.findings if found.kind is Kind.STALE_EDGE]
    assert stale.seconds == Bounds(396.0, 398.0)


def test_users_behind_a_stale_edge_waited_for_a_late_origin_too() -> None:
    watch = Watch(600).see([(-100, A), (390, P)]).see([(-100, A), (90, P)], view="origin")
    verdict = watch.verdict()
    assert verdict.word is Word.LATE
    assert verdict.grade is Grade.REPORT


def test_what_the_content_api_shows_before_the_slot_is_an_exposure() -> None:
    watch = Watch(100).see([(-100, A), (1, P)]).see([(-100, A), (-50, P)], view="content")
    assert watch.verdict().word is Word.EARLY


def test_the_content_api_neither_blurs_nor_prolongs_what_the_page_itself_showed() -> None:
    watch = Watch(100).see([(-2000, A), (-900, P), (-300, W), (1, P)], every=5)
    verdict = watch.see([(-2000, A), (-900, P), (-300, W), (1, P)], view="content", every=170).verdict()
    (exposure,) = verdict.exposures
    assert exposure.seconds == Bounds(595, 605)


def test_content_that_the_api_showed_after_the_page_was_gone_was_still_exposed() -> None:
    watch = Watch(-10).see([(-2000, A), (-900, P), (-300, W)], every=5)
    verdict = watch.see([(-2000, A), (-900, P), (-200, W)], view="content", every=5).verdict()
    assert verdict.exposures[0].seconds == Bounds(695, 705)


def test_what_only_the_content_api_shows_after_the_slot_is_not_the_page() -> None:
    watch = Watch(300).see([(-100, A)]).see([(-100, A), (1, P)], view="content")
    assert watch.verdict().word is Word.OVERDUE


def test_a_view_that_answered_out_from_its_first_look_after_the_slot_stops_a_claim_of_lateness() -> None:
    watch = Watch(300).see([(-100, A)]).see([(30, P)], view="origin")
    verdict = watch.verdict()
    assert verdict.word is Word.UNPROVEN
    assert "still proved absence" in str(verdict.unproven_because)


def test_a_view_that_always_answers_out_is_not_heard() -> None:
    watch = Watch(300).see([(-100, A)]).see([(-100, P)], view="origin")
    assert watch.verdict().word is Word.OVERDUE


def test_sightings_of_a_wrong_clock_prove_nothing() -> None:
    watch = Watch(300, blind=[Blind(second(-200), second(400), "clock")]).see([(-100, A)])
    assert watch.verdict().word is Word.UNPROVEN


def day(of: date) -> Slot:
    return Slot(Precision.DAY, first=of, last=of)


def test_a_day_without_a_time_never_gives_minutes_late() -> None:
    promises = [promise(day(SLOT.date()))]
    watch = Watch(3600 * 5, promises).see([(-3600 * 9, A), (3600 * 4, P)], every=60)
    verdict = watch.verdict()
    assert verdict.word is Word.ON_TIME
    assert verdict.page is not None
    assert verdict.page.delay is None


def test_a_day_without_a_time_is_early_only_before_it_begins() -> None:
    promises = [promise(day(SLOT.date()))]
    assert Watch(-3600, promises).see([(-3600 * 20, A), (-3600 * 9, P)], every=60).verdict().word is Word.ON_TIME
    assert Watch(-3600, promises).see([(-3600 * 20, A), (-3600 * 10, P)], every=60).verdict().word is Word.EARLY


def test_a_day_without_a_time_is_late_only_after_it_is_over_and_then_only_a_note() -> None:
    promises = [promise(day(SLOT.date()))]
    assert Watch(3600 * 14, promises).see([(-60, A)], every=60).verdict().word is Word.PENDING
    verdict = Watch(3600 * 15, promises).see([(-60, A)], every=60).verdict()
    assert (verdict.word, verdict.grade) == (Word.OVERDUE, Grade.NOTE)
    assert verdict.page is not None
    assert verdict.page.delay is None


@pytest.mark.parametrize(
    "more",
    [
        {"state": Standing.PROVISIONAL},
        {"doubt": "zone"},
        {"slot": Slot(Precision.INSTANT, instant=SLOT, doubt="weekday")},
        {"state": Standing.POSTPONED},
    ],
)
def test_a_provisional_or_doubted_time_is_judged_as_its_day(more: dict[str, Any]) -> None:
    verdict = Watch(3600, [promise(**more)]).see([(-100, A)]).verdict()
    assert verdict.word is Word.PENDING
    verdict = Watch(3600, [promise(**more)]).see([(-100, A), (1800, P)]).verdict()
    assert verdict.word is Word.ON_TIME
    assert verdict.page is not None
    assert verdict.page.delay is None


def test_a_postponed_entry_with_a_new_time_is_judged_to_the_minute() -> None:
    promises = [promise(SLOT - timedelta(days=2)), promise(SLOT, -5 * DAY, state=Standing.POSTPONED)]
    assert Watch(200, promises).see([(-100, A)]).verdict().word is Word.OVERDUE


def test_a_month_is_met_by_any_day_in_it() -> None:
    month = Slot(Precision.MONTH, first=date(2018, 1, 1), last=date(2018, 1, 31), raw="January 2018")
    verdict = Watch(10 * DAY, [promise(month)]).see([(-5 * DAY, A), (9 * DAY, P)], every=3600).verdict()
    assert (verdict.word, verdict.final) == (Word.ON_TIME, True)


def test_a_release_moved_before_its_slot_passed_is_moved_once_that_slot_is_over() -> None:
    promises = [promise(SLOT), promise(SLOT + timedelta(days=7), -2 * DAY)]
    watch = Watch(3600, promises).see([(-100, A)])
    assert watch.verdict().word is Word.MOVED
    assert Watch(-60, promises).see([(-100, A)]).verdict().word is Word.PENDING


def test_a_moved_release_that_comes_at_its_old_slot_is_early() -> None:
    promises = [promise(SLOT), promise(SLOT + timedelta(days=7), -2 * DAY)]
    assert Watch(3600, promises).see([(-100, A), (1, P)]).verdict().word is Word.EARLY


def test_a_change_made_after_the_slot_passed_moves_nothing() -> None:
    promises = [promise(SLOT), promise(SLOT + timedelta(days=7), 120)]
    assert Watch(3600, promises).see([(-100, A)]).verdict().word is Word.OVERDUE


def test_a_release_cancelled_before_its_slot_is_cancelled() -> None:
    promises = [promise(SLOT), promise(SLOT, -DAY, state=Standing.CANCELLED)]
    verdict = Watch(3600, promises).see([(-100, A)]).verdict()
    assert (verdict.word, verdict.grade, verdict.final) == (Word.CANCELLED, Grade.NONE, True)


def test_a_release_cancelled_after_its_slot_is_overdue() -> None:
    promises = [promise(SLOT), promise(SLOT, 100, state=Standing.CANCELLED)]
    assert Watch(3600, promises).see([(-100, A)]).verdict().word is Word.OVERDUE


def test_a_slot_first_read_after_it_passed_proves_nothing() -> None:
    verdict = Watch(3600, [promise(SLOT, 60)]).see([(-100, A)]).verdict()
    assert (verdict.word, verdict.final) == (Word.UNPROVEN, True)
    assert "first read after" in str(verdict.unproven_because)


def test_published_without_any_announcement_is_unannounced() -> None:
    verdict = Watch(3600, []).see([(-100, A), (1, P)]).verdict()
    assert verdict.word is Word.UNANNOUNCED
    assert [found.kind for found in verdict.findings] == [Kind.UNANNOUNCED]
    assert verdict.slot is None


def test_published_on_a_time_nobody_could_read_is_unproven() -> None:
    nothing = Slot(Precision.NONE, raw="tbc", reason="tbc")
    verdict = Watch(3600, [promise(nothing)]).see([(-100, A), (1, P)]).verdict()
    assert verdict.word is Word.UNPROVEN


def test_the_verdict_is_asked_for_again_when_time_alone_would_change_it() -> None:
    turns = []
    now: datetime | None = second(-50)
    while now is not None:
        runs = {"r/page/edge": watched("r/page/edge", Story([(-100, A), (-50, U)]), 1, -40)}
        verdict = judge(release(), [promise()], runs, [], Policy(), now)
        turns.append(((now - SLOT).total_seconds(), verdict.word.value))
        now = verdict.revisit
    assert turns == [
        (-50, "pending"),
        (0, "pending"),
        (60, "pending"),
        (90, "unproven"),
        (300, "unproven"),
        (14 * DAY, "unproven"),
    ]


def test_each_producer_may_have_tolerances_of_its_own() -> None:
    watch = Watch(400, policy=Policy(on_time_within=timedelta(minutes=5))).see([(-100, A), (200, P)])
    assert watch.verdict().word is Word.ON_TIME


def test_a_verdict_as_of_an_earlier_instant_leaves_out_what_came_later() -> None:
    watch = Watch(400).see([(-100, A), (200, P)])
    earlier = judge(release(), watch.promises, watch.runs, [], Policy(), second(-50))
    assert earlier.word is Word.PENDING


@pytest.mark.parametrize(
    ("now", "origin", "word"),
    [
        (62, [(-100, A)], "overdue"),
        (62, [(-100, A), (55, U)], "pending"),
        (69, [(-100, A), (55, U)], "pending"),
        (70, [(-100, A), (55, U)], "overdue"),
        (62, [(-100, U)], "overdue"),
        (62, [(-100, A), (-60, U)], "pending"),
        (62, [(-100, A), (61, P)], "unproven"),
    ],
)
def test_lateness_by_the_edge_alone_waits_ten_seconds_for_an_origin_that_was_heard_before(
    now: float, origin: list[tuple[float, State]], word: str
) -> None:
    runs = {
        "r/page/edge": watched("r/page/edge", Story([(-100, A)]), 1, now),
        "r/page/origin": watched("r/page/origin", Story(origin), 1, now),
    }
    verdict = judge(release(), [promise()], runs, [], Policy(), second(now))
    assert verdict.word.value == word
    assert verdict.revisit is not None


def test_absent_longer_before_the_slot_than_the_tolerance_leaves_it_open_whether_it_came_early() -> None:
    verdict = page(120, (-90, State.ABSENT), (-62, State.UNKNOWN), (1, State.PRESENT))
    assert verdict.word is Word.UNPROVEN


def test_a_view_that_answered_out_over_the_slot_and_absent_after_it_stops_a_claim_of_lateness() -> None:
    edge = watched("r/page/edge", Story([(-30, State.PRESENT), (20, State.ABSENT)]), 1, 100)
    origin = watched("r/page/origin", Story([(-30, State.ABSENT)]), 1, 100)
    verdict = judge(release(), [promise()], {"r/page/edge": edge, "r/page/origin": origin}, [], Policy(), second(100))
    assert verdict.word is Word.UNPROVEN


def two(now: float, edge: Sequence[tuple[float, State]], origin: Sequence[tuple[float, State]] = ()) -> Verdict:
    told = {"edge": edge, "origin": origin}
    runs = {f"r/page/{view}": watched(f"r/page/{view}", Story(story), 1, now) for view, story in told.items() if story}
    return judge(release(), [promise()], runs, [], Policy(), second(now))


def test_what_answered_as_out_until_its_slot_and_came_after_it_again_is_bounded_by_nothing() -> None:
    verdict = two(100, [(-30, State.PRESENT), (6, State.ABSENT), (30, State.PRESENT)])
    assert (verdict.word, verdict.early_bound) == (Word.UNPROVEN, None)


def test_what_answered_as_out_and_as_absent_before_its_slot_is_late_if_it_does_not_come() -> None:
    assert two(100, [(-30, State.PRESENT), (-20, State.ABSENT)]).word is Word.OVERDUE
    verdict = two(100, [(-30, State.PRESENT), (-20, State.ABSENT), (6, State.PRESENT)])
    assert (verdict.word, verdict.early_bound) == (Word.ON_TIME, 0.0)


def test_an_absence_at_the_origin_just_before_the_slot_bounds_it_whatever_the_edge_answered() -> None:
    edge = [(-30, State.PRESENT), (6, State.ABSENT), (30, State.PRESENT)]
    verdict = two(100, edge, [(-30, State.ABSENT), (0, State.PRESENT)])
    assert (verdict.word, verdict.early_bound) == (Word.ON_TIME, 1.0)


def test_an_absence_proves_nothing_where_another_view_answered_as_out_before_it() -> None:
    for came, word in ((21, Word.ON_TIME), (81, Word.UNPROVEN)):
        verdict = two(100, [(4, State.ABSENT), (came, State.PRESENT)], [(6.2, State.PRESENT)])
        assert verdict.word is word
        assert verdict.page is not None
        assert verdict.page.released.after is not None
        assert second(4) <= verdict.page.released.after < second(6.3)


def test_what_came_early_has_no_bound_on_how_early() -> None:
    assert two(100, [(-30, State.ABSENT), (-20, State.PRESENT)]).early_bound is None


def test_present_before_the_slot_by_just_the_clocks_uncertainty_is_not_early() -> None:
    assert two(100, [(-30, State.ABSENT), (-1, State.PRESENT)]).word is Word.ON_TIME


def test_what_was_gone_before_its_slot_and_flickers_after_it_is_on_time() -> None:
    turns = [(-30, State.PRESENT), (-20, State.ABSENT), (3, State.PRESENT), (6, State.ABSENT), (9, State.PRESENT)]
    assert two(100, turns).word is Word.ON_TIME


def test_what_answered_as_out_at_a_first_look_after_the_slot_may_have_stood_at_it() -> None:
    assert two(100, [(2, State.PRESENT), (6, State.ABSENT), (30, State.PRESENT)]).word is Word.UNPROVEN
