"""What people are told again while nobody has taken an incident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime, timedelta

import structlog

from alerts.incident import MONITOR, MOST_REMINDERS, Entry, Incident
from alerts.notice import notice_id
from alerts.platform import platform_of, told_again
from monitor.clock import Clock
from monitor.deliver.as_of_now import AsOfNow
from monitor.deliver.owed import is_countable, longest_owed, owed_on
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import Recorded
from monitor.store.interface import Store, Transaction
from monitor.store.writer import Writer
from monitor.threads import Ask, Job
from schedules.times.zone import local_date

_log = structlog.get_logger(__name__)
_EVERY = timedelta(minutes=1)
_LOOK_BACK = timedelta(days=30)
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
    _open: set[str] | None = None

    def jobs(self) -> list[tuple[timedelta, str, Job]]:
        """Return its recurring jobs: spacing, name and job."""
        counting: list[tuple[timedelta, str, Job]] = [(5 * _EVERY, "given up", self.count)]
        return [*counting, (_EVERY, "reminders", self.remind)] if self.reminding.after else counting

    def recorded(self, recorded: Recorded) -> None:
        """Take note of a verdict written down: notices are to go out, and people may have to be reminded."""
        incident = recorded.incident
        if recorded.notices:
            self.wake()
        if incident is not None and self._open is not None and _is_waiting(incident):
            self._open.add(platform_of(incident.facts) or incident.id)

    async def remind(self) -> None:
        """Write the reminders that are due."""
        now = self.clock.now()
        if self._open is None:
            self._open = set(await self.ask(lambda: self._recent(now)))
        waiting = list(self._open)
        due = await self.ask(lambda: [one for one in waiting if self._is_due(one, now)]) if waiting else []
        for incident in due:
            if await self.writer.write(lambda tx, name=incident: self._remind(tx, name, now)):  # type: ignore[misc] # mypy cannot infer it
                _log.info("reminded", incident=incident)
                self.wake()
        over = await self.ask(lambda: [one for one in waiting if self._is_over(one)]) if waiting else []
        self._open.difference_update(over)

    async def count(self) -> None:
        """Tell how many deliveries were given up of late, how many reports are owed and how many actions overdue."""
        now, outbox, verdicts = self.clock.now(), self.store.outbox, self.store.verdicts
        today = local_date(now, self.rules.timezone)
        given_up, (owed, overdue) = await self.ask(
            lambda: (len(outbox.given_up(now - GIVEN_UP_FOR)), owed_on(verdicts, today))
        )
        self.given_up(given_up)
        self.owed(*longest_owed(owed, now), sum(is_countable(one, now) for one, _, _ in overdue))

    def _recent(self, now: datetime) -> list[str]:
        return [one.id for one in self.store.verdicts.incidents(now - _LOOK_BACK) if _is_waiting(one)]

    def _is_due(self, incident: str, now: datetime) -> bool:
        found = self.store.verdicts.incident(incident)
        notice = told_again(found, now, self.reminding.every, self.reminding.after) if found is not None else None
        if found is not None and any(one.is_on(now) and one.covers(found) for one in self.store.outbox.silences(now)):
            return False
        return notice is not None and self.store.outbox.notice(notice.id) is None

    def _is_over(self, incident: str) -> bool:
        found = self.store.verdicts.incident(incident)
        last = notice_id(incident, "reminder", str(MOST_REMINDERS))
        return found is None or not _is_waiting(found) or self.store.outbox.notice(last) is not None

    def _remind(self, tx: Transaction, incident: str, now: datetime) -> bool:
        found = self.store.verdicts.incident(incident)
        # What it holds was measured at the last change: a delay that grows had not grown since.
        told = self.as_of_now.incident(found, now) if found is not None else None
        notice = told_again(told, now, self.reminding.every, self.reminding.after) if told is not None else None
        if found is None or notice is None or not tx.add_notice(notice, self.rules.deliveries(notice, found, now)):
            return False
        if (renew := self.as_of_now.renewal(incident, now)) is not None:
            renew(tx)
        tx.save_incident(replace(found, timeline=(*found.timeline, Entry(now, MONITOR, notice.subject))))
        return True


def _is_waiting(incident: Incident) -> bool:
    """Tell whether somebody may have to be reminded of it; one whose grade rises later is counted again."""
    silent = incident.closed is None and incident.acknowledged is None
    return silent and incident.grade == "report" and (incident.facts is not None or bool(incident.linked))
