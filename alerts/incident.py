"""One or more findings that need a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from alerts import fact_rules
from alerts.finding import ReleaseFacts
from alerts.notice_text import WITH_DRAFT, stage_of, subject, text
from alerts.one_line import one_line
from alerts.steps import ACKNOWLEDGE, COMPLETE, NOTHING_MORE, Step, steps_at
from alerts.telling import Notice, notice_id, thread_id

MONITOR = "monitor"
ACKNOWLEDGED = "acknowledged"
GIVEN = "given to: "
"""How an entry begins by which somebody gives it to another role: it shows that nobody has it yet."""
SIGNED = "signed"
WAIVED = "waived"
"""Under these names an incident's words say when its report was signed off, and why none will be written."""
UNPROVEN_GRACE = timedelta(minutes=5)
"""How long after its slot an unproven verdict may still resolve itself in silence."""
ESCALATED_TO_ALL = 3
"""From this reminder on, every channel of an escalation ladder is notified."""
CONFIRMED = "confirmed"
"""The fact of the notice by which what was not found yet becomes a breach, or remains unproven."""


class Kind(StrEnum):
    """What sort of incident it is: decides the form, the clause and the guidance."""

    LATE = "late"
    EARLY = "early"
    PARTIAL = "partial"
    DUE = "due"
    UNPROVEN = "unproven"
    LEAD = "lead"
    ALTERED = "altered"
    CALENDAR = "calendar"
    TOO_COSTLY = "too_costly"
    PLATFORM = "platform"
    HAND = "hand"


AWAITED, OUT, CLEARED = "awaited", "out", "cleared"
"""How a release that a fault of a platform held up stands."""
_STAGE_OF_SORT = {"early_exposure": "early", "swapped": "altered", "unannounced": "calendar"}
BREACHES = (Kind.PARTIAL, Kind.LATE, Kind.EARLY)
GRAVITY = (Kind.CALENDAR, Kind.DUE, Kind.LEAD, Kind.ALTERED, Kind.UNPROVEN, Kind.PARTIAL, Kind.LATE, Kind.EARLY)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an incident's timeline: who (a role, never a name) did or noted what, and when."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done by a role until the end of a local day; `done` says when it was, `done_by` in which role."""

    text: str
    owner: str
    due: date
    done: datetime | None = None
    done_by: str = ""


