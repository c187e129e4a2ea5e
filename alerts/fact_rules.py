"""Rules on the facts of a release: its faults, and a key for each fact to notify people of once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from alerts.finding import ReleaseFacts
from alerts.one_line import one_line
from schedules.contract.verdict import (
    LATE_VERDICTS,
    LEAD,
    Elsewhere,
    Exposure,
    Finding,
    FindingKind,
    PartVerdict,
)
from schedules.times.interval import Bounds, Interval, earliest_known
from schedules.times.words import instant_text

CALENDAR_FINDINGS: frozenset[str] = frozenset(
    {
        FindingKind.CALENDARS_DISAGREE,
        FindingKind.SHORT_NOTICE,
        FindingKind.UNANNOUNCED,
        FindingKind.PROMISE_IN_DOUBT,
        FindingKind.BROUGHT_FORWARD,
    }
)
ALTERED_FINDINGS: frozenset[str] = frozenset({FindingKind.WITHDRAWN, FindingKind.SWAPPED})
"""Of a release that was out, so no breach, but users may have lost it."""


class FactKind(StrEnum):
    """The sorts of facts that people are notified of."""

    LATE = "late"
    EARLY = "early"
    UNPROVEN = "unproven"
    CALENDAR = "calendar"
    NEVER = "never"
    APPEARED = "appeared"
    SWAPPED = "swapped"
    WRONG_FILE = "wrong_file"
    LEAD = "lead"
    ELSEWHERE = "elsewhere"
    BEHIND = "behind"
    OUT = "out"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    BACK = "back"
    EXPOSED = "exposed"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class FactKey:
    """One fact of which people are notified once, named in ids of notices.

    `subject` tells several of a kind apart: a part, a group's number, or a calendar's text.
    """

    kind: FactKind
    subject: str = ""

    def __str__(self) -> str:
        """Return its text, such as `out tables`."""
        return f"{self.kind} {self.subject}" if self.subject else self.kind


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


def find_appearance(part: PartVerdict) -> Interval:
    """Return when a part appeared at or after its slot, if it has."""
    # An exposure that ended before the slot is not a release.
    return part.released if part.released.by or part.exposures else part.first_seen


def has_appeared(part: PartVerdict) -> bool:
    """Return whether a part appeared at or after its slot."""
    return find_appearance(part).by is not None


def _has_late_part(facts: ReleaseFacts) -> bool:
    late_findings = facts.finding_kinds & {FindingKind.LATE, FindingKind.PARTIAL}
    return facts.verdict in LATE_VERDICTS or bool(late_findings)


def is_late(facts: ReleaseFacts) -> bool:
    """Return whether users had to wait for the page, a part, or a stale cache."""
    is_stale = FindingKind.STALE_EDGE in facts.finding_kinds and facts.grade != "none"
    return _has_late_part(facts) or is_stale


def is_only_stale(facts: ReleaseFacts) -> bool:
    """Return whether a stale cache was the only reason to wait."""
    return is_late(facts) and not _has_late_part(facts)


def find_earlier_publication(facts: ReleaseFacts, part: PartVerdict) -> datetime | None:
    """Return by when the publisher had a part out, a minute or more before users, else None."""
    seen_after = find_appearance(part).after
    first = earliest_known(
        each.at
        for each in facts.findings
        if each.kind == FindingKind.STALE_EDGE and each.part == part.id
    )
    if first is None or seen_after is None or seen_after - first < timedelta(minutes=1):
        return None
    return first


def find_wrong_file(facts: ReleaseFacts) -> Finding | None:
    """Return the finding that another file was at a file's address, or None."""
    files = {part.id for part in facts.parts if part.role in ("attachment", "data")}
    wrong = (FindingKind.WRONG_CONTENT, FindingKind.WRONG_EDITION)
    found = (each for each in facts.findings if each.kind in wrong and each.part in files)
    return next(found, None)


def find_wrong_files(facts: ReleaseFacts) -> list[Finding]:
    """Return the findings that a file says itself that it is not the release's."""
    return [finding for finding in facts.findings if finding.instead]


def is_wrong_file_there(facts: ReleaseFacts, part: PartVerdict) -> bool:
    """Return whether another file is at the address of a part now."""
    inside = [finding for finding in find_wrong_files(facts) if finding.part == part.id]
    if any(not has_upper_bound(finding.seconds) for finding in inside):
        return True
    wrong_file = find_wrong_file(facts)
    is_about_part = wrong_file is not None and wrong_file.part == part.id
    return is_about_part and not inside and part.released.by is None


def is_partial(facts: ReleaseFacts) -> bool:
    """Return whether the page is out and not late, while another part was."""
    page = facts.page
    if page is None or page.verdict in {*LATE_VERDICTS, "unproven"}:
        return False
    is_page_out = page.verdict == "on_time" or has_appeared(page)
    return is_page_out and any(
        part.required and part.verdict in LATE_VERDICTS for part in facts.parts
    )


