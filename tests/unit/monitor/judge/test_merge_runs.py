"""Merging the runs of old releases changes no verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.judge.explain.explain import explain
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Run, compact_runs
from monitor.judge.verdict import Verdict
from monitor.look.sighting import Sighting, State
from schedules.contract.verdict import Kind
from tests.worlds.instants import DAY, HOUR, MINUTE, SLOT
from tests.worlds.looks import ABSENT, EDGE, PRESENT, UNKNOWN, WITHDRAWN, a_run, fold
from tests.worlds.releases import a_promise, a_release

UNTIL = SLOT - DAY


def ten_minutes_of(state: State, begin: datetime, **fields: object) -> Run:
    """Return a run of eleven looks, a minute apart."""
    return a_run("page", state, begin, begin + 10 * MINUTE, **{"looks": 11, "largest_gap": MINUTE, **fields})


def merged_runs(*runs: Run) -> list[Run]:
    return compact_runs({EDGE: runs}, UNTIL)[EDGE]


def test_absences_with_failed_looks_between_them_become_one_that_counts_them() -> None:
    first = ten_minutes_of(ABSENT, SLOT - 9 * DAY, evidence=("edge-1",))
    failed = ten_minutes_of(UNKNOWN, SLOT - 9 * DAY + HOUR, why="timeout", evidence=("edge-2",))
    last = ten_minutes_of(ABSENT, SLOT - 9 * DAY + 2 * HOUR, evidence=("edge-1", "edge-3"))
    near_slot = ten_minutes_of(ABSENT, SLOT - HOUR)
    merged, kept = merged_runs(first, failed, last, near_slot)
    assert (merged.first_sent, merged.last_received) == (first.first_sent, last.last_received)
    assert (merged.begin, merged.end, merged.state) == (first.begin, last.end, ABSENT)
    assert (merged.looks, merged.failed) == (first.looks + last.looks, failed.looks)
    assert merged.largest_gap == last.first_sent - first.last_received
    assert merged.evidence == ("edge-1", "edge-2", "edge-3")
    assert kept == near_slot


def test_runs_within_a_day_of_the_slot_are_not_merged() -> None:
    near = [ten_minutes_of(ABSENT, SLOT - n * HOUR) for n in (20, 10, 5)]
    assert merged_runs(*near) == near


def test_runs_are_not_merged_if_content_was_public_early() -> None:
    runs = [
        ten_minutes_of(ABSENT, SLOT - 9 * DAY),
        ten_minutes_of(PRESENT, SLOT - 8 * DAY),
        ten_minutes_of(ABSENT, SLOT - 7 * DAY),
        ten_minutes_of(ABSENT, SLOT - 6 * DAY),
    ]
    assert merged_runs(*runs) == runs
    # Nor are they if only another view showed it.
    first_absence, presence, *later_absences = runs
    views = {EDGE: [first_absence, *later_absences], "r/page/origin": [presence]}
    assert compact_runs(views, UNTIL) == views


def test_other_answers_other_bytes_and_failures_at_either_end_are_not_merged() -> None:
    # Only absences with the same status and bytes are merged, and failed looks only between two of these.
    runs = [
        ten_minutes_of(UNKNOWN, SLOT - 9 * DAY, why="dns"),
        ten_minutes_of(ABSENT, SLOT - 8 * DAY, status=404),
        ten_minutes_of(ABSENT, SLOT - 7 * DAY, status=410),
        ten_minutes_of(ABSENT, SLOT - 6 * DAY, digest="aa"),
        ten_minutes_of(UNKNOWN, SLOT - 5 * DAY, why="dns"),
    ]
    assert merged_runs(*runs) == runs


def test_merging_twice_gives_the_same_as_merging_once() -> None:
    runs = [ten_minutes_of(ABSENT, SLOT - n * DAY) for n in range(9, 0, -1)]
    once = merged_runs(*runs)
    # Runs are merged that ended over a day before the slot. The last one began a day before it, so it is kept.
    assert len(once) == 2
    assert merged_runs(*once) == once


STATES = st.sampled_from([ABSENT] * 6 + [UNKNOWN] * 3 + [PRESENT, WITHDRAWN])


@st.composite
def seen_of(draw: st.DrawFn, target: str) -> list[Run]:
    """Draw what a target was seen to be over two weeks and some, mostly before the slot."""
    at = SLOT + draw(st.integers(-14 * 24 * 60, 0)) * MINUTE
    runs: list[Run] = []
    for _ in range(draw(st.integers(0, 25))):
        at += draw(st.sampled_from([MINUTE, 10 * MINUTE, 3 * HOUR, DAY, 2 * DAY]))
        state = draw(STATES)
        came, why = at + timedelta(seconds=1), "timeout" if state is UNKNOWN else ""
        specific = state is PRESENT and draw(st.booleans())
        status = draw(st.sampled_from([404, 404, 410])) if state is ABSENT else 200
        runs = fold(runs, Sighting(target, state, at, came, at, came, specific, why, status=status), (), 12 * HOUR)
    return runs


def without_blind_findings(verdict: Verdict) -> Verdict:
    """Return a verdict without findings about failed looks: merged runs do not keep when looks failed."""
    return replace(verdict, findings=tuple(each for each in verdict.findings if each.kind is not Kind.BLIND))


# Until its tolerance of an hour is over, a release is due: that states the looks of its last run, merged or not.
@settings(max_examples=300, deadline=None)
@given(st.tuples(*(seen_of(f"r/page/{view}") for view in ("edge", "origin", "content"))), st.integers(2, 20 * 24))
def test_merging_runs_changes_only_findings_of_failed_looks_and_facts_that_list_runs(
    views: tuple[list[Run], ...], hours: int
) -> None:
    now = SLOT + hours * HOUR
    unmerged = {runs[0].target: runs for runs in views if runs}
    merged = compact_runs(unmerged, UNTIL)
    for policy in (Policy(on_time_within=MINUTE), Policy(on_time_within=HOUR)):
        verdict, verdict_by_merged = (
            judge(a_release(), [a_promise()], seen, (), policy, now) for seen in (unmerged, merged)
        )
        # Merged runs count failed looks, but do not keep when they failed.
        assert without_blind_findings(verdict) == without_blind_findings(verdict_by_merged)
        facts, facts_by_merged = (
            explain(verdict, a_release(), [a_promise()], seen, (), policy).facts for seen in (unmerged, merged)
        )
        lists_of_runs = ("run", "finding")
        assert [fact for fact in facts if fact.kind not in lists_of_runs] == [
            fact for fact in facts_by_merged if fact.kind not in lists_of_runs
        ]
    for target, runs in unmerged.items():
        assert sum(run.looks + run.failed for run in runs) == sum(run.looks + run.failed for run in merged[target])
