"""A fault of a platform that delays releases of several producers: one incident with one thread of
notices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain

from alerts import fact_rules
from alerts.finding import ReleaseFacts
from alerts.incident import (
    AWAITED,
    CLEARED,
    ESCALATED_TO_ALL,
    MONITOR,
    OUT,
    Decision,
    Entry,
    Incident,
    IncidentKind,
    LinkedRelease,
    make_fact_notice,
    make_thread_notice,
    steps_for_incident,
)
from alerts.notice import Notice, write_blocks
from alerts.notice_text import SUBJECT_SUFFIX
from alerts.one_line import one_line
from alerts.status import describe_status, is_late_part_absent
from alerts.steps import numbered_steps
from schedules.contract.verdict import FindingKind, choose_worst_grade
from schedules.times.words import count, moment
from schedules.times.zone import local

_COVERED_KINDS = frozenset({"opened", "grade_changed", "appeared", "final", "reminder"})
_LONGEST_TITLE = 120
_NIGHT_BEGINS, _NIGHT_ENDS = 22, 7
"""Local hours between which reminders are rarer."""
_EVERY_AT_NIGHT = 4
_CHANGED_PREFIX = "What changed: "


def platform_id(host: str, slot: datetime) -> str:
    """Return the id of the incident of a platform's fault at a slot.

    The producers' incidents are linked to it.
    """
    return f"platform-{host}-{slot.astimezone(UTC):%Y-%m-%dT%H%MZ}"


def shared_platform_id(facts: ReleaseFacts | None) -> str:
    """Return the id of the platform incident that a release shares with others, empty if it is late
    by itself.
    """
    if facts is None or FindingKind.PLATFORM not in facts.finding_kinds:
        return ""
    return platform_id_of(facts)


def platform_id_of(facts: ReleaseFacts) -> str:
    """Return the id that an incident of a release's platform at its slot has, or would have; empty
    without a slot.
    """
    return "" if facts.slot is None else platform_id(facts.host, facts.slot)


def is_covered_by_platform(notice: Notice) -> bool:
    """Return whether the platform's thread replaces this notice of one of its releases: it reports
    only a delay.
    """
    return notice.kind in _COVERED_KINDS and notice.findings[0] in ("late", "partial")


def update_platform(
    known: Incident | None, member: Incident, now: datetime, *, is_unsent: bool = False
) -> Decision:
    """Open the incident of the platform that delays a release, or update the `known` one, with a
    notice if one is due.

    `member` is the incident of the release itself. `is_unsent`: the notice that opened the
    platform's incident still waits, and will report this release when it is sent.
    """
    facts = member.facts
    # A release that the incident lists stays in it, even if the platform does not delay the release
    # any more.
    is_linked = known is not None and any(link.incident == member.id for link in known.linked)
    if facts is None or not (is_linked or shared_platform_id(facts)):
        return Decision()
    new_link = _link_release(member, facts)
    before = known or Incident(
        id=platform_id_of(facts),
        kind=IncidentKind.PLATFORM,
        release="",
        producer=facts.host,
        title=f"Releases delayed together on {facts.host}",
        opened=now,
        occurred=facts.slot or member.occurred,
        grade=member.grade,
    )
    links = {link.incident: link for link in before.linked} | {new_link.incident: new_link}
    linked = sorted(links.values(), key=lambda link: (link.producers, link.incident))
    grade = choose_worst_grade((before.grade, *(link.grade for link in linked)))
    incident = replace(before, linked=tuple(linked), grade=grade)
    change_to_report = _find_change_to_report(known, incident, new_link, now, is_unsent=is_unsent)
    if change_to_report is None:
        return Decision(None if incident == known else incident)
    kind, occasion, changed = change_to_report
    notice = make_platform_notice(kind, occasion, incident, now, changed)
    if kind in ("final", "reopened"):
        incident = replace(incident, closed=now if kind == "final" else None)
    return Decision(
        incident.with_entries(Entry(now, MONITOR, notice.subject)), (notice,), draft=True
    )


def make_platform_notice(
    kind: str, occasion: str, incident: Incident, now: datetime, changed: str = ""
) -> Notice:
    """Return a notice of the platform's thread that reports all its releases.

    `kind` and `occasion` make its id.
    """
    subject_and_text = write_subject_and_text(kind, incident, incident.linked, now, changed)
    return make_thread_notice(incident, kind, occasion, ("late", "platform"), now, subject_and_text)


def make_reminder(
    incident: Incident, now: datetime, spacing: timedelta, grace: timedelta
) -> Notice | None:
    """Return the newest reminder that is due by now, None if none is. Its id comes from its number.

    The first is due `grace` after the opening, then one each `spacing`. A platform gets them in
    place of its releases.
    """
    waited = now - incident.opened - grace
    needs_reminders = incident.is_waiting and incident.grade == "report"
    if not needs_reminders or waited < timedelta():
        return None
    number = str(_pace_at_night(1 + waited // spacing, incident, now))
    if incident.kind is IncidentKind.PLATFORM:
        return make_platform_notice("reminder", number, incident, now)
    is_in_platform_thread = incident.kind in (
        IncidentKind.LATE,
        IncidentKind.PARTIAL,
    ) and shared_platform_id(incident.facts)
    if is_in_platform_thread or incident.facts is None:
        return None
    new = _say_what_is_new(incident, incident.facts, now)
    return make_fact_notice("reminder", number, incident, incident.facts, now, changed=new)


def _pace_at_night(number: int, incident: Incident, now: datetime) -> int:
    """Return the number of the newest reminder, of the `number` due by day.

    Once everyone on the ladder was reminded, only each fourth is due at night, unless something is
    public early.
    """
    if incident.facts is not None and incident.facts.is_exposed:
        return number
    hour = local(now, incident.timezone).hour
    is_night = hour >= _NIGHT_BEGINS or hour < _NIGHT_ENDS
    if is_night and number > ESCALATED_TO_ALL:
        return number - number % _EVERY_AT_NIGHT
    return number


def _say_what_is_new(incident: Incident, facts: ReleaseFacts, now: datetime) -> str:
    """Return what changed since the last notice, or that nothing did."""
    last = next((one for one in reversed(incident.timeline) if one.by == MONITOR), None)
    if last is None:
        return ""
    status = describe_status(incident.kind, facts, now)
    new = "nothing new" if status in last.text else status
    return f"since {moment(last.at, facts.timezone, now)}: {new}"


def rewrite_notice(
    notice: Notice, incident: Incident, releases: Sequence[LinkedRelease], now: datetime
) -> Notice:
    """Return a notice of a platform's incident with a subject and text that are true `now`, when it
    is sent.

    They report the current status of these `releases`, or of all that the platform delayed if there
    are none. The notice may have waited since it was first written, so only its line on what
    changed is kept.
    """
    # The first line of the text is its subject. The second says what changed, which is stored
    # nowhere else.
    lines = notice.text.split("\n")
    changed = ""
    if len(lines) > 1 and lines[1].startswith(_CHANGED_PREFIX):
        changed = lines[1].removeprefix(_CHANGED_PREFIX)
    subject, text = write_subject_and_text(
        notice.kind, incident, releases or incident.linked, now, changed
    )
    return replace(notice, subject=subject, text=text)


def write_subject_and_text(
    kind: str,
    incident: Incident,
    releases: Sequence[LinkedRelease],
    now: datetime,
    changed: str = "",
) -> tuple[str, str]:
    """Return subject and text of a notice on `releases` that were late together on a platform, and
    what `changed`.
    """
    awaited = [link for link in releases if link.stands == AWAITED]
    late_and_out = [link for link in releases if link.stands == OUT]
    cleared = [link for link in releases if link.stands == CLEARED]
    due = moment(incident.occurred, incident.linked[0].timezone, now)
    status = "all out"
    if awaited:
        status = f"{len(awaited)} not out yet"
    counted = _count_late_releases(incident, [*awaited, *late_and_out])
    subject = (
        f"LATE{SUBJECT_SUFFIX.get(kind, '')}: {counted} on {incident.producer} due {due}, {status}"
    )
    head = [subject]
    if changed:
        head.append(f"{_CHANGED_PREFIX}{changed}")
    steps = steps_for_incident(replace(incident, linked=tuple(releases)), is_last=kind == "final")
    text = write_blocks(
        head,
        [
            (
                "They are late at one time on one platform, which may be the cause."
                " All are reported in this thread."
            )
        ],
        *_list_releases("Not out yet", awaited),
        *_list_releases("Late, and out now", late_and_out),
        *_list_releases("Not late after all", cleared),
        numbered_steps(steps),
        [f"Incident: {incident.id}"],
    )
    return one_line(subject), text


def describe_platform(incident: Incident, now: datetime) -> str:
    """Return the status of a platform's incident in one sentence."""
    subject, _ = write_subject_and_text("", incident, incident.linked, now)
    return f"{subject.partition(': ')[2]}."


