"""Judge one part: compare its presences and absences with the window of its slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from monitor.judge.case import Case
from monitor.judge.exposure import find_exposures, find_unseen_exposures, is_early, present_at_slot_by
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.presence import absent_at
from monitor.judge.runs import Run
from monitor.judge.window import Window
from monitor.look.sighting import State
from monitor.plan.addresses import UNPROMISED_ORIGINS
from monitor.plan.targets import View, parse_target_id
from schedules.announcement import Address, Part
from schedules.contract.verdict import Exposure, PartVerdict, VerdictKind
from schedules.times.interval import NOTHING, Bounds, Interval, seconds_between, since
from schedules.times.words import UNKNOWN, between_exactly, exactly, length
from schedules.times.zone import local

# If the last absence is older than this when the watch ends, the release may have come unseen.
_RECENT = timedelta(days=1)
# An edge may serve an old copy without its age. So its absence after the tolerance, or after a gap, waits this long for
# the next look at the origin.
ORIGIN_AWAITED = timedelta(seconds=10)
# The worst verdict first. A part or release gets the worst one that applies.
WORST_FIRST = (
    VerdictKind.NOT_PUBLISHED,
    VerdictKind.OVERDUE,
    VerdictKind.EARLY,
    VerdictKind.LATE,
    VerdictKind.UNPROVEN,
    VerdictKind.PENDING,
    VerdictKind.ON_TIME,
)


@dataclass(frozen=True, slots=True)
class Timing:
    """The verdict on a part from its slot on, exposures ignored. `released` is its appearance at or after the slot."""

    verdict: VerdictKind
    released: Interval = NOTHING
    delay: Bounds | None = None
    reason: str | None = None


def judge_part(case: Case, evidence: PartEvidence, page: Interval = NOTHING) -> PartVerdict:
    """Return the verdict on one part. The case must have a window.

    `page` is when the landing page was released, as far as known.
    """
    window = case.window
    assert window is not None  # noqa: S101  # callers pass only cases that can be judged
    runs = [run for each in evidence.views.values() for run in each]
    spans = find_exposures(evidence.part.id, evidence.all_presences, window, case.now, runs)
    spans += find_unseen_exposures(evidence.part.id, evidence.spells.values(), window, spans)
    timing = _PartJudge(evidence, runs, window, case.now, case.zone).judge_timing(page)
    if evidence.part.origin in UNPROMISED_ORIGINS and not timing.released:
        timing = Timing(VerdictKind.PENDING)
    word = min(timing.verdict, VerdictKind.EARLY, key=WORST_FIRST.index) if spans else timing.verdict
    return PartVerdict(
        id=evidence.part.id,
        role=evidence.part.role.value,
        url=evidence.part.url,
        required=evidence.part.required,
        verdict=word,
        first_seen=spans[0].start if spans else timing.released,
        released=timing.released,
        delay=_part_delay(timing, spans, window),
        exposures=spans,
        unproven_because=timing.reason if word is VerdictKind.UNPROVEN else None,
        early_bound=None if spans else _early_bound(timing.released, window, evidence),
        origin=evidence.part.origin,
        address=_address_of(evidence.part, case),
    )


def describe_unjudged(case: Case, evidence: PartEvidence) -> PartVerdict:
    """Return a verdict with when the part appeared but not whether it was in time, because its slot does not count."""
    came = evidence.presences[0].appears if evidence.presences else NOTHING
    word, reason = VerdictKind.PENDING, None
    if case.in_force.cancelled:
        word = VerdictKind.CANCELLED
    elif case.window is not None:
        word, reason = VerdictKind.UNPROVEN, "the slot was first read after it had passed"
    elif came:
        announced = case.in_force.promise is not None
        word = VerdictKind.UNPROVEN if announced else VerdictKind.UNANNOUNCED
        reason = "no time was announced that could be read" if announced else None
    part = evidence.part
    verdict = PartVerdict(part.id, part.role.value, part.url, part.required, word, came, came, unproven_because=reason)
    return replace(verdict, origin=part.origin, address=_address_of(part, case))


def _address_of(part: Part, case: Case) -> Address:
    """Return how the address of a part is known. Only the page's can be other than announced."""
    return case.release.address if part.id == "page" else Address.ANNOUNCED


