"""Makes from `config.toml` what the parts of a monitor need. Connects nowhere."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from alerts.channel import Channel
from alerts.channels import open_channel
from alerts.channels.base import Outbound
from alerts.draft.code import Editions, load_editions, override_editions
from alerts.rota import Rota, rota_calendar_name
from monitor.clock import Clock, SystemClock
from monitor.config.organisations import ORGANISATIONS
from monitor.config.people import SummarySettings
from monitor.config.secrets import redactor, secrets_in_addresses
from monitor.config.settings import (
    DEFAULT_RATES,
    NetworkSettings,
    PartSettings,
    ProducerSettings,
    Settings,
)
from monitor.deliver.current_incidents import JudgeAt
from monitor.deliver.rules import DigestRule, Links, ReportingRules
from monitor.deliver.summaries import SummarySchedule
from monitor.judge.policy import Policies, Policy, UsualTime
from monitor.ledger.state import Checks
from monitor.look.fetch import Fetcher
from monitor.look.guard import Guard, make_guard
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Proxies, Proxy, Resolver
from monitor.look.http.transport import HttpTransport
from monitor.plan.budget import Budget
from monitor.readiness.reader import ReadinessReader
from monitor.store.kept_sessions import KeptSessions
from monitor.store.open import is_shared
from monitor.store.sql.engine import Store
from monitor.watch.periods import Periods
from monitor.watch.planner import WatchRules
from monitor.watch.rejudge import StoredJudge, facts_of
from monitor.watch.tripwires import Producer
from monitor.web.credentials import Keys, Throttle
from monitor.web.hand_calendar import HandCalendar
from monitor.web.provider import Provider
from monitor.web.sessions import ProxyAuth, Sessions
from monitor.web.users import Right, Users
from schedules.announcement import BY_HAND, Announcement, Origin, Part, Role
from schedules.dates.read import assume_time
from schedules.join import JoinRules
from schedules.release import Release
from schedules.slot import Precision
from schedules.sources.registry import KINDS
from schedules.values import is_loopback
from schedules.workdays import Nation, NationSettings, Workdays

if TYPE_CHECKING:
    from monitor.web.openid import OpenID


_KNOWN_NAMES = {slug: names[0] for slug, names in ORGANISATIONS.items()}
"""The full names of GOV.UK's organisations."""
_DEFAULT_TIMES = {"morning": time(8, 45), "evening": time(17), "month": time(9)}


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
        file_findings=table.file_findings,
        most_parts=settings.watch.most_parts,
        confirmed_within=table.confirmed_within,
        workdays=_workdays_in(settings, "ENG"),  # of England
        on_file=granted_times(settings),
    )
    nations = {
        producer.id: _workdays_in(settings, producer.nation) for producer in settings.producer
    }
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
    checks = {}
    for table in settings.calendar:
        kind, may_be_empty = KINDS[table.kind], table.may_be_empty
        if may_be_empty is None:
            may_be_empty = kind.may_be_empty
        checks[table.name] = Checks(
            may_be_empty=may_be_empty,
            accept=table.accept,
            timezone=settings.timezone,
            has_given_ids=kind.by_hand,
        )
    return checks


def make_usual_time_filler(settings: Settings) -> Callable[[Announcement], Announcement]:
    """Return a function that adds the usual time to an entry announced for a day only, to plan
    looks.

    The usual time is that of the first `[[slot_time]]` that matches, else the producer's. Without
    either, add none.
    """
    times = {name: policy.default_time for name, policy in settings.policy.producer.items()}

    def add_usual_time(announcement: Announcement) -> Announcement:
        of_series = [table.time for table in settings.slot_time if table.match.fits(announcement)]
        of_producers = (times.get(name) for name in announcement.producers)
        possible = (*of_series, *of_producers)
        usual = next((time for time in possible if time is not None), None)
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
    network, guard = settings.network, watch_guard(settings)
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


def watch_guard(settings: Settings) -> Guard:
    """Return the guard of looks and reads of calendars."""
    return make_guard(settings.network.allow, settings.network.ports, allowed_hosts(settings))


def make_hand_calendar(settings: Settings, folder: Path) -> HandCalendar | None:
    """Return the calendar to which people add releases, in `folder`, or None if none is configured.

    Makes its file.
    """
    file = next((table.file for table in settings.calendar if table.name == BY_HAND), None)
    if file is None:
        return None
    resolver = Resolver(watch_guard(settings), proxies=make_proxies(settings.network))
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


def _workdays_in(settings: Settings, nation: Nation) -> Workdays:
    return Workdays(nation, settings.nation.get(nation, NationSettings()))


def evidence_owner(settings: Settings) -> str | None:
    """Return the monitor whose evidence is on this machine, or None if all of it is."""
    return settings.watch.vantage if is_shared(settings.store.url) else None


