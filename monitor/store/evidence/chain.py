"""Chains records of evidence by hashes, each of which includes the one before, and detects changes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from monitor.store.evidence.folder import files_by_monitor, is_locked, unknown_files
from monitor.store.evidence.warc import GIVEN_UP, last_deleted
from monitor.store.rows import Record
from monitor.store.sql.read import EvidenceIndex

_PAGE = 1000
_START = ""


def link_record(record: Record, previous: str) -> Record:
    """Return the record with its `chain`, given that of the record before (empty for the first)."""
    identity = (record.monitor, record.number, record.kind, record.at.isoformat())
    place = (record.file, record.offset, record.length, record.sha256)
    text = "\n".join(str(part) for part in (previous, *identity, *place))
    return replace(record, chain=hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest())


def read_bytes(folder: Path, record: Record) -> bytes:
    """Return the bytes of a record. Raises OSError if its file cannot be read."""
    with (folder / record.file).open("rb") as file:
        file.seek(record.offset)
        return file.read(record.length)


def verify_evidence(index: EvidenceIndex, folder: Path, monitors: Sequence[str] | None = None) -> list[str]:
    """Return the faults in a folder's evidence, one line each. The list is empty if all bytes and records are intact.

    `monitors` are those with files in this folder, by default all that the store knows. For other monitors only the
    chain in the store is checked. Bytes that a running monitor has written but not committed yet are not a fault.
    """
    every = index.monitors()
    names = every if monitors is None else monitors
    known: set[str] = set()
    faults = [line for name in names for line in _verify_one(index, folder, name, known)]
    faults += [line for name in every if name not in names for line in _verify_one(index, None, name, set())]
    return [*faults, *_unknown_files(folder, known, None if monitors is None else set(monitors))]


def _verify_one(index: EvidenceIndex, folder: Path | None, monitor: str, known: set[str]) -> Iterator[str]:
    """Yield the faults in one monitor's evidence. Without a folder, only those of the chain in the store."""
    previous, number, ends = _START, 0, dict[str, int]()
    faults, marked, explained = list[_Fault](), 0, 0
    last: Record | None = None
    for record in chain_of(index, monitor):
        number += 1
        if record.number != number:
            yield f"evidence of {monitor}: {number} to {record.number - 1} are missing from the store"
            number = record.number
        if link_record(record, previous).chain != record.chain:
            yield f"evidence {record.id}: the chain is broken here: this record or one before it was altered"
        previous, last = record.chain, record
        known.add(record.file)
        if record.kind == GIVEN_UP:
            explained = max(explained, _given_up_to(folder, record))
        if record.expired is None:
            ends[record.file] = record.offset + record.length
            faults += _faults_of_bytes(folder, record)
        elif ends and not record.is_lost:
            faults.append(_Fault(record, "marked as given up, though older evidence is kept"))
        elif not record.is_lost:
            marked = record.number
    if marked > explained:
        upto = f"{monitor}-{explained + 1} to {monitor}-{marked}"
        yield f"evidence {upto}: marked as given up, and the chain knows nothing of it"
    yield from _in_few_lines(faults)
    yield from _files_with_surplus(folder, ends)
    if last is not None and last.expired is not None and not last.is_lost:
        yield f"evidence {last.id}: marked as given up, though it is the newest, which is never given up"


def chain_of(index: EvidenceIndex, monitor: str, after: int = 0) -> Iterator[Record]:
    """Yield every record of a monitor with a number above `after`, in order."""
    while page := index.chain(monitor, after, _PAGE):
        yield from page
        after = page[-1].number


def records_after(index: EvidenceIndex, monitor: str, last: Record | None) -> Iterator[Record]:
    """Yield the records of a monitor after `last` (all for None), up to the first break in the chain."""
    number, previous = (last.number, last.chain) if last else (0, _START)
    for record in chain_of(index, monitor, number):
        if record.number != number + 1 or link_record(record, previous).chain != record.chain:
            return
        yield record
        number, previous = record.number, record.chain


@dataclass(frozen=True, slots=True)
class _Fault:
    record: Record
    what: str


def _faults_of_bytes(folder: Path | None, record: Record) -> Iterator[_Fault]:
    """Yield the fault of a record's bytes, if they are missing or altered."""
    if folder is None:
        return
    try:
        data = read_bytes(folder, record)
    except OSError as exc:
        yield _Fault(record, f"{record.file} cannot be read: {exc.strerror}")
        return
    if len(data) < record.length:
        yield _Fault(record, f"{record.file} ends before it")
    elif hashlib.sha256(data).hexdigest() != record.sha256:
        yield _Fault(record, f"its bytes in {record.file} were altered")


def _given_up_to(folder: Path | None, record: Record) -> int:
    """Return the number of the last record that was deleted, by this record of a deletion. 0 if it is unreadable."""
    if record.is_lost or folder is None:
        # The record exists, but its bytes do not: the disk was full, or they are on another machine.
        return record.number - 1
    try:
        data = read_bytes(folder, record)
    except OSError:
        return 0
    return last_deleted(data) if hashlib.sha256(data).hexdigest() == record.sha256 else 0


def _in_few_lines(faults: Sequence[_Fault]) -> Iterator[str]:
    """Yield one line for equal faults of neighbouring records, because a lost file has hundreds of records."""
    for what, group in groupby(faults, key=lambda fault: fault.what):
        first, *others = (fault.record for fault in group)
        more = f" to {others[-1].id} ({len(others) + 1} records)" if others else ""
        yield f"evidence {first.id}{more}: {what}"


def _files_with_surplus(folder: Path | None, ends: dict[str, int]) -> Iterator[str]:
    """Yield a fault for each file with bytes after its last record, except the newest, which may be growing."""
    if folder is None:
        return
    for name in sorted(ends)[:-1]:
        path = folder / name
        if path.exists() and path.stat().st_size > ends[name]:
            yield f"evidence file {name}: bytes after {ends[name]} belong to no record"


def _unknown_files(folder: Path, known: Collection[str], monitors: Collection[str] | None) -> Iterator[str]:
    """Yield a fault for each file that no record names. It belongs to another store, or this store was emptied."""
    yield from (f"evidence file {name}: no monitor wrote it" for name in unknown_files(folder))
    for monitor, names in files_by_monitor(folder).items():
        if monitors is not None and monitor not in monitors:
            continue
        # A running monitor may have a new file with records that are not committed yet.
        settled = names[:-1] if is_locked(folder, monitor) else names
        yield from (f"evidence file {name}: the store knows of none of it" for name in settled if name not in known)
