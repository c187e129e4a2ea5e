"""One or more findings that need a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerts import tellable_facts as news
from alerts.finding import ReleaseFacts
from alerts.notice import Notice, notice_id, thread_id
from alerts.notice_text import WITH_DRAFT, one_line, subject, text
from schedules.times.zone import local_date

MONITOR = "monitor"
ACKNOWLEDGED = "acknowledged"
UNPROVEN_GRACE = timedelta(minutes=5)
MOST_REMINDERS = 3


class Kind(StrEnum):
    """What sort of incident it is: decides the form, the clause and the guidance."""

    LATE = "late"
    EARLY = "early"
    PARTIAL = "partial"
    UNPROVEN = "unproven"
    LEAD = "lead"
    ALTERED = "altered"
    CALENDAR = "calendar"
    HAND = "hand"


_GRAVITY = (Kind.CALENDAR, Kind.LEAD, Kind.ALTERED, Kind.UNPROVEN, Kind.PARTIAL, Kind.LATE, Kind.EARLY)
_OPENING = {Kind.UNPROVEN: "unproven", Kind.LEAD: "lead", Kind.ALTERED: "altered", Kind.CALENDAR: "calendar"}
_NEWS_OF = {
    "late": Kind.LATE,
    "never": Kind.LATE,
    "early": Kind.EARLY,
    "exposed": Kind.EARLY,
    "lead": Kind.LEAD,
    "withdrawn": Kind.ALTERED,
    "swapped": Kind.ALTERED,
}
# They are told of when they are found, not when they were promised, and only a person can say that they are settled.
_FOR_A_PERSON = (Kind.LEAD, Kind.ALTERED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an incident's timeline: who (a role, never a name) did or noted what, and when."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident and everything that is known of it.

    `occurred` is the instant (UTC) that decides the edition of the Code: the start of the exposure, or
    the slot that was missed. `facts` is None only for one logged by hand about no watched release; `words`
    holds what a person typed when logging it (`title`, `what`, `when`, …). `grade` never falls.
    """

    id: str
    kind: Kind
    release: str
    producer: str
    title: str
    opened: datetime
    occurred: datetime
    grade: str
    facts: ReleaseFacts | None = None
    closed: datetime | None = None
    timeline: tuple[Entry, ...] = ()
    words: dict[str, str] = field(default_factory=dict)

    @property
    def has_draft(self) -> bool:
        """Tell whether a draft is written for it."""
        return self.kind in WITH_DRAFT

    @property
    def acknowledged(self) -> Entry | None:
        """Return the entry in which someone first said, or showed, that they have it."""
        return next((entry for entry in self.timeline if entry.by != MONITOR), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from the facts: the incident as it is now, what to tell, whether to write the draft anew."""

    incident: Incident | None = None
    notices: tuple[Notice, ...] = ()
    draft: bool = False


def decide(facts: ReleaseFacts, known: Incident | None, now: datetime, grace: timedelta = UNPROVEN_GRACE) -> Decision:
    """Say what one release's facts mean for people: nothing, an incident opened, carried on, closed or reopened.

    `known` is the incident these facts carry on: see `known_to`. The same facts twice give no second
    notice. `grace` is how long after the slot an unproven verdict may still resolve itself in silence.
    """
    known = known if known is not None and _carries_on(known, facts) else None
    kind = kind_of(facts, now, grace)
    if known is None:
        return Decision() if kind is None else _open(facts, kind, now)
    incident = _carried(known, facts, kind)
    tellings = tuple(_tellings(known, incident, facts, now))
    incident = _closed_or_reopened(incident, tellings, now)
    entries = (*_lowered(known, facts, now), *(Entry(now, MONITOR, one.subject) for one in tellings))
    incident = replace(incident, timeline=(*incident.timeline, *entries))
    changed = news.measured(known.facts) != news.measured(facts)
    return Decision(incident, tellings, draft=incident.has_draft and (bool(tellings) or changed))


def known_to(incidents: Iterable[Incident], release: str) -> Incident | None:
    """Return the incident that new facts about a release carry on: its newest not logged by hand.

    A lead gives way to an incident that was measured.
    """
    theirs = [one for one in incidents if one.release == release and one.kind is not Kind.HAND]
    return max(theirs, key=lambda one: (one.kind is not Kind.LEAD, one.opened), default=None)


def kind_of(facts: ReleaseFacts, now: datetime, grace: timedelta = UNPROVEN_GRACE) -> Kind | None:
    """Return the gravest sort of incident these facts make, None when nobody needs to know."""
    if news.is_early(facts):
        return Kind.EARLY
    if news.is_late(facts):
        return Kind.PARTIAL if news.is_partial(facts) else Kind.LATE
    if facts.verdict == "unproven" and _past_grace(facts, now, grace):
        return Kind.UNPROVEN
    if news.is_lead(facts):
        return Kind.LEAD
    if news.altered(facts):
        return Kind.ALTERED
    return Kind.CALENDAR if news.is_calendar(facts) else None


def reminder(incident: Incident, now: datetime, every: timedelta, grace: timedelta | None = None) -> Notice | None:
    """Return the reminder that is due: nobody has said that they have a report-grade incident.

    The first is due `grace` after opening (`every`, when not given), then one each `every`, at most
    `MOST_REMINDERS`; each has its own stable id.
    """
    waited = now - incident.opened - (every if grace is None else grace)
    silent = incident.acknowledged is None and incident.closed is None and incident.grade == "report"
    if not silent or waited < timedelta() or incident.facts is None:
        return None
    which = min(MOST_REMINDERS, 1 + waited // every)
    return _notice("reminder", str(which), incident, incident.facts, now)


def _carries_on(known: Incident, facts: ReleaseFacts) -> bool:
    # A person judges a lead and what was logged by hand; measurements neither alter nor close those.
    return known.kind is not Kind.HAND and (known.kind is not Kind.LEAD or news.is_lead(facts))


def _past_grace(facts: ReleaseFacts, now: datetime, grace: timedelta) -> bool:
    return facts.final or (facts.slot is not None and now >= facts.slot + grace)


def _open(facts: ReleaseFacts, kind: Kind, now: datetime) -> Decision:
    occurred = _occurred(facts, kind)
    mark = (
        f"lead-{local_date(occurred, facts.timezone)}"
        if kind is Kind.LEAD
        else f"{local_date(occurred, facts.timezone)}"
    )
    incident = Incident(
        id=f"{facts.release}-{mark}",
        kind=kind,
        release=facts.release,
        producer=facts.producer,
        title=facts.title,
        opened=now,
        occurred=occurred,
        grade=facts.grade,
        facts=facts,
        closed=now if facts.final and kind not in _FOR_A_PERSON else None,
    )
    opening = _notice(_OPENING.get(kind, "opened"), "thread", incident, facts, now)
    incident = replace(incident, timeline=(Entry(now, MONITOR, opening.subject),))
    return Decision(incident, (opening,), draft=incident.has_draft)


def _occurred(facts: ReleaseFacts, kind: Kind) -> datetime:
    if kind is Kind.EARLY:
        return news.begins(facts.exposures) or facts.at
    return facts.at if kind in _FOR_A_PERSON else facts.slot or facts.at


def _carried(known: Incident, facts: ReleaseFacts, kind: Kind | None) -> Incident:
    graver = kind is not None and _GRAVITY.index(kind) > _GRAVITY.index(known.kind)
    return replace(
        known,
        kind=kind if graver and kind is not None else known.kind,
        occurred=_occurred(facts, kind) if graver and kind is not None else known.occurred,
        grade=news.worse_grade(known.grade, facts.grade),
        facts=facts,
    )


def _tellings(known: Incident, incident: Incident, facts: ReleaseFacts, now: datetime) -> Iterator[Notice]:
    had, has = news.keys(known.facts), news.keys(facts)
    fresh = sorted(has - had)
    for key in fresh:
        if key.startswith("over "):
            yield _notice("exposure_closed", key, incident, facts, now, Kind.EARLY)
    if back := [key for key in fresh if key.startswith("back ") and key.replace("back", "withdrawn") in had]:
        yield _notice("back", ",".join(back), incident, facts, now, Kind.ALTERED)
    reasons = [key for key in fresh if key.split()[0] in _NEWS_OF]
    case = _case_of(reasons, incident)
    if known.closed is not None:
        if reasons or "appeared" in fresh or incident.grade != known.grade:
            yield _notice("reopened", ",".join(sorted(has)), incident, facts, now, case)
        return
    if facts.final and incident.kind not in _FOR_A_PERSON:
        yield from _final(incident, has, facts, now)
        return
    if incident.grade != known.grade:
        yield _notice("grade_changed", incident.grade, incident, facts, now, case)
    elif reasons:
        yield _notice("new_finding", ",".join(reasons), incident, facts, now, case)
    if "appeared" in fresh:
        yield _notice("appeared", "appeared", incident, facts, now, Kind.LATE)


def _final(incident: Incident, has: frozenset[str], facts: ReleaseFacts, now: datetime) -> Iterator[Notice]:
    # It tells all that is new besides. A quarrel between calendars that came to nothing ends in silence.
    if incident.kind is not Kind.CALENDAR:
        yield _notice("final", ",".join(sorted(has)), incident, facts, now)


def _case_of(reasons: list[str], incident: Incident) -> Kind:
    kinds = [_NEWS_OF[key.split()[0]] for key in reasons]
    return max(kinds, key=_GRAVITY.index, default=incident.kind)


def _closed_or_reopened(incident: Incident, tellings: tuple[Notice, ...], now: datetime) -> Incident:
    facts = incident.facts
    ends = facts is not None and facts.final and incident.kind not in _FOR_A_PERSON
    if any(one.kind == "reopened" for one in tellings):
        return replace(incident, closed=now if ends else None)
    return replace(incident, closed=now) if ends and incident.closed is None else incident


def _lowered(known: Incident, facts: ReleaseFacts, now: datetime) -> Iterator[Entry]:
    before = known.facts.grade if known.facts is not None else known.grade
    if news.worse_grade(before, facts.grade) != facts.grade:
        words = f"measured grade is now {facts.grade}, was {before}; the incident stays {known.grade}"
        yield Entry(now, MONITOR, words)


def _notice(
    kind: str, fact: str, incident: Incident, facts: ReleaseFacts, now: datetime, case: Kind | None = None
) -> Notice:
    thread = thread_id(incident.id)
    identity = thread if fact == "thread" else notice_id(incident.id, kind, fact)
    told = case or incident.kind
    return Notice(
        id=identity,
        kind=kind,
        incident=incident.id,
        release=incident.release,
        producer=incident.producer,
        grade=incident.grade,
        findings=_named(facts, told),
        at=now,
        subject=subject(kind, told, facts, now),
        text=text(kind, told, facts, incident.id, now),
        follows="" if fact == "thread" else thread,
    )


def _named(facts: ReleaseFacts, told: Kind) -> tuple[str, ...]:
    """Return the names that a notice goes by, what it tells first: whoever silences another loses no breach by it."""
    kinds = {one_line(finding.kind) for finding in facts.findings}
    kinds = kinds & news.ALTERED if told is Kind.ALTERED else kinds - news.ALTERED
    first = "stale_edge" if told is Kind.LATE and news.is_stale_alone(facts) else str(told)
    return (first, *sorted({*kinds, str(told)} - {first}))
