"""The status of a release at an instant, in a few words that are true then."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from alerts import fact_rules
from alerts.finding import ReleaseFacts, part_label, title_part
from alerts.one_line import whole_lengths
from schedules.contract.verdict import (
    LATE_VERDICTS,
    Elsewhere,
    Ended,
    Exposure,
    Finding,
    FindingKind,
    PartVerdict,
)
from schedules.times.interval import Bounds, Interval, earliest_known, latest_known
from schedules.times.words import (
    MINUTE,
    SECOND,
    between_moments,
    count,
    length,
    moment,
    rounded,
    rounded_up_until,
    sureness,
)

CALENDAR_DOUBTS = {
    "calendars_disagree": "calendars disagree about its time",
    "brought_forward": "brought forward",
    "promise_in_doubt": "its announced time is in doubt",
    "short_notice": "announced or changed at short notice",
}
"""The gravest doubt first."""
_HOUR = 3600
_MOST_NAMED = 2
NO_BREACH = frozenset({"unproven", "on_time", "cancelled", "moved", "settled"})
"""Statuses that claim no breach, which an incident may have later."""
_CAUSES_OF_BLINDNESS = {
    "stopped": "the monitor was stopped",
    "killed": "the monitor was down",
    "suspended": "the monitor was suspended",
    "stalled": "the monitor stalled",
    "network": "the monitor's network was down",
    "dns": "the monitor's name lookups failed",
    "budget": "the monitor's looks were too far apart",
    "clock": "the monitor's clock was in doubt",
    "no_worker": "large answers were not read",
}


def find_current_status(kind: str, facts: ReleaseFacts) -> str:
    """Return the status that a notice gives a release now, such as `late`.

    It is the `kind` of its incident while that is true, else the gravest that is: a release that
    was late may be unproven by now, or have another slot.
    """
    if _STATUSES[kind].is_true(facts):
        return kind
    for status in ("early", "partial", "stale", "late", "due", "unproven"):
        if _STATUSES[status].is_true(facts):
            return status
    if facts.verdict == "unannounced":
        # No fault of the release, but people must check why no calendar announced it.
        return "calendar"
    if facts.verdict in ("on_time", "cancelled", "moved"):
        return facts.verdict
    # The others prove no breach.
    return "settled"


def describe_status(kind: str, facts: ReleaseFacts, now: datetime) -> str:
    """Return the status in a few words, with both bounds of every length."""
    return _STATUSES[find_current_status(kind, facts)].describe(facts, now)


def subject_prefix(status: str) -> str:
    """Return the words that begin a subject, such as `NOT FOUND YET`."""
    return _STATUSES[status].prefix


def list_late_parts(facts: ReleaseFacts) -> list[tuple[PartVerdict, Bounds | None]]:
    """Return each required part that is late, with its delay if known.

    Of one that was public early, removed and then late, only a finding says so.
    """
    delays = {
        finding.part: finding.seconds
        for finding in facts.findings
        if finding.kind == FindingKind.LATE
    }
    return [
        (part, delays.get(part.id) or part.delay)
        for part in facts.parts
        if part.required and (part.id in delays or part.verdict in LATE_VERDICTS)
    ]


def find_main_late_part(facts: ReleaseFacts) -> tuple[PartVerdict, Bounds | None] | None:
    """Return the part that is late for longest, the page first, with its delay."""

    def order_by_delay(late: tuple[PartVerdict, Bounds | None]) -> tuple[bool, float, bool]:
        part, delay = late
        longest = (delay or Bounds()).max or 0.0
        return not fact_rules.has_appeared(part), longest, part.id == "page"

    return max(list_late_parts(facts), key=order_by_delay, default=None)


def was_public_at_slot(part: PartVerdict) -> bool:
    """Return whether a part was already public when its slot came."""
    return any(each.ended is Ended.SLOT for each in part.exposures)


def was_released(part: PartVerdict) -> bool:
    """Return whether a part was published at its slot or later."""
    # An early part not seen removed, or absent again, may have been public all the time.
    is_dated = None not in (part.released.after, part.released.by)
    return is_dated and all(each.ended is Ended.REMOVED for each in part.exposures)


def say_exposed_since(exposure: Exposure, facts: ReleaseFacts, now: datetime) -> str:
    """Return the local time from which an exposure is proved."""
    start = exposure.start.by or exposure.start.after or facts.at
    since = rounded_up_until(start, now)
    return moment(since, facts.timezone, now, exact=bool(since.microsecond))


def describe_exposure_end(ended: str | None, when: str) -> str:
    """Return why, if stored, and `when` an exposure ended."""
    if ended == Ended.SLOT:
        return "still public when its slot came"
    if ended == Ended.REMOVED:
        return f"removed {when}"
    return f"ended, for an unknown reason, {when}"


def measure_breach(facts: ReleaseFacts, now: datetime) -> Bounds | None:
    """Return how long a release was public early, or how late users got it, or None.

    What goes on counts until `now`.
    """
    if fact_rules.is_early(facts):
        open_since = earliest_known(each.start.by for each in facts.exposures if each.open)
        if open_since is not None:
            return _measure_so_far(open_since, now)
        lengths = (each.seconds for each in facts.exposures if each.seconds.max is not None)
        return max(lengths, key=lambda lasted: lasted.max or 0.0, default=None)
    if facts.slot is None or not fact_rules.is_late(facts):
        return None
    lasted: Bounds | None = None
    late = find_main_late_part(facts)
    if late is None:
        if (hidden := _find_longest_hidden_part(facts)) is not None:
            lasted = hidden.wait
    else:
        part, lasted = late
        if part.is_hidden:
            lasted = part.wait
        seen = fact_rules.find_appearance(part).by
        # The facts may be newer than `now`.
        if seen is None or seen > now:
            lasted = Bounds()
    if lasted is not None and lasted.max is None:
        return _measure_so_far(facts.slot, now)
    return lasted


def _measure_so_far(began: datetime, now: datetime) -> Bounds:
    seconds = max(0.0, (now - began).total_seconds())
    return Bounds(seconds, seconds)


def brief_length(lasted: Bounds) -> str:
    """Return `12 min` or `3 h 12 min`, or bounds over a minute apart: `2 to 20 min`."""
    least, most = lasted.min or 0.0, lasted.max or 0.0
    units = 1 if most < _HOUR else 2
    if most - least <= MINUTE.total_seconds():
        return length(most, math.floor, parts=units, tenths=False)
    longest = length(most, math.ceil, parts=units, tenths=False)
    if least < MINUTE.total_seconds():
        return f"up to {longest}"
    shortest = length(least, math.floor, parts=units, tenths=False)
    number, _, unit = shortest.partition(" ")
    if unit == longest.partition(" ")[2]:
        shortest = number
    return f"{shortest} to {longest}"


def is_late_part_absent(facts: ReleaseFacts) -> bool:
    """Return whether a part that is late is not out yet."""
    return not all(fact_rules.has_appeared(part) for part, _ in list_late_parts(facts))


def is_wait_over(facts: ReleaseFacts) -> bool:
    """Return whether users can get every part that was late or hidden by a cache."""
    hidden = _find_longest_hidden_part(facts)
    is_any_hidden = hidden is not None and not fact_rules.has_upper_bound(hidden.wait)
    return not is_late_part_absent(facts) and not is_any_hidden


def _find_longest_hidden_part(facts: ReleaseFacts) -> PartVerdict | None:
    """Return the required part that a cache kept from users for longest, or None."""

    def order_by_wait(part: PartVerdict) -> tuple[bool, float]:
        wait = part.wait or Bounds()
        return wait.max is None, wait.min or 0.0

    hidden = (part for part in facts.parts if part.required and part.is_hidden)
    return max(hidden, key=order_by_wait, default=None)


def _describe_late(facts: ReleaseFacts, now: datetime) -> str:
    """Return when the main late part was seen and how late, or that it is absent."""
    if (late := find_main_late_part(facts)) is None:
        return "late"
    part, delay = late
    seen = fact_rules.find_appearance(part)
    if seen.by is None and part.is_hidden:
        # The publisher's own record shows it, so it is not called absent.
        status = f"published{_describe_users_wait(part, facts, now)}"
    elif seen.by is None:
        status = _describe_absence(facts, delay, now)
    else:
        # If it was public early, it was first seen then.
        how = "released" if part.exposures else "first seen"
        status = f"{how} {between_moments(seen, facts.timezone, now)}"
        if delay is not None and delay.max is not None:
            status += f", {whole_lengths(delay)} late"
        status += _describe_users_wait(part, facts, now)
        if published := fact_rules.find_earlier_publication(facts, part):
            by = moment(rounded_up_until(published, now), facts.timezone, now)
            status += f", although published by {by}"
    status += _name_part_unless_page(part)
    if fact_rules.is_wrong_file_there(facts, part):
        status += ", another file is at its address"
    return f"{status}{_mention_alternatives(facts, now)}"


def _name_part_unless_page(part: PartVerdict) -> str:
    return "" if part.id == "page" else f" ({part.id})"


def _describe_users_wait(part: PartVerdict, facts: ReleaseFacts, now: datetime) -> str:
    """Return how late users could get a part that a cache hid, or that they still could not."""
    wait = part.wait
    if not part.is_hidden or wait is None or facts.slot is None:
        return ""
    if wait.max is not None:
        return f", users could get it {whole_lengths(wait)} late"
    last_old_copy = facts.slot + timedelta(seconds=wait.min or 0.0)
    clock = moment(last_old_copy.replace(microsecond=0), facts.timezone, now, exact=True)
    return f", users still could not get it at {clock}"


def _describe_stale(facts: ReleaseFacts, now: datetime) -> str:
    """Return how long a cache keeps users from the part for which they waited longest."""
    part = _find_longest_hidden_part(facts)
    if part is None:  # the finding `stale_edge` may have no times
        return "a cache kept it from users"
    published = "published"
    if part.verdict == "on_time":
        published += " on time"
    return f"{published}{_describe_users_wait(part, facts, now)}{_name_part_unless_page(part)}"


def _describe_partial(facts: ReleaseFacts, now: datetime) -> str:
    required = sum(part.required for part in facts.parts)
    return f"{len(list_late_parts(facts))} of {required} parts late, {_describe_late(facts, now)}"


def _describe_early(facts: ReleaseFacts, now: datetime) -> str:
    """Return since when, or how long, it was public before its slot, and what followed."""
    groups = fact_rules.group_exposures(facts.exposures)
    if not groups:
        return "something was public before its slot"
    group = max(groups, key=_rank_exposures)
    still_open = [exposure for exposure in group if exposure.open]
    where = _name_exposed_parts(still_open or group, facts)
    if still_open:
        return (
            f"public since {say_exposed_since(still_open[0], facts, now)}{where}, not seen"
            " removed yet"
        )
    longest = max(group, key=_longest_seconds)
    was = (
        f"was public for {whole_lengths(longest.seconds)} from"
        f" {say_exposed_since(longest, facts, now)}{where}"
    )
    times = max(len(groups), sum(each.part == longest.part for each in facts.exposures))
    if times > 1:
        was += f", one of {times} times"
    return "; ".join(filter(None, (was, _describe_page_after_exposure(facts, now))))


def _rank_exposures(group: Sequence[Exposure]) -> tuple[bool, int, float]:
    """Return the rank of a group: one still open is the gravest, then that in the most places, then
    the longest.
    """
    is_open = any(exposure.open for exposure in group)
    return is_open, len(group), max(map(_longest_seconds, group))


def _longest_seconds(exposure: Exposure) -> float:
    return exposure.seconds.max or 0.0


def _name_exposed_parts(exposures: Sequence[Exposure], facts: ReleaseFacts) -> str:
    """Return in brackets which parts were public: ` (data tables)`; empty for the page alone."""
    ids = list(dict.fromkeys(exposure.part for exposure in exposures))
    if ids == ["page"]:
        return ""
    if len(ids) > _MOST_NAMED:
        return f" in {len(ids)} places"
    return f" ({' and '.join(_name_exposed_part(part_id, facts) for part_id in ids)})"


def _name_exposed_part(part_id: str, facts: ReleaseFacts) -> str:
    """Return what users call a part, followed by its id if others are called the same."""
    part = next((part for part in facts.parts if part.id == part_id), None)
    if part is None or part.role in ("page", "alternative"):
        return part_label(part_id)
    title = title_part(part)
    is_only = [title_part(each) for each in facts.parts].count(title) == 1
    return title if is_only else f"{title} {part_id}"


def _describe_page_after_exposure(facts: ReleaseFacts, now: datetime) -> str:
    """Return what happened at the slot and after to a release that was public early, or ""."""
    page = facts.page
    if page is None or facts.slot is None or facts.at < facts.slot:
        return ""
    # A page still public at its slot matters more than another late part.
    if list_late_parts(facts) and not was_public_at_slot(page):
        return _describe_late(facts, now)
    return describe_release_after_exposure(page, facts, now)


def describe_release_after_exposure(part: PartVerdict, facts: ReleaseFacts, now: datetime) -> str:
    """Return that an exposed part was public at its slot, or when it was released, or ""."""
    if was_public_at_slot(part):
        return "already public when its slot came"
    if was_released(part):
        return f"released {between_moments(part.released, facts.timezone, now)}"
    return ""


def _describe_due(facts: ReleaseFacts, now: datetime) -> str:
    due = facts.due
    if due is None:
        return "not found yet"
    at = moment(facts.at.replace(microsecond=0), facts.timezone, now, exact=True)
    return (
        f"not found yet at {at}, confirming; the last look got"
        f" {due.got}{_mention_alternatives(facts, now)}"
    )


def _describe_unproven(facts: ReleaseFacts, now: datetime) -> str:
    """Return why it is not proved when a release came out, and by when it was public."""
    elsewhere = _mention_alternatives(facts, now)
    if FindingKind.UNWATCHED in facts.finding_kinds:
        return (
            f"not out {moment(facts.at, facts.timezone, now)}, not watched at its slot{elsewhere}"
        )
    unproven = [part for part in facts.parts if part.required and part.verdict == "unproven"]
    # About the page, unless only other parts are unproven.
    part = min(unproven, key=lambda part: part.id != "page", default=facts.page)
    if part is None:
        return f"{_explain_doubt(facts, Interval(), now)}; not proved to be out{elsewhere}"
    name = "" if part.id == "page" else f"{part.id} "
    if part.changed.by is not None:
        # This may be the release, after the previous edition.
        return f"{name}changed {between_moments(part.changed, facts.timezone, now)}{elsewhere}"
    seen = fact_rules.find_appearance(part)
    if part.was_in_place:
        published = "in place before its slot"
    elif seen.by is None:
        published = "not proved to be out"
    else:
        by = rounded_up_until(seen.by, now, MINUTE)
        published = f"published by {_format_minute(by, facts, now)}"
    return f"{_explain_doubt(facts, seen, now)}; {name}{published}{elsewhere}"


def _explain_doubt(facts: ReleaseFacts, seen: Interval, now: datetime) -> str:
    """Return the doubt: calendars, a blind span, our clock, or no look."""
    for doubt in (FindingKind.PROMISE_IN_DOUBT, FindingKind.CALENDARS_DISAGREE):
        if doubt in facts.finding_kinds:
            return CALENDAR_DOUBTS[doubt]
    # Only blindness in the time in which it came out explains the doubt.
    earliest = seen.after or facts.slot or facts.at
    latest = max(seen.by or facts.at, earliest + SECOND)
    blind = [
        span for span in facts.certainty.blind if span.begins < latest and span.ends > earliest
    ]
    if blind:
        longest = max(blind, key=lambda span: span.ends - span.begins)
        begins = _format_minute(rounded(longest.begins, MINUTE), facts, now)
        ends = _format_minute(rounded_up_until(longest.ends, now, MINUTE), facts, now)
        return f"{say_cause_of_blindness(longest.cause)} {begins}\N{EN DASH}{ends}"
    if FindingKind.CLOCK_FAULT in facts.finding_kinds:
        return "the monitor's clock was in doubt"
    return "no look proves when it came out"


def say_cause_of_blindness(cause: str) -> str:
    """Return the cause of a blind span in words."""
    return _CAUSES_OF_BLINDNESS.get(cause.split(", ", maxsplit=1)[0], "the monitor could not see")


def _format_minute(instant: datetime, facts: ReleaseFacts, now: datetime) -> str:
    """Return the local time to the minute, without its zone."""
    return moment(instant.replace(microsecond=0), facts.timezone, now).rpartition(" ")[0]


def _describe_on_time(facts: ReleaseFacts, now: datetime) -> str:
    status = "came out on time"
    if facts.page is not None:
        status += sureness(facts.page.early_bound)
        seen = fact_rules.find_appearance(facts.page)
        if seen.by is not None:
            status += f", first seen {between_moments(seen, facts.timezone, now)}"
    return status


def _describe_altered(facts: ReleaseFacts, now: datetime) -> str:
    changes = []
    if groups := fact_rules.group_removals(facts):
        changes.append(f"{_describe_removals(groups[-1], facts, now)} ({_name_parts(groups[-1])})")
    alterations = fact_rules.find_alterations(facts)
    if swapped := [each for each in alterations if each.kind == FindingKind.SWAPPED]:
        changes.append(f"other bytes than at its release ({_name_parts(swapped)})")
    return "; ".join(changes)


def _describe_wrong_file(facts: ReleaseFacts, _now: datetime) -> str:
    wrong_file = fact_rules.find_wrong_files(facts)[0]
    verb = "was" if fact_rules.has_upper_bound(wrong_file.seconds) else "is"
    return f"what is out {verb} {say_instead(wrong_file)} ({part_label(wrong_file.part)})"


def say_instead(wrong_file: Finding) -> str:
    """Return what a file is that says itself that it is not the release's."""
    if wrong_file.kind == FindingKind.WRONG_CONTENT:
        return f"the file of “{wrong_file.instead}”"
    if wrong_file.kind == FindingKind.WRONG_EDITION:
        return f"the edition of {wrong_file.instead}"
    return f"marked “{wrong_file.instead}”"


