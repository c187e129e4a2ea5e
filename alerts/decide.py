"""What new facts of a release mean for people: nothing, an incident opened, carried on, closed or reopened."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts import fact_rules
from alerts.finding import Ended, ReleaseFacts, part_called
from alerts.flapping import TURNS, case_of, flaps, is_flapping, what_flaps
from alerts.incident import (
    BREACHES,
    CONFIRMED,
    GRAVITY,
    MONITOR,
    Decision,
    Entry,
    Incident,
    Kind,
    kind_of,
    notice_about,
)
from alerts.notice import Notice
from schedules.times.zone import local_date

_NAMES = {
    "late": "late",
    "never": "never seen until the watch ended",
    "early": "public before its slot",
    "exposed": "public before its slot",
    "elsewhere": "found at another address",
    "lead": "something that a person must judge",
    "withdrawn": "taken away",
    "swapped": "a file with other bytes than at its release",
    "behind": "missing",
    "out": "out",
}
_ENDED = {
    Ended.REMOVED: "what was public before its slot was removed",
    Ended.SLOT: "its slot has come, and what was public before it still is",
    Ended.UNKNOWN: "its slot has come; whether what was public before it still was then is not known",
}
_CHANGES = {"back": "what was taken away is there again", "appeared": "its page is out"}
_CONFIRMED = "it was not found yet before, and that is confirmed now"
_NAMED = frozenset({"elsewhere", "behind", "out"})

_OPENING = {
    Kind.DUE: "due",
    Kind.UNPROVEN: "unproven",
    Kind.LEAD: "lead",
    Kind.ALTERED: "altered",
    Kind.CALENDAR: "calendar",
}
_NEWS_OF = {
    "late": Kind.LATE,
    "never": Kind.LATE,
    "early": Kind.EARLY,
    "exposed": Kind.EARLY,
    "elsewhere": Kind.LATE,
    "lead": Kind.LEAD,
    "withdrawn": Kind.ALTERED,
    "swapped": Kind.ALTERED,
}
# Parts that are found missing, or come at last, one after the other.
_NEWS_OF_PARTS = ("behind", "out")
# They are told of when they are found, not when they were promised, and only a person can say that they are settled.
_FOR_A_PERSON = (Kind.LEAD, Kind.ALTERED)


def decide(facts: ReleaseFacts, known: Incident | None, now: datetime, taken: Collection[str] = ()) -> Decision:
    """Say what one release's facts mean for people: nothing, an incident opened, carried on, closed or reopened.

    `known` is the incident these facts carry on: see `known_to`. `taken` are the ids of all incidents of the release.
    The same facts twice give no second notice.
    """
    known = known if known is not None and _carries_on(known, facts) else None
    kind = kind_of(facts, now)
    if known is None:
        return Decision() if kind is None else _open(facts, kind, now, taken)
    if kind is not None and _gives_way(known, kind):
        opened = _open(facts, kind, now, (*taken, known.id))
        return replace(opened, superseded=_superseded(known, opened.incident, now))
    incident = _carried(known, facts, kind)
    tellings = tuple(_tellings(known, incident, facts, now))
    incident = _closed_or_reopened(incident, tellings, now)
    entries = (*_lowered(known, facts, now), *(Entry(now, MONITOR, one.subject) for one in tellings))
    incident = replace(incident, timeline=(*incident.timeline, *entries))
    changed = fact_rules.measured(known.facts) != fact_rules.measured(facts)
    return Decision(incident, tellings, draft=incident.has_draft and (bool(tellings) or changed))


def _carries_on(known: Incident, facts: ReleaseFacts) -> bool:
    # A person judges a lead and what was logged by hand; measurements neither alter nor close those.
    return known.kind is not Kind.HAND and (known.kind is not Kind.LEAD or fact_rules.is_lead(facts))


def _gives_way(known: Incident, kind: Kind) -> bool:
    """Return whether facts of a kind open an incident of their own although a lesser one is known.

    A first breach has a thread, an acknowledgement, reminders and silences of its own. So has everything else after a
    quarrel about calendars.
    """
    if known.kind is Kind.DUE and known.closed is None:
        return False  # it is the same absence, confirmed
    is_first_breach = kind in BREACHES and known.kind not in BREACHES
    return is_first_breach or (known.kind is Kind.CALENDAR and kind is not Kind.CALENDAR)


def _superseded(known: Incident, opened: Incident | None, now: datetime) -> Incident | None:
    """Return the lesser incident closed, or None if it stays as it is: only a person can settle a lead, for example."""
    if opened is None or known.closed is not None or known.kind in _FOR_A_PERSON:
        return None
    entry = Entry(now, MONITOR, f"taken over by {opened.id}")
    return replace(known, closed=now, timeline=(*known.timeline, entry))


def _open(facts: ReleaseFacts, kind: Kind, now: datetime, taken: Collection[str]) -> Decision:
    occurred = _occurred(facts, kind)
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
        # Grade none would wake nobody at night and page everyone by day: it may become a delay.
        grade=facts.grade if kind is not Kind.DUE else fact_rules.worse_grade(facts.grade, "note"),
        facts=facts,
        closed=now if facts.final and kind not in _FOR_A_PERSON else None,
    )
    opening = notice_about(_OPENING.get(kind, "opened"), "thread", incident, facts, now)
    incident = replace(incident, timeline=(Entry(now, MONITOR, opening.subject),))
    return Decision(incident, (opening,), draft=incident.has_draft)


def _occurred(facts: ReleaseFacts, kind: Kind) -> datetime:
    if kind is Kind.EARLY:
        return fact_rules.begins(facts.exposures) or facts.at
    return facts.at if kind in _FOR_A_PERSON else facts.slot or facts.at


def _carried(known: Incident, facts: ReleaseFacts, kind: Kind | None) -> Incident:
    graver = kind is not None and GRAVITY.index(kind) > GRAVITY.index(known.kind)
    return replace(
        known,
        kind=kind if graver and kind is not None else known.kind,
        occurred=_occurred(facts, kind) if graver and kind is not None else known.occurred,
        grade=fact_rules.worse_grade(known.grade, facts.grade),
        facts=facts,
    )


def _tellings(known: Incident, incident: Incident, facts: ReleaseFacts, now: datetime) -> Iterator[Notice]:
    had, has = fact_rules.keys(known.facts), fact_rules.keys(facts)
    fresh = sorted(has - had)
    told = _NoticeBuilder(known, incident, facts, now)
    if known.kind is Kind.DUE and known.closed is None and incident.kind is not Kind.DUE:
        yield told.notice(_OPENING.get(incident.kind, "opened"), [CONFIRMED])
        return
    ends = known.closed is None and _ends(incident, facts)
    over = [key for key in fresh if key.startswith("over ")]
    if is_flapping(facts, now) and not ends:
        turned = [key for key in fresh if _is_turn(key, facts)]
        stretches = flaps(facts)
        if turned and len(stretches) > len(flaps(known.facts)):
            yield told.notice("comes_and_goes", [str(len(stretches))], case_of(facts))
        fresh, over = ([key for key in keys if key not in turned] for keys in (fresh, over))
    # What is public elsewhere by now is told instead, and the last notice tells all that is new besides.
    if over and not ends and not any(one.open for one in facts.exposures):
        yield told.notice("exposure_closed", over, Kind.EARLY)
    if back := [key for key in fresh if key.startswith("back ") and key.replace("back", "withdrawn") in had]:
        yield told.notice("back", back, Kind.ALTERED)
    if ends:
        # A quarrel between calendars that came to nothing ends in silence.
        yield from [] if incident.kind is Kind.CALENDAR else [told.notice("final", sorted(has), reasons=over)]
        return
    yield from _closed_tellings(told, fresh, has) if known.closed is not None else _open_tellings(told, fresh)


def _is_turn(key: str, facts: ReleaseFacts) -> bool:
    """Return whether a fact is one change of content that comes and goes, and not the end that the slot brings."""
    sort, _, place = key.partition(" ")
    by_slot = sort == "over" and any(
        one.ended is not Ended.REMOVED for one in fact_rules.episodes(facts.exposures)[int(place)]
    )
    return sort in TURNS and not by_slot


def _closed_tellings(told: _NoticeBuilder, fresh: list[str], has: frozenset[str]) -> Iterator[Notice]:
    reasons = _reasons(fresh)
    if reasons or "appeared" in fresh or told.is_graver:
        yield told.notice("reopened", sorted(has), _case_of(reasons, told.incident), reasons)


def _open_tellings(told: _NoticeBuilder, fresh: list[str]) -> Iterator[Notice]:
    reasons = _reasons(fresh)
    case = _case_of(reasons, told.incident)
    if told.is_graver:
        yield told.notice("grade_changed", [told.incident.grade], case, reasons)
    elif reasons:
        is_elsewhere = any(key.startswith("elsewhere ") for key in reasons)
        yield told.notice("elsewhere" if is_elsewhere else "new_finding", reasons, case)
    if told.is_found:
        yield told.notice("appeared", ["found"], Kind.DUE)
    if "appeared" in fresh:
        yield told.notice("appeared", ["appeared"], Kind.LATE)
    elif not reasons and not told.is_graver and told.known.acknowledged is not None:
        # Who has it is told of each part; whoever has not said so hears of the parts in the reminders.
        parts = [key for key in fresh if key.split()[0] in _NEWS_OF_PARTS]
        yield from [told.notice("new_finding", parts, Kind.LATE)] if parts else []


def _reasons(fresh: list[str]) -> list[str]:
    return [key for key in fresh if key.split()[0] in _NEWS_OF]


@dataclass(frozen=True, slots=True)
class _NoticeBuilder:
    """An incident before and after new facts, and the notices that come of them."""

    known: Incident
    incident: Incident
    facts: ReleaseFacts
    now: datetime

    @property
    def is_graver(self) -> bool:
        return self.incident.grade != self.known.grade

    @property
    def is_found(self) -> bool:
        """Return whether a page that was not found yet is out now, and how it stands to its slot is not settled."""
        pages = [facts.page for facts in (self.known.facts, self.facts) if facts is not None]
        seen = [page is not None and fact_rules.came(page).by is not None for page in pages]
        return self.known.kind is Kind.DUE and seen == [False, True]

    def notice(self, kind: str, keys: list[str], case: Kind | None = None, reasons: list[str] | None = None) -> Notice:
        """Return a notice of these keys; `reasons` are those worth a word where its id is made of others."""
        changed = what_changed(kind, keys if reasons is None else reasons, self.known.facts, self.facts, self.now)
        if self.is_graver:
            changed = f"{changed}; grade {self.incident.grade}, was {self.known.grade}".removeprefix("; ")
        return notice_about(kind, ",".join(keys), self.incident, self.facts, self.now, case=case, changed=changed)


def _case_of(reasons: list[str], incident: Incident) -> Kind:
    kinds = [_NEWS_OF[key.split()[0]] for key in reasons]
    return max(kinds, key=GRAVITY.index, default=incident.kind)


def _closed_or_reopened(incident: Incident, tellings: tuple[Notice, ...], now: datetime) -> Incident:
    facts = incident.facts
    ends = facts is not None and _ends(incident, facts)
    if any(one.kind == "reopened" for one in tellings):
        return replace(incident, closed=now if ends else None)
    return replace(incident, closed=now) if ends and incident.closed is None else incident


def _ends(incident: Incident, facts: ReleaseFacts) -> bool:
    """Return whether nothing more is awaited: the verdict is final, or what was not found yet was out in time."""
    if incident.kind is Kind.DUE:
        return facts.due is None and facts.verdict != "unproven"
    return facts.final and incident.kind not in _FOR_A_PERSON


def _lowered(known: Incident, facts: ReleaseFacts, now: datetime) -> Iterator[Entry]:
    before = known.facts.grade if known.facts is not None else known.grade
    if fact_rules.worse_grade(before, facts.grade) != facts.grade:
        words = f"measured grade is now {facts.grade}, was {before}; the incident stays {known.grade}"
        yield Entry(now, MONITOR, words)


def what_changed(
    kind: str, keys: Sequence[str], before: ReleaseFacts | None, facts: ReleaseFacts, now: datetime
) -> str:
    """Return what a notice of a kind adds to what was told `before`; empty for one that opens a thread."""
    if kind == "final":
        ends = ["nothing more will be measured"] if facts.final else ["found"]
        return "; ".join([*_verdict(before, facts), *_closed(keys, facts), *ends])
    if keys == [CONFIRMED]:
        return _CONFIRMED if kind == "opened" else "whether it was late could not be confirmed"
    if kind == "exposure_closed":
        return "; ".join(_closed(keys, facts))
    if kind == "comes_and_goes":
        return what_flaps(facts, now)
    if kind in _CHANGES:
        return _CHANGES[kind]
    return ", ".join(dict.fromkeys(_name(key) for key in keys))


def _verdict(before: ReleaseFacts | None, facts: ReleaseFacts) -> list[str]:
    if before is None or before.verdict == facts.verdict:
        return []
    new, old = (word.replace("_", " ") for word in (facts.verdict, before.verdict))
    return [f"the verdict is {new}, was {old}"]


def _closed(keys: Sequence[str], facts: ReleaseFacts) -> list[str]:
    """Return why the exposures ended that these keys (`over 0`, …) name by their place among the episodes."""
    groups = fact_rules.episodes(facts.exposures)
    ended = [one.ended or Ended.UNKNOWN for key in keys for one in groups[int(key.split()[1])]]
    return list(dict.fromkeys(_ENDED[why] for why in ended))


def _name(key: str) -> str:
    sort, _, part = key.partition(" ")
    name = _NAMES.get(sort, sort)
    return f"{name}: {part_called(part)}" if sort in _NAMED else name
