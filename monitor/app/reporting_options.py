"""Makes from `config.toml` what notices, reports and pages need: channels, routes, links, keys and
sign-in.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from alerts.channel import Channel
from alerts.channels import open_channel
from alerts.channels.base import Outbound
from alerts.draft.code import Editions, load_editions, override_editions
from alerts.rota import Rota
from monitor.app.options import (
    calendar_spacings,
    granted_times,
    make_budget,
    make_hand_calendar,
    make_policies,
    make_proxies,
    make_watch_rules,
)
from monitor.clock import Clock, SystemClock
from monitor.config.organisations import ORGANISATIONS
from monitor.config.people import SummarySettings
from monitor.config.secrets import redactor, secrets_in_addresses
from monitor.config.settings import NetworkSettings, ProducerSettings, Settings
from monitor.deliver.rules import Links, ReportingRules
from monitor.deliver.stages import DigestRule
from monitor.deliver.summaries import SummarySchedule
from monitor.look.guard import Guard, make_guard
from monitor.look.http.resolve import Proxies, Proxy, Resolver
from monitor.look.http.transport import HttpTransport
from monitor.readiness.reader import ReadinessReader
from monitor.store.kept_sessions import KeptSessions
from monitor.store.sql.engine import Store
from monitor.watch.periods import Periods
from monitor.watch.rejudge import Explainer, body_of_unwatched
from monitor.web.credentials import Keys, Throttle
from monitor.web.provider import Provider
from monitor.web.sessions import ProxyAuth, Sessions
from monitor.web.users import Right, Users
from schedules.values import is_loopback

if TYPE_CHECKING:
    from monitor.web.openid import OpenID

_KNOWN_NAMES = {slug: names[0] for slug, names in ORGANISATIONS.items()}
"""The full names of GOV.UK's organisations."""
_DEFAULT_TIMES = {"morning": time(8, 45), "evening": time(17), "month": time(9)}


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
        # after the time `gather`.
        folding=frozenset(
            table.name for table in settings.channel if table.digest or table.kind == "pagerduty"
        ),
        pagers=frozenset(table.name for table in settings.channel if table.kind == "pagerduty"),
        # read by machines
        hooks=frozenset(table.name for table in settings.channel if table.kind == "webhook"),
        gather=settings.alert.digest_within,
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


def make_explainer(settings: Settings, store: Store) -> Explainer:
    """Return the explainer, which gives the reasons of a verdict."""
    return Explainer(store, make_policies(settings), settings.timezone, make_editions(settings))


def make_periods(settings: Settings, store: Store) -> Periods:
    """Return the maker of reports on a period.

    Names in the configuration replace those of known organisations.
    """
    configured_names = {table.id: table.name for table in settings.producer}
    return Periods(
        store,
        make_policies(settings),
        settings.timezone,
        names=_KNOWN_NAMES | configured_names,
        producers=configured_names.keys(),
        editions=make_editions(settings),
        redactor=redactor(secrets_in_addresses(settings)),
    )


def make_links(settings: Settings) -> Links:
    """Return the public address for links in notices, with the key and lifetime of signed links."""
    web = settings.web
    key = web.link_key.reveal().encode() if web.link_key is not None else b""
    return Links(web.public_url or "", key, web.link_lasts)


def make_readiness_reader(
    settings: Settings,
    store: Store,
    rules: ReportingRules,
    certificates: Mapping[str, datetime] | None = None,
) -> ReadinessReader:
    """Return what assesses whether everything is ready for the next slots.

    `certificates` has the end of each host's certificate, as far as looks have shown it.
    """
    return ReadinessReader(
        store,
        make_watch_rules(settings),
        rules,
        make_links(settings),
        make_budget(settings),
        calendar_spacings(settings),
        certificates or {},
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
    policies = make_policies(settings)
    return {
        "public": settings.web.public == "board",
        "keys": make_keys(settings),
        "templates": rules.templates,
        "by_hand": make_hand_calendar(settings, folder),
        "calendars": [table.name for table in settings.calendar],
        "producers": {table.id: table.name for table in settings.producer},
        "judge_promised": partial(body_of_unwatched, store, policies, editions=rules.editions),
        "policies": policies,
        "explain_verdict": make_explainer(settings, store).explain_release,
        "periods": make_periods(settings, store),
        "readiness": make_readiness_reader(settings, store, rules, certificates),
        "redactor": redactor(secrets_in_addresses(settings)),
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


def make_outbound(network: NetworkSettings) -> Outbound:
    """Return the network access of channels.

    They may reach private addresses, because an operator configured them.
    """
    proxies, anywhere = make_proxies(network), Guard(anywhere=True)

    def find_proxy(url: str) -> Proxy | None:
        host = urlsplit(url).hostname or ""
        # This machine itself is reached without a proxy.
        return None if is_loopback(f"{host}:0") else proxies.proxy_for(host)

    def find_proxy_url(url: str) -> str | None:
        proxy = find_proxy(url)
        return None if proxy is None else f"http://{proxy.host}:{proxy.port}"

    def make_transport(url: str, tls: ssl.SSLContext, seconds: float) -> HttpTransport:
        proxy = find_proxy(url)
        # Many proxies open tunnels for https only. So a request over http is sent to the proxy
        # itself.
        resolver = Resolver(anywhere, proxies=Proxies(proxy and replace(proxy, tunnels_http=False)))
        return HttpTransport(SystemClock(), resolver, seconds=seconds, context=tls)

    return Outbound(find_proxy_url, make_transport)


def _report_entries(table: ProducerSettings) -> dict[str, str]:
    """Return what reports state about a producer. Entries that are not configured are left out."""
    entries = {
        "name": table.name,
        **table.report.model_dump(include={"to", "head_of_profession", "contact"}),
    }
    return {key: value for key, value in entries.items() if value}
