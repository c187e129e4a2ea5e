"""One fault of a platform that holds up releases of several producers: one incident, one thread that is kept up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from alerts import fact_rules
from alerts.finding import ReleaseFacts
from alerts.incident import (
    AWAITED,
    CLEARED,
    MONITOR,
    OUT,
    Decision,
    Entry,
    Incident,
    Kind,
    Linked,
    notice_in,
    reminder,
    reminder_due,
    to_do,
)
from alerts.notice_text import SUBJECT_SUFFIX, is_awaited
from alerts.one_line import one_line
from alerts.steps import numbered
from alerts.telling import Notice
from schedules.times.words import moment

GATHERING = timedelta(seconds=5)
"""So long after its first release a fault is not over yet, though all of those known by then are out."""
_COVERED = frozenset({"opened", "grade_changed", "appeared", "final", "reminder"})
_LONGEST_TITLE = 120


def platform_id(host: str, slot: datetime) -> str:
    """Return the id of the one incident that a fault of a platform is, to which each producer's own is linked."""
    return f"platform-{host}-{slot.astimezone(UTC):%Y-%m-%dT%H%MZ}"


def platform_of(facts: ReleaseFacts | None) -> str:
    """Return the id that a fault of the platform of a release at its slot has; empty for one that is late alone."""
    return platform_at(facts) if facts is not None and _is_together(facts) else ""


def platform_at(facts: ReleaseFacts) -> str:
    """Return the id that a fault of the platform of a release at its slot would have; empty without an instant."""
    return "" if facts.slot is None else platform_id(urlsplit(facts.url).hostname or "", facts.slot)


def _is_together(facts: ReleaseFacts) -> bool:
    return any(one.kind == "platform" for one in facts.findings)


def is_told_with_platform(notice: Notice) -> bool:
    """Tell whether the platform's thread tells what a notice of one of its releases would: a delay, and no more."""
    return notice.kind in _COVERED and notice.findings[0] in ("late", "partial")


def follow_platform(known: Incident | None, member: Incident, now: datetime, *, untold: bool = False) -> Decision:
    """Open the incident of a platform for a release that it held up, or carry on the `known` one.

    `untold`: its opening has not gone out yet, and will tell of this release too. Nothing for a release held up alone.
    """
    facts, is_known = member.facts, known is not None and member.id in {one.incident for one in known.linked}
    if facts is None or not (is_known or platform_of(facts)):
        return Decision()
    link = _linked(member, facts)
    before = known or _opened(member, facts, now)
    linked = sorted({**{one.incident: one for one in before.linked}, link.incident: link}.values(), key=_place)
    grade = before.grade
    for one in linked:
        grade = fact_rules.worse_grade(grade, one.grade)
    incident = replace(before, linked=tuple(linked), grade=grade)
    told = _told(known, incident, link, now, untold=untold)
    if told is None:
        return Decision(None if incident == known else incident)
    kind, fact, changed = told
    closed = now if kind == "final" else None if kind == "reopened" else incident.closed
    notice = notice_of(kind, fact, incident, now, changed)
    entry = Entry(now, MONITOR, notice.subject)
    return Decision(replace(incident, closed=closed, timeline=(*incident.timeline, entry)), (notice,), draft=True)


def notice_of(kind: str, fact: str, incident: Incident, now: datetime, changed: str = "") -> Notice:
    """Return a notice of the platform's thread, in words for whoever is told of all its releases."""
    words = worded(kind, incident, incident.linked, now, changed)
    return notice_in(incident, kind, fact, ("late", "platform"), now, words)


def reminder_for_platform(incident: Incident, now: datetime, every: timedelta, grace: timedelta) -> Notice | None:
    """Return the reminder that is due of any incident; one that a platform held up is told of with the platform."""
    if incident.kind is Kind.PLATFORM:
        which = reminder_due(incident, now, every, grace)
        return None if which is None else notice_of("reminder", str(which), incident, now)
    is_with_others = incident.kind in (Kind.LATE, Kind.PARTIAL) and platform_of(incident.facts)
    return None if is_with_others else reminder(incident, now, every, grace)


def as_seen_by(notice: Notice, incident: Incident, mine: Sequence[Linked], now: datetime) -> Notice:
    """Return a notice of a platform's thread as of now, for people who are told of `mine` alone of its releases."""
    first = notice.text.split("\n", 2)[1:2]
    changed = first[0].removeprefix(_CHANGED) if first and first[0].startswith(_CHANGED) else ""
    # What became over or grew since it was written is said as it stands now.
    subject, text = worded(notice.kind, incident, mine or incident.linked, now, changed)
    return replace(notice, subject=subject, text=text)


