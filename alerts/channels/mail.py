"""E-mail over SMTP, the draft attached."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr

import aiosmtplib

from alerts.channel import Accepted, Message, Outcome, Refused
from alerts.channels.base import NamedChannel, limit_attempt
from alerts.channels.http import loggable_reason
from alerts.channels.settings import MailSettings
from schedules.times.json import instant_from_json

_IMPORTANT = frozenset({"opened", "grade_changed", "reopened", "new_finding", "reminder", "digest"})
_LOGIN_FAULTS = (
    aiosmtplib.SMTPAuthenticationError,
    aiosmtplib.SMTPConnectResponseError,
    aiosmtplib.SMTPHeloError,
)

Refusals = Mapping[str, aiosmtplib.SMTPResponse | aiosmtplib.SMTPRecipientRefused]
"""The recipients that were refused, each with the code and the text of the server."""


class Mail(NamedChannel[MailSettings]):
    """Sends each message once to each recipient.

    A retry goes only to recipients that were refused for the moment.
    """

    formats = ("docx",)

    def _set_up_channel(self) -> None:
        # The recipients of a message that were refused for now, and whether anyone has the message.
        self._retries: dict[str, tuple[tuple[str, ...], bool]] = {}

    async def send(self, message: Message) -> Outcome:
        """Send the message. It is accepted once each recipient was accepted or permanently
        refused.
        """
        try:
            mail = compose_mail(message, self._settings, self._now())
        except (ValueError, MessageError) as fault:
            return Refused(permanent=True, reason=self._redact_secrets(f"not an e-mail: {fault}"))
        return await limit_attempt(self._timeout, self._send_to_remaining(message.id, mail))

    async def _send_to_remaining(self, message_id: str, mail: EmailMessage) -> Outcome:
        """Send an e-mail to all recipients, at a retry only to those refused for now.

        Return the outcome.
        """
        to, _is_taken_by_any = self._retries.get(message_id, (tuple(self._settings.to), False))
        try:
            refused, answer = await self._send_mail(mail, to)
        except aiosmtplib.SMTPRecipientsRefused as fault:
            refused, answer = {refusal.recipient: refusal for refusal in fault.recipients}, ""
        except aiosmtplib.SMTPResponseException as fault:
            # A wrong password or a greeting of 554 is a fault of the channel, so the message is
            # retried.
            is_permanent = fault.code >= 500 and not isinstance(fault, _LOGIN_FAULTS)
            reason = self._redact_secrets(f"{fault.code} {fault.message}")
            return Refused(reason, permanent=is_permanent)
        except (aiosmtplib.SMTPException, OSError, ValueError) as fault:
            return Refused(self._redact_secrets(f"{type(fault).__name__}: {fault}"))
        return self._combine_refusals(message_id, to, refused, answer)

    async def _send_mail(self, mail: EmailMessage, to: Sequence[str]) -> tuple[Refusals, str]:
        """Send an e-mail.

        Return the recipients that were refused, and the server's answer.
        """
        settings = self._settings
        tls = None
        if settings.security != "none":
            tls = ssl.create_default_context(cafile=settings.ca_file)
        return await aiosmtplib.send(
            mail,
            sender=parseaddr(settings.sender)[1],
            recipients=list(to),
            hostname=settings.host,
            port=settings.port,
            username=settings.user,
            password=self._secrets.get("password"),
            use_tls=settings.security == "tls",
            # Never opportunistic: a server that hides STARTTLS must not get the password in the
            # clear.
            start_tls=settings.security == "starttls",
            tls_context=tls,
            timeout=self._timeout,
        )

    def _combine_refusals(
        self, message_id: str, to: Sequence[str], refused: Refusals, answer: str
    ) -> Outcome:
        """Return the outcome of an attempt to send to recipients, of which some were `refused`."""
        _recipients, was_taken_by_any = self._retries.pop(message_id, ((), False))
        is_taken_by_any = was_taken_by_any or any(address not in refused for address in to)
        # An SMTP code from 500 up is final. Recipients refused with a lower one are remembered for
        # the retry.
        refused_for_now = tuple(
            address for address in to if address in refused and refused[address].code < 500
        )
        reasons = self._redact_secrets(
            "; ".join(f"{address}: {one.code} {one.message}" for address, one in refused.items())
        )
        if refused_for_now:
            if len(self._retries) >= 1000:
                del self._retries[next(iter(self._retries))]  # the oldest
            self._retries[message_id] = refused_for_now, is_taken_by_any
            return Refused(f"taken for {len(to) - len(refused)} of {len(to)}: {reasons}")
        if not is_taken_by_any:
            return Refused(reasons, permanent=True)
        # At least one recipient has it, now or since an earlier attempt, so the message counts as
        # accepted.
        return Accepted(f"refused for good: {reasons}" if refused else self._redact_secrets(answer))

    def _redact_secrets(self, text: str) -> str:
        return loggable_reason(text, self._secrets.values())


def compose_mail(message: Message, settings: MailSettings, now: datetime) -> EmailMessage:
    """Return the e-mail: plain text and HTML, with the draft, as a reply to the notice that opened
    its thread.

    Raises ValueError for an address or name that a header cannot contain.
    """
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.to)
    # The brief subject fits one line of a mail program. The full one may not.
    mail["Subject"] = message.brief or message.subject
    mail["Date"] = format_datetime(instant_from_json(message.data.get("at")) or now)
    mail["Message-ID"] = _make_message_id(message.id, settings)
    is_opening = message.notice == message.id
    if not is_opening:
        mail["In-Reply-To"] = mail["References"] = _make_message_id(message.notice, settings)
    # Keeps out-of-office replies from answering a machine.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Ninethirty-Notice"] = message.id
    if message.data.get("grade") == "report" and message.kind in _IMPORTANT:
        mail["Importance"], mail["X-Priority"] = "high", "1 (Highest)"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    for attachment in message.attachments:
        main, _, sub = attachment.media_type.partition("/")
        mail.add_attachment(
            attachment.content,
            maintype=main,
            subtype=sub or "octet-stream",
            filename=attachment.name,
        )
    return mail


def _make_message_id(identity: str, settings: MailSettings) -> str:
    host = parseaddr(settings.sender)[1].rpartition("@")[2]
    return f"<{identity}@{host or 'localhost'}>"
