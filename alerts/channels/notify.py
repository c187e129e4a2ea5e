"""GOV.UK Notify: e-mail and text messages, by its API of version 2."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey

from alerts.channel import Accepted, Attachment, Message, Outcome, Refused, make_short_form
from alerts.channels.base import NamedChannel, limit_attempt
from alerts.channels.http import loggable_reason
from alerts.channels.settings import NotifySettings
from schedules.times.json import Json

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
        self.status = status


class Notify(NamedChannel[NotifySettings]):
    """Sends to each recipient once.

    Notify does not drop copies, so each is looked up by its reference first.
    """

    def _set_up_channel(self) -> None:
        self.formats = ("docx",) if self._settings.draft_field else ()

    async def send(self, message: Message) -> Outcome:
        """Send the message to each recipient once.

        Return one outcome for all of them.
        """
        if len(self._secrets["key"]) < 2 * _ID_LENGTH + 2:
            return Refused("the key is not one of GOV.UK Notify")
        return await limit_attempt(self._timeout, self._send_to_all(message))

    async def _send_to_all(self, message: Message) -> Outcome:
        base_url = self._settings.base_url or API
        # Each request has half of the time, so that a look-up can follow one that timed out.
        seconds = self._timeout / 2
        transport = self._outbound(base_url, ssl.create_default_context(), seconds)
        async with httpx.AsyncClient(
            base_url=base_url, transport=transport, timeout=seconds, trust_env=False
        ) as http:
            outcomes = [await self._send_one(http, message, to) for to in self._settings.to]
        return _combine_outcomes(outcomes)

    async def _send_one(self, http: httpx.AsyncClient, message: Message, to: str) -> Outcome:
        """Send a message to one recipient, unless Notify has it from an earlier attempt.

        Return the outcome.
        """
        reference = notify_reference(message, to)
        try:
            known = await self._find_id(http, reference)
            return Accepted(known or await self._submit_message(http, message, to))
        except RefusedByNotify as refusal:
            # Without an answer, Notify may have accepted the message.
            if refusal.status in (None, 503):
                with suppress(RefusedByNotify, KeyError, TypeError, ValueError):
                    if (known := await self._find_id(http, reference)) is not None:
                        return Accepted(known)
            return self._explain_refusal(refusal)
        except (KeyError, TypeError, ValueError) as fault:
            return Refused(f"an answer that makes no sense: {type(fault).__name__}")

    async def _submit_message(self, http: httpx.AsyncClient, message: Message, to: str) -> str:
        """Submit a message as a text message or e-mail, in its short form if it is too long.

        Return Notify's id.
        """
        settings = self._settings
        common = {"template_id": settings.template, "reference": notify_reference(message, to)}
        subject, link = make_short_form(message)
        if "@" not in to:
            short = {"subject": subject, "text": link}
            sms = common | {"phone_number": to, "personalisation": short}
            return await self._post_notification(http, "sms", sms)
        fields: dict[str, Any] = {"subject": message.subject, "text": message.text}
        if settings.draft_field is not None:
            # The template has the field, so it needs a value even without a draft.
            fields[settings.draft_field] = _prepare_draft(message.attachments)
        email = common | {"email_address": to, "personalisation": fields}
        try:
            return await self._post_notification(http, "email", email)
        except RefusedByNotify as refusal:
            if refusal.status not in _TOO_LONG:
                raise
        # Notify refused the full text, so send the short form: someone must be notified.
        short = fields | {"subject": subject, "text": link or subject}
        return await self._post_notification(http, "email", email | {"personalisation": short})

    async def _post_notification(self, http: httpx.AsyncClient, kind: str, fields: Json) -> str:
        """Submit an `email` or `sms`, and return its id."""
        answer = await self._request_json(http, "POST", f"/v2/notifications/{kind}", json=fields)
        return str(answer["id"])

    async def _find_id(self, http: httpx.AsyncClient, reference: str) -> str | None:
        """Return the id of the message that Notify has under our reference, if any."""
        params = {"reference": reference}
        answer = await self._request_json(http, "GET", "/v2/notifications", params=params)
        found = answer["notifications"]
        return str(found[0]["id"]) if found else None

    async def _request_json(
        self,
        http: httpx.AsyncClient,
        method: str,
        path: str,
        **content: Any,  # noqa: ANN401 # as httpx takes it
    ) -> Any:  # noqa: ANN401 # JSON
        """Return the answer to one request. Raises `RefusedByNotify`."""
        headers = {"Authorization": f"Bearer {self._make_token()}", "User-Agent": "ninethirty"}
        try:
            answer = await http.request(method, path, headers=headers, **content)
        except (httpx.HTTPError, OSError) as fault:
            # The fault's own words may quote the address of a proxy, which may bear a secret.
            raise RefusedByNotify(None, f"no answer: {type(fault).__name__}") from fault
        if not answer.is_success:
            raise RefusedByNotify(answer.status_code, _error_text(answer))
        return answer.json()

    def _make_token(self) -> str:
        """Return a token that Notify accepts for 30 seconds."""
        key = self._secrets["key"]
        service, secret = key[-2 * _ID_LENGTH - 1 : -_ID_LENGTH - 1], key[-_ID_LENGTH:]
        claims = {"iss": service, "iat": int(self._now().timestamp())}
        return jwt.encode({"typ": "JWT", "alg": "HS256"}, claims, OctKey.import_key(secret))

    def _explain_refusal(self, refusal: RefusedByNotify) -> Refused:
        """Return the refusal without the API key in its reason."""
        key = self._secrets["key"]
        text = str(refusal)
        if refusal.status is not None:
            text = f"{refusal.status}: {text}"
        reason = loggable_reason(text, (key, key[-_ID_LENGTH:]))
        return Refused(reason, permanent=refusal.status in _PERMANENT_STATUSES)


def notify_reference(message: Message, to: str) -> str:
    """Return Notify's reference of one message to one recipient, the same at every attempt."""
    return f"{message.id}-{hashlib.sha256(to.encode()).hexdigest()[:8]}"


def _combine_outcomes(outcomes: Sequence[Outcome]) -> Outcome:
    """Return one outcome for all: refused for now if any was, else accepted if any was, else
    refused for good.
    """
    accepted = [outcome.reference for outcome in outcomes if isinstance(outcome, Accepted)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    references = ", ".join(accepted)
    if not refused:
        return Accepted(references)
    reasons = "; ".join(dict.fromkeys(refusal.reason for refusal in refused))
    is_final = all(refusal.permanent for refusal in refused)
    if accepted and is_final:
        return Accepted(f"{references}; refused for good: {reasons}")
    return Refused(reasons, permanent=is_final)


def _error_text(answer: httpx.Response) -> str:
    """Return the words of an error of the API: a list of errors with a `message` each."""
    try:
        errors = answer.json()["errors"]
        return "; ".join(str(error["message"]) for error in errors)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return answer.reason_phrase


def _prepare_draft(attachments: Sequence[Attachment]) -> object:
    """Return the draft as an upload for the template, or the reason for its absence."""
    if not attachments:
        return "none"
    draft = attachments[0]
    if len(draft.content) > _LARGEST_UPLOAD:
        return "not attached: too large"
    return {"file": base64.b64encode(draft.content).decode(), "filename": draft.name}
