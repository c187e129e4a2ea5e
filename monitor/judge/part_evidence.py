"""Everything the runs show of one part, before it is held against a slot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.judge.presence import Presence, presences
from monitor.judge.runs import Blind, Run
from monitor.judge.spells import Spell, believed, spells, unproved
from monitor.judge.witnesses import DEFAULT_LAGS, Lags, Witnesses, witnesses
from monitor.look.recognise.version import first_published
from monitor.look.sighting import State
from monitor.plan.addresses import may_be_the_page
from monitor.plan.targets import View, content_twin, parse_target_id, target_id
from schedules.announcement import Address, Part
from schedules.release import Release
from schedules.times.interval import Interval

# What users get, and the same address past every cache: both show the part itself.
MAIN = (View.EDGE, View.ORIGIN)


@dataclass(frozen=True, slots=True)
class PartEvidence:
    """What was seen of one part.

    `views` are the runs by view, `spells` what they prove. `presences` are those of the part itself,
    `public` also count the content API. `unproved` is the earliest run of the part itself that answered as if out
    from its view's first telling look on, and so proves nothing. `witnesses` tell of a page whose address
    nobody announced; where nothing has borne that address out yet it `is_guess`: absence there says nothing.
    `presences_by_looks` are the presences dated by looks at the part itself alone, whatever the witnesses tell.
    """

    part: Part
    views: Mapping[View, tuple[Run, ...]]
    spells: Mapping[View, tuple[Spell, ...]]
    presences: tuple[Presence, ...]
    public: tuple[Presence, ...]
    unproved: Run | None
    witnesses: Witnesses | None = None
    is_guess: bool = False
    presences_by_looks: tuple[Presence, ...] = ()

    @property
    def publishers_stamp(self) -> datetime | None:
        """Return the earliest instant at which the publisher says it first published what was seen; None if unknown."""
        runs = (run for each in self.views.values() for run in each if run.state is State.PRESENT)
        return min((told for run in runs if (told := first_published(run.version)) is not None), default=None)

    @property
    def main_runs(self) -> list[Run]:
        """Return the runs of the part itself, by the look that began them."""
        runs = [run for view in MAIN for run in self.views.get(view, ())]
        return sorted(runs, key=lambda run: run.first_sent)

    @property
    def first_look(self) -> datetime | None:
        """Return when the part was first looked at, whatever came of it."""
        return min((runs[0].first_sent for runs in self.views.values() if runs), default=None)

    @property
    def last_gone(self) -> datetime | None:
        """Return the latest instant as of which the part itself was proved gone."""
        if self.is_guess:
            return None if self.witnesses is None else self.witnesses.both
        return max((spell.end for view in MAIN for spell in self.spells.get(view, ()) if not spell.out), default=None)

    def would_have_detected(self, slot: datetime) -> bool:
        """Tell whether what was out as a slot came would have been seen, whenever it was taken away again."""
        if self.witnesses is None or self.witnesses.redirects:
            return True
        gone = (spell for view in MAIN for spell in self.spells.get(view, ()) if not spell.out)
        return any(spell.begin <= slot <= spell.end for spell in gone)

    def may_have_been_public_at(self, slot: datetime) -> bool:
        """Tell whether a view answered as if out until a slot came, and as gone only later: it may have been out then.

        One that never answers otherwise says nothing: it answers so whatever it is asked.
        """
        for view in MAIN:
            run = unproved(self.views.get(view, ()))
            if run is not None:
                gone = [spell.begin for spell in self.spells.get(view, ()) if not spell.out and spell.begin > run.end]
                if gone and min(gone) > slot:
                    return True
        return False


def seen(  # noqa: PLR0913 # what a part is judged by
    release: Release,
    part: Part,
    runs: Mapping[str, Sequence[Run]],
    blind: Sequence[Blind],
    now: datetime,
    slot: datetime | None = None,
    *,
    lags: Lags = DEFAULT_LAGS,
) -> PartEvidence:
    """Gather what was seen of a part by `now` from the runs by target id (`RELEASE/PART/VIEW`); `slot` begins then."""
    faults = [span for span in blind if span.cause == "clock"]
    views = {
        view: tuple(_as_of(run, now) for run in _of(release.id, part, view, runs) if run.first_sent <= now)
        for view in (*MAIN, View.CONTENT)
    }
    trusted = {view: [run for run in each if not _in_doubt(run, faults)] for view, each in views.items()}
    witness, sure = None, {}
    if part.id == "page" and release.address is not Address.ANNOUNCED:
        sure = {name: [run for run in each if not _in_doubt(run, faults)] for name, each in runs.items()}
        witness = witnesses(release.id, sure, now, lags)
        if release.address is Address.LED_TO and slot is not None:
            trusted = {view: [_vouched(run, slot) for run in each] for view, each in trusted.items()}
    told = believed({view: tuple(spells(view, each)) for view, each in trusted.items()})
    doubtful = [run for view in MAIN if (run := unproved(trusted[view])) is not None]

    def read_until(last: datetime) -> datetime | None:
        if witness is None:
            return None
        known = witnesses(release.id, sure, min(last, now), lags)
        return replace(known, redirects=witness.redirects).absent(slot)

    by_looks = tuple(presences({view: told[view] for view in MAIN}))
    shown = tuple(_after(read_until, by_looks))
    return PartEvidence(
        part,
        views,
        told,
        shown,
        tuple(_after(read_until, presences(told))),
        min(doubtful, key=lambda run: run.begin, default=None),
        witness,
        is_guess=witness is not None and not any(_lasts(presence, slot) for presence in shown),
        presences_by_looks=by_looks,
    )


def _lasts(presence: Presence, slot: datetime | None) -> bool:
    """Tell whether what was seen bears out an address: what was taken away before its slot may come out at another."""
    return slot is None or presence.goes is None or presence.end >= slot


def _vouched(run: Run, slot: datetime) -> Run:
    """Return a run that counts from the slot on whatever its title: the announcement itself has led to its page."""
    is_vouched = run.state is State.PRESENT and run.first_sent >= slot
    return replace(run, specific=True) if is_vouched else run


def _after(absent_until: Callable[[datetime], datetime | None], found: Iterable[Presence]) -> Iterator[Presence]:
    """Yield presences, none of which came before the release was out nowhere.

    What a listing lacked after it was last seen out does not tell when it came: it may have been taken off by then.
    """
    for presence in found:
        came, absent = presence.appears, absent_until(max(presence.begin, presence.end))
        known = came.after is not None and absent is not None and came.after >= absent
        is_before = absent is not None and came.by is not None and absent < came.by
        yield replace(presence, appears=Interval(absent, came.by)) if is_before and not known else presence


def _of(release: str, part: Part, view: View, runs: Mapping[str, Sequence[Run]]) -> list[Run]:
    """Return the runs of one view of a part at the address that it has now, in the order of looks.

    What was seen elsewhere says nothing of this address. A page that was found at an address from a listing takes over
    what was seen of that, and the other way round.
    """
    address = content_twin(part.url) if view is View.CONTENT else part.url
    own = target_id(release, part.id, view)
    found = [run for run in runs.get(own, ()) if run.address in ("", address)]
    if not may_be_the_page(part.id):
        return found
    ids = ((name, parse_target_id(name)) for name in runs if name != own)
    others = (name for name, (_, its_part, its_view) in ids if its_view == view and may_be_the_page(its_part))
    more = [run for name in others for run in runs[name] if run.address == address]
    return sorted([*found, *more], key=lambda run: run.first_sent) if more else found


def _as_of(run: Run, now: datetime) -> Run:
    """Return a run as far as it had come by an earlier instant; what it grew to later is left out."""
    if run.last_received <= now:
        return run
    return replace(run, last_received=now, end=min(run.end, now))


def _in_doubt(run: Run, faults: Sequence[Blind]) -> bool:
    """Tell whether every look of a run was made while our clock was known to be wrong."""
    if run.state is State.UNKNOWN:
        return False
    about = (span for span in faults if span.hides(run))
    return any(span.begins <= run.first_sent and run.last_received <= span.ends for span in about)
