"""Lays answers down in files, each record chained to the one before; where the disk refuses, records that say so."""

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
"""How often in a row a folder may refuse, which takes the writer three seconds, before bytes are given up for lost."""


LARGEST = 16_000_000
"""Bytes beyond which a file is followed by another: whole files are given up, so a flood must not be one file."""


class EvidenceRefused(StoreFault):
    """The folder of evidence refuses what it should keep; the store itself may be well."""


@dataclass(slots=True)
class Waiting:
    """Bytes on their way to the disk, about `weight` long before `piece` compresses them; and their record so far."""

    record: Record
    piece: Callable[[], bytes]
    weight: int
    _made: bytes | None = None

    def compressed(self) -> bytes:
        """Return the bytes. They are made once, however often the disk or the store refuses them."""
        if self._made is None:
            self._made = self.piece()
        return self._made

    def prepare(self) -> None:
        """Make the bytes ahead of their transaction. Bytes that cannot be made are reported when they are laid."""
        with suppress(Exception):
            self.compressed()


class Appender:
    """Writes one monitor's files, in the writer's thread.

    A folder that refuses holds batches up until it has done so `PATIENCE` times. From then on, and until it takes
    bytes again, records are made that say their bytes could not be kept: what was seen is told all the same.
    """

    def __init__(self, vault: EvidenceFolder, chain: str, today: date, on_lost: Callable[[], object]) -> None:
        """Go on after the record whose `chain` this is, empty for the first.

        `on_lost` is called in the writer's thread whenever bytes were lost.
        """
        self._vault = vault
        self._chain = chain
        # Every start begins a file of its own: whatever a crash did to the old one cannot spread.
        self._file, self._day, self._end = "", today, 0
        self._refusals, self._fault = 0, ""
        self._on_lost = on_lost

    def trouble(self) -> str:
        """Return why bytes cannot be kept at present, empty when they can."""
        return f"what is seen cannot be kept: {self._fault}" if self._refusals else ""

    def append(self, waiting: Sequence[Waiting]) -> list[Record]:
        """Append the bytes of these answers and return their records, chained.

        May be called again for the same ones, and must be until `go_on_after` was told of the last.
        Raises `EvidenceRefused` while the disk refuses and there is hope.
        """
        try:
            laid = self.lay(waiting)
        except StoreFault as fault:
            self._refusals, self._fault = self._refusals + 1, str(fault)
            if self._refusals < PATIENCE:
                raise EvidenceRefused(str(fault)) from fault
            _log.error("evidence_lost", records=[one.record.id for one in waiting], fault=str(fault))
            self._on_lost()
            return self._lost(waiting)
        self._refusals = 0
        return laid

    def lay(self, waiting: Sequence[Waiting]) -> list[Record]:
        """Append as `append` does, once; raises `StoreFault` when the disk refuses."""
        self._open_file(waiting[0].record)
        chain, offset, laid, data = self._chain, self._end, list[Record](), list[bytes]()
        for one in waiting:
            try:
                piece = one.compressed()
            except Exception as exc:  # noqa: BLE001 # one that cannot be made must not keep all others from the store
                _log.error("evidence_lost", records=[one.record.id], fault=type(exc).__name__, exc_info=exc)
                self._on_lost()
                laid.append(self._lost_record(one, chain, offset))
                chain = laid[-1].chain
                continue
            if offset == 0:
                piece = opening(_SOFTWARE, self._file, one.record.at) + piece
            digest = hashlib.sha256(piece).hexdigest()
            placed = replace(one.record, file=self._file, offset=offset, length=len(piece), sha256=digest)
            record = link(placed, chain)
            chain, offset = record.chain, offset + len(piece)
            laid.append(record)
            data.append(piece)
        if data:
            self._vault.append(self._file, self._end, b"".join(data))
        return laid

    def go_on_after(self, last: Record) -> None:
        """Take note that everything up to this record is committed."""
        self._end = last.offset + last.length
        self._chain = last.chain

    def try_again(self) -> None:
        """See whether a folder that refused takes bytes again, while there is nothing to keep."""
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
                # What a failed attempt left behind in the old file belongs to no record.
                self._vault.append(self._file, self._end, b"")
            self._file, self._day, self._end = self._vault.name_for(first.number, day), day, 0
