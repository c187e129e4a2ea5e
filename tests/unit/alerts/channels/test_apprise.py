from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.channel import Accepted, Message, Refused
from alerts.channels.apprise import Apprise
from tests.loopback import http_server
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
