"""What a worker process does for a calendar. Arguments and results cross to it as JSON, so their
annotations are checked on both sides.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from schedules.slot import Precision, Slot
from schedules.source import Page, PageRequest, Reading, UnreadableCalendar
from schedules.sources.last_listed import Memory
from schedules.sources.settings import CalendarSettings
from schedules.times.json import Instant
from schedules.times.zone import zone

_LONGEST_REASON = 1000
Reason = Annotated[str, StringConstraints(max_length=_LONGEST_REASON)]
"""Why a calendar cannot be read, in one line."""
SourceState = Memory | tuple[str, ...] | None
"""What the kinds of sources remember between two steps of a read."""


def _require_sound_slots(reading: Reading) -> Reading:
    """Return a reading whose slots have what their precision needs. Raises ValueError."""
    for announcement in reading.announcements:
        for slot in (announcement.slot, announcement.previous):
            if slot is not None and not _is_sound(slot):
                raise ValueError("a slot without what its precision needs")
    return reading


def _is_sound(slot: Slot) -> bool:
    zone(slot.timezone)  # raises a ValueError for any other name
    if slot.precision is Precision.NONE:
        return True
    if slot.precision is Precision.INSTANT:
        return slot.instant is not None
    return slot.first is not None and slot.last is not None and slot.first <= slot.last


SoundReading = Annotated[Reading, AfterValidator(_require_sound_slots)]


def find_further_requests(
    settings: CalendarSettings, state: SourceState, pages: tuple[Page, ...], now: datetime
) -> tuple[tuple[PageRequest, ...], SourceState]:
    """Return the further requests of a source, and its state after that."""
    source = settings.make_source()
    source.state = state
    return tuple(source.more(pages, now)), source.state


def read_calendar(
    settings: CalendarSettings, state: SourceState, pages: tuple[Page, ...], now: datetime
) -> tuple[SoundReading | Reason, SourceState]:
    """Return the reading of a source (or in one line why there is none), and its state after
    that.
    """
    source = settings.make_source()
    source.state = state
    try:
        return source.read(pages, now), source.state
    except UnreadableCalendar as exc:
        return _as_reason(exc), source.state


def read_rota(
    settings: CalendarSettings, roles: list[str], pages: tuple[Page, ...], now: datetime
) -> tuple[tuple[str, Instant, Instant], ...] | Reason:
    """Return who is on call and when, as `find_duties` does, or in one line why not."""
    from schedules.sources.rota import find_duties  # noqa: PLC0415  # icalendar takes 50 ms and 4 MB

    try:
        return find_duties(settings, roles, pages, now)
    except UnreadableCalendar as exc:
        return _as_reason(exc)


def _as_reason(fault: UnreadableCalendar) -> str:
    return " ".join(str(fault).split())[:_LONGEST_REASON]
