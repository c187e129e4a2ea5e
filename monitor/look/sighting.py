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

    `target` is the target's id. `sent` and `received` are the begin and end of the request by our
    clock. The answer describes some instant from `proved_from` to `proved_to`: these are `sent` and
    `received` minus the bounds of its `Age`, and further apart if our clock is known to be wrong.
    Presence is `specific` if the answer has a sign that only this edition has. `why` is the reason
    of any other state, or the address of the entry of a feed. `status` is the HTTP status, None
    without an answer. `digest` is the SHA-256 of the body in hex, None for most pages, because
    their bytes differ at every look. `found` are the addresses that the answer names. `version` is
    the version that the content states (`look.version`), or None. `address` is the target's
    address at that time, because a look proves nothing about a later address.
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
