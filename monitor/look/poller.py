"""Due looks, begun on their second, within what each host may be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from monitor.clock import Clock
from monitor.look.broken_looks import BrokenLooks
from monitor.look.fetch import Answer, Failure, Fetcher, Request
from monitor.look.host_queue import LONGEST_SLEEP, NOTICED, HostQueue, Woken
from monitor.look.interpret import Interpreter, Known
from monitor.look.reading import SMALL
from monitor.look.scheduled import ScheduledTarget
from monitor.look.sighting import Sighting
from monitor.plan.budget import Budget, at_once
from monitor.plan.phases import Window
from monitor.plan.proof import Proof
from monitor.plan.share import Share
from monitor.plan.targets import Target

OnLook = Callable[[Target, Sighting, Answer | Failure], None]

_GRACE = 5.0


def _nothing(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who is told what the poller does; each is called in the loop and must not block.

    `looked(target, sighting, outcome)` after each scheduled look; `started(target, late)` in seconds after its due
    instant; `missed(target, looks)` that fell due and will not be made; `stalled(begin, end)` while nothing could
    begin; `clock_set(begin, end, seconds)` when our clock was set, or the machine slept, by so much.
    """

    looked: OnLook = _nothing
    started: Callable[[Target, float], None] = _nothing
    missed: Callable[[Target, int], None] = _nothing
    stalled: Callable[[datetime, datetime], None] = _nothing
    clock_set: Callable[[datetime, datetime, float], None] = _nothing


