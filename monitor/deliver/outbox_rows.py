"""Rows of the outbox: deliveries with their notices, how they end, and the backlog of each
channel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from alerts.delivery import AfterAttempt, GivenUp, RetryAt
from alerts.notice import Notice
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.read import OutboxStore
from schedules.times.json import Json, instant_json


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One waiting delivery with its notice. It may be attempted from `due` on."""

    delivery: Delivery
    notice: Notice
    due: datetime

    @property
    def thread(self) -> str:
        """Return the id of the notice that opens its thread (the notices of an incident)."""
        return self.notice.follows or self.notice.id

    @property
    def is_first_attempt(self) -> bool:
        """Return whether it was not attempted yet. A waiting one was attempted without success."""
        return self.delivery.attempts == 0

    @property
    def was_cut_off(self) -> bool:
        """Return whether the last attempt never ended, perhaps because it killed the process."""
        return self.delivery.began is not None and self.delivery.finished is None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many deliveries wait for one channel, and since when the oldest of them could have been
    sent.

    `delivered` is when this process last delivered through the channel (None: never).
    """

    pending: int = 0
    since: datetime | None = None
    delivered: datetime | None = None


def is_unsent(row: Delivery) -> bool:
    """Return whether a delivery still waits for its first attempt."""
    return row.attempts == 0 and row.standing is DeliveryState.WAITING


def stored_delivery(outbox: OutboxStore, notice: str, channel: str) -> Delivery | None:
    """Return the delivery of a notice through a channel, or None if there is none."""
    return next((row for row in outbox.deliveries(notice) if row.channel == channel), None)


def covered_delivery(row: Delivery, by: str, now: datetime) -> Delivery:
    """Return a delivery that is not sent, because the notice `by` is sent instead, or none if that
    is empty.
    """
    return replace(row, standing=DeliveryState.COVERED, finished=now, reference=by)


def delivery_after(begun: Delivery, step: AfterAttempt, now: datetime) -> Delivery:
    """Return a delivery after an attempt: sent, given up, or due again later."""
    if isinstance(step, RetryAt):
        return replace(begun, due=step.at, finished=now, reason=step.reason)
    if isinstance(step, GivenUp):
        return replace(begun, standing=DeliveryState.GIVEN_UP, finished=now, reason=step.reason)
    return replace(
        begun, standing=DeliveryState.SENT, finished=now, reference=step.reference, reason=""
    )


def notified_channels(outbox: OutboxStore, incident: str) -> set[str]:
    """Return the channels that got, or will get, a notice of this incident itself, not only of its
    platform (host).
    """

    def is_of_this_incident(row: Delivery) -> bool:
        if row.standing is not DeliveryState.COVERED:
            return True
        # Another notice was sent instead: a digest, which names no incident, or one of the
        # platform's incident.
        cover = outbox.notice(row.reference)
        return cover is not None and cover.incident in {"", incident}

    channels: set[str] = set()
    for notice in outbox.notices(incident):
        rows = filter(is_of_this_incident, outbox.deliveries(notice.id))
        channels.update(row.channel for row in rows)
    return channels


def given_up_json(outbox: OutboxStore, delivery: Delivery) -> Json:
    """Return the JSON of a delivery that was given up, with the subject and incident of its notice,
    if it has one.
    """
    notice = outbox.notice(delivery.notice)
    return {
        "channel": delivery.channel,
        "at": instant_json(delivery.finished),
        "reason": delivery.reason,
        "subject": notice.subject if notice is not None else "",
        "incident": notice.incident if notice is not None else "",
    }
