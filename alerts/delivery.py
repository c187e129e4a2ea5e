"""Decide what follows an attempt to deliver (sent, retry or given up) and which deliveries are
next. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A delivery in the outbox that was not sent yet.

    `thread` is the id of the notice that opened its thread, `at` when the notice was written, `due`
    the time of the next attempt. `is_refused` is whether its channel refused it before.
    """

    notice: str
    thread: str
    channel: str
    at: datetime
    due: datetime
    urgent: bool = False
    is_refused: bool = False


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


def hurry_earlier_deliveries(waiting: Iterable[PendingDelivery]) -> list[PendingDelivery]:
    """Return the deliveries, oldest first, each due no later than the urgent deliveries that follow
    it in its thread.

    No delivery overtakes an earlier one of its thread. So a delivery that waits, for example for
    the end of quiet hours, would also delay an urgent one behind it.
    """
    # The earliest time at which an urgent delivery of a thread is due, among those seen so far in
    # the loop.
    due_of_urgent: dict[tuple[str, str], datetime] = {}
    newest_first = []
    for delivery in sorted(waiting, key=_get_age_key, reverse=True):
        thread = delivery.channel, delivery.thread
        earliest = min(delivery.due, due_of_urgent.get(thread, delivery.due))
        if delivery.urgent:
            due_of_urgent[thread] = earliest
        # A channel that refused a delivery gets it again only at the time of the retry, even if
        # urgent ones must wait.
        newest_first.append(delivery if delivery.is_refused else replace(delivery, due=earliest))
    return newest_first[::-1]


def select_ready(waiting: Iterable[PendingDelivery], now: datetime) -> list[PendingDelivery]:
    """Return the deliveries to attempt now, oldest first, but threads with an urgent delivery that
    is due come first.

    On one channel, a notice never overtakes an earlier one of its thread, but it does not wait for
    other threads.
    """
    waiting = list(waiting)
    urgent = {(each.channel, each.thread) for each in waiting if each.urgent and each.due <= now}
    due = (delivery for delivery in _select_first_of_each_thread(waiting) if delivery.due <= now)
    return sorted(due, key=lambda delivery: (delivery.channel, delivery.thread) not in urgent)


def next_due(waiting: Iterable[PendingDelivery]) -> datetime | None:
    """Return when the next delivery can be attempted, None if none waits.

    Only the first of a thread can be.
    """
    return min((delivery.due for delivery in _select_first_of_each_thread(waiting)), default=None)


def _select_first_of_each_thread(waiting: Iterable[PendingDelivery]) -> list[PendingDelivery]:
    first: dict[tuple[str, str], PendingDelivery] = {}
    for delivery in sorted(waiting, key=_get_age_key):
        first.setdefault((delivery.channel, delivery.thread), delivery)
    return list(first.values())


def _get_age_key(delivery: PendingDelivery) -> tuple[datetime, bool, str]:
    """Return the sort key for age; at the same time, the notice that opens a thread comes first."""
    return delivery.at, delivery.notice != delivery.thread, delivery.notice