def is_early(facts: ReleaseFacts) -> bool:
    """Return whether something was public before the slot."""
    return facts.verdict == "early" or FindingKind.EARLY_EXPOSURE in facts.finding_kinds


def is_lead(facts: ReleaseFacts) -> bool:
    """Return whether there is something that only a person can judge."""
    return facts.verdict == LEAD


def find_alterations(facts: ReleaseFacts) -> list[Finding]:
    """Return the findings that a released part was withdrawn or replaced, not an alternative."""
    parts = {None, *(part.id for part in facts.parts if part.role != "alternative")}
    return [
        finding
        for finding in facts.findings
        if finding.kind in ALTERED_FINDINGS and finding.part in parts
    ]


def group_removals(facts: ReleaseFacts) -> list[list[Finding]]:
    """Return the removals in order, a page and its files removed together as one group."""
    groups: list[list[Finding]] = []
    removals = (
        finding for finding in find_alterations(facts) if finding.kind == FindingKind.WITHDRAWN
    )
    for removal in sorted(removals, key=_finding_time):
        # Files are checked once an hour.
        is_together = (
            bool(groups)
            and _finding_time(removal) - _finding_time(groups[-1][0]) <= timedelta(hours=2)
            and all(earlier.part != removal.part for earlier in groups[-1])
        )
        if not is_together:
            groups.append([])
        groups[-1].append(removal)
    return groups


def list_parts_found_elsewhere(facts: ReleaseFacts) -> list[str]:
    """Return the ids of alternatives that had the release before the announced page."""
    public_after_slot = {
        part.id for part in facts.parts if part.first_seen.by is not None and not part.exposures
    }
    before_page = {
        finding.part for finding in facts.findings if finding.kind == FindingKind.ELSEWHERE_FIRST
    }
    if is_page_awaited(facts):
        before_page |= {alternative.part for alternative in list_public_alternatives(facts)}
    return sorted(public_after_slot & before_page)


def list_public_alternatives(facts: ReleaseFacts) -> list[Elsewhere]:
    """Return the alternatives that are public now, earliest first.

    Before the slot there are none (embargo).
    """
    if not is_late(facts) and (facts.slot is None or facts.at < facts.slot):
        return []
    return [
        alternative
        for alternative in facts.elsewhere
        if alternative.start.by is not None and not alternative.to
    ]


def is_not_found_yet(facts: ReleaseFacts) -> bool:
    """Return whether the tolerance is over and the release was not found, but it is not confirmed
    that it is late.
    """
    return facts.verdict != LEAD and facts.due is not None and facts.due.is_confirming


def is_page_awaited(facts: ReleaseFacts) -> bool:
    """Return whether the announced page should be out and was not seen yet."""
    page = facts.page
    if page is None or has_appeared(page):
        return False
    return page.verdict in {*LATE_VERDICTS, "unproven", "pending"}


def is_calendar(facts: ReleaseFacts) -> bool:
    """Return whether calendars disagree or changed in a way that a person must check."""
    return facts.verdict == "unannounced" or bool(facts.finding_kinds & CALENDAR_FINDINGS)


def group_exposures(exposures: Iterable[Exposure]) -> list[list[Exposure]]:
    """Return the exposures in groups that overlap, in time order: a page and its file public at
    once make one group.

    Fact keys contain the number of a group, so a group must keep its number after later looks.
    """
    groups: list[list[Exposure]] = []
    end_of_group = _LONG_AGO
    for exposure in sorted(exposures, key=_exposure_start):
        if not groups or _exposure_start(exposure) > end_of_group:
            groups.append([])
        groups[-1].append(exposure)
        # An open exposure, or one whose end has no known time, may overlap any later exposure. So
        # it never ends here.
        end = _FOR_EVER if exposure.open else exposure.to.by or exposure.to.after or _FOR_EVER
        end_of_group = max(end_of_group, end)
    return groups


