"""What a notice says: on-call English for 9:31, with addresses and times and never any content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from alerts.finding import Exposure, Part, ReleaseFacts
from alerts.steps import STEPS
from alerts.tellable_facts import altered, episodes, removals
from schedules.times.interval import Bounds, Interval, magnitude
from schedules.times.words import between_moments, day_text, instant_text, length, lengths, moment
from schedules.times.zone import local_date

_EVERY_WHITE = dict.fromkeys([*range(32), 127, 0x85, 0x2028, 0x2029], " ")
HEADS = {
    "late": "LATE",
    "partial": "PARTLY LATE",
    "early": "EARLY",
    "unproven": "NOT PROVEN",
    "lead": "LEAD",
    "altered": "ALTERED",
    "calendar": "CALENDAR",
    "hand": "LOGGED",
}
TAILS = {
    "grade_changed": ", graver now",
    "exposure_closed": ", over",
    "new_finding": ", new finding",
    "back": ", back",
    "appeared": ", now out",
    "final": ", final",
    "reopened": ", reopened",
    "reminder": ", nobody has acknowledged",
}
WITH_DRAFT = frozenset({"late", "partial", "early", "hand"})
_LONGEST_TITLE = 70
# What was public too soon may have coloured the detail of an exposure: it stays in the evidence.
_TELLS_DETAIL = frozenset({"lead", "calendar", "unproven"})


def one_line(text: str, longest: int = 0) -> str:
    """Return `text` on one line without control characters, cut with … where it is longer than `longest`."""
    line = " ".join(text.translate(_EVERY_WHITE).split())
    return line if not longest or len(line) <= longest else line[: longest - 1].rstrip() + "…"


def subject(kind: str, case: str, facts: ReleaseFacts, now: datetime) -> str:
    """Return one line that says all of it. `kind` is the notice's, `case` the incident's."""
    head = f"{HEADS[case]}{TAILS.get(kind, '')}"
    return one_line(f"{head}: {named(facts, now)}, {state(case, facts, now)}")


def named(facts: ReleaseFacts, now: datetime) -> str:
    """Return the release as a subject names it, with its slot."""
    title = one_line(facts.title, _LONGEST_TITLE) or facts.release
    return one_line(f"{title} ({facts.producer}) due {due(facts, now)}")


def text(kind: str, case: str, facts: ReleaseFacts, incident: str, now: datetime) -> str:
    """Return the whole notice as plain text: what, who, when, measured so far, what to do next."""
    sections = [
        [subject(kind, case, facts, now)],
        [*_what(facts)],
        ["Measured so far, as of " + moment(facts.at, facts.timezone, now) + ":", *_measured(case, facts, now)],
        ["What to do now:", *(f"{place}. {line}" for place, line in enumerate(_to_do(kind, case, facts, incident), 1))],
        [f"Incident: {incident}", *_sure(facts)],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def due(facts: ReleaseFacts, now: datetime) -> str:
    """Return the slot in words: a local time, or the text it was announced with."""
    if facts.slot is None:
        return one_line(facts.slot_text, _LONGEST_TITLE) or "at no announced time"
    return moment(facts.slot, facts.timezone, now)


def happened(case: str, facts: ReleaseFacts, now: datetime) -> str:
    """Return what happened in one sentence, for whoever reads of it later."""
    return f"Due {due(facts, now)}: {state(case, facts, now)}."


def state(case: str, facts: ReleaseFacts, now: datetime) -> str:
    """Return in a few words how the release stands, with both bounds."""
    if facts.verdict == "on_time" and case in {"late", "partial", "unproven"} and facts.grade == "none":
        return "came out on time"
    return _STATES[case](facts, now)


def _late(facts: ReleaseFacts, now: datetime) -> str:
    behind = _behind(facts)
    if not behind:
        return "users were served the old answer" if facts.verdict == "on_time" else "late"
    # The announced page comes first in every sentence, however late the rest is.
    part, delay = min(behind, key=lambda one: one[0].id != "page")
    which = "" if part.id == "page" else f" ({part.id})"
    seen = _seen_at(part)
    if delay is None or delay.max is None or seen.by is None:
        return f"{_still_absent(facts, delay, now)}{which}"
    return f"first seen {between_moments(seen, facts.timezone, now)}, {_size(delay)} late{which}"


def _partial(facts: ReleaseFacts, now: datetime) -> str:
    required = [part for part in facts.parts if part.required]
    return f"{len(_behind(facts))} of {len(required)} parts late, {_late(facts, now)}"


def _early(facts: ReleaseFacts, now: datetime) -> str:
    groups = episodes(facts.exposures)
    if not groups:
        return "something was public before its slot"
    worst = max(groups, key=lambda group: (any(one.open for one in group), len(group)))
    first, more = worst[0], f" in {len(worst)} places" if len(worst) > 1 else ""
    if any(one.open for one in worst):
        return f"public since {_start(first, facts, now)}{more}, still open"
    longest = max(worst, key=lambda one: one.seconds.max or 0)
    return f"was public for {_size(longest.seconds)} from {_start(first, facts, now)}{more}"


def _unproven(facts: ReleaseFacts, _now: datetime) -> str:
    return f"whether it came on time is not known: {one_line(facts.unproven_because or 'no usable look')}"


def _altered(facts: ReleaseFacts, _now: datetime) -> str:
    told = []
    if groups := removals(facts):
        parts = ", ".join(dict.fromkeys(one.part or "page" for one in groups[-1]))
        is_back = all(one.seconds is not None and one.seconds.max is not None for one in groups[-1])
        how = "was taken away after its release, and is back" if is_back else "taken away after its release"
        told.append(f"{how} ({parts})")
    files = ", ".join(dict.fromkeys(one.part or "page" for one in altered(facts) if one.kind == "swapped"))
    return "; ".join([*told, *([f"other bytes than at its release ({files})"] if files else [])])


def _calendar(facts: ReleaseFacts, _now: datetime) -> str:
    kinds = {finding.kind for finding in facts.findings}
    if "calendars_disagree" in kinds:
        return "calendars disagree"
    return "announced or changed at short notice" if "short_notice" in kinds else "in no calendar"


_STATES: dict[str, Callable[[ReleaseFacts, datetime], str]] = {
    "late": _late,
    "partial": _partial,
    "early": _early,
    "unproven": _unproven,
    "lead": lambda _facts, _now: "a lead for a person to judge",
    "altered": _altered,
    "calendar": _calendar,
    "hand": lambda _facts, _now: "logged by hand",
}


def _behind(facts: ReleaseFacts) -> list[tuple[Part, Bounds | None]]:
    """Return the parts that are late with how late, also those that had been public too soon before."""
    found = {one.part: one.seconds for one in facts.findings if one.kind == "late"}
    return [
        (part, found.get(part.id) or part.delay)
        for part in facts.parts
        if part.id in found or (part.required and part.verdict in {"late", "overdue", "not_published"})
    ]


def _still_absent(facts: ReleaseFacts, delay: Bounds | None, now: datetime) -> str:
    if facts.verdict == "not_published":
        return f"never seen; the watch ended {moment(facts.at, facts.timezone, now)}"
    proved = facts.at if facts.slot is None or delay is None else facts.slot + timedelta(seconds=delay.min or 0)
    return f"still absent at {moment(proved.replace(microsecond=0), facts.timezone, now, exact=True)}"


def _seen_at(part: Part) -> Interval:
    return part.released if part.released.by else part.first_seen


def _start(exposure: Exposure, facts: ReleaseFacts, now: datetime) -> str:
    begun = exposure.start.by or exposure.start.after or facts.at
    return moment(begun.replace(microsecond=0), facts.timezone, now)


def _what(facts: ReleaseFacts) -> Iterator[str]:
    yield f"Release: {one_line(facts.title)}"
    yield f"Producer: {facts.producer}"
    yield f"Address: {facts.url}"
    source = f" by {facts.slot_source}" if facts.slot_source else ""
    if facts.slot is None:
        yield f"Promised: {one_line(facts.slot_text) or 'at no announced time'} (announced{source})"
        return
    learnt = (
        f", known to us since {day_text(local_date(facts.slot_learnt, facts.timezone), weekday=True)}"
        if facts.slot_learnt
        else ""
    )
    when = instant_text(facts.slot, facts.timezone)
    yield f"Promised: {when} (announced{source}{learnt})"


def _measured(case: str, facts: ReleaseFacts, now: datetime) -> Iterator[str]:
    yield f"- {state(case, facts, now)}"
    for part in facts.parts:
        yield f"- {part.id}{'' if part.required else ' (another address)'}: {_part(part, facts, now)}"
        yield f"  {part.url}"
        yield from (f"  {_exposure(exposure, facts, now)}" for exposure in part.exposures)
    kinds = dict.fromkeys(finding.kind.replace("_", " ") for finding in facts.findings)
    if kinds:
        yield f"- findings: {', '.join(kinds)}"
    yield from (f"  {line}" for line in details(case, facts))


def details(case: str, facts: ReleaseFacts) -> Iterator[str]:
    """Yield what findings say in their own words, where that may be told."""
    if case == "altered":
        yield from (f"{finding.part or 'page'}: {one_line(finding.detail)}" for finding in altered(facts))
    elif case in _TELLS_DETAIL:
        yield from (one_line(finding.detail) for finding in facts.findings if finding.detail)


def _part(part: Part, facts: ReleaseFacts, now: datetime) -> str:
    at = _seen_at(part)
    seen = f", first seen {between_moments(at, facts.timezone, now)}" if at.by else ""
    delay = f", {_delay(part.delay)}" if part.delay is not None else ""
    return f"{part.verdict.replace('_', ' ')}{seen}{delay}"


def _delay(delay: Bounds) -> str:
    size = magnitude(delay)
    if (size.min or 0) < 1 and (size.max or 0) <= 1 and delay.max is not None:
        return "on the second"
    return f"{_size(delay)} {'before' if (delay.max or 0) < 0 else 'after'} the slot"


def _exposure(exposure: Exposure, facts: ReleaseFacts, now: datetime) -> str:
    start = f"public before its slot: came {between_moments(exposure.start, facts.timezone, now)}"
    if exposure.open:
        return f"{start}, not seen gone yet"
    return f"{start}, ended {between_moments(exposure.to, facts.timezone, now)}, {_size(exposure.seconds)}"


def _to_do(kind: str, case: str, facts: ReleaseFacts, incident: str) -> Iterator[str]:
    yield from advice(case, facts)
    if kind == "final":
        yield "Nothing more will be measured."
    if case in WITH_DRAFT:
        yield f"Complete the draft: ninethirty incident draft {incident}"
    if kind != "final":
        yield f"Say that you have it: ninethirty incident note {incident}"


def advice(case: str, facts: ReleaseFacts) -> tuple[str, ...]:
    """Return what to do as things stand, one sentence a step."""
    return STEPS[_stage(case, facts)]


def _stage(case: str, facts: ReleaseFacts) -> str:
    if case == "early":
        return "early" if any(exposure.open for exposure in facts.exposures) else "over"
    waiting = any(_seen_at(part).by is None for part, _ in _behind(facts))
    return "out" if case in {"late", "partial"} and not waiting else case


def _sure(facts: ReleaseFacts) -> Iterator[str]:
    sure = facts.certainty
    if sure.looks:
        spacing = f", one every {sure.spacing:g} s around the slot" if sure.spacing else ""
        yield f"Rests on: {sure.looks} looks, {sure.failed_looks} of them failed{spacing}"
    for blind in sure.blind:
        seconds = (blind.ends - blind.begins).total_seconds()
        since = moment(blind.begins, facts.timezone, facts.at)
        yield f"Blind for {length(int(seconds), tenths=False)} from {since}: {one_line(blind.cause)}"


def _size(seconds: Bounds) -> str:
    """Return a length with both bounds in whole seconds; signs are left to the caller."""
    return lengths(magnitude(seconds), tenths=False)
