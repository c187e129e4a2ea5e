"""The result of a look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.look.fetch import Found


class State(StrEnum):
    """What a look proved about its target. `UNKNOWN` proves nothing, and never counts as absence."""

    PRESENT = "present"
    ABSENT = "absent"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sighting:
    """The outcome of one look at one target.

    `sent` and `received` are the start and end of the request by our clock. `proved_from` and `proved_to` are the
    earliest and latest instant that the answer may describe: `sent` and `received` minus the bounds of its `Age`, and
    further apart if our clock is known to be wrong. `specific`: the recogniser read a sign that only this edition has.
    `why` is the reason of an unknown. `digest` is the SHA-256 of the body in hex. It is None for most pages, because
    their bytes differ at every look. `version` is the version that the content states (`recognise.version`), or None.
    `address` is the target's address at the time, because a look proves something about that address only.
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
