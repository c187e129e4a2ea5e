from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from monitor.clock import VirtualClock
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.poller import Hooks, Poller
from monitor.look.scripted import Reply, ScriptedFetcher
from monitor.look.see import Seer
from monitor.look.sighting import Sighting
from monitor.plan.budget import Budget
from monitor.plan.phases import Window
from monitor.plan.targets import Target, View
from monitor.rehearse.loop import run_virtually

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOST = "www.example.gov.uk"


def target(name: str = "page", *, host: str = HOST, view: View = View.EDGE, recognise: str = "status") -> Target:
    return Target(f"r/{name}/{view}", "r", name, view, f"https://{host}/{name}", host, recognise)


def window(every: float = 1.0, begins: float = 0.0, ends: float = 1e6) -> Window:
    return Window("slot", NOON + timedelta(seconds=begins), NOON + timedelta(seconds=ends), timedelta(seconds=every))


@dataclass
class Watch:
    """A poller over a scripted publisher in virtual time, and everything that was seen of it."""

    clock: VirtualClock
    fetcher: ScriptedFetcher
    poller: Poller
    stop: asyncio.Event
    starts: list[tuple[float, str]] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    missed: list[tuple[str, int]] = field(default_factory=list)
    quieted: list[float] = field(default_factory=list)
    stalls: list[tuple[datetime, datetime]] = field(default_factory=list)
    clock_sets: list[float] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)

    def at(self) -> float:
        return (self.clock.now() - NOON).total_seconds()

    def started(self, seen: Target, late: float) -> None:
        self.starts.append((round(self.clock.monotonic(), 3), seen.id.split("/")[1]))
        self.late.append(late)

    def sighted(self, _target: Target, sighting: Sighting, _outcome: Answer | Failure) -> None:
        self.sightings.append(sighting)

    def times(self, name: str) -> list[float]:
        return [time for time, seen in self.starts if seen == name]


Script = Callable[[Request], Reply]


def watch(
    act: Callable[[Watch], object],
    *,
    seconds: float = 10.0,
    script: Script | None = None,
    rate: float = 1000.0,
    later: Sequence[tuple[float, Callable[[Watch], object]]] = (),
    at_once: int = 4,
) -> Watch:
    """Run a poller for so many virtual seconds: `act` at the beginning, `later` at their seconds."""

    async def story(clock: VirtualClock) -> Watch:
        fetcher = ScriptedFetcher(clock, script or (lambda _: Reply(200, b"figures")))
        stop = asyncio.Event()
        seen: list[Watch] = []
        hooks = Hooks(
            started=lambda target, late: seen[0].started(target, late),
            missed=lambda target, looks: seen[0].missed.append((target.part, looks)),
            quieted=lambda _host, span: seen[0].quieted.append(span.total_seconds()),
            stalled=lambda begin, end: seen[0].stalls.append((begin, end)),
            clock_set=lambda _begin, _end, by: seen[0].clock_sets.append(by),
        )
        poller = Poller(
            clock,
            fetcher,
            Budget(rate),
            Seer(),
            lambda target, sighting, outcome: seen[0].sighted(target, sighting, outcome),
            hooks,
            at_once=at_once,
        )
        seen.append(Watch(clock, fetcher, poller, stop))
        act(seen[0])
        running = asyncio.create_task(poller.run(stop))
        for moment, step in later:
            await clock.sleep(moment - clock.monotonic())
            outcome = step(seen[0])
            if asyncio.iscoroutine(outcome):
                await outcome
        await clock.sleep(seconds - clock.monotonic())
        stop.set()
        await running
        return seen[0]

    return run_virtually(story, NOON)


@pytest.fixture
def noon() -> datetime:
    return NOON
