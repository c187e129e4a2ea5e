from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judge.runs import MOST_CHANGES, Blind
from monitor.judge.verdict import Verdict
from monitor.look.sighting import Sighting, State
from monitor.plan.phases import Window
from monitor.plan.targets import Target, View
from monitor.watch.blind_spans import SpansInOrder
from monitor.watch.release import WatchedRelease
from schedules.announcement import Part, Role
from schedules.contract.verdict import Grade, PartVerdict, VerdictKind
from schedules.release import Release
from schedules.times.interval import Interval
from tests.worlds.instants import after_slot
from tests.worlds.releases import a_promise
from tests.worlds.stores import TemporaryStore

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)


def blind_span(begins: float, ends: float, cause: str = "clock", host: str = "") -> Blind:
    return Blind(NINE + timedelta(seconds=begins), NINE + timedelta(seconds=ends), cause, host)


@pytest.mark.parametrize(
    "added",
    [
        [blind_span(0, 5), blind_span(0, 9)],
        [blind_span(0, 9), blind_span(0, 5)],
        [blind_span(20, 30), blind_span(0, 5)],
        [blind_span(0, 5), blind_span(0, 5, "killed"), blind_span(0, 5, host="www.gov.uk")],
    ],
    ids=["grows", "never shrinks", "in time order", "of other cause or scope"],
)
def test_blind_spans_in_memory_equal_those_in_the_store(added: list[Blind]) -> None:
    store, known = TemporaryStore(), SpansInOrder()
    for one in added:
        with store.transaction() as tx:
            tx.add_blind(one)
        known.add([one])
    kept = store.runs.blind(NINE - timedelta(days=1), NINE + timedelta(days=1))
    assert set(known.spans) == set(kept)
    assert [one.begins for one in known.spans] == [one.begins for one in kept]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10), st.sampled_from(["clock", "killed"])), max_size=12))
def test_the_blind_spans_after_an_instant_begin_with_the_first_that_ends_later_and_leave_none_out(
    added: list[tuple[int, int, str]],
) -> None:
    known = SpansInOrder()
    known.add(blind_span(begins, begins + length, cause) for begins, length, cause in added)
    for seconds in range(45):
        instant = NINE + timedelta(seconds=seconds)
        later = [span for span in known.spans if span.ends > instant]
        assert later == [span for span in known.after(instant) if span.ends > instant]
        assert known.after(instant)[:1] == later[:1]


def test_merging_keeps_the_promises_of_both_monitors_each_with_its_latest_confirmation() -> None:
    ours, theirs = a_promise(learnt=after_slot(-7200)), a_promise(after_slot(600), learnt=after_slot(-3600))
    release = WatchedRelease(Release("r", "Claims", "dwp", "", ()), (ours,))
    release.merge_promises([theirs])
    assert release.promises == (ours, theirs)
    confirmed_later = replace(ours, confirmed_at=after_slot(2 * 86400))
    for merged in (confirmed_later, ours):
        release.merge_promises([merged])
        assert release.promises == (confirmed_later, theirs)


def test_promises_that_differ_only_in_their_confirmation_count_as_those_of_the_release() -> None:
    ours, theirs = a_promise(learnt=after_slot(-7200)), a_promise(after_slot(600), learnt=after_slot(-3600))
    release = WatchedRelease(Release("r", "Claims", "dwp", "", ()), (ours,))
    assert release.has_promises([replace(ours, confirmed_at=after_slot(2 * 86400))])
    assert not release.has_promises([ours, theirs])


SHEET = Target("r/sheet/edge", "r", "sheet", View.EDGE, "https://a.example/x.ods", "a.example", "status", is_file=True)
ORIGIN = replace(SHEET, id="r/sheet/origin", view=View.ORIGIN)


def a_sighting_at(target: Target, at: float, state: State, digest: str | None = None) -> Sighting:
    when = NINE + timedelta(seconds=at)
    return Sighting(target.id, state, when, when, when, when, digest=digest)


def release_published_at_nine() -> WatchedRelease:
    page = PartVerdict("sheet", "data", SHEET.url, True, VerdictKind.ON_TIME, released=Interval(NINE, NINE))  # noqa: FBT003
    release = Release("r", "Claims", "dwp", "https://a.example/x", (Part("sheet", Role.DATA, SHEET.url),))
    verdict = Verdict(
        release="r",
        title="Claims",
        producer="dwp",
        url="",
        calendars=(),
        slot=None,
        slot_source=None,
        slot_learnt=None,
        verdict=VerdictKind.ON_TIME,
        grade=Grade.NONE,
        final=True,
        at=NINE,
        parts=(page,),
    )
    return WatchedRelease(release, (), verdict=verdict)


def test_a_file_that_changes_with_each_request_begins_no_more_runs_after_the_most_changes() -> None:
    release = release_published_at_nine()
    for at in range(200):
        release.add_sighting(SHEET, a_sighting_at(SHEET, at, State.PRESENT, f"bytes {at}"), None, apart=False)
    assert len(release.state_or_empty(SHEET.id).runs) == MOST_CHANGES + 1


def test_a_file_that_changed_a_few_times_begins_a_run_at_each_change() -> None:
    release = release_published_at_nine()
    for second in range(20):
        changes_every_five_seconds = f"bytes {second // 5}"
        sighting = a_sighting_at(SHEET, second, State.PRESENT, changes_every_five_seconds)
        release.add_sighting(SHEET, sighting, None, apart=False)
    assert [run.looks for run in release.state_or_empty(SHEET.id).runs] == [5, 5, 5, 5]


# Each look is its seconds after nine, the state, and the digest of the file.
@pytest.mark.parametrize(
    ("looks", "lost_after"),
    [
        ([(-5, State.ABSENT, None), (5, State.PRESENT, "a")], None),
        ([(5, State.PRESENT, "a"), (9, State.ABSENT, None), (12, State.ABSENT, None)], 9),
        ([(5, State.PRESENT, "a"), (9, State.UNKNOWN, None), (12, State.WITHDRAWN, None)], 12),
        ([(5, State.PRESENT, "a"), (9, State.ABSENT, None), (12, State.PRESENT, "a")], None),
        ([(5, State.PRESENT, "a"), (9, State.PRESENT, "b")], 9),
        ([(-9, State.PRESENT, "a"), (-5, State.PRESENT, "b"), (9, State.PRESENT, "b")], None),
    ],
    ids=["came", "went", "withdrawn", "back", "changed", "changed before its release"],
)
def test_the_time_of_a_removal_or_change_is_noted_for_both_views_of_a_part(
    looks: list[tuple[float, State, str | None]], lost_after: float | None
) -> None:
    release = release_published_at_nine()
    for at, state, digest in looks:
        release.add_sighting(SHEET, a_sighting_at(SHEET, at, state, digest), None, apart=False)
    lost_at = None if lost_after is None else NINE + timedelta(seconds=lost_after)
    assert release.progress(SHEET).lost_at == release.progress(ORIGIN).lost_at == lost_at


def test_an_origin_that_is_looked_at_again_has_the_spacing_of_that_window() -> None:
    release = release_published_at_nine()
    release.add_sighting(ORIGIN, a_sighting_at(ORIGIN, -1, State.ABSENT), None, apart=False)
    begins, every = NINE + timedelta(hours=2), timedelta(seconds=5)
    release.state_of(ORIGIN.id).windows = (Window("again", begins, NINE + timedelta(hours=3), every),)
    in_window = begins + timedelta(seconds=3)
    assert release.state_or_empty(ORIGIN.id).spacing(in_window) == every
    assert release.state_or_empty(SHEET.id).spacing(in_window) is None
