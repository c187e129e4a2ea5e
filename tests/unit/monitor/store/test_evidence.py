"""Evidence: which bytes of answers are kept, how they are checked, and when they are deleted."""

from __future__ import annotations

import gzip
import hashlib
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from os import truncate, urandom
from pathlib import Path
from typing import TypeVar

import pytest
from warcio.archiveiterator import ArchiveIterator

from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.look.fetch import Failure, Reason, Request
from monitor.plan.targets import Target, View
from monitor.store.evidence.chain import read_bytes
from monitor.store.evidence.evidence import Evidence
from monitor.store.evidence.last_answers import LastAnswers
from monitor.store.retention import Retention
from monitor.store.rows import Record
from monitor.store.writer import Writer
from tests.worlds.evidence import Archive, an_answer, payload_of
from tests.worlds.instants import DAY, SLOT
from tests.worlds.looks import PRESENT, a_run
from tests.worlds.stores import runs_of
from tests.worlds.virtual import virtually

TARGET = Target(
    "r/page/edge", "r", "page", View.EDGE, "https://www.gov.uk/x", "www.gov.uk", "status"
)
RUN = a_run("page", PRESENT)
T = TypeVar("T")


def test_kept_answer_is_read_back_with_time_and_hash(archive: Archive) -> None:
    first, second = archive.keep(an_answer(404, b"\0no"), an_answer(200, b"The figures", after=1.5))
    assert archive.payload(first) == b"\0no"
    assert archive.payload(second) == b"The figures"
    # `keep` numbers the records of the monitor `edge` from 1. Its records are of the kind `turn`.
    assert (first.id, first.kind, first.at) == ("edge-1", "turn", an_answer().received)
    assert hashlib.sha256(read_bytes(archive.folder, second)).hexdigest() == second.sha256
    assert archive.find_faults() == []


def test_any_warc_tool_can_read_a_file_of_evidence(archive: Archive) -> None:
    answer = an_answer(200, b"Out")
    first, _second = archive.keep(answer, an_answer(404))
    with (archive.folder / first.file).open("rb") as file:
        records = list(ArchiveIterator(file, check_digests="raise"))
    assert [record.rec_type for record in records] == ["warcinfo", "response", "response"]
    headers, http = records[1].rec_headers, records[1].http_headers
    assert headers.get_header("WARC-Target-URI") == answer.url
    assert headers.get_header("WARC-Date") == f"{answer.received:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert headers.get_header("X-Ninethirty-Record") == first.id
    assert http.get_statuscode() == "200"
    # The body is kept decoded, so the headers of its transfer have another name.
    assert http.get_header("X-Archive-Orig-content-encoding") == answer.headers["content-encoding"]


def test_only_the_service_account_can_read_evidence_files(archive: Archive) -> None:
    archive.folder.mkdir(mode=0o755)
    archive.keep(an_answer())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in archive.folder.iterdir()}
    assert stat.S_IMODE(archive.folder.stat().st_mode) == 0o700
    assert modes == {0o600}


def test_change_of_state_keeps_the_answers_before_and_after(archive: Archive) -> None:
    """A page is absent twice, then published, then removed.

    Answers are kept as records edge-1, edge-2 and so on.

    A change of state keeps its own answer, and the last answer before it. The kind of the first is
    `turn`. The kind of the second is `before`. Before the removal, no `before` is needed: that
    answer is kept already (edge-3).
    """

    async def story(evidence: Evidence, *_: object) -> list[tuple[str, ...]]:
        of_first_look = evidence.keep_state_change(TARGET, an_answer(404, b"first"))
        evidence.remember(TARGET, an_answer(404, b"last absence", after=1))
        of_publication = evidence.keep_state_change(TARGET, an_answer(200, b"published", after=2))
        of_removal = evidence.keep_state_change(TARGET, an_answer(404, b"removed", after=3))
        return [of_first_look, of_publication, of_removal]

    record_ids = archive.run_monitor(story)
    assert record_ids == [("edge-1",), ("edge-2", "edge-3"), ("edge-3", "edge-4")]
    records = archive.store.evidence.records(["edge-1", "edge-2", "edge-3", "edge-4"])
    assert [archive.payload(each) for each in records] == [
        b"first",
        b"last absence",
        b"published",
        b"removed",
    ]
    assert [each.kind for each in records] == ["turn", "before", "turn", "turn"]


