"""What a monitor sees while its store fails counts, also after a kill, and people are notified."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.errors import StoreFault
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.store.writer import DELAY
from tests.unit.monitor.app.monitor_in_test import MonitorInTest, published_at, run_monitor
from tests.unit.monitor.app.replaying import differences_in_replay
from tests.worlds.stores import a_store_file

EARLY, LATE = published_at("09:29:15"), published_at("09:33:00")
UNRECORDED = "NOT RECORDED, the store fails: "


class FailingStore(Store):
    """A store that refuses every write while it `fails`."""

    fails = False

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        if self.fails:
            raise StoreFault("the disk is full")
        with super().transaction() as tx:
            yield tx


class Outage:
    """The stores of the monitors that run one after the other on one file."""

    def __init__(self, folder: Path) -> None:
        self._url = a_store_file(folder / "failing.db")
        self.stores: list[FailingStore] = []

    def open(self) -> FailingStore:
        self.stores.append(FailingStore(self._url, durable=False))
        return self.stores[-1]

    def begin(self) -> None:
        self.stores[-1].fails = True

    def end(self) -> None:
        self.stores[-1].fails = False


def spools(folder: Path) -> list[Path]:
    return [*folder.glob("spool/*")]


def unrecorded(monitor: MonitorInTest) -> list[str]:
    """Return the subjects of messages that something is not recorded yet."""
    subjects = [message.subject for message in monitor.received()]
    return [subject for subject in subjects if subject.startswith(UNRECORDED)]


def check_no_time_is_blind(monitor: MonitorInTest) -> None:
    """Check that no blind span but those of the start and of kills is stored or counted."""
    assert monitor.metric("blind_seconds_total", cause="store") in (None, 0.0)
    causes = {span.cause for span in monitor.daemon.core.blind.spans}
    assert causes <= {"killed", "stopped"}


def test_looks_of_an_outage_count_and_leave_no_spool(tmp_path: Path) -> None:
    outage = Outage(tmp_path)

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:30")
        outage.begin()
        await monitor.until("09:29:50")
        assert spools(tmp_path) != []
        await monitor.until("09:34:00")
        outage.end()
        await monitor.until("09:34:20")
        assert spools(tmp_path) == []
        assert monitor.stored_verdict() == "late"
        delay = monitor.verdict_row().body["delay"]
        assert delay["max"] - delay["min"] < 3
        check_no_time_is_blind(monitor)
        assert differences_in_replay(monitor.store) == {"claims-q3": []}

    run_monitor(tmp_path, LATE, act, store_of=outage.open, delay=DELAY)


def test_looks_before_a_kill_in_an_outage_count_after_it(tmp_path: Path) -> None:
    """The store fails from before the slot until after the kill."""
    outage = Outage(tmp_path)

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:30")
        outage.begin()
        await monitor.until("09:33:30")
        await monitor.kill()
        await monitor.until("09:33:40")
        await monitor.start()
        await monitor.until("09:34:30")
        assert spools(tmp_path) == []
        assert monitor.stored_verdict() == "late"
        delay = monitor.verdict_row().body["delay"]
        assert delay["max"] - delay["min"] < 3
        (killed,) = (one for one in monitor.daemon.core.blind.spans if one.cause == "killed")
        assert (killed.ends - killed.begins).total_seconds() < 30
        assert differences_in_replay(monitor.store) == {"claims-q3": []}
        assert [kind for kind in monitor.notice_kinds() if kind == "opened"] == ["opened"]

    run_monitor(tmp_path, LATE, act, store_of=outage.open, delay=DELAY)


def test_each_channel_gets_one_last_resort_message_in_an_outage(tmp_path: Path) -> None:
    outage = Outage(tmp_path)

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:28:50")
        outage.begin()
        await monitor.until("09:36:00")
        (subject,) = unrecorded(monitor)
        assert "EARLY" in subject.upper()
        (message,) = monitor.received()
        assert "is not recorded yet" in message.text
        assert monitor.notice_kinds() == []
        outage.end()
        await monitor.until("09:36:30")
        # The recorded notice follows, and is another message.
        assert len(unrecorded(monitor)) == 1
        assert "opened" in monitor.notice_kinds()
        assert len(monitor.received()) > 1

    run_monitor(tmp_path, EARLY, act, store_of=outage.open, delay=DELAY)


def test_next_outage_right_after_one_has_a_message_of_its_own(tmp_path: Path) -> None:
    """The store works for half a second, in which nothing of the release is recorded."""
    outage = Outage(tmp_path)

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:28:50")
        outage.begin()
        await monitor.until("09:31:00.2")
        assert len(unrecorded(monitor)) == 1
        health = monitor.daemon.core.health
        health.note_commit(monitor.clock.now())
        health.note_store_failure(monitor.clock.now())
        await monitor.until("09:31:20")
        assert len(unrecorded(monitor)) == 2
        outage.end()
        await monitor.until("09:31:40")

    run_monitor(tmp_path, EARLY, act, store_of=outage.open, delay=DELAY)


def test_breach_that_was_recorded_before_the_outage_is_not_sent_again(tmp_path: Path) -> None:
    outage = Outage(tmp_path)

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:34:00")
        assert monitor.stored_verdict() == "late"
        outage.begin()
        await monitor.until("09:40:00")
        assert unrecorded(monitor) == []
        outage.end()
        await monitor.until("09:41:00")

    run_monitor(tmp_path, LATE, act, store_of=outage.open, delay=DELAY)
