"""What a monitor could not store as it stopped is in the spool, for the next start."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.app.spooling import Spooling
from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.health.heartbeat import HeartbeatWriter
from monitor.health.state import HealthState
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.evidence.evidence import Evidence
from monitor.store.spool import Spool
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from tests.worlds.instants import SLOT
from tests.worlds.looks import EDGE, a_run
from tests.worlds.stores import CutStore, a_store_file, runs_of


def test_store_that_fails_as_the_monitor_stops_costs_no_look(tmp_path: Path) -> None:
    url = a_store_file(tmp_path / "store.db")

    def open_spool() -> Spool:
        return Spool(tmp_path / "spool", "edge", url, durable=False)

    async def story(clock: VirtualClock) -> None:
        with closing(CutStore(url, durable=False)) as store:
            writer = Writer(store, clock)
            evidence = Evidence(tmp_path / "ev", store.evidence, writer, clock, "edge")
            health = HealthState(SLOT, {}, timedelta(seconds=30), lambda _span: None, lambda: None)
            spooling = Spooling(open_spool(), writer, evidence, HeartbeatWriter("edge"), health)
            writer.queue_run(a_run())
            # No transaction has failed yet.
            store.is_cut = True
            with pytest.raises(StoreFault, match="could not be stored"):
                await spooling.finish()
            spooling.close()

    run_virtually(story, SLOT, patience=20)
    with closing(Store.open_upgraded(url, durable=False)) as store:
        assert runs_of(store, EDGE) == []
        open_spool().hand_in(store)
        assert runs_of(store, EDGE) == [a_run()]