def test_answer_is_kept_with_its_request_if_known(archive: Archive) -> None:
    """Two answers become evidence. The first one knows its request, the second one does not.

    The first is kept together with the bytes of its whole request: its first line, the lines that
    all requests have in common (`head`), and its own lines. The second is kept without a request.
    """
    common_lines = b" HTTP/1.1\r\nHost: www.gov.uk\r\nAccept: text/html\r\n"
    request = Request(TARGET.url, etag='"abc"')
    with_request = replace(an_answer(404), request=request, head=common_lines, unique=0xBEEF)
    without_request = an_answer(200)

    async def keep_both(evidence: Evidence, *_: object) -> tuple[str, ...]:
        evidence.remember(TARGET, with_request)
        # The remembered answer and this one become evidence, because the state changed between
        # them.
        return evidence.keep_state_change(TARGET, without_request)

    record_with, record_without = archive.store.evidence.records(
        list(archive.run_monitor(keep_both))
    )
    # To bypass caches, the number in `unique` was added to the query, in hexadecimal.
    whole_request = b"GET /x?y=1&ninethirty=beef" + common_lines + b'If-None-Match: "abc"\r\n\r\n'
    assert whole_request in gzip.decompress(read_bytes(archive.folder, record_with))
    assert b"WARC-Type: request" not in gzip.decompress(read_bytes(archive.folder, record_without))


def test_forgotten_answer_is_not_kept_with_the_next_change(archive: Archive) -> None:
    """At a change of the state, two answers are usually kept: the last remembered one and the one
    with the change.

    Here the remembered 404 is forgotten before the change. So only the 200 is kept. Its kind is
    `turn`.
    """

    async def story(evidence: Evidence, *_: object) -> tuple[str, ...]:
        evidence.remember(TARGET, an_answer(404, b"absent"))
        evidence.forget(TARGET.id)
        evidence.forget(TARGET.id)  # to forget it again is no error
        return evidence.keep_state_change(TARGET, an_answer(200, b"out", after=1))

    ids_of_kept_records = archive.run_monitor(story)
    assert ids_of_kept_records == ("edge-1",)
    assert [record.kind for record in archive.store.evidence.records(["edge-1"])] == ["turn"]


def test_first_failed_look_stores_the_answer_before_it_as_evidence(archive: Archive) -> None:
    """A page is absent (404). Then two looks fail. A failed look has no bytes of its own.

    At the first failure, the 404 before it is stored, as record edge-1. The second failure stores
    no more.
    """
    failure = Failure(TARGET.url, Reason.RESET, "reset by peer", SLOT, SLOT)

    async def look_three_times(evidence: Evidence, *_: object) -> list[tuple[str, ...]]:
        evidence.remember(TARGET, an_answer(404, b"absent"))
        evidence.remember(TARGET, failure)  # has no bytes, so the 404 stays the last answer
        # Each call returns the ids of the records that it kept.
        of_first_failure = evidence.keep_state_change(TARGET, failure)
        of_second_failure = evidence.keep_state_change(TARGET, failure)
        return [of_first_failure, of_second_failure]

    kept_by_first, kept_by_second = archive.run_monitor(look_three_times)
    assert kept_by_first == ("edge-1",)
    assert archive.payload(archive.store.evidence.records(["edge-1"])[0]) == b"absent"
    assert kept_by_second == ()


def test_a_long_body_is_remembered_cut_short(archive: Archive) -> None:
    """An answer of 1 MB is remembered, of which only 32,000 bytes stay in memory. The next answer
    of 1 MB changes the state. Both become evidence: the first one cut short, the second one whole.
    """

    async def story(evidence: Evidence, *_: object) -> tuple[str, ...]:
        evidence.remember(TARGET, an_answer(200, b"x" * 1_000_000))
        return evidence.keep_state_change(TARGET, an_answer(200, b"y" * 1_000_000, after=1))

    remembered, kept_at_once = archive.store.evidence.records(list(archive.run_monitor(story)))
    most_remembered = 32_000
    assert len(archive.payload(remembered)) == most_remembered
    assert len(archive.payload(kept_at_once)) == 1_000_000


def test_the_same_page_is_remembered_once_and_compressed() -> None:
    """A target answers twice with the same page. The second answer keeps the very same compressed
    body as the first one, and no copy of it. `packed` is the hash of the body and the compressed
    body.
    """
    answers, page = LastAnswers(), b"page " * 4000
    answers.remember("target", an_answer(200, page))
    _hash, compressed = answers.get("target").packed
    answers.remember("target", an_answer(200, page, after=1))
    assert answers.get("target").packed[1] is compressed
    assert len(compressed) < len(page) / 20


def test_the_memory_for_last_answers_is_bounded() -> None:
    answers, targets = LastAnswers(), [f"r{number}/page/edge" for number in range(2000)]
    for target in targets:
        incompressible = urandom(30_000)
        answers.remember(target, an_answer(404, incompressible))
    remembered = [answers.get(target) for target in targets]
    most_bytes = 16_000_000  # of the 60 million in all answers
    remembered_bytes = sum(len(last.packed[1]) for last in remembered if last)
    assert most_bytes - 1_000_000 < remembered_bytes <= most_bytes


