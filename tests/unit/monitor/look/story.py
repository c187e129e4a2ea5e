from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from monitor.clock import VirtualClock
from monitor.look.clock_skew import Skew
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.interpret import Interpreter
from monitor.look.poller import Hooks, Poller
from monitor.look.sighting import Sighting
from monitor.plan.budget import Budget
from monitor.plan.phases import Window
from monitor.plan.targets import Target, View
from monitor.rehearse.virtual_loop import run_virtually
from tests.worlds.fetcher import Reply, ScriptedFetcher

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOST = "www.example.gov.uk"


def target(name: str = "page", *, host: str = HOST, view: View = View.EDGE, recognise: str = "status") -> Target:
    return Target(f"r/{name}/{view}", "r", name, view, f"https://{host}/{name}", host, recognise)


def window(every: float = 1.0, begins: float = 0.0, ends: float = 1e6, chance: float = 1.0) -> Window:
    first, last = NOON + timedelta(seconds=begins), NOON + timedelta(seconds=ends)
    return Window("slot", first, last, timedelta(seconds=every), chance=chance)


@dataclass
class Watch:
    """A poller over a scripted publisher in virtual time, and everything that was seen of it."""

    clock: VirtualClock
    fetcher: ScriptedFetcher
    stop: asyncio.Event
    poller: Poller = field(init=False)
    starts: list[tuple[float, str]] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    missed: list[tuple[str, int]] = field(default_factory=list)
    stalls: list[tuple[datetime, datetime]] = field(default_factory=list)
    clock_sets: list[float] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    heard: Callable[[Target, Sighting], None] = lambda _target, _sighting: None

    def at(self) -> float:
        return (self.clock.now() - NOON).total_seconds()

    def started(self, seen: Target, late: float) -> None:
        self.starts.append((round(self.clock.monotonic(), 3), seen.id.split("/")[1]))
        self.late.append(late)

    def missing(self, seen: Target, looks: int) -> None:
        self.missed.append((seen.part, looks))

    def stalled(self, begin: datetime, end: datetime) -> None:
        self.stalls.append((begin, end))

    def clock_set(self, _begin: datetime, _end: datetime, seconds: float) -> None:
        self.clock_sets.append(seconds)

    def sighted(self, seen: Target, sighting: Sighting, _outcome: Answer | Failure) -> None:
        self.sightings.append(sighting)
        self.heard(seen, sighting)

    def times(self, name: str) -> list[float]:
        return [time for time, seen in self.starts if seen == name]


class HaltingClock(VirtualClock):
    """A clock that can be moved while the loop does not run."""

    halted = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.halted


def halt(seen: Watch) -> None:
    """Block the loop for 2.5 seconds."""
    assert isinstance(seen.clock, HaltingClock)
    seen.clock.halted += 2.5


Script = Callable[[Request], Reply]


def watch(  # noqa: PLR0913  # a story has many circumstances, most of them usual
    act: Callable[[Watch], object],
    *,
    seconds: float = 10.0,
    script: Script | None = None,
    rate: float = 1000.0,
    later: Sequence[tuple[float, Callable[[Watch], object]]] = (),
    at_once: int | None = 4,
    start: datetime = NOON,
    clock: type[VirtualClock] = VirtualClock,
    skew: Callable[[], Skew] = Skew,
    breaks: bool = False,
) -> Watch:
    """Run a poller for so many virtual seconds: `act` at the beginning, `later` at their seconds.

    No look may break inside our own code or the test's, unless it `breaks` on purpose.
    """

    async def story(clock: VirtualClock) -> Watch:
        fetcher = ScriptedFetcher(clock, script or (lambda _: Reply(200, b"figures")))
        stop = asyncio.Event()
        seen = Watch(clock, fetcher, stop)
        hooks = Hooks(seen.sighted, seen.started, seen.missing, seen.stalled, seen.clock_set)
        seen.poller = Poller(clock, fetcher, Budget(rate), Interpreter(skew()), at_once=at_once)
        act(seen)
        running = asyncio.create_task(seen.poller.run(stop, hooks))
        for moment, step in later:
            await clock.sleep(moment - clock.monotonic())
            outcome = step(seen)
            if asyncio.iscoroutine(outcome):
                await outcome
        await clock.sleep(seconds - clock.monotonic())
        stop.set()
        await running
        assert breaks or seen.poller.broken.describe_by_host() == {}
        return seen

    return run_virtually(lambda _: story(clock(start)), start)


def watching(*names: str, every: float = 1.0, **window_of: float) -> Callable[[Watch], None]:
    """Return the beginning of a story in which these parts are looked at so often."""

    def act(seen: Watch) -> None:
        for name in names:
            seen.poller.watch(target(name), [window(every, **window_of)])

    return act
