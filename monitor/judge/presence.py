"""Presences: when a part was public, put together from every view of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.judge.runs import UNDERWAY, Run
from monitor.judge.spells import Spell, find_absence_after
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.times.interval import Interval

# Nothing is taken to come, go and come again within this time: two views that closely agree saw one appearance.
_CLOSE = timedelta(seconds=20)
# An origin looked at this often is heard before the edge, whose absence may be a stale copy without Age.
_WATCHED = timedelta(seconds=90)
# The grain of Age, and looks that may cross on their way.
_GRAIN = timedelta(seconds=5)
# A view that has been silent this long while another saw the content gone no longer speaks for it.
_SILENT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Presence:
    """A span in which at least one view showed the content.

    It came in `appears`, was still there at `end`, and went in `goes`; None: not seen gone.
    """

    appears: Interval
    end: datetime
    goes: Interval | None
    spells: tuple[Spell, ...]

    @property
    def begin(self) -> datetime:
        """Return the instant by which it was there."""
        return min(spell.begin for spell in self.spells)


@dataclass(frozen=True, slots=True)
class _Out:
    """An out-spell and by when it was gone."""

    spell: Spell
    gone_by: datetime | None


def presences(views: Mapping[View, Sequence[Spell]]) -> list[Presence]:
    """Return the presences that these views prove, in time order.

    Spells of several views that overlap are one presence: it lasts until it was seen gone in every view
    that showed it. Two spells are two presences only when all views proved absence in between; what the content API
    shows again once the part itself is back does not tell that it showed it all the while.
    """
    gone = [spell for each in views.values() for spell in each if not spell.out]
    outs = [
        _Out(spell, find_absence_after(spell, each[place + 1 :]))
        for each in views.values()
        for place, spell in enumerate(each)
        if spell.out
    ]
    groups: list[list[_Out]] = []
    for out in sorted(outs, key=lambda each: each.spell.begin):
        before, since = _parted(groups[-1] if groups else (), out.spell.first_sent)
        if before and _overlaps(before, out, gone):
            groups[-1].append(out)
        else:
            groups[-1:] = [before, [out, *since]] if before else [[out]]
    return [_presence(group, gone) for group in groups]


def _parted(group: Sequence[_Out], instant: datetime) -> tuple[list[_Out], list[_Out]]:
    """Return a group with what the content API showed by looks before an instant alone, and what it showed since."""
    before: list[_Out] = []
    since: list[_Out] = []
    for out in group:
        runs = out.spell.runs if out.spell.view is View.CONTENT else ()
        early, late = (
            tuple(run for run in runs if (run.first_sent < instant) is is_early) for is_early in (True, False)
        )
        if early and late:
            before.append(replace(out, spell=out.spell.of_runs(early), gone_by=None))
            since.append(replace(out, spell=out.spell.of_runs(late)))
        else:
            before.append(out)
    return before, since


def _overlaps(group: Sequence[_Out], out: _Out, gone: Sequence[Spell]) -> bool:
    goes = _goes(group, gone)
    return goes is None or goes.by is None or out.spell.begin <= goes.by


def _presence(group: Sequence[_Out], gone: Sequence[Spell]) -> Presence:
    outs = tuple(out.spell for out in group)
    end = max(spell.end for spell in outs)
    return Presence(_came(outs, gone), end, _goes(group, gone), outs)


def _came(outs: Sequence[Spell], gone: Sequence[Spell]) -> Interval:
    """Return when it came, taking the part and its content API to come together where neither shows otherwise."""
    main, content = ([out for out in outs if (out.view is View.CONTENT) is api] for api in (False, True))
    if not main or not content:
        return appears(outs, gone)
    came, told = appears(main, gone), appears(content, gone)
    if came.by is None or told.by is None or told.by > came.by:
        return came
    # Shown by the API before the part was last proved absent, it came there first.
    return told if came.after is None or told.by <= came.after else Interval(came.after, told.by)


def _goes(group: Sequence[_Out], gone: Sequence[Spell]) -> Interval | None:
    """Return when it went: from the part itself, unless the content API showed it for longer."""
    main, content = ([out for out in group if (out.spell.view is View.CONTENT) is api] for api in (False, True))
    if not main or not content:
        return _went(group, gone)
    went = _went(main, gone)
    no_longer = went is None or went.by is None or max(out.spell.end for out in content) <= went.by
    return went if no_longer else _went(content, gone)


def _went(group: Sequence[_Out], gone: Sequence[Spell]) -> Interval | None:
    end = max(out.spell.end for out in group)
    latest = {out.spell.view: out.gone_by for out in group}
    ended = [by for by in latest.values() if by is not None]
    if len(ended) == len(latest):
        return Interval(end, max(ended))
    # A stale copy is public as long as it is handed out, however old it says it is.
    spoken = max(out.spell.last_received for out in group)
    told = gone if latest.keys() == {View.CONTENT} else filter(_tells_of_part, gone)
    elsewhere = [spell.begin for spell in told if spell.begin > end and spell.end - spoken >= _SILENT]
    if not elsewhere:
        return None
    return Interval(end, min(elsewhere) if min(elsewhere) > spoken else spoken + _SILENT)


def _tells_of_part(gone: Spell) -> bool:
    """Return whether an absence speaks of the part itself: a 404 of the content API speaks of its item only."""
    return gone.view is not View.CONTENT or any(run.state is State.WITHDRAWN for run in gone.runs)


def appears(outs: Sequence[Spell], gone: Sequence[Spell]) -> Interval:
    """Return when content came that these overlapping out-spells show, given every gone-spell known.

    `by` is the first presence in any view; `after` the last absence proved to lie before it. Where the origin
    is watched its own absence decides; the content API proves absence of nothing but itself. Later looks
    only ever sharpen the interval.
    """
    firsts: dict[View, Spell] = {}
    for out in sorted(outs, key=lambda spell: spell.begin):
        firsts.setdefault(out.view, out)
    first = next(iter(firsts.values()))
    own = {view: _absence_in(view, spell, gone) for view, spell in firsts.items()}
    if first.view is View.CONTENT:
        page = next((spell for view, spell in firsts.items() if view is not View.CONTENT), None)
        absent = None if page is None else own[page.view]
        # While the page is still absent once the content API has it, the page's own looks tell less.
        if page is not None and (absent is None or absent <= first.begin):
            return appears([spell for spell in outs if spell.view is not View.CONTENT], gone)
        return Interval(own[View.CONTENT], first.begin)
    origin = _absence_in(View.ORIGIN, first, gone)
    # By the look that showed it first: a copy handed out later may be of before that.
    shown = min(spell.first_sent for spell in firsts.values())
    if origin is None or shown - origin > _WATCHED:
        return Interval(_latest_absence(first, firsts, own, gone), first.begin)
    confirmed = View.ORIGIN in firsts and _is_close(own[View.ORIGIN], firsts[View.ORIGIN])
    if first.view is View.ORIGIN or (confirmed and own[View.ORIGIN] == origin):
        return Interval(origin, first.begin)
    # The edge had it first and the origin has not confirmed it yet: sure is what both proved, or it alone well before.
    edge = own[first.view]
    sure = [] if edge is None else [min(edge, origin)]
    sure += [end for spell in gone if spell.view is View.ORIGIN and (end := _absent_well_before(spell, first))]
    return Interval(max(sure, default=None), first.begin)


def _latest_absence(
    first: Spell, firsts: Mapping[View, Spell], own: Mapping[View, datetime | None], gone: Sequence[Spell]
) -> datetime | None:
    proved = [own[first.view]]
    proved += [own[view] for view in firsts if view is not View.CONTENT and _is_close(own[view], firsts[view])]
    proved += [_absent_well_before(spell, first) for spell in gone if spell.view is not View.CONTENT]
    return max((each for each in proved if each is not None and each < first.earliest), default=None)


def _absence_in(view: View, out: Spell, gone: Sequence[Spell]) -> datetime | None:
    """Return the last absence that a view proved before a presence, by looks begun before it.

    The looks of one monitor are in order. Those of another may have been under way together with it, by another clock:
    they count as far as they lie well before.
    """
    its = out.runs[0].monitor
    earlier = [spell for spell in gone if spell.view is view and spell.first_sent < out.first_sent]
    ends = [[run.end for run in spell.runs if run.monitor == its] for spell in earlier]
    own = [end for each in ends if each and (end := max(each)) < out.earliest]
    others = (spell for spell in earlier if any(run.monitor != its for run in spell.runs))
    well_before = (_absent_well_before(spell, out) for spell in others)
    return max([*own, *(each for each in well_before if each is not None)], default=None)


def _is_close(absent: datetime | None, out: Spell | None) -> bool:
    return absent is not None and out is not None and out.begin - absent <= _CLOSE


def _absent_well_before(gone: Spell, out: Spell) -> datetime | None:
    """Return until when another view proves absence before a presence, beyond the grain of `Age` and looks under way.

    A later look of the same spell may be too near to be put in order; that it was absent earlier stays proved.
    """
    limit = min(out.first_sent, out.earliest) - _GRAIN
    proved = [absent_at(run, limit) for run in gone.runs]
    return max((each for each in proved if each is not None), default=None)


def absent_at(run: Run, limit: datetime) -> datetime | None:
    """Return the latest instant up to `limit` as of which a run of absences proves absence; None if it proves none.

    A run keeps its first look, its last look and its widest gap, but not the looks between. If it goes on beyond
    `limit`, its last look before `limit` was at most the widest gap before it. What came and went between two looks was
    seen by neither.
    """
    if run.first_sent > limit:
        return None
    if run.end <= limit:
        return run.end
    return max(min(run.begin, run.first_sent), limit - run.largest_gap - UNDERWAY)