def test_calendar_answer_gets_a_record_only_if_it_changed(archive: Archive) -> None:
    """A calendar answers "one" twice, "two" twice, and "one" again.

    Each answer is compared with the one before it.

    The first answer and two changes make three records: edge-1, edge-2 and edge-3.
    A repeated answer returns the id of the last record.
    """

    async def story(evidence: Evidence, *_: object) -> list[str]:
        bodies = (b"one", b"one", b"two", b"two", b"one")
        return [
            evidence.keep_changed(an_answer(200, body), "~calendar/govuk", "calendar")
            for body in bodies
        ]

    assert archive.run_monitor(story) == ["edge-1", "edge-1", "edge-2", "edge-2", "edge-3"]


def test_each_start_and_day_begins_a_new_evidence_file(archive: Archive) -> None:
    """The name of a file has the number of its first record, and its day.

    The numbers go on from file to file.
    """

    async def over_midnight(evidence: Evidence, _writer: Writer, clock: VirtualClock) -> None:
        evidence.keep(an_answer(), TARGET.id, kind="turn")
        await clock.sleep(1)
        evidence.keep(an_answer(after=86_400), TARGET.id, kind="turn")

    archive.run_monitor(over_midnight)
    archive.keep(an_answer(after=86_401))  # another start
    assert [record.file for record in archive.chain()] == [
        "edge-000000001-20180105.warc.gz",
        "edge-000000002-20180106.warc.gz",
        "edge-000000003-20180106.warc.gz",
    ]
    assert archive.find_faults() == []


def test_two_processes_cannot_write_the_same_evidence(archive: Archive) -> None:
    async def story(_evidence: Evidence, writer: Writer, clock: VirtualClock) -> None:
        with pytest.raises(StoreFault, match="another process"):
            Evidence(archive.folder, archive.store.evidence, writer, clock, "edge")

    archive.run_monitor(story)
    # After the first process ended, another can.
    assert len(archive.keep(an_answer())) == 1


def test_next_start_moves_uncommitted_bytes_into_a_torn_file(archive: Archive) -> None:
    """A monitor has crashed. Its first file has a committed record, and half a record after it.

    Its second file has bytes of which no record was committed. The next start leaves only the
    committed bytes. It moves the others into files with the ending `.torn`.
    """
    record = archive.keep(an_answer())[0]
    first_file, second_file = record.file, "edge-000000002-20180105.warc.gz"
    committed_bytes = (archive.folder / first_file).read_bytes()
    (archive.folder / first_file).write_bytes(committed_bytes + b"\x1f\x8bhalf a record")
    (archive.folder / second_file).write_bytes(b"never committed")
    archive.keep(an_answer(after=5))  # the next start
    assert (archive.folder / first_file).read_bytes() == committed_bytes
    assert (archive.folder / f"{first_file}.torn").read_bytes() == b"\x1f\x8bhalf a record"
    assert (archive.folder / f"{second_file}.torn").read_bytes() == b"never committed"
    assert archive.find_faults() == []
    assert len(archive.chain()) == 2  # the record of each start


def test_altered_bytes_and_lost_or_cut_files_are_reported(archive: Archive) -> None:
    folder = archive.folder
    # Each call of `keep` begins a file.
    altered, _intact = archive.keep(an_answer(status=404), an_answer(status=200))
    (lost,) = archive.keep(an_answer())
    (cut,) = archive.keep(an_answer())
    middle_of_altered = altered.offset + altered.length // 2
    archive.flip_a_byte(altered.file, middle_of_altered)
    (folder / lost.file).unlink()
    without_last_bytes = (folder / cut.file).read_bytes()[:-20]
    (folder / cut.file).write_bytes(without_last_bytes)
    assert archive.find_faults() == [
        f"evidence {altered.id}: its bytes in {altered.file} were altered",
        f"evidence {lost.id}: {lost.file} cannot be read: No such file or directory",
        f"evidence {cut.id}: {cut.file} ends before it",
    ]


