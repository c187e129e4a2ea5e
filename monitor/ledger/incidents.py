"""Incidents of no release: a calendar that cannot be read or believed, an edition that none announces, a host."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from alerts import calendar_incidents as alerts
from alerts.incident import Decision, Incident, Kind
from monitor.clock import Clock
from monitor.deliver.verdicts import VerdictRecord
from monitor.health.state import FRESH_READS, HealthState
from monitor.ledger.ledger import LearntRead, Ledger
from monitor.store.sql.read import VerdictStore
from monitor.store.writer import LATE, Writer
from monitor.threads import Ask, Tasks, off_the_loop
from schedules.times.zone import local_date

_LOOK_BACK = timedelta(days=730)
MOST_HOSTS = 20
"""Hosts of which people are told in a day that their answers cannot be read: whoever has one may have thousands."""


@dataclass
class CalendarIncidents:
    """Opens and closes incidents of calendars and hosts. `wake` tells whoever delivers that there is something new."""

    ledger: Ledger
    health: HealthState
    clock: Clock
    verdicts: VerdictStore
    writer: Writer
    events: VerdictRecord
    wake: Callable[[], None]
    timezone: str = "Europe/London"
    ask: Ask = off_the_loop
    _failing: dict[str, datetime] = field(default_factory=dict)
    _open: dict[str, Incident] = field(default_factory=dict)
    _tasks: Tasks = field(default_factory=Tasks)
    _told: dict[str, date] = field(default_factory=dict)

    async def take_up(self) -> None:
        """Find the incidents that are still open."""
        since = self.clock.now() - _LOOK_BACK
        lately = await self.ask(lambda: self.verdicts.incidents(since))
        theirs = (one for one in lately if one.kind is Kind.CALENDAR and not one.release and one.closed is None)
        self._open = {incident.id: alerts.with_subject(incident) for incident in theirs}

    async def tell(self, calendar: str, producer: str, learnt: LearntRead) -> None:
        """Tell people of a calendar in trouble, close its incident once it reads again, and tell of changed periods."""
        now = self.clock.now()
        known = next((one for one in self._open.values() if one.calendar == calendar), None)
        if learnt.read.usable:
            self._failing.pop(calendar, None)
            if known is not None:
                await self._follow(Decision(alerts.restored(known, now)), now)
            periods = [(one.before, one.after) for one in learnt.retitled if one.changes_period]
            if periods:
                await self._follow(alerts.renamed(calendar, producer or calendar, periods, now), now)
            return
        since = self._failing.setdefault(calendar, learnt.read.started)
        if known is None and not learnt.alarms and not self._is_long_unread(calendar, now):
            return
        last = self.health.calendars.get(calendar) or self.ledger.last_read(calendar)
        doubted = bool(learnt.alarms)
        found = alerts.Trouble(calendar, producer or calendar, learnt.read.fault, since, last, doubted=doubted)
        await self._follow(alerts.trouble(found, known, now, self.timezone), now)

    async def look_for_editions(self, calendars: Collection[str]) -> None:
        """Tell people, once each, of editions of regular series that none of these calendars announces in time."""
        now = self.clock.now()
        fresh = {name for name in calendars if self.health.is_fresh(name, now)}
        missing = {}
        for one in await self.ledger.missing_editions(now, fresh):
            decision = alerts.missing(alerts.Missing(one.title, one.producer, one.first, one.last), now)
            if decision.incident is not None:
                missing[decision.incident.id] = decision
        for decision in missing.values():
            if await self._known(decision) is None:
                await self._follow(decision, now)
        for incident in [one for one in self._open.values() if one.series and one.id not in missing]:
            await self._follow(Decision(alerts.restored(incident, now)), now)

    async def tell_of_hosts(self) -> None:
        """Tell people of hosts whose answers cost too much to read: once a day each, whatever was restarted."""
        now = self.clock.now()
        today = local_date(now, self.timezone)
        self._told = {host: day for host, day in self._told.items() if day == today}
        for host in sorted(self.health.costly):
            if host not in self._told and len(self._told) < MOST_HOSTS:
                decision = alerts.too_costly(host, now, self.timezone)
                if await self._known(decision) is None:
                    await self._follow(decision, now)
                self._told[host] = today
            self.health.costly.discard(host)

    async def _follow(self, decision: Decision, now: datetime) -> None:
        incident = decision.incident
        if incident is None:
            return
        earlier = await self._known(decision) if decision.notices else None
        if earlier is not None:
            # The same trouble again on one day carries the same thread on; nobody is told twice.
            decision = Decision(alerts.reopened(earlier, incident, now))
        await self._tasks.within(LATE, self._write(decision, now))
        if decision.incident is not None and decision.incident.closed is None:
            self._open[incident.id] = decision.incident
        else:
            self._open.pop(incident.id, None)

    async def _write(self, decision: Decision, now: datetime) -> None:
        if await self.writer.write(lambda tx: self.events.follow(tx, decision, now)):
            self.wake()

    async def _known(self, decision: Decision) -> Incident | None:
        """Return what the store knows of the incident of a decision."""
        incident = decision.incident
        return None if incident is None else await self.ask(lambda: self.verdicts.incident(incident.id))

    def _is_long_unread(self, name: str, now: datetime) -> bool:
        last = max(self.health.calendars.get(name, self.health.started), self.health.started)
        return now - last > FRESH_READS * self.health.spacings[name]