@dataclass(frozen=True, slots=True)
class Linked:
    """A release that a fault of a platform held up, with its own incident, and whether it is still awaited."""

    incident: str
    release: str
    title: str
    producers: tuple[str, ...]
    url: str
    timezone: str
    grade: str
    stands: str


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident and everything that is known of it.

    `occurred` is the instant (UTC) that decides the edition of the Code: the start of the exposure, or
    the slot that was missed. `facts` is None only for one logged by hand about no watched release; `words`
    holds what a person typed when logging it (`title`, `what`, `when`, …). `grade` never falls. One about no release
    that the monitor opened is about a `calendar`, an edition of a `series` that no calendar announces, or a host, its
    `producer`: a fault of that platform has the releases `linked` that it held up.
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
    calendar: str = ""
    series: str = ""
    linked: tuple[Linked, ...] = ()
    actions: tuple[Action, ...] = ()

    @property
    def has_draft(self) -> bool:
        """Tell whether a draft is written for it."""
        return self.kind in WITH_DRAFT

    @property
    def owes_report(self) -> bool:
        """Tell whether its report is still to be signed, or waived with a reason, whatever has been measured since."""
        # Each producer owes its own: that on the platform is there for whoever wants it.
        is_due = self.has_draft and self.kind is not Kind.PLATFORM and self.grade != "none"
        return is_due and not {SIGNED, WAIVED} & self.words.keys()

    @property
    def is_open(self) -> bool:
        """Tell whether somebody still has something to do about it."""
        return self.closed is None or self.owes_report or any(action.done is None for action in self.actions)

    @property
    def producers(self) -> tuple[str, ...]:
        """Return everyone whose release it is about."""
        others = self.facts.others if self.facts is not None else ()
        return tuple(dict.fromkeys((self.producer, *others, *(name for one in self.linked for name in one.producers))))

    @property
    def happened(self) -> tuple[Entry, ...]:
        """Return the timeline in the order of time: what people log later may have happened earlier."""
        return tuple(sorted(self.timeline, key=lambda entry: entry.at))

    @property
    def acknowledged(self) -> Entry | None:
        """Return the entry in which someone first said, or showed, that they have it."""
        told = (entry for entry in self.timeline if entry.by != MONITOR)
        return next((entry for entry in told if not entry.text.startswith(GIVEN)), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from the facts: the incident as it is now, the notices, and whether to write the draft again.

    `superseded` is an incident that this one takes over from, now closed.
    """

    incident: Incident | None = None
    notices: tuple[Notice, ...] = ()
    draft: bool = False
    superseded: Incident | None = None


def known_to(incidents: Iterable[Incident], release: str) -> Incident | None:
    """Return the incident that new facts about a release carry on: its newest not logged by hand.

    A lead gives way to an incident that was measured.
    """
    theirs = [one for one in incidents if one.release == release and one.kind is not Kind.HAND]
    return max(theirs, key=lambda one: (one.kind is not Kind.LEAD, one.opened), default=None)


def kind_of(facts: ReleaseFacts, now: datetime) -> Kind | None:
    """Return the gravest sort of incident these facts make, None when nobody needs to know."""
    if fact_rules.is_early(facts):
        return Kind.EARLY
    if fact_rules.is_late(facts):
        return Kind.PARTIAL if fact_rules.is_partial(facts) else Kind.LATE
    if facts.verdict == "unproven" and _past_grace(facts, now):
        return Kind.UNPROVEN
    if fact_rules.is_not_found_yet(facts):
        return Kind.DUE
    return _kind_for_a_person(facts)


def _kind_for_a_person(facts: ReleaseFacts) -> Kind | None:
    """Return which sort of incident facts make that accuse no one, None if they make none."""
    if fact_rules.is_lead(facts):
        return Kind.LEAD
    if fact_rules.altered(facts):
        return Kind.ALTERED
    return Kind.CALENDAR if fact_rules.is_calendar(facts) else None


def reminder(incident: Incident, now: datetime, every: timedelta, grace: timedelta | None = None) -> Notice | None:
    """Return the reminder that is due: nobody has said that they have a report-grade incident.

    The first is due `grace` after opening (`every`, when not given), then one each `every`, until someone acknowledges
    or the incident closes. Each has its own stable id.
    """
    which = reminder_due(incident, now, every, grace)
    if which is None or incident.facts is None:
        return None
    return notice_about("reminder", str(which), incident, incident.facts, now)


def reminder_due(incident: Incident, now: datetime, every: timedelta, grace: timedelta | None = None) -> int | None:
    """Return which reminder of an incident is due, from 1; None while none is."""
    waited = now - incident.opened - (every if grace is None else grace)
    silent = incident.acknowledged is None and incident.closed is None and incident.grade == "report"
    return 1 + waited // every if silent and waited >= timedelta() else None


def confirmed_id(incident: str) -> str:
    """Return the id of the notice that confirms what was not found yet when its incident opened."""
    return notice_id(incident, "opened", CONFIRMED)


def which_reminder(notice: Notice) -> int:
    """Return which reminder of its incident a notice is, from 1, counting to `ESCALATED_TO_ALL` at most."""
    ids = [notice_id(notice.incident, "reminder", str(which)) for which in range(1, ESCALATED_TO_ALL)]
    return ids.index(notice.id) + 1 if notice.id in ids else ESCALATED_TO_ALL


def _past_grace(facts: ReleaseFacts, now: datetime) -> bool:
    return facts.final or (facts.slot is not None and now >= facts.slot + UNPROVEN_GRACE)


def to_do(
    incident: Incident, case: Kind | None = None, facts: ReleaseFacts | None = None, *, is_last: bool = False
) -> list[Step]:
    """Return what to do now about an incident, the first thing first: the list of notices, pages and commands.

    A notice gives the `case` and the `facts` that it tells; the last one of a thread asks no one to acknowledge.
    """
    case, facts = case or incident.kind, facts or incident.facts
    if incident.kind is Kind.HAND:
        sort = incident.words.get("sort", "leak")
        steps = steps_at(_STAGE_OF_SORT.get(sort, sort))
    elif incident.linked:
        is_awaited = any(one.stands == AWAITED for one in incident.linked)
        named = steps_at("platform" if is_awaited else "platform_over")
        steps = tuple(replace(step, text=step.text.format(host=incident.producer)) for step in named)
    elif facts is not None:
        steps = steps_at(stage_of(case, facts))
    else:
        return []
    first = [] if is_last or incident.acknowledged else [ACKNOWLEDGE]
    ends = [NOTHING_MORE] if is_last and facts is not None and facts.final else []
    is_written = incident.linked or {SIGNED, WAIVED} & incident.words.keys()
    return [*first, *steps, *ends, *([COMPLETE] if case in WITH_DRAFT and not is_written else [])]


def notice_about(  # noqa: PLR0913 # one for each thing that a notice says
    kind: str,
    fact: str,
    incident: Incident,
    facts: ReleaseFacts,
    now: datetime,
    *,
    case: Kind | None = None,
    changed: str = "",
) -> Notice:
    """Return the notice of one fact; the fact `thread` opens the incident's thread. `case` is what it tells first."""
    told = case or incident.kind
    steps = to_do(incident, told, facts, is_last=kind == "final")
    words = subject(kind, told, facts, now), text(kind, told, facts, incident.id, now, changed, steps=steps)
    return notice_in(incident, kind, fact, _named(facts, told), now, words)


def notice_in(  # as above
    incident: Incident, kind: str, fact: str, findings: tuple[str, ...], now: datetime, words: tuple[str, str]
) -> Notice:
    """Return a notice in the thread of an incident, its `words` subject and text; the fact `thread` opens it."""
    thread = thread_id(incident.id)
    return Notice(
        id=thread if fact == "thread" else notice_id(incident.id, kind, fact),
        kind=kind,
        incident=incident.id,
        release=incident.release,
        producer=incident.producer,
        grade=incident.grade,
        findings=findings,
        at=now,
        subject=words[0],
        text=words[1],
        follows="" if fact == "thread" else thread,
    )


def findings_of(incident: Incident) -> tuple[str, ...]:
    """Return the names by which routes know what an incident is about."""
    if incident.facts is not None:
        return _named(incident.facts, incident.kind)
    return ("late", "platform") if incident.kind is Kind.PLATFORM else (str(incident.kind),)


def _named(facts: ReleaseFacts, told: Kind) -> tuple[str, ...]:
    """Return the names that a notice goes by, what it tells first: whoever silences another loses no breach by it."""
    kinds = {one_line(finding.kind) for finding in facts.findings}
    kinds = kinds & fact_rules.ALTERED if told is Kind.ALTERED else kinds - fact_rules.ALTERED
    first = "stale_edge" if told is Kind.LATE and fact_rules.is_stale_alone(facts) else str(told)
    return (first, *sorted({*kinds, str(told)} - {first}))
