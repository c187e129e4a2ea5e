"""Checks between the tables of a configuration."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from math import ceil
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from alerts import incident
from alerts.draft.code import load_editions
from monitor.config.people import WebSettings
from monitor.config.settings import DEFAULT_RATES, Settings
from monitor.errors import UserFault
from monitor.plan.targets import press_of, tripwires_of
from schedules.contract.verdict import FindingKind
from schedules.values import (
    did_you_mean,
    is_loopback,
    quote_value,
    read_wall,
    why_no_file,
    why_no_host,
    write_duration,
)
from schedules.workdays import Nation

Row = Mapping[str, Any]
CrossFault = tuple[str, str, str | None]
"""Key, reason and value of one fault. A value of None is not shown."""

_LISTEN = WebSettings().listen


def cross_faults(data: Row, settings: Settings | None, folder: Path) -> Iterator[CrossFault]:
    """Yield each fault between tables, such as a name that no table has, and each file or address
    that is unusable.

    `data` is the raw TOML. Relative files start from `folder`. Without `settings`, because a table
    by itself has a fault, links, forms, the Code and findings in routes are not checked.
    """
    yield from _repeat_faults(data, "calendar", "name")
    yield from _repeat_faults(data, "producer", "id")
    yield from _part_faults(data)
    yield from _repeat_faults(data, "pin", "url")
    yield from _unknown_calendar_faults(data)
    for nation in _table_at(data, "nation"):
        if nation not in get_args(Nation):
            yield f"nation.{nation}", "must be one of ENG, WLS, SCT or NIR", None
    yield from _repeat_faults(data, "channel", "name")
    yield from _route_faults(data)
    yield from _rota_faults(data, folder)
    yield from _summary_faults(data)
    yield from _budget_faults(data)
    yield from _web_faults(_table_at(data, "web"), folder)
    if settings is not None:
        yield from reporting_faults(settings, folder)


def recogniser_fault(recogniser: str) -> str | None:
    """Return what is wrong with a recogniser of a part, such as `text:WORDS`, if anything."""
    from monitor.look.recognise.registry import PLAIN, WITH_RULE, find_recogniser  # noqa: PLC0415 # libraries are heavy

    name, _, argument = recogniser.partition(":")
    if recogniser not in PLAIN and name not in WITH_RULE:
        known = sorted((*PLAIN, *WITH_RULE))
        return "no recogniser of that name" + (
            did_you_mean(name, known) or f", write one of {', '.join(known)}"
        )
    if name in WITH_RULE and not argument.strip():
        return f'needs an argument, write "{name}:..."'
    try:
        find_recogniser(recogniser)
    except UserFault as exc:
        return str(exc)
    return None


def rows_of(data: Row, table: str) -> list[tuple[str, Row]]:
    """Return each row of an array of tables with its key in messages, such as `part[2]`."""
    rows = data.get(table)
    if not isinstance(rows, list):
        return []
    return [
        (f"{table}[{place}]", row) for place, row in enumerate(rows, 1) if isinstance(row, Mapping)
    ]


def _table_at(data: Row, name: str) -> Row:
    """Return a table, empty if it is absent or no table."""
    table = data.get(name)
    return table if isinstance(table, Mapping) else {}


def _texts_in(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _repeat_faults(data: Row, table: str, key: str) -> Iterator[CrossFault]:
    seen = set()
    for place, row in rows_of(data, table):
        name = row.get(key)
        if isinstance(name, str) and name in seen:
            yield f"{place}.{key}", "is there already, each needs its own", quote_value(name)
        seen.add(str(name))


def _unknown_calendar_faults(data: Row) -> Iterator[CrossFault]:
    for place, row in (*rows_of(data, "pin"), *rows_of(data, "split")):
        yield from _unknown_names(
            f"{place}.calendar", "calendar", [row.get("calendar")], _names_in(data, "calendar")
        )


def _part_faults(data: Row) -> Iterator[CrossFault]:
    for place, row in rows_of(data, "part"):
        recogniser, url = row.get("recognise"), row.get("url")
        if isinstance(recogniser, str) and (fault := recogniser_fault(recogniser)):
            yield f"{place}.recognise", fault, quote_value(recogniser)
        if not isinstance(url, str):
            continue
        try:
            url.format(slug="", url="")
        except (LookupError, ValueError, AttributeError):
            yield f"{place}.url", "only {slug} and {url} can be filled in", quote_value(url)
            continue
        if not url.startswith(("https://", "http://", "{url}")):
            yield (
                f"{place}.url",
                'not an address, write "https://host/path" or begin with {url}',
                quote_value(url),
            )


def _route_faults(data: Row) -> Iterator[CrossFault]:
    """Yield the unknown channels and rotas of routes and `[alert] open_channels`."""
    known, rotas = _names_in(data, "channel"), _names_in(data, "rota")
    for place, row in rows_of(data, "route"):
        for key in ("channels", "escalate"):
            yield from _unknown_names(
                f"{place}.{key}", "channel", _texts_in(row.get(key)), known + rotas
            )
    open_channels = _texts_in(_table_at(data, "alert").get("open_channels"))
    yield from _unknown_names("alert.open_channels", "channel", open_channels, known)


def _rota_faults(data: Row, folder: Path) -> Iterator[CrossFault]:
    channels, calendars = _names_in(data, "channel"), _names_in(data, "calendar")
    # The calendar of a rota's shifts is called `rota-NAME`, so another must not be.
    taken_names = {
        *channels,
        *(name.removeprefix("rota-") for name in calendars if name.startswith("rota-")),
    }
    yield from _repeat_faults(data, "rota", "name")
    for place, row in rows_of(data, "rota"):
        channel_of_role = _table_at(row, "who")
        if (name := row.get("name")) in taken_names:
            yield f"{place}.name", "a channel or calendar is called that", quote_value(name)
        for role, channel in channel_of_role.items():
            yield from _unknown_names(
                f"{place}.who.{quote_value(role)}", "channel", [channel], channels
            )
        # Without `who`, the rota's own check refuses it.
        if channel_of_role:
            yield from _unknown_names(
                f"{place}.turns", "role", _texts_in(row.get("turns")), channel_of_role
            )
            for key, shift in rows_of(row, "shift"):
                yield from _unknown_names(
                    f"{place}.{key}.role", "role", [shift.get("role")], channel_of_role
                )
        yield from _source_faults(place, row, folder)


def _unknown_names(
    key: str, what: str, names: Iterable[object], known: Collection[str]
) -> Iterator[CrossFault]:
    for name in names:
        if isinstance(name, str) and name not in known:
            yield key, f"no {what} of that name{did_you_mean(name, known)}", quote_value(name)


def _source_faults(place: str, row: Row, folder: Path) -> Iterator[CrossFault]:
    """Yield the faults of a rota's turns, shifts and calendar."""
    file = row.get("file")
    if not any(row.get(key) for key in ("turns", "shift", "url", "file")):
        yield place, "needs turns, shifts, a url or a file: without one, no one is on call", None
    if "url" in row and file is not None:
        yield place, "has both url and file, keep one", None
    if isinstance(file, str) and (reason := why_no_file(folder / file)):
        yield f"{place}.file", reason, quote_value(file)
    if row.get("turns") and "begins" not in row:
        yield f"{place}.begins", "must be given with turns: the first turn begins then", None
    for key, shift in rows_of(row, "shift"):
        try:
            begins, ends = read_wall(shift.get("from")), read_wall(shift.get("until"))
        except PydanticCustomError:
            # The check of the shift's own table reports it.
            continue
        if ends <= begins:
            yield f"{place}.{key}.until", "must be later than from", quote_value(shift["until"])


