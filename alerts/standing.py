"""How a release stands at an instant, in few words: each holds when it is said, whatever was said before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from alerts import fact_rules
from alerts.finding import Elsewhere, Ended, Exposure, Finding, Part, ReleaseFacts, part_called
from alerts.one_line import whole_lengths
from schedules.times.interval import Bounds, Interval
from schedules.times.words import MINUTE, between_moments, moment, rounded, sureness

SUBJECT_PREFIX = {
    "late": "LATE",
    "partial": "PARTLY LATE",
    "stale": "STALE",
    "early": "EARLY",
    "due": "NOT FOUND YET",
    "unproven": "NOT PROVEN",
    "lead": "LEAD",
    "altered": "ALTERED",
    "calendar": "CALENDAR",
    "hand": "LOGGED",
    "on_time": "ON TIME",
    "cancelled": "CANCELLED",
    "moved": "MOVED",
    "settled": "NOTHING PROVED",
}
_SECOND = timedelta(seconds=1)
_FAULTS = {
    "stopped": "our monitor was stopped",
    "killed": "our monitor was down",
    "suspended": "our monitor was suspended",
    "stalled": "our monitor stalled",
    "network": "our network was down",
    "dns": "our name lookups failed",
    "budget": "our looks were too far apart",
    "clock": "our clock was in doubt",
    "no_worker": "large answers were not read",
}
"""What a cause of blindness is called in one line."""


def standing(case: str, facts: ReleaseFacts) -> str:
    """Return what a notice of a sort is headed with now: the sort itself while it holds, else what holds in its place.

    An incident keeps its gravest kind for ever; what was proved late may by now be unproven, or have another slot.
    """
    holds = _IS_STILL_TRUE.get(case)
    if holds is None or holds(facts):
        return case
    instead = (sort for sort in ("early", "partial", "stale", "late", "due", "unproven") if _IS_STILL_TRUE[sort](facts))
    plain = facts.verdict if facts.verdict in ("on_time", "cancelled", "moved") else "settled"
    return next(instead, "calendar" if facts.verdict == "unannounced" else plain)


def state(case: str, facts: ReleaseFacts, now: datetime) -> str:
    """Return in a few words how the release stands, with both bounds."""
    return _STATES[standing(case, facts)](facts, now)


def behind(facts: ReleaseFacts) -> list[tuple[Part, Bounds | None]]:
    """Return the required parts that are late with how late, also those that had been public too soon before."""
    found = {one.part: one.seconds for one in facts.findings if one.kind == "late"}
    return [
        (part, found.get(part.id) or part.delay)
        for part in facts.parts
        if part.required and (part.id in found or part.verdict in fact_rules.LATE_WORDS)
    ]


def was_out_already(part: Part) -> bool:
    """Return whether a part had been public early and still was when its slot came: no one released it then."""
    return any(each.ended is Ended.SLOT for each in part.exposures)


def was_released(part: Part) -> bool:
    """Return whether a part is known to have come out at its slot or after it."""
    # If it was public early and not seen removed, it may have been public all the time.
    return part.released.by is not None and all(each.ended is Ended.REMOVED for each in part.exposures)


def since_when(exposure: Exposure, facts: ReleaseFacts, now: datetime) -> str:
    """Return from when on an exposure is proved, to the second above."""
    begun = exposure.start.by or exposure.start.after or facts.at
    whole = begun if not begun.microsecond else begun.replace(microsecond=0) + _SECOND
    return moment(whole, facts.timezone, now)


def since_when_public(facts: ReleaseFacts, now: datetime) -> float | None:
    """Return for how many seconds something has been public too soon, or was at the longest; None where unknown."""
    still = [one.start.by for one in facts.exposures if one.open and one.start.by is not None]
    if still:
        return max(0.0, (now - min(still)).total_seconds())
    return max((one.seconds.max for one in facts.exposures if one.seconds.max is not None), default=None)


def _late(facts: ReleaseFacts, now: datetime) -> str:
    late = behind(facts)
    if not late:
        return "late"
    # The announced page comes first in every sentence, however late the rest is.
    part, delay = min(late, key=lambda one: one[0].id != "page")
    which = "" if part.id == "page" else f" ({part.id})"
    seen = fact_rules.came(part)
    if seen.by is None:
        return f"{_still_absent(facts, delay, now)}{which}{_elsewhere(facts, now)}"
    how_late = f", {whole_lengths(delay)} late" if delay is not None and delay.max is not None else ""
    first_seen = f"first seen {between_moments(seen, facts.timezone, now)}"
    return f"{first_seen}{how_late}{_users_wait(part, facts, now)}{which}{_elsewhere(facts, now)}"


def _users_wait(part: Part, facts: ReleaseFacts, now: datetime) -> str:
    """Say when users could get a part that is out, where a cache kept the old answer for longer."""
    wait = part.wait
    if not part.is_hidden or wait is None or facts.slot is None:
        return ""
    if wait.max is not None:
        return f", users could get it {whole_lengths(wait)} late"
    served = facts.slot + timedelta(seconds=wait.min or 0.0)
    clock = moment(served.replace(microsecond=0), facts.timezone, now, exact=True)
    return f", users still got the old answer at {clock}"


def _stale(facts: ReleaseFacts, now: datetime) -> str:
    hidden = [part for part in facts.parts if part.required and part.is_hidden]
    part = max(hidden, key=lambda one: (one.wait is not None and one.wait.min) or 0.0, default=None)
    if part is None:
        return "users were served the old answer"
    which = "" if part.id == "page" else f" ({part.id})"
    return f"published on time{_users_wait(part, facts, now)}{which}"


def _partial(facts: ReleaseFacts, now: datetime) -> str:
    required = [part for part in facts.parts if part.required]
    return f"{len(behind(facts))} of {len(required)} parts late, {_late(facts, now)}"


def _early(facts: ReleaseFacts, now: datetime) -> str:
    groups = fact_rules.episodes(facts.exposures)
    if not groups:
        return "something was public before its slot"
    group = max(groups, key=lambda each: (any(one.open for one in each), len(each)))
    still = [one for one in group if one.open]
    places = len({one.part for one in still or group})
    where = f" in {places} places" if places > 1 else ""
    if still:
        return f"public since {since_when(still[0], facts, now)}{where}, not seen gone yet"
    longest = max(group, key=lambda one: one.seconds.max or 0)
    was = f"was public for {whole_lengths(longest.seconds)} from {since_when(longest, facts, now)}{where}"
    return "; ".join([was, *_after_exposure(facts, now)])


def _after_exposure(facts: ReleaseFacts, now: datetime) -> list[str]:
    """Say what became of the announced page once its slot had come, where that is known."""
    page = facts.page
    if page is None or facts.slot is None or facts.at < facts.slot:
        return []
    if was_out_already(page):
        return ["already public when its slot came"]
    if behind(facts):
        return [_late(facts, now)]
    return [f"released {between_moments(page.released, facts.timezone, now)}"] if was_released(page) else []


def _due(facts: ReleaseFacts, now: datetime) -> str:
    due = facts.due
    if due is None:
        return "not found yet"
    at = moment(facts.at.replace(microsecond=0), facts.timezone, now, exact=True)
    return f"not found yet at {at}, confirming; the last look got {due.got}{_elsewhere(facts, now)}"


def _unproven(facts: ReleaseFacts, now: datetime) -> str:
    """Say in one short line why nothing is proved, and by when it was public; the whole reason is in the notice."""
    if any(found.kind == "unwatched" for found in facts.findings):
        return f"not out {moment(facts.at, facts.timezone, now)}, not watched at its slot{_elsewhere(facts, now)}"
    late = [part for part in facts.parts if part.required and part.verdict == "unproven"]
    part = min(late, key=lambda one: one.id != "page", default=facts.page)
    seen = Interval() if part is None else fact_rules.came(part)
    which = "" if part is None or part.id == "page" else f"{part.id} "
    by = None if seen.by is None else _to_minute(seen.by, facts, now, up=True)
    published = "not seen yet" if by is None else f"published by {by}"
    return f"{_unproven_reason(facts, seen, now)}; {which}{published}{_elsewhere(facts, now)}"


def _unproven_reason(facts: ReleaseFacts, seen: Interval, now: datetime) -> str:
    kinds = {found.kind for found in facts.findings}
    if "promise_in_doubt" in kinds:
        return "its announced time is in doubt"
    if "calendars_disagree" in kinds:
        return "calendars disagree about its time"
    open_from = seen.after or facts.slot or facts.at
    open_to = max(seen.by or facts.at, open_from + _SECOND)
    hidden = [each for each in facts.certainty.blind if each.begins < open_to and each.ends > open_from]
    if hidden:
        longest = max(hidden, key=lambda each: each.ends - each.begins)
        begins, ends = _to_minute(longest.begins, facts, now), _to_minute(longest.ends, facts, now, up=True)
        fault = _FAULTS.get(longest.cause.split(", ")[0], "our monitor could not see")
        return f"{fault} {begins}\N{EN DASH}{ends}"
    return "our clock was in doubt" if "clock_fault" in kinds else "no look proves when it came out"


def _to_minute(instant: datetime, facts: ReleaseFacts, now: datetime, *, up: bool = False) -> str:
    """Return the local time to the minute, with the date unless it is that of `now`; `up` for the end of a span."""
    return moment(rounded(instant, MINUTE, up=up), facts.timezone, now).rpartition(" ")[0]


def _on_time(facts: ReleaseFacts, now: datetime) -> str:
    page = facts.page
    seen = fact_rules.came(page) if page is not None else Interval()
    sure = "" if page is None else sureness(page.early_bound)
    return f"came out on time{sure}" + (
        f", first seen {between_moments(seen, facts.timezone, now)}" if seen.by is not None else ""
    )


def _altered(facts: ReleaseFacts, now: datetime) -> str:
    told = []
    if groups := fact_rules.removals(facts):
        parts = ", ".join(dict.fromkeys(part_called(one.part) for one in groups[-1]))
        is_back = all(one.seconds is not None and one.seconds.max is not None for one in groups[-1])
        told.append(f"{_taken_away(groups[-1], facts, now, is_back=is_back)} ({parts})")
    swapped = (one for one in fact_rules.altered(facts) if one.kind == "swapped")
    files = ", ".join(dict.fromkeys(part_called(one.part) for one in swapped))
    return "; ".join([*told, *([f"other bytes than at its release ({files})"] if files else [])])


def _taken_away(removed: list[Finding], facts: ReleaseFacts, now: datetime, *, is_back: bool) -> str:
    parts = {part.id: part for part in facts.parts}
    after = all(_was_released(parts.get(one.part or "page"), one.at) for one in removed)
    last = max((one.at for one in removed if one.at is not None), default=None)
    by = "" if last is None else f" {between_moments(Interval(None, last), facts.timezone, now)}"
    when = " after its release" if after else by
    return f"was taken away{when}, and is back" if is_back else f"taken away{when}"


def _was_released(part: Part | None, gone: datetime | None) -> bool:
    """Tell whether what went had been released by then: a copy of before its slot had not."""
    if part is None or gone is None or part.exposures:
        return False
    return part.released.by is not None and part.released.by <= gone


def _calendar(facts: ReleaseFacts, _now: datetime) -> str:
    kinds = {finding.kind for finding in facts.findings}
    if "calendars_disagree" in kinds:
        return "calendars disagree"
    if "brought_forward" in kinds:
        return "brought forward"
    if "promise_in_doubt" in kinds:
        return "its announced time is in doubt"
    return "announced or changed at short notice" if "short_notice" in kinds else "in no calendar"


def _still_absent(facts: ReleaseFacts, delay: Bounds | None, now: datetime) -> str:
    if facts.verdict == "not_published":
        return f"never seen; the watch ended {moment(facts.at, facts.timezone, now)}"
    if facts.slot is None or delay is None or delay.min is None:
        return "not out"
    proved = facts.slot + timedelta(seconds=delay.min)
    # At an address that was only guessed nothing was missing: its announcement and a listing tell of it, and may lag.
    is_guess = facts.page is not None and facts.page.address == "guessed"
    absent = "not found yet, as of" if is_guess else "still absent at"
    state = "not on its page at" if since_when_elsewhere(facts, now) else absent
    return f"{state} {moment(proved.replace(microsecond=0), facts.timezone, now, exact=True)}"


def where_else(facts: ReleaseFacts, now: datetime) -> list[str]:
    """Return for each alternative that is public now what can be got where, and since when, the first one first."""
    found = []
    for one in fact_rules.public_elsewhere(facts):
        # What a listing showed has no name of its own, but a number.
        name = "" if one.part.startswith("elsewhere-") else f"{one.part} "
        found.append(f"{name}available at {one.url} since {_minute(one, facts, now)}")
    return found


def since_when_elsewhere(facts: ReleaseFacts, now: datetime) -> str:
    """Return since when users have had to go elsewhere because the announced page is awaited; empty if they do not."""
    found = fact_rules.public_elsewhere(facts) if fact_rules.is_page_awaited(facts) else []
    return _minute(found[0], facts, now) if found else ""


def _minute(one: Elsewhere, facts: ReleaseFacts, now: datetime) -> str:
    seen = one.start.by or facts.at
    return moment(seen.replace(second=0, microsecond=0), facts.timezone, now)


def _elsewhere(facts: ReleaseFacts, now: datetime) -> str:
    """Return where else it is available, with its link, and how many further addresses have it."""
    first, *others = where_else(facts, now) or [""]
    more = f" (and at {len(others)} other{'s' if len(others) > 1 else ''})" if others else ""
    return f"; {first}{more}" if first else ""


_STATES: dict[str, Callable[[ReleaseFacts, datetime], str]] = {
    "late": _late,
    "partial": _partial,
    "stale": _stale,
    "early": _early,
    "due": _due,
    "unproven": _unproven,
    "lead": lambda _facts, _now: "a lead for a person to judge",
    "altered": _altered,
    "calendar": _calendar,
    "hand": lambda _facts, _now: "logged by hand",
    "on_time": _on_time,
    "cancelled": lambda _facts, _now: "is announced as cancelled",
    "moved": lambda _facts, _now: "has moved to another time",
    "settled": lambda _facts, _now: "nothing is proved against it as things stand",
}
_IS_STILL_TRUE: dict[str, Callable[[ReleaseFacts], bool]] = {
    "late": lambda facts: (
        fact_rules.is_late(facts) and not fact_rules.is_stale_alone(facts) and not fact_rules.is_partial(facts)
    ),
    "partial": fact_rules.is_partial,
    "stale": fact_rules.is_stale_alone,
    "early": fact_rules.is_early,
    "due": fact_rules.is_not_found_yet,
    "unproven": lambda facts: facts.verdict == "unproven",
    "altered": lambda facts: bool(fact_rules.altered(facts)),
    "calendar": fact_rules.is_calendar,
}
