"""Whose turn it is at a host that several monitors ask: one budget for all of them, kept without a word between them.

Time is cut into turns of one request each, counted by a clock that all of them see. Each starts requests in its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

_SLACK = 0.05
"""Turns are this much longer than the budget asks: clocks are read from afar, and a start may be late in its turn."""
LATEST = timedelta(seconds=0.02)
"""How late in its turn a request may still start."""
_GUESTS = 20
"""Of so many turns at a host that falls to one monitor, one is for what the others ask there."""
_PAUSE = timedelta(seconds=1)
_GOV_UK_FILES = ".publishing.service.gov.uk"


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of one monitor at one host: those numbered `mine` of each `every`, counted from `begins`.

    `begins` is in the steady time of whoever asks; each turn lasts for a `gap`. Without any of its own it waits.
    """

    begins: datetime
    gap: timedelta
    every: int
    mine: frozenset[int]

    @property
    def part(self) -> float:
        """Return which part of the budget these are."""
        return len(self.mine) / self.every

    def at_or_after(self, start: datetime) -> datetime:
        """Return the first instant from `start` on that is in a turn of this monitor."""
        if not self.mine:
            return start + _PAUSE
        number, into = divmod(start - self.begins, self.gap)
        if number % self.every in self.mine and into <= LATEST:
            return start
        number += 1
        while number % self.every not in self.mine:
            number += 1
        return self.begins + number * self.gap


@dataclass(frozen=True, slots=True)
class Share:
    """One monitor among those of one store.

    `members` are the names of all that look, in one order; without `name` among them nothing is asked. `zero` is when,
    in seconds of this monitor's steady time, the clock that all see was at zero. `divided`: each watches what is at its
    own hosts. `quiet` has the hosts that told any of them to wait, and until when by the clock that all see.
    """

    name: str
    members: tuple[str, ...]
    zero: float
    divided: bool = False
    quiet: Mapping[str, float] = field(default_factory=dict)

    def has(self, host: str) -> bool:
        """Tell whether what is published at a host falls to this monitor."""
        return self.name in self.members and (not self.divided or owner(host, self.members) == self.name)

    def quiet_until(self, host: str, epoch: datetime) -> datetime | None:
        """Return until when all leave a host alone, None when it told nobody to wait; steady time begins at `epoch`."""
        until = self.quiet.get(host)
        return None if until is None else epoch + timedelta(seconds=self.zero + until)

    def turns(self, host: str, rate: float, epoch: datetime) -> Turns:
        """Return the turns at a host that all together may ask `rate` times a second; steady time begins at `epoch`."""
        begins, gap = epoch + timedelta(seconds=self.zero), timedelta(seconds=(1.0 + _SLACK) / rate)
        if self.name not in self.members:
            return Turns(begins, gap, 1, frozenset())
        many, place = len(self.members), self.members.index(self.name)
        if not self.divided or many == 1:
            return Turns(begins, gap, many, frozenset({place}))
        mine = owner(host, self.members)
        guests = {_GUESTS * at: name for at, name in enumerate(one for one in self.members if one != mine)}
        every = _GUESTS * (many - 1)
        return Turns(begins, gap, every, frozenset(at for at in range(every) if guests.get(at, mine) == self.name))


def owner(host: str, members: Sequence[str]) -> str:
    """Return to which of several monitors a host falls: the others keep theirs when one of them comes or goes.

    Hosts of one publisher fall to one, since a page and its files are proved together.
    """
    return max(members, key=lambda name: (crc32(f"{name} {_publisher(host)}".encode()), name))


def _publisher(host: str) -> str:
    if host.endswith(_GOV_UK_FILES):
        return "www.gov.uk"
    labels = host.split(".")
    most = 4 if host.endswith(".service.gov.uk") else 3
    return host if host.replace(".", "").isdecimal() else ".".join(labels[-most:])
