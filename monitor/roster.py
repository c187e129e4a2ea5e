"""The releases that calendars promise: reads come in, promises are written down, the watch is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import structlog

from monitor.calendars import Outcome
from monitor.clock import Clock
from monitor.plan.targets import Target
from monitor.record.rows import Announced, CalendarRead
from monitor.record.store import Store, Transaction
from monitor.record.writer import Writer
from monitor.tripwires import Near
from monitor.watch import Watch
from schedules.announcement import Announcement
from schedules.asjson import announcement_from_json, announcement_json
from schedules.inforce import slot_in_force
from schedules.join import Joined, Rules, join
from schedules.ledger import Learnt, learn
from schedules.promise import Promise
from schedules.release import Release
from schedules.sanity import LastSeen, Previous
from schedules.source import Reading

_log = structlog.get_logger(__name__)
Key = tuple[str, str]
AHEAD = timedelta(days=15)
BEHIND = timedelta(days=15)


@dataclass(slots=True)
class _Calendar:
    """What one calendar has shown: its entries by uid, and when it was last read with success."""

    entries: dict[str, Announced] = field(default_factory=dict)
    shown: dict[str, Announcement] = field(default_factory=dict)
    known: dict[str, LastSeen] = field(default_factory=dict)
    counts: list[int] = field(default_factory=list)
    last_read: datetime | None = None


class Roster:
    """Keeps the ledger and says which releases are near enough to be watched."""

    def __init__(self, store: Store, writer: Writer, watch: Watch, clock: Clock, rules: Rules) -> None:
        self._store = store
        self._writer = writer
        self._watch = watch
        self._clock = clock
        self._rules = rules
        self._calendars: dict[str, _Calendar] = defaultdict(_Calendar)
        self._promises: dict[str, list[Promise]] = defaultdict(list)
        self._releases: dict[str, Release] = {}
        self._release_of: dict[Key, str] = {}

    @property
    def releases(self) -> Mapping[str, Release]:
        """Return every release that a calendar has announced."""
        return self._releases

    async def take_up(self, now: datetime) -> None:
        """Read back what an earlier life knew, and watch what is near."""
        for name in self._rules.order:
            for row in self._store.announced(name):
                self._take_entry(name, row)
            reads = [read for read in self._store.reads(name, limit=20) if read.usable]
            self._calendars[name].last_read = reads[0].finished if reads else None
            self._calendars[name].counts = [read.entries for read in reversed(reads)]
        for promise in self._store.promises():
            self._promises[promise.release].append(promise)
        self._join()
        self._watch_near(now, soon=True)

    async def learn(self, outcome: Outcome) -> CalendarRead:
        """Take in one read: write down what it promises and watch what is near; returns it as it was judged."""
        read, reading = outcome.read, outcome.reading
        if reading is None:
            await self._writer.write(lambda tx: tx.add_read(read))
            return read
        calendar = self._calendars[read.calendar]
        before = Previous({}, calendar.counts, may_be_empty=True)
        learnt = learn(calendar.known, reading, read.calendar, read.finished, calendar.last_read, before)
        if not learnt.usable:
            doubted = replace(read, usable=False, fault="; ".join(alarm.detail for alarm in learnt.alarms))
            await self._writer.write(lambda tx: tx.add_read(doubted))
            return doubted
        await self._take(read, reading, learnt)
        self._watch_near(self._clock.now())
        return read

    async def roll(self) -> None:
        """Watch what has come near since, and forget what is long over."""
        self._watch_near(self._clock.now())

    def promises(self, release: str) -> list[Promise]:
        """Return the promises of a release in the order learnt."""
        return self._promises[release]

    def near(self, producer: str) -> list[Near]:
        """Return the releases of a producer whose slot lies ahead or has not long passed."""
        now = self._clock.now()
        mine = [release for release in self._releases.values() if release.producer == producer]
        slots = ((release, slot_in_force(self._promises[release.id], now).slot) for release in mine)
        watched = self._watch.releases
        return [
            Near(watched[release.id].release if release.id in watched else release, slot.begins())
            for release, slot in slots
            if slot is not None and (passes := slot.passes()) is not None and passes > now - BEHIND
        ]

    def targets_on(self, day: date | None) -> list[Target]:
        """Return the targets of watched releases, of one local day or of all."""
        watched = self._watch.releases.values()
        chosen = [one for one in watched if day is None or _day_of(self._promises[one.release.id]) == day]
        return [target for one in chosen for target in one.targets.values()]

    def _take_entry(self, name: str, row: Announced) -> None:
        calendar = self._calendars[name]
        calendar.entries[row.uid] = row
        calendar.shown[row.uid] = shown = announcement_from_json(row.body["announcement"])
        calendar.known[row.uid] = replace(LastSeen.of(shown), gone=row.gone)
        self._release_of[name, row.uid] = row.body["release"]

    async def _take(self, read: CalendarRead, reading: Reading, learnt: Learnt) -> None:
        calendar = self._calendars[read.calendar]
        changed = [one.uid for one in reading.announcements if calendar.shown.get(one.uid) != one]
        for announcement in reading.announcements:
            calendar.shown[announcement.uid] = announcement
            calendar.known[announcement.uid] = LastSeen.of(announcement)
        for uid in learnt.gone:
            calendar.known[uid] = replace(calendar.known[uid], gone=read.finished)
        calendar.counts.append(len(reading.announcements))
        if changed:
            self._join()
        promises = self._promised(read.calendar, learnt)
        await self._writer.write(lambda tx: self._write(tx, read, changed, promises, learnt))
        calendar.last_read = read.finished

    def _join(self) -> Joined:
        announced = {name: list(calendar.shown.values()) for name, calendar in self._calendars.items()}
        joined = join(announced, self._rules, self._release_of)
        self._release_of = dict(joined.release_of)
        self._releases = {release.id: release for release in joined.releases}
        return joined

    def _promised(self, calendar: str, learnt: Learnt) -> list[Promise]:
        promises = [
            replace(promise, release=self._release_of[calendar, uid]) for uid, promise in learnt.promises.items()
        ]
        for promise in promises:
            self._promises[promise.release].append(promise)
        return promises

    def _write(
        self, tx: Transaction, read: CalendarRead, changed: Sequence[str], promises: Sequence[Promise], learnt: Learnt
    ) -> None:
        name = read.calendar
        for release in {self._release_of[name, uid] for uid in changed}:
            tx.save_release(self._releases[release])
        tx.add_promises(promises)
        tx.confirm_all(name, [self._release_of[name, uid] for uid in learnt.confirmed], read.finished)
        tx.save_announced(self._row(name, uid, read) for uid in (*changed, *learnt.gone))
        tx.touch_announced(name, [uid for uid in learnt.confirmed if uid not in changed], read.finished)
        tx.add_read(read)

    def _row(self, calendar: str, uid: str, read: CalendarRead) -> Announced:
        entries = self._calendars[calendar].entries
        first = entries[uid].seen_first if uid in entries else read.finished
        body: dict[str, Any] = {
            "announcement": announcement_json(self._calendars[calendar].shown[uid]),
            "release": self._release_of[calendar, uid],
        }
        known = self._calendars[calendar].known[uid]
        last = entries[uid].seen_last if known.gone and uid in entries else read.finished
        entries[uid] = Announced(calendar, uid, body, first, last, known.gone)
        return entries[uid]

    def _watch_near(self, now: datetime, *, soon: bool = False) -> None:
        for name, release in self._releases.items():
            promises = self._promises[name]
            if not any(_is_near(promise, now) for promise in promises):
                continue
            watched = self._watch.releases.get(name)
            if watched is None:
                self._watch.adopt(release, promises, self._store.runs_of_release(name), soon=soon)
            elif len(watched.promises) != len(promises) or watched.announced != release:
                self._watch.adopt(release, promises)
        self._watch.forget_old(now)


def _is_near(promise: Promise, now: datetime) -> bool:
    begins, passes = promise.slot.begins(), promise.slot.passes()
    return begins is not None and passes is not None and begins - AHEAD <= now < passes + BEHIND


def _day_of(promises: Sequence[Promise]) -> date | None:
    slot = promises[-1].slot if promises else None
    begins = slot.begins() if slot else None
    return begins.date() if begins else None
