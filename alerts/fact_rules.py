"""Rules on the facts of a release: which faults it has, and a key for each fact to notify people of it once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from alerts.finding import ReleaseFacts
from schedules.contract.verdict import LATE_VERDICTS, LEAD, Elsewhere, Exposure, Finding, PartVerdict
from schedules.times.interval import Interval

CALENDAR_FINDINGS = frozenset(
    {"calendars_disagree", "short_notice", "unannounced", "promise_in_doubt", "brought_forward"}
)
ALTERED_FINDINGS = frozenset({"withdrawn", "swapped"})
"""Findings about a release that was already out. They make it neither late nor early, but users may have lost it."""
# Files are checked once an hour by then, so those removed with the page are found removed within two hours.
_REMOVED_TOGETHER = timedelta(hours=2)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


def find_appearance(part: PartVerdict) -> Interval:
    """Return when a part appeared at or after its slot; an empty interval if it has not."""
    # An exposure that ended before the slot does not count as its release.
    return part.released if part.released.by or part.exposures else part.first_seen


def is_late(facts: ReleaseFacts) -> bool:
    """Return whether users had to wait for the page, for a part, or because a cache served an old copy."""
    if facts.verdict in LATE_VERDICTS:
        return True
    kinds = {finding.kind for finding in facts.findings}
    return bool(kinds & {"late", "partial"}) or ("stale_edge" in kinds and facts.grade != "none")


def is_only_stale(facts: ReleaseFacts) -> bool:
    """Return whether all of it was out in time, and users had to wait only because a cache served an old copy."""
    kinds = {finding.kind for finding in facts.findings}
    return is_late(facts) and facts.verdict not in LATE_VERDICTS and not kinds & {"late", "partial"}


def is_partial(facts: ReleaseFacts) -> bool:
    """Return whether the landing page was in time and another part was late."""
    page = facts.page
    if page is None or page.verdict in {*LATE_VERDICTS, "unproven"}:
        return False
    is_out = page.verdict == "on_time" or find_appearance(page).by is not None
    return is_out and is_late(facts) and _has_late_part(facts)


def is_early(facts: ReleaseFacts) -> bool:
    """Return whether something was public before the slot."""
    return facts.verdict == "early" or any(finding.kind == "early_exposure" for finding in facts.findings)


def is_lead(facts: ReleaseFacts) -> bool:
    """Return whether there is something that only a person can judge, such as a match in a press feed."""
    return facts.verdict == LEAD or any(finding.kind == LEAD for finding in facts.findings)


def find_alterations(facts: ReleaseFacts) -> list[Finding]:
    """Return the findings that a released part was withdrawn or replaced, without those about alternatives."""
    parts = {None, *(part.id for part in facts.parts if part.role != "alternative")}
    return [finding for finding in facts.findings if finding.kind in ALTERED_FINDINGS and finding.part in parts]


def group_removals(facts: ReleaseFacts) -> list[list[Finding]]:
    """Group removals that belong together: a page with its files is one, a later removal of the same part another."""
    groups: list[list[Finding]] = []
    removals = (finding for finding in find_alterations(facts) if finding.kind == "withdrawn")
    for finding in sorted(removals, key=_finding_time):
        again = not groups or any(one.part == finding.part for one in groups[-1])
        if again or _finding_time(finding) - _finding_time(groups[-1][0]) > _REMOVED_TOGETHER:
            groups.append([])
        groups[-1].append(finding)
    return groups


def list_parts_found_elsewhere(facts: ReleaseFacts) -> list[str]:
    """Return the ids of alternatives that had the release, after its slot, before the announced page did.

    While the announced page is not out, each public alternative counts.
    """
    seen = {part.id for part in facts.parts if part.first_seen.by is not None and not part.exposures}
    first = {one.part for one in facts.findings if one.kind == "elsewhere_first" and one.part in seen}
    awaited = list_public_alternatives(facts) if is_page_awaited(facts) else []
    return sorted(first | {one.part for one in awaited if one.part in seen})


def list_public_alternatives(facts: ReleaseFacts) -> list[Elsewhere]:
    """Return the alternatives that are public now, the first one first; none before the slot (embargo)."""
    is_due = is_late(facts) or (facts.slot is not None and facts.at >= facts.slot)
    return [one for one in facts.elsewhere if is_due and one.start.by is not None and not one.to]


def is_not_found_yet(facts: ReleaseFacts) -> bool:
    """Return whether the tolerance is over and the release was not found, but it is not confirmed that it is late."""
    return facts.verdict != LEAD and facts.due is not None and facts.due.is_confirming


def is_page_awaited(facts: ReleaseFacts) -> bool:
    """Return whether the announced page should be out and was not seen yet."""
    page = facts.page
    if page is None or find_appearance(page).by is not None:
        return False
    return page.verdict in {*LATE_VERDICTS, "unproven", "pending"}


def is_calendar(facts: ReleaseFacts) -> bool:
    """Return whether calendars disagree or changed in a way that a person must check."""
    return facts.verdict == "unannounced" or any(finding.kind in CALENDAR_FINDINGS for finding in facts.findings)


def group_exposures(exposures: Iterable[Exposure]) -> list[list[Exposure]]:
    """Group exposures that overlap, in time order: a page and its file that are public at once make one group.

    Later looks do not change the position of a group, so keys can use it.
    """
    groups: list[list[Exposure]] = []
    ends = datetime.min.replace(tzinfo=UTC)
    for exposure in sorted(exposures, key=_exposure_start):
        if not groups or _exposure_start(exposure) > ends:
            groups.append([])
            ends = _exposure_end(exposure)
        groups[-1].append(exposure)
        ends = max(ends, _exposure_end(exposure))
    return groups


def list_fact_keys(facts: ReleaseFacts | None) -> frozenset[str]:
    """Return a key for each fact that people are notified of, such as `late`, `out tables` or `exposed 0`."""
    if facts is None:
        return frozenset()
    found = {name for name, holds in _KEYS_OF_RELEASE.items() if holds(facts)}
    found.update(f"lead {one.part or ''} {one.detail}" for one in facts.findings if one.kind == "lead")
    found.update(f"elsewhere {part}" for part in list_parts_found_elsewhere(facts))
    for part in facts.parts:
        if part.required and part.id != "page" and part.verdict in LATE_VERDICTS:
            found |= {f"behind {part.id}", *([f"out {part.id}"] if find_appearance(part).by is not None else [])}
    for place, removed in enumerate(group_removals(facts)):
        found.add(f"withdrawn {place}")
        if all(_has_upper_bound(one.seconds) for one in removed):
            found.add(f"back {place}")
    for place, group in enumerate(group_exposures(facts.exposures)):
        found.add(f"exposed {place}")
        if not any(exposure.open for exposure in group):
            found.add(f"over {place}")
    return frozenset(found)


def select_drafted_facts(facts: ReleaseFacts | None) -> object:
    """Return the facts that a draft states, without lengths that still grow: if they differ, write it again."""
    if facts is None:
        return None
    parts = []
    for one in facts.parts:
        wait = one.wait if _has_upper_bound(one.wait) else None
        parts.append((one.id, one.verdict if one.required else "", one.first_seen, one.released, wait))
    spans = [(one.part, one.start, one.to, one.open) for one in facts.exposures]
    kinds = sorted((one.kind, one.part or "", _has_upper_bound(one.seconds)) for one in facts.findings)
    return facts.verdict, facts.grade, facts.final, facts.slot, parts, spans, kinds, facts.elsewhere


def find_first_exposure_start(exposures: Iterable[Exposure]) -> datetime | None:
    """Return when the first exposure is proved to have begun."""
    return min((when for one in exposures if (when := one.start.by or one.start.after)), default=None)


def _is_released_late(facts: ReleaseFacts) -> bool:
    page = facts.page
    return is_late(facts) and page is not None and page.verdict == "late" and _has_upper_bound(page.wait)


def _has_late_part(facts: ReleaseFacts) -> bool:
    late = any(part.required and part.verdict in LATE_VERDICTS for part in facts.parts if part.id != "page")
    return late or any(finding.kind == "partial" for finding in facts.findings)


def _has_upper_bound(delay: object) -> bool:
    return getattr(delay, "max", None) is not None


def _finding_time(finding: Finding) -> datetime:
    return finding.at or _LONG_AGO


def _exposure_start(exposure: Exposure) -> datetime:
    return exposure.start.by or exposure.start.after or _FOR_EVER


def _exposure_end(exposure: Exposure) -> datetime:
    return _FOR_EVER if exposure.open else exposure.to.by or exposure.to.after or _FOR_EVER


_KEYS_OF_RELEASE: dict[str, Callable[[ReleaseFacts], bool]] = {
    "late": is_late,
    "early": is_early,
    "unproven": lambda facts: facts.verdict == "unproven",
    "calendar": is_calendar,
    "never": lambda facts: facts.verdict == "not_published",
    "appeared": _is_released_late,
    "swapped": lambda facts: any(finding.kind == "swapped" for finding in find_alterations(facts)),
}
