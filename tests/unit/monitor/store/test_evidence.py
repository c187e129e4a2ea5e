from __future__ import annotations

import gzip
import hashlib
import json
import stat
import zipfile
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from os import urandom
from pathlib import Path
from typing import Any, TypeVar

import pytest
from warcio.archiveiterator import ArchiveIterator

from alerts.finding import ReleaseFacts
from alerts.incident import Incident, Kind
from monitor.clock import VirtualClock
from monitor.errors import StoreFault, UserFault
from monitor.judge.runs import Run
from monitor.look.fetch import Answer, Failure, Reason, Request
from monitor.look.sighting import State
from monitor.plan.targets import Target, View
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.evidence.appender import LARGEST
from monitor.store.evidence.bundle import Exported, export
from monitor.store.evidence.chain import read, verify
from monitor.store.evidence.evidence import Evidence
from monitor.store.retention import Retention
from monitor.store.rows import Record
from monitor.store.sql.engine import SqlStore
from monitor.store.writer import Writer
from tests.contracts.rows import runs_of
from tests.unit.monitor.store.payloads import payload_of

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
TARGET = Target("r/page/edge", "r", "page", View.EDGE, "https://www.gov.uk/x", "www.gov.uk", "status")
RUN = Run(TARGET.id, State.PRESENT, SLOT, SLOT, SLOT, SLOT)
Make = Callable[..., Answer]
T = TypeVar("T")
Story = Callable[[Evidence, Writer, VirtualClock], Coroutine[Any, Any, T]]


def play(store: SqlStore, folder: Path, story: Story[T], start: datetime = SLOT, monitor: str = "edge") -> T:
    async def whole(clock: VirtualClock) -> T:
        writer = Writer(store, clock)
        evidence = Evidence(folder, store.evidence, writer, clock, monitor)
        result = await story(evidence, writer, clock)
        await writer.close()
        return result

    return run_virtually(whole, start)


def keep_all(
    store: SqlStore, folder: Path, *answers: Answer, start: datetime = SLOT, monitor: str = "edge"
) -> list[Record]:
    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> list[str]:
        return [evidence.keep(one, "r/page/edge", "turn") for one in answers]

    return store.evidence.records(play(store, folder, story, start, monitor))


