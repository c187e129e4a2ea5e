"""The events of one release that `calendar history` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from schedules.change import is_cancelled, is_informative
from schedules.in_force import slot_in_force
from schedules.ledger_event import EventKind, LedgerEvent, event_of
from schedules.promise import Promise
from schedules.release import Release
from schedules.workdays import ENGLAND, Workdays, zone_doubt


def release_history(
    release: Release,
    promises: Sequence[Promise],
    now: datetime,
    workdays: Workdays = ENGLAND,
    titles: Sequence[LedgerEvent] = (),
) -> tuple[LedgerEvent, ...]:
    """Return everything that happened to the slot of a release until `now`, in the order of reads.

    It also has hints: slots on weekends and holidays (`unlikely-day`, by the producer's
    `workdays`), and times that look like a mix-up of UTC and BST (`zone-doubt`). `titles` are
    changes of its title.
    """
    known = sorted(
        (each for each in promises if each.learnt <= now),
        key=lambda each: (each.learnt, each.calendar),
    )
    hints = chain.from_iterable(_find_hints(promise, workdays) for promise in known)
    retitled = [event for event in titles if event.at <= now]
    events = [*slot_in_force(release, promises, now).events, *_drop_repeats(hints), *retitled]
    return tuple(sorted(events, key=lambda event: event.at))


def _find_hints(promise: Promise, workdays: Workdays) -> Iterator[LedgerEvent]:
    """Yield an event for each reason to doubt a promised slot: its hour or its day."""
    if not is_informative(promise) or is_cancelled(promise):
        return
    if doubt := zone_doubt(promise.slot):
        yield event_of(EventKind.ZONE_DOUBT, promise, detail=doubt)
    if reason := workdays.why_unlikely(promise.slot):
        yield event_of(EventKind.UNLIKELY_DAY, promise, detail=reason)


def _drop_repeats(hints: Iterable[LedgerEvent]) -> list[LedgerEvent]:
    """Return the hints (doubts about a slot), without repeats of the same kind, calendar and
    slot.
    """
    first: dict[object, LedgerEvent] = {}
    for hint in hints:
        slot = hint.after
        slot_key = None
        if slot is not None:
            slot_key = (slot.instant, slot.first, slot.last)
        first.setdefault((hint.what, hint.calendar, slot_key), hint)
    return list(first.values())
