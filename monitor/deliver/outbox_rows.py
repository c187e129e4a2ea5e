"""What waits in the outbox: deliveries with what they carry, and how much of it there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerts.delivery import Waiting
from alerts.notice import Notice
from monitor.store.rows import Delivery


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery in the outbox, with what it carries."""

    delivery: Delivery
    notice: Notice

    @property
    def was_cut_off(self) -> bool:
        """Tell whether the last attempt never ended: it may be what ended the process."""
        return self.delivery.began is not None and self.delivery.finished is None

    def waiting(self, due: datetime) -> Waiting:
        """Return what decides its turn."""
        notice = self.notice
        return Waiting(notice.id, notice.follows or notice.id, self.delivery.channel, notice.at, due)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for one channel: how much, and since when the longest that ought to have gone by then."""

    pending: int = 0
    since: datetime | None = None


def backlog_of(waiting: Iterable[tuple[Delivery, Notice]]) -> Backlog:
    """Return the backlog that these deliveries make."""
    # One that was tried has waited since its notice; one that was not, since it might have been.
    waits = [notice.at if delivery.attempts else delivery.due for delivery, notice in waiting]
    return Backlog(len(waits), min(waits, default=None))
