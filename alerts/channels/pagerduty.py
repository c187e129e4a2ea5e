"""PagerDuty's Events API v2: one incident is one alert, opened, kept up to date and resolved by the
same key.
"""

from __future__ import annotations

import json

from alerts.channel import SEVERITIES, Accepted, Message, Outcome
from alerts.channels.http import HttpChannel
from alerts.channels.settings import PagerdutySettings
from alerts.one_line import one_line
from schedules.times.json import Json

EVENTS = "https://events.pagerduty.com/v2/enqueue"
_PLATFORM_EVENTS = frozenset({"opened", "reopened", "final", "acknowledged", "closed"})


class PagerDuty(HttpChannel[PagerdutySettings]):
    """Sends events.

    PagerDuty joins events with the same key, so an event sent twice pages people only once.
    """

    async def send(self, message: Message) -> Outcome:
        """Send the event of a message once."""
        if (event := build_event(message, self._secrets["routing_key"])) is None:
            return Accepted("no event: its alert is open as it is")
        body = json.dumps(event, ensure_ascii=False).encode()
        return await self._post_json(self._settings.url or EVENTS, body)


def build_event(message: Message, routing_key: str) -> Json | None:
    """Return the event: `resolve` (last notice, or closed incident), `acknowledge`
    (acknowledgement), else `trigger`.

    None if the alert must stay as it is: after the signature of a report, and for a message about a
    platform's fault that does not open, acknowledge or end it. Events of one incident have the same
    `dedup_key`, so they change one alert. Without an incident, those of one thread have the same.
    """
    incident = message.data.get("incident") or {}
    is_platform = incident.get("kind") == "platform"
    if message.kind == "signed" or (is_platform and message.kind not in _PLATFORM_EVENTS):
        return None
    is_over = message.kind == "final" or incident.get("closed") is not None
    is_acknowledged = message.kind == "acknowledged"
    action = "trigger"
    if is_over:
        action = "resolve"
    elif is_acknowledged:
        action = "acknowledge"
    # The numbers below are limits of PagerDuty, in characters.
    event: Json = {
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": str(incident.get("id") or message.notice)[:255],
    }
    if is_over or is_acknowledged:
        return event
    address = (message.data.get("measured") or {}).get("url")
    texts_of_links = (
        (message.data.get("link"), "Incident, and acknowledge"),
        (address, "Announced address"),
    )
    links = [{"href": str(href), "text": text} for href, text in texts_of_links if href]
    payload = {
        "summary": one_line(message.subject, 1024),
        "source": str(message.data.get("release") or "ninethirty"),
        "severity": SEVERITIES.get(str(message.data.get("grade")), "info"),
        "timestamp": message.data.get("at"),
        "component": str(message.data.get("producer") or ""),
        "class": message.kind,
        "custom_details": {"text": message.text[:8000], "notice": message.id},
    }
    return {**event, "payload": payload, "links": links, "client": "ninethirty"}
