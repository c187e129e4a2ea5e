"""Runs put together long after their release: no verdict changes, whatever was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.judge.explain.explain import explain
from monitor.judge.judge import judge
from monitor.judge.merge_runs import compacted
from monitor.judge.policy import Policy
from monitor.judge.runs import Run
from monitor.judge.verdict import Kind, Verdict
from monitor.look.sighting import Sighting, State
from schedules.announcement import Part, Role
from schedules.announcement import State as Standing
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot
from tests.unit.monitor.judge.world import fold

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
UNTIL = SLOT - DAY
EDGE = "r/page/edge"
PAGE = Part("page", Role.PAGE, "https://x.example/r")
RELEASE = Release("r", "R", "office", PAGE.url, (PAGE,), ("own",))
PROMISE = Promise(
    "r", "own", Slot(Precision.INSTANT, instant=SLOT), Standing.CONFIRMED, SLOT - 40 * DAY, confirmed_at=SLOT
)


def run(state: State, begin: datetime, minutes: int = 10, target: str = EDGE, **more: object) -> Run:
    end = begin + minutes * MINUTE
    return replace(Run(target, state, begin, end, begin, end, looks=minutes + 1, largest_gap=MINUTE), **more)  # type: ignore[arg-type] # names are checked as they are set


def of_one(runs: list[Run]) -> list[Run]:
    return compacted({EDGE: runs}, UNTIL)[EDGE]


def test_absences_with_failed_looks_between_become_one_that_counts_them() -> None:
    first = run(State.ABSENT, SLOT - 9 * DAY, evidence=("edge-1",))
    failed = run(State.UNKNOWN, SLOT - 9 * DAY + HOUR, why="timeout", evidence=("edge-2",))
    last = run(State.ABSENT, SLOT - 9 * DAY + 2 * HOUR, evidence=("edge-1", "edge-3"))
    late = run(State.ABSENT, SLOT - HOUR)
    assert of_one([first, failed, last, late]) == [
        replace(
            first,
            last_received=last.last_received,
            end=last.end,
            looks=22,
            failed=11,
            largest_gap=110 * MINUTE,
            evidence=("edge-1", "edge-2", "edge-3"),
        ),
        late,
    ]


def test_what_lies_within_a_day_of_the_slot_is_left_look_for_look() -> None:
    near = [run(State.ABSENT, SLOT - n * HOUR) for n in (20, 10, 5)]
    assert of_one(near) == near


def test_nothing_is_put_together_where_anything_was_out_early() -> None:
    runs = [run(State.ABSENT, SLOT - 9 * DAY), run(State.PRESENT, SLOT - 8 * DAY), run(State.ABSENT, SLOT - 7 * DAY)]
    assert of_one([*runs, run(State.ABSENT, SLOT - 6 * DAY)]) == [*runs, run(State.ABSENT, SLOT - 6 * DAY)]
    # By another view, which tells nothing of when it had not come yet.
    views = {EDGE: [runs[0], runs[2]], "r/page/origin": [runs[1]]}
    assert compacted(views, UNTIL) == views


def test_other_answers_other_bytes_and_failures_at_either_end_stay_apart() -> None:
    runs = [
        run(State.UNKNOWN, SLOT - 9 * DAY, why="dns"),
        run(State.ABSENT, SLOT - 8 * DAY, status=404),
        run(State.ABSENT, SLOT - 7 * DAY, status=410),
        run(State.ABSENT, SLOT - 6 * DAY, digest="aa"),
        run(State.UNKNOWN, SLOT - 5 * DAY, why="dns"),
    ]
    assert of_one(runs) == runs


def test_compacting_twice_changes_nothing_more() -> None:
    runs = [run(State.ABSENT, SLOT - n * DAY) for n in range(9, 0, -1)]
    once = of_one(runs)
    assert len(once) == 2
    assert of_one(once) == once


STATES = st.sampled_from([State.ABSENT] * 6 + [State.UNKNOWN] * 3 + [State.PRESENT, State.WITHDRAWN])


@st.composite
def seen_of(draw: st.DrawFn, target: str) -> list[Run]:
    """Draw what a target was seen to be over two weeks and some, mostly before the slot."""
    at = SLOT + draw(st.integers(-14 * 24 * 60, 0)) * MINUTE
    runs: list[Run] = []
    for _ in range(draw(st.integers(0, 25))):
        at += draw(st.sampled_from([MINUTE, 10 * MINUTE, 3 * HOUR, DAY, 2 * DAY]))
        state = draw(STATES)
        came, why = at + timedelta(seconds=1), "timeout" if state is State.UNKNOWN else ""
        specific = state is State.PRESENT and draw(st.booleans())
        status = draw(st.sampled_from([404, 404, 410])) if state is State.ABSENT else 200
        runs = fold(runs, Sighting(target, state, at, came, at, came, specific, why, status=status), (), 12 * HOUR)
    return runs


def but_for_failed_looks(told: Verdict) -> Verdict:
    return replace(told, findings=tuple(one for one in told.findings if one.kind is not Kind.BLIND))


@settings(max_examples=300, deadline=None)
@given(st.tuples(*(seen_of(f"r/page/{view}") for view in ("edge", "origin", "content"))), st.integers(0, 20 * 24))
def test_no_verdict_and_no_fact_but_the_list_of_runs_changes(views: tuple[list[Run], ...], hours: int) -> None:
    now = SLOT + hours * HOUR
    before = {runs[0].target: runs for runs in views if runs}
    after = compacted(before, UNTIL)
    for tolerance in (MINUTE, HOUR):
        policy = Policy(on_time_within=tolerance)
        told, again = (judge(RELEASE, [PROMISE], runs, (), policy, now) for runs in (before, after))
        assert but_for_failed_looks(told) == but_for_failed_looks(again)
        facts, fewer = (
            [
                fact
                for fact in explain(told, RELEASE, [PROMISE], runs, (), policy).facts
                if fact.kind not in ("run", "finding")
            ]
            for runs in (before, after)
        )
        assert facts == fewer
    for target, runs in before.items():
        assert sum(one.looks + one.failed for one in runs) == sum(one.looks + one.failed for one in after[target])
