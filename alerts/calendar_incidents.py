"""Incidents about no release: a calendar in trouble, an edition that no calendar announces, an
unreadable host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from itertools import chain

from alerts.fact_rules import CALENDAR_FINDINGS
from alerts.incident import (
    MONITOR,
    Decision,
    Entry,
    Incident,
    IncidentKind,
    list_route_names,
    make_thread_notice,
    steps_for_incident,
)
from alerts.notice import Notice, write_blocks
from alerts.notice_text import list_finding_details, write_title_with_slot
from alerts.one_line import one_line, slug
from alerts.status import describe_status
from alerts.steps import ACKNOWLEDGE, numbered_steps, steps_at
from schedules.times.interval import latest_known
from schedules.times.words import day_text, moment
from schedules.times.zone import local_date

_LONGEST_FAULT = 300
_MOST_ENTRIES = 50


@dataclass(frozen=True, slots=True)
class CalendarTrouble:
    """A calendar that a person must check.

    `fault` describes the fault in one line, `since` is when it began, `last_read` the time of the
    last usable read. If `doubted`, the calendar was read but its content is implausible. Otherwise
    it could not be read.
    """

    calendar: str
    producer: str
    fault: str
    since: datetime
    last_read: datetime | None
    doubted: bool


def report_trouble(
    found: CalendarTrouble, known: Incident | None, now: datetime, timezone: str
) -> Decision:
    """Open an incident, with a notice, for a calendar in trouble, or add a fault to the `known` one
    and reopen it.
    """
    # The subject says itself that the read is not believed.
    fault = one_line(found.fault.removeprefix("not believed: "), _LONGEST_FAULT)
    if known is not None:
        is_noted = any(fault in entry.text for entry in known.timeline)
        is_full = len(known.timeline) >= _MOST_ENTRIES
        # A fault that is noted already, or for which there is no room, does not change an open
        # incident.
        if known.closed is None and (is_noted or is_full):
            return Decision()
        return Decision(replace(known, closed=None).with_entries(Entry(now, MONITOR, fault)))
    identity = f"calendar-{found.calendar}-{local_date(found.since, timezone)}"
    trouble, step_list = "cannot be read", "calendar_unread"
    if found.doubted:
        trouble, step_list = "is not believed", "calendar_doubted"
    last_read = "never"
    if found.last_read is not None:
        last_read = moment(found.last_read, timezone, now)
    lines = [f"Last usable read: {last_read}.", "The announcements of that read remain in force."]
    incident = _make_incident(
        identity, f"Calendar {found.calendar}", found.producer, now, step_list
    )
    incident = replace(incident, occurred=found.since, calendar=found.calendar)
    return _open_with_notice(incident, f"CALENDAR: {found.calendar} {trouble}: {fault}", lines)


def report_changed_periods(
    calendar: str, producer: str, periods: Sequence[tuple[str, str]], now: datetime
) -> Decision:
    """Open an incident because entries now name another period: `periods` are their titles before
    and after.
    """
    entries = f"“{one_line(periods[0][0], 80)}”"
    if len(periods) > 1:
        entries = f"{len(periods)} entries"
    subject = f"CALENDAR: {calendar} has given {entries} another period"
    lines = _list_entries(
        [f"- “{one_line(after)}”, was “{one_line(before)}”" for before, after in periods]
    )
    identity = f"calendar-{calendar}-retitled-{now:%Y-%m-%dT%H%M%SZ}"
    incident = _make_incident(
        identity, f"Calendar {calendar}: another period", producer, now, "calendar_periods"
    )
    return _open_with_notice(incident, subject, lines)


def report_unreadable_dates(
    calendar: str, producer: str, entries: Sequence[tuple[str, str]], now: datetime
) -> Decision:
    """Open an incident because dates of entries cannot be read: `entries` are titles and date
    texts. The same entries have the same incident.
    """
    number = "a date"
    if len(entries) > 1:
        number = f"{len(entries)} dates"
    lines = _list_entries([f"- “{one_line(title)}”: “{one_line(text)}”" for title, text in entries])
    lines.insert(0, "Their releases are not watched closely and cannot be judged:")
    digest = sha256("\n".join(map(str, sorted(entries))).encode()).hexdigest()
    identity = f"calendar-{calendar}-dates-{digest[:12]}"
    incident = _make_incident(
        identity, f"Calendar {calendar}: dates", producer, now, "calendar_doubted"
    )
    subject = f"CALENDAR: {calendar} has {number} that cannot be read"
    return _open_with_notice(incident, subject, lines)


def report_missing_edition(
    title: str, producer: str, producer_name: str, expected: tuple[date, date], now: datetime
) -> Decision:
    """Open the incident of an edition that no calendar announces. It accuses no one of lateness.

    `title` is that of the last edition, with its period if it has one. The next is `expected`
    between two days.
    """
    first, last = expected
    series = one_line(title)
    subject = (
        f"CALENDAR: no calendar announces the next edition of {one_line(series, 80)}"
        f" ({producer_name})"
    )
    window = f"between {day_text(first)} and {day_text(last)}"
    # An edition is reported only from four weeks before `last` (`Expectation.find_unannounced`).
    lines = [
        (
            f"Earlier editions suggest that it is due {window}. The last of these days is at"
            " most four weeks away."
        )
    ]
    identity = f"unannounced-{slug(f'{producer} {title}')[:80]}-{first.isoformat()}"
    incident = _make_incident(identity, series, producer, now, "edition_missing")
    return _open_with_notice(replace(incident, series=series), subject, lines)


def report_costly_host(host: str, now: datetime, timezone: str) -> Decision:
    """Return a closed incident with a notice, at most one a day, for a host whose answers are too
    costly to parse.
    """
    name_of_host = one_line(host, 80)
    subject = (
        f"UNREADABLE: answers of {name_of_host} take more time or memory to read than they may"
    )
    lines = [
        "Looks at these addresses are unknown, with the reason too_costly.",
        (
            "Each address is read again after a pause. Other hosts are not affected. You get this"
            " notice once a day."
        ),
    ]
    identity = f"too-costly-{slug(host)[:80]}-{local_date(now, timezone)}"
    incident = _make_incident(
        identity, f"Answers of {name_of_host}", producer=host, now=now, step_list="host_costly"
    )
    return _open_with_notice(
        replace(incident, kind=IncidentKind.TOO_COSTLY, closed=now), subject, lines
    )


def close_resolved(known: Incident, now: datetime) -> Incident:
    """Close the incident of a calendar that can be read again, or of an edition that was announced
    after all.
    """
    return replace(known, closed=now).with_entries(Entry(now, MONITOR, "resolved"))


def reopen(earlier: Incident, again: Incident, now: datetime) -> Incident:
    """Reopen an incident because the same trouble is back; its timeline continues with the new
    fault.
    """
    return replace(earlier, closed=None).with_entries(Entry(now, MONITOR, again.timeline[0].text))


def are_of_one_edit(one: Incident, other: Incident) -> bool:
    """Return whether two incidents are about one edit: one read revealed both changes, to entries
    of one producer.
    """
    read = _find_revealing_read(one)
    is_of_one_read = read is not None and read == _find_revealing_read(other)
    return is_of_one_read and one.producer == other.producer


def _find_revealing_read(incident: Incident) -> tuple[str | None, datetime] | None:
    """Return the calendar and the instant of the read that revealed the change, None if no read
    did.
    """
    facts = incident.facts
    if facts is None or incident.kind is not IncidentKind.CALENDAR:
        return None
    last_read = latest_known(
        finding.at for finding in facts.findings if finding.kind in CALENDAR_FINDINGS
    )
    return None if last_read is None else (facts.slot_source, last_read)


def cover_whole_edit(opening: Notice, incidents: Sequence[Incident], now: datetime) -> Notice:
    """Return the `opening` notice of one incident with a text on all `incidents` that one edit of a
    calendar caused.
    """
    entries = [(incident, incident.facts) for incident in incidents if incident.facts is not None]
    _, first = entries[0]
    changes = ", ".join(
        dict.fromkeys(describe_status("calendar", facts, now) for _, facts in entries)
    )
    subject = (
        f"CALENDAR: {len(entries)} entries of {first.slot_source} ({first.producer_names}),"
        f" {changes}"
    )
    lines = [f"Producer: {first.producer_names}", "", "Entries:"]
    for incident, facts in entries:
        details = (*list_finding_details("calendar", facts), facts.url, f"Incident: {incident.id}")
        lines += [f"- {write_title_with_slot(facts, now)}", *(f"  {line}" for line in details)]
    steps = numbered_steps((ACKNOWLEDGE, *steps_at("calendar")))
    text = write_blocks([subject], lines, steps, [f"Incident: {opening.incident}"])
    names = chain.from_iterable(list_route_names(incident) for incident, _ in entries)
    findings = tuple(dict.fromkeys(names))
    return replace(opening, release="", findings=findings, subject=one_line(subject), text=text)


def _list_entries(lines: list[str]) -> list[str]:
    """Return the first lines, and how many more there are."""
    more = len(lines) - _MOST_ENTRIES
    if more > 0:
        return [*lines[:_MOST_ENTRIES], f"- and {more} more"]
    return lines


def _make_incident(
    identity: str, title: str, producer: str, now: datetime, step_list: str
) -> Incident:
    return Incident(
        id=identity,
        kind=IncidentKind.CALENDAR,
        release="",
        producer=producer,
        title=title,
        opened=now,
        occurred=now,
        grade="none",
        step_list=step_list,
    )


def _open_with_notice(incident: Incident, subject: str, lines: Sequence[str]) -> Decision:
    kind, opened = str(incident.kind), incident.opened
    steps = numbered_steps(steps_for_incident(incident, is_last=incident.closed is not None))
    text = write_blocks([subject], lines, steps, [f"Incident: {incident.id}"])
    opening = make_thread_notice(incident, kind, "thread", (kind,), opened, (subject, text))
    return Decision(incident.with_entries(Entry(opened, MONITOR, subject)), (opening,))
