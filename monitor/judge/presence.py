"""Presences: the periods in which a part was public, from all of its views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.judge.runs import UNDERWAY, Run
from monitor.judge.spells import Spell, find_absence_after
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.times.interval import Interval

# We assume that content does not appear twice within this time, so views that agree this closely saw one appearance.
_CLOSE = timedelta(seconds=20)
# An origin looked at this often decides, because an absence at the edge may be a stale copy without Age.
_WATCHED_EVERY = timedelta(seconds=90)
# Age counts whole seconds, and looks at two views may overtake each other.
_AGE_GRAIN = timedelta(seconds=5)
# If another view showed the content absent for this long, a view without looks no longer shows that it is public.
_SILENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Presence:
    """A span in which at least one view showed the content.

    It appeared within `appears`, was still there at `end`, and was removed within `goes`; None: no removal seen.
    """

    appears: Interval
    end: datetime
    goes: Interval | None
    spells: tuple[Spell, ...]

    @property
    def begin(self) -> datetime:
        """Return the earliest instant at which a view proves the content present."""
        return min(spell.begin for spell in self.spells)


@dataclass(frozen=True, slots=True)
class _Showing:
    """A spell that showed the content, and by when its view showed it absent; None if it did not."""

    spell: Spell
    absent_by: datetime | None


def build_presences(views: Mapping[View, Sequence[Spell]]) -> list[Presence]:
    """Return the presences that these views prove, in time order.

    Overlapping spells of several views are one presence, which lasts until every view that showed it shows it absent.
    Two spells are two presences only if all views proved absence in between. If the part was removed and came back, a
    look at the content API afterwards does not prove that the content API showed it throughout.
    """
    absences = [spell for each in views.values() for spell in each if not spell.is_present]
    showings = [
        _Showing(spell, find_absence_after(spell, each[place + 1 :]))
        for each in views.values()
        for place, spell in enumerate(each)
        if spell.is_present
    ]
    groups: list[list[_Showing]] = []
    for showing in sorted(showings, key=lambda each: each.spell.begin):
        before, since = _split_content_api(groups[-1] if groups else (), showing.spell.first_sent)
        if before and _overlaps(before, showing, absences):
            groups[-1].append(showing)
        else:
            groups[-1:] = [before, [showing, *since]] if before else [[showing]]
    found = []
    for group in groups:
        shown = tuple(showing.spell for showing in group)
        end = max(spell.end for spell in shown)
        found.append(Presence(_date_appearance(shown, absences), end, _date_removal(group, absences), shown))
    return found


def _split_content_api(group: Sequence[_Showing], instant: datetime) -> tuple[list[_Showing], list[_Showing]]:
    """Return a group with the spells of the content API cut at `instant`, and the pieces from then on."""
    before: list[_Showing] = []
    since: list[_Showing] = []
    for showing in group:
        runs = showing.spell.runs if showing.spell.view is View.CONTENT else ()
        early, late = (
            tuple(run for run in runs if (run.first_sent < instant) is is_early) for is_early in (True, False)
        )
        if early and late:
            before.append(replace(showing, spell=showing.spell.of_runs(early), absent_by=None))
            since.append(replace(showing, spell=showing.spell.of_runs(late)))
        else:
            before.append(showing)
    return before, since


def _overlaps(group: Sequence[_Showing], showing: _Showing, absences: Sequence[Spell]) -> bool:
    """Return whether a showing began before the content of the group was removed."""
    goes = _date_removal(group, absences)
    return goes is None or goes.by is None or showing.spell.begin <= goes.by


def _date_appearance(showings: Sequence[Spell], absences: Sequence[Spell]) -> Interval:
    """Return when the content appeared in any view. The content API counts only if the part itself does not decide."""
    main, content = ([each for each in showings if (each.view is View.CONTENT) is api] for api in (False, True))
    if not main or not content:
        return find_appearance(showings, absences)
    came, in_content = find_appearance(main, absences), find_appearance(content, absences)
    if came.by is None or in_content.by is None or in_content.by > came.by:
        return came
    # If the API showed it before the part was last proved absent, it appeared in the API first.
    return in_content if came.after is None or in_content.by <= came.after else Interval(came.after, in_content.by)


def _date_removal(group: Sequence[_Showing], absences: Sequence[Spell]) -> Interval | None:
    """Return when the content was removed: from the part itself, unless the content API showed it for longer."""
    main, content = ([each for each in group if (each.spell.view is View.CONTENT) is api] for api in (False, True))
    if not main or not content:
        return _date_removal_in_all_views(group, absences)
    went = _date_removal_in_all_views(main, absences)
    no_longer = went is None or went.by is None or max(showing.spell.end for showing in content) <= went.by
    return went if no_longer else _date_removal_in_all_views(content, absences)


def _date_removal_in_all_views(group: Sequence[_Showing], absences: Sequence[Spell]) -> Interval | None:
    """Return when the content was removed from all views of a group; None if a view may still show it."""
    end = max(showing.spell.end for showing in group)
    latest = {showing.spell.view: showing.absent_by for showing in group}
    ended = [by for by in latest.values() if by is not None]
    if len(ended) == len(latest):
        return Interval(end, max(ended))
    # A stale copy is public as long as it is served, whatever its age.
    last_look = max(showing.spell.last_received for showing in group)
    about_part = absences if latest.keys() == {View.CONTENT} else filter(_is_about_part, absences)
    elsewhere = [spell.begin for spell in about_part if spell.begin > end and spell.end - last_look >= _SILENCE]
    if not elsewhere:
        return None
    return Interval(end, min(elsewhere) if min(elsewhere) > last_look else last_look + _SILENCE)


def _is_about_part(absence: Spell) -> bool:
    """Return whether an absence is about the part itself. A 404 of the content API is only about its item."""
    return absence.view is not View.CONTENT or any(run.state is State.WITHDRAWN for run in absence.runs)


def find_appearance(showings: Sequence[Spell], absences: Sequence[Spell]) -> Interval:
    """Return when the content of these overlapping spells appeared, given all known absences.

    `by` is the first presence in any view, and `after` the last absence proved before it. If the origin is watched, its
    absence decides. An absence in the content API is only about itself. Later looks can only narrow the interval.
    """
    firsts: dict[View, Spell] = {}
    for showing in sorted(showings, key=lambda spell: spell.begin):
        firsts.setdefault(showing.view, showing)
    first = next(iter(firsts.values()))
    own = {view: _last_absence_in(view, spell, absences) for view, spell in firsts.items()}
    if first.view is View.CONTENT:
        page = next((spell for view, spell in firsts.items() if view is not View.CONTENT), None)
        absent = None if page is None else own[page.view]
        # If the page was still absent once the content API had it, the content came to the API first.
        if page is not None and (absent is None or absent <= first.begin):
            return find_appearance([spell for spell in showings if spell.view is not View.CONTENT], absences)
        return Interval(own[View.CONTENT], first.begin)
    origin = _last_absence_in(View.ORIGIN, first, absences)
    # Count from the look that showed it first: a later answer may be an older copy.
    first_look = min(spell.first_sent for spell in firsts.values())
    if origin is None or first_look - origin > _WATCHED_EVERY:
        return Interval(_latest_absence(first, firsts, own, absences), first.begin)
    confirmed = View.ORIGIN in firsts and _is_close(own[View.ORIGIN], firsts[View.ORIGIN])
    if first.view is View.ORIGIN or (confirmed and own[View.ORIGIN] == origin):
        return Interval(origin, first.begin)
    # The origin has not confirmed what the edge had first. So absence is sure only by both, or well before.
    edge = own[first.view]
    sure = [] if edge is None else [min(edge, origin)]
    sure += [end for spell in absences if spell.view is View.ORIGIN and (end := _absent_well_before(spell, first))]
    return Interval(max(sure, default=None), first.begin)


def _latest_absence(
    first: Spell, firsts: Mapping[View, Spell], last: Mapping[View, datetime | None], absences: Sequence[Spell]
) -> datetime | None:
    """Return the latest absence before the first presence. `last` is that of each view, `firsts` its first presence."""
    proved = [last[first.view]]
    proved += [last[view] for view in firsts if view is not View.CONTENT and _is_close(last[view], firsts[view])]
    proved += [_absent_well_before(spell, first) for spell in absences if spell.view is not View.CONTENT]
    return max((each for each in proved if each is not None and each < first.earliest), default=None)


def _last_absence_in(view: View, showing: Spell, absences: Sequence[Spell]) -> datetime | None:
    """Return the last absence that a view proved before a presence, by looks sent before it.

    Looks of the same monitor are in order. Looks of another monitor may overlap with them and use another clock, so
    they must be well before.
    """
    monitor = showing.runs[0].monitor
    earlier = [spell for spell in absences if spell.view is view and spell.first_sent < showing.first_sent]
    ends = [[run.end for run in spell.runs if run.monitor == monitor] for spell in earlier]
    own = [end for each in ends if each and (end := max(each)) < showing.earliest]
    others = (spell for spell in earlier if any(run.monitor != monitor for run in spell.runs))
    well_before = (_absent_well_before(spell, showing) for spell in others)
    return max([*own, *(each for each in well_before if each is not None)], default=None)


def _is_close(absent: datetime | None, showing: Spell | None) -> bool:
    return absent is not None and showing is not None and showing.begin - absent <= _CLOSE


def _absent_well_before(absence: Spell, showing: Spell) -> datetime | None:
    """Return the latest absence of another view that is surely before a presence, or None without such an absence.

    Looks within a few seconds of the presence cannot be put in order. Earlier looks of the same spell still count.
    """
    limit = min(showing.first_sent, showing.earliest) - _AGE_GRAIN
    proved = [absent_at(run, limit) for run in absence.runs]
    return max((each for each in proved if each is not None), default=None)


def absent_at(run: Run, limit: datetime) -> datetime | None:
    """Return the latest instant up to `limit` as of which a run of absences proves absence; None if it proves none.

    A run keeps its first look, its last look and its widest gap, but not the looks between. If it goes on beyond
    `limit`, its last look before `limit` was at most the widest gap earlier.
    """
    if run.first_sent > limit:
        return None
    if run.end <= limit:
        return run.end
    return max(min(run.begin, run.first_sent), limit - run.largest_gap - UNDERWAY)
