"""What two slots have to do with each other: inside, apart, passed."""

from __future__ import annotations

from datetime import date, datetime

from schedules.slot import Precision, Slot
from schedules.times.zone import local_date

_FINENESS = {precision: rank for rank, precision in enumerate(Precision)}


def has_passed(slot: Slot, at: datetime) -> bool:
    """Tell whether `slot` has passed at `at`; one without a readable time never passes."""
    end = slot.passes()
    return end is not None and end <= at


def is_inside(inner: Slot, outer: Slot) -> bool:
    """Tell whether every instant of `inner` lies in `outer`; False when either has no readable time."""
    bounds = inner.begins(), inner.passes(), outer.begins(), outer.passes()
    if outer.precision is Precision.INSTANT:
        return inner.precision is Precision.INSTANT and inner.instant == outer.instant
    begin, end, outer_begin, outer_end = bounds
    if begin is None or end is None or outer_begin is None or outer_end is None:
        return False
    return outer_begin <= begin < outer_end and end <= outer_end


def is_coarser(one: Slot, other: Slot) -> bool:
    """Tell whether `one` was announced less finely than `other`."""
    return _FINENESS[one.precision] > _FINENESS[other.precision]


def first_day(slot: Slot) -> date | None:
    """Return the first local day a slot touches, None for precision `NONE`."""
    return slot.first if slot.instant is None else local_date(slot.instant, slot.timezone)


def last_day(slot: Slot) -> date | None:
    """Return the last local day a slot touches, None for precision `NONE`."""
    return slot.last if slot.instant is None else local_date(slot.instant, slot.timezone)
