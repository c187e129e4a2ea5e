from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.health.heartbeat import HeartbeatWriter
from monitor.store.memory.store import MemoryStore
from monitor.store.rows import Heartbeat

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def beaten(pulse: HeartbeatWriter, store: MemoryStore) -> Heartbeat | None:
    with store.transaction() as tx:
        pulse.write(tx)
    return store.heartbeat("edge")


def test_nothing_is_written_before_the_last_sign_of_an_earlier_life_was_read() -> None:
    pulse, store = HeartbeatWriter("edge"), MemoryStore()
    pulse.alive(NINE)
    assert beaten(pulse, store) is None
    pulse.begin(NINE)
    assert beaten(pulse, store) == Heartbeat("edge", NINE)


def test_each_batch_says_as_of_when_the_monitor_was_alive() -> None:
    pulse, store = HeartbeatWriter("edge"), MemoryStore()
    pulse.begin(NINE)
    pulse.alive(NINE + SECOND)
    assert beaten(pulse, store) == Heartbeat("edge", NINE + SECOND)
    # A clock that was set back counts from where it stands.
    pulse.alive(NINE - 45 * SECOND)
    assert beaten(pulse, store) == Heartbeat("edge", NINE - 45 * SECOND)


def test_what_is_written_after_an_orderly_stop_does_not_undo_it() -> None:
    pulse, store = HeartbeatWriter("edge"), MemoryStore()
    pulse.begin(NINE)
    pulse.end(NINE + SECOND)
    pulse.alive(NINE + 2 * SECOND)
    assert beaten(pulse, store) == Heartbeat("edge", NINE + SECOND, stopped=True)


def test_a_closed_pulse_writes_nothing_more() -> None:
    pulse, store = HeartbeatWriter("edge"), MemoryStore()
    pulse.begin(NINE)
    pulse.written()
    pulse.close()
    assert beaten(pulse, store) is None
