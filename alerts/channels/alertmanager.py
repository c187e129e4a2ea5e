"""Alerts pushed to Alertmanager (its v2 API), which fire while an incident is open and resolve when
it is over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from alerts.channel import SEVERITIES, Message, Outcome
from alerts.channels.http import HttpChannel
from alerts.channels.settings import AlertmanagerSettings
from alerts.message import OPENING_KINDS
from schedules.contract.verdict import Grade
from schedules.times.json import Json, instant_from_json, instant_json

_LONGEST_TEXT = 4000


class Alertmanager(HttpChannel[AlertmanagerSettings]):
    """Pushes one alert for each incident. The same alert pushed twice notifies once."""

    async def send(self, message: Message) -> Outcome:
        """Push the alert as it is now."""
        body = json.dumps(
            list(build_alerts(message, self._settings, self._now())), ensure_ascii=False
        ).encode()
        token = self._secrets.get("token")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self._post_json(
            f"{self._settings.url.rstrip('/')}/api/v2/alerts", body, headers
        )


def build_alerts(message: Message, settings: AlertmanagerSettings, now: datetime) -> Iterator[Json]:
    """Yield the alert of a message.

    If its grade may have risen, also end the alerts of all lower grades.

    The labels name only the incident and its grade, so that later messages update the same alert.
    """
    incident = message.data.get("incident") or {}
    at = instant_from_json(message.data.get("at")) or now
    opened = min(instant_from_json(incident.get("opened")) or at, at)
    grade = str(message.data.get("grade", "none"))
    # The message that opens a breach has the kind `opened`. Other incidents are opened by other
    # kinds (`unproven`, …).
    is_no_breach = message.kind in OPENING_KINDS and message.kind != "opened"
    is_open = bool(incident) and incident.get("closed") is None
    # The alert of an open breach lasts for `hold`, because later messages renew or end it. Any
    # other alert may get no later message, so it ends by itself after the shorter time
    # `hold_others`.
    lifetime = settings.hold_others
    if is_open and not is_no_breach:
        lifetime = settings.hold
    ends = at
    if message.kind != "final":
        ends += lifetime
    yield _build_alert(message, grade, opened, ends)
    if incident and message.kind in ("grade_changed", "reopened", "final", "still"):
        grades: list[str] = list(Grade)  # the least grave first
        lower_grades = grades[: grades.index(grade)] if grade in grades else []
        for lower in lower_grades:
            yield _build_alert(message, lower, opened, ends=at)


def _build_alert(message: Message, grade: str, starts: datetime, ends: datetime) -> Json:
    """Return the alert of a message in the form of Alertmanager's API, for one grade."""
    data = message.data
    incident = data.get("incident") or {}
    measured = data.get("measured") or {}
    links = {"runbook_url": data.get("runbook"), "board_url": data.get("page")}
    name = "Incident" if incident else message.kind.capitalize()
    return {
        "labels": {
            "alertname": f"Ninethirty{name}",
            "incident": str(incident.get("id", message.notice)),
            "release": str(data.get("release", "")),
            "producer": str(data.get("producer", "")),
            "grade": grade,
            "severity": SEVERITIES.get(grade, "info"),
        },
        "annotations": {
            "summary": message.subject,
            "description": message.text[:_LONGEST_TEXT],
            "notice": message.id,
            "url": str(measured.get("url", "")),
            **{label: str(address) for label, address in links.items() if address},
        },
        "startsAt": instant_json(starts),
        "endsAt": instant_json(ends),
        "generatorURL": str(data.get("link") or measured.get("url") or ""),
    }
