"""GOV.UK Notify: e-mail and text messages, by its API of version 2."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey

from alerts.channel import Accepted, Attachment, Message, Outcome, Refused, make_short_form
from alerts.channels.base import NamedChannel, Outbound, limit_attempt
from alerts.channels.http import loggable_reason
from alerts.channels.settings import NotifySettings

API = "https://api.notifications.service.gov.uk"
_PERMANENT_STATUSES = frozenset({400, 413, 422})
_TOO_LONG = (400, 413)
_LARGEST_UPLOAD = 2 * 1024 * 1024
_ID_LENGTH = 36
"""Characters of an id. A key ends with the id of its service, a hyphen, and the secret itself."""


class RefusedByNotify(Exception):
    """The API answered with an error, or did not answer (`status` None)."""

    def __init__(self, status: int | None, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class Notify(NamedChannel[NotifySettings]):
    """Sends to each recipient once.

    Notify does not drop copies, so each is looked up by its reference first.
    """

    def __init__(
        self, settings: NotifySettings, now: Callable[[], datetime], outbound: Outbound
    ) -> None:
        super().__init__(settings, now, outbound)
        self.formats = ("docx",) if settings.draft_field else ()

    async def send(self, message: Message) -> Outcome:
        """Send the message to each recipient once.

        Return one outcome for all of them.
        """
        if len(self._secrets["key"]) < 2 * _ID_LENGTH + 2:
            return Refused(permanent=False, reason="the key is not one of GOV.UK Notify")
        return await limit_attempt(self._timeout, self._send_to_all(message))

    async def _send_to_all(self, message: Message) -> Outcome:
        base_url = self._settings.base_url or API
        # Each request has half of the time, so that a look-up can follow one that timed out.
        seconds = self._timeout / 2
        transport = self._outbound.transport(base_url, ssl.create_default_context(), seconds)
        async with httpx.AsyncClient(
            base_url=base_url, transport=transport, timeout=seconds, trust_env=False
        ) as http:
            client = NotifyClient(http, self._secrets["key"], self._now)
            outcomes = [
                await _send_one(client, self._settings, message, to) for to in self._settings.to
            ]
        return _combine_outcomes(outcomes)


@dataclass(frozen=True, slots=True)
class NotifyClient:
    """The three requests of the API that this channel needs. Each raises `RefusedByNotify`."""

    http: httpx.AsyncClient
    key: str
    now: Callable[[], datetime]

    async def send_email(self, fields: Mapping[str, Any]) -> str:
        """Submit an e-mail, and return its id."""
        return str((await self._request_json("POST", "/v2/notifications/email", json=fields))["id"])

    async def send_sms(self, fields: Mapping[str, Any]) -> str:
        """Submit a text message, and return its id."""
        return str((await self._request_json("POST", "/v2/notifications/sms", json=fields))["id"])

    async def find_id(self, reference: str) -> str | None:
        """Return the id of the message that Notify has under our reference, if any."""
        params = {"reference": reference}
        found = (await self._request_json("GET", "/v2/notifications", params=params))[
            "notifications"
        ]
        return str(found[0]["id"]) if found else None

    async def _request_json(self, method: str, path: str, **content: Any) -> Any:  # noqa: ANN401 # JSON
        headers = {"Authorization": f"Bearer {self._make_token()}", "User-Agent": "ninethirty"}
        try:
            answer = await self.http.request(method, path, headers=headers, **content)
        except (httpx.HTTPError, OSError) as fault:
            # The fault's own words may quote the address of a proxy, which may bear a secret.
            raise RefusedByNotify(None, f"no answer: {type(fault).__name__}") from fault
        if not answer.is_success:
            raise RefusedByNotify(answer.status_code, _error_text(answer))
        return answer.json()

    def _make_token(self) -> str:
        """Return a token that Notify accepts for 30 seconds."""
        service, secret = self.key[-2 * _ID_LENGTH - 1 : -_ID_LENGTH - 1], self.key[-_ID_LENGTH:]
        claims = {"iss": service, "iat": int(self.now().timestamp())}
        return jwt.encode({"typ": "JWT", "alg": "HS256"}, claims, OctKey.import_key(secret))


def notify_reference(message: Message, to: str) -> str:
    """Return Notify's reference of one message to one recipient, the same at every attempt."""
    return f"{message.id}-{hashlib.sha256(to.encode()).hexdigest()[:8]}"


