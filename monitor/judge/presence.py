"""Presences: the periods in which a part was public, by all of its views."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.judge.runs import last_absence_until
from monitor.judge.spells import Spell, build_spell, find_absence_after
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.times.interval import NOTHING, Interval, latest_known

# Content is assumed not to appear twice within this time, so views that agree so closely saw one
# appearance.
_CLOSE = timedelta(seconds=20)
# An origin looked at so often decides, because the edge may serve a stale copy without Age.
_WATCHED_EVERY = timedelta(seconds=90)
# Age is in whole seconds, and looks at two views may overtake each other.
_ORDER_UNSURE = timedelta(seconds=5)
# A view without looks no longer shows content as public once another was absent this long.
_SILENCE = timedelta(seconds=60)
# A request ends within this time, by default.
_LONGEST_ANSWER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Presence:
    """A span in which at least one view showed the content.

    It appeared within `appears`, was there at `end`, and was removed within `removed`, if seen.
    """

    appears: Interval
    end: datetime
    removed: Interval | None
    spells: tuple[Spell, ...]

    @property
    def begin(self) -> datetime:
        """Return the earliest instant at which a view proves the content present."""
        return min(spell.begin for spell in self.spells)

    @property
    def served_until(self) -> datetime:
        """Return until when users got the content, old copies from caches included."""
        return max(max(spell.end, spell.last_received - _LONGEST_ANSWER) for spell in self.spells)


def build_presences(views: Mapping[View, Sequence[Spell]]) -> Iterator[Presence]:
    """Yield the presences that these views prove, in time order."""
    absences, present = [], []
    for spells in views.values():
        for place, spell in enumerate(spells):
            if spell.is_present:
                absent_by = find_absence_after(spell, spells[place + 1 :])
                present.append(replace(spell, absent_by=absent_by))
            else:
                absences.append(spell)
    for group in _group_by_presence(present, absences):
        appears, removed = _date_appearance(group, absences), _date_removal(group, absences)
        yield Presence(appears, max(spell.end for spell in group), removed, tuple(group))


def _group_by_presence(present: Sequence[Spell], absences: Sequence[Spell]) -> list[list[Spell]]:
    """Return present spells in groups: each return after a removal begins one."""
    groups: list[list[Spell]] = []
    for spell in sorted(present, key=lambda spell: spell.begin):
        if not groups:
            groups.append([spell])
            continue
        # Looks at the content API are rare: its spell may span a removal and a return.
        cut_group, api_since_cut = _split_content_api(groups[-1], spell.first_sent)
        removed = _date_removal(cut_group, absences)
        if removed is not None and removed.by is not None and removed.by < spell.begin:
            groups[-1] = cut_group
            groups.append([spell, *api_since_cut])
        else:
            groups[-1].append(spell)
    return groups


def _split_content_api(
    group: Sequence[Spell], instant: datetime
) -> tuple[list[Spell], list[Spell]]:
    """Return the spells with those of the content API cut off at `instant`, and the
    pieces cut off.
    """
    before: list[Spell] = []
    since: list[Spell] = []
    for spell in group:
        runs = spell.runs if spell.view is View.CONTENT else ()
        early = tuple(run for run in runs if run.first_sent < instant)
        late = tuple(run for run in runs if run.first_sent >= instant)
        if early and late:
            before.append(build_spell(spell.view, early))
            since.append(replace(build_spell(spell.view, late), absent_by=spell.absent_by))
        else:
            before.append(spell)
    return before, since


def _date_appearance(group: Sequence[Spell], absences: Sequence[Spell]) -> Interval:
    """Return when content appeared, by the part itself or the API that describes it."""
    of_part = [spell for spell in group if spell.view is not View.CONTENT]
    of_api = [spell for spell in group if spell.view is View.CONTENT]
    in_part = NOTHING
    if of_part:
        in_part = _date_appearance_of_part(of_part, absences)
    if not of_api:
        return in_part
    first_in_api = min(of_api, key=lambda spell: spell.begin)
    shown_in_api_by = first_in_api.begin
    if in_part.by is not None and in_part.by < shown_in_api_by:
        return in_part
    # The API showed it first. An absence of the part counts only if it is from before that.
    if in_part.after is not None and in_part.after < first_in_api.earliest:
        return Interval(in_part.after, shown_in_api_by)
    return Interval(_last_absence_in(View.CONTENT, first_in_api, absences), shown_in_api_by)


def _date_removal(group: Sequence[Spell], absences: Sequence[Spell]) -> Interval | None:
    """Return when content was removed from part and content API; None or without `by` if unsure."""
    of_part = [spell for spell in group if spell.view is not View.CONTENT]
    of_api = [spell for spell in group if spell.view is View.CONTENT]
    if not of_part or not of_api:
        return _date_removal_in_all_views(group, absences)
    from_part = _date_removal_in_all_views(of_part, absences)
    last_in_api = max(spell.end for spell in of_api)
    if from_part is None or from_part.by is None or last_in_api <= from_part.by:
        return from_part
    # It stayed longer in the API.
    return _date_removal_in_all_views(of_api, absences)


def _date_removal_in_all_views(
    group: Sequence[Spell], absences: Sequence[Spell]
) -> Interval | None:
    last_proved_present = max(spell.end for spell in group)
    absent_by = {spell.view: spell.absent_by for spell in group}
    proved = [by for by in absent_by.values() if by is not None]
    if len(proved) == len(absent_by):
        return Interval(last_proved_present, max(proved))
    # A view without absence may no longer be looked at. So another's counts if it lasted for
    # `_SILENCE` after the last look with the content, perhaps an old copy.
    last_look_with_content = max(spell.last_received for spell in group)
    # An absence in the content API is only about its own item.
    is_only_in_api = absent_by.keys() == {View.CONTENT}
    long_absences = []
    for spell in absences:
        is_about_part = spell.view is not View.CONTENT or any(
            run.state is State.WITHDRAWN for run in spell.runs
        )
        has_lasted = spell.end - last_look_with_content >= _SILENCE
        if (is_only_in_api or is_about_part) and spell.begin > last_proved_present and has_lasted:
            long_absences.append(spell)
    if not long_absences:
        return None
    absent_from = min(spell.begin for spell in long_absences)
    # Begun before the last look with content, it is doubtful until it has lasted.
    is_doubtful = absent_from <= last_look_with_content
    return Interval(
        last_proved_present, last_look_with_content + _SILENCE if is_doubtful else absent_from
    )


def _date_appearance_of_part(group: Sequence[Spell], absences: Sequence[Spell]) -> Interval:
    """Return when the part itself appeared: after its last absence that counts.

    Only an edge serves old copies. So

    1. if the origin was not watched, an absence in any view counts

    2. if it showed the part first or soon after the edge, its own last absence counts

    3. if only the edge has shown the part, the origin may lag. Then an absence counts at which both
    were absent, or the origin at least `_ORDER_UNSURE` before the edge showed it.
    """
    by_view: dict[View, Spell] = {}
    for spell in sorted(group, key=lambda spell: spell.begin):
        by_view.setdefault(spell.view, spell)
    first = next(iter(by_view.values()))
    last_absent = {view: _last_absence_in(view, spell, absences) for view, spell in by_view.items()}
    absent_at_origin = _last_absence_in(View.ORIGIN, first, absences)
    # By its `Age`, the spell that begins first may be of a later look.
    first_look = min(spell.first_sent for spell in by_view.values())
    if absent_at_origin is None or first_look - absent_at_origin > _WATCHED_EVERY:
        # rule 1
        return Interval(
            _latest_absence_in_any_view(first, by_view, last_absent, absences), first.begin
        )
    # The origin confirms the edge if it showed the part soon, and was not absent in between.
    at_origin = by_view.get(View.ORIGIN)
    was_absent_later = last_absent.get(View.ORIGIN) != absent_at_origin
    is_confirmed = (
        at_origin is not None and not was_absent_later and _is_close(absent_at_origin, at_origin)
    )
    if first.view is View.ORIGIN or is_confirmed:
        return Interval(absent_at_origin, first.begin)  # rule 2
    absent_at_edge = last_absent[first.view]
    absent_at_both = None
    if absent_at_edge is not None:
        absent_at_both = min(absent_at_edge, absent_at_origin)
    surely_before = (
        _last_absence_surely_before(first, spell) for spell in absences if spell.view is View.ORIGIN
    )
    return Interval(latest_known([absent_at_both, *surely_before]), first.begin)  # rule 3


def _latest_absence_in_any_view(
    first: Spell,
    by_view: Mapping[View, Spell],
    last_absent: Mapping[View, datetime | None],
    absences: Iterable[Spell],
) -> datetime | None:
    """Return the latest absence before `first`, the presence that began first, or None.

    `by_view` and `last_absent` are each view's first presence and last absence before it. That
    counts in the view of `first`, or if the view saw the part appear. All others must be surely
    before `first`.
    """
    when_appearing = [
        last_absent[view] for view, spell in by_view.items() if _is_close(last_absent[view], spell)
    ]
    surely_before = [
        _last_absence_surely_before(first, spell)
        for spell in absences
        if spell.view is not View.CONTENT
    ]
    proved = [last_absent[first.view], *when_appearing, *surely_before]
    return latest_known(
        absent for absent in proved if absent is not None and absent < first.earliest
    )


def _last_absence_in(view: View, presence: Spell, absences: Sequence[Spell]) -> datetime | None:
    """Return the last absence that a view proved by looks before a presence, or None.

    Another monitor's looks may overlap and use another clock, so these must be surely before.
    """
    monitor = presence.runs[0].monitor
    proved: list[datetime | None] = []
    for spell in absences:
        if spell.view is view and spell.first_sent < presence.first_sent:
            own_ends = [run.end for run in spell.runs if run.monitor == monitor]
            # By its `Age`, the presence may begin before its look.
            if own_ends and max(own_ends) < presence.earliest:
                proved.append(max(own_ends))
            has_runs_of_others = len(own_ends) < len(spell.runs)
            if has_runs_of_others:
                proved.append(_last_absence_surely_before(presence, spell))
    return latest_known(proved)


def _is_close(absent: datetime | None, presence: Spell) -> bool:
    """Return whether a presence began so soon after an absence that its view saw the content
    appear.
    """
    return absent is not None and presence.begin - absent <= _CLOSE


def _last_absence_surely_before(presence: Spell, absence: Spell) -> datetime | None:
    """Return the latest absence of another view that is surely before a presence, or None."""
    # Earlier looks of the same spell still count.
    limit = min(presence.first_sent, presence.earliest) - _ORDER_UNSURE
    return latest_known(last_absence_until(run, limit) for run in absence.runs)
