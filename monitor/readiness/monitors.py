"""Assess monitors and calendars."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from monitor.judge.runs import Blind
from monitor.readiness.facts import CalendarFacts, Facts
from monitor.readiness.line import Area, Line, Readiness
from monitor.store.rows import NAME_PREFIX, Heartbeat
from schedules.times.words import moment

_ALIVE_WITHIN = timedelta(minutes=2)
"""A running monitor writes to the store more often."""
_BLIND_WITHIN = timedelta(minutes=1)
"""A blind span that lasts is stored again more often."""
_SILENT_WITHIN = timedelta(days=7)
"""A monitor that fell silent before that is not expected back."""


def assess_monitors(facts: Facts, now: datetime) -> Iterator[Line]:
    """Yield whether a monitor runs, has a standby if it had one, sees, and reads its calendars."""
    yield from _assess_running(facts, now)
    yield _assess_sight(facts.blind, now, facts.timezone)
    for calendar in facts.calendars:
        yield _assess_calendar(calendar, now, facts.timezone)


def _assess_running(facts: Facts, now: datetime) -> Iterator[Line]:
    """Yield whether a monitor writes to the store, and which monitors were killed."""
    alive = [one for one in facts.monitors if _is_alive(one, now)]
    killed = [lease for lease in facts.names if lease.has_run_out(now, _SILENT_WITHIN)]
    if alive:
        last = moment(alive[0].at, facts.timezone, now)
        reason = f"last wrote to the store at {last}"
        yield Line(Area.MONITOR, "running", alive[0].monitor, Readiness.READY, reason)
    else:
        todo = "Start one: `ninethirty run`."
        reason = "no monitor writes to the store"
        yield Line(Area.MONITOR, "running", "monitor", Readiness.NOT_READY, reason, todo)
    for lease in killed if alive else ():
        reason = f"silent since {moment(lease.until, facts.timezone, now)}, without a regular stop"
        todo = "Start it again, so that one can take over from the other."
        name = lease.name.removeprefix(NAME_PREFIX)
        yield Line(Area.MONITOR, "standby", name, Readiness.NOT_READY, reason, todo)


def _is_alive(beat: Heartbeat, now: datetime) -> bool:
    return not beat.stopped and now - beat.at < _ALIVE_WITHIN


def _assess_sight(spans: tuple[Blind, ...], now: datetime, zone: str) -> Line:
    """Return whether the last blind span is over, whatever its cause: a wrong clock, the store, a
    restart.
    """
    if not spans:
        reason = "no blind span within a day"
        return Line(Area.MONITOR, "sight", "looks", Readiness.READY, reason)
    last = max(spans, key=lambda span: span.ends)
    reason = (
        f"last blind from {moment(last.begins, zone, now)} to {moment(last.ends, zone, now)}:"
        f" {last.cause}"
    )
    if now - last.ends > _BLIND_WITHIN:
        return Line(Area.MONITOR, "sight", "looks", Readiness.READY, reason)
    todo = "Read `ninethirty status`, and remove the cause."
    return Line(Area.MONITOR, "sight", "looks", Readiness.NOT_READY, reason, todo)


def _assess_calendar(calendar: CalendarFacts, now: datetime, zone: str) -> Line:
    last = calendar.last_usable
    reason = "no usable read yet" if last is None else f"last usable read {moment(last, zone, now)}"
    state, todo = Readiness.READY, ""
    if last is None or now - last > calendar.stale_after:
        state = Readiness.NOT_READY
        todo = f"Run `ninethirty calendar read {calendar.name}` and remove its fault."
    return Line(Area.MONITOR, "calendar", calendar.name, state, reason, todo)
