"""The evidence of a draft: how it was measured, the table of parts, and the tables of the annex in UTC."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from alerts.draft import words
from alerts.draft.input import DraftInput, is_relevant, sort_parts
from alerts.draft.narrative import FINDING_SENTENCES
from alerts.draft.report import Table
from alerts.finding import BlindSpan, Certainty, ReleaseFacts, part_name
from alerts.notice_text import write_title_with_slot
from alerts.status import was_public_at_slot
from schedules.contract.verdict import PartVerdict
from schedules.times.interval import Bounds, Interval
from schedules.times.json import instant_json
from schedules.times.words import sureness

# The details of these findings contain only addresses and times. Details of other kinds are not shown.
DETAILED_FINDINGS = {*FINDING_SENTENCES, "stale_edge", "corrected", "clock_fault"}
ADDRESS_ORIGINS: Mapping[str, str] = {
    "guessed": "No calendar named the address of its page: it was guessed from that of its announcement, and absence"
    " there proves nothing.",
    "guessed and awaited": "No calendar named the address of its page: it was guessed from that of its announcement."
    " That the release was not out rests on the announcement, which still announced it, and on GOV.UK's index, which"
    " did not list it.",
    "guessed and found": "No calendar named the address of its page: it was guessed from that of its announcement, and"
    " the release was found there.",
    "led_to": "No calendar named the address of its page: its announcement led there.",
    "found": "No calendar named the address of its page: it was found by its title in a listing.",
}

NO_BLIND_SPAN = "No time in which the monitor could not see is recorded for this release."
TENTHS_BELOW = 10.0
UTC_COLUMN_SHARES = (5, 6, 6)
METHOD = (
    "First seen is an interval: the monitor had proof of absence at its start and proof of presence at its end. "
    "Bounds are rounded outward. A look that failed proves nothing and is not counted as absence."
)
RECORDS = (
    "Each evidence record named below holds the address asked, when it was asked and answered, and the answer with its "
    "status and headers. All of them can be exported as one file with their hashes."
)


def explain_certainty(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs on how the times were measured and where the monitor was blind."""
    facts = case.measured_facts
    if facts is None:
        return ("Nothing was measured by the monitor: this incident was logged by a person.",)
    sure = facts.certainty
    looks = f"{_say_looks(sure)} {_say_clock_offset(sure.clock_offset)}"
    last = facts.unread_since
    read = "" if last is None else words.format_instant(last, facts.timezone)
    unread = [f"The calendar was last read with this announced time in it at {read}."] if read else []
    gaps = [*unread, *list_unproven(facts)] or [NO_BLIND_SPAN]
    shown = [each for each in facts.findings if each.kind in DETAILED_FINDINGS and each.detail]
    details = [f"{each.kind.replace('_', ' ').capitalize()}: {each.detail.rstrip('.')}." for each in shown]
    records = [RECORDS] if sure.records else []
    return (looks, *gaps, *say_where_announced(facts), *details, METHOD, *records)


def say_where_announced(facts: ReleaseFacts) -> list[str]:
    """Return sentences on where and when the announcement was read, and how the page's address is known."""
    where = f"The announced time is from the calendar “{facts.slot_source}”" if facts.slot_source else ""
    read = words.format_instant(facts.slot_learnt, facts.timezone) if facts.slot_learnt else ""
    announced = f"{where or 'The announced time'}{' and' if where else ''} was first read at {read}" if read else where
    return [each for each in (f"{announced}." if announced else "", _say_how_address_is_known(facts)) if each]


def _say_how_address_is_known(facts: ReleaseFacts) -> str:
    """Return how the page's address is known if no calendar named it, empty if one did."""
    if facts.address != "guessed" or facts.page is None:
        return ADDRESS_ORIGINS.get(facts.address, "")
    is_awaited = facts.page.verdict in ("overdue", "not_published")
    found = " and found" if facts.page.first_seen.by is not None else " and awaited" if is_awaited else ""
    return ADDRESS_ORIGINS[f"guessed{found}"]


def list_unproven(facts: ReleaseFacts) -> list[str]:
    """Return sentences on what remains unproven, and on each time in which the monitor could not see."""
    open_question = f"Not proved: {facts.unproven_because.rstrip('.')}." if facts.unproven_because else ""
    # Two monitors may have the same gap, for example if they lost the same store.
    blind = dict.fromkeys(describe_blind_span(each, facts.timezone) for each in facts.certainty.blind)
    return [each for each in (open_question, *blind) if each]


