"""Who gets what, where, and when they may be woken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal
from zoneinfo import ZoneInfo

from alerts.incident import ESCALATED_TO_ALL, which_reminder
from alerts.notice import Notice
from alerts.rota import Rota
from schedules.values import QuietHours, Table

_SORTS = {
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
"""By which other name a finding is known to routes. All others are details of one of these."""
_OF_SEVERAL = frozenset({"early", "altered", "calendar"})
_DELAYS = frozenset({"late", "partial", "stale_edge"})


class RouteMatch(Table):
    """Which notices a route takes: those that match every pattern given (`*` and `?` as in file names).

    `finding` matches if any finding of the notice does.
    """

    producer: str | None = None
    grade: Literal["none", "note", "report"] | None = None
    finding: str | None = None


class Route(Table):
    """Where matching notices go. Both lists may name a rota. Empty `channels` silence matching findings on purpose.

    As long as no one acknowledges, each reminder also goes to one more of `escalate`, the last to all of them.
    `quiet` are local times between which only notices of grade `report` are delivered. They may span midnight.
    """

    match: RouteMatch = RouteMatch()
    channels: list[str]
    escalate: list[str] = []
    quiet: QuietHours | None = None

    def names_finding(self, kind: str) -> bool:
        """Return whether it takes notices with a finding of this kind."""
        return fnmatchcase(kind, self.match.finding or "*")


def routes_for(  # noqa: PLR0913 # what a route may ask about
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

    `names` are all channels there are, `producers` all whose release it tells of. Every matching route counts; a
    channel named by several is told at the earliest of their times, of `rotas` whoever is on call by then. A notice
    goes to every channel when no route matches what it tells, or when it would be silent though one of its findings is
    silenced by no route: a fact that nobody thought of must still reach someone.
    """
    fitting = [route for route in routes if _fits(route, notice, producers)]
    found: dict[str, datetime] = {}
    for route in fitting:
        if any(map(route.names_finding, notice.findings)):
            begin = _not_before(route, notice, now, timezone)
            reminders = which_reminder(notice) if notice.kind == "reminder" else 0
            escalated = route.escalate if reminders >= ESCALATED_TO_ALL else route.escalate[:reminders]
            for name in resolved([*route.channels, *escalated], rotas or {}, begin):
                found[name] = min(begin, found.get(name, begin))
    is_silent = not found.keys() & set(names)
    owed = _told(notice.findings) | (_besides(notice.findings) if is_silent else set())
    if any(not _is_meant(kind, fitting) for kind in owed):
        return [(name, now) for name in names]
    return [(name, found[name]) for name in names if name in found]


def _fits(route: Route, notice: Notice, producers: Sequence[str]) -> bool:
    is_theirs = any(fnmatchcase(one, route.match.producer or "*") for one in (notice.producer, *producers))
    return is_theirs and route.match.grade in (None, notice.grade)


def _is_meant(kind: str, routes: Sequence[Route]) -> bool:
    """Tell whether a route says what is to be done about a finding, by its name or that of its sort."""
    return any(route.names_finding(name) for route in routes for name in (kind, _SORTS.get(kind, kind)))


def _told(findings: Sequence[str]) -> set[str]:
    """Return what a notice tells in the first place."""
    first = findings[0]
    return {kind for kind in findings if first in _OF_SEVERAL and _SORTS.get(kind) == first} or {first}


def _besides(findings: Sequence[str]) -> set[str]:
    """Return what it names besides and would have been told of by itself; a delay counts once, by its own name."""
    others = {*findings[1:]} & {*_SORTS, "late", "lead"}
    if findings[0] in _DELAYS:
        return others - _DELAYS
    return others - (_DELAYS - {"late"} if "late" in others else set())


def resolved(names: Iterable[str], rotas: Mapping[str, Rota], at: datetime) -> Iterator[str]:
    """Yield channels by name: those named, and of a rota those of whoever is on call then."""
    for name in names:
        yield from rotas[name].channels(at) if name in rotas else (name,)


def _not_before(route: Route, notice: Notice, now: datetime, timezone: str) -> datetime:
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
