"""Merging the runs of old releases changes no verdict.

The runs of a page are random. Those that ended over a day before the slot are merged: equal
absences become one run, with the failed looks between them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.judge.explain.explain import Explanation, Fact, explain
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Run, compact_runs
from monitor.judge.verdict import Verdict
from monitor.look.sighting import Sighting, State
from schedules.contract.verdict import FindingKind
from tests.worlds.instants import DAY, HOUR, MINUTE, SLOT
from tests.worlds.looks import ABSENT, EDGE, PRESENT, UNKNOWN, WITHDRAWN, a_run, fold
from tests.worlds.releases import a_promise, a_release

A_DAY_BEFORE_SLOT = SLOT - DAY
"""Runs that ended by then are merged."""


def ten_minutes_of(state: State, begin: datetime, **fields: object) -> Run:
    """Return a run of eleven looks, a minute apart."""
    return a_run(
        "page", state, begin, begin + 10 * MINUTE, **{"looks": 11, "largest_gap": MINUTE, **fields}
    )


def merged_runs(*runs: Run) -> list[Run]:
    return compact_runs({EDGE: runs}, A_DAY_BEFORE_SLOT)[EDGE]


def test_absences_around_failed_looks_become_one_run() -> None:
    """Nine days before the slot, looks found the page absent. An hour later they failed, and two
    hours later they found it absent again. These three runs ended over a day before the slot, so
    they become one run of absences. It counts all looks, and keeps the ids of all evidence. A run
    from an hour before the slot is kept as it is.
    """
    nine_days_before = SLOT - 9 * DAY
    first = ten_minutes_of(ABSENT, nine_days_before, evidence=("id-1",))
    failed = ten_minutes_of(UNKNOWN, nine_days_before + HOUR, why="timeout", evidence=("id-2",))
    last = ten_minutes_of(ABSENT, nine_days_before + 2 * HOUR, evidence=("id-1", "id-3"))
    near_slot = ten_minutes_of(ABSENT, SLOT - HOUR)
    merged, kept = merged_runs(first, failed, last, near_slot)
    assert merged.state is ABSENT
    assert (merged.first_sent, merged.last_received) == (first.first_sent, last.last_received)
    # absence is proved from `begin` to `end`
    assert (merged.begin, merged.end) == (first.begin, last.end)
    assert (merged.looks, merged.failed) == (first.looks + last.looks, failed.looks)
    # The longest time between two successful looks was that between the two runs of absences.
    assert merged.largest_gap == last.first_sent - first.last_received
    assert merged.evidence == ("id-1", "id-2", "id-3")
    assert kept == near_slot


def test_runs_within_a_day_of_slot_are_not_merged() -> None:
    """Only runs that ended over a day before the slot are merged. These three runs of absences
    began 20, 10 and 5 hours before the slot. So all three are kept.
    """
    near = [ten_minutes_of(ABSENT, SLOT - hours * HOUR) for hours in (20, 10, 5)]
    assert merged_runs(*near) == near


def test_runs_are_not_merged_if_content_was_public_early() -> None:
    """Absences over a day before the slot usually become one run. But here the content was public 8
    days before its slot. Then it matters exactly when it was absent: 9, 7 and 6 days before. So all
    runs are kept.
    """
    runs = [
        ten_minutes_of(ABSENT, SLOT - 9 * DAY),
        ten_minutes_of(PRESENT, SLOT - 8 * DAY),
        ten_minutes_of(ABSENT, SLOT - 7 * DAY),
        ten_minutes_of(ABSENT, SLOT - 6 * DAY),
    ]
    assert merged_runs(*runs) == runs
    # The same is true if the edge never showed it, but the origin did. `compact_runs` merges the
    # runs of both views.
    first_absence, presence, *later_absences = runs
    runs_by_view = {EDGE: [first_absence, *later_absences], "r/page/origin": [presence]}
    assert compact_runs(runs_by_view, A_DAY_BEFORE_SLOT) == runs_by_view


def test_only_absences_of_same_status_and_bytes_are_merged() -> None:
    """All these runs are old enough to be merged. But each absence differs from the others in its
    status (404, 410) or its bytes (`digest`). Failed looks are merged only with equal absences
    around them. So all runs are kept.
    """
    runs = [
        ten_minutes_of(UNKNOWN, SLOT - 9 * DAY, why="dns"),
        ten_minutes_of(ABSENT, SLOT - 8 * DAY, status=404),
        ten_minutes_of(ABSENT, SLOT - 7 * DAY, status=410),
        ten_minutes_of(ABSENT, SLOT - 6 * DAY, digest="aa"),
        ten_minutes_of(UNKNOWN, SLOT - 5 * DAY, why="dns"),
    ]
    assert merged_runs(*runs) == runs


def test_merging_twice_gives_the_same_as_merging_once() -> None:
    """There is a run of absences on each of the 9 days before the slot. Those that ended over a day
    before the slot become one run. The last, a day before it, is kept. Merging these two runs again
    changes nothing.
    """
    runs = [ten_minutes_of(ABSENT, SLOT - days * DAY) for days in range(9, 0, -1)]
    once = merged_runs(*runs)
    assert len(once) == 2
    assert merged_runs(*once) == once


STATES = st.sampled_from([ABSENT] * 6 + [UNKNOWN] * 3 + [PRESENT, WITHDRAWN])


@st.composite
def runs_of_target(draw: st.DrawFn, target: str) -> list[Run]:
    """Draw the runs of one target over two weeks and some, mostly before the slot."""
    sent = SLOT + draw(st.integers(-14 * 24 * 60, 0)) * MINUTE
    runs: list[Run] = []
    for _ in range(draw(st.integers(0, 25))):
        sent += draw(st.sampled_from([MINUTE, 10 * MINUTE, 3 * HOUR, DAY, 2 * DAY]))
        state = draw(STATES)
        received, why = sent + timedelta(seconds=1), "timeout" if state is UNKNOWN else ""
        specific = state is PRESENT and draw(st.booleans())
        status = draw(st.sampled_from([404, 404, 410])) if state is ABSENT else 200
        sighting = Sighting(
            target, state, sent, received, sent, received, specific, why, status=status
        )
        runs = fold(runs, sighting, (), 12 * HOUR)
    return runs


@st.composite
def runs_by_target(draw: st.DrawFn) -> dict[str, list[Run]]:
    """Draw the runs of the three views of a page. A view that was never looked at is left out."""
    drawn = [draw(runs_of_target(f"r/page/{view}")) for view in ("edge", "origin", "content")]
    return {runs[0].target: runs for runs in drawn if runs}


# The longest tolerance is an hour. Until it is over, a fact states the looks of the last run,
# merged or not.
AFTER_TOLERANCE = st.integers(2, 20 * 24).map(lambda hours: SLOT + hours * HOUR)


def without_blind_findings(verdict: Verdict) -> Verdict:
    """Return a verdict without findings about failed looks: merged runs do not keep when looks
    failed.
    """
    return replace(
        verdict,
        findings=tuple(each for each in verdict.findings if each.kind is not FindingKind.BLIND),
    )


POLICIES = [Policy(on_time_within=MINUTE), Policy(on_time_within=HOUR)]


@settings(max_examples=300, deadline=None)
@given(runs=runs_by_target(), now=AFTER_TOLERANCE)
def test_merging_runs_changes_only_findings_of_failed_looks(
    runs: dict[str, list[Run]], now: datetime
) -> None:
    """The verdict before and after must be the same. Only its findings about failed looks may
    differ, because a merged run keeps how many looks failed, but not when.
    """
    merged = compact_runs(runs, until=A_DAY_BEFORE_SLOT)
    for policy in POLICIES:  # with a tolerance of a minute, and of an hour
        verdict = judge(a_release(), [a_promise()], runs, blind=(), policy=policy, now=now)
        verdict_after_merging = judge(
            a_release(), [a_promise()], merged, blind=(), policy=policy, now=now
        )
        assert without_blind_findings(verdict_after_merging) == without_blind_findings(verdict)


@settings(max_examples=300, deadline=None)
@given(runs=runs_by_target(), now=AFTER_TOLERANCE)
def test_merging_runs_keeps_explanation_except_for_runs_and_findings(
    runs: dict[str, list[Run]], now: datetime
) -> None:
    """The explanation of a verdict names these runs and the findings about failed looks. All its
    other facts must be the same before and after.
    """
    merged = compact_runs(runs, until=A_DAY_BEFORE_SLOT)
    for policy in POLICIES:  # with a tolerance of a minute, and of an hour
        verdict = judge(a_release(), [a_promise()], runs, blind=(), policy=policy, now=now)
        explanation = explain(verdict, a_release(), [a_promise()], runs, blind=(), policy=policy)
        explanation_after_merging = explain(
            verdict, a_release(), [a_promise()], merged, blind=(), policy=policy
        )
        assert other_facts(explanation_after_merging) == other_facts(explanation)


def other_facts(explanation: Explanation) -> list[Fact]:
    """Return the facts of an explanation, except those about runs and findings."""
    return [fact for fact in explanation.facts if fact.kind not in ("run", "finding")]


@settings(max_examples=300)
@given(runs_by_target())
def test_merging_runs_keeps_their_number_of_looks(runs: dict[str, list[Run]]) -> None:
    """A run counts successful looks in `looks`, and the failed ones merged into it in `failed`.
    Their sum must stay the same.
    """
    merged = compact_runs(runs, until=A_DAY_BEFORE_SLOT)
    for target, runs_before in runs.items():
        looks_before = sum(run.looks + run.failed for run in runs_before)
        looks_after = sum(run.looks + run.failed for run in merged[target])
        assert looks_after == looks_before
