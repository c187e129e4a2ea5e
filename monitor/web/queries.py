"""Queries of the pages and the API, to the store and to the running monitor."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from alerts.channel import Outcome
from alerts.draft.write.outline import Document
from alerts.incident import NOT_MEASURED, Incident
from alerts.rota import Rota
from alerts.ticks import Tick
from monitor.clock import Clock
from monitor.deliver.assessment import with_brought_forward
from monitor.deliver.desk import Desk
from monitor.deliver.drafts import render_draft
from monitor.deliver.incident_json import incident_json
from monitor.deliver.message import Redactor, redact_draft
from monitor.deliver.outbox_rows import given_up_json
from monitor.deliver.owed import needs_action
from monitor.deliver.platform import related_incidents
from monitor.deliver.reminders import GIVEN_UP_FOR
from monitor.deliver.ticks import select_ticks
from monitor.errors import StoreFault, UnknownName, unknown_name
from monitor.health.hosts import SilentHost
from monitor.judge.as_json import is_by
from monitor.judge.policy import Policies
from monitor.readiness.line import ReadinessAssessment
from monitor.readiness.reader import ReadinessReader
from monitor.store.rows import Act, CalendarRead, Draft, Event
from monitor.store.sql.engine import Store
from monitor.threads import Threads, with_pauses
from monitor.watch.periods import Periods
from monitor.watch.rejudge import Explained
from monitor.web.credentials import Keys, Throttle
from monitor.web.embargo import public_view, slot_has_passed, without_details
from monitor.web.hand_calendar import HandCalendar
from monitor.web.monitor_view import MonitorView
from monitor.web.sessions import Sessions
from schedules.times.json import Json
from schedules.times.zone import day_begins, span_of

T = TypeVar("T")
_MOST_SHOWN = 50
_STORE_WITHIN = 5.0
MOST_INCIDENTS = 500
_ASSESSED_FOR = timedelta(minutes=1)


def is_fresh(made_at: datetime | None, now: datetime, kept_for: timedelta) -> bool:
    """Return whether what was made then may be used again. Not so after the clock was set back."""
    return made_at is not None and timedelta() <= now - made_at < kept_for


@dataclass
class Queries:
    """The queries of the web pages, in threads of their own, so that no page delays a look.

    Unless `sees_all`, the results contain no embargoed data.
    """

    store: Store
    live: MonitorView
    clock: Clock
    timezone: str
    public: bool = False
    # None in a demonstration.
    desk: Desk | None = None
    keys: Keys = field(default_factory=Keys)
    templates: Mapping[str, Path] = field(default_factory=dict)
    calendars: Sequence[str] = ()
    # By id.
    producers: Mapping[str, str] = field(default_factory=dict)
    rotas: Mapping[str, Rota] = field(default_factory=dict)
    # The JSON of a promised release that is not watched yet, by its id. Runs in a thread.
    judge_promised: Callable[[str, datetime], Json | None] = lambda _release, _now: None
    # Runs in a thread.
    explain_verdict: Callable[[str, datetime], Explained | None] = lambda _release, _now: None
    # The hosts with only unusable recent responses.
    silent_hosts: Callable[[datetime], Mapping[str, SilentHost]] = lambda _now: {}
    throttle: Throttle = field(kw_only=True)
    sessions: Sessions | None = None
    # The calendar to which people add releases, and what reads a calendar at once.
    by_hand: HandCalendar | None = None
    read_calendar: Callable[[str], Awaitable[CalendarRead | None]] | None = None
    policies: Policies = field(default_factory=Policies)
    # Reloads the configuration and returns its faults. None if no monitor runs.
    reload: Callable[[], Awaitable[list[str]]] | None = None
    # Sends a test through a channel. None in a demonstration. Raises `UnknownName`.
    send_test: Callable[[str], Awaitable[Outcome]] | None = None
    periods: Periods | None = None
    # None in a demonstration.
    readiness: ReadinessReader | None = None
    # For every response.
    redactor: Redactor | None = None
    # Whether it listens only on this machine and has no sign-in: then a person here sees all.
    local: bool = False
    sees_all: bool = False
    # The instants to which a visitor of a demonstration can move: under "step" or "moment".
    steps: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    # The last rendered row, by (for staff, release), and the values that it was rendered from.
    rendered: dict[tuple[bool, str], tuple[Mapping[str, object], str]] = field(default_factory=dict)
    # By day, None for the next day with a slot.
    _assessed: dict[date | None, ReadinessAssessment] = field(default_factory=dict)
    _threads: Threads = field(default_factory=lambda: Threads(2, "web", within=60.0))
    _slow_threads: Threads = field(default_factory=lambda: Threads(1, "web-aside", within=300.0))

    async def ask(self, question: Callable[[], T], *, is_slow: bool = False) -> T:
        """Return the result of a blocking query, run in a thread.

        Slow ones have their own. Raises `StoreFault`.
        """
        if self.live.is_store_unavailable():
            raise StoreFault(
                "the store does not answer, so only today's board is available, from memory"
            )
        return await (self._slow_threads if is_slow else self._threads).ask(question)

    def for_viewer(self, *, sees_all: bool) -> Queries:
        """Return a copy for a viewer who sees everything, or who sees no embargoed data."""
        return replace(self, sees_all=sees_all)

    def now(self) -> datetime:
        """Return the present instant."""
        return self.clock.now()

    def today(self) -> date:
        """Return today's local date."""
        return self.now().astimezone(ZoneInfo(self.timezone)).date()

    async def list_releases(
        self, first: date, last: date, producer: str | None = None
    ) -> list[Json]:
        """Return the JSON of every release with a slot that begins on these local days.

        If the store does not answer, return the watched releases from memory. Raises `StoreFault`
        if the store does not answer and the days do not include today.
        """
        try:
            async with asyncio.timeout(_STORE_WITHIN):
                found = await self._stored_releases(first, last, producer)
        except (StoreFault, TimeoutError) as exc:
            if not first <= self.today() <= last:
                raise StoreFault(
                    "the store does not answer: only the board of today is known"
                ) from exc
            found = self._watched_releases(first, last, producer)
        visible = map(self._visible_part, found)
        return [body for body in visible if body is not None]

    def _watched_releases(self, first: date, last: date, producer: str | None) -> list[Json]:
        begin, end = self._day_bounds(first, last)
        found = []
        for body in map(self.live.body, self.live.last_looks()):
            if body is None or not is_by(body, producer):
                continue
            start = (body["slot"] or {}).get("start")
            if start and begin <= datetime.fromisoformat(start) < end:
                found.append(body)
        return found

    async def _stored_releases(self, first: date, last: date, producer: str | None) -> list[Json]:
        """Return the JSON of judged releases and of those not judged yet, by slot."""
        begin, end = self._day_bounds(first, last)
        # in the order of slots
        judged_ids = await self.ask(lambda: self.store.verdicts.judged_ids(begin, end))
        bodies = await self._judged_bodies(judged_ids)
        judged = [body for body in bodies.values() if is_by(body, producer)]
        releases = await self._add_decisions(judged)
        # A monitor that watches has judged every release up to today.
        if last > self.today() or not self.live.last_looks():
            now, judged_before = self.now(), set(judged_ids)
            entries = await self.ask(lambda: self.store.ledger.releases(begin, end))
            promised = [one for one in entries if one.id not in judged_before]
            ids = [one.id for one in promised if producer in (None, *one.producers)]
            unjudged = await self.ask(lambda: [self.judge_promised(name, now) for name in ids])
            releases += [body for body in unjudged if body is not None]
            releases.sort(key=lambda body: (body["slot"] or {}).get("start") or "")
        return releases

    async def _judged_bodies(self, releases: Sequence[str]) -> dict[str, Json]:
        """Return the JSON of those of these releases that are judged, in their order."""
        bodies: dict[str, Json | None] = {}
        async for name in with_pauses(releases, self.clock):
            # newer than the stored JSON
            bodies[name] = self.live.body(name)
        if unwatched := [name for name in releases if bodies[name] is None]:
            rows = await self.ask(lambda: self.store.verdicts.judged_on(unwatched))
            bodies |= {row.release: row.body for row in rows}
        return {name: body for name, body in bodies.items() if body is not None}

    async def find_releases(self, releases: Sequence[str]) -> list[Json]:
        """Return the JSON of those of these releases that may be shown, in their order."""
        judged, now = await self._judged_bodies(releases), self.now()
        rest = [name for name in releases if name not in judged]
        promised = await self.ask(lambda: [self.judge_promised(name, now) for name in rest])
        known: dict[str, Json | None] = {**judged, **dict(zip(rest, promised, strict=True))}
        in_order = (known[name] for name in releases)
        bodies = [body for body in in_order if body is not None]
        visible = map(self._visible_part, await self._add_decisions(bodies))
        return [body for body in visible if body is not None]

    async def find_release(self, release: str) -> Json:
        """Return the JSON of one release.

        Raises `UnknownName` if there is none, or it must not be shown.
        """
        body = await self._read_release(release)
        if body is None or (visible := self._visible_part(body)) is None:
            raise UnknownName(f"There is no release {release!r}.")
        return visible

    async def _read_release(self, release: str) -> Json | None:
        row = await self.ask(lambda: self.store.verdicts.judged_one(release))
        if row is None:
            now = self.now()
            return await self.ask(lambda: self.judge_promised(release, now))
        known = await self.ask(lambda: self.store.ledger.release(release))
        # One that was joined into another is not judged any more: show its last verdict.
        if known is not None and known.joined_into is not None:
            body = row.body | {"joined_into": known.joined_into}
        else:
            body = self.live.body(row.release) or row.body
        return (await self._add_decisions([body]))[0]

    async def _add_decisions(self, bodies: list[Json]) -> list[Json]:
        """Return bodies with what people have decided since the verdict, such as an
        earlier time.
        """
        incidents = [body["incident"] for body in bodies if body["incident"]]
        words = await self.ask(lambda: self.store.verdicts.words_on(incidents))
        return [with_brought_forward(body, words.get(body["incident"])) for body in bodies]

    async def list_incidents(
        self, first: date | None = None, last: date | None = None, until: datetime | None = None
    ) -> list[Incident]:
        """Return at most `MOST_INCIDENTS` of these days and before `until`, newest first."""
        begin, end = self.span_of_days(first, last)
        end, now = min(filter(None, (end, until)), default=None), self.now()
        store = self.store.verdicts
        return await self.ask(
            lambda: self._visible_incidents(store.incidents(begin, end, limit=MOST_INCIDENTS), now)
        )

    async def list_needing_action(
        self, first: date | None = None, last: date | None = None
    ) -> list[Incident]:
        """Return the incidents of these local days, or any, that need action, newest first: not
        closed, or with a report owed or an overdue action.
        """
        store, now, today = self.store.verdicts, self.now(), self.today()
        begin, end = self.span_of_days(first, last)

        def occurred_on_these_days(one: Incident) -> bool:
            return (begin is None or begin <= one.occurred) and (end is None or one.occurred < end)

        def read() -> list[Incident]:
            # The store also calls a closed one open if a report is owed or an action is not done.
            of_days = [
                one
                for one in reversed(store.open_incidents(MOST_INCIDENTS))
                if occurred_on_these_days(one)
            ]
            return self._visible_incidents(
                [one for one in of_days if needs_action(one, today)], now
            )

        return await self.ask(read)

    async def find_incident(self, incident: str) -> Incident:
        """Return one incident. Raises like `find_release`."""
        now = self.now()
        found = await self.ask(
            lambda: self._visible_incidents([self.store.verdicts.incident(incident)], now)
        )
        if not found:
            if self.sees_all:
                known = await self.ask(self.store.verdicts.incidents)
                raise unknown_name("incident", incident, [one.id for one in known])
            raise UnknownName(f"There is no incident {incident!r}.")
        return found[0]

    async def list_events(self, after: str | None, release: str | None, limit: int) -> list[Event]:
        """Return at most `limit` events after the one with the id `after`, oldest first.

        Raises `UnknownName`.
        """
        now = self.now()
        return await self.ask(lambda: self._read_events(after, release, limit, now))

    async def list_drafts(self, incident: str) -> list[Draft]:
        """Return the versions of a draft, oldest first.

        Adds a version first if measurements have changed.
        """
        now, desk = self.now(), self.desk
        if desk is not None:
            # Durations grow.
            redraft = await self.ask(lambda: desk.current.prepare_redraft(incident, now))
            if redraft is not None:
                await desk.writer.write(redraft)
        return await self.ask(lambda: self.store.verdicts.drafts(incident))

    async def assess_readiness(self, day: date | None) -> ReadinessAssessment | None:
        """Return whether everything is ready for the slots of a day (None: the next with a slot),
        at most a minute old. None if this viewer may not see it, or nothing is assessed here.
        """
        reader, now = self.readiness, self.now()
        if reader is None or not self.sees_all:
            return None
        known = self._assessed.get(day)
        if known is not None and is_fresh(known.at, now, _ASSESSED_FOR):
            return known
        # An open board is read every few seconds.
        made = await self.ask(
            lambda: reader.assess_next(now) if day is None else reader.assess_day(day, now)
        )
        self._assessed.clear()
        self._assessed[day] = made
        return made

    async def list_ticks(self, release: str) -> list[tuple[Tick, Act]]:
        """Return what was ticked about a release, in time order. Empty for strangers."""
        if not self.sees_all:
            return []
        return await self.ask(lambda: list(select_ticks(self.store.verdicts.acts(release))))

    async def list_acts(self, incident: Incident) -> list[Act]:
        """Return which account did what to an incident, in time order."""
        return await self.ask(lambda: self.store.verdicts.acts(incident.id))

    async def list_related(self, incident: Incident) -> list[Incident]:
        """Return the incidents of other releases that the same platform fault explains."""
        now, store = self.now(), self.store.verdicts
        return await self.ask(
            lambda: self._visible_incidents(related_incidents(store, incident)[::-1], now)
        )

    async def write_document(
        self, incident: Incident, draft: Draft, ending: str, which: Document | None
    ) -> tuple[bytes, str]:
        """Return a document of a draft and its media type. Raises `UnknownName`."""
        template, shown = self.templates.get(incident.producer), redact_draft(draft, self.redactor)
        return await self.ask(lambda: render_draft(shown, ending, template, which))

    def incident_json(self, incident: Incident, drafts: Sequence[Draft] = ()) -> Json:
        """Return the JSON of an incident.

        Only viewers who see everything get the details of its findings.
        """
        body = incident_json(incident, drafts)
        return body if self.sees_all else without_details(body)

    async def list_given_up(self) -> list[Json]:
        """Return the deliveries recently given up, newest first, with their notices' subjects."""
        outbox, since = self.store.outbox, self.now() - GIVEN_UP_FOR
        return await self.ask(
            lambda: [given_up_json(outbox, row) for row in outbox.given_up(since)[:_MOST_SHOWN]]
        )

    def close(self) -> None:
        """Stop the threads."""
        self._threads.close()
        self._slow_threads.close()
        if self.sessions is not None:
            self.sessions.close()

    def _visible_part(self, body: Json) -> Json | None:
        return body if self.sees_all else public_view(body, self.now())

    def _visible_incidents(
        self, incidents: Sequence[Incident | None], now: datetime
    ) -> list[Incident]:
        """Return those (oldest first) that the viewer may see, newest first, measured at `now`."""
        visible = [one for one in reversed(incidents) if one is not None]
        if not self.sees_all:
            public = [one for one in visible if one.kind not in NOT_MEASURED]
            # Those that one host delayed are `linked` and share a slot, so check that of the first.
            with_release = [
                (one, one.linked[0].release if one.linked else one.release) for one in public
            ]
            visible = [one for one, release in with_release if self.is_slot_past(release, now)]
        # Their durations grow, so they are measured again.
        if self.desk is None:
            return visible
        return [self.desk.current.refresh(one, now) for one in visible]

    def is_slot_past(self, release: str, now: datetime) -> bool:
        """Return whether the slot of a release has passed. Reads the store."""
        row = self.store.verdicts.judged_one(release)
        return row is not None and slot_has_passed(row.body, now)

    def _read_events(
        self, after: str | None, release: str | None, limit: int, now: datetime
    ) -> list[Event]:
        """Return visible events. Raises `UnknownName` if the event `after` is not visible."""
        store, is_slot_past = self.store.verdicts, functools.cache(self.is_slot_past)
        last = None if after is None else store.event(after)
        if after is not None and (
            last is None or not (self.sees_all or is_slot_past(last.release, now))
        ):
            raise UnknownName(f"no event {after!r}")
        visible: list[Event] = []
        # Embargoed events are left out, so one read may not be enough.
        while True:
            events = store.events((last.at, last.id) if last is not None else None, release, limit)
            if self.sees_all:
                visible += events
            else:
                public = (one for one in events if is_slot_past(one.release, now))
                visible += [replace(one, body=without_details(one.body)) for one in public]
            if len(events) < limit or len(visible) >= limit:
                return visible[:limit]
            last = events[-1]

    def _day_bounds(self, first: date, last: date) -> tuple[datetime, datetime]:
        return day_begins(first, self.timezone), day_begins(last + timedelta(days=1), self.timezone)

    def span_of_days(
        self, first: date | None, last: date | None
    ) -> tuple[datetime | None, datetime | None]:
        """Return the instants at which these local days begin and end, None for no day."""
        return span_of(first, last, self.timezone)
