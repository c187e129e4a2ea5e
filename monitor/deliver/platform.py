"""Reports a platform's fault in one thread to people and pagers, instead of one thread for each release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.incident import Decision, Incident, Kind, confirmation_notice_id
from alerts.notice import Notice, thread_id
from alerts.platform import is_covered_by_platform, platform_id_of, shared_platform_id, update_platform
from monitor.deliver.outbox_rows import covered_delivery, is_unsent, notified_channels
from monitor.deliver.rules import ReportingRules
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.sql.read import VerdictStore
from monitor.store.sql.write import Transaction

_MOST_PAUSES = 5
"""The longest delay of an opening, as a multiple of its usual delay."""


@dataclass(frozen=True, slots=True)
class PlatformThread:
    """Messages about a platform's fault that delays several releases.

    `incident` is the platform's, changed by `decision`. `member_id` is the id of the newest release's own incident.
    """

    decision: Decision
    incident: Incident
    member_id: str
    rules: ReportingRules
    store: Store

    def cover_member_notice(self, notice: Notice, deliveries: Sequence[Delivery], now: datetime) -> list[Delivery]:
        """Return the deliveries of a release's notice, not sent on channels that get the platform's thread instead.

        Those are marked as covered by the thread. The exception is the last notice (`final`) on a pager that was called
        for this release: it closes the alert.
        """
        if not is_covered_by_platform(notice):
            return list(deliveries)
        covered_channels = self._thread_channels(notice, now)
        if notice.kind == "final":
            rows = self.store.outbox.deliveries(notice.follows)
            called = {row.channel for row in rows if row.standing is DeliveryState.SENT} & set(self.rules.pagers)
            covered_channels -= called
        thread = thread_id(self.incident.id)
        return [covered_delivery(one, thread, now) if one.channel in covered_channels else one for one in deliveries]

    def cover_member_opening(self, tx: Transaction, now: datetime) -> None:
        """Mark the unsent first notice of the newest release (`member_id`) as covered by the platform's thread.

        Do it on channels that get that thread, also with the confirmation. Attempted deliveries stay as they are.
        """
        # A thread has the id of its opening. The confirmation reports that an absent release is a breach.
        for notice_id in (thread_id(self.member_id), confirmation_notice_id(self.member_id)):
            notice = self.store.outbox.notice(notice_id)
            if notice is None or not is_covered_by_platform(notice):
                continue
            channels = self._thread_channels(notice, now)
            for row in self.store.outbox.deliveries(notice.id):
                if row.channel in channels and is_unsent(row):
                    tx.save(covered_delivery(row, thread_id(self.incident.id), now))

    def extend_opening(self, tx: Transaction, now: datetime) -> None:
        """Delay the thread's unsent opening by another pause, because another release joined.

        Only `folding` channels wait: they get the thread instead of notices of each release. They wait five pauses from
        the incident's opening at most. Channels that get a notice of this release, but of no earlier one, are added.
        """
        opening = self.store.outbox.notice(thread_id(self.incident.id))
        if opening is None:
            return
        rows = {row.channel: row for row in self.store.outbox.deliveries(opening.id)}
        # If no stored delivery is unsent, only new ones can be delayed, by the usual pause `gather`.
        pause_by_channel = self._opening_pauses() if any(map(is_unsent, rows.values())) else {}
        new = [one for one in self.rules.deliveries(opening, self.incident, now) if one.channel not in rows]
        for row in (*rows.values(), *new):
            if row.channel in self.rules.folding and is_unsent(row):  # a new one is unsent
                pause = pause_by_channel.get(row.channel, self.rules.gather)
                until = min(now + pause, self.incident.opened + _MOST_PAUSES * pause)
                tx.save(replace(row, due=max(row.due, until)))
            elif row in new:  # a new channel that is not folding gets the opening at once
                tx.save(row)

    def _opening_pauses(self) -> dict[str, timedelta]:
        """Return by `folding` channel how long the thread's opening waits for more releases.

        A channel that already got a notice of one of the releases waits longer, because the thread is less urgent.
        """
        ids = (thread_id, confirmation_notice_id)
        names = (id_of(one.incident) for one in self.incident.linked for id_of in ids)
        rows = (row for name in names for row in self.store.outbox.deliveries(name))
        notified = {row.channel for row in rows if row.standing is DeliveryState.SENT}
        gather = self.rules.gather
        return {name: _MOST_PAUSES * gather if name in notified else gather for name in self.rules.folding}

    def schedule_thread_notice(self, notice: Notice, deliveries: Sequence[Delivery], now: datetime) -> list[Delivery]:
        """Return the deliveries of a notice in the platform's thread: through which channels, and from when.

        The opening waits a pause on `folding` channels, because more releases may join meanwhile. The notice that a
        release joined (`new_finding`) goes only to channels that have the opening and get notices of this release.
        Other notices go to all channels at once.
        """
        if not notice.follows:  # it is the opening
            earliest = {name: now + pause for name, pause in self._opening_pauses().items()}
            return [replace(one, due=max(one.due, earliest.get(one.channel, one.due))) for one in deliveries]
        if notice.kind != "new_finding":
            return list(deliveries)
        linked = tuple(one for one in self.incident.linked if one.incident == self.member_id)
        with_member_only = replace(self.incident, linked=linked)
        got_opening = {row.channel for row in self.store.outbox.deliveries(notice.follows)}
        gets_member = self.rules.for_everyone_on_call().platform_audience(notice, with_member_only, now).keys()
        return [one for one in deliveries if one.channel in got_opening & gets_member]

    def _thread_channels(self, notice: Notice, now: datetime) -> set[str]:
        """Return the channels that get the thread, also those that got it before the person on call changed."""
        earlier = notified_channels(self.store.outbox, self.incident.id) if self.rules.recipients_can_change else set()
        return (self.rules.platform_audience(notice, self.incident, now).keys() | earlier) & set(self.rules.folding)


def find_platform_thread(
    store: Store, rules: ReportingRules, member: Incident | None, now: datetime
) -> PlatformThread | None:
    """Return the thread about a platform's fault that delays the release of `member` and others, or None.

    Its incident is opened or updated with `member`, but not saved yet.
    """
    if member is None or member.facts is None or member.kind not in (Kind.LATE, Kind.PARTIAL, Kind.EARLY):
        return None
    platform = platform_id_of(member.facts)
    known = store.verdicts.incident(platform) if platform else None
    rows = store.outbox.deliveries(thread_id(known.id)) if known is not None else []
    decision = update_platform(known, member, now, is_unsent=any(map(is_unsent, rows)))
    incident = decision.incident or known
    is_linked = incident is not None and any(one.incident == member.id for one in incident.linked)
    return PlatformThread(decision, incident, member.id, rules, store) if incident is not None and is_linked else None


def related_incidents(verdicts: VerdictStore, incident: Incident) -> list[Incident]:
    """Return the other incidents of the same platform fault, oldest first, then the platform's own.

    For the platform's incident they are those of its releases.
    """
    shared = shared_platform_id(incident.facts)
    platform = incident if incident.kind is Kind.PLATFORM else verdicts.incident(shared) if shared else None
    if platform is None:
        return []
    found = (verdicts.incident(one.incident) for one in platform.linked if one.incident != incident.id)
    others = [one for one in found if one is not None]
    return others if platform is incident else [*others, platform]
