"""Suppresses messages during a silence, and notifies people after it of the incidents that are still open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.incident import Incident, make_fact_notice
from alerts.notice import thread_id
from alerts.silence import Silence
from monitor.deliver.outbox_rows import OutboxRow
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from schedules.times.json import fields_json

RefreshIncident = Callable[[Incident, datetime], Incident]
"""Returns an incident with the facts of an instant."""
EndedSilences = Mapping[str, tuple[Silence, Sequence[OutboxRow]]]
"""By incident, a silence that has ended and the deliveries it suppressed."""

_READ_FOR = timedelta(days=30)
"""How long after its planned end a silence is still read, because deliveries that it suppressed may wait."""
_RELEASED = "muted by a silence that has ended"
"""The reason stored with a delivery after its silence. Stored rows are compared with it: keep its wording."""


@dataclass(frozen=True, slots=True)
class Silenced:
    """The waiting deliveries of a channel that silences suppress.

    `until` is when the silence ends, by notice id. `ended` are the deliveries of silences that have just ended.
    """

    until: Mapping[str, datetime] = field(default_factory=dict)
    ended: EndedSilences = field(default_factory=dict)

    def without_silenced(self, rows: Iterable[OutboxRow]) -> list[OutboxRow]:
        """Return the rows that no silence suppresses."""
        suppressed = {row.notice.id for _, ended in self.ended.values() for row in ended} | self.until.keys()
        return [row for row in rows if row.notice.id not in suppressed]


def find_silenced(store: Store, rows: Sequence[OutboxRow], now: datetime) -> Silenced:
    """Return which of these deliveries a silence suppresses now, and which it did until it ended.

    After a silence a delivery stays suppressed until it is due.
    """
    # A silence that was ended before it began never suppressed a message.
    silences = [one for one in store.outbox.silences(now - _READ_FOR) if one.begins < one.ends] if rows else []
    until: dict[str, datetime] = {}
    ended_silences: dict[str, tuple[Silence, list[OutboxRow]]] = {}
    for row in rows if silences else ():
        incident = store.verdicts.incident(row.notice.incident) if row.notice.incident else None
        covering = [one for one in silences if incident is not None and one.covers(incident)]
        active_until = [one.ends for one in covering if one.is_on(now)]
        # A message that was attempted may have arrived, so it is retried unchanged.
        is_new = not row.delivery.attempts and row.delivery.reason != _RELEASED
        ended = [one for one in covering if is_new and row.notice.at < one.ends <= now]
        if active_until or (ended and row.delivery.due > now):
            until[row.notice.id] = max(active_until, default=row.delivery.due)
        elif ended:
            last = max(ended, key=lambda one: one.ends)
            ended_silences.setdefault(row.notice.incident, (last, []))[1].append(row)
    return Silenced(until, ended_silences)


def notify_after_silence(
    tx: Transaction,
    store: Store,
    refresh_incident: RefreshIncident,
    silence: Silence,
    rows: Sequence[OutboxRow],
    now: datetime,
) -> None:
    """Replace the deliveries that a silence suppressed on one channel by one notice of their incident's current status.

    An incident that began and closed during the silence gives no notice. Another closed one, and one without measured
    facts, gives its last message, as it was written.
    """
    channel, incident = rows[0].delivery.channel, store.verdicts.incident(rows[0].notice.incident)
    if incident is None:
        return
    was_notified = _was_notified(store, incident, channel)
    if incident.closed is not None and not was_notified:
        sent_instead = ""
    elif incident.closed is not None or incident.facts is None:
        sent_instead = rows[-1].notice.id
    else:
        is_opening_unsent = not was_notified and rows[0].notice.id == thread_id(incident.id)
        kind = rows[0].notice.kind if is_opening_unsent else "still"
        fresh = refresh_incident(incident, now)
        changed = "a silence about it has ended"
        notice = make_fact_notice(kind, silence.id, fresh, fresh.facts or incident.facts, now, changed=changed)
        tx.add_notice(notice, [])
        tx.save_delivery(Delivery(notice.id, channel, DeliveryState.WAITING, now))
        sent_instead = notice.id
    for row in rows:
        waiting = _read_waiting(store, row.delivery)
        if waiting is not None and row.notice.id == sent_instead:
            tx.save_delivery(replace(waiting, reason=_RELEASED))
        elif waiting is not None:
            tx.save_delivery(replace(waiting, standing=DeliveryState.COVERED, finished=now, reference=sent_instead))


def _was_notified(store: Store, incident: Incident, channel: str) -> bool:
    """Return whether a channel has sent a notice of an incident, itself or as part of a digest."""

    def was_sent(notice: str) -> bool:
        mine = (one for one in store.outbox.deliveries(notice) if one.channel == channel)
        return any(
            one.standing is DeliveryState.SENT
            or (one.standing is DeliveryState.COVERED and one.reference != "" and was_sent(one.reference))
            for one in mine
        )

    return any(was_sent(notice.id) for notice in store.outbox.notices(incident.id))


def _read_waiting(store: Store, delivery: Delivery) -> Delivery | None:
    """Return the stored delivery, or None if it was attempted or finished."""
    rows = (one for one in store.outbox.deliveries(delivery.notice) if one.channel == delivery.channel)
    return next((one for one in rows if one.standing is DeliveryState.WAITING and not one.attempts), None)


def silence_json(one: Silence) -> dict[str, Any]:
    """Return the JSON of a silence."""
    known = {"id": one.id, "of": one.scope.value}
    return known | fields_json(one, "name", "begins", "until", "by", "reason", "ended", "ended_by")
