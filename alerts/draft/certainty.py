"""The evidence of a draft: how it was measured, the table of parts, and the tables of the annex in
UTC.
"""

from __future__ import annotations

import math
from datetime import datetime

from alerts.by_hand import has_time_of_day
from alerts.draft import words
from alerts.draft.input import DraftInput, sort_parts
from alerts.draft.narrative import FINDING_SENTENCES
from alerts.draft.report import Paragraphs, Table
from alerts.finding import BlindSpan, Certainty, ReleaseFacts, part_name
from alerts.notice_text import write_title_with_slot
from alerts.status import say_cause_of_blindness, was_public_at_slot
from schedules.contract.verdict import FindingKind, PartVerdict
from schedules.times.interval import Bounds, Interval
from schedules.times.json import instant_json
from schedules.times.words import count, instant_text, length, lengths, sureness
from schedules.times.zone import local_date

ADDRESS_ORIGINS = {
    "guessed": "it was guessed from that of its announcement, and absence there proves nothing",
    "guessed and awaited": (
        "it was guessed from that of its announcement. That the release was not out rests on the"
        " announcement, which still announced it, and on GOV.UK's index, which did not list it"
    ),
    "guessed and found": (
        "it was guessed from that of its announcement, and the release was found there"
    ),
    "led_to": "its announcement led there",
    "found": "it was found by its title in a listing",
}
NO_BLIND_SPAN = "No time in which the monitor could not see is recorded for this release."

ABOUT_TIMES = (
    "First seen is an interval: the monitor had proof of absence at its start and proof of presence"
    " at its end. Bounds are rounded outward. A look that failed proves nothing and is not counted"
    " as absence."
)
ABOUT_RECORDS = (
    "Each evidence record named below holds the address asked, when it was asked and answered, and"
    " the answer with its status and headers. All of them can be exported as one file with their"
    " hashes."
)


def explain_certainty(inputs: DraftInput) -> Paragraphs:
    """Return the paragraphs on how certain the measured times are; if logged by hand, that nothing
    was measured.
    """
    facts = inputs.measured_facts
    if facts is None:
        return ("Nothing was measured by the monitor: this incident was logged by a person.",)
    doubts = list_unproven(facts)
    if facts.unread_since is not None:
        # The calendar was not read shortly before the slot, so the slot may have changed. This
        # gravest doubt is first.
        last_read = words.format_instant(facts.unread_since, facts.timezone)
        doubts.insert(
            0, f"The calendar was last read with this announced time in it at {last_read}."
        )
    # Only the details of these findings contain no more than addresses and times.
    detailed_kinds = {
        *FINDING_SENTENCES,
        FindingKind.STALE_EDGE,
        FindingKind.CORRECTED,
        FindingKind.CLOCK_FAULT,
    }
    details = [
        f"{finding.kind.replace('_', ' ').capitalize()}: {finding.detail.rstrip('.')}."
        for finding in facts.findings
        if finding.kind in detailed_kinds and finding.detail
    ]
    about_measurement = [ABOUT_TIMES]
    if facts.certainty.records:  # evidence records of requests and answers
        about_measurement.append(ABOUT_RECORDS)
    return (
        _say_looks(facts.certainty),
        *(doubts or [NO_BLIND_SPAN]),
        *say_where_announced(facts),
        *details,
        *about_measurement,
    )


def say_where_announced(facts: ReleaseFacts) -> list[str]:
    """Return sentences on where and when the announcement was read, and how an unannounced address
    is known.
    """
    origins, sentences = [], []
    if facts.slot_source:
        origins.append(f"is from the calendar “{facts.slot_source}”")
    if facts.slot_learnt:
        origins.append(
            f"was first read at {words.format_instant(facts.slot_learnt, facts.timezone)}"
        )
    if origins:
        sentences.append(f"The announced time {' and '.join(origins)}.")
    address: str = facts.address
    if facts.page is not None and address == "guessed":
        if facts.page.first_seen.by is not None:
            address = "guessed and found"
        elif facts.page.verdict in ("overdue", "not_published"):
            address = "guessed and awaited"
    if address in ADDRESS_ORIGINS:
        sentences.append(f"No calendar named the address of its page: {ADDRESS_ORIGINS[address]}.")
    return sentences