def test_running_monitor_says_that_its_evidence_was_damaged(archive: Archive) -> None:
    altered = archive.keep(an_answer(status=404), an_answer(status=200))[1]

    async def damage_and_look(
        evidence: Evidence, _writer: Writer, _clock: VirtualClock
    ) -> list[str]:
        await evidence.look_for_damage()
        before = evidence.damage
        archive.flip_a_byte(altered.file, altered.offset + altered.length // 2)
        await evidence.look_for_damage()
        return [before, evidence.damage]

    found = archive.run_monitor(damage_and_look)
    assert found == ["", "evidence is damaged: run `ninethirty store check`"]


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE evidence SET kind = 'before' WHERE number = 2", "edge-2: the chain is broken"),
        ("UPDATE evidence SET at = at + 1 WHERE number = 1", "edge-1: the chain is broken"),
        ("DELETE FROM evidence WHERE number = 2", "2 to 2 are missing"),
    ],
)
def test_altered_or_removed_row_breaks_the_chain(
    archive: Archive, statement: str, fault: str
) -> None:
    """Three answers are kept, each with a row in the store.

    A row has a hash of its fields and of the row before it.

    Then an SQL statement changes one field of a row, or removes a row. For example, it changes the
    time in row 1. The check reports the row whose hash does not fit any more, or the gap in the
    numbers.
    """
    archive.keep(an_answer(), an_answer(200), an_answer(404))
    archive.change_rows(statement)
    assert any(fault in line for line in archive.find_faults())


def test_records_of_a_damaged_file_are_reported_in_one_line(archive: Archive) -> None:
    """Six records are in one file. First the file is cut after the third record, and then it is
    deleted. Each time, one line names all records that cannot be read.
    """
    records = archive.keep(*(an_answer(after=n) for n in range(6)))
    file = archive.folder / records[0].file
    end_of_third = records[3].offset
    file.write_bytes(file.read_bytes()[:end_of_third])
    assert archive.find_faults() == [
        f"evidence edge-4 to edge-6 (3 records): {file.name} ends before it"
    ]
    file.unlink()
    fault = (
        f"evidence edge-1 to edge-6 (6 records): {file.name} cannot be read: No such file or"
        " directory"
    )
    assert archive.find_faults() == [fault]


def test_file_without_rows_is_reported_if_its_monitor_is_checked(archive: Archive) -> None:
    """The monitor `edge` has kept an answer. The store lost its row, but the file is still there.

    A check reports the file, unless it only checks the files of another monitor.
    """
    archive.keep(an_answer(), monitor="edge")
    archive.change_rows("DELETE FROM evidence")
    fault = "evidence file edge-000000001-20180105.warc.gz: the store knows of none of it"
    assert archive.find_faults() == [fault]
    assert archive.find_faults(files_of="edge") == [fault]
    assert archive.find_faults(files_of="north") == []


def test_a_file_that_no_monitor_wrote_is_reported(archive: Archive) -> None:
    archive.keep(an_answer())
    (archive.folder / "slipped-in.warc").write_bytes(b"")
    # Its name is of no monitor, so it is reported even if only the files of `north` are checked.
    assert archive.find_faults(files_of="north") == [
        "evidence file slipped-in.warc: no monitor wrote it"
    ]


UNRECORDED_DELETION = "marked as given up, and the chain knows nothing of it"


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "UPDATE evidence SET expired = at WHERE monitor = 'south' AND number = 1",
            f"evidence south-1 to south-1: {UNRECORDED_DELETION}",
        ),
        (
            "DELETE FROM evidence WHERE monitor = 'south' AND number = 2",
            "evidence of south: 2 to 2 are missing from the store",
        ),
    ],
)
def test_rows_of_another_monitor_are_checked_without_its_files(
    archive: Archive, tmp_path: Path, statement: str, fault: str
) -> None:
    """North and south use one store.

    North's machine has only the files of north. A check there finds no fault.

    Then an SQL statement changes the rows of south. It deletes one, or marks one as expired
    although no deletion is recorded. The check on north's machine reports that. It does not report
    the files of south as missing.
    """
    archive.keep(an_answer(), monitor="north")
    machine_of_south = replace(archive, folder=tmp_path / "other machine")
    machine_of_south.keep(an_answer(), an_answer(200), an_answer(404), monitor="south")
    assert archive.find_faults(files_of="north") == []
    archive.change_rows(statement)
    faults = archive.find_faults(files_of="north")
    assert faults[0] == fault
    assert not any("cannot be read" in line for line in faults)


def test_expired_evidence_deleted_by_another_monitor_is_no_fault(
    archive: Archive, tmp_path: Path
) -> None:
    """North and south use one store, on two machines. South keeps two answers, each in a file.

    It deletes the older file, because evidence may only have so many bytes, and marks its record as
    expired. A check finds no fault in that, neither on north's machine nor on south's.
    """
    machine_of_north, machine_of_south = (
        archive,
        replace(archive, folder=tmp_path / "other machine"),
    )
    for seconds in range(2):
        machine_of_south.keep(an_answer(after=seconds), monitor="south")
    # At most 0 bytes may be kept, so all files but the newest are deleted.
    machine_of_south.give_up(keep_days=400, keep_bytes=0, monitor="south")
    records = archive.chain("south")
    assert [record for record in records if record.expired] == records[:1]
    assert machine_of_north.find_faults(files_of="north") == []
    assert machine_of_south.find_faults() == []


