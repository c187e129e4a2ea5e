from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf
from types import MappingProxyType
from typing import NamedTuple

from monitor.clock import VirtualClock
from monitor.look.clock_skew import Skew
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.interpret import Interpreter
from monitor.look.poller import Hooks, Poller
from monitor.look.sighting import Sighting, State
from monitor.plan.budget import Budget
from monitor.plan.phases import SLOT, Window
from monitor.plan.targets import Target, View
from monitor.rehearse.virtual_loop import run_virtually
from tests.worlds.fetcher import Reply, ScriptedFetcher

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOST = "www.example.gov.uk"


def target(
    name: str = "page", *, host: str = HOST, view: View = View.EDGE, recognise: str = "status"
) -> Target:
    return Target(f"r/{name}/{view}", "r", name, view, f"https://{host}/{name}", host, recognise)


def page_names(number: int) -> list[str]:
    """Return names for so many pages."""
    return [f"p{n}" for n in range(number)]


def window(
    every: float = 1.0, begins: float = 0.0, ends: float = 1e6, chance: float = 1.0
) -> Window:
    first, last = NOON + timedelta(seconds=begins), NOON + timedelta(seconds=ends)
    return Window(SLOT, first, last, timedelta(seconds=every), chance=chance)


@dataclass
class PollerRun:
    """A poller over a scripted publisher in virtual time, and everything that it reported.

    `starts` has the second and the page of each look, `late` how many seconds after its time each
    began.
    """

    clock: VirtualClock
    fetcher: ScriptedFetcher
    stop: asyncio.Event
    poller: Poller = field(init=False)
    starts: list[tuple[float, str]] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    missed: list[tuple[str, int]] = field(default_factory=list)
    stalls: list[tuple[datetime, datetime]] = field(default_factory=list)
    clock_steps: list[float] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    on_sighting: Callable[[Target, Sighting], None] = lambda _target, _sighting: None

    def second(self) -> float:
        """Return the seconds since noon by our clock."""
        return (self.clock.now() - NOON).total_seconds()

    def started(self, page: Target, late: float) -> None:
        self.starts.append((round(self.clock.monotonic(), 3), page.id.split("/")[1]))
        self.late.append(late)

    def missing(self, page: Target, looks: int) -> None:
        self.missed.append((page.part, looks))

    def stalled(self, begin: datetime, end: datetime) -> None:
        self.stalls.append((begin, end))

    def clock_set(self, _begin: datetime, _end: datetime, seconds: float) -> None:
        self.clock_steps.append(seconds)

    def sighted(self, page: Target, sighting: Sighting, _outcome: Answer | Failure) -> None:
        self.sightings.append(sighting)
        self.on_sighting(page, sighting)

    @property
    def start_times(self) -> list[float]:
        """Return the seconds at which looks at any page began."""
        return [time for time, _ in self.starts]

    @property
    def states(self) -> list[State]:
        """Return the state of each sighting in order."""
        return [sighting.state for sighting in self.sightings]

    @property
    def requested_pages(self) -> list[str]:
        """Return the last part of each requested address in order."""
        return [requested_page(request) for request in self.fetcher.asked]

    @property
    def seconds_stalled(self) -> list[float]:
        """Return the length of each reported stall of the loop."""
        return [(end - begin).total_seconds() for begin, end in self.stalls]

    def look_times(self, name: str) -> list[float]:
        """Return the seconds at which looks at this page began."""
        return [time for time, page in self.starts if page == name]

    def sightings_at(self, host: str) -> list[Sighting]:
        """Return the sightings of targets whose id has this host in it."""
        return [sighting for sighting in self.sightings if host in sighting.target]

    def looked_at_views(self) -> list[View]:
        """Return the view of each look in order, as its request shows it."""
        return [requested_view(request) for request in self.fetcher.asked]


def requested_view(request: Request) -> View:
    """Return the view that a request is for: only the content view wants JSON, and only the origin
    view no copy.
    """
    if request.accept == "application/json":
        return View.CONTENT
    return View.ORIGIN if request.bust else View.EDGE


def requested_page(request: Request) -> str:
    """Return the name of the page that is requested: the last part of its address."""
    return request.url.rpartition("/")[2]


def gaps_between(times: Sequence[float]) -> list[float]:
    """Return how long after each of these times the next one is."""
    return [after - before for before, after in pairwise(times)]


def most_in_one_second(times: Sequence[float]) -> int:
    """Return how many of these times are at most within one second of each other."""
    return max(sum(begin <= time <= begin + 1 for time in times) for begin in times)


