"""A store that has lost records of evidence which it had taken, and a disk that refuses what it had."""

from __future__ import annotations

import resource
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.look.fetch import Answer
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.evidence.chain import verify
from monitor.store.evidence.evidence import Evidence
from monitor.store.evidence.folder import EvidenceFolder
from monitor.store.sql.engine import SqlStore
from monitor.store.writer import Writer

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
Make = Callable[..., Answer]
Story = Callable[[Evidence, Writer], Coroutine[None, None, None]]


def play(store: SqlStore, folder: Path, story: Story) -> None:
    """Have a monitor live and be killed."""

    async def whole(clock: VirtualClock) -> None:
        writer = Writer(store, clock)
        await story(Evidence(folder, store.evidence, writer, clock, "edge"), writer)
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


def lose(store: SqlStore, first: int) -> None:
    """Have a store forget its last records, as one does that failed over to a standby some seconds behind."""
    with store._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM evidence WHERE number >= ?", (first,))


def numbers(store: SqlStore) -> list[int]:
    return [record.number for record in store.evidence.chain("edge")]


def test_records_that_a_store_has_lost_are_there_again_as_soon_as_a_later_one_is(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    async def story(evidence: Evidence, writer: Writer) -> None:
        await keeping(answer(404), answer(200), answer(404, after=1))(evidence, writer)
        lose(sqlite, 2)
        await keeping(answer(200, after=2))(evidence, writer)

    play(sqlite, tmp_path / "ev", story)
    assert numbers(sqlite) == [1, 2, 3, 4]
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def test_a_store_in_doubt_is_given_what_it_has_lost_though_nothing_came_since(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    async def story(evidence: Evidence, writer: Writer) -> None:
        await keeping(answer(404), answer(200))(evidence, writer)
        lose(sqlite, 1)
        await writer.between(evidence.doubt)
        await committed(writer)

    play(sqlite, tmp_path / "ev", story)
    assert numbers(sqlite) == [1, 2]
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def test_what_a_former_life_had_written_is_written_again_where_the_store_loses_it_later(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    play(sqlite, tmp_path / "ev", keeping(answer(404), answer(200)))

    async def story(evidence: Evidence, writer: Writer) -> None:
        lose(sqlite, 2)
        await keeping(answer(404, after=60))(evidence, writer)

    play(sqlite, tmp_path / "ev", story)
    assert numbers(sqlite) == [1, 2, 3]
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def test_bytes_that_are_written_again_are_never_gone_meanwhile(tmp_path: Path) -> None:
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


def test_what_was_laid_down_lies_there_though_a_transaction_takes_only_some_of_it(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    async def story(evidence: Evidence, _writer: Writer) -> None:
        for second in range(501):
            evidence.keep(answer(after=second), "t", "turn")
        laid = evidence.lay_down()
        with sqlite.transaction() as tx:
            evidence.write(tx)
        # Killed here: a journal has all of them.
        file = tmp_path / "ev" / laid[-1].file
        assert file.stat().st_size == laid[-1].offset + laid[-1].length
        evidence.written()
        with sqlite.transaction() as tx:
            evidence.write(tx)
        assert sqlite.evidence.chain("edge") == laid

    play(sqlite, tmp_path / "ev", story)
    assert verify(sqlite.evidence, tmp_path / "ev") == []


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_bytes_that_cannot_be_made_are_lost_alone_and_everything_else_is_written(
    sqlite: SqlStore, tmp_path: Path, answer: Make, broken: int
) -> None:
    answers = [answer(404), answer(200), answer(404, after=1)]
    # No header that crossed a wire contains such a character.
    answers[broken] = replace(answers[broken], headers={"x-note": "\u0100"})
    with capture_logs() as lines:
        play(sqlite, tmp_path / "ev", keeping(*answers))
    assert [record.is_lost for record in sqlite.evidence.chain("edge")] == [n == broken for n in range(3)]
    assert [line["records"] for line in lines if line["event"] == "evidence_lost"] == [[f"edge-{broken + 1}"]]
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def test_a_batch_of_which_no_bytes_can_be_made_is_written_too(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    async def story(evidence: Evidence, writer: Writer) -> None:
        await keeping(replace(answer(), headers={"x-note": "\u0100"}))(evidence, writer)
        await keeping(answer(200, after=1))(evidence, writer)

    with capture_logs():
        play(sqlite, tmp_path / "ev", story)
    assert [record.is_lost for record in sqlite.evidence.chain("edge")] == [True, False]
    assert verify(sqlite.evidence, tmp_path / "ev") == []