def list_unproven(facts: ReleaseFacts) -> list[str]:
    """Return sentences on what remains unproven, and on each time in which the monitor could not
    see.
    """
    sentences = [describe_blind_span(span, facts.timezone) for span in facts.certainty.blind]
    if facts.unproven_because:
        sentences.insert(0, f"Not proved: {facts.unproven_because.rstrip('.')}.")
    # Two monitors may have the same gap, for example if they lost the same store.
    return list(dict.fromkeys(sentences))


def describe_blind_span(blind: BlindSpan, timezone: str) -> str:
    """Return the sentence on when and why the monitor could not see."""
    gap = words.format_interval(Interval(blind.begins, blind.ends), timezone)
    fault = words.capitalise(say_cause_of_blindness(blind.cause))
    return f"{fault} {gap} ({blind.cause}); that gap is no evidence either way."


def _say_looks(certainty: Certainty) -> str:
    names = [f"“{name}”" for name in sorted({certainty.monitor, *certainty.others}) if name]
    monitors = "the monitor"
    if len(names) > 1:
        monitors = "the monitors"
    by = f"{monitors} {words.join(names)}".rstrip()
    failed = "none"
    if certainty.failed_looks:
        failed = f"{certainty.failed_looks:,}"
    sentences = [f"{count(certainty.looks, 'look')} made by {by}; {failed} of them failed."]
    if certainty.widest_gap is not None:
        sentences.append(
            "The widest gap between two looks that could tell whether the page was out was"
            f" {length(certainty.widest_gap, math.ceil)}."
        )
    clock = "The monitor's clock was not compared with those of the watched hosts."
    offset = certainty.clock_offset
    if offset is not None and offset != Bounds():  # Bounds() has no limit, so that nothing is known
        clock = (
            f"The monitor's clock differed from those of the watched hosts by {lengths(offset)}."
        )
    return " ".join([*sentences, clock])


def tabulate_parts(facts: ReleaseFacts) -> tuple[Table, ...]:
    """Return the table of parts in local time: first sight, delay, and publication before the
    announced time.
    """
    caption = f"Announced: {facts.slot_text}"
    if facts.slot:
        caption = f"Announced time: {instant_text(facts.slot, facts.timezone)}"
    header = (
        "Part and address",
        "First seen by the monitor",
        "Against the announced time",
        "Public before it",
    )
    rows = tuple(
        (
            "\n".join(filter(None, (words.capitalise(part_name(part)), part.url, part.entry))),
            _say_first_seen(part, facts),
            _say_delay(part, facts),
            _say_exposures(part, facts),
        )
        for part in sort_parts(facts)
    )
    return (Table(caption, header, rows, shares=(6.2, 4.0, 3.4, 3.2)),) if rows else ()


def _say_first_seen(part: PartVerdict, facts: ReleaseFacts) -> str:
    first_seen = words.format_interval(part.first_seen, facts.timezone)
    if was_public_at_slot(part):
        return f"Already public; came {first_seen}"
    if part.exposures and part.released.by:
        return f"Released {words.format_interval(part.released, facts.timezone)}"
    if part.first_seen.by is None:
        return "Not seen"
    return words.capitalise(first_seen)


