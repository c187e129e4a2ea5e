"""What there is to tell of a release: its facts named by keys, so that each is told once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from alerts.finding import LEAD, Elsewhere, Exposure, Finding, Part, ReleaseFacts
from schedules.times.interval import Bounds, Interval

GRADES = ("none", "note", "report")
LATE_WORDS = frozenset({"late", "overdue", "not_published"})
"""Verdicts on what users had, or have, to wait for."""
CALENDAR_FINDINGS = frozenset(
    {"calendars_disagree", "short_notice", "unannounced", "promise_in_doubt", "brought_forward"}
)
ALTERED = frozenset({"withdrawn", "swapped"})
"""What happened to a release once it was out: nobody was late or early by it, and users may have lost it."""
# Files are looked at once an hour by then: what went with the page is found out within that time.
_TOGETHER = timedelta(hours=2)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


def came(part: Part) -> Interval:
    """Return when a part appeared at or after its slot; nothing while it has not."""
    # What was public too soon and went again has not been released by that.
    return part.released if part.released.by or part.exposures else part.first_seen


def worse_grade(one: str, other: str) -> str:
    """Return the graver of two grades."""
    return max(one, other, key=GRADES.index)


def is_late(facts: ReleaseFacts) -> bool:
    """Tell whether users had to wait, for the page, for a part, or behind a cache that served the old answer."""
    if facts.verdict in LATE_WORDS:
        return True
    kinds = {finding.kind for finding in facts.findings}
    return bool(kinds & {"late", "partial"}) or ("stale_edge" in kinds and facts.grade != "none")


def is_stale_alone(facts: ReleaseFacts) -> bool:
    """Tell whether users had to wait behind a cache alone: all of it was out in time."""
    kinds = {finding.kind for finding in facts.findings}
    return is_late(facts) and facts.verdict not in LATE_WORDS and not kinds & {"late", "partial"}


def is_partial(facts: ReleaseFacts) -> bool:
    """Tell whether the landing page came in time and something that belongs to it did not."""
    page = facts.page
    if page is None or page.verdict in {*LATE_WORDS, "unproven"}:
        return False
    is_out = page.verdict == "on_time" or came(page).by is not None
    return is_out and is_late(facts) and _has_late_part(facts)


def is_early(facts: ReleaseFacts) -> bool:
    """Tell whether something was public before the slot."""
    return facts.verdict == "early" or any(finding.kind == "early_exposure" for finding in facts.findings)


def is_lead(facts: ReleaseFacts) -> bool:
    """Tell whether something was found that only a person can judge, such as a match in a press feed."""
    return facts.verdict == LEAD or any(finding.kind == LEAD for finding in facts.findings)


def altered(facts: ReleaseFacts) -> list[Finding]:
    """Return what was done to parts of the release once they were out; what became of a stray copy is no news."""
    parts = {None, *(part.id for part in facts.parts if part.role != "alternative")}
    return [finding for finding in facts.findings if finding.kind in ALTERED and finding.part in parts]


def removals(facts: ReleaseFacts) -> list[list[Finding]]:
    """Group what was taken away together: a page with its files is one thing to tell, a second time is another."""
    groups: list[list[Finding]] = []
    gone = (finding for finding in altered(facts) if finding.kind == "withdrawn")
    for finding in sorted(gone, key=_came):
        again = not groups or any(one.part == finding.part for one in groups[-1])
        if again or _came(finding) - _came(groups[-1][0]) > _TOGETHER:
            groups.append([])
        groups[-1].append(finding)
    return groups


def elsewhere(facts: ReleaseFacts) -> list[str]:
    """Return the parts at other addresses that had something of the release before the announced one, after the slot.

    While the announced one is awaited, each alternative that is public counts: no order has to be proved.
    """
    seen = {part.id for part in facts.parts if part.first_seen.by is not None and not part.exposures}
    first = {one.part for one in facts.findings if one.kind == "elsewhere_first" and one.part in seen}
    awaited = {one.part for one in public_elsewhere(facts) if one.part in seen} if is_page_awaited(facts) else set()
    return sorted(first | awaited)


def public_elsewhere(facts: ReleaseFacts) -> list[Elsewhere]:
    """Return the alternatives that are public now, the first one first; none before the slot, when no one may know."""
    is_due = is_late(facts) or (facts.slot is not None and facts.at >= facts.slot)
    return [one for one in facts.elsewhere if is_due and one.start.by is not None and not one.to]


def is_not_found_yet(facts: ReleaseFacts) -> bool:
    """Return whether the tolerance is over, and it is not confirmed yet that the release is late."""
    return facts.verdict != LEAD and facts.due is not None and facts.due.is_confirming


def is_page_awaited(facts: ReleaseFacts) -> bool:
    """Return whether the announced page should be out, and was not seen out yet."""
    page = facts.page
    return page is not None and came(page).by is None and page.verdict in {*LATE_WORDS, "unproven", "pending"}


def is_calendar(facts: ReleaseFacts) -> bool:
    """Tell whether the calendars themselves need a person."""
    return facts.verdict == "unannounced" or any(finding.kind in CALENDAR_FINDINGS for finding in facts.findings)


def episodes(exposures: Iterable[Exposure]) -> list[list[Exposure]]:
    """Group exposures that overlap: a page and its file out at once are one thing to tell, not two.

    Groups are in time order, so the place of one is a name that further looks do not change.
    """
    groups: list[list[Exposure]] = []
    ends = datetime.min.replace(tzinfo=UTC)
    for exposure in sorted(exposures, key=_begins):
        if not groups or _begins(exposure) > ends:
            groups.append([])
            ends = _ends(exposure)
        groups[-1].append(exposure)
        ends = max(ends, _ends(exposure))
    return groups


def keys(facts: ReleaseFacts | None) -> frozenset[str]:
    """Return the names of everything that is worth telling about these facts."""
    if facts is None:
        return frozenset()
    found = {name for name, holds in _SIMPLE.items() if holds(facts)}
    found.update(f"lead {one.part or ''} {one.detail}" for one in facts.findings if one.kind == "lead")
    found.update(f"elsewhere {part}" for part in elsewhere(facts))
    for part in _required_behind(facts):
        found.add(f"behind {part.id}")
        if came(part).by is not None:
            found.add(f"out {part.id}")
    for place, removed in enumerate(removals(facts)):
        found.add(f"withdrawn {place}")
        if all(_ended(one.seconds) for one in removed):
            found.add(f"back {place}")
    for place, group in enumerate(episodes(facts.exposures)):
        found.add(f"exposed {place}")
        if not any(exposure.open for exposure in group):
            found.add(f"over {place}")
    return frozenset(found)


def measured(facts: ReleaseFacts | None) -> object:
    """Return what a draft must be written anew for: everything measured but lengths that still grow."""
    if facts is None:
        return None
    parts = [
        (one.id, one.verdict if one.required else "", one.first_seen, one.released, _settled(one.wait))
        for one in facts.parts
    ]
    spans = [(one.part, one.start, one.to, one.open) for one in facts.exposures]
    kinds = sorted((one.kind, one.part or "", _ended(one.seconds)) for one in facts.findings)
    return facts.verdict, facts.grade, facts.final, facts.slot, parts, spans, kinds, facts.elsewhere


def begins(exposures: Iterable[Exposure]) -> datetime | None:
    """Return when the first exposure was proved to have begun."""
    return min((when for one in exposures if (when := one.start.by or one.start.after)), default=None)


def _required_behind(facts: ReleaseFacts) -> list[Part]:
    return [part for part in facts.parts if part.required and part.id != "page" and part.verdict in LATE_WORDS]


def _has_appeared(facts: ReleaseFacts) -> bool:
    page = facts.page
    return is_late(facts) and page is not None and page.verdict == "late" and _ended(page.wait)


def _has_late_part(facts: ReleaseFacts) -> bool:
    late = any(part.required and part.verdict in LATE_WORDS for part in facts.parts if part.id != "page")
    return late or any(finding.kind == "partial" for finding in facts.findings)


def _has_swap(facts: ReleaseFacts) -> bool:
    return any(finding.kind == "swapped" for finding in altered(facts))


def _settled(delay: Bounds | None) -> Bounds | None:
    return delay if _ended(delay) else None


def _ended(delay: object) -> bool:
    return getattr(delay, "max", None) is not None


def _came(finding: Finding) -> datetime:
    return finding.at or _LONG_AGO


def _begins(exposure: Exposure) -> datetime:
    return exposure.start.by or exposure.start.after or _FOR_EVER


def _ends(exposure: Exposure) -> datetime:
    return _FOR_EVER if exposure.open else exposure.to.by or exposure.to.after or _FOR_EVER


_SIMPLE = {
    "late": is_late,
    "early": is_early,
    "unproven": lambda facts: facts.verdict == "unproven",
    "calendar": is_calendar,
    "never": lambda facts: facts.verdict == "not_published",
    "appeared": _has_appeared,
    "swapped": _has_swap,
}
