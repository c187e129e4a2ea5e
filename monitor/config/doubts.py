"""Warnings about a configuration: settings that are allowed but probably a mistake."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from monitor.config.organisations import ORGANISATIONS, find_slugs, nearest_slug
from monitor.config.settings import DEFAULT_RATES, Settings
from monitor.config.starter import HOSTS, SINGLE_PRODUCER_KINDS
from monitor.store.open import password_of
from schedules.announcement import Announcement
from schedules.release import Release, ReleaseMatch, producers_of
from schedules.sources.settings import CalendarSettings
from schedules.values import quote_value

Doubt = tuple[str, str, str | None]
"""Key, reason and value. A value of None is not shown."""
_PROXY_VARIABLES = (
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
)
_EXAMPLE_DOMAINS = ("example.gov.uk", "example.gov.scot", "example.com", "example.org", ".example")
_ANY = "*"
"""Stands for every producer, among those that a calendar can name."""


@dataclass(frozen=True, slots=True)
class Known:
    """Facts from outside the configuration: entries by calendar at its last usable read, releases,
    environment. `gaps` are, in words, the spans in which no one of a rota is on call.
    """

    entries: Mapping[str, int] = field(default_factory=dict)
    releases: Sequence[Release | Announcement] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    gaps: Mapping[str, Sequence[str]] = field(default_factory=dict)


def find_doubts(settings: Settings, known: Known) -> Iterator[Doubt]:
    """Yield each doubt about a configuration, with its key and its value."""
    if password_of(settings.store.url):
        yield "store.url", "contains a password: leave it to ~/.pgpass or PGPASSWORD", None
    yield from _calendar_doubts(settings, known)
    producers = producers_of(known.releases)
    producers.update(*map(_producers_of, settings.calendar))
    for key, producer in _named_producers(settings):
        yield from _producer_doubt(key, producer, producers)
    yield from _misnamed_doubts(settings, known)
    yield from _match_doubts(settings, known)
    yield from _channel_doubts(settings)
    yield from _acknowledging_doubts(settings)
    yield from _rota_doubts(settings, known)
    yield from _budget_doubts(settings, known)
    if settings.timezone != "Europe/London":
        yield (
            "timezone",
            "times without an offset are not read as London's",
            quote_value(settings.timezone),
        )
    for name in _PROXY_VARIABLES:
        if known.environment.get(name) and settings.network.proxy is None:
            # The value is not quoted, because it may contain a password.
            but = (
                " but by Apprise"
                if any(table.kind == "apprise" for table in settings.channel)
                else ""
            )
            yield (
                "environment",
                f"{name} is set and is not used{but}: [network] proxy is the way out",
                None,
            )


def _calendar_doubts(settings: Settings, known: Known) -> Iterator[Doubt]:
    """Yield doubts: no calendar, one without entries, or one of an unknown organisation."""
    if not settings.calendar:
        yield "calendar", "no calendar is configured, so no release is watched", None
    for place, table in enumerate(settings.calendar, 1):
        if known.entries.get(table.name) == 0:
            yield f"calendar[{place}]", f"{table.name} has no entries, so it adds no releases", None
        for slug in table.filters.get("organisations", []):
            if slug not in ORGANISATIONS and not any(
                slug in release.producers for release in known.releases
            ):
                near = nearest_slug(slug)
                meant = (
                    f", did you mean {near}?"
                    if near
                    else ": see that GOV.UK has /government/organisations/ of it"
                )
                reason = f"not a body this version knows{meant}"
                yield f"calendar[{place}].filters.organisations", reason, quote_value(slug)


def _producers_of(table: CalendarSettings) -> Iterable[str]:
    """Return the producers that a calendar's settings name, `*` for any, none for a file."""
    if table.producer:
        return [table.producer]
    if table.kind == "govuk":
        return table.filters.get("organisations", [_ANY])
    if table.kind in SINGLE_PRODUCER_KINDS:
        return [SINGLE_PRODUCER_KINDS[table.kind]]
    # Releases in a file name their own.
    return [] if table.file else [_ANY]


