"""Measures the CPU time of a whole look relative to peers, and how punctually looks begin.

A whole look is all that the daemon does: scheduling, request, body, hash, recogniser, run, metrics,
stored row. Each round measures our look, a bare `httpx.AsyncClient.get`, the lower limit (`floor`)
and the exporter one after the other, and ratios are computed for each round.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.bare import measure_bare_protocol, measure_httpx, probe_with_blackbox, run_blackbox
from bench.figures import cpu_seconds, median, percentile, rss_kb
from bench.origin import run_origin
from bench.world import MANY, daemon, promise, release, settings, silence_logs, temporary_folder
from monitor.app.daemon import Daemon
from monitor.clock import SystemClock
from monitor.health.system import return_free_memory, tune_process
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Route
from monitor.look.interpret import Interpreter
from monitor.look.poller import Hooks, Poller
from monitor.plan.budget import Budget
from monitor.plan.phases import TRIPWIRE, Window
from monitor.plan.targets import Target, View

EDGE, ORIGIN = View.EDGE, View.ORIGIN
_HOSTS = 5
_AT_ONCE = 20
_TARGETS = 1000
_MANY = 10_000
_BATCH = 200
_BEGINNING, _END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)
_ALWAYS = (Window(TRIPWIRE, _BEGINNING, _END, timedelta(milliseconds=1)),)


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield ratios, milliseconds of CPU a look, lateness in milliseconds and KB a target."""
    silence_logs()
    # As `ninethirty run` does.
    tune_process()
    gc.collect()
    gc.freeze()
    with temporary_folder() as place, run_origin() as port, run_blackbox(place) as exporter:
        yield asyncio.run(_measured(place, port, exporter, quick=quick))


async def _measured(
    place: Path, port: int, exporter: tuple[int, int] | None, *, quick: bool
) -> dict[str, float]:
    looks, rounds = (200, 1) if quick else (2500, 3)
    figures = await _footprint(place, port, _BATCH if quick else _TARGETS)
    took: dict[str, list[float]] = {
        "ours": [],
        "origin": [],
        "httpx": [],
        "floor": [],
        "blackbox": [],
    }
    for turn in range(rounds):
        for name, view in (("ours", EDGE), ("origin", ORIGIN)):
            took[name].append(await _ours(place / f"{name}{turn}", port, looks, view))
        took["httpx"].append(await measure_httpx(port, looks, _AT_ONCE) / looks)
        took["floor"].append(await measure_bare_protocol(port, looks, _AT_ONCE) / looks)
        if exporter is not None:
            took["blackbox"].append(
                await probe_with_blackbox(exporter, port, looks, _AT_ONCE) / looks
            )
    figures |= {f"{name}_ms": 1000 * median(values) for name, values in took.items() if values}
    for peer in ("httpx", "blackbox"):
        figures |= {f"cpu_ratio_to_{peer}": _ratio(took["ours"], took[peer])} if took[peer] else {}
    figures["origin_ratio_to_httpx"] = _ratio(took["origin"], took["httpx"])
    figures["floor_ratio_to_httpx"] = _ratio(took["floor"], took["httpx"])
    figures["looks_per_core_second"] = 1000 / figures["ours_ms"]
    return figures | await _punctuality(place, port, quick=quick)


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return median([mine / other for mine, other in zip(ours, theirs, strict=True)])


def _made(place: Path, port: int, view: View = EDGE) -> Daemon:
    place.mkdir(exist_ok=True)
    fetcher = HttpFetcher(
        SystemClock(), route=lambda *_: Route("127.0.0.1", port, tls=False), budget=Budget(MANY)
    )
    tables = {"budget": {"default": f"{MANY:.0f}/s"}, "watch": {"origin_view": view is ORIGIN}}
    return daemon(place, SystemClock(), fetcher, settings(place, **tables))


def _adopted(made: Daemon, first: int, count: int) -> list[Target]:
    """Watch releases with one page each and return their targets.

    The bench replaces their planned windows.
    """
    slot = SystemClock().now() + timedelta(days=3)
    for number in range(first, first + count):
        made.parts.watch.adopt(
            release(number, f"h{number % _HOSTS}.example"), [promise(number, slot)]
        )
    names = {f"r{number}" for number in range(first, first + count)}
    return [target for target in made.parts.poller.watched_targets() if target.release in names]


