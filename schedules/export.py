"""Writes the joined calendar in formats to which people can subscribe and that our own sources can
read.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import chain

from schedules.announcement import State
from schedules.in_force import slot_in_force
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot
from schedules.times.zone import LONDON, clock_doubt, local

_STATUS = {
    State.CONFIRMED: "CONFIRMED",
    State.PROVISIONAL: "TENTATIVE",
    State.POSTPONED: "TENTATIVE",
    State.CANCELLED: "CANCELLED",
}
_HEAD = ("id", "title", "producer", "url", "date", "time", "state")
# Spreadsheet programs run a cell that begins so. A blank before it keeps it text.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_SEASONS = {3: "Spring", 6: "Summer", 9: "Autumn", 12: "Winter"}


@dataclass(frozen=True, slots=True)
class PromisedRelease:
    """One release as promised now: its slot in force, or the one that it had when it was cancelled.

    `learnt` is when the promise was read, `changes` the number of earlier promises.
    """

    release: Release
    slot: Slot
    state: State | None
    learnt: datetime
    changes: int = 0


def list_promised(
    releases: Iterable[Release], promises: Mapping[str, Sequence[Promise]], now: datetime
) -> Iterator[PromisedRelease]:
    """Yield each release whose promise in force has a readable slot, also if cancelled, in the
    order given.
    """
    for release in releases:
        own = promises.get(release.id, ())
        in_force = slot_in_force(release, own, now)
        promise = in_force.promise
        if promise is not None and promise.slot.begins() is not None:
            state = promise.state
            if in_force.cancelled:
                state = State.CANCELLED
            earlier_promises = sum(each.learnt < promise.learnt for each in own)
            yield PromisedRelease(
                release, promise.slot, state, promise.learnt, changes=earlier_promises
            )


def as_ics(entries: Iterable[PromisedRelease], timezone: str = LONDON) -> bytes:
    """Return releases as an iCalendar file.

    The UID of each event is made of its release's id. Instants are in UTC.
    """
    from icalendar import Calendar  # noqa: PLC0415 # takes 2 MB, so it is loaded at the first use

    calendar = Calendar()
    calendar.add("prodid", "-//ninethirty//joined calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Promised statistics")
    calendar.add("x-wr-timezone", timezone)
    head, end, tail = calendar.to_ical().partition(b"END:VCALENDAR")
    return b"".join([head, *map(_write_event, entries), end, tail])


def as_csv(entries: Iterable[PromisedRelease], timezone: str = LONDON) -> bytes:
    """Return releases as a CSV file that our csv calendars can read.

    A cell like a formula gets a blank before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD)
    writer.writerows(
        [
            f" {cell}" if cell.startswith(_FORMULA_STARTS) else cell
            for cell in _row_cells(entry, timezone)
        ]
        for entry in entries
    )
    return text.getvalue().encode()


def as_toml(entries: Iterable[PromisedRelease], timezone: str = LONDON) -> bytes:
    """Return the TOML of our own toml calendars, with parts and with local times of `timezone`."""
    lines = chain.from_iterable(_toml_lines(entry, timezone) for entry in entries)
    return "\n".join(lines).encode()


def as_json(entries: Iterable[PromisedRelease], timezone: str = LONDON) -> bytes:
    """Return a plain list of releases, which our own json calendars read without options."""
    rows = [dict(zip(_HEAD, _row_cells(entry, timezone), strict=True)) for entry in entries]
    releases = [{**row, "release_date": row["date"], "release_time": row["time"]} for row in rows]
    return json.dumps({"releases": releases}, ensure_ascii=False).encode()


FORMATS: dict[str, tuple[Callable[[Iterable[PromisedRelease], str], bytes], str]] = {
    "ics": (as_ics, "text/calendar; charset=utf-8"),
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "toml": (as_toml, "application/toml"),
    "json": (as_json, "application/json"),
}
"""How the joined calendar is written in each format, and its media type."""