def test_uncommitted_file_is_a_fault_unless_its_monitor_runs(archive: Archive) -> None:
    """A file has bytes of which the store knows nothing. While the monitor `edge` runs, it may
    still commit them, so they are no fault. After it has ended, they are one.
    """

    async def story(_evidence: Evidence, *_: object) -> list[str]:
        (archive.folder / "edge-000000002-20180105.warc.gz").write_bytes(b"not committed yet")
        return archive.find_faults()

    archive.keep(an_answer())
    assert archive.run_monitor(story) == []
    assert len(archive.find_faults()) == 1


@pytest.mark.parametrize(
    ("expired_record", "fault"), [(2, "older evidence is kept"), (3, "it is the newest")]
)
def test_record_marked_as_expired_out_of_turn_is_reported(
    archive: Archive, expired_record: int, fault: str
) -> None:
    """Three records are kept. A deleted record is marked as expired. The oldest is always deleted
    first, and the newest never.

    So if only the second is marked, or only the third, someone changed the rows. The check reports
    it.
    """
    archive.keep(an_answer(), an_answer(), an_answer())
    archive.change_rows("UPDATE evidence SET expired = at WHERE number = ?", expired_record)
    assert any(fault in line for line in archive.find_faults())


def test_bytes_added_to_an_older_file_are_reported(archive: Archive) -> None:
    older = archive.keep(an_answer())[0]
    archive.keep(an_answer())
    with (archive.folder / older.file).open("ab") as file:
        file.write(b"slipped in")
    assert archive.find_faults() == [
        f"evidence file {older.file}: bytes after {older.length} belong to no record"
    ]


# Without its table of runs, the store refuses each batch that has a run, and with it the evidence
# in that batch.
HIDE_TABLE_OF_RUNS, SHOW_TABLE_OF_RUNS = (
    "ALTER TABLE run RENAME TO hidden",
    "ALTER TABLE hidden RENAME TO run",
)
LONGEST_PAUSE_BETWEEN_ATTEMPTS = 5.0


def test_evidence_of_a_failed_batch_is_stored_without_number_gaps(archive: Archive) -> None:
    """A monitor keeps an answer and a run, which go to the store in one batch.

    The store refuses it.

    Then the monitor keeps another answer, and the store works again. Both answers are stored, as
    records 1 and 2.
    """
    archive.change_rows(HIDE_TABLE_OF_RUNS)  # so that the store refuses runs

    async def keep_answers_while_store_fails(
        evidence: Evidence, writer: Writer, clock: VirtualClock
    ) -> None:
        evidence.keep(an_answer(), TARGET.id, kind="turn")
        writer.queue_run(RUN)
        await clock.sleep(1)
        assert archive.chain() == []  # no record is stored
        evidence.keep(an_answer(200, after=1), TARGET.id, kind="turn")
        archive.change_rows(SHOW_TABLE_OF_RUNS)
        await clock.sleep(LONGEST_PAUSE_BETWEEN_ATTEMPTS + 1)

    archive.run_monitor(keep_answers_while_store_fails)
    assert [record.number for record in archive.chain()] == [1, 2]
    assert archive.find_faults() == []
    assert runs_of(archive.store, TARGET.id) == [RUN]


def test_flush_writes_evidence_that_waits_for_a_failing_store(archive: Archive) -> None:
    """A monitor keeps two answers while the store refuses all batches.

    So both answers wait in memory.

    A flush writes all waiting answers to disk and returns their records. So does a flush after a
    third answer. When the store works again, it gets the same three records.
    """
    archive.change_rows(HIDE_TABLE_OF_RUNS)  # so that the store refuses batches with a run

    async def flush_while_store_fails(
        evidence: Evidence, writer: Writer, clock: VirtualClock
    ) -> list[Record]:
        evidence.keep(an_answer(), TARGET.id, kind="turn")
        writer.queue_run(RUN)
        await clock.sleep(1)  # the store refuses the batch of the run and the first answer
        evidence.keep(an_answer(200, after=1), TARGET.id, kind="turn")
        two_records = evidence.flush_to_disk()
        assert len(two_records) == 2
        # the same, because the store still has none of them
        assert evidence.flush_to_disk() == two_records
        evidence.keep(an_answer(404, after=2), TARGET.id, kind="turn")
        three_records = evidence.flush_to_disk()
        assert three_records[:2] == two_records
        gzip_begins = b"\x1f\x8b"
        assert all(
            read_bytes(archive.folder, record).startswith(gzip_begins) for record in three_records
        )
        archive.change_rows(SHOW_TABLE_OF_RUNS)
        await clock.sleep(LONGEST_PAUSE_BETWEEN_ATTEMPTS + 1)
        assert evidence.flush_to_disk() == []  # none waits once the store has the records
        return three_records

    flushed_records = archive.run_monitor(flush_while_store_fails)
    assert archive.chain() == flushed_records
    assert archive.find_faults() == []


