"""Makes the due looks at all hosts, within a second of their instants if the budgets allow it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog

from monitor.clock import Clock
from monitor.look.fetch import Answer, Failure, Fetcher, Reason, Request
from monitor.look.host_queue import LONGEST_SLEEP, NOTICEABLE, Disturbance, HostQueue
from monitor.look.interpret import Interpreter, make_sighting
from monitor.look.reading import SMALL_BODY
from monitor.look.recognise.result import Known, unknown
from monitor.look.scheduled import ScheduledTarget
from monitor.look.sighting import Sighting
from monitor.look.sweeps import Sweeps
from monitor.plan.budget import Budget, concurrent_requests
from monitor.plan.phases import Window
from monitor.plan.proof import ProofGoal
from monitor.plan.targets import Target

_log = structlog.get_logger(__name__)
_MINUTE = 60.0
_GRACE_SECONDS = 5.0
"""For looks under way at shutdown."""


def _do_nothing(*_: object) -> None:
    """Ignore the arguments."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Callbacks of the poller in the loop, which must not block.

    `on_look(target, sighting, outcome)`: a scheduled look has ended. `on_start(target, late)`: one
    begins, `late` seconds after it was due. `on_missed(target, looks)`: so many will not be made.
    `on_stall(begin, end)`: no look could begin. `on_clock_set(begin, end, seconds)`: our clock was
    set by so much, or the machine was suspended.
    """

    on_look: Callable[[Target, Sighting, Answer | Failure], None] = _do_nothing
    on_start: Callable[[Target, float], None] = _do_nothing
    on_missed: Callable[[Target, int], None] = _do_nothing
    on_stall: Callable[[datetime, datetime], None] = _do_nothing
    on_clock_set: Callable[[datetime, datetime, float], None] = _do_nothing


@dataclass(slots=True)
class _Count:
    """How often one class of exception broke looks at one host.

    `logged_at` is the steady time of the last log line, `suppressed` the looks since.
    """

    last_at: datetime
    looks: int = 0
    suppressed: int = 0
    logged_at: float | None = None


@dataclass(slots=True)
class BrokenLooks:
    """Counts looks that our own code broke, with one log line a minute for each host
    and exception.
    """

    clock: Clock
    _counts: dict[tuple[str, str], _Count] = field(default_factory=dict)

    def record_look(
        self, target: Target, fault: Exception, began: datetime
    ) -> tuple[Sighting, Failure]:
        """Count a broken look. Return an unknown sighting and a failure of kind `MONITOR_FAULT`."""
        self.count_fault(target.host, fault)
        now, name = self.clock.now(), type(fault).__name__
        failure = Failure(target.url, Reason.MONITOR_FAULT, name, min(began, now), now)
        return make_sighting(target, failure, unknown(failure.reason.value)), failure

    def count_fault(self, host: str, fault: Exception) -> None:
        """Count one broken look, and log it at most once a minute."""
        mono, name = self.clock.monotonic(), type(fault).__name__
        count = self._counts.setdefault((host, name), _Count(self.clock.now()))
        count.last_at, count.looks = self.clock.now(), count.looks + 1
        if count.logged_at is not None and mono - count.logged_at < _MINUTE:
            count.suppressed += 1
            return
        _log.error("look_broke", host=host, fault=name, suppressed=count.suppressed, exc_info=fault)
        count.logged_at, count.suppressed = mono, 0

    def describe_by_host(self) -> dict[str, str]:
        """Return for each host how many looks broke, with which error, and when last."""
        lines: dict[str, str] = {}
        for (host, name), count in self._counts.items():
            line = f"{count.looks} with {name}, the last at {count.last_at:%d %B %H:%M:%S} UTC"
            lines[host] = f"{lines[host]}; {line}" if host in lines else line
        return lines


class Poller:
    """Looks at targets when they are due, one look at each at a time.

    Every due look is made, however late, or reported as missed. Only shutdown cancels looks.
    """

    def __init__(
        self,
        clock: Clock,
        fetcher: Fetcher,
        budget: Budget,
        interpreter: Interpreter,
        *,
        at_once: int | None = None,
    ) -> None:
        """Begin without targets. `at_once` replaces each host's limit of looks under way."""
        self._clock = clock
        self._fetcher = fetcher
        self._budget = budget
        self._interpreter = interpreter
        self._hooks = Hooks()
        self._at_once = at_once
        self._allowance = 1.0  # set by `set_allowance`
        self._watched: dict[str, ScheduledTarget] = {}
        self._queues: dict[str, HostQueue] = {}
        self._running: asyncio.TaskGroup | None = None
        self._stop = asyncio.Event()
        self._under_way: dict[ScheduledTarget, asyncio.Task[None]] = {}
        self._disturbed_until: datetime | None = None  # when the last reported disturbance ended
        self._last_step = (0.0, -LONGEST_SLEEP)  # long ago
        self.broken = BrokenLooks(clock)
        self.made = self.missed = 0

    def watch(
        self,
        target: Target,
        windows: Sequence[Window],
        shift: timedelta = timedelta(),
        *,
        promised_at: datetime | None = None,
        soon: bool = False,
        goal: ProofGoal | None = None,
    ) -> None:
        """Plan the looks at a target in these windows, which replace earlier ones.

        `shift` delays due instants. At `promised_at` a look must begin, before all other requests.
        `soon`: a new target is due now. `goal` is the proof that the part needs. Looks due earlier
        count as missed.
        """
        now = self._clock.now()
        watched = self._watched.get(target.id)
        if watched is not None:
            current = (watched.target, watched.shift, watched.promised_at, watched.goal)
            if current == (target, shift, promised_at, goal) and list(watched.windows) == list(
                windows
            ):
                return
            if watched.target.host != target.host:
                self._leave_queue(watched)
                watched = None
            elif watched.goal != goal:
                self._remove_from_sweep(watched)
        if watched is None:
            watched = self._watched[target.id] = ScheduledTarget(
                target, windows, shift, now, promised_at
            )
            just_before = now - timedelta(microseconds=1)
            watched.plan_after(just_before)  # the first look may be due exactly now
            if soon:
                watched.look_now(now)
        else:
            if watched.target.url != target.url:
                watched.url, watched.hops = None, ()
            watched.target, watched.promised_at = target, promised_at
            self._report_missed(target, looks=watched.replan(windows, shift, now))
        watched.goal = goal
        queue = self._queue_of(target.host)
        if goal is not None:
            queue.targets.sweeps.add(target, goal, now)
        queue.targets.schedule(watched, now)
        queue.wake()

    def drop(self, target_id: str) -> None:
        """Stop watching a target. A look under way still brings its sighting."""
        watched = self._watched.pop(target_id, None)
        if watched is not None:
            self._leave_queue(watched)
            self._interpreter.forget(target_id)

    def _leave_queue(self, watched: ScheduledTarget) -> None:
        self._remove_from_sweep(watched)
        self._report_missed(watched.target, watched.end_watch(self._clock.now()))
        self._queues[watched.target.host].targets.remove(watched.target.id)

    def _remove_from_sweep(self, watched: ScheduledTarget) -> None:
        if watched.goal is not None:
            self._queue_of(watched.target.host).targets.sweeps.remove(watched.target, watched.goal)

    def reconfigure(self, budget: Budget, fetcher: Fetcher) -> None:
        """Use another budget and fetcher."""
        self._budget, self._fetcher = budget, fetcher
        self._set_rates()

    def _set_rates(self) -> None:
        for host, queue in self._queues.items():
            rate = self._budget.rate(host)
            most = self._at_once or concurrent_requests(rate)
            queue.reconfigure(rate * self._allowance, most)

    def set_allowance(self, allowance: float) -> None:
        """Use this part of each host's rate, because another monitor may look too."""
        if allowance != self._allowance:
            self._allowance = allowance
            self._set_rates()

    def adopt_waits(self, waits: Mapping[str, float]) -> None:
        """Wait for so many seconds at hosts that asked another monitor to."""
        for host, seconds in waits.items():
            self._queue_of(host).adopt_wait(seconds)

    def watched_targets(self) -> list[Target]:
        """Return the targets that are being watched."""
        return [watched.target for watched in self._watched.values()]

    def next_due(self) -> datetime | None:
        """Return when the next look is due at a host that is not quiet, or None."""
        open_hosts = {host for host, queue in self._queues.items() if not queue.is_quiet()}
        dues = (
            watched.due for watched in self._watched.values() if watched.target.host in open_hosts
        )
        return min((due for due in dues if due is not None), default=None)

    def host_waits(self) -> dict[str, float]:
        """Return when each host's wait ends, in seconds of steady time."""
        now = self._clock.monotonic()
        return {
            host: queue.waits_until
            for host, queue in self._queues.items()
            if queue.waits_until > now
        }

    async def send_in_turn(self, request: Request) -> Answer | Failure:
        """Send a request that is not a scheduled look, within the host's budget and Retry-After."""
        queue = self._queue_of(urlsplit(request.url).hostname or "")
        async with queue.reserve_place():
            started = self._clock.now()
            outcome = await self._fetcher.fetch(request)
            queue.record_outcome(outcome, started)
            return outcome

    async def look_once(self, target: Target) -> tuple[Sighting, Answer | Failure]:
        """Look at a target once, as soon as its host's budget allows."""
        began = self._clock.now()
        try:
            outcome = await self.send_in_turn(self._interpreter.make_request(target))
            return await self._interpreter.interpret(target, outcome), outcome
        except Exception as exc:  # noqa: BLE001 # the caller continues with its next target
            return self.broken.record_look(target, exc, began)

    async def look_without_memory(self, target: Target) -> Sighting:
        """Look once at a target that is not watched, and forget it."""
        sighting, _ = await self.look_once(target)
        self._interpreter.forget(target.id)
        return sighting

    def restore_known(self, target: Target, known: Known) -> None:
        """Restore what an earlier process knew about a target, and set its slot in force."""
        self._interpreter.restore_known(target, known)

    def stretch_factors(self) -> dict[str, float]:
        """Return for each host how many times further apart its looks are than wanted."""
        return {host: queue.targets.stretch() for host, queue in self._queues.items()}

    async def run(self, stop: asyncio.Event, hooks: Hooks | None = None) -> None:
        """Look until `stop` is set, then wait a few seconds for looks under way."""
        self._stop, self._hooks = stop, hooks or Hooks()
        try:
            async with asyncio.TaskGroup() as running:
                self._running = running
                for queue in self._queues.values():
                    running.create_task(queue.run(stop, self._report_disturbance))
                await stop.wait()
                # `_queue_of` must start no more queues.
                self._running = None
                for queue in self._queues.values():
                    queue.wake()  # to notice that `stop` is set
            await self._finish_looks()
        finally:
            for task in self._under_way.values():
                task.cancel()

    def _queue_of(self, host: str) -> HostQueue:
        """Return the queue of a host, made and started at first use."""
        queue = self._queues.get(host)
        if queue is None:
            rate = self._budget.rate(host)
            most = self._at_once or concurrent_requests(rate)
            queue = self._queues[host] = HostQueue(
                host, rate * self._allowance, self._clock, self._start_look, most
            )
            if self._running is not None:
                self._running.create_task(queue.run(self._stop, self._report_disturbance))
        return queue

    def _start_look(self, watched: ScheduledTarget, due: datetime, now: datetime) -> None:
        self._report_missed(watched.target, watched.count_missed(now))
        self.made += 1
        self._hooks.on_start(watched.target, (now - due).total_seconds())
        # `loop.create_task` adds checks to the cost of every look.
        self._under_way[watched] = asyncio.Task(self._make_look(watched, watched.target))

    async def _make_look(self, watched: ScheduledTarget, target: Target) -> None:
        """Look at a target, and call hooks with the sighting. Raises nothing."""
        queue, began = self._queues[target.host], self._clock.now()
        try:
            request = self._interpreter.make_request(target, watched.url)
            if watched.url is not None and urlsplit(watched.url).hostname != target.host:
                # `www.` was added or dropped: a host with a budget of its own.
                outcome = await self.send_in_turn(request)
            else:
                outcome = await self._fetcher.fetch(request)
                queue.record_outcome(outcome, began)
            if isinstance(outcome, Failure) or len(outcome.body) <= SMALL_BODY:
                # The host can have another request while this body is read.
                queue.free_place(watched)
            sighting = await self._interpreter.interpret(target, outcome)
            was_redirected, needs_proof = watched.url is not None, watched.goal is not None
            if sighting.found or was_redirected:
                watched.follow_redirect(sighting)
            if sighting.found or needs_proof:
                queue.targets.sweeps.record_result(target, watched.goal, sighting)
            self._hooks.on_look(target, sighting, outcome)
        except Exception as exc:  # noqa: BLE001 # a fault in one look must not stop all others
            # The next look begins at the target's own address.
            watched.url, watched.hops = None, ()
            self._report_broken(target, exc, began)
        finally:
            self._under_way.pop(watched, None)
            if target.id not in self._watched:
                self._interpreter.forget(target.id)
            # It may have been dropped meanwhile, or dropped and watched again.
            queue.finish_look(watched, is_dropped=self._watched.get(target.id) is not watched)

    def _report_broken(self, target: Target, fault: Exception, began: datetime) -> None:
        """Count a broken look, and pass its sighting to the hook. Raises nothing."""
        try:
            self._hooks.on_look(target, *self.broken.record_look(target, fault, began))
        except Exception as again:  # noqa: BLE001 # it may be the hook that broke
            self.broken.count_fault(target.host, again)

    def _report_missed(self, target: Target, looks: int) -> None:
        if looks:
            self.missed += looks
            self._hooks.on_missed(target, looks)

    def _report_disturbance(self, disturbance: Disturbance) -> None:
        """Call hooks for a late wakeup or clock step, once for all queues."""
        last_end = self._disturbed_until
        if last_end is not None and disturbance.begins <= last_end < disturbance.ends + timedelta(
            seconds=1
        ):
            self._disturbed_until = max(last_end, disturbance.ends)
            return
        self._disturbed_until = disturbance.ends
        if disturbance.late:
            self._hooks.on_stall(disturbance.begins, disturbance.ends)
        if disturbance.clock_step and self._is_new_clock_step():
            if disturbance.clock_step < 0:
                self._forget_last_looks()
            self._hooks.on_clock_set(disturbance.begins, disturbance.ends, disturbance.clock_step)

    def follow_clock_move(self, seconds: float) -> None:
        """Plan all looks again after our clock was moved by `seconds`."""
        self._is_new_clock_step()  # so that no queue reports it
        if seconds < 0:
            self._forget_last_looks()
        for queue in self._queues.values():
            queue.wake()

    def _forget_last_looks(self) -> None:
        """Plan all looks from now: our clock went back, so last looks seem to be in the future."""
        now = self._clock.now()
        for queue in self._queues.values():
            queue.targets.sweeps = Sweeps()
        for watched in self._watched.values():
            watched.last_look = None
            watched.replan(watched.windows, watched.shift, now)
            targets = self._queues[watched.target.host].targets
            if watched.goal is not None:
                targets.sweeps.add(watched.target, watched.goal, now)
            targets.schedule(watched, now)

    def _is_new_clock_step(self) -> bool:
        """Return whether no queue has reported this step of our clock yet, and remember it."""
        mono = self._clock.monotonic()
        ahead = self._clock.now().timestamp() - mono
        ahead_before, noticed_before = self._last_step
        self._last_step = (ahead, mono)
        return abs(ahead - ahead_before) >= NOTICEABLE or mono - noticed_before > LONGEST_SLEEP

    async def _finish_looks(self) -> None:
        """Wait a few seconds for looks under way, cancel the rest, and report missed ones."""
        now = self._clock.now()
        if self._under_way:
            _, unfinished = await asyncio.wait(self._under_way.values(), timeout=_GRACE_SECONDS)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        for watched in self._watched.values():
            self._report_missed(watched.target, watched.end_watch(now))
