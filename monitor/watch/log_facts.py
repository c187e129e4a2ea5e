"""What the log may say of a release."""

from __future__ import annotations

from datetime import datetime

from schedules.slot import Slot, has_passed


def unless_embargoed(slot: Slot | None, now: datetime, **facts: object) -> dict[str, object]:
    """Return facts for a line of the log, or none before the slot has passed.

    More people read the log than may know that a release is out. Ids may always be logged.
    """
    return facts if slot is not None and has_passed(slot, now) else {}
