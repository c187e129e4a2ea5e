"""Faults of publishers, disks and calendars do not stop the daemon. Their looks are unknown and are counted."""

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
from monitor.judge.policy import Policies
from monitor.look.sighting import State
from monitor.rehearse.publisher.calendar import CALENDAR_HOST, CALENDAR_URL
from monitor.store.evidence.chain import verify_evidence
from monitor.store.writer import DELAY
from monitor.watch.rejudge import replay
from tests.unit.monitor.app.life import (
    HEAD_OFF_GOVUK,
    HOST,
    OFF_GOVUK_URL,
    PAGE,
    PUBLISHED_AT_SLOT,
    Life,
    live,
    published_at,
    reopened,
)
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


def fault_table(kind: str, begins: str = "09:28:40", ends: str = "09:29:20", host: str = HOST) -> str:
    """Return a fault of a host. By default it begins after the first read of the calendar on that host."""
    return f'[[fault]]\nhost = "{host}"\nfrom = 2026-11-26T{begins}\nuntil = 2026-11-26T{ends}\nkind = "{kind}"\n'


@pytest.mark.slow
@pytest.mark.parametrize("kind", PUBLISHER_FAULTS)
def test_a_publisher_that_misbehaves_before_the_slot_makes_looks_unknown_and_changes_no_verdict(
    tmp_path: Path, kind: str
) -> None:
    async def act(life: Life) -> None:
        # The fault, such as `reset`, lasts from 09:28:40 to 09:29:20. The page is published at 09:30.
        await life.until("09:29:20")
        runs_by_target = life.daemon.watch.releases["claims-q3"].runs
        assert State.PRESENT not in {run.state for runs in runs_by_target.values() for run in runs}
        assert sum(life.count_looks(outcome) for outcome in look_outcomes(life) - OUTCOMES_THAT_PROVE) >= 1
        await life.until("09:32:00")
        assert (life.stored_verdict(), life.notice_kinds()) == ("on_time", [])

    live(tmp_path, PUBLISHED_AT_SLOT + fault_table(kind), act)


def look_outcomes(life: Life) -> set[str]:
    """Return the outcomes that looks had so far."""
    samples = (sample for metric in life.daemon.core.metrics.registry.collect() for sample in metric.samples)
    return {sample.labels["outcome"] for sample in samples if sample.name == "ninethirty_looks_total"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["timeout", "reset", "503", "challenge", "redirect_loop", "bomb"])
def test_a_slot_that_passed_while_every_look_failed_is_unproven_and_no_breach_is_reported(
    tmp_path: Path, kind: str
) -> None:
    async def act(life: Life) -> None:
        await life.until("09:45:00")
        # Each look failed from 09:28:50 to 09:33, so the page may have come on time, at 09:30, or late.
        assert life.stored_verdict() == "unproven"
        assert life.notice_kinds() == ["unproven"]
        verdicts = life.daemon.core.store.verdicts
        (incident,) = verdicts.incidents()
        # A draft would report a breach.
        assert verdicts.drafts(incident.id) == []

    live(tmp_path, PUBLISHED_AT_SLOT + fault_table(kind, "09:28:50", "09:33:00"), act)


def test_a_redirect_to_a_private_address_is_not_followed(tmp_path: Path) -> None:
    redirect = """
[[answer]]
url = "https://www.gov.uk/government/statistics/claims"
at = 2026-11-26T09:28:30
status = 302
headers = { Location = "http://169.254.169.254/latest/meta-data/" }
"""

    async def act(life: Life) -> None:
        await life.until("09:29:00")
        assert life.runs()[-1].state is State.UNKNOWN
        # Only the publisher's own host got requests.
        assert set(life.publisher.log.requests()) == {HOST}

    live(tmp_path, redirect, act)


class FullStore(TemporaryStore):
    """A store whose disk is full for a while."""

    full = False

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        if self.full:
            raise StoreFault("store: the disk is full")
        with super().transaction() as tx:
            yield tx


def test_no_look_is_skipped_or_lost_while_the_disk_of_the_store_is_full(tmp_path: Path) -> None:
    store = FullStore()

    async def act(life: Life) -> None:
        await life.until("09:29:30")
        store.full = True
        await life.until("09:31:30")
        # The page was published at 09:30, while the disk was full. Such a monitor reports that it is not ready.
        assert any("store" in reason for reason in life.app.status.unready())
        # In memory, the last look found the page.
        assert life.runs()[-1].state is State.PRESENT
        store.full = False
        await life.until("09:31:45")
        # In the store too, now that it has room again.
        assert [run.state for run in runs_of(store, PAGE)][-1] is State.PRESENT
        gaps = [run.largest_gap for run in runs_of(store, PAGE) if run.state is State.ABSENT]
        assert max(gaps) < timedelta(seconds=2)  # looks are a second apart
        assert life.stored_verdict() == "on_time"
        # Full from 09:29:30 to 09:31:30.
        (gap,) = store.runs.blind(life.script.begins, life.clock.now())
        assert (gap.cause, round((gap.ends - gap.begins).total_seconds(), -1)) == ("store", 120)

    # Looks are committed as soon as in production (DELAY).
    live(tmp_path, PUBLISHED_AT_SLOT, act, store_of=lambda: store, delay=DELAY)


