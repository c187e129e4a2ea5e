"""Channels that post go out through the proxy they are told of: a real one, on loopback."""

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
from tests.loopback import NOTIFY_KEY, NotifyTwin, http_server
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


@dataclass
class Proxy:
    """A running proxy: where it listens, and its process."""

    url: str
    running: subprocess.Popen[str]

    def end_and_list_requests(self) -> list[str]:
        """End the proxy and return method and target of each request that it had."""
        self.running.terminate()
        lines, _ = self.running.communicate(timeout=10)
        return [line.partition("): ")[2].rpartition(" HTTP")[0] for line in lines.splitlines() if "Request (" in line]


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
            assert any("Accepting connections" in line for line in iter(running.stdout.readline, ""))
            yield Proxy(f"http://127.0.0.1:{port}", running)
        finally:
            running.terminate()


async def test_a_post_goes_through_the_proxy_and_tls_through_a_tunnel(
    message: Message, proxy: Proxy, server_tls: ssl.SSLContext, certificate: Path
) -> None:
    async with http_server(lambda _: (204, "", {})) as plain, http_server(lambda _: (204, "", {}), server_tls) as tls:
        for url in (plain.url, f"https://127.0.0.1:{tls.port}"):
            table = channel_settings("webhook", url=f"{url}/hook", ca_file=str(certificate))
            assert await Webhook(table, lambda: NOW, through(proxy.url)).send(message) == Accepted("204")
    assert [len(server.asked) for server in (plain, tls)] == [1, 1]
    assert proxy.end_and_list_requests() == [f"POST {plain.url}/hook", f"CONNECT 127.0.0.1:{tls.port}"]


async def test_an_unreachable_proxy_is_a_temporary_refusal(message: Message) -> None:
    async with http_server(lambda _: (204, "", {})) as server:
        table = channel_settings("webhook", url=server.url)
        outcome = await Webhook(table, lambda: NOW, through(f"http://127.0.0.1:{free_port()}")).send(message)
    assert isinstance(outcome, Refused)
    assert not outcome.permanent
    assert server.asked == []


async def test_requests_to_notify_go_through_the_proxy(message: Message, proxy: Proxy) -> None:
    twin = NotifyTwin()
    async with http_server(twin) as server:
        to = ["a@example.gov.uk"]
        table = channel_settings("notify", key=NOTIFY_KEY, template="t", to=to, base_url=server.url)
        assert isinstance(await Notify(table, lambda: NOW, through(proxy.url)).send(message), Accepted)
    assert len(twin.taken) == 1
    # The GET asks Notify whether an earlier attempt sent the message.
    assert [line.split()[0] for line in proxy.end_and_list_requests()] == ["GET", "POST"]


async def test_apprise_uses_the_proxy_of_the_environment(proxy: Proxy) -> None:
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
