"""Every finding, by sentence. Instants are seconds from the slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.judge.findings.platform import settled, with_platform
from monitor.judge.judge import judge
from monitor.judge.policy import Grade, Policy
from monitor.judge.runs import Blind, Run
from monitor.judge.verdict import Finding, Kind, Verdict, Word
from monitor.look.sighting import State
from schedules.announcement import Part, Role
from schedules.announcement import State as Standing
from schedules.promise import Promise
from schedules.times.interval import Bounds
from tests.unit.monitor.judge.world import SLOT, Story, promise, release, second, watched

P, A, U, W = State.PRESENT, State.ABSENT, State.UNKNOWN, State.WITHDRAWN
DAY = 86_400.0
SHEET = Part("sheet", Role.DATA, "https://assets.publishing.service.gov.uk/media/x/tables.ods")
NEWS = Part("news", Role.ALTERNATIVE, "https://www.gov.uk/government/news/x", required=False)


def seen(now: float, stories: dict[str, Story], every: float = 1) -> dict[str, list[Run]]:
    return {f"r/{view}": watched(f"r/{view}", story, every, now) for view, story in stories.items()}


def judged(
    now: float,
    stories: dict[str, Story],
    parts: Sequence[Part] = (),
    promises: Sequence[Promise] | None = None,
    blind: Sequence[Blind] = (),
) -> Verdict:
    runs = seen(now, stories)
    return judge(release(*parts), promises or [promise()], runs, blind, Policy(), second(now))


def of(verdict: Verdict, kind: Kind) -> list[Finding]:
    return [found for found in verdict.findings if found.kind is kind]


def page(*states: tuple[float, State]) -> dict[str, Story]:
    return {"page/edge": Story(states)}


def test_an_ordinary_release_has_no_findings() -> None:
    stories = {"page/edge": Story([(-100, A), (1, P)]), "page/origin": Story([(-100, A), (1, P)])}
    assert judged(200, stories).findings == ()


def test_the_content_api_joins_no_two_exposures_in_between_which_it_was_not_looked_at() -> None:
    runs = seen(-560, page((-700, A), (-660, P), (-650, A), (-600, P)), every=5)
    for spacing, exposures in ((5, 2), (50, 1)):
        runs["r/page/content"] = watched("r/page/content", Story([(-1005, A), (-658, P)]), 70, -560, spacing)
        verdict = judge(release(), [promise()], runs, (), Policy(), second(-560))
        assert len(verdict.exposures) == exposures
        assert verdict.exposures[-1].open


def test_an_exposure_is_open_as_long_as_an_edge_hands_out_its_old_copy() -> None:
    stories = page((-1600, A), (-1500, P)) | {"page/origin": Story([(-1600, A), (-1500, P), (-1200, A)])}
    runs = seen(-900, stories, every=5)
    copy = replace(runs["r/page/edge"][-1], end=second(-1200))
    runs["r/page/edge"][-1] = copy
    (exposure,) = judge(release(), [promise()], runs, [], Policy(), second(-900)).exposures
    assert exposure.open
    runs["r/page/edge"] += seen(-700, page((-890, A)))["r/page/edge"]
    (exposure,) = judge(release(), [promise()], runs, [], Policy(), second(-700)).exposures
    assert exposure.seconds == Bounds(300, 615)


def test_an_exposure_is_found_with_its_length_and_part() -> None:
    (found,) = of(judged(-10, page((-900, A), (-600, P), (-300, W))), Kind.EARLY_EXPOSURE)
    assert (found.part, found.seconds) == ("page", Bounds(299, 301))
    assert "went between" in found.detail


def test_a_release_exactly_an_hour_late_hints_at_a_clock_in_utc() -> None:
    (found,) = of(judged(3700, page((-100, A), (3600, P))), Kind.LATE)
    assert "UTC" in found.detail
    (found,) = of(judged(3700, page((-100, A), (2600, P))), Kind.LATE)
    assert "UTC" not in found.detail


def test_an_exposure_of_exactly_an_hour_hints_at_a_clock_in_utc() -> None:
    (found,) = of(judged(100, page((-4000, A), (-3600, P))), Kind.EARLY_EXPOSURE)
    assert "UTC" in found.detail


def test_some_parts_late_while_the_page_was_in_time_is_partial() -> None:
    stories = page((-100, A), (1, P)) | {"sheet/edge": Story([(-100, A), (780, P)])}
    (found,) = of(judged(900, stories, [SHEET]), Kind.PARTIAL)
    assert found.detail == "late while other parts were out: sheet"
    assert found.seconds == Bounds(779, 780)


def test_a_part_still_missing_when_the_page_is_out_late_is_partial() -> None:
    stories = page((-100, A), (300, P)) | {"sheet/edge": Story([(-100, A)])}
    assert of(judged(900, stories, [SHEET]), Kind.PARTIAL)


def test_everything_late_together_is_not_partial() -> None:
    stories = page((-100, A), (300, P)) | {"sheet/edge": Story([(-100, A), (300, P)])}
    assert not of(judged(900, stories, [SHEET]), Kind.PARTIAL)


def test_an_alternative_before_the_late_page_is_found_with_its_lead() -> None:
    stories = page((-100, A), (1000, P)) | {"news/edge": Story([(-100, A), (400, P)])}
    (found,) = of(judged(1100, stories, [NEWS]), Kind.ELSEWHERE_FIRST)
    assert (found.part, found.seconds) == ("news", Bounds(599, 601))
    assert NEWS.url in found.detail
    assert "6 min 39 s to 6 min 40 s after the slot" in found.detail


def test_an_alternative_while_the_page_is_still_absent_is_found_with_a_growing_lead() -> None:
    stories = page((-100, A)) | {"news/edge": Story([(-100, A), (400, P)])}
    (found,) = of(judged(500, stories, [NEWS]), Kind.ELSEWHERE_FIRST)
    assert found.seconds == Bounds(100, None)


@pytest.mark.parametrize("news", [[(-100, A), (2, P)], [(-100, A), (50, P)], [(2, P)]])
def test_an_alternative_is_no_finding_when_the_page_came_in_time(news: list[tuple[float, State]]) -> None:
    stories = page((-100, A), (20, P)) | {"news/edge": Story(news)}
    assert judged(200, stories, [NEWS]).findings == ()


def test_other_bytes_of_a_file_after_the_release_are_a_swap() -> None:
    sheet = Story([(-100, A), (2, P)], digests=[(-100, "a"), (500, "b")])
    (found,) = of(judged(600, page((-100, A), (1, P)) | {"sheet/edge": sheet}, [SHEET]), Kind.SWAPPED)
    assert (found.part, found.seconds) == ("sheet", Bounds(497, 499))


def test_old_bytes_handed_out_once_more_are_no_second_swap() -> None:
    sheet = Story([(-100, A), (2, P)], digests=[(-100, "a"), (500, "b"), (510, "a"), (520, "b")])
    assert len(of(judged(600, page((-100, A), (1, P)) | {"sheet/edge": sheet}, [SHEET]), Kind.SWAPPED)) == 1


def test_other_bytes_of_a_page_are_no_swap() -> None:
    stories = {"page/edge": Story([(-100, A), (1, P)], digests=[(-100, "a"), (50, "b")])}
    assert judged(200, stories).findings == ()


def test_a_notice_of_withdrawal_after_the_release_is_found_at_once() -> None:
    (found,) = of(judged(302, page((-100, A), (1, P), (300, W))), Kind.WITHDRAWN)
    assert found.seconds == Bounds(2, None)


def test_content_gone_for_a_moment_is_a_flicker_and_for_a_minute_withdrawn() -> None:
    assert not of(judged(330, page((-100, A), (1, P), (300, A))), Kind.WITHDRAWN)
    verdict = judged(330, page((-100, A), (1, P), (300, A)))
    assert verdict.revisit == second(360)
    assert of(judged(360, page((-100, A), (1, P), (300, A))), Kind.WITHDRAWN)
    assert not of(judged(400, page((-100, A), (1, P), (300, A), (310, P))), Kind.WITHDRAWN)


def test_content_taken_away_and_put_back_tells_for_how_long() -> None:
    (found,) = of(judged(900, page((-100, A), (1, P), (300, W), (700, P))), Kind.WITHDRAWN)
    assert found.seconds == Bounds(399, 401)


def test_an_edge_that_hid_the_release_is_found_and_measured() -> None:
    stories = {"page/edge": Story([(-100, A), (90, P)]), "page/origin": Story([(-100, A), (1, P)])}
    (found,) = of(judged(200, stories), Kind.STALE_EDGE)
    assert found.seconds == Bounds(88, 90)


def test_an_edge_that_still_hides_it_has_no_end_yet() -> None:
    stories = {"page/edge": Story([(-100, A)]), "page/origin": Story([(-100, A), (1, P)])}
    (found,) = of(judged(200, stories), Kind.STALE_EDGE)
    assert found.seconds == Bounds(199, None)


def test_an_edge_a_look_behind_the_origin_is_no_finding() -> None:
    stories = {"page/edge": Story([(-100, A), (2, P)]), "page/origin": Story([(-100, A), (1, P)])}
    assert judged(200, stories).findings == ()


@pytest.mark.parametrize(("until", "kind"), [(2, Kind.WITHDRAWN), (1600, Kind.STALE_EDGE)])
def test_what_is_gone_after_the_edge_had_shown_it_is_stale_only_while_the_origin_has_it(
    until: float, kind: Kind
) -> None:
    edge = seen(1600, {"page/edge": Story([(-100, A), (3, P), (900, A), (1500, P)])}, every=5)
    origin = seen(until, {"page/origin": Story([(-100, A), (1, P)])})
    verdict = judge(release(), [promise()], edge | origin, [], Policy(), second(1600))
    assert [found.kind for found in verdict.findings] == [kind]


def test_what_the_edge_says_was_taken_away_is_no_old_answer() -> None:
    origin = seen(2, {"page/origin": Story([(-100, A), (1, P)])})
    edge = seen(200, {"page/edge": Story([(-100, A), (20, W), (60, A), (90, P)])})
    (found,) = of(judge(release(), [promise()], edge | origin, [], Policy(), second(200)), Kind.STALE_EDGE)
    assert found.seconds == Bounds(18, 20)
    # An edge that went on saying so from before hides the release all the same.
    edge = seen(200, {"page/edge": Story([(-100, A), (-50, W), (90, P)])})
    (found,) = of(judge(release(), [promise()], edge | origin, [], Policy(), second(200)), Kind.STALE_EDGE)
    assert found.seconds == Bounds(88, 90)


def test_each_time_an_edge_hides_what_the_origin_has_is_found_and_measured() -> None:
    edge = Story([(-100, A), (5, P), (20, A), (180, P)])
    verdict = judged(300, {"page/edge": edge, "page/origin": Story([(-100, A), (1, P)])})
    first, again = of(verdict, Kind.STALE_EDGE)
    assert (first.seconds, again.seconds) == (Bounds(3, 5), Bounds(159, 161))
    assert again.detail.endswith("having shown it before")
    # Nobody waited for the origin first: they had it already.
    assert verdict.grade is Grade.NOTE


def test_without_an_origin_view_the_content_api_shows_a_stale_edge() -> None:
    stories = {"page/edge": Story([(-100, A), (30, P)]), "page/content": Story([(-100, A), (1, P)])}
    assert of(judged(200, stories), Kind.STALE_EDGE)[0].detail.startswith("the content API had it")


def test_a_blind_span_over_the_slot_is_found_with_cause_and_length() -> None:
    blind = [Blind(second(-20), second(40), "killed")]
    (found,) = of(judged(200, page((-100, A), (150, P)), blind=blind), Kind.BLIND)
    assert found.seconds == Bounds(60, 60)
    assert found.detail.startswith("killed for 1 min")


@pytest.mark.parametrize("span", [(-300, -200), (70, 90), (-0.5, 0.4)])
def test_a_blind_span_that_changed_nothing_is_no_finding(span: tuple[float, float]) -> None:
    blind = [Blind(second(span[0]), second(span[1]), "stalled")]
    assert judged(200, page((-100, A), (1, P)), blind=blind).findings == ()


@pytest.mark.parametrize(
    ("host", "target", "count"),
    [
        ("www.gov.uk", "", 1),
        ("www.ons.gov.uk", "", 0),
        ("", "r/page/edge", 1),
        ("", "r/sheet/edge", 0),
    ],
)
def test_a_blind_span_counts_where_it_hid_something(host: str, target: str, count: int) -> None:
    blind = [Blind(second(-20), second(40), "dns", host, target)]
    assert len(of(judged(200, page((-100, A), (150, P)), blind=blind), Kind.BLIND)) == count


def test_failed_looks_that_left_a_release_unproven_are_found() -> None:
    (found,) = of(judged(200, page((-100, A), (-70, U), (150, P))), Kind.BLIND)
    assert found.part == "page"
    assert found.detail.startswith("all 220 looks failed")


def test_a_failure_that_held_back_further_looks_hid_the_slot_until_the_next_one() -> None:
    runs = seen(200, page((-100, A), (-70, U), (150, P)))["r/page/edge"]
    cut = [replace(run, last_received=run.first_sent, looks=1) if run.state is U else run for run in runs]
    verdict = judge(release(), [promise()], {"r/page/edge": cut}, (), Policy(), second(200))
    (found,) = of(verdict, Kind.BLIND)
    assert found.seconds == Bounds(220.0, 220.0)
    assert found.detail.startswith("all 1 looks failed")


def test_failed_looks_at_the_edge_are_nothing_while_the_origin_was_seen() -> None:
    stories = {"page/edge": Story([(-100, A), (-70, U), (150, P)]), "page/origin": Story([(-100, A), (1, P)])}
    assert not of(judged(200, stories), Kind.BLIND)


def test_a_clock_in_doubt_over_the_slot_is_a_clock_fault() -> None:
    stories = {"page/edge": Story([(-100, A), (-70, U), (150, P)], why="clock")}
    verdict = judged(200, stories)
    assert [found.kind for found in verdict.findings] == [Kind.CLOCK_FAULT]


def test_one_doubt_about_our_clock_is_one_finding_whatever_shows_it() -> None:
    doubt = Story([(-100, A), (-70, U), (150, P)], why="clock")
    stories = dict.fromkeys(("page/edge", "page/origin", "sheet/edge"), doubt)
    runs = seen(200, stories) | seen(200, {"page/origin": doubt}, every=7)
    spans = [Blind(second(-68), second(90), "clock"), Blind(second(95), second(140), "clock", target="r/sheet/edge")]
    verdict = judge(release(SHEET), [promise()], runs, spans, Policy(), second(200))
    (found,) = of(verdict, Kind.CLOCK_FAULT)
    assert (found.part, found.seconds) == (None, Bounds(219, 219))


def test_calendars_that_differ_are_found_with_both_times() -> None:
    promises = [promise(), promise(SLOT + timedelta(hours=1), calendar="ics")]
    (found,) = of(judged(200, page((-100, A), (1, P)), promises=promises), Kind.CALENDARS_DISAGREE)
    assert "govuk says Fri 5 Jan 2018 09:30:00 GMT" in found.detail
    assert "ics says Fri 5 Jan 2018 10:30:00 GMT" in found.detail


def test_a_date_moved_with_short_notice_is_found() -> None:
    promises = [promise(SLOT - timedelta(days=1)), promise(SLOT, -3 * DAY, unlearnt=second(-4 * DAY))]
    (found,) = of(judged(200, page((-100, A), (1, P)), promises=promises), Kind.SHORT_NOTICE)
    assert "moved to another day 2 days ahead" in found.detail


def test_one_day_ahead_is_told_as_one_day() -> None:
    promises = [promise(SLOT), promise(SLOT + timedelta(hours=1), -DAY, unlearnt=second(-2 * DAY))]
    (found,) = of(judged(200, page((-100, A), (1, P)), promises=promises), Kind.SHORT_NOTICE)
    assert "moved to another time 1 day ahead" in found.detail


def test_a_cancelled_release_keeps_what_its_calendars_said() -> None:
    promises = [promise(), promise(SLOT, -3 * DAY, state=Standing.CANCELLED)]
    verdict = judged(200, page((-100, A)), promises=promises)
    assert [found.kind for found in verdict.findings] == [Kind.SHORT_NOTICE]


def test_two_producers_late_on_one_host_at_one_slot_are_a_matter_of_the_platform() -> None:
    one = judged(400, page((-100, A), (300, P)))
    other = replace(one, release="q", producer="ons")
    (found,) = of(with_platform(one, [settled(other)]), Kind.PLATFORM)
    assert found.detail == "2 releases of ofqual, ons late together on www.gov.uk"


@pytest.mark.parametrize(("on_time", "told"), [(0, 1), (4, 1), (5, 0), (98, 0)])
def test_few_late_among_many_on_time_are_no_fault_of_the_platform(on_time: int, told: int) -> None:
    one = judged(400, page((-100, A), (300, P)))
    other = settled(replace(one, release="q", producer="ons"))
    in_time = [replace(other, release=f"t{place}", word=Word.ON_TIME) for place in range(on_time)]
    elsewhere = [replace(each, host="www.ons.gov.uk", release=f"e{each.release}") for each in in_time]
    assert len(of(with_platform(one, [other, *in_time, *elsewhere]), Kind.PLATFORM)) == told


@pytest.mark.parametrize("change", [{"producer": "ofqual"}, {"url": "https://www.ons.gov.uk/x"}, {"slot": None}])
def test_late_releases_that_share_nothing_are_not(change: dict[str, object]) -> None:
    one = judged(400, page((-100, A), (300, P)))
    other = replace(one, **({"release": "q", "producer": "ons"} | change))
    assert with_platform(one, [settled(other)]) is one


@pytest.mark.parametrize(("count", "told"), [(59, 0), (60, 1), (2000, 1)])
def test_that_more_parts_are_named_than_watched_is_a_finding(count: int, told: int) -> None:
    parts = [Part(f"found-{n}", Role.DATA, f"https://a.example/{n}", required=False) for n in range(count)]
    verdict = judge(release(*parts), [promise()], {}, [], Policy(), second(200))
    assert len(of(verdict, Kind.PARTS_CUT)) == told


def by_monitors(until: float, **stories: Story) -> dict[str, list[Run]]:
    """Return the runs of one edge as monitors of these names saw it, in the order of looks."""
    each = {name: seen(until, {"page/edge": story}) for name, story in stories.items()}
    (target,) = {target for runs in each.values() for target in runs}
    named = [replace(run, monitor=name) for name, runs in each.items() for run in runs[target]]
    return {target: sorted(named, key=lambda run: run.key)}


def test_an_edge_that_serves_one_monitor_and_not_the_other_is_a_split_view_with_both_named() -> None:
    runs = by_monitors(200, north=Story([(-100, A), (5, P)]), south=Story([(-100, A), (60, P)]))
    (found,) = of(judge(release(), [promise()], runs, [], Policy(), second(200)), Kind.SPLIT_VIEW)
    assert found.part == "page"
    assert found.detail.startswith(
        "“north” got it between Fri 5 Jan 2018 09:30:04 GMT and Fri 5 Jan 2018 09:30:05 GMT; "
    )
    assert found.detail.endswith("“south” was served without it for 54 s to 56 s more")
    assert found.seconds == Bounds(54, 56)


def test_an_edge_that_still_serves_one_monitor_the_old_answer_has_no_end_yet() -> None:
    runs = by_monitors(200, north=Story([(-100, A), (5, P)]), south=Story([(-100, A)]))
    (found,) = of(judge(release(), [promise()], runs, [], Policy(), second(200)), Kind.SPLIT_VIEW)
    assert found.seconds is not None
    assert found.seconds.max is None


def test_monitors_that_saw_the_same_or_one_alone_have_no_split_view() -> None:
    alike = by_monitors(200, north=Story([(-100, A), (5, P)]), south=Story([(-100, A), (6, P)]))
    alone = by_monitors(200, north=Story([(-100, A), (5, P)]))
    for runs in (alike, alone):
        assert not of(judge(release(), [promise()], runs, [], Policy(), second(200)), Kind.SPLIT_VIEW)
