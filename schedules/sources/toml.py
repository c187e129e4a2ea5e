"""TOML calendars kept by hand: `[[release]]` tables, in which unknown keys are faults."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from itertools import chain
from typing import Any

from schedules.announcement import Part, Role
from schedules.dates.span import at_instant, at_wall, on_days
from schedules.patterns import quick
from schedules.slot import Slot
from schedules.source import Page, Reading, UnreadableCalendar
from schedules.sources.body import OnePage, decode_text, find_page, page_name, refuse_html
from schedules.sources.entries import make_announcements, make_reading
from schedules.sources.row import CalendarRow, Remark, clean_url, make_row, note_of
from schedules.sources.settings import CalendarSettings
from schedules.times.zone import UnknownZone, zone
from schedules.values import describe_toml_fault, did_you_mean

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
    "of": ("of",),
}
_KEYS = frozenset(chain(*_TEXTS.values(), ("slot", "date", "time", "part")))
_PART_KEYS = frozenset({"id", "role", "url", "recognise", "required", "reason"})
_TIME = quick(r"([01]\d|2[0-3]):[0-5]\d")
_DEEPEST = 8
"""How deep tables may be within each other. A calendar needs four."""
_SOURCE_KEYS = frozenset({"name", "zone", "timezone", "default_time", "producer", "date_order"})


class TomlSource(OnePage):
    """A calendar written by hand in TOML."""

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Return the tables as announcements.

        Raises `UnreadableCalendar` if the file is not a TOML calendar.
        """
        found, remarks, settings = _read_releases(find_page(pages, self._url), self._settings)
        made, wrong = make_announcements(found, settings, now)
        return make_reading(made, remarks + wrong)


def toml_faults(body: bytes, settings: CalendarSettings, now: datetime) -> list[Remark]:
    """Return every fault of a TOML calendar, for the person who keeps it.

    Raises `UnreadableCalendar`.
    """
    found, remarks, file_settings = _read_releases(Page(settings.address, 200, body), settings)
    for entry in found:
        needed = {} if entry.of else {"title": entry.title, "url": entry.url}
        remarks += [
            Remark(f"{entry.key}.{name}", "missing")
            for name, value in needed.items()
            if not value.strip()
        ]
    _, faults = make_announcements(found, file_settings, now)
    return [*remarks, *faults]


