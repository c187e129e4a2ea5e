"""Keeps the bytes of answers at each change of state, in WARC files with chained records."""

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
from monitor.store.batch import ROWS_AT_ONCE, RowSource
from monitor.store.evidence.appender import Appender, Waiting
from monitor.store.evidence.chain import verify_evidence
from monitor.store.evidence.folder import EvidenceFolder, first_number
from monitor.store.evidence.headers import RecentHeaders
from monitor.store.evidence.last_answers import LastAnswers
from monitor.store.evidence.warc import DELETION_KIND, Deletion, answer_records, deletion_record
from monitor.store.rows import Record
from monitor.store.sql.read import EvidenceIndex
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import run_in_thread

_log = structlog.get_logger(__name__)
_MOST_WAITING_BYTES = 64_000_000
_MOST_BYTES_AT_ONCE = 4_000_000
"""One transaction writes so many bytes to the disk, unless a single answer is larger."""
_MOST_BYTES_TO_COMPRESS = 256_000
"""More bytes are compressed before the transaction, not in it."""
_DAY = timedelta(days=1)
_MOST_CHANGES = 24
"""So many changes of a target in an hour are kept as bytes. More prove no more."""
_HOUR = timedelta(hours=1)
_MOST_TARGETS_COUNTED = 10_000
_MOST_FAULTS_LOGGED = 5
_RECORDS_REMEMBERED = 2_000
"""How many committed records stay in memory, in case the store loses them."""


