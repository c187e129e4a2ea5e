"""Reminds people of incidents that no one has acknowledged, and counts owed reports and given-up
deliveries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from alerts.flapping import make_flapping_id, make_steady_notice
from alerts.incident import MONITOR, Entry, Incident
from alerts.notice import Notice
from alerts.platform import make_reminder
from monitor.clock import Clock
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.owed import count_owed, find_owed, is_countable
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import RecordedVerdict
from monitor.store.sql.engine import Store
from monitor.store.sql.read import Reads
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Ask, Job
from schedules.times.zone import local_date

_log = structlog.get_logger(__name__)
_EVERY = timedelta(minutes=1)
_COUNT_EVERY = timedelta(minutes=15)
_LONGEST_PAUSE = timedelta(minutes=5)
"""If no notice falls due within this time, the store is not read again until it has passed."""
_MOST = 1000
GIVEN_UP_FOR = timedelta(days=7)
"""How long the board shows a delivery that was given up."""


@dataclass
class Reminders:
    """Sends reminders of incidents of grade report.

    The first reminder is sent `remind_after` the opening (zero: never), the next ones each
    `remind_every`. `wake` is called after notices were added. `update_counts` sets the public
    metrics: it calls `record_given_up(deliveries)` and `record_owed(reports, age of the oldest,
    overdue actions)`.
    """

    store: Store
    writer: Writer
    clock: Clock
    rules: ReportingRules
    _: KW_ONLY
    remind_after: timedelta
    remind_every: timedelta
    current_incidents: CurrentIncidents
    ask: Ask
    wake: Callable[[], None]
    record_given_up: Callable[[int], None]
    record_owed: Callable[[int, timedelta, int], None]
    _pause_until: datetime = field(default=datetime.min.replace(tzinfo=UTC), init=False)

    def jobs(self) -> list[tuple[timedelta, str, Job]]:
        """Return the recurring jobs, each with its spacing and name."""
        return [(_COUNT_EVERY, "given up", self.update_counts), (_EVERY, "reminders", self.remind)]

    def wake_for_notices(self, recorded: RecordedVerdict) -> None:
        """Have the notices of a recorded verdict sent at once, if there are any.

        Their incident may need a reminder.
        """
        if recorded.notices:
            self._pause_until = self.clock.now()
            self.wake()

    async def remind(self) -> None:
        """Write the notices that are due now, such as reminders. This is a recurring job."""
        now = self.clock.now()
        if now < self._pause_until:
            return
        due, due_soon = await self.ask(
            lambda: self._incidents_with_notice_due_at(now, now + _LONGEST_PAUSE)
        )
        # no notice is due before the end of the pause, so the store need not be read
        if not due_soon:
            self._pause_until = now + _LONGEST_PAUSE
        for incident in due:
            if await self.writer.write(partial(self._write_notice, incident, now)):
                _log.info("reminded", incident=incident)
                self.wake()

    async def update_counts(self) -> None:
        """Set the metrics of deliveries given up in the last days, of owed reports and of overdue
        actions.

        Metrics are public, so reports and actions about a release count only once its slot has
        passed.
        """
        now = self.clock.now()
        today = local_date(now, self.rules.timezone)
        given_up = await self.ask(lambda: self.store.outbox.given_up(now - GIVEN_UP_FOR))
        owed_reports, overdue_actions = await self.ask(
            lambda: find_owed(self.store.verdicts, today)
        )
        report_count, oldest_age = count_owed(owed_reports, now)
        action_count = sum(
            is_countable(incident, now) for incident, _number, _action in overdue_actions
        )
        self.record_given_up(len(given_up))
        self.record_owed(report_count, oldest_age, action_count)

    def _incidents_with_notice_due_at(self, *instants: datetime) -> list[list[str]]:
        """Return for each of these instants the ids of the open incidents that need a notice
        then.
        """
        read = self.store
        still_open = [one for one in read.verdicts.open_incidents(_MOST) if one.closed is None]
        named = []
        for at in instants:
            due = [one.id for one in still_open if self._due_notice(read, one, at) is not None]
            named.append(due)
        return named

    def _due_notice(self, read: Reads, incident: Incident, now: datetime) -> Notice | None:
        """Return the notice that is due now, or None if none is.

        If content came and went (flapping), one notice reports that it is steady again. Otherwise a
        reminder may be due, unless `remind_after` is zero. A silence suppresses only the reminder.
        """
        outbox = read.outbox
        # None if content never flapped or is not steady yet
        steady = make_steady_notice(incident, now)
        was_flapping = outbox.notice(make_flapping_id(incident)) is not None
        if steady is not None and was_flapping and outbox.notice(steady.id) is None:
            return steady
        if not self.remind_after:
            return None
        reminder = make_reminder(incident, now, self.remind_every, self.remind_after)
        if reminder is None or outbox.notice(reminder.id) is not None:
            return None
        is_silenced = any(one.is_on(now) and one.covers(incident) for one in outbox.silences(now))
        return None if is_silenced else reminder

    def _write_notice(self, incident: str, now: datetime, tx: Transaction) -> bool:
        """Save the notice that an incident needs now, with redraft and timeline entry.

        Return whether there was one.
        """
        current_incidents = self.current_incidents.within(tx)
        found = tx.read.verdicts.incident(incident)
        if found is None:
            return False
        # The stored facts are those of the last change. A delay that is still open has grown since.
        current = current_incidents.refresh(found, now)
        notice = self._due_notice(tx.read, current, now)
        if notice is None:
            return False
        if not tx.add_notice(notice, self.rules.deliveries(notice, found, now)):
            return False
        save_redraft = current_incidents.prepare_redraft(incident, now)
        if save_redraft is not None:  # the draft is not current
            save_redraft(tx)
        tx.save(found.with_entries(Entry(now, MONITOR, notice.subject)))
        return True
