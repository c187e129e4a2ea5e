"""After the release: a file whose bytes changed, content that was taken away again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from monitor.judge.case import Case
from monitor.judge.part_evidence import MAIN, PartEvidence
from monitor.judge.presence import Presence
from monitor.judge.runs import MOST_CHANGES, Run
from monitor.judge.verdict import Finding, Kind, PartVerdict
from monitor.look.sighting import State
from schedules.announcement import Role
from schedules.times.interval import Interval, between
from schedules.times.words import between_exactly

_FILES = (Role.ATTACHMENT.value, Role.DATA.value)
# A file that changes again and again is told of by its first changes.
_MOST_TOLD = 3
# Looks no further apart than this watched a change.
_WATCHED = timedelta(seconds=90)


def swapped(case: Case, part: PartVerdict, sight: PartEvidence) -> list[Finding]:
    """Return when the bytes of a released file became others than any seen before, the first three times.

    Pages change at every look; only files count, and only bytes that stand for longer than a flicker: a file that is
    made anew for each who asks, or every minute, is never swapped. A cache that hands out old bytes again is no swap.
    """
    window = case.window
    if window is None or part.role not in _FILES:
        return []
    held = (_held(sight.views.get(view, ()), case.policy.on_time_within) for view in reversed(MAIN))
    found = [changes for each in held if (changes := _changes(each, window.opens))]
    # An origin that was not watched meanwhile tells less of when than the edge, which was.
    told = next((changes for changes in found if _is_watched(changes[0])), found[-1] if found else [])
    return [
        Finding(
            Kind.SWAPPED,
            part.id,
            f"its bytes changed {between_exactly(change, case.zone)}",
            between(part.released, change) if part.released.by is not None else None,
        )
        for change in told[:_MOST_TOLD]
    ]


def _is_watched(change: Interval) -> bool:
    return change.after is not None and change.by is not None and change.by - change.after <= _WATCHED


@dataclass(frozen=True, slots=True)
class _Bytes:
    """The same bytes at consecutive looks of one view; `held` when looks far enough apart agree on them."""

    runs: tuple[Run, ...]
    held: bool


def _held(runs: Sequence[Run], least: timedelta) -> list[_Bytes]:
    present = (run for run in runs if run.state is State.PRESENT and run.digest)
    groups = [tuple(group) for _, group in groupby(present, key=lambda run: run.digest)]
    # From the last change that is compared on, a run goes on whatever the bytes.
    return [
        _Bytes(group, held=place < MOST_CHANGES and group[-1].last_received - group[0].first_sent >= least)
        for place, group in enumerate(groups)
    ]


def _changes(seen: Sequence[_Bytes], opens: datetime) -> list[Interval]:
    after = [each for each in seen if each.runs[-1].last_received >= opens]
    known = {each.runs[0].digest for each in after[:1]}
    changes = []
    for before, each in pairwise(after):
        if each.held and each.runs[0].digest not in known:
            known.add(each.runs[0].digest)
            changes.append(Interval(before.runs[-1].end, each.runs[0].begin))
    return changes


def withdrawn(case: Case, part: PartVerdict, sight: PartEvidence) -> list[Finding]:
    """Return each time released content was seen to go: told to be withdrawn, or absent for longer than a flicker."""
    slot = case.standing.slot
    begins = None if slot is None else slot.begins()
    if begins is None:
        return []
    found = []
    for place, presence in enumerate(sight.presences):
        # What was not seen at its slot may have gone before it.
        if presence.goes is None or presence.goes.by is None or presence.end < begins:
            continue
        back = sight.presences[place + 1] if place + 1 < len(sight.presences) else None
        gone = _gone(sight, presence, back)
        if _is_meant(case, presence, back, gone):
            found.append(_withdrawn(case, part, presence.goes, gone, None if back is None else back.appears))
    return found


def _gone(sight: PartEvidence, presence: Presence, back: Presence | None) -> list[Run]:
    """Return the runs that show a part gone after one presence and before the next; not an edge's that never had it."""
    runs = (run for view in MAIN for spell in sight.spells.get(view, ()) if not spell.out for run in spell.runs)
    came = min(spell.first_sent for spell in presence.spells)
    after = (run for run in runs if run.first_sent > came and max(run.begin, run.end) > presence.end)
    return [run for run in after if back is None or run.begin < back.begin]


def _is_meant(case: Case, presence: Presence, back: Presence | None, gone: Sequence[Run]) -> bool:
    if any(run.state is State.WITHDRAWN and run.begin > presence.end for run in gone):
        return True
    # One look alone may have met one edge that flickers: what counts is from the first that found it gone to the last.
    first = min((max(run.begin, presence.end) for run in gone), default=presence.end)
    last = max((run.end for run in gone), default=presence.end)
    last = last if back is None else min(last, back.begin)
    return last - first >= case.policy.on_time_within


def _withdrawn(case: Case, part: PartVerdict, goes: Interval, gone: Sequence[Run], back: Interval | None) -> Finding:
    latest: datetime | None = max((run.end for run in gone), default=None)
    away = between(goes, back if back is not None else Interval(latest, None))
    told = f"taken away {between_exactly(goes, case.zone)}"
    told += "" if back is None else f", back {between_exactly(back, case.zone)}"
    return Finding(Kind.WITHDRAWN, part.id, told, away, goes.by)
