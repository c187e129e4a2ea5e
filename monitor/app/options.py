"""Makes from `config.toml` what planning, looking and judging need.

Reads no files and connects nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from alerts.rota import rota_calendar_name
from monitor.clock import Clock
from monitor.config.settings import DEFAULT_RATES, NetworkSettings, PartSettings, Settings
from monitor.judge.policy import Policies, Policy, UsualTime
from monitor.ledger.state import Checks
from monitor.look.fetch import Fetcher
from monitor.look.guard import Guard, make_guard
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Proxies, Proxy, Resolver
from monitor.plan.budget import Budget
from monitor.store.open import is_shared
from monitor.store.rows import OFFLINE_MARK
from monitor.store.sql.engine import Store
from monitor.watch.planner import WatchRules
from monitor.watch.tripwires import Producer
from monitor.web.hand_calendar import HandCalendar
from schedules.announcement import BY_HAND, Announcement, Origin, Part, Role
from schedules.dates.read import assume_time
from schedules.join import JoinRules
from schedules.release import Release
from schedules.slot import Precision
from schedules.sources.registry import KINDS
from schedules.workdays import Nation, NationSettings, Workdays


def make_policies(settings: Settings) -> Policies:
    """Return the general policy, with the settings and workdays of each producer that has its
    own.
    """
    table = settings.policy
    general = Policy(
        on_time_within=table.on_time_within,
        note_within=table.note_within,
        # our clock may be wrong by this much before it gives a warning
        uncertainty=settings.clock.warn_offset,
        closes_after=settings.watch.overdue.close,
        short_notice=table.short_notice,
        most_parts=settings.watch.most_parts,
        confirmed_within=table.confirmed_within,
        workdays=_workdays(settings, "ENG"),  # of England
        on_file=granted_times(settings),
    )
    nations = {producer.id: _workdays(settings, producer.nation) for producer in settings.producer}
    return Policies(general, table, nations)


def make_watch_rules(settings: Settings) -> WatchRules:
    """Return the rules by which releases are planned, watched and judged."""
    return WatchRules(
        watch=settings.watch,
        policies=make_policies(settings),
        default_time=settings.policy.default_time,
        extra_parts=lambda release: tuple(
            _make_part(table, release) for table in settings.part if table.match.fits(release)
        ),
        # The level of the first `[[importance]]` that matches, 0 without one.
        importance=lambda release: next(
            (table.level for table in settings.importance if table.match.fits(release)), 0
        ),
    )


def make_join_rules(settings: Settings) -> JoinRules:
    """Return the rules by which entries of several calendars become one release.

    Those named first have priority.
    """
    return JoinRules(
        # People add to the calendar `by-hand` what no other announces, so it comes last: False
        # sorts before True.
        order=tuple(
            sorted((table.name for table in settings.calendar), key=lambda name: name == BY_HAND)
        ),
        # In these calendars people give each entry an id, which becomes that of its release.
        hand_kept=frozenset(table.name for table in settings.calendar if KINDS[table.kind].by_hand),
        pins=tuple(settings.pin),  # entries that people have joined
        splits=tuple(settings.split),  # entries that people have kept apart
        producer_order=tuple(table.id for table in settings.producer),
    )


def make_calendar_checks(settings: Settings) -> dict[str, Checks]:
    """Return by calendar how each read is checked against earlier reads."""
    return {
        table.name: Checks(
            may_be_empty=KINDS[table.kind].may_be_empty
            if table.may_be_empty is None
            else table.may_be_empty,
            accept=table.accept,
            timezone=settings.timezone,
        )
        for table in settings.calendar
    }


def make_usual_time_filler(settings: Settings) -> Callable[[Announcement], Announcement]:
    """Return a function that adds the usual time to an entry announced for a day only, to plan
    looks.

    The usual time is that of the first `[[slot_time]]` that matches, else the producer's. Without
    either, add none.
    """
    times = {name: policy.default_time for name, policy in settings.policy.producer.items()}

    def add_usual_time(announcement: Announcement) -> Announcement:
        of_series = [table.time for table in settings.slot_time if table.match.fits(announcement)]
        of_producers = [
            time for name in announcement.producers if (time := times.get(name)) is not None
        ]
        usual = next(iter([*of_series, *of_producers]), None)
        if usual is None or announcement.slot.precision is not Precision.DAY:
            return announcement
        return replace(announcement, slot=assume_time(announcement.slot, usual))

    return add_usual_time


def make_fetcher(
    settings: Settings, clock: Clock, certificates: dict[str, datetime] | None = None
) -> Fetcher:
    """Return the fetcher for the network, with the configured guard, budgets and proxies.

    `certificates` gets the end of each host's certificate.
    """
    network, guard = settings.network, _make_guard(settings)
    seconds = network.timeout.total_seconds()
    budget, proxies = make_budget(settings), make_proxies(network)
    return HttpFetcher(
        clock,
        guard,
        budget=budget,
        contact=network.contact,
        seconds=seconds,
        proxies=proxies,
        certificates=certificates,
    )


def _make_guard(settings: Settings) -> Guard:
    return make_guard(settings.network.allow, settings.network.ports, allowed_hosts(settings))


def make_hand_calendar(settings: Settings, folder: Path) -> HandCalendar | None:
    """Return the calendar to which people add releases, in `folder`, or None if none is configured.

    Makes its file.
    """
    file = next((table.file for table in settings.calendar if table.name == BY_HAND), None)
    if file is None:
        return None
    resolver = Resolver(_make_guard(settings), proxies=make_proxies(settings.network))
    calendar = HandCalendar(folder / file, resolver)
    calendar.make_file()
    return calendar


def make_proxies(network: NetworkSettings) -> Proxies:
    """Return the proxy for each host. A host set to `direct` has none."""
    hosts = {
        host.lower(): None if url == "direct" else _read_proxy(url)
        for host, url in network.proxies.items()
    }
    return Proxies(_read_proxy(network.proxy) if network.proxy is not None else None, hosts)


def _read_proxy(url: str) -> Proxy:
    """Return the proxy at an address, by default at port 3128."""
    split = urlsplit(url)
    return Proxy(split.hostname or "", split.port or 3128)


def allowed_hosts(settings: Settings) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each host of calendars, rotas and producers with its `allow`: the private networks
    where it may be.
    """
    sources = [(table.url, table.allow) for table in settings.calendar]
    sources += [(table.url, table.allow) for table in settings.rota]
    for url, allow in sources:
        host = urlsplit(url or "").hostname if allow else None
        if host:
            yield host, allow
    for producer in settings.producer:
        if producer.allow:
            listings = (urlsplit(url).hostname for url in (*producer.newest, *producer.press))
            for host in {*producer.hosts, *filter(None, listings)}:
                yield host, producer.allow