def _count_late_releases(incident: Incident, late: Sequence[LinkedRelease]) -> str:
    """Return `2 releases of 2 producers (A, B)`, or `1 release of A (2 in all)` if more releases
    are late.
    """
    number_in_all = sum(link.stands != CLEARED for link in incident.linked)
    producers = sorted(set(chain.from_iterable(link.producer_names for link in late)))
    number_of_releases = count(len(late), "release")
    if len(late) == number_in_all:
        return (
            f"{number_of_releases} of {count(len(producers), 'producer')} ({', '.join(producers)})"
        )
    return f"{number_of_releases} of {', '.join(producers)} ({number_in_all} in all)"


def _list_releases(heading: str, linked: Sequence[LinkedRelease]) -> Iterator[list[str]]:
    if linked:
        lines = [f"{heading}:"]
        for link in linked:
            title = one_line(link.title, _LONGEST_TITLE)
            lines += [f"- {title} ({', '.join(link.producer_names)})", f"  {link.url}"]
        yield lines


def _link_release(member: Incident, facts: ReleaseFacts) -> LinkedRelease:
    status = CLEARED  # not late after all
    if fact_rules.is_late(facts):
        status = AWAITED if is_late_part_absent(facts) else OUT
    return LinkedRelease(
        incident=member.id,
        release=member.release,
        title=member.title,
        producers=member.producers,
        url=facts.url,
        timezone=facts.timezone,
        grade=facts.grade,
        stands=status,
        names=facts.names,
    )


