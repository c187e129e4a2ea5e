"""Chat, pagers and text messages, by an address that Apprise understands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apprise
from apprise.plugins import url_to_dict

from alerts.channel import Accepted, Message, Outcome, Refused, make_short_form
from alerts.channels.base import ThreadChannel
from alerts.channels.settings import AppriseSettings

_URGENCIES = {"report": apprise.NotifyType.FAILURE, "note": apprise.NotifyType.WARNING}
_PRIORITIES = {
    ("ntfy", apprise.NotifyType.FAILURE): "max",
    ("ntfy", apprise.NotifyType.WARNING): "high",
    ("pover", apprise.NotifyType.FAILURE): "high",  # also in quiet hours
}
_TAKES_WHOLE_TEXT = frozenset({"mailto", "json", "xml", "form"})
_BUTTON = "I'm on it"
_TEMPLATES = {"slack": "slack.json", "workflow": "teams.json", "workflows": "teams.json"}
"""Messages with a button, in the languages of Slack (Block Kit) and Teams (Adaptive Cards)."""


class Apprise(ThreadChannel[AppriseSettings]):
    """Sends each message to one service.

    Mail and programs get the whole text, all others the short form.

    Apprise reports only whether it was sent, not why it failed.
    """

    def _send_blocking(self, message: Message) -> Outcome:
        """Send the message to the service behind the secret address."""
        asset = apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY)
        asset.app_id, asset.app_desc, asset.app_url = "ninethirty", "ninethirty", ""
        urgency = _URGENCIES.get(str(message.data.get("grade")), apprise.NotifyType.INFO)
        if message.kind == "final":
            urgency = apprise.NotifyType.SUCCESS
        options = url_to_dict(self._secrets["url"]) or {}  # type: ignore[no-untyped-call] # not typed
        scheme = str(options.get("schema"))
        plain_scheme = scheme.removesuffix("s")  # `s` is for TLS
        subject, (text, link) = "", make_short_form(message)
        if plain_scheme in _TAKES_WHOLE_TEXT:
            subject, text = message.subject, message.text
        elif link and not _add_button(options, link):
            text = f"{text} {link}"
        if priority := _PRIORITIES.get((plain_scheme, urgency)):
            options.setdefault("priority", priority)
        service = apprise.Apprise(asset=asset)
        if not options or not service.add(options):
            return Refused("the address is not one that apprise knows")
        if service.notify(
            text, subject, urgency, body_format=apprise.NotifyFormat.TEXT, timeout=self._timeout
        ):
            return Accepted(scheme)
        return Refused(f"the service behind {scheme} did not take it")


def _add_button(options: dict[str, Any], link: str) -> bool:
    """Add a button that opens the link to the options of a service, unless its address names a
    template. Return False if the link must be in the text.
    """
    scheme = options.get("schema")
    if scheme in ("ntfy", "ntfys"):
        options.setdefault("click", link)
        options.setdefault("actions", f"view, {_BUTTON}, {link}, clear=true")
    elif scheme == "pover":
        options |= {"supplemental_url": link, "supplemental_url_title": _BUTTON}
    elif scheme in _TEMPLATES and not options.keys() & {"template", "workflow_path"}:
        template = Path(__file__).parent / "data" / _TEMPLATES[scheme]
        options |= {"template": template.as_uri(), "tokens": {"link": link, "button": _BUTTON}}
        if scheme == "slack":
            options["use_blocks"] = True
    else:
        return False
    return True
