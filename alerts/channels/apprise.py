"""Chat, pagers and text messages, by an address that Apprise understands."""

from __future__ import annotations

import apprise

from alerts.channel import LONGEST_SHORT_FORM, Accepted, Message, Outcome, Refused, make_short_form
from alerts.channels.base import ThreadChannel
from alerts.channels.settings import AppriseSettings

_URGENCIES = {"report": apprise.NotifyType.FAILURE, "note": apprise.NotifyType.WARNING}


class Apprise(ThreadChannel[AppriseSettings]):
    """Sends each message to one service.

    Apprise reports only whether it was sent, not why it failed.
    """

    def _send_blocking(self, message: Message) -> Outcome:
        """Send the message to the service behind the secret address, in a form that fits its limit
        of characters.
        """
        url = self._secrets["url"]
        asset = apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY)
        asset.app_id, asset.app_desc, asset.app_url = "ninethirty", "ninethirty", ""
        service = apprise.Apprise(asset=asset)
        if not service.add(url):
            return Refused(permanent=False, reason="the address is not one that apprise knows")
        urgency = _URGENCIES.get(str(message.data.get("grade")), apprise.NotifyType.INFO)
        if message.kind == "final":
            urgency = apprise.NotifyType.SUCCESS
        subject, text = message.subject, message.text
        limit = min((plugin.body_maxlen for plugin in service), default=len(text))
        if len(text) > limit:
            # The service would cut a longer text, or split it.
            short, link = make_short_form(message, min(limit, LONGEST_SHORT_FORM))
            subject, text = "", f"{short} {link}".rstrip()
        scheme = url.partition(":")[0]
        if service.notify(
            text, subject, urgency, body_format=apprise.NotifyFormat.TEXT, timeout=self._timeout
        ):
            return Accepted(scheme)
        return Refused(permanent=False, reason=f"the service behind {scheme} did not take it")