class Evidence(RowSource):
    """Keeps answers: bytes and records are written in the batch of the runs that they prove.

    Create it before the writer has work. Call methods in the event loop's thread, except those that
    say otherwise. At most 64 MB wait while the store fails, then `keep` drops answers. Only the
    service account can read the files, because evidence must not be disclosed before its slot.
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
        """Continue a monitor's evidence after its last record in the `index`."""
        self._writer = writer
        self._clock = clock
        self._monitor = monitor
        self._folder = EvidenceFolder(folder, monitor, durable=durable)
        self._index = index
        self.damage = ""
        """What the last `look_for_damage` found, in a few words."""
        last = index.last(monitor)
        self._folder.truncate_uncommitted(last)  # move bytes after the last record away
        self._number = last.number if last else 0  # of the newest record
        self.appender = Appender(
            self._folder, last.chain if last else "", clock.now().date(), on_lost
        )
        self.has_grown_since_check = True
        """Whether bytes were written since `delete_expired` was last called."""
        self.headers = RecentHeaders()
        # Uncommitted records. The next `write` takes the first `_next_write_size`.
        self._waiting: deque[Waiting] = deque()
        self._waiting_bytes = 0
        self._next_write_size = 0
        self._is_closed = False
        # `_disk_lock` is held during disk writes, `_lock` never for long, so that no look waits.
        self._lock, self._disk_lock = threading.Lock(), threading.Lock()
        # On the disk, because the store failed.
        self._flushed_records: list[Record] = []
        # Written by the open transaction, the first of those that wait.
        self._records_in_transaction: list[Record] = []
        # The first `write` checks that no failover of the database has lost some of these.
        after = 0 if last is None else max(0, last.number - _RECORDS_REMEMBERED)
        self._committed = deque(
            index.chain(monitor, after, _RECORDS_REMEMBERED), maxlen=_RECORDS_REMEMBERED
        )
        self._must_check_committed = True
        self._last = LastAnswers()
        # By target, the times of changes that were kept in the last hour.
        self._changes: dict[str, list[datetime]] = {}
        # By target and address, digest and record id of the answer that `keep_changed` last kept.
        self._last_kept: dict[tuple[str, str], tuple[str, str]] = {}
        writer.add_row_source(self)

    def keep(self, answer: Answer, target: str, kind: str) -> str:
        """Queue an answer as evidence. Return its record's id, "" if too many bytes wait or it is
        closed.

        `kind` is why: `turn` (it changed the target's state), `before` (the last before that) or
        `calendar`.
        """
        with self._lock:
            if self._is_closed or self._waiting_bytes + len(answer.body) > _MOST_WAITING_BYTES:
                return ""
            make_bytes = partial(answer_records, answer, target=target)
            record_id = self._queue_record(kind, answer.received, make_bytes, len(answer.body))
        self.headers.put(record_id, answer)
        self._writer.request_batch()
        return record_id

    async def look_for_damage(self) -> None:
        """Read all evidence of this monitor, and set `damage` if some was altered or lost."""
        check = partial(verify_evidence, self._index, self._folder.folder, self._monitor)
        faults = await run_in_thread(check)
        if faults:
            # What is deleted meanwhile can look lost, but only once.
            still_found = set(await run_in_thread(check))
            faults = [fault for fault in faults if fault in still_found]
        self.damage = "evidence is damaged: run `ninethirty store check`" if faults else ""
        for fault in faults[:_MOST_FAULTS_LOGGED]:
            _log.error("evidence_damaged", fault=fault)

    def keep_changed(self, answer: Answer, target: str, kind: str) -> str:
        """Keep an answer unless it equals the last one kept for its address. Return the record's
        id.
        """
        last_digest, record_id = self._last_kept.get((target, answer.url), ("", ""))
        if last_digest != answer.digest or not record_id:
            record_id = self.keep(answer, target, kind)
            self._last_kept[target, answer.url] = (answer.digest, record_id)
        return record_id

    def keep_state_change(self, target: Target, outcome: Answer | Failure) -> tuple[str, ...]:
        """Keep the bytes of a look that changed a target's state, and of the look before. Return
        their ids.

        A failed look has no bytes. After too many changes, none are kept until the target is
        stable. Its runs still show each change.
        """
        if not self._may_keep_change(target.id):
            self.remember(target, outcome)
            return ()
        ids: list[str] = []
        last = self._last.get(target.id)
        if last is not None:
            ids.append(last.evidence_id or self.keep(last.answer(), target.id, "before"))
        self.forget(target.id)
        if isinstance(outcome, Answer):
            ids.append(self.keep(outcome, target.id, "turn"))
            self._last.remember(target.id, outcome, ids[-1])
        return tuple(filter(None, ids))

    def _may_keep_change(self, target: str) -> bool:
        """Return whether a change may be kept as bytes now, and count it."""
        now = self._clock.now()
        in_last_hour = [at for at in self._changes.pop(target, ()) if now - at < _HOUR]
        may_be_kept = len(in_last_hour) < _MOST_CHANGES
        # Last, because the target with the oldest change is forgotten first.
        self._changes[target] = [*in_last_hour, now] if may_be_kept else in_last_hour
        while len(self._changes) > _MOST_TARGETS_COUNTED:
            self._changes.pop(next(iter(self._changes)))
        return may_be_kept

    def remember(self, target: Target, outcome: Answer | Failure) -> None:
        """Remember the last look at a target. Its bytes are kept if the next differs."""
        if isinstance(outcome, Answer):
            self._last.remember(target.id, outcome)

    def forget(self, target: str) -> None:
        """Forget the last look at a target."""
        self._last.forget(target)

    async def delete_expired(self, keep: timedelta, most: int) -> list[str]:
        """Delete the oldest files, those older than `keep` or beyond `most` bytes. Return their
        names.

        The deletion is recorded first, so that their absence does not look like tampering.
        """
        now = self._clock.now()
        self.has_grown_since_check = False
        outdated = await run_in_thread(partial(self._folder.find_outdated, now, keep, most))
        names = [path.name for path in outdated]
        if outdated:
            files = await run_in_thread(self._folder.files)
            oldest_kept = files[len(outdated)].name
            last = first_number(oldest_kept) - 1
            deletion = Deletion(
                names,
                first_number(names[0]),
                last,
                keep_days=keep // _DAY,
                keep_mb=most // 1_000_000,
            )
            with self._lock:
                self._queue_record(
                    DELETION_KIND, now, partial(deletion_record, deletion, at=now), weight=0
                )
            # The queued record is written first.
            await self._writer.write(lambda tx: tx.expire_evidence(self._monitor, last, now))
            await run_in_thread(partial(self._folder.delete, outdated))
        return names

    def prepare(self) -> Callable[[], object] | None:
        """Choose the records for the next `write`. Return work that compresses them,
        None if small.
        """
        with self._lock:
            sizes = self._portion_sizes()
            self._next_write_size = sizes[0] if sizes else 0
            portion = list(islice(self._waiting, self._next_write_size))
        if sum(waiting.weight for waiting in portion) <= _MOST_BYTES_TO_COMPRESS:
            return None

        def compress() -> None:
            for waiting in portion:
                with suppress(Exception):  # a failure is reported when the bytes are written
                    waiting.compress()

        return compress

    def write(self, transaction: Transaction) -> None:
        """Write waiting bytes to the disk, and their records to the store. Repeatable.

        Called in the writer's thread, as are `records_being_written`, `note_committed` and
        `check_for_lost_records`.
        """
        with self._disk_lock:
            self._records_in_transaction = []
            self._records_in_transaction = self._append_next_portion()
        new = self._records_in_transaction
        # A database that switched to a replica may have lost committed records. They come first,
        # because a gap in the chain could not be repaired later.
        lost = []
        if new or self._must_check_committed:
            last = transaction.read.evidence.last(self._monitor)
            number = last.number if last else 0
            lost = [record for record in self.last_committed() if record.number > number]
        if lost:
            _log.warning("evidence_written_again", first=lost[0].id, last=lost[-1].id)
        if lost or new:
            transaction.add_evidence([*lost, *new])

    def _append_next_portion(self) -> list[Record]:
        """Write the next bytes to the disk, unless they are there already. Return their records."""
        portion = self._list_waiting(most=self._next_write_size)
        if not portion:
            self.appender.test_folder()
            return []
        if len(portion) <= len(self._flushed_records):
            # Writing it again would cut off further bytes, to which a spool may refer.
            return self._flushed_records[: len(portion)]
        # `append` overwrites any flushed bytes with the same.
        self._flushed_records = []
        records = self.appender.append(portion)
        self.has_grown_since_check = True
        return records

    def check_for_lost_records(self) -> None:
        """Let the next batch check whether the store lost records."""
        self._must_check_committed = True

    def flush_to_disk(self) -> list[Record]:
        """Write all waiting bytes to the disk. Return their records, none if the disk refuses.

        Called in another thread while the store fails, because bytes in memory may be lost.
        """
        with self._disk_lock:
            waiting = self._list_waiting(most=None)
            if len(self._flushed_records) >= len(waiting):
                return self._flushed_records
            # Each call writes all uncommitted bytes again. If the disk refuses, the next `write`
            # reports the fault.
            self._flushed_records = []
            with suppress(StoreFault):
                self._flushed_records = self.appender.try_append(waiting)
                self.has_grown_since_check = True
            return self._flushed_records

    def _list_waiting(self, most: int | None) -> list[Waiting]:
        """Return the first `most` records that wait, None for all."""
        with self._lock:
            return list(islice(self._waiting, most))

    def further_transactions(self) -> int:
        """Return how many transactions the waiting records need after the next one."""
        with self._lock:
            return max(0, len(self._portion_sizes()) - 1)

    def _portion_sizes(self) -> list[int]:
        """Return how many records each of the next transactions writes."""
        sizes, portion_bytes = list[int](), 0
        for waiting in self._waiting:
            portion_bytes += waiting.weight
            if not sizes or portion_bytes > _MOST_BYTES_AT_ONCE or sizes[-1] == ROWS_AT_ONCE:
                sizes.append(0)
                portion_bytes = waiting.weight
            sizes[-1] += 1
        return sizes

    def records_being_written(self) -> Sequence[Record]:
        """Return the records that are being written."""
        return tuple(self._records_in_transaction)

    def note_committed(self) -> None:
        """Note that the records of the last `write` are committed."""
        self._must_check_committed = False
        with self._disk_lock:
            committed = self._records_in_transaction
            with self._lock:
                for _ in committed:
                    self._waiting_bytes -= self._waiting.popleft().weight
                self._committed.extend(committed)
            if committed:
                self.appender.continue_after(committed[-1])
                self._flushed_records = self._flushed_records[len(committed) :]
                self._records_in_transaction = []

    def last_committed(self) -> Sequence[Record]:
        """Return the last committed records of this monitor, of earlier processes too."""
        with self._lock:
            return tuple(self._committed)

    def close(self) -> None:
        """Drop the waiting records, and release the folder."""
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
        self._folder.close()

    def _queue_record(
        self, kind: str, at: datetime, make_bytes: Callable[[str], bytes], weight: int
    ) -> str:
        """Queue a record of `weight` bytes under the lock. Return its id, from which `make_bytes`
        makes its bytes.
        """
        self._number += 1
        record = Record(
            self._monitor, self._number, kind, at, file="", offset=0, length=0, sha256="", chain=""
        )
        self._waiting.append(Waiting(record, partial(make_bytes, record.id), weight))
        self._waiting_bytes += weight
        return record.id
