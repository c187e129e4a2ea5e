"""A fault of a platform that delays releases of several producers: one incident with one thread of notices."""

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
    LinkedRelease,
    get_due_reminder,
    make_reminder,
    make_thread_notice,
    steps_for_incident,
)
from alerts.notice import Notice
from alerts.notice_text import SUBJECT_SUFFIX, is_late_part_absent
from alerts.one_line import one_line
from alerts.steps import numbered_steps
from schedules.contract.verdict import choose_worst_grade
from schedules.times.words import moment

GATHERING_TIME = timedelta(seconds=5)
"""A fault is not over sooner than this after it began, although all releases known by then are out."""
_COVERED_KINDS = frozenset({"opened", "grade_changed", "appeared", "final", "reminder"})
_LONGEST_TITLE = 120


def platform_id(host: str, slot: datetime) -> str:
    """Return the id of the incident of a platform's fault at a slot. The producers' incidents are linked to it."""
    return f"platform-{host}-{slot.astimezone(UTC):%Y-%m-%dT%H%MZ}"


def shared_platform_id(facts: ReleaseFacts | None) -> str:
    """Return the id of the platform incident that a release shares with others, empty if it is late by itself."""
    is_shared = facts is not None and any(one.kind == "platform" for one in facts.findings)
    return platform_id_of(facts) if facts is not None and is_shared else ""


def platform_id_of(facts: ReleaseFacts) -> str:
    """Return the id that an incident of a release's platform at its slot has, or would have; empty without a slot."""
    return "" if facts.slot is None else platform_id(urlsplit(facts.url).hostname or "", facts.slot)


def is_covered_by_platform(notice: Notice) -> bool:
    """Return whether the platform's thread replaces this notice of one of its releases: it reports only a delay."""
    return notice.kind in _COVERED_KINDS and notice.findings[0] in ("late", "partial")


def update_platform(known: Incident | None, member: Incident, now: datetime, *, is_unsent: bool = False) -> Decision:
    """Open the incident of the platform that delays a release, or update the `known` one.

    `member` is the release's own incident. If `is_unsent`, the opening was not sent yet, so it can report this release
    too. Returns an empty decision if no platform fault delays the release.
    """
    facts = member.facts
    is_known = known is not None and any(one.incident == member.id for one in known.linked)
    if facts is None or not (is_known or shared_platform_id(facts)):
        return Decision()
    link = _link_release(member, facts)
    before = known or _open_platform(member, facts, now)
    members = {one.incident: one for one in before.linked} | {link.incident: link}
    linked = sorted(members.values(), key=lambda one: (one.producers, one.incident))
    grade = choose_worst_grade((before.grade, *(one.grade for one in linked)))
    incident = replace(before, linked=tuple(linked), grade=grade)
    change = _find_change_to_report(known, incident, link, now, is_unsent=is_unsent)
    if change is None:
        return Decision(None if incident == known else incident)
    kind, fact, changed = change
    closed = now if kind == "final" else None if kind == "reopened" else incident.closed
    notice = make_platform_notice(kind, fact, incident, now, changed)
    entry = Entry(now, MONITOR, notice.subject)
    return Decision(replace(incident, closed=closed, timeline=(*incident.timeline, entry)), (notice,), draft=True)


def make_platform_notice(kind: str, fact: str, incident: Incident, now: datetime, changed: str = "") -> Notice:
    """Return a notice of the platform's thread that reports all its releases."""
    words = write_subject_and_text(kind, incident, incident.linked, now, changed)
    return make_thread_notice(incident, kind, fact, ("late", "platform"), now, words)


def reminder_for_platform(incident: Incident, now: datetime, every: timedelta, grace: timedelta) -> Notice | None:
    """Return the reminder that is due for an incident, None if none is or the platform's thread reminds of it."""
    if incident.kind is Kind.PLATFORM:
        number = get_due_reminder(incident, now, every, grace)
        return None if number is None else make_platform_notice("reminder", str(number), incident, now)
    is_covered = incident.kind in (Kind.LATE, Kind.PARTIAL) and shared_platform_id(incident.facts)
    return None if is_covered else make_reminder(incident, now, every, grace)


def narrow_to_recipients(notice: Notice, incident: Incident, mine: Sequence[LinkedRelease], now: datetime) -> Notice:
    """Return a notice of a platform's thread with its current status, limited to the releases of `mine`."""
    first = notice.text.split("\n", 2)[1:2]
    changed = first[0].removeprefix(_CHANGED_PREFIX) if first and first[0].startswith(_CHANGED_PREFIX) else ""
    # The notice may have waited since it was written, so it is rendered again.
    subject, text = write_subject_and_text(notice.kind, incident, mine or incident.linked, now, changed)
    return replace(notice, subject=subject, text=text)


_CHANGED_PREFIX = "What changed: "