class Poller:
    """Looks at targets when they are due.

    At most one look per target and `at_once` per host, of itself what its budget needs, are under way; none is
    cancelled but at shutdown. Every look that was due is either made, however late, or reported as missed.
    """

    def __init__(
        self, clock: Clock, fetcher: Fetcher, budget: Budget, interpreter: Interpreter, *, at_once: int | None = None
    ) -> None:
        self._clock = clock
        self._fetcher = fetcher
        self._budget = budget
        self._interpreter = interpreter
        self._hooks = Hooks()
        self._at_once = at_once
        self._share: Share | None = None
        self._watched: dict[str, ScheduledTarget] = {}
        self._queues: dict[str, HostQueue] = {}
        self._running: asyncio.TaskGroup | None = None
        self._stop = asyncio.Event()
        self._flying: dict[ScheduledTarget, asyncio.Task[None]] = {}
        self._stalled_until: datetime | None = None
        # How far our clock was ahead of steady time when it was last seen to be set, and when that was.
        self._set = (0.0, -LONGEST_SLEEP)
        self.broken = BrokenLooks(clock)
        self.made = self.missed = 0

    def watch(
        self,
        target: Target,
        windows: Sequence[Window],
        shift: timedelta = timedelta(),
        *,
        instant: datetime | None = None,
        soon: bool = False,
        proof: Proof | None = None,
    ) -> None:
        """Look at a target in these windows; in place of earlier ones for it, with its last look kept.

        `instant` is the promised one: a look begins at it, and the host is kept free for that. `soon`: a first
        look is due now. `proof` is what its part must be proved to be.
        """
        now = self._clock.now()
        watched = self._watched.get(target.id)
        if watched is not None and watched.is_same(target, windows, shift, instant, proof):
            return
        if watched is not None:
            self._strike(watched, keep=proof)
        if watched is None or watched.target.host != target.host:
            watched = self._watched[target.id] = ScheduledTarget(target, windows, shift, now, instant)
            watched.plan_after(now - timedelta(microseconds=1))
            if soon:
                watched.look_now(now)
        else:
            watched.url = watched.url if watched.target.url == target.url else None
            watched.target, watched.instant = target, instant
            self._report(target, watched.replan(windows, shift, now))
        queue, watched.proof = self._queue(target.host), proof
        if proof is not None:
            queue.targets.sweeps.enlist(target, proof, now)
        queue.targets.put(watched, now)
        queue.ring()

    def drop(self, target_id: str) -> None:
        """Look at a target no more; a look under way still brings its sighting."""
        watched = self._watched.pop(target_id, None)
        if watched is not None:
            self._strike(watched)
            self._report(watched.target, watched.replan((), timedelta(), self._clock.now()))
            self._queues[watched.target.host].targets.take_off(target_id)
            self._interpreter.forget(target_id)

    def _strike(self, watched: ScheduledTarget, keep: Proof | None = None) -> None:
        if watched.proof is not None and watched.proof != keep:
            self._queue(watched.target.host).targets.sweeps.strike(watched.target, watched.proof)

    def reconfigure(self, budget: Budget, fetcher: Fetcher) -> None:
        """Keep to another budget and ask through another fetcher from now on; what is under way ends as it began."""
        self._budget, self._fetcher = budget, fetcher
        for host, queue in self._queues.items():
            queue.reconfigure(budget.rate(host), self._at_once or at_once(budget.rate(host)))

    def take_share(self, share: Share) -> None:
        """Ask every host in the turns that this monitor has among several, from now on."""
        self._share = share
        for queue in self._queues.values():
            queue.take_share(share)

    def watching(self) -> list[Target]:
        """Return what is being watched."""
        return [watched.target for watched in self._watched.values()]

    def next_due(self) -> datetime | None:
        """Return when the next look is due at a host that need not be left alone, None when none is."""
        loud = {host for host, queue in self._queues.items() if not queue.is_quiet()}
        return min((it.due for it in self._watched.values() if it.due and it.target.host in loud), default=None)

    def is_quiet(self, host: str) -> bool:
        """Tell whether a host is being left alone."""
        return host in self._queues and self._queues[host].is_quiet()

    def told_to_wait(self) -> dict[str, float]:
        """Return until when each host told us to leave it alone, in seconds of steady time."""
        return {host: one.told_until for host, one in self._queues.items() if one.told_until > self._clock.monotonic()}

    async def ask(self, request: Request) -> Answer | Failure:
        """Make one request that is not scheduled, in its host's turn; an answer that asks for patience is heeded."""
        host = urlsplit(request.url).hostname or ""
        queue = self._queue(host)
        async with queue.turn():
            outcome = await self._fetcher.fetch(request)
            queue.heed(outcome)
            return outcome

    async def look_once(self, target: Target) -> tuple[Sighting, Answer | Failure]:
        """Look at a target once, in its host's turn, whatever its windows say."""
        began = self._clock.now()
        try:
            outcome = await self.ask(self._interpreter.request(target))
            return await self._interpreter.look(target, outcome), outcome
        except Exception as exc:  # noqa: BLE001 # whoever looks goes on with the next
            return self.broken.sighted(target, exc, began)

    async def glance(self, target: Target) -> Sighting:
        """Look once at a target that is not watched, and remember nothing of it."""
        sighting, _ = await self.look_once(target)
        self._interpreter.forget(target.id)
        return sighting

    def recall(self, target: Target, known: Known) -> None:
        """Take what an earlier process knew of a target, and the slot in force."""
        self._interpreter.recall(target, known)

    def stretch(self) -> dict[str, float]:
        """Return for each host by how much its budget spreads the looks out; 1.0 when it carries them."""
        return {host: queue.targets.stretch() for host, queue in self._queues.items()}

    async def run(self, stop: asyncio.Event, hooks: Hooks | None = None) -> None:
        """Look until `stop` is set, telling `hooks`; then let the looks under way land, for a few seconds."""
        self._stop, self._hooks = stop, hooks or Hooks()
        try:
            async with asyncio.TaskGroup() as running:
                self._running = running
                for queue in self._queues.values():
                    running.create_task(queue.run(stop, self._woken))
                await stop.wait()
                self._running = None
                for queue in self._queues.values():
                    queue.ring()
            await self._land()
        finally:
            for task in self._flying.values():
                task.cancel()

    def _queue(self, host: str) -> HostQueue:
        queue = self._queues.get(host)
        if queue is None:
            rate = self._budget.rate(host)
            many = self._at_once or at_once(rate)
            queue = self._queues[host] = HostQueue(host, rate, self._clock, self._start, many, self._share)
            if self._running is not None:
                self._running.create_task(queue.run(self._stop, self._woken))
        return queue

    def _start(self, watched: ScheduledTarget, due: datetime, now: datetime) -> None:
        if looks := watched.missed(now):
            self._report(watched.target, looks)
        self.made += 1
        self._hooks.started(watched.target, (now - due).total_seconds())
        # Made by hand: a loop asks itself several questions first, at every look.
        self._flying[watched] = asyncio.Task(self._look(watched, watched.target))

    async def _look(self, watched: ScheduledTarget, target: Target) -> None:
        queue, began = self._queues[target.host], self._clock.now()
        try:
            outcome = await self._fetcher.fetch(self._interpreter.request(target, watched.url))
            queue.heed(outcome)
            if isinstance(outcome, Failure) or len(outcome.body) <= SMALL:
                # While it waits to be read its host may be asked for more.
                queue.answered(watched)
            sighting = await self._interpreter.look(target, outcome)
            if sighting.found or watched.url is not None:
                watched.follow(sighting)
            if sighting.found or watched.proof is not None:
                queue.targets.sweeps.saw(target, watched.proof, sighting)
            self._hooks.looked(target, sighting, outcome)
        except Exception as exc:  # noqa: BLE001 # what is wrong with one look must not stop all others
            # An address that it was led to may be what broke it.
            watched.url, watched.hops = None, ()
            self._broke(target, exc, began)
        finally:
            self._flying.pop(watched, None)
            is_dropped = self._watched.get(target.id) is not watched
            if is_dropped:
                self._interpreter.forget(target.id)
            queue.landed(watched, is_dropped=is_dropped)

    def _broke(self, target: Target, fault: Exception, began: datetime) -> None:
        try:
            self._hooks.looked(target, *self.broken.sighted(target, fault, began))
        except Exception as again:  # noqa: BLE001 # it may be the hook that broke
            self.broken.note(target.host, again)

    def _report(self, target: Target, looks: int) -> None:
        if looks:
            self.missed += looks
            self._hooks.missed(target, looks)

    def _woken(self, woken: Woken) -> None:
        # Every queue notices; it is one stall all the same.
        if self._stalled_until is not None and woken.begins <= self._stalled_until < woken.ends + timedelta(seconds=1):
            self._stalled_until = max(self._stalled_until, woken.ends)
            return
        self._stalled_until = woken.ends
        if woken.late:
            self._hooks.stalled(woken.begins, woken.ends)
        if woken.set and not self._is_told():
            if woken.set < 0:
                self._plan_again()
            self._hooks.clock_set(woken.begins, woken.ends, woken.set)

    def _is_told(self) -> bool:
        """Tell whether another queue, which woke before this one, has noticed already how our clock was set."""
        mono = self._clock.monotonic()
        ahead, (before, since) = self._clock.now().timestamp() - mono, self._set
        self._set = (ahead, mono)
        return abs(ahead - before) < NOTICED and mono - since <= LONGEST_SLEEP

    def _plan_again(self) -> None:
        # Our clock was set back: what was planned by the old one lies too far ahead.
        now = self._clock.now()
        for watched in self._watched.values():
            watched.looked = None
            watched.replan(watched.windows, watched.shift, now)
            self._queues[watched.target.host].targets.put(watched, now)

    async def _land(self) -> None:
        now = self._clock.now()
        if self._flying:
            _, still = await asyncio.wait(self._flying.values(), timeout=_GRACE)
            for task in still:
                task.cancel()
            await asyncio.gather(*still, return_exceptions=True)
        for watched in self._watched.values():
            self._report(watched.target, watched.replan((), timedelta(), now))
