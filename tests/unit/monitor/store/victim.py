"""A monitor that writes as fast as it can until it is killed."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection
from pathlib import Path

from monitor.clock import SystemClock
from monitor.store.evidence.evidence import Evidence
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from tests.worlds.evidence import an_answer
from tests.worlds.looks import a_run
from tests.worlds.stores import an_event


def write_until_killed(folder: Path, first: int, committed: Connection) -> None:
    """Keep evidence, a run and an event for each number from `first` on, and send each number that
    was committed.
    """
    asyncio.run(_write(folder, first, committed))


async def _write(folder: Path, first: int, committed: Connection) -> None:
    store, clock = Store.open_upgraded(f"sqlite:///{folder}/store.db"), SystemClock()
    writer = Writer(store, clock)
    evidence = Evidence(folder / "ev", store.evidence, writer, clock, "edge")
    for number in range(first, first + 100_000):
        name = f"r{number}"
        kept = evidence.keep(an_answer(body=b"x" * 5000, after=number), f"{name}/page/edge", "turn")
        writer.queue_run(a_run(f"{name}/page/edge", first=number, evidence=(kept,)))
        event = an_event(f"e{number}", release=name)
        await writer.write(lambda tx, event=event: tx.add(event))
        committed.send(number)
