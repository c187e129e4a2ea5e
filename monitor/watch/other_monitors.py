"""What other monitors on the same store saw of a release: read before anybody is told what one of them thinks of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.judge.runs import Blind, Run
from monitor.store.interface import Store
from monitor.store.members import Members
from monitor.threads import Ask
from monitor.watch.release import WatchedRelease
from schedules.promise import Promise

_LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OtherMonitors:
    """Other monitors, as the store knows them."""

    store: Store
    ask: Ask
    members: Members

    async def take_in(self, watched: WatchedRelease, now: datetime) -> list[Blind]:
        """Take in what the others saw and learnt of a release; returns the blind spans of all. Raises `StoreFault`."""
        store, name = self.store, watched.release.id

        def read() -> tuple[list[Run], tuple[Promise, ...], list[Blind]]:
            return (
                store.runs.of_release(name),
                tuple(store.ledger.promises([name])),
                store.runs.blind(now - _LATELY, now),
            )

        runs, watched.promises, blind = await self.ask(read)
        watched.take_others(runs)
        return blind
