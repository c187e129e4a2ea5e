"""Incidents about no release: of calendars, of an edition nobody announced, of a host that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from alerts.fact_rules import CALENDAR_FINDINGS
from alerts.incident import MONITOR, Decision, Entry, Incident, Kind, findings_of, notice_in
from alerts.notice import Notice
from alerts.notice_text import details, named
from alerts.one_line import one_line
from alerts.standing import state
from alerts.steps import ACKNOWLEDGE, numbered, steps_at
from schedules.times.words import day_text, moment
from schedules.times.zone import local_date

_LONGEST_FAULT = 300
_MOST_ENTRIES = 50
_RENAMED = (
    "What to do now:",
    "1. Ask whoever keeps the calendar which edition is meant: each is looked for by its new title from now on.",
    "2. Close the incident. Every title that an entry had: ninethirty calendar history RELEASE",
)
_AS_BEFORE = "What it said at its last usable read stays in force."


@dataclass(frozen=True, slots=True)
class Trouble:
    """A calendar that people must look at.

    `fault` says what is wrong in one line, `since` when it began, `last_read` the last usable read. `doubted`: it was
    read, and what it said was not believed; else it could not be read at all.
    """

    calendar: str
    producer: str
    fault: str
    since: datetime
    last_read: datetime | None
    doubted: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """An edition of a regular series that should have been announced by now; its window of days, both included."""

    series: str
    producer: str
    first: date
    last: date


def trouble(found: Trouble, known: Incident | None, now: datetime, timezone: str) -> Decision:
    """Open the incident of a calendar in trouble, or carry on the `known` one; people are told once."""
    fault = one_line(found.fault, _LONGEST_FAULT)
    if known is not None:
        return _carried(known, fault, now)
    name = f"calendar-{found.calendar}-{local_date(found.since, timezone)}"
    title = f"Calendar {found.calendar}"
    subject = f"CALENDAR: {found.calendar} {'is not believed' if found.doubted else 'cannot be read'}: {fault}"
    read = "never" if found.last_read is None else moment(found.last_read, timezone, now)
    lines = [f"Last usable read: {read}.", _AS_BEFORE, "", "What to do now:", *_to_do(found, now, timezone)]
    incident = replace(_incident(name, title, found.producer, now, found.since, subject), calendar=found.calendar)
    return Decision(incident, (_notice(incident, subject, lines, now),))


def renamed(calendar: str, producer: str, periods: Sequence[tuple[str, str]], now: datetime) -> Decision:
    """Open an incident of entries that speak of another period than before: their titles `before` and after."""
    many = f"{len(periods)} entries" if len(periods) > 1 else f"“{one_line(periods[0][0], 80)}”"
    subject = f"CALENDAR: {calendar} has given {many} another period"
    told = [f"- “{one_line(after)}”, was “{one_line(before)}”" for before, after in periods[:_MOST_ENTRIES]]
    more = len(periods) - len(told)
    lines = [*told, *([f"- and {more} more"] if more else []), "", *_RENAMED]
    name = f"calendar-{calendar}-retitled-{now:%Y-%m-%dT%H%M%SZ}"
    incident = _incident(name, f"Calendar {calendar}: another period", producer, now, now, subject)
    return Decision(incident, (_notice(incident, subject, lines, now),))


def restored(known: Incident, now: datetime) -> Incident:
    """Close the incident of a calendar that reads again, or of an edition that was announced after all."""
    return _noted(replace(known, closed=now), "as it should be again", now)


def reopened(earlier: Incident, again: Incident, now: datetime) -> Incident:
    """Open an incident again whose trouble has come back: its thread goes on, with what is said this time."""
    return _noted(replace(earlier, closed=None), again.timeline[0].text, now)


def with_subject(incident: Incident) -> Incident:
    """Return an incident with what it is about; one stored before there were fields for it tells it by its id alone."""
    if incident.calendar or incident.series:
        return incident
    if incident.id.startswith("unannounced-"):
        return replace(incident, series=incident.title)
    return replace(incident, calendar=incident.id[len("calendar-") : -len("-2026-01-31")])


def is_of_one_edit(one: Incident, other: Incident) -> bool:
    """Return whether two incidents tell of entries of one producer that the same read of a calendar showed changed."""
    read = _read_of(one)
    return read is not None and (read, one.producer) == (_read_of(other), other.producer)


def _read_of(incident: Incident) -> tuple[str | None, datetime] | None:
    """Return the calendar and the read that showed what an incident tells of, None if it is about no such read."""
    facts = incident.facts
    reads = [one.at for one in facts.findings if one.kind in CALENDAR_FINDINGS and one.at] if facts is not None else []
    return (facts.slot_source, max(reads)) if facts is not None and incident.kind is Kind.CALENDAR and reads else None


def several(opening: Notice, incidents: Sequence[Incident], now: datetime) -> Notice:
    """Return the notice that opens an incident, in words that report all `incidents` of the same edit."""
    entries = [(one, one.facts) for one in incidents if one.facts is not None]
    source, states = entries[0][1].slot_source, dict.fromkeys(state("calendar", facts, now) for _, facts in entries)
    subject = f"CALENDAR: {len(entries)} entries of {source} ({opening.producer}), {', '.join(states)}"
    lines = [subject, "", f"Producer: {opening.producer}", "", "Entries:"]
    for one, facts in entries:
        lines += [f"- {named(facts, now)}", *(f"  {line}" for line in (*details("calendar", facts), facts.url, one.id))]
    lines += ["", *numbered((ACKNOWLEDGE, *steps_at("calendar")))]
    findings = tuple(dict.fromkeys(name for one, _ in entries for name in findings_of(one)))
    text = "\n".join([*lines, "", f"Incident: {opening.incident}"]) + "\n"
    return replace(opening, release="", findings=findings, subject=one_line(subject), text=text)


def missing(found: Missing, now: datetime) -> Decision:
    """Open the incident of an edition that nobody has announced. It accuses nobody of lateness."""
    window = f"between {day_text(found.first)} and {day_text(found.last)}"
    subject = f"CALENDAR: no calendar announces the next edition of {one_line(found.series, 80)} ({found.producer})"
    lines = [
        f"By the rhythm of the series it may be expected {window}; four weeks' notice of its end have begun.",
        "",
        "What to do now:",
        "1. Ask the producer when it is to come out, and whether it has been announced.",
        "2. Nothing has been late by this alone.",
    ]
    name = f"unannounced-{_slug(f'{found.producer} {found.series}')}-{found.first.isoformat()}"
    series = one_line(found.series)
    incident = replace(_incident(name, series, found.producer, now, now, subject), series=series)
    return Decision(incident, (_notice(incident, subject, lines, now),))


def too_costly(host: str, now: datetime, timezone: str) -> Decision:
    """Tell that answers of a host cannot be read within their bounds: once a day, whatever the number of answers."""
    subject = f"UNREADABLE: answers of {one_line(host, 80)} take more time or memory to read than they may"
    lines = [
        "What was asked there is unknown, why too_costly, and proves nothing; other hosts are looked at as ever.",
        "Each such address is read again after a rest. This is told once a day.",
        "",
        "What to do now:",
        "1. Open what is watched there yourself. The log names each address, at too_costly or calendar_read.",
        "2. If it is as ever, tell whoever runs it; if not, log what you saw by hand.",
    ]
    name = f"too-costly-{_slug(host)}-{local_date(now, timezone)}"
    incident = replace(_incident(name, f"Answers of {one_line(host, 80)}", host, now, now, subject), closed=now)
    return Decision(replace(incident, kind=Kind.TOO_COSTLY), (_notice(incident, subject, lines, now, "too_costly"),))


def _slug(text: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", text.casefold()))[:80]


def _to_do(found: Trouble, now: datetime, timezone: str) -> list[str]:
    first = "1. Open the calendar yourself: does it show what you know to be coming?"
    if not found.doubted:
        return [first, "2. Ask whoever keeps it; if it has moved, correct its address in the configuration."]
    day = local_date(now, timezone).isoformat()
    return [
        first,
        f"2. If the change is meant, write accept = {day} into its [[calendar]] table and restart the monitor.",
        "3. If not, tell whoever keeps the calendar.",
    ]


def _carried(known: Incident, fault: str, now: datetime) -> Decision:
    told = any(fault in entry.text for entry in known.timeline) or len(known.timeline) >= _MOST_ENTRIES
    if told and known.closed is None:
        return Decision()
    return Decision(_noted(replace(known, closed=None), fault, now))


def _noted(incident: Incident, text: str, now: datetime) -> Incident:
    return replace(incident, timeline=(*incident.timeline, Entry(now, MONITOR, text)))


def _incident(name: str, title: str, producer: str, now: datetime, since: datetime, subject: str) -> Incident:
    return Incident(
        id=name,
        kind=Kind.CALENDAR,
        release="",
        producer=producer,
        title=title,
        opened=now,
        occurred=since,
        grade="none",
        timeline=(Entry(now, MONITOR, subject),),
    )


def _notice(incident: Incident, subject: str, lines: list[str], now: datetime, kind: str = "calendar") -> Notice:
    text = "\n".join([subject, "", *lines, "", f"Incident: {incident.id}"]) + "\n"
    return notice_in(incident, kind, "thread", (kind,), now, (subject, text))
