"""Chains records of evidence by hashes, each of which includes the one before, and detects changes
of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from monitor.store.evidence.folder import files_by_monitor, is_locked, unknown_files
from monitor.store.evidence.warc import DELETION_KIND, last_deleted
from monitor.store.rows import Record
from monitor.store.sql.read import EvidenceIndex

_START = ""
_OFFLINE_MARK = "~"
"""Separates name and time in the monitor name of evidence that 1.0.0rc1 kept without its store."""


def link_record(record: Record, previous: str) -> Record:
    """Return the record with its `chain`, given that of the record before (empty for the first)."""
    identity = (record.monitor, record.number, record.kind, record.at.isoformat())
    place = (record.file, record.offset, record.length, record.sha256)
    text = "\n".join(str(part) for part in (previous, *identity, *place))
    return replace(record, chain=hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest())


def read_bytes(folder: Path, record: Record) -> bytes:
    """Return the bytes of a record.

    Raises ValueError, with what is wrong, if they are missing or altered.
    """
    try:
        with (folder / record.file).open("rb") as file:
            file.seek(record.offset)
            data = file.read(record.length)
    except OSError as exc:
        raise ValueError(f"{record.file} cannot be read: {exc.strerror}") from exc
    if len(data) < record.length:
        raise ValueError(f"{record.file} ends before it")
    if hashlib.sha256(data).hexdigest() != record.sha256:
        raise ValueError(f"its bytes in {record.file} were altered")
    return data


def is_kept_by(owner: str | None, monitor: str) -> bool:
    """Return whether a monitor's evidence is on the machine of `owner`.

    Without an owner, all evidence is on one machine.
    """
    return owner is None or monitor.partition(_OFFLINE_MARK)[0] == owner


def verify_evidence(index: EvidenceIndex, folder: Path, owner: str | None = None) -> list[str]:
    """Return the faults in a folder's evidence, one line each.

    The list is empty if all bytes and records are intact.

    `owner` is the monitor with files in this folder, by default all are. For other monitors only
    the chain in the store is checked. Bytes that a running monitor has written but not committed
    yet are not a fault.
    """
    faults, known_files = list[str](), set[str]()
    for name in index.monitors():
        check = _MonitorCheck(name, folder if is_kept_by(owner, name) else None)
        faults += check.find_faults(index)
        known_files |= check.files
    return [*faults, *_find_unknown_files(folder, known_files, owner)]


@dataclass(slots=True)
class _MonitorCheck:
    """Checks the records of one monitor in the order of their numbers.

    Without a folder, no bytes are checked. `files` are the files of all its records. `_file_ends`
    has the end of the last record in each file that is kept. The bytes of the records up to the
    number `_deleted_up_to` are deleted, but the records of deletions name only those up to
    `_documented_up_to`. `_byte_faults` has each record with damaged bytes, and what is wrong.
    """

    monitor: str
    folder: Path | None
    files: set[str] = field(default_factory=set)
    _last: Record | None = None
    _file_ends: dict[str, int] = field(default_factory=dict)
    _byte_faults: list[tuple[Record, str]] = field(default_factory=list)
    _deleted_up_to: int = 0
    _documented_up_to: int = 0

    def find_faults(self, index: EvidenceIndex) -> Iterator[str]:
        """Yield the faults in all records and bytes of the monitor, one line each.

        A record whose bytes were deleted stays, with the time in `expired`. A lost record
        (`is_lost`) also has a time in `expired`, because its bytes never reached the disk.
        """
        for record in chain_of(index, self.monitor):
            yield from self._check_link(record)
            self._collect_byte_faults(record)  # they are yielded below, grouped
        if self._deleted_up_to > self._documented_up_to:
            span = (
                f"{self.monitor}-{self._documented_up_to + 1} to"
                f" {self.monitor}-{self._deleted_up_to}"
            )
            yield f"evidence {span}: marked as given up, and the chain knows nothing of it"
        yield from _group_faults(self._byte_faults)
        yield from self._find_bytes_after_last_record()
        newest = self._last
        if newest is not None and newest.expired is not None and not newest.is_lost:
            yield (
                f"evidence {newest.id}: marked as given up, though it is the newest, which is never"
                " given up"
            )

    def _check_link(self, record: Record) -> Iterator[str]:
        """Yield the faults of a record's number and hash, given the record before it."""
        expected, previous = (
            (1, _START) if self._last is None else (self._last.number + 1, self._last.chain)
        )
        if record.number != expected:
            yield (
                f"evidence of {self.monitor}: {expected} to {record.number - 1} are missing from"
                " the store"
            )
        if link_record(record, previous).chain != record.chain:
            yield (
                f"evidence {record.id}: the chain is broken here: this record or one before it was"
                " altered"
            )
        self._last = record

    def _collect_byte_faults(self, record: Record) -> None:
        """Note a fault if a record's bytes are missing or altered, or were deleted before those of
        an older record.
        """
        self.files.add(record.file)
        if record.kind == DELETION_KIND:
            self._documented_up_to = max(
                self._documented_up_to, _read_last_deleted(self.folder, record)
            )
        if record.expired is None:  # its bytes were neither deleted nor lost
            self._file_ends[record.file] = record.offset + record.length
            if self.folder is not None:  # None: the bytes are on another machine
                try:
                    read_bytes(self.folder, record)
                except ValueError as fault:
                    self._byte_faults.append((record, str(fault)))
        elif self._file_ends and not record.is_lost:  # an older record still has its bytes
            self._byte_faults.append((record, "marked as given up, though older evidence is kept"))
        elif not record.is_lost:
            self._deleted_up_to = record.number

    def _find_bytes_after_last_record(self) -> Iterator[str]:
        """Yield a fault for each file with bytes after its last record, except the newest, which
        may be growing.
        """
        if self.folder is None:
            return
        for name in sorted(self._file_ends)[:-1]:
            path = self.folder / name
            if path.exists() and path.stat().st_size > self._file_ends[name]:
                yield (
                    f"evidence file {name}: bytes after {self._file_ends[name]} belong to no record"
                )


