"""A store that has lost records of evidence which it had taken, and a disk that refuses what it had."""

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

Story = Callable[[Evidence, Writer], Coroutine[None, None, None]]


def play(archive: Archive, story: Story) -> None:
    """Let a monitor live for as long as a story lasts, and kill it."""

    async def whole(clock: VirtualClock) -> None:
        writer = Writer(archive.store, clock)
        await story(Evidence(archive.folder, archive.store.evidence, writer, clock, "edge"), writer)
        writer.abandon()

    run_virtually(whole, SLOT)


async def committed(writer: Writer) -> None:
    await writer.write(lambda _tx: None)


def keeping(*answers: Answer) -> Story:
    async def story(evidence: Evidence, writer: Writer) -> None:
        for one in answers:
            evidence.keep(one, "t", "turn")
        await committed(writer)

    return story


def lose(archive: Archive, first: int) -> None:
    """Have the store lose its last records, like one that failed over to a standby some seconds behind."""
    archive.change_rows("DELETE FROM evidence WHERE number >= ?", first)


def numbers(archive: Archive) -> list[int]:
    return [record.number for record in archive.chain()]


def test_records_that_the_store_lost_are_written_again_with_the_next_one(archive: Archive) -> None:
    async def story(evidence: Evidence, writer: Writer) -> None:
        await keeping(an_answer(404), an_answer(200), an_answer(404, after=1))(evidence, writer)
        lose(archive, 2)
        await keeping(an_answer(200, after=2))(evidence, writer)

    play(archive, story)
    assert numbers(archive) == [1, 2, 3, 4]
    assert archive.faults() == []


def test_lost_records_are_written_again_without_waiting_for_a_new_one(archive: Archive) -> None:
    async def story(evidence: Evidence, writer: Writer) -> None:
        await keeping(an_answer(404), an_answer(200))(evidence, writer)
        lose(archive, 1)
        await writer.run_between_batches(evidence.check_for_lost_records)
        await committed(writer)

    play(archive, story)
    assert numbers(archive) == [1, 2]
    assert archive.faults() == []


def test_a_record_from_before_a_restart_is_written_again_if_the_store_loses_it(archive: Archive) -> None:
    play(archive, keeping(an_answer(404), an_answer(200)))

    async def story(evidence: Evidence, writer: Writer) -> None:
        lose(archive, 2)
        await keeping(an_answer(404, after=60))(evidence, writer)

    play(archive, story)
    assert numbers(archive) == [1, 2, 3]
    assert archive.faults() == []


def test_bytes_that_are_written_again_are_never_missing_meanwhile(tmp_path: Path) -> None:
    vault = EvidenceFolder(tmp_path, "edge")
    vault.append("file", 0, b"seen and named by a journal")
    with no_room(), pytest.raises(StoreFault):
        vault.append("file", 0, b"seen and named by a journal, and more")
    vault.close()
    assert (tmp_path / "file").read_bytes() == b"seen and named by a journal"


@contextmanager
def no_room() -> Iterator[None]:
    """Have every disk refuse every byte."""
    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))


def test_evidence_on_disk_beyond_the_portion_of_a_transaction_stays_there(archive: Archive) -> None:
    async def story(evidence: Evidence, _writer: Writer) -> None:
        for second in range(501):
            evidence.keep(an_answer(after=second), "t", "turn")
        laid = evidence.flush()
        evidence.prepare()
        with archive.store.transaction() as tx:
            evidence.write(tx)
        # Killed here: a journal has all of them.
        file = archive.folder / laid[-1].file
        assert file.stat().st_size == laid[-1].offset + laid[-1].length
        evidence.note_committed()
        evidence.prepare()
        with archive.store.transaction() as tx:
            evidence.write(tx)
        assert archive.chain() == laid

    play(archive, story)
    assert archive.faults() == []


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_bytes_that_cannot_be_made_are_lost_and_everything_else_is_written(archive: Archive, broken: int) -> None:
    answers = [an_answer(404), an_answer(200), an_answer(404, after=1)]
    # No header that crossed a wire contains such a character.
    answers[broken] = replace(answers[broken], headers={"x-note": "\u0100"})
    with capture_logs() as lines:
        play(archive, keeping(*answers))
    assert [record.is_lost for record in archive.chain()] == [n == broken for n in range(3)]
    assert [line["records"] for line in lines if line["event"] == "evidence_lost"] == [[f"edge-{broken + 1}"]]
    assert archive.faults() == []


def test_a_batch_of_which_no_bytes_can_be_made_is_written_too(archive: Archive) -> None:
    async def story(evidence: Evidence, writer: Writer) -> None:
        await keeping(replace(an_answer(), headers={"x-note": "\u0100"}))(evidence, writer)
        await keeping(an_answer(200, after=1))(evidence, writer)

    with capture_logs():
        play(archive, story)
    assert [record.is_lost for record in archive.chain()] == [True, False]
    assert archive.faults() == []
