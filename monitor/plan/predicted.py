"""Parts at addresses predicted from an earlier edition's, to find a file that is out too soon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.plan.phases import Phases, Window
from monitor.plan.windows import Progress, Stage

_BEFORE = frozenset({"far", "ahead", "near", "span", "day", "exposed"})
_ABOUT = frozenset({"slot", "overdue", "settle"})


def cautious(windows: Sequence[Window], standing: Progress, phases: Phases) -> tuple[Window, ...]:
    """Return the windows of a guess: never every second, and no more once the page is out and has not named it.

    One that is out is looked at like any other part.
    """
    if standing.stage is Stage.EXPOSED or (standing.stage is Stage.SEEN and standing.complete):
        return tuple(windows)
    return tuple(
        window if window.name in _BEFORE else _slower(window, phases)
        for window in windows
        if window.name in _BEFORE | _ABOUT
    )


def _slower(window: Window, phases: Phases) -> Window:
    least = phases.near_every if window.name == "slot" else phases.settle_every
    return replace(window, every=max(window.every, least), exact=False)
