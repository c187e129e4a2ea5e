"""Decides when the next request to one host may start, and which one it is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.look.due_targets import DueTargets
from monitor.look.fetch import Answer, Failure
from monitor.look.scheduled import ScheduledTarget
from monitor.plan.budget import Pacer
from schedules.times.mail_date import mail_date, retry_after

LONGEST_SLEEP = 60.0
_SHORTEST_SLEEP = 1e-6
"""Seconds. A sleep of zero might end before the instant that it waits for."""
_REQUEST_SPACING = 1.0
"""The spacing, in seconds, by which other requests are compared with looks."""
NOTICEABLE = 1.0
"""Shorter late wakeups and steps of our clock, in seconds, are not reported."""
_RESERVE_LAST_PLACE = 1.0
"""Seconds before a promised instant in which the last place is kept for its look."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """A wait that ended `late` seconds late, or in which our clock was set by
    `clock_step` seconds.
    """

    begins: datetime
    ends: datetime
    late: float
    clock_step: float


class Wakeup:
    """A sleep of one task that `set` ends early. If no one waits, `set` ends the next wait."""

    __slots__ = ("_is_set", "_timer", "_timer_at", "_until", "_waiter")

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._until = 0.0
        self._is_set = False

    def set(self) -> None:
        """End the wait."""
        self._is_set = True
        self._wake_waiter()

    async def wait(self, seconds: float) -> None:
        """Wait for `seconds` of the loop's time, or until `set` is called."""
        if not self._is_set:
            loop = asyncio.get_running_loop()
            self._until = loop.time() + max(0.0, seconds)
            # A running timer that ends earlier is kept, and started again for the rest.
            if self._timer is None or self._until < self._timer_at:
                self._start_timer(loop)
            self._waiter = loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._is_set = False

    def _start_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._until
        self._timer = loop.call_at(self._until, self._on_timer, loop)

    def _on_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._waiter is not None and loop.time() < self._until:
            self._start_timer(loop)
        else:
            self._wake_waiter()

    def _wake_waiter(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


@dataclass(slots=True, eq=False)
class HostQueue:
    """Starts the looks and other requests of one host within its budget.

    `rate` is in requests a second. `start` gets a target, when it was due, and now, and must not
    block. Each of at most `most_under_way` requests has a place until it is answered. Pacing uses
    steady time, so that a step of our clock does not hurry or stop it.
    """

    host: str
    rate: InitVar[float]
    clock: Clock
    start: Callable[[ScheduledTarget, datetime, datetime], None]
    most_under_way: int
    targets: DueTargets = field(init=False)
    under_way: int = 0
    waits_until: float = 0.0
    """In seconds of steady time."""
    # The wall time of steady zero, whatever steps our clock makes later.
    _epoch: datetime = field(init=False)
    _pacer: Pacer = field(init=False)
    _wakeup: Wakeup = field(default_factory=Wakeup)
    # By the steady time since which each waits.
    _waiting_requests: deque[tuple[float, asyncio.Future[bool]]] = field(default_factory=deque)
    _is_running: bool = False

    def __post_init__(self, rate: float) -> None:
        self.targets, self._pacer = DueTargets(rate), Pacer(rate)
        self._epoch = self.clock.now() - timedelta(seconds=self.clock.monotonic())

    async def run(self, stop: asyncio.Event, on_disturbance: Callable[[Disturbance], None]) -> None:
        """Start due requests until `stop` is set (then call `wake`), and report disturbances."""
        self._is_running = True
        while not stop.is_set():
            seconds = self.start_due()
            began, mono = self.clock.now(), self.clock.monotonic()
            await self._wakeup.wait(seconds)
            now, passed = self.clock.now(), self.clock.monotonic() - mono
            # A wait that is too long shows a blocked loop, even if `wake` ended it.
            late = max(0.0, passed - seconds)
            clock_step = (now - began).total_seconds() - passed
            if late > NOTICEABLE or abs(clock_step) > NOTICEABLE:
                on_time_until = began + timedelta(seconds=min(seconds, passed))
                # Less may be rounding.
                if late <= NOTICEABLE:
                    late = 0.0
                if abs(clock_step) <= NOTICEABLE:
                    clock_step = 0.0
                on_disturbance(Disturbance(on_time_until, now, late=late, clock_step=clock_step))

    def wake(self) -> None:
        """End the current wait, because something may be due."""
        self._wakeup.set()

    def start_due(self) -> float:
        """Start every request that may start now. Return the seconds until the next."""
        while True:
            # `now` is by our clock, which may be set. `mono` and `steady` are steady.
            now, mono = self.clock.now(), self.clock.monotonic()
            steady = self._steady_time(mono)
            is_waiting = self._has_waiting_request()
            self.targets.choose(now, mono, self._pacer.gap, is_request_waiting=is_waiting)
            wait = self._seconds_until_start(now, steady)
            if wait > 0:
                return wait
            # Nothing starts if a look is postponed to its slot.
            if self._start_one(now, mono):
                self._pacer.record_start(steady)

    def reconfigure(self, rate: float, most_under_way: int) -> None:
        """Set another rate a second, and another limit of requests under way."""
        self.most_under_way = most_under_way
        self._pacer.reconfigure(rate)
        self.targets.rate = rate or self.targets.rate
        self.wake()

    def adopt_wait(self, seconds: float) -> None:
        """Wait for so long, because the host asked another monitor to."""
        self._note_refusal(timedelta(seconds=seconds))

    def is_quiet(self) -> bool:
        """Return whether the host asked for a wait that is not over."""
        return self._pacer.is_quiet(self._steady_now())

    @asynccontextmanager
    async def reserve_place(self) -> AsyncIterator[None]:
        """Hold a place for a request that is not a look, from its start to the block's end."""
        has_passed_pacer = False
        if self._is_running or self.under_way >= self.most_under_way:
            has_passed_pacer = await self._wait_for_place()
        else:
            self.under_way += 1
        try:
            if not has_passed_pacer:
                await self._wait_for_pacer()
            yield
        finally:
            self._free_place_of_request()

    async def _wait_for_place(self) -> bool:
        """Wait for a place. Return whether the pacer has already allowed the start.

        In commands, where `run` is not called, a request that ends passes on its place.
        """
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting_requests.append((self.clock.monotonic(), place))
        self.wake()
        try:
            return await place
        except asyncio.CancelledError:
            got_place = place.done() and not place.cancelled()
            if got_place:
                self._free_place_of_request()
            raise

    async def _wait_for_pacer(self) -> None:
        steady = self._steady_now()
        while (start := self._pacer.next_start(steady)) > steady:
            await self.clock.sleep(max(seconds_until(start, steady), _SHORTEST_SLEEP))
            steady = self._steady_now()
        self._pacer.record_start(steady)

    def _free_place_of_request(self) -> None:
        """Free the place of a request that was not a look, or pass it on."""
        self.under_way -= 1
        if self._is_running:
            self.wake()
        elif self.under_way < self.most_under_way and self._has_waiting_request():
            # The longest-waiting request still waits for the pacer.
            self.under_way += 1
            _, place = self._waiting_requests.popleft()
            has_passed_pacer = False
            place.set_result(has_passed_pacer)

    def record_outcome(self, outcome: Answer | Failure, started: datetime) -> None:
        """Slow the pace if the host refused a request, which began at `started`, else let it
        recover.

        A failure or another server error does not change it.
        """
        # Attempts lost on closed connections were repeated.
        extra_requests = outcome.lost_before
        if outcome.sent - started >= self._pacer.gap:
            extra_requests += 1  # it waited for a connection until the next turn
        for _ in range(extra_requests):
            self._pacer.charge_extra_request(self._steady_now())
        if isinstance(outcome, Failure):
            return
        demanded_wait = outcome.headers.get("retry-after")
        if outcome.status == 429 or (outcome.status == 503 and demanded_wait is not None):
            # `Retry-After` may be an instant by the host's clock.
            now_by_host = mail_date(outcome.headers.get("date", "")) or outcome.received
            self._note_refusal(retry_after(demanded_wait or "", now_by_host))
        elif outcome.status < 500:
            self._pacer.record_success()

    def _note_refusal(self, wait: timedelta | None) -> None:
        now = self._steady_now()
        self._pacer.record_refusal(now, wait)
        self.waits_until = seconds_until(self._pacer.quiet_until or now, self._epoch)

    def free_place(self, watched: ScheduledTarget) -> None:
        """Free the place of a look that was answered or has failed, if it has one."""
        if not watched.has_place:
            return
        watched.has_place = False
        was_full = self.under_way >= self.most_under_way
        self.under_way -= 1
        if was_full:
            self.wake()

    def finish_look(self, watched: ScheduledTarget, *, is_dropped: bool) -> None:
        """Record that a look has ended, and schedule the target again if it was passed over.

        `is_dropped`: it is not watched any more.
        """
        self.free_place(watched)
        watched.is_under_way = False
        now = self.clock.now()
        # While a look is under way, `targets` passes over the next one.
        is_due = watched.due is not None and watched.due <= now
        has_early_looks = watched.window is not None and watched.window.every_if_idle is not None
        if is_due or has_early_looks:
            if not is_dropped:
                self.targets.schedule(watched, now)
            self.wake()

    def _start_one(self, now: datetime, mono: float) -> bool:
        """Start the most overdue look or other request. Return whether one was started."""
        if self._waiting_requests:
            waiting_since, place = self._waiting_requests[0]
            # A look's lag is 1.0 when it falls due. A request is due at once.
            request_lag = 1.0 + (mono - waiting_since) / _REQUEST_SPACING
            if request_lag > self.targets.lag(mono):
                self._waiting_requests.popleft()
                has_passed_pacer = True
                place.set_result(has_passed_pacer)
                self.under_way += 1
                self.targets.sweeps.record_other_request()
                return True
        target = self.targets.take_next(now, mono)
        if target is None or target.due is None:
            return False
        # On an idle host it may not be due yet.
        self.start(target, min(target.due, now), now)
        target.last_look, target.last_look_mono = now, mono
        target.is_under_way = True
        target.has_place = True
        self.under_way += 1
        target.plan_after(now)
        self.targets.schedule(target, now)
        return True

    def _seconds_until_start(self, now: datetime, steady: datetime) -> float:
        """Return the seconds until a request may start, 0 for now, at most `LONGEST_SLEEP`."""
        is_any_due = self._has_waiting_request() or self.targets.has_look()
        is_full = self.under_way >= self.most_under_way
        if is_any_due and not is_full:
            seconds_by_pacer = seconds_until(self._pacer.next_start(steady), steady)
            if seconds_by_pacer > 0:
                return seconds_by_pacer
            return self._seconds_kept_free(now)
        due = self.targets.next_due(now)
        until_due = LONGEST_SLEEP
        if due is not None:
            until_due = min(seconds_until(due, now), LONGEST_SLEEP)
        if is_full and until_due <= 0:
            # The next answer frees a place and calls `wake`.
            return LONGEST_SLEEP
        return max(until_due, _SHORTEST_SLEEP)

    def _seconds_kept_free(self, now: datetime) -> float:
        """Return for how many seconds any request would delay the look at a promised instant."""
        instant = self.targets.next_promised()
        if instant is None:
            return 0.0
        seconds = max(0.0, seconds_until(instant, now))
        would_use_its_turn = seconds < self._pacer.gap.total_seconds()
        would_take_last_place = (
            self.under_way + 1 >= self.most_under_way and seconds < _RESERVE_LAST_PLACE
        )
        if would_use_its_turn or would_take_last_place:
            return seconds
        return 0.0

    def _has_waiting_request(self) -> bool:
        """Drop cancelled requests. Return whether another request waits for its turn."""
        while self._waiting_requests and self._waiting_requests[0][1].done():
            self._waiting_requests.popleft()
        return bool(self._waiting_requests)

    def _steady_now(self) -> datetime:
        return self._steady_time(self.clock.monotonic())

    def _steady_time(self, mono: float) -> datetime:
        """Return monotonic seconds as an instant, in which the pacer counts."""
        return self._epoch + timedelta(seconds=mono)


def seconds_until(instant: datetime, now: datetime) -> float:
    """Return the seconds from `now` to `instant`, negative if it has passed."""
    return (instant - now).total_seconds()
