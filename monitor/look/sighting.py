"""What a look proved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.look.fetch import Found


class State(StrEnum):
    """What a look says of its target. `UNKNOWN` says nothing at all; it is never absence."""

    PRESENT = "present"
    ABSENT = "absent"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sighting:
    """The outcome of one look at one target.

    `sent` and `received` bracket the request by our clock. `proved_from` and `proved_to` bracket the
    instant the answer speaks of: `sent` and `received` minus the bounds of the answer's `Age`, widened
    by a clock known to be off. `specific` is True when the recogniser read something that belongs to
    this edition alone. `why` explains an unknown; `digest` is the SHA-256 of the body, in hex, None where
    bytes do not count: a page differs at every look, and its state is what the recogniser read. `version` is what the
    content says of its own version (`recognise.version`), None where it says nothing. `address` is the one that was
    asked for its target: what a look proves is proved of that address alone.
    """

    target: str
    state: State
    sent: datetime
    received: datetime
    proved_from: datetime
    proved_to: datetime
    specific: bool = False
    why: str = ""
    status: int | None = None
    digest: str | None = None
    found: tuple[Found, ...] = ()
    version: str | None = None
    address: str = ""
