"""How sure the measurement is, and the tables of the annex: the evidence, in UTC."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from alerts.draft import words
from alerts.draft.input import DraftInput, bears_on, parts_in_order
from alerts.draft.narrative import REMARKS
from alerts.draft.report import Table
from alerts.finding import BlindSpan, Certainty, Exposure, Part, ReleaseFacts, part_name
from alerts.incident import Entry
from alerts.notice_text import title_with_slot
from alerts.status import was_public_at_slot
from schedules.times.interval import Bounds, Interval
from schedules.times.json import instant_json
from schedules.times.words import sureness

# Details of these findings contain addresses and times only; those of any other kind are not repeated.
SHOWN = {*REMARKS, "stale_edge", "corrected", "clock_fault"}
UNNAMED: Mapping[str, str] = {
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

_NEVER_BLIND = "No time in which the monitor could not see is recorded for this release."
_EXACT_BELOW = 10.0
UTC_SHARES = (5, 6, 6)
METHOD = (
    "First seen is an interval: the monitor had proof of absence at its start and proof of presence at its end. "
    "Bounds are rounded outward. A look that failed proves nothing and is not counted as absence."
)
RECORDS = (
    "Each evidence record named below holds the address asked, when it was asked and answered, and the answer with its "
    "status and headers. All of them can be exported as one file with their hashes."
)


def certainty(case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs on how the times were measured and where the monitor was blind."""
    facts = case.measured
    if facts is None:
        return ("Nothing was measured by the monitor: this incident was logged by a person.",)
    sure = facts.certainty
    read = words.brief(facts.unread_since, facts.timezone) if facts.unread_since else ""
    unread = f"The calendar was last read with this announced time in it at {read}." if read else ""
    gaps = [*filter(None, [unread]), *unproven(facts)] or [_NEVER_BLIND]
    shown = [each for each in facts.findings if each.kind in SHOWN and each.detail]
    details = [f"{each.kind.replace('_', ' ').capitalize()}: {each.detail.rstrip('.')}." for each in shown]
    records = [RECORDS] if sure.records else []
    return (f"{_looks(sure)} {_clock(sure.clock_offset)}", *gaps, *where_announced(facts), *details, METHOD, *records)


def where_announced(facts: ReleaseFacts) -> list[str]:
    """Return where and when the announcement was read and how the page's address is known."""
    where = f"The announced time is from the calendar “{facts.slot_source}”" if facts.slot_source else ""
    read = words.brief(facts.slot_learnt, facts.timezone) if facts.slot_learnt else ""
    learnt = f"{where or 'The announced time'}{' and' if where else ''} was first read at {read}" if read else where
    return [each for each in (f"{learnt}." if learnt else "", _say_how_address_is_known(facts)) if each]


def _say_how_address_is_known(facts: ReleaseFacts) -> str:
    """Return how the page's address is known if no calendar named it, empty if one did."""
    if facts.address != "guessed" or facts.page is None:
        return UNNAMED.get(facts.address, "")
    is_awaited = facts.page.verdict in ("overdue", "not_published")
    found = " and found" if facts.page.first_seen.by is not None else " and awaited" if is_awaited else ""
    return UNNAMED[f"guessed{found}"]


def unproven(facts: ReleaseFacts) -> list[str]:
    """Return what remains unproven, and when the monitor could not see."""
    open_question = f"Not proved: {facts.unproven_because.rstrip('.')}." if facts.unproven_because else ""
    # Two monitors that lost their store together say the same.
    blind = dict.fromkeys(blind_told(each, facts.timezone) for each in facts.certainty.blind)
    return [each for each in (open_question, *blind) if each]


def blind_told(blind: BlindSpan, timezone: str) -> str:
    """Return when the monitor could not see, and why."""
    gap = words.between(Interval(blind.begins, blind.ends), timezone)
    if blind.cause == "budget":
        return (
            f"The monitor looked less than a tenth as often as planned {gap} (budget): what lies between is not known."
        )
    if blind.cause == "no_worker":
        return f"The monitor itself could not read large pages {gap} (no_worker); that gap is no evidence either way."
    return f"The monitor itself could not see {gap} ({blind.cause}); that gap is no evidence either way."


