"""What waits in the outbox: deliveries with what they carry, and how much of it there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from alerts.delivery import AfterAttempt, GivenUp, PendingDelivery, Sent
from alerts.notice import Notice
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.read import OutboxStore
from monitor.store.sql.write import Transaction
from schedules.times.json import instant_json


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery in the outbox, with what it carries."""

    delivery: Delivery
    notice: Notice

    @property
    def was_cut_off(self) -> bool:
        """Tell whether the last attempt never ended: it may be what ended the process."""
        return self.delivery.began is not None and self.delivery.finished is None

    def waiting(self, due: datetime) -> PendingDelivery:
        """Return what decides its turn."""
        notice = self.notice
        return PendingDelivery(
            notice.id,
            notice.follows or notice.id,
            self.delivery.channel,
            notice.at,
            due,
            urgent=notice.urgent,
            is_refused=self.delivery.attempts > 0,
        )


_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Ended:
    """The deliveries that this process has ended, should the store forget them: nobody is told twice."""

    _rows: dict[tuple[str, str], Delivery] = field(default_factory=dict)

    def add(self, done: Delivery) -> None:
        """Remember a delivery unless it is to be tried again; the first of too many is forgotten."""
        if done.standing is not DeliveryState.WAITING:
            self._rows[done.notice, done.channel] = done
        if len(self._rows) > _MOST:
            del self._rows[next(iter(self._rows))]

    def of(self, delivery: Delivery) -> Delivery | None:
        """Return a delivery as it was ended, None when it was not."""
        return self._rows.get((delivery.notice, delivery.channel))


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for one channel: how much, and since when the longest that ought to have gone by then.

    `delivered` is when this process last delivered through the channel, None if it has not yet.
    """

    pending: int = 0
    since: datetime | None = None
    delivered: datetime | None = None


def backlog_of(waiting: Iterable[tuple[Delivery, Notice]]) -> Backlog:
    """Return the backlog that these deliveries make."""
    # One that was tried has waited since its notice; one that was not, since it might have been.
    waits = [notice.at if delivery.attempts else delivery.due for delivery, notice in waiting]
    return Backlog(len(waits), min(waits, default=None))


def write_done(tx: Transaction, notice: Notice, done: Delivery, known: Delivery | None) -> None:
    """Write down how an attempt ended, unless another process has made one since: `known` is what the store tells."""
    if known is not None and known.attempts > done.attempts:
        return
    # A store that has gone back while the message was on its way lacks what it tells of.
    tx.add_notice(notice, [])
    tx.save_delivery(done)


def done_by(begun: Delivery, step: AfterAttempt, now: datetime) -> Delivery:
    """Return a delivery as an attempt left it."""
    if isinstance(step, Sent):
        return replace(begun, standing=DeliveryState.SENT, finished=now, reference=step.reference, reason="")
    if isinstance(step, GivenUp):
        return replace(begun, standing=DeliveryState.GIVEN_UP, finished=now, reason=step.reason)
    return replace(begun, due=step.at, finished=now, reason=step.reason)


def heard_of(outbox: OutboxStore, incident: str) -> set[str]:
    """Return the channels that were told of an incident, or are about to be, by itself and not with its platform."""

    def is_own(row: Delivery) -> bool:
        told = outbox.notice(row.reference) if row.standing is DeliveryState.COVERED else None
        return row.standing is not DeliveryState.COVERED or (told is not None and told.incident in {"", incident})

    rows = (row for notice in outbox.notices(incident) for row in outbox.deliveries(notice.id))
    return {row.channel for row in rows if is_own(row)}


def given_up_json(outbox: OutboxStore, delivery: Delivery) -> dict[str, Any]:
    """Return a delivery that was given up, with what it was to tell."""
    notice = outbox.notice(delivery.notice)
    return {
        "channel": delivery.channel,
        "at": instant_json(delivery.finished),
        "reason": delivery.reason,
        "subject": notice.subject if notice is not None else "",
        "incident": notice.incident if notice is not None else "",
    }
