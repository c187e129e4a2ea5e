"""Settings in the terms of what reaches people: channels, routes, links, keys and drafts."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from alerts.channel import Channel
from alerts.channels import open_channel
from alerts.channels.base import Outbound
from alerts.draft.code import Book, amended, standard_book
from alerts.rota import Rota
from monitor.app.options import on_file, policies_of, proxies_of
from monitor.clock import Clock, SystemClock
from monitor.config.organisations import ORGANISATIONS
from monitor.config.people import SummarySettings
from monitor.config.secrets import redactor, secrets_in_addresses
from monitor.config.settings import NetworkSettings, ProducerSettings, Settings
from monitor.deliver.digests import DigestRule
from monitor.deliver.reminders import ReminderTimes
from monitor.deliver.rules import Links, ReportingRules
from monitor.deliver.summaries import SummarySchedule
from monitor.look.guard import Guard, guard_of
from monitor.look.http.resolve import Proxies, Proxy, Resolver
from monitor.look.http.transport import HttpTransport
from monitor.store.sql.engine import Store
from monitor.watch.periods import Periods
from monitor.watch.rejudge import Explainer
from monitor.web.credentials import Keys, Throttle
from monitor.web.provider import Provider
from monitor.web.sessions import ProxyAuth, Sessions
from monitor.web.users import Right, Users
from schedules.values import is_loopback

if TYPE_CHECKING:
    from monitor.web.openid import OpenID

_WHEN = {"morning": time(8, 45), "evening": time(17), "month": time(9)}


def reporting_rules_of(settings: Settings, channels: Sequence[str], folder: Path = Path()) -> ReportingRules:
    """Return what `alerts` wants to know of producers, routes and channels; relative files start at `folder`."""
    return ReportingRules(
        timezone=settings.timezone,
        producers={table.id: _entries(table) for table in settings.producer},
        forms={table.id: table.report.form for table in settings.producer if table.report.form is not None},
        routes=settings.route,
        channels=tuple(channels),
        open_channels=frozenset(settings.alert.open_channels),
        templates=templates_of(settings, folder),
        book=book_of(settings),
        usual=on_file(settings),
        folding=_folding(settings),
        pagers=frozenset(table.name for table in settings.channel if table.kind == "pagerduty"),
        hooks=frozenset(table.name for table in settings.channel if table.kind == "webhook"),
        gather=settings.alert.digest_within,
        rotas=rotas_of(settings),
    )


def rotas_of(settings: Settings) -> dict[str, Rota]:
    """Return the rotas by name, before any of their calendars is read."""
    return {table.name: Rota(table, settings.timezone) for table in settings.rota}


def _folding(settings: Settings) -> frozenset[str]:
    """Return the channels of people and pagers, who are told of one fault once."""
    return frozenset(table.name for table in settings.channel if table.digest or table.kind == "pagerduty")


def templates_of(settings: Settings, folder: Path) -> dict[str, Path]:
    """Return the .docx file each producer that has one writes its reports in."""
    own = {table.id: table.report.template for table in settings.producer}
    return {producer: folder / file for producer, file in own.items() if file is not None}


def book_of(settings: Settings) -> Book | None:
    """Return the editions of the Code as corrected, None when they are those shipped."""
    table = settings.code
    if not (table.begins or table.cites or table.outside):
        return None
    return amended(standard_book(), table.begins, table.cites, table.outside)


def explainer_of(settings: Settings, store: Store) -> Explainer:
    """Return what says why a verdict is what it is."""
    return Explainer(store, policies_of(settings), settings.timezone, book_of(settings))


def periods_of(settings: Settings, store: Store) -> Periods:
    """Return what makes reports on periods."""
    names = {slug: called[0] for slug, called in ORGANISATIONS.items()}
    mine = {one.id: one.name for one in settings.producer}
    hides = redactor(secrets_in_addresses(settings))
    return Periods(store, policies_of(settings), settings.timezone, names | mine, mine, book_of(settings), hides)


def links_of(settings: Settings) -> Links:
    """Return what notices link to."""
    web = settings.web
    key = web.link_key.reveal().encode() if web.link_key is not None else b""
    return Links(web.public_url or "", key, web.link_lasts)


def keys_of(settings: Settings) -> Keys:
    """Return the keys for those requests to the web that change something."""
    web = settings.web
    revealed = [
        secret.reveal().encode() if secret is not None else b""
        for secret in (web.link_key, web.token, web.metrics_token)
    ]
    return Keys(*revealed)


def door_of(settings: Settings, folder: Path, clock: Clock, throttle: Throttle) -> Sessions | None:
    """Return the sessions of people who sign in, None where nobody does; a relative file starts at `folder`."""
    web = settings.web
    if not web.signs_in:
        return None
    file = None if web.users_file is None else folder / web.users_file
    door = Sessions(Users(file), clock, throttle, web.public_url or "")
    door.vouching, door.provider = vouching_of(settings), provider_of(settings, clock)
    return door


def provider_of(settings: Settings, clock: Clock) -> OpenID | None:
    """Return the provider that signs people on, None where none does."""
    oidc = settings.web.oidc
    if oidc is None:
        return None
    from monitor.web.openid import OpenID  # noqa: PLC0415 # 15 MB, for who has a provider alone

    rights = {value: Right(right) for value, right in oidc.rights.items()}
    back = f"{(settings.web.public_url or '').rstrip('/')}/sign-in/oidc/return"
    provider = Provider(oidc.issuer, oidc.client_id, oidc.client_secret.reveal, oidc.claim, rights, back)
    issuer, network = urlsplit(oidc.issuer), settings.network
    ports = [*network.ports, *([issuer.port] if issuer.port is not None else [])]
    guard = guard_of(network.allow, ports, [(issuer.hostname or "", oidc.allow)])
    resolver = Resolver(guard, proxies=proxies_of(network))
    return OpenID(provider, clock, lambda: HttpTransport(clock, resolver), network.contact)


def vouching_of(settings: Settings) -> ProxyAuth | None:
    """Return how a proxy says whom it has signed on, None where none does."""
    web = settings.web
    rights = {name: Right(right) for name, right in web.proxy_rights.items()}
    return None if web.proxy_header is None else ProxyAuth(web.proxy_header, rights)


def reminding_of(settings: Settings) -> ReminderTimes:
    """Return when people are told again of what nobody has."""
    return ReminderTimes(settings.alert.remind_after, settings.alert.remind_every)


def digesting_of(settings: Settings) -> DigestRule:
    """Return when and where many openings are told as one."""
    channels = frozenset(table.name for table in settings.channel if table.digest)
    return DigestRule(channels, settings.alert.digest_from, settings.alert.digest_within)


def schedules_of(settings: Settings) -> list[SummarySchedule]:
    """Return the summaries that go out by the calendar."""
    if not settings.summary:
        return []
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 # 80 ms, for who has summaries alone

    def trigger(table: SummarySettings) -> CronTrigger:
        at = table.at or _WHEN[table.kind]
        on = {"day": 1} if table.kind == "month" else {"day_of_week": ",".join(table.days)}
        return CronTrigger(hour=at.hour, minute=at.minute, second=0, timezone=settings.timezone, **on)

    return [SummarySchedule(one.kind, tuple(one.channels), trigger(one), one.producer) for one in settings.summary]


def channels_of(settings: Settings, now: Callable[[], datetime]) -> list[Channel]:
    """Return every channel. Secrets are read, and nothing is connected."""
    outbound = outbound_of(settings.network)
    return [open_channel(table, now, outbound) for table in settings.channel]


def outbound_of(network: NetworkSettings) -> Outbound:
    """Return how channels reach addresses. They may reach every address, because an operator configured it."""
    proxies, anywhere = proxies_of(network), Guard(anywhere=True)

    def proxy_for(url: str) -> Proxy | None:
        host = urlsplit(url).hostname or ""
        # This machine itself is reached without a proxy.
        return None if is_loopback(f"{host}:0") else proxies.of(host)

    def proxy_of(url: str) -> str | None:
        proxy = proxy_for(url)
        return None if proxy is None else f"http://{proxy.host}:{proxy.port}"

    def transport(url: str, tls: ssl.SSLContext, seconds: float) -> HttpTransport:
        proxy = proxy_for(url)
        # Many proxies open tunnels for https only. So a request over http is sent to the proxy itself.
        resolver = Resolver(anywhere, proxies=Proxies(proxy and replace(proxy, tunnels_http=False)))
        return HttpTransport(SystemClock(), resolver, seconds=seconds, context=tls)

    return Outbound(proxy_of, transport)


def _entries(table: ProducerSettings) -> dict[str, str]:
    report = table.report
    entries = {
        "name": table.name,
        "to": report.to,
        "head_of_profession": report.head_of_profession,
        "contact": report.contact,
    }
    return {key: value for key, value in entries.items() if value}
