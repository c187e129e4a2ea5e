"""The timeline of a release that its page shows. A number is an instant in seconds after the slot."""

from __future__ import annotations

from datetime import timedelta

from monitor.deliver.verdicts import body_of
from monitor.judge.explain.timeline import Timeline, build_timeline
from monitor.judge.runs import Blind, Run
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, EDGE, PRESENT, UNKNOWN, a_run
from tests.worlds.verdicts import judged


def timeline_of(*runs: Run, now: float, blind: tuple[Blind, ...] = ()) -> Timeline | None:
    seen = {EDGE: list(runs)} if runs else {}
    return build_timeline(body_of(judged(now, seen, blind=blind), None), seen, blind, after_slot(now))


def early_spans(timeline: Timeline) -> list[tuple[object, object]]:
    return [(span.begins, span.ends) for span in timeline.lanes[0].spans if span.state == "early"]


def test_release_without_looks_has_no_timeline() -> None:
    assert timeline_of(now=60) is None


def test_timeline_of_late_release_shows_only_the_relevant_minutes() -> None:
    """The page came 20 minutes after its slot. Looks go from a day before to a day after. Drawn in full, these 20
    minutes could not be seen, so less than 30 minutes are drawn."""
    came = 1201
    timeline = timeline_of(a_run("page", ABSENT, -86_400, 1200), a_run("page", PRESENT, came, 90_000), now=90_000)
    assert timeline.begins < SLOT < after_slot(came) < timeline.ends
    assert timeline.ends - timeline.begins < timedelta(minutes=30)
    assert [span.state for span in timeline.lanes[0].spans] == ["absent", "present"]


def test_exposure_is_drawn_as_early() -> None:
    """The slot is 09:30. The page was public from 08:30 to 08:40, drawn as early, and from 09:30:01 on."""
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
    """The page was first seen 595 s before its slot, and still is now, 300 s before its slot."""
    came_early, now = -595, -300
    timeline = timeline_of(a_run("page", ABSENT, -7200, -600), a_run("page", PRESENT, came_early, now), now=now)
    assert early_spans(timeline) == [(after_slot(came_early), after_slot(now))]


def test_only_blind_spans_within_the_timeline_are_drawn() -> None:
    """The monitor saw nothing from 90 s to 40 s before the slot, and for some hours a day before. The page is always
    absent, so the timeline begins a few minutes before the slot."""
    within = Blind(after_slot(-90), after_slot(-40), "stalled")
    before = Blind(after_slot(-90_000), after_slot(-80_000), "stopped")
    timeline = timeline_of(a_run("page", ABSENT, -86_400, 400), now=400, blind=(within, before))
    assert [span.state for span in timeline.blind] == ["stalled"]
    for span in (*timeline.lanes[0].spans, *timeline.blind):
        left, width = timeline.box(span)  # in percent
        assert 0 <= left <= left + width <= 100


def test_timeline_of_many_spans_leaves_out_the_middle() -> None:
    """Looks succeed and fail in turn, which makes 100 spans. At most 40 are drawn: the first and the last ones."""
    runs = [a_run("page", UNKNOWN if n % 2 else ABSENT, -7200 + 10 * n, -7195 + 10 * n) for n in range(100)]
    lane = timeline_of(*runs, now=60).lanes[0]
    most_spans = 40
    assert (len(lane.spans), lane.left_out) == (most_spans, len(runs) - most_spans)
    assert (lane.spans[0].begins, lane.spans[-1].ends) == (runs[0].begin, runs[-1].end)
