"""Measures how wide first-seen intervals are with a polite budget: the real poller in virtual time
at one host.

A round of N pages at R requests a second takes N/R seconds. The optimum for unequal chances is (sum
of their square roots)² / R. `budget_sim` compares the releases proved in a busy slot with the most
that are possible.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import sqrt
from random import Random

from bench.budget_sim import measure_slots
from bench.world import silence_logs
from monitor.clock import VirtualClock
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.interpret import Interpreter
from monitor.look.poller import Hooks, Poller
from monitor.look.sighting import Sighting, State
from monitor.plan.budget import Budget
from monitor.plan.phases import SLOT, Window
from monitor.plan.targets import Target, View
from monitor.rehearse.virtual_loop import run_virtually
from tests.worlds.fetcher import Reply, ScriptedFetcher

_NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
_END = _NOON + timedelta(days=30)
_HOST = "stats.example"
_HOT = [0.09] * 10 + [0.1 / 90] * 90
_ZIPF = [1 / rank for rank in range(1, 101)]


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield mean and worst widths in rounds for equal chances, and mean widths in optima for
    unequal ones.
    """
    silence_logs()
    for pages, rate in ((20, 1.0),) if quick else ((60, 1.0), (1000, 20.0)):
        widths = [width * rate / pages for width in _appearances(pages, rate)]
        yield {f"mean_width_{pages}": sum(widths) / pages, f"worst_width_{pages}": max(widths)}
    for name, chances in (("hot", _HOT), ("zipf", _ZIPF)):
        width, longest = _weighted(chances, 6 if quick else 20)
        yield {
            f"{name}_to_optimum": width
            * sum(chances)
            / sum(sqrt(chance) for chance in chances) ** 2
        }
        yield {
            f"{name}_to_equal": width / len(chances),
            f"{name}_longest_gap": longest / len(chances),
        }
    yield measure_slots()


def _appearances(pages: int, rate: float) -> list[float]:
    """Return the interval widths of pages that appear at random times and are no longer watched
    once seen.
    """
    chance, whole = Random(7), pages / rate  # noqa: S311  # a throw of dice, always the same
    appears = {f"/p{n}": (2 + 3 * chance.random()) * whole for n in range(pages)}

    async def story(clock: VirtualClock) -> list[float]:
        absent: dict[str, datetime] = {}
        widths: list[float] = []

        def reply(request: Request) -> Reply:
            return Reply(
                200
                if clock.monotonic() >= appears[request.url.removeprefix(f"https://{_HOST}")]
                else 404
            )

        def see(target: Target, sighting: Sighting, _: Answer | Failure) -> None:
            if sighting.state is State.ABSENT:
                absent[target.id] = sighting.proved_from
            else:
                widths.append((sighting.proved_to - absent[target.id]).total_seconds())
                poller.drop(target.id)

        poller = Poller(clock, ScriptedFetcher(clock, reply), Budget(rate), Interpreter())
        await _polled(clock, poller, [1.0] * pages, 7 * whole, Hooks(see))
        return widths

    return run_virtually(story, _NOON)


def _weighted(chances: Sequence[float], rounds: int) -> tuple[float, float]:
    """Return the mean interval width, weighted by chance, at one look a second, and the longest gap
    of any page.
    """
    times: dict[str, list[float]] = defaultdict(list)

    async def story(clock: VirtualClock) -> None:
        hooks = Hooks(on_start=lambda target, _late: times[target.id].append(clock.monotonic()))
        fetcher = ScriptedFetcher(clock, {})
        await _polled(
            clock,
            Poller(clock, fetcher, Budget(1.0), Interpreter()),
            chances,
            rounds * whole,
            hooks,
        )

    whole = len(chances)
    run_virtually(story, _NOON)
    gaps = [
        [later - time for time, later in pairwise(times[f"p{n}"]) if time > whole]
        for n in range(whole)
    ]
    widths = [sum(gap * gap for gap in each) / sum(each) for each in gaps]
    mean = sum(chance * width for chance, width in zip(chances, widths, strict=True)) / sum(chances)
    return mean, max(max(each) for each in gaps)


async def _polled(
    clock: VirtualClock, poller: Poller, chances: Sequence[float], seconds: float, hooks: Hooks
) -> None:
    """Poll pages with these chances for `seconds`, each due every second."""
    for number, chance in enumerate(chances):
        window = Window(SLOT, _NOON, _END, timedelta(seconds=1), chance=chance)
        url = f"https://{_HOST}/p{number}"
        poller.watch(
            Target(f"p{number}", "", f"p{number}", View.EDGE, url, _HOST, "status"), (window,)
        )
    stop = asyncio.Event()
    polling = asyncio.create_task(poller.run(stop, hooks))
    await clock.sleep(seconds)
    stop.set()
    await polling
