"""The evidence of an incident as a bundle that anyone can check."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import StoreFault, UserFault
from monitor.store.evidence.bundle import export_bundle
from tests.worlds.evidence import Archive, an_answer, payload_of
from tests.worlds.incidents import an_incident
from tests.worlds.instants import DAY, HOUR, SECOND, SLOT
from tests.worlds.looks import PRESENT, a_run

OF_ANOTHER_RELEASE = an_answer(200, b"of another release")
Entries = list[dict[str, Any]]


def save_run_with_evidence(archive: Archive, *records: str) -> None:
    """Save a run of the release of the incident, with these records as its evidence."""
    with archive.store.transaction() as tx:
        tx.save(a_run("page", PRESENT, evidence=records))


def export(
    archive: Archive, file: Path, owner: str | None = None
) -> tuple[Entries, dict[str, bytes]]:
    """Return the entries of the manifest of an export, and its files.

    `owner` is the monitor whose evidence is on this machine, by default all is.
    """
    export_bundle(archive.store, archive.folder, an_incident(), file, SLOT + HOUR, owner)
    with zipfile.ZipFile(file) as bundle:
        files = {info.filename: bundle.read(info) for info in bundle.infolist()}
        assert {info.external_attr >> 16 for info in bundle.infolist()} == {0o600}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    entries = json.loads(files["manifest.json"])["records"]
    assert chain_by_hand(entries) == [entry["chain"] for entry in entries]
    return entries, files


def chain_by_hand(entries: Entries) -> list[str]:
    """Follow the manifest's own instructions for checking it."""
    names = ("previous", "monitor", "number", "kind", "at", "file", "offset", "length", "sha256")
    return [
        hashlib.sha256("\n".join(str(entry[name]) for name in names).encode()).hexdigest()
        for entry in entries
    ]


def failed_checks(files: dict[str, bytes]) -> list[str]:
    lines = [line.split("  ", 1) for line in files["SHA256SUMS"].decode().splitlines()]
    return [name for digest, name in lines if hashlib.sha256(files[name]).hexdigest() != digest]


def delete_all_files_but_the_newest(archive: Archive, start: datetime) -> None:
    archive.give_up(keep_days=400, keep_bytes=0, start=start)


def records_in(files: dict[str, bytes]) -> set[str]:
    return {
        name.split("/")[1].removesuffix(".warc.gz") for name in files if name.startswith("records/")
    }


def test_export_contains_every_record_and_its_hash(archive: Archive, tmp_path: Path) -> None:
    """The third answer is no evidence of this incident, so it is not exported."""
    kept = archive.keep(an_answer(404), an_answer(200, b"out"), OF_ANOTHER_RELEASE)
    save_run_with_evidence(archive, "edge-1", "edge-2")
    entries, files = export(archive, tmp_path / "i.zip")
    assert {*files} == {
        "manifest.json",
        "SHA256SUMS",
        "records/edge-1.warc.gz",
        "records/edge-2.warc.gz",
    }
    hashes = [hashlib.sha256(files[entry["path"]]).hexdigest() for entry in entries]
    assert hashes == [record.sha256 for record in kept[:2]]
    assert payload_of(files["records/edge-2.warc.gz"]) == b"out"


def test_hashes_in_an_export_show_which_record_was_altered(
    archive: Archive, tmp_path: Path
) -> None:
    """`failed_checks` finds the files that `sha256sum -c SHA256SUMS` would."""
    archive.keep(an_answer(404), OF_ANOTHER_RELEASE, an_answer(200, b"out"))
    save_run_with_evidence(archive, "edge-1", "edge-3")
    entries, files = export(archive, tmp_path / "i.zip")
    assert [entry["number"] for entry in entries] == [1, 3]
    assert failed_checks(files) == []
    altered = bytearray(files["records/edge-3.warc.gz"])
    altered[40] ^= 1
    assert failed_checks(files | {"records/edge-3.warc.gz": bytes(altered)}) == [
        "records/edge-3.warc.gz"
    ]


def test_two_exports_at_different_times_have_the_same_bytes(
    archive: Archive, tmp_path: Path
) -> None:
    archive.keep(an_answer(404))
    save_run_with_evidence(archive, "edge-1")
    for name, hours in (("a", 1), ("b", 9)):
        export_bundle(
            archive.store, archive.folder, an_incident(), tmp_path / name, SLOT + hours * HOUR
        )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_export_lists_deleted_records_with_the_record_of_their_deletion(
    archive: Archive, tmp_path: Path
) -> None:
    """Three answers are kept as evidence: edge-1 and edge-2 in one file, edge-3 in a newer one.

    The older file is deleted, and edge-4 records that. Then the evidence of an incident is
    exported: edge-1 and edge-3. The export lists both, and edge-4, which explains why edge-1 has no
    bytes.
    """
    archive.keep(an_answer(404), OF_ANOTHER_RELEASE)  # edge-1 and edge-2
    archive.keep(an_answer(200, b"out"))  # edge-3
    delete_all_files_but_the_newest(archive, start=SLOT + DAY)
    save_run_with_evidence(archive, "edge-1", "edge-3")
    entries, files = export(archive, tmp_path / "a.zip")
    # The kind `given_up` is that of a record of a deletion.
    kinds = {entry["id"]: entry["kind"] for entry in entries}
    assert kinds == {"edge-1": "turn", "edge-3": "turn", "edge-4": "given_up"}
    # The field `given_up` of a deleted record names the record of its deletion.
    record_of_deletion = {entry["id"]: entry["given_up"] for entry in entries}
    assert record_of_deletion == {"edge-1": "edge-4", "edge-3": None, "edge-4": None}
    assert [entry["id"] for entry in entries if entry["expired"]] == ["edge-1"]
    # The export contains the bytes of the two records that are not deleted.
    assert records_in(files) == {"edge-3", "edge-4"}


