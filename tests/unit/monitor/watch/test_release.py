"""A blind span is a time in which looks proved nothing. Looks in a row that got the same bytes are
a run.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.health.metrics import Metrics
from monitor.judge.runs import MOST_CHANGES, Blind
from monitor.look.sighting import State
from monitor.plan.phases import AFTER, AGAIN, NEAR, Phase, Window
from monitor.plan.phases import SLOT as SLOT_PHASE
from monitor.plan.targets import Target, View
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.release import JudgingState, WatchedRelease
from tests.worlds.instants import DAY, HOUR, MINUTE, SECOND, SLOT, after_slot
from tests.worlds.looks import ABSENT, EDGE, ORIGIN, PRESENT, UNKNOWN, WITHDRAWN, a_sighting
from tests.worlds.releases import PAGE_URL, a_promise, a_release
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import judged


def blind_span(begins: float, ends: float, cause: str = "clock", host: str = "") -> Blind:
    return Blind(after_slot(begins), after_slot(ends), cause, host)


@pytest.mark.parametrize(
    "spans_in_order_of_addition",
    [
        [blind_span(0, 5), blind_span(0, 9)],
        [blind_span(0, 9), blind_span(0, 5)],
        [blind_span(20, 30), blind_span(0, 5)],
        [blind_span(0, 5), blind_span(0, 5, "killed"), blind_span(0, 5, host="www.gov.uk")],
    ],
    ids=["grows", "never shrinks", "in time order", "of other cause or scope"],
)
def test_memory_and_store_keep_the_same_blind_spans(
    spans_in_order_of_addition: list[Blind],
) -> None:
    """Spans of one begin, cause and host are versions of one span, which grows. Only the longest
    version is kept: for example, of one from 0 to 5 s and one from 0 to 9 s, only the latter. All
    others are kept. Memory and store do the same.
    """
    in_memory, store = no_blind_spans(), TemporaryStore()
    for span in spans_in_order_of_addition:
        in_memory.add([span])
        with store.transaction() as tx:
            tx.add_blind(span)
    in_store = store.runs.blind(SLOT - DAY, SLOT + DAY)
    assert set(in_memory.spans) == set(in_store)
    assert [span.begins for span in in_memory.spans] == [span.begins for span in in_store]


def no_blind_spans() -> BlindSpans:
    return BlindSpans("", rejudge_all=lambda: None, counters=Metrics("1"))


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 10), st.sampled_from(["clock", "killed"])),
        max_size=12,
    )
)
def test_search_finds_every_blind_span_that_ends_later(
    begins_lengths_and_causes: list[tuple[int, int, str]],
) -> None:
    """Here spans are random: each has a begin and a length in seconds, and a cause. `after` returns
    those that end after an instant. It may never miss one. That is tried for 45 instants.
    """
    blind_spans = no_blind_spans()
    blind_spans.add(
        blind_span(begins, begins + length, cause)
        for begins, length, cause in begins_lengths_and_causes
    )
    for seconds in range(45):
        instant = after_slot(seconds)
        found = blind_spans.after(instant)
        expected = [span for span in blind_spans.spans if span.ends > instant]
        # Spans are in order of their begin. Between them, the result may have short ones that end
        # earlier.
        assert [span for span in found if span.ends > instant] == expected
        # But it must begin with a span that ends later.
        assert found[:1] == expected[:1]


def test_merged_promises_keep_their_latest_confirmation() -> None:
    """A release has two promises, `ours` and `theirs`, which two monitors have read. A promise is
    confirmed when a later read shows it again. The store has a confirmed copy of `ours`, which is
    merged. Then a copy that is not confirmed is merged. The confirmation stays.
    """
    ours = a_promise(learnt=SLOT - 2 * HOUR)
    theirs = a_promise(SLOT + 10 * MINUTE, learnt=SLOT - HOUR)
    release = WatchedRelease(a_release(), (ours,))
    release.merge_promises([theirs])
    assert release.promises == (ours, theirs)
    ours_confirmed = replace(ours, confirmed_at=SLOT + 2 * DAY)
    release.merge_promises([ours_confirmed])
    assert release.promises == (ours_confirmed, theirs)
    release.merge_promises([ours])
    assert release.promises == (ours_confirmed, theirs)


def test_has_promises_ignores_confirmations_but_not_unknown_promises() -> None:
    """The release has one promise, `ours`. `has_promises` says whether it has all the given ones. A
    copy of `ours` that was confirmed by a later read is no new promise. But `theirs` is one.
    """
    ours = a_promise(learnt=SLOT - 2 * HOUR)
    theirs = a_promise(SLOT + 10 * MINUTE, learnt=SLOT - HOUR)
    release = WatchedRelease(a_release(), (ours,))
    ours_confirmed = replace(ours, confirmed_at=SLOT + 2 * DAY)
    assert release.has_promises([ours_confirmed])
    assert not release.has_promises([ours, theirs])


PAGE = Target(EDGE, "r", "page", View.EDGE, PAGE_URL, "www.gov.uk", "status")
ORIGIN_OF_PAGE = replace(PAGE, id=ORIGIN, view=View.ORIGIN)


def release_published_on_time() -> WatchedRelease:
    verdict = judged(60, [(-60, ABSENT), (0, PRESENT)])
    return WatchedRelease(a_release(), (), judging=JudgingState(verdict))


def add_look(
    release: WatchedRelease,
    target: Target,
    state: State,
    second: float,
    *,
    digest: str | None = None,
) -> None:
    sighting = a_sighting(state, second, target.id, digest=digest)
    state = release.state_of(target.id)
    state.runs = state.runs_with(sighting, release.monitor, follows_blind=False)


def test_only_first_changes_of_a_dynamic_page_begin_runs() -> None:
    """A dynamic page is made for each request, so here all 200 looks get other bytes. Each change
    begins a run, but only up to `MOST_CHANGES`. After that, bytes are not compared any more.
    """
    release = release_published_on_time()
    for second in range(200):
        add_look(release, PAGE, PRESENT, second, digest=f"bytes {second}")
    # The first run does not begin with a change.
    assert len(release.state_or_empty(PAGE.id).runs) == MOST_CHANGES + 1


def test_each_change_of_a_rarely_changed_page_begins_a_run() -> None:
    """Here are 20 looks, one a second. The bytes change every five seconds, so each run has five
    looks.
    """
    release = release_published_on_time()
    for second in range(20):
        changes_every_five_seconds = f"bytes {second // 5}"
        add_look(release, PAGE, PRESENT, second, digest=changes_every_five_seconds)
    assert [run.looks for run in release.state_or_empty(PAGE.id).runs] == [5, 5, 5, 5]


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
def test_released_page_is_lost_once_removed_or_changed(
    looks: list[tuple[float, State, str | None]], lost_at_second: float | None
) -> None:
    """A page was published at its slot. `looks` has, for each look, its seconds after the slot
    (negative: before it), the state, and a checksum of the page. The page is lost from the look on
    that found it absent, withdrawn or with another checksum. It is not lost (None) if it came back,
    or if it changed only before its slot.
    """
    release = release_published_on_time()
    for second, state, digest in looks:
        add_look(release, PAGE, state, second, digest=digest)
    assert release.progress(PAGE).lost_at == after_slot(lost_at_second)
    # The loss is noted for the other view of the page, too. So both are looked at closely.
    assert release.progress(ORIGIN_OF_PAGE).lost_at == after_slot(lost_at_second)


@pytest.mark.parametrize(("phase", "longest_allowed_gap"), [(AFTER, None), (AGAIN, 5 * SECOND)])
def test_gap_in_a_run_is_limited_while_a_removed_page_is_checked_again(
    phase: Phase, longest_allowed_gap: timedelta | None
) -> None:
    """Looks in a row with one answer are a run, unless the gap between two of them is too long.
    `spacing` returns the longest gap that is allowed. The last look was a second before the slot,
    the next one is made two hours later. In the usual window, "after" the slot, any gap is allowed
    (None). But a page that seemed removed is checked in the window "again". There, the gap may be
    only as long as planned, 5 s.
    """
    release = release_published_on_time()
    second_before_slot = -1
    add_look(release, ORIGIN_OF_PAGE, ABSENT, second_before_slot)
    # Looks are planned only from two hours later on, every 5 s.
    begins = SLOT + 2 * HOUR
    state = release.state_of(ORIGIN_OF_PAGE.id)
    state.windows = (Window(phase, begins, ends=begins + HOUR, every=5 * SECOND),)
    assert state.spacing(now=begins + 3 * SECOND) == longest_allowed_gap


def test_target_without_looks_or_windows_allows_any_gap() -> None:
    release = release_published_on_time()
    assert release.state_or_empty(PAGE.id).spacing(now=SLOT) is None


@pytest.mark.parametrize(
    ("later_phase", "begins_run"),
    [(replace(SLOT_PHASE, name="last-minute"), True), (NEAR, False)],
    ids=["a phase of any name that is close", "near"],
)
def test_absence_begins_a_new_run_where_a_phase_close_to_the_slot_begins(
    later_phase: Phase, *, begins_run: bool
) -> None:
    release = release_published_on_time()
    add_look(release, ORIGIN_OF_PAGE, ABSENT, -61)
    state = release.state_of(ORIGIN_OF_PAGE.id)
    minute_before = SLOT - 60 * SECOND
    state.windows = (
        Window(NEAR, SLOT - HOUR, minute_before, 15 * SECOND),
        Window(later_phase, minute_before, SLOT, 2 * SECOND),
    )
    assert state.crosses_close_phase(now=SLOT - SECOND) is begins_run