def test_a_store_that_refuses_writes_at_the_start_delays_no_look(tmp_path: Path) -> None:
    store = FullStore()

    async def act(life: Life) -> None:
        await life.until("09:29:00")
        await life.kill()
        store.full = True
        await life.until("09:29:20")
        await life.start()
        await life.until("09:31:30")
        # A look found the page, published at 09:30, although nothing could be stored since the start at 09:29:20.
        assert [run.state for run in life.runs()][-1] is State.PRESENT
        assert any("store" in reason for reason in life.app.status.unready())
        store.full = False
        await life.until("09:31:45")
        assert life.stored_verdict() == "on_time"
        causes = [span.cause for span in store.runs.blind(life.script.begins, life.clock.now())]
        # Blind from the kill to the start, and then without a store.
        assert sorted(causes) == ["killed", "store"]

    live(tmp_path, PUBLISHED_AT_SLOT, act, store_of=lambda: store, delay=DELAY)


def test_a_monitor_whose_store_refuses_writes_since_its_start_can_be_stopped(tmp_path: Path) -> None:
    store = FullStore()

    async def act(life: Life) -> None:
        await life.until("09:29:00")
        await life.kill()
        store.full = True
        await life.start()
        await life.until("09:29:20")
        # The last looks could not be stored, so it ends with a fault.
        with pytest.raises(StoreFault):
            await life.end()
        store.full = False

    live(tmp_path, PUBLISHED_AT_SLOT, act, store_of=lambda: store, delay=DELAY)


def test_a_monitor_waits_for_a_locked_database_and_records_its_verdict(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:29:30")
        other = sqlite3.connect(tmp_path / "ninethirty.db", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        # Real time: the writer's thread waits in SQLite until the other connection unlocks the database.
        threading.Timer(0.3, lambda: other.execute("ROLLBACK")).start()
        await life.until("09:31:30")
        assert life.stored_verdict() == "on_time"
        other.close()

    live(tmp_path, PUBLISHED_AT_SLOT, act)


@pytest.mark.slow
def test_a_refusing_evidence_folder_delays_no_verdict_and_the_loss_is_reported(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:29:30")
        folder = tmp_path / "evidence"
        folder.rename(tmp_path / "away")
        folder.write_text("no folder any more")
        await life.until("09:40:30")
        # The page was published at 09:40, ten minutes late, while a file was in the place of the evidence folder.
        assert life.stored_verdict() == "late"
        assert life.notice_kinds()[:2] == ["due", "opened"]
        assert any("cannot be stored" in reason for reason in life.app.status.unready())
        folder.unlink()
        (tmp_path / "away").rename(folder)
        await life.until("09:42:00")
        assert not any("cannot be stored" in reason for reason in life.app.status.unready())

    store = reopened(live(tmp_path, published_at("09:40:00"), act))
    lost_ids = [record.id for record in store.evidence.chain("edge") if record.is_lost]
    (present,) = [run for run in runs_of(store, PAGE) if run.state is State.PRESENT]
    # The first response with the page, at 09:40, was lost too. The run names its record all the same.
    assert set(lost_ids) & set(present.evidence)
    # The page was looked at all the time, so the monitor was not blind.
    assert store.runs.blind(SLOT - DAY, SLOT + DAY) == []
    # Records that are marked as lost have no bytes, so the evidence has no fault.
    assert verify_evidence(store.evidence, tmp_path / "evidence") == []
    (incident,) = store.verdicts.incidents()
    assert incident.facts is not None
    # The incident names the lost records too, with `none` in place of a hash.
    hashes_of_lost = [digest for record_id, digest in incident.facts.certainty.records if record_id in lost_ids]
    assert hashes_of_lost != []
    assert all(digest.startswith("none") for digest in hashes_of_lost)
    assert [name for name, differences in replay(store, Policies(), begin=None, end=None) if differences] == []
    store.close()


@pytest.mark.parametrize("kind", ["reset", "garbage", "503", "truncated"])
def test_an_unreadable_calendar_removes_no_release_and_is_reported(tmp_path: Path, kind: str) -> None:
    calendar_fault = fault_table(kind, "09:28:30", "10:30:00", host=CALENDAR_HOST)

    async def act(life: Life) -> None:
        # Half an hour after its last usable read, at 09:28, the calendar counts as stale.
        await life.until("09:59:30")
        assert life.stored_verdict() == "on_time"
        newest_read, *_, oldest_read = life.daemon.core.store.ledger.reads("rehearsal")
        assert (oldest_read.usable, newest_read.usable) == (True, False)
        (reason,) = life.app.status.unready()
        assert reason.startswith("calendar rehearsal")

    # A release off GOV.UK has its calendar on a host of its own. So only the calendar fails, and not the page.
    live(tmp_path, published_at("09:30:00", OFF_GOVUK_URL) + calendar_fault, act, head=HEAD_OFF_GOVUK)


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
def test_a_calendar_that_becomes_another_page_removes_no_release(tmp_path: Path, becomes: str) -> None:
    async def act(life: Life) -> None:
        # The slot and the page are at 09:50. From 09:30:30 on, the calendar is another page.
        await life.until("09:29:30")
        assert life.stored_verdict() == "pending"
        await life.until("09:55:00")
        assert (life.stored_verdict(), life.notice_kinds()) == ("on_time", [])
        assert len(life.daemon.core.store.ledger.reads("rehearsal")) >= 3

    calendar = f"{CALENDAR_UNTIL_09_30_30}{CALENDAR_AFTERWARDS[becomes]}\n"
    live(tmp_path, published_at("09:50:00", OFF_GOVUK_URL) + calendar, act, head=HEAD_OFF_GOVUK)
