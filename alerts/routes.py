"""Which channels get a notice, and the earliest time for each (quiet hours)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal
from zoneinfo import ZoneInfo

from alerts.incident import ESCALATED_TO_ALL, reminder_number
from alerts.notice import Notice
from alerts.rota import Rota
from schedules.values import QuietHours, Table

_GENERAL_NAME = {
    "early_exposure": "early",
    "partial": "late",
    "stale_edge": "late",
    "withdrawn": "altered",
    "swapped": "altered",
    "unannounced": "calendar",
    "calendars_disagree": "calendar",
    "short_notice": "calendar",
    "promise_in_doubt": "calendar",
    "brought_forward": "calendar",
}
"""The general name that routes may use for a finding. Findings that are not here are details of these."""
_GROUPED_NAMES = frozenset({"early", "altered", "calendar"})
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

    def names_finding(self, kind: str) -> bool:
        """Return whether it takes notices with a finding of this kind."""
        return fnmatchcase(kind, self.match.finding or "*")


def select_channels(  # noqa: PLR0913 # what a route may ask about
    notice: Notice,
    routes: Sequence[Route],
    names: Sequence[str],
    now: datetime,
    timezone: str,
    *,
    producers: Sequence[str] = (),
    rotas: Mapping[str, Rota] | None = None,
) -> list[tuple[str, datetime]]:
    """Return the channels a notice goes to, each with the instant before which it must not be sent.

    `names` are all channels, `producers` all producers of its releases. Every matching route counts. A channel of
    several routes gets the notice at the earliest of their times. A rota is replaced by the roles on call at that time.
    The notice goes to all channels if no route matches its main finding, or if it would be silent although no route
    silences one of its findings: a fact that no one foresaw must still reach someone.
    """
    fitting = [route for route in routes if _matches_producer_and_grade(route, notice, producers)]
    found: dict[str, datetime] = {}
    for route in fitting:
        if any(map(route.names_finding, notice.findings)):
            begin = _earliest_send(route, notice, now, timezone)
            reminders = reminder_number(notice) if notice.kind == "reminder" else 0
            escalated = route.escalate if reminders >= ESCALATED_TO_ALL else route.escalate[:reminders]
            for name in resolve_rotas([*route.channels, *escalated], rotas or {}, begin):
                found[name] = min(begin, found.get(name, begin))
    is_silent = not found.keys() & set(names)
    must_be_routed = _leading_findings(notice.findings) | (_further_findings(notice.findings) if is_silent else set())
    if any(not _is_routed(kind, fitting) for kind in must_be_routed):
        return [(name, now) for name in names]
    return [(name, found[name]) for name in names if name in found]


def _matches_producer_and_grade(route: Route, notice: Notice, producers: Sequence[str]) -> bool:
    is_theirs = any(fnmatchcase(one, route.match.producer or "*") for one in (notice.producer, *producers))
    return is_theirs and route.match.grade in (None, notice.grade)


def _is_routed(kind: str, routes: Sequence[Route]) -> bool:
    """Return whether a route matches a finding, by its own or its general name."""
    return any(route.names_finding(name) for route in routes for name in (kind, _GENERAL_NAME.get(kind, kind)))


def _leading_findings(findings: Sequence[str]) -> set[str]:
    """Return the main finding of a notice, with all findings of its general name."""
    first = findings[0]
    return {kind for kind in findings if first in _GROUPED_NAMES and _GENERAL_NAME.get(kind) == first} or {first}


def _further_findings(findings: Sequence[str]) -> set[str]:
    """Return its other findings that would have a notice of their own. Delays count once, as one finding."""
    others = {*findings[1:]} & {*_GENERAL_NAME, "late", "lead"}
    if findings[0] in _DELAY_FINDINGS:
        return others - _DELAY_FINDINGS
    return others - (_DELAY_FINDINGS - {"late"} if "late" in others else set())


def resolve_rotas(names: Iterable[str], rotas: Mapping[str, Rota], at: datetime) -> Iterator[str]:
    """Yield these channels, and for a rota the channels of the roles on call at that time."""
    for name in names:
        yield from rotas[name].channels(at) if name in rotas else (name,)


def _earliest_send(route: Route, notice: Notice, now: datetime, timezone: str) -> datetime:
    if route.quiet is None or notice.grade == "report":
        return now
    begins, ends = route.quiet
    local = now.astimezone(ZoneInfo(timezone))
    clock = local.time()
    inside = begins <= clock < ends if begins <= ends else clock >= begins or clock < ends
    if not inside:
        return now
    morning = local.date() if clock < ends else local.date() + timedelta(days=1)
    return max(now, datetime.combine(morning, ends, ZoneInfo(timezone)).astimezone(UTC))
