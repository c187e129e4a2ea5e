"""Who gets what, where, and when they may be woken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from alerts.notice import Notice


@dataclass(frozen=True, slots=True)
class Route:
    """Where notices of some sort go; every pattern must match (`*` and `?` as in file names).

    `finding` matches when any finding of the notice does. `channels` left empty keeps such notices
    silent on purpose. `escalate` are told as well once nobody has acknowledged in time. `quiet` are local
    times between which only grade `report` is delivered; they may span midnight.
    """

    channels: tuple[str, ...]
    producer: str = "*"
    grade: str = "*"
    finding: str = "*"
    quiet: tuple[time, time] | None = None
    escalate: tuple[str, ...] = ()


def routes_for(
    notice: Notice, routes: Sequence[Route], names: Sequence[str], now: datetime, timezone: str
) -> list[tuple[str, datetime]]:
    """Return the channels a notice goes to, each with the instant before which it must not be sent.

    `names` are all channels there are. Every matching route counts; a channel named by several is told at
    the earliest of their times. A notice that no route matches goes to every channel: a fact that nobody
    thought of must still reach someone.
    """
    matching = [route for route in routes if _matches(route, notice)]
    if not matching:
        return [(name, now) for name in names]
    found: dict[str, datetime] = {}
    for route in matching:
        begin = _not_before(route, notice, now, timezone)
        for name in _channels(route, notice):
            found[name] = min(begin, found.get(name, begin))
    return [(name, found[name]) for name in names if name in found]


def _matches(route: Route, notice: Notice) -> bool:
    finding = route.finding == "*" or any(fnmatchcase(kind, route.finding) for kind in notice.findings)
    return finding and fnmatchcase(notice.producer, route.producer) and fnmatchcase(notice.grade, route.grade)


def _channels(route: Route, notice: Notice) -> Iterator[str]:
    yield from route.channels
    if notice.kind == "reminder":
        yield from route.escalate


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
