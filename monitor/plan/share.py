"""Turns of several monitors at one host, so that together they keep one budget without exchanging
messages.

Time is divided into turns of one request each, by the store's clock. Each monitor starts requests
only in its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

_SLACK = 0.05
"""Turns are this much longer than the budget requires: the store's clock is read with delay, starts
may be late.
"""
LATEST_START = timedelta(seconds=0.02)
"""How late in its turn a request may still start."""
_GUEST_EVERY = 20
"""One turn in this many, at a host that one monitor owns, is for requests of another monitor."""
_NO_TURN_PAUSE = timedelta(seconds=1)
"""A monitor without turns tries again after this time."""
_GOV_UK_FILES = ".publishing.service.gov.uk"


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of one monitor at one host: those numbered `mine` in each `cycle` of turns, counted
    from `begins`.

    `begins` is in this monitor's steady time. Each turn lasts for a `gap`. A monitor without turns
    waits.
    """

    begins: datetime
    gap: timedelta
    cycle: int
    mine: frozenset[int]

    @property
    def fraction(self) -> float:
        """Return the fraction of the host's budget that this monitor has."""
        return len(self.mine) / self.cycle

    def at_or_after(self, start: datetime) -> datetime:
        """Return when a request may start: at `start` if our turn has just begun, else when our
        next turn begins.
        """
        if not self.mine:
            return start + _NO_TURN_PAUSE  # we have no turns at present
        number, elapsed = divmod(start - self.begins, self.gap)
        if number % self.cycle in self.mine and elapsed <= LATEST_START:
            return start
        number += 1
        while number % self.cycle not in self.mine:
            number += 1
        return self.begins + number * self.gap


@dataclass(frozen=True, slots=True)
class Share:
    """The share of one monitor, `name`, among those that use one store.

    `members` are the names of all that look, in the same order for each. If `name` is not among
    them, this monitor sends no requests. `store_zero` is this monitor's steady clock, in seconds,
    when the store's clock was at zero. If `divided`, each monitor watches only the hosts that it
    owns. `quiet` has the end of the wait, by the store's clock, of each host that asked any of them
    to wait.
    """

    name: str
    members: tuple[str, ...]
    store_zero: float
    divided: bool = False
    quiet: Mapping[str, float] = field(default_factory=dict)

    def watches(self, host: str) -> bool:
        """Return whether this monitor watches the releases at a host."""
        return self.name in self.members and (
            not self.divided or owner_of(host, self.members) == self.name
        )

    def quiet_until(self, host: str, epoch: datetime) -> datetime | None:
        """Return when a host's wait ends, None if it asked for none.

        This monitor's steady time begins at `epoch`.
        """
        until = self.quiet.get(host)
        return None if until is None else epoch + timedelta(seconds=self.store_zero + until)

    def turns(self, host: str, rate: float, epoch: datetime) -> Turns:
        """Return this monitor's turns at a host: the times at which it may send a request there.

        All members together may send `rate` requests a second. They have equally many turns. But if
        the hosts are `divided` among the members, the host's owner has nearly all turns.
        """
        # The members share no clock but their store's, so turns are counted from the zero of the
        # store's clock. That was `store_zero` seconds after `epoch`, the zero of this monitor's
        # steady clock.
        begins = epoch + timedelta(seconds=self.store_zero)
        # a little longer than needed, because starts may be late
        gap = timedelta(seconds=(1.0 + _SLACK) / rate)
        if self.name not in self.members:
            return Turns(begins, gap, cycle=1, mine=frozenset())
        if not self.divided or len(self.members) == 1:
            return Turns(
                begins, gap, len(self.members), mine=frozenset({self.members.index(self.name)})
            )
        owner = owner_of(host, self.members)
        guests = [name for name in self.members if name != owner]
        # Guests do not watch releases at this host, so one turn in `_GUEST_EVERY` (20) is enough
        # for all guests. With two guests, a cycle has 40 turns. Turn 0 is the first guest's, turn
        # 20 the second's, and the rest the owner's.
        cycle = _GUEST_EVERY * len(guests)
        if self.name == owner:
            return Turns(
                begins,
                gap,
                cycle,
                mine=frozenset(turn for turn in range(cycle) if turn % _GUEST_EVERY),
            )
        return Turns(begins, gap, cycle, mine=frozenset({_GUEST_EVERY * guests.index(self.name)}))


def owner_of(host: str, members: Sequence[str]) -> str:
    """Return the monitor that owns a host.

    If a member joins or leaves, other members keep their hosts.

    All hosts of one publisher have the same owner, because a page and its files are proved
    together.
    """
    return max(
        members, key=lambda name: (crc32(f"{name} {_publisher_domain(host)}".encode()), name)
    )


def _publisher_domain(host: str) -> str:
    """Return the part of a host name that all hosts of its publisher share: `ons.gov.uk` for
    `download.ons.gov.uk`.
    """
    if host.endswith(_GOV_UK_FILES):
        return "www.gov.uk"
    is_ip_address = host.replace(".", "").isdecimal()
    label_count = 4 if is_ip_address or host.endswith(".service.gov.uk") else 3
    return ".".join(host.split(".")[-label_count:])
