"""What follows from an attempt to deliver: sent, again at a later time, or given up. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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
    """A delivery in the outbox. `thread` is the id of the notice that opened its thread, `at` when it was written."""

    notice: str
    thread: str
    channel: str
    at: datetime
    due: datetime


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


def ready(waiting: Iterable[Waiting], now: datetime) -> list[Waiting]:
    """Return what may be attempted now, the oldest first within each channel.

    On one channel a notice never overtakes an earlier one of its own thread; another thread's notice
    that is waiting for its next attempt holds nobody up.
    """
    heads: dict[tuple[str, str], Waiting] = {}
    for one in sorted(waiting, key=lambda item: (item.at, item.notice != item.thread, item.notice)):
        heads.setdefault((one.channel, one.thread), one)
    return [one for one in heads.values() if one.due <= now]


def _wait(outcome: Refused, attempts: int, rng: Random, patience: Patience) -> timedelta:
    doublings = min(attempts - 1, 30)
    full: timedelta = min(patience.longest, patience.first * (1 << doublings))
    # Half of it is jitter, so that many notices refused together do not come back together.
    jittered = full * rng.uniform(0.5, 1.0)
    return jittered if outcome.retry_after is None else max(jittered, outcome.retry_after)