def test_evidence_that_cannot_be_written_to_disk_is_written_later(
    archive: Archive, tmp_path: Path
) -> None:
    """An answer is kept while the folder of evidence is away.

    A flush writes it as soon as the folder is back.
    """

    async def story(evidence: Evidence, _writer: Writer, clock: VirtualClock) -> None:
        hidden = archive.folder.rename(tmp_path / "gone")
        evidence.keep(an_answer(), TARGET.id, kind="turn")
        assert evidence.flush_to_disk() == []  # no record could be written
        hidden.rename(archive.folder)
        assert len(evidence.flush_to_disk()) == 1
        await clock.sleep(LONGEST_PAUSE_BETWEEN_ATTEMPTS + 1)

    archive.run_monitor(story)
    assert archive.find_faults() == []


def test_no_evidence_is_lost_if_its_folder_is_away_briefly(
    archive: Archive, tmp_path: Path
) -> None:
    """An answer and a run that refers to it are kept while the folder of evidence is away, for 2 s.

    The run waits about 3 s for its evidence. So once the folder is back, both are stored.
    """

    async def story(evidence: Evidence, writer: Writer, clock: VirtualClock) -> None:
        hidden = archive.folder.rename(tmp_path / "gone")
        evidence.keep(an_answer(), TARGET.id, kind="turn")
        writer.queue_run(RUN)
        await clock.sleep(2)
        assert runs_of(archive.store, TARGET.id) == []
        assert "No such file" in evidence.appender.describe_fault()
        hidden.rename(archive.folder)
        await clock.sleep(LONGEST_PAUSE_BETWEEN_ATTEMPTS + 1)
        assert evidence.appender.describe_fault() == ""

    archive.run_monitor(story)
    assert runs_of(archive.store, TARGET.id) == [RUN]
    (record,) = archive.chain()
    assert archive.payload(record) == b"Page not found"
    assert archive.find_faults() == []


def test_evidence_is_lost_if_its_folder_stays_away(archive: Archive, tmp_path: Path) -> None:
    """A run waits about 3 s for its evidence, and is then stored without it.

    Here the folder of evidence is away from 1 s to 5 s. The two answers of that time are lost.
    The answers that are kept before and after it can be read.
    """

    async def hide_folder_for_some_seconds(
        evidence: Evidence, writer: Writer, clock: VirtualClock
    ) -> None:
        evidence.keep(an_answer(404, b"kept before"), TARGET.id, kind="before")
        await clock.sleep(1)
        # At 1 s, the folder is moved away.
        hidden = archive.folder.rename(tmp_path / "gone")
        evidence.keep(an_answer(200, b"lost"), TARGET.id, kind="turn")
        writer.queue_run(RUN)
        await clock.sleep(4)
        assert runs_of(archive.store, TARGET.id) == [RUN]
        # At 5 s, the folder is still away. From now on, a longer version of the run is stored at
        # once.
        evidence.keep(an_answer(404, b"lost too"), TARGET.id, kind="turn")
        writer.queue_run(replace(RUN, looks=2))
        await clock.sleep(0.2)
        assert runs_of(archive.store, TARGET.id) == [replace(RUN, looks=2)]
        # The folder is back. The next commit, here that of a run, tests whether it accepts bytes
        # again.
        hidden.rename(archive.folder)
        writer.queue_run(replace(RUN, looks=3))
        await clock.sleep(0.2)
        evidence.keep(an_answer(200, b"kept after"), TARGET.id, kind="turn")

    archive.run_monitor(hide_folder_for_some_seconds)
    kept_before, lost, lost_too, kept_after = archive.chain()
    assert lost.is_lost
    assert lost_too.is_lost
    assert archive.payload(kept_before) == b"kept before"
    assert archive.payload(kept_after) == b"kept after"
    assert archive.find_faults() == []
    # The next start of the monitor goes on with the numbers of the records.
    (kept_by_next_start,) = archive.keep(an_answer(after=60))
    assert kept_by_next_start.number == kept_after.number + 1
    assert archive.find_faults() == []


