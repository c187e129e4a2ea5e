"""Selects the channels that get a notice, and the earliest time for each (quiet hours)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from alerts.fact_rules import ALTERED_FINDINGS, CALENDAR_FINDINGS
from alerts.incident import ESCALATED_TO_ALL, find_reminder_number
from alerts.notice import Notice
from alerts.rota import Rota
from schedules.times.zone import local
from schedules.values import QuietHours, Table

_GROUP_OF_FINDING = {
    "early_exposure": "early",
    **dict.fromkeys(("partial", "stale_edge"), "late"),
    **dict.fromkeys(ALTERED_FINDINGS, "altered"),
    **dict.fromkeys(CALENDAR_FINDINGS, "calendar"),
    **dict.fromkeys(("wrong_edition", "wrong_content", "marked_draft"), "wrong_file"),
}
"""The group of a finding, whose name routes may also use for it. Findings that are not here are
details of these.
"""
_DELAY_FINDINGS = frozenset({"late", "partial", "stale_edge"})


class RouteMatch(Table):
    """Which notices the route takes. Every key given must match. `*` means any text."""

    producer: str | None = None
    """The id of a producer."""
    grade: Literal["none", "note", "report"] | None = None
    """The grade: `none`, `note` or `report`."""
    finding: str | None = None
    """A finding, such as `early_exposure`. To silence one never silences another
    ([more](notices.md#routes-and-quiet-hours)).
    """


class Route(Table):
    """Which notices go to which channels. Without routes, every channel gets everything.

    If several routes match a notice, all of them count.
    """

    match: RouteMatch = RouteMatch()
    channels: list[str]
    """Names of channels or rotas. `[]` suppresses these notices on purpose."""
    escalate: list[str] = []
    """Channels or rotas. Each reminder goes to one more of them, until someone acknowledges."""
    quiet: QuietHours | None = None
    """Quiet hours, `"22:00-07:00"`. Notices of grade `report` ignore them."""

    def matches_release(self, grade: str, producers: Iterable[str]) -> bool:
        """Return whether it takes notices of this grade about a release of these producers."""
        pattern = self.match.producer or "*"
        is_of_producer = any(fnmatchcase(producer, pattern) for producer in producers)
        return is_of_producer and self.match.grade in (None, grade)

    def matches_finding(self, kind: str) -> bool:
        """Return whether its own pattern matches this kind of finding.

        Without a pattern it matches all.
        """
        return fnmatchcase(kind, self.match.finding or "*")

    def matches_finding_or_group(self, kind: str) -> bool:
        """Return whether it matches this kind, or the group of it: `late` for `partial`."""
        return self.matches_finding(kind) or self.matches_finding(_GROUP_OF_FINDING.get(kind, kind))


def select_channels(  # noqa: PLR0913 # the facts that a route may match
    notice: Notice,
    routes: Sequence[Route],
    names: Sequence[str],
    now: datetime,
    timezone: str,
    *,
    producers: Sequence[str] = (),
    rotas: Mapping[str, Rota] | None = None,
) -> list[tuple[str, datetime]]:
    """Return the channels that get a notice, each with the earliest time to send it.

    The routes that match it name the channels. But if no route is about its main (first) finding,
    all channels get it at once, because someone must be notified. `names` are all channels,
    `producers` all producers of its releases.
    """
    all_producers = (notice.producer, *producers)
    matching = [route for route in routes if route.matches_release(notice.grade, all_producers)]
    reminder_number = find_reminder_number(notice) if notice.kind == "reminder" else 0
    times: dict[str, datetime] = {}
    for route in matching:
        if any(map(route.matches_finding, notice.findings)):
            begin = _find_earliest_send(route, notice, now, timezone)
            escalated = route.escalate[:reminder_number]
            if reminder_number >= ESCALATED_TO_ALL:
                escalated = route.escalate
            for name in resolve_rotas([*route.channels, *escalated], rotas or {}, begin):
                times[name] = min(begin, times.get(name, begin))
    chosen = [(name, times[name]) for name in names if name in times]
    main = notice.findings[0]
    must_have_route = {main}
    if main in ("early", "altered", "calendar", "wrong_file"):
        # The main finding may only name a group. If it is `calendar`, each finding about calendars
        # must have a route.
        must_have_route = {
            finding for finding in notice.findings if _GROUP_OF_FINDING.get(finding) == main
        } or {main}
    if not chosen:
        # No channel gets the notice. That is on purpose only if some route is about each of its
        # findings.
        must_have_route |= _list_further_findings(notice.findings)
    for finding in must_have_route:
        if not any(route.matches_finding_or_group(finding) for route in matching):
            return [(name, now) for name in names]
    return chosen


def _list_further_findings(findings: Sequence[str]) -> set[str]:
    """Return the findings after the main one that could have a notice of their own.

    All delays count as one finding.
    """
    others = {*findings[1:]} & {*_GROUP_OF_FINDING, "late", "lead"}
    if findings[0] in _DELAY_FINDINGS:
        return others - _DELAY_FINDINGS
    if "late" in others:
        return others - _DELAY_FINDINGS | {"late"}
    return others


def resolve_rotas(names: Iterable[str], rotas: Mapping[str, Rota], at: datetime) -> Iterator[str]:
    """Yield these channels, and for a rota the channels of the roles on call at that time."""
    for name in names:
        yield from rotas[name].channels(at) if name in rotas else (name,)


def _find_earliest_send(route: Route, notice: Notice, now: datetime, timezone: str) -> datetime:
    """Return the end of the route's quiet hours if it is in them, else now.

    A notice of grade `report` never waits.
    """
    if route.quiet is None or notice.grade == "report":
        return now
    begins, ends = route.quiet
    wall = local(now, timezone)
    clock = wall.time()
    is_quiet = begins <= clock < ends
    if begins > ends:  # overnight
        is_quiet = clock >= begins or clock < ends
    if not is_quiet:
        return now
    day_of_end = wall.date()
    if clock >= ends:
        day_of_end += timedelta(days=1)
    return max(now, datetime.combine(day_of_end, ends, wall.tzinfo).astimezone(UTC))
