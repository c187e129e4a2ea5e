"""The chain of evidence: each record's digest rests on the one before, so that nothing changes unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from monitor.record.rows import Record
from monitor.record.store import Store

_PAGE = 1000
_START = ""


def link(record: Record, previous: str) -> Record:
    """Return the record with its `chain`, given that of the record before (empty for the first)."""
    told = (record.monitor, record.number, record.kind, record.at.isoformat())
    kept = (record.file, record.offset, record.length, record.sha256)
    text = "\n".join(str(part) for part in (previous, *told, *kept))
    return replace(record, chain=hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest())


def read(folder: Path, record: Record) -> bytes:
    """Return the bytes of a record; raises OSError when its file cannot be read."""
    with (folder / record.file).open("rb") as file:
        file.seek(record.offset)
        return file.read(record.length)


def verify(store: Store, folder: Path, monitors: Sequence[str] | None = None) -> list[str]:
    """Return what is wrong with the evidence in a folder, one line each; empty when nothing was altered or lost.

    `monitors` are those whose files lie in this folder; all that the store knows of by default. What a
    running monitor has written but not committed yet is no fault.
    """
    names = store.evidence_monitors() if monitors is None else monitors
    return [line for name in names for line in _verify_one(store, folder, name)]


def _verify_one(store: Store, folder: Path, monitor: str) -> Iterator[str]:
    previous, number, ends = _START, 0, dict[str, int]()
    for record in _every(store, monitor):
        number += 1
        if record.number != number:
            yield f"evidence of {monitor}: {number} to {record.number - 1} are missing from the store"
            number = record.number
        if link(record, previous).chain != record.chain:
            yield f"evidence {record.id}: the chain is broken here: this record or one before it was altered"
        previous = record.chain
        if record.expired is None:
            ends[record.file] = record.offset + record.length
            yield from _faults_of_bytes(folder, record)
    yield from _surplus(folder, ends)


def _every(store: Store, monitor: str) -> Iterator[Record]:
    after = 0
    while page := store.evidence_chain(monitor, after, _PAGE):
        yield from page
        after = page[-1].number


def _faults_of_bytes(folder: Path, record: Record) -> Iterator[str]:
    try:
        data = read(folder, record)
    except OSError as exc:
        yield f"evidence {record.id}: {record.file} cannot be read: {exc.strerror}"
        return
    if len(data) < record.length:
        yield f"evidence {record.id}: {record.file} ends before it"
    elif hashlib.sha256(data).hexdigest() != record.sha256:
        yield f"evidence {record.id}: its bytes in {record.file} were altered"


def _surplus(folder: Path, ends: dict[str, int]) -> Iterator[str]:
    """Tell of bytes that no record accounts for; the newest file may be growing just now."""
    for name in sorted(ends)[:-1]:
        path = folder / name
        if path.exists() and path.stat().st_size > ends[name]:
            yield f"evidence file {name}: bytes after {ends[name]} belong to no record"