def test_restart_after_a_loss_leaves_files_as_they_are(archive: Archive, tmp_path: Path) -> None:
    """While the folder is away for 4 s, an answer is lost. The next start moves bytes that belong
    to no record into a file with the ending `.torn`. The lost answer left no bytes, so there is no
    such file.
    """

    async def story(evidence: Evidence, _writer: Writer, clock: VirtualClock) -> None:
        evidence.keep(an_answer(404, b"kept"), TARGET.id, kind="before")
        await clock.sleep(1)
        hidden = archive.folder.rename(tmp_path / "gone")
        evidence.keep(an_answer(200, b"lost"), TARGET.id, kind="turn")
        await clock.sleep(4)  # it counts as lost after about 3 s
        hidden.rename(archive.folder)

    archive.run_monitor(story)
    archive.keep(an_answer(after=60))
    assert [record.is_lost for record in archive.chain()] == [False, True, False]
    assert archive.find_faults() == []
    assert list(archive.folder.glob("*.torn")) == []


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda file: truncate(file, 100)], ids=["deleted", "shortened"]
)
def test_evidence_after_a_deleted_or_shortened_file_can_be_read(
    archive: Archive, damage: Callable[[Path], None]
) -> None:
    """While the monitor runs, the file of its first answer is damaged.

    So it keeps the second answer in a new file.
    """

    async def damage_file_between_two_answers(
        evidence: Evidence, _writer: Writer, clock: VirtualClock
    ) -> None:
        evidence.keep(an_answer(404, b"kept before"), TARGET.id, kind="before")
        await clock.sleep(1)
        (file,) = archive.folder.glob("*.warc.gz")
        damage(file)
        evidence.keep(an_answer(200, b"kept after"), TARGET.id, kind="turn")

    archive.run_monitor(damage_file_between_two_answers)
    kept_before, kept_after = archive.chain()
    assert kept_after.file != kept_before.file
    assert payload_of((archive.folder / kept_after.file).read_bytes()) == b"kept after"


def test_old_evidence_is_deleted_and_marked_as_expired(archive: Archive) -> None:
    """On each of four days, two answers are kept.

    They get the records 1 to 8, in a file for each day.

    Then evidence older than two days is deleted. That is the two oldest files, with the records 1
    to 4. These are marked as expired. A ninth record, of the kind `given_up`, says what was
    deleted.
    """
    for day in range(4):
        archive.keep(
            an_answer(after=86_400 * day),
            an_answer(200, after=86_400 * day),
            start=SLOT + day * DAY,
        )
    deleted_files = archive.give_up(keep_days=2, keep_bytes=1_000_000, start=SLOT + 4 * DAY)
    # The name of a file has the number of its first record.
    assert deleted_files == ["edge-000000001-20180105.warc.gz", "edge-000000003-20180106.warc.gz"]
    *answers, record_of_deletion = archive.chain()
    assert [record.number for record in answers if record.expired] == [1, 2, 3, 4]
    assert [record.number for record in answers if not record.expired] == [5, 6, 7, 8]
    assert (record_of_deletion.kind, record_of_deletion.expired) == ("given_up", None)
    assert archive.find_faults() == []


def test_record_of_a_deletion_names_the_records_and_the_rule(archive: Archive) -> None:
    """There are two files with two records each.

    Evidence may be kept for 400 days, but only 0 MB of it.

    So the older file is deleted, with the records 1 and 2. The newest file is always kept.
    A record of the kind `given_up` names the file, the two records and both limits.
    """
    older_file = archive.keep(an_answer(), an_answer(200))[0].file
    archive.keep(an_answer(404), an_answer(200))
    archive.give_up(keep_days=400, keep_bytes=0)
    record_of_deletion = archive.chain()[-1]
    assert (record_of_deletion.kind, record_of_deletion.expired) == ("given_up", None)
    bytes_of_record = BytesIO(read_bytes(archive.folder, record_of_deletion))
    warc_records = [
        (each.rec_type, each.content_stream().read()) for each in ArchiveIterator(bytes_of_record)
    ]
    _header_of_file, (warc_type, content) = warc_records
    assert warc_type == "metadata"
    assert json.loads(content) == {
        "given_up": {"files": [older_file], "first": 1, "last": 2, "keep_days": 400, "keep_mb": 0}
    }


def give_up_two_answers_of_three(archive: Archive) -> Record:
    """Delete answers 1 and 2 in good order, and keep answer 3. Return the record of the
    deletion.
    """
    for second in range(3):
        archive.keep(an_answer(after=second))
    archive.give_up(keep_days=400, keep_bytes=0)
    assert archive.find_faults() == []
    return archive.chain()[-1]


def test_unrecorded_deletion_of_an_answer_is_reported(archive: Archive) -> None:
    """Three answers were kept.

    The first two were deleted in good order: with a record of their deletion.

    Then someone deletes the third one and marks it as expired, but adds no such record. Only this
    is reported.
    """
    give_up_two_answers_of_three(archive)
    third = archive.chain()[2]
    archive.change_rows("UPDATE evidence SET expired = at WHERE number = 3")
    (archive.folder / third.file).unlink()
    assert archive.find_faults() == [f"evidence edge-3 to edge-3: {UNRECORDED_DELETION}"]


