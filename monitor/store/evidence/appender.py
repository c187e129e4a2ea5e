"""Appends answers to files and chains their records.

If the disk refuses bytes, a record says that they are lost.
"""

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
"""The bytes of an answer that could not be compressed or written. Its record says that they are
lost.
"""
PATIENCE = 6
"""After so many refusals in a row, about three seconds, the waiting bytes count as lost."""
LARGEST = 16_000_000
"""The size in bytes after which a new file is started. Only whole files are deleted, so they must
not be too large.
"""


class EvidenceRefused(StoreFault):
    """Raised if the folder of evidence refuses bytes. The store itself may work."""


@dataclass(slots=True)
class Waiting:
    """Bytes that wait for the disk.

    `make_bytes` returns them compressed. `weight` is their size before compression.
    """

    record: Record
    make_bytes: Callable[[], bytes]
    weight: int
    _compressed: bytes | None = None

    def compress(self) -> bytes:
        """Return the compressed bytes.

        They are compressed once, even if the disk or the store refuses them.
        """
        if self._compressed is None:
            self._compressed = self.make_bytes()
        return self._compressed


class Appender:
    """Writes one monitor's files, in the writer's thread.

    If the folder refuses bytes, the batch is tried again up to `PATIENCE` times. After that, until
    the folder accepts bytes again, records state that their bytes are lost, so that runs and
    verdicts can still be stored.
    """

    def __init__(
        self, folder: EvidenceFolder, chain: str, today: date, on_lost: Callable[[], object]
    ) -> None:
        """Begin after a monitor's last record, whose hash is `chain`.

        `on_lost` is called if bytes are lost.
        """
        self._folder = folder
        self._chain = chain
        # Every start begins a new file, so that a file damaged by a crash is never written again.
        self._file, self._day, self._end = "", today, 0
        self._refusals, self._fault = 0, ""
        self._on_lost = on_lost

    def describe_fault(self) -> str:
        """Return why bytes cannot be kept at present, or an empty string."""
        return f"evidence cannot be stored: {self._fault}" if self._refusals else ""

    def append(self, waiting: Sequence[Waiting]) -> list[Record]:
        """Append the bytes of these answers and return their records, chained.

        Call it again for the same answers until their records are committed, and then call
        `continue_after`. Raises `EvidenceRefused` if the disk refuses. From the `PATIENCE`th
        refusal on, the records are marked as lost instead.
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
        """Append the bytes of these answers in one write, and return their records.

        Raises `StoreFault` on refusal.
        """
        self._begin_file_if_needed(waiting[0].record)
        # An answer that cannot be compressed gets a record without bytes, so that the others are
        # kept all the same.
        pieces = [self._compress_or_report_loss(answer) for answer in waiting]
        first_kept = next((place for place, piece in enumerate(pieces) if piece != _NO_BYTES), None)
        if first_kept is not None:
            # a new file begins with a header, which belongs to the first record with bytes
            if self._end == 0:
                header = file_header("ninethirty", self._file, waiting[first_kept].record.at)
                pieces[first_kept] = header + pieces[first_kept]
            self._folder.append(self._file, self._end, b"".join(pieces))
        return self._make_records(waiting, pieces)

    def continue_after(self, last: Record) -> None:
        """Note that all records up to this one are committed. The next bytes follow it."""
        self._end = last.offset + last.length
        self._chain = last.chain

    def test_folder(self) -> None:
        """If the folder has refused bytes, test whether it accepts them again.

        Call this while no bytes wait.
        """
        if self._refusals:
            with suppress(StoreFault):
                self._folder.append(_TRIAL_FILE, 0, bytes(_TRIAL_BYTES))
                self._folder.delete([self._folder.folder / _TRIAL_FILE])
                self._refusals = 0

    def _compress_or_report_loss(self, waiting: Waiting) -> bytes:
        """Return the compressed bytes of an answer.

        If they cannot be made, report the loss and return `_NO_BYTES`.
        """
        try:
            return waiting.compress()
        except Exception as exc:  # noqa: BLE001 # one broken answer must not block all others
            _log.error(
                "evidence_lost", records=[waiting.record.id], fault=type(exc).__name__, exc_info=exc
            )
            self._on_lost()
            return _NO_BYTES

    def _make_records(self, waiting: Sequence[Waiting], pieces: Sequence[bytes]) -> list[Record]:
        """Return the chained records of these pieces, which follow the committed bytes in the
        file.
        """
        records, chain, offset = list[Record](), self._chain, self._end
        for unplaced, piece in zip((answer.record for answer in waiting), pieces, strict=True):
            digest = hashlib.sha256(piece).hexdigest()
            record = replace(
                unplaced, file=self._file, offset=offset, length=len(piece), sha256=digest
            )
            if piece == _NO_BYTES:
                # so that no check or export looks for its bytes
                record = replace(record, expired=record.at)
            records.append(link_record(record, chain))
            chain, offset = records[-1].chain, offset + len(piece)
        return records

    def _begin_file_if_needed(self, first: Record) -> None:
        """Begin a new file if the next bytes must not go into the current one.

        `first` is their first record.
        """
        day = first.at.date()
        has_bytes_of_another_day = day != self._day and self._end > 0
        # to append at `_end` would leave zeros before it
        is_cut = self._folder.size_of(self._file) < self._end
        if not self._file or has_bytes_of_another_day or is_cut or self._end >= LARGEST:
            if self._file and not is_cut:  # "" means that this process has no file yet
                # Bytes after `_end` are from a failed attempt. To append no bytes at `_end` cuts
                # them off.
                self._folder.append(self._file, self._end, b"")
            self._file, self._day, self._end = self._folder.name_for(first.number, day), day, 0
