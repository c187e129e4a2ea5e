"""Makes the due looks at all hosts, each within a second of its due instant if the host's budget
allows it.
"""

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
"""How long looks that are under way may continue at shutdown."""


def _do_nothing(*_: object) -> None:
    """Ignore the arguments. This is the default of every hook."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Callbacks of the poller. Each is called in the loop and must not block.

    `on_look(target, sighting, outcome)`: a scheduled look has ended. `on_start(target, late)`: a
    look begins, `late` seconds after it was due. `on_missed(target, looks)`: this many looks were
    due and will not be made. `on_stall(begin, end)`: no look could begin in this time.
    `on_clock_set(begin, end, seconds)`: our clock was set by this many seconds in this time, or the
    machine was suspended.
    """

    on_look: Callable[[Target, Sighting, Answer | Failure], None] = _do_nothing
    on_start: Callable[[Target, float], None] = _do_nothing
    on_missed: Callable[[Target, int], None] = _do_nothing
    on_stall: Callable[[datetime, datetime], None] = _do_nothing
    on_clock_set: Callable[[datetime, datetime, float], None] = _do_nothing


@dataclass(slots=True)
class _Count:
    """How often one class of exception broke looks at one host, and when last.

    `logged_at` is the steady time of the last log line, in seconds, and `suppressed` the number of
    looks since then.
    """

    last_at: datetime
    looks: int = 0
    suppressed: int = 0
    logged_at: float | None = None


@dataclass(slots=True)
class BrokenLooks:
    """Counts looks that our own code broke, and logs one line a minute for each host and class of
    exception.
    """

    clock: Clock
    _counts: dict[tuple[str, str], _Count] = field(default_factory=dict)

    def record_look(
        self, target: Target, fault: Exception, began: datetime
    ) -> tuple[Sighting, Failure]:
        """Count a look that our own code broke.

        Return an unknown sighting and a failure of kind `MONITOR_FAULT`.
        """
        self.count_fault(target.host, fault)
        now, name = self.clock.now(), type(fault).__name__
        failure = Failure(target.url, Reason.MONITOR_FAULT, name, min(began, now), now)
        return make_sighting(target, failure, unknown(failure.reason.value)), failure

    def count_fault(self, host: str, fault: Exception) -> None:
        """Count one broken look.

        Log it, unless one with the same host and exception was logged in the last minute.
        """
        mono, name = self.clock.monotonic(), type(fault).__name__
        count = self._counts.setdefault((host, name), _Count(self.clock.now()))
        count.last_at, count.looks = self.clock.now(), count.looks + 1
        if count.logged_at is not None and mono - count.logged_at < _MINUTE:
            count.suppressed += 1
            return
        _log.error("look_broke", host=host, fault=name, suppressed=count.suppressed, exc_info=fault)
        count.logged_at, count.suppressed = mono, 0

    def describe_by_host(self) -> dict[str, str]:
        """Return a line for the status page for each host: how many looks broke, with which error,
        and when last.
        """
        lines: dict[str, str] = {}
        for (host, name), count in self._counts.items():
            line = f"{count.looks} with {name}, the last at {count.last_at:%d %B %H:%M:%S} UTC"
            lines[host] = f"{lines[host]}; {line}" if host in lines else line
        return lines