@pytest.mark.parametrize("altered", [b"", b"\x1f\x8bno record"])
def test_deleted_answers_are_reported_if_deletion_record_is_unreadable(
    archive: Archive, altered: bytes
) -> None:
    """Two of three answers were deleted in good order: with a record of their deletion.

    Then someone empties the file with this record, or writes other bytes into it.
    So nothing shows that the two deletions were in order, and they are reported.
    """
    record_of_deletion = give_up_two_answers_of_three(archive)
    (archive.folder / record_of_deletion.file).write_bytes(altered)
    assert archive.find_faults()[0] == f"evidence edge-1 to edge-2: {UNRECORDED_DELETION}"


def test_evidence_is_deleted_even_if_that_cannot_be_recorded(archive: Archive) -> None:
    """Three answers are kept, each in a file.

    All evidence is to be deleted, except the newest file.

    The record of the deletion would be number 4, in a file of that name. A folder has this name
    already. So the record cannot be written, and its bytes are lost. Still, all three files are
    deleted.
    """
    files_of_answers = [archive.keep(an_answer())[0].file for _ in range(3)]
    folder_in_the_way = archive.folder / "edge-000000004-20180105.warc.gz"

    async def delete_all(evidence: Evidence, *_: object) -> list[str]:
        folder_in_the_way.mkdir()
        return await evidence.delete_expired(keep=400 * DAY, most=0)

    # The folder counts as the newest file, so all three files of answers are deleted.
    assert archive.run_monitor(delete_all) == files_of_answers
    folder_in_the_way.rmdir()
    record_of_deletion = archive.chain()[-1]
    assert (record_of_deletion.kind, record_of_deletion.is_lost) == ("given_up", True)
    assert archive.find_faults() == []


def test_oldest_evidence_is_deleted_first_and_newest_file_kept(archive: Archive) -> None:
    """Three answers are kept, each in a file with its number.

    Evidence may have one byte only, so it is too much.

    The first deletion leaves only the third file, because the newest is always kept. Its record
    goes to a fourth file. Now this is the newest. So the second deletion deletes the third file.
    """
    for second in range(3):
        archive.keep(an_answer(after=second))

    async def delete_twice(evidence: Evidence, *_: object) -> list[list[str]]:
        return [await evidence.delete_expired(keep=400 * DAY, most=1) for _ in range(2)]

    deleted_first, deleted_second = archive.run_monitor(delete_twice)
    assert deleted_first == ["edge-000000001-20180105.warc.gz", "edge-000000002-20180105.warc.gz"]
    assert deleted_second == ["edge-000000003-20180105.warc.gz"]
    assert archive.find_faults() == []


@virtually
async def test_answers_are_not_kept_after_close(clock: VirtualClock, archive: Archive) -> None:
    writer = Writer(archive.store, clock)
    evidence = Evidence(archive.folder, archive.store.evidence, writer, clock, "edge")
    evidence.keep(an_answer(), TARGET.id, kind="turn")
    writer.abandon()  # this closes the evidence, too, before the answer above is committed
    await clock.sleep(1)
    assert evidence.keep(an_answer(), TARGET.id, kind="turn") == ""
    assert archive.chain() == []


def test_oldest_evidence_is_deleted_once_new_evidence_exceeds_limit(archive: Archive) -> None:
    """At most 20 MB may be kept. The monitor keeps eight answers of 6 MB each, which is 48 MB.
    After each answer, the oldest files are deleted if there is too much.
    """
    most_bytes, bytes_of_an_answer = 20_000_000, 6_000_000

    async def keep_48_megabytes(evidence: Evidence, writer: Writer, clock: VirtualClock) -> None:
        retention = Retention(
            evidence,
            archive.store,
            writer,
            clock,
            ask=ask_at_once,
            keep=400 * DAY,
            most=most_bytes,
        )
        for second in range(8):
            incompressible = urandom(bytes_of_an_answer)
            evidence.keep(an_answer(200, incompressible, after=second), TARGET.id, kind="turn")
            await writer.write(lambda _tx: None)  # returns when the answer is committed
            await retention.keep_within_limit()

    archive.run_monitor(keep_48_megabytes)
    bytes_left = sum(file.stat().st_size for file in archive.folder.glob("*.gz"))
    # The newest file is never deleted. An answer is added to it while it has less than 16 MB.
    largest_newest_file = 16_000_000 + 1.01 * bytes_of_an_answer  # 1 % for headers
    assert bytes_left <= max(most_bytes, largest_newest_file)
    assert archive.find_faults() == []


async def ask_at_once(question: Callable[[], T]) -> T:
    return question()
