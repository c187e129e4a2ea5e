"""Sightings folded into runs: consecutive sightings of one target with the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.look.sighting import State


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive sightings of one target with the same answer; stored as one row.

    `first_sent` … `last_received` are by our clock. `begin` is the earliest `proved_to` and `end` the
    latest `proved_from` of its sightings: the state held at or before `begin`, and at or after `end`.
    `looks` counts the sightings, `largest_gap` is the longest time between two of them. `digest` is that
    of the body (files and recorded changes), `why` the reason of an unknown run. `evidence` names the
    records kept for it.
    """

    target: str
    state: State
    first_sent: datetime
    last_received: datetime
    begin: datetime
    end: datetime
    looks: int = 1
    largest_gap: timedelta = timedelta()
    specific: bool = False
    why: str = ""
    status: int | None = None
    digest: str | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Blind:
    """A span in which the monitor could not see, and why (`stopped`, `killed`, `clock`, `stalled`, …).

    `target` narrows it to one target, `host` to one host; both empty: everything.
    """

    begins: datetime
    ends: datetime
    cause: str
    host: str = ""
    target: str = ""
