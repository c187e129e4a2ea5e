"""What was seen, byte for byte, at each change of state: kept in WARC files and chained into the store."""

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
from monitor.store.batch import MOST
from monitor.store.evidence.appender import Appender, Waiting
from monitor.store.evidence.folder import EvidenceFolder, first_in
from monitor.store.evidence.headers import RecentHeaders
from monitor.store.evidence.last_answers import LastAnswers
from monitor.store.evidence.warc import GIVEN_UP, GivenUp, records, statement
from monitor.store.rows import Record
from monitor.store.sql.read import EvidenceIndex
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import off_the_loop

_log = structlog.get_logger(__name__)
_MOST_WAITING = 64_000_000
_MOST_AT_ONCE = 4_000_000
"""So many bytes go to the disk in one transaction, unless a single answer is larger."""
_SMALL = 256_000
"""Bytes that are compressed within the transaction that keeps their records; more is compressed before it."""
_DAY = timedelta(days=1)
_MOST_TURNS = 24
"""So many turns of one target are kept in an hour, with their bytes: a page that flaps proves no more by the next."""
_HOUR = timedelta(hours=1)
_MOST_TURNING = 10_000
_MOST_KNOWN = 2_000
"""So many of the records committed last are known by heart, should the store lose them."""


class Evidence:
    """Keeps answers. The bytes reach the disk, and their records the store, in the batch of the runs they prove.

    Made in the loop's thread before the writer has work; everything but `write`, `written` and `flush` is
    for that thread. At most 64 MB wait for a store that fails; beyond, `keep` keeps nothing and returns "". Nothing
    in here may be shown to anyone before its slot: folder and files are the service account's alone.

    `appender` tells why bytes cannot be kept at present.
    """

    def __init__(  # noqa: PLR0913 # the edges it stands between
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
        """`on_lost` is called in the writer's thread whenever bytes were lost."""
        self._writer = writer
        self._clock = clock
        self._monitor = monitor
        self._vault = EvidenceFolder(folder, monitor, durable=durable)
        self._index = index
        last = index.last(monitor)
        self.mended = self._vault.mend(last)
        self._number = last.number if last else 0
        self.is_grown = True
        """Whether something was written since it was last held to its room."""
        self.appender = Appender(self._vault, last.chain if last else "", clock.now().date(), on_lost)
        self.heads = RecentHeaders()
        self._waiting: deque[Waiting] = deque()
        self._weight = self._next = 0
        self._closed = False
        self._lock = threading.Lock()
        # Held for as long as bytes go to the disk, which no look waits for.
        self._laying = threading.Lock()
        self._laid: list[Record] = []
        self._written: list[Record] = []
        known = [] if last is None else index.chain(monitor, max(0, last.number - _MOST_KNOWN), _MOST_KNOWN)
        self._committed: deque[Record] = deque(known, maxlen=_MOST_KNOWN)
        # A store that fails over as we start may have lost what was just read of it.
        self._is_in_doubt = True
        self._last = LastAnswers()
        self._turns: dict[str, list[datetime]] = {}
        self._unchanged: dict[tuple[str, str], tuple[str, str]] = {}
        writer.accompany(self)

    def keep(self, answer: Answer, target: str, kind: str) -> str:
        """Keep an answer and return the id of its record. `kind` says why it is kept (`turn`, `before`, `calendar`)."""
        with self._lock:
            if self._closed or self._weight + len(answer.body) > _MOST_WAITING:
                return ""
            name = self._put(kind, answer.received, partial(records, answer, target=target), len(answer.body))
        self.heads.put(name, answer)
        self._writer.nudge()
        return name

    def keep_changed(self, answer: Answer, target: str, kind: str) -> str:
        """Keep an answer unless its body is that of the last one kept for this address; return the id of its record."""
        known, name = self._unchanged.get((target, answer.url), ("", ""))
        if known != answer.digest or not name:
            name = self.keep(answer, target, kind)
            self._unchanged[target, answer.url] = (answer.digest, name)
        return name

    def keep_turn(self, target: Target, outcome: Answer | Failure) -> tuple[str, ...]:
        """Keep and remember the bytes of a look that changed what is known, keep those before; return their ids.

        A failure has no bytes; the look before it is kept all the same. Nothing more is kept of a target that turns
        again and again, until it has been steady for a while: its runs tell of each turn.
        """
        if self._is_flapping(target.id):
            self.remember(target, outcome)
            return ()
        before = self._last.of(target.id)
        ids = [] if before is None else [before.kept or self.keep(before.answer(), target.id, "before")]
        self.forget(target.id)
        if isinstance(outcome, Answer):
            ids.append(self.keep(outcome, target.id, "turn"))
            self._last.remember(target.id, outcome, ids[-1])
        return tuple(name for name in ids if name)

    def _is_flapping(self, target: str) -> bool:
        """Count a turn of a target; tells whether there were too many of late."""
        now = self._clock.now()
        lately = [at for at in self._turns.pop(target, ()) if now - at < _HOUR]
        if is_flapping := len(lately) >= _MOST_TURNS:
            self._turns[target] = lately
        else:
            self._turns[target] = [*lately, now]
        while len(self._turns) > _MOST_TURNING:
            self._turns.pop(next(iter(self._turns)))
        return is_flapping

    def remember(self, target: Target, outcome: Answer | Failure) -> None:
        """Remember the last look, should the next one turn out different."""
        if isinstance(outcome, Answer):
            self._last.remember(target.id, outcome)

    def forget(self, target: str) -> None:
        """Let go of the last look at a target that is looked at no more."""
        self._last.forget(target)

    async def retain(self, keep: timedelta, most: int) -> list[str]:
        """Give up the oldest files that are past `keep` or beyond `most` bytes in all; return their names.

        The store learns it first, and so does the chain: bytes that are gone without their knowing were tampered with.
        """
        now = self._clock.now()
        self.is_grown = False
        given_up = await off_the_loop(partial(self._vault.outdated, now, keep, most))
        if given_up:
            files = await off_the_loop(self._vault.files)
            last = first_in(files[len(given_up)].name) - 1
            names = [path.name for path in given_up]
            told = GivenUp(names, first_in(names[0]), last, keep_days=keep // _DAY, keep_mb=most // 1_000_000)
            with self._lock:
                self._put(GIVEN_UP, now, partial(statement, told, at=now), 0)
            await self._writer.write(lambda tx: tx.expire_evidence(self._monitor, last, now))
            await off_the_loop(partial(self._vault.delete, given_up))
        return [path.name for path in given_up]

    def prepare(self) -> Callable[[], object] | None:
        """Choose what the next `write` takes; return what compresses its bytes, None when they are few."""
        with self._lock:
            self._next = next(iter(self._portions()), 0)
            portion = list(islice(self._waiting, self._next))
        if sum(one.weight for one in portion) <= _SMALL:
            return None

        def compress() -> None:
            for one in portion:
                one.prepare()

        return compress

    def write(self, transaction: Transaction) -> None:
        """Write what waits to the disk and its records to the store; may be called again when the store fails.

        Those that the store has lost go ahead of them in the same transaction: a process that is killed in between
        would leave a gap that nobody can fill.
        """
        with self._laying:
            waiting = self._first_waiting(self._next)
            # A journal may name them where they lie: written anew, the rest would be cut off behind them.
            self._written = self._laid[: len(waiting)]
            if len(self._written) < len(waiting):
                self._written, self._laid = [], []
                self._written, self.is_grown = self.appender.append(waiting), True
            elif not waiting:
                self.appender.try_again()
        if lost := self._lost() if self._written or self._is_in_doubt else []:
            _log.warning("evidence_written_again", first=lost[0].id, last=lost[-1].id)
        if lost or self._written:
            transaction.add_evidence([*lost, *self._written])

    def doubt(self) -> None:
        """Hold the store to what it has taken, with the next batch: it may have lost it. For the writer's thread."""
        self._is_in_doubt = True

    def _lost(self) -> list[Record]:
        """Return the records that were committed and are not in the store any more, as far as they are known."""
        last = self._index.last(self._monitor)
        number = last.number if last else 0
        return [record for record in self.committed() if record.number > number]

    def flush(self) -> list[Record]:
        """Write to the disk whatever waits, and return its records as the store will have them.

        For a thread of its own, while the store fails: bytes that only this process has would be lost with it.
        """
        with self._laying:
            waiting = self._first_waiting(None)
            if not waiting or (self._laid and self._laid[-1].number >= waiting[-1].record.number):
                return self._laid
            self._laid = []
            # Of a folder that refuses the writer tells.
            with suppress(StoreFault):
                self._laid, self.is_grown = self.appender.lay(waiting), True
            return self._laid

    def _first_waiting(self, most: int | None) -> list[Waiting]:
        with self._lock:
            return list(islice(self._waiting, most))

    def more(self) -> int:
        """Return how many more transactions what waits now will take, beside the next."""
        with self._lock:
            return max(0, len(self._portions()) - 1)

    def _portions(self) -> list[int]:
        """Return how many records each transaction takes of what waits."""
        sizes, room = list[int](), 0
        for one in self._waiting:
            room -= one.weight
            if not sizes or room < 0 or sizes[-1] == MOST:
                sizes.append(0)
                room = _MOST_AT_ONCE - one.weight
            sizes[-1] += 1
        return sizes

    def appended(self) -> Sequence[Record]:
        """Return the records of the transaction that is being written; for the writer's thread."""
        return tuple(self._written)

    def written(self) -> None:
        """Learn that the records of the last `write` are committed."""
        self._is_in_doubt = False
        with self._laying:
            with self._lock:
                for _ in self._written:
                    self._weight -= self._waiting.popleft().weight
                self._committed.extend(self._written)
            if self._written:
                self.appender.go_on_after(self._written[-1])
                self._laid, self._written = self._laid[len(self._written) :], []

    def committed(self) -> Sequence[Record]:
        """Return the records that were committed last, by this process and those before."""
        with self._lock:
            return tuple(self._committed)

    def close(self) -> None:
        """Drop what waits and let go of the folder."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
        self._vault.close()

    def _put(self, kind: str, at: datetime, piece: Callable[[str], bytes], weight: int) -> str:
        self._number += 1
        record = Record(self._monitor, self._number, kind, at, "", 0, 0, "", "")
        self._waiting.append(Waiting(record, partial(piece, record.id), weight))
        self._weight += weight
        return record.id