def _find_change_to_report(
    known: Incident | None,
    incident: Incident,
    changed: LinkedRelease,
    now: datetime,
    *,
    is_unsent: bool,
) -> tuple[str, str, str] | None:
    """Return (kind, occasion, words) of the notice about a `changed` release of a platform's
    incident, or None.

    Kind and occasion make its id. If `is_unsent`, the notice `opened` still waits. It will report
    this change.
    """
    if known is None:
        return "opened", "thread", ""
    if known.closed is not None:
        if not _count_awaited(incident):
            return None
        return "reopened", now.isoformat(), f"not out: {one_line(changed.title, _LONGEST_TITLE)}"
    if _count_awaited(incident):
        return None if is_unsent else _find_change_while_open(known, incident, changed)
    # Shortly after the opening, further releases may still turn out to be late on this platform.
    # So wait for them.
    if now - known.opened < timedelta(seconds=5):
        return None
    return "final", now.isoformat(), "all are out"


def _find_change_while_open(
    known: Incident, incident: Incident, changed: LinkedRelease
) -> tuple[str, str, str] | None:
    """Return (kind, occasion, words) of a graver grade, a new release, or half out, or None."""
    # A grade never falls, so one that differs is graver.
    if incident.grade != known.grade:
        return "grade_changed", incident.grade, f"grade {incident.grade}, was {known.grade}"
    if all(link.incident != changed.incident for link in known.linked):
        title = one_line(changed.title, _LONGEST_TITLE)
        return "new_finding", changed.incident, f"also late: {title}"
    half = len(incident.linked) / 2
    is_half_out_now = _count_awaited(incident) <= half < _count_awaited(known)
    # Those who acknowledged get a notice when half are out. For others the reminders report it.
    if is_half_out_now and known.acknowledged is not None:
        return "appeared", "half", "half of them are out"
    return None


def _count_awaited(incident: Incident) -> int:
    return sum(link.stands == AWAITED for link in incident.linked)