class Poller:
    """Looks at targets when they are due.

    Every due look is made, however late, or reported as missed.

    At most one look at each target is under way. Looks are cancelled only at shutdown.
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
        """Begin without targets.

        `at_once`: the most looks under way at each host, by default what its budget needs.
        """
        self._clock = clock
        self._fetcher = fetcher
        self._budget = budget
        self._interpreter = interpreter
        self._hooks = Hooks()
        self._at_once = at_once
        self._allowance = 1.0  # the part of each host's rate that this monitor may use
        self._watched: dict[str, ScheduledTarget] = {}
        self._queues: dict[str, HostQueue] = {}
        self._running: asyncio.TaskGroup | None = None
        self._stop = asyncio.Event()
        self._under_way: dict[ScheduledTarget, asyncio.Task[None]] = {}
        self._disturbed_until: datetime | None = None  # when the last reported disturbance ended
        # How far our clock was ahead of steady time after its last step, and the steady time at
        # which we noticed that.
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
        """Plan the looks at a target in these windows, which replace earlier windows.

        Without any change, do nothing.

        `shift` delays its due instants, so that not all targets with these windows are due at once.
        `promised_at` is an instant at which a look must begin, even if other requests to the host
        wait. `soon`: a new target is due now. `goal` is the proof that the part needs, if any.
        Looks that were due by the earlier windows count as missed.
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
                watched = None  # begin again in the queue of the new host
            elif watched.goal != goal:
                self._remove_from_sweep(watched)
        if watched is None:
            watched = self._watched[target.id] = ScheduledTarget(
                target, windows, shift, now, promised_at
            )
            just_before = now - timedelta(microseconds=1)
            watched.plan_after(just_before)  # because the first look may be due exactly now
            if soon:
                watched.look_now(now)
        else:
            if watched.target.url != target.url:
                # Forget where redirects of the old address led, and on which way (hops).
                watched.url, watched.hops = None, ()
            watched.target, watched.promised_at = target, promised_at
            self._report_missed(target, looks=watched.replan(windows, shift, now))
        watched.goal = goal
        queue = self._queue_of(target.host)
        if goal is not None:
            # a sweep looks in turn at all such parts of a slot
            queue.targets.sweeps.add(target, goal, now)
        queue.targets.schedule(watched, now)
        queue.wake()

    def drop(self, target_id: str) -> None:
        """Stop watching a target. A look that is under way still brings its sighting."""
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
        """Use another budget and fetcher from now on.

        Looks that are under way end with the old ones.
        """
        self._budget, self._fetcher = budget, fetcher
        self._set_rates()

    def _set_rates(self) -> None:
        for host, queue in self._queues.items():
            rate = self._budget.rate(host)
            most = self._at_once or concurrent_requests(rate)
            queue.reconfigure(rate * self._allowance, most)

    def set_allowance(self, allowance: float) -> None:
        """Use this part of each host's rate from now on, because another monitor may look too."""
        if allowance != self._allowance:
            self._allowance = allowance
            self._set_rates()

    def adopt_waits(self, waits: Mapping[str, float]) -> None:
        """Wait for so many seconds at each of these hosts, which asked another monitor to wait."""
        for host, seconds in waits.items():
            self._queue_of(host).adopt_wait(seconds)

    def watched_targets(self) -> list[Target]:
        """Return the targets that are being watched."""
        return [watched.target for watched in self._watched.values()]

    def next_due(self) -> datetime | None:
        """Return when the next look is due at a host that asked for no wait, None if none is
        due.
        """
        open_hosts = {host for host, queue in self._queues.items() if not queue.is_quiet()}
        dues = (
            watched.due for watched in self._watched.values() if watched.target.host in open_hosts
        )
        return min((due for due in dues if due is not None), default=None)

    def host_waits(self) -> dict[str, float]:
        """Return the end of the wait that each host asked for, in seconds of steady time."""
        now = self._clock.monotonic()
        return {
            host: queue.waits_until
            for host, queue in self._queues.items()
            if queue.waits_until > now
        }

    async def send_in_turn(self, request: Request) -> Answer | Failure:
        """Send one request that is not a scheduled look, within the budget of its host, and obey
        its Retry-After.
        """
        queue = self._queue_of(urlsplit(request.url).hostname or "")
        async with queue.reserve_place():
            started = self._clock.now()
            outcome = await self._fetcher.fetch(request)
            queue.record_outcome(outcome, started)
            return outcome

    async def look_once(self, target: Target) -> tuple[Sighting, Answer | Failure]:
        """Look at a target once, as soon as the budget of its host allows.

        Return the sighting and the outcome.
        """
        began = self._clock.now()
        try:
            outcome = await self.send_in_turn(self._interpreter.make_request(target))
            return await self._interpreter.interpret(target, outcome), outcome
        except Exception as exc:  # noqa: BLE001 # the caller continues with its next target
            return self.broken.record_look(target, exc, began)

    async def look_without_memory(self, target: Target) -> Sighting:
        """Look once at a target that is not watched, and keep nothing in memory about it."""
        sighting, _ = await self.look_once(target)
        self._interpreter.forget(target.id)
        return sighting

    def restore_known(self, target: Target, known: Known) -> None:
        """Restore what an earlier process knew about a target, and set its slot in force."""
        self._interpreter.restore_known(target, known)

    def stretch_factors(self) -> dict[str, float]:
        """Return for each host by which factor its looks are further apart than wanted, 1.0 if its
        budget is enough.
        """
        return {host: queue.targets.stretch() for host, queue in self._queues.items()}

    async def run(self, stop: asyncio.Event, hooks: Hooks | None = None) -> None:
        """Look until `stop` is set, and call `hooks`.

        Then wait a few seconds for the looks that are under way.

        Each host's queue is a task in `running`. It starts looks, and reports late wakeups and
        steps of our clock.
        """
        self._stop, self._hooks = stop, hooks or Hooks()
        try:
            async with asyncio.TaskGroup() as running:
                self._running = running
                for queue in self._queues.values():
                    running.create_task(queue.run(stop, self._report_disturbance))
                await stop.wait()
                # so that `_queue_of` starts no more queues, because this group is about to end
                self._running = None
                for queue in self._queues.values():
                    queue.wake()  # to notice that `stop` is set
            await self._finish_looks()
        finally:
            for task in self._under_way.values():
                task.cancel()

    def _queue_of(self, host: str) -> HostQueue:
        """Return the queue of a host. At first use, make it and start it if the poller runs."""
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
        # `loop.create_task` runs several checks first, which add to the cost of every look.
        self._under_way[watched] = asyncio.Task(self._make_look(watched, watched.target))

    async def _make_look(self, watched: ScheduledTarget, target: Target) -> None:
        """Send one request to a target, and call hooks with the sighting that the answer proves.

        Raises nothing.

        `watched.goal` is the proof that the part needs by its slot, or None. Sweeps look in turn at
        parts with a goal.
        """
        queue, began = self._queues[target.host], self._clock.now()
        try:
            request = self._interpreter.make_request(target, watched.url)
            if watched.url is not None and urlsplit(watched.url).hostname != target.host:
                # A redirect added or dropped `www.`: a host with a budget of its own.
                outcome = await self.send_in_turn(request)
            else:
                outcome = await self._fetcher.fetch(request)
                queue.record_outcome(outcome, began)
            if isinstance(outcome, Failure) or len(outcome.body) <= SMALL_BODY:
                # So the host can have another request while this body is read. `finish_look` frees
                # other places.
                queue.free_place(watched)
            sighting = await self._interpreter.interpret(target, outcome)
            # `found` are addresses in the answer: where it redirects to, or what a listing links
            # to.
            was_redirected, needs_proof = watched.url is not None, watched.goal is not None
            if sighting.found or was_redirected:
                watched.follow_redirect(sighting)
            if sighting.found or needs_proof:
                queue.targets.sweeps.record_result(target, watched.goal, sighting)
            self._hooks.on_look(target, sighting, outcome)
        except Exception as exc:  # noqa: BLE001 # a fault in one look must not stop all others
            # Begin the next look at the target's own address, not where a redirect led.
            watched.url, watched.hops = None, ()
            self._report_broken(target, exc, began)
        finally:
            self._under_way.pop(watched, None)
            if target.id not in self._watched:
                self._interpreter.forget(target.id)
            # During the look, the target may have been dropped, or dropped and watched again.
            queue.finish_look(watched, is_dropped=self._watched.get(target.id) is not watched)

    def _report_broken(self, target: Target, fault: Exception, began: datetime) -> None:
        """Count a look that our own code broke, and pass its unknown sighting to the hook.

        Raises nothing.
        """
        try:
            self._hooks.on_look(target, *self.broken.record_look(target, fault, began))
        except Exception as again:  # noqa: BLE001 # it may be the hook that broke
            self.broken.count_fault(target.host, again)

    def _report_missed(self, target: Target, looks: int) -> None:
        if looks:
            self.missed += looks
            self._hooks.on_missed(target, looks)

    def _report_disturbance(self, disturbance: Disturbance) -> None:
        """Call hooks for a late wakeup or clock step, once for all queues.

        After a backward step, replan all looks.
        """
        last_end = self._disturbed_until
        if last_end is not None and disturbance.begins <= last_end < disturbance.ends + timedelta(
            seconds=1
        ):
            # Another queue has reported it. Queues notice its end at slightly different times,
            # within a second.
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
        """Plan from now, because our clock went back.

        E.g. it was moved from 9:30 to 9:00. The last look seems to have been at 9:30, in the
        future, and the next look would begin after it.
        """
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
        """Return whether no other queue has reported this step of our clock yet, and remember
        it.
        """
        mono = self._clock.monotonic()
        ahead = self._clock.now().timestamp() - mono
        ahead_before, noticed_before = self._last_step
        self._last_step = (ahead, mono)
        return abs(ahead - ahead_before) >= NOTICEABLE or mono - noticed_before > LONGEST_SLEEP

    async def _finish_looks(self) -> None:
        """Wait a few seconds for the looks under way, and cancel the rest.

        Report looks that are due now as missed.
        """
        now = self._clock.now()
        if self._under_way:
            _, unfinished = await asyncio.wait(self._under_way.values(), timeout=_GRACE_SECONDS)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        for watched in self._watched.values():
            self._report_missed(watched.target, watched.end_watch(now))
