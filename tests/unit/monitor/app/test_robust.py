"""Faults of publishers, disks and calendars do not stop the daemon.

Their looks are unknown and are counted.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import StoreFault
from monitor.look.sighting import State
from monitor.rehearse.publisher.calendar import CALENDAR_HOST, CALENDAR_URL
from monitor.store.evidence.chain import verify_evidence
from monitor.store.writer import DELAY
from tests.unit.monitor.app.monitor_in_test import (
    HEAD_OFF_GOVUK,
    HOST,
    OFF_GOVUK_URL,
    PAGE,
    PUBLISHED_AT_SLOT,
    MonitorInTest,
    published_at,
    reopened,
    run_monitor,
    with_daemon,
)
from tests.unit.monitor.app.replaying import differences_in_replay
from tests.worlds.stores import TemporaryStore, runs_of

PUBLISHER_FAULTS = (
    "reset",
    "timeout",
    "dns",
    "truncated",
    "slow",
    "bomb",
    "garbage",
    "redirect_loop",
    "challenge",
    "mirror",
    "503",
)
SLOT, DAY = datetime(2026, 11, 26, 9, 30, tzinfo=UTC), timedelta(days=1)
OUTCOMES_THAT_PROVE = {"present", "absent", "withdrawn"}


def fault_table(
    kind: str, begins: str = "09:28:40", ends: str = "09:29:20", host: str = HOST
) -> str:
    """Return a fault of a host.

    By default it begins after the first read of the calendar on that host.
    """
    return (
        f'[[fault]]\nhost = "{host}"\nfrom = 2026-11-26T{begins}\nuntil = 2026-11-26T{ends}\nkind ='
        f' "{kind}"\n'
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", PUBLISHER_FAULTS)
def test_misbehaving_publisher_makes_looks_unknown_and_changes_no_verdict(
    tmp_path: Path, kind: str
) -> None:
    """From 09:28:40 to 09:29:20 the publisher misbehaves, for example resets connections. These
    looks prove nothing. At 09:30 the page is published, and the release is on time.
    """

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:20")
        runs_by_target = monitor.daemon.parts.watch.releases["claims-q3"].runs
        states_seen = {run.state for runs in runs_by_target.values() for run in runs}
        assert State.PRESENT not in states_seen
        outcomes_that_prove_nothing = look_outcomes(monitor) - OUTCOMES_THAT_PROVE
        assert sum(monitor.count_looks(outcome) for outcome in outcomes_that_prove_nothing) >= 1
        await monitor.until("09:32:00")
        assert (monitor.stored_verdict(), monitor.notice_kinds()) == ("on_time", [])

    run_monitor(tmp_path, PUBLISHED_AT_SLOT + fault_table(kind), act)


def look_outcomes(monitor: MonitorInTest) -> set[str]:
    """Return the outcomes that looks had so far."""
    samples = (
        sample
        for metric in monitor.daemon.core.metrics.registry.collect()
        for sample in metric.samples
    )
    return {
        sample.labels["outcome"] for sample in samples if sample.name == "ninethirty_looks_total"
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["timeout", "reset", "503", "challenge", "redirect_loop", "bomb"])
def test_slot_without_a_successful_look_is_unproven_not_late(tmp_path: Path, kind: str) -> None:
    """Each look from 09:28:50 to 09:33 fails, so the page may have come on time, at 09:30, or
    late.
    """

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:45:00")
        assert monitor.stored_verdict() == "unproven"
        assert monitor.notice_kinds() == ["unproven"]
        verdicts = monitor.store.verdicts
        (incident,) = verdicts.incidents()
        # A draft would report a breach.
        assert verdicts.drafts(incident.id) == []

    run_monitor(tmp_path, PUBLISHED_AT_SLOT + fault_table(kind, "09:28:50", "09:33:00"), act)


@with_daemon("""
[[answer]]
url = "https://www.gov.uk/government/statistics/claims"
at = 2026-11-26T09:28:30
status = 302
headers = { Location = "http://169.254.169.254/latest/meta-data/" }
""")
async def test_a_redirect_to_a_private_address_is_not_followed(monitor: MonitorInTest) -> None:
    await monitor.until("09:29:00")
    assert monitor.runs()[-1].state is State.UNKNOWN
    # Only the publisher's own host got requests.
    assert set(monitor.publisher.log.requests()) == {HOST}


class FullStore(TemporaryStore):
    """A store whose disk is full for a while."""

    full = False

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        if self.full:
            raise StoreFault("store: the disk is full")
        with super().transaction() as tx:
            yield tx


def test_full_disk_delays_storing_looks_but_not_making_them(tmp_path: Path) -> None:
    store = FullStore()

    async def act(monitor: MonitorInTest) -> None:
        # 09:29:30: the disk is full. 09:30: the page is published.
        await monitor.until("09:29:30")
        store.full = True
        # 09:31:30: the monitor reports that it cannot store, but its looks have found the page.
        await monitor.until("09:31:30")
        assert any("store" in reason for reason in monitor.app.status.unready())
        last_run_in_memory = monitor.runs()[-1]
        assert last_run_in_memory.state is State.PRESENT
        store.full = False
        # 09:31:45: the store has all looks, which are a second apart. So it is proved that the page
        # came on time.
        await monitor.until("09:31:45")
        stored_runs = list(runs_of(store, PAGE))
        assert stored_runs[-1].state is State.PRESENT
        longest_pause = max(run.largest_gap for run in stored_runs if run.state is State.ABSENT)
        assert longest_pause < timedelta(seconds=2)
        assert monitor.stored_verdict() == "on_time"

    # DELAY: looks are committed as soon as in production.
    run_monitor(tmp_path, PUBLISHED_AT_SLOT, act, store_of=lambda: store, delay=DELAY)


def test_time_with_a_full_disk_is_no_blind_span(tmp_path: Path) -> None:
    """The disk is full from 09:29:30 to 09:31:30. Every look was made, and is stored afterwards."""
    store = FullStore()

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:30")
        store.full = True
        await monitor.until("09:31:30")
        store.full = False
        await monitor.until("09:31:45")
        assert list(store.runs.blind(monitor.script.begins, monitor.clock.now())) == []
        assert monitor.metric("blind_seconds_total", cause="store") == 0

    run_monitor(tmp_path, PUBLISHED_AT_SLOT, act, store_of=lambda: store, delay=DELAY)


def test_store_refusing_writes_at_the_start_delays_no_look(tmp_path: Path) -> None:
    """The monitor is killed at 09:29:00. It starts again at 09:29:20, but until 09:31:30 its store
    refuses writes. Still a look sees the page, which is published at 09:30.
    """
    store = FullStore()

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:00")
        await monitor.kill()
        store.full = True
        await monitor.until("09:29:20")
        await monitor.start()
        await monitor.until("09:31:30")
        assert [run.state for run in monitor.runs()][-1] is State.PRESENT
        assert any("store" in reason for reason in monitor.app.status.unready())
        # Once the store accepts writes, it gets these looks, and the release is on time.
        store.full = False
        await monitor.until("09:31:45")
        assert monitor.stored_verdict() == "on_time"
        causes = [
            span.cause for span in store.runs.blind(monitor.script.begins, monitor.clock.now())
        ]
        # Blind only from the kill to the start.
        assert causes == ["killed"]

    run_monitor(tmp_path, PUBLISHED_AT_SLOT, act, store_of=lambda: store, delay=DELAY)


def test_monitor_can_be_stopped_while_its_store_refuses_writes(tmp_path: Path) -> None:
    store = FullStore()

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:00")
        await monitor.kill()
        store.full = True
        await monitor.start()
        await monitor.until("09:29:20")
        # The last looks could not be stored, so it ends with a fault.
        with pytest.raises(StoreFault):
            await monitor.end()
        store.full = False

    run_monitor(tmp_path, PUBLISHED_AT_SLOT, act, store_of=lambda: store, delay=DELAY)


def test_monitor_waits_for_a_locked_database_to_store_verdict(tmp_path: Path) -> None:
    """Another connection has locked the database.

    The monitor stores the verdict when it is unlocked.
    """

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:30")
        other = sqlite3.connect(
            tmp_path / "ninethirty.db", isolation_level=None, check_same_thread=False
        )
        other.execute("BEGIN IMMEDIATE")
        # Real time: the writer's thread waits in SQLite until the other connection unlocks the
        # database.
        threading.Timer(0.3, lambda: other.execute("ROLLBACK")).start()
        await monitor.until("09:31:30")
        assert monitor.stored_verdict() == "on_time"
        other.close()

    run_monitor(tmp_path, PUBLISHED_AT_SLOT, act)


async def lose_evidence_until_09_40_30(monitor: MonitorInTest, folder: Path) -> None:
    """From 09:29:30 on, put a file in the place of the evidence folder, so that no response can be
    stored.
    """
    await monitor.until("09:29:30")
    (folder / "evidence").rename(folder / "away")
    (folder / "evidence").write_text("no folder any more")
    await monitor.until("09:40:30")


def restore_evidence_folder(folder: Path) -> None:
    (folder / "evidence").unlink()
    (folder / "away").rename(folder / "evidence")


@pytest.mark.slow
def test_late_release_is_notified_but_monitor_not_ready_while_evidence_cannot_be_stored(
    tmp_path: Path,
) -> None:
    async def act(monitor: MonitorInTest) -> None:
        # 09:40: the page is published, ten minutes late.
        await lose_evidence_until_09_40_30(monitor, tmp_path)
        assert monitor.stored_verdict() == "late"
        # First the notice that the release is not there, then the notice of the incident.
        assert monitor.notice_kinds()[:2] == ["due", "opened"]
        assert any("cannot be stored" in reason for reason in monitor.app.status.unready())
        restore_evidence_folder(tmp_path)
        await monitor.until("09:42:00")
        assert not any("cannot be stored" in reason for reason in monitor.app.status.unready())

    run_monitor(tmp_path, published_at("09:40:00"), act)


@pytest.mark.slow
def test_lost_evidence_is_marked_and_changes_neither_looks_nor_replay(tmp_path: Path) -> None:
    """From 09:29:30 to 09:40:30 no response can be stored as evidence. The page is published at
    09:40, so the response that first shows it is lost. All looks are stored.
    """

    async def act(monitor: MonitorInTest) -> None:
        await lose_evidence_until_09_40_30(monitor, tmp_path)
        restore_evidence_folder(tmp_path)
        await monitor.until("09:42:00")

    store = reopened(run_monitor(tmp_path, published_at("09:40:00"), act))
    # The chain of evidence has a record of each response. Some are marked as lost.
    lost_ids = {record.id for record in store.evidence.chain("edge") if record.is_lost}
    # The first run of looks that see the page refers to such a record.
    present_runs = [run for run in runs_of(store, PAGE) if run.state is State.PRESENT]
    assert lost_ids & set(present_runs[0].evidence)
    # The incident lists records of evidence with their hashes. A lost record has `none` in the
    # place of its hash.
    (incident,) = store.verdicts.incidents()
    assert incident.facts is not None
    hashes_of_lost = [
        text for record_id, text in incident.facts.certainty.records if record_id in lost_ids
    ]
    assert hashes_of_lost != []
    assert all(text.startswith("none") for text in hashes_of_lost)
    # A record that is marked as lost has no file, so its absence is no fault of the evidence.
    assert verify_evidence(store.evidence, tmp_path / "evidence") == []
    assert store.runs.blind(SLOT - DAY, SLOT + DAY) == []
    # A replay judges the stored looks again. It gives the stored verdict.
    assert differences_in_replay(store) == {"claims-q3": []}
    store.close()


@pytest.mark.parametrize("kind", ["reset", "garbage", "503", "truncated"])
def test_an_unreadable_calendar_removes_no_release_and_is_reported(
    tmp_path: Path, kind: str
) -> None:
    """From 09:28:30 on, the calendar fails, for example with 503. Half an hour after its last
    usable read, at 09:28, it counts as stale.
    """
    calendar_fault = fault_table(kind, "09:28:30", "10:30:00", host=CALENDAR_HOST)

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:59:30")
        assert monitor.stored_verdict() == "on_time"
        newest_read, *_, oldest_read = monitor.store.ledger.reads("rehearsal")
        assert (oldest_read.usable, newest_read.usable) == (True, False)
        (reason,) = monitor.app.status.unready()
        assert reason.startswith("calendar rehearsal")

    # A release off GOV.UK has its calendar on a host of its own. So only the calendar fails, and
    # not the page.
    run_monitor(
        tmp_path, published_at("09:30:00", OFF_GOVUK_URL) + calendar_fault, act, head=HEAD_OFF_GOVUK
    )


CALENDAR_UNTIL_09_30_30 = f"""
[[answer]]
url = "{CALENDAR_URL}"
at = 2026-11-26T09:00:00
body = '''
[[release]]
id = "claims-q3"
title = "Example claims: July to September 2026"
producer = "department-for-example"
url = "{OFF_GOVUK_URL}"
slot = 2026-11-26T09:50:00
'''

