"""Keeps facts in a local file, the spool, while the store fails, and hands them in afterwards."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, get_args
from urllib.parse import quote

import pydantic_core
import structlog

from alerts.notice import Notice
from monitor.errors import Conflict, EnvironmentFault, StoreFault
from monitor.judge.runs import Blind, Run
from monitor.store.batch import WriteFunction
from monitor.store.evidence.chain import link_record
from monitor.store.open import place_of
from monitor.store.rows import (
    Announced,
    CalendarRead,
    Delivery,
    Heartbeat,
    Record,
    ShownEntries,
    ShownPromises,
)
from monitor.store.sql.engine import Store
from monitor.store.sql.query import Storable, from_values, to_json
from monitor.store.sql.read import EvidenceIndex
from monitor.store.sql.write import Transaction
from schedules.promise import Promise
from schedules.release import Release

_log = structlog.get_logger(__name__)
_FACTS_AT_ONCE = 500
"""The most facts that are handed in in one transaction."""

Fact = (
    Run
    | Blind
    | Record
    | Release
    | Promise
    | Announced
    | CalendarRead
    | Delivery
    | Heartbeat
    | ShownPromises
    | ShownEntries
)
"""What a monitor saw, read or sent. It is true whoever leads, and whenever it is stored."""
_KINDS: dict[str, type[Fact]] = {kind.__name__: kind for kind in get_args(Fact)}


@dataclass(slots=True)
class _Written:
    """What this process has written to the spool: runs by key, writes by Python's `id`, and the
    number of the last record of evidence.

    The writes are kept alive, because Python may give the `id` of a deleted one to another.
    """

    runs: dict[tuple[str, datetime, str], Run] = field(default_factory=dict)
    writes: dict[int, WriteFunction] = field(default_factory=dict)
    last_record: int = 0


class Spool:
    """A file of one monitor with a line of JSON for each fact that the store did not take.

    Every method blocks.
    """

    def __init__(self, folder: Path, monitor: str, url: str, *, durable: bool = True) -> None:
        """Use a file in `folder` while the store at `url` fails.

        Raises `UserFault` if `url` is not a valid address.
        """
        store = sha256(place_of(url).encode()).hexdigest()[:8]
        self.file = folder / f"{quote(monitor, safe='')}-{store}.spool.jsonl"
        self._durable = durable
        self._lock = threading.Lock()
        self._output: BinaryIO | None = None
        self._written = _Written()

    @property
    def has_lines(self) -> bool:
        """Return whether there are facts to hand in."""
        return self.file.exists()

    def append(
        self,
        runs: Sequence[Run],
        writes: Iterable[WriteFunction],
        records: Sequence[Record],
        beat: Heartbeat | None,
    ) -> int:
        """Write the facts that are not in the spool yet, and wait for the disk. Return how many.

        `writes` store facts. If one stores anything else, it and those after it are left out, as if
        the process had ended before. `records` are this monitor's, in the order of their numbers.
        A heartbeat is always written. Raises `StoreFault`.
        """
        with self._lock:
            written = self._written
            new_records = [record for record in records if record.number > written.last_record]
            new_runs = [run for run in runs if written.runs.get(run.key) != run]
            new_writes, facts = self._facts_of(writes)
            facts = [*new_records, *new_runs, *facts]
            self._write_lines([*facts, beat] if beat is not None else facts)
            written.runs |= {run.key: run for run in new_runs}
            written.writes |= {id(write): write for write in new_writes}
            if new_records:
                written.last_record = new_records[-1].number
            return len(facts)

    def has_any(self, writes: Iterable[WriteFunction]) -> bool:
        """Return whether the spool has the facts of any of these writes."""
        return any(id(write) in self._written.writes for write in writes)

    def hand_in(self, store: Store) -> int:
        """Write all facts into the store, and delete the spool. Return how many there were.

        Of a fact that the store has too, the later version stays. A damaged line is logged and left
        out. Facts that contradict the store are put aside with all that follow. Raises
        `StoreFault`, and `EnvironmentFault` if another process writes the spool.
        """
        with self._lock:
            if not self.has_lines:
                return 0
            self._close_file()
            count = 0
            try:
                with self._open_locked("rb") as lines:
                    facts = self._read_facts(lines)
                    while some := list(islice(facts, _FACTS_AT_ONCE)):
                        with store.transaction() as transaction:
                            _hand_in(some, transaction)
                        count += len(some)
            except (Conflict, ValueError) as fault:
                refused = self.file.with_suffix(".refused")
                self.file.replace(refused)
                _log.error("spool_refused", fault=str(fault), kept=str(refused))
            _log.warning("spool_handed_in", facts=count)
            self._delete_file()
            return count

    def delete(self) -> None:
        """Delete the spool, because the store has all its facts."""
        with self._lock:
            self._delete_file()

    def close(self) -> None:
        """Leave the spool to the next process, or to the next start of this one."""
        with self._lock:
            self._close_file()

    def _delete_file(self) -> None:
        self._close_file()
        self.file.unlink(missing_ok=True)

    def _close_file(self) -> None:
        if self._output is not None:
            self._output.close()
        self._output, self._written = None, _Written()

    def _facts_of(self, writes: Iterable[WriteFunction]) -> tuple[list[WriteFunction], list[Fact]]:
        """Return those writes that are not in the spool yet, and the facts that they store."""
        done, facts = list[WriteFunction](), list[Fact]()
        for write in writes:
            if id(write) in self._written.writes:
                continue
            collector = _FactCollector()
            try:
                write(collector)
            except _NoFact:
                break
            done.append(write)
            facts += collector.facts
        return done, facts

    def _write_lines(self, facts: Sequence[Fact]) -> None:
        """Append a line for each fact. If the disk refuses, leave the file as it was."""
        lines = b"".join(_to_line(fact) for fact in facts)
        try:
            if self._output is None:
                self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._output = self._open_locked("ab")
                # It may have facts that are embargoed until their slot.
                os.fchmod(self._output.fileno(), 0o600)
            end = self._output.seek(0, os.SEEK_END)
            try:
                _write_all(self._output, lines)
                if self._durable:
                    os.fsync(self._output.fileno())
            except OSError:
                self._output.truncate(end)
                raise
        except OSError as exc:
            raise StoreFault(f"spool {self.file}: {exc.strerror}") from exc

    def _read_facts(self, lines: Iterable[bytes]) -> Iterator[Fact]:
        for number, line in enumerate(lines, start=1):
            try:
                yield _from_line(line)
            except ValueError:
                # A process that is killed while it writes leaves a part of its last line.
                _log.error("spool_line_damaged", line=number, spool=str(self.file))

    def _open_locked(self, mode: Literal["ab", "rb"]) -> BinaryIO:
        """Open the file for this process only.

        Raises `OSError`, and `EnvironmentFault` if another process has it open.
        """
        file = self.file.open(mode, buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            file.close()
            remedy = "give each monitor a `vantage` of its own under [watch]"
            raise EnvironmentFault(f"another monitor uses {self.file}: {remedy}") from exc
        return file


class _NoFact(Exception):
    """A write stores something that only a leader may decide."""


class _FactCollector(Transaction):
    """Collects the facts that a write would store."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def save(self, *items: Storable) -> None:
        for item in items:
            if not isinstance(item, Fact):
                raise _NoFact
            self.facts.append(item)

    def add_promises(self, promises: Iterable[Promise]) -> None:
        self.facts += promises

    def add_blind(self, blind: Blind) -> None:
        self.facts.append(blind)

    def record_outcome(self, notice: Notice, delivery: Delivery) -> None:  # noqa: ARG002  # in the store
        self.facts.append(delivery)

    def confirm_all(self, calendar: str, releases: Sequence[str], at: datetime) -> None:
        self.facts.append(ShownPromises(calendar, at, tuple(releases)))

    def confirm_entries(self, calendar: str, uids: Sequence[str], at: datetime) -> None:
        self.facts.append(ShownEntries(calendar, at, tuple(uids)))


