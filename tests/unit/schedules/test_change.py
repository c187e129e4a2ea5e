"""Changes between two entries of the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.announcement import State
from schedules.change import find_changes, find_slot_changes
from schedules.ledger_event import EventKind
from schedules.promise import Promise
from schedules.slot import Precision, Slot, is_inside

AT = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)


def at(day: int, hour: int = 8) -> Slot:
    return Slot(Precision.INSTANT, instant=AT.replace(day=day, hour=hour))


def days(first: int, last: int, precision: Precision = Precision.RANGE) -> Slot:
    return Slot(precision, first=date(2026, 7, first), last=date(2026, 7, last))


DAY = days(23, 23, Precision.DAY)
JULY = days(1, 31, Precision.MONTH)
TBC = Slot(Precision.NONE, reason="tbc")


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        (at(23), at(23), ()),
        (at(23), at(23, 10), (EventKind.TIME_CHANGED,)),
        (at(23), at(24), (EventKind.RE_DATED,)),
        (JULY, DAY, (EventKind.PRECISION_RAISED,)),
        (DAY, at(23), (EventKind.PRECISION_RAISED,)),
        (at(23), JULY, (EventKind.PRECISION_LOWERED,)),
        (at(23), days(1, 5), (EventKind.RE_DATED, EventKind.PRECISION_LOWERED)),
        (days(1, 5), at(23), (EventKind.RE_DATED, EventKind.PRECISION_RAISED)),
        (at(23), TBC, (EventKind.RE_DATED, EventKind.PRECISION_LOWERED)),
        (TBC, at(23), (EventKind.PRECISION_RAISED,)),
        (TBC, TBC, ()),
        (JULY, days(1, 31), ()),
    ],
)
def test_a_slot_changes_in_date_time_or_precision(
    old: Slot, new: Slot, changes: tuple[EventKind, ...]
) -> None:
    """From `at(23)`, 08:30 UTC on 23 July, to the whole of July, only the precision changes: it is
    lower. From `at(23)` to `days(1, 5)`, 1 to 5 July, the date changes too.
    """
    assert find_slot_changes(old, new) == changes


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ((JULY, State.PROVISIONAL), (JULY, State.CONFIRMED), (EventKind.CONFIRMED,)),
        (
            (JULY, State.PROVISIONAL),
            (DAY, State.CONFIRMED),
            (EventKind.PRECISION_RAISED, EventKind.CONFIRMED),
        ),
        ((at(23), State.PROVISIONAL), (at(24), State.CONFIRMED), (EventKind.RE_DATED,)),
        ((at(23), None), (TBC, State.CANCELLED), (EventKind.CANCELLED,)),
        ((at(23), State.CANCELLED), (at(23), State.CANCELLED), ()),
        ((at(23), State.CANCELLED), (at(24), None), (EventKind.REINSTATED, EventKind.RE_DATED)),
        ((at(23), State.CONFIRMED), (at(23), State.POSTPONED), (EventKind.POSTPONED,)),
        ((at(23), State.POSTPONED), (at(23), State.POSTPONED), ()),
        ((at(23), State.CONFIRMED), (at(24), State.POSTPONED), (EventKind.RE_DATED,)),
    ],
)
def test_promise_changes_are_those_of_slot_and_state(
    old: tuple[Slot, State | None], new: tuple[Slot, State | None], changes: tuple[EventKind, ...]
) -> None:
    """For example, a provisional July becomes a confirmed day, so it is more precise and confirmed.
    If a provisional day becomes another, confirmed day, only the new date is reported. A
    cancellation reports no change of the slot.
    """
    (old_slot, old_state), (new_slot, new_state) = old, new
    old_promise = Promise("x", "A", old_slot, old_state, AT)
    assert (
        find_changes(old_promise, replace(old_promise, slot=new_slot, state=new_state)) == changes
    )


_slots = st.one_of(
    st.builds(at, st.integers(1, 30), st.integers(0, 23)),
    st.tuples(st.integers(1, 31), st.integers(1, 31)).map(lambda ends: days(min(ends), max(ends))),
    st.just(TBC),
)


@given(_slots, _slots)
def test_slot_inside_or_around_old_one_is_not_re_dated(old: Slot, new: Slot) -> None:
    if is_inside(new, old) or is_inside(old, new):
        assert EventKind.RE_DATED not in find_slot_changes(old, new)


@given(_slots, _slots, _slots)
def test_slot_inside_a_slot_inside_another_is_inside_it(
    inner: Slot, middle: Slot, outer: Slot
) -> None:
    if is_inside(inner, middle) and is_inside(middle, outer):
        assert is_inside(inner, outer)