def make_tripwire_producers(settings: Settings) -> list[Producer]:
    """Return the producers with the listings, feeds and press pages that are watched for them."""
    return [
        Producer(table.id, table.hosts, table.newest, table.press, table.press_keywords)
        for table in settings.producer
    ]


def calendar_spacings(settings: Settings) -> dict[str, timedelta]:
    """Return by calendar the time between two reads, including the calendars of rotas."""
    rotas = {
        rota_calendar_name(table.name): table.read_every
        for table in settings.rota
        if table.url or table.file
    }
    return {table.name: table.every for table in settings.calendar} | rotas


def make_budget(settings: Settings) -> Budget:
    """Return the permitted rate of requests for each host."""
    known = {
        host: settings.rate(host)
        for host in (*DEFAULT_RATES, *settings.budget)
        if host != "default"
    }
    return Budget(settings.rate("default"), known)


def _make_part(table: PartSettings, release: Release) -> Part:
    """Return a configured part of a release, with the last word of the page's address in place of
    `{slug}`.
    """
    slug = urlsplit(release.url).path.rstrip("/").rpartition("/")[2]
    url = table.url.format(slug=slug, url=release.url.rstrip("/"))
    return Part(table.id, Role(table.role), url, table.recognise, table.required, Origin.CONFIGURED)


def granted_times(settings: Settings) -> tuple[UsualTime, ...]:
    """Return the release times other than 9:30am that were granted, each with the reference of the
    grant.
    """
    granted = []
    for table in settings.slot_time:
        if table.reference:
            match = table.match
            # Without a pattern, any text matches.
            producer, title, url = (
                pattern or "*" for pattern in (match.producer, match.title, match.url)
            )
            granted.append(UsualTime(table.time, table.reference, producer, title, url))
    return tuple(granted)


def _workdays(settings: Settings, nation: Nation) -> Workdays:
    """Return the working days of a nation, with the corrections of `[nation]`."""
    return Workdays(nation, settings.nation.get(nation, NationSettings()))


def own_monitors(settings: Settings, store: Store) -> list[str] | None:
    """Return the monitors whose evidence is on this machine, or None if all of it is.

    Evidence that this monitor kept while the store could not be reached is under its name with a
    suffix.
    """
    if not is_shared(settings.store.url):
        return None
    name = settings.watch.vantage
    kept_offline = [one for one in store.evidence.monitors() if one.startswith(name + OFFLINE_MARK)]
    return [name, *kept_offline]
