"""Releases as the rows of a period or platform report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.draft.period import Row
from monitor.judge.as_json import decision_text, lateness, widest_bound
from monitor.store.sql.read import VerdictStore
from schedules.times.json import bounds_from_json, instant_from_json, interval_from_json


def row_of(verdicts: VerdictStore, body: Mapping[str, Any]) -> Row:
    """Return the row of a release, from its JSON."""
    slot = body["slot"]
    exact = slot is not None and slot["precision"] == "instant"
    longest = max((one["seconds"] for one in body["exposures"]), key=lambda one: one["min"] or 0.0, default=None)
    incident = verdicts.incident(body["incident"]) if body["incident"] else None
    return Row(
        release=body["id"],
        title=body["title"],
        producer=body["producer"],
        url=body["url"],
        timezone=slot["timezone"] if slot else "Europe/London",
        slot=instant_from_json(slot["start"]) if exact else None,
        verdict=body["verdict"],
        first_seen=interval_from_json(body["first_seen"]),
        delay=bounds_from_json(lateness(body)[0]),
        exposure=bounds_from_json(longest),
        practice=body["code"]["practice"] if body["code"] and body["findings"] else "",
        cause=incident.words.get("cause", "") if incident else "",
        incident=incident.id if incident else "",
        early_bound=widest_bound(body),
        decided=decision_text(body, slot["timezone"] if slot else "Europe/London"),
        others=tuple(one for one in body.get("producers", ()) if one != body["producer"]),
    )
