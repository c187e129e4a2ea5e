"""Sessions in the store, which all its monitors accept, with copies in memory while it fails."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog

from monitor.clock import Clock
from monitor.errors import StoreFault
from monitor.store.rows import Actor, SessionUse, StoredSession
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Tasks, Threads

CHECKED_EVERY = 5.0
"""Seconds between two reads of a session. One that another monitor ended may work for this long."""
_SEEN_EVERY = timedelta(minutes=15)
_STORE_WITHIN = 5.0
_MOST_COPIES = 1000
_MOST_OF_ACCOUNT = {SessionUse.BROWSER: 20, SessionUse.FEEDS: 1}
_FOREVER = float("inf")
_VIEWER = "viewer"
"""The right of people who are not staff."""
_log = structlog.get_logger(__name__)


def hash_key(key: str) -> str:
    """Return the hash of a session's key, by which the store knows it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class _Copy:
    """A session, None if it was ended here, and when it was read, by the monotonic clock."""

    session: StoredSession | None
    read_at: float


class KeptSessions:
    """The sessions of all people.

    While the store fails, those read before stay valid, and what was opened or ended waits here for
    the store. It asks the store for a session at most every `CHECKED_EVERY` seconds.
    """

    def __init__(self, store: Store, writer: Writer, clock: Clock) -> None:
        """Keep sessions in `store`, written by `writer`."""
        self._store, self._writer, self._clock = store, writer, clock
        self._threads = Threads(1, "sessions", within=_STORE_WITHIN)
        self._copies: OrderedDict[str, _Copy] = OrderedDict()
        self._tasks, self._waiting_writes = Tasks(), 0

    async def find(self, key_hash: str) -> StoredSession | None:
        """Return a session that was not ended by anyone, or None. Its time may be over."""
        copy, now = self._copies.get(key_hash), self._clock.monotonic()
        if copy is not None and now - copy.read_at < CHECKED_EVERY:
            return copy.session
        try:
            session = await self._threads.ask(lambda: self._store.sessions.session(key_hash))
        except StoreFault:
            session = None if copy is None else copy.session
        latest = self._copies.get(key_hash)
        was_ended_meanwhile = latest is not None and latest.session is None
        if session is None or was_ended_meanwhile:
            return None
        self._keep_copy(session, now)
        return session

    async def open(self, session: StoredSession) -> None:
        """Keep a new session. If its account has too many, the longest unused ones end."""
        read_at = self._clock.monotonic()
        most = _MOST_OF_ACCOUNT[session.use]

        def save(tx: Transaction) -> list[str]:
            known = tx.read.sessions.sessions(session.account)
            same = [one.key_hash for one in known if one.use is session.use]
            surplus = same[: max(0, len(same) + 1 - most)]
            tx.drop_sessions(surplus, session.began)
            tx.save(session)
            return surplus

        try:
            for key_hash in await self._writer.write(save, patient=False):
                self._copies.pop(key_hash, None)
        except StoreFault as fault:
            _log.warning("session_not_stored", account=session.account, why=str(fault))
            self._keep_copy(session, _FOREVER)
            self._write_later(save, session.key_hash)
        else:
            self._keep_copy(session, read_at)

    async def end(self, key_hash: str, actor: Actor, account: str) -> None:
        """End a session of an account, and record who ended it.

        Raises `StoreFault` if it ended only on this monitor, and on the others later.
        """
        self._copies[key_hash] = _Copy(None, _FOREVER)
        now = self._clock.now()

        def drop(tx: Transaction) -> None:
            tx.drop_sessions([key_hash], now)
            tx.save(actor.act("session_ended", account, now))

        try:
            await self._writer.write(drop, patient=False)
        except StoreFault:
            self._write_later(drop, key_hash)
            raise
        self._copies[key_hash] = _Copy(None, self._clock.monotonic())

    async def list_sessions(self, account: str | None) -> list[StoredSession]:
        """Return the sessions of an account or of all, the last used first. Raises `StoreFault`."""
        now = self._clock.now()
        found = await self._threads.ask(lambda: self._store.sessions.sessions(account))
        return [one for one in reversed(found) if one.ends is None or now < one.ends]

    async def note_use(self, session: StoredSession) -> None:
        """Store that a session is used, if that was not stored in the last quarter of an hour."""
        now = self._clock.now()
        if now - session.seen < _SEEN_EVERY:
            return
        self._keep_copy(replace(session, seen=now), self._clock.monotonic())
        note = partial(Transaction.note_session_seen, key_hash=session.key_hash, at=now)
        # A failing store must not keep a person from the board, and has an alert of its own.
        with suppress(StoreFault):
            await self._writer.write(note, patient=False)

    def close(self) -> None:
        """Stop the thread."""
        self._threads.close()

    def _write_later(self, write: Callable[[Transaction], object], key_hash: str) -> None:
        """Write a change of a session when the store works again, unless too many wait."""

        async def wait_for_store() -> None:
            with suppress(StoreFault):  # the monitor stops, and with it this session
                await self._writer.write(write)
                copy = self._copies.get(key_hash)
                if copy is not None:
                    self._copies[key_hash] = replace(copy, read_at=self._clock.monotonic())
            self._waiting_writes -= 1

        if self._waiting_writes < _MOST_COPIES:
            self._waiting_writes += 1
            self._tasks.start(wait_for_store())

    def _keep_copy(self, session: StoredSession, read_at: float) -> None:
        """Keep a copy, unless the session was ended here meanwhile.

        If there are too many copies, drop the oldest of a viewer, so that viewers sign no staff out
        while the store fails.
        """
        known = self._copies.get(session.key_hash)
        if known is not None and (known.session is None or known.read_at == _FOREVER):
            return
        self._copies[session.key_hash] = _Copy(session, read_at)
        self._copies.move_to_end(session.key_hash)
        if len(self._copies) > _MOST_COPIES:
            oldest = next(iter(self._copies))
            viewers = (
                key_hash
                for key_hash, copy in self._copies.items()
                if copy.session is not None and copy.session.right == _VIEWER
            )
            del self._copies[next(viewers, oldest)]
