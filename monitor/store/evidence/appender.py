"""Appends answers to files and chains their records."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date

import structlog

from monitor.errors import StoreFault
from monitor.store.evidence.chain import link_record
from monitor.store.evidence.folder import EvidenceFolder
from monitor.store.evidence.warc import file_header
from monitor.store.rows import Record

_log = structlog.get_logger(__name__)
_TRIAL_FILE, _TRIAL_BYTES = ".trial", 65_536
_NO_BYTES = b""
"""Of an answer that could not be compressed or written: its record says that they are lost."""
PATIENCE = 6
"""After so many refusals in a row, about three seconds, the waiting bytes count as lost."""
LARGEST = 16_000_000
"""After so many bytes a new file begins. Only whole files are deleted, so they must not
be large.
"""


class EvidenceRefused(StoreFault):
    """Raised if the folder of evidence refuses bytes. The store itself may work."""


@dataclass(slots=True)
class Waiting:
    """Bytes that wait for the disk, `weight` before compression."""

    record: Record
    make_bytes: Callable[[], bytes]
    weight: int
    _compressed: bytes | None = None

    def compress(self) -> bytes:
        """Return the bytes, compressed once, even if disk or store refuse them."""
        if self._compressed is None:
            self._compressed = self.make_bytes()
        return self._compressed


class Appender:
    """Writes one monitor's files, in the writer's thread.

    If the folder refuses bytes, the batch is tried up to `PATIENCE` times. Then records say that
    their bytes are lost, so that runs and verdicts can be stored, until the folder accepts bytes
    again.
    """

    def __init__(
        self, folder: EvidenceFolder, chain: str, today: date, on_lost: Callable[[], object]
    ) -> None:
        """Begin after a monitor's last record, whose hash is `chain`."""
        self._folder = folder
        self._chain = chain
        # So that a file damaged by a crash is never written again.
        self._file, self._day, self._end = "", today, 0
        self._refusals, self._fault = 0, ""
        self._on_lost = on_lost

    def describe_fault(self) -> str:
        """Return why bytes cannot be kept at present, or an empty string."""
        return f"evidence cannot be stored: {self._fault}" if self._refusals else ""

    def append(self, waiting: Sequence[Waiting]) -> list[Record]:
        """Append the bytes of these answers and return their chained records.

        Repeat it for the same ones until they are committed, then call `continue_after`. Raises
        `EvidenceRefused` up to the `PATIENCE`th refusal, then marks the records as lost.
        """
        try:
            records = self.try_append(waiting)
        except StoreFault as fault:
            self._refusals, self._fault = self._refusals + 1, str(fault)
            if self._refusals < PATIENCE:
                raise EvidenceRefused(str(fault)) from fault
            _log.error(
                "evidence_lost", records=[answer.record.id for answer in waiting], fault=str(fault)
            )
            self._on_lost()
            return self._make_records(waiting, [_NO_BYTES] * len(waiting))
        self._refusals = 0
        return records

    def try_append(self, waiting: Sequence[Waiting]) -> list[Record]:
        """Append these bytes in one write and return their records. Raises `StoreFault`
        on refusal.
        """
        self._begin_file_if_needed(waiting[0].record)
        # One that cannot be compressed must not stop the others.
        pieces = [self._compress_or_report_loss(answer) for answer in waiting]
        first_kept = next((place for place, piece in enumerate(pieces) if piece != _NO_BYTES), None)
        if first_kept is not None:
            # A new file's header belongs to the first record with bytes.
            if self._end == 0:
                header = file_header("ninethirty", self._file, waiting[first_kept].record.at)
                pieces[first_kept] = header + pieces[first_kept]
            self._folder.append(self._file, self._end, b"".join(pieces))
        return self._make_records(waiting, pieces)

    def continue_after(self, last: Record) -> None:
        """Note that all records up to this one are committed."""
        self._end = last.offset + last.length
        self._chain = last.chain

    def test_folder(self) -> None:
        """Test whether a folder that refused accepts bytes again. Call this while none wait."""
        if self._refusals:
            with suppress(StoreFault):
                self._folder.append(_TRIAL_FILE, 0, bytes(_TRIAL_BYTES))
                self._folder.delete([self._folder.folder / _TRIAL_FILE])
                self._refusals = 0

    def _compress_or_report_loss(self, waiting: Waiting) -> bytes:
        """Return the compressed bytes of an answer, `_NO_BYTES` if they cannot be made."""
        try:
            return waiting.compress()
        except Exception as exc:  # noqa: BLE001 # one broken answer must not block all others
            _log.error(
                "evidence_lost", records=[waiting.record.id], fault=type(exc).__name__, exc_info=exc
            )
            self._on_lost()
            return _NO_BYTES

    def _make_records(self, waiting: Sequence[Waiting], pieces: Sequence[bytes]) -> list[Record]:
        """Return the chained records of these pieces, which follow the committed bytes."""
        records, chain, offset = list[Record](), self._chain, self._end
        for unplaced, piece in zip((answer.record for answer in waiting), pieces, strict=True):
            digest = hashlib.sha256(piece).hexdigest()
            record = replace(
                unplaced, file=self._file, offset=offset, length=len(piece), sha256=digest
            )
            if piece == _NO_BYTES:
                record = replace(record, expired=record.at)
            records.append(link_record(record, chain))
            chain, offset = records[-1].chain, offset + len(piece)
        return records

    def _begin_file_if_needed(self, first: Record) -> None:
        """Begin a new file if bytes from record `first` on must not go into the current one."""
        day = first.at.date()
        has_bytes_of_another_day = day != self._day and self._end > 0
        # Appending at `_end` would leave zeros before it.
        is_cut = self._folder.size_of(self._file) < self._end
        if not self._file or has_bytes_of_another_day or is_cut or self._end >= LARGEST:
            if self._file and not is_cut:
                # Cuts off the bytes of a failed attempt.
                self._folder.append(self._file, self._end, b"")
            self._file, self._day, self._end = self._folder.name_for(first.number, day), day, 0
