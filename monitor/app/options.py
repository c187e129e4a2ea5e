"""Settings in the terms of each package: pure translations, one for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

from alerts.rota import rota_calendar_name
from monitor.clock import Clock
from monitor.config.settings import DEFAULT_RATES, NetworkSettings, PartSettings, Settings
from monitor.judge.policy import Policies, Policy, UsualTime
from monitor.ledger.state import Checks
from monitor.look.fetch import Fetcher
from monitor.look.guard import guard_of
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Proxies, Proxy
from monitor.plan.budget import Budget
from monitor.watch.planner import WatchRules
from monitor.watch.tripwires import Producer
from schedules.announcement import Announcement, Origin, Part, Role
from schedules.dates import assume_time
from schedules.join import JoinRules
from schedules.release import Release
from schedules.slot import Precision
from schedules.sources.registry import KINDS
from schedules.workdays import Nation, NationSettings, Workdays


def policies_of(settings: Settings) -> Policies:
    """Return the policy, general and per producer."""
    table = settings.policy
    general = Policy(
        on_time_within=table.on_time_within,
        note_within=table.note_within,
        uncertainty=settings.clock.warn_offset,
        closes_after=settings.watch.overdue.close,
        short_notice=table.short_notice,
        most_parts=settings.watch.most_parts,
        confirmed_within=table.confirmed_within,
        workdays=_workdays(settings, "ENG"),
        on_file=on_file(settings),
    )
    nations = {producer.id: _workdays(settings, producer.nation) for producer in settings.producer}
    return Policies(general, table.producer, nations)


def watch_rules_of(settings: Settings) -> WatchRules:
    """Return how releases are watched and judged."""
    return WatchRules(
        watch=settings.watch,
        policies=policies_of(settings),
        default_time=settings.policy.default_time,
        extra_parts=parts_of(settings),
        importance=importance_of(settings),
    )


def hosts_of(settings: Settings) -> Callable[[str], Collection[str]]:
    """Return what tells the hosts of a producer."""
    hosts = {table.id: frozenset(table.hosts) for table in settings.producer}
    return lambda producer: hosts.get(producer, frozenset())


def joining_of(settings: Settings) -> JoinRules:
    """Return how calendars are joined; they rule in the order of the file."""
    return JoinRules(
        order=tuple(table.name for table in settings.calendar),
        explicit=frozenset(table.name for table in settings.calendar if KINDS[table.kind].by_hand),
        pins=tuple(settings.pin),
        splits=tuple(settings.split),
        whose=tuple(table.id for table in settings.producer),
    )


def checks_of(settings: Settings) -> dict[str, Checks]:
    """Return how the reads of each calendar are held against earlier ones."""
    return {
        table.name: Checks(
            may_be_empty=KINDS[table.kind].may_be_empty if table.may_be_empty is None else table.may_be_empty,
            accept=table.accept,
            timezone=settings.timezone,
        )
        for table in settings.calendar
    }


def slot_times_of(settings: Settings) -> Callable[[Announcement], Announcement]:
    """Return what gives entries without a time the usual one of their series, or of their producer; for planning."""
    usual = {name: own.default_time for name, own in settings.policy.producer.items()}

    def with_usual_time(announcement: Announcement) -> Announcement:
        own = (table.time for table in settings.slot_time if table.match.fits(announcement))
        time = next(own, next((usual[one] for one in announcement.producers if usual.get(one)), None))
        if time is None or announcement.slot.precision is not Precision.DAY:
            return announcement
        return replace(announcement, slot=assume_time(announcement.slot, time))

    return with_usual_time


def parts_of(settings: Settings) -> Callable[[Release], tuple[Part, ...]]:
    """Return what tells the configured parts of a release."""

    def extra(release: Release) -> tuple[Part, ...]:
        return tuple(_part(table, release) for table in settings.part if table.match.fits(release))

    return extra


def importance_of(settings: Settings) -> Callable[[Release], int]:
    """Return what tells how much a release matters: by the first table that fits it."""

    def importance(release: Release) -> int:
        return next((table.level for table in settings.importance if table.match.fits(release)), 0)

    return importance


def fetcher_of(settings: Settings, clock: Clock) -> Fetcher:
    """Return the fetcher that goes out to the network, guarded as configured."""
    network = settings.network
    guard = guard_of(network.allow, network.ports, allowed_hosts(settings))
    seconds = network.timeout.total_seconds()
    return HttpFetcher(
        clock,
        guard,
        budget=budget_of(settings),
        contact=network.contact,
        seconds=seconds,
        proxies=proxies_of(network),
    )


def proxies_of(network: NetworkSettings) -> Proxies:
    """Return through which proxy each host is asked."""
    hosts = {host.lower(): None if url == "direct" else _proxy(url) for host, url in network.proxies.items()}
    return Proxies(_proxy(network.proxy) if network.proxy is not None else None, hosts)


def _proxy(url: str) -> Proxy:
    split = urlsplit(url)
    return Proxy(split.hostname or "", split.port or 3128)


def allowed_hosts(settings: Settings) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the hosts that calendars, rotas and producers name, with the networks that these may lie in."""
    for calendar in settings.calendar:
        if calendar.allow and (host := urlsplit(calendar.url or "").hostname):
            yield host, calendar.allow
    for rota in settings.rota:
        if rota.allow and (host := urlsplit(rota.url or "").hostname):
            yield host, rota.allow
    for producer in settings.producer:
        listings = (urlsplit(url).hostname for url in (*producer.newest, *producer.press))
        for host in {*producer.hosts, *filter(None, listings)} if producer.allow else ():
            yield host, producer.allow


def tripwires_of(settings: Settings) -> list[Producer]:
    """Return whose listings, feeds and press are watched."""
    return [
        Producer(table.id, table.hosts, table.newest, table.press, table.press_keywords) for table in settings.producer
    ]


def spacings_of(settings: Settings) -> dict[str, timedelta]:
    """Return how often each calendar is read, those of rotas among them."""
    rotas = {rota_calendar_name(table.name): table.read_every for table in settings.rota if table.url or table.file}
    return {table.name: table.every for table in settings.calendar} | rotas


def budget_of(settings: Settings) -> Budget:
    """Return how often each host may be asked."""
    known = {host: settings.rate(host) for host in (*DEFAULT_RATES, *settings.budget) if host != "default"}
    return Budget(settings.rate("default"), known)


def _part(table: PartSettings, release: Release) -> Part:
    slug = urlsplit(release.url).path.rstrip("/").rpartition("/")[2]
    url = table.url.format(slug=slug, url=release.url.rstrip("/"))
    return Part(table.id, Role(table.role), url, table.recognise, table.required, Origin.CONFIGURED)


def on_file(settings: Settings) -> tuple[UsualTime, ...]:
    """Return the unusual times that were granted, each with who granted it."""
    return tuple(
        UsualTime(table.time, table.reference, *(one or "*" for one in (match.producer, match.title, match.url)))
        for table in settings.slot_time
        for match in (table.match,)
        if table.reference
    )


def _workdays(settings: Settings, nation: Nation) -> Workdays:
    return settings.nation.get(nation, NationSettings()).workdays(nation)