def _hand_in(facts: Iterable[Fact], transaction: Transaction) -> None:
    index, outbox = transaction.read.evidence, transaction.read.outbox
    for fact in facts:
        match fact:
            case Record():
                if _continues_chain(index, fact):
                    transaction.add_evidence([fact])
            case Run():
                # A run must not name evidence that the store lacks.
                evidence = [record.id for record in index.records(fact.evidence)]
                transaction.save_later(replace(fact, evidence=tuple(evidence)))
            case Delivery():
                # A store that was restored from an older copy may lack its notice.
                if outbox.notice(fact.notice) is not None:
                    transaction.save_later(fact)
            case Blind():
                transaction.add_blind(fact)
            case ShownPromises(calendar, at, releases):
                transaction.confirm_all(calendar, releases, at)
            case ShownEntries(calendar, at, uids):
                transaction.confirm_entries(calendar, uids, at)
            case _:
                transaction.save_later(fact)


def _continues_chain(index: EvidenceIndex, record: Record) -> bool:
    """Return whether a record follows directly on the monitor's last one in the store.

    A store that has switched to an older standby may lack the records between.
    """
    last = index.last(record.monitor)
    number, chain = (last.number, last.chain) if last is not None else (0, "")
    is_next = record.number == number + 1
    return is_next and link_record(record, chain).chain == record.chain


def _to_line(fact: Fact) -> bytes:
    return f'{{"kind":"{type(fact).__name__}","fact":{to_json(fact)}}}\n'.encode()


def _from_line(line: bytes) -> Fact:
    """Return the fact in a line. Raises ValueError if it is damaged."""
    found = pydantic_core.from_json(line)
    kind = _KINDS.get(str(found.get("kind"))) if isinstance(found, dict) else None
    if kind is None:
        raise ValueError("no fact is in this line")
    return from_values(kind, found.get("fact"))


def _write_all(output: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[output.write(rest) :]