def _name_parts(findings: list[Finding]) -> str:
    return ", ".join(dict.fromkeys(part_label(finding.part) for finding in findings))


def _describe_removals(removals: list[Finding], facts: ReleaseFacts, now: datetime) -> str:
    """Return that parts were removed, when, and whether all are back."""
    parts = {part.id: part for part in facts.parts}
    change = "removed"
    if all(removal.is_readable for removal in removals):
        change = "marked as withdrawn"
    removed_by = Interval(None, latest_known(removal.at for removal in removals))
    # That users had it before matters more than the time.
    if all(
        _was_out_before_removal(parts.get(removal.part or "page"), removal.at)
        for removal in removals
    ):
        change += " after its release"
    elif removed_by:
        change += f" {between_moments(removed_by, facts.timezone, now)}"
    # An absence has an upper bound once the part is back.
    if all(fact_rules.has_upper_bound(removal.seconds) for removal in removals):
        return f"was {change}, and is back"
    return change


def _was_out_before_removal(part: PartVerdict | None, removed_at: datetime | None) -> bool:
    if part is None or removed_at is None or part.exposures:
        return False
    return part.released.by is not None and part.released.by <= removed_at


def _describe_absence(facts: ReleaseFacts, delay: Bounds | None, now: datetime) -> str:
    """Return that a release is not out, when that was last proved."""
    if facts.verdict == "not_published":
        return f"never seen; the watch ended {moment(facts.at, facts.timezone, now)}"
    if facts.slot is None or delay is None or delay.min is None:
        return "not out"
    proved = facts.slot + timedelta(seconds=delay.min)
    status = "still absent at"
    if say_elsewhere_since(facts, now):
        status = "not on its page at"
    elif facts.page is not None and facts.page.address == "guessed":
        # Inferred from witnesses, which may lag.
        status = "not found yet, as of"
    return f"{status} {moment(proved.replace(microsecond=0), facts.timezone, now, exact=True)}"


