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
    """The messages about a platform (a host with many releases) whose fault delays several of them.

    `incident` is the platform's, changed by `decision`. `release_incident` is the id of the last judged release's own.
    """

    decision: Decision
    incident: Incident
    release_incident: str
    rules: ReportingRules
    store: Store

    def cover_release_notice(self, notice: Notice, deliveries: Sequence[Delivery], now: datetime) -> list[Delivery]:
        """Return the deliveries of a notice about one delayed release. On some channels it is not sent.

        These get messages about the whole platform (the host whose fault delays this and other releases) instead. A
        delivery that is not sent is marked as covered by that thread of messages.
        """
        if not is_covered_by_platform(notice):
            return list(deliveries)
        covered_channels = self._thread_channels(notice, now)
        if notice.kind == "final":  # pagers that were called for this release get it, because it closes the alert
            rows = self.store.outbox.deliveries(notice.follows)  # those of the first notice
            called = {row.channel for row in rows if row.standing is DeliveryState.SENT} & set(self.rules.pagers)
            covered_channels -= called
        thread = thread_id(self.incident.id)
        return [covered_delivery(one, thread, now) if one.channel in covered_channels else one for one in deliveries]

    def cover_release_opening(self, tx: Transaction, now: datetime) -> None:
        """Do not send the first notices of a delayed release on channels that get messages about the platform instead.

        A platform is the host whose fault delays this and other releases. A delivery that is not sent is marked as
        covered by the messages about the platform. A delivery that was attempted stays as it is.
        """
        opening_id, confirmation_id = thread_id(self.release_incident), confirmation_notice_id(self.release_incident)
        for notice_id in (opening_id, confirmation_id):  # "it is absent", and later "its absence is a breach"
            notice = self.store.outbox.notice(notice_id)
            if notice is None or not is_covered_by_platform(notice):
                continue
            channels = self._thread_channels(notice, now)
            for row in self.store.outbox.deliveries(notice.id):
                if row.channel in channels and is_unsent(row):
                    tx.save(covered_delivery(row, thread_id(self.incident.id), now))

    def delay_thread_opening(self, tx: Transaction, now: datetime) -> None:
        """Delay the unsent first notice about a platform's fault, because the fault delays another release too.

        Only `folding` channels wait, which get it instead of one notice for each release: for a pause from now, but at
        most five from the incident's opening. Channels that the routes choose only for the new release get it too.
        """
        opening = self.store.outbox.notice(thread_id(self.incident.id))
        if opening is None:
            return
        rows = {row.channel: row for row in self.store.outbox.deliveries(opening.id)}
        # If all stored deliveries are sent, only new ones can be delayed, by the usual pause `gather`.
        pause_by_channel = self._pauses_before_opening() if any(map(is_unsent, rows.values())) else {}
        new = [one for one in self.rules.deliveries(opening, self.incident, now) if one.channel not in rows]
        for row in (*rows.values(), *new):
            if row.channel in self.rules.folding and is_unsent(row):  # a new one is unsent
                pause = pause_by_channel.get(row.channel, self.rules.gather)
                until = min(now + pause, self.incident.opened + _MOST_PAUSES * pause)
                tx.save(replace(row, due=max(row.due, until)))
            elif row in new:  # a new channel that is not folding gets the opening at once
                tx.save(row)

    def _pauses_before_opening(self) -> dict[str, timedelta]:
        """Return how long the first notice about the platform waits for more releases, by channel that gets it."""
        opening_ids = (thread_id(release.incident) for release in self.incident.linked)
        confirmation_ids = (confirmation_notice_id(release.incident) for release in self.incident.linked)
        rows = (row for name in (*opening_ids, *confirmation_ids) for row in self.store.outbox.deliveries(name))
        notified = {row.channel for row in rows if row.standing is DeliveryState.SENT}
        # A channel that was notified of one of these releases already waits longer, because people know of the fault.
        pause = self.rules.gather
        return {name: _MOST_PAUSES * pause if name in notified else pause for name in self.rules.folding}

    def schedule_thread_notice(self, notice: Notice, deliveries: Sequence[Delivery], now: datetime) -> list[Delivery]:
        """Return which of these deliveries of a notice about a platform's fault are made, and from when."""
        if not notice.follows:  # the first notice waits on some channels, because more releases may be delayed
            earliest = {name: now + pause for name, pause in self._pauses_before_opening().items()}
            return [replace(one, due=max(one.due, earliest.get(one.channel, one.due))) for one in deliveries]
        if notice.kind != "new_finding":
            return list(deliveries)
        # One more release is delayed. Keep channels that got the first notice and that routes choose for this release.
        new_release = tuple(release for release in self.incident.linked if release.incident == self.release_incident)
        about_new_release = replace(self.incident, linked=new_release)
        rules = self.rules.for_everyone_on_call()  # channels of people who are not on call now count too
        chosen_for_release = rules.platform_audience(notice, about_new_release, now).keys()
        got_first_notice = {row.channel for row in self.store.outbox.deliveries(notice.follows)}
        return [one for one in deliveries if one.channel in got_first_notice & chosen_for_release]

    def _thread_channels(self, notice: Notice, now: datetime) -> set[str]:
        """Return the channels that get the thread, also those that got it before the person on call changed."""
        earlier = notified_channels(self.store.outbox, self.incident.id) if self.rules.recipients_can_change else set()
        return (self.rules.platform_audience(notice, self.incident, now).keys() | earlier) & set(self.rules.folding)


def find_platform_thread(
    store: Store, rules: ReportingRules, release: Incident | None, now: datetime
) -> PlatformThread | None:
    """Return the thread about a platform's fault that delays a release and others, or None.

    `release` is the release's own incident. The platform's is opened or updated with it, but not saved yet.
    """
    if release is None or release.facts is None or release.kind not in (Kind.LATE, Kind.PARTIAL, Kind.EARLY):
        return None
    platform = platform_id_of(release.facts)
    known = store.verdicts.incident(platform) if platform else None
    rows = store.outbox.deliveries(thread_id(known.id)) if known is not None else []
    decision = update_platform(known, release, now, is_unsent=any(map(is_unsent, rows)))
    incident = decision.incident or known
    is_linked = incident is not None and any(one.incident == release.id for one in incident.linked)
    return PlatformThread(decision, incident, release.id, rules, store) if incident is not None and is_linked else None


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