def _named_producers(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each key that names a producer outside `[[calendar]]`, with the name or pattern."""
    for place, producer in enumerate(settings.producer, 1):
        yield f"producer[{place}].id", producer.id
    for name in settings.policy.producer:
        yield f"policy.producer.{name}", name
    for key, match in _all_matches(settings):
        if match.producer is not None:
            yield f"{key}.match.producer", match.producer
    for place, route in enumerate(settings.route, 1):
        if route.match.producer is not None:
            yield f"route[{place}].match.producer", route.match.producer


def _all_matches(settings: Settings) -> Iterator[tuple[str, ReleaseMatch]]:
    """Yield the key and the `match` of each table that selects releases."""
    for table in ("part", "slot_time", "importance"):
        for place, row in enumerate(getattr(settings, table), 1):
            yield f"{table}[{place}]", row.match


def _producer_doubt(key: str, pattern: str, producers: set[str]) -> Iterator[Doubt]:
    """Yield a doubt if the pattern of `key` matches none of the `producers` of calendars.

    It suggests the most similar of GOV.UK's producers, or else of `producers`. If a calendar can
    name any (`*`), a pattern that resembles none is not doubted.
    """
    named = producers - {_ANY}
    if any(fnmatchcase(producer, pattern) for producer in named):
        return
    similar = nearest_slug(pattern) or next(
        iter(difflib.get_close_matches(pattern, named, n=1)), None
    )
    suggestion = "" if similar in (None, pattern) else f", did you mean {similar}?"
    if suggestion or _ANY not in producers:
        yield key, f"no calendar names this producer{suggestion}", quote_value(pattern)


def _misnamed_doubts(settings: Settings, known: Known) -> Iterator[Doubt]:
    """Yield each producer of known releases that is not the id of any table but resembles one."""
    tables = [table.id for table in settings.producer]
    for producer in sorted(producers_of(known.releases)):
        if producer in ("", *tables, *ORGANISATIONS):
            continue
        similar = [*find_slugs(producer), *difflib.get_close_matches(producer, tables, n=1)]
        meant = next((slug for slug in similar if slug in tables), None)
        if meant is not None:
            reason = f"no [[producer]] has this id, which a release names, did you mean {meant}?"
            yield "producer", reason, quote_value(producer)


def _match_doubts(settings: Settings, known: Known) -> Iterator[Doubt]:
    """Yield each `match` that no known release fits, if any is known."""
    for key, match in _all_matches(settings) if known.releases else ():
        without_producer = match.model_copy(update={"producer": None})
        has_pattern = match.title is not None or match.url is not None
        if has_pattern and not any(without_producer.fits(release) for release in known.releases):
            yield (
                f"{key}.match",
                f"matches none of the known releases ({len(known.releases)})",
                None,
            )


def _channel_doubts(settings: Settings) -> Iterator[Doubt]:
    """Yield doubts: no channel for people, one that no route uses, or an example host."""
    if not settings.channel:
        yield "channel", "no channel is configured, so no one is notified", None
    elif all(channel.kind == "folder" for channel in settings.channel):
        yield "channel", "only folders are configured, so no one is notified", None
    routed = _names_in_routes(settings)
    for rota in settings.rota:
        if rota.name in routed:
            routed.update(rota.who.values())
    for place, channel in enumerate(settings.channel, 1):
        if settings.route and channel.name not in routed:
            reason = "no route names it: it gets only notices that match no route"
            yield f"channel[{place}]", reason, quote_value(channel.name)
        host = getattr(channel, "host", "")
        if host.endswith(_EXAMPLE_DOMAINS):
            yield (
                f"channel[{place}].host",
                "is an example: enter your own server",
                quote_value(host),
            )


def _acknowledging_doubts(settings: Settings) -> Iterator[Doubt]:
    """Yield a doubt if no one who gets a notice could acknowledge its incident."""
    web = settings.web
    if all(channel.kind == "folder" for channel in settings.channel):
        return  # no one is notified, which is a doubt of its own
    if not web.has_signed_links and not web.signs_in:
        reason = "no one could acknowledge an incident: set public_url and link_key, or users_file"
        yield "web", reason, None
    if web.has_local_links:
        reason = "only this machine reaches it, so no one else can follow the link in a notice"
        yield "web.public_url", reason, quote_value(web.public_url)


def _names_in_routes(settings: Settings) -> set[str]:
    return set().union(*(route.channels + route.escalate for route in settings.route))


def _rota_doubts(settings: Settings, known: Known) -> Iterator[Doubt]:
    used = _names_in_routes(settings).union(*(table.channels for table in settings.summary))
    for place, rota in enumerate(settings.rota, 1):
        if rota.name not in used:
            yield (
                f"rota[{place}]",
                "no route or summary names it, so it is not used",
                quote_value(rota.name),
            )
        for gap in known.gaps.get(rota.name, ()):
            yield (
                f"rota[{place}]",
                f"no one is on call {gap}: all its roles are notified",
                quote_value(rota.name),
            )


def _budget_doubts(settings: Settings, known: Known) -> Iterator[Doubt]:
    """Yield each host with a budget but without a known address."""
    hosts = {*DEFAULT_RATES, *HOSTS.values()}
    addresses = [entry.url for entry in (*known.releases, *settings.calendar, *settings.part)]
    for table in settings.producer:
        hosts.update(table.hosts)
        addresses += [*table.newest, *table.press]
    hosts |= {urlsplit(url or "").hostname or "" for url in addresses}
    for host in settings.budget.keys() - hosts - {"default"}:
        near = difflib.get_close_matches(host, hosts, n=1, cutoff=0.8)
        # While no release is known, only a host that resembles a known one is doubtful.
        if near or known.releases:
            meant = f", did you mean {near[0]}?" if near else ""
            yield f'budget."{host}"', f"no known address is on this host{meant}", None