def _names_in(data: Row, table: str) -> list[str]:
    names = (row.get("name") for _, row in rows_of(data, table))
    return [name for name in names if isinstance(name, str)]


def _summary_faults(data: Row) -> Iterator[CrossFault]:
    """Yield the channels of summaries that are unknown, or reach more than staff."""
    channels_of_rota = {
        row.get("name"): [*_table_at(row, "who").values()] for _, row in rows_of(data, "rota")
    }
    known = [*_names_in(data, "channel"), *_names_in(data, "rota")]
    open_channels = _texts_in(_table_at(data, "alert").get("open_channels"))
    for place, row in rows_of(data, "summary"):
        for name in _texts_in(row.get("channels")):
            yield from _unknown_names(f"{place}.channels", "channel", [name], known)
            # A rota sends through the channels of its roles.
            reached_channels = channels_of_rota.get(name, [name])
            if name in known and any(channel in open_channels for channel in reached_channels):
                yield (
                    f"{place}.channels",
                    "reaches more than staff: [alert] open_channels names it",
                    quote_value(name),
                )


def _budget_faults(data: Row) -> Iterator[CrossFault]:
    """Yield each key of `[budget]` that is not a host name."""
    for host in _table_at(data, "budget"):
        if why := why_no_host(host):
            yield f"budget.{quote_value(host)}", why, None


