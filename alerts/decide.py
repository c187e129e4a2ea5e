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
    known = known if known is not None and _is_updated_by(known, facts) else None
    kind = find_incident_kind(facts, now)
    if known is None:
        return Decision() if kind is None else _open_incident(facts, kind, now, taken)
    if kind is not None and _is_superseded(known, kind):
        opened = _open_incident(facts, kind, now, (*taken, known.id))
        return replace(opened, superseded=_close_superseded(known, opened.incident, now))
    incident = _update_incident(known, facts, kind)
    notices = tuple(_yield_notices(known, incident, facts, now))
    incident = _close_or_reopen(incident, notices, now)
    entries = (*_note_lowered_grade(known, facts, now), *(Entry(now, MONITOR, one.subject) for one in notices))
    incident = replace(incident, timeline=(*incident.timeline, *entries))
    is_changed = fact_rules.select_drafted_facts(known.facts) != fact_rules.select_drafted_facts(facts)
    return Decision(incident, notices, draft=incident.has_draft and (bool(notices) or is_changed))


def _is_updated_by(known: Incident, facts: ReleaseFacts) -> bool:
    # Only a person can settle a lead or an incident logged by hand. Measurements do not change them.
    return known.kind is not Kind.HAND and (known.kind is not Kind.LEAD or fact_rules.is_lead(facts))


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
    entry = Entry(now, MONITOR, f"taken over by {opened.id}")
    return replace(known, closed=now, timeline=(*known.timeline, entry))


def _open_incident(facts: ReleaseFacts, kind: Kind, now: datetime, taken: Collection[str]) -> Decision:
    """Return a new incident of a release with the notice that opens its thread. `taken` are ids of other incidents."""
    occurred = _find_occurrence(facts, kind)
    mark = "lead-" if kind is Kind.LEAD else ""
    name = f"{facts.release}-{mark}{local_date(occurred, facts.timezone)}"
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
    incident = replace(incident, timeline=(Entry(now, MONITOR, opening.subject),))
    return Decision(incident, (opening,), draft=incident.has_draft)


def _find_occurrence(facts: ReleaseFacts, kind: Kind) -> datetime:
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
    """Yield the notices about fact keys that are new since the `known` incident."""
    had, has = fact_rules.list_fact_keys(known.facts), fact_rules.list_fact_keys(facts)
    fresh = sorted(has - had)
    builder = _NoticeBuilder(known, incident, facts, now)
    if known.kind is Kind.DUE and known.closed is None and incident.kind is not Kind.DUE:
        yield builder.notice(_OPENING_NOTICE.get(incident.kind, "opened"), [CONFIRMED])
        return
    is_over = known.closed is None and _is_over(incident, facts)
    over = [key for key in fresh if key.startswith("over ")]
    if is_flapping(facts, now) and not is_over:
        flapping = [key for key in fresh if _is_content_change(key, facts)]
        stretches = find_flapping_stretches(facts)
        if flapping and len(stretches) > len(find_flapping_stretches(known.facts)):
            yield builder.notice("comes_and_goes", [str(len(stretches))], find_flapping_kind(facts))
        fresh, over = ([key for key in keys if key not in flapping] for keys in (fresh, over))
    # No notice if another exposure is open, which matters more, or if the last notice reports it anyway.
    if over and not is_over and not any(one.open for one in facts.exposures):
        yield builder.notice("exposure_closed", over, Kind.EARLY)
    if back := [key for key in fresh if key.startswith("back ") and key.replace("back", "withdrawn") in had]:
        yield builder.notice("back", back, Kind.ALTERED)
    if is_over:
        # A disagreement of calendars that had no effect closes without a notice.
        yield from [] if incident.kind is Kind.CALENDAR else [builder.notice("final", sorted(has), reasons=over)]
        return
    if known.closed is None:
        yield from _yield_notices_while_open(builder, fresh)
    elif (reasons := _select_notifiable_keys(fresh)) or "appeared" in fresh or builder.is_graver:
        yield builder.notice("reopened", sorted(has), _find_gravest_kind(reasons, incident), reasons)


def _is_content_change(key: str, facts: ReleaseFacts) -> bool:
    """Return whether a key reports a change of content, not the end of an exposure because its slot came."""
    sort, _, place = key.partition(" ")
    by_slot = sort == "over" and any(
        one.ended is not Ended.REMOVED for one in fact_rules.group_exposures(facts.exposures)[int(place)]
    )
    return sort in CONTENT_CHANGES and not by_slot


