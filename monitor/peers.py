"""What other monitors on the same store saw of a release: read before anybody is told what one of them thinks of it."""

from __future__ import annotations

from monitor.asking import Ask
from monitor.record.store import Store
from monitor.watched import Watched


class Peers:
    """Other monitors, as the store knows them; without a store there are none."""

    def __init__(self, store: Store | None = None, ask: Ask | None = None) -> None:
        self._store = store
        self._ask = ask

    async def hear(self, watched: Watched) -> bool:
        """Take in what the others saw and learnt of a release; tells whether any of it is new. Raises `StoreFault`."""
        store, ask, name = self._store, self._ask, watched.release.id
        if store is None or ask is None:
            return False
        runs, promises = await ask(lambda: (store.runs_of_release(name), tuple(store.promises([name]))))
        is_new = promises != tuple(watched.promises)
        watched.promises = promises
        return watched.take_others(runs) or is_new
