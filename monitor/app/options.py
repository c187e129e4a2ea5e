"""Settings in the terms of each package: pure translations, one for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from alerts.rota import rota_calendar_name
from monitor.clock import Clock
from monitor.config.calendars import CalendarSettings, NationSettings, ReleaseMatch
from monitor.config.settings import DEFAULT_RATES, NetworkSettings, PartSettings, PolicyTable, Settings
from monitor.judge.policy import Override, Policies, Policy, UsualTime
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
from schedules.join import Pin, Rules, Split
from schedules.release import Release
from schedules.slot import Precision
from schedules.sources.options import SourceOptions
from schedules.sources.registry import KINDS
from schedules.workdays import Nation, Workdays, workdays


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
    nations = {producer.id: producer.nation for producer in settings.producer}
    producers = {
        name: Override(
            on_time_within=own.on_time_within,
            note_within=own.note_within,
            workdays=_workdays(settings, nations.get(name, "ENG")),
        )
        for name in {**table.producer, **nations}
        for own in (table.producer.get(name, PolicyTable()),)
    }
    return Policies(general, producers)


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


def joining_of(settings: Settings) -> Rules:
    """Return how calendars are joined; they rule in the order of the file."""
    return Rules(
        order=tuple(table.name for table in settings.calendar),
        explicit=frozenset(table.name for table in settings.calendar if KINDS[table.kind].by_hand),
        pins=tuple(Pin(pin.id, pin.url or "", pin.title, pin.producer) for pin in settings.pin),
        splits=tuple(Split(split.calendar, split.url or "", split.title, split.producer) for split in settings.split),
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
        own = (table.time for table in settings.slot_time if _fits(table.match, announcement))
        time = next(own, next((usual[one] for one in announcement.producers if usual.get(one)), None))
        if time is None or announcement.slot.precision is not Precision.DAY:
            return announcement
        return replace(announcement, slot=assume_time(announcement.slot, f"{time:%H:%M}"))

    return with_usual_time


def parts_of(settings: Settings) -> Callable[[Release], tuple[Part, ...]]:
    """Return what tells the configured parts of a release."""

    def extra(release: Release) -> tuple[Part, ...]:
        return tuple(_part(table, release) for table in settings.part if _fits(table.match, release))

    return extra


def importance_of(settings: Settings) -> Callable[[Release], int]:
    """Return what tells how much a release matters: by the first table that fits it."""

    def importance(release: Release) -> int:
        return next((table.level for table in settings.importance if _fits(table.match, release)), 0)

    return importance


def source_options(table: CalendarSettings, timezone: str) -> SourceOptions:
    """Return what a calendar source is told."""
    return SourceOptions(
        name=table.name,
        url=table.url or table.file or "",
        timezone=table.timezone or timezone,
        producer=table.producer,
        date_order=table.date_order,
        default_time=f"{table.default_time:%H:%M}" if table.default_time else None,
        filters={name: tuple(values) for name, values in table.filters.items()},
        options=table.options,
    )


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
        UsualTime(table.time, table.reference, *(part or "*" for part in _patterns(table.match)))
        for table in settings.slot_time
        if table.reference
    )


def _patterns(match: ReleaseMatch) -> tuple[str | None, str | None, str | None]:
    return match.producer, match.title, match.url


def _fits(match: ReleaseMatch, thing: Release | Announcement) -> bool:
    values = (thing.producers, (thing.title,), _addresses(thing))
    wanted = [(pattern, its) for pattern, its in zip(_patterns(match), values, strict=True) if pattern is not None]
    return bool(wanted) and all(any(fnmatchcase(value, pattern) for value in its) for pattern, its in wanted)


def _addresses(thing: Release | Announcement) -> tuple[str, ...]:
    """Return every address by which a person may know a release: a page keeps its rules when it proves to be elsewhere.

    A publication mostly bears the slug of its announcement, at the address where people expect it.
    """
    return thing.url, thing.link, thing.link.replace("/announcements/", "/")


def _workdays(settings: Settings, nation: Nation) -> Workdays:
    table = settings.nation.get(nation, NationSettings())
    return workdays(nation, table.extra_holidays, table.not_holidays)