def _looks(sure: Certainty) -> str:
    names = [f"“{name}”" for name in sorted({sure.monitor, *sure.others}) if name]
    by = f" by the monitor{'s' if len(names) > 1 else ''} {words.joined(names)}".rstrip()
    failed = f"{sure.failed_looks:,}" if sure.failed_looks else "none"
    made = f"{words.count(sure.looks, 'look')} made{by}; {failed} of them failed."
    if sure.widest_gap is None:
        return made
    return f"{made} Around the announced time the widest gap between two looks at the page was {_gap(sure.widest_gap)}."


def _gap(seconds: float) -> str:
    """Return a gap in words, never shorter than it was."""
    tenths = math.ceil(round(seconds * 10, 6))
    whole = math.ceil(tenths / 10)
    return f"{tenths / 10:g} seconds" if tenths % 10 and seconds < _EXACT_BELOW else words.length(whole)


def _clock(offset: Bounds | None) -> str:
    if offset is None or (offset.min is None and offset.max is None):
        return "The monitor's clock was not compared with those of the watched hosts."
    low = "not bounded" if offset.min is None else _tenths(math.floor(round(offset.min * 10, 6)))
    high = "not bounded" if offset.max is None else _tenths(math.ceil(round(offset.max * 10, 6)))
    return f"The monitor's clock differed from those of the watched hosts by {low} to {high}."


def _tenths(number: int) -> str:
    return f"{number / 10:+.1f} s" if number else "0.0 s"


def measured(facts: ReleaseFacts) -> tuple[Table, ...]:
    """Return the table of parts in local time, each with its own delay and exposure."""
    zone = facts.timezone
    slot = f"Announced time: {words.moment(facts.slot, zone)}" if facts.slot else f"Announced: {facts.slot_text}"
    header = ("Part and address", "First seen by the monitor", "Against the announced time", "Public before it")
    rows = tuple(_row(part, facts) for part in parts_in_order(facts))
    return (Table(slot, header, rows, (6.2, 4.0, 3.4, 3.2)),) if rows else ()


def _row(part: Part, facts: ReleaseFacts) -> tuple[str, ...]:
    name = part_name(part)
    return f"{words.capital(name)}\n{part.url}", _first(part, facts), _delay(part, facts), _early(part, facts)


def _first(part: Part, facts: ReleaseFacts) -> str:
    # For a part that was exposed the release is another event than the first time it was seen.
    if was_public_at_slot(part):
        return f"Already public; came {words.between(part.first_seen, facts.timezone)}"
    if part.exposures and part.released.by:
        return f"Released {words.between(part.released, facts.timezone)}"
    return "Not seen" if part.first_seen.by is None else words.capital(words.between(part.first_seen, facts.timezone))


def _delay(part: Part, facts: ReleaseFacts) -> str:
    if part.verdict == "on_time" or not bears_on(part):
        return f"On time{sureness(part.early_bound)}{_users(part)}" if bears_on(part) else "Not used"
    if part.verdict in ("unproven", "pending"):
        return "Not proved" if part.verdict == "unproven" else "Not judged yet"
    if part.exposures or part.delay is None or facts.slot is None:
        return "Early" if part.exposures else "Not measured in minutes"
    growing = " so far" if part.verdict == "overdue" else ""
    ahead = part.delay.max is not None and part.delay.max <= 0
    bounds = (
        Bounds(-(part.delay.max or 0), None if part.delay.min is None else -part.delay.min) if ahead else part.delay
    )
    # No alternative address was announced, so a release there cannot be late.
    behind = "after it" if part.role == "alternative" else "late"
    return words.capital(f"{words.span(bounds)} {'early' if ahead else behind}{growing}{_users(part)}")


def _users(part: Part) -> str:
    return f"; for users {words.span(part.wait)} late" if part.is_hidden and part.wait is not None else ""


