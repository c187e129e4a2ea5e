"""What happened in one line and round figures; the interval that was measured stands behind it."""

from __future__ import annotations

from alerts.draft import words
from alerts.draft.input import DraftInput, delay_of, lead
from alerts.finding import Ended, Exposure, Part, ReleaseFacts
from alerts.status import describe_alternatives
from schedules.times.interval import Bounds


def in_one_line(case: DraftInput) -> tuple[str, ...]:
    """Return one sentence a person can repeat, none where nothing was measured that bears one."""
    facts = case.measured
    if facts is None or facts.slot is None:
        return ()
    told = _early(facts) if facts.exposures else _late(facts)
    return (told,) if told else ()


def _early(facts: ReleaseFacts) -> str:
    first = min(facts.exposures, key=lambda each: (each.part != "page", -(each.seconds.min or 0.0)))
    ahead = words.about(lead(first, facts.slot)) if facts.slot else ""
    since, for_so_long = ("from ", "") if first.ended is Ended.SLOT else ("", f", {_for(first)}")
    return f"{_whole(first.part)} was public {since}{ahead} before the announced time{for_so_long}."


def _for(exposure: Exposure) -> str:
    if exposure.open:
        return "and still is"
    return f"for {words.about(exposure.seconds)}"


def _late(facts: ReleaseFacts) -> str:
    behind = [(part, delay) for part in facts.parts if _bears(part) and (delay := delay_of(part))]
    if not behind:
        hidden = [part for part in facts.parts if part.required and part.is_hidden]
        part = max(hidden, key=lambda one: (one.wait is not None and one.wait.min) or 0.0, default=None)
        return "" if part is None else f"{_whole(part.id)} was published on time{_users(part)}."
    part, delay = max(behind, key=lambda each: (each[0].id == "page", each[1].min or 0.0))
    if part.verdict == "late":
        return f"{_whole(part.id)} came out {words.about(delay)} late{_users(part)}."
    after = f"{words.span(Bounds(delay.min, None))} after the announced time"
    elsewhere = describe_alternatives(facts, facts.at)
    if part.id == "page" and elsewhere:
        return f"{words.capital(words.joined(elsewhere))}. The release is not on its announced page yet, {after}."
    return f"{_whole(part.id)} is not out yet, {after}."


def _users(part: Part) -> str:
    """Say how long users waited for what was out already, where a cache kept the old answer."""
    if not part.is_hidden or part.wait is None:
        return ""
    if part.wait.max is None:
        return f"; users could not get it yet, {words.span(Bounds(part.wait.min, None))} after the announced time"
    return f"; users could get it {words.about(part.wait)} after the announced time"


def _bears(part: Part) -> bool:
    return part.required and part.role != "alternative" and part.verdict in ("late", "overdue")


def _whole(part: str) -> str:
    return "The release" if part == "page" else "Part of the release"
