"""Each batch of writes stores a heartbeat, which says when the monitor was alive."""

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


def test_no_heartbeat_is_written_before_the_earlier_one_was_read() -> None:
    """A heartbeat in the store says when the monitor was last alive. After a restart, that of the
    earlier run is read first.
    """
    heartbeat, store = HeartbeatWriter("edge"), TemporaryStore()
    heartbeat.note_alive(NINE)
    assert write_heartbeat(heartbeat, store) is None
    # The monitor calls this after it has read the heartbeat of the earlier run.
    heartbeat.begin(NINE)
    assert write_heartbeat(heartbeat, store) == Heartbeat("edge", NINE)


def test_each_batch_records_when_the_monitor_was_alive() -> None:
    """A heartbeat in the store says when the monitor was last alive, even if that is earlier by a
    clock that was set back.
    """
    heartbeat, store = HeartbeatWriter("edge"), TemporaryStore()
    heartbeat.begin(NINE)
    clock_was_set_back = NINE - 45 * SECOND
    for alive_at in (NINE + SECOND, clock_was_set_back):
        heartbeat.note_alive(alive_at)
        assert write_heartbeat(heartbeat, store) == Heartbeat("edge", alive_at)


def test_write_after_regular_stop_keeps_record_of_stop() -> None:
    heartbeat, store = HeartbeatWriter("edge"), TemporaryStore()
    heartbeat.begin(NINE)
    stopped_at = NINE + SECOND
    heartbeat.end(stopped_at)
    heartbeat.note_alive(stopped_at + SECOND)
    # The stop stays the last entry, although the monitor was alive a second later.
    assert write_heartbeat(heartbeat, store) == Heartbeat("edge", stopped_at, stopped=True)


def test_closed_heartbeat_writes_nothing() -> None:
    heartbeat, store = HeartbeatWriter("edge"), TemporaryStore()
    heartbeat.begin(NINE)
    heartbeat.close()
    assert write_heartbeat(heartbeat, store) is None


class StoreOfBatches:
    """A store that can lose its last batches, each of which contains a heartbeat.

    It counts the `reported_losses`.
    """

    def __init__(self) -> None:
        self.store, self.reported_losses = TemporaryStore(), 0
        self.heartbeat = HeartbeatWriter("edge", report_loss=self.count_loss)
        self.heartbeat.begin(NINE)

    def count_loss(self) -> None:
        self.reported_losses += 1

    def write_batch_without_confirmation(self) -> Heartbeat:
        beat = write_heartbeat(self.heartbeat, self.store)
        assert beat is not None
        return beat

    def commit_batch(self) -> Heartbeat:
        """Write a batch and confirm it. Return its heartbeat."""
        beat = self.write_batch_without_confirmation()
        self.heartbeat.note_committed()
        return beat

    def lose_batches_after(self, beat: Heartbeat) -> None:
        with self.store.transaction() as tx:
            tx.save(beat)


def test_lost_batch_is_reported_once_by_the_next_batch() -> None:
    """The store confirms two batches and then loses the second one."""
    batches = StoreOfBatches()
    kept = batches.commit_batch()
    batches.commit_batch()
    batches.lose_batches_after(kept)
    # The next batch finds that the store lacks the heartbeat of the last confirmed one. The batch
    # after it finds no further loss.
    batches.commit_batch()
    assert batches.reported_losses == 1
    batches.commit_batch()
    assert batches.reported_losses == 1


def test_heartbeats_at_one_instant_differ_even_after_a_loss() -> None:
    """If two heartbeats were equal, the loss of the later batch would not be seen."""
    batches = StoreOfBatches()
    first, second = batches.commit_batch(), batches.commit_batch()
    microsecond = timedelta.resolution
    assert second.at == first.at + microsecond
    batches.lose_batches_after(first)
    third, fourth = batches.commit_batch(), batches.commit_batch()
    assert third != fourth


def test_lost_batch_is_reported_although_clock_was_set_back() -> None:
    """The store confirms a batch, and another one after the clock was set back. Then it loses the
    second one.
    """
    batches = StoreOfBatches()
    beat_before = batches.commit_batch()
    clock_was_set_back = NINE - 45 * SECOND
    batches.heartbeat.note_alive(clock_was_set_back)
    lost_beat = batches.commit_batch()
    # The heartbeat that is left in the store is later than the lost one.
    assert beat_before.at > lost_beat.at
    batches.lose_batches_after(beat_before)
    batches.commit_batch()  # this batch finds the loss
    assert batches.reported_losses == 1


def test_unconfirmed_batches_in_store_are_no_loss() -> None:
    """Each batch of writes stores a heartbeat.

    Three batches are stored, but the last two are not confirmed.
    """
    batches = StoreOfBatches()
    batches.commit_batch()
    for second in (1, 2):
        batches.heartbeat.note_alive(NINE + second * SECOND)
        batches.write_batch_without_confirmation()
    # This batch finds the heartbeat of the last unconfirmed one in the store, so nothing is lost.
    batches.commit_batch()
    assert batches.reported_losses == 0
