"""The ledger: every slot that was announced for a release, when we learnt of it and from where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schedules.announcement import State
from schedules.slot import Slot


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Usable reads before the slot that no longer showed an entry: since when, and how many there were.

    `successors` are the titles of new entries of the same producer and slot.
    """

    since: datetime
    reads: int
    successors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """One entry of the ledger; appended, never deleted.

    `learnt` is the instant (UTC) of the read that first showed it, `unlearnt` that of the last earlier
    read of the same calendar which did not show it (None: none known): the change lies between both.
    `confirmed_at` is the last read that still showed it, filled in when promises are read back. `unlisted` says that
    later reads did not show it; it is None again after a read that does.
    """

    release: str
    calendar: str
    slot: Slot
    state: State | None
    learnt: datetime
    unlearnt: datetime | None = None
    confirmed_at: datetime | None = None
    why: str = ""
    doubt: str | None = None
    unlisted: Unlisted | None = None