def _combine_outcomes(outcomes: Sequence[Outcome]) -> Outcome:
    """Return one outcome for all: refused for now if any was, else accepted if any was, else
    refused for good.
    """
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    reasons = "; ".join(dict.fromkeys(refusal.reason for refusal in refused))
    if not all(refusal.permanent for refusal in refused):
        return Refused(permanent=False, reason=reasons)
    if len(refused) == len(outcomes):
        return Refused(permanent=True, reason=reasons)
    references = ", ".join(
        outcome.reference for outcome in outcomes if isinstance(outcome, Accepted)
    )
    return Accepted(references if not refused else f"{references}; refused for good: {reasons}")


async def _send_one(
    client: NotifyClient, settings: NotifySettings, message: Message, to: str
) -> Outcome:
    """Send a message to one recipient, unless Notify has it from an earlier attempt.

    Return the outcome.
    """
    reference = notify_reference(message, to)
    try:
        known = await client.find_id(reference)
        return Accepted(known or await _submit_message(client, settings, message, to))
    except RefusedByNotify as refusal:
        has_answer = refusal.status is not None and refusal.status != 503
        # Without an answer, Notify may have accepted the message.
        known = None if has_answer else await _find_after_fault(client, reference)
        return _explain_refusal(refusal, settings) if known is None else Accepted(known)
    except (KeyError, TypeError, ValueError) as fault:
        return Refused(
            permanent=False, reason=f"an answer that makes no sense: {type(fault).__name__}"
        )


async def _find_after_fault(client: NotifyClient, reference: str) -> str | None:
    try:
        return await client.find_id(reference)
    except (RefusedByNotify, KeyError, TypeError, ValueError):
        return None


async def _submit_message(
    client: NotifyClient, settings: NotifySettings, message: Message, to: str
) -> str:
    """Submit a message as a text message or e-mail, in its short form if it is too long.

    Return Notify's id.
    """
    common = {"template_id": settings.template, "reference": notify_reference(message, to)}
    subject, link = make_short_form(message)
    if "@" not in to:
        short = {"subject": subject, "text": link}
        return await client.send_sms(common | {"phone_number": to, "personalisation": short})
    fields: dict[str, Any] = {"subject": message.subject, "text": message.text}
    if settings.draft_field is not None:
        # The template has the field, so it needs a value even without a draft.
        fields[settings.draft_field] = _prepare_draft(message.attachments)
    email = common | {"email_address": to, "personalisation": fields}
    try:
        return await client.send_email(email)
    except RefusedByNotify as refusal:
        if refusal.status not in _TOO_LONG:
            raise
    # Notify refused the full text, so send the short form: someone must be notified.
    short = fields | {"subject": subject, "text": link or subject}
    return await client.send_email(email | {"personalisation": short})


def _error_text(answer: httpx.Response) -> str:
    """Return the words of an error of the API: a list of errors with a `message` each."""
    try:
        errors = answer.json()["errors"]
        return "; ".join(str(error["message"]) for error in errors)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return answer.reason_phrase


def _explain_refusal(refusal: RefusedByNotify, settings: NotifySettings) -> Refused:
    """Return the refusal without the API key in its reason."""
    status = "" if refusal.status is None else f"{refusal.status}: "
    key = settings.key.reveal()
    reason = loggable_reason(f"{status}{refusal.text}", (key, key[-_ID_LENGTH:]))
    return Refused(permanent=refusal.status in _PERMANENT_STATUSES, reason=reason)


def _prepare_draft(attachments: Sequence[Attachment]) -> object:
    """Return the draft as an upload for the template, or the reason for its absence."""
    if not attachments:
        return "none"
    draft = attachments[0]
    if len(draft.content) > _LARGEST_UPLOAD:
        return "not attached: too large"
    return {"file": base64.b64encode(draft.content).decode(), "filename": draft.name}
