from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from alerts.channel import Accepted, Message, Refused
from alerts.channels.apprise import Apprise
from tests.loopback import NtfyTwin, http_server, tunnel_server
from tests.worlds.channels import DIRECT, channel_settings

# Apprise loads every service it knows, some of them by way of an old module.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOW = datetime(2018, 1, 5, 9, 40, tzinfo=UTC)


@pytest.mark.parametrize(("kind", "urgency"), [("opened", "failure"), ("final", "success")])
async def test_a_service_gets_subject_text_and_urgency(
    message: Message, kind: str, urgency: str
) -> None:
    """A notice that opens an incident has the urgency “failure”, and the final one has
    “success”.
    """
    async with http_server(lambda _: (200, "", {})) as server:
        channel = Apprise(
            channel_settings("apprise", url=f"json://127.0.0.1:{server.port}/"), lambda: NOW, DIRECT
        )
        # A service is named only by the scheme of its address.
        assert await channel.send(replace(message, kind=kind)) == Accepted("json")
        await channel.close()
    got = server.asked[0].json
    assert (got["title"], got["type"]) == (message.subject, urgency)
    assert message.text.strip() in got["message"]


@pytest.mark.parametrize("url", ["nonsense://x", "", "slack://only-one-token"])
async def test_unknown_apprise_address_is_refused_temporarily_without_quoting_it(
    message: Message, url: str
) -> None:
    channel = Apprise(channel_settings("apprise", url=url), lambda: NOW, DIRECT)
    outcome = await channel.send(message)
    await channel.close()
    # Temporary, because the configuration can be corrected. The address may contain a secret.
    assert outcome == Refused(permanent=False, reason="the address is not one that apprise knows")


async def test_a_service_that_refuses_is_named_only_by_its_scheme(message: Message) -> None:
    async with http_server(lambda _: (500, "", {})) as server:
        url = f"json://token@127.0.0.1:{server.port}/secret"
        channel = Apprise(channel_settings("apprise", url=url), lambda: NOW, DIRECT)
        outcome = await channel.send(message)
        await channel.close()
    assert outcome == Refused(permanent=False, reason="the service behind json did not take it")


LINK = "https://board.example/acknowledge?token=dG9rZW4_-" + "x" * 150


def make_notice(message: Message, grade: str = "report", link: str = LINK) -> Message:
    """Return a notice about a title that is too long for a telephone."""
    return replace(
        message,
        brief="LATE, 37 min: Malpractice for GCSE and A level: summer 2017 exam… (Ofqual)",
        data={**message.data, "grade": grade, "link": link},
    )


@pytest.mark.parametrize(
    ("grade", "kind", "priority"),
    [
        ("report", "opened", "max"),
        ("note", "opened", "high"),
        ("none", "lead", None),
        ("report", "final", None),
    ],
)
async def test_ntfy_wakes_by_the_grade_and_a_tap_opens_the_link(
    message: Message, grade: str, kind: str, priority: str | None
) -> None:
    twin = NtfyTwin()
    async with http_server(twin) as server:
        url = f"ntfy://127.0.0.1:{server.port}/releases"
        channel = Apprise(channel_settings("apprise", url=url), lambda: NOW, DIRECT)
        sent = replace(make_notice(message, grade), kind=kind)
        assert await channel.send(sent) == Accepted("ntfy")
        await channel.close()
    (got,) = twin.published
    assert got.topic == "releases"
    assert got.text == sent.brief
    assert len(got.text) <= 120
    assert (got.priority, got.click) == (priority, LINK)
    assert got.button == ("view", "I'm on it", LINK)


async def test_a_priority_in_the_address_of_a_service_is_kept(message: Message) -> None:
    twin = NtfyTwin()
    async with http_server(twin) as server:
        url = f"ntfy://127.0.0.1:{server.port}/releases?priority=low"
        channel = Apprise(channel_settings("apprise", url=url), lambda: NOW, DIRECT)
        await channel.send(make_notice(message))
        await channel.close()
    assert twin.published[0].priority == "low"


SEND = """
import asyncio, json, sys
from datetime import UTC, datetime
from alerts.channel import Message
from alerts.channels.apprise import Apprise
from tests.worlds.channels import channel_settings, DIRECT
message = Message(**json.loads(sys.argv[2]))
table = channel_settings("apprise", url=sys.argv[1])
print(asyncio.run(Apprise(table, lambda: datetime.now(UTC), DIRECT).send(message)))
"""


async def send_through_tunnel(url: str, message: Message, tls: ssl.SSLContext, reply: str) -> bytes:
    """Return the body of the request that a service with a fixed address on the web gets."""
    fields = asdict(replace(message, attachments=()))
    async with tunnel_server(lambda _: (200, reply, {}), tls) as server:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            SEND,
            url,
            json.dumps(fields),
            env={**os.environ, "HTTPS_PROXY": server.url, "NO_PROXY": ""},
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await child.communicate()
    assert printed.decode().startswith("Accepted"), printed
    (asked,) = server.asked
    return asked.body


async def test_pushover_gets_a_short_text_with_a_link_and_its_priority(
    message: Message, server_tls: ssl.SSLContext
) -> None:
    notice = make_notice(message)
    body = await send_through_tunnel(
        f"pover://{'u' * 30}@{'t' * 30}/?verify=no", notice, server_tls, '{"status": 1}'
    )
    fields = {key: value for key, (value,) in parse_qs(body.decode(), strict_parsing=True).items()}
    assert fields["message"] == notice.brief
    assert (fields["url"], fields["url_title"]) == (LINK, "I'm on it")
    assert len(LINK) <= 512  # Pushover's limit
    assert fields["priority"] == "1"  # high: it rings in quiet hours too


async def test_slack_gets_a_short_text_and_a_button_with_the_link(
    message: Message, server_tls: ssl.SSLContext
) -> None:
    notice = make_notice(message)
    url = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?verify=no"
    sent = json.loads(await send_through_tunnel(url, notice, server_tls, "ok"))
    (attachment,) = sent["attachments"]
    text, actions = attachment["blocks"]
    assert attachment["fallback"] == notice.brief  # the text on a locked telephone
    assert text == {"type": "section", "text": {"type": "plain_text", "text": notice.brief}}
    (button,) = actions["elements"]
    assert (actions["type"], button["type"], button["url"]) == ("actions", "button", LINK)
    assert button["text"] == {"type": "plain_text", "text": "I'm on it"}


async def test_teams_gets_a_card_with_a_short_text_and_a_button(
    message: Message, server_tls: ssl.SSLContext
) -> None:
    notice = make_notice(message)
    url = "workflows://prod-1.example:443/643e69f83c8944/signature/?verify=no"
    sent: dict[str, Any] = json.loads(await send_through_tunnel(url, notice, server_tls, ""))
    (attachment,) = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (sent["type"], card["type"], card["version"]) == ("message", "AdaptiveCard", "1.4")
    (block,) = card["body"]
    assert block["text"].replace("\\", "") == notice.brief  # a card is Markdown, with escapes
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "I'm on it", "url": LINK}]


async def test_without_a_link_a_chat_gets_only_the_short_text(
    message: Message, server_tls: ssl.SSLContext
) -> None:
    notice = make_notice(message, link="")
    url = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?verify=no"
    sent = json.loads(await send_through_tunnel(url, notice, server_tls, "ok"))
    (attachment,) = sent["attachments"]
    assert attachment["text"] == notice.brief
    assert "blocks" not in attachment
