"""Writes answers to files, with chained records. If the disk refuses, it makes records that say so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date

import structlog

from monitor.errors import StoreFault
from monitor.store.evidence.chain import link
from monitor.store.evidence.folder import EvidenceFolder
from monitor.store.evidence.warc import opening
from monitor.store.rows import Record

_log = structlog.get_logger(__name__)
_SOFTWARE = "ninethirty"
_TRIAL = 65_536
_OF_NOTHING = hashlib.sha256(b"").hexdigest()
PATIENCE = 6
"""After so many refusals in a row, about three seconds, the waiting bytes count as lost."""


LARGEST = 16_000_000
"""The size in bytes after which a new file is started. Only whole files are deleted, so they must not be too large."""


class EvidenceRefused(StoreFault):
    """The folder of evidence refuses bytes. The store itself may work."""


@dataclass(slots=True)
class Waiting:
    """Bytes that wait for the disk, and their record so far. `weight` is their size before `piece` compresses them."""

    record: Record
    piece: Callable[[], bytes]
    weight: int
    _made: bytes | None = None

    def compressed(self) -> bytes:
        """Return the compressed bytes. They are made once, even if the disk or the store refuses them."""
        if self._made is None:
            self._made = self.piece()
        return self._made

    def prepare(self) -> None:
        """Compress the bytes before their transaction. A failure is reported when they are written."""
        with suppress(Exception):
            self.compressed()


class Appender:
    """Writes one monitor's files, in the writer's thread.

    If the folder refuses, the batch is tried again up to `PATIENCE` times. After that, until the folder takes bytes
    again, records are made that say that their bytes could not be kept. So runs and verdicts are still stored.
    """

    def __init__(self, vault: EvidenceFolder, chain: str, today: date, on_lost: Callable[[], object]) -> None:
        """Continue after the record with this `chain`, empty for the first.

        `on_lost` is called in the writer's thread when bytes were lost.
        """
        self._vault = vault
        self._chain = chain
        # Every start begins a new file, so that a file damaged by a crash is never written again.
        self._file, self._day, self._end = "", today, 0
        self._refusals, self._fault = 0, ""
        self._on_lost = on_lost

    def trouble(self) -> str:
        """Return why bytes cannot be kept at present, or an empty string."""
        return f"evidence cannot be stored: {self._fault}" if self._refusals else ""

    def append(self, waiting: Sequence[Waiting]) -> list[Record]:
        """Append the bytes of these answers and return their records, chained.

        Call it again for the same answers until their records are committed, and then call `go_on_after`. Raises
        `EvidenceRefused` if the disk refuses, up to `PATIENCE` times.
        """
        try:
            placed = self.append_once(waiting)
        except StoreFault as fault:
            self._refusals, self._fault = self._refusals + 1, str(fault)
            if self._refusals < PATIENCE:
                raise EvidenceRefused(str(fault)) from fault
            _log.error("evidence_lost", records=[one.record.id for one in waiting], fault=str(fault))
            self._on_lost()
            return self._lost(waiting)
        self._refusals = 0
        return placed

    def append_once(self, waiting: Sequence[Waiting]) -> list[Record]:
        """Append the bytes, as `append` does, but raise `StoreFault` at the first refusal."""
        self._open_file(waiting[0].record)
        chain, offset, made, data = self._chain, self._end, list[Record](), list[bytes]()
        for one in waiting:
            try:
                piece = one.compressed()
            except Exception as exc:  # noqa: BLE001 # one broken answer must not block all others
                _log.error("evidence_lost", records=[one.record.id], fault=type(exc).__name__, exc_info=exc)
                self._on_lost()
                made.append(self._lost_record(one, chain, offset))
                chain = made[-1].chain
                continue
            if offset == 0:
                piece = opening(_SOFTWARE, self._file, one.record.at) + piece
            digest = hashlib.sha256(piece).hexdigest()
            placed = replace(one.record, file=self._file, offset=offset, length=len(piece), sha256=digest)
            record = link(placed, chain)
            chain, offset = record.chain, offset + len(piece)
            made.append(record)
            data.append(piece)
        if data:
            self._vault.append(self._file, self._end, b"".join(data))
        return made

    def go_on_after(self, last: Record) -> None:
        """Note that everything up to this record is committed. The next bytes follow it."""
        self._end = last.offset + last.length
        self._chain = last.chain

    def try_again(self) -> None:
        """If no bytes wait, test whether a folder that refused bytes accepts them again."""
        if not self._refusals:
            return
        try:
            self._vault.append(self._file, self._end, bytes(_TRIAL))
            self._vault.append(self._file, self._end, b"")
        except StoreFault:
            return
        self._refusals = 0

    def _lost(self, waiting: Sequence[Waiting]) -> list[Record]:
        chain, lost = self._chain, list[Record]()
        for one in waiting:
            lost.append(self._lost_record(one, chain, self._end))
            chain = lost[-1].chain
        return lost

    def _lost_record(self, one: Waiting, chain: str, offset: int) -> Record:
        seen = one.record
        return link(replace(seen, file=self._file, offset=offset, sha256=_OF_NOTHING, expired=seen.at), chain)

    def _open_file(self, first: Record) -> None:
        day = first.at.date()
        if not self._file or (day != self._day and self._end > 0) or self._end >= LARGEST:
            if self._file:
                # Cut off what a failed attempt left in the old file.
                self._vault.append(self._file, self._end, b"")
            self._file, self._day, self._end = self._vault.name_for(first.number, day), day, 0
