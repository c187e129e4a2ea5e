"""Decides whether new facts of a release open, update, close or reopen an incident."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from alerts import fact_rules
from alerts.fact_rules import FactKey, FactKind
from alerts.finding import ReleaseFacts, part_label
from alerts.flapping import (
    CONTENT_CHANGES,
    describe_flapping,
    find_flapping_kind,
    find_flapping_stretches,
    is_flapping,
)
from alerts.incident import (
    BREACHES,
    GRAVITY,
    MONITOR,
    VERDICT_REACHED,
    Decision,
    Entry,
    Incident,
    IncidentKind,
    find_incident_kind,
    make_fact_notice,
)
from alerts.notice import Notice
from schedules.contract.verdict import Ended, Grade, choose_worst_grade, verdict_text
from schedules.times.zone import local_date

# A fact's name in a notice, and the kind of incident that it makes, if any.
_NAME_AND_KIND: dict[FactKind, tuple[str, IncidentKind | None]] = {
    FactKind.LATE: ("late", IncidentKind.LATE),
    FactKind.NEVER: ("never seen until the watch ended", IncidentKind.LATE),
    FactKind.EARLY: ("public before its slot", IncidentKind.EARLY),
    FactKind.EXPOSED: ("public before its slot", IncidentKind.EARLY),
    FactKind.ELSEWHERE: ("found at another address", IncidentKind.LATE),
    FactKind.LEAD: ("something that a person must judge", IncidentKind.LEAD),
    FactKind.WITHDRAWN: ("removed", IncidentKind.ALTERED),
    FactKind.SWAPPED: ("a file with other bytes than at its release", IncidentKind.ALTERED),
    FactKind.WRONG_FILE: ("a file that may be a wrong one", IncidentKind.WRONG_FILE),
    FactKind.CHANGED: ("changed by its calendar", IncidentKind.CALENDAR),
    FactKind.BEHIND: ("missing", None),
    FactKind.OUT: ("out", None),
}
_INCIDENT_OF_FACT = {fact: kind for fact, (_, kind) in _NAME_AND_KIND.items() if kind is not None}
_END_REASONS = {
    Ended.REMOVED: "what was public before its slot was removed",
    Ended.SLOT: "its slot has come, and what was public before it still is",
    Ended.UNKNOWN: (
        "its slot has come; whether what was public before it still was then is not known"
    ),
}
_PAGE_IS_OUT = "its page is out"
# They occur when found, whatever the slot, and no final verdict closes them.
_KINDS_CLOSED_BY_PEOPLE = (IncidentKind.LEAD, IncidentKind.ALTERED, IncidentKind.WRONG_FILE)


def decide(
    facts: ReleaseFacts, known: Incident | None, now: datetime, earlier_ids: Collection[str] = ()
) -> Decision:
    """Return what follows from new facts of a release: its incident, notices and draft.

    `known` is its current incident. A new one gets an id not in `earlier_ids`.
    """
    # New facts never update a logged incident, nor a lead that they do not contain.
    if known is not None and (
        known.kind is IncidentKind.HAND
        or (known.kind is IncidentKind.LEAD and not fact_rules.is_lead(facts))
    ):
        known = None
    kind = find_incident_kind(facts, now)
    if known is None:
        if kind is None:
            return Decision()
        return _open_incident(facts, kind, now, earlier_ids)
    if kind is not None and _needs_new_incident(kind, known):
        return _open_next_incident(known, facts, kind, now, earlier_ids)
    incident = _update_incident(known, facts, kind)
    notices = tuple(_yield_notices(known, incident, facts, now))
    closed = incident.closed
    if any(notice.kind == "reopened" for notice in notices):
        closed = None
    if closed is None and _is_over(incident, facts):
        closed = now
    entries = (Entry(now, MONITOR, notice.subject) for notice in notices)
    incident = replace(incident, closed=closed).with_entries(
        *_note_lowered_grade(known, facts, now), *entries
    )
    is_changed = fact_rules.select_drafted_facts(known.facts) != fact_rules.select_drafted_facts(
        facts
    )
    return Decision(incident, notices, draft=incident.has_draft and (bool(notices) or is_changed))


def _needs_new_incident(kind: IncidentKind, known: Incident) -> bool:
    """Return whether facts of this kind open a new incident instead of updating the `known` one.

    A first breach needs its own thread and acknowledgement, and so does any fault after one only
    about calendars.
    """
    if known.kind is IncidentKind.DUE and known.closed is None:
        # It is about a release not found yet, so whatever is found out updates it.
        return False
    is_first_breach = kind in BREACHES and known.kind not in BREACHES
    return is_first_breach or (
        known.kind is IncidentKind.CALENDAR and kind is not IncidentKind.CALENDAR
    )


def _open_next_incident(
    known: Incident,
    facts: ReleaseFacts,
    kind: IncidentKind,
    now: datetime,
    earlier_ids: Collection[str],
) -> Decision:
    """Return a new incident, and close the `known` one unless only a person can."""
    opened = _open_incident(facts, kind, now, (*earlier_ids, known.id))
    if opened.incident is None or known.closed is not None or known.kind in _KINDS_CLOSED_BY_PEOPLE:
        return opened
    taken_over = Entry(now, MONITOR, f"taken over by {opened.incident.id}")
    return replace(opened, superseded=replace(known, closed=now).with_entries(taken_over))


def _open_incident(
    facts: ReleaseFacts, kind: IncidentKind, now: datetime, earlier_ids: Collection[str]
) -> Decision:
    """Return a new incident, its id of release and day (and kind, if taken), with its notice."""
    occurred = _find_occurrence(facts, kind)
    day_id = f"{facts.release}-{local_date(occurred, facts.timezone)}"
    if kind is IncidentKind.LEAD:
        # So that a later breach can have the plain id.
        day_id = f"{facts.release}-lead-{local_date(occurred, facts.timezone)}"
    if day_id in earlier_ids:
        day_id = f"{day_id}-{kind}"
    grade: str = facts.grade
    if kind is IncidentKind.DUE:
        # Without a delay the measured grade may be `none`, which a route may leave out.
        grade = choose_worst_grade((grade, Grade.NOTE))
    incident = Incident(
        id=day_id,
        kind=kind,
        release=facts.release,
        producer=facts.producer,
        title=facts.title,
        opened=now,
        occurred=occurred,
        grade=grade,
        facts=facts,
    )
    if facts.final and kind not in _KINDS_CLOSED_BY_PEOPLE:
        # A complete measurement closes it at once.
        incident = replace(incident, closed=now)
    opening = make_fact_notice(_choose_opening_kind(kind), "thread", incident, facts, now)
    incident = incident.with_entries(Entry(now, MONITOR, opening.subject))
    return Decision(incident, (opening,), draft=incident.has_draft)


def _choose_opening_kind(kind: IncidentKind) -> str:
    return "opened" if kind in BREACHES else str(kind)


def _find_occurrence(facts: ReleaseFacts, kind: IncidentKind) -> datetime:
    """Return when an incident occurred: at the exposure or slot, or when a change was found."""
    occurred = facts.slot
    if kind is IncidentKind.EARLY:
        occurred = fact_rules.find_first_exposure_start(facts.exposures)
    elif kind in _KINDS_CLOSED_BY_PEOPLE:
        occurred = None
    return occurred or facts.at


def _update_incident(known: Incident, facts: ReleaseFacts, kind: IncidentKind | None) -> Incident:
    """Return the incident with new facts. Kind and grade become graver, never less grave."""
    incident = replace(known, grade=known.choose_grade(facts.grade), facts=facts)
    if kind is None or GRAVITY.index(kind) <= GRAVITY.index(known.kind):
        return incident
    return replace(incident, kind=kind, occurred=_find_occurrence(facts, kind))


def _yield_notices(
    known: Incident, incident: Incident, facts: ReleaseFacts, now: datetime
) -> Iterator[Notice]:
    """Yield the notices about what changed from the `known` incident."""
    builder = _NoticeBuilder(known, incident, facts, now)
    was_not_found_yet = known.kind is IncidentKind.DUE and known.closed is None
    has_verdict = was_not_found_yet and incident.kind is not IncidentKind.DUE
    if has_verdict and not builder.is_reported_unproven:
        yield builder.verdict_reached()
        return
    keys_before, keys_now = fact_rules.list_fact_keys(known.facts), fact_rules.list_fact_keys(facts)
    new_keys = sorted(keys_now - keys_before, key=str)
    must_close = known.closed is None and _is_over(incident, facts)
    if is_flapping(facts, now) and not must_close:
        # One notice for each stretch of changes.
        flapping_keys = [key for key in new_keys if _is_content_change(key, facts)]
        yield from _yield_flapping(builder, flapping_keys)
        new_keys = [key for key in new_keys if key not in flapping_keys]
    ended_exposures = [key for key in new_keys if key.kind is FactKind.OVER]
    # `final` reports it, or another exposure is open.
    if ended_exposures and not must_close and not facts.is_exposed:
        changed = "; ".join(_explain_ends(ended_exposures, facts))
        yield builder.notice(
            "exposure_closed", _join_keys(ended_exposures), changed, IncidentKind.EARLY
        )
    # Only a known removal can be back.
    back_keys = [
        key
        for key in new_keys
        if key.kind is FactKind.BACK and FactKey(FactKind.WITHDRAWN, key.subject) in keys_before
    ]
    if back_keys:
        yield builder.notice(
            "back", _join_keys(back_keys), "what was removed is there again", IncidentKind.ALTERED
        )
    findings = _select_findings(new_keys)
    # All keys make the ids of repeated closings and reopenings differ.
    all_keys = _join_keys(sorted(keys_now, key=str))
    if must_close:
        # Calendars that disagreed without effect need no notice.
        if incident.kind is not IncidentKind.CALENDAR:
            yield builder.notice("final", all_keys, builder.say_final(ended_exposures))
    elif known.closed is None:
        yield from _yield_notices_while_open(builder, new_keys)
    elif findings or builder.is_out_after_close(new_keys) or builder.has_graver_grade:
        yield builder.notice(
            "reopened", all_keys, _describe_keys(findings), _find_gravest_kind(findings, incident)
        )


def _yield_flapping(builder: _NoticeBuilder, flapping_keys: list[FactKey]) -> Iterator[Notice]:
    """Yield the notice of a new stretch in which content comes and goes."""
    facts = builder.facts
    stretches = find_flapping_stretches(facts)
    if flapping_keys and len(stretches) > len(find_flapping_stretches(builder.known.facts)):
        changed = describe_flapping(facts, builder.now)
        kind = find_flapping_kind(facts)
        yield builder.notice("comes_and_goes", str(len(stretches)), changed, kind)


def _is_content_change(key: FactKey, facts: ReleaseFacts) -> bool:
    """Return whether a key reports a change of content, not only that a slot came."""
    ended = fact_rules.find_ended_exposures(facts).get(key, ())
    return key.kind in CONTENT_CHANGES and all(one.ended is Ended.REMOVED for one in ended)


def _yield_notices_while_open(builder: _NoticeBuilder, new_keys: list[FactKey]) -> Iterator[Notice]:
    """Yield the notices about new facts of an open incident.

    Grade and findings share one, a page that is out gets another. Missing parts get their own only
    without these.
    """
    findings = _select_findings(new_keys)
    reported_kind = _find_gravest_kind(findings, builder.incident)
    changed = _describe_keys(findings)
    if builder.has_graver_grade:
        yield builder.notice("grade_changed", builder.incident.grade, changed, reported_kind)
    elif findings:
        kind = "new_finding"
        if any(key.kind is FactKind.ELSEWHERE for key in findings):
            kind = "elsewhere"
        yield builder.notice(kind, _join_keys(findings), changed, reported_kind)
    # The page was perhaps on time, so it has no key `appeared`, which means late. Its notice has
    # that kind all the same, but `found` in its id.
    if builder.is_awaited_page_found:
        is_unproven = builder.facts.verdict == "unproven"
        kind = IncidentKind.UNPROVEN if is_unproven else IncidentKind.DUE
        yield builder.notice("appeared", "found", _PAGE_IS_OUT, kind)
    is_late_page_out = FactKey(FactKind.APPEARED) in new_keys
    if is_late_page_out:
        yield builder.notice("appeared", "appeared", _PAGE_IS_OUT, IncidentKind.LATE)
    parts = [key for key in new_keys if key.kind in (FactKind.BEHIND, FactKind.OUT)]
    has_other_notice = is_late_page_out or findings or builder.has_graver_grade
    # The other notices report these parts too. So do reminders, which are sent until someone
    # acknowledges the incident.
    if parts and not has_other_notice and builder.known.acknowledged is not None:
        yield builder.notice(
            "new_finding", _join_keys(parts), _describe_keys(parts), IncidentKind.LATE
        )


def _select_findings(keys: list[FactKey]) -> list[FactKey]:
    """Return the keys of which people are notified, or by which an incident reopens."""
    return [key for key in keys if key.kind in _INCIDENT_OF_FACT]


def _join_keys(keys: Iterable[FactKey]) -> str:
    """Return the keys as text for a notice's id."""
    return ",".join(map(str, keys))


