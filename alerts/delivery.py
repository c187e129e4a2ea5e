"""Decides what follows an attempt to deliver: sent, retry or given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from alerts.channel import Accepted, Outcome


@dataclass(frozen=True, slots=True)
class RetryAt:
    """The channel refused it for now. Retry at `at`."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The channel refused it, and it is not retried.

    Later deliveries of its thread are not affected.
    """

    reason: str


AfterAttempt = Accepted | RetryAt | GivenUp


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a delivery is tried.

    Delays double from `first` to `longest`. It is given up after `expires`.
    """

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=10)
    attempts: int = 500
    expires: timedelta = timedelta(hours=24)


def decide_after_attempt(
    outcome: Outcome, attempts: int, at: datetime, now: datetime, rng: Random, policy: RetryPolicy
) -> AfterAttempt:
    """Return whether a notice written at `at` is sent (the channel accepted it), given up or
    retried.

    `attempts` is the number of the attempt that had this `outcome`, from 1. `rng` adds jitter to
    retries.
    """
    if isinstance(outcome, Accepted):
        return outcome
    if outcome.permanent:
        return GivenUp(outcome.reason)
    expiry = at + policy.expires
    if now >= expiry or attempts >= policy.attempts:
        return GivenUp(f"refused {attempts} times, most recently: {outcome.reason}")
    doublings = min(attempts - 1, 30)  # a limit, so that the product does not overflow
    longest_delay = min(policy.longest, policy.first * 2**doublings)
    # Half of the delay is jitter, so that notices that were refused together are not retried
    # together.
    delay = max(longest_delay * rng.uniform(0.5, 1.0), outcome.retry_after or timedelta())
    # The last attempt is at the expiry itself, unless the channel asked for a longer delay.
    if outcome.retry_after is not None and now + outcome.retry_after > expiry:
        return GivenUp(f"its channel may be tried again only after it expires: {outcome.reason}")
    return RetryAt(min(now + delay, expiry), outcome.reason)