def _early(part: Part, facts: ReleaseFacts) -> str:
    told = [f"{_span_open(each)}; began {words.between(each.start, facts.timezone)}" for each in part.exposures]
    return words.capital("; ".join(told)) if told else "None proved" if part.verdict == "unproven" else "None seen"


def _span_open(exposure: Exposure) -> str:
    if exposure.open:
        return f"{words.span(Bounds(exposure.seconds.min, None))}, still open"
    return words.span(exposure.seconds)


def annex(case: DraftInput) -> tuple[Table, ...]:
    """Return the tables of the evidence annex: incident, times in UTC, gaps, evidence records and notes."""
    tables = [_document(case)]
    if case.measured is not None:
        tables += [_times(case.measured), _gaps(case.measured), _records(case.measured)]
    tables.append(_noted(case))
    return tuple(table for table in tables if table.rows)


def _document(case: DraftInput) -> Table:
    rows = [
        ("Incident", case.incident.id),
        ("Edition of the Code", f"{case.edition.title}, edition {case.edition.name}"),
        ("Practice", "; ".join(clause.cite for clause in case.clauses) or "None cited"),
        ("Occurred", _occurred(case)),
    ]
    if case.measured is not None:
        rows.append(("Measured as of", _utc(case.measured.at)))
    return Table("This incident", ("Item", "Value"), tuple(rows), (1, 2))


def _occurred(case: DraftInput) -> str:
    # Midnight in London is the day before in UTC, for half of the year.
    logged = case.incident.words.get("when", "").split(",")[0].strip()
    is_day = case.incident.kind == "hand" and len(logged) == len("2016-10-01")
    return f"{logged}, logged without a time" if is_day else _utc(case.incident.occurred)


def _times(facts: ReleaseFacts) -> Table:
    rows = [("Announced time", _utc(facts.slot) if facts.slot else "not an instant", "as announced")]
    for part in parts_in_order(facts):
        if part.first_seen != Interval():
            rows.append(_pair(f"First seen: {part_name(part)}", part.first_seen))
        if part.released not in (Interval(), part.first_seen) and not was_public_at_slot(part):
            rows.append(_pair(f"Released: {part_name(part)}", part.released))
        for each in part.exposures:
            rows += [_pair(f"Exposure begins: {part_name(part)}", each.start)]
            rows += [] if each.open else [_pair(f"Exposure ends: {part_name(part)}", each.to)]
    return Table("Times in UTC", ("What", "After", "By"), tuple(rows), UTC_SHARES)


def _pair(what: str, seen: Interval) -> tuple[str, str, str]:
    return what, _utc(seen.after), _utc(seen.by)


def _gaps(facts: ReleaseFacts) -> Table:
    rows = tuple((_utc(each.begins), _utc(each.ends), each.cause) for each in facts.certainty.blind)
    return Table("When the monitor could not see (UTC)", ("From", "To", "Cause"), rows, (5, 5, 7))


def _records(facts: ReleaseFacts) -> Table:
    heads = dict(facts.certainty.heads)
    if not heads:
        return Table("Evidence records", ("Record", "SHA-256"), facts.certainty.records, (1, 2))
    rows = tuple((name, digest, heads.get(name, "In the record itself")) for name, digest in facts.certainty.records)
    return Table("Evidence records", ("Record", "SHA-256", "Status and headers of the answer"), rows, (2, 5, 6))


def _line(entry: Entry, case: DraftInput) -> str:
    # Remove the shortened title and the slot: the head of the draft shows both in full.
    return entry.text.replace(f"{title_with_slot(case.facts, entry.at)}, ", "", 1) if case.facts else entry.text


def _noted(case: DraftInput) -> Table:
    rows = tuple(
        (words.brief(each.at, case.timezone), each.by, _line(each, case)) for each in case.incident.timeline_by_time
    )
    return Table("What was noted during the incident", ("When", "By (role)", "Note"), rows, (4, 4, 9))


def _utc(instant: datetime | None) -> str:
    return instant_json(instant) or "not measured"
