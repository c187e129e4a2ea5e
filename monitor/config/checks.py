"""Checks between the tables of a configuration: names that others refer to, and what needs other packages."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

from alerts import incident
from alerts.draft.code import load_editions
from monitor.config.rota_checks import rota_faults, unknown_name_fault
from monitor.config.settings import Settings
from monitor.config.web_checks import web_faults
from monitor.errors import UserFault
from schedules.contract.verdict import Kind
from schedules.values import did_you_mean, quote_value
from schedules.workdays import Nation

Row = Mapping[str, Any]
CrossFault = tuple[str, str, str | None]
"""Key, reason and value of one fault. A value of None is not shown."""

_BARE_RECOGNISERS = {"status", "govuk", "ons", "ees", "changed"}
_ARMED_RECOGNISERS = {"ees-after", "text", "css", "jmespath", "link", "feed"}


def cross_faults(data: Row, settings: Settings | None, folder: Path) -> Iterator[CrossFault]:
    """Yield every fault between tables. Relative files start from `folder`.

    `data` is the raw TOML and may have any other fault. Those are left to the check of each table. `settings` is the
    whole configuration, None if that check found faults.
    """
    yield from _repeat_faults(data, "calendar", "name")
    yield from _repeat_faults(data, "producer", "id")
    yield from _part_faults(data)
    yield from _repeat_faults(data, "pin", "url")
    yield from _join_faults(data)
    yield from _repeat_faults(data, "channel", "name")
    yield from _route_faults(data)
    yield from _rota_faults(data, folder)
    yield from _summary_faults(data)
    yield from _network_faults(data)
    yield from _proxy_faults(data)
    yield from web_faults(_table(data, "web"), folder)
    if settings is not None:
        yield from reporting_faults(settings, folder)


def recogniser_fault(recogniser: str) -> str | None:
    """Return the fault in the name of a recogniser, None if it is right."""
    name, colon, argument = recogniser.partition(":")
    if name in _ARMED_RECOGNISERS:
        return _rule_fault(recogniser) if argument.strip() else f'needs an argument, write "{name}:..."'
    if name in _BARE_RECOGNISERS and not colon:
        return None
    return "no recogniser of that name" + did_you_mean(name, [*_BARE_RECOGNISERS, *_ARMED_RECOGNISERS])


def _rule_fault(recogniser: str) -> str | None:
    from monitor.look.recognise.registry import find_recogniser  # noqa: PLC0415 # its libraries are heavy

    try:
        find_recogniser(recogniser)
    except UserFault as exc:
        return str(exc).removeprefix(f"{recogniser}: ")
    return None


def rows_of(data: Row, table: str) -> list[tuple[str, Row]]:
    """Return each row of an array of tables with its key in messages, such as `part[2]`."""
    rows = data.get(table)
    if not isinstance(rows, list):
        return []
    return [(f"{table}[{place}]", row) for place, row in enumerate(rows, 1) if isinstance(row, Mapping)]


def _table(data: Row, name: str) -> Row:
    table = data.get(name)
    return table if isinstance(table, Mapping) else {}


def _texts_in(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _repeat_faults(data: Row, table: str, key: str) -> Iterator[CrossFault]:
    seen = set()
    for place, row in rows_of(data, table):
        name = row.get(key)
        if isinstance(name, str) and name in seen:
            yield f"{place}.{key}", "is there already", quote_value(name)
        seen.add(str(name))


def _join_faults(data: Row) -> Iterator[CrossFault]:
    known = _names(data, "calendar")
    for place, row in (*rows_of(data, "pin"), *rows_of(data, "split")):
        calendar = row.get("calendar")
        if isinstance(calendar, str) and calendar not in known:
            yield unknown_name_fault(f"{place}.calendar", "calendar", calendar, known)
    for nation in _table(data, "nation"):
        if nation not in get_args(Nation):
            yield f"nation.{nation}", "must be one of ENG, WLS, SCT or NIR", None


def _part_faults(data: Row) -> Iterator[CrossFault]:
    for place, row in rows_of(data, "part"):
        recogniser, url = row.get("recognise"), row.get("url")
        if isinstance(recogniser, str) and (fault := recogniser_fault(recogniser)):
            yield f"{place}.recognise", fault, quote_value(recogniser)
        if isinstance(url, str) and not _can_be_filled(url):
            yield f"{place}.url", "only {slug} and {url} can be filled in", quote_value(url)
        elif isinstance(url, str) and not url.startswith(("https://", "http://", "{url}")):
            yield f"{place}.url", 'not an address, write "https://host/path" or begin with {url}', quote_value(url)


def _can_be_filled(url: str) -> bool:
    try:
        url.format(slug="", url="")
    except (LookupError, ValueError, AttributeError):
        return False
    return True


def _route_faults(data: Row) -> Iterator[CrossFault]:
    known, rotas = _names(data, "channel"), _names(data, "rota")
    for place, row in rows_of(data, "route"):
        for key in ("channels", "escalate"):
            for name in _texts_in(row.get(key)):
                if name not in {*known, *rotas}:
                    yield unknown_name_fault(f"{place}.{key}", "channel", name, known + rotas)
    for name in _texts_in(_table(data, "alert").get("open_channels")):
        if name not in known:
            yield unknown_name_fault("alert.open_channels", "channel", name, known)


def _rota_faults(data: Row, folder: Path) -> Iterator[CrossFault]:
    channels, calendars = (_names(data, table) for table in ("channel", "calendar"))
    taken = {*channels, *(name.removeprefix("rota-") for name in calendars if name.startswith("rota-"))}
    yield from _repeat_faults(data, "rota", "name")
    yield from rota_faults(rows_of(data, "rota"), channels, taken, folder)


def _names(data: Row, table: str) -> list[str]:
    return [name for _, row in rows_of(data, table) if isinstance(name := row.get("name"), str)]


def _summary_faults(data: Row) -> Iterator[CrossFault]:
    rotas = {row.get("name"): [*_table(row, "who").values()] for _, row in rows_of(data, "rota")}
    known = [*_names(data, "channel"), *_names(data, "rota")]
    opened = _texts_in(_table(data, "alert").get("open_channels"))
    for place, row in rows_of(data, "summary"):
        for name in _texts_in(row.get("channels")):
            if name not in known:
                yield unknown_name_fault(f"{place}.channels", "channel", name, known)
            elif any(way in opened for way in rotas.get(name, [name])):
                yield f"{place}.channels", "reaches more than staff: [alert] open_channels names it", quote_value(name)


def _network_faults(data: Row) -> Iterator[CrossFault]:
    for host in _table(data, "budget"):
        if not re.fullmatch(r"[\w.-]+", host):
            yield f"budget.{quote_value(host)}", 'not a host, write "www.gov.uk"', None
    for place, network in enumerate(_texts_in(_table(data, "network").get("allow")), 1):
        try:
            ipaddress.ip_network(network)
        except ValueError:
            yield f"network.allow[{place}]", 'not an address range, write "10.1.2.0/24"', quote_value(network)


def _proxy_faults(data: Row) -> Iterator[CrossFault]:
    network = _table(data, "network")
    named = {
        "proxy": network.get("proxy"),
        **{f'proxies."{host}"': url for host, url in _table(network, "proxies").items()},
    }
    for key, url in named.items():
        if isinstance(url, str) and not re.fullmatch(r"direct|http://[^/\s]+/?", url):
            yield f"network.{key}", 'is spoken to in plain HTTP, write "http://proxy.example:3128"', quote_value(url)


def reporting_faults(settings: Settings, folder: Path) -> Iterator[CrossFault]:
    """Yield each fault of links, templates, the Code and findings. Relative files start from `folder`."""
    if settings.web.link_key is not None and settings.web.public_url is None:
        yield "web.public_url", "must be given with link_key: a link needs an address people reach", None
    yield from _template_faults(settings, folder)
    yield from _code_faults(settings)
    yield from _finding_faults(settings)


def _finding_faults(settings: Settings) -> Iterator[CrossFault]:
    # A misspelt finding would never match, and its notices would go elsewhere without anyone noticing.
    known = sorted({*Kind, *incident.Kind, "not_published"})
    for place, route in enumerate(settings.route, 1):
        wanted = route.match.finding
        if wanted is not None and not any(fnmatchcase(kind, wanted) for kind in known):
            yield unknown_name_fault(f"route[{place}].match.finding", "finding", wanted, known)


def _template_faults(settings: Settings, folder: Path) -> Iterator[CrossFault]:
    for place, table in enumerate(settings.producer, 1):
        if table.report.template is not None:
            for reason in _faults_of_template(folder / table.report.template):
                yield f"producer[{place}].report.template", reason, quote_value(table.report.template)


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
    editions = load_editions()
    names = [edition.name for edition in editions]
    practices = [f"{edition.name}/{name}" for edition in editions for name in edition.practices]
    for name in settings.code.begins:
        if name not in names:
            yield f'code.begins."{name}"', f"no edition of that name, there are {', '.join(names)}", None
    for name in settings.code.cites:
        if name not in practices:
            there = [one for one in practices if one.partition("/")[0] == name.partition("/")[0]] or names
            yield f'code.cites."{name}"', f"no practice of that name, there are {', '.join(there)}", None
