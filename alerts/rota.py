"""Who is on call, by shifts or by turns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from schedules.times.json import instant_json
from schedules.times.words import stamp
from schedules.times.zone import local, zone
from schedules.values import (
    CalendarAddress,
    Duration,
    Name,
    Network,
    Spacing,
    Table,
    Wall,
    at_least,
)

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
    return json.dumps(
        [[one.role, instant_json(one.begins), instant_json(one.ends)] for one in shifts]
    )


def shifts_from_json(text: str) -> tuple[Shift, ...]:
    """Return the shifts that `shifts_json` wrote."""
    rows = json.loads(text)
    return tuple(
        Shift(role, datetime.fromisoformat(begin), datetime.fromisoformat(end))
        for role, begin, end in rows
    )


class ShiftSettings(Table):
    """Who is on call for a while, whatever calendar and turns say: holidays, swaps, or a rota that
    is only a list.
    """

    role: str
    """One of `who`."""
    begins: Wall = Field(alias="from")
    """A local date-time, or a date for its first minute."""
    until: Wall
    """The end, written in the same way. It is not included."""


class RotaSettings(Table):
    """Who is on call.

    A route can name a rota in place of a channel ([more](notices.md#who-is-on-call)). Write roles
    or initials, no names.
    """

    name: Name
    """Its name in routes. No channel may have the same name."""
    who: dict[str, str] = Field(min_length=1)
    """The channel of each role: `"duty A" = "phone-a"`.

    If the rota is read from a calendar, the title of the current event contains the name of the
    role on call, as whole words. Of several names, the longest counts. Nothing else of the event is
    kept.
    """
    turns: list[str] = []
    """Roles that take turns, in this order."""
    begins: Wall | None = None
    """When the first turn begins: a local date-time."""
    every: Annotated[Duration, at_least(timedelta(hours=1))] = timedelta(days=7)
    """How long a turn lasts, at least an hour. Hand-over is always at the same local time."""
    shift: list[ShiftSettings] = []
    url: CalendarAddress | None = None
    """The address of a calendar (iCalendar). `webcal` works like `https`."""
    file: str | None = None
    """Or the file of a calendar."""
    read_every: Spacing = timedelta(minutes=10)
    """How often the calendar is read."""
    secret: bool = False
    """Whether the path of `url` is a secret."""
    allow: list[Network] = []
    """Private networks in which the host of `url` may be."""


@dataclass(frozen=True, slots=True)
class Rota:
    """Who is on call when: by the shifts of its table, else by those of its calendar, else by
    turns.

    `calendar_shifts` were last read from its calendar. `fault` is why the last read failed, "" if
    it did not.
    """

    settings: RotaSettings
    timezone: str = "Europe/London"
    calendar_shifts: tuple[Shift, ...] = ()
    fault: str = ""

    @property
    def name(self) -> str:
        """Return its name."""
        return self.settings.name

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """Return the shifts of its table."""
        table, to_instant = self.settings.shift, self._to_instant
        return tuple(
            Shift(shift.role, to_instant(shift.begins), to_instant(shift.until)) for shift in table
        )

    def on_call(self, at: datetime) -> tuple[str, ...]:
        """Return the roles on call."""
        for shifts in (self.shifts, self.calendar_shifts):
            # A role without a channel does not count.
            current = (shift.role for shift in shifts if shift.begins <= at < shift.ends)
            if roles := tuple(dict.fromkeys(role for role in current if role in self.settings.who)):
                return roles
        turns, begins, length = self.settings.turns, self.settings.begins, self.settings.every
        if not turns or begins is None or at < self._to_instant(begins):
            return ()
        wall = local(at, self.timezone).replace(tzinfo=None)
        turn = (wall - begins) // length
        # When the clocks go back, the local times of an hour come twice. The first one counts.
        if self._to_instant(begins + (turn + 1) * length) <= at:
            turn += 1
        return (turns[turn % len(turns)],)

    def channels(self, at: datetime) -> tuple[str, ...]:
        """Return the channels of the roles on call.

        If none is, return all, because someone must be notified.
        """
        who = self.settings.who
        return tuple(dict.fromkeys(who[role] for role in self.on_call(at) or who))

    def changes(self, begin: datetime, end: datetime) -> Iterator[tuple[datetime, tuple[str, ...]]]:
        """Yield each instant and the roles on call from then on: `begin`, then each hand-over
        before `end`.
        """
        last, edges = self.on_call(begin), sorted({*self._list_edges(begin, end)})
        yield begin, last
        for at in edges[:_MOST_CHANGES]:
            if (roles := self.on_call(at)) != last:
                yield at, roles
                last = roles

    def gaps(self, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """Return the spans in which no role is on call."""
        found = list(self.changes(begin, end))
        ends = [at for at, _ in found[1:]] + [end]
        return [(at, until) for (at, roles), until in zip(found, ends, strict=True) if not roles]

    def describe_on_call(self, now: datetime) -> str:
        """Return one line: who is on call now, until when, and who is next."""
        (_, roles), *later = self.changes(now, now + timedelta(days=366))
        who = " and ".join(roles) or "no one, so all its roles are notified"
        if not later:
            return who
        at, following = later[0]
        return (
            f"{who} until {stamp(at, self.timezone, weekday=True)}, then"
            f" {' and '.join(following) or 'no one'}"
        )

    def _to_instant(self, wall: datetime) -> datetime:
        return wall.replace(tzinfo=zone(self.timezone)).astimezone(UTC)

    def _list_edges(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """Yield, in no order, each instant between `begin` and `end` at which who is on call may
        change.
        """
        shifts = (*self.shifts, *self.calendar_shifts)
        for shift in shifts:
            yield from (at for at in (shift.begins, shift.ends) if begin < at < end)
        first_turn, length_of_turn = self.settings.begins, self.settings.every
        if not self.settings.turns or first_turn is None:
            return
        local_begin = local(begin, self.timezone).replace(tzinfo=None)
        turns_before = max(0, (local_begin - first_turn) // length_of_turn)
        # In local time, so that each hand-over is at the same local time when the clocks change.
        hand_over = first_turn + turns_before * length_of_turn
        for _ in range(_MOST_CHANGES):
            at = self._to_instant(hand_over)
            if at >= end:
                return
            if at > begin:
                yield at
            hand_over += length_of_turn
