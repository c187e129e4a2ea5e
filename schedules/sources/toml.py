"""TOML calendars kept by hand: `[[release]]` tables, strict about what they hold."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from schedules.announcement import Part, Role, State
from schedules.dates import at_instant, at_wall, on_days
from schedules.slot import Slot
from schedules.source import Page, Reading, UnreadableCalendar
from schedules.sources.body import OnePage, answered, place, refuse_html, text_of
from schedules.sources.options import SourceOptions, did_you_mean, option_faults
from schedules.sources.row import CalendarRow, Remark, clean_url, entry_of, gather, reading

# Each field of an entry and the keys it may stand under, our own first.
_TEXTS = {
    "uid": ("id",),
    "title": ("title",),
    "producer": ("producer",),
    "url": ("url", "link"),
    "status": ("state", "status"),
    "recognise": ("recognise",),
    "period": ("period",),
    "previous": ("previous",),
    "why": ("reason",),
}
_KEYS = frozenset({name for names in _TEXTS.values() for name in names} | {"slot", "date", "time", "part"})
_PART_KEYS = frozenset({"id", "role", "url", "recognise", "required"})
_SOURCE_KEYS = frozenset({"name", "zone", "timezone", "default_time", "producer", "date_order"})


class TomlSource(OnePage):
    """A calendar written by hand in TOML."""

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Turn the tables into announcements. Raises `UnreadableCalendar` when the file is no TOML calendar."""
        page = answered(pages, self._url)
        found, remarks, options = _entries(page, self._options)
        made, wrong = gather(found, options, now)
        return reading(made, remarks + wrong)


def toml_faults(body: bytes, options: SourceOptions, now: datetime) -> list[Remark]:
    """Return every fault of a TOML calendar that a person keeps; raises `UnreadableCalendar`."""
    page = Page(options.url, 200, body)
    found, remarks, own = _entries(page, options)
    for entry in found:
        needed = {"title": entry.title, "url": entry.url}
        remarks += [Remark(f"{entry.key}.{name}", "missing") for name, value in needed.items() if not value.strip()]
    tables = enumerate(_parse(page).get("release", []), 1)
    # A person is told of the key they wrote, not of what it is called in other calendars.
    written = {f"release[{number}].date": f"release[{number}].slot" for number, table in tables if "slot" in table}
    return [replace(each, key=written.get(each.key, each.key)) for each in (*remarks, *gather(found, own, now)[1])]


def _entries(page: Page, options: SourceOptions) -> tuple[list[CalendarRow], list[Remark], SourceOptions]:
    data = _parse(page)
    remarks = _unknown("", data, frozenset({"source", "release"}))
    own = _own_options(data.get("source"), options, remarks)
    tables = data.get("release", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UnreadableCalendar(f"{place(page)}: release: write each release as a [[release]] table")
    if not tables and "source" not in data and data:
        raise UnreadableCalendar(f"{place(page)}: holds no [[release]] table")
    found = [_entry(f"release[{number}]", table, own, remarks) for number, table in enumerate(tables, 1)]
    return found, remarks, own


def _parse(page: Page) -> dict[str, Any]:
    text = text_of(page)
    refuse_html(page, text, "TOML")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as exc:
        raise UnreadableCalendar(f"{place(page)}: not TOML: {exc}") from exc


def _own_options(table: object, options: SourceOptions, remarks: list[Remark]) -> SourceOptions:
    if not isinstance(table, dict):
        return options
    remarks += _unknown("source.", table, _SOURCE_KEYS)
    default_time = table.get("default_time")
    zone = table.get("timezone") or table.get("zone") or options.timezone
    own = replace(
        options,
        timezone=str(zone),
        default_time=options.default_time or (str(default_time)[:5] if default_time else None),
        producer=options.producer or str(table.get("producer", "")),
        date_order=str(table.get("date_order", options.date_order)),
    )
    wrong = option_faults("toml", own)
    remarks += [Remark("source", fault) for fault in wrong]
    return options if wrong else own


def _entry(key: str, table: Mapping[str, Any], options: SourceOptions, remarks: list[Remark]) -> CalendarRow:
    remarks += _unknown(f"{key}.", table, _KEYS)
    texts = {field: _text(key, table, names, remarks) for field, names in _TEXTS.items()}
    if texts["status"] and texts["status"] not in {state.value for state in State}:
        remarks.append(Remark(f"{key}.state", f"write {', '.join(State)}", texts["status"]))
        texts["status"] = ""
    value, at = table.get("slot", table.get("date")), table.get("time")
    slot = _native(value, at, options.timezone)
    if slot is None and not isinstance(value, str | int | None):
        remarks.append(Remark(f"{key}.slot", "not a date-time, a date or a text", str(value)))
    texts |= {name: "" if given is None else str(given) for name, given in (("date", value), ("time", at))}
    return entry_of(key, texts, tuple(_parts(key, table.get("part", []), remarks)), slot)


def _text(key: str, table: Mapping[str, Any], names: Sequence[str], remarks: list[Remark]) -> str:
    value = next((table[name] for name in names if name in table), "")
    if isinstance(value, str):
        return value
    remarks.append(Remark(f"{key}.{names[0]}", "not a text", str(value)))
    return ""


def _native(value: object, at: object, timezone: str) -> Slot | None:
    raw = str(value)
    if isinstance(value, datetime):
        return at_wall(value, raw, timezone) if value.tzinfo is None else at_instant(value, raw, timezone)
    if isinstance(value, date) and isinstance(at, time):
        return at_wall(datetime.combine(value, at), f"{raw} {at}", timezone)
    if isinstance(value, date) and at is None:
        return on_days(value, value, raw, timezone)
    return None


def _parts(key: str, tables: object, remarks: list[Remark]) -> Iterator[Part]:
    if not isinstance(tables, list):
        remarks.append(Remark(f"{key}.part", "not a list of tables", str(tables)))
        return
    for number, table in enumerate(tables, 1):
        place = f"{key}.part[{number}]"
        if not isinstance(table, dict):
            remarks.append(Remark(place, "not a table", str(table)))
            continue
        wrong = list(_part_faults(place, table))
        remarks += wrong
        if not wrong:
            yield Part(
                id=table.get("id") or f"part-{number}",
                role=Role(table.get("role", Role.ATTACHMENT)),
                url=clean_url(table["url"]),
                recognise=table.get("recognise"),
                required=table.get("required", table.get("role") != Role.ALTERNATIVE),
            )


def _part_faults(place: str, table: Mapping[str, Any]) -> Iterator[Remark]:
    yield from _unknown(f"{place}.", table, _PART_KEYS)
    for name in ("id", "recognise", "url"):
        if not isinstance(table.get(name, ""), str):
            yield Remark(f"{place}.{name}", "not a text", str(table[name]))
    if table.get("role", Role.ATTACHMENT) not in set(Role):
        yield Remark(f"{place}.role", f"write {', '.join(Role)}", str(table["role"]))
    if not clean_url(str(table.get("url", ""))):
        yield Remark(f"{place}.url", "not a web address", str(table.get("url", "")))
    if not isinstance(table.get("required", True), bool):
        yield Remark(f"{place}.required", "write true or false", str(table["required"]))


def _unknown(place: str, table: Mapping[str, Any], known: frozenset[str]) -> list[Remark]:
    return [
        Remark(f"{place}{name}", f"unknown key{did_you_mean(name, known)}", str(table[name]))
        for name in table
        if name not in known
    ]
