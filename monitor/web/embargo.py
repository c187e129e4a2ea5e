"""The embargo.

Before the slot, only staff see whether and where a release is public, and its drafts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from schedules.times.interval import NOTHING
from schedules.times.json import Json, instant_from_json, interval_json

_FROM_CALENDARS = ("id", "title", "producer", "producers", "calendar", "slot")
_HIDDEN_AS_NULL = [
    "delay",
    "users_delay",
    "early_bound",
    "code",
    "incident",
    "unproven_because",
    "due",
    "at",
]
_HIDDEN_AS_NULL += ["promise_confirmed"]
_HIDDEN_AS_EMPTY = ("exposures", "available_elsewhere", "parts", "findings")


def slot_has_passed(body: Mapping[str, Any] | None, now: datetime) -> bool:
    """Return whether the end of a release's slot has passed. False without a release or a slot."""
    slot = None if body is None else body["slot"]
    end = None if slot is None else instant_from_json(slot["end"] or slot["start"])
    return end is not None and end <= now


def public_view(body: Json, now: datetime) -> Json | None:
    """Return the part of a release's JSON that everyone may see.

    Before its slot, that is only its announcement.

    None if the release has no slot. Before the slot, the address is hidden for every release. If it
    were hidden only for releases that are out, its absence would reveal them.
    """
    if slot_has_passed(body, now):
        return without_details(body)
    if body["slot"] is None:
        return None
    # "cancelled" depends only on calendars. "moved" also depends on what looks saw, so it stays
    # secret.
    word = body["verdict"] if body["verdict"] == "cancelled" else "pending"
    hidden: Json = {
        "url": "",
        "address": "announced",
        "grade": "none",
        "final": False,
        "verdict": word,
    }
    hidden |= {name: interval_json(NOTHING) for name in ("first_seen", "released")}
    hidden |= {name: [] for name in _HIDDEN_AS_EMPTY} | dict.fromkeys(_HIDDEN_AS_NULL)
    return {name: body[name] for name in _FROM_CALENDARS if name in body} | hidden


def without_details(body: Json) -> Json:
    """Return a release without the details of its findings, which can quote the edition that is
    promised next.
    """
    return body | {"findings": [found | {"detail": ""} for found in body["findings"]]}