def reporting_faults(settings: Settings, folder: Path) -> Iterator[CrossFault]:
    """Yield faults of links, templates, the Code of Practice and routes."""
    if settings.web.link_key is not None and settings.web.public_url is None:
        yield (
            "web.public_url",
            "must be given with link_key: a link needs an address people reach",
            None,
        )
    yield from _tolerance_faults(settings)
    yield from _slot_phase_faults(settings)
    yield from _template_faults(settings, folder)
    yield from _code_faults(settings)
    # A route with a misspelt finding would never match. It may also name a kind of incident, or
    # `not_published`.
    known = sorted({*FindingKind, *incident.IncidentKind, "not_published"})
    for place, route in enumerate(settings.route, 1):
        pattern = route.match.finding
        if pattern is not None and not any(fnmatchcase(kind, pattern) for kind in known):
            yield from _unknown_names(f"route[{place}].match.finding", "finding", [pattern], known)


def _tolerance_faults(settings: Settings) -> Iterator[CrossFault]:
    """Yield each tolerance that lasts until the watch has closed: no release would be late."""
    close = settings.watch.overdue.close
    tables = {"policy": settings.policy} | {
        f"policy.producer.{producer}": table for producer, table in settings.policy.producer.items()
    }
    for place, table in tables.items():
        tolerance = table.on_time_within
        if tolerance is not None and tolerance >= close:
            reason = f"must be shorter than watch.overdue.close ({write_duration(close)})"
            yield f"{place}.on_time_within", reason, quote_value(write_duration(tolerance))


def _slot_phase_faults(settings: Settings) -> Iterator[CrossFault]:
    """Yield each budget and timeout with which a slot phase can pass without an answer."""
    slot = settings.watch.slot
    length = slot.begins + slot.until
    if settings.network.timeout > length:
        reason = f"must not be longer than the slot phase ({write_duration(length)})"
        yield "network.timeout", reason, quote_value(write_duration(settings.network.timeout))
        return
    requests_for_listings = Counter(_list_tripwire_hosts(settings))
    for host in {**settings.budget, **DEFAULT_RATES, **requests_for_listings, "default": 0}:
        rate = settings.rate(host)
        listings = requests_for_listings[host] / settings.watch.tripwire.every.total_seconds()
        least = listings + 1 / length.total_seconds()
        if rate < least:
            key = host if host == "default" else quote_value(host)
            reason = (
                f"must be at least {ceil(least * 3600)}/h: besides tripwires, the slot phase"
                f" ({write_duration(length)}) needs a look"
            )
            yield f"budget.{key}", reason, quote_value(f"{rate:g}/s")


def _list_tripwire_hosts(settings: Settings) -> Iterator[str]:
    """Yield the hosts of each producer's tripwires, which take turns there."""
    for producer in settings.producer:
        tripwires = (
            *tripwires_of(producer.id, producer.hosts, producer.newest),
            *press_of(producer.id, producer.press),
        )
        yield from {tripwire.host for tripwire in tripwires}


def _template_faults(settings: Settings, folder: Path) -> Iterator[CrossFault]:
    """Yield each reason that the form of a producer's reports cannot be used."""
    for place, table in enumerate(settings.producer, 1):
        if table.report.template is not None:
            for reason in _faults_of_template(folder / table.report.template):
                yield (
                    f"producer[{place}].report.template",
                    reason,
                    quote_value(table.report.template),
                )


def _faults_of_template(file: Path) -> Iterator[str]:
    from alerts.draft.write.template import BadTemplate, find_unknown_names  # noqa: PLC0415 # heavy, and rarely needed

    try:
        unknown = find_unknown_names(file.read_bytes())
    except OSError as exc:
        yield f"cannot be read: {exc.strerror}"
    except BadTemplate as exc:
        yield str(exc)
    else:
        yield from (f"asks for {name}, but no such field exists" for name in unknown)


