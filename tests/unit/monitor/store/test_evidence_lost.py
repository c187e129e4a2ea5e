"""A store that lost records of evidence, and a disk that refuses them again."""

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


async def commit(writer: Writer) -> None:
    await writer.write(lambda _tx: None)


async def keep(evidence: Evidence, writer: Writer, *answers: Answer) -> None:
    """Keep answers as records 1, 2, 3 … and commit them."""
    for answer in answers:
        evidence.keep(answer, "t", "turn")
    await commit(writer)


def lose_records_from(archive: Archive, first: int) -> None:
    """Have the store lose its last records, like one that failed over to a standby some seconds behind."""
    archive.change_rows("DELETE FROM evidence WHERE number >= ?", first)


def record_numbers(archive: Archive) -> list[int]:
    return [record.number for record in archive.chain()]


def test_records_that_the_store_lost_are_written_again_with_the_next_one(archive: Archive) -> None:
    async def story(evidence: Evidence, writer: Writer) -> None:
        await keep(evidence, writer, an_answer(404), an_answer(200), an_answer(404, after=1))
        lose_records_from(archive, 2)
        await keep(evidence, writer, an_answer(200, after=2))

    run_and_kill_monitor(archive, story)
    assert record_numbers(archive) == [1, 2, 3, 4]
    assert archive.find_faults() == []


def test_lost_records_are_written_again_without_waiting_for_a_new_one(archive: Archive) -> None:
    async def story(evidence: Evidence, writer: Writer) -> None:
        await keep(evidence, writer, an_answer(404), an_answer(200))
        lose_records_from(archive, 1)
        # With the check, the next batch compares the committed records in memory with those in the store.
        await writer.run_between_batches(evidence.check_for_lost_records)
        await commit(writer)

    run_and_kill_monitor(archive, story)
    assert record_numbers(archive) == [1, 2]
    assert archive.find_faults() == []


def test_a_record_from_before_a_restart_is_written_again_if_the_store_loses_it(archive: Archive) -> None:
    async def first_life(evidence: Evidence, writer: Writer) -> None:
        await keep(evidence, writer, an_answer(404), an_answer(200))

    async def second_life(evidence: Evidence, writer: Writer) -> None:
        lose_records_from(archive, 2)
        await keep(evidence, writer, an_answer(404, after=60))

    run_and_kill_monitor(archive, first_life)
    run_and_kill_monitor(archive, second_life)
    assert record_numbers(archive) == [1, 2, 3]
    assert archive.find_faults() == []


def test_a_file_keeps_its_bytes_if_the_disk_is_full_when_they_are_written_again_with_more(tmp_path: Path) -> None:
    folder = EvidenceFolder(tmp_path, "edge")
    first_answer = b"bytes of an answer"
    folder.append("file", offset=0, data=first_answer)
    # While the store commits no record of them, bytes are written again at their place, with those that came since.
    with no_room(), pytest.raises(StoreFault):
        folder.append("file", offset=0, data=first_answer + b" and of another")
    folder.close()
    assert (tmp_path / "file").read_bytes() == first_answer


@contextmanager
def no_room() -> Iterator[None]:
    """Have every disk refuse every byte."""
    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))


def test_flushed_evidence_is_neither_cut_off_nor_written_twice_if_its_rows_need_two_transactions(
    archive: Archive,
) -> None:
    one_more_than_a_transaction_takes = 501

    async def story(evidence: Evidence, _writer: Writer) -> None:
        def write_a_portion() -> None:
            evidence.prepare()
            with archive.store.transaction() as tx:
                evidence.write(tx)

        for second in range(one_more_than_a_transaction_takes):
            evidence.keep(an_answer(after=second), "t", "turn")
        # A flush writes all bytes to the disk at once. Their rows go to the store in portions of 500.
        flushed = evidence.flush_to_disk()
        write_a_portion()  # the rows of all but the last record
        last = flushed[-1]
        assert (archive.folder / last.file).stat().st_size == last.offset + last.length
        evidence.note_committed()
        write_a_portion()  # the row of the last record
        assert archive.chain() == flushed

    run_and_kill_monitor(archive, story)
    assert archive.find_faults() == []


# `broken` is the place of the broken answer among three. UNWRITABLE_HEADERS have a character that no header can have,
# so no bytes can be made of it.
@pytest.mark.parametrize("broken", [0, 1, 2])
def test_bytes_that_cannot_be_made_are_lost_and_everything_else_is_written(archive: Archive, broken: int) -> None:
    answers = [an_answer(404), an_answer(200), an_answer(404, after=1)]
    answers[broken] = replace(answers[broken], headers=UNWRITABLE_HEADERS)
    with capture_logs() as lines:
        run_and_kill_monitor(archive, lambda evidence, writer: keep(evidence, writer, *answers))
    assert [record.is_lost for record in archive.chain()] == [number == broken for number in range(3)]
    assert [line["records"] for line in lines if line["event"] == "evidence_lost"] == [[f"edge-{broken + 1}"]]
    assert archive.find_faults() == []


def test_the_row_of_an_answer_without_bytes_is_written_even_if_it_is_alone_in_its_batch(archive: Archive) -> None:
    async def story(evidence: Evidence, writer: Writer) -> None:
        # These headers have a character that no header can have, so the bytes of the first record are lost.
        await keep(evidence, writer, replace(an_answer(), headers=UNWRITABLE_HEADERS))
        await keep(evidence, writer, an_answer(200, after=1))

    with capture_logs():
        run_and_kill_monitor(archive, story)
    assert [record.is_lost for record in archive.chain()] == [True, False]
    assert archive.find_faults() == []
