"""Everything the runs show of one part, before it is held against a slot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.judge.presence import Presence, presences
from monitor.judge.runs import Blind, Run
from monitor.judge.spells import Spell, believed, spells, unproved
from monitor.look.sighting import State
from monitor.plan.addresses import may_change_places
from monitor.plan.targets import View, content_twin
from schedules.announcement import Part

# What users get, and the same address past every cache: both show the part itself.
MAIN = (View.EDGE, View.ORIGIN)


@dataclass(frozen=True, slots=True)
class PartEvidence:
    """What was seen of one part.

    `views` are the runs by view, `spells` what they prove. `presences` are those of the part itself,
    `public` also count the content API. `unproved` is the earliest run of the part itself that answered as if out
    from its view's first telling look on, and so proves nothing.
    """

    part: Part
    views: Mapping[View, tuple[Run, ...]]
    spells: Mapping[View, tuple[Spell, ...]]
    presences: tuple[Presence, ...]
    public: tuple[Presence, ...]
    unproved: Run | None

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
        return max((spell.end for view in MAIN for spell in self.spells.get(view, ()) if not spell.out), default=None)


def seen(
    release: str, part: Part, runs: Mapping[str, Sequence[Run]], blind: Sequence[Blind], now: datetime
) -> PartEvidence:
    """Gather what was seen of a part by `now` from the runs by target id (`RELEASE/PART/VIEW`)."""
    faults = [span for span in blind if span.cause == "clock"]
    views = {
        view: tuple(_as_of(run, now) for run in _of(release, part, view, runs) if run.first_sent <= now)
        for view in (*MAIN, View.CONTENT)
    }
    trusted = {view: [run for run in each if not _in_doubt(run, faults)] for view, each in views.items()}
    told = believed({view: tuple(spells(view, each)) for view, each in trusted.items()})
    doubtful = [run for view in MAIN if (run := unproved(trusted[view])) is not None]
    return PartEvidence(
        part,
        views,
        told,
        tuple(presences({view: told[view] for view in MAIN})),
        tuple(presences(told)),
        min(doubtful, key=lambda run: run.begin, default=None),
    )


def _of(release: str, part: Part, view: View, runs: Mapping[str, Sequence[Run]]) -> list[Run]:
    """Return the runs of one view of a part at the address that it has now, in the order of looks.

    What was seen elsewhere says nothing of this address. A page that was found at an address from a listing takes over
    what was seen of that, and the other way round.
    """
    address = content_twin(part.url) if view is View.CONTENT else part.url
    own = f"{release}/{part.id}/{view}"
    found = [run for run in runs.get(own, ()) if run.address in ("", address)]
    if not may_change_places(part.id):
        return found
    others = (name for name in runs if name != own and _may_be(name, view))
    more = [run for name in others for run in runs[name] if run.address == address]
    return sorted([*found, *more], key=lambda run: run.first_sent) if more else found


def _may_be(target: str, view: View) -> bool:
    _, part, its = target.rsplit("/", 2)
    return its == view and may_change_places(part)


def _as_of(run: Run, now: datetime) -> Run:
    """Return a run as far as it had come by an earlier instant; what it grew to later is left out."""
    if run.last_received <= now:
        return run
    return replace(run, last_received=now, end=min(run.end, now))


def _in_doubt(run: Run, faults: Sequence[Blind]) -> bool:
    """Tell whether every look of a run was made while our clock was known to be wrong."""
    if run.state is State.UNKNOWN:
        return False
    about = (span for span in faults if span.target in ("", run.target))
    return any(span.begins <= run.first_sent and run.last_received <= span.ends for span in about)
