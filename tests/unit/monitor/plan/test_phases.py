"""Windows and due instants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.plan.phases import (
    NEAR,
    OVERDUE,
    SLOT,
    Phase,
    Window,
    add_close_windows,
    next_due,
    on_grid,
    window_at,
)

NOON = datetime(2026, 7, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

_seconds = st.integers(1, 600).map(lambda count: count * SECOND)
_instants = st.integers(-9_000, 9_000).map(lambda count: NOON + count * SECOND / 3)


def window(begins: int, ends: int, every: int, *, unshifted: bool = False) -> Window:
    return Window(
        NEAR, NOON + begins * SECOND, NOON + ends * SECOND, every * SECOND, is_unshifted=unshifted
    )


@st.composite
def _plans(draw: st.DrawFn) -> list[Window]:
    edges = sorted(draw(st.lists(st.integers(-3000, 3000), min_size=2, max_size=10, unique=True)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return [
        window(begin, end, draw(st.integers(1, 400)), unshifted=draw(st.booleans()))
        for begin, end in pairs
    ]


def test_next_look_is_later_than_the_last() -> None:
    assert next_due([window(0, 10, every=5)], NOON) == NOON + 5 * SECOND


def test_first_look_after_a_gap_opens_the_next_window() -> None:
    windows = [window(0, 10, every=5), window(60, 70, every=1)]
    assert next_due(windows, NOON + 9 * SECOND) == NOON + 60 * SECOND


def test_no_look_is_due_after_the_last_window() -> None:
    assert next_due([window(0, 10, every=5)], NOON + 5 * SECOND) is None


def test_shift_delays_first_look_except_in_unshifted_window() -> None:
    """A shift spreads the looks at many targets over the seconds. A window with a slot is
    unshifted, because one look must be at the slot.
    """
    shift, before = 2 * SECOND, NOON - 60 * SECOND
    assert next_due([window(0, 10, every=5)], before, shift) == NOON + shift
    assert next_due([window(0, 10, every=5, unshifted=True)], before, shift) == NOON


def test_window_contains_its_start_but_not_its_end() -> None:
    only = window(0, 10, every=5)
    assert window_at([only], NOON) == only
    assert window_at([only], NOON + 10 * SECOND) is None


@given(_plans(), _instants, _instants, _seconds)
def test_next_look_after_a_later_instant_is_never_earlier(
    plan: list[Window], one: datetime, other: datetime, shift: timedelta
) -> None:
    """`next_due` returns when the next look after an instant is due, or None if there is none. A
    shift delays the looks by some seconds. If no look is due after an earlier instant, none is
    after a later one.
    """
    due_after_earlier, due_after_later = (
        next_due(plan, instant, shift) for instant in sorted((one, other))
    )
    if due_after_later is not None:
        assert due_after_earlier is not None
        assert due_after_earlier <= due_after_later


@given(_plans(), _instants, _seconds)
def test_due_instant_is_later_and_inside_a_window(
    plan: list[Window], after: datetime, shift: timedelta
) -> None:
    due = next_due(plan, after, shift)
    assert due is None or (due > after and window_at(plan, due) is not None)


@given(_instants, _instants, _seconds)
def test_grid_instant_is_less_than_one_spacing_ahead(
    begins: datetime, anchor: datetime, every: timedelta
) -> None:
    """A grid has an instant `anchor`, and others a whole number of spacings before and after it.
    `on_grid` returns its first instant from `begins` on.
    """
    found = on_grid(begins, anchor, every)
    assert timedelta() <= found - begins < every
    assert (found - anchor) % every == timedelta()


@pytest.mark.parametrize(
    ("phase", "is_added"),
    [(SLOT, True), (replace(SLOT, name="last-minute"), True), (OVERDUE, False)],
    ids=["slot", "a phase of any name that is close", "overdue"],
)
def test_windows_close_to_the_slot_of_another_calendar_replace_wider_ones(
    phase: Phase, *, is_added: bool
) -> None:
    every_5_s = Window(OVERDUE, NOON, NOON + 600 * SECOND, 5 * SECOND)
    every_second = Window(phase, NOON + 60 * SECOND, NOON + 120 * SECOND, SECOND)
    merged = add_close_windows([every_5_s], [every_second])
    assert (every_second in merged) is is_added
