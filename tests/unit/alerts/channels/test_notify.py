"""The channel `notify`.

`NotifyTwin` imitates GOV.UK Notify: `taken` has what it accepted, `refuse` its refusals by
recipient.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

from alerts.channel import Accepted, Attachment, Message, Refused
from alerts.channels.notify import Notify
from alerts.channels.settings import NotifySettings
from tests.loopback import NOTIFY_KEY, NOTIFY_SECRET, Asked, NotifyTwin, http_server
from tests.worlds.channels import DIRECT, channel_settings

NOW = datetime(2018, 1, 5, 9, 40, tzinfo=UTC)


def notify_settings(url: str, *to: str, **more: object) -> NotifySettings:
    plain = {
        "key": NOTIFY_KEY,
        "template": "template-1",
        "to": [*to] or ["duty@example.org"],
        "timeout": 5,
    }
    settings: NotifySettings = channel_settings("notify", base_url=url, **{**plain, **more})
    return settings


async def send_once(message: Message, chosen: NotifySettings) -> Accepted | Refused:
    channel = Notify(chosen, lambda: NOW, DIRECT)
    try:
        return await channel.send(message)
    finally:
        await channel.close()


async def test_each_recipient_is_sent_the_template_with_its_fields(message: Message) -> None:
    twin = NotifyTwin()
    async with http_server(twin) as server:
        outcome = await send_once(
            message, notify_settings(server.url, "duty@example.org", "+447700900123")
        )
    # These are the ids that the twin of Notify gave the two messages.
    assert outcome == Accepted("n0, n1")
    mail, phone_text = twin.taken
    assert mail["template_id"] == "template-1"
    assert mail["personalisation"] == {"subject": message.subject, "text": message.text}
    # An upgrade may not change the reference of a message whose sending is tried again.
    assert mail["reference"] == f"{message.id}-a5c899a9"
    assert phone_text["phone_number"] == "+447700900123"
    # The text of a phone message is the link of the message, which has none here.
    assert phone_text["personalisation"] == {"subject": message.subject, "text": ""}


async def test_a_phone_text_fits_three_messages_and_contains_the_link(message: Message) -> None:
    twin = NotifyTwin()
    long = replace(
        message,
        text="word " * 400,
        subject="LATE: " + "a" * 600,
        data={"link": "https://example/i/1"},
    )
    async with http_server(twin) as server:
        assert isinstance(
            await send_once(long, notify_settings(server.url, "+447700900123")), Accepted
        )
    # Subject and text are the fields of the template. For a phone the subject is cut, and the text
    # is only the link.
    fields = twin.taken[0]["personalisation"]
    three_text_messages = 3 * 153  # characters
    assert len(f"{fields['subject']} {fields['text']}") <= three_text_messages
    assert fields["text"] == "https://example/i/1"


async def test_mail_refused_as_too_long_is_sent_in_short_form(message: Message) -> None:
    twin = NotifyTwin()

    def refuses_long(asked: Asked) -> tuple[int, str, dict[str, str]]:
        if asked.method == "POST" and len(asked.json["personalisation"]["text"]) > 100:
            errors = {
                "errors": [{"error": "BadRequestError", "message": "too long"}],
                "status_code": 400,
            }
            return 400, json.dumps(errors), {}
        return twin(asked)

    async with http_server(refuses_long) as server:
        assert await send_once(
            replace(message, text="word " * 400), notify_settings(server.url)
        ) == Accepted("n0")
    # The short form is subject and link, or the subject twice if the message has no link, as here.
    assert twin.taken[0]["personalisation"] == {"subject": message.subject, "text": message.subject}


async def test_a_second_attempt_sends_only_what_notify_does_not_know(message: Message) -> None:
    """Notify accepts the message for the duty officer at once, and that for the head only at the
    second attempt.
    """
    twin = NotifyTwin()
    twin.refuse["head@example.org"] = (429, "too many requests")
    async with http_server(twin) as server:
        chosen = notify_settings(server.url, "duty@example.org", "head@example.org")
        first = await send_once(message, chosen)
        assert first == Refused(permanent=False, reason="429: too many requests")
        twin.refuse.clear()
        assert isinstance(await send_once(message, chosen), Accepted)
    assert [one["email_address"] for one in twin.taken] == ["duty@example.org", "head@example.org"]


async def test_message_taken_before_a_503_is_found_by_reference(message: Message) -> None:
    twin = NotifyTwin()

    def answer_503_to_posts(asked: Asked) -> tuple[int, str, dict[str, str]]:
        answer = twin(asked)  # takes the message of a POST
        return answer if asked.method == "GET" else (503, "", {})

    # Each message has a reference of ours. A GET finds the message that Notify took, so it is not
    # sent twice.
    async with http_server(answer_503_to_posts) as server:
        assert await send_once(message, notify_settings(server.url)) == Accepted("n0")
    assert len(twin.taken) == 1


async def test_invalid_recipient_is_refused_and_does_not_stop_others(message: Message) -> None:
    twin = NotifyTwin()
    twin.refuse["nobody@example.org"] = (400, "email_address is not valid")
    async with http_server(twin) as server:
        to_invalid_only = await send_once(
            message, notify_settings(server.url, "nobody@example.org")
        )
        to_invalid_and_valid = await send_once(
            message, notify_settings(server.url, "nobody@example.org", "duty@example.org")
        )
    assert to_invalid_only == Refused(permanent=True, reason="400: email_address is not valid")
    assert to_invalid_and_valid == Accepted("n0; refused for good: 400: email_address is not valid")


async def test_a_key_that_is_refused_is_never_quoted(message: Message) -> None:
    twin = NotifyTwin()
    # Here the refusal of Notify quotes NOTIFY_SECRET, which is the secret part of the key.
    twin.refuse["duty@example.org"] = (403, f"Invalid token: {NOTIFY_SECRET}")
    async with http_server(twin) as server:
        outcome = await send_once(message, notify_settings(server.url))
    assert outcome == Refused(permanent=False, reason="403: Invalid token: [redacted]")


async def test_a_malformed_key_is_refused_without_a_request(message: Message) -> None:
    outcome = await send_once(message, notify_settings("http://127.0.0.1:1", key="short"))
    assert outcome == Refused(permanent=False, reason="the key is not one of GOV.UK Notify")


async def test_draft_is_sent_in_configured_field_of_the_template(
    message: Message, draft: Attachment
) -> None:
    twin = NotifyTwin()
    async with http_server(twin) as server:
        await send_once(message, notify_settings(server.url, draft_field="draft"))
    file = twin.taken[0]["personalisation"]["draft"]
    assert (base64.b64decode(file["file"]), file["filename"]) == (draft.content, draft.name)


async def test_a_draft_too_large_for_notify_is_left_out(
    message: Message, draft: Attachment
) -> None:
    twin = NotifyTwin()
    more_than_2_mib = b"x" * (2 * 1024 * 1024 + 1)
    large = replace(message, attachments=(replace(draft, content=more_than_2_mib),))
    async with http_server(twin) as server:
        assert isinstance(
            await send_once(large, notify_settings(server.url, draft_field="draft")), Accepted
        )
    assert twin.taken[0]["personalisation"]["draft"] == "not attached: too large"