_CHANGED = "What changed: "


def worded(kind: str, incident: Incident, mine: Sequence[Linked], now: datetime, changed: str = "") -> tuple[str, str]:
    """Return subject and text of a notice of a platform's thread, naming the releases of `mine` alone."""
    late = [one for one in mine if one.stands != CLEARED]
    awaited = [one for one in late if one.stands == AWAITED]
    zone = incident.linked[0].timezone
    due = moment(incident.occurred, zone, now)
    stand = f"{len(awaited)} not out yet" if awaited else "all out"
    suffix = SUBJECT_SUFFIX.get(kind, "")
    subject = f"LATE{suffix}: {_counted(incident, late)} on {incident.producer} due {due}, {stand}"
    steps = to_do(replace(incident, linked=tuple(mine)), is_last=kind == "final")
    sections = [
        [subject, *([f"{_CHANGED}{changed}"] if changed else [])],
        ["Late together at one time on one platform: one fault would explain it. This is told in one thread."],
        *_listed("Not out yet", awaited),
        *_listed("Late, and out by now", [one for one in late if one.stands == OUT]),
        *_listed("Found not to be late", [one for one in mine if one.stands == CLEARED]),
        numbered(steps),
        [f"Incident: {incident.id}"],
    ]
    return one_line(subject), "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def standing_of_platform(incident: Incident, now: datetime) -> str:
    """Return in one sentence how a platform's fault stands."""
    subject, _ = worded("", incident, incident.linked, now)
    return f"{subject.partition(': ')[2]}."


def _counted(incident: Incident, mine: Sequence[Linked]) -> str:
    all_of_it = [one for one in incident.linked if one.stands != CLEARED]
    releases, producers = len(mine), sorted({name for one in mine for name in one.producers})
    named = f"{releases} release{'s' if releases != 1 else ''} of "
    if len(mine) == len(all_of_it):
        return f"{named}{len(producers)} producer{'s' if len(producers) != 1 else ''} ({', '.join(producers)})"
    return f"{named}{', '.join(producers)} ({len(all_of_it)} in all)"


def _listed(heading: str, linked: Sequence[Linked]) -> Iterator[list[str]]:
    if linked:
        named = (f"- {one_line(one.title, _LONGEST_TITLE)} ({', '.join(one.producers)})\n  {one.url}" for one in linked)
        yield [f"{heading}:", *named]


def _opened(member: Incident, facts: ReleaseFacts, now: datetime) -> Incident:
    host = urlsplit(facts.url).hostname or ""
    return Incident(
        id=platform_at(facts),
        kind=Kind.PLATFORM,
        release="",
        producer=host,
        title=f"Releases held up together on {host}",
        opened=now,
        occurred=facts.slot or member.occurred,
        grade=member.grade,
    )


def _linked(member: Incident, facts: ReleaseFacts) -> Linked:
    late = fact_rules.is_late(facts)
    stands = AWAITED if late and is_awaited(facts) else OUT if late else CLEARED
    return Linked(
        member.id, member.release, member.title, member.producers, facts.url, facts.timezone, facts.grade, stands
    )


def _place(linked: Linked) -> tuple[tuple[str, ...], str]:
    return linked.producers, linked.incident


def _told(
    known: Incident | None, incident: Incident, link: Linked, now: datetime, *, untold: bool
) -> tuple[str, str, str] | None:
    """Return the notice that a change of one release makes: its kind, its fact, and what changed in words."""
    if known is None:
        return "opened", "thread", ""
    awaited = [one for one in incident.linked if one.stands == AWAITED]
    if known.closed is not None:
        return ("reopened", now.isoformat(), f"not out: {one_line(link.title, _LONGEST_TITLE)}") if awaited else None
    if not awaited:
        return ("final", now.isoformat(), "all of it is out") if now - known.opened >= GATHERING else None
    return None if untold else _news(known, incident, link, awaited)


def _news(known: Incident, incident: Incident, link: Linked, awaited: Sequence[Linked]) -> tuple[str, str, str] | None:
    if incident.grade != known.grade:
        return "grade_changed", incident.grade, f"grade {incident.grade}, was {known.grade}"
    if all(one.incident != link.incident for one in known.linked):
        return "new_finding", link.incident, f"held up as well: {one_line(link.title, _LONGEST_TITLE)}"
    is_half = 2 * len(awaited) <= len(incident.linked) < 2 * sum(one.stands == AWAITED for one in known.linked)
    # Who has it is told when half of it is out; whoever has not said so hears of it in the reminders.
    return ("appeared", "half", "half of it is out") if is_half and known.acknowledged is not None else None