def is_revealed_by_page(evidence: PartEvidence, page: Interval) -> bool:
    """Return whether the part was first looked at after the page was out: its address was on the page."""
    return page.by is not None and evidence.first_look is not None and evidence.first_look >= page.by


def origin_awaited_until(evidence: PartEvidence, window: Window) -> datetime | None:
    """Return until when the judge waits for a look at the origin before it believes the edge that a part is late.

    None if the origin was seen after the tolerance, or never. Only the first absence of the edge begins a wait.
    """
    spells = evidence.spells.get(View.ORIGIN, ())
    if evidence.is_guess or not spells or spells[-1].end > window.latest:
        return None
    edge = (run for run in evidence.views.get(View.EDGE, ()) if run.state is not State.UNKNOWN)
    shown = min((run.first_sent for run in edge if run.last_received > window.latest), default=window.latest)
    return max(window.latest, shown) + ORIGIN_AWAITED


def _part_delay(timing: Timing, spans: tuple[Exposure, ...], window: Window) -> Bounds | None:
    """Return the delay after the slot: of the first exposure if the part came, else how long it has been absent."""
    if window.origin is None:
        return None
    if timing.verdict in (VerdictKind.OVERDUE, VerdictKind.NOT_PUBLISHED):
        return timing.delay
    return since(spans[0].start, window.origin) if spans else timing.delay


def _early_bound(released: Interval, window: Window, evidence: PartEvidence) -> float | None:
    """Return how many seconds before the slot a part that came later was last proved absent; 0 if after the slot.

    None if that is unknown, or if the part may have been public at the slot and absent only later: a view was present
    then, or its address was not watched then.
    """
    after, origin = released.after, window.origin
    if after is None or origin is None or released.by is None:
        return None
    if after >= origin and (evidence.may_have_been_public_at(origin) or not evidence.would_have_detected(origin)):
        return None
    return max(0.0, seconds_between(after, origin) or 0.0)


