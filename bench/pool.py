"""CPU of a request by our transport and by httpx's, with more under way and with more hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.bare import measure_httpx, run_concurrently
from bench.figures import cpu_seconds, median
from bench.origin import run_origin
from monitor.clock import SystemClock
from monitor.look.fetch import Answer, Request
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Route

_CASES = ((1, 1), (10, 3), (20, 5), (50, 13), (20, 64))
"""Requests under way, and hosts they are spread over: four connections a host carry them all."""


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield milliseconds of CPU a request for the fetcher and for a bare `httpx.AsyncClient`, and
    ratios.
    """
    with run_origin() as port:
        yield asyncio.run(_measured(port, 100 if quick else 1500, 1 if quick else 3))


async def _measured(port: int, looks: int, rounds: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    for at_once, hosts in _CASES:
        took: dict[str, list[float]] = {"ours": [], "httpx": []}
        for _ in range(rounds):
            took["ours"].append(await _fetched(port, looks, at_once, hosts))
            took["httpx"].append(await measure_httpx(port, looks, at_once))
        case = f"{at_once}_in_flight_{hosts}_hosts"
        figures |= {
            f"{name}_ms_{case}": 1000 * median(values) / looks for name, values in took.items()
        }
        ratios = [mine / theirs for mine, theirs in zip(took["ours"], took["httpx"], strict=True)]
        figures[f"ratio_to_httpx_{case}"] = median(ratios)
    return figures


async def _fetched(port: int, looks: int, at_once: int, hosts: int) -> float:
    fetcher = HttpFetcher(SystemClock(), route=lambda *_: Route("127.0.0.1", port, tls=False))

    async def look(number: int) -> None:
        answer = await fetcher.fetch(
            Request(f"https://h{number % hosts}.example/page/{number % 100}")
        )
        assert isinstance(answer, Answer)  # noqa: S101  # a failure measures nothing

    await run_concurrently(max(at_once, hosts), at_once, look)
    began = cpu_seconds()
    await run_concurrently(looks, at_once, look)
    spent = cpu_seconds() - began
    await fetcher.close()
    return spent
