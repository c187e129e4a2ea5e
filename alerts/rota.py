"""Who is on call: shifts from the configuration or a calendar, turns, and gaps without anyone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schedules.times.json import instant_json
from schedules.times.words import stamp
from schedules.times.zone import local, zone

_FURTHEST = timedelta(days=366)
_MOST_CHANGES = 1000


def rota_calendar_name(rota: str) -> str:
    """Return the name of the calendar of a rota, for incidents and logs."""
    return f"rota-{rota}"


@dataclass(frozen=True, slots=True)
class Shift:
    """A role is on call from `begins` until `ends`, aware UTC."""

    role: str
    begins: datetime
    ends: datetime


def shifts_json(shifts: Iterable[Shift]) -> str:
    """Return shifts as JSON text."""
    return json.dumps([[one.role, instant_json(one.begins), instant_json(one.ends)] for one in shifts])


def shifts_from_json(text: str) -> tuple[Shift, ...]:
    """Return the shifts that `shifts_json` wrote."""
    rows = json.loads(text)
    return tuple(
        Shift(role, datetime.fromisoformat(begins), datetime.fromisoformat(ends)) for role, begins, ends in rows
    )


@dataclass(frozen=True, slots=True)
class Turns:
    """Roles that take turns of one length, the first from `begins` on: local wall time, so is each hand-over."""

    roles: tuple[str, ...]
    begins: datetime
    every: timedelta


@dataclass(frozen=True, slots=True)
class Rota:
    """Who is on call when: by its own `shifts`, else those last `read` of its calendar, else by `turns`.

    `ways` is the channel of each role. `fault` is why its calendar could not be read the last time, empty when it was.
    """

    name: str
    ways: Mapping[str, str]
    turns: Turns | None = None
    shifts: tuple[Shift, ...] = ()
    read: tuple[Shift, ...] = ()
    timezone: str = "Europe/London"
    fault: str = ""

    def on_call(self, at: datetime) -> tuple[str, ...]:
        """Return the roles that are on call, empty if none is."""
        for shifts in (self.shifts, self.read):
            on = (one.role for one in shifts if one.begins <= at < one.ends and one.role in self.ways)
            if known := tuple(dict.fromkeys(on)):
                return known
        return self._turn(at)

    def channels(self, at: datetime) -> tuple[str, ...]:
        """Return the channels of the roles on call. If none is, return all, because someone must be notified."""
        return tuple(dict.fromkeys(self.ways[role] for role in self.on_call(at) or self.ways))

    def changes(self, begin: datetime, end: datetime) -> Iterator[tuple[datetime, tuple[str, ...]]]:
        """Yield each instant and the roles on call from then on: `begin`, then each hand-over before `end`."""
        last, marks = self.on_call(begin), sorted({*self._marks(begin, end)})
        yield begin, last
        for at in marks[:_MOST_CHANGES]:
            if (now := self.on_call(at)) != last:
                yield at, now
                last = now

    def gaps(self, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """Return the spans in which no role is on call."""
        found = list(self.changes(begin, end))
        ends = [at for at, _ in found[1:]] + [end]
        return [(at, until) for (at, roles), until in zip(found, ends, strict=True) if not roles]

    def describe_on_call(self, now: datetime) -> str:
        """Return one line: who is on call now, until when, and who is next."""
        (_, roles), *later = self.changes(now, now + _FURTHEST)
        who = " and ".join(roles) or "no one, so all its roles are notified"
        if not later:
            return who
        at, following = later[0]
        return f"{who} until {stamp(at, self.timezone, weekday=True)}, then {' and '.join(following) or 'no one'}"

    def _turn(self, at: datetime) -> tuple[str, ...]:
        turns, wall = self.turns, local(at, self.timezone).replace(tzinfo=None)
        if turns is None or wall < turns.begins:
            return ()
        return (turns.roles[(wall - turns.begins) // turns.every % len(turns.roles)],)

    def _marks(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """Yield each instant between `begin` and `end` at which a shift or turn begins or ends."""
        edges = (at for one in (*self.shifts, *self.read) for at in (one.begins, one.ends))
        yield from (at for at in edges if begin < at < end)
        if (turns := self.turns) is None:
            return
        wall = local(begin, self.timezone).replace(tzinfo=None)
        due = turns.begins + max(0, (wall - turns.begins) // turns.every) * turns.every
        for _ in range(_MOST_CHANGES):
            at = due.replace(tzinfo=zone(self.timezone)).astimezone(UTC)
            if at >= end:
                return
            if at > begin:
                yield at
            due += turns.every