def describe_alternatives(facts: ReleaseFacts, now: datetime) -> list[str]:
    """Return a line for each alternative not seen removed, the earliest first.

    Once the announced page is out, these are rarely looked at, so no line says that one is still
    available.
    """
    lines = []
    verb, since = "was available", "from"
    if fact_rules.is_page_awaited(facts):
        verb, since = "available", "since"
    for alternative in fact_rules.list_public_alternatives(facts):
        line = f"{verb} at {alternative.url} {since} {_format_start(alternative, facts, now)}"
        # One from a listing has only a numbered id.
        if not alternative.part.startswith("elsewhere-"):
            line = f"{alternative.part} {line}"
        lines.append(line)
    return lines


def say_elsewhere_since(facts: ReleaseFacts, now: datetime) -> str:
    """Return since when an alternative has the release while its page has not, or ""."""
    found = fact_rules.list_public_alternatives(facts)
    if not found or not fact_rules.is_page_awaited(facts):
        return ""
    return _format_start(found[0], facts, now)


def _format_start(alternative: Elsewhere, facts: ReleaseFacts, now: datetime) -> str:
    return moment(
        (alternative.start.by or facts.at).replace(second=0, microsecond=0), facts.timezone, now
    )


def _mention_alternatives(facts: ReleaseFacts, now: datetime) -> str:
    """Return the first alternative, and how many others there are."""
    lines = describe_alternatives(facts, now)
    if not lines:
        return ""
    mention = f"; {lines[0]}"
    if len(lines) > 1:
        mention += f" (and at {count(len(lines) - 1, 'other')})"
    return mention


