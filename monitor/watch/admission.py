"""The releases that calendars promise: reads come in, promises are written down, the watch is told."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import structlog

from monitor.clock import Clock
from monitor.judge.runs import Run, release_of
from monitor.ledger.ledger import LedgerState
from monitor.ledger.missing_editions import MissingEdition, missing_editions
from monitor.ledger.promises import BEHIND
from monitor.ledger.reader import Outcome
from monitor.ledger.state import CalendarState, Checks, Weighed, weigh
from monitor.ledger.write import SMALL, LedgerChange, Registrar, aside
from monitor.look.fetch import Found
from monitor.plan.targets import Target
from monitor.store.interface import Store
from monitor.store.rows import CalendarRead
from monitor.store.writer import Writer
from monitor.watch.listing_match import Near, read_by_title
from monitor.watch.rejudge import judged_parts, judged_place
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from schedules.announcement import Announcement
from schedules.join import Rules
from schedules.promise import Promise
from schedules.regular_series import series_of
from schedules.release import Release
from schedules.sanity import Alarm

_log = structlog.get_logger(__name__)
LISTED = timedelta(days=400)
"""How far ahead of its slot a release is looked for in listings: as far as calendars promise any."""
_CONFIRM_ALL, _PUT_AWAY = timedelta(hours=6), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Taken:
    """One read as it was judged, with the alarms it raised."""

    read: CalendarRead
    alarms: tuple[Alarm, ...] = ()


class Roster:
    """Keeps the ledger and says which releases are near enough to be watched."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        watch: Watch,
        clock: Clock,
        rules: Rules,
        checks: Mapping[str, Checks] | None = None,
    ) -> None:
        """Begin empty. `checks` say by calendar how its reads are held against earlier ones."""
        self._store = store
        self._register = LedgerState(store, rules)
        self._registrar = Registrar(writer)
        self._watch = watch
        self._clock = clock
        self._checks = checks or {}
        self._confirmed: dict[str, datetime] = {}
        self._put_away: datetime | None = None
        self._listed: set[str] = set()
        self._over: dict[str, tuple[Release | None, int]] = {}
        self._lock = asyncio.Lock()

    @property
    def releases(self) -> Mapping[str, Release]:
        """Return every release that a calendar has announced, but for those that are long over."""
        return self._register.releases

    async def take_up(self, now: datetime) -> None:
        """Read back what an earlier life knew, and watch what is near."""
        lesson = await self._register.begin(now)
        await self._registrar.settle(lesson, now)
        self._take_over(lesson)
        self._put_away = now
        self._look_ahead(self._register.ledger.releases(), now)
        self._watch_near(now, self._register.ledger.releases(), soon=True)
        self._settle_left_open(now)

    async def learn(self, outcome: Outcome) -> Taken:
        """Take in one read: write down what it promises and watch what is near."""
        async with self._lock:
            read, reading = outcome.read, outcome.reading
            state = self._register.state(read.calendar)
            if reading is None:
                await self._registrar.note(read)
                return Taken(read)
            as_of = outcome.as_of or read.finished
            if reading is state.reading:
                await self._confirm(state, read, as_of)
                return Taken(read)
            if state.as_of is not None and as_of < state.as_of:
                older = replace(read, usable=False, fault="a copy that may be older than the last read")
                await self._registrar.note(older)
                return Taken(older)
            state = await self._register.recalled(read.calendar, reading)
            checks = self._checks.get(read.calendar, Checks())
            weighed = await aside(len(reading.announcements), lambda: weigh(state, read, reading, checks, as_of))
            if not weighed.learnt.usable:
                fault = "not believed: " + "; ".join(alarm.detail for alarm in weighed.learnt.alarms)
                doubted = replace(read, usable=False, fault=fault)
                await self._registrar.note(doubted)
                return Taken(doubted, weighed.learnt.alarms)
            await self._take(read, weighed)
            return Taken(read)

    async def roll(self) -> None:
        """Watch what has come near since, and forget what is long over."""
        async with self._lock:
            now = self._clock.now()
            await self._forget(now)
            names = self._register.ledger.releases()
            ahead = max(LISTED, self._watch.ahead)
            self._listed = set(await aside(len(names), lambda: self._register.ledger.near(names, now, ahead)))
            self._over = {name: said for name, said in self._over.items() if name in self._listed}
            self._watch_near(now, self._listed)

    async def recall(self, release: str) -> Release | None:
        """Return a release that a calendar has announced, however long ago; None for any other."""
        async with self._lock:
            await self._register.recall([release])
            return self.releases.get(release)

    def promises(self, release: str) -> list[Promise]:
        """Return the promises of a release in the order learnt."""
        return self._register.ledger.of(release)

    def shown(self, calendar: str) -> list[Announcement]:
        """Return what a calendar last said of each entry that it has ever shown."""
        return list(self._register.state(calendar).shown.values())

    def last_read(self, calendar: str) -> datetime | None:
        """Return when a calendar was last read with success, in this life or an earlier one."""
        return self._register.state(calendar).last_read

    async def missing_editions(self, now: datetime, fresh: Collection[str]) -> list[MissingEdition]:
        """Return the editions of regular series that no calendar announces in time; see `missing_editions`."""
        async with self._lock:
            past = await self._register.past(self._clock.now())
            found = list(self._register.editions())
            return await aside(len(found), lambda: list(missing_editions(found, past, fresh, now)))

    async def has_series(self, producer: str, title: str) -> bool:
        """Tell whether a producer has announced an edition of the series of this title, however long ago."""
        series = series_of(producer, title)
        if any(series_of(one.producer, one.title) == series for one in self.releases.values()):
            return True
        async with self._lock:
            return series in (await self._register.past(self._clock.now())).series()

    def slots(self, begin: datetime, end: datetime) -> Mapping[str, Collection[datetime]]:
        """Return, by calendar, the instants in force from `begin` to `end` of the watched releases it announces."""
        found, now, ledger = defaultdict[str, set[datetime]](set), self._clock.now(), self._register.ledger
        for name, watched in self._watch.releases.items():
            # What is in force takes long to tell, and many releases share an instant.
            promised = {
                (calendar, at) for at in ledger.instants(name, begin, end) for calendar in watched.release.calendars
            }
            if all(at in found[calendar] for calendar, at in promised):
                continue
            slot = ledger.slot(watched.release, now)
            if slot is not None and slot.instant is not None and begin <= slot.instant <= end:
                for calendar in watched.release.calendars:
                    found[calendar].add(slot.instant)
        return found

    def near(self, producer: str) -> list[Near]:
        """Return the releases of a producer whose slot lies not far ahead or has not long passed."""
        now = self._clock.now()
        mine = [release for release in map(self.releases.get, self._listed) if release and release.producer == producer]
        watched = self._watch.releases
        return [
            Near(watched[release.id].release if release.id in watched else release, slot.begins())
            for release in sorted(mine, key=lambda release: release.id)
            if (slot := self._register.ledger.slot(release, now)) is not None
            and (passes := slot.passes()) is not None
            and passes > now - BEHIND
        ]

    def kin(self, producer: str, found: Found) -> list[Near]:
        """Return every release of a producer, however long past, that bears the address or the title of an entry."""
        now, ledger, kin = self._clock.now(), self._register.ledger, self._register.kin(producer, found)
        return [Near(one, slot.begins() if (slot := ledger.slot(one, now)) else None) for one in kin]

    def begins(self, release: str) -> datetime | None:
        """Return when the slot in force of a release begins, None without one."""
        known = self.releases.get(release)
        slot = None if known is None else self._register.ledger.slot(known, self._clock.now())
        return None if slot is None else slot.begins()

    def take(self, release: str) -> WatchedRelease | None:
        """Watch a release, however far ahead its slot; None when no calendar tells of it."""
        known = self.releases.get(release)
        if known is not None and release not in self._watch.releases:
            self._adopt([known])
        return self._watch.releases.get(release)

    def targets_on(self, day: date | None) -> list[Target]:
        """Return the targets of watched releases, of one local day or of all."""
        watched = self._watch.releases.values()
        chosen = [one for one in watched if day is None or self._register.ledger.day(one.release.id) == day]
        return [target for one in chosen for target in one.targets.values()]

    async def _confirm(self, state: CalendarState, read: CalendarRead, as_of: datetime) -> None:
        """Note that a calendar says what it said: of watched releases at every read, of all others now and then."""
        name, at = read.calendar, read.finished
        last = self._confirmed.get(name)
        of = {uid: self._register.release_of[name, uid] for uid, seen in state.known.items() if seen.gone is None}
        some = len(of) > SMALL and last is not None and at - last < _CONFIRM_ALL
        if some:
            of = {uid: release for uid, release in of.items() if release in self._watch.releases}
        await self._registrar.confirm(read, of, as_of)
        self._register.keep(replace(state, last_read=at, as_of=max(as_of, state.as_of or as_of)))
        self._stand(name, of.values(), as_of)
        if not some:
            self._confirmed[name] = at

    async def _take(self, read: CalendarRead, weighed: Weighed) -> None:
        name, learnt = read.calendar, weighed.learnt
        lesson = await self._register.lesson(read.calendar, weighed)
        await self._registrar.enter(lesson, read, weighed)
        self._confirmed[name] = read.finished
        self._take_over(lesson)
        now, as_of = self._clock.now(), weighed.state.as_of
        if as_of is not None:
            self._stand(name, [self._register.release_of[name, uid] for uid in learnt.confirmed], as_of)
        changed = (self._register.release_of[name, uid] for uid in learnt.promises)
        names = {*lesson.joined.altered, *changed, *self._watch.releases}
        self._look_ahead(names, now)
        self._watch_near(now, names)
        for what, uids in (("absent", learnt.absent), ("reappeared", learnt.reappeared)):
            for uid in uids:
                release = self._register.release_of[name, uid]
                _log.info("calendar_entry", calendar=name, entry=uid, what=what, release=release)

    def _stand(self, calendar: str, releases: Collection[str], as_of: datetime) -> None:
        """Note that a calendar still says what it said of these releases, and have those judged that rest on it."""
        self._register.ledger.confirm(calendar, releases, as_of)
        for name in self._watch.releases.keys() & releases:
            self._watch.confirmed(name, self._register.ledger.of(name))

    async def _forget(self, now: datetime) -> None:
        """Once a day, let go of releases that are long over."""
        if self._put_away is None or now - self._put_away >= _PUT_AWAY:
            self._put_away = now
            await self._register.put_away(now, self._watch.releases)

    def _take_over(self, lesson: LedgerChange) -> None:
        self._register.take_over(lesson)
        for old in lesson.left():
            self._watch.forget(old)

    def _settle_left_open(self, now: datetime) -> None:
        """Have verdicts judged to their end that were open when an earlier life ended, long ago."""
        rows = [row for row in self._store.open_judged() if row.slot is not None and row.slot < now]
        self._adopt(self.releases[row.release] for row in rows if row.release in self.releases)

    def _look_ahead(self, names: Iterable[str], now: datetime) -> None:
        self._listed.update(self._register.ledger.near(names, now, LISTED))

    def _watch_near(self, now: datetime, names: Iterable[str], *, soon: bool = False) -> None:
        wanted = list(names)
        # A release that was called off has no slot near any more; those who watch it must hear of it all the same.
        known = [name for name in wanted if name in self._watch.releases]
        near = self._register.ledger.near(wanted, now, self._watch.ahead)
        names = {**dict.fromkeys(near), **dict.fromkeys(known)}
        self._adopt((self.releases[name] for name in names if name in self.releases), soon=soon)
        for name in self._watch.forget_old(now):
            self._over[name] = self._said_of(name)

    def _adopt(self, releases: Iterable[Release], *, soon: bool = False) -> None:
        """Have releases watched as they are now, but for those that were over and nothing new was said of since."""
        new = []
        for release in releases:
            name, promises = release.id, self._register.ledger.of(release.id)
            watched = self._watch.releases.get(name)
            if watched is None:
                new += [] if self._over.get(name) == self._said_of(name) else [release]
            elif len(watched.promises) != len(promises) or watched.announced != release:
                self._watch.adopt(release, promises)
        names = [release.id for release in new]
        runs: dict[str, list[Run]] = defaultdict(list)
        for run in self._store.runs_of_releases(names):
            runs[release_of(run.target)].append(run)
        judged = {row.release: row for row in self._store.judged_on(list(runs))}
        for release in new:
            row = judged.get(release.id)
            found, place = [read_by_title(part) for part in judged_parts(row)], judged_place(row)
            promises = self._register.ledger.of(release.id)
            self._watch.adopt(release, promises, runs[release.id], found=found, place=place, soon=soon)

    def _said_of(self, release: str) -> tuple[Release | None, int]:
        return self.releases.get(release), len(self._register.ledger.of(release))