def describe_blind_span(blind: BlindSpan, timezone: str) -> str:
    """Return the sentence on when and why the monitor could not see."""
    gap = words.format_interval(Interval(blind.begins, blind.ends), timezone)
    if blind.cause == "budget":
        less = "The monitor looked less than a tenth as often as planned"
        return f"{less} {gap} (budget): what lies between is not known."
    if blind.cause == "no_worker":
        return f"The monitor itself could not read large pages {gap} (no_worker); that gap is no evidence either way."
    return f"The monitor itself could not see {gap} ({blind.cause}); that gap is no evidence either way."


def _say_looks(sure: Certainty) -> str:
    """Return sentences on the number of looks, by which monitors, how many failed, and the widest gap between two."""
    names = [f"“{name}”" for name in sorted({sure.monitor, *sure.others}) if name]
    by = f" by the monitor{'s' if len(names) > 1 else ''} {words.join(names)}".rstrip()
    failed = f"{sure.failed_looks:,}" if sure.failed_looks else "none"
    made = f"{words.count(sure.looks, 'look')} made{by}; {failed} of them failed."
    if sure.widest_gap is None:
        return made
    gap = _format_gap(sure.widest_gap)
    return f"{made} Around the announced time the widest gap between two looks at the page was {gap}."


def _format_gap(seconds: float) -> str:
    """Return a gap in words, rounded up to a second, or to a tenth below ten seconds."""
    tenths = math.ceil(round(seconds * 10, 6))
    if tenths % 10 and seconds < TENTHS_BELOW:
        return f"{tenths / 10:g} seconds"
    return words.format_length(math.ceil(tenths / 10))


def _say_clock_offset(offset: Bounds | None) -> str:
    """Return the sentence on how far the monitor's clock was from those of the watched hosts, in tenths of a second."""
    if offset is None or (offset.min is None and offset.max is None):
        return "The monitor's clock was not compared with those of the watched hosts."
    low = "not bounded" if offset.min is None else _format_tenths(math.floor(round(offset.min * 10, 6)))
    high = "not bounded" if offset.max is None else _format_tenths(math.ceil(round(offset.max * 10, 6)))
    return f"The monitor's clock differed from those of the watched hosts by {low} to {high}."


def _format_tenths(number: int) -> str:
    return f"{number / 10:+.1f} s" if number else "0.0 s"


def tabulate_parts(facts: ReleaseFacts) -> tuple[Table, ...]:
    """Return the table of parts in local time, each with its own delay and exposure."""
    at = words.format_weekday_instant(facts.slot, facts.timezone) if facts.slot else ""
    caption = f"Announced time: {at}" if at else f"Announced: {facts.slot_text}"
    header = ("Part and address", "First seen by the monitor", "Against the announced time", "Public before it")
    rows = tuple(
        (
            f"{words.capitalise(part_name(part))}\n{part.url}",
            _say_first_seen(part, facts),
            _say_delay(part, facts),
            _say_exposures(part, facts),
        )
        for part in sort_parts(facts)
    )
    return (Table(caption, header, rows, (6.2, 4.0, 3.4, 3.2)),) if rows else ()


def _say_first_seen(part: PartVerdict, facts: ReleaseFacts) -> str:
    first = words.format_interval(part.first_seen, facts.timezone)
    if was_public_at_slot(part):
        return f"Already public; came {first}"
    # A part that was exposed was seen first at the exposure, and released later.
    if part.exposures and part.released.by:
        return f"Released {words.format_interval(part.released, facts.timezone)}"
    return "Not seen" if part.first_seen.by is None else words.capitalise(first)


