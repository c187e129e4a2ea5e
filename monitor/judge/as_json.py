"""The published JSON of one release, and short texts made from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monitor.judge.verdict import Verdict
from monitor.look.fetch import describe_why
from schedules.announcement import Address, Origin, Part, Role, address_known
from schedules.contract.verdict import PartVerdict, verdict_text
from schedules.times.interval import Bounds
from schedules.times.json import (
    Json,
    bounds_from_json,
    fields_json,
    instant_from_json,
    instant_json,
)
from schedules.times.words import MINUTE, count, instant_text, length, lengths, stamp, sureness

Body = Mapping[str, Any]
"""The published JSON of a release, or a part of it."""


def release_json(verdict: Verdict) -> Json:
    """Return the JSON of one release of the interface.

    Its `incident`, and the edition and practice of the Code of Practice in `code`, are still null.
    """
    # A release without a landing page has no times.
    page = verdict.page or PartVerdict(
        "page", Role.PAGE.value, verdict.url, required=True, verdict=verdict.verdict
    )
    return {
        "id": verdict.release,
        **fields_json(verdict, "title", "producer", "producers"),
        "calendar": list(verdict.calendars),
        **fields_json(verdict, "url", "address"),
        "slot": _slot_json(verdict),
        **fields_json(verdict, "verdict", "grade", "final"),
        **fields_json(page, "first_seen", "released", "delay", "users_delay", "early_bound"),
        **fields_json(verdict, "exposures"),
        "available_elsewhere": [elsewhere.as_json() for elsewhere in verdict.elsewhere],
        **fields_json(verdict, "parts", "findings"),
        "code": None,
        "incident": None,
        **fields_json(verdict, "unproven_because", "due"),
        "promise_confirmed": instant_json(verdict.confirmed),
        "at": instant_json(verdict.at),
    }


def is_by(body: Body, producer: str | None) -> bool:
    """Return whether `producer` is one of the release's producers. True if none is given."""
    return not producer or producer in body.get("producers", [body["producer"]])


def decisive_delay(body: Body) -> tuple[Body | None, str]:
    """Return the delay behind a release's verdict, or None, and the id of its part ("" for the
    landing page).

    If only parts other than the page have that verdict, this is the longest of their proved delays
    (`min`).
    """
    deciding = [
        part for part in body["parts"] if part["required"] and part["verdict"] == body["verdict"]
    ]
    delays = {part["id"]: part["delay"] for part in deciding if part["delay"]}
    if not delays or "page" in delays:
        return body["delay"], ""  # the delay of a release is that of its page
    longest = max(delays, key=lambda part_id: delays[part_id]["min"] or 0)
    return delays[longest], longest


def lateness_text(body: Body) -> str:
    """Return how late a release is, in words: `at least 2 min (sheet)`."""
    delay, part = decisive_delay(body)
    if part:
        return f"{length_text(delay)} ({part})"
    return length_text(delay)


def is_unseen_alternative(part: Body) -> bool:
    """Return whether a part is an alternative address not seen public.

    It was not promised, so it is not late.
    """
    return part.get("role") == Role.ALTERNATIVE.value and part["verdict"] in (
        "overdue",
        "not_published",
    )


def status_text(body: Body) -> str:
    """Return the status of a release, or of a part, for people: `on time, to 12 s`, `due, not seen
    yet (12 s)`.
    """
    if is_unseen_alternative(body):
        return "not seen there"
    return "".join(_status_and_length(body))


def _status_and_length(body: Body) -> tuple[str, str]:
    """Return the status of a release, and the length that qualifies it: `on time` and `, to 12
    s`.
    """
    if due := body.get("due"):
        return "due, not seen yet", f" ({length(due['seconds'], tenths=False)})"
    return verdict_text(body["verdict"]), sureness(widest_bound(body))


def verdict_or_due(body: Body) -> str:
    """Return the verdict on a release, `due` while its slot has passed without one."""
    return "due" if body.get("due") else str(body["verdict"])


def last_look_text(body: Body) -> str:
    """Return the result of the last look at a release that is due: `503, 12 looks`; empty for any
    other.
    """
    due = body.get("due")
    if not due:
        return ""
    got = f"{describe_why(due['got'])}, {count(due['looks'], 'look')}"
    if due["part"] == "page":
        return got
    return f"{due['part']}: {got}"


def status_in_capitals(body: Body) -> str:
    """Return the status of a release with the verdict in capitals: `ON TIME, to 12 s`."""
    status, qualifier = _status_and_length(body)
    return status.upper() + qualifier


def widest_bound(body: Body) -> float | None:
    """Return how many seconds before its slot a required part on time may have come, at most; None
    if unknown.
    """
    if body["verdict"] != "on_time":
        return None
    required = [part for part in body.get("parts", ()) if part["required"]] or [body]
    bounds = [part.get("early_bound") for part in required if part["verdict"] == "on_time"]
    return max((bound for bound in bounds if bound is not None), default=None)


def address_note(body: Body) -> str:
    """Return how the address of a page is known, in brackets; empty if a calendar named it."""
    is_seen = (body.get("first_seen") or {}).get("by") is not None
    known = address_known(Address(body.get("address", Address.ANNOUNCED)), is_seen=is_seen)
    return f" ({known})" if known else ""


def decision_text(body: Body, timezone: str) -> str:
    """Return the time to which a release was brought forward, as a person recorded it; empty if no
    one did.
    """
    decided = body.get("brought_forward")
    if not decided:
        return ""
    by = ""
    if decided["by"]:
        by = f", as recorded by the {decided['by']}"
    return (
        "brought forward to"
        f" {stamp(datetime.fromisoformat(decided['to']), timezone, step=MINUTE)}{by}"
    )


def length_text(seconds: Body | None) -> str:
    """Return a length from the JSON in its two largest units, with both bounds.

    Empty if it is null.
    """
    return lengths(bounds_from_json(seconds) or Bounds(), parts=2, tenths=False, unknown="")


def slot_text(slot: Body | None) -> str:
    """Return a slot from the JSON: `Friday 5 January 2018, 09:30 GMT`, or the announced text if it
    has no time.
    """
    if slot is None:
        return "no time announced yet"
    start = None
    if slot["precision"] == "instant":
        start = instant_from_json(slot["start"])
    if start is None:
        return f"{slot['raw'] or slot['start'] or 'no readable time'} (no time announced)"
    return instant_text(start, slot["timezone"])


def _slot_json(verdict: Verdict) -> Json | None:
    """Return the slot in force as JSON, with when and by which calendar it was announced.

    If a person said which time is meant, that is its only reading.
    """
    slot, readings = verdict.slot, verdict.readings
    if slot is None:
        return None
    settled = None
    times: tuple[datetime | None, ...] = slot.readings
    if readings is not None and readings.by:
        asked = [instant_json(each) for each in readings.times]
        settled = {**fields_json(readings, "by", "at"), "readings": asked}
        times = (slot.instant,)
    return {
        "start": instant_json(slot.begins()),
        **fields_json(slot, "precision", "timezone"),
        "announced": instant_json(verdict.slot_learnt),
        "source": verdict.slot_source,
        "end": None if slot.instant else instant_json(slot.passes()),
        **fields_json(slot, "raw", "doubt"),
        "readings": [instant_json(each) for each in times],
        "settled": settled,
    }


def part_from_json(part: Body) -> Part:
    """Return a part from its JSON, without its recogniser."""
    role, origin = Role(part["role"]), Origin(part["origin"])
    return Part(part["id"], role, part["url"], required=part["required"], origin=origin)
