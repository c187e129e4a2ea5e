"""The result of a look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.look.fetch import Found


class State(StrEnum):
    """What a look proved about its target. `UNKNOWN` proves nothing, and never counts as
    absence.
    """

    PRESENT = "present"
    ABSENT = "absent"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sighting:
    """The proof that one look at one target gave, and its time.

    The answer describes some instant from `proved_from` to `proved_to`. These are `sent` and
    `received` minus the bounds of its `Age`, and further apart if our clock is known to be wrong.
    """

    target: str
    """The target's id."""
    state: State
    sent: datetime
    """When the request began, by our clock."""
    received: datetime
    """When the request ended, by our clock."""
    proved_from: datetime
    proved_to: datetime
    specific: bool = False
    """Whether a presence has a sign that only this edition has."""
    why: str = ""
    """The reason of any state but presence, or the address of the entry of a feed."""
    status: int | None = None
    """The HTTP status, None without an answer."""
    digest: str | None = None
    """The SHA-256 of the body in hex. None for most pages, because their bytes differ at every
    look.
    """
    found: tuple[Found, ...] = ()
    """The addresses that the answer names."""
    version: str | None = None
    """The version that the content states (`look.version`), or None."""
    address: str = ""
    """The target's address at that time, because a look proves nothing about a later address."""
