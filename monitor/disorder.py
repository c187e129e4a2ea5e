"""Sightings that our own clock has put out of order, and who hears of what keeps the watch from seeing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from monitor.judge.runs import Blind, Run
from monitor.look.sighting import Sighting

_log = structlog.get_logger(__name__)
_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Troubles:
    """Who hears of what keeps the watch from seeing: a span that cannot be put in order, a run nobody had room for."""

    blind: Callable[[Blind], None] = lambda _span: None
    refused: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Disorder:
    """Tells once that our clock went back: until it catches up, what a target shows cannot be put in order."""

    troubles: Troubles
    told: dict[str, datetime] = field(default_factory=dict)

    def tell(self, sighting: Sighting, last: Run | None) -> None:
        """Take note of a sighting that is older than the last run of its target."""
        until = sighting.received if last is None else last.last_received
        if self.told.get(sighting.target) == until:
            return
        self.told[sighting.target] = until
        _log.warning("sighting_out_of_order", target=sighting.target)
        # Whoever waits for the next look notices more than that, and tells of it for all targets at once.
        if until - sighting.received <= _MOMENT:
            self.troubles.blind(Blind(sighting.received, until, "clock", target=sighting.target))

    def forget(self, target: str) -> None:
        """Let go of a target that nobody looks at any more."""
        self.told.pop(target, None)
