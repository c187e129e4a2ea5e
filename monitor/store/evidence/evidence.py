"""Keeps the bytes of answers at each change of state, in WARC files, with chained records in the store."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

import structlog

from monitor.clock import Clock
from monitor.errors import StoreFault
from monitor.look.fetch import Answer, Failure
from monitor.plan.targets import Target
from monitor.store.batch import ROWS_AT_ONCE, BatchMember
from monitor.store.evidence.appender import Appender, Waiting
from monitor.store.evidence.folder import EvidenceFolder, first_number
from monitor.store.evidence.headers import RecentHeaders
from monitor.store.evidence.last_answers import LastAnswers
from monitor.store.evidence.warc import GIVEN_UP, Deletion, answer_records, deletion_record
from monitor.store.rows import Record
from monitor.store.sql.read import EvidenceIndex
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import run_in_thread

_log = structlog.get_logger(__name__)
_MOST_WAITING = 64_000_000
_MOST_AT_ONCE = 4_000_000
"""The most bytes that one transaction writes to the disk, unless a single answer is larger."""
_SMALL = 256_000
"""The most bytes that are compressed inside a transaction. More is compressed before it."""
_DAY = timedelta(days=1)
_MOST_CHANGES = 24
"""The most changes of a target in an hour that are kept as bytes. More changes of an unstable page prove no more."""
_HOUR = timedelta(hours=1)
_MOST_CHANGING = 10_000
_MOST_KNOWN = 2_000
"""How many of the last committed records stay in memory, in case the store loses them."""


class Evidence(BatchMember):
    """Keeps answers. Their bytes and records are written in the same batch as the runs that they prove.

    Create it in the event loop's thread before the writer has work, and call its methods there, except `write`,
    `note_committed` and `flush`. At most 64 MB wait while the store fails. Beyond that, `keep` drops answers and
    returns "". Evidence must not be disclosed before its slot, so only the service account can read folder and files.
    """

    def __init__(  # noqa: PLR0913 # everything it connects
        self,
        folder: Path,
        index: EvidenceIndex,
        writer: Writer,
        clock: Clock,
        monitor: str,
        *,
        durable: bool = True,
        on_lost: Callable[[], object] = lambda: None,
    ) -> None:
        """`on_lost` is called in the writer's thread when bytes were lost."""
        self._writer = writer
        self._clock = clock
        self._monitor = monitor
        self._vault = EvidenceFolder(folder, monitor, durable=durable)
        self._index = index
        last = index.last(monitor)
        self.repaired_files = self._vault.truncate_uncommitted(last)
        self._number = last.number if last else 0
        self.is_grown = True
        """Whether evidence was written since its size was last checked."""
        self.appender = Appender(self._vault, last.chain if last else "", clock.now().date(), on_lost)
        self.headers = RecentHeaders()
        self._waiting: deque[Waiting] = deque()
        self._weight = self._next = 0
        self._closed = False
        self._lock = threading.Lock()
        # This lock is held while bytes are written to the disk. No look waits for it.
        self._appending = threading.Lock()
        self._flushed: list[Record] = []
        self._written: list[Record] = []
        known = [] if last is None else index.chain(monitor, max(0, last.number - _MOST_KNOWN), _MOST_KNOWN)
        self._committed: deque[Record] = deque(known, maxlen=_MOST_KNOWN)
        # If the store fails over during the start, it may have lost the records that were just read from it.
        self._is_in_doubt = True
        self._last = LastAnswers()
        self._changes: dict[str, list[datetime]] = {}
        self._unchanged: dict[tuple[str, str], tuple[str, str]] = {}
        writer.add_member(self)

    def keep(self, answer: Answer, target: str, kind: str) -> str:
        """Keep an answer and return the id of its record. `kind` is the reason: `turn`, `before` or `calendar`."""
        with self._lock:
            if self._closed or self._weight + len(answer.body) > _MOST_WAITING:
                return ""
            piece = partial(answer_records, answer, target=target)
            name = self._queue_record(kind, answer.received, piece, len(answer.body))
        self.headers.put(name, answer)
        self._writer.request_batch()
        return name

    def keep_changed(self, answer: Answer, target: str, kind: str) -> str:
        """Keep an answer, unless the last one kept for this address has the same body. Return the id of its record."""
        known, name = self._unchanged.get((target, answer.url), ("", ""))
        if known != answer.digest or not name:
            name = self.keep(answer, target, kind)
            self._unchanged[target, answer.url] = (answer.digest, name)
        return name

    def keep_state_change(self, target: Target, outcome: Answer | Failure) -> tuple[str, ...]:
        """Keep the bytes of a look that changed the state of a target, and of the look before. Return their ids.

        A failed look has no bytes, but the look before it is kept. If a target changes too often, no more bytes are
        kept until it has been stable for a while. Its runs still show each change.
        """
        if self._is_flapping(target.id):
            self.remember(target, outcome)
            return ()
        before = self._last.get(target.id)
        ids = [] if before is None else [before.kept or self.keep(before.answer(), target.id, "before")]
        self.forget(target.id)
        if isinstance(outcome, Answer):
            ids.append(self.keep(outcome, target.id, "turn"))
            self._last.remember(target.id, outcome, ids[-1])
        return tuple(name for name in ids if name)

    def _is_flapping(self, target: str) -> bool:
        """Count a change of a target, and return whether there were too many in the last hour."""
        now = self._clock.now()
        lately = [at for at in self._changes.pop(target, ()) if now - at < _HOUR]
        if is_flapping := len(lately) >= _MOST_CHANGES:
            self._changes[target] = lately
        else:
            self._changes[target] = [*lately, now]
        while len(self._changes) > _MOST_CHANGING:
            self._changes.pop(next(iter(self._changes)))
        return is_flapping

    def remember(self, target: Target, outcome: Answer | Failure) -> None:
        """Remember the last look at a target. Its bytes are kept if the next look differs."""
        if isinstance(outcome, Answer):
            self._last.remember(target.id, outcome)

    def forget(self, target: str) -> None:
        """Forget the last look at a target, because its watch has ended."""
        self._last.forget(target)

    async def delete_expired(self, keep: timedelta, most: int) -> list[str]:
        """Delete the oldest files that are older than `keep` or beyond `most` bytes in all. Return their names.

        Store and chain record the deletion first. Without this record, missing bytes would count as tampering.
        """
        now = self._clock.now()
        self.is_grown = False
        given_up = await run_in_thread(partial(self._vault.find_outdated, now, keep, most))
        if given_up:
            files = await run_in_thread(self._vault.files)
            last = first_number(files[len(given_up)].name) - 1
            names = [path.name for path in given_up]
            deleted = Deletion(names, first_number(names[0]), last, keep_days=keep // _DAY, keep_mb=most // 1_000_000)
            with self._lock:
                self._queue_record(GIVEN_UP, now, partial(deletion_record, deleted, at=now), 0)
            await self._writer.write(lambda tx: tx.expire_evidence(self._monitor, last, now))
            await run_in_thread(partial(self._vault.delete, given_up))
        return [path.name for path in given_up]

    def prepare(self) -> Callable[[], object] | None:
        """Choose the records for the next `write`. Return a function that compresses their bytes, None if small."""
        with self._lock:
            self._next = next(iter(self._portion_sizes()), 0)
            portion = list(islice(self._waiting, self._next))
        if sum(one.weight for one in portion) <= _SMALL:
            return None

        def compress() -> None:
            for one in portion:
                one.compress_early()

        return compress

    def write(self, transaction: Transaction) -> None:
        """Write waiting bytes to the disk, and their records to the store. Called again if the store fails.

        Records that the store has lost are written before them in the same transaction. Otherwise, a process that is
        killed in between would leave a permanent gap in the chain.
        """
        with self._appending:
            waiting = self._first_waiting(self._next)
            # Do not write flushed bytes again, because a journal may refer to the bytes after them in the file.
            self._written = self._flushed[: len(waiting)]
            if len(self._written) < len(waiting):
                self._written, self._flushed = [], []
                self._written, self.is_grown = self.appender.append(waiting), True
            elif not waiting:
                self.appender.test_folder()
        if lost := self._find_lost_records() if self._written or self._is_in_doubt else []:
            _log.warning("evidence_written_again", first=lost[0].id, last=lost[-1].id)
        if lost or self._written:
            transaction.add_evidence([*lost, *self._written])

    def check_for_lost_records(self) -> None:
        """Check with the next batch whether the store has lost committed records. Called in the writer's thread."""
        self._is_in_doubt = True

    def _find_lost_records(self) -> list[Record]:
        """Return the committed records in memory that the store has lost."""
        last = self._index.last(self._monitor)
        number = last.number if last else 0
        return [record for record in self.last_committed() if record.number > number]

    def flush(self) -> list[Record]:
        """Write all waiting bytes to the disk, and return their records as they will be stored.

        Called in another thread while the store fails, because bytes in memory are lost if the process ends.
        """
        with self._appending:
            waiting = self._first_waiting(None)
            if not waiting or (self._flushed and self._flushed[-1].number >= waiting[-1].record.number):
                return self._flushed
            self._flushed = []
            # If the folder refuses the bytes, the writer reports it.
            with suppress(StoreFault):
                self._flushed, self.is_grown = self.appender.append_once(waiting), True
            return self._flushed

    def _first_waiting(self, most: int | None) -> list[Waiting]:
        with self._lock:
            return list(islice(self._waiting, most))

    def further_transactions(self) -> int:
        """Return how many transactions the waiting records need after the next one."""
        with self._lock:
            return max(0, len(self._portion_sizes()) - 1)

    def _portion_sizes(self) -> list[int]:
        """Return how many of the waiting records each of the next transactions writes."""
        sizes, room = list[int](), 0
        for one in self._waiting:
            room -= one.weight
            if not sizes or room < 0 or sizes[-1] == ROWS_AT_ONCE:
                sizes.append(0)
                room = _MOST_AT_ONCE - one.weight
            sizes[-1] += 1
        return sizes

    def records_being_written(self) -> Sequence[Record]:
        """Return the records of the transaction that is being written. Called in the writer's thread."""
        return tuple(self._written)

    def note_committed(self) -> None:
        """Note that the records of the last `write` are committed."""
        self._is_in_doubt = False
        with self._appending:
            with self._lock:
                for _ in self._written:
                    self._weight -= self._waiting.popleft().weight
                self._committed.extend(self._written)
            if self._written:
                self.appender.continue_after(self._written[-1])
                self._flushed, self._written = self._flushed[len(self._written) :], []

    def last_committed(self) -> Sequence[Record]:
        """Return the last committed records, also from earlier processes of this monitor."""
        with self._lock:
            return tuple(self._committed)

    def close(self) -> None:
        """Drop the waiting records, and release the folder."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
        self._vault.close()

    def _queue_record(self, kind: str, at: datetime, piece: Callable[[str], bytes], weight: int) -> str:
        """Queue a record, with the function that returns its bytes for its id, and return this id."""
        self._number += 1
        record = Record(self._monitor, self._number, kind, at, "", 0, 0, "", "")
        self._waiting.append(Waiting(record, partial(piece, record.id), weight))
        self._weight += weight
        return record.id