def write_subject_and_text(
    kind: str, incident: Incident, mine: Sequence[LinkedRelease], now: datetime, changed: str = ""
) -> tuple[str, str]:
    """Return subject and text of a notice of a platform's thread about the releases of `mine`."""
    late = [one for one in mine if one.stands != CLEARED]
    awaited = [one for one in late if one.stands == AWAITED]
    zone = incident.linked[0].timezone
    due = moment(incident.occurred, zone, now)
    status = f"{len(awaited)} not out yet" if awaited else "all out"
    suffix = SUBJECT_SUFFIX.get(kind, "")
    subject = f"LATE{suffix}: {_count_releases(incident, late)} on {incident.producer} due {due}, {status}"
    steps = steps_for_incident(replace(incident, linked=tuple(mine)), is_last=kind == "final")
    sections = [
        [subject, *([f"{_CHANGED_PREFIX}{changed}"] if changed else [])],
        ["They are late at one time on one platform, which may be the cause. All are reported in this thread."],
        *_list_releases("Not out yet", awaited),
        *_list_releases("Late, and out now", [one for one in late if one.stands == OUT]),
        *_list_releases("Not late after all", [one for one in mine if one.stands == CLEARED]),
        numbered_steps(steps),
        [f"Incident: {incident.id}"],
    ]
    return one_line(subject), "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def describe_platform(incident: Incident, now: datetime) -> str:
    """Return the status of a platform's incident in one sentence."""
    subject, _ = write_subject_and_text("", incident, incident.linked, now)
    return f"{subject.partition(': ')[2]}."


def _count_releases(incident: Incident, mine: Sequence[LinkedRelease]) -> str:
    """Return how many releases of which producers `mine` are, and of how many in all if there are others."""
    late = sum(one.stands != CLEARED for one in incident.linked)
    producers = sorted({name for one in mine for name in one.producer_names})
    releases = f"{len(mine)} release{'s' if len(mine) != 1 else ''} of "
    if len(mine) == late:
        return f"{releases}{len(producers)} producer{'s' if len(producers) != 1 else ''} ({', '.join(producers)})"
    return f"{releases}{', '.join(producers)} ({late} in all)"


def _list_releases(heading: str, linked: Sequence[LinkedRelease]) -> Iterator[list[str]]:
    if linked:
        titles = [f"- {one_line(one.title, _LONGEST_TITLE)} ({', '.join(one.producer_names)})" for one in linked]
        addresses = [f"  {one.url}" for one in linked]
        yield [f"{heading}:", *(line for lines in zip(titles, addresses, strict=True) for line in lines)]


def _open_platform(member: Incident, facts: ReleaseFacts, now: datetime) -> Incident:
    host = urlsplit(facts.url).hostname or ""
    return Incident(
        id=platform_id_of(facts),
        kind=Kind.PLATFORM,
        release="",
        producer=host,
        title=f"Releases delayed together on {host}",
        opened=now,
        occurred=facts.slot or member.occurred,
        grade=member.grade,
    )


def _link_release(member: Incident, facts: ReleaseFacts) -> LinkedRelease:
    late = fact_rules.is_late(facts)
    stands = AWAITED if late and is_late_part_absent(facts) else OUT if late else CLEARED
    return LinkedRelease(
        incident=member.id,
        release=member.release,
        title=member.title,
        producers=member.producers,
        url=facts.url,
        timezone=facts.timezone,
        grade=facts.grade,
        stands=stands,
        names=facts.names,
    )


def _find_change_to_report(
    known: Incident | None, incident: Incident, link: LinkedRelease, now: datetime, *, is_unsent: bool
) -> tuple[str, str, str] | None:
    """Return kind, fact and words of the notice that the change of one release needs, None if it needs none."""
    if known is None:
        return "opened", "thread", ""
    awaited = [one for one in incident.linked if one.stands == AWAITED]
    if known.closed is not None:
        return ("reopened", now.isoformat(), f"not out: {one_line(link.title, _LONGEST_TITLE)}") if awaited else None
    if not awaited:
        return ("final", now.isoformat(), "all are out") if now - known.opened >= GATHERING_TIME else None
    return None if is_unsent else _find_change_while_open(known, incident, link, awaited)


def _find_change_while_open(
    known: Incident, incident: Incident, link: LinkedRelease, awaited: Sequence[LinkedRelease]
) -> tuple[str, str, str] | None:
    """Return kind, fact and words of a notice about an open incident: a graver grade, a new release, or half out."""
    if incident.grade != known.grade:
        return "grade_changed", incident.grade, f"grade {incident.grade}, was {known.grade}"
    if all(one.incident != link.incident for one in known.linked):
        return "new_finding", link.incident, f"also late: {one_line(link.title, _LONGEST_TITLE)}"
    is_half = 2 * len(awaited) <= len(incident.linked) < 2 * sum(one.stands == AWAITED for one in known.linked)
    # Those who acknowledged get a notice when half are out. For others the reminders report it.
    return ("appeared", "half", "half of them are out") if is_half and known.acknowledged is not None else None
