"""What the log and counters may say of a release."""

from __future__ import annotations

from datetime import datetime

from schedules.slot import Slot, has_passed


def unless_embargoed(slot: Slot | None, now: datetime, **facts: object) -> dict[str, object]:
    """Return facts for a line of the log, or none before the slot has passed.

    More people read the log than may know that a release is out. Ids may always be logged.
    """
    return {} if is_embargoed(slot, now) else facts


def is_embargoed(slot: Slot | None, now: datetime) -> bool:
    """Return whether a slot has not passed yet, or is unknown."""
    return slot is None or not has_passed(slot, now)
