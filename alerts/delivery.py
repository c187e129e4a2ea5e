"""What follows from an attempt to deliver: sent, again at a later time, or given up. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from alerts.channel import Accepted, Outcome, Refused


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel took it; `reference` is its own name for it, where it gave one."""

    reference: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """It was not taken, and trying again at `at` may help."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It was not taken, and no further attempt is made; others behind it go on."""

    reason: str


Step = Sent | Again | GivenUp


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often delivery is tried: waits double from `first` to `longest`, until `expires`."""

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=10)
    attempts: int = 500
    expires: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery in the outbox. `thread` is the id of the notice that opened its thread, `at` when it was written.

    `is_refused` is whether its channel refused it before.
    """

    notice: str
    thread: str
    channel: str
    at: datetime
    due: datetime
    urgent: bool = False
    is_refused: bool = False


_PATIENCE = Patience()


def after(
    outcome: Outcome, attempts: int, at: datetime, now: datetime, rng: Random, patience: Patience = _PATIENCE
) -> Step:
    """Say what follows from the outcome of the attempt numbered `attempts` (from 1) at a notice written at `at`.

    `rng` spreads the next attempts, so that a script with a seed plays the same twice.
    """
    if isinstance(outcome, Accepted):
        return Sent(outcome.reference)
    if outcome.permanent:
        return GivenUp(outcome.reason)
    expiry = at + patience.expires
    if now >= expiry or attempts >= patience.attempts:
        return GivenUp(f"not taken in {attempts} attempts, the last time: {outcome.reason}")
    wait = _wait(outcome, attempts, rng, patience)
    # One last attempt falls on the expiry itself, unless the other side asked for longer than that.
    if outcome.retry_after is not None and now + outcome.retry_after > expiry:
        return GivenUp(f"asked to wait beyond its expiry: {outcome.reason}")
    return Again(min(now + wait, expiry), outcome.reason)


def hurry_earlier_deliveries(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Return the deliveries in order, with those that would delay an urgent one of their thread due when it is.

    An earlier notice of a thread can wait for the end of a minute or of quiet hours. A delivery that the channel
    refused keeps the time of its next attempt.
    """
    soonest: dict[tuple[str, str], datetime] = {}
    found = []
    for one in sorted(waiting, key=_turn, reverse=True):
        thread = one.channel, one.thread
        if one.urgent:
            soonest[thread] = min(one.due, soonest.get(thread, one.due))
        is_delaying = thread in soonest and not one.is_refused
        found.append(replace(one, due=min(one.due, soonest[thread])) if is_delaying else one)
    return found[::-1]


def ready(waiting: Iterable[Waiting], now: datetime) -> list[Waiting]:
    """Return what may be attempted now: first the threads in which something urgent is due, then the oldest.

    On one channel a notice never overtakes an earlier one of its own thread. A notice of another thread that waits for
    its next attempt delays none.
    """
    waiting = list(waiting)
    urgent = {(one.channel, one.thread) for one in waiting if one.urgent and one.due <= now}
    due = (one for one in _heads(waiting) if one.due <= now)
    return sorted(due, key=lambda one: (one.channel, one.thread) not in urgent)


def next_due(waiting: Iterable[Waiting]) -> datetime | None:
    """Return when a delivery can be attempted next, None if none waits. In a thread only the first one can."""
    return min((one.due for one in _heads(waiting)), default=None)


def _heads(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Return the first delivery of each thread on each channel, oldest first."""
    heads: dict[tuple[str, str], Waiting] = {}
    for one in sorted(waiting, key=_turn):
        heads.setdefault((one.channel, one.thread), one)
    return list(heads.values())


def _turn(one: Waiting) -> tuple[datetime, bool, str]:
    """Return what sorts deliveries by age; the notice that opens a thread comes first."""
    return one.at, one.notice != one.thread, one.notice


def _wait(outcome: Refused, attempts: int, rng: Random, patience: Patience) -> timedelta:
    doublings = min(attempts - 1, 30)
    full: timedelta = min(patience.longest, patience.first * (1 << doublings))
    # Half of it is jitter, so that many notices refused together do not come back together.
    jittered = full * rng.uniform(0.5, 1.0)
    return jittered if outcome.retry_after is None else max(jittered, outcome.retry_after)
