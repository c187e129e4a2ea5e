"""What the daemon will do on a configuration: what it watches, whom it tells, and what it is short of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alerts.channels.settings import ChannelSettings
from monitor.cli.common import Context
from monitor.cli.dates import today
from monitor.config.settings import Settings
from schedules.times.zone import day_begins

if TYPE_CHECKING:
    from monitor.store.sql.engine import Store

DAYS = 7


@dataclass(frozen=True, slots=True)
class Outlook:
    """Releases of the days ahead by producer, None where nothing is known yet; and where budgets are short."""

    due: dict[str, int] | None = None
    short: list[str] = field(default_factory=list)

    def as_json(self, settings: Settings) -> dict[str, Any]:
        """Return it as JSON, with who is told."""
        return {"days": DAYS, "due": self.due, "told": list(told(settings)), "short": self.short}

    def lines(self, settings: Settings) -> Iterator[str]:
        """Yield it in words."""
        yield f"due and watched in the next {DAYS} days: {self._watched(settings)}"
        yield from told(settings)
        yield from (f"short: {warning}" for warning in self.short)
        if self.due and not self.short:
            yield "budgets: every slot is carried"

    def _watched(self, settings: Settings) -> str:
        if self.due is None:
            names = ", ".join(one.name for one in settings.calendar)
            return f"not known before the first read of {names or 'a calendar'}"
        each = ", ".join(f"{producer} {number}" for producer, number in sorted(self.due.items()))
        return f"{sum(self.due.values())} ({each})" if each else "nothing"


def outlook_of(context: Context, store: Store) -> Outlook:
    """Reckon what falls due in the days ahead, and which hosts' budgets do not carry it."""
    from monitor.app.options import budget_of, tripwires_of, watch_rules_of
    from monitor.watch.day_plan import Load, plan_hosts, plan_releases

    settings, zone = context.settings, context.settings.timezone
    rules, carried = watch_rules_of(settings), Load(budget_of(settings), tripwires_of(settings), zone)
    due: Counter[str] = Counter()
    short: list[str] = []
    for day in range(DAYS):
        begin, end = (day_begins(today(zone) + timedelta(days=day + after), zone) for after in (0, 1))
        releases = plan_releases(store, rules, begin, end, context.now())
        due.update(one.release.producer for one in releases if one.is_due)
        if any(one.is_due for one in releases):
            short += [one.warning for one in plan_hosts(releases, carried, rules, begin, end) if one.warning]
    return Outlook(dict(due), short)


def told(settings: Settings) -> Iterator[str]:
    """Yield who is told of what, one line a route."""
    ways = {channel.name: f"{channel.name} ({_way(channel)})" for channel in settings.channel}
    everybody = ", ".join(ways.values())
    ways |= {rota.name: f"{rota.name} (whoever is on call: {', '.join(rota.who)})" for rota in settings.rota}
    for route in settings.route:
        given = {key: value for key, value in route.match.model_dump().items() if value is not None}
        what = ", ".join(f"{key} {value}" for key, value in given.items()) or "everything"
        quiet = f", notes not from {route.quiet[0]:%H:%M} to {route.quiet[1]:%H:%M}" if route.quiet else ""
        later = f"; nobody has it: {', then '.join(ways[name] for name in route.escalate)}" if route.escalate else ""
        yield f"told of {what}: {', '.join(ways[name] for name in route.channels) or 'nobody'}{quiet}{later}"
    rest = "everything" if not settings.route else "what no route takes"
    yield f"told of {rest}: {everybody or 'nobody'}"


def _way(channel: ChannelSettings) -> str:
    # The addresses of hooks are secrets as a whole.
    match channel.kind:
        case "mail":
            return f"mail to {', '.join(channel.to)} through {channel.host}"
        case "notify":
            return f"GOV.UK Notify to {', '.join(channel.to)}"
        case "folder":
            return f"files in {channel.folder}"
        case kind:
            return kind
