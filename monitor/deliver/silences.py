"""Messages held back while somebody wants silence, and what is told once it ends: only what is still so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.incident import Incident, notice_about
from alerts.notice import thread_id
from alerts.silence import Silence
from monitor.deliver.outbox_rows import Row
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from schedules.times.json import instant_json

Current = Callable[[Incident, datetime], Incident]
"""Returns an incident as it stands at an instant."""
Over = Mapping[str, tuple[Silence, Sequence[Row]]]
"""By incident, a silence that has ended and the deliveries it held back."""

_BACK = timedelta(days=30)
_LET_GO = "held back by a silence that has ended"


@dataclass(frozen=True, slots=True)
class Held:
    """What silences do to the deliveries that wait for a channel.

    `until` tells, by notice, when the silence ends that holds it back; `over` are those that one held back which ended.
    """

    until: Mapping[str, datetime] = field(default_factory=dict)
    over: Over = field(default_factory=dict)

    def free(self, rows: Iterable[Row]) -> list[Row]:
        """Return those that no silence keeps from going."""
        kept = {row.notice.id for _, held in self.over.values() for row in held}
        return [row for row in rows if row.notice.id not in self.until and row.notice.id not in kept]


def find_silenced(store: Store, rows: Sequence[Row], now: datetime) -> Held:
    """Return which of these deliveries are held back, or were until a silence ended."""
    # One that was ended before it began muted nothing.
    silences = [one for one in store.outbox.silences(now - _BACK) if one.begins < one.ends] if rows else []
    until: dict[str, datetime] = {}
    over: dict[str, tuple[Silence, list[Row]]] = {}
    for row in rows if silences else ():
        incident = store.verdicts.incident(row.notice.incident) if row.notice.incident else None
        of_it = [one for one in silences if incident is not None and one.covers(incident)]
        on = [one.ends for one in of_it if one.is_on(now)]
        # What was tried before may have arrived: it goes on being tried as it is.
        is_new = not row.delivery.attempts and row.delivery.reason != _LET_GO
        ended = [one for one in of_it if is_new and row.notice.at < one.ends <= now]
        if on or (ended and row.delivery.due > now):
            until[row.notice.id] = max(on, default=row.delivery.due)
        elif ended:
            last = max(ended, key=lambda one: one.ends)
            over.setdefault(row.notice.incident, (last, []))[1].append(row)
    return Held(until, over)


def notify_after_silence(  # what a transaction is told
    tx: Transaction, store: Store, current: Current, silence: Silence, rows: Sequence[Row], now: datetime
) -> None:
    """Put in the place of deliveries to one channel that a silence held back what is to be told of their incident now.

    One that is over is not told of where nobody was told that it began. Of one about which nothing is measured the
    last message goes out as it was written.
    """
    channel, incident = rows[0].delivery.channel, store.verdicts.incident(rows[0].notice.incident)
    if incident is None:
        return
    told = _was_told(store, incident, channel)
    if incident.closed is not None or incident.facts is None:
        kept = {rows[-1].notice.id} if told or incident.closed is None else set()
    else:
        kind = "still" if told or rows[0].notice.id != thread_id(incident.id) else rows[0].notice.kind
        fresh = current(incident, now)
        changed = "a silence about it has ended"
        notice = notice_about(kind, silence.id, fresh, fresh.facts or incident.facts, now, changed=changed)
        tx.add_notice(notice, [])
        tx.save_delivery(Delivery(notice.id, channel, DeliveryState.WAITING, now))
        kept = {notice.id}
    for row in rows:
        waits = _waiting(store, row.delivery)
        if row.notice.id in kept and waits is not None:
            # It was held back, and is no longer.
            tx.save_delivery(replace(waits, reason=_LET_GO))
        elif waits is not None:
            reference = next(iter(kept), "")
            tx.save_delivery(replace(waits, standing=DeliveryState.COVERED, finished=now, reference=reference))


def _was_told(store: Store, incident: Incident, channel: str) -> bool:
    """Tell whether anything about an incident went out through a channel, be it within a digest."""

    def sent(notice: str) -> bool:
        mine = (one for one in store.outbox.deliveries(notice) if one.channel == channel)
        return any(
            one.standing is DeliveryState.SENT
            or (one.standing is DeliveryState.COVERED and one.reference != "" and sent(one.reference))
            for one in mine
        )

    return any(sent(notice.id) for notice in store.outbox.notices(incident.id))


def _waiting(store: Store, delivery: Delivery) -> Delivery | None:
    """Return a delivery as it stands, None when it no longer waits to be tried."""
    rows = (one for one in store.outbox.deliveries(delivery.notice) if one.channel == delivery.channel)
    return next((one for one in rows if one.standing is DeliveryState.WAITING and not one.attempts), None)


def silence_json(one: Silence) -> dict[str, Any]:
    """Return the JSON of a silence."""
    return {
        "id": one.id,
        "of": str(one.scope),
        "name": one.name,
        "begins": instant_json(one.begins),
        "until": instant_json(one.until),
        "by": one.by,
        "reason": one.reason,
        "ended": instant_json(one.ended),
        "ended_by": one.ended_by,
    }
