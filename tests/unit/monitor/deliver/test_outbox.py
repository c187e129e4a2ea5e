from __future__ import annotations

import asyncio
from random import Random

from monitor.clock import SystemClock
from monitor.deliver.outbox import Outbox
from monitor.store.writer import Writer
from tests.worlds.stores import TemporaryStore


async def test_an_outbox_without_channels_keeps_running() -> None:
    store, clock = TemporaryStore(), SystemClock()
    outbox = Outbox(store, Writer(store, clock), [], clock, asyncio.to_thread, rng=Random(1))  # noqa: S311  # spreads retries
    life = asyncio.create_task(outbox.run())
    done, _ = await asyncio.wait({life}, timeout=0.05)
    life.cancel()
    assert done == set()
