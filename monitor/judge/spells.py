"""Spells: how long one view of a part was seen out, or seen gone, whatever failed looks lie in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.plan.targets import View

# Nothing is taken to come and go again between looks at an origin so far apart.
_CLOSE = timedelta(seconds=20)
# No look takes longer than this from its first byte out to the last header in.
_LONGEST = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Spell:
    """Consecutive runs of one view which all say out, or all say gone (absent or withdrawn).

    It held at or before `begin` and at or after `end`; `first_sent` and `last_received` are the looks. `claims` is the
    instant it told of where that cannot be believed: `begin` is the look then, but it may have been so before.
    """

    view: View
    out: bool
    begin: datetime
    end: datetime
    first_sent: datetime
    last_received: datetime
    runs: tuple[Run, ...]
    claims: datetime | None = None

    @property
    def earliest(self) -> datetime:
        """Return the earliest instant that it may speak of: what was seen before says when it came, nothing later."""
        return self.begin if self.claims is None else self.claims

    def of(self, runs: tuple[Run, ...]) -> Spell:
        """Return the spell as it is by some of its runs alone."""
        begin, end = min(run.begin for run in runs), max(run.end for run in runs)
        sent, received = runs[0].first_sent, max(run.last_received for run in runs)
        return Spell(self.view, self.out, begin, end, sent, received, runs)

    def joined(self, run: Run) -> Spell:
        """Return the spell with one more run."""
        return Spell(
            self.view,
            self.out,
            min(self.begin, run.begin),
            max(self.end, run.end),
            self.first_sent,
            max(self.last_received, run.last_received),
            (*self.runs, run),
        )


def spells(view: View, runs: Iterable[Run]) -> list[Spell]:
    """Return the spells of one view, in the order of looks; out and gone take turns.

    Presence counts only after a seen absence of the same target, or when it was specific to this edition.
    """
    found: list[Spell] = []
    for run in runs:
        if run.state is State.UNKNOWN:
            continue
        out = run.state is State.PRESENT
        if out and not (run.specific or _follows(run, found)):
            continue
        if found and found[-1].out is out:
            found[-1] = found[-1].joined(run)
        else:
            found.append(Spell(view, out, run.begin, run.end, run.first_sent, run.last_received, (run,)))
    return found


def _follows(run: Run, found: Sequence[Spell]) -> bool:
    """Tell whether a presence is surely one after an absence: a cache's copy may be older than what was seen gone."""
    return bool(found) and (run.end >= found[0].begin or any(spell.out for spell in found))


def believed(views: Mapping[View, Sequence[Spell]]) -> dict[View, tuple[Spell, ...]]:
    """Return the spells of all views, an `Age` believed only as far as no look contradicts it.

    A cache whose clock, or whose origin's, is wrong tells of copies older than they are. Where it would have a part out
    at an instant as of which an earlier look proved it gone, it counts as out from the look itself only. Where no
    origin was watched at that instant, the part may also have come and gone again.
    """
    gone = [spell for each in views.values() for spell in each if not spell.out and spell.view is not View.CONTENT]
    return {view: tuple(_believed(spell, gone) for spell in each) for view, each in views.items()}


def _believed(spell: Spell, gone: Sequence[Spell]) -> Spell:
    if not spell.out or spell.begin >= spell.first_sent:
        return spell
    denied = any(spell.begin < each.end <= spell.first_sent and each.first_sent < spell.first_sent for each in gone)
    if not denied:
        return spell
    watched = any(_was_gone(run, spell.begin) for each in gone if each.view is View.ORIGIN for run in each.runs)
    return replace(spell, begin=spell.first_sent + _LONGEST, claims=None if watched else spell.begin)


def _was_gone(run: Run, instant: datetime) -> bool:
    """Tell whether looks at an origin, which come from no cache, showed nothing before, after and near an instant."""
    return run.begin <= instant <= run.end and run.largest_gap <= _CLOSE


def unproved(runs: Iterable[Run]) -> Run | None:
    """Return the first run in which a view answered as if out though nothing was seen that makes it count.

    Its `begin` is the earliest, its `end` the latest of all such runs up to the first absence or specific answer.
    """
    leading: list[Run] = []
    for run in runs:
        if run.state is State.UNKNOWN:
            continue
        if run.state is not State.PRESENT or run.specific:
            break
        leading.append(run)
    begin, end = min((run.begin for run in leading), default=None), max((run.end for run in leading), default=None)
    return None if begin is None or end is None else replace(leading[0], begin=begin, end=end)


def gone_by(spell: Spell, rest: Sequence[Spell]) -> datetime | None:
    """Return by when the content of an out-spell was gone, from the spells of its view that follow.

    None when it was not seen to go. An answer from a cache may speak of a time before the last presence:
    then absence counts only once a look later than that presence has proved it.
    """
    if not rest:
        return None
    gone = rest[0]
    if gone.end <= spell.begin:
        # An edge of several copies may have handed out one from before the content came.
        return None
    if gone.begin > spell.end:
        return gone.begin
    return gone.last_received if gone.end > spell.last_received else None
