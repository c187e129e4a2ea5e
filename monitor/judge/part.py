"""The verdict on one part: what was seen of it, held against the window of its slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from alerts.finding import Exposure
from monitor.judge.case import Case
from monitor.judge.exposure import exposures, is_early, present_at_slot_by, vanished
from monitor.judge.part_evidence import MAIN, PartEvidence
from monitor.judge.presence import absent_at
from monitor.judge.runs import Run
from monitor.judge.verdict import PartVerdict, Word
from monitor.judge.window import Window
from monitor.look.sighting import State
from monitor.plan.addresses import UNPROMISED_ORIGINS
from monitor.plan.targets import View, parse_target_id
from schedules.announcement import Role
from schedules.times.interval import NOTHING, Bounds, Interval, seconds_between, since
from schedules.times.words import UNKNOWN, between_exactly, exactly, length
from schedules.times.zone import local

# An absence older than this at the end of the watch says nothing of how the watch ended.
_LATELY = timedelta(days=1)
_NOTHING = timedelta()
# How long an edge's absence after the tolerance, or after a gap, waits for the origin's next look: an edge may hand out
# an old copy without its age.
ORIGIN_AWAITED = timedelta(seconds=10)
# From the gravest down; a part or release takes the gravest that applies.
GRAVEST = (Word.NOT_PUBLISHED, Word.OVERDUE, Word.EARLY, Word.LATE, Word.UNPROVEN, Word.PENDING, Word.ON_TIME)


@dataclass(frozen=True, slots=True)
class Timing:
    """How a part stood to its slot from the slot on. `released` is its appearance at or after the slot."""

    word: Word
    released: Interval = NOTHING
    delay: Bounds | None = None
    because: str | None = None


def judge_part(case: Case, seen: PartEvidence, page: Interval = NOTHING) -> PartVerdict:
    """Return the verdict on one part; `page` is when the landing page was released, as far as known.

    The case must have a window.
    """
    window = case.window
    assert window is not None  # noqa: S101  # the caller asks only for cases that can be judged
    runs = [run for each in seen.views.values() for run in each]
    spans = exposures(seen.part.id, seen.public, window, case.now, runs)
    spans += vanished(seen.part.id, seen.spells.values(), window, spans)
    timing = _Timer(seen, runs, window, case.now, case.zone).timing(page)
    if seen.part.origin in UNPROMISED_ORIGINS and not timing.released:
        timing = Timing(Word.PENDING)
    word = min(timing.word, Word.EARLY, key=GRAVEST.index) if spans else timing.word
    return PartVerdict(
        id=seen.part.id,
        role=seen.part.role.value,
        url=seen.part.url,
        required=seen.part.required,
        word=word,
        first_seen=spans[0].start if spans else timing.released,
        released=timing.released,
        delay=_delay(timing, spans, window),
        exposures=spans,
        unproven_because=timing.because if word is Word.UNPROVEN else None,
        early_bound=None if spans else _early_bound(timing.released, window, seen),
        origin=seen.part.origin,
    )


def unjudged_part(case: Case, seen: PartEvidence) -> PartVerdict:
    """Return what can be said of a part without a slot that counts: when it came, but not whether in time."""
    came = seen.presences[0].appears if seen.presences else NOTHING
    word, because = Word.PENDING, None
    if case.standing.cancelled:
        word = Word.CANCELLED
    elif case.window is not None:
        word, because = Word.UNPROVEN, "the slot was first read after it had passed"
    elif came:
        announced = case.standing.promise is not None
        word = Word.UNPROVEN if announced else Word.UNANNOUNCED
        because = "no time was announced that could be read" if announced else None
    part = seen.part
    told = PartVerdict(part.id, part.role.value, part.url, part.required, word, came, came, unproven_because=because)
    return replace(told, origin=part.origin)


def counts(part: PartVerdict) -> bool:
    """Tell whether a part can worsen the verdict: required, and no alternative address."""
    return part.required and part.role != Role.ALTERNATIVE.value


def is_revealed(seen: PartEvidence, page: Interval) -> bool:
    """Tell whether only the landing page revealed this part: nobody looked before the page was out."""
    return page.by is not None and seen.first_look is not None and seen.first_look >= page.by


def origin_awaited(seen: PartEvidence, window: Window) -> datetime | None:
    """Return until when the origin is waited for to say that a part is late, which its edge has shown absent.

    None where it has spoken since the tolerance, or was never heard. Later absences of the edge begin no new wait.
    """
    spells = seen.spells.get(View.ORIGIN, ())
    if seen.is_guess or not spells or spells[-1].end > window.latest:
        return None
    edge = (run for run in seen.views.get(View.EDGE, ()) if run.state is not State.UNKNOWN)
    shown = min((run.first_sent for run in edge if run.last_received > window.latest), default=window.latest)
    return max(window.latest, shown) + ORIGIN_AWAITED


def _delay(timing: Timing, spans: tuple[Exposure, ...], window: Window) -> Bounds | None:
    if window.origin is None:
        return None
    if timing.word in (Word.OVERDUE, Word.NOT_PUBLISHED):
        return timing.delay
    return since(spans[0].start, window.origin) if spans else timing.delay


def _early_bound(released: Interval, window: Window, seen: PartEvidence) -> float | None:
    """Return how long before the slot absence was last proved of what has come since.

    None where it may have been out when the slot came, and absent only later: something answered as if out, or nobody
    saw its address then and only what speaks of it much later says that it was out nowhere.
    """
    after, origin = released.after, window.origin
    if after is None or origin is None or released.by is None:
        return None
    if after >= origin and (seen.may_have_been_public_at(origin) or not seen.would_have_detected(origin)):
        return None
    return max(0.0, seconds_between(after, origin) or 0.0)


@dataclass(frozen=True, slots=True)
class _Timer:
    """One part, all its runs, its window, the instant of judgement and the zone for words."""

    seen: PartEvidence
    runs: Sequence[Run]
    window: Window
    now: datetime
    zone: str

    def timing(self, page: Interval) -> Timing:
        """Return how the part stood to its slot from the slot on."""
        seen, window = self.seen, self.window
        stood = [each for each in seen.presences if is_early(each, window) and each.end >= window.opens]
        if stood:
            by = min(present_at_slot_by(each, window.opens, self.runs) for each in stood)
            return Timing(Word.ON_TIME, Interval(window.opens, by))
        later = next((each.appears for each in seen.presences if not is_early(each, window)), None)
        if later is None and seen.unproved is not None and is_revealed(seen, page):
            # Nobody could know its address before the page told it, so it came no earlier than the page.
            later = Interval(page.after, seen.unproved.begin)
        return self._not_seen() if later is None else self._appeared(later)

    def _appeared(self, released: Interval) -> Timing:
        seen, window, after = self.seen, self.window, released.after
        if after is not None and (other := self._denial(after)) is not None:
            released = Interval(self._absent_before(other.first_sent), released.by)
        delay = None if window.origin is None else since(released, window.origin)
        if after is not None and after > window.latest:
            if self._is_contradicted(after):
                return Timing(Word.UNPROVEN, released, delay, self._contradiction())
            if (told := self._stamp_against_witnesses()) is not None:
                return self._on_time_by_stamp(released, told)
            return Timing(Word.LATE, released, delay)
        if released.after is not None and window.earliest <= released.after and _by(released, window.latest):
            if window.exact and _early_bound(released, window, seen) is None:
                return Timing(Word.UNPROVEN, released, delay, self._contradiction())
            return Timing(Word.ON_TIME, released, delay)
        because = self._possible(released) if released.after == after else self._contradiction()
        return Timing(Word.UNPROVEN, released, delay, because)

    def _stamp_against_witnesses(self) -> datetime | None:
        """Return the publisher's own stamp where it denies that a release came late; None where nothing does.

        Only an absence that no look at the page itself proved can be denied by it. A stamp of midnight or of another
        day is one that was set by hand.
        """
        seen, window = self.seen, self.window
        stamp, origin = seen.publishers_stamp, window.origin
        own = next((each.appears.after for each in seen.presences_by_looks if not is_early(each, window)), None)
        if seen.witnesses is None or stamp is None or origin is None or (own is not None and own > window.latest):
            return None
        here, day = local(stamp, self.zone), local(origin, self.zone).date()
        return stamp if here.date() == day and here.time() != time() and stamp <= window.latest else None

    def _on_time_by_stamp(self, released: Interval, stamp: datetime) -> Timing:
        """Return that a release may have come as its publisher says, long before its witnesses showed it."""
        since_when = None if self.seen.witnesses is None else self.seen.witnesses.since
        after = stamp if since_when is not None and since_when <= stamp else None
        possible = Interval(after, released.by)
        delay = None if self.window.origin is None else since(possible, self.window.origin)
        found = UNKNOWN if released.by is None else exactly(released.by, self.zone)
        because = (
            f"not found until {found}, while the publisher's own stamp says that it was first published at "
            f"{exactly(stamp, self.zone)}: its announcement and GOV.UK's search may have been behind"
        )
        return Timing(Word.UNPROVEN, possible, delay, because)

    def _absent_before(self, limit: datetime) -> datetime | None:
        """Return until when looks begun before an instant proved absence."""
        spells = (spell for view in MAIN for spell in self.seen.spells.get(view, ()) if not spell.out)
        proved = [absent_at(run, limit) for spell in spells for run in spell.runs]
        return max((each for each in proved if each is not None), default=None)

    def _not_seen(self) -> Timing:
        seen, window, gone = self.seen, self.window, self.seen.last_gone
        if gone is not None and gone > window.latest:
            awaited = origin_awaited(seen, window)
            return self._overdue(gone) if awaited is None or self.now >= awaited else Timing(Word.PENDING)
        if self.now < window.settles + (seen.witnesses.lags.longest if seen.is_guess and seen.witnesses else _NOTHING):
            return Timing(Word.PENDING)
        if seen.unproved is not None:
            return Timing(Word.UNPROVEN, Interval(None, seen.unproved.begin), None, self._from_the_first())
        return Timing(Word.UNPROVEN, because=self._no_proof())

    def _overdue(self, gone: datetime) -> Timing:
        window = self.window
        if self._is_contradicted(gone):
            return Timing(Word.UNPROVEN, because=self._contradiction())
        delay = None if window.origin is None else Bounds(seconds_between(window.origin, gone), None)
        if self.now >= window.closes and gone >= window.closes - _LATELY:
            return Timing(Word.NOT_PUBLISHED, delay=delay)
        return Timing(Word.OVERDUE, delay=delay)

    def _is_contradicted(self, absent: datetime) -> bool:
        """Tell whether another view answered as if out while this absence was proved.

        One that already did so before the slot is known to answer so whatever it is asked, and does not count, unless
        it has answered otherwise since.
        """
        other = self.seen.unproved
        return other is not None and (self._denial(absent) is not None or self._went_after_its_slot(other))

    def _denial(self, absent: datetime) -> Run | None:
        """Return the run of another view that answered as if out, from its first look on, before this absence."""
        other = self.seen.unproved
        return other if other is not None and self.window.early_before <= other.begin <= absent else None

    def _went_after_its_slot(self, other: Run) -> bool:
        """Tell whether a view answered as if out when the slot came, and as absent later."""
        spells = self.seen.spells.get(parse_target_id(other.target)[2], ())
        is_gone = any(not spell.out and spell.begin > other.end for spell in spells)
        return is_gone and other.begin <= self.window.latest and other.end >= self.window.opens

    def _contradiction(self) -> str:
        other = self.seen.unproved
        since_when = "" if other is None else f" from its first look at {exactly(other.first_sent, self.zone)} on"
        return f"one view answered as if published{since_when}, while another still proved absence"

    def _from_the_first(self) -> str:
        run = self.seen.unproved
        looked = "" if run is None else f", at {exactly(run.first_sent, self.zone)}"
        return f"already answered as published at the first look that told anything{looked}: when it came was not seen"

    def _possible(self, released: Interval) -> str:
        came = f"came {between_exactly(released, self.zone)}"
        if released.after is None:
            return f"{came}; no earlier look proved absence"
        looked = f"; {failed}" if (failed := self._failed(released.after, released.by)) else ""
        looked += "" if self.seen.witnesses is None else self.seen.witnesses.lags.in_words()
        if released.after < self.window.earliest:
            choice = "early or on time" if _by(released, self.window.latest) else "early, on time or late"
            return f"{came}: no look in between told whether it was {choice}{looked}"
        late = seconds_between(self.window.passes, released.by) or 0.0
        return f"{came}: on time or up to {length(late)} late, not resolved{looked}"

    def _no_proof(self) -> str:
        if self.seen.first_look is None:
            return "never looked at"
        if self.seen.is_guess:
            return self._nowhere()
        failed = self._failed(self.window.passes, None)
        last = self.seen.last_gone
        known = "" if last is None else f"; last proved absent as of {exactly(last, self.zone)}"
        tail = f": {failed}" if failed else ""
        return f"no look after {exactly(self.window.latest, self.zone)} proved anything{tail}{known}"

    def _nowhere(self) -> str:
        """Return what is known of a release that was not seen at its guessed address, and may be out at another."""
        witness = self.seen.witnesses
        absent = None if witness is None else witness.absent(self.window.opens)
        known = "" if absent is None else f"; as of {exactly(absent, self.zone)} it was out nowhere"
        known += "" if witness is None else witness.lags.in_words()
        return (
            "its page is not known: it is not at the address that was made from its announcement's, and may have come "
            f"out at another{known}"
        )

    def _failed(self, begin: datetime, end: datetime | None) -> str:
        """Return how many looks proved nothing in a span and why, empty when there were none."""
        runs = [
            run
            for run in self.seen.main_runs
            if run.state is State.UNKNOWN and run.last_received > begin and (end is None or run.first_sent < end)
        ]
        whys = ", ".join(sorted({run.why or "no reason given" for run in runs}))
        looks = sum(run.looks for run in runs)
        return f"{looks} look{'s' if looks != 1 else ''} proved nothing ({whys})" if looks else ""


def _by(released: Interval, limit: datetime) -> bool:
    return released.by is not None and released.by <= limit
