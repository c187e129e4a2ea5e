"""Hosts whose budget carries so few of the looks wanted that little can be proved of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.judge.runs import Blind

TOO_FAR = 10.0
"""Looks this many times as far apart as they should be leave their host as good as unwatched."""
CHECKED = timedelta(seconds=10)
_GROWS_EVERY = timedelta(minutes=1)


class Scarcity:
    """Asks now and then how far each host's looks are spread out, and tells of spans in which that is too far."""

    def __init__(self, clock: Clock, stretch: Callable[[], Mapping[str, float]], told: Callable[[Blind], None]) -> None:
        self._clock = clock
        self._stretch = stretch
        self._told = told
        self._since: dict[str, datetime] = {}
        self._until: dict[str, datetime] = {}

    async def check(self) -> None:
        """Ask once; for the clockwork."""
        now, stretch = self._clock.now(), self._stretch()
        starved = {host for host, times in stretch.items() if times >= TOO_FAR}
        for host in starved:
            since = self._since.setdefault(host, now)
            if now - self._until.setdefault(host, since) >= _GROWS_EVERY:
                self._tell(host, now)
        for host in set(self._since) - starved:
            self._tell(host, now)
            del self._since[host], self._until[host]

    def _tell(self, host: str, now: datetime) -> None:
        self._until[host] = now
        if now > self._since[host]:
            self._told(Blind(self._since[host], now, "budget", host))
