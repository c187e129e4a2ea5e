"""Presences: the periods in which a part was public, by all of its views. A spell is what one view shows of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.judge.runs import last_absence_until
from monitor.judge.spells import Spell, build_spell, find_absence_after
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.times.interval import NOTHING, Interval, latest_known

# We assume that content does not appear twice within this time, so views that agree this closely saw one appearance.
_CLOSE = timedelta(seconds=20)
# An origin looked at this often decides, because an absence at the edge may be a stale copy without Age.
_WATCHED_EVERY = timedelta(seconds=90)
# Age counts whole seconds, and looks at two views may overtake each other.
_ORDER_UNSURE = timedelta(seconds=5)
# If another view showed the content absent for this long, a view without looks no longer shows that it is public.
_SILENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Presence:
    """A span in which at least one view showed the content.

    The content appeared within `appears`, was still there at `end`, and was removed within `removed`, None if not seen.
    """

    appears: Interval
    end: datetime
    removed: Interval | None
    spells: tuple[Spell, ...]

    @property
    def begin(self) -> datetime:
        """Return the earliest instant at which a view proves the content present."""
        return min(spell.begin for spell in self.spells)


def build_presences(views: Mapping[View, Sequence[Spell]]) -> list[Presence]:
    """Return the presences that these views prove, in time order.

    A spell is a time in which one view showed the content. Spells of several views that overlap are one presence. It
    lasts until all of these views show the content absent (`absent_by`). The next spell begins another presence.
    """
    absences = [spell for spells in views.values() for spell in spells if not spell.is_present]
    present = [
        replace(spell, absent_by=find_absence_after(spell, spells[place + 1 :]))
        for spells in views.values()
        for place, spell in enumerate(spells)
        if spell.is_present
    ]
    in_order = sorted(present, key=lambda spell: spell.begin)
    groups = [[spell] for spell in in_order[:1]]
    for spell in in_order[1:]:
        # Find out whether the content was removed before `spell`. Leave out what the content API showed since then: it
        # is looked at so rarely that one of its spells may span both the removal and the return.
        before_spell, since_spell = _split_content_api(groups[-1], spell.first_sent)
        removed = _date_removal(before_spell, absences)
        if removed is None or removed.by is None or spell.begin <= removed.by:
            groups[-1].append(spell)
        else:
            # The content came back, also in the content API.
            groups[-1] = before_spell
            groups.append([spell, *since_spell])
    presences = []
    for group in groups:
        end = max(spell.end for spell in group)
        appears = _date_appearance(group, absences)
        presences.append(Presence(appears, end, _date_removal(group, absences), tuple(group)))
    return presences


def _split_content_api(group: Sequence[Spell], instant: datetime) -> tuple[list[Spell], list[Spell]]:
    """Return the group with each spell of the content API cut in two at `instant`, and the later pieces.

    The first list has the earlier pieces, and all spells that are not cut.
    """
    not_cut_or_earlier: list[Spell] = []
    later: list[Spell] = []
    for spell in group:
        runs = spell.runs if spell.view is View.CONTENT else ()
        runs_before = tuple(run for run in runs if run.first_sent < instant)
        runs_since = tuple(run for run in runs if run.first_sent >= instant)
        if runs_before and runs_since:
            not_cut_or_earlier.append(build_spell(spell.view, runs_before))
            # After the later piece, the view showed the content absent as it did after the whole spell.
            later.append(replace(build_spell(spell.view, runs_since), absent_by=spell.absent_by))
        else:
            not_cut_or_earlier.append(spell)
    return not_cut_or_earlier, later


def _date_appearance(group: Sequence[Spell], absences: Sequence[Spell]) -> Interval:
    """Return when content appeared: after its last proved absence, and by the first look that showed it.

    `group` has its presences in all views. The content API, which only describes the part, dates the appearance if it
    showed the content before the part's own views (edge and origin) did.
    """
    of_part = [spell for spell in group if spell.view is not View.CONTENT]
    of_api = [spell for spell in group if spell.view is View.CONTENT]
    in_part = _date_appearance_of_part(of_part, absences) if of_part else NOTHING
    if not of_api:
        return in_part
    first_in_api = min(of_api, key=lambda spell: spell.begin)
    shown_in_api_by = first_in_api.begin
    if in_part.by is not None and in_part.by < shown_in_api_by:
        return in_part
    # The part's last absence must be before the API showed the content. Otherwise use the last absence in the API.
    if in_part.after is not None and in_part.after < shown_in_api_by:
        return Interval(in_part.after, shown_in_api_by)
    return Interval(_last_absence_in(View.CONTENT, first_in_api, absences), shown_in_api_by)


def _date_removal(group: Sequence[Spell], absences: Sequence[Spell]) -> Interval | None:
    """Return when content was removed from both the part and the content API; None if it may still be shown."""
    of_part = [spell for spell in group if spell.view is not View.CONTENT]
    of_api = [spell for spell in group if spell.view is View.CONTENT]
    if not of_part or not of_api:
        return _date_removal_in_all_views(group, absences)
    from_part = _date_removal_in_all_views(of_part, absences)
    last_in_api = max(spell.end for spell in of_api)
    if from_part is None or from_part.by is None or last_in_api <= from_part.by:
        return from_part
    # The API still showed the content after it was removed from the part, so its removal from the API is the last.
    return _date_removal_in_all_views(of_api, absences)


def _date_removal_in_all_views(group: Sequence[Spell], absences: Sequence[Spell]) -> Interval | None:
    """Return when the content was removed from all views of a group; None if a view may still show it.

    `group` has a spell of presence for each time that a view showed the content. A view that was not seen absent after
    that may have stopped being watched. Then another view must be absent for `_SILENCE` after the last look at content.
    """
    last_proved = max(spell.end for spell in group)
    absent_by = {spell.view: spell.absent_by for spell in group}
    proved = [by for by in absent_by.values() if by is not None]
    if len(proved) == len(absent_by):
        return Interval(last_proved, max(proved))
    # When users last got the content. A cached copy proves it only for an earlier instant: when the copy was made.
    last_got = max(spell.last_received for spell in group)
    # A 404 of the content API is only about its own item. It counts if only the API showed the content.
    is_only_in_api = absent_by.keys() == {View.CONTENT}
    relevant = [spell for spell in absences if is_only_in_api or _is_about_part(spell)]
    long_absences = [spell for spell in relevant if spell.begin > last_proved and spell.end - last_got >= _SILENCE]
    if not long_absences:
        return None
    first = min(spell.begin for spell in long_absences)
    # If the absence began while another view still showed the content, it proves the removal only after `_SILENCE`.
    return Interval(last_proved, first if first > last_got else last_got + _SILENCE)


def _is_about_part(absence: Spell) -> bool:
    """Return whether an absence is about the part itself. A 404 of the content API is only about its item."""
    return absence.view is not View.CONTENT or any(run.state is State.WITHDRAWN for run in absence.runs)


def _date_appearance_of_part(group: Sequence[Spell], absences: Sequence[Spell]) -> Interval:
    """Return when the part itself appeared: after its last absence, and by the first view that showed it.

    `group` are times (spells) in which the edge or the origin showed the part. The edge may serve an old copy without
    the part, so an absence at the origin is better proof.
    """
    by_view: dict[View, Spell] = {}
    for spell in sorted(group, key=lambda spell: spell.begin):
        by_view.setdefault(spell.view, spell)
    first = next(iter(by_view.values()))
    last_absent = {view: _last_absence_in(view, spell, absences) for view, spell in by_view.items()}
    absent_at_origin = _last_absence_in(View.ORIGIN, first, absences)
    # A copy's `Age` may put the begin of a spell before its first look. So `first` may not have the first look.
    first_look = min(spell.first_sent for spell in by_view.values())
    if absent_at_origin is None or first_look - absent_at_origin > _WATCHED_EVERY:
        # The origin was not watched closely, so an absence in any view counts.
        return Interval(_latest_absence_in_any_view(first, by_view, last_absent, absences), first.begin)
    at_origin = by_view.get(View.ORIGIN)
    # If the origin was still absent after the edge had shown the part, its last absence is later than this one.
    was_absent_later = last_absent.get(View.ORIGIN) != absent_at_origin
    is_soon_at_origin = at_origin is not None and not was_absent_later and _is_close(absent_at_origin, at_origin)
    if first.view is View.ORIGIN or is_soon_at_origin:
        return Interval(absent_at_origin, first.begin)
    # The edge showed the part well before the origin, which may lag behind the edge. So an absence counts only if both
    # views were absent then, or if the origin was absent well before the edge showed the part (`_ORDER_UNSURE`).
    absent_at_edge = last_absent[first.view]
    absent_at_both = None if absent_at_edge is None else min(absent_at_edge, absent_at_origin)
    surely_before = (_last_absence_surely_before(first, spell) for spell in absences if spell.view is View.ORIGIN)
    return Interval(latest_known([absent_at_both, *surely_before]), first.begin)


def _latest_absence_in_any_view(
    first: Spell, by_view: Mapping[View, Spell], last_absent: Mapping[View, datetime | None], absences: Iterable[Spell]
) -> datetime | None:
    """Return the latest absence before `first`, the presence that began first in all views; None if none was proved.

    `by_view` has the first presence of each view, and `last_absent` the last absence of each view before its presence.
    """
    # A view whose presence began soon after its last absence saw the part appear.
    when_appearing = [last_absent[view] for view, spell in by_view.items() if _is_close(last_absent[view], spell)]
    # Looks at several views may overtake each other, so any other absence counts only if it is surely before `first`.
    # An absence in the content API is about its item only, not about the part.
    surely_before = [_last_absence_surely_before(first, spell) for spell in absences if spell.view is not View.CONTENT]
    proved = [last_absent[first.view], *when_appearing, *surely_before]
    return latest_known(absent for absent in proved if absent is not None and absent < first.earliest)


def _last_absence_in(view: View, presence: Spell, absences: Sequence[Spell]) -> datetime | None:
    """Return the last absence that a view proved before a presence, by looks sent before it; None if it proved none."""
    monitor = presence.runs[0].monitor
    proved: list[datetime | None] = []
    for absence in absences:
        if absence.view is not view or absence.first_sent >= presence.first_sent:
            continue
        own_ends = [run.end for run in absence.runs if run.monitor == monitor]
        # `earliest`: a look at 9:30:20 that gets a copy with an `Age` of 15 s proves the presence from 9:30:05 on.
        if own_ends and max(own_ends) < presence.earliest:
            proved.append(max(own_ends))
        has_runs_of_others = len(own_ends) < len(absence.runs)
        if has_runs_of_others:
            # Another monitor has another clock, so its absence counts only if it is surely before the presence.
            proved.append(_last_absence_surely_before(presence, absence))
    return latest_known(proved)


def _is_close(absent: datetime | None, presence: Spell) -> bool:
    """Return whether a presence began so soon after an absence that its view saw the content appear."""
    return absent is not None and presence.begin - absent <= _CLOSE


def _last_absence_surely_before(presence: Spell, absence: Spell) -> datetime | None:
    """Return the latest absence of another view that is surely before a presence, or None without such an absence.

    Looks within a few seconds of the presence cannot be put in order. Earlier looks of the same spell still count.
    """
    limit = min(presence.first_sent, presence.earliest) - _ORDER_UNSURE
    return latest_known(last_absence_until(run, limit) for run in absence.runs)
