"""What people are told again while nobody has taken an incident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime, timedelta

import structlog

from alerts.flapping import flapping_id, steady_notice
from alerts.incident import MONITOR, Entry, Incident
from alerts.notice import Notice
from alerts.platform import reminder_for_platform
from monitor.clock import Clock
from monitor.deliver.as_of_now import AsOfNow
from monitor.deliver.owed import is_countable, longest_owed, owed_on
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import Recorded
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Ask, Job
from schedules.times.zone import local_date

_log = structlog.get_logger(__name__)
_EVERY = timedelta(minutes=1)
_MOST = 1000
GIVEN_UP_FOR = timedelta(days=7)
"""How long a delivery that was given up is shown."""


@dataclass(frozen=True, slots=True)
class Reminding:
    """When nobody has acknowledged a report-grade incident: told again `after` its opening, then each `every`.

    An `after` of nothing turns reminders off.
    """

    after: timedelta = timedelta(minutes=15)
    every: timedelta = timedelta(minutes=30)


@dataclass
class Reminders:
    """Reminds people of incidents that nobody has.

    `wake` says that the outbox has something new; `given_up` is told how many deliveries were, `owed` how many reports
    are, for how long the longest, and how many actions are overdue. `as_of_now` brings an incident and its draft up to
    date, inside a transaction.
    """

    store: Store
    writer: Writer
    clock: Clock
    rules: ReportingRules
    reminding: Reminding
    _: KW_ONLY
    as_of_now: AsOfNow
    ask: Ask
    wake: Callable[[], None]
    given_up: Callable[[int], None] = lambda _count: None
    owed: Callable[[int, timedelta, int], None] = lambda _count, _longest, _actions: None

    def jobs(self) -> list[tuple[timedelta, str, Job]]:
        """Return its recurring jobs: spacing, name and job."""
        return [(5 * _EVERY, "given up", self.count), (_EVERY, "reminders", self.remind)]

    def recorded(self, recorded: Recorded) -> None:
        """Send the notices of a verdict that was written."""
        if recorded.notices:
            self.wake()

    async def remind(self) -> None:
        """Write the reminders that are due, and the notices that what came and went has been steady since."""
        now = self.clock.now()
        due = await self.ask(lambda: [one.id for one in self._open() if self._next(one, now) is not None])
        for incident in due:
            if await self.writer.write(lambda tx, name=incident: self._tell(tx, name, now)):  # type: ignore[misc] # mypy cannot infer it
                _log.info("reminded", incident=incident)
                self.wake()

    async def count(self) -> None:
        """Tell how many deliveries were given up of late, how many reports are owed and how many actions overdue."""
        now, outbox, verdicts = self.clock.now(), self.store.outbox, self.store.verdicts
        today = local_date(now, self.rules.timezone)
        given_up, (owed, overdue) = await self.ask(
            lambda: (len(outbox.given_up(now - GIVEN_UP_FOR)), owed_on(verdicts, today))
        )
        self.given_up(given_up)
        self.owed(*longest_owed(owed, now), sum(is_countable(one, now) for one, _, _ in overdue))

    def _open(self) -> list[Incident]:
        return [one for one in self.store.verdicts.open_incidents(_MOST) if one.closed is None]

    def _next(self, incident: Incident, now: datetime) -> Notice | None:
        """Return the notice about an incident that only time makes due, None while it is silenced or none is due."""
        outbox = self.store.outbox
        steady = steady_notice(incident, now)
        if steady is not None and outbox.notice(flapping_id(incident)) and outbox.notice(steady.id) is None:
            return steady
        reminding = self.reminding
        reminder = reminder_for_platform(incident, now, reminding.every, reminding.after) if reminding.after else None
        if reminder is None or outbox.notice(reminder.id) is not None:
            return None
        return None if any(one.is_on(now) and one.covers(incident) for one in outbox.silences(now)) else reminder

    def _tell(self, tx: Transaction, incident: str, now: datetime) -> bool:
        found = self.store.verdicts.incident(incident)
        # What it holds was measured at the last change: a delay that grows had not grown since.
        told = self.as_of_now.incident(found, now) if found is not None else None
        notice = self._next(told, now) if told is not None else None
        if found is None or notice is None or not tx.add_notice(notice, self.rules.deliveries(notice, found, now)):
            return False
        if (renew := self.as_of_now.renewal(incident, now)) is not None:
            renew(tx)
        tx.save_incident(replace(found, timeline=(*found.timeline, Entry(now, MONITOR, notice.subject))))
        return True