def make_reporting_rules(
    settings: Settings, channels: Sequence[str], folder: Path = Path()
) -> ReportingRules:
    """Return the rules for notices and drafts. Relative files start at `folder`."""
    return ReportingRules(
        timezone=settings.timezone,
        producers={table.id: _report_entries(table) for table in settings.producer},
        forms={
            table.id: table.report.form
            for table in settings.producer
            if table.report.form is not None
        },
        routes=settings.route,
        channels=tuple(channels),
        # those that people outside the staff can read
        open_channels=frozenset(settings.alert.open_channels),
        templates=report_templates(settings, folder),
        editions=make_editions(settings),
        agreed_times=granted_times(settings),  # agreed release times other than 09:30
        # If a fault of a platform delays many releases, these channels get one notice for all,
        # after the time of a digest.
        folding=frozenset(
            table.name for table in settings.channel if table.digest or table.kind == "pagerduty"
        ),
        pagers=frozenset(table.name for table in settings.channel if table.kind == "pagerduty"),
        # read by machines
        hooks=frozenset(table.name for table in settings.channel if table.kind == "webhook"),
        digest_rule=make_digest_rule(settings),
        rotas=make_rotas(settings),
        known_names=_KNOWN_NAMES,
    )


def make_rotas(settings: Settings) -> dict[str, Rota]:
    """Return the rotas by name, without the shifts of calendars, which are read later."""
    return {table.name: Rota(table, settings.timezone) for table in settings.rota}


def report_templates(settings: Settings, folder: Path) -> dict[str, Path]:
    """Return by producer its own .docx template for reports. Producers without one are left out."""
    own = {table.id: table.report.template for table in settings.producer}
    return {producer: folder / file for producer, file in own.items() if file is not None}


def make_editions(settings: Settings) -> Editions | None:
    """Return the Code of Practice with the corrections of `[code]`, None (the Code as it is) if
    there are none.
    """
    table = settings.code
    if not (table.begins or table.cites or table.outside):
        return None
    return override_editions(load_editions(), table.begins, table.cites, table.outside)


def make_stored_judge(settings: Settings, store: Store) -> StoredJudge:
    """Return what judges releases from the store."""
    return StoredJudge(
        store,
        make_policies(settings),
        settings.timezone,
        make_editions(settings),
        redactor(secrets_in_addresses(settings)),
    )


def make_judge_at(settings: Settings) -> JudgeAt:
    """Return a function that judges a stored release again as of an instant."""
    return partial(facts_of, make_policies(settings), settings.watch.vantage)


def make_periods(settings: Settings, judge: StoredJudge) -> Periods:
    """Return the maker of reports on a period.

    Names in the configuration replace those of known organisations.
    """
    configured_names = {table.id: table.name for table in settings.producer}
    return Periods(judge, _KNOWN_NAMES | configured_names, configured_names.keys())


def make_links(settings: Settings) -> Links:
    """Return the public address for links in notices, with the key and lifetime of signed links."""
    web = settings.web
    key = web.link_key.reveal().encode() if web.link_key is not None else b""
    return Links(web.public_url or "", key, web.link_lasts)


def make_readiness_reader(
    settings: Settings,
    store: Store,
    rules: ReportingRules,
    certificates: Mapping[str, datetime] | None,
) -> ReadinessReader:
    """Return what assesses whether everything is ready for the next slots.

    `certificates` is that of `make_fetcher`.
    """
    return ReadinessReader(
        store,
        make_watch_rules(settings),
        rules,
        make_links(settings),
        make_budget(settings),
        calendar_spacings(settings),
        certificates or {},
        settings.web.signs_in,
    )


def make_keys(settings: Settings) -> Keys:
    """Return the keys of signed links, of the API and of metrics. An unset key is empty."""
    web = settings.web
    secrets = (web.link_key, web.token, web.metrics_token, web.embargoed_token)
    return Keys(*(secret.reveal().encode() if secret is not None else b"" for secret in secrets))


def make_sessions(
    settings: Settings, folder: Path, kept: KeptSessions, throttle: Throttle
) -> Sessions | None:
    """Return the sign-in of people, or None if it is not configured.

    A relative users file starts at `folder`.
    """
    web = settings.web
    if not web.signs_in:
        return None
    file = None if web.users_file is None else folder / web.users_file
    sessions = Sessions(Users(file), kept, throttle, web.public_url or "")
    sessions.proxy_auth = make_proxy_auth(settings)
    sessions.provider = make_openid(settings, throttle.clock)
    return sessions


