"""Announcements and slots as JSON objects, and back. The shape is that of `calendar parse`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from schedules.announcement import Address, Announcement, Part, Role, State
from schedules.slot import Precision, Slot
from schedules.times.json import fields_json

Json = dict[str, Any]
# A dictionary takes a tenth of the time that the enumeration takes. A start reads a hundred thousand states.
_STATES = {state.value: state for state in State}
_ADDRESSES = {address.value: address for address in Address}


def slot_from_json(data: Mapping[str, Any]) -> Slot:
    """Return the slot that `Slot.as_json` wrote. Raises KeyError or ValueError for anything else."""
    texts = data.get("raw", ""), data.get("timezone", "Europe/London"), data.get("reason"), data.get("doubt")
    return _make_slot(data["precision"], data["start"], data["end"], data.get("assumed"), texts)


# Many releases share a slot. Caching keeps one copy of it in memory.
@lru_cache(maxsize=1024)
def _make_slot(
    precision: str, start: str, end: str | None, assumed: str | None, texts: tuple[str, str, str | None, str | None]
) -> Slot:
    """Return a slot. `start` is an instant or a date, by the precision. `texts`: raw, timezone, reason and doubt."""
    is_instant = precision == Precision.INSTANT
    return Slot(
        Precision(precision),
        datetime.fromisoformat(start) if is_instant else None,
        date.fromisoformat(start) if start and not is_instant else None,
        date.fromisoformat(end) if end else None,
        *texts,
        datetime.fromisoformat(assumed) if assumed else None,
    )


def part_from_json(data: Mapping[str, Any]) -> Part:
    """Return the part that `Part.as_json` wrote."""
    return Part(data["id"], Role(data["role"]), data["url"], data.get("recognise"), data.get("required", True))


def announcement_json(announcement: Announcement) -> Json:
    """Return an announcement as `calendar parse` and `calendar read` print it, one object a line.

    Only an entry that adds parts to another release has `of`, the id of that release.
    """
    shown = fields_json(announcement, "uid", "title", "producer", "url", "slot", "state", "doubt")
    shown["reason"] = announcement.slot.reason  # also in the slot, but published here too
    shown |= fields_json(announcement, "parts", "recognise", "link", "previous", "why", "published", "address")
    shown["producers"] = list(announcement.producers)
    return shown | ({"of": announcement.of} if announcement.of else {})


def announcement_from_json(data: Mapping[str, Any]) -> Announcement:
    """Return the announcement that `announcement_json` wrote. Raises KeyError or ValueError for anything else."""
    previous, state, parts = data.get("previous"), data.get("state"), data.get("parts")
    producer, producers = data["producer"], data.get("producers", ())
    return Announcement(
        uid=data["uid"],
        title=data["title"],
        producer=producer,
        url=data["url"],
        slot=slot_from_json(data["slot"]),
        state=_STATES[state] if state else None,
        doubt=data.get("doubt"),
        parts=tuple([part_from_json(part) for part in parts]) if parts else (),
        recognise=data.get("recognise"),
        link=data.get("link", ""),
        previous=slot_from_json(previous) if previous else None,
        why=data.get("why", ""),
        published=data.get("published", False),
        address=_ADDRESSES[data.get("address", Address.ANNOUNCED.value)],
        # The JSON lists the main producer among all of them.
        others=tuple([other for other in producers if other != producer]),
        of=data.get("of", ""),
    )
