"""Incidents: one or more findings that need a person, with their notices, reminders and steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

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
from alerts.steps import ACKNOWLEDGE, COMPLETE, NOTHING_MORE, Step, steps_at
from schedules.contract.verdict import choose_worst_grade

MONITOR = "monitor"
ACKNOWLEDGED = "acknowledged"
ASSIGNED_PREFIX = "given to: "
"""The beginning of an entry that assigns the incident to another role. It does not acknowledge the
incident.
"""
SIGNED = "signed"
WAIVED = "waived"
"""Keys of an incident's words: when its report was signed off, and why none will be written."""
GRADED, GRADED_FROM, GRADED_FORM = "graded", "graded_from", "graded_form"
"""Keys of an incident's words: the grade and the form that a person chose, and the measured grade
that they knew.
"""
ESCALATED_TO_ALL = 3
"""From this reminder on, every channel of an escalation ladder is notified."""
VERDICT_REACHED = "confirmed"
"""The occasion of the notice that a release not found yet was late or early, or stays unproven."""


class IncidentKind(StrEnum):
    """The sort of an incident, which decides the form, the practice of the Code and the
    guidance.
    """

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
"""The status of a release that a platform delayed: not out yet, out late, or not late after all."""
_STEP_LIST_OF_SORT = {"early_exposure": "early", "swapped": "altered", "unannounced": "calendar"}
"""The list in `steps.json` for a sort of incident that people log. Other sorts have a list of their
own name.
"""
BREACHES = (IncidentKind.PARTIAL, IncidentKind.LATE, IncidentKind.EARLY)
GRAVITY = (
    IncidentKind.CALENDAR,
    IncidentKind.DUE,
    IncidentKind.LEAD,
    IncidentKind.ALTERED,
    IncidentKind.UNPROVEN,
    IncidentKind.PARTIAL,
    IncidentKind.LATE,
    IncidentKind.EARLY,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an incident's timeline: who (a role, never a name) did or noted what, and
    when.
    """

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """What a role must do by the end of local day `due`; `done` is when it was done, `done_by` by
    which role.
    """

    text: str
    owner: str
    due: date
    done: datetime | None = None
    done_by: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a role kept with an incident, such as the report that was sent.

    `digest` is its SHA-256.
    """

    name: str
    digest: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class LinkedRelease:
    """A release that a platform delayed, with the id of its own incident and its status in
    `stands`.

    `names` are the producers' names; empty in incidents that were stored before there were names.
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
        """Return the names of its producers, or their ids without names."""
        return self.names or self.producers


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident with all its facts.

    `occurred` is the instant (UTC) that decides the edition of the Code: the start of the exposure,
    or the slot that was missed. `words` are what people typed (`title`, `what`, `when`, …). Only
    a person lowers the `grade`. Without `facts` of a watched release, it is about a `calendar`, an
    edition of a `series` that no calendar announces, or a host, which is its `producer`. `linked`
    are the releases that the host delayed, `step_list` names the steps if it has no facts.
    `ticks` are preparations for the release. They acknowledge nothing.
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
        """Return whether it claims a breach now.

        A release that was late may be unproven by now, which claims none.
        """
        return self.facts is None or find_current_status(self.kind, self.facts) not in NO_BREACH

    @property
    def owes_report(self) -> bool:
        """Return whether its report must still be signed, or waived with a reason."""
        # Each producer owes a report on its own release. The one on the platform is optional.
        is_due = (
            self.has_draft
            and self.claims_breach
            and self.kind is not IncidentKind.PLATFORM
            and self.grade != "none"
        )
        return is_due and not {SIGNED, WAIVED} & self.words.keys()

    @property
    def is_open(self) -> bool:
        """Return whether it is not closed, its report is owed, or one of its actions is not
        done.
        """
        return (
            self.closed is None
            or self.owes_report
            or any(action.done is None for action in self.actions)
        )

    def choose_grade(self, measured: str) -> str:
        """Return its grade with this measured grade: the worse one, or that of a person.

        A grade that a person gave counts until a graver one is measured than they knew.
        """
        graded, known = self.words.get(GRADED), self.words.get(GRADED_FROM, measured)
        if graded is None:
            return choose_worst_grade((self.grade, measured))
        is_graver_now = choose_worst_grade((known, measured)) != known
        return choose_worst_grade((graded, measured)) if is_graver_now else graded

    @property
    def measured(self) -> ReleaseFacts | None:
        """Return the facts that were measured about it; None if a person logged it.

        The facts of a logged incident are those of its release, which may have had another fault.
        """
        return None if self.kind is IncidentKind.HAND else self.facts

    @property
    def producers(self) -> tuple[str, ...]:
        """Return the ids of all producers of the releases it is about."""
        others = self.facts.others if self.facts is not None else ()
        linked = (producer for link in self.linked for producer in link.producers)
        return tuple(dict.fromkeys((self.producer, *others, *linked)))

    @property
    def producer_names(self) -> str:
        """Return the names of its producers; the host if a platform delayed them."""
        return self.facts.producer_names if self.facts is not None else self.producer

    @property
    def timeline_by_time(self) -> tuple[Entry, ...]:
        """Return the timeline sorted by time, because people may log later what happened
        earlier.
        """
        return tuple(sorted(self.timeline, key=lambda entry: entry.at))

    @property
    def acknowledged(self) -> Entry | None:
        """Return the entry that acknowledges the incident: the first by a person that is not an
        assignment, or None.
        """
        by_people = (entry for entry in self.timeline if entry.by != MONITOR)
        return next(
            (entry for entry in by_people if not entry.text.startswith(ASSIGNED_PREFIX)), None
        )

    def with_entries(self, *entries: Entry) -> Incident:
        """Return it with these entries at the end of its timeline."""
        return replace(self, timeline=(*self.timeline, *entries))


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of new facts: the updated incident, its notices, and whether to write the `draft`
    again.

    `superseded` is the lesser incident that this one replaces, closed. `incident` is None if
    nothing changes.
    """

    incident: Incident | None = None
    notices: tuple[Notice, ...] = ()
    draft: bool = False
    superseded: Incident | None = None


def find_known_incident(incidents: Iterable[Incident], release: str) -> Incident | None:
    """Return the incident that new facts of a release update: the newest measured one, else a lead,
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
    """Return the gravest kind of incident that these facts make, None if they make none."""
    # Until five minutes after the slot, an unproven verdict may still become another one.
    is_settled = facts.final or (
        facts.slot is not None and now >= facts.slot + timedelta(minutes=5)
    )
    # The gravest kind comes first, and the first that applies is returned.
    applies = {
        IncidentKind.EARLY: fact_rules.is_early(facts),
        IncidentKind.PARTIAL: fact_rules.is_partial(facts),
        IncidentKind.LATE: fact_rules.is_late(facts),
        IncidentKind.UNPROVEN: facts.verdict == "unproven" and is_settled,
        # due and not found, but a breach is not confirmed
        IncidentKind.DUE: fact_rules.is_not_found_yet(facts),
        # a hint that a person must judge, such as a match in a press feed
        IncidentKind.LEAD: fact_rules.is_lead(facts),
        IncidentKind.ALTERED: bool(fact_rules.find_alterations(facts)),
        IncidentKind.CALENDAR: fact_rules.is_calendar(facts),
    }
    return next((kind for kind, is_true in applies.items() if is_true), None)


def confirmation_notice_id(incident: str) -> str:
    """Return the id of the notice that confirms a breach of a release that was not found yet at
    first.
    """
    return notice_id(incident, "opened", VERDICT_REACHED)


def find_reminder_number(notice: Notice) -> int:
    """Return the number of a reminder (from 1) by its id, `ESCALATED_TO_ALL` for that one and all
    later ones.
    """
    ids = [
        notice_id(notice.incident, "reminder", str(number)) for number in range(1, ESCALATED_TO_ALL)
    ]
    return ids.index(notice.id) + 1 if notice.id in ids else ESCALATED_TO_ALL


def steps_for_incident(
    incident: Incident,
    reported_kind: IncidentKind | None = None,
    facts: ReleaseFacts | None = None,
    *,
    is_last: bool = False,
) -> list[Step]:
    """Return what people must do now about an incident, the most urgent step first; empty if it has
    no step list.

    `reported_kind` and `facts` are those of the notice with these steps (default: those of the
    incident). `is_last`: this notice is the last one of the incident's thread.
    """
    kind = reported_kind or incident.kind
    facts = facts or incident.facts
    step_list = incident.step_list
    if incident.kind is IncidentKind.HAND:
        # The person who logged the incident chose its sort, such as `leak`. Most sorts have a list
        # of the same name.
        logged_sort = incident.words.get("sort", "leak")
        step_list = _STEP_LIST_OF_SORT.get(logged_sort, logged_sort)
    elif incident.linked:  # the incident of a platform that delayed these linked releases
        is_one_not_out = any(link.stands == AWAITED for link in incident.linked)
        step_list = "platform" if is_one_not_out else "platform_over"
    elif facts is not None:
        step_list = choose_step_list(kind, facts)
    if not step_list:
        return []
    day = f"{incident.opened:%Y-%m-%d}"
    # Some steps contain `{host}`. Only an incident about a host uses these steps, and its
    # `producer` is the host.
    steps = [
        replace(step, text=step.text.format(host=incident.producer, day=day))
        for step in steps_at(step_list)
    ]
    if facts and any(fact_rules.is_wrong_file_there(facts, part) for part in facts.parts):
        steps = [*steps_at("wrong_file"), *steps]
    if not is_last and not incident.acknowledged:
        steps.insert(0, ACKNOWLEDGE)
    if is_last and facts is not None and facts.final:
        steps.append(NOTHING_MORE)
    # A report on a platform is optional, because each producer reports on its own release.
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
    """Return a notice of this `kind` about a release, in the thread of its incident.

    `occasion` tells the notices of one kind apart, as in `make_thread_notice`. `reported_kind` is
    the kind of incident that the notice names first (default: the incident's). `changed` are the
    changes in words.
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

    `occasion`, such as the number of a reminder, tells the notices of one kind apart, because it
    makes their ids. If it is `thread`, the notice opens the thread. `findings` are the names that
    routes match, the main one first.
    """
    thread = thread_id(incident.id)
    subject, text = contents
    return Notice(
        id=thread if occasion == "thread" else notice_id(incident.id, kind, occasion),
        kind=kind,
        incident=incident.id,
        release=incident.release,
        producer=incident.producer,
        grade=incident.grade,
        findings=findings,
        at=now,
        subject=subject,
        text=text,
        follows="" if occasion == "thread" else thread,
    )


def list_route_names(incident: Incident) -> tuple[str, ...]:
    """Return the names of findings that routes match for an incident, the one it is about first."""
    if incident.facts is not None:
        return _name_findings(incident.facts, incident.kind)
    return ("late", "platform") if incident.kind is IncidentKind.PLATFORM else (str(incident.kind),)


def _name_findings(facts: ReleaseFacts, reported_kind: IncidentKind) -> tuple[str, ...]:
    """Return the names of findings that routes match for a notice, the main finding first: the
    `reported_kind`.
    """
    # A notice names either alterations after the release or all other findings. So a route that
    # silences alterations does not silence a breach, nor the reverse.
    alterations = facts.finding_kinds & fact_rules.ALTERED_FINDINGS
    findings = (
        alterations if reported_kind is IncidentKind.ALTERED else facts.finding_kinds - alterations
    )
    # If users had to wait only because of a stale cache, the main finding is `stale_edge`, and
    # `late` is another one.
    is_stale = reported_kind is IncidentKind.LATE and fact_rules.is_only_stale(facts)
    main = "stale_edge" if is_stale else str(reported_kind)
    return (main, *sorted({*map(one_line, findings), str(reported_kind)} - {main}))
