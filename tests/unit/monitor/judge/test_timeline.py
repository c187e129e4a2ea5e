"""The timeline of a release that its page shows. A number is an instant in seconds after the
slot.
"""

from __future__ import annotations

from datetime import timedelta

from alerts.draft.report import Timeline
from alerts.plots import list_marks
from monitor.deliver.assessment import body_of
from monitor.judge.explain.timeline import build_timeline
from monitor.judge.runs import Blind, Run
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, EDGE, PRESENT, UNKNOWN, a_run
from tests.worlds.verdicts import judged


def timeline_of(*runs: Run, now: float, blind: tuple[Blind, ...] = ()) -> Timeline | None:
    seen = {EDGE: list(runs)} if runs else {}
    body = body_of(judged(now, seen, blind=blind), None)
    return build_timeline(body, seen, blind, after_slot(now), "Europe/London")


def early_spans(timeline: Timeline) -> list[tuple[object, object]]:
    return [(span.begins, span.ends) for span in timeline.lanes[0].spans if span.state == "early"]


def test_release_without_looks_has_no_timeline() -> None:
    assert timeline_of(now=60) is None


def test_timeline_of_late_release_shows_only_the_relevant_minutes() -> None:
    """The page came 20 minutes after its slot. Looks were made from a day before the slot to a day
    after. On a timeline of two days, these 20 minutes could not be seen. So it shows less than 30
    minutes, around slot and publication.
    """
    day_before, last_absent, came, day_after = -86_400, 1200, 1201, 90_000
    absent, present = (
        a_run("page", ABSENT, day_before, last_absent),
        a_run("page", PRESENT, came, day_after),
    )
    timeline = timeline_of(absent, present, now=day_after)
    assert timeline.begins < SLOT < after_slot(came) < timeline.ends
    assert timeline.ends - timeline.begins < timedelta(minutes=30)
    assert [span.state for span in timeline.lanes[0].spans] == ["absent", "public"]


def test_exposure_is_drawn_as_early() -> None:
    """The slot is 09:30. The page was public from 08:30 to 08:40, was removed, and came again a
    second after the slot. The timeline begins before 08:30. It draws the first time in which the
    page was public as “early”.
    """
    came_early, last_seen_early = -3600, -3000
    timeline = timeline_of(
        a_run("page", ABSENT, first=-7200, last=came_early - 5),
        a_run("page", PRESENT, first=came_early, last=last_seen_early),
        a_run("page", ABSENT, first=last_seen_early + 5, last=-10),
        a_run("page", PRESENT, first=1, last=60),
        now=60,
    )
    assert early_spans(timeline) == [(after_slot(came_early), after_slot(last_seen_early))]
    assert timeline.begins < after_slot(came_early)


def test_open_exposure_lasts_until_now() -> None:
    """The page was first seen 595 s before its slot.

    It is still public now, 300 s before it. So “early” ends now.
    """
    came_early, now = -595, -300
    absent, present = (
        a_run("page", ABSENT, first=-7200, last=-600),
        a_run("page", PRESENT, first=came_early, last=now),
    )
    timeline = timeline_of(absent, present, now=now)
    assert early_spans(timeline) == [(after_slot(came_early), after_slot(now))]


def test_timeline_of_a_verdict_that_is_not_final_reaches_to_now() -> None:
    timeline = timeline_of(a_run("page", ABSENT, first=-60, last=7200), now=7200)
    assert timeline.ends >= after_slot(7200)


def test_only_blind_spans_within_the_timeline_are_drawn() -> None:
    """The page was always absent. So the timeline begins only a few minutes before the slot. The
    monitor was blind from 90 s to 40 s before the slot (“stalled”), and for some hours a day before
    (“stopped”). Only the first lies within the timeline, so only this one is drawn. All that is
    drawn lies between 0 and 100 % of the width.
    """
    within = Blind(after_slot(-90), after_slot(-40), "stalled")
    before = Blind(after_slot(-90_000), after_slot(-80_000), "stopped")
    always_absent = a_run("page", ABSENT, first=-86_400, last=400)
    timeline = timeline_of(always_absent, now=400, blind=(within, before))
    page, monitor = timeline.lanes
    assert [span.note for span in monitor.spans] == ["stalled"]
    for mark in (*list_marks(timeline, page), *list_marks(timeline, monitor)):
        assert 0 <= mark.left <= mark.left + mark.width <= 100


def test_timeline_of_many_spans_leaves_out_the_middle() -> None:
    """Looks succeed and fail in turn. That makes 100 runs, each of which would be drawn as a span.
    At most 40 are drawn, so 60 are left out. The first and the last runs are drawn.
    """
    # One run each 10 s, of 5 s.
    starts = [-7200 + 10 * number for number in range(100)]
    states = [ABSENT, UNKNOWN] * 50
    runs = [
        a_run("page", state, first=start, last=start + 5)
        for state, start in zip(states, starts, strict=True)
    ]
    lane = timeline_of(*runs, now=60).lanes[0]
    assert (len(lane.spans), lane.left_out) == (40, 60)
    assert (lane.spans[0].begins, lane.spans[-1].ends) == (runs[0].begin, runs[-1].end)
