"""Parts at addresses predicted from an earlier edition's, to find a file that is out too soon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.plan.phases import Phases, Window
from monitor.plan.targets import PERIOD, Target
from monitor.plan.windows import Progress, Stage

_BEFORE = frozenset({"far", "ahead", "near", "span", "day", "exposed"})
_ABOUT = frozenset({"slot", "overdue", "settle"})


def cautious(target: Target, windows: Sequence[Window], standing: Progress, phases: Phases) -> tuple[Window, ...]:
    """Return the windows of a guess: never every second, and no more once the page is out and has not named it.

    One that is out is looked at like any other part, but for a page that goes on to the next edition: for an hour.
    """
    if standing.stage is Stage.EXPOSED or (standing.stage is Stage.SEEN and standing.complete):
        rolls = target.recognise == PERIOD
        return tuple(window for window in windows if not rolls or window.name in {*_BEFORE, *_ABOUT})
    return tuple(
        window if window.name in _BEFORE else _slower(window, phases)
        for window in windows
        if window.name in _BEFORE | _ABOUT
    )


def _slower(window: Window, phases: Phases) -> Window:
    least = phases.near_every if window.name == "slot" else phases.settle_every
    return replace(window, every=max(window.every, least), exact=False)
