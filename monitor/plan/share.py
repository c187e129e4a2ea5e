"""Turns of several monitors at one host, so that together they keep one budget without exchanging
messages.

Time is divided into turns of one request each, by the store's clock. Each monitor starts requests
only in its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_SLACK = 0.05
"""Turns are this much longer than the budget requires: the store's clock is read with delay, starts
may be late.
"""
LATEST_START = timedelta(seconds=0.02)
"""How late in its turn a request may still start."""
_NO_TURN_PAUSE = timedelta(seconds=1)
"""A monitor without turns tries again after this time."""


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
    when the store's clock was at zero. `quiet` has the end of the wait, by the store's clock, of
    each host that asked any of them to wait.
    """

    name: str
    members: tuple[str, ...]
    store_zero: float
    quiet: Mapping[str, float] = field(default_factory=dict)

    def quiet_until(self, host: str, epoch: datetime) -> datetime | None:
        """Return when a host's wait ends, None if it asked for none.

        This monitor's steady time begins at `epoch`.
        """
        until = self.quiet.get(host)
        return None if until is None else epoch + timedelta(seconds=self.store_zero + until)

    def turns(self, rate: float, epoch: datetime) -> Turns:
        """Return this monitor's turns at a host: the times at which it may send a request there.

        All members together may send `rate` requests a second. They have equally many turns.
        """
        # The members share no clock but their store's, so turns are counted from the zero of the
        # store's clock. That was `store_zero` seconds after `epoch`, the zero of this monitor's
        # steady clock.
        begins = epoch + timedelta(seconds=self.store_zero)
        # a little longer than needed, because starts may be late
        gap = timedelta(seconds=(1.0 + _SLACK) / rate)
        if self.name not in self.members:
            return Turns(begins, gap, cycle=1, mine=frozenset())
        number = self.members.index(self.name)
        return Turns(begins, gap, len(self.members), mine=frozenset({number}))
