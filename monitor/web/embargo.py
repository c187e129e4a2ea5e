"""The embargo: before its slot, only signed-in staff see whether a release is out, where, and its drafts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from schedules.times.interval import NOTHING
from schedules.times.json import instant_from_json, interval_json

Json = dict[str, Any]
_FROM_CALENDARS = ("id", "title", "producer", "producers", "calendar", "slot")
_NULL = (
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
_EMPTY = ("exposures", "available_elsewhere", "parts", "findings")


def slot_has_passed(body: Mapping[str, Any] | None, now: datetime) -> bool:
    """Return whether the slot in force has passed; False if there is none, so that only staff see the release."""
    slot = None if body is None else body["slot"]
    passes = None if slot is None else instant_from_json(slot["end"] or slot["start"])
    return passes is not None and passes <= now


def public_view(body: Json, now: datetime) -> Json | None:
    """Return the JSON of a release that everyone may see: before its slot, only what calendars announced.

    None for a release without a promise. Every release that is not due yet lacks its address: if only some lacked it,
    that would show which ones are out.
    """
    if slot_has_passed(body, now):
        return without_details(body)
    if body["slot"] is None:
        return None
    # "cancelled" depends only on calendars. "moved" also depends on what looks saw, so it stays secret.
    word = body["verdict"] if body["verdict"] == "cancelled" else "pending"
    hidden: Json = {"url": "", "address": "announced", "grade": "none", "final": False, "verdict": word}
    hidden |= {name: interval_json(NOTHING) for name in ("first_seen", "released")}
    hidden |= {name: [] for name in _EMPTY} | dict.fromkeys(_NULL)
    return {name: body[name] for name in _FROM_CALENDARS if name in body} | hidden


def without_details(body: Json) -> Json:
    """Return a release without the details of its findings, which can quote the edition that is promised next."""
    return body | {"findings": [found | {"detail": ""} for found in body["findings"]]}
