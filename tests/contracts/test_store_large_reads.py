"""A calendar of thousands of entries on a store that is ten times as slow as a slow disk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.clock import VirtualClock
from monitor.health.metrics import Metrics
from monitor.health.state import HealthState, StoreHealth
from monitor.judge.runs import Blind
from monitor.ledger.ledger import Ledger
from monitor.ledger.reader import Outcome
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import CalendarRead
from monitor.store.sql.engine import Store
from monitor.store.writer import DELAY, Writer
from schedules.announcement import Announcement, State
from schedules.join import JoinRules
from schedules.source import Reading
from tests.contracts.slow_store import SlowStore
from tests.worlds.instants import DAY, MINUTE, SLOT
from tests.worlds.looks import a_run
from tests.worlds.releases import a_slot
from tests.worlds.stores import runs_of

ENTRIES = 2_500
TENFOLD = 10.0


def an_entry(number: int, later: timedelta = timedelta()) -> Announcement:
    slot = a_slot(SLOT + number * DAY + later)
    url = f"https://stats.example/releases/{number}"
    return Announcement(
        f"e{number}", f"Example {number} on a subject", "example", url, slot, State.CONFIRMED
    )


def a_read(entries: Sequence[Announcement], finished: datetime) -> Outcome:
    read = CalendarRead(
        "stats", finished, finished, usable=True, entries=len(entries), digest=str(len(entries))
    )
    return Outcome(read, Reading(tuple(entries)))


def a_ledger(store: Store, writer: Writer, clock: VirtualClock) -> Ledger:
    return Ledger(store, writer, clock, JoinRules(("stats",)))


def test_a_large_read_is_stored_and_looks_are_stored_meanwhile(store: Store) -> None:
    blind: list[Blind] = []
    took: list[float] = []

    async def story(clock: VirtualClock) -> None:
        slow = SlowStore(store, TENFOLD)
        health = HealthState(clock.now(), {}, MINUTE, blind.append)
        recorder = StoreHealth(clock, Metrics("test", {}, [], []), health)
        writer = Writer(
            slow.store, clock, on_commit=recorder.note_commit, on_failure=recorder.note_failure
        )
        await a_ledger(slow.store, writer, clock).record_read(
            a_read([an_entry(n) for n in range(ENTRIES)], clock.now()), (), {}
        )
        while not store.ledger.reads("stats"):
            began, look = clock.monotonic(), a_run(f"r{len(took)}/page/edge", first=clock.now())
            assert writer.queue_run(look)
            while not runs_of(store, look.target):
                await clock.sleep(DELAY)
            took.append(clock.monotonic() - began)
        await writer.close()
        assert blind == []

    run_virtually(story)
    assert (
        len(store.ledger.releases())
        == len(store.ledger.promises())
        == len(store.ledger.announced("stats"))
        == ENTRIES
    )
    assert [(read.usable, read.entries) for read in store.ledger.reads("stats")] == [
        (True, ENTRIES)
    ]
    # A portion that is under way, and its own transaction.
    assert max(took) < 1.0
