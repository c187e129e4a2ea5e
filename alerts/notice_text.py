"""What a notice says: on-call English for 9:31, with addresses and times and never any content."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime

from alerts.fact_rules import altered, came
from alerts.finding import Ended, Exposure, Part, ReleaseFacts, part_called, part_name
from alerts.one_line import one_line, whole_lengths
from alerts.standing import (
    SUBJECT_PREFIX,
    behind,
    since_when_elsewhere,
    standing,
    state,
    was_out_already,
    was_released,
    where_else,
)
from alerts.steps import Step, numbered
from schedules.times.interval import Bounds, magnitude
from schedules.times.words import between_moments, day_text, instant_text, length, moment, sureness
from schedules.times.zone import local_date

SUBJECT_SUFFIX = {
    "grade_changed": ", graver now",
    "exposure_closed": ", over",
    "new_finding": ", new finding",
    "back": ", back",
    "elsewhere": "",
    "comes_and_goes": ", comes and goes",
    "steady": ", steady again",
    "appeared": ", now out",
    "final": ", final",
    "reopened": ", reopened",
    "still": ", still so",
    "reminder": ", nobody has acknowledged",
}
WITH_DRAFT = frozenset({"late", "partial", "early", "hand", "platform"})
_LONGEST_TITLE = 70
_LONGEST_UNPROVEN = 140
_UNPROVEN_STEP = "Check the publishing log."
# What was public too soon may have coloured the detail of an exposure: it stays in the evidence.
_TELLS_DETAIL = frozenset({"lead", "calendar", "unproven"})


def subject(kind: str, case: str, facts: ReleaseFacts, now: datetime) -> str:
    """Return one line that says all of it. `kind` is the notice's, `case` the incident's."""
    since = since_when_elsewhere(facts, now)
    elsewhere = f", out elsewhere since {since}" if since else ""
    # What was not found yet may be found before everything about it is final.
    tail = "" if kind == "final" and not facts.final else SUBJECT_SUFFIX.get(kind, "")
    now_standing = standing(case, facts)
    head = f"{SUBJECT_PREFIX[now_standing]}{elsewhere}{tail}"
    if now_standing == "unproven":
        # The reason comes before the name of the release: a telephone cuts the end of a line.
        reason = f"{head}: {state(case, facts, now)}. {_UNPROVEN_STEP}"
        return one_line(f"{reason} {named(facts, now)}", max(_LONGEST_UNPROVEN, len(reason)))
    return one_line(f"{head}: {named(facts, now)}, {state(case, facts, now)}")


def named(facts: ReleaseFacts, now: datetime) -> str:
    """Return the release as a subject names it, with its slot."""
    title = one_line(facts.title, _LONGEST_TITLE) or facts.release
    return one_line(f"{title} ({facts.called}) due {due(facts, now)}")


def text(  # noqa: PLR0913 # one for each thing that a notice says
    kind: str,
    case: str,
    facts: ReleaseFacts,
    incident: str,
    now: datetime,
    changed: str = "",
    *,
    steps: Iterable[Step] = (),
) -> str:
    """Return the whole notice as plain text: what, what changed, who, when, measured so far, what to do next."""
    elsewhere = where_else(facts, now)
    sections = [
        [subject(kind, case, facts, now), *([f"What changed: {changed}"] if changed else [])],
        *([["Users can get it now:", *(f"- {line}" for line in elsewhere)]] if elsewhere else []),
        [*_what(facts)],
        ["Measured so far, as of " + moment(facts.at, facts.timezone, now) + ":", *_measured(case, facts, now)],
        numbered(steps),
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


def _what(facts: ReleaseFacts) -> Iterator[str]:
    yield f"Release: {one_line(facts.title)}"
    yield f"Producer: {facts.called}"
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
    if standing(case, facts) == "unproven" and facts.unproven_because:
        yield f"  why: {one_line(facts.unproven_because)}"
    for part in facts.parts:
        name, aside = part_name(part), "" if part.required or part.role == "alternative" else " (not required)"
        yield f"- {name[:1].upper()}{name[1:]}{aside}: {_part(part, facts, now)}"
        yield f"  {part.url}"
        yield from (f"  {_exposure(exposure, facts, now)}" for exposure in part.exposures)
    yield from (f"  {line}" for line in details(case, facts))


def details(case: str, facts: ReleaseFacts) -> Iterator[str]:
    """Yield what findings say in their own words, where that may be told."""
    now = standing(case, facts)
    if now == "altered":
        yield from (f"{part_called(finding.part)}: {one_line(finding.detail)}" for finding in altered(facts))
    elif now in _TELLS_DETAIL:
        yield from (one_line(finding.detail) for finding in facts.findings if finding.detail)


def _part(part: Part, facts: ReleaseFacts, now: datetime) -> str:
    if part.role == "alternative" and part.verdict in ("overdue", "not_published"):
        # No one planned to publish there, so it cannot be late.
        return "not seen there"
    word = "not seen yet" if part.verdict == "pending" else part.verdict.replace("_", " ")
    if part.exposures:
        return f"{word}{_after_its_slot(part, facts, now)}"
    at = came(part)
    seen = f", first seen {between_moments(at, facts.timezone, now)}" if at.by else ""
    delay = f", {_delay(part.delay)}" if part.delay is not None else ""
    if part.is_hidden and part.wait is not None:
        delay += f"; users could get it {_delay(part.wait)}" if part.wait.max is not None else "; not for users yet"
    sure = sureness(part.early_bound) if part.verdict == "on_time" else ""
    return f"{word}{sure}{seen}{delay}"


def _after_its_slot(part: Part, facts: ReleaseFacts, now: datetime) -> str:
    """Say what became of a part that had been public before its slot; how early it was stands with its exposures."""
    if was_out_already(part):
        return ", already public when its slot came"
    if was_released(part):
        return f", released {between_moments(part.released, facts.timezone, now)}"
    is_behind = part.delay is not None and (part.delay.min or 0) > 0
    return f", not out again {_delay(part.delay)}" if is_behind and part.delay is not None else ""


def _delay(delay: Bounds) -> str:
    size = magnitude(delay)
    if delay.min is not None and delay.max is not None and delay.min < 0 < delay.max:
        early, late = (length(bound, math.ceil, tenths=False) for bound in (-delay.min, delay.max))
        return (
            "on the second" if max(-delay.min, delay.max) <= 1 else f"between {early} before and {late} after the slot"
        )
    if (size.min or 0) < 1 and (size.max or 0) <= 1 and delay.max is not None:
        return "on the second"
    return f"{whole_lengths(delay)} {'before' if (delay.max or 0) < 0 else 'after'} the slot"


def _exposure(exposure: Exposure, facts: ReleaseFacts, now: datetime) -> str:
    start = f"public before its slot: came {between_moments(exposure.start, facts.timezone, now)}"
    if exposure.open:
        return f"{start}, not seen gone yet"
    if exposure.ended is Ended.SLOT:
        return f"{start}, still public when its slot came, {whole_lengths(exposure.seconds)}"
    how = "removed" if exposure.ended is Ended.REMOVED else "ended, why is not known,"
    return f"{start}, {how} {between_moments(exposure.to, facts.timezone, now)}, {whole_lengths(exposure.seconds)}"


def stage_of(case: str, facts: ReleaseFacts) -> str:
    """Return how things stand, as the list of what to do now names it."""
    now = standing(case, facts)
    if now == "early" and not any(exposure.open for exposure in facts.exposures):
        # What was public before its slot no longer is an exposure; what is still there comes first.
        ended = {exposure.ended for exposure in facts.exposures}
        return next((why.value for why in (Ended.SLOT, Ended.UNKNOWN, Ended.REMOVED) if why in ended), "unknown")
    if now in {"late", "partial", "stale"} and not is_awaited(facts):
        return "out"
    return "late" if now == "stale" else now


def is_awaited(facts: ReleaseFacts) -> bool:
    """Tell whether something that is late is not out yet."""
    return any(came(part).by is None for part, _ in behind(facts))


def _sure(facts: ReleaseFacts) -> Iterator[str]:
    sure = facts.certainty
    if sure.widest_gap is not None:
        yield f"Widest gap between two looks at the page around its slot: {length(sure.widest_gap, math.ceil)}"
    if facts.unread_since is not None:
        yield f"Its calendar last bore out the slot {moment(facts.unread_since, facts.timezone, facts.at)}"
    for blind in sure.blind:
        seconds = int((blind.ends - blind.begins).total_seconds())
        for_so_long = f" for {length(seconds, tenths=False)}" if seconds else ""
        since = moment(blind.begins, facts.timezone, facts.at)
        yield f"Blind{for_so_long} from {since}: {one_line(blind.cause)}"
