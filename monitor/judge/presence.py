"""Presences: when a part was public, put together from every view of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.judge.interval import Interval
from monitor.judge.spell import Spell, gone_by
from monitor.plan.targets import View

# Looked at this closely, the origin needs no help from the edge, whose absence may be a stale copy without Age.
_CLOSE = timedelta(seconds=30)
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
    that showed it. Two spells are two presences only when all views proved absence in between.
    """
    gone = [spell for each in views.values() for spell in each if not spell.out]
    outs = [
        _Out(spell, gone_by(spell, each[place + 1 :]))
        for each in views.values()
        for place, spell in enumerate(each)
        if spell.out
    ]
    groups: list[list[_Out]] = []
    for out in sorted(outs, key=lambda each: each.spell.begin):
        if groups and _overlaps(groups[-1], out, gone):
            groups[-1].append(out)
        else:
            groups.append([out])
    return [_presence(group, gone) for group in groups]


def _overlaps(group: Sequence[_Out], out: _Out, gone: Sequence[Spell]) -> bool:
    goes = _goes(group, gone)
    return goes is None or goes.by is None or out.spell.begin <= goes.by


def _presence(group: Sequence[_Out], gone: Sequence[Spell]) -> Presence:
    outs = tuple(out.spell for out in group)
    end = max(spell.end for spell in outs)
    return Presence(appears(outs, gone), end, _goes(group, gone), outs)


def _goes(group: Sequence[_Out], gone: Sequence[Spell]) -> Interval | None:
    end = max(out.spell.end for out in group)
    latest = {out.spell.view: out.gone_by for out in group}
    ended = [by for by in latest.values() if by is not None]
    if len(ended) == len(latest):
        return Interval(end, max(ended))
    elsewhere = [spell.begin for spell in gone if spell.begin > end and spell.end - end >= _SILENT]
    return Interval(end, min(elsewhere)) if elsewhere else None


def appears(outs: Sequence[Spell], gone: Iterable[Spell]) -> Interval:
    """Return when content came that these overlapping out-spells show, given every gone-spell known.

    `by` is the first presence in any view; `after` the last absence before it. Where the origin was
    looked at closely its own absence decides; the content API proves absence of nothing but itself.
    """
    first = min(outs, key=lambda spell: spell.begin)
    before = [spell for spell in gone if spell.end < first.begin]
    if first.view is View.CONTENT:
        return Interval(_last(before, View.CONTENT), first.begin)
    main = _last(before, View.EDGE, View.ORIGIN)
    origin = min((spell.begin for spell in outs if spell.view is View.ORIGIN), default=None)
    own = _last(before, View.ORIGIN)
    if origin is not None and own is not None and origin - own <= _CLOSE:
        main = own
    return Interval(main, first.begin)


def _last(gone: Iterable[Spell], *views: View) -> datetime | None:
    return max((spell.end for spell in gone if spell.view in views), default=None)