def list_fact_keys(facts: ReleaseFacts | None) -> frozenset[FactKey]:
    """Return a key for each fact that people are notified of; no keys without facts, and only those
    of leads if the verdict is `lead`: other incidents report the rest.

    A late part other than the page is `behind`, and also `out` once it came. A group of exposures
    is `exposed`, and `over` once none is open.
    """
    if facts is None:
        return frozenset()
    if is_lead(facts):
        return frozenset(
            FactKey(FactKind.LEAD, f"{finding.part or ''} {finding.detail}")
            for finding in facts.findings
            if finding.kind == LEAD
        )
    keys = {FactKey(kind) for kind, is_true_of in _TEST_OF_KIND.items() if is_true_of(facts)}
    keys.update(FactKey(FactKind.ELSEWHERE, part) for part in list_parts_found_elsewhere(facts))
    for part in facts.parts:
        if part.required and part.id != "page" and part.verdict in LATE_VERDICTS:
            keys.add(FactKey(FactKind.BEHIND, part.id))
            if has_appeared(part):
                keys.add(FactKey(FactKind.OUT, part.id))
    keys.update(
        FactKey(FactKind.WRONG_FILE, finding.part or "") for finding in find_wrong_files(facts)
    )
    if facts.shown_since is not None:
        keys.add(FactKey(FactKind.CHANGED, say_shown_since(facts)))
    keys |= _list_alteration_keys(facts)
    groups = group_exposures(facts.exposures)
    keys.update(FactKey(FactKind.EXPOSED, str(number)) for number in range(len(groups)))
    return frozenset(keys | find_ended_exposures(facts).keys())


def _list_alteration_keys(facts: ReleaseFacts) -> set[FactKey]:
    """Return a key for each replaced file and each group of removals.

    A group is `withdrawn`, with a key for each further part that did not go after the page, and
    `back` once all are back.
    """
    swapped = (each for each in find_alterations(facts) if each.kind == FindingKind.SWAPPED)
    keys = {FactKey(FactKind.SWAPPED, finding.part or "") for finding in swapped}
    for number, removals in enumerate(group_removals(facts)):
        keys.add(FactKey(FactKind.WITHDRAWN, str(number)))
        for before, removal in pairwise(removals):
            if before.part in (None, "page"):
                break
            keys.add(FactKey(FactKind.WITHDRAWN, f"{number} {removal.part or 'page'}"))
        # The length of an absence is known once the content is back.
        if all(has_upper_bound(removal.seconds) for removal in removals):
            keys.add(FactKey(FactKind.BACK, str(number)))
    return keys


def find_ended_exposures(facts: ReleaseFacts) -> dict[FactKey, list[Exposure]]:
    """Return each group of exposures of which none is open, by its key."""
    return {
        FactKey(FactKind.OVER, str(number)): exposures
        for number, exposures in enumerate(group_exposures(facts.exposures))
        if not any(exposure.open for exposure in exposures)
    }


def say_shown_since(facts: ReleaseFacts) -> str:
    """Return what its calendar shows in place of the slot that counts, empty if it shows that."""
    since = facts.shown_since
    if since is None:
        return ""
    if since.is_cancelled:
        return "its calendar now shows it as cancelled"
    if since.slot is not None:
        return f"its calendar now shows {instant_text(since.slot, facts.timezone)}"
    return f"its calendar now shows “{one_line(since.text, 80)}”"


def select_drafted_facts(facts: ReleaseFacts | None) -> object:
    """Return the facts that a draft states.

    The draft is written again if the result for new facts is not equal.
    """
    if facts is None:
        return None
    parts = []
    for part in facts.parts:
        # A wait or a finding that still goes on is longer at each look. That must not write the
        # draft again.
        ended_wait = has_upper_bound(part.wait) and part.wait
        required_verdict = part.required and part.verdict
        parts.append((part.id, required_verdict, part.first_seen, part.released, ended_wait))
    exposures = [
        (exposure.part, exposure.start, exposure.to, exposure.open) for exposure in facts.exposures
    ]
    # Of the length of a finding, only whether it is complete counts.
    findings = sorted(
        (each.kind, each.part or "", has_upper_bound(each.seconds)) for each in facts.findings
    )
    measured = (facts.verdict, facts.grade, facts.final, facts.slot, facts.elsewhere)
    return measured, parts, exposures, findings


def find_first_exposure_start(exposures: Iterable[Exposure]) -> datetime | None:
    """Return when the first exposure is proved to have begun, None if no start is known."""
    return earliest_known(exposure.start.by or exposure.start.after for exposure in exposures)


def has_upper_bound(length: Bounds | None) -> bool:
    """Return whether a length is complete. One that still grows has no upper bound."""
    return length is not None and length.max is not None


def _finding_time(finding: Finding) -> datetime:
    return finding.at or _LONG_AGO


def _exposure_start(exposure: Exposure) -> datetime:
    return exposure.start.by or exposure.start.after or _FOR_EVER


_TEST_OF_KIND: dict[FactKind, Callable[[ReleaseFacts], bool]] = {
    FactKind.LATE: is_late,
    FactKind.EARLY: is_early,
    FactKind.UNPROVEN: lambda facts: facts.verdict == "unproven",
    FactKind.CALENDAR: is_calendar,
    FactKind.NEVER: lambda facts: facts.verdict == "not_published",
    # The page came late, and users can get it by now.
    FactKind.APPEARED: lambda facts: (
        facts.page is not None and facts.page.verdict == "late" and has_upper_bound(facts.page.wait)
    ),
}