def flip_a_byte(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def test_what_was_kept_is_read_back_byte_for_byte(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    first, second = keep_all(sqlite, tmp_path / "ev", answer(404, b"\0no"), answer(200, b"The figures", after=1.5))
    assert payload_of(read(tmp_path / "ev", first)) == b"\0no"
    assert payload_of(read(tmp_path / "ev", second)) == b"The figures"
    assert (first.id, first.kind, first.at) == ("edge-1", "turn", answer().received)
    assert hashlib.sha256(read(tmp_path / "ev", second)).hexdigest() == second.sha256
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def test_any_warc_tool_can_read_a_file_of_evidence(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    kept = keep_all(sqlite, tmp_path / "ev", answer(200, b"Out"), answer(404))
    with (tmp_path / "ev" / kept[0].file).open("rb") as file:
        found = [(it.rec_type, it.rec_headers, it.http_headers) for it in ArchiveIterator(file, check_digests="raise")]
    assert [kind for kind, _, _ in found] == ["warcinfo", "response", "response"]
    _, headers, http = found[1]
    assert headers.get_header("WARC-Target-URI") == "https://www.gov.uk/x?y=1"
    assert headers.get_header("WARC-Date") == "2018-01-05T09:30:00.025000Z"
    assert headers.get_header("X-Ninethirty-Record") == "edge-1"
    assert http.get_statuscode() == "200"
    assert http.get_header("X-Archive-Orig-content-encoding") == "br"


def test_the_folder_and_its_files_are_the_service_accounts_alone(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    (tmp_path / "ev").mkdir(mode=0o755)
    keep_all(sqlite, tmp_path / "ev", answer())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "ev").iterdir()}
    assert stat.S_IMODE((tmp_path / "ev").stat().st_mode) == 0o700
    assert modes == {0o600}


def test_a_change_keeps_the_last_look_before_it_and_each_look_once(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> list[tuple[str, ...]]:
        ids = [evidence.keep_turn(TARGET, answer(404, b"first"))]
        evidence.remember(TARGET, answer(404, b"last", after=1))
        ids.append(evidence.keep_turn(TARGET, answer(200, b"out", after=2)))
        ids.append(evidence.keep_turn(TARGET, answer(404, b"gone", after=3)))
        return ids

    ids = play(sqlite, tmp_path / "ev", story)
    assert ids == [("edge-1",), ("edge-2", "edge-3"), ("edge-3", "edge-4")]
    kept = sqlite.evidence.records(["edge-1", "edge-2", "edge-3", "edge-4"])
    assert [payload_of(read(tmp_path / "ev", it)) for it in kept] == [b"first", b"last", b"out", b"gone"]
    assert [it.kind for it in kept] == ["turn", "before", "turn", "turn"]


def test_the_last_look_is_kept_with_the_request_it_answered(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> None:
        asked, head = Request(TARGET.url, etag='"abc"'), b" HTTP/1.1\r\nHost: www.gov.uk\r\nAccept: text/html\r\n"
        evidence.remember(TARGET, replace(answer(404, b"absent"), request=asked, head=head, unique=0xBEEF))
        evidence.keep_turn(TARGET, answer(200, b"out", after=1))

    play(sqlite, tmp_path / "ev", story)
    before, turn = (it for name in ("edge-1", "edge-2") for it in sqlite.evidence.records([name]))
    head = (
        b'GET /x?y=1&ninethirty=beef HTTP/1.1\r\nHost: www.gov.uk\r\nAccept: text/html\r\nIf-None-Match: "abc"\r\n\r\n'
    )
    assert head in gzip.decompress(read(tmp_path / "ev", before))
    assert b"WARC-Type: request" not in gzip.decompress(read(tmp_path / "ev", turn))


def test_nothing_is_remembered_of_a_target_that_is_looked_at_no_more(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> tuple[str, ...]:
        evidence.remember(TARGET, answer(404, b"absent"))
        evidence.forget(TARGET.id)
        evidence.forget(TARGET.id)
        return evidence.keep_turn(TARGET, answer(200, b"out", after=1))

    assert play(sqlite, tmp_path / "ev", story) == ("edge-1",)
    assert [it.kind for it in sqlite.evidence.records(["edge-1"])] == ["turn"]


def test_a_failed_look_keeps_the_last_answer_before_it(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    failure = Failure(TARGET.url, Reason.RESET, "reset by peer", SLOT, SLOT)

    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> list[tuple[str, ...]]:
        evidence.remember(TARGET, answer(404, b"absent"))
        evidence.remember(TARGET, failure)
        return [evidence.keep_turn(TARGET, failure), evidence.keep_turn(TARGET, failure)]

    assert play(sqlite, tmp_path / "ev", story) == [("edge-1",), ()]


def test_a_long_body_is_remembered_short_and_says_so(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> tuple[str, ...]:
        evidence.remember(TARGET, answer(200, b"x" * 1_000_000))
        return evidence.keep_turn(TARGET, answer(200, b"y" * 1_000_000, after=1))

    before, turn = sqlite.evidence.records(list(play(sqlite, tmp_path / "ev", story)))
    assert len(payload_of(read(tmp_path / "ev", before))) == 32_000
    assert len(payload_of(read(tmp_path / "ev", turn))) == 1_000_000


def test_the_same_page_is_remembered_packed_and_only_once(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> tuple[bool, int]:
        packed = []
        for second in range(2):
            evidence.remember(TARGET, answer(200, b"page " * 4000, after=second))
            packed.append(evidence._last._last[TARGET.id].packed)
        return packed[0] is packed[1], len(packed[0])

    is_same, size = play(sqlite, tmp_path / "ev", story)
    assert is_same
    assert size < 1000


def test_what_is_remembered_of_many_targets_stays_bounded(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> int:
        for number in range(2000):
            evidence.remember(replace(TARGET, id=f"r{number}/page/edge"), answer(404, urandom(30_000)))
        return sum(len(last.packed) for last in evidence._last._last.values())

    assert play(sqlite, tmp_path / "ev", story) <= 16_000_000


def test_a_calendar_that_did_not_change_is_kept_once(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> list[str]:
        bodies = (b"one", b"one", b"two", b"two", b"one")
        return [evidence.keep_changed(answer(200, body), "~calendar/govuk", "calendar") for body in bodies]

    assert play(sqlite, tmp_path / "ev", story) == ["edge-1", "edge-1", "edge-2", "edge-2", "edge-3"]


def test_each_start_and_each_day_begin_a_file_and_the_chain_goes_on(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    async def over_midnight(evidence: Evidence, _writer: Writer, clock: VirtualClock) -> None:
        evidence.keep(answer(), "t", "turn")
        await clock.sleep(1)
        evidence.keep(answer(after=86_400), "t", "turn")

    play(sqlite, tmp_path / "ev", over_midnight)
    keep_all(sqlite, tmp_path / "ev", answer(after=86_401))
    assert [it.file for it in sqlite.evidence.chain("edge")] == [
        "edge-000000001-20180105.warc.gz",
        "edge-000000002-20180106.warc.gz",
        "edge-000000003-20180106.warc.gz",
    ]
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def test_two_processes_cannot_write_the_same_evidence(sqlite: SqlStore, tmp_path: Path) -> None:
    async def story(_evidence: Evidence, writer: Writer, clock: VirtualClock) -> None:
        with pytest.raises(StoreFault, match="another process"):
            Evidence(tmp_path / "ev", sqlite.evidence, writer, clock, "edge")

    play(sqlite, tmp_path / "ev", story)
    play(sqlite, tmp_path / "ev", lambda _e, _w, clock: clock.sleep(0))


def test_a_torn_end_is_cut_off_at_the_next_start_and_kept_beside(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    record = keep_all(sqlite, tmp_path / "ev", answer())[0]
    file = tmp_path / "ev" / record.file
    whole = file.read_bytes()
    file.write_bytes(whole + b"\x1f\x8bhalf a record")
    (tmp_path / "ev" / "edge-000000002-20180105.warc.gz").write_bytes(b"never committed")
    keep_all(sqlite, tmp_path / "ev", answer(after=5))
    assert file.read_bytes() == whole
    assert (tmp_path / "ev" / f"{record.file}.torn").read_bytes() == b"\x1f\x8bhalf a record"
    assert (tmp_path / "ev" / "edge-000000002-20180105.warc.gz.torn").read_bytes() == b"never committed"
    assert verify(sqlite.evidence, tmp_path / "ev") == []
    assert len(sqlite.evidence.chain("edge")) == 2


def test_an_altered_byte_a_lost_file_and_a_lost_row_all_show(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    folder = tmp_path / "ev"
    first = keep_all(sqlite, folder, answer(), answer(200))[0]
    lost = keep_all(sqlite, folder, answer(after=1))[0]
    cut = keep_all(sqlite, folder, answer(after=2))[0]
    flip_a_byte(folder / first.file, first.offset + 40)
    (folder / lost.file).unlink()
    (folder / cut.file).write_bytes((folder / cut.file).read_bytes()[:-20])
    assert verify(sqlite.evidence, folder, ["edge"]) == [
        f"evidence edge-1: its bytes in {first.file} were altered",
        f"evidence edge-3: {lost.file} cannot be read: No such file or directory",
        f"evidence edge-4: {cut.file} ends before it",
    ]


@pytest.mark.parametrize(
    ("meddling", "told"),
    [
        ("UPDATE evidence SET kind = 'before' WHERE number = 2", "edge-2: the chain is broken"),
        ("UPDATE evidence SET at = at + 1 WHERE number = 1", "edge-1: the chain is broken"),
        ("DELETE FROM evidence WHERE number = 2", "2 to 2 are missing"),
    ],
)
def test_a_row_that_was_altered_or_removed_breaks_the_chain(
    sqlite: SqlStore, tmp_path: Path, answer: Make, meddling: str, told: str
) -> None:
    keep_all(sqlite, tmp_path / "ev", answer(), answer(200), answer(404))
    with sqlite._engine.begin() as connection:
        connection.exec_driver_sql(meddling)
    assert any(told in line for line in verify(sqlite.evidence, tmp_path / "ev"))


def test_a_file_that_is_lost_or_cut_is_told_in_one_line(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    kept = keep_all(sqlite, tmp_path / "ev", *(answer(after=n) for n in range(6)))
    file = tmp_path / "ev" / kept[0].file
    whole = file.read_bytes()
    file.write_bytes(whole[: kept[3].offset])
    assert verify(sqlite.evidence, tmp_path / "ev") == [
        f"evidence edge-4 to edge-6 (3 records): {file.name} ends before it"
    ]
    file.unlink()
    told = f"evidence edge-1 to edge-6 (6 records): {file.name} cannot be read: No such file or directory"
    assert verify(sqlite.evidence, tmp_path / "ev") == [told]


def test_evidence_that_a_store_knows_nothing_of_is_told(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    keep_all(sqlite, tmp_path / "ev", answer())
    with sqlite._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM evidence")
    told = ["evidence file edge-000000001-20180105.warc.gz: the store knows of none of it"]
    assert verify(sqlite.evidence, tmp_path / "ev") == verify(sqlite.evidence, tmp_path / "ev", ["edge"]) == told
    assert verify(sqlite.evidence, tmp_path / "ev", ["north"]) == []
    (tmp_path / "ev" / "slipped-in.warc").write_bytes(b"")
    assert verify(sqlite.evidence, tmp_path / "ev", ["north"]) == ["evidence file slipped-in.warc: no monitor wrote it"]


def test_of_another_monitor_the_chain_is_checked_without_its_files(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    keep_all(sqlite, tmp_path / "ours", answer(), monitor="north")
    keep_all(sqlite, tmp_path / "theirs", answer(), answer(200), answer(404), monitor="south")
    assert verify(sqlite.evidence, tmp_path / "ours", ["north"]) == []
    with sqlite._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE evidence SET expired = at WHERE monitor = 'south' AND number = 1")
    told = "evidence south-1 to south-1: marked as given up, and the chain knows nothing of it"
    assert verify(sqlite.evidence, tmp_path / "ours", ["north"]) == [told]
    with sqlite._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM evidence WHERE monitor = 'south' AND number = 2")
    lines = verify(sqlite.evidence, tmp_path / "ours", ["north"])
    assert lines[:1] == ["evidence of south: 2 to 2 are missing from the store"]
    assert not any("cannot be read" in line for line in lines)


def test_what_another_monitor_gave_up_by_its_chain_is_no_fault(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    theirs = tmp_path / "theirs"
    for second in range(2):
        keep_all(sqlite, theirs, answer(after=second), monitor="south")
    play(sqlite, theirs, lambda evidence, _w, _c: evidence.retain(timedelta(days=400), 0), monitor="south")
    assert [it.expired is not None for it in sqlite.evidence.chain("south")] == [True, False, False]
    assert verify(sqlite.evidence, tmp_path / "ours", ["north"]) == verify(sqlite.evidence, theirs) == []


def test_a_file_that_a_running_monitor_has_just_begun_is_no_fault(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    async def story(_evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> list[str]:
        (tmp_path / "ev" / "edge-000000002-20180105.warc.gz").write_bytes(b"not committed yet")
        return verify(sqlite.evidence, tmp_path / "ev")

    keep_all(sqlite, tmp_path / "ev", answer())
    assert play(sqlite, tmp_path / "ev", story) == []
    assert len(verify(sqlite.evidence, tmp_path / "ev")) == 1


@pytest.mark.parametrize(("number", "told"), [(2, "older evidence is kept"), (3, "it is the newest")])
def test_evidence_marked_as_given_up_where_it_cannot_be_is_told(
    sqlite: SqlStore, tmp_path: Path, answer: Make, number: int, told: str
) -> None:
    keep_all(sqlite, tmp_path / "ev", answer(), answer(200), answer(404))
    with sqlite._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE evidence SET expired = at WHERE number = ?", (number,))
    assert any(told in line for line in verify(sqlite.evidence, tmp_path / "ev"))


def test_bytes_slipped_into_an_older_file_show(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    older = keep_all(sqlite, tmp_path / "ev", answer())[0]
    keep_all(sqlite, tmp_path / "ev", answer())
    with (tmp_path / "ev" / older.file).open("ab") as file:
        file.write(b"slipped in")
    assert verify(sqlite.evidence, tmp_path / "ev") == [
        f"evidence file {older.file}: bytes after {older.length} belong to no record"
    ]


def test_evidence_whose_batch_failed_is_written_again_without_a_gap(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    with sqlite._engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE run RENAME TO hidden")

    async def story(evidence: Evidence, writer: Writer, clock: VirtualClock) -> None:
        evidence.keep(answer(), "t", "turn")
        writer.put(RUN)
        await clock.sleep(1)
        evidence.keep(answer(200, after=1), "t", "turn")
        assert sqlite.evidence.chain("edge") == []
        with sqlite._engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE hidden RENAME TO run")
        await clock.sleep(6)

    play(sqlite, tmp_path / "ev", story)
    assert [it.number for it in sqlite.evidence.chain("edge")] == [1, 2]
    assert verify(sqlite.evidence, tmp_path / "ev") == []
    assert runs_of(sqlite, [TARGET.id]) == [RUN]


def test_what_waits_for_a_store_that_fails_is_laid_down_as_the_store_will_have_it(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    with sqlite._engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE run RENAME TO hidden")

    async def story(evidence: Evidence, writer: Writer, clock: VirtualClock) -> list[list[Record]]:
        evidence.keep(answer(), "t", "turn")
        writer.put(RUN)
        await clock.sleep(1)
        evidence.keep(answer(200, after=1), "t", "turn")
        laid = [evidence.lay_down(), evidence.lay_down()]
        evidence.keep(answer(404, after=2), "t", "turn")
        laid.append(evidence.lay_down())
        assert [read(tmp_path / "ev", record)[:2] for record in laid[-1]] == [b"\x1f\x8b"] * 3
        with sqlite._engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE hidden RENAME TO run")
        await clock.sleep(6)
        assert evidence.lay_down() == []
        return laid

    first, again, all_of_it = play(sqlite, tmp_path / "ev", story)
    assert first == again == all_of_it[:2]
    assert sqlite.evidence.chain("edge") == all_of_it
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def test_evidence_that_cannot_be_laid_down_goes_on_waiting(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    async def story(evidence: Evidence, _writer: Writer, clock: VirtualClock) -> None:
        hidden = (tmp_path / "ev").rename(tmp_path / "gone")
        evidence.keep(answer(), "t", "turn")
        assert evidence.lay_down() == []
        hidden.rename(tmp_path / "ev")
        assert len(evidence.lay_down()) == 1
        await clock.sleep(6)

    play(sqlite, tmp_path / "ev", story)
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def test_a_folder_that_refuses_for_a_moment_loses_nothing(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    async def story(evidence: Evidence, writer: Writer, clock: VirtualClock) -> None:
        hidden = (tmp_path / "ev").rename(tmp_path / "gone")
        evidence.keep(answer(), "t", "turn")
        writer.put(RUN)
        await clock.sleep(2)
        assert runs_of(sqlite, [TARGET.id]) == []
        assert "No such file" in evidence.appender.trouble()
        hidden.rename(tmp_path / "ev")
        await clock.sleep(6)
        assert evidence.appender.trouble() == ""

    play(sqlite, tmp_path / "ev", story)
    assert runs_of(sqlite, [TARGET.id]) == [RUN]
    (record,) = sqlite.evidence.chain("edge")
    assert payload_of(read(tmp_path / "ev", record)) == b"Page not found"
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def test_a_folder_that_goes_on_refusing_holds_up_no_run_and_the_loss_is_recorded(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    async def story(evidence: Evidence, writer: Writer, clock: VirtualClock) -> None:
        evidence.keep(answer(404), "t", "before")
        await clock.sleep(1)
        hidden = (tmp_path / "ev").rename(tmp_path / "gone")
        evidence.keep(answer(200, b"lost"), "t", "turn")
        writer.put(RUN)
        await clock.sleep(4)
        assert runs_of(sqlite, [TARGET.id]) == [RUN]
        evidence.keep(answer(404, b"lost too"), "t", "turn")
        writer.put(replace(RUN, looks=2))
        await clock.sleep(0.2)
        assert runs_of(sqlite, [TARGET.id]) == [replace(RUN, looks=2)]
        hidden.rename(tmp_path / "ev")
        writer.put(replace(RUN, looks=3))
        await clock.sleep(0.2)
        assert evidence.appender.trouble() == ""
        evidence.keep(answer(200, b"kept"), "t", "turn")

    play(sqlite, tmp_path / "ev", story)
    chain = sqlite.evidence.chain("edge")
    assert [(record.number, record.is_lost) for record in chain] == [(1, False), (2, True), (3, True), (4, False)]
    assert all(record.expired for record in chain[1:3])
    assert payload_of(read(tmp_path / "ev", chain[3])) == b"kept"
    assert verify(sqlite.evidence, tmp_path / "ev") == []
    again = keep_all(sqlite, tmp_path / "ev", answer(after=60))
    assert (again[0].number, verify(sqlite.evidence, tmp_path / "ev")) == (5, [])


def test_a_restart_after_a_loss_leaves_the_files_as_they_are(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    async def story(evidence: Evidence, _writer: Writer, clock: VirtualClock) -> None:
        evidence.keep(answer(404, b"kept"), "t", "before")
        await clock.sleep(1)
        hidden = (tmp_path / "ev").rename(tmp_path / "gone")
        evidence.keep(answer(200, b"lost"), "t", "turn")
        await clock.sleep(4)
        hidden.rename(tmp_path / "ev")

    play(sqlite, tmp_path / "ev", story)
    keep_all(sqlite, tmp_path / "ev", answer(after=60))
    assert [record.is_lost for record in sqlite.evidence.chain("edge")] == [False, True, False]
    assert verify(sqlite.evidence, tmp_path / "ev") == []
    assert list((tmp_path / "ev").glob("*.torn")) == []


def test_old_evidence_is_given_up_with_the_stores_knowledge(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    for day in range(4):
        begin = SLOT + timedelta(days=day)
        keep_all(sqlite, tmp_path / "ev", answer(after=86_400 * day), answer(200, after=86_400 * day), start=begin)

    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> list[str]:
        return await evidence.retain(timedelta(days=2), 1_000_000)

    now = SLOT + timedelta(days=4)
    given_up = play(sqlite, tmp_path / "ev", story, now)
    assert given_up == ["edge-000000001-20180105.warc.gz", "edge-000000003-20180106.warc.gz"]
    expired = [it.expired is not None for it in sqlite.evidence.chain("edge")]
    assert expired == [True] * 4 + [False] * 5
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def test_what_was_given_up_and_by_which_rule_is_an_entry_of_the_chain(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    for second in range(2):
        keep_all(sqlite, tmp_path / "ev", answer(after=second), answer(200, after=second))
    play(sqlite, tmp_path / "ev", lambda evidence, _w, _c: evidence.retain(timedelta(days=400), 0))
    entry = sqlite.evidence.chain("edge")[-1]
    found = ArchiveIterator(BytesIO(read(tmp_path / "ev", entry)), check_digests="raise")
    told = [(it.rec_type, it.content_stream().read()) for it in found]
    assert (entry.kind, entry.expired, [kind for kind, _ in told]) == ("given_up", None, ["warcinfo", "metadata"])
    names = ["edge-000000001-20180105.warc.gz"]
    said = {"files": names, "first": 1, "last": 2, "keep_days": 400, "keep_mb": 0}
    assert json.loads(told[1][1]) == {"given_up": said}


@pytest.mark.parametrize("kept", [b"", b"\x1f\x8bno record", None])
def test_a_mark_that_no_entry_of_the_chain_explains_is_told(
    sqlite: SqlStore, tmp_path: Path, answer: Make, kept: bytes | None
) -> None:
    for second in range(3):
        keep_all(sqlite, tmp_path / "ev", answer(after=second))
    play(sqlite, tmp_path / "ev", lambda evidence, _w, _c: evidence.retain(timedelta(days=400), 0))
    assert verify(sqlite.evidence, tmp_path / "ev") == []
    with sqlite._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE evidence SET expired = at WHERE number <= 3")
    third, entry = sqlite.evidence.chain("edge")[2:]
    (tmp_path / "ev" / third.file).unlink()
    told = "marked as given up, and the chain knows nothing of it"
    assert verify(sqlite.evidence, tmp_path / "ev") == [f"evidence edge-3 to edge-3: {told}"]
    if kept is not None:
        (tmp_path / "ev" / entry.file).write_bytes(kept)
        assert verify(sqlite.evidence, tmp_path / "ev")[0] == f"evidence edge-1 to edge-3: {told}"


def test_a_folder_that_cannot_take_the_entry_is_relieved_all_the_same(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    for second in range(3):
        keep_all(sqlite, tmp_path / "ev", answer(after=second))

    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> list[str]:
        # Where the next file would begin lies something that is no file.
        (tmp_path / "ev" / "edge-000000004-20180105.warc.gz").mkdir()
        return await evidence.retain(timedelta(days=400), 0)

    assert len(play(sqlite, tmp_path / "ev", story)) == 3
    (tmp_path / "ev" / "edge-000000004-20180105.warc.gz").rmdir()
    assert [(it.kind, it.is_lost) for it in sqlite.evidence.chain("edge")][-1] == ("given_up", True)
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def test_evidence_beyond_its_room_is_given_up_oldest_first_but_never_the_newest(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    for second in range(3):
        keep_all(sqlite, tmp_path / "ev", answer(after=second))

    async def story(evidence: Evidence, _writer: Writer, _clock: VirtualClock) -> list[str]:
        return [*await evidence.retain(timedelta(days=400), 1), *await evidence.retain(timedelta(days=400), 1)]

    given_up = play(sqlite, tmp_path / "ev", story)
    # What was given up first is told in a file of its own, which is the newest from then on.
    assert given_up == [f"edge-00000000{first}-20180105.warc.gz" for first in (1, 2, 3)]
    assert verify(sqlite.evidence, tmp_path / "ev") == []


def incident(slot: datetime | None = SLOT) -> Incident:
    facts = ReleaseFacts(
        "r", "T", "ofqual", "https://x", "Europe/London", slot, "", None, None, "early", "report",
        final=False, at=SLOT,
    )  # fmt: skip
    return Incident("i", Kind.EARLY, "r", "ofqual", "T", SLOT, SLOT, "report", facts)


def test_an_export_holds_every_record_with_the_hashes_to_check_it(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    kept = keep_all(sqlite, tmp_path / "ev", answer(404), answer(200, b"out"), answer(404, b"of another release"))
    with sqlite.transaction() as tx:
        tx.save_runs([replace(RUN, evidence=("edge-1", "edge-2"))])
    out = tmp_path / "i.zip"
    assert export(sqlite, tmp_path / "ev", incident(), out, SLOT + timedelta(hours=1)) == Exported(2, {})
    with zipfile.ZipFile(out) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        held = {name: archive.read(name) for name in archive.namelist()}
    assert set(held) == {"SHA256SUMS", "manifest.json", "records/edge-1.warc.gz", "records/edge-2.warc.gz"}
    assert [hashlib.sha256(held[it["path"]]).hexdigest() for it in manifest["records"]] == [
        it.sha256 for it in kept[:2]
    ]
    assert payload_of(held["records/edge-2.warc.gz"]) == b"out"
    assert chain_by_hand(manifest["records"]) == [it["chain"] for it in manifest["records"]]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def chain_by_hand(entries: list[dict[str, Any]]) -> list[str]:
    """Follow the manifest's own words on how to check it."""
    names = ("previous", "monitor", "number", "kind", "at", "file", "offset", "length", "sha256")
    return [hashlib.sha256("\n".join(str(it[name]) for name in names).encode()).hexdigest() for it in entries]


def test_an_export_is_checked_by_tools_that_everyone_has(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    keep_all(sqlite, tmp_path / "ev", answer(404), answer(200, b"of another release"), answer(200, b"out"))
    with sqlite.transaction() as tx:
        tx.save_runs([replace(RUN, evidence=("edge-1", "edge-3"))])
    for name, hours in (("a", 1), ("b", 9)):
        export(sqlite, tmp_path / "ev", incident(), tmp_path / name, SLOT + timedelta(hours=hours))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with zipfile.ZipFile(tmp_path / "a") as archive:
        archive.extractall(tmp_path / "out")
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o600}
    entries = json.loads((tmp_path / "out" / "manifest.json").read_text())["records"]
    assert [entry["number"] for entry in entries] == [1, 3]
    assert chain_by_hand(entries) == [entry["chain"] for entry in entries]
    checked = [sha256sum_c(tmp_path / "out")]
    flip_a_byte(tmp_path / "out" / "records" / "edge-3.warc.gz", 40)
    assert [*checked, sha256sum_c(tmp_path / "out")] == [[], ["records/edge-3.warc.gz"]]


def test_an_export_tells_of_what_was_given_up_and_by_which_entry_of_the_chain(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    def give_up(day: int) -> None:
        start = SLOT + timedelta(days=day)
        play(sqlite, tmp_path / "ev", lambda evidence, _w, _c: evidence.retain(timedelta(days=400), 0), start)

    keep_all(sqlite, tmp_path / "ev", answer(404), answer(200, b"of another release"))
    keep_all(sqlite, tmp_path / "ev", answer(200, b"out"))
    give_up(1)
    keep_all(sqlite, tmp_path / "ev", answer(200, b"of another release"))
    with sqlite.transaction() as tx:
        tx.save_runs([replace(RUN, evidence=("edge-1", "edge-3"))])

    def exported(name: str) -> tuple[Exported, list[dict[str, Any]], set[str]]:
        made = export(sqlite, tmp_path / "ev", incident(), tmp_path / name, SLOT + timedelta(hours=1))
        with zipfile.ZipFile(tmp_path / name) as archive:
            entries = json.loads(archive.read("manifest.json"))["records"]
            assert chain_by_hand(entries) == [it["chain"] for it in entries]
            return made, entries, {one for one in archive.namelist() if one.startswith("records/")}

    made, entries, held = exported("a")
    assert [(it["id"], it["kind"], it["given_up"]) for it in entries] == [
        ("edge-1", "turn", "edge-4"),
        ("edge-3", "turn", None),
        ("edge-4", "given_up", None),
    ]
    assert [it["expired"] is None for it in entries] == [False, True, True]
    assert (made, held) == (Exported(2, {}), {"records/edge-3.warc.gz", "records/edge-4.warc.gz"})
    give_up(2)
    made, entries, held = exported("b")
    # What said so first is given up itself by now, and that is said as well.
    assert [(it["id"], it["given_up"]) for it in entries] == [
        ("edge-1", "edge-4"),
        ("edge-3", "edge-6"),
        ("edge-4", "edge-6"),
        ("edge-6", None),
    ]
    assert (made, held) == (Exported(1, {}), {"records/edge-6.warc.gz"})


def test_an_export_holds_what_one_of_two_monitors_kept_and_names_the_other(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    keep_all(sqlite, tmp_path / "ours", answer(404), answer(200, b"out"), monitor="north")
    keep_all(sqlite, tmp_path / "theirs", answer(200, b"out"), monitor="south")
    with sqlite.transaction() as tx:
        tx.save_runs([replace(RUN, evidence=("north-1", "north-2", "south-1"))])
    later = SLOT + timedelta(hours=1)
    exported = export(sqlite, tmp_path / "ours", incident(), tmp_path / "i.zip", later, own=["north"])
    assert exported == Exported(2, {"south": 1})
    with zipfile.ZipFile(tmp_path / "i.zip") as archive:
        entries = json.loads(archive.read("manifest.json"))["records"]
    assert [(it["id"], it["path"] is None, it["expired"]) for it in entries] == [
        ("north-1", False, None),
        ("north-2", False, None),
        ("south-1", True, None),
    ]
    with pytest.raises(StoreFault, match=r"north-1: .* cannot be read"):
        export(sqlite, tmp_path / "theirs", incident(), tmp_path / "j.zip", later, own=["north"])


def test_monitors_of_one_folder_of_evidence_export_all_of_it(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    for monitor in ("north", "south"):
        keep_all(sqlite, tmp_path / "ev", answer(200, b"out"), monitor=monitor)
    with sqlite.transaction() as tx:
        tx.save_runs([replace(RUN, evidence=("north-1", "south-1"))])
    later = SLOT + timedelta(hours=1)
    assert export(sqlite, tmp_path / "ev", incident(), tmp_path / "i.zip", later, own=["north"]) == Exported(2, {})


def sha256sum_c(folder: Path) -> list[str]:
    """Return the files that `sha256sum -c SHA256SUMS` would call failed."""
    lines = [line.split("  ", 1) for line in (folder / "SHA256SUMS").read_text().splitlines()]
    return [name for digest, name in lines if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest]


def test_the_evidence_of_an_early_release_stays_closed_until_its_slot(sqlite: SqlStore, tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="closed until its slot"):
        export(sqlite, tmp_path, incident(SLOT), tmp_path / "i.zip", SLOT - timedelta(seconds=1))
    assert not (tmp_path / "i.zip").exists()


def test_an_export_never_overwrites_and_never_holds_altered_bytes(
    sqlite: SqlStore, tmp_path: Path, answer: Make
) -> None:
    record = keep_all(sqlite, tmp_path / "ev", answer())[0]
    with sqlite.transaction() as tx:
        tx.save_runs([replace(RUN, evidence=("edge-1",))])
    (tmp_path / "there.zip").write_bytes(b"")
    with pytest.raises(UserFault, match="never overwrites"):
        export(sqlite, tmp_path / "ev", incident(), tmp_path / "there.zip", SLOT)
    flip_a_byte(tmp_path / "ev" / record.file, 20)
    with pytest.raises(StoreFault, match="altered"):
        export(sqlite, tmp_path / "ev", incident(), tmp_path / "i.zip", SLOT)


def test_nothing_is_kept_after_the_end(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    async def story(clock: VirtualClock) -> str:
        writer = Writer(sqlite, clock)
        evidence = Evidence(tmp_path / "ev", sqlite.evidence, writer, clock, "edge")
        evidence.keep(answer(), "t", "turn")
        writer.abandon()
        await clock.sleep(1)
        return evidence.keep(answer(), "t", "turn")

    assert run_virtually(story) == ""
    assert sqlite.evidence.chain("edge") == []
    assert len(keep_all(sqlite, tmp_path / "ev", answer())) == 1


def test_a_flood_of_evidence_is_bounded_on_the_day_it_comes(sqlite: SqlStore, tmp_path: Path, answer: Make) -> None:
    async def story(evidence: Evidence, writer: Writer, clock: VirtualClock) -> None:
        keep, most = timedelta(days=400), 20_000_000
        retention = Retention(evidence, Still(), sqlite, writer, clock, ask=at_once, keep=keep, most=most)
        for second in range(8):
            evidence.keep(answer(200, urandom(6_000_000), after=second), "r/page/edge", "turn")
            await writer.write(lambda _tx: None)
            await retention.bound()

    play(sqlite, tmp_path / "ev", story)
    room = sum(file.stat().st_size for file in (tmp_path / "ev").glob("*.gz"))
    assert room < 20_000_000 + 1.5 * LARGEST
    assert verify(sqlite.evidence, tmp_path / "ev") == []


async def at_once(question: Callable[[], T]) -> T:
    return question()


class Still:
    async def compact(self) -> int:
        return 0
