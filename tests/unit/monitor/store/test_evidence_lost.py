"""A store that lost records of evidence, and a disk that refuses them again.

Each record has bytes in a file and a row in the store.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.look.fetch import Answer
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.evidence.evidence import Evidence
from monitor.store.evidence.folder import EvidenceFolder
from monitor.store.sql import tables
from monitor.store.writer import Writer
from tests.worlds.evidence import Archive, an_answer
from tests.worlds.instants import SLOT

# No header that crossed a wire contains such a character, so no bytes can be made of it.
UNWRITABLE_HEADERS = {"x-note": "\u0100"}

Story = Callable[[Evidence, Writer], Coroutine[None, None, None]]


def run_and_kill_monitor(archive: Archive, story: Story) -> None:
    """Let a monitor live for as long as a story lasts, and kill it."""

    async def whole(clock: VirtualClock) -> None:
        writer = Writer(archive.store, clock)
        await story(Evidence(archive.folder, archive.store.evidence, writer, clock, "edge"), writer)
        writer.abandon()

    run_virtually(whole, SLOT)


async def commit_an_empty_batch(writer: Writer) -> None:
    await writer.write(lambda _tx: None)


async def keep(evidence: Evidence, writer: Writer, *answers: Answer) -> None:
    """Keep answers as records 1, 2, 3 … and commit them."""
    for answer in answers:
        evidence.keep(answer, "t", "turn")
    await commit_an_empty_batch(writer)  # the writer adds the records to it


def lose_rows_of_records_from(archive: Archive, first_number: int) -> None:
    """Have the store lose the rows of its last records, like one that failed over to a standby some
    seconds behind.
    """
    archive.change_rows("DELETE FROM evidence WHERE number >= ?", first_number)


def record_numbers(archive: Archive) -> list[int]:
    return [record.number for record in archive.chain()]


def test_lost_rows_are_written_again_with_the_next_record(archive: Archive) -> None:
    """The store loses the rows of records 2 and 3. Record 4 is kept next."""

    async def story(evidence: Evidence, writer: Writer) -> None:
        await keep(evidence, writer, an_answer(404), an_answer(200), an_answer(404, after=1))
        lose_rows_of_records_from(archive, first_number=2)
        await keep(evidence, writer, an_answer(200, after=2))

    run_and_kill_monitor(archive, story)
    assert record_numbers(archive) == [1, 2, 3, 4]
    assert archive.find_faults() == []


def test_lost_rows_are_written_again_after_a_check(archive: Archive) -> None:
    """The store loses the rows of both records.

    No new record is kept. But after a failover, a monitor checks whether the store has the records
    that it remembers. The next batch after the check writes the lost rows again.
    """

    async def lose_both_records(evidence: Evidence, writer: Writer) -> None:
        await keep(evidence, writer, an_answer(404), an_answer(200))
        lose_rows_of_records_from(archive, first_number=1)
        assert record_numbers(archive) == []
        await writer.run_between_batches(evidence.check_for_lost_records)
        await commit_an_empty_batch(writer)

    run_and_kill_monitor(archive, lose_both_records)
    assert record_numbers(archive) == [1, 2]
    assert archive.find_faults() == []


def test_lost_row_from_before_a_restart_is_written_again(archive: Archive) -> None:
    """A monitor keeps records 1 and 2. After a restart, the store loses row 2. The monitor writes
    it again with record 3.
    """

    async def first_life(evidence: Evidence, writer: Writer) -> None:
        await keep(evidence, writer, an_answer(404), an_answer(200))

    async def second_life(evidence: Evidence, writer: Writer) -> None:
        lose_rows_of_records_from(archive, first_number=2)
        await keep(evidence, writer, an_answer(404, after=60))

    run_and_kill_monitor(archive, first_life)
    run_and_kill_monitor(archive, second_life)
    assert record_numbers(archive) == [1, 2, 3]
    assert archive.find_faults() == []


def test_row_that_is_lost_in_the_same_transaction_is_written_again(archive: Archive) -> None:
    """The store of the batch lacks record 2. A connection beside it would still show it, like that
    to a server that another one has replaced.
    """

    async def story(evidence: Evidence, writer: Writer) -> None:
        await keep(evidence, writer, an_answer(404), an_answer(200))
        await writer.run_between_batches(evidence.check_for_lost_records)
        with archive.store.transaction() as tx:
            tx._delete_rows(tables.EVIDENCE, [("edge", 2)])
            evidence.write(tx)
        evidence.note_committed()

    run_and_kill_monitor(archive, story)
    assert record_numbers(archive) == [1, 2]


def test_failed_append_on_a_full_disk_keeps_earlier_bytes(tmp_path: Path) -> None:
    """The bytes of a first answer are in a file of evidence. Their row was not committed, so they
    are to be written again, together with a second answer, from the beginning of the file (offset
    0).

    But the disk is full. This attempt fails, and the bytes of the first answer stay in the file.
    """
    folder = EvidenceFolder(tmp_path, "edge")
    first_answer, second_answer = b"bytes of an answer", b" and of another"
    folder.append("file", offset=0, data=first_answer)
    with full_disk(), pytest.raises(StoreFault):
        folder.append("file", offset=0, data=first_answer + second_answer)
    folder.close()
    assert (tmp_path / "file").read_bytes() == first_answer


@contextmanager
def full_disk() -> Iterator[None]:
    """Have every disk refuse every byte."""
    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))


def test_committing_some_flushed_rows_keeps_all_flushed_bytes(archive: Archive) -> None:
    """501 records are kept.

    A flush writes the bytes of all of them to a file. Their rows still wait for the store.

    A transaction takes 500 rows, so one row is left for a second one.
    The first transaction must not cut off the bytes of the last record.
    """
    most_rows_of_a_transaction = 500

    async def flush_one_record_more(evidence: Evidence, _writer: Writer) -> None:
        for second in range(most_rows_of_a_transaction + 1):
            evidence.keep(an_answer(after=second), "t", "turn")
        flushed_records = evidence.flush_to_disk()
        last = flushed_records[-1]
        end_of_flushed_bytes = last.offset + last.length
        write_rows_in_a_transaction(archive, evidence)
        assert len(archive.chain()) == most_rows_of_a_transaction
        assert (archive.folder / last.file).stat().st_size == end_of_flushed_bytes
        write_rows_in_a_transaction(archive, evidence)
        assert archive.chain() == flushed_records
        assert (archive.folder / last.file).stat().st_size == end_of_flushed_bytes

    run_and_kill_monitor(archive, flush_one_record_more)
    assert archive.find_faults() == []


def write_rows_in_a_transaction(archive: Archive, evidence: Evidence) -> None:
    """Write the next rows of waiting evidence, as the writer does with a batch."""
    evidence.prepare()
    with archive.store.transaction() as tx:
        evidence.write(tx)
    evidence.note_committed()


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_unwritable_answer_is_lost_and_the_others_are_written(
    archive: Archive, broken: int
) -> None:
    """One of three answers has a header with a character that no header can have. `broken` is its
    place, 0 to 2. Only this answer is lost, which is logged.
    """
    answers = [an_answer(404), an_answer(200), an_answer(404, after=1)]
    answers[broken] = replace(answers[broken], headers=UNWRITABLE_HEADERS)
    with capture_logs() as lines:
        run_and_kill_monitor(archive, lambda evidence, writer: keep(evidence, writer, *answers))
    lost_places = [place for place, record in enumerate(archive.chain()) if record.is_lost]
    assert (len(archive.chain()), lost_places) == (3, [broken])
    logged_losses = [line["records"] for line in lines if line["event"] == "evidence_lost"]
    assert logged_losses == [[f"edge-{broken + 1}"]]
    assert archive.find_faults() == []


def test_unwritable_answer_alone_in_its_batch_gets_its_row(archive: Archive) -> None:
    """Two answers are kept, each in a batch of its own. The headers of the first have a character
    that no header can have, so its bytes cannot be written.

    They are lost. But the answer still has its row in the store, which says so. The second answer
    is kept.
    """

    async def keep_one_after_the_other(evidence: Evidence, writer: Writer) -> None:
        await keep(evidence, writer, replace(an_answer(), headers=UNWRITABLE_HEADERS))
        await keep(evidence, writer, an_answer(200, after=1))

    with capture_logs():
        run_and_kill_monitor(archive, keep_one_after_the_other)
    assert [record.is_lost for record in archive.chain()] == [True, False]
    assert archive.find_faults() == []


def test_file_without_any_committed_record_is_removed_after_a_kill(tmp_path: Path) -> None:
    """A standby may never write again, and `store check` must not find an unknown file."""
    folder = EvidenceFolder(tmp_path, "m", durable=False)
    name = folder.name_for(1, SLOT.date())
    folder.append(name, 0, b"bytes of a record that was not committed")
    folder.truncate_uncommitted(None)
    assert folder.files() == []
    assert [path.suffix for path in tmp_path.glob("*warc*")] == [".torn"]
    folder.close()
