from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.health.metrics import Metrics
from monitor.judge.runs import MOST_CHANGES, Blind
from monitor.look.sighting import State
from monitor.plan.phases import Window
from monitor.plan.targets import Target, View
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.release import WatchedRelease
from tests.worlds.instants import DAY, HOUR, SECOND, SLOT, after_slot
from tests.worlds.looks import ABSENT, EDGE, ORIGIN, PRESENT, UNKNOWN, WITHDRAWN, a_sighting
from tests.worlds.releases import PAGE_URL, a_promise, a_release
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import judged


def blind_span(begins: float, ends: float, cause: str = "clock", host: str = "") -> Blind:
    return Blind(after_slot(begins), after_slot(ends), cause, host)


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
    # The spans are added in this order. For example, the span that `grows` has 5 s at first and then 9 s, and only the
    # longer is kept.
    store, known = TemporaryStore(), BlindSpans("", lambda: None, Metrics("1"))
    for one in added:
        with store.transaction() as tx:
            tx.add_blind(one)
        known.add([one])
    kept = store.runs.blind(SLOT - DAY, SLOT + DAY)
    assert set(known.spans) == set(kept)
    assert [one.begins for one in known.spans] == [one.begins for one in kept]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10), st.sampled_from(["clock", "killed"])), max_size=12))
def test_spans_after_an_instant_begin_with_the_first_that_ends_later_and_include_all_that_do(
    added: list[tuple[int, int, str]],
) -> None:
    known = BlindSpans("", lambda: None, Metrics("1"))
    known.add(blind_span(begins, begins + length, cause) for begins, length, cause in added)
    for seconds in range(45):
        instant = after_slot(seconds)
        end_later = [span for span in known.spans if span.ends > instant]
        # For speed, spans that ended earlier may be among them, but not at the beginning.
        found = known.after(instant)
        assert [span for span in found if span.ends > instant] == end_later
        assert found[:1] == end_later[:1]


def test_merging_keeps_the_promises_of_both_monitors_each_with_its_latest_confirmation() -> None:
    ours, theirs = a_promise(learnt=after_slot(-7200)), a_promise(after_slot(600), learnt=after_slot(-3600))
    release = WatchedRelease(a_release(), (ours,))
    release.merge_promises([theirs])
    assert release.promises == (ours, theirs)
    confirmed_later = replace(ours, confirmed_at=SLOT + 2 * DAY)
    # The second promise read from the store has no confirmation, which does not undo the first.
    for read_from_store in (confirmed_later, ours):
        release.merge_promises([read_from_store])
        assert release.promises == (confirmed_later, theirs)


def test_has_promises_ignores_confirmations_and_is_false_if_any_promise_is_unknown() -> None:
    ours, theirs = a_promise(learnt=after_slot(-7200)), a_promise(after_slot(600), learnt=after_slot(-3600))
    release = WatchedRelease(a_release(), (ours,))
    assert release.has_promises([replace(ours, confirmed_at=SLOT + 2 * DAY)])
    assert not release.has_promises([ours, theirs])


PAGE = Target(EDGE, "r", "page", View.EDGE, PAGE_URL, "www.gov.uk", "status")
ORIGIN_OF_PAGE = replace(PAGE, id=ORIGIN, view=View.ORIGIN)


def release_published_on_time() -> WatchedRelease:
    return WatchedRelease(a_release(), (), verdict=judged(60, [(-60, ABSENT), (0, PRESENT)]))


def add_look(
    release: WatchedRelease, target: Target, state: State, second: float, *, digest: str | None = None
) -> None:
    release.add_sighting(target, a_sighting(state, second, target.id, digest=digest), None, apart=False)


def test_a_page_that_changes_with_each_request_begins_a_run_at_each_of_the_first_changes_only() -> None:
    # After `MOST_CHANGES` changes, bytes are not compared any more: the server makes them anew for each request.
    release = release_published_on_time()
    for second in range(200):
        add_look(release, PAGE, PRESENT, second, digest=f"bytes {second}")
    # The first run has no change before it.
    assert len(release.state_or_empty(PAGE.id).runs) == MOST_CHANGES + 1


def test_a_page_that_changed_a_few_times_begins_a_run_at_each_change() -> None:
    release = release_published_on_time()
    for second in range(20):
        changes_every_five_seconds = f"bytes {second // 5}"
        add_look(release, PAGE, PRESENT, second, digest=changes_every_five_seconds)
    assert [run.looks for run in release.state_or_empty(PAGE.id).runs] == [5, 5, 5, 5]


# Each look is its seconds after the slot, the state, and the digest of the page.
@pytest.mark.parametrize(
    ("looks", "lost_at_second"),
    [
        ([(-5, ABSENT, None), (5, PRESENT, "a")], None),
        ([(5, PRESENT, "a"), (9, ABSENT, None), (12, ABSENT, None)], 9),
        ([(5, PRESENT, "a"), (9, UNKNOWN, None), (12, WITHDRAWN, None)], 12),
        ([(5, PRESENT, "a"), (9, ABSENT, None), (12, PRESENT, "a")], None),
        ([(5, PRESENT, "a"), (9, PRESENT, "b")], 9),
        ([(-9, PRESENT, "a"), (-5, PRESENT, "b"), (9, PRESENT, "b")], None),
    ],
    ids=["came", "went", "withdrawn", "back", "changed", "changed before its release"],
)
def test_the_time_of_a_removal_or_change_is_noted_for_both_views_of_a_part(
    looks: list[tuple[float, State, str | None]], lost_at_second: float | None
) -> None:
    # The page was released at its slot. `lost_at` is the first look after that which found it absent, withdrawn or
    # changed. It is None if the page is back.
    release = release_published_on_time()
    for second, state, digest in looks:
        add_look(release, PAGE, state, second, digest=digest)
    assert release.progress(PAGE).lost_at == after_slot(lost_at_second)
    assert release.progress(ORIGIN_OF_PAGE).lost_at == after_slot(lost_at_second)


def test_a_gap_after_a_look_outside_all_windows_may_be_long_except_in_a_window_named_again() -> None:
    release = release_published_on_time()
    add_look(release, ORIGIN_OF_PAGE, ABSENT, -1)
    # This look is outside all windows, because there are none yet. `spacing` is the longest gap allowed after it.
    begins, ends, every = SLOT + 2 * HOUR, SLOT + 3 * HOUR, 5 * SECOND
    # The window `again` begins when a target is found absent or changed. So an earlier answer proves nothing any more.
    for window_name, longest_gap in (("again", every), ("after", None)):  # None allows a gap of any length
        release.state_of(ORIGIN_OF_PAGE.id).windows = (Window(window_name, begins, ends, every),)
        assert release.state_or_empty(ORIGIN_OF_PAGE.id).spacing(begins + 3 * SECOND) == longest_gap
    without_looks_or_windows = PAGE.id
    assert release.state_or_empty(without_looks_or_windows).spacing(begins) is None