def page_settings(
    settings: Settings,
    folder: Path,
    store: Store,
    rules: ReportingRules,
    certificates: Mapping[str, datetime] | None = None,
) -> dict[str, Any]:
    """Return the fields of `Queries`, the data behind pages and API, that depend on the
    configuration.

    Without a monitor that looks, there are no `certificates`.
    """
    judge = make_stored_judge(settings, store)
    return {
        "public": settings.web.public == "board",
        "keys": make_keys(settings),
        "templates": rules.templates,
        "by_hand": make_hand_calendar(settings, folder),
        "calendars": [table.name for table in settings.calendar],
        "producers": {table.id: table.name for table in settings.producer},
        "rotas": rules.rotas,
        "judge_promised": judge.body_of_unwatched,
        "policies": judge.policies,
        "explain_verdict": judge.explain_release,
        "periods": make_periods(settings, judge),
        "readiness": make_readiness_reader(settings, store, rules, certificates),
        "redactor": judge.redactor,
        "local": is_loopback(settings.web.listen) and not settings.web.signs_in,
    }


def make_openid(settings: Settings, clock: Clock) -> OpenID | None:
    """Return the OpenID Connect provider, or None if none is configured."""
    oidc = settings.web.oidc
    if oidc is None:
        return None
    from monitor.web.openid import OpenID  # noqa: PLC0415 # 15 MB, needed only with a provider

    rights = {value: Right(right) for value, right in oidc.rights.items()}
    return_url = f"{(settings.web.public_url or '').rstrip('/')}/sign-in/oidc/return"
    provider = Provider(
        oidc.issuer, oidc.client_id, oidc.client_secret.reveal, oidc.claim, rights, return_url
    )
    issuer, network = urlsplit(oidc.issuer), settings.network
    ports = [*network.ports, *([issuer.port] if issuer.port is not None else [])]
    guard = make_guard(network.allow, ports, [(issuer.hostname or "", oidc.allow)])
    resolver = Resolver(guard, proxies=make_proxies(network))
    return OpenID(provider, clock, lambda: HttpTransport(clock, resolver), network.contact)


def make_proxy_auth(settings: Settings) -> ProxyAuth | None:
    """Return the header in which a proxy names the signed-in person, and people's rights.

    None without a proxy.
    """
    web = settings.web
    rights = {name: Right(right) for name, right in web.proxy_rights.items()}
    return None if web.proxy_header is None else ProxyAuth(web.proxy_header, rights)


def make_digest_rule(settings: Settings) -> DigestRule:
    """Return which channels get many new incidents as one digest, from how many, and within which
    time.
    """
    channels = frozenset(table.name for table in settings.channel if table.digest)
    return DigestRule(channels, settings.alert.digest_from, settings.alert.digest_within)


def make_summary_schedules(settings: Settings) -> list[SummarySchedule]:
    """Return the configured summaries with their times, without the notices before slots."""
    tables = [table for table in settings.summary if table.kind != "ready"]
    if not tables:
        return []
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 # 80 ms, needed only with summaries

    def trigger(table: SummarySettings) -> CronTrigger:
        at = table.at or _DEFAULT_TIMES[table.kind]
        on = {"day": 1} if table.kind == "month" else {"day_of_week": ",".join(table.days)}
        return CronTrigger(
            hour=at.hour, minute=at.minute, second=0, timezone=settings.timezone, **on
        )

    return [
        SummarySchedule(table.kind, tuple(table.channels), trigger(table), table.producer)
        for table in tables
    ]


def make_channels(settings: Settings, now: Callable[[], datetime]) -> list[Channel]:
    """Return every channel. This reads secrets but opens no connection."""
    outbound = make_outbound(settings.network)
    return [open_channel(table, now, outbound) for table in settings.channel]


@asynccontextmanager
async def open_channels(settings: Settings, clock: Clock) -> AsyncIterator[list[Channel]]:
    """Yield every channel, and close them afterwards."""
    channels = make_channels(settings, clock.now)
    try:
        yield channels
    finally:
        for channel in channels:
            await channel.close()


def make_outbound(network: NetworkSettings) -> Outbound:
    """Return the network access of channels.

    They may reach private addresses, because an operator configured them.
    """
    proxies, anywhere = make_proxies(network), Guard(anywhere=True)

    def make_transport(url: str, tls: ssl.SSLContext, seconds: float) -> HttpTransport:
        host = urlsplit(url).hostname or ""
        # This machine itself is reached without a proxy.
        proxy = None if is_loopback(f"{host}:0") else proxies.proxy_for(host)
        # Many proxies open tunnels for https only. So a request over http is sent to the proxy
        # itself.
        resolver = Resolver(anywhere, proxies=Proxies(proxy and replace(proxy, tunnels_http=False)))
        return HttpTransport(SystemClock(), resolver, seconds=seconds, context=tls)

    return make_transport


def _report_entries(table: ProducerSettings) -> dict[str, str]:
    """Return what reports state about a producer. Entries that are not configured are left out."""
    entries = {
        "name": table.name,
        **table.report.model_dump(include={"to", "head_of_profession", "contact"}),
    }
    return {key: value for key, value in entries.items() if value}
