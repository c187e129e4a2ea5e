"""Reports the fault of a platform (a host with many releases) in one thread to people and pagers,
instead of one thread for each release.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.incident import Decision, Incident, IncidentKind, confirmation_notice_id
from alerts.notice import Notice, thread_id
from alerts.platform import (
    is_covered_by_platform,
    platform_id_of,
    shared_platform_id,
    update_platform,
)
from monitor.deliver.outbox_rows import covered_delivery, is_unsent, notified_channels
from monitor.deliver.rules import ReportingRules
from monitor.deliver.stages import MOST_PAUSES
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.read import Reads, VerdictStore
from monitor.store.sql.write import Transaction


@dataclass(frozen=True, slots=True)
class PlatformThread:
    """The messages about a platform whose fault delays several of its releases.

    `incident` is the platform's, changed by `decision`. `release_incident` is the id of the last
    judged release's own.
    """

    decision: Decision
    incident: Incident
    release_incident: str
    rules: ReportingRules
    read: Reads

    def cover_release_notice(
        self, notice: Notice, deliveries: Sequence[Delivery], now: datetime
    ) -> list[Delivery]:
        """Return the deliveries of a notice about one delayed release, some of them marked as not
        to be sent.

        A delivery to a channel that gets messages about the platform is marked as covered by their
        thread.
        """
        if not is_covered_by_platform(notice):
            return list(deliveries)
        covered_channels = self._thread_channels(notice, now)
        if notice.kind == "final":
            # The last notice closes the alert at a pager, so send it to pagers that got the first
            # notice.
            rows = self.read.outbox.deliveries(notice.follows)  # of the first notice
            called = {row.channel for row in rows if row.standing is DeliveryState.SENT} & set(
                self.rules.pagers
            )
            covered_channels -= called
        thread = thread_id(self.incident.id)
        return [
            covered_delivery(one, thread, now) if one.channel in covered_channels else one
            for one in deliveries
        ]

    def cover_release_opening(self, tx: Transaction, now: datetime) -> None:
        """Mark the first two notices of a delayed release as `cover_release_notice` does, except to
        channels that got them already.
        """
        release = self.release_incident
        for notice_id in (thread_id(release), confirmation_notice_id(release)):
            notice = self.read.outbox.notice(notice_id)
            if notice is None or not is_covered_by_platform(notice):
                continue
            channels = self._thread_channels(notice, now)
            for row in self.read.outbox.deliveries(notice.id):
                if row.channel in channels and is_unsent(row):
                    tx.save(covered_delivery(row, thread_id(self.incident.id), now))

    def delay_thread_opening(self, tx: Transaction, now: datetime) -> None:
        """Delay the unsent first notice about the platform's fault, because one more release was
        delayed.

        It waits for a pause from now, so that it can name further releases, but at most for five
        pauses since the incident was opened. Only `folding` channels wait. Channels that the routes
        choose only now get the notice too.
        """
        opening = self.read.outbox.notice(thread_id(self.incident.id))
        if opening is None:
            return
        rows = {row.channel: row for row in self.read.outbox.deliveries(opening.id)}
        # Finding each channel's own pause is slow. It is only needed if a stored delivery is
        # unsent.
        pause_by_channel = {}
        if any(map(is_unsent, rows.values())):
            pause_by_channel = self._pauses_before_opening()
        deliveries = self.rules.deliveries(opening, self.incident, now)
        new = [one for one in deliveries if one.channel not in rows]
        for row in (*rows.values(), *new):
            if row.channel in self.rules.folding and is_unsent(row):  # a new one is unsent
                pause = pause_by_channel.get(row.channel, self.rules.digest_rule.within)
                until = min(now + pause, self.incident.opened + MOST_PAUSES * pause)
                tx.save(replace(row, due=max(row.due, until)))
            elif row in new:  # a new channel that is not folding gets the opening at once
                tx.save(row)

    def _pauses_before_opening(self) -> dict[str, timedelta]:
        """Return, for each `folding` channel, how long the thread's opening (its first notice)
        waits for more releases.

        A channel that already got a notice of one of the releases waits longer, because the thread
        is less urgent.
        """
        notified = set()
        for one in self.incident.linked:
            for name in (thread_id(one.incident), confirmation_notice_id(one.incident)):
                rows = self.read.outbox.deliveries(name)
                notified |= {row.channel for row in rows if row.standing is DeliveryState.SENT}
        pauses = dict.fromkeys(self.rules.folding, self.rules.digest_rule.within)
        for channel in notified & pauses.keys():
            pauses[channel] *= MOST_PAUSES
        return pauses

    def schedule_thread_notice(
        self, notice: Notice, deliveries: Sequence[Delivery], now: datetime
    ) -> list[Delivery]:
        """Return the deliveries of a notice about the platform's fault: through which channels, and
        when.

        The notice that one more release is delayed (`new_finding`) goes only to channels that have
        the opening and that the routes choose for this release. Other notices go to all channels.
        """
        # It is the opening, for which some channels wait a pause.
        if not notice.follows:
            earliest = {name: now + pause for name, pause in self._pauses_before_opening().items()}
            return [
                replace(one, due=max(one.due, earliest.get(one.channel, one.due)))
                for one in deliveries
            ]
        if notice.kind != "new_finding":
            return list(deliveries)
        # Find the channels for this release only, as if the platform's incident were about no
        # other.
        linked = tuple(one for one in self.incident.linked if one.incident == self.release_incident)
        about_release = replace(self.incident, linked=linked)
        chosen_for_release = (
            self.rules.for_everyone_on_call().platform_audience(notice, about_release, now).keys()
        )
        got_opening = {row.channel for row in self.read.outbox.deliveries(notice.follows)}
        return [one for one in deliveries if one.channel in got_opening & chosen_for_release]

    def _thread_channels(self, notice: Notice, now: datetime) -> set[str]:
        """Return the channels that get the thread, also those that got it before the person on call
        changed.
        """
        channels = set(self.rules.platform_audience(notice, self.incident, now))
        if self.rules.recipients_can_change:
            channels |= notified_channels(self.read.outbox, self.incident.id)
        return channels.intersection(self.rules.folding)


def find_platform_thread(
    read: Reads, rules: ReportingRules, release: Incident | None, now: datetime
) -> PlatformThread | None:
    """Return the thread of messages about the fault of a release's platform, or None if it does not
    affect the release.

    The fault has an incident of its own, which lists the incidents of these releases. In the
    returned thread it lists `release` (the release's incident) as it is now, but is not saved yet.
    """
    if (
        release is None
        or release.facts is None
        or release.kind not in (IncidentKind.LATE, IncidentKind.PARTIAL, IncidentKind.EARLY)
    ):
        return None
    platform = platform_id_of(release.facts)
    known = None
    if platform:
        known = read.verdicts.incident(platform)
    # If the thread's first notice is still unsent, it will report this release too when it is sent.
    rows = read.outbox.deliveries(thread_id(known.id)) if known is not None else []
    decision = update_platform(known, release, now, is_unsent=any(map(is_unsent, rows)))
    incident = decision.incident or known
    if incident is None or all(one.incident != release.id for one in incident.linked):
        return None
    return PlatformThread(decision, incident, release.id, rules, read)


def related_incidents(verdicts: VerdictStore, incident: Incident) -> list[Incident]:
    """Return the incidents of the releases that the same platform affected, then the platform's own
    incident.

    Those of releases are oldest first. `incident` itself is left out.
    """
    platform: Incident | None = incident
    if incident.kind is not IncidentKind.PLATFORM:
        shared = shared_platform_id(incident.facts)
        platform = verdicts.incident(shared) if shared else None
    if platform is None:
        return []
    names = [one.incident for one in platform.linked if one.incident != incident.id]
    others = [one for one in map(verdicts.incident, names) if one is not None]
    if platform is incident:
        return others
    return [*others, platform]
