"""GOV.UK Notify, through its own client: e-mail and text messages."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from notifications_python_client.errors import APIError
from notifications_python_client.notifications import NotificationsAPIClient
from notifications_python_client.utils import DOCUMENT_UPLOAD_SIZE_LIMIT, prepare_upload

from alerts.channel import Accepted, Attachment, Message, Outcome, Refused, make_short_form
from alerts.channels.base import Outbound, ThreadChannel
from alerts.channels.http import loggable_reason
from alerts.channels.settings import NotifySettings

API = "https://api.notifications.service.gov.uk"
_PERMANENT_STATUSES = frozenset({400, 413, 422})


class Notify(ThreadChannel[NotifySettings]):
    """Sends to each recipient once.

    Notify does not drop copies, so each is looked up by its reference first.
    """

    def __init__(
        self, settings: NotifySettings, now: Callable[[], datetime], outbound: Outbound
    ) -> None:
        super().__init__(settings, now, outbound)
        self._key = self._secrets["key"]
        self._proxy = outbound.proxy_of(settings.base_url or API)
        self.formats = ("docx",) if settings.draft_field else ()

    def _send_blocking(self, message: Message) -> Outcome:
        """Send a message to each recipient through GOV.UK Notify.

        Return one outcome for all of them.
        """
        if len(self._key) < 74:
            return Refused(permanent=False, reason="the key is not one of GOV.UK Notify")
        settings = self._settings
        base_url = settings.base_url or API
        # Each request has half of the time, so that a look-up can follow one that timed out. The
        # client has no types.
        client = NotificationsAPIClient(self._key, base_url, timeout=self._timeout / 2)  # type: ignore[no-untyped-call]
        # Use only our own settings, because a proxy from the environment would take precedence.
        client.request_session.trust_env = False
        client.request_session.proxies = (
            {} if self._proxy is None else {"http": self._proxy, "https": self._proxy}
        )
        try:
            return _combine_outcomes(
                [_send_one(client, settings, message, to) for to in settings.to]
            )
        finally:
            client.request_session.close()


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


def _send_one(client: Any, settings: NotifySettings, message: Message, to: str) -> Outcome:  # noqa: ANN401  # the client has no types
    """Send a message to one recipient, unless Notify has it from an earlier attempt.

    Return the outcome.
    """
    reference = notify_reference(message, to)
    try:
        return _find_sent(client, reference) or Accepted(
            str(_submit_message(client, settings, message, to)["id"])
        )
    except APIError as fault:
        # The client reports a read timeout as 503, so Notify may have accepted it.
        if fault.status_code == 503:
            with suppress(APIError, KeyError, TypeError, ValueError, OSError):
                return _find_sent(client, reference) or _explain_refusal(fault, settings)
        return _explain_refusal(fault, settings)
    except (KeyError, TypeError, ValueError, OSError) as fault:
        return Refused(
            permanent=False, reason=f"an answer that makes no sense: {type(fault).__name__}"
        )


def _submit_message(client: Any, settings: NotifySettings, message: Message, to: str) -> Any:  # noqa: ANN401  # the client has no types
    """Submit a message as a text message or e-mail, in its short form if it is too long.

    Return Notify's answer.
    """
    reference = notify_reference(message, to)
    if "@" not in to:
        subject, link = make_short_form(message)
        short = {"subject": subject, "text": link}
        return client.send_sms_notification(
            to, settings.template, personalisation=short, reference=reference
        )
    fields: dict[str, Any] = {"subject": message.subject, "text": message.text}
    if settings.draft_field is not None:
        # The template has the field, so it needs a value even without a draft.
        fields[settings.draft_field] = _prepare_draft(message.attachments)
    try:
        return client.send_email_notification(
            to, settings.template, personalisation=fields, reference=reference
        )
    except APIError as fault:
        if fault.status_code not in (400, 413):  # too long
            raise
    # Notify refused the full text, so send the short form: someone must be notified.
    subject, link = make_short_form(message)
    fields |= {"subject": subject, "text": link or subject}
    return client.send_email_notification(
        to, settings.template, personalisation=fields, reference=reference
    )


def _find_sent(client: Any, reference: str) -> Accepted | None:  # noqa: ANN401  # the client has no types
    found = client.get_all_notifications(reference=reference)["notifications"]
    return Accepted(str(found[0]["id"])) if found else None


def _explain_refusal(fault: APIError, settings: NotifySettings) -> Refused:
    """Return the refusal that an error of the API means, without the API key in its reason."""
    errors = fault.message
    text = (
        "; ".join(str(error.get("message", "")) for error in errors)
        if isinstance(errors, list)
        else str(errors)
    )
    key = settings.key.reveal()
    # The last 36 characters of a key are the secret itself. Before them are its name and the
    # service.
    reason = loggable_reason(f"{fault.status_code}: {text}", (key, key[-36:]))
    return Refused(permanent=fault.status_code in _PERMANENT_STATUSES, reason=reason)


def _prepare_draft(attachments: Sequence[Attachment]) -> object:
    """Return the draft as an upload for the template, or the reason for its absence."""
    if not attachments:
        return "none"
    draft = attachments[0]
    if len(draft.content) > DOCUMENT_UPLOAD_SIZE_LIMIT:
        return "not attached: too large"
    upload: object = prepare_upload(io.BytesIO(draft.content), draft.name)  # type: ignore[no-untyped-call]
    return upload
