"""Opens and closes incidents of calendars and hosts: an unreadable or implausible calendar, dates
that cannot be read, a missing edition, a host whose answers take too long to parse.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from alerts import calendar_incidents as alerts
from alerts.incident import Decision, Incident, IncidentKind
from monitor.clock import Clock
from monitor.deliver.verdicts import VerdictRecorder
from monitor.health.metrics import Metrics
from monitor.health.state import HealthState
from monitor.ledger.ledger import Ledger, RecordedRead
from monitor.store.sql.read import VerdictStore
from monitor.store.writer import STALLED_AFTER, Writer
from monitor.threads import Ask, Tasks
from schedules.times.zone import local_date

_LOOK_BACK = timedelta(days=730)
_UNREADABLE_AHEAD = timedelta(days=7)
"""How far ahead people must know of an entry whose date cannot be read."""
MOST_HOSTS = 20
"""The most hosts a day that are reported as unreadable, because one publisher can have thousands of
them.
"""


@dataclass
class CalendarIncidents:
    """Opens and closes the incidents that belong to no release.

    `wake` is called when there are new notices to deliver.
    """

    ledger: Ledger
    health: HealthState
    counters: Metrics
    clock: Clock
    verdicts: VerdictStore
    writer: Writer
    events: VerdictRecorder
    wake: Callable[[], None]
    timezone: str
    ask: Ask
    _failing: dict[str, datetime] = field(default_factory=dict)
    _open: dict[str, Incident] = field(default_factory=dict)
    _tasks: Tasks = field(default_factory=Tasks)
    _reported_hosts: dict[str, date] = field(default_factory=dict)
    # calendar, title and date text of each reported entry
    _reported_dates: set[tuple[str, str, str]] = field(default_factory=set)

    async def load_open(self) -> None:
        """Load the open incidents of the last two years."""
        since = self.clock.now() - _LOOK_BACK
        recent = await self.ask(lambda: self.verdicts.incidents(since))
        still_open = (
            incident
            for incident in recent
            if incident.kind is IncidentKind.CALENDAR and incident.closed is None
        )
        self._open = {incident.id: incident for incident in still_open if not incident.release}

    async def report_read(self, calendar: str, producer: str, recorded: RecordedRead) -> None:
        """Update health, metrics and the calendar's incident after a read.

        A usable read closes the incident, and notifies people of titles that now name another
        period. Any other read continues the incident. It opens one if it raised alarms, or if no
        read has been usable for too long. `producer` is that of the calendar, empty if it has
        several.
        """
        now, read = self.clock.now(), recorded.read
        self.health.note_calendar_read(calendar, read.finished, read.fault)
        known = next(
            (incident for incident in self._open.values() if incident.calendar == calendar), None
        )
        if read.usable:
            self.counters.calendar_read.labels(calendar).set(read.finished.timestamp())
            self.counters.calendar_entries.labels(calendar).set(read.entries)
            self._failing.pop(calendar, None)
            if known is not None:
                await self._record_decision(Decision(alerts.close_resolved(known, now)), now)
            changed = (title for title in recorded.retitled if title.changes_period)
            if periods := [(title.before, title.after) for title in changed]:
                decision = alerts.report_changed_periods(
                    calendar, producer or calendar, periods, now
                )
                await self._record_decision(decision, now)
            if recorded.change is not None:
                await self.report_unreadable_dates({calendar: producer})
            return
        since = self._failing.setdefault(calendar, read.started)
        # The time before this process started does not make a calendar stale.
        started = self.health.started
        stale_since = max(self.health.calendars.get(calendar, started), started)
        is_stale = now - stale_since > self.health.stale_after(calendar)
        doubted = bool(recorded.alarms)
        if known is None and not doubted and not is_stale:
            return
        state = self.ledger.state_of(calendar)
        last_read = self.health.calendars.get(calendar) or state.last_read
        trouble = alerts.CalendarTrouble(
            calendar, producer or calendar, read.fault, since, last_read, doubted=doubted
        )
        await self._record_decision(alerts.report_trouble(trouble, known, now, self.timezone), now)

    async def report_unreadable_dates(self, producers: Mapping[str, str]) -> None:
        """Notify people, once each, of entries whose date cannot be read and may be in the next
        seven days.

        `producers` has this `producer` by calendar.
        """
        now = self.clock.now()
        today = local_date(now, self.timezone)
        for calendar, producer in producers.items():
            state = self.ledger.state_of(calendar)
            found = state.unreadable_dates(today, today + _UNREADABLE_AHEAD)
            new = [entry for entry in found if (calendar, *entry) not in self._reported_dates]
            if not new:
                continue
            decision = alerts.report_unreadable_dates(calendar, producer or calendar, new, now)
            if await self._find_stored_incident(decision) is None:
                await self._record_decision(decision, now)
            self._reported_dates.update((calendar, *entry) for entry in new)

    async def report_missing_editions(self, calendars: Collection[str]) -> None:
        """Notify people, once each, of editions of regular series that none of these calendars
        announced in time.

        Close the incidents of editions that are not missing any more.
        """
        now = self.clock.now()
        fresh = {name for name in calendars if self.health.is_fresh(name, now)}
        still_missing = set[str]()
        for last, due in await self.ledger.find_missing_editions(now):
            producer_name = self.events.rules.producer_name(last.producer)
            expected_days = (due.first, due.last)
            decision = alerts.report_missing_edition(
                last.title, last.producer, producer_name, expected_days, now
            )
            if decision.incident is not None:  # it always is here
                still_missing.add(decision.incident.id)
            # A calendar that was not read lately may have announced the edition, so no incident is
            # opened.
            if (
                fresh.issuperset(last.calendars)
                and await self._find_stored_incident(decision) is None
            ):
                await self._record_decision(decision, now)
        for incident in [incident for incident in self._open.values() if incident.series]:
            if incident.id not in still_missing:
                await self._record_decision(Decision(alerts.close_resolved(incident, now)), now)

    async def report_costly_hosts(self) -> None:
        """Notify people of hosts with answers that take too long to parse, once a day each, also
        after a restart.
        """
        now = self.clock.now()
        today = local_date(now, self.timezone)
        self._reported_hosts = {
            host: day for host, day in self._reported_hosts.items() if day == today
        }
        for host in sorted(self.health.costly):
            if host not in self._reported_hosts and len(self._reported_hosts) < MOST_HOSTS:
                decision = alerts.report_costly_host(host, now, self.timezone)
                if await self._find_stored_incident(decision) is None:
                    await self._record_decision(decision, now)
                self._reported_hosts[host] = today
            self.health.costly.discard(host)

    async def _record_decision(self, decision: Decision, now: datetime) -> None:
        """Store the incident and the notices of a decision. An incident that exists is only
        reopened, without notices.
        """
        incident = decision.incident
        if incident is None:
            return
        earlier = await self._find_stored_incident(decision) if decision.notices else None
        if earlier is not None:
            # The id has the day, so people are notified of the same trouble once a day.
            decision = Decision(alerts.reopen(earlier, incident, now))
        await self._tasks.within(STALLED_AFTER, self._write_decision(decision, now))
        if decision.incident is not None and decision.incident.closed is None:
            self._open[incident.id] = decision.incident
        else:
            self._open.pop(incident.id, None)

    async def _write_decision(self, decision: Decision, now: datetime) -> None:
        if await self.writer.write(lambda tx: self.events.save_decision(tx, decision, now)):
            self.wake()

    async def _find_stored_incident(self, decision: Decision) -> Incident | None:
        incident = decision.incident
        if incident is None:
            return None
        return await self.ask(lambda: self.verdicts.incident(incident.id))
