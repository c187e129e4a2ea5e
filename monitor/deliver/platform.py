"""A fault of a platform told in one thread to people and pagers: what it covers, and when it goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.incident import Decision, Incident, Kind, confirmation_notice_id
from alerts.notice import Notice, thread_id
from alerts.platform import is_covered_by_platform, platform_id_of, shared_platform_id, update_platform
from monitor.deliver.outbox_rows import heard_of
from monitor.deliver.rules import ReportingRules
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.sql.read import VerdictStore
from monitor.store.sql.write import Transaction

_LONGEST = 5
"""How many times its pause an opening is held at most."""


@dataclass(frozen=True, slots=True)
class PlatformThread:
    """The thread of the platform that holds a release up with others: what it decides, and what it stands for."""

    decision: Decision
    incident: Incident
    member: str
    rules: ReportingRules

    def deliveries(self, store: Store, notice: Notice, deliveries: Sequence[Delivery], now: datetime) -> list[Delivery]:
        """Return the deliveries of a notice of one of its releases: covered where the thread tells of it.

        A pager that was called for this release before it was known to share a fault is told of its end.
        """
        if not is_covered_by_platform(notice):
            return list(deliveries)
        told = self._channels(store, notice, now)
        if notice.kind == "final":
            rows = store.outbox.deliveries(notice.follows)
            told -= {row.channel for row in rows if row.standing is DeliveryState.SENT} & set(self.rules.pagers)
        return [self._covered(one, now) if one.channel in told else one for one in deliveries]

    def cover(self, tx: Transaction, store: Store, now: datetime) -> None:
        """Cover the opening of its newest release where it has not gone out yet."""
        for name in (thread_id(self.member), confirmation_notice_id(self.member)):
            opening = store.outbox.notice(name)
            if opening is None or not is_covered_by_platform(opening):
                continue
            told = self._channels(store, opening, now)
            for row in store.outbox.deliveries(opening.id):
                if row.channel in told and _is_untold(row):
                    tx.save_delivery(self._covered(row, now))

    def gather(self, tx: Transaction, store: Store, now: datetime) -> None:
        """Hold the thread's own opening for a moment more, while releases are still found to be held up.

        Whoever is told of this release, and was of none before, gets the opening too.
        """
        opening = store.outbox.notice(thread_id(self.incident.id))
        if opening is None:
            return
        rows = {row.channel: row for row in store.outbox.deliveries(opening.id)}
        called = self._called(store) if any(map(_is_untold, rows.values())) else set()
        new = [one for one in self.rules.deliveries(opening, self.incident, now) if one.channel not in rows]
        for row in (*rows.values(), *new):
            if self._folds(row) and _is_untold(row):
                pause = self.rules.gather * (_LONGEST if row.channel in called else 1)
                until = min(now, self.incident.opened + (_LONGEST - 1) * pause) + pause
                tx.save_delivery(replace(row, due=max(row.due, until)))
            elif row in new:
                tx.save_delivery(row)

    def _called(self, store: Store) -> set[str]:
        """Return the channels that were told of a release by itself: nobody there waits for the first word."""
        ids = (thread_id, confirmation_notice_id)
        names = (id_of(one.incident) for one in self.incident.linked for id_of in ids)
        rows = (row for name in names for row in store.outbox.deliveries(name))
        return {row.channel for row in rows if row.standing is DeliveryState.SENT}

    def follow_up(self, store: Store, notice: Notice, deliveries: Sequence[Delivery], now: datetime) -> list[Delivery]:
        """Return the deliveries of a notice of the thread itself.

        Its opening waits a moment for more releases; that one more is held up is told to whoever it concerns and knew.
        """
        if not notice.follows:
            held, longer = now + self.rules.gather, now + _LONGEST * self.rules.gather
            called = self._called(store)
            due = {one.channel: max(one.due, longer if one.channel in called else held) for one in deliveries}
            return [replace(one, due=due[one.channel]) if self._folds(one) else one for one in deliveries]
        if notice.kind != "new_finding":
            return list(deliveries)
        alone = replace(self.incident, linked=tuple(one for one in self.incident.linked if one.incident == self.member))
        knew = {row.channel for row in store.outbox.deliveries(notice.follows)}
        concerned = self.rules.whoever().audience(notice, alone, now).keys() & knew
        return [one for one in deliveries if one.channel in concerned]

    def _folds(self, row: Delivery) -> bool:
        return row.channel in self.rules.folding

    def _channels(self, store: Store, notice: Notice, now: datetime) -> set[str]:
        """Return who hears of it by the thread: also those who were told of the thread before their turn was over."""
        heard = heard_of(store.outbox, self.incident.id) if self.rules.passes_on else set()
        return (self.rules.audience(notice, self.incident, now).keys() | heard) & set(self.rules.folding)

    def _covered(self, row: Delivery, now: datetime) -> Delivery:
        return replace(row, standing=DeliveryState.COVERED, finished=now, reference=thread_id(self.incident.id))


def platform_thread(
    store: Store, rules: ReportingRules, member: Incident | None, now: datetime
) -> PlatformThread | None:
    """Return the thread of the platform that holds up the release of an incident with others; None for one alone."""
    if member is None or member.facts is None or member.kind not in (Kind.LATE, Kind.PARTIAL, Kind.EARLY):
        return None
    name = platform_id_of(member.facts)
    known = store.verdicts.incident(name) if name else None
    rows = store.outbox.deliveries(thread_id(known.id)) if known is not None else []
    decision = update_platform(known, member, now, untold=any(map(_is_untold, rows)))
    incident = decision.incident or known
    is_linked = incident is not None and any(one.incident == member.id for one in incident.linked)
    return PlatformThread(decision, incident, member.id, rules) if incident is not None and is_linked else None


def _is_untold(row: Delivery) -> bool:
    return row.attempts == 0 and row.standing is DeliveryState.WAITING


def related(verdicts: VerdictStore, incident: Incident) -> list[Incident]:
    """Return the incident of the platform that held up a release, and those of the others; of a platform all its own.

    Oldest first, the platform's own last.
    """
    name = shared_platform_id(incident.facts)
    whole = incident if incident.kind is Kind.PLATFORM else verdicts.incident(name) if name else None
    if whole is None:
        return []
    found = (verdicts.incident(one.incident) for one in whole.linked if one.incident != incident.id)
    others = [one for one in found if one is not None]
    return others if whole is incident else [*others, whole]
