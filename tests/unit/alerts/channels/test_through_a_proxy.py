"""Channels send through the configured proxy, a real one on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.channel import Accepted, Message, Refused
from alerts.channels.notify import Notify
from alerts.channels.webhook import Webhook
from bench.daemons import free_port
from tests.loopback import NOTIFY_KEY, Asked, NotifyTwin, http_server
from tests.worlds.channels import channel_settings, through

pytestmark = pytest.mark.needs("tinyproxy")
NOW = datetime(2018, 1, 5, 9, 40, tzinfo=UTC)
SEND_WITH_APPRISE = """
import asyncio, json, sys
from datetime import UTC, datetime
from alerts.channel import Message
from alerts.channels.apprise import Apprise
from tests.worlds.channels import channel_settings, DIRECT
message = Message(id="a", notice="a", kind="opened", subject="LATE", text="late", html="", data={})
table = channel_settings("apprise", url=sys.argv[1])
print(asyncio.run(Apprise(table, lambda: datetime.now(UTC), DIRECT).send(message)))
"""


def answer_204(_: Asked) -> tuple[int, str, dict[str, str]]:
    return 204, "", {}


@dataclass
class Proxy:
    """A running proxy: where it listens, and its process."""

    url: str
    running: subprocess.Popen[str]

    def end_and_list_requests(self) -> list[str]:
        """End the proxy and return method and target of each request that it had."""
        self.running.terminate()
        lines, _ = self.running.communicate(timeout=10)
        return [
            line.partition("): ")[2].rpartition(" HTTP")[0]
            for line in lines.splitlines()
            if "Request (" in line
        ]


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """Run a proxy that lets everything through."""
    port = free_port()
    options = f"Port {port}\nListen 127.0.0.1\nTimeout 20\nMaxClients 10\nLogLevel Info\n"
    (tmp_path / "proxy.conf").write_text(options, encoding="utf-8")
    # To a pipe it would write whole blocks.
    command = ["stdbuf", "-oL", "tinyproxy", "-d", "-c", str(tmp_path / "proxy.conf")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            assert any(
                "Accepting connections" in line for line in iter(running.stdout.readline, "")
            )
            yield Proxy(f"http://127.0.0.1:{port}", running)
        finally:
            running.terminate()


async def test_webhooks_go_through_the_proxy_and_https_by_tunnel(
    message: Message, proxy: Proxy, server_tls: ssl.SSLContext, certificate: Path
) -> None:
    """One webhook is reached by http and one by https, both through the proxy. For https, the proxy
    sees only to which server its tunnel (CONNECT) leads.
    """
    async with http_server(answer_204) as http, http_server(answer_204, server_tls) as https:
        for url in (f"{http.url}/hook", f"https://127.0.0.1:{https.port}/hook"):
            settings = channel_settings("webhook", url=url, ca_file=str(certificate))
            assert await Webhook(settings, lambda: NOW, through(proxy.url)).send(
                message
            ) == Accepted("204")
    assert (len(http.asked), len(https.asked)) == (1, 1)
    assert proxy.end_and_list_requests() == [
        f"POST {http.url}/hook",
        f"CONNECT 127.0.0.1:{https.port}",
    ]


async def test_unreachable_proxy_is_temporary_refusal_and_is_not_bypassed(message: Message) -> None:
    unreachable_proxy = f"http://127.0.0.1:{free_port()}"
    async with http_server(answer_204) as server:
        settings = channel_settings("webhook", url=server.url)
        outcome = await Webhook(settings, lambda: NOW, through(unreachable_proxy)).send(message)
    assert isinstance(outcome, Refused)
    assert not outcome.permanent
    assert server.asked == []


async def test_requests_to_notify_go_through_the_proxy(message: Message, proxy: Proxy) -> None:
    twin = NotifyTwin()
    async with http_server(twin) as server:
        to = ["a@example.gov.uk"]
        settings = channel_settings(
            "notify", key=NOTIFY_KEY, template="t", to=to, base_url=server.url
        )
        assert isinstance(
            await Notify(settings, lambda: NOW, through(proxy.url)).send(message), Accepted
        )
    assert len(twin.taken) == 1
    # The GET asks Notify whether an earlier attempt sent the message.
    methods = [request.split()[0] for request in proxy.end_and_list_requests()]
    assert methods == ["GET", "POST"]


async def test_apprise_uses_the_proxy_of_the_environment(proxy: Proxy) -> None:
    """A process of its own, because the environment is that of a whole process."""
    async with http_server(lambda _: (200, json.dumps({}), {})) as server:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            SEND_WITH_APPRISE,
            f"json://127.0.0.1:{server.port}",
            env={**os.environ, "HTTP_PROXY": proxy.url, "NO_PROXY": ""},
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await child.communicate()
    assert printed.decode().strip() == "Accepted(reference='json')"
    assert proxy.end_and_list_requests() == [f"POST {server.url}/"]
