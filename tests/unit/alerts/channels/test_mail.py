from __future__ import annotations

import email
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from alerts.channel import Accepted, Attachment, Message, Outcome, Refused
from alerts.channels.mail import Mail, compose_mail
from alerts.channels.settings import MailSettings
from tests.loopback import smtp_server
from tests.worlds.channels import DIRECT, channel_settings

NOW = datetime(2018, 1, 5, 9, 40, tzinfo=UTC)
TO = ["duty@example.org", "head@example.org", "desk@example.org"]
PASSWORD = "correct-horse"
NO_SERVER = 1
"""A port on which nothing listens."""


def mail_settings(port: int, **more: object) -> MailSettings:
    plain = {
        "host": "127.0.0.1",
        "sender": "Ninethirty <ninethirty@stats.example>",
        "to": TO,
        "security": "none",
    }
    table: MailSettings = channel_settings("mail", port=port, **{**plain, "timeout": 5, **more})
    return table


def mail_channel(port: int, **more: object) -> Mail:
    return Mail(mail_settings(port, **more), lambda: NOW, DIRECT)


def is_refused(outcome: Outcome, *, permanently: bool) -> bool:
    return isinstance(outcome, Refused) and outcome.permanent is permanently


def parse_mail(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    parsed = email.message_from_bytes(envelope.content, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


async def test_the_draft_arrives_whole_beside_plain_text_and_html(
    message: Message, draft: Attachment
) -> None:
    async with smtp_server() as server:
        # The test server answers “250 queued as 42”.
        assert await mail_channel(server.port).send(message) == Accepted("queued as 42")
    mail = parse_mail(server.mails[0])
    assert mail["Subject"] == message.subject
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().splitlines() == message.text.splitlines()
    assert html.get_content().strip() == message.html
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == (
        draft.name,
        draft.media_type,
        draft.content,
    )


def test_a_follow_up_is_threaded_under_its_opening(message: Message) -> None:
    """A mail program shows a follow-up below the opening of its incident, to whose Message-ID it
    refers.
    """
    composed = compose_mail(message, mail_settings(NO_SERVER), NOW)
    # The sender is at stats.example.
    assert composed["Message-ID"] == f"<{message.id}@stats.example>"
    # The message is a follow-up, and its `notice` is the id of its opening.
    opening = f"<{message.notice}@stats.example>"
    assert composed["In-Reply-To"] == composed["References"] == opening


def test_mail_has_time_of_its_notice_and_is_marked_automatic(message: Message) -> None:
    assert message.data["at"] == "2018-01-05T09:35:01.000Z"
    composed = compose_mail(message, mail_settings(NO_SERVER), NOW)
    assert composed["Date"] == "Fri, 05 Jan 2018 09:35:01 +0000"
    assert composed["Auto-Submitted"] == "auto-generated"


def test_the_notice_that_opens_a_thread_replies_to_nothing(message: Message) -> None:
    composed = compose_mail(replace(message, notice=message.id), mail_settings(25), NOW)
    assert composed["In-Reply-To"] is None


async def test_subject_that_adds_mail_header_is_refused_permanently(message: Message) -> None:
    outcome = await mail_channel(NO_SERVER).send(
        replace(message, subject="a\r\nBcc: x@example.org")
    )
    assert is_refused(outcome, permanently=True)


async def test_only_recipients_refused_temporarily_are_tried_again(message: Message) -> None:
    """Of three recipients one accepts the mail, one is busy (450), and one does not exist (550). At
    the second attempt the busy one accepts too.
    """
    refusals = {"head@example.org": "450 busy", "desk@example.org": "550 no such user"}
    async with smtp_server(refusals) as server:
        channel = mail_channel(server.port, to=["duty@example.org", *refusals])
        first = await channel.send(message)
        assert isinstance(first, Refused)
        assert not first.permanent
        assert first.reason.startswith("taken for 1 of 3: ")
        del refusals["head@example.org"]
        assert isinstance(await channel.send(message), Accepted)
    assert [mail.rcpt_tos for mail in server.mails] == [["duty@example.org"], ["head@example.org"]]


async def test_recipient_refused_permanently_is_named_and_others_get_mail(message: Message) -> None:
    async with smtp_server({"desk@example.org": "550 no such user"}) as server:
        outcome = await mail_channel(server.port, to=["duty@example.org", "desk@example.org"]).send(
            message
        )
    assert [mail.rcpt_tos for mail in server.mails] == [["duty@example.org"]]
    assert outcome == Accepted("refused for good: desk@example.org: 550 no such user")


async def test_message_is_refused_permanently_once_every_recipient_refused_it(
    message: Message,
) -> None:
    """Of three recipients, one is busy at the first attempt (450).

    At the second it refuses permanently too (550).
    """
    one_recipient, *_ = TO
    refusals = dict.fromkeys(TO, "550 no such user") | {one_recipient: "450 busy"}
    async with smtp_server(refusals) as server:
        channel = mail_channel(server.port, to=TO)
        first = await channel.send(message)
        refusals[one_recipient] = "550 no such user"
        second = await channel.send(message)
    assert is_refused(first, permanently=False)
    assert is_refused(second, permanently=True)


async def test_a_message_refused_for_every_recipient_is_refused_permanently(
    message: Message,
) -> None:
    async with smtp_server(dict.fromkeys(TO, "550 no such user")) as server:
        outcome = await mail_channel(server.port, to=TO).send(message)
    assert is_refused(outcome, permanently=True)


async def test_wrong_password_is_temporary_refusal_and_never_shown(message: Message) -> None:
    def refuse(
        _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(
            success=False, handled=False, message=f"535 5.7.8 {data.password.decode()} is wrong"
        )

    # 535 would be permanent, but a fault of the channel can be repaired: the message is retried.
    async with smtp_server(authenticator=refuse, auth_require_tls=False) as server:
        outcome = await mail_channel(server.port, user="u", password=PASSWORD).send(message)
    assert isinstance(outcome, Refused)
    assert not outcome.permanent
    assert PASSWORD not in outcome.reason + repr(
        mail_settings(NO_SERVER, user="u", password=PASSWORD)
    )


async def test_starttls_is_used_and_the_certificate_checked(
    message: Message, certificate: Path, server_tls: ssl.SSLContext
) -> None:
    async with smtp_server(tls_context=server_tls, require_starttls=True) as server:
        without_ca = await mail_channel(server.port, security="starttls").send(message)
        with_ca = await mail_channel(
            server.port, security="starttls", ca_file=str(certificate)
        ).send(message)
    assert isinstance(without_ca, Refused)
    assert "CERTIFICATE_VERIFY_FAILED" in without_ca.reason
    assert isinstance(with_ca, Accepted)


async def test_server_without_the_configured_starttls_gets_no_mail(message: Message) -> None:
    async with smtp_server(tls_context=None) as server:
        outcome = await mail_channel(
            server.port, security="starttls", user="u", password=PASSWORD
        ).send(message)
    assert is_refused(outcome, permanently=False)
    assert server.mails == []


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_missing_ca_file_is_a_temporary_refusal(message: Message, security: str) -> None:
    outcome = await mail_channel(NO_SERVER, security=security, ca_file="/nowhere.pem").send(message)
    assert is_refused(outcome, permanently=False)