def _say_delay(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return the delay of a part with both bounds, or why it has none, and how late users got it if
    a cache hid it.
    """
    hidden = ""
    if part.is_hidden and part.wait is not None:  # a cache hid it, and users waited so long for it
        hidden = f"; for users {words.format_bounds(part.wait)} late"
    is_alternative = part.role == "alternative"
    if is_alternative and part.first_seen.by is None and not part.exposures:
        return "Not used"
    if part.verdict == "on_time":
        # If it may have been early by some seconds, `sureness` says so.
        return f"On time{sureness(part.early_bound)}{hidden}"
    if part.verdict in ("unproven", "pending"):
        return "Not proved" if part.verdict == "unproven" else "Not judged yet"
    if part.exposures:
        return "Early"  # the column on exposures says how early
    if part.delay is None or facts.slot is None:  # for example, only the day was announced
        return "Not measured in minutes"
    low, high = part.delay.min, part.delay.max
    if high is not None and high <= 0:
        # A delay of -5 to -3 minutes is 3 to 5 minutes early: without their signs, the bounds
        # change places.
        early = Bounds(-high, None if low is None else -low)
        text = f"{words.format_bounds(early)} early"
    else:
        # No alternative address was announced, so a release there cannot be late.
        side = "after it" if is_alternative else "late"
        text = f"{words.format_bounds(part.delay)} {side}"
        if part.verdict == "overdue":
            text += " so far"
    return words.capitalise(f"{text}{hidden}")


def _say_exposures(part: PartVerdict, facts: ReleaseFacts) -> str:
    if not part.exposures:
        return "None proved" if part.verdict == "unproven" else "None seen"
    lines = []
    for exposure in part.exposures:
        length = words.format_bounds(exposure.seconds)
        if exposure.open:
            length = f"{words.format_bounds(Bounds(exposure.seconds.min))}, still open"
        lines.append(f"{length}; began {words.format_interval(exposure.start, facts.timezone)}")
    return words.capitalise("; ".join(lines))


def tabulate_evidence(inputs: DraftInput) -> tuple[Table, ...]:
    """Return the tables of the evidence annex: incident, times in UTC, gaps, evidence records and
    notes.
    """
    tables = [_tabulate_incident(inputs)]
    if (facts := inputs.measured_facts) is not None:
        gaps = tuple(
            (_format_utc(span.begins), _format_utc(span.ends), span.cause)
            for span in facts.certainty.blind
        )
        blind = Table(
            "When the monitor could not see (UTC)", ("From", "To", "Cause"), gaps, (5, 5, 7)
        )
        tables += [_tabulate_times(facts), blind, _tabulate_records(facts)]
    tables.append(_tabulate_notes(inputs))
    return tuple(table for table in tables if table.rows)


def _tabulate_incident(inputs: DraftInput) -> Table:
    occurred = _format_utc(inputs.incident.occurred)
    if not has_time_of_day(inputs.incident):
        # A day without a time is not converted: in summer its midnight in London is the day before
        # in UTC.
        occurred = f"{local_date(inputs.incident.occurred, inputs.timezone)}, logged without a time"
    rows = [
        ("Incident", inputs.incident.id),
        ("Edition of the Code", f"{inputs.edition.title}, edition {inputs.edition.name}"),
        ("Practice", "; ".join(practice.cite for practice in inputs.practices) or "None cited"),
        ("Occurred", occurred),
        ("Grade", inputs.incident.grade),
    ]
    if inputs.measured_facts is not None:
        rows.append(("Measured as of", _format_utc(inputs.measured_facts.at)))
    return Table("This incident", ("Item", "Value"), tuple(rows), (1, 2))


def _tabulate_times(facts: ReleaseFacts) -> Table:
    # The announced time has no bounds, so its last cell is a remark.
    announced = "not an instant"
    if facts.slot:
        announced = _format_utc(facts.slot)
    rows = [("Announced time", announced, "as announced")]

    def add(what: str, part: PartVerdict, seen: Interval) -> None:
        name = f"{what}: {part_name(part)}"
        rows.append((name, _format_utc(seen.after), _format_utc(seen.by)))

    unknown = Interval()
    for part in sort_parts(facts):
        if part.first_seen != unknown:
            add("First seen", part, part.first_seen)
        is_released_later = part.released not in (unknown, part.first_seen)
        # A part that was already public when its slot came was not released then. Its exposure has
        # the times.
        if is_released_later and not was_public_at_slot(part):
            add("Released", part, part.released)
        for exposure in part.exposures:
            add("Exposure begins", part, exposure.start)
            if not exposure.open:
                add("Exposure ends", part, exposure.to)
    return Table("Times in UTC", ("What", "After", "By"), tuple(rows))


def _tabulate_records(facts: ReleaseFacts) -> Table:
    caption, records = "Evidence records", facts.certainty.records
    heads = dict(facts.certainty.heads)
    if not heads:
        return Table(caption, ("Record", "SHA-256"), records, (1, 2))
    rows = tuple(
        (name, digest, heads.get(name, "In the record itself")) for name, digest in records
    )
    header = ("Record", "SHA-256", "Status and headers of the answer")
    return Table(caption, header, rows, (2, 5, 6))


def _tabulate_notes(inputs: DraftInput) -> Table:
    rows = []
    for entry in inputs.incident.timeline_by_time:
        note = entry.text
        if inputs.facts:
            # Remove the shortened title and the slot: the head of the draft shows both in full.
            note = note.replace(f"{write_title_with_slot(inputs.facts, entry.at)}, ", "", 1)
        rows.append((words.format_instant(entry.at, inputs.timezone), entry.by, note))
    header = ("When", "By (role)", "Note")
    return Table("What was noted during the incident", header, tuple(rows), (4, 4, 9))


def _format_utc(instant: datetime | None) -> str:
    return instant_json(instant) or "not measured"