[[answer]]
url = "{CALENDAR_URL}"
at = 2026-11-26T09:30:30
"""
# Each completes the last table above.
CALENDAR_AFTERWARDS = {
    "html": "body = '<html><body>We are sorry</body></html>'",
    "empty": "body = ''",
    "wrong": "body = '[[release]]\\nid = 3'",
    "gone": "status = 404",
    "moved": "status = 301",
    "refused": "status = 403",
}


@pytest.mark.slow
@pytest.mark.parametrize("becomes", sorted(CALENDAR_AFTERWARDS))
def test_a_calendar_that_becomes_another_page_removes_no_release(
    tmp_path: Path, becomes: str
) -> None:
    """The slot and the page are at 09:50. From 09:30:30 on, the address of the calendar answers
    with something else, such as an empty page or 404.
    """

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:30")
        assert monitor.stored_verdict() == "pending"
        await monitor.until("09:55:00")
        assert (monitor.stored_verdict(), monitor.notice_kinds()) == ("on_time", [])
        assert len(monitor.store.ledger.reads("rehearsal")) >= 3

    calendar = f"{CALENDAR_UNTIL_09_30_30}{CALENDAR_AFTERWARDS[becomes]}\n"
    run_monitor(
        tmp_path, published_at("09:50:00", OFF_GOVUK_URL) + calendar, act, head=HEAD_OFF_GOVUK
    )
