"""Decide whether new facts of a release open, update, close or reopen an incident, or change none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts import fact_rules
from alerts.finding import ReleaseFacts, part_label
from alerts.flapping import CONTENT_CHANGES, describe_flapping, find_flapping_kind, find_flapping_stretches, is_flapping
from alerts.incident import (
    BREACHES,
    CONFIRMED,
    GRAVITY,
    MONITOR,
    Decision,
    Entry,
    Incident,
    Kind,
    find_incident_kind,
    make_fact_notice,
)
from alerts.notice import Notice
from schedules.contract.verdict import Ended, Grade, choose_worst_grade, verdict_text
from schedules.times.zone import local_date

_KEY_NAMES = {
    "late": "late",
    "never": "never seen until the watch ended",
    "early": "public before its slot",
    "exposed": "public before its slot",
    "elsewhere": "found at another address",
    "lead": "something that a person must judge",
    "withdrawn": "removed",
    "swapped": "a file with other bytes than at its release",
    "behind": "missing",
    "out": "out",
}
_END_REASONS = {
    Ended.REMOVED: "what was public before its slot was removed",
    Ended.SLOT: "its slot has come, and what was public before it still is",
    Ended.UNKNOWN: "its slot has come; whether what was public before it still was then is not known",
}
_FIXED_CHANGES = {"back": "what was removed is there again", "appeared": "its page is out"}
_CONFIRMED = "it was not found yet before, and that is confirmed now"
_KEYS_WITH_PART = frozenset({"elsewhere", "behind", "out"})

_OPENING_NOTICE = {
    Kind.DUE: "due",
    Kind.UNPROVEN: "unproven",
    Kind.LEAD: "lead",
    Kind.ALTERED: "altered",
    Kind.CALENDAR: "calendar",
}
_KIND_OF_KEY = {
    "late": Kind.LATE,
    "never": Kind.LATE,
    "early": Kind.EARLY,
    "exposed": Kind.EARLY,
    "elsewhere": Kind.LATE,
    "lead": Kind.LEAD,
    "withdrawn": Kind.ALTERED,
    "swapped": Kind.ALTERED,
}
# Keys about single parts that are found missing or come out, one after the other.
_PART_KEYS = ("behind", "out")
# These occur when they are found, whatever the slot, and only a person can settle them.
_SETTLED_BY_A_PERSON = (Kind.LEAD, Kind.ALTERED)


def decide(facts: ReleaseFacts, known: Incident | None, now: datetime, taken: Collection[str] = ()) -> Decision:
    """Return the changes that follow from new facts of a release: its incident, notices and draft.

    `known` is the incident that these facts update: see `find_known_incident`. `taken` are the ids of all incidents of
    the release. The same facts twice give no second notice.
    """
    if known is not None and (known.kind is Kind.HAND or (known.kind is Kind.LEAD and not fact_rules.is_lead(facts))):
        known = None  # only a person can settle it, so measurements do not change it
    kind = find_incident_kind(facts, now)
    if known is None:
        return Decision() if kind is None else _open_incident(facts, kind, now, taken)
    if kind is not None and _is_superseded(known, kind):
        opened = _open_incident(facts, kind, now, (*taken, known.id))
        return replace(opened, superseded=_close_superseded(known, opened.incident, now))
    incident = _update_incident(known, facts, kind)
    notices = tuple(_yield_notices(known, incident, facts, now))
    incident = _close_or_reopen(incident, facts, notices, now)
    incident = incident.with_entries(
        *_note_lowered_grade(known, facts, now), *(Entry(now, MONITOR, notice.subject) for notice in notices)
    )
    is_changed = fact_rules.select_drafted_facts(known.facts) != fact_rules.select_drafted_facts(facts)
    return Decision(incident, notices, draft=incident.has_draft and (bool(notices) or is_changed))


def _is_superseded(known: Incident, kind: Kind) -> bool:
    """Return whether facts of this kind open a new incident although a lesser one is known.

    A first breach needs its own thread, acknowledgement, reminders and silences. So does anything that follows an
    incident about calendars.
    """
    if known.kind is Kind.DUE and known.closed is None:
        return False  # it is the same absence, confirmed
    is_first_breach = kind in BREACHES and known.kind not in BREACHES
    return is_first_breach or (known.kind is Kind.CALENDAR and kind is not Kind.CALENDAR)


def _close_superseded(known: Incident, opened: Incident | None, now: datetime) -> Incident | None:
    """Return the lesser incident closed, or None if it is closed already or only a person can settle it."""
    if opened is None or known.closed is not None or known.kind in _SETTLED_BY_A_PERSON:
        return None
    return replace(known, closed=now).with_entries(Entry(now, MONITOR, f"taken over by {opened.id}"))


def _open_incident(facts: ReleaseFacts, kind: Kind, now: datetime, taken: Collection[str]) -> Decision:
    """Return a new incident of a release with the notice that opens its thread. `taken` are ids of other incidents."""
    occurred = _find_occurrence(facts, kind)
    name = f"{facts.release}-{'lead-' if kind is Kind.LEAD else ''}{local_date(occurred, facts.timezone)}"
    incident = Incident(
        id=name if name not in taken else f"{name}-{kind}",
        kind=kind,
        release=facts.release,
        producer=facts.producer,
        title=facts.title,
        opened=now,
        occurred=occurred,
        # A release not found yet has grade none so far, but routes should treat it as the delay it may become.
        grade=facts.grade if kind is not Kind.DUE else choose_worst_grade((facts.grade, Grade.NOTE)),
        facts=facts,
        closed=now if facts.final and kind not in _SETTLED_BY_A_PERSON else None,
    )
    opening = make_fact_notice(_OPENING_NOTICE.get(kind, "opened"), "thread", incident, facts, now)
    return Decision(incident.with_entries(Entry(now, MONITOR, opening.subject)), (opening,), draft=incident.has_draft)


def _find_occurrence(facts: ReleaseFacts, kind: Kind) -> datetime:
    """Return when an incident occurred: the first exposure, the slot, or when a change after the release was found."""
    if kind is Kind.EARLY:
        return fact_rules.find_first_exposure_start(facts.exposures) or facts.at
    return facts.at if kind in _SETTLED_BY_A_PERSON else facts.slot or facts.at


def _update_incident(known: Incident, facts: ReleaseFacts, kind: Kind | None) -> Incident:
    """Return the incident with new facts. Its kind and grade become graver with them, never less grave."""
    incident = replace(known, grade=choose_worst_grade((known.grade, facts.grade)), facts=facts)
    if kind is None or GRAVITY.index(kind) <= GRAVITY.index(known.kind):
        return incident
    return replace(incident, kind=kind, occurred=_find_occurrence(facts, kind))


def _yield_notices(known: Incident, incident: Incident, facts: ReleaseFacts, now: datetime) -> Iterator[Notice]:
    """Yield the notices about what changed since the `known` incident: its fact keys, its end, or its beginning anew.

    They confirm a first absence, tell that content comes and goes, that an exposure ended or that content is back, end
    or reopen the thread, or report new facts of an open incident.
    """
    keys_before, keys_now = fact_rules.list_fact_keys(known.facts), fact_rules.list_fact_keys(facts)
    new_keys = sorted(keys_now - keys_before)
    builder = _NoticeBuilder(known, incident, facts, now)
    if known.kind is Kind.DUE and known.closed is None and incident.kind is not Kind.DUE:
        yield builder.notice(_OPENING_NOTICE.get(incident.kind, "opened"), [CONFIRMED])
        return
    is_over = known.closed is None and _is_over(incident, facts)
    if is_flapping(facts, now) and not is_over:
        flapping = [key for key in new_keys if _is_content_change(key, facts)]
        stretches = find_flapping_stretches(facts)
        if flapping and len(stretches) > len(find_flapping_stretches(known.facts)):
            yield builder.notice("comes_and_goes", [str(len(stretches))], find_flapping_kind(facts))
        new_keys = [key for key in new_keys if key not in flapping]
    ended = [key for key in new_keys if key.startswith("over ")]
    # No notice if another exposure is open, which matters more, or if the last notice reports it anyway.
    if ended and not is_over and not any(exposure.open for exposure in facts.exposures):
        yield builder.notice("exposure_closed", ended, Kind.EARLY)
    if back := [key for key in new_keys if key.startswith("back ") and key.replace("back", "withdrawn") in keys_before]:
        yield builder.notice("back", back, Kind.ALTERED)
    if is_over:
        # A disagreement of calendars that had no effect closes without a notice.
        if incident.kind is not Kind.CALENDAR:
            yield builder.notice("final", sorted(keys_now), reasons=ended)
    elif known.closed is None:
        yield from _yield_notices_while_open(builder, new_keys)
    elif (reasons := _select_notifiable_keys(new_keys)) or "appeared" in new_keys or builder.is_graver:
        yield builder.notice("reopened", sorted(keys_now), _find_gravest_kind(reasons, incident), reasons)


def _is_content_change(key: str, facts: ReleaseFacts) -> bool:
    """Return whether a key reports a change of content, not the end of an exposure because its slot came."""
    sort, _, place = key.partition(" ")
    if sort == "over":
        group = fact_rules.group_exposures(facts.exposures)[int(place)]
        return all(exposure.ended is Ended.REMOVED for exposure in group)
    return sort in CONTENT_CHANGES


def _yield_notices_while_open(builder: _NoticeBuilder, new_keys: list[str]) -> Iterator[Notice]:
    """Yield the notices about an open incident: a graver grade, new findings, and what has come out since.

    `new_keys` are the fact keys that the known incident did not have, such as `appeared` or `elsewhere ADDRESS`.
    """
    reasons = _select_notifiable_keys(new_keys)
    reported_kind = _find_gravest_kind(reasons, builder.incident)
    if builder.is_graver:
        yield builder.notice("grade_changed", [builder.incident.grade], reported_kind, reasons)
    elif reasons:
        is_elsewhere = any(key.startswith("elsewhere ") for key in reasons)
        yield builder.notice("elsewhere" if is_elsewhere else "new_finding", reasons, reported_kind)
    if builder.is_due_page_found:
        yield builder.notice("appeared", ["found"], Kind.DUE)
    if "appeared" in new_keys:
        yield builder.notice("appeared", ["appeared"], Kind.LATE)
    elif not reasons and not builder.is_graver and builder.known.acknowledged is not None:
        # Those who acknowledged get a notice for each part. For others the reminders report the parts.
        parts = [key for key in new_keys if key.split()[0] in _PART_KEYS]
        yield from [builder.notice("new_finding", parts, Kind.LATE)] if parts else []


def _select_notifiable_keys(keys: list[str]) -> list[str]:
    """Return the keys of which people are notified while an incident is open, or by which it is reopened."""
    return [key for key in keys if key.split()[0] in _KIND_OF_KEY]


@dataclass(frozen=True, slots=True)
class _NoticeBuilder:
    """Builds notices about the change from the `known` incident to the updated `incident`."""

    known: Incident
    incident: Incident
    facts: ReleaseFacts
    now: datetime

    @property
    def is_graver(self) -> bool:
        """Return whether the grade changed. A grade never falls."""
        return self.incident.grade != self.known.grade

    @property
    def is_due_page_found(self) -> bool:
        """Return whether a page that was not found yet is out now, although it is not proved whether it was late."""
        pages = [facts.page for facts in (self.known.facts, self.facts) if facts is not None]
        seen = [page is not None and fact_rules.find_appearance(page).by is not None for page in pages]
        return self.known.kind is Kind.DUE and seen == [False, True]

    def notice(
        self, kind: str, keys: list[str], reported_kind: Kind | None = None, reasons: list[str] | None = None
    ) -> Notice:
        """Return a notice whose id is made from `keys`; its text describes `reasons` (default: the same keys)."""
        changes = [describe_change(kind, keys if reasons is None else reasons, self.known.facts, self.facts, self.now)]
        if self.is_graver:
            changes.append(f"grade {self.incident.grade}, was {self.known.grade}")
        changed = "; ".join(filter(None, changes))
        return make_fact_notice(
            kind, ",".join(keys), self.incident, self.facts, self.now, reported_kind=reported_kind, changed=changed
        )


def _find_gravest_kind(keys: list[str], incident: Incident) -> Kind:
    """Return the gravest kind of incident that these keys make, that of the incident without keys."""
    return max((_KIND_OF_KEY[key.split()[0]] for key in keys), key=GRAVITY.index, default=incident.kind)


def _close_or_reopen(incident: Incident, facts: ReleaseFacts, notices: tuple[Notice, ...], now: datetime) -> Incident:
    """Return the incident closed if it is over, open again if one of its new notices says so, else unchanged."""
    closed = incident.closed
    if any(notice.kind == "reopened" for notice in notices):
        closed = None
    return replace(incident, closed=closed or (now if _is_over(incident, facts) else None))


def _is_over(incident: Incident, facts: ReleaseFacts) -> bool:
    """Return whether an incident can close: the verdict is final, or a release not found yet was out in time."""
    if incident.kind is Kind.DUE:
        return facts.due is None and facts.verdict != "unproven"
    return facts.final and incident.kind not in _SETTLED_BY_A_PERSON


def _note_lowered_grade(known: Incident, facts: ReleaseFacts, now: datetime) -> Iterator[Entry]:
    """Yield an entry if the measured grade fell. The grade of the incident does not fall with it."""
    before = known.facts.grade if known.facts is not None else known.grade
    if choose_worst_grade((before, facts.grade)) != facts.grade:
        words = f"measured grade is now {facts.grade}, was {before}; the incident stays {known.grade}"
        yield Entry(now, MONITOR, words)


def describe_change(
    kind: str, keys: Sequence[str], before: ReleaseFacts | None, facts: ReleaseFacts, now: datetime
) -> str:
    """Return a notice's description of the changes since the facts `before`. Empty if it opens a thread.

    `keys` are the fact keys that the notice reports.
    """
    if kind == "final":
        changes = [*_explain_ends(keys, facts), "the measurement is complete" if facts.final else "found"]
        if before is not None and before.verdict != facts.verdict:
            changes.insert(0, f"the verdict is {verdict_text(facts.verdict)}, was {verdict_text(before.verdict)}")
        return "; ".join(changes)
    if keys == [CONFIRMED]:
        return _CONFIRMED if kind == "opened" else "whether it was late could not be confirmed"
    if kind == "exposure_closed":
        return "; ".join(_explain_ends(keys, facts))
    if kind == "comes_and_goes":
        return describe_flapping(facts, now)
    if kind in _FIXED_CHANGES:
        return _FIXED_CHANGES[kind]
    return ", ".join(dict.fromkeys(_describe_key(key) for key in keys))


def _explain_ends(keys: Sequence[str], facts: ReleaseFacts) -> list[str]:
    """Return why exposures ended; keys such as `over 0` give their position in `group_exposures`."""
    groups = fact_rules.group_exposures(facts.exposures)
    ended = [exposure for key in keys for exposure in groups[int(key.split()[1])]]
    return list(dict.fromkeys(_END_REASONS[exposure.ended or Ended.UNKNOWN] for exposure in ended))


def _describe_key(key: str) -> str:
    """Return a fact key in words, with its part if there can be several."""
    sort, _, part = key.partition(" ")
    name = _KEY_NAMES.get(sort, sort)
    return f"{name}: {part_label(part)}" if sort in _KEYS_WITH_PART else name