def chain_of(index: EvidenceIndex, monitor: str) -> Iterator[Record]:
    """Yield every record of a monitor, in order."""
    after = 0
    while page := index.chain(monitor, after):
        yield from page
        after = page[-1].number


def _read_last_deleted(folder: Path | None, record: Record) -> int:
    """Return the number of the last record with deleted bytes, by the `record` of their deletion.

    0 if unreadable.
    """
    if record.is_lost or folder is None:
        # Its bytes are lost or on another machine. So accept that all records before it were
        # deleted.
        return record.number - 1
    try:
        return last_deleted(read_bytes(folder, record))
    except ValueError:
        return 0


def _group_faults(faults: Sequence[tuple[Record, str]]) -> Iterator[str]:
    """Yield one line for equal faults of neighbouring records, because a lost file has hundreds of
    records.
    """
    for what, group in groupby(faults, key=lambda fault: fault[1]):
        first, *others = (record for record, _ in group)
        more = f" to {others[-1].id} ({len(others) + 1} records)" if others else ""
        yield f"evidence {first.id}{more}: {what}"


def _find_unknown_files(folder: Path, known: Collection[str], owner: str | None) -> Iterator[str]:
    """Yield a fault for each WARC file whose name is not of our form, and for each file of ours
    that no record names.

    Such a file belongs to another store, or this store was emptied. `known` are the files that
    records name. Only the files of `owner` (None: all) are compared with these.
    """
    yield from (f"evidence file {name}: no monitor wrote it" for name in unknown_files(folder))
    for monitor, names in files_by_monitor(folder).items():
        if not is_kept_by(owner, monitor):
            continue
        # A running monitor may have a new file with records that are not committed yet.
        to_compare = names[:-1] if is_locked(folder, monitor) else names
        yield from (
            f"evidence file {name}: the store knows of none of it"
            for name in to_compare
            if name not in known
        )
