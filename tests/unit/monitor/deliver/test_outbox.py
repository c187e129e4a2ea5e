from __future__ import annotations

import asyncio

from monitor.clock import VirtualClock
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import an_outbox, play_story
from tests.worlds.stores import TemporaryStore


def test_an_outbox_without_channels_keeps_running() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        running = asyncio.create_task(an_outbox(store, writer, [], clock).run())
        await clock.sleep(3600)
        assert not running.done()
        running.cancel()

    play_story(story)