def slot_text(slot: Slot, timezone: str = LONDON) -> tuple[str, str]:
    """Return a slot as two texts: its date, which our grammar can read, and its time.

    The time is "" if the slot has none, or if the date text contains it.
    """
    if slot.instant is not None:
        wall = local(slot.instant, timezone)
        # A time that the clock shows twice needs its offset, and the grammar reads fractions only
        # in an ISO text.
        if clock_doubt(wall.replace(tzinfo=None), timezone) or wall.microsecond:
            return wall.isoformat(), ""
        return f"{wall:%Y-%m-%d}", f"{wall:%H:%M:%S}".removesuffix(":00")
    if slot.first is None or slot.last is None:
        return slot.raw or "TBC", ""
    return _span_text(slot.precision, slot.first, slot.last), ""


def _span_text(precision: Precision, first: date, last: date) -> str:
    """Return a span of days as our grammar reads it again: `July 2026`, `Q3 2026`, `Winter
    2026/27`, else both days.
    """
    if precision is Precision.DAY:
        return first.isoformat()
    if precision is Precision.MONTH:
        return f"{first:%B %Y}"
    if precision is Precision.QUARTER:
        return f"Q{first.month // 3 + 1} {first.year}"
    if precision is Precision.SEASON and first.month in _SEASONS:
        year = f"{first.year}/{last.year % 100:02d}" if first.month == 12 else str(first.year)
        return f"{_SEASONS[first.month]} {year}"
    if precision is Precision.YEAR:
        # A year that does not begin in January is a financial year.
        return str(first.year) if first.month == 1 else f"{first.year}/{last.year % 100:02d}"
    return f"{first.day} {first:%B %Y} - {last.day} {last:%B %Y}"


@lru_cache(maxsize=20_000)
def _write_event(entry: PromisedRelease) -> bytes:
    """Return the VEVENT of a release. A slot without a time is an event of whole days."""
    from icalendar import Event  # noqa: PLC0415 # takes 2 MB, so it is loaded at the first use

    release, slot = entry.release, entry.slot
    event = Event()
    event.add("uid", f"{release.id}@ninethirty")
    event.add("dtstamp", entry.learnt)
    event.add("sequence", entry.changes)
    event.add("summary", release.title)
    if release.url:
        event.add("url", release.url)
    event.add("categories", [release.producer])
    if entry.state is not None:
        event.add("status", _STATUS[entry.state])
    if slot.instant is not None:
        event.add("dtstart", slot.instant)
        # RFC 5545 requires an end after the begin. Slots are announced to the minute.
        event.add("dtend", slot.instant + timedelta(minutes=1))
    elif slot.first is not None and slot.last is not None:
        event.add("dtstart", slot.first)
        event.add("dtend", slot.last + timedelta(days=1))
        event.add("description", f"No time was announced: {slot.raw}")
    text: bytes = event.to_ical()
    return text


def _row_cells(entry: PromisedRelease, timezone: str) -> tuple[str, ...]:
    release = entry.release
    day, time = slot_text(entry.slot, timezone)
    state = ""
    if entry.state is not None:
        state = entry.state.value
    return release.id, release.title, release.producer, release.url, day, time, state


def _toml_lines(entry: PromisedRelease, timezone: str) -> Iterator[str]:
    """Yield the lines of a `[[release]]` table, with all parts but the page, and an empty line at
    the end.
    """
    name, title, producer, url, day, time, state = _row_cells(entry, timezone)
    yield "[[release]]"
    texts = {"id": name, "title": title, "producer": producer} | ({"url": url} if url else {})
    yield from (f"{key} = {toml_string(text)}" for key, text in texts.items())
    if time:
        seconds = "" if time.count(":") == 2 else ":00"
        yield f"slot = {day}T{time}{seconds}"
    else:
        # TOML has its own form of days and instants.
        is_native = entry.slot.precision in (Precision.DAY, Precision.INSTANT)
        yield f"slot = {day if is_native else toml_string(day)}"
    if state:
        yield f"state = {toml_string(state)}"
    for part in entry.release.parts:
        if part.id != "page":
            yield "[[release.part]]"
            texts = {"id": part.id, "role": part.role.value, "url": part.url}
            texts |= {"recognise": part.recognise} if part.recognise else {}
            yield from (f"{key} = {toml_string(text)}" for key, text in texts.items())
            yield f"required = {'true' if part.required else 'false'}"
    yield ""


def toml_string(text: str) -> str:
    """Return a text as a string of TOML, in quotes."""
    # TOML has the escapes of JSON, but must also escape DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
