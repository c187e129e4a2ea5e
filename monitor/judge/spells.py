"""Spells: how long one view showed a part, or showed it absent, despite failed looks in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, takewhile

from monitor.judge.runs import UNDERWAY, Run, last_absence_until
from monitor.look.sighting import State
from monitor.plan.targets import View

# Content is assumed not to be published and removed between two looks at an origin so close.
_CLOSE = timedelta(seconds=20)
AGE_UNSURE = timedelta(seconds=5)
"""A copy may have been made so much before the instant by its `Age`: caches round that by 3 s, and
the look takes time."""
# From the first byte sent to the last header received.
_LONGEST_LOOK = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Spell:
    """Consecutive runs of one view that are all present, or all not.

    The state was true at or before `begin` and at or after `end`. `claimed_begin` is the instant by
    an `Age` that we do not believe: then `begin` is when the first look was answered, and the
    content may have come in between. `absent_by`: by when the view of a `Presence` showed the
    content absent.
    """

    view: View
    is_present: bool
    begin: datetime
    end: datetime
    first_sent: datetime
    last_received: datetime
    runs: tuple[Run, ...]
    claimed_begin: datetime | None = None
    absent_by: datetime | None = None

    @property
    def earliest(self) -> datetime:
        """Return the earliest possible begin. Only absences before it date an appearance."""
        if self.claimed_begin is None:
            return self.begin
        return self.claimed_begin


def served_until(answers: Spell | Run) -> datetime:
    """Return until when users got these answers: whatever its `Age`, a copy is served until the
    look.
    """
    return max(answers.end, answers.last_received - UNDERWAY)


def build_spells(view: View, runs: Iterable[Run]) -> list[Spell]:
    """Return the spells of one view, in the order of looks.

    Failed looks are skipped. So is a presence that is not specific, from before the first absence
    or specific presence, because it may be of an earlier edition.
    """
    groups: list[list[Run]] = []
    for run in runs:
        is_present = run.state is State.PRESENT
        may_be_earlier = is_present and not run.specific
        counted: Run | None = run
        if may_be_earlier:
            counted = _cut_before_proof(run, groups)
        if run.state is State.UNKNOWN or counted is None:
            continue
        if groups and is_present is (groups[-1][0].state is State.PRESENT):
            groups[-1].append(counted)
        else:
            groups.append([counted])
    return [build_spell(view, tuple(group)) for group in groups]


def _cut_before_proof(run: Run, spells: Sequence[Sequence[Run]]) -> Run | None:
    """Return what counts of a presence that is not specific, after the `spells` before it: not what
    a cached copy shows of the time before the first of them.

    If that is an absence, a begin before it stays, because absences correct it (`correct_ages`).
    None if nothing counts.
    """
    if not spells:
        return None
    first_spell = spells[0]
    proved_from = min(first.begin for first in first_spell)
    begins_with_absence = first_spell[0].state is not State.PRESENT
    if begins_with_absence and len(spells) > 1:
        return run
    if run.end < proved_from:
        return None
    if begins_with_absence:
        return run
    return replace(run, begin=max(run.begin, proved_from))


def build_spell(view: View, runs: tuple[Run, ...]) -> Spell:
    """Return these runs of one view, all present or all not, as one spell."""
    return Spell(
        view,
        is_present=runs[0].state is State.PRESENT,
        # A later look may get an older copy.
        begin=min(run.begin for run in runs),
        end=max(run.end for run in runs),
        first_sent=runs[0].first_sent,
        last_received=max(run.last_received for run in runs),
        runs=runs,
    )


def correct_ages(views: Mapping[View, Sequence[Spell]]) -> dict[View, tuple[Spell, ...]]:
    """Return the spells of all views with plausible ages: a cache's clock may be wrong."""
    all_spells = chain.from_iterable(views.values())
    # The content API's absence is only about its own item.
    absences = [
        spell for spell in all_spells if not spell.is_present and spell.view is not View.CONTENT
    ]
    return {
        view: tuple(_correct_age(spell, absences) for spell in spells)
        for view, spells in views.items()
    }


def _correct_age(spell: Spell, absences: Sequence[Spell]) -> Spell:
    """Return a spell, its begin corrected if its `Age` dates it back to before a proved absence.

    `claimed_begin` then keeps the begin by `Age`, unless the origin proves absence at that instant.
    """
    if not spell.is_present or spell.begin >= spell.first_sent:
        return spell
    absent_runs = chain.from_iterable(absence.runs for absence in absences)
    absent_before = (last_absence_until(run, spell.first_sent) for run in absent_runs)
    is_contradicted = any(absent is not None and spell.begin < absent for absent in absent_before)
    if not is_contradicted:
        return spell
    # An origin is never cached.
    absences_at_origin = (absence for absence in absences if absence.view is View.ORIGIN)
    at_origin = chain.from_iterable(absence.runs for absence in absences_at_origin)
    made_from = spell.begin - AGE_UNSURE
    is_origin_watched = any(
        run.largest_gap <= _CLOSE and run.begin <= made_from and spell.begin <= run.end
        for run in at_origin
    )
    # Older versions did not store when the answer was received.
    first_received = spell.runs[0].first_received or spell.first_sent + _LONGEST_LOOK
    return replace(
        spell, begin=first_received, claimed_begin=None if is_origin_watched else spell.begin
    )


def find_presence_from_start(runs: Iterable[Run]) -> Run | None:
    """Return the presence that a view showed from its first look on, as one run, or None.

    It may be of an earlier edition. It ends before the first absence, and before the first presence
    `specific` to this edition, which needs no such proof. Failed looks are skipped.
    """
    known = (run for run in runs if run.state is not State.UNKNOWN)
    from_start = list(takewhile(lambda run: run.state is State.PRESENT and not run.specific, known))
    if not from_start:
        return None
    return replace(
        from_start[0],
        begin=min(run.begin for run in from_start),
        end=max(run.end for run in from_start),
        last_received=max(run.last_received for run in from_start),
    )


def find_absence_after(presence: Spell, following: Sequence[Spell]) -> datetime | None:
    """Return an instant by which content was removed after a presence, None if not proved.

    `following` are the later spells of the view, so the first is an absence. `begin` and `end` of a
    spell are when its oldest and newest copies were made.
    """
    if not following:
        return None
    absence = following[0]
    if absence.end <= presence.begin:
        # Even the newest copy is from before the content came.
        return None
    if absence.begin > presence.end:
        return absence.begin
    # Copies of both kinds were made in turn. The newest one without the content was got at an
    # unknown time, at the latest when the spell ended.
    is_removal_proved = absence.end > presence.last_received
    return absence.last_received if is_removal_proved else None