async def _ours(place: Path, port: int, looks: int, view: View) -> float:
    """Return the CPU seconds of one of `looks` whole looks with twenty in flight, made by the
    poller itself.
    """
    made = _made(place, port, view)
    for target in _adopted(made, 0, _AT_ONCE):
        if target.view is view:
            made.parts.poller.watch(target, _ALWAYS)
        else:
            made.parts.poller.drop(target.id)
    stop = asyncio.Event()
    polling = asyncio.create_task(made.parts.poller.run(stop, made.parts.intake.hooks()))
    await _until(made, 200)
    # The first commit of a process compiles its statements. Only later commits are typical.
    await made.core.writer.write(lambda _tx: None)
    began, before = cpu_seconds(), made.parts.poller.made
    await _until(made, before + looks)
    spent = (cpu_seconds() - began) / (made.parts.poller.made - before)
    stop.set()
    await polling
    await made.close()
    return spent


async def _until(made: Daemon, looks: int) -> None:
    while made.parts.poller.made < looks:  # noqa: ASYNC110  # the poller has no event for this
        await asyncio.sleep(0.02)


async def _footprint(place: Path, port: int, count: int) -> dict[str, float]:
    """Return the memory in KB of a watched target with its release, after two looks.

    Targets are added in batches of 200, also before the first measurement, so that buffers of first
    looks are in both measurements. Free memory is returned to the system first, as the daemon does
    every five minutes.
    """
    made = _made(place / "footprint", port)
    before = 0.0
    for first in range(0, count + _BATCH, _BATCH):
        await _twice(made, _adopted(made, first, _BATCH))
        await made.core.writer.write(lambda _tx: None)
        return_free_memory()
        before = before or rss_kb()
    figure = (rss_kb() - before) / count
    await made.close()
    return {"memory_per_target_kb": figure}


async def _twice(made: Daemon, targets: list[Target]) -> None:
    await _once(made, targets)
    await _once(made, targets)


async def _once(made: Daemon, targets: list[Target]) -> None:
    """Look at every target, those of each host one after the other."""
    hosts: dict[str, list[Target]] = {}
    for target in targets:
        hosts.setdefault(target.host, []).append(target)

    async def each(its: list[Target]) -> None:
        for target in its:
            made.parts.intake.see(target, *await made.parts.poller.look_once(target))

    await asyncio.gather(*(each(its) for its in hosts.values()))


async def _punctuality(place: Path, port: int, *, quick: bool) -> dict[str, float]:
    """Return how late looks begin.

    Of 1,000 targets at 100 looks a second in all, of 1,000 due in one instant, and of 10,000 at
    1,000 looks a second.
    """
    spread = timedelta(seconds=2 if quick else 10)
    steady = await _late(place / "steady", port, spread, 0.5 if quick else 12.0)
    burst = await _late(place / "burst", port, timedelta(), 0.5 if quick else 2.0)
    count = _TARGETS if quick else _MANY
    # After the first look at each page, which reads it.
    many = (await _late(place / "many", port, spread, 3.5 if quick else 20.0, count))[count:]
    return {
        "lateness_p50_ms": 1000 * percentile(steady, 50),
        "lateness_p99_ms": 1000 * percentile(steady, 99),
        "burst_p50_ms": 1000 * percentile(burst, 50),
        "burst_p99_ms": 1000 * percentile(burst, 99),
        "many_lateness_p50_ms": 1000 * percentile(many, 50),
        "many_lateness_p99_ms": 1000 * percentile(many, 99),
        "looks_timed": len(many) + len(steady) + len(burst),
    }


async def _late(
    place: Path, port: int, spread: timedelta, seconds: float, count: int = _TARGETS
) -> list[float]:
    """Return the seconds by which looks began late, the due instants of all targets spread over
    `spread`.
    """
    made = _made(place, port)
    targets = _adopted(made, 0, count)
    await _once(made, targets)
    late: list[float] = []
    hooks = Hooks(
        made.parts.intake.see, on_start=lambda _target, seconds_late: late.append(seconds_late)
    )
    poller = Poller(SystemClock(), made.core.fetcher, Budget(MANY), Interpreter())
    begins = SystemClock().now() + timedelta(seconds=1) + count * timedelta(milliseconds=0.2)
    for number, target in enumerate(targets):
        window = Window(
            TRIPWIRE,
            begins + spread * number / count,
            _END,
            spread or timedelta(days=1),
            is_unshifted=True,
        )
        poller.watch(target, (window,))
    stop = asyncio.Event()
    polling = asyncio.create_task(poller.run(stop, hooks))
    await asyncio.sleep((begins - SystemClock().now()).total_seconds() + seconds)
    stop.set()
    await polling
    await made.close()
    return late
