"""Before its slot, that something is out, where, and any draft or figure of it are for signed-in staff alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from schedules.times.interval import NOTHING
from schedules.times.json import instant_from_json, interval_json

Json = dict[str, Any]
_OF_CALENDARS = ("id", "title", "producer", "producers", "calendar", "slot")
_EMPTY: tuple[str, ...] = ("exposures", "available_elsewhere", "parts")
_UNKNOWN = {"url": "", "address": "announced", "grade": "none", "final": False} | {name: [] for name in _EMPTY}
_NONE = (
    "delay",
    "users_delay",
    "early_bound",
    "code",
    "incident",
    "unproven_because",
    "due",
    "promise_confirmed",
    "at",
)


def has_passed(body: Mapping[str, Any] | None, now: datetime) -> bool:
    """Tell whether the slot in force has passed. What was never promised has none, and stays with staff."""
    slot = None if body is None else body["slot"]
    passes = None if slot is None else instant_from_json(slot["end"] or slot["start"])
    return passes is not None and passes <= now


def for_all(body: Json, now: datetime) -> Json | None:
    """Return what everybody may know of a release: before its slot what calendars announced, None of a surprise.

    The address is left out of every release that is not due yet: missing from some alone, its absence would tell.
    """
    if has_passed(body, now):
        return wordless(body)
    if body["slot"] is None:
        return None
    # Only "cancelled" is decided by calendars whatever was seen; "moved" gives way to what was seen, and so would tell.
    word = body["verdict"] if body["verdict"] == "cancelled" else "pending"
    nothing = interval_json(NOTHING)
    shown = {name: body[name] for name in _OF_CALENDARS if name in body} | _UNKNOWN | dict.fromkeys(_NONE)
    return shown | {"verdict": word, "first_seen": nothing, "released": nothing, "findings": []}


def wordless(body: Json) -> Json:
    """Return a release without the words of its findings: they may quote what the edition promised next shows."""
    return body | {"findings": [found | {"detail": ""} for found in body["findings"]]}