def _describe_calendar(facts: ReleaseFacts, _now: datetime) -> str:
    if facts.verdict == "cancelled":
        return "cancelled"
    doubt = next((kind for kind in CALENDAR_DOUBTS if kind in facts.finding_kinds), None)
    if doubt is None:
        return "in no calendar"
    if doubt == FindingKind.PROMISE_IN_DOUBT and (asked := ask_which_time(facts)):
        return asked
    return CALENDAR_DOUBTS[doubt]


def ask_which_time(facts: ReleaseFacts) -> str:
    """Return the question which of several times is meant, if it is open."""
    readings = facts.readings
    if readings is None or readings.by or not readings.times:
        return ""
    near = facts.slot or facts.at
    return f"is it {' or '.join(moment(time, facts.timezone, near) for time in readings.times)}?"


def _is_late_in_all(facts: ReleaseFacts) -> bool:
    return (
        fact_rules.is_late(facts)
        and not fact_rules.is_only_stale(facts)
        and not fact_rules.is_partial(facts)
    )


class _Status(NamedTuple):
    """A status: how subjects begin, a description at an instant, and whether it is true."""

    prefix: str
    describe: Callable[[ReleaseFacts, datetime], str]
    # Only a person settles a lead, or what was logged by hand.
    is_true: Callable[[ReleaseFacts], bool] = lambda _facts: True