def test_export_lists_a_deletion_record_that_was_itself_deleted(
    archive: Archive, tmp_path: Path
) -> None:
    """The answers edge-1 and edge-2 are evidence of an incident.

    First edge-1 is deleted, and edge-3 records that.

    A day later edge-2 and edge-3 are deleted, and edge-5 records that. The export lists all four.
    Each deleted one names the record of its deletion. Only edge-5 still has bytes.
    """
    archive.keep(an_answer(404))  # edge-1
    archive.keep(an_answer(200, b"out"))  # edge-2
    delete_all_files_but_the_newest(archive, start=SLOT + DAY)
    archive.keep(OF_ANOTHER_RELEASE)  # edge-4
    delete_all_files_but_the_newest(archive, start=SLOT + 2 * DAY)
    save_run_with_evidence(archive, "edge-1", "edge-2")
    entries, files = export(archive, tmp_path / "b.zip")
    record_of_deletion = {entry["id"]: entry["given_up"] for entry in entries}
    assert record_of_deletion == {
        "edge-1": "edge-3",
        "edge-2": "edge-5",
        "edge-3": "edge-5",
        "edge-5": None,
    }
    assert records_in(files) == {"edge-5"}


def test_an_export_of_one_of_two_monitors_names_the_other(archive: Archive, tmp_path: Path) -> None:
    """North and south keep evidence on two machines.

    North's export also names the record that only south has.
    """
    machine_of_north, machine_of_south = (
        archive,
        replace(archive, folder=tmp_path / "other machine"),
    )
    machine_of_north.keep(an_answer(404), an_answer(200, b"out"), monitor="north")
    machine_of_south.keep(an_answer(200, b"out"), monitor="south")
    save_run_with_evidence(archive, "north-1", "north-2", "south-1")
    entries, _files = export(machine_of_north, tmp_path / "i.zip", owner="north")
    has_file = {entry["id"]: entry["path"] is not None for entry in entries}
    assert has_file == {"north-1": True, "north-2": True, "south-1": False}
    # None of the records was deleted.
    assert {entry["expired"] for entry in entries} == {None}


@pytest.mark.parametrize(
    "name_of_north", ["north", "north~20180105T093000Z"], ids=["usual", "while store was away"]
)
def test_export_is_refused_without_the_files_of_its_monitor(
    archive: Archive, tmp_path: Path, name_of_north: str
) -> None:
    """The monitor "north" has kept an answer as evidence.

    It runs on this machine, so its files must be here.

    But the folder is empty. So the export is refused. It is the same if north kept the answer while
    the store was away, under a name like "north~20180105T093000Z".
    """
    archive.keep(an_answer(404), monitor=name_of_north)
    save_run_with_evidence(archive, f"{name_of_north}-1")
    with_empty_folder = replace(archive, folder=tmp_path / "empty folder")
    with pytest.raises(StoreFault, match=rf"{name_of_north}-1: .* cannot be read"):
        export(with_empty_folder, tmp_path / "i.zip", owner="north")


def test_export_includes_other_monitors_evidence_in_its_folder(
    archive: Archive, tmp_path: Path
) -> None:
    """Evidence of north and south is in one folder. The export expects only files of north on this
    machine (`owner`). But those of south are there too, so both records are exported.
    """
    for monitor in ("north", "south"):
        archive.keep(an_answer(200, b"out"), monitor=monitor)
    save_run_with_evidence(archive, "north-1", "south-1")
    _entries, files = export(archive, tmp_path / "i.zip", owner="north")
    assert records_in(files) == {"north-1", "south-1"}


def test_evidence_of_an_early_release_is_closed_until_slot(
    archive: Archive, tmp_path: Path
) -> None:
    with pytest.raises(UserFault, match="closed until its slot"):
        export_bundle(archive.store, tmp_path, an_incident(), tmp_path / "i.zip", SLOT - SECOND)
    assert not (tmp_path / "i.zip").exists()


def test_an_export_never_overwrites_a_file(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "there.zip").write_bytes(b"")
    with pytest.raises(UserFault, match="never overwrites"):
        export(archive, tmp_path / "there.zip")


def test_an_export_with_altered_bytes_is_refused(archive: Archive, tmp_path: Path) -> None:
    (record,) = archive.keep(an_answer())
    save_run_with_evidence(archive, "edge-1")
    archive.flip_a_byte(record.file, 20)
    with pytest.raises(StoreFault, match="altered"):
        export(archive, tmp_path / "i.zip")
