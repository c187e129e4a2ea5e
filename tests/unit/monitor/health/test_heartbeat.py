from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.health.heartbeat import HeartbeatWriter
from monitor.store.memory.store import MemoryStore
from monitor.store.rows import Heartbeat

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def beaten(heartbeat: HeartbeatWriter, store: MemoryStore) -> Heartbeat | None:
    with store.transaction() as tx:
        heartbeat.write(tx)
    return store.leases.heartbeat("edge")


def test_nothing_is_written_before_the_last_sign_of_an_earlier_life_was_read() -> None:
    heartbeat, store = HeartbeatWriter("edge"), MemoryStore()
    heartbeat.alive(NINE)
    assert beaten(heartbeat, store) is None
    heartbeat.begin(NINE)
    assert beaten(heartbeat, store) == Heartbeat("edge", NINE)


def test_each_batch_says_as_of_when_the_monitor_was_alive() -> None:
    heartbeat, store = HeartbeatWriter("edge"), MemoryStore()
    heartbeat.begin(NINE)
    heartbeat.alive(NINE + SECOND)
    assert beaten(heartbeat, store) == Heartbeat("edge", NINE + SECOND)
    # A clock that was set back counts from where it stands.
    heartbeat.alive(NINE - 45 * SECOND)
    assert beaten(heartbeat, store) == Heartbeat("edge", NINE - 45 * SECOND)


def test_what_is_written_after_an_orderly_stop_does_not_undo_it() -> None:
    heartbeat, store = HeartbeatWriter("edge"), MemoryStore()
    heartbeat.begin(NINE)
    heartbeat.end(NINE + SECOND)
    heartbeat.alive(NINE + 2 * SECOND)
    assert beaten(heartbeat, store) == Heartbeat("edge", NINE + SECOND, stopped=True)


def test_a_closed_pulse_writes_nothing_more() -> None:
    heartbeat, store = HeartbeatWriter("edge"), MemoryStore()
    heartbeat.begin(NINE)
    heartbeat.written()
    heartbeat.close()
    assert beaten(heartbeat, store) is None
