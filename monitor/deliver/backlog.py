"""What waits in the outbox, as the drain last saw it: for metrics and readiness, which never ask the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerts.notice import Notice
from monitor.record.rows import Delivery


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