@dataclass(frozen=True, slots=True)
class _NoticeBuilder:
    """Builds notices about an updated `incident`."""

    known: Incident
    incident: Incident
    facts: ReleaseFacts
    now: datetime

    @property
    def has_graver_grade(self) -> bool:
        """Return whether the incident's grade rose."""
        return self.incident.grade != self.known.grade

    @property
    def was_page_out(self) -> bool:
        """Return whether the page was out by the facts of the `known` incident."""
        page = None if self.known.facts is None else self.known.facts.page
        return page is not None and fact_rules.has_appeared(page)

    @property
    def is_awaited_page_found(self) -> bool:
        """Return whether a page that was not found yet is out now, perhaps in time."""
        page = self.facts.page
        is_out = page is not None and fact_rules.has_appeared(page)
        return self.known.kind is IncidentKind.DUE and is_out and not self.was_page_out

    def is_out_after_close(self, new_keys: Collection[FactKey]) -> bool:
        """Return whether users can get a late page now that came after the incident closed."""
        page, closed = self.facts.page, self.known.closed
        if page is None or closed is None or FactKey(FactKind.APPEARED) not in new_keys:
            return False
        by = fact_rules.find_appearance(page).by
        return by is not None and by > closed

    @property
    def is_reported_unproven(self) -> bool:
        """Return whether people were already told that it is out but unproven."""
        before = self.known.facts
        was_unproven = before is not None and before.verdict == "unproven"
        is_unproven = self.incident.kind is IncidentKind.UNPROVEN
        return was_unproven and is_unproven and self.was_page_out

    def verdict_reached(self) -> Notice:
        """Return the one notice of the verdict on a release that was not found at first."""
        changed = f"it was not found at first; the verdict is {verdict_text(self.facts.verdict)}"
        if self.incident.kind is IncidentKind.LATE:
            changed = "it was not found yet before, and that is confirmed now"
        elif self.incident.kind is IncidentKind.UNPROVEN:
            changed = "whether it was late could not be confirmed"
        return self.notice(_choose_opening_kind(self.incident.kind), VERDICT_REACHED, changed)

    def say_final(self, ended_exposures: Sequence[FactKey]) -> str:
        """Return in words why the incident closes, with a changed verdict."""
        changes = [*_explain_ends(ended_exposures, self.facts), _explain_close(self.facts)]
        before, now = self.known.facts, self.facts.verdict
        if before is not None and before.verdict != now:
            changes.insert(
                0, f"the verdict is {verdict_text(now)}, was {verdict_text(before.verdict)}"
            )
        return "; ".join(changes)

    def notice(
        self, kind: str, occasion: str, changed: str, reported_kind: IncidentKind | None = None
    ) -> Notice:
        """Return a notice that says what `changed`, a graver grade included."""
        if self.has_graver_grade:
            graver = f"grade {self.incident.grade}, was {self.known.grade}"
            changed = f"{changed}; {graver}" if changed else graver
        return make_fact_notice(
            kind,
            occasion,
            self.incident,
            self.facts,
            self.now,
            reported_kind=reported_kind,
            changed=changed,
        )


