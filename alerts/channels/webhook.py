"""A signed JSON POST, for a team's own systems."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from alerts.channel import Message, Outcome
from alerts.channels.http import HttpChannel
from alerts.channels.settings import WebhookSettings


class Webhook(HttpChannel[WebhookSettings]):
    """Posts the message's data and text; the receiver can drop a copy by its Idempotency-Key."""

    def _set_up_channel(self) -> None:
        self.formats = ("docx",) if self._settings.with_attachments else ()

    async def send(self, message: Message) -> Outcome:
        """Post the message once."""
        body, secret = webhook_body(message), self._secrets.get("secret")
        headers = {"Idempotency-Key": message.id}
        if secret:
            headers["X-Signature"] = sign_body(secret, int(self._now().timestamp()), body)
        return await self._post_json(self._settings.url, body, headers)


def webhook_body(message: Message) -> bytes:
    """Return the JSON of a message: its data (see `schema`), with `text` and `files` added."""
    whole = {
        "id": message.id,
        "thread": message.notice,
        "kind": message.kind,
        "subject": message.subject,
        **message.data,
        "text": message.text,
        "files": [
            {
                "name": attachment.name,
                "media_type": attachment.media_type,
                "size": len(attachment.content),
                "sha256": hashlib.sha256(attachment.content).hexdigest(),
                "base64": base64.b64encode(attachment.content).decode(),
            }
            for attachment in message.attachments
        ],
    }
    return json.dumps(whole, ensure_ascii=False, sort_keys=True, default=str).encode()


def sign_body(secret: str, at: int, body: bytes) -> str:
    """Return the X-Signature header: `t=` seconds since 1970, `v1=` HMAC-SHA-256 of `t.body` in
    hex.
    """
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