class HaltingClock(VirtualClock):
    """A clock that can be moved while the loop does not run."""

    halted = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.halted


def block_for_2_5_s(run: PollerRun) -> None:
    """Block the loop for 2.5 seconds."""
    assert isinstance(run.clock, HaltingClock)
    run.clock.halted += 2.5


Publisher = Callable[[Request], Reply]


def run_poller(  # noqa: PLR0913  # a run has many circumstances, most of them usual
    act: Callable[[PollerRun], object],
    *,
    seconds: float = 10.0,
    publisher: Publisher = lambda _: Reply(200, b"<h1>Figures</h1>"),
    looks_per_second: float = 1000.0,
    do_at: Mapping[float, Callable[[PollerRun], object]] = MappingProxyType({}),
    at_once: int | None = 4,
    start: datetime = NOON,
    clock: type[VirtualClock] = VirtualClock,
    skew: Callable[[], Skew] = Skew,
    may_break: bool = False,
) -> PollerRun:
    """Run a poller for so many virtual seconds with a budget of `looks_per_second`.

    Return what it reported.

    `act` is done at the beginning, each of `do_at` at its second, and `publisher` answers each
    request.

    No look may break inside our own code or the test's, unless it `may_break`.
    """

    async def run_until_end(clock: VirtualClock) -> PollerRun:
        fetcher = ScriptedFetcher(clock, publisher)
        stop = asyncio.Event()
        run = PollerRun(clock, fetcher, stop)
        hooks = Hooks(run.sighted, run.started, run.missing, run.stalled, run.clock_set)
        run.poller = Poller(
            clock, fetcher, Budget(looks_per_second), Interpreter(skew()), at_once=at_once
        )
        act(run)
        running = asyncio.create_task(run.poller.run(stop, hooks))
        for second, step in do_at.items():
            await clock.sleep(second - clock.monotonic())
            outcome = step(run)
            if asyncio.iscoroutine(outcome):
                await outcome
        await clock.sleep(seconds - clock.monotonic())
        stop.set()
        await running
        assert may_break or run.poller.broken.describe_by_host() == {}
        return run

    return run_virtually(lambda _: run_until_end(clock(start)), start)


class FirstSeen(NamedTuple):
    """Between which seconds a page was published: it was absent at the first of them, and present
    at the second.
    """

    last_absence: float
    first_presence: float


@dataclass
class AppearingPages:
    """Pages that are published one after the other: `published_at` has the second of each, counted
    from second `since`.

    When a page is seen, the last proved absence before and this presence are its interval, and it
    gets no more looks.
    """

    published_at: dict[str, float]
    since: float = 0.0
    last_absences: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, FirstSeen] = field(default_factory=dict)
    run: PollerRun = field(init=False)

    @property
    def names(self) -> set[str]:
        return set(self.published_at)

    @property
    def interval_seconds(self) -> list[float]:
        """Return the length of each interval in seconds."""
        return [seen.first_presence - seen.last_absence for seen in self.intervals.values()]

    def second(self, at: datetime | None = None) -> float:
        """Return the second of an instant, by default of now, counted from `since`."""
        return ((at or self.run.clock.now()) - NOON).total_seconds() - self.since

    def reply(self, request: Request) -> Reply:
        """Answer 200 if the page is published, else 404."""
        is_published = self.second() >= self.published_at[requested_page(request)]
        return Reply(200, b"<h1>Figures</h1>") if is_published else Reply(404)

    def note_sighting(self, page: Target, sighting: Sighting) -> None:
        if sighting.state is State.ABSENT:
            self.last_absences[page.part] = self.second(sighting.proved_from)
        elif sighting.state is State.PRESENT and page.part not in self.intervals:
            seen = FirstSeen(
                self.last_absences.get(page.part, -inf), self.second(sighting.proved_to)
            )
            assert seen.last_absence <= self.published_at[page.part] <= seen.first_presence
            self.intervals[page.part] = seen
            for view in (View.EDGE, View.ORIGIN, View.CONTENT):
                self.run.poller.drop(target(page.part, view=view).id)


def watch_pages(*names: str, every: float = 1.0, **window_of: float) -> Callable[[PollerRun], None]:
    """Return an `act` for `run_poller` that has these pages looked at every so many seconds."""

    def act(run: PollerRun) -> None:
        for name in names:
            run.poller.watch(target(name), [window(every=every, **window_of)])

    return act
