"""Comparisons of slots: passed, inside, coarser, and moved by the offset of a zone."""

from __future__ import annotations

from datetime import date, datetime

from schedules.patterns import quick
from schedules.slot import Precision, Slot
from schedules.times.zone import local, local_date

_FINENESS = {precision: rank for rank, precision in enumerate(Precision)}


_WRITTEN_TIME = quick(r"(?<!\d)\d{1,2}[:.]\d{2}(?!\d)")


def has_passed(slot: Slot, at: datetime) -> bool:
    """Return whether `slot` has passed at `at`. One without a readable time never passes."""
    end = slot.passes()
    return end is not None and end <= at


def is_inside(inner: Slot, outer: Slot) -> bool:
    """Return whether every instant of `inner` is in `outer`. False if either has no readable time."""
    bounds = inner.begins(), inner.passes(), outer.begins(), outer.passes()
    if outer.precision is Precision.INSTANT:
        return inner.precision is Precision.INSTANT and inner.instant == outer.instant
    begin, end, outer_begin, outer_end = bounds
    if begin is None or end is None or outer_begin is None or outer_end is None:
        return False
    return outer_begin <= begin < outer_end and end <= outer_end


def is_coarser(one: Slot, other: Slot) -> bool:
    """Return whether `one` was announced less precisely than `other`."""
    return _FINENESS[one.precision] > _FINENESS[other.precision]


def first_day(slot: Slot) -> date | None:
    """Return the first local day a slot touches, None for precision `NONE`."""
    return slot.first if slot.instant is None else local_date(slot.instant, slot.timezone)


def last_day(slot: Slot) -> date | None:
    """Return the last local day a slot touches, None for precision `NONE`."""
    return slot.last if slot.instant is None else local_date(slot.instant, slot.timezone)


def is_zone_shift(old: Slot, new: Slot) -> bool:
    """Return whether two instants differ by exactly the zone's offset although both show the same written time.

    A calendar that drops its offset ("09:30+01:00", then "09:30Z") changed its format, and perhaps not its promise.
    Source: rule 13 of the design.
    """
    if old.instant is None or new.instant is None or old.instant == new.instant:
        return False
    offset = local(old.instant, old.timezone).utcoffset()
    before, after = _WRITTEN_TIME.search(old.raw), _WRITTEN_TIME.search(new.raw)
    if abs(new.instant - old.instant) != offset or before is None or after is None:
        return False
    return bool(before[0].replace(".", ":") == after[0].replace(".", ":"))
