"""What people do to incidents, and what they are told again while nobody has taken one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from alerts.by_hand import acknowledge
from alerts.finding import ReleaseFacts
from alerts.incident import MONITOR, MOST_REMINDERS, Entry, Incident, reminder
from alerts.notice import notice_id
from monitor.clock import Clock
from monitor.deliver.rules import ReportingRules
from monitor.store.interface import Store, Transaction
from monitor.store.writer import Writer
from monitor.threads import Job

_log = structlog.get_logger(__name__)
_EVERY = timedelta(minutes=1)
_LOOK_BACK = timedelta(days=30)
Afresh = Callable[[str, datetime], ReleaseFacts | None]
GIVEN_UP_FOR = timedelta(days=7)
"""How long a delivery that was given up is shown."""


@dataclass(frozen=True, slots=True)
class Reminding:
    """When nobody has acknowledged a report-grade incident: told again `after` its opening, then each `every`.

    An `after` of nothing turns reminders off.
    """

    after: timedelta = timedelta(minutes=15)
    every: timedelta = timedelta(minutes=30)


class Attendant:
    """Takes what people say of incidents, and reminds them of those that nobody has."""

    def __init__(  # noqa: PLR0913 # the edges it stands between
        self,
        store: Store,
        writer: Writer,
        clock: Clock,
        rules: ReportingRules,
        reminding: Reminding,
        *,
        ask: Callable[[Callable[[], object]], Awaitable[object]],
        ring: Callable[[], None],
        given_up: Callable[[int], None] = lambda _count: None,
        afresh: Afresh = lambda _release, _now: None,
    ) -> None:
        """`ring` says that the outbox has something new; `given_up` hears how many deliveries were.

        `afresh` judges a release as of an instant, None when it is not known; called inside a transaction.
        """
        self._store = store
        self._writer = writer
        self._clock = clock
        self._rules = rules
        self._reminding = reminding
        self._ask = ask
        self._ring = ring
        self._given_up = given_up
        self._afresh = afresh
        self._open: set[str] | None = None

    def jobs(self) -> list[tuple[timedelta, str, Job]]:
        """Return what the clockwork is to do for it: spacing, name and job."""
        counting: list[tuple[timedelta, str, Job]] = [(5 * _EVERY, "given up", self.count)]
        return [*counting, (_EVERY, "reminders", self.remind)] if self._reminding.after else counting

    def opened(self, incident: Incident | None) -> None:
        """Take note of an incident that people may have to be reminded of."""
        if incident is not None and self._open is not None and _is_waiting(incident):
            self._open.add(incident.id)

    async def acknowledge(self, incident: str, role: str) -> Incident | None:
        """Write down that a role has an incident; None when there is none of that id. Raises `NotEnough`."""
        now = self._clock.now()

        def write(tx: Transaction) -> Incident | None:
            found = self._store.incident(incident)
            if found is None:
                return None
            told = acknowledge(found, role, now)
            if told is not found:
                tx.save_incident(told)
            return told

        said = await self._writer.write(write)
        if said is not None:
            _log.info("acknowledged", incident=incident, role=role)
        return said

    async def remind(self) -> None:
        """Write the reminders that are due."""
        now = self._clock.now()
        if self._open is None:
            self._open = set(await self._ids(lambda: self._recent(now)))
        waiting = list(self._open)
        due = await self._ids(lambda: [one for one in waiting if self._is_due(one, now)]) if waiting else []
        for incident in due:
            if await self._writer.write(lambda tx, name=incident: self._remind(tx, name, now)):  # type: ignore[misc] # mypy cannot infer it
                _log.info("reminded", incident=incident)
                self._ring()
        over = await self._ids(lambda: [one for one in waiting if self._is_over(one)]) if waiting else []
        self._open.difference_update(over)

    async def count(self) -> None:
        """Tell how many deliveries were given up of late."""
        since = self._clock.now() - GIVEN_UP_FOR
        found = await self._ask(lambda: len(self._store.given_up(since)))
        assert isinstance(found, int)  # noqa: S101 # `ask` loses the type on its way through a thread
        self._given_up(found)

    async def _ids(self, question: Callable[[], list[str]]) -> list[str]:
        found = await self._ask(question)
        assert isinstance(found, list)  # noqa: S101 # as above
        return found

    def _recent(self, now: datetime) -> list[str]:
        return [one.id for one in self._store.incidents(now - _LOOK_BACK) if _is_waiting(one)]

    def _is_due(self, incident: str, now: datetime) -> bool:
        found = self._store.incident(incident)
        notice = reminder(found, now, self._reminding.every, self._reminding.after) if found is not None else None
        return notice is not None and self._store.notice(notice.id) is None

    def _is_over(self, incident: str) -> bool:
        found = self._store.incident(incident)
        last = notice_id(incident, "reminder", str(MOST_REMINDERS))
        return found is None or not _is_waiting(found) or self._store.notice(last) is not None

    def _remind(self, tx: Transaction, incident: str, now: datetime) -> bool:
        found = self._store.incident(incident)
        told = self._as_of(found, now) if found is not None else None
        notice = reminder(told, now, self._reminding.every, self._reminding.after) if told is not None else None
        if found is None or notice is None or not tx.add_notice(notice, self._rules.deliveries(notice, now)):
            return False
        tx.save_incident(replace(found, timeline=(*found.timeline, Entry(now, MONITOR, notice.subject))))
        return True

    def _as_of(self, incident: Incident, now: datetime) -> Incident:
        # What it holds was measured at the last change: a delay that grows had not grown since.
        facts, measured = self._afresh(incident.release, now), incident.facts
        if facts is None or measured is None:
            return incident
        looks, failed = facts.certainty.looks, facts.certainty.failed_looks
        sure = replace(measured.certainty, looks=looks, failed_looks=failed)
        return replace(incident, facts=replace(facts, certainty=sure))


def _is_waiting(incident: Incident) -> bool:
    """Tell whether somebody may have to be reminded of it; one whose grade rises later is heard of again."""
    silent = incident.closed is None and incident.acknowledged is None
    return silent and incident.grade == "report" and incident.facts is not None