def _code_faults(settings: Settings) -> Iterator[CrossFault]:
    """Yield each unknown edition or practice of the Code of Practice for Statistics."""
    practices = {
        edition.name: [f"{edition.name}/{name}" for name in edition.practices]
        for edition in load_editions()
    }
    for edition in settings.code.begins:  # the day on which each edition begins to apply
        if edition not in practices:
            yield (
                f'code.begins."{edition}"',
                f"no edition of that name, there are {', '.join(practices)}",
                None,
            )
    for practice in settings.code.cites:  # the text that cites each practice, by EDITION/NAME
        known = practices.get(practice.partition("/")[0], [])
        if practice not in known:
            reason = f"no practice of that name, there are {', '.join(known or practices)}"
            yield f'code.cites."{practice}"', reason, None


def _web_faults(web: Row, folder: Path) -> Iterator[CrossFault]:
    """Yield the faults of addresses to listen on, of users, and of sign-in that is unsafe or
    useless.
    """
    listen, users, header = web.get("listen"), web.get("users_file"), web.get("proxy_header")
    yield from _proxy_header_faults(web)
    yield from _provider_faults(web)
    if isinstance(listen, str) and not _is_listenable(listen):
        yield (
            "web.listen",
            'not an address to listen on, write "127.0.0.1:9030"',
            quote_value(listen),
        )
    elif isinstance(listen, str) and not (
        is_loopback(listen) or users or header or web.get("oidc")
    ):
        yield (
            "web.listen",
            "others can reach this address but cannot sign in: name a users_file",
            quote_value(listen),
        )
    metrics = web.get("metrics_listen")
    if isinstance(metrics, str) and not _is_listenable(metrics):
        yield (
            "web.metrics_listen",
            'not an address to listen on, write "127.0.0.1:9031"',
            quote_value(metrics),
        )
    elif isinstance(metrics, str) and _port_of(metrics) == _port_of(str(listen or _LISTEN)):
        yield (
            "web.metrics_listen",
            "needs another port: the pages use that one",
            quote_value(metrics),
        )
    if isinstance(users, str) and (reason := why_no_file(folder / users)):
        yield "web.users_file", f"{reason}, `ninethirty user` makes a line", quote_value(users)


def _proxy_header_faults(web: Row) -> Iterator[CrossFault]:
    """Yield what sign-in by a proxy lacks: a header, named proxies, and rights for people."""
    header, proxies = web.get("proxy_header"), web.get("proxies")
    if header is None:
        if web.get("proxy_rights"):
            yield (
                "web.proxy_rights",
                "is for people whom a proxy signs in: name its proxy_header",
                None,
            )
        return
    if not proxies:
        yield (
            "web.proxy_header",
            "no proxy is trusted: name the proxies that set it",
            quote_value(header),
        )
    elif isinstance(proxies, list) and any(str(proxy).endswith("/0") for proxy in proxies):
        yield "web.proxies", "anyone could claim to be anyone: name only the proxies", None
    if not web.get("proxy_rights"):
        yield (
            "web.proxy_header",
            "no one has rights: name people in proxy_rights",
            quote_value(header),
        )


def _provider_faults(web: Row) -> Iterator[CrossFault]:
    """Yield the faults of `[web.oidc]`: an unsafe address, or no way back to us."""
    oidc = web.get("oidc")
    if not isinstance(oidc, dict):
        return
    issuer = oidc.get("issuer")
    if isinstance(issuer, str) and (reason := _issuer_fault(issuer)):
        yield "web.oidc.issuer", reason, quote_value(issuer)
    if not web.get("public_url"):
        yield "web.oidc", "needs public_url, to which people return after they sign in", None


def _issuer_fault(issuer: str) -> str | None:
    try:
        split = urlsplit(issuer)
        _ = split.port  # raises ValueError if it is not a number
    except ValueError:
        return 'not an address, write "https://host/path"'
    is_unprotected = split.scheme == "http" and not is_loopback(f"{split.hostname}:0")
    return (
        "its answers sign people in, so they need protection: write https"
        if is_unprotected
        else None
    )


def _port_of(listen: str) -> str:
    return listen.rpartition(":")[2]


def _is_listenable(listen: str) -> bool:
    """Return whether a text is `host:port`. The host can be empty, for every address."""
    found = re.fullmatch(r"([^\s:]*|\[[0-9a-fA-F:]+\]):(\d{1,5})", listen)
    return found is not None and int(found[2]) <= 65535
