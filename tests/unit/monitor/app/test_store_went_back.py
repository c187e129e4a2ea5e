"""A store that went back in time, was replaced or deleted is filled again, without repeated
messages.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.channel import Message, Outcome
from monitor.clock import VirtualClock
from monitor.store.evidence.chain import verify_evidence
from monitor.store.rows import DeliveryState
from tests.unit.monitor.app.monitor_in_test import MonitorInTest, published_at, run_monitor
from tests.worlds.fake_channel import FakeChannel, Options

PUBLISHED_AT_09_33 = published_at("09:33:00")
SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
Lose = Callable[[Path, Path], None]


def restore_from_copy(store: Path, copy: Path) -> None:
    """Replace the content of the store with that of the copy, as a failover to an older standby
    does.
    """
    with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(store)) as target:
        source.backup(target)


def delete_log(store: Path) -> None:
    for ending in ("-wal", "-shm"):
        store.with_name(f"{store.name}{ending}").unlink(missing_ok=True)


def replace_file_by_copy(store: Path, copy: Path) -> None:
    delete_log(store)
    copy.replace(store)


def delete_store(store: Path, _copy: Path) -> None:
    delete_log(store)
    store.unlink()


def check_late_notified_once(monitor: MonitorInTest) -> None:
    """Check that the store has the late verdict, one notice of it, and all records of the
    release.
    """
    store = monitor.store
    # Its page is at a guessed address, so an earlier notice said that it was not found yet.
    kinds = monitor.notice_kinds()
    assert (monitor.stored_verdict(), [kind for kind in kinds if kind != "due"]) == (
        "late",
        ["opened"],
    )
    assert [row.standing for row in store.outbox.deliveries()] == [DeliveryState.SENT] * len(kinds)
    (promise,) = store.ledger.promises(["claims-q3"])
    assert promise.calendar == "govuk"
    # The calendar was read again before the notice of the breach.
    assert promise.confirmed_at is not None
    assert promise.confirmed_at >= SLOT
    assert store.ledger.release("claims-q3") is not None
    assert verify_evidence(store.evidence, Path(monitor.settings.evidence.folder)) == []
    assert store.runs.of_release("claims-q3") == sorted(
        (
            run
            for state in monitor.daemon.parts.watch.releases["claims-q3"].states.values()
            for run in state.runs
        ),
        key=lambda run: (run.first_sent, run.target),
    )


@pytest.mark.slow
@pytest.mark.parametrize("lose", [restore_from_copy, replace_file_by_copy, delete_store])
def test_rows_that_the_store_lost_are_rewritten_without_new_notices(
    tmp_path: Path, lose: Lose
) -> None:
    """The page, due at 09:30, is published at 09:33.

    Then the store goes back to its copy of 09:29:40 or is deleted.
    """

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:40")
        monitor.store.backup(tmp_path / "copy.db")
        await monitor.until("09:34:00")
        check_late_notified_once(monitor)
        lose(tmp_path / "ninethirty.db", tmp_path / "copy.db")
        await monitor.until("09:34:30")
        check_late_notified_once(monitor)
        (channel,) = monitor.channels
        assert isinstance(channel, FakeChannel)
        # No message is repeated: one says that the release is not found yet, and one that it is
        # late.
        assert channel.attempts == 2

    run_monitor(tmp_path, PUBLISHED_AT_09_33, act)


class StoreLosingChannel(FakeChannel):
    """A channel that restores the store from its older copy during the first delivery."""

    store = copy = Path()

    async def send(self, message: Message) -> Outcome:
        outcome = await super().send(message)
        if self.copy.exists():
            restore_from_copy(self.store, self.copy)
            self.copy.unlink()
        return outcome


@pytest.mark.slow
def test_store_restored_during_a_delivery_repeats_no_notice(tmp_path: Path) -> None:
    def channels(clock: VirtualClock) -> list[FakeChannel]:
        channel = StoreLosingChannel("outbox", Options(), clock.now)
        channel.store, channel.copy = tmp_path / "ninethirty.db", tmp_path / "copy.db"
        return [channel]

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:40")
        monitor.store.backup(tmp_path / "copy.db")
        await monitor.until("09:34:30")
        # The channel restored the store from the copy during its first delivery, and then deleted
        # the copy.
        assert not (tmp_path / "copy.db").exists()
        check_late_notified_once(monitor)
        (channel,) = monitor.channels
        assert isinstance(channel, FakeChannel)
        # No message is repeated: one says that the release is not found yet, and one that it is
        # late.
        assert channel.attempts == 2

    run_monitor(tmp_path, PUBLISHED_AT_09_33, act, channels=channels)
