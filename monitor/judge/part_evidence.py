"""Gathers everything that the runs prove about one part, before it is compared with a slot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from monitor.judge.case import Case
from monitor.judge.exposure import find_unseen_stays
from monitor.judge.presence import Presence, build_presences
from monitor.judge.runs import Blind, Run, Runs, find_changes_of_content
from monitor.judge.spells import (
    AGE_UNSURE,
    Spell,
    build_spells,
    correct_ages,
    find_presence_from_start,
)
from monitor.judge.witnesses import Witnesses, read_witnesses
from monitor.look.redirect import OTHER_HOST, REDIRECTED
from monitor.look.sighting import State
from monitor.look.version import first_published
from monitor.plan.addresses import may_be_the_page
from monitor.plan.targets import View, content_twin, parse_target_id, target_id
from schedules.announcement import Address, Part, Role
from schedules.contract.verdict import Elsewhere, PartVerdict
from schedules.times.interval import NOTHING, Interval, earliest_known, latest_known

# Both views show the part itself.
EDGE_AND_ORIGIN = (View.EDGE, View.ORIGIN)


@dataclass(frozen=True, slots=True)
class PartEvidence:
    """The observations of one part.

    `views` are the runs by view, `spells` what they prove. `presences` are of the part itself,
    `all_presences` also of the content API, `presences_by_looks` are those of the part dated
    without witnesses.

    `present_from_start` is the earliest run that was present from its view's first successful look
    on. It proves nothing, because it may show the previous edition.

    `witnesses` date a page that no calendar announced. Until the release was found there,
    `is_address_guessed`, and an absence there proves nothing.
    """

    part: Part
    views: Mapping[View, tuple[Run, ...]]
    spells: Mapping[View, tuple[Spell, ...]]
    presences: tuple[Presence, ...]
    all_presences: tuple[Presence, ...]
    present_from_start: Run | None
    presences_by_looks: tuple[Presence, ...]
    witnesses: Witnesses | None = None
    is_address_guessed: bool = False

    @property
    def publishers_stamp(self) -> datetime | None:
        """Return the earliest time of first publication that a page or file states, or None."""
        runs = (run for run in self.all_runs if run.state is State.PRESENT)
        return earliest_known(first_published(run.version) for run in runs)

    @property
    def all_runs(self) -> list[Run]:
        """Return the runs of all views, those of the content API too."""
        return list(chain.from_iterable(self.views.values()))

    @property
    def runs_at_edge_and_origin(self) -> list[Run]:
        """Return the runs of the part itself, in the order of their first looks."""
        of_views = [self.views.get(view, ()) for view in EDGE_AND_ORIGIN]
        return sorted(chain.from_iterable(of_views), key=lambda run: run.first_sent)

    @property
    def entry(self) -> str:
        """Return the address of the first entry of a feed that showed the part; empty without."""
        present = (run for run in self.runs_at_edge_and_origin if run.state is State.PRESENT)
        return next((run.why for run in present if "://" in run.why), "")

    @property
    def last_run(self) -> Run | None:
        """Return the run with the latest look at the part itself, or None without looks."""
        return max(self.runs_at_edge_and_origin, key=lambda run: run.last_received, default=None)

    @property
    def seen_until(self) -> datetime | None:
        """Return when the part was last seen, None if it still is or never was."""
        is_seen = self.last_run is not None and self.last_run.state is State.PRESENT
        if is_seen:
            return None
        runs = (run for run in self.all_runs if run.state is State.PRESENT)
        return max((run.last_received for run in runs), default=None)

    @property
    def first_look(self) -> datetime | None:
        """Return when the part was first looked at, even if that look failed; None if never."""
        return earliest_known(runs[0].first_sent for runs in self.views.values() if runs)

    @property
    def absences(self) -> list[Spell]:
        """Return the spells in which the part itself was absent."""
        spells = chain.from_iterable(self.spells.get(view, ()) for view in EDGE_AND_ORIGIN)
        return [spell for spell in spells if not spell.is_present]

    @property
    def absent_runs(self) -> list[Run]:
        """Return the runs in which the part itself was absent."""
        return list(chain.from_iterable(spell.runs for spell in self.absences))

    @property
    def last_absent(self) -> datetime | None:
        """Return the latest instant at which the part itself was proved absent, or None."""
        if self.is_address_guessed:
            absent = self.witnesses and self.witnesses.absent_by_both
            return earliest_known([absent, self._began_to_lead_on]) if absent else None
        return max((spell.end for spell in self.absences), default=None)

    @property
    def _began_to_lead_on(self) -> datetime | None:
        """Return when the part's address, absent before, began to lead to another, or None.

        Its page was there, or the redirect leads to it under another title.
        """
        first_absent = min((spell.begin for spell in self.absences), default=None)
        leading = [
            run.first_sent
            for run in self.runs_at_edge_and_origin
            if run.why in (REDIRECTED, OTHER_HOST)
            and first_absent is not None
            and first_absent < run.first_sent
        ]
        return min(leading, default=None)

    def would_show_presence_at(self, slot: datetime) -> bool:
        """Return whether we would know of a part public at the slot and removed later."""
        if self.witnesses is None or self.witnesses.redirects:
            return True
        return any(spell.begin <= slot <= spell.end for spell in self.absences)

    def find_unseen_stays(self) -> list[Interval]:
        """Return when the part was published and removed unseen, the narrowest span first."""
        return find_unseen_stays(
            self.spells.values(), [presence.appears for presence in self.all_presences]
        )

    def may_have_been_public_at(self, slot: datetime) -> bool:
        """Return whether the part may, unproved, have been public at the slot and removed later."""
        if any(
            stay.after and stay.by and stay.after < slot < stay.by
            for stay in self.find_unseen_stays()
        ):
            return True
        # Present from the first look on and absent after the slot, it may have been this release or
        # the previous edition. A view that is never absent may answer 200 for anything.
        for view in EDGE_AND_ORIGIN:
            from_start = find_presence_from_start(self.views.get(view, ()))
            first_absent = None
            if from_start is not None:
                first_absent = self.find_absence_after(from_start)
            if first_absent is not None and first_absent > slot:
                return True
        return False

    def find_absence_after(self, run: Run) -> datetime | None:
        """Return when the view of a run first showed the part absent after it, or None."""
        spells = self.spells.get(parse_target_id(run.target)[2], ())
        absences = (spell.begin for spell in spells if not spell.is_present)
        return min((begin for begin in absences if begin > run.end), default=None)

    def is_in_place_at(self, slot: datetime) -> bool:
        """Return whether the first look, before the slot, showed something, such as an earlier
        edition.
        """
        in_place = self.present_from_start
        return in_place is not None and in_place.begin < slot

    def find_changes_in_place(self) -> list[Interval]:
        """Return when what was in place from the first look on changed, in order."""
        if self.present_from_start is None:
            return []
        view = parse_target_id(self.present_from_start.target)[2]
        return find_changes_of_content(self.views.get(view, ()))


Pair = tuple[PartVerdict, PartEvidence]
"""The verdict on a part, and its observations."""


def gather_evidence(case: Case, part: Part, runs: Runs, blind: Sequence[Blind]) -> PartEvidence:
    """Return the observations of a part, from the runs by target id.

    Looks in `blind` spans of a wrong clock prove nothing, other spans do not count here.
    """
    release, slot = case.release, case.slot_begins
    faults = [span for span in blind if span.cause == "clock"]
    at_address = {
        view: _runs_at_address(release.id, part, view, runs)
        for view in (*EDGE_AND_ORIGIN, View.CONTENT)
    }
    views = {view: tuple(_cut_at(case.now, of_view)) for view, of_view in at_address.items()}
    trusted = {view: _drop_doubtful_runs(of_view, faults) for view, of_view in views.items()}
    is_address_unannounced = part.id == "page" and release.address is not Address.ANNOUNCED
    if is_address_unannounced and release.address is Address.LED_TO and slot is not None:
        # The announcement redirects here, so what it shows from the slot on is this edition.
        trusted = {
            view: [_trust_from_slot(run, slot) for run in of_view]
            for view, of_view in trusted.items()
        }
    found = [find_presence_from_start(trusted[view]) for view in EDGE_AND_ORIGIN]
    from_start = [run for run in found if run is not None]
    present_from_start = min(from_start, key=lambda run: run.begin, default=None)
    proving = trusted
    if present_from_start is not None and case.window is not None:
        in_both = list(chain.from_iterable(trusted[view] for view in EDGE_AND_ORIGIN))
        if not _is_absent_before(in_both, present_from_start):
            early_before = case.window.early_before
            proving = {
                view: _drop_returns(of_view, early_before) for view, of_view in trusted.items()
            }
    spells = correct_ages(
        {view: tuple(build_spells(view, of_view)) for view, of_view in proving.items()}
    )
    by_looks = tuple(build_presences({view: spells[view] for view in EDGE_AND_ORIGIN}))
    evidence = PartEvidence(
        part,
        views,
        spells,
        presences=by_looks,
        all_presences=tuple(build_presences(spells)),
        present_from_start=present_from_start,
        presences_by_looks=by_looks,
    )
    if not is_address_unannounced:
        return evidence
    return _date_by_witnesses(
        case, evidence, {name: _drop_doubtful_runs(own, faults) for name, own in runs.items()}
    )


def find_periods_elsewhere(evidences: Iterable[PartEvidence]) -> tuple[Elsewhere, ...]:
    """Return all periods in which the release was public at alternative addresses, in order."""
    periods = []
    for evidence in evidences:
        if evidence.part.role is Role.ALTERNATIVE:
            part, url = evidence.part.id, evidence.entry or evidence.part.url
            for presence in evidence.all_presences:
                removed = presence.removed or NOTHING
                periods.append(Elsewhere(part, url, start=presence.appears, to=removed))
    # Periods of which no latest start is known come last.
    return tuple(
        sorted(periods, key=lambda period: (period.start.by is None, period.start.by, period.part))
    )


def _date_by_witnesses(case: Case, evidence: PartEvidence, runs: Runs) -> PartEvidence:
    """Return the observations of a page at an unannounced address, dated by its witnesses too.

    Its address is a guess until the release was found there and stayed until its slot.
    """
    slot = case.slot_begins
    witnesses = read_witnesses(case.release.id, runs, now=case.now, lags=case.lags)

    def date_presence(presence: Presence) -> Presence:
        """Return a presence, dated no earlier than both witnesses prove absence."""
        # The index may drop its entry after the content was last seen.
        last_seen = min(max(presence.begin, presence.end), case.now)
        known_then = read_witnesses(case.release.id, runs, last_seen, case.lags)
        # If the announcement redirects by now, its redirect works. So up to the slot it alone
        # proves absence.
        absent = replace(known_then, redirects=witnesses.redirects).absent_until(slot)
        appears = presence.appears
        if absent is None or appears.by is None or absent >= appears.by:
            return presence
        return replace(
            presence, appears=Interval(latest_known([absent, appears.after]), appears.by)
        )

    presences = tuple(date_presence(presence) for presence in evidence.presences)
    # Removed before the slot, it may still come at another address.
    is_confirmed = any(
        slot is None or presence.removed is None or presence.end >= slot for presence in presences
    )
    return replace(
        evidence,
        presences=presences,
        all_presences=tuple(date_presence(presence) for presence in evidence.all_presences),
        witnesses=witnesses,
        is_address_guessed=not is_confirmed,
    )


def _trust_from_slot(run: Run, slot: datetime) -> Run:
    """Return a run, marked as specific if it is present after the slot.

    A copy in a cache may be from before the slot, so it may be of another page.
    """
    is_copy = run.begin < run.first_sent
    made_after = run.first_sent
    if is_copy:
        made_after = run.begin - AGE_UNSURE
    is_trusted = run.state is State.PRESENT and made_after >= slot
    return replace(run, specific=True) if is_trusted else run


def _runs_at_address(release: str, part: Part, view: View, runs: Runs) -> list[Run]:
    """Return the runs of one view at the address that a part has now, in the order of looks."""
    address: str | None = part.url
    if view is View.CONTENT:
        address = content_twin(part.url)
    own = target_id(release, part.id, view)
    # Older versions stored runs without their address ("").
    found = [run for run in runs.get(own, ()) if run.address in ("", address)]
    if not may_be_the_page(part.id):
        return found
    # A part that a listing showed swaps addresses with the page if it turns out to be that. Looks
    # before that are stored with the other part.
    for target in runs:
        _, other_part, other_view = parse_target_id(target)
        if target != own and other_view == view and may_be_the_page(other_part):
            found += [run for run in runs[target] if run.address == address]
    return sorted(found, key=lambda run: run.first_sent)


def _cut_at(now: datetime, runs: Iterable[Run]) -> Iterator[Run]:
    for run in runs:
        if run.last_received <= now:
            yield run
        elif run.first_sent <= now:
            yield replace(run, last_received=now, end=min(run.end, now))


def _is_absent_before(runs: Iterable[Run], presence: Run) -> bool:
    """Return whether one of these looks showed the part absent before a presence."""
    return any(
        run.state in (State.ABSENT, State.WITHDRAWN) and run.first_sent < presence.first_sent
        for run in runs
    )


def _drop_returns(runs: Iterable[Run], early_before: datetime) -> list[Run]:
    """Return the runs without presences from before the slot that are not specific, and without
    what shows the same content since then.

    Content that was there from the first look on may be an earlier edition. So it proves nothing if
    it is removed and comes back.
    """
    kept = []
    last_return: Run | None = None
    for run in runs:
        may_be_earlier = run.state is State.PRESENT and not run.specific
        if may_be_earlier and run.first_sent < early_before:
            last_return = run
            continue
        if may_be_earlier and last_return is not None and run.digest == last_return.digest:
            continue
        if run.state is not State.UNKNOWN:
            last_return = None
        kept.append(run)
    return kept


def _drop_doubtful_runs(runs: Iterable[Run], clock_faults: Sequence[Blind]) -> list[Run]:
    """Return the runs, except successful ones made wholly while our clock was known to be wrong."""
    kept = []
    for run in runs:
        is_doubtful = any(
            span.begins <= run.first_sent and run.last_received <= span.ends
            for span in clock_faults
            if span.hides(run)
        )
        if run.state is State.UNKNOWN or not is_doubtful:
            kept.append(run)
    return kept