def _say_delay(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return the delay of a part with both bounds, or why it has none."""
    hidden = f"; for users {words.format_bounds(part.wait)} late" if part.is_hidden and part.wait is not None else ""
    if part.verdict == "on_time" or not is_relevant(part):
        return f"On time{sureness(part.early_bound)}{hidden}" if is_relevant(part) else "Not used"
    if part.verdict in ("unproven", "pending"):
        return "Not proved" if part.verdict == "unproven" else "Not judged yet"
    if part.exposures or part.delay is None or facts.slot is None:
        return "Early" if part.exposures else "Not measured in minutes"
    low, high = part.delay.min, part.delay.max
    if high is not None and high <= 0:
        early = words.format_bounds(Bounds(-high, None if low is None else -low))
        return words.capitalise(f"{early} early{hidden}")
    # No alternative address was announced, so a release there cannot be late.
    late = "after it" if part.role == "alternative" else "late"
    growing = " so far" if part.verdict == "overdue" else ""
    return words.capitalise(f"{words.format_bounds(part.delay)} {late}{growing}{hidden}")


def _say_exposures(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return the length and start of each time in which a part was public before its slot, or that there was none."""
    exposures = []
    for each in part.exposures:
        length = Bounds(each.seconds.min, None) if each.open else each.seconds
        still = ", still open" if each.open else ""
        began = words.format_interval(each.start, facts.timezone)
        exposures.append(f"{words.format_bounds(length)}{still}; began {began}")
    if not exposures:
        return "None proved" if part.verdict == "unproven" else "None seen"
    return words.capitalise("; ".join(exposures))


def tabulate_evidence(case: DraftInput) -> tuple[Table, ...]:
    """Return the tables of the evidence annex: incident, times in UTC, gaps, evidence records and notes."""
    tables = [_tabulate_incident(case)]
    if (facts := case.measured_facts) is not None:
        tables += [_tabulate_times(facts), _tabulate_blind_spans(facts), _tabulate_records(facts)]
    tables.append(_tabulate_notes(case))
    return tuple(table for table in tables if table.rows)


def _tabulate_incident(case: DraftInput) -> Table:
    rows = [
        ("Incident", case.incident.id),
        ("Edition of the Code", f"{case.edition.title}, edition {case.edition.name}"),
        ("Practice", "; ".join(practice.cite for practice in case.practices) or "None cited"),
        ("Occurred", _format_occurrence(case)),
    ]
    if case.measured_facts is not None:
        rows.append(("Measured as of", _format_utc(case.measured_facts.at)))
    return Table("This incident", ("Item", "Value"), tuple(rows), (1, 2))


def _format_occurrence(case: DraftInput) -> str:
    """Return when an incident occurred: in UTC, or the day as a person logged it without a time."""
    # A day without a time is not converted: in summer its midnight in London is the day before in UTC.
    logged = case.incident.words.get("when", "").split(",")[0].strip()
    is_day = case.incident.kind == "hand" and len(logged) == len("2016-10-01")
    return f"{logged}, logged without a time" if is_day else _format_utc(case.incident.occurred)


def _tabulate_times(facts: ReleaseFacts) -> Table:
    """Return the table of the announced time and, for each part, first sight, release and exposures."""
    rows = [("Announced time", _format_utc(facts.slot) if facts.slot else "not an instant", "as announced")]
    for part in sort_parts(facts):
        if part.first_seen != Interval():
            rows.append(_interval_row(f"First seen: {part_name(part)}", part.first_seen))
        if part.released not in (Interval(), part.first_seen) and not was_public_at_slot(part):
            rows.append(_interval_row(f"Released: {part_name(part)}", part.released))
        for each in part.exposures:
            rows += [_interval_row(f"Exposure begins: {part_name(part)}", each.start)]
            rows += [] if each.open else [_interval_row(f"Exposure ends: {part_name(part)}", each.to)]
    return Table("Times in UTC", ("What", "After", "By"), tuple(rows), UTC_COLUMN_SHARES)


def _interval_row(what: str, seen: Interval) -> tuple[str, str, str]:
    return what, _format_utc(seen.after), _format_utc(seen.by)


def _tabulate_blind_spans(facts: ReleaseFacts) -> Table:
    rows = tuple((_format_utc(each.begins), _format_utc(each.ends), each.cause) for each in facts.certainty.blind)
    return Table("When the monitor could not see (UTC)", ("From", "To", "Cause"), rows, (5, 5, 7))


def _tabulate_records(facts: ReleaseFacts) -> Table:
    heads = dict(facts.certainty.heads)
    if not heads:
        return Table("Evidence records", ("Record", "SHA-256"), facts.certainty.records, (1, 2))
    rows = tuple((name, digest, heads.get(name, "In the record itself")) for name, digest in facts.certainty.records)
    return Table("Evidence records", ("Record", "SHA-256", "Status and headers of the answer"), rows, (2, 5, 6))


def _tabulate_notes(case: DraftInput) -> Table:
    rows = []
    for each in case.incident.timeline_by_time:
        # Remove the shortened title and the slot: the head of the draft shows both in full.
        known = f"{write_title_with_slot(case.facts, each.at)}, " if case.facts else ""
        rows.append((words.format_instant(each.at, case.timezone), each.by, each.text.replace(known, "", 1)))
    return Table("What was noted during the incident", ("When", "By (role)", "Note"), tuple(rows), (4, 4, 9))


def _format_utc(instant: datetime | None) -> str:
    return instant_json(instant) or "not measured"
