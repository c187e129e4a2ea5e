"""Announcements and slots as JSON objects, and back. The shape is that of `calendar parse`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from schedules.announcement import Address, Announcement, Part, Role, State
from schedules.slot import Precision, Slot
from schedules.times.json import fields_json, instant_json

Json = dict[str, Any]
# A dictionary takes a tenth of the time that the enumeration takes. A start reads a hundred thousand states.
_STATES = {state.value: state for state in State}
_ADDRESSES = {address.value: address for address in Address}


def slot_json(slot: Slot) -> Json:
    """Return a slot as JSON. `start` is an instant for precision `instant`. Otherwise both ends are local dates."""
    return {
        "precision": slot.precision.value,
        "start": instant_json(slot.instant) or (slot.first.isoformat() if slot.first else None),
        "end": slot.last.isoformat() if slot.last else None,
        "raw": slot.raw,
        "timezone": slot.timezone,
        "reason": slot.reason,
        "doubt": slot.doubt,
        "assumed": instant_json(slot.assumed),
    }


def slot_from_json(data: Mapping[str, Any]) -> Slot:
    """Return the slot that `slot_json` wrote. Raises KeyError or ValueError for anything else."""
    required = data["precision"], data["start"], data["end"]
    texts = data.get("raw", ""), data.get("timezone", "Europe/London"), data.get("reason"), data.get("doubt")
    return _make_slot(*required, *texts, data.get("assumed"))


# Many releases share a slot. Caching keeps one copy of it in memory.
@lru_cache(maxsize=1024)
def _make_slot(  # noqa: PLR0913, PLR0917 # by position, because keywords take longer
    precision: str,
    start: str,
    end: str | None,
    raw: str,
    timezone: str,
    reason: str | None,
    doubt: str | None,
    assumed: str | None,
) -> Slot:
    """Return the slot that `slot_json` wrote as these texts. `start` is an instant or a date, by the precision."""
    is_instant = precision == Precision.INSTANT
    return Slot(
        Precision(precision),
        instant=datetime.fromisoformat(start) if is_instant else None,
        first=date.fromisoformat(start) if start and not is_instant else None,
        last=date.fromisoformat(end) if end else None,
        raw=raw,
        timezone=timezone,
        reason=reason,
        doubt=doubt,
        assumed=datetime.fromisoformat(assumed) if assumed else None,
    )


def part_json(part: Part) -> Json:
    """Return a part as JSON."""
    return fields_json(part, "id", "role", "url", "recognise", "required")


def part_from_json(data: Mapping[str, Any]) -> Part:
    """Return the part that `part_json` wrote."""
    return Part(data["id"], Role(data["role"]), data["url"], data.get("recognise"), data.get("required", True))


def announcement_json(announcement: Announcement) -> Json:
    """Return an announcement as `calendar parse` and `calendar read` print it, one object a line.

    Only an entry that adds parts to another release has `of`, the id of that release.
    """
    return {
        "uid": announcement.uid,
        "title": announcement.title,
        "producer": announcement.producer,
        "url": announcement.url,
        "slot": slot_json(announcement.slot),
        "state": announcement.state.value if announcement.state else None,
        "doubt": announcement.doubt,
        "reason": announcement.slot.reason,  # also in the slot, but published here too
        "parts": [part_json(part) for part in announcement.parts],
        "recognise": announcement.recognise,
        "link": announcement.link,
        "previous": slot_json(announcement.previous) if announcement.previous else None,
        "why": announcement.why,
        "published": announcement.published,
        "address": announcement.address.value,
        "producers": list(announcement.producers),
    } | ({"of": announcement.of} if announcement.of else {})


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
