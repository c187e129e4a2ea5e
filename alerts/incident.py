"""Incidents: one or more findings that need a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import chain

from alerts import fact_rules
from alerts.finding import ReleaseFacts
from alerts.notice import Notice, notice_id, thread_id
from alerts.notice_text import (
    KINDS_WITH_DRAFT,
    choose_step_list,
    write_notice_subject,
    write_notice_text,
)
from alerts.one_line import one_line
from alerts.status import NO_BREACH, find_current_status
from alerts.steps import ACKNOWLEDGE, COMPLETE, Step, steps_at
from schedules.contract.verdict import choose_worst_grade
from schedules.times.zone import LONDON

MONITOR = "monitor"
ACKNOWLEDGED = "acknowledged"
ASSIGNED_PREFIX = "given to: "
"""Begins an entry that assigns the incident to another role, which acknowledges nothing."""
SIGNED = "signed"
WAIVED = "waived"
"""Words of an incident: when its report was signed off, and why none will be written."""
GRADED, GRADED_FROM, GRADED_FORM = "graded", "graded_from", "graded_form"
"""Words of an incident: grade and form that a person chose, and the measured grade they knew."""
ESCALATED_TO_ALL = 3
"""From this reminder on, the whole escalation ladder is notified."""
VERDICT_REACHED = "confirmed"
"""The occasion of the notice that settles a release not found yet."""


class IncidentKind(StrEnum):
    """The sort of an incident, which decides form, practice and guidance."""

    LATE = "late"
    EARLY = "early"
    PARTIAL = "partial"
    DUE = "due"
    UNPROVEN = "unproven"
    LEAD = "lead"
    ALTERED = "altered"
    WRONG_FILE = "wrong_file"
    CALENDAR = "calendar"
    TOO_COSTLY = "too_costly"
    PLATFORM = "platform"
    HAND = "hand"


NOT_MEASURED = (IncidentKind.HAND, IncidentKind.LEAD)
"""What no verdict proves: people log it, or must judge it."""
AWAITED, OUT, CLEARED = "awaited", "out", "cleared"
"""Of a release that a platform delayed: not out yet, out late, or not late after all."""
_STEP_LIST_OF_SORT = {"early_exposure": "early", "swapped": "altered", "unannounced": "calendar"}
"""Lists in `steps.json` for logged sorts. Others have their own name."""
BREACHES = (IncidentKind.PARTIAL, IncidentKind.LATE, IncidentKind.EARLY)
GRAVITY = (
    IncidentKind.CALENDAR,
    IncidentKind.DUE,
    IncidentKind.LEAD,
    IncidentKind.ALTERED,
    IncidentKind.UNPROVEN,
    IncidentKind.WRONG_FILE,
    IncidentKind.PARTIAL,
    IncidentKind.LATE,
    IncidentKind.EARLY,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline: who (a role, never a name) did or noted what, and when."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """What a role must do by the end of local day `due`, and when and by whom it was done."""

    text: str
    owner: str
    due: date
    done: datetime | None = None
    done_by: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a role kept with an incident, such as the report that was sent."""

    name: str
    digest: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class LinkedRelease:
    """A release that a platform delayed, with its own incident, and its status in `stands`.

    Older ones have no `names` of producers.
    """

    incident: str
    release: str
    title: str
    producers: tuple[str, ...]
    url: str
    timezone: str
    grade: str
    stands: str
    names: tuple[str, ...] = ()

    @property
    def producer_names(self) -> tuple[str, ...]:
        """Return the names of its producers, or their ids."""
        return self.names or self.producers


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident with all its facts.

    `occurred` (UTC), an exposure's start or the missed slot, decides the edition of the Code.
    `words` are what people typed. Only a person lowers the `grade`. Without `facts` it is about a
    `calendar`, an edition of a `series` that none announces, or a host, its `producer`, which
    delayed the `linked` releases. `step_list` names the steps then. `ticks` are preparations, which
    acknowledge nothing.
    """

    id: str
    kind: IncidentKind
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
    linked: tuple[LinkedRelease, ...] = ()
    actions: tuple[Action, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    step_list: str = ""
    ticks: tuple[Entry, ...] = ()

    @property
    def has_draft(self) -> bool:
        """Return whether it has a draft of a report."""
        return self.kind in KINDS_WITH_DRAFT

    @property
    def claims_breach(self) -> bool:
        """Return whether it claims a breach now: a release that was late may be unproven by now."""
        return self.facts is None or find_current_status(self.kind, self.facts) not in NO_BREACH

    @property
    def owes_report(self) -> bool:
        """Return whether its report must still be signed or waived."""
        # The report on the platform is optional.
        is_due = (
            self.has_draft
            and self.claims_breach
            and self.kind is not IncidentKind.PLATFORM
            and self.grade != "none"
        )
        return is_due and not {SIGNED, WAIVED} & self.words.keys()

    @property
    def is_open(self) -> bool:
        """Return whether it is not closed, owes a report, or has an action to do."""
        return (
            self.closed is None
            or self.owes_report
            or any(action.done is None for action in self.actions)
        )

    def choose_grade(self, measured: str) -> str:
        """Return the worse of its grade and a measured one.

        A person's grade counts until a graver one is measured than they knew.
        """
        graded, known = self.words.get(GRADED), self.words.get(GRADED_FROM, measured)
        if graded is None:
            return choose_worst_grade((self.grade, measured))
        if choose_worst_grade((known, measured)) == known:
            return graded
        return choose_worst_grade((graded, measured))

    @property
    def measured(self) -> ReleaseFacts | None:
        """Return its measured facts, None if a person logged it: its release may have had another
        fault.
        """
        return None if self.kind is IncidentKind.HAND else self.facts

    @property
    def timezone(self) -> str:
        """Return the zone in which people read its times."""
        return self.facts.timezone if self.facts is not None else LONDON

    @property
    def host(self) -> str:
        """Return the host of its release, empty without one."""
        return "" if self.facts is None else self.facts.host

    @property
    def producers(self) -> tuple[str, ...]:
        """Return the ids of all producers of the releases it is about."""
        others = self.facts.others if self.facts is not None else ()
        linked = chain.from_iterable(link.producers for link in self.linked)
        return tuple(dict.fromkeys((self.producer, *others, *linked)))

    @property
    def producer_names(self) -> str:
        """Return the names of its producers, or a platform's host."""
        return self.facts.producer_names if self.facts is not None else self.producer

    @property
    def timeline_by_time(self) -> tuple[Entry, ...]:
        """Return the timeline by time, because people may log later what happened earlier."""
        return tuple(sorted(self.timeline, key=lambda entry: entry.at))

    @property
    def acknowledged(self) -> Entry | None:
        """Return the first entry by a person that is not an assignment, or None."""
        by_people = (entry for entry in self.timeline if entry.by != MONITOR)
        return next(
            (entry for entry in by_people if not entry.text.startswith(ASSIGNED_PREFIX)), None
        )

    @property
    def is_waiting(self) -> bool:
        """Return whether it is open and no one has acknowledged it."""
        return self.closed is None and self.acknowledged is None

    def with_entries(self, *entries: Entry) -> Incident:
        """Return it with these entries added to its timeline."""
        return replace(self, timeline=(*self.timeline, *entries))


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of new facts: the updated incident, its notices, and whether to write the `draft`.

    `superseded` is the lesser incident that this one replaces, closed.
    """

    incident: Incident | None = None
    notices: tuple[Notice, ...] = ()
    draft: bool = False
    superseded: Incident | None = None


def find_known_incident(incidents: Iterable[Incident], release: str) -> Incident | None:
    """Return the incident that new facts update: the newest measured one, else a lead,
    else None.
    """
    theirs = [
        incident
        for incident in incidents
        if incident.release == release and incident.kind is not IncidentKind.HAND
    ]
    return max(
        theirs,
        key=lambda incident: (incident.kind is not IncidentKind.LEAD, incident.opened),
        default=None,
    )


def find_incident_kind(facts: ReleaseFacts, now: datetime) -> IncidentKind | None:
    """Return the gravest kind of incident that these facts make, None if they make none.

    What is measured never changes the kind of a lead, which has an incident of its own.
    """
    if fact_rules.is_lead(facts):
        return IncidentKind.LEAD
    # Soon after the slot, an unproven verdict may still become another one.
    is_settled = facts.final or (
        facts.slot is not None and now >= facts.slot + timedelta(minutes=5)
    )
    # The gravest first.
    applies = {
        IncidentKind.EARLY: fact_rules.is_early(facts),
        IncidentKind.PARTIAL: fact_rules.is_partial(facts),
        IncidentKind.LATE: fact_rules.is_late(facts),
        IncidentKind.WRONG_FILE: bool(fact_rules.find_wrong_files(facts)),
        IncidentKind.UNPROVEN: facts.verdict == "unproven" and is_settled,
        IncidentKind.DUE: fact_rules.is_not_found_yet(facts),
        IncidentKind.ALTERED: bool(fact_rules.find_alterations(facts)),
        IncidentKind.CALENDAR: fact_rules.is_calendar(facts),
    }
    return next((kind for kind, is_true in applies.items() if is_true), None)


def confirmation_notice_id(incident: str) -> str:
    """Return the id of the notice that confirms a breach of a release not found at first."""
    return notice_id(incident, "opened", VERDICT_REACHED)


def find_reminder_number(notice: Notice) -> int:
    """Return the number of a reminder, from 1 up to `ESCALATED_TO_ALL`, by its id."""
    for number in range(1, ESCALATED_TO_ALL):
        if notice.id == notice_id(notice.incident, "reminder", str(number)):
            return number
    return ESCALATED_TO_ALL


def steps_for_incident(
    incident: Incident,
    reported_kind: IncidentKind | None = None,
    facts: ReleaseFacts | None = None,
    *,
    is_last: bool = False,
) -> list[Step]:
    """Return what people must do now about an incident, the most urgent step first.

    `reported_kind` and `facts` are those of the notice, by default the incident's. `is_last`: of
    its thread.
    """
    kind = reported_kind or incident.kind
    facts = facts or incident.facts
    step_list = incident.step_list
    if incident.kind is IncidentKind.HAND:
        # Most sorts have a list of the same name.
        logged_sort = incident.words.get("sort", "leak")
        step_list = _STEP_LIST_OF_SORT.get(logged_sort, logged_sort)
    elif incident.linked:
        is_one_not_out = any(link.stands == AWAITED for link in incident.linked)
        step_list = "platform" if is_one_not_out else "platform_over"
    elif facts is not None:
        step_list = choose_step_list(kind, facts)
    if not step_list:
        return []
    day = f"{incident.opened:%Y-%m-%d}"
    # Only incidents about a host, their `producer`, have steps with `{host}`.
    steps = [
        replace(step, text=step.text.format(host=incident.producer, day=day))
        for step in steps_at(step_list)
    ]
    has_wrong_file = facts and any(map(partial(fact_rules.is_wrong_file_there, facts), facts.parts))
    if has_wrong_file and step_list != IncidentKind.WRONG_FILE:
        open_file, *_ = steps_at(IncidentKind.WRONG_FILE)
        steps = [open_file, *steps]
    if not is_last and not incident.acknowledged:
        steps.insert(0, ACKNOWLEDGE)
    is_report_needless = bool(incident.linked) or step_list in NO_BREACH
    is_report_done = SIGNED in incident.words or WAIVED in incident.words
    if kind in KINDS_WITH_DRAFT and not is_report_needless and not is_report_done:
        steps.append(COMPLETE)
    return steps


def make_fact_notice(  # noqa: PLR0913 # one for each thing that a notice says
    kind: str,
    occasion: str,
    incident: Incident,
    facts: ReleaseFacts,
    now: datetime,
    *,
    reported_kind: IncidentKind | None = None,
    changed: str = "",
) -> Notice:
    """Return a notice about a release, in the thread of its incident.

    `reported_kind` is named first, by default the incident's. `changed` is in words.
    """
    reported_kind = reported_kind or incident.kind
    steps = steps_for_incident(incident, reported_kind, facts, is_last=kind == "final")
    subject = write_notice_subject(kind, reported_kind, facts, now)
    text = write_notice_text(kind, reported_kind, facts, incident.id, now, changed, steps=steps)
    return make_thread_notice(
        incident, kind, occasion, _name_findings(facts, reported_kind), now, (subject, text)
    )


def make_thread_notice(
    incident: Incident,
    kind: str,
    occasion: str,
    findings: tuple[str, ...],
    now: datetime,
    contents: tuple[str, str],
) -> Notice:
    """Return a notice in the thread of an incident. `contents` are its subject and text.

    `occasion` tells the notices of one kind apart, by their ids. If it is `thread`, the notice
    opens the thread.
    """
    identity, follows = notice_id(incident.id, kind, occasion), thread_id(incident.id)
    if occasion == "thread":
        identity, follows = follows, ""
    subject, text = contents
    return Notice(
        id=identity,
        kind=kind,
        incident=incident.id,
        release=incident.release,
        producer=incident.producer,
        grade=incident.grade,
        findings=findings,
        at=now,
        subject=subject,
        text=text,
        follows=follows,
    )


def list_route_names(incident: Incident) -> tuple[str, ...]:
    """Return the names of findings that routes match for an incident, the main one first."""
    if incident.facts is not None:
        return _name_findings(incident.facts, incident.kind)
    if incident.kind is IncidentKind.PLATFORM:
        return ("late", "platform")
    return (str(incident.kind),)


def _name_findings(facts: ReleaseFacts, reported_kind: IncidentKind) -> tuple[str, ...]:
    """Return those of a notice."""
    main, kinds = str(reported_kind), facts.finding_kinds
    # A notice names either alterations or all others, so that silencing one never silences the
    # other.
    if reported_kind is IncidentKind.ALTERED:
        findings = kinds & fact_rules.ALTERED_FINDINGS
    else:
        findings = kinds - fact_rules.ALTERED_FINDINGS
    names = {*map(one_line, findings), main}
    # After a stale cache only, `late` is not the main one.
    if reported_kind is IncidentKind.LATE and fact_rules.is_only_stale(facts):
        main = "stale_edge"
    return (main, *sorted(names - {main}))