def _find_gravest_kind(findings: list[FactKey], incident: Incident) -> IncidentKind:
    """Return the kind of incident that new findings make. A calendar's change makes no breach less
    grave.
    """
    is_breach = incident.kind in BREACHES
    kinds = (
        _INCIDENT_OF_FACT[key.kind]
        for key in findings
        if not (is_breach and key.kind is FactKind.CHANGED)
    )
    return max(kinds, key=GRAVITY.index, default=incident.kind)


def _is_over(incident: Incident, facts: ReleaseFacts) -> bool:
    """Return whether it can close by these facts.

    Most can once the verdict is final. One of kind DUE can if the release is out or was not due,
    unless that is unproven.
    """
    if incident.kind is IncidentKind.DUE:
        return facts.due is None and facts.verdict != "unproven"
    return facts.final and incident.kind not in _KINDS_CLOSED_BY_PEOPLE


def _note_lowered_grade(known: Incident, facts: ReleaseFacts, now: datetime) -> Iterator[Entry]:
    """Yield an entry if the measured grade fell: the incident's never does."""
    before = known.facts.grade if known.facts is not None else known.grade
    if choose_worst_grade((before, facts.grade)) != facts.grade:
        words = (
            f"measured grade is now {facts.grade}, was {before}; the incident stays {known.grade}"
        )
        yield Entry(now, MONITOR, words)


def _explain_close(facts: ReleaseFacts) -> str:
    if facts.final:
        return "the measurement is complete"
    # Only an incident of kind DUE closes before that.
    required = [part for part in facts.parts if part.required]
    if all(fact_rules.has_appeared(part) for part in required):
        return "found"
    return "it is not certain any more that it was due at that time"


def _explain_ends(keys: Sequence[FactKey], facts: ReleaseFacts) -> list[str]:
    groups = fact_rules.find_ended_exposures(facts)
    ended = chain.from_iterable(groups[key] for key in keys)
    return list(dict.fromkeys(_END_REASONS[exposure.ended or Ended.UNKNOWN] for exposure in ended))


def _describe_keys(keys: Iterable[FactKey]) -> str:
    """Return the facts of keys in words, each once."""
    return ", ".join(dict.fromkeys(_describe_key(key) for key in keys))


def _describe_key(key: FactKey) -> str:
    if key.kind is FactKind.CHANGED:
        return key.subject  # what the calendar shows
    name, _ = _NAME_AND_KIND[key.kind]
    if key.kind in (FactKind.ELSEWHERE, FactKind.BEHIND, FactKind.OUT, FactKind.SWAPPED):
        return f"{name}: {part_label(key.subject)}"
    return name
