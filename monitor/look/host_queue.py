"""All requests to one host: when the next may start, and which it is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.look.due_targets import DueTargets, seconds_until
from monitor.look.fetch import Answer, Failure
from monitor.look.in_turn import Alarm
from monitor.look.scheduled import ScheduledTarget
from monitor.plan.budget import Pacer
from monitor.plan.share import Share
from schedules.times.mail_date import mail_date, retry_after

LONGEST_SLEEP = 60.0
_TURN_EVERY = 1.0
NOTICED = 1.0
_KEEPS_A_PLACE = 1.0
_SAME = timedelta(seconds=0.2)
"""By how much monitors may differ about one and the same wait, as their clocks are read."""


@dataclass(frozen=True, slots=True)
class Woken:
    """A wait that went wrong: it ended `late` seconds after its time, or our clock was `set` by so many seconds."""

    begins: datetime
    ends: datetime
    late: float
    set: float


class HostQueue:
    """The looks of one host, one after the other, with everything that paces them.

    `start` is called with a target, the instant it was due and now, and must not block. Pacing goes by
    steady time, so that a clock that is set neither hurries nor silences a host. `at_once` requests are under way at
    most.
    """

    def __init__(
        self,
        host: str,
        rate: float,
        clock: Clock,
        start: Callable[[ScheduledTarget, datetime, datetime], None],
        at_once: int,
        share: Share | None = None,
    ) -> None:
        self.host = host
        self.targets = DueTargets(rate)
        self.flying = 0
        self.at_once = at_once
        self._pacer = Pacer(rate)
        self._clock = clock
        self._start = start
        self._alarm = Alarm()
        self._turns: deque[tuple[float, asyncio.Future[bool]]] = deque()
        self._is_driven = False
        self._epoch = clock.now() - timedelta(seconds=clock.monotonic())
        self._share = share
        self.told_until = 0.0
        """Until when, in seconds of steady time, the host told us to wait."""
        self.reconfigure(rate, at_once)
        self._be_as_quiet()

    async def run(self, stop: asyncio.Event, woken: Callable[[Woken], None]) -> None:
        """Start what is due until `stop` is set and `ring` is called. `woken` is called after waits that went wrong."""
        self._is_driven = True
        while not stop.is_set():
            seconds = self.step()
            began, mono = self._clock.now(), self._clock.monotonic()
            await self._alarm.wait(seconds)
            now, passed = self._clock.now(), self._clock.monotonic() - mono
            # Rung or not: what stood still may be rung by what came in meanwhile.
            late = max(0.0, passed - seconds)
            moved = seconds_until(now, began) - passed
            if late > NOTICED and self._share is not None:
                # Others may have taken us for dead, and our turns with us: until we are told, nothing is ours.
                self.take_share(replace(self._share, members=()))
            if late > NOTICED or abs(moved) > NOTICED:
                due = began + timedelta(seconds=passed - late)
                # Either may be nothing but the rounding of clocks while the other is real.
                woken(Woken(due, now, late if late > NOTICED else 0.0, moved if abs(moved) > NOTICED else 0.0))

    def ring(self) -> None:
        """Let the queue look again at what is due."""
        self._alarm.ring()

    def step(self) -> float:
        """Start all that may start now; return the seconds until something may again."""
        while True:
            now, mono = self._clock.now(), self._clock.monotonic()
            steady = self._steady(mono)
            self.targets.ripen(now, mono)
            wait = self._wait(now, mono, steady)
            if wait > 0:
                return wait
            if self._start_one(now, mono):
                self._pacer.started(steady)

    def reconfigure(self, rate: float, at_once: int) -> None:
        """Keep to another rate from now on, with so many looks under way at most."""
        self.at_once = at_once
        turns = None if self._share is None else self._share.turns(self.host, rate, self._epoch)
        self._pacer.reconfigure(rate, turns)
        self.targets.rate = rate if turns is None or not turns.mine else turns.part / turns.gap.total_seconds()
        self.ring()

    def take_share(self, share: Share) -> None:
        """Ask the host in the turns that this monitor has among several."""
        self._share = share
        self.reconfigure(self._pacer.rate, self.at_once)
        self._be_as_quiet()

    def _be_as_quiet(self) -> None:
        """Leave the host alone for as long as it told another monitor to."""
        until = None if self._share is None else self._share.quiet_until(self.host, self._epoch)
        now = self._steady(self._clock.monotonic())
        if until is not None and now < until and not self._pacer.is_quiet(until - _SAME):
            self._pacer.told_to_wait(now, until - now)

    def is_quiet(self) -> bool:
        """Tell whether the host is being left alone."""
        return self._pacer.is_quiet(self._steady(self._clock.monotonic()))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until one request that is no look may start; it counts as started, and keeps a place until it is over.

        A request without a place would wait for its connection beyond its turn, and leave together with others.
        """
        if self._is_driven:
            await self._turn()
        else:
            await self._turn_alone()
        try:
            yield
        finally:
            self.flying -= 1
            self._call_next()

    async def _turn(self) -> bool:
        """Wait to be called; True when the place is counted and paid for already."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._turns.append((self._clock.monotonic(), turn))
        self.ring()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # We were called, but cannot come any more: the next may.
                self.flying -= turn.result()
                self._call_next()
            raise

    async def _turn_alone(self) -> None:
        # Nobody polls, as when everything is looked at just once: those who wait pace themselves.
        while True:
            steady = self._steady(self._clock.monotonic())
            if self.flying >= self.at_once:
                if await self._turn():
                    return
            elif (start := self._pacer.next_start(steady)) > steady:
                await self._clock.sleep(max(seconds_until(start, steady), 1e-6))
            else:
                break
        self._pacer.started(steady)
        self.flying += 1

    def _call_next(self) -> None:
        if self._is_driven:
            self.ring()
        elif self._turn_lag(self._clock.monotonic()):
            self._turns.popleft()[1].set_result(False)

    def heed(self, outcome: Answer | Failure) -> None:
        """Learn from an answer how the host fares, and leave it alone for as long as it asks."""
        if outcome.before:
            for _ in range(outcome.before):
                self._pacer.owes(self._steady(self._clock.monotonic()))
        if isinstance(outcome, Failure):
            return
        asked = outcome.headers.get("retry-after")
        if outcome.status == 429 or (outcome.status == 503 and asked is not None):
            now = self._steady(self._clock.monotonic())
            # An instant that it names is one of its own clock.
            by_its_clock = mail_date(outcome.headers.get("date", "")) or outcome.received
            self._pacer.told_to_wait(now, retry_after(asked or "", by_its_clock))
            self.told_until = seconds_until(self._pacer.quiet_until or now, self._epoch)
        elif outcome.status < 500:
            self._pacer.answered()

    def answered(self, watched: ScheduledTarget) -> None:
        """Note that a look has its answer, or will have none: its place is free."""
        if not watched.holds_place:
            return
        watched.holds_place = False
        self.flying -= 1
        if self.flying + 1 >= self.at_once:
            self.ring()

    def landed(self, watched: ScheduledTarget, *, is_dropped: bool) -> None:
        """Note that a look is over; what fell due meanwhile is due now."""
        if watched.holds_place:
            self.answered(watched)
        watched.is_flying = False
        now = self._clock.now()
        is_overtaken = watched.due is not None and watched.due <= now
        is_free = watched.window is not None and watched.window.free is not None
        if is_overtaken or is_free:
            if not is_dropped:
                self.targets.put(watched, now)
            self._alarm.ring()

    def _start_one(self, now: datetime, mono: float) -> bool:
        turn = self._turn_lag(mono) if self._turns else 0.0
        if turn > 0 and turn > self.targets.lag(mono):
            self._turns.popleft()[1].set_result(True)
            self.flying += 1
            self.targets.sweeps.repaid()
            return True
        watched = self.targets.pick(now, mono)
        if watched is None or watched.due is None:
            return False
        due = min(watched.due, now)
        self._start(watched, due, now)
        watched.last, watched.looked, watched.is_flying, watched.holds_place = mono, now, True, True
        self.flying += 1
        watched.plan_after(now)
        self.targets.put(watched, now)
        return True

    def _wait(self, now: datetime, mono: float, steady: datetime) -> float:
        """Return the seconds until the next start; zero or less when it may be now."""
        has_turn = bool(self._turns) and self._turn_lag(mono) > 0
        has_work = has_turn or self.targets.has_look(now, self._pacer.gap())
        is_full = self.flying >= self.at_once
        if is_full or not has_work:
            due = self.targets.next_due(now)
            until_due = LONGEST_SLEEP if due is None else min(seconds_until(due, now), LONGEST_SLEEP)
            # What is due already waits for an answer, which rings.
            return LONGEST_SLEEP if is_full and until_due <= 0 else max(until_due, 1e-6)
        start = self._pacer.next_start(steady)
        return seconds_until(start, steady) if start > steady else self._held(now)

    def _held(self, now: datetime) -> float:
        # A start just before a promised instant would still be in its way when it comes.
        instant = self.targets.next_instant()
        if instant is None:
            return 0.0
        until = seconds_until(instant, now)
        is_last_place = self.flying + 1 >= self.at_once and until < _KEEPS_A_PLACE
        return until if 0 < until < self._pacer.gap().total_seconds() or (until > 0 and is_last_place) else 0.0

    def _turn_lag(self, mono: float) -> float:
        while self._turns and self._turns[0][1].done():
            self._turns.popleft()
        return 1.0 + (mono - self._turns[0][0]) / _TURN_EVERY if self._turns else 0.0

    def _steady(self, mono: float) -> datetime:
        return self._epoch + timedelta(seconds=mono)
