from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from structlog.testing import capture_logs

from monitor.clock import SystemClock
from monitor.store.retention import Retention
from monitor.store.rows import CalendarRead
from monitor.store.writer import Writer
from tests.worlds.stores import TemporaryStore

T = TypeVar("T")


@dataclass
class Kept:
    asked: list[tuple[timedelta, int]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    async def delete_expired(self, keep: timedelta, most: int) -> list[str]:
        self.asked.append((keep, most))
        return self.files


def compacting(fewer: int) -> Callable[[], Awaitable[int]]:
    async def compact() -> int:
        return fewer

    return compact


async def ask(question: Callable[[], T]) -> T:
    return question()


async def test_bytes_are_kept_as_the_configuration_says_and_repeated_reads_for_ninety_days() -> None:
    store, clock, kept = TemporaryStore(), SystemClock(), Kept(files=["edge-000000001-20260101.warc.gz"])
    store.upgrade()
    writer, now = Writer(store, clock), clock.now()
    for days in (92, 91, 1, 0.5):
        at = now - timedelta(days=days)
        await writer.write(lambda tx, at=at: tx.add_read(CalendarRead("govuk", at, at, usable=True, digest="same")))
    with capture_logs() as lines:
        await Retention(
            kept, compacting(7), store, writer, clock, ask=ask, keep=timedelta(days=30), most=5_000_000
        ).run_daily()
    await writer.close()
    assert kept.asked == [(timedelta(days=30), 5_000_000)]
    assert len(store.ledger.reads()) == 3
    told = [{key: line.get(key) for key in ("event", "files", "reads", "runs")} for line in lines]
    assert told == [
        {"event": "given_up", "files": kept.files, "reads": None, "runs": None},
        {"event": "given_up", "files": None, "reads": 1, "runs": 7},
    ]


async def test_no_deletion_writes_no_log_line() -> None:
    store, clock = TemporaryStore(), SystemClock()
    store.upgrade()
    writer = Writer(store, clock)
    with capture_logs() as lines:
        await Retention(
            Kept(), compacting(0), store, writer, clock, ask=ask, keep=timedelta(days=400), most=2_000_000_000
        ).run_daily()
    await writer.close()
    assert lines == []
