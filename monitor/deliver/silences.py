"""Notifies people after a silence of the incidents that are still open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from alerts.incident import Incident, make_fact_notice
from alerts.notice import thread_id
from alerts.silence import Silence
from monitor.deliver.outbox_rows import OutboxRow, covered_delivery, is_unsent, stored_delivery
from monitor.deliver.stages import SILENCE_OVER
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.read import OutboxStore
from monitor.store.sql.write import Transaction
from schedules.times.json import Json, fields_json

RefreshIncident = Callable[[Transaction, Incident, datetime], Incident]
"""Returns an incident with the facts of an instant."""


def notify_after_silence(
    tx: Transaction,
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
    incident = tx.read.verdicts.incident(rows[0].notice.incident)
    if incident is None:
        return
    suppressed = {row.notice.id for row in rows}
    was_notified = _is_notified(tx.read.outbox, incident, channel, suppressed)
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
        kind = "still"
        if is_opening_unsent:
            kind = rows[0].notice.kind
        fresh = refresh_incident(tx, incident, now)
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
        stored = stored_delivery(tx.read.outbox, row.notice.id, channel)
        # Rows that were attempted or finished since they were read stay as they are.
        if stored is not None and is_unsent(stored):
            if row.notice.id == replacement:
                tx.save(replace(stored, reason=SILENCE_OVER))
            else:
                tx.save(covered_delivery(stored, replacement, now))


def _is_notified(
    outbox: OutboxStore, incident: Incident, channel: str, suppressed: Collection[str]
) -> bool:
    """Return whether a channel has sent, or will send, a notice of an incident that is not among
    the suppressed ones, or one that replaced it, such as a digest.
    """

    def is_sent(notice: str) -> bool:
        delivery = stored_delivery(outbox, notice, channel)
        if delivery is None:
            return False
        if delivery.standing is DeliveryState.COVERED:
            # It refers to the notice that is sent instead, empty if there is none.
            return delivery.reference != "" and is_sent(delivery.reference)
        is_waiting = delivery.standing is DeliveryState.WAITING and notice not in suppressed
        return is_waiting or delivery.standing is DeliveryState.SENT

    return any(is_sent(notice.id) for notice in outbox.notices(incident.id))


def silence_json(one: Silence) -> Json:
    """Return the JSON of a silence."""
    fields = fields_json(one, "name", "begins", "until", "by", "reason", "ended", "ended_by")
    return {"id": one.id, "of": one.scope.value, **fields}