_STATUSES: dict[str, _Status] = {
    "late": _Status("LATE", _describe_late, _is_late_in_all),
    "partial": _Status("PARTLY LATE", _describe_partial, fact_rules.is_partial),
    "stale": _Status("STALE", _describe_stale, fact_rules.is_only_stale),
    "early": _Status("EARLY", _describe_early, fact_rules.is_early),
    "due": _Status("NOT FOUND YET", _describe_due, fact_rules.is_not_found_yet),
    "unproven": _Status(
        "NOT PROVEN", _describe_unproven, lambda facts: facts.verdict == "unproven"
    ),
    "lead": _Status("LEAD", lambda _facts, _now: "a lead for a person to judge"),
    "altered": _Status(
        "ALTERED", _describe_altered, lambda facts: bool(fact_rules.find_alterations(facts))
    ),
    "wrong_file": _Status(
        "WRONG FILE?",
        _describe_wrong_file,
        lambda facts: bool(fact_rules.find_wrong_files(facts)),
    ),
    "calendar": _Status("CALENDAR", _describe_calendar, fact_rules.is_calendar),
    "hand": _Status("LOGGED", lambda _facts, _now: "logged by hand"),
    "on_time": _Status("ON TIME", _describe_on_time),
    "cancelled": _Status("CANCELLED", lambda _facts, _now: "is announced as cancelled"),
    "moved": _Status("MOVED", lambda _facts, _now: "has moved to another time"),
    "settled": _Status("NOTHING PROVED", lambda _facts, _now: "no breach is proved at this time"),
}
