"""What pages and the API ask of the store and of the running daemon."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from alerts.draft.write.outline import Document
from alerts.incident import Incident, Kind
from monitor.clock import Clock
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.desk import Desk
from monitor.deliver.drafts import render_draft
from monitor.deliver.message import Redactor, redact_draft
from monitor.deliver.outbox_rows import given_up_json
from monitor.deliver.owed import needs_action
from monitor.deliver.platform import related_incidents
from monitor.deliver.reminders import GIVEN_UP_FOR
from monitor.deliver.verdicts import with_brought_forward
from monitor.errors import StoreFault, UnknownName
from monitor.health.hosts import SilentHost
from monitor.judge.as_json import is_of
from monitor.store.rows import CalendarRead, Draft, Event
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from monitor.threads import Threads, in_turns
from monitor.watch.periods import Periods
from monitor.watch.rejudge import Explained
from monitor.web.credentials import Keys, Throttle
from monitor.web.embargo import for_all, has_passed, wordless
from monitor.web.running import Running
from monitor.web.sessions import Sessions
from schedules.times.zone import day_begins, span_of

T = TypeVar("T")
_MOST_SHOWN = 50
_SOON = 5.0
_FOR_STAFF = {Kind.HAND, Kind.LEAD}
MOST_INCIDENTS = 500


def _nothing(_release: str, _now: datetime) -> None:
    return None


@dataclass
class Queries:
    """Answers from the store in threads of its own, so that no page holds up a look.

    Unless `sees_all`, nothing is told of a release before its slot but what calendars announced.
    """

    store: Store
    live: Running
    clock: Clock
    timezone: str
    public: bool = False
    desk: Desk | None = None
    keys: Keys = field(default_factory=Keys)
    templates: Mapping[str, Path] = field(default_factory=dict)
    calendars: Sequence[str] = ()
    # What producers are called, by their ids.
    producers: Mapping[str, str] = field(default_factory=dict)
    # What is promised and not watched yet, by its id and as of an instant; judged from the store, in a thread.
    ahead: Callable[[str, datetime], dict[str, Any] | None] = _nothing
    # Why the verdict on a release is what it is as of an instant; read from the store, in a thread.
    explained: Callable[[str, datetime], Explained | None] = _nothing
    # Hosts of which nothing usable is heard just now.
    unheard: Callable[[datetime], Mapping[str, SilentHost]] = lambda _now: {}
    # What grows has grown since it was written down; None where nothing is measured any more.
    current_incidents: CurrentIncidents | None = None
    writer: Writer | None = None
    throttle: Throttle = field(kw_only=True)
    door: Sessions | None = None
    # Makes reports on periods.
    periods: Periods | None = None
    # Takes out of every answer what configured addresses hold that may not be told.
    redactor: Redactor | None = None
    # Whether it is listened on this machine alone and nobody can sign in: then whoever sits at it sees everything.
    local: bool = False
    sees_all: bool = False
    # In a demonstration, the instants that its visitor can move to, by "step" or "moment" and then by their names.
    steps: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    # Rows of the board as last rendered, by whether for staff, and by release: with what they were rendered from.
    rendered: dict[tuple[bool, str], tuple[Mapping[str, Any], str]] = field(default_factory=dict)
    _threads: Threads = field(default_factory=lambda: Threads(2, "web", within=60.0))
    _aside: Threads = field(default_factory=lambda: Threads(1, "web-aside", within=300.0))

    async def ask(self, question: Callable[[], T], *, aside: bool = False) -> T:
        """Put a blocking question to the store from a thread, `aside` what takes long; raises `StoreFault`."""
        if self.live.storeless():
            raise StoreFault("the store does not answer: the board of today is shown from memory, and nothing else")
        return await (self._aside if aside else self._threads).ask(question)

    def seen_by(self, *, all_: bool) -> Queries:
        """Return the same for somebody who may know everything, or what is not embargoed."""
        return replace(self, sees_all=all_)

    def today(self) -> date:
        """Return the local date of now."""
        return self.clock.now().astimezone(ZoneInfo(self.timezone)).date()

    async def board(self, first: date, last: date, producer: str | None = None) -> list[dict[str, Any]]:
        """Return the JSON of every release whose slot begins on these local days.

        While the store does not answer, those that are watched; raises `StoreFault` when today is not asked for.
        """
        try:
            async with asyncio.timeout(_SOON):
                told = await self._board(first, last, producer)
        except (StoreFault, TimeoutError) as exc:
            if not first <= self.today() <= last:
                raise StoreFault("the store does not answer: only the board of today is known") from exc
            told = self._watched(first, last, producer)
        return [shown for body in told if (shown := self._shown(body)) is not None]

    def _watched(self, first: date, last: date, producer: str | None) -> list[dict[str, Any]]:
        begin, end = self._days(first, last)
        watched = [body for name in self.live.pulses() if (body := self.live.body(name)) is not None]
        slots = ((body, (body["slot"] or {}).get("start")) for body in watched if is_of(body, producer))
        return [body for body, start in slots if start and begin <= datetime.fromisoformat(start) < end]

    async def _board(self, first: date, last: date, producer: str | None) -> list[dict[str, Any]]:
        begin, end = self._days(first, last)
        names, current = await self.ask(lambda: self.store.verdicts.judged_ids(begin, end)), {}
        async for name in in_turns(names, self.clock):
            current[name] = self.live.body(name)
        if over := [name for name in names if current[name] is None]:
            current |= {row.release: row.body for row in await self.ask(lambda: self.store.verdicts.judged_on(over))}
        told = await self._decided([body for body in current.values() if body is not None and is_of(body, producer)])
        if last > self.today():
            now = self.clock.now()
            told += await self.ask(lambda: self._promised(begin, end, producer, now))
            told.sort(key=lambda body: (body["slot"] or {}).get("start") or "")
        return told

    async def release(self, release: str) -> dict[str, Any]:
        """Return the JSON of one release. Raises `UnknownName` if there is none, or it must not be shown."""
        body = await self._release(release)
        if body is None or (shown := self._shown(body)) is None:
            raise UnknownName(f"There is no release {release!r}.")
        return shown

    async def _release(self, release: str) -> dict[str, Any] | None:
        row = await self.ask(lambda: self.store.verdicts.judged_one(release))
        if row is None:
            now = self.clock.now()
            return await self.ask(lambda: self.ahead(release, now))
        known = await self.ask(lambda: self.store.ledger.release(release))
        into = known.joined_into if known is not None else None
        (body,) = await self._decided(
            [(self.live.body(row.release) or row.body) if into is None else row.body | {"joined_into": into}]
        )
        return body

    async def _decided(self, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return releases with what people have decided of them since they were judged."""
        wanted = [body["incident"] for body in told if body["incident"]]
        known = await self.ask(lambda: self.store.verdicts.words_on(wanted))
        return [with_brought_forward(body, known.get(body["incident"])) for body in told]

    async def incidents(
        self, first: date | None = None, last: date | None = None, until: datetime | None = None
    ) -> list[Incident]:
        """Return the newest incidents of these local days, before `until`, newest first; at most `MOST_INCIDENTS`."""
        begin, end = self.span(first, last)
        end, now = min(filter(None, (end, until)), default=None), self.clock.now()
        return await self.ask(lambda: self._told(self.store.verdicts.incidents(begin, end, limit=MOST_INCIDENTS), now))

    async def needing(self, first: date | None = None, last: date | None = None) -> list[Incident]:
        """Return the incidents that want somebody, newest first: not over, or with a report owed or an action overdue.

        Those that occurred on these local days; however long ago, where none are given.
        """
        store, now, today = self.store.verdicts, self.clock.now(), self.today()
        begin, end = self.span(first, last)

        def found() -> list[Incident]:
            still = [
                one
                for one in store.open_incidents(MOST_INCIDENTS)
                if (begin or one.occurred) <= one.occurred and (end is None or one.occurred < end)
            ]
            return self._told([one for one in still[::-1] if needs_action(one, store.drafts, today)], now)

        return await self.ask(found)

    async def incident(self, incident: str) -> Incident:
        """Return one incident. Raises `UnknownName` if there is none, or it must not be shown."""
        now = self.clock.now()
        for found in await self.ask(lambda: self._told([self.store.verdicts.incident(incident)], now)):
            return found
        raise UnknownName(f"There is no incident {incident!r}.")

    async def events(self, after: str | None, release: str | None, limit: int) -> list[Event]:
        """Return the first events after the one of that id, oldest first. Raises `UnknownName`."""
        now = self.clock.now()
        return await self.ask(lambda: self._events(after, release, limit, now))

    async def drafts(self, incident: str) -> list[Draft]:
        """Return the versions of a draft, oldest first; the last one says what is known by now."""
        await self._renew(incident)
        return await self.ask(lambda: self.store.verdicts.drafts(incident))

    async def related(self, incident: Incident) -> list[Incident]:
        """Return the incidents of other releases that one fault of a platform made together with this one."""
        now = self.clock.now()
        return await self.ask(lambda: self._told(related_incidents(self.store.verdicts, incident)[::-1], now))

    async def document(self, incident: Incident, ending: str, which: Document | None) -> tuple[bytes, str] | None:
        """Return a paper of an incident's newest draft and its media type, None without one. Raises UnknownName."""
        template, drafts = self.templates.get(incident.producer), await self.drafts(incident.id)
        return await self.ask(
            lambda: render_draft(redact_draft(drafts[-1], self.redactor), ending, template, which) if drafts else None
        )

    async def given_up(self) -> list[dict[str, Any]]:
        """Return the deliveries that were given up of late, newest first, with what they were to tell."""
        since = self.clock.now() - GIVEN_UP_FOR
        return await self.ask(
            lambda: [given_up_json(self.store.outbox, row) for row in self.store.outbox.given_up(since)[:_MOST_SHOWN]]
        )

    async def reads(self) -> list[CalendarRead]:
        """Return the last reads of calendars, newest first."""
        return await self.ask(lambda: self.store.ledger.reads(limit=200))

    def close(self) -> None:
        """Let the threads go."""
        self._threads.close()
        self._aside.close()
        if self.door is not None:
            self.door.close()

    async def _renew(self, incident: str) -> None:
        now, current = self.clock.now(), self.current_incidents
        if current is None or self.writer is None:
            return
        if (write := await self.ask(lambda: current.prepare_redraft(incident, now))) is not None:
            await self.writer.write(write)

    def _shown(self, body: dict[str, Any]) -> dict[str, Any] | None:
        return body if self.sees_all else for_all(body, self.clock.now())

    def _told(self, incidents: Sequence[Incident | None], now: datetime) -> list[Incident]:
        """Return the incidents that may be told of, the newest first. Leaks and leads are never for everybody."""
        found = [one for one in reversed(incidents) if one is not None]
        if not self.sees_all:
            found = [one for one in found if one.kind not in _FOR_STAFF and self._is_due(_release_of(one), now)]
        current = self.current_incidents
        return found if current is None else [current.incident(one, now) for one in found]

    def _is_due(self, release: str, now: datetime) -> bool:
        row = self.store.verdicts.judged_one(release)
        return row is not None and has_passed(row.body, now)

    def _events(self, after: str | None, release: str | None, limit: int, now: datetime) -> list[Event]:
        last = None if after is None else self.store.verdicts.event(after)
        if after is not None and (last is None or not (self.sees_all or self._is_due(last.release, now))):
            raise UnknownName(f"no event {after!r}")
        told: list[Event] = []
        due = functools.cache(self._is_due)
        while True:
            found = self.store.verdicts.events((last.at, last.id) if last is not None else None, release, limit)
            told += (
                found
                if self.sees_all
                else [replace(one, body=wordless(one.body)) for one in found if due(one.release, now)]
            )
            if len(found) < limit or len(told) >= limit:
                return told[:limit]
            last = found[-1]

    def _promised(self, begin: datetime, end: datetime, producer: str | None, now: datetime) -> list[dict[str, Any]]:
        wanted = (one for one in self.store.ledger.releases(begin, end) if producer in (None, *one.producers))
        return [body for one in wanted if (body := self.ahead(one.id, now)) is not None]

    def _days(self, first: date, last: date) -> tuple[datetime, datetime]:
        return day_begins(first, self.timezone), day_begins(last + timedelta(days=1), self.timezone)

    def span(self, first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
        """Return the instants between which local days lie, both included; None where a side is open."""
        return span_of(first, last, self.timezone)


def _release_of(incident: Incident) -> str:
    """Return a release whose slot says when everybody may know of an incident."""
    return incident.linked[0].release if incident.linked else incident.release
