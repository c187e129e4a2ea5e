from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.health.heartbeat import HeartbeatWriter
from monitor.store.rows import Heartbeat
from tests.worlds.stores import TemporaryStore

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def write_heartbeat(heartbeat: HeartbeatWriter, store: TemporaryStore) -> Heartbeat | None:
    with store.transaction() as tx:
        heartbeat.write(tx)
    return store.leases.heartbeat("edge")


def test_no_heartbeat_is_written_before_the_last_one_of_the_earlier_run_was_read() -> None:
    heartbeat, store = HeartbeatWriter("edge"), TemporaryStore()
    heartbeat.note_alive(NINE)
    assert write_heartbeat(heartbeat, store) is None
    # The monitor calls this after it has read the heartbeat of the earlier run.
    heartbeat.begin(NINE)
    assert write_heartbeat(heartbeat, store) == Heartbeat("edge", NINE)


def test_each_batch_records_when_the_monitor_was_alive() -> None:
    heartbeat, store = HeartbeatWriter("edge"), TemporaryStore()
    heartbeat.begin(NINE)
    clock_was_set_back = NINE - 45 * SECOND
    for alive_at in (NINE + SECOND, clock_was_set_back):
        heartbeat.note_alive(alive_at)
        assert write_heartbeat(heartbeat, store) == Heartbeat("edge", alive_at)


def test_a_write_after_a_regular_stop_does_not_undo_its_record() -> None:
    heartbeat, store = HeartbeatWriter("edge"), TemporaryStore()
    heartbeat.begin(NINE)
    stopped_at = NINE + SECOND
    heartbeat.end(stopped_at)
    heartbeat.note_alive(stopped_at + SECOND)
    # The stop stays the last entry, although the monitor was alive a second later.
    assert write_heartbeat(heartbeat, store) == Heartbeat("edge", stopped_at, stopped=True)


def test_a_closed_heartbeat_writes_nothing() -> None:
    heartbeat, store = HeartbeatWriter("edge"), TemporaryStore()
    heartbeat.begin(NINE)
    heartbeat.close()
    assert write_heartbeat(heartbeat, store) is None


class LossyStore:
    """A store that can lose the last heartbeats, with the writer of these. `losses` has each reported loss."""

    def __init__(self) -> None:
        self.store, self.losses = TemporaryStore(), list[str]()
        self.heartbeat = HeartbeatWriter("edge", self.store.leases)
        self.heartbeat.report_loss = lambda: self.losses.append("lost")
        self.heartbeat.begin(NINE)

    def write_unconfirmed(self) -> Heartbeat:
        """Write a batch without a confirmation by the store, and return its heartbeat."""
        beat = write_heartbeat(self.heartbeat, self.store)
        assert beat is not None
        return beat

    def commit(self) -> Heartbeat:
        """Commit a batch, and return its heartbeat."""
        beat = self.write_unconfirmed()
        self.heartbeat.note_committed()
        return beat

    def lose_batches_after(self, beat: Heartbeat) -> None:
        with self.store.transaction() as tx:
            tx.save(beat)


def test_the_loss_of_one_batch_is_reported_once_even_if_no_time_passed_between_batches() -> None:
    lossy = LossyStore()
    first, second = lossy.commit(), lossy.commit()
    # Heartbeats of one instant are made different by a microsecond.
    assert second.at - first.at == timedelta.resolution
    lossy.lose_batches_after(first)
    batch_that_finds_the_loss, next_batch = lossy.commit(), lossy.commit()
    assert lossy.losses == ["lost"]
    # These two are of one instant as well, but different, so that a loss of the later one would be found.
    assert batch_that_finds_the_loss != next_batch


def test_the_loss_of_a_batch_is_reported_after_our_clock_was_set_back() -> None:
    lossy = LossyStore()
    first = lossy.commit()
    lossy.heartbeat.note_alive(NINE - 45 * SECOND)
    lossy.commit()
    # The store has the first heartbeat again, although that is later than the lost one.
    lossy.lose_batches_after(first)
    lossy.commit()
    assert lossy.losses == ["lost"]


def test_a_batch_that_was_committed_without_confirmation_is_no_loss() -> None:
    lossy = LossyStore()
    lossy.commit()
    for second in (1, 2):
        lossy.heartbeat.note_alive(NINE + second * SECOND)
        lossy.write_unconfirmed()
    lossy.commit()
    # The store has the last heartbeat that was written, so nothing is lost.
    assert lossy.losses == []