def _read_releases(
    page: Page, settings: CalendarSettings
) -> tuple[list[CalendarRow], list[Remark], CalendarSettings]:
    """Return the entries of a file, remarks on it, and the settings with those of its own table."""
    data = _parse_toml(page)
    remarks = _unknown_keys("", data, frozenset({"source", "release"}))
    own = _apply_source_table(data.get("source"), settings, remarks)
    tables = data.get("release", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UnreadableCalendar(
            f"{page_name(page)}: release: write each release as a [[release]] table"
        )
    is_other_toml = bool(data) and not tables and "source" not in data
    if is_other_toml:
        raise UnreadableCalendar(f"{page_name(page)}: contains no [[release]] table")
    found = [
        _make_row(f"release[{number}]", table, own, remarks)
        for number, table in enumerate(tables, 1)
    ]
    return found, remarks, own


def _parse_toml(page: Page) -> dict[str, Any]:
    text = decode_text(page)
    refuse_html(page, text, "TOML")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as exc:
        raise UnreadableCalendar(
            f"{page_name(page)}: not TOML: {describe_toml_fault(exc)}"
        ) from exc
    if _is_deeper_than(_DEEPEST, data):
        raise UnreadableCalendar(
            f"{page_name(page)}: tables within tables, more than {_DEEPEST} deep"
        )
    return data


def _is_deeper_than(most: int, data: object) -> bool:
    """Return whether tables and lists are within each other more than `most` times.

    A dotted key of a few KB makes thousands, and whatever follows them by calls then fails.
    """
    level = [data]
    for _ in range(most):
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner += each.values()
            elif isinstance(each, list):
                inner += each
        level = inner
    return any(isinstance(each, dict | list) for each in level)


def _apply_source_table(
    table: object, settings: CalendarSettings, remarks: list[Remark]
) -> CalendarSettings:
    """Return the settings with those of the file's table `[source]`.

    If it has a fault, only add remarks.

    The file decides about time zone and order of dates, the configuration about default time and
    producer.
    """
    if not isinstance(table, dict):
        return settings
    remarks += _unknown_keys("source.", table, _SOURCE_KEYS)
    key = "timezone" if table.get("timezone") else "zone"
    timezone = str(table.get(key) or settings.zone)
    order = str(table.get("date_order", settings.date_order))
    hour_and_minute = str(table.get("default_time") or "")[:5]  # a time of TOML also has seconds
    faults = list(_source_faults(key, timezone, order, hour_and_minute))
    remarks += [Remark("source", fault) for fault in faults]
    if faults:
        return settings
    default_time = settings.default_time or (
        time.fromisoformat(hour_and_minute) if hour_and_minute else None
    )
    producer = settings.producer or str(table.get("producer", ""))
    changed = {
        "timezone": timezone,
        "date_order": order,
        "default_time": default_time,
        "producer": producer,
    }
    return settings.model_copy(update=changed)


def _source_faults(
    zone_key: str, timezone: str, date_order: str, default_time: str
) -> Iterator[str]:
    """Yield what is wrong with the values of the table `[source]`.

    `zone_key` is the key that has the time zone.
    """
    try:
        zone(timezone)
    except UnknownZone:
        yield f"{zone_key}: no such time zone (got {timezone!r})"
    if sorted(date_order) != ["d", "m", "y"]:
        yield f'date_order: write "dmy", "mdy" or "ymd" (got {date_order!r})'
    if default_time and not _TIME.fullmatch(default_time):
        yield f'default_time: not a time, write "09:30" (got {default_time!r})'


def _make_row(
    key: str, table: Mapping[str, Any], settings: CalendarSettings, remarks: list[Remark]
) -> CalendarRow:
    """Return the row of a `[[release]]` table. Its faults are added to `remarks`."""
    remarks += _unknown_keys(f"{key}.", table, _KEYS)
    texts = {field: _read_text(key, table, names, remarks) for field, names in _TEXTS.items()}
    when, at = table.get("slot", table.get("date")), table.get("time")
    slot = _read_native_slot(when, at, settings.zone)
    if slot is None and not isinstance(when, str | int | None):
        remarks.append(Remark(f"{key}.slot", "not a date-time, a date or a text", str(when)))
    texts |= {
        name: "" if given is None else str(given) for name, given in (("date", when), ("time", at))
    }
    parts = tuple(_read_parts(key, table.get("part", []), remarks))
    others = [name for name in table if name == "status" or name not in _KEYS]
    notes = tuple(note_of(name, str(table[name])) for name in others)
    row = make_row(key, texts, parts, slot, notes=notes)
    return replace(row, date_key="slot") if "slot" in table else row


def _read_text(
    key: str, table: Mapping[str, Any], names: Sequence[str], remarks: list[Remark]
) -> str:
    """Return the text at the first of these keys that a table has, "" if none.

    Another type adds a remark.
    """
    value = next((table[name] for name in names if name in table), "")
    if isinstance(value, str):
        return value
    remarks.append(Remark(f"{key}.{names[0]}", "not a text", str(value)))
    return ""


def _read_native_slot(when: object, at: object, timezone: str) -> Slot | None:
    """Return the slot of a native date-time, date or date with time of TOML, None if `when` or `at`
    is a text.
    """
    raw = str(when)
    if isinstance(when, datetime):
        if when.tzinfo is None:
            return at_wall(when, raw, timezone)
        return at_instant(when, raw, timezone)
    if isinstance(when, date) and isinstance(at, time):
        return at_wall(datetime.combine(when, at), f"{raw} {at}", timezone)
    if isinstance(when, date) and at is None:
        return on_days(when, when, raw, timezone)
    return None


def _read_parts(key: str, tables: object, remarks: list[Remark]) -> Iterator[Part]:
    """Yield the parts without faults of a release. Faults of the others are added to `remarks`."""
    if not isinstance(tables, list):
        remarks.append(Remark(f"{key}.part", "not a list of tables", str(tables)))
        return
    for number, table in enumerate(tables, 1):
        place = f"{key}.part[{number}]"
        if not isinstance(table, dict):
            remarks.append(Remark(place, "not a table", str(table)))
            continue
        faults = list(_part_faults(place, table))
        remarks += faults
        if not faults:
            yield Part(
                id=table.get("id") or f"part-{number}",
                role=Role(table.get("role", Role.ATTACHMENT)),
                url=clean_url(table["url"]),
                recognise=table.get("recognise"),
                required=table.get("required", table.get("role") != Role.ALTERNATIVE),
            )


def _part_faults(place: str, table: Mapping[str, Any]) -> Iterator[Remark]:
    yield from _unknown_keys(f"{place}.", table, _PART_KEYS)
    for name in ("id", "recognise", "url"):
        if not isinstance(table.get(name, ""), str):
            yield Remark(f"{place}.{name}", "not a text", str(table[name]))
    if table.get("role", Role.ATTACHMENT) not in set(Role):
        yield Remark(f"{place}.role", f"write {', '.join(Role)}", str(table["role"]))
    if not clean_url(str(table.get("url", ""))):
        yield Remark(f"{place}.url", "not a web address", str(table.get("url", "")))
    if not isinstance(table.get("required", True), bool):
        yield Remark(f"{place}.required", "write true or false", str(table["required"]))


def _unknown_keys(place: str, table: Mapping[str, Any], known: frozenset[str]) -> list[Remark]:
    """Return a remark for each key of a table that is not known. `place` is written before the
    key.
    """
    return [
        Remark(f"{place}{name}", f"unknown key{did_you_mean(name, known)}", str(table[name]))
        for name in table
        if name not in known
    ]