def _yield_notices_while_open(builder: _NoticeBuilder, fresh: list[str]) -> Iterator[Notice]:
    """Yield the notices about new fact keys of an open incident: a graver grade, new findings, and what came out."""
    reasons = _select_notifiable_keys(fresh)
    case = _find_gravest_kind(reasons, builder.incident)
    if builder.is_graver:
        yield builder.notice("grade_changed", [builder.incident.grade], case, reasons)
    elif reasons:
        is_elsewhere = any(key.startswith("elsewhere ") for key in reasons)
        yield builder.notice("elsewhere" if is_elsewhere else "new_finding", reasons, case)
    if builder.is_found:
        yield builder.notice("appeared", ["found"], Kind.DUE)
    if "appeared" in fresh:
        yield builder.notice("appeared", ["appeared"], Kind.LATE)
    elif not reasons and not builder.is_graver and builder.known.acknowledged is not None:
        # Those who acknowledged get a notice for each part. For others the reminders report the parts.
        parts = [key for key in fresh if key.split()[0] in _PART_KEYS]
        yield from [builder.notice("new_finding", parts, Kind.LATE)] if parts else []


def _select_notifiable_keys(fresh: list[str]) -> list[str]:
    return [key for key in fresh if key.split()[0] in _KIND_OF_KEY]


@dataclass(frozen=True, slots=True)
class _NoticeBuilder:
    """Builds notices about the change from the `known` incident to the updated `incident`."""

    known: Incident
    incident: Incident
    facts: ReleaseFacts
    now: datetime

    @property
    def is_graver(self) -> bool:
        return self.incident.grade != self.known.grade

    @property
    def is_found(self) -> bool:
        """Return whether a page that was not found yet is out now, although it is not proved whether it was late."""
        pages = [facts.page for facts in (self.known.facts, self.facts) if facts is not None]
        seen = [page is not None and fact_rules.find_appearance(page).by is not None for page in pages]
        return self.known.kind is Kind.DUE and seen == [False, True]

    def notice(self, kind: str, keys: list[str], case: Kind | None = None, reasons: list[str] | None = None) -> Notice:
        """Return a notice whose id is made from `keys`; its text describes `reasons` (default: the same keys)."""
        changed = describe_change(kind, keys if reasons is None else reasons, self.known.facts, self.facts, self.now)
        if self.is_graver:
            changed = f"{changed}; grade {self.incident.grade}, was {self.known.grade}".removeprefix("; ")
        return make_fact_notice(kind, ",".join(keys), self.incident, self.facts, self.now, case=case, changed=changed)


def _find_gravest_kind(reasons: list[str], incident: Incident) -> Kind:
    kinds = [_KIND_OF_KEY[key.split()[0]] for key in reasons]
    return max(kinds, key=GRAVITY.index, default=incident.kind)


def _close_or_reopen(incident: Incident, notices: tuple[Notice, ...], now: datetime) -> Incident:
    facts = incident.facts
    is_over = facts is not None and _is_over(incident, facts)
    if any(one.kind == "reopened" for one in notices):
        return replace(incident, closed=now if is_over else None)
    return replace(incident, closed=now) if is_over and incident.closed is None else incident


def _is_over(incident: Incident, facts: ReleaseFacts) -> bool:
    """Return whether an incident can close: the verdict is final, or a release not found yet was out in time."""
    if incident.kind is Kind.DUE:
        return facts.due is None and facts.verdict != "unproven"
    return facts.final and incident.kind not in _SETTLED_BY_A_PERSON


def _note_lowered_grade(known: Incident, facts: ReleaseFacts, now: datetime) -> Iterator[Entry]:
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
        ends = ["the measurement is complete"] if facts.final else ["found"]
        return "; ".join([*_describe_verdict_change(before, facts), *_explain_ends(keys, facts), *ends])
    if keys == [CONFIRMED]:
        return _CONFIRMED if kind == "opened" else "whether it was late could not be confirmed"
    if kind == "exposure_closed":
        return "; ".join(_explain_ends(keys, facts))
    if kind == "comes_and_goes":
        return describe_flapping(facts, now)
    if kind in _FIXED_CHANGES:
        return _FIXED_CHANGES[kind]
    return ", ".join(dict.fromkeys(_describe_key(key) for key in keys))


def _describe_verdict_change(before: ReleaseFacts | None, facts: ReleaseFacts) -> list[str]:
    if before is None or before.verdict == facts.verdict:
        return []
    return [f"the verdict is {verdict_text(facts.verdict)}, was {verdict_text(before.verdict)}"]


def _explain_ends(keys: Sequence[str], facts: ReleaseFacts) -> list[str]:
    """Return why exposures ended; keys such as `over 0` give their position in `group_exposures`."""
    groups = fact_rules.group_exposures(facts.exposures)
    ended = [one.ended or Ended.UNKNOWN for key in keys for one in groups[int(key.split()[1])]]
    return list(dict.fromkeys(_END_REASONS[why] for why in ended))


def _describe_key(key: str) -> str:
    sort, _, part = key.partition(" ")
    name = _KEY_NAMES.get(sort, sort)
    return f"{name}: {part_label(part)}" if sort in _KEYS_WITH_PART else name
