"""Suppresses messages during a silence, and notifies people after it of the incidents that are
still open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.incident import Incident, make_fact_notice
from alerts.notice import thread_id
from alerts.silence import Silence
from monitor.deliver.outbox_rows import OutboxRow, covered_delivery, is_unsent, stored_delivery
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from schedules.times.json import fields_json

RefreshIncident = Callable[[Incident, datetime], Incident]
"""Returns an incident with the facts of an instant."""
EndedSilences = Mapping[str, tuple[Silence, Sequence[OutboxRow]]]
"""By incident, a silence that has ended and the deliveries it suppressed."""

_READ_AFTER_END = timedelta(days=30)
"""How long after its planned end a silence is still read, because deliveries that it suppressed may
wait.
"""
_SILENCE_OVER = "muted by a silence that has ended"
"""The reason stored with a delivery after its silence. Stored rows are compared with it: keep its
wording.
"""


@dataclass(frozen=True, slots=True)
class Silenced:
    """The waiting deliveries of a channel that silences suppress.

    `until` is when the silence ends, by notice id. `ended` are the deliveries of silences that have
    just ended.
    """

    until: Mapping[str, datetime]
    ended: EndedSilences

    def select_sendable(self, rows: Iterable[OutboxRow]) -> list[OutboxRow]:
        """Return the rows that no silence suppresses."""
        suppressed = {
            row.notice.id for _, ended in self.ended.values() for row in ended
        } | self.until.keys()
        return [row for row in rows if row.notice.id not in suppressed]


def find_silenced(store: Store, rows: Sequence[OutboxRow], now: datetime) -> Silenced:
    """Return which of these deliveries must wait because of a silence, and which waited for one
    that has ended.

    After a silence, one new message replaces all that waited for it about an incident (see
    `notify_after_silence`).
    """
    # A silence that was ended before it began never suppressed a message.
    silences = (
        [one for one in store.outbox.silences(now - _READ_AFTER_END) if one.begins < one.ends]
        if rows
        else []
    )
    suppressed_until: dict[str, datetime] = {}
    ended_silences: dict[str, tuple[Silence, list[OutboxRow]]] = {}
    for row in rows if silences else ():
        incident = store.verdicts.incident(row.notice.incident) if row.notice.incident else None
        covering = [one for one in silences if incident is not None and one.covers(incident)]
        active_until = [one.ends for one in covering if one.is_on(now)]
        # An attempted message may have arrived, so it is only retried. A row with the reason
        # `_SILENCE_OVER` was chosen after a silence to be sent unchanged.
        is_replaceable = not row.delivery.attempts and row.delivery.reason != _SILENCE_OVER
        # The silences that delayed this message and have ended. None if it must not be replaced.
        ended = [one for one in covering if is_replaceable and row.notice.at < one.ends <= now]
        if active_until or (ended and row.delivery.due > now):
            # The message waits until its last active silence ends. If all have ended, it waits
            # until it is due.
            suppressed_until[row.notice.id] = max(active_until, default=row.delivery.due)
        elif ended:
            # The new message of an incident names one silence: the last that ended and had
            # suppressed its first row.
            last_ended = max(ended, key=lambda one: one.ends)
            _, rows_of_incident = ended_silences.setdefault(row.notice.incident, (last_ended, []))
            rows_of_incident.append(row)
    return Silenced(suppressed_until, ended_silences)


def notify_after_silence(
    tx: Transaction,
    store: Store,
    refresh_incident: RefreshIncident,
    silence: Silence,
    rows: Sequence[OutboxRow],
    now: datetime,
) -> None:
    """Replace the deliveries that a silence suppressed on one channel by one notice of their
    incident's current status.

    `rows` are these deliveries, all of one channel and one incident.
    """
    channel = rows[0].delivery.channel
    incident = store.verdicts.incident(rows[0].notice.incident)
    if incident is None:
        return
    was_notified = _was_notified(store, incident, channel)
    # `replacement` is the id of the notice that is sent instead of all rows.
    if incident.closed is not None and not was_notified:
        replacement = ""  # the incident began and closed during the silence, so no notice is sent
    elif incident.closed is not None or incident.facts is None:
        # The last notice says that the incident is closed. Without facts, it says what a person
        # reported.
        replacement = rows[-1].notice.id
    else:  # the incident is open and was measured, so write a new notice
        is_opening_unsent = not was_notified and rows[0].notice.id == thread_id(incident.id)
        # "still": the incident is still open
        kind = rows[0].notice.kind if is_opening_unsent else "still"
        fresh = refresh_incident(incident, now)
        facts = fresh.facts or incident.facts
        # The id of the notice contains that of the silence, so that each silence gives a notice of
        # its own.
        notice = make_fact_notice(
            kind, silence.id, fresh, facts, now, changed="a silence about it has ended"
        )
        tx.add_notice(notice, [])  # no effect if the notice was added for another channel already
        tx.save(Delivery(notice.id, channel, DeliveryState.WAITING, now))
        replacement = notice.id
    for row in rows:
        stored = stored_delivery(store.outbox, row.notice.id, channel)
        # Rows that were attempted or finished since they were read stay as they are.
        if stored is not None and is_unsent(stored):
            is_kept = row.notice.id == replacement
            tx.save(
                replace(stored, reason=_SILENCE_OVER)
                if is_kept
                else covered_delivery(stored, replacement, now)
            )


def _was_notified(store: Store, incident: Incident, channel: str) -> bool:
    """Return whether a channel has sent a notice of an incident, or one that replaced it, such as a
    digest.
    """

    def was_sent(notice: str) -> bool:
        """Return whether the channel has sent this notice, or the notice that was sent instead of
        it.
        """
        # A covered delivery refers to the notice that was sent instead. The reference is empty if
        # there was none.
        return any(
            one.standing is DeliveryState.SENT
            or (
                one.standing is DeliveryState.COVERED
                and one.reference != ""
                and was_sent(one.reference)
            )
            for one in store.outbox.deliveries(notice)
            if one.channel == channel
        )

    return any(was_sent(notice.id) for notice in store.outbox.notices(incident.id))


def silence_json(one: Silence) -> dict[str, Any]:
    """Return the JSON of a silence."""
    fields = fields_json(one, "name", "begins", "until", "by", "reason", "ended", "ended_by")
    return {"id": one.id, "of": one.scope.value, **fields}