@dataclass(frozen=True, slots=True)
class _PartJudge:
    """Judges one part from its slot on. `runs` are all its runs, `now` is the instant of the verdict."""

    evidence: PartEvidence
    runs: Sequence[Run]
    window: Window
    now: datetime
    zone: str

    def judge_timing(self, page: Interval) -> Timing:
        """Return the verdict on the part from its slot on."""
        evidence, window = self.evidence, self.window
        present_at_slot = [each for each in evidence.presences if is_early(each, window) and each.end >= window.opens]
        if present_at_slot:
            by = min(present_at_slot_by(each, window.opens, self.runs) for each in present_at_slot)
            return Timing(VerdictKind.ON_TIME, Interval(window.opens, by))
        later = next((each.appears for each in evidence.presences if not is_early(each, window)), None)
        if later is None and evidence.unproved is not None and is_revealed_by_page(evidence, page):
            # Its address was unknown before the page was out, so it came no earlier than the page.
            later = Interval(page.after, evidence.unproved.begin)
        return self._judge_absence() if later is None else self._judge_appearance(later)

    def _judge_appearance(self, released: Interval) -> Timing:
        """Return the verdict on a part that appeared at or after its slot, within `released`."""
        evidence, window, after = self.evidence, self.window, released.after
        if after is not None and (other := self._contradicting_run(after)) is not None:
            released = Interval(self._last_absence_before(other.first_sent), released.by)
        delay = None if window.origin is None else since(released, window.origin)
        if after is not None and after > window.latest:
            if self._is_contradicted(after):
                return Timing(VerdictKind.UNPROVEN, released, delay, self._contradiction_text())
            if (stamped := self._stamp_in_time()) is not None:
                return self._unproven_by_stamp(released, stamped)
            return Timing(VerdictKind.LATE, released, delay)
        if released.after is not None and window.earliest <= released.after and _is_out_by(released, window.latest):
            if window.exact and _early_bound(released, window, evidence) is None:
                return Timing(VerdictKind.UNPROVEN, released, delay, self._contradiction_text())
            return Timing(VerdictKind.ON_TIME, released, delay)
        reason = self._too_wide_text(released) if released.after == after else self._contradiction_text()
        return Timing(VerdictKind.UNPROVEN, released, delay, reason)

    def _stamp_in_time(self) -> datetime | None:
        """Return the publisher's own time of publication if it contradicts that the release was late, else None.

        It counts only if the witnesses, but no look at the page itself, proved that the release was late. A stamp of
        midnight or of another day was set by hand and is ignored.
        """
        evidence, window = self.evidence, self.window
        stamp, origin = evidence.publishers_stamp, window.origin
        own = next((each.appears.after for each in evidence.presences_by_looks if not is_early(each, window)), None)
        if evidence.witnesses is None or stamp is None or origin is None or (own is not None and own > window.latest):
            return None
        here, day = local(stamp, self.zone), local(origin, self.zone).date()
        return stamp if here.date() == day and here.time() != time() and stamp <= window.latest else None

    def _unproven_by_stamp(self, released: Interval, stamp: datetime) -> Timing:
        """Return `unproven`: the release may have come when its publisher says, before its witnesses showed it."""
        since_when = None if self.evidence.witnesses is None else self.evidence.witnesses.since
        after = stamp if since_when is not None and since_when <= stamp else None
        possible = Interval(after, released.by)
        delay = None if self.window.origin is None else since(possible, self.window.origin)
        found = UNKNOWN if released.by is None else exactly(released.by, self.zone)
        reason = (
            f"not found until {found}, while the publisher's own stamp says that it was first published at "
            f"{exactly(stamp, self.zone)}: its announcement and GOV.UK's search may have been behind"
        )
        return Timing(VerdictKind.UNPROVEN, possible, delay, reason)

    def _last_absence_before(self, limit: datetime) -> datetime | None:
        """Return the latest instant as of which looks begun before `limit` proved absence; None if they did not."""
        proved = [absent_at(run, limit) for spell in self.evidence.absences for run in spell.runs]
        return max((each for each in proved if each is not None), default=None)

    def _judge_absence(self) -> Timing:
        """Return the verdict on a part that was not proved to have appeared."""
        evidence, window, absent = self.evidence, self.window, self.evidence.last_absent
        if absent is not None and absent > window.latest:
            awaited = origin_awaited_until(evidence, window)
            return (
                self._judge_overdue(absent) if awaited is None or self.now >= awaited else Timing(VerdictKind.PENDING)
            )
        lag = evidence.witnesses.lags.longest if evidence.is_guess and evidence.witnesses else timedelta()
        if self.now < window.settles + lag:
            return Timing(VerdictKind.PENDING)
        if evidence.unproved is not None:
            possible = Interval(None, evidence.unproved.begin)
            return Timing(VerdictKind.UNPROVEN, possible, reason=self._present_at_first_look_text())
        return Timing(VerdictKind.UNPROVEN, reason=self._no_proof_text())

    def _judge_overdue(self, absent: datetime) -> Timing:
        window = self.window
        if self._is_contradicted(absent):
            return Timing(VerdictKind.UNPROVEN, reason=self._contradiction_text())
        delay = None if window.origin is None else Bounds(seconds_between(window.origin, absent), None)
        if self.now >= window.closes and absent >= window.closes - _RECENT:
            return Timing(VerdictKind.NOT_PUBLISHED, delay=delay)
        return Timing(VerdictKind.OVERDUE, delay=delay)

    def _is_contradicted(self, absent: datetime) -> bool:
        """Return whether another view was present while this absence was proved.

        A view that was present before the slot may answer 200 for any address. It counts only if it was absent later.
        """
        other = self.evidence.unproved
        return other is not None and bool(self._contradicting_run(absent) or self._disappeared_after_slot(other))

    def _contradicting_run(self, absent: datetime) -> Run | None:
        """Return the run of another view that was present from its first look on, before this absence, or None."""
        other = self.evidence.unproved
        return other if other is not None and self.window.early_before <= other.begin <= absent else None

    def _disappeared_after_slot(self, other: Run) -> bool:
        """Return whether a view was present at the slot and absent later."""
        spells = self.evidence.spells.get(parse_target_id(other.target)[2], ())
        is_absent_later = any(not spell.is_present and spell.begin > other.end for spell in spells)
        return is_absent_later and other.begin <= self.window.latest and other.end >= self.window.opens

    def _contradiction_text(self) -> str:
        other = self.evidence.unproved
        since_when = "" if other is None else f" from its first look at {exactly(other.first_sent, self.zone)} on"
        return f"one view answered as if published{since_when}, while another still proved absence"

    def _present_at_first_look_text(self) -> str:
        run = self.evidence.unproved
        looked = "" if run is None else f", at {exactly(run.first_sent, self.zone)}"
        return f"already answered as published at the first look that did not fail{looked}: its appearance was not seen"

    def _too_wide_text(self, released: Interval) -> str:
        came = f"came {between_exactly(released, self.zone)}"
        if released.after is None:
            return f"{came}; no earlier look proved absence"
        looked = f"; {failed}" if (failed := self._failed_looks_text(released.after, released.by)) else ""
        looked += "" if self.evidence.witnesses is None else self.evidence.witnesses.lags.longer_lags_text()
        if released.after < self.window.earliest:
            choice = "early or on time" if _is_out_by(released, self.window.latest) else "early, on time or late"
            return f"{came}: no look in between shows whether it was {choice}{looked}"
        late = seconds_between(self.window.passes, released.by) or 0.0
        return f"{came}: on time or up to {length(late)} late, not resolved{looked}"

    def _no_proof_text(self) -> str:
        if self.evidence.first_look is None:
            return "never looked at"
        if self.evidence.is_guess:
            return self._address_not_known_text()
        failed = self._failed_looks_text(self.window.passes, None)
        last = self.evidence.last_absent
        known = "" if last is None else f"; last proved absent as of {exactly(last, self.zone)}"
        tail = f": {failed}" if failed else ""
        return f"no look after {exactly(self.window.latest, self.zone)} proved anything{tail}{known}"

    def _address_not_known_text(self) -> str:
        """Return why a release at a guessed address is unproven: it may have come out at another address."""
        witness = self.evidence.witnesses
        absent = None if witness is None else witness.absent_until(self.window.opens)
        known = "" if absent is None else f"; as of {exactly(absent, self.zone)} it was at no address"
        known += "" if witness is None else witness.lags.longer_lags_text()
        return (
            "its page is not known: it is not at the address that was made from its announcement's, and may have come "
            f"out at another{known}"
        )

    def _failed_looks_text(self, begin: datetime, end: datetime | None) -> str:
        """Return in words how many looks failed in a span and why. Empty without failed looks."""
        runs = [
            run
            for run in self.evidence.main_runs
            if run.state is State.UNKNOWN and run.last_received > begin and (end is None or run.first_sent < end)
        ]
        whys = ", ".join(sorted({run.why or "no reason given" for run in runs}))
        looks = sum(run.looks for run in runs)
        return f"{looks} look{'s' if looks != 1 else ''} proved nothing ({whys})" if looks else ""


def _is_out_by(released: Interval, limit: datetime) -> bool:
    return released.by is not None and released.by <= limit
