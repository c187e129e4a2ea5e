"""What no single table can know: names that must exist, be unique, or fit together."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from monitor.config.settings import CalendarSettings, Settings

CrossFault = tuple[str, str, str | None]
_BARE_RECOGNISERS = {"status", "govuk", "ons", "ees", "changed"}
_ARMED_RECOGNISERS = {"text", "css", "jmespath", "link", "feed"}


def cross_faults(settings: Settings, folder: Path) -> Iterator[CrossFault]:
    """Yield `(key, reason, value)` for each fault; `folder` is the one that relative calendar files start from."""
    yield from _twice("calendar", [table.name for table in settings.calendar], "name")
    yield from _twice("channel", [table.name for table in settings.channel], "name")
    yield from _twice("producer", [table.id for table in settings.producer], "id")
    yield from _calendars(settings.calendar, folder)
    yield from _parts(settings)
    yield from _routes(settings)
    yield from _network(settings.network.allow)
    yield from _order(settings)


def recogniser_fault(recogniser: str) -> str | None:
    """Return what is wrong with the name of a recogniser, None when it is right."""
    name, colon, argument = recogniser.partition(":")
    if name in _ARMED_RECOGNISERS:
        return None if argument.strip() else f'needs an argument, write "{name}:..."'
    if name in _BARE_RECOGNISERS and not colon:
        return None
    return "no recogniser of that name"


def _twice(table: str, names: Sequence[str], key: str) -> Iterator[CrossFault]:
    for name, times in Counter(names).items():
        if times > 1:
            place = len(names) - names[::-1].index(name)
            yield f"{table}[{place}].{key}", "is there already", f'"{name}"'


def _calendars(calendars: Iterable[CalendarSettings], folder: Path) -> Iterator[CrossFault]:
    for place, table in enumerate(calendars, 1):
        if not _has_one_place(table):
            yield f"calendar[{place}]", "needs either url or file", None
        elif table.file is not None and not (folder / table.file).is_file():
            yield f"calendar[{place}].file", "no such file", f'"{table.file}"'


def _has_one_place(table: CalendarSettings) -> bool:
    if table.url is None and table.file is None:
        return table.kind in {"govuk", "ons", "ees"}
    return table.url is None or table.file is None


def _parts(settings: Settings) -> Iterator[CrossFault]:
    for place, part in enumerate(settings.part, 1):
        fault = recogniser_fault(part.recognise) if part.recognise is not None else None
        if fault:
            yield f"part[{place}].recognise", fault, f'"{part.recognise}"'
        try:
            part.url.format(slug="", url="")
        except (KeyError, IndexError, ValueError):
            yield f"part[{place}].url", "only {slug} and {url} can be filled in", f'"{part.url}"'


def _routes(settings: Settings) -> Iterator[CrossFault]:
    channels = {table.name for table in settings.channel}
    for place, route in enumerate(settings.route, 1):
        for name in route.channels:
            if name not in channels:
                yield f"route[{place}].channels", "no channel of that name", f'"{name}"'


def _network(allow: Sequence[str]) -> Iterator[CrossFault]:
    for place, network in enumerate(allow, 1):
        try:
            ipaddress.ip_network(network)
        except ValueError:
            yield f"network.allow[{place}]", 'not an address range, write "10.1.2.0/24"', f'"{network}"'


def _order(settings: Settings) -> Iterator[CrossFault]:
    watch, policy = settings.watch, settings.policy
    if policy.note_within < policy.on_time_within:
        yield "policy.note_within", "must not be shorter than on_time_within", None
    if not watch.far.begins >= watch.ahead.begins >= watch.near.begins >= watch.slot.begins:
        yield "watch", "far, ahead, near and slot must each begin later than the one before", None
    if settings.clock.unproven_offset < settings.clock.warn_offset:
        yield "clock.unproven_offset", "must not be shorter than warn_offset", None
