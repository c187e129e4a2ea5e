"""Evidence: answers, the archive that monitors keep them in, and what any WARC tool reads from
it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from warcio.archiveiterator import ArchiveIterator

from monitor.clock import VirtualClock
from monitor.look.fetch import Answer
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.evidence.chain import read_bytes, verify_evidence
from monitor.store.evidence.evidence import Evidence
from monitor.store.rows import Record
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from tests.worlds.instants import SLOT, after_slot

T = TypeVar("T")
Story = Callable[[Evidence, Writer, VirtualClock], Coroutine[Any, Any, T]]


def an_answer(status: int = 404, body: bytes = b"Page not found", after: float = 0.0) -> Answer:
    """Return an answer that was requested so many seconds after the slot."""
    sent = after_slot(after)
    headers = {"content-type": "text/html", "content-encoding": "br", "age": "0"}
    return Answer(
        "https://www.gov.uk/x?y=1", status, headers, body, sent, sent + timedelta(milliseconds=25)
    )


def payload_of(data: bytes) -> bytes:
    """Return the body of the answer in a WARC record, after checking its digests."""
    for record in ArchiveIterator(BytesIO(data), check_digests="raise"):
        if record.rec_type == "response":
            return bytes(record.content_stream().read())
    raise AssertionError("no answer in this record")


@dataclass(frozen=True)
class Archive:
    """The evidence of monitors in one folder, with its rows in a store."""

    store: Store
    folder: Path

    def run_monitor(self, story: Story[T], start: datetime = SLOT, monitor: str = "edge") -> T:
        """Let a monitor live for as long as a story lasts, and stop in good order."""

        async def whole(clock: VirtualClock) -> T:
            writer = Writer(self.store, clock)
            result = await story(
                Evidence(self.folder, self.store.evidence, writer, clock, monitor), writer, clock
            )
            await writer.close()
            return result

        return run_virtually(whole, start)

    def keep(self, *answers: Answer, start: datetime = SLOT, monitor: str = "edge") -> list[Record]:
        """Have a monitor keep these answers; return their records."""

        async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> list[str]:
            return [evidence.keep(one, "r/page/edge", "turn") for one in answers]

        return self.store.evidence.records(self.run_monitor(story, start, monitor))

    def give_up(
        self, keep_days: int, keep_bytes: int, start: datetime = SLOT, monitor: str = "edge"
    ) -> list[str]:
        """Have a monitor keep evidence for so many days and bytes only; return the files that it
        gave up.
        """
        keep = timedelta(days=keep_days)
        return self.run_monitor(
            lambda evidence, _writer, _clock: evidence.delete_expired(keep, keep_bytes),
            start,
            monitor,
        )

    def chain(self, monitor: str = "edge") -> list[Record]:
        return list(self.store.evidence.chain(monitor))

    def payload(self, record: Record) -> bytes:
        return payload_of(read_bytes(self.folder, record))

    def find_faults(self, files_of: str | None = None) -> list[str]:
        """Return the faults that a check of the store finds, in all files or those of a monitor."""
        return verify_evidence(self.store.evidence, self.folder, files_of)

    def flip_a_byte(self, file: str, place: int) -> None:
        data = bytearray((self.folder / file).read_bytes())
        data[place] ^= 1
        (self.folder / file).write_bytes(data)

    def change_rows(self, statement: str, *values: object) -> None:
        """Change the rows of the store behind the back of the program."""
        with self.store._engine.begin() as connection:
            connection.exec_driver_sql(statement, values or None)
