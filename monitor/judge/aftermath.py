"""After the release: a file whose bytes changed, content that was taken away again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from monitor.judge.case import Case
from monitor.judge.interval import Bounds, Interval, between
from monitor.judge.presence import Presence
from monitor.judge.runs import Run
from monitor.judge.seen import MAIN, Seen
from monitor.judge.spell import Spell
from monitor.judge.verdict import Finding, Kind, PartVerdict
from monitor.judge.words import spanned
from monitor.look.sighting import State
from schedules.announcement import Role

_FILES = (Role.ATTACHMENT.value, Role.DATA.value)


def swapped(case: Case, part: PartVerdict, sight: Seen) -> list[Finding]:
    """Return each time the bytes of a released file became others than any seen before.

    Pages change at every look; only files count. A cache that hands out old bytes once more is no swap.
    """
    window = case.window
    if window is None or part.role not in _FILES:
        return []
    for view in reversed(MAIN):
        runs = [run for run in sight.views.get(view, ()) if run.state is State.PRESENT and run.digest]
        changes = _changes([run for run in runs if run.last_received >= window.opens])
        if changes:
            return [
                Finding(Kind.SWAPPED, part.id, f"its bytes changed {spanned(change, case.zone)}", _stood(part, change))
                for change in changes
            ]
    return []


def _changes(runs: Sequence[Run]) -> list[Interval]:
    known = {runs[0].digest} if runs else set()
    changes = []
    for before, run in pairwise(runs):
        if run.digest not in known:
            known.add(run.digest)
            changes.append(Interval(before.end, run.begin))
    return changes


def _stood(part: PartVerdict, change: Interval) -> Bounds | None:
    return between(part.released, change) if part.released.by is not None else None


def withdrawn(case: Case, part: PartVerdict, sight: Seen) -> list[Finding]:
    """Return each time released content was seen to go: told to be withdrawn, or absent for longer than a flicker."""
    window = case.window
    if window is None:
        return []
    found = []
    for place, presence in enumerate(sight.presences):
        if presence.goes is None or presence.goes.by is None or presence.goes.by <= window.opens:
            continue
        gone = [spell for spell in _gone(sight) if spell.end >= presence.end]
        if _is_meant(case, presence, gone):
            back = sight.presences[place + 1].appears if place + 1 < len(sight.presences) else None
            found.append(_withdrawn(case, part, presence.goes, gone, back))
    return found


def _gone(sight: Seen) -> Iterable[Spell]:
    return (spell for view in MAIN for spell in sight.spells.get(view, ()) if not spell.out)


def _is_meant(case: Case, presence: Presence, gone: Sequence[Spell]) -> bool:
    if any(run.state is State.WITHDRAWN and run.begin > presence.end for spell in gone for run in spell.runs):
        return True
    latest = max((spell.end for spell in gone), default=presence.end)
    return latest - presence.end >= case.policy.on_time_within


def _withdrawn(
    case: Case,
    part: PartVerdict,
    goes: Interval,
    gone: Sequence[Spell],
    back: Interval | None,
) -> Finding:
    latest: datetime | None = max((spell.end for spell in gone), default=None)
    away = between(goes, back if back is not None else Interval(latest, None))
    told = f"taken away {spanned(goes, case.zone)}"
    told += "" if back is None else f", back {spanned(back, case.zone)}"
    return Finding(Kind.WITHDRAWN, part.id, told, away)
