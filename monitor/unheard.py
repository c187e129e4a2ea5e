"""Hosts that answer nothing usable: what people must know who see many releases pending. Pure; instants are given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.look.sighting import Sighting, State

_LEAST = 3
_LONG = timedelta(seconds=10)
_LATELY = timedelta(minutes=10)
"""A host that was not looked at for longer says nothing of now."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A span in which no look at a host proved anything: since when, until the last look, how many, and its reason."""

    since: datetime
    until: datetime
    looks: int
    why: str

    @property
    def is_long(self) -> bool:
        """Tell whether it is worth telling: three looks or more, over ten seconds or more."""
        return self.looks >= _LEAST and self.until - self.since >= _LONG


class Unheard:
    """Takes every look and tells of hosts none of whose looks prove anything any more."""

    def __init__(self) -> None:
        self._silences: dict[str, Silence] = {}

    def hear(self, host: str, sighting: Sighting) -> None:
        """Take in one look; one that proved anything ends the host's silence."""
        if sighting.state is not State.UNKNOWN:
            self._silences.pop(host, None)
            return
        known = self._silences.get(host)
        if known is None or sighting.sent - known.until > _LATELY:
            known = Silence(sighting.sent, sighting.sent, 0, "")
        why = sighting.why or str(sighting.status or "")
        self._silences[host] = replace(known, until=sighting.received, looks=known.looks + 1, why=why)

    def silences(self, now: datetime) -> dict[str, Silence]:
        """Return the silences of just now that are worth telling, by host."""
        lately = ((host, one) for host, one in sorted(self._silences.items()) if now - one.until <= _LATELY)
        return {host: silence for host, silence in lately if silence.is_long}
