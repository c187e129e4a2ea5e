from __future__ import annotations

from datetime import timedelta

from monitor.deliver.verdicts import body_of
from monitor.judge.explain.timeline import Timeline, timeline
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Blind, Run
from monitor.look.sighting import State
from tests.unit.monitor.deliver.story import SLOT, a_promise, a_release, a_run, at


def drawn(*runs: Run, now: float, blind: tuple[Blind, ...] = ()) -> Timeline | None:
    known = {"r/page/edge": list(runs)} if runs else {}
    verdict = judge(a_release(), [a_promise()], known, blind, Policy(), at(now))
    return timeline(body_of(verdict, None), known, blind, at(now))


def test_what_was_never_looked_at_is_not_drawn() -> None:
    assert drawn(now=60) is None


def test_a_late_release_is_drawn_from_its_slot_to_when_it_came() -> None:
    line = drawn(a_run("r", State.ABSENT, -86400, 1200), a_run("r", State.PRESENT, 1201, 90000), now=90000)
    assert line is not None
    assert line.begins < SLOT < at(1201) < line.ends
    # A day of waiting and a day of standing there would leave no room for the twenty minutes that matter.
    assert line.ends - line.begins < timedelta(minutes=30)
    assert [span.state for span in line.lanes[0].spans] == ["absent", "present"]


def test_what_was_out_early_is_drawn_over_what_was_seen() -> None:
    line = drawn(
        a_run("r", State.ABSENT, -7200, -3600),
        a_run("r", State.PRESENT, -3595, -3000),
        a_run("r", State.ABSENT, -2995, -10),
        a_run("r", State.PRESENT, 1, 60),
        now=60,
    )
    assert line is not None
    early = [span for span in line.lanes[0].spans if span.state == "early"]
    assert [(span.begins, span.ends) for span in early] == [(at(-3595), at(-3000))]
    assert line.begins < at(-3595)


def test_an_exposure_that_is_open_goes_on_to_now() -> None:
    line = drawn(a_run("r", State.ABSENT, -7200, -600), a_run("r", State.PRESENT, -595, -300), now=-300)
    assert line is not None
    assert [(span.begins, span.ends) for span in line.lanes[0].spans if span.state == "early"] == [(at(-595), at(-300))]


def test_blind_spans_are_drawn_where_they_touch_and_places_stay_inside() -> None:
    blind = (Blind(at(-90), at(-40), "stalled"), Blind(at(-90000), at(-80000), "stopped"))
    line = drawn(a_run("r", State.ABSENT, -86400, 400), now=400, blind=blind)
    assert line is not None
    assert [span.state for span in line.blind] == ["stalled"]
    for span in (*line.lanes[0].spans, *line.blind):
        box = line.box(span)
        assert box is not None
        assert 0 <= box[0] <= box[0] + box[1] <= 100


def test_a_long_story_is_told_by_its_beginning_and_its_end() -> None:
    runs = [a_run("r", State.UNKNOWN if n % 2 else State.ABSENT, -7200 + 10 * n, -7195 + 10 * n) for n in range(100)]
    line = drawn(*runs, now=60)
    assert line is not None
    assert (len(line.lanes[0].spans), line.lanes[0].left_out) == (40, 60)
