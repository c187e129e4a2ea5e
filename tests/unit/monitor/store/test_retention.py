from __future__ import annotations

from collections.abc import Callable, Sequence
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


KEEP, MOST_BYTES = timedelta(days=30), 5_000_000


@dataclass
class FakeEvidence:
    """Evidence that gives up the same files whenever it is asked."""

    files: list[str] = field(default_factory=list)
    limits: list[tuple[timedelta, int]] = field(default_factory=list)

    async def delete_expired(self, keep: timedelta, most: int) -> list[str]:
        self.limits.append((keep, most))
        return self.files


async def run_retention(
    evidence: FakeEvidence, *, ages_of_reads: Sequence[float] = ()
) -> tuple[list[dict[str, object]], int]:
    """Return what the daily retention logs, and how many reads of a calendar that never changed
    remain.

    The ages of the reads are in days.
    """
    store, clock = TemporaryStore(), SystemClock()
    writer, now = Writer(store, clock), clock.now()

    async def ask(question: Callable[[], T]) -> T:
        return question()

    for days in ages_of_reads:
        at = now - timedelta(days=days)
        await writer.write(
            lambda tx, at=at: tx.save(CalendarRead("govuk", at, at, usable=True, digest="same"))
        )
    retention = Retention(evidence, store, writer, clock, ask=ask, keep=KEEP, most=MOST_BYTES)
    with capture_logs() as lines:
        await retention.run_daily()
    await writer.close()
    return [{key: line.get(key) for key in ("event", "files", "reads")} for line in lines], len(
        store.ledger.reads()
    )


async def test_retention_keeps_configured_limits_and_logs_deleted_files() -> None:
    """The configuration keeps evidence for 30 days (KEEP) and up to 5 MB (MOST_BYTES). Retention
    deletes by these limits and logs the names of the deleted files.
    """
    evidence = FakeEvidence(files=["edge-000000001-20260101.warc.gz"])
    lines, _ = await run_retention(evidence)
    assert evidence.limits == [(KEEP, MOST_BYTES)]
    assert lines == [{"event": "given_up", "files": evidence.files, "reads": None}]


async def test_read_older_than_ninety_days_is_deleted_if_repeated() -> None:
    """A calendar was read 92, 91, 1 and 0.5 days ago, each time with the same entries. The oldest
    read stays. The one of 91 days ago only repeats it, and is older than 90 days, so it is deleted.
    """
    lines, reads_left = await run_retention(FakeEvidence(), ages_of_reads=(92, 91, 1, 0.5))
    assert reads_left == 3
    # The log line of the daily retention is called `given_up`.
    assert lines == [{"event": "given_up", "files": None, "reads": 1}]


async def test_no_deletion_writes_no_log_line() -> None:
    lines, _ = await run_retention(FakeEvidence())
    assert lines == []
