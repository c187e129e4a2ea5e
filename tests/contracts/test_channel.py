"""Each channel sends once, distinguishes temporary from permanent refusals, times out and prints no
secret.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.channel import Accepted, Attachment, Channel, Message, Outcome, Refused
from alerts.channels import KINDS, open_channel
from alerts.channels.folder import Folder
from tests.loopback import (
    NOTIFY_KEY,
    NOTIFY_SECRET,
    Asked,
    NotifyTwin,
    http_server,
    rude_server,
    smtp_server,
)
from tests.worlds.channels import DIRECT, channel_settings
from tests.worlds.fake_channel import FakeChannel, Options

# Apprise loads every service it knows, some of them by way of an old module.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOW = datetime(2018, 1, 5, 9, 31, 1, tzinfo=UTC)
SECRET = "correct-horse-battery"
AFAR = sorted(set(KINDS) - {"folder"})
DRAFT = Attachment("draft.docx", "application/octet-stream", b"\x00draft")
MESSAGE = Message(
    id="0123456789abcdef",
    notice="0123456789abcdef",
    kind="opened",
    subject="LATE: Malpractice £ (ofqual)",
    text="Not there.\n",
    html="<p>Not there.</p>",
    data={
        "at": "2018-01-05T09:31:01.000Z",
        "grade": "report",
        "release": "r",
        "producer": "ofqual",
    },
    attachments=(DRAFT,),
)


@dataclass
class Far:
    """A channel to a server that takes everything, and how often a receiver that drops copies got a
    message.
    """

    channel: Channel
    received: Callable[[], int]


def options(kind: str, port: int, folder: Path) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}/{SECRET}"
    return {
        "alertmanager": {"url": f"http://127.0.0.1:{port}", "token": SECRET},
        "apprise": {"url": f"json://user:{SECRET}@127.0.0.1:{port}/"},
        "folder": {"folder": str(folder)},
        "mail": {
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "sender": "Ninethirty <ninethirty@example.org>",
            "to": ["duty@example.org", "head@example.org"],
        },
        "notify": {
            "key": NOTIFY_KEY,
            "template": "t",
            "to": ["duty@example.org"],
            "base_url": f"http://127.0.0.1:{port}",
        },
        "pagerduty": {"routing_key": SECRET, "url": f"http://127.0.0.1:{port}"},
        "webhook": {"url": url, "secret": SECRET},
    }[kind]


def make(kind: str, port: int, folder: Path, **more: object) -> Channel:
    if kind == "recording":
        return FakeChannel("c", Options(), lambda: NOW)
    return open_channel(
        channel_settings(kind, **{**options(kind, port, folder), **more}), lambda: NOW, DIRECT
    )


@asynccontextmanager
async def closing(channel: Channel) -> AsyncIterator[Channel]:
    try:
        yield channel
    finally:
        await channel.close()


def copies(asked: list[Asked]) -> int:
    return len({one.headers.get("idempotency-key") or one.body for one in asked})


@asynccontextmanager
async def far(kind: str, folder: Path) -> AsyncIterator[Far]:
    async with AsyncExitStack() as stack:
        port, received = 0, lambda: 0
        if kind == "mail":
            server = await stack.enter_async_context(smtp_server())
            port, received = (
                server.port,
                lambda: len({mail_id(one.content) for one in server.mails}),
            )
        elif kind == "notify":
            twin = NotifyTwin()
            port = (await stack.enter_async_context(http_server(twin))).port
            received = lambda: len(twin.taken)  # noqa: E731  # as its neighbours
        elif kind in AFAR:
            server = await stack.enter_async_context(http_server(lambda _: (200, "", {})))
            port, received = server.port, lambda: copies(server.asked)
        channel = await stack.enter_async_context(closing(make(kind, port, folder)))
        if isinstance(channel, FakeChannel):
            received = lambda: len(channel.messages)  # noqa: E731  # as its neighbours
        if kind == "folder":
            received = lambda: len(list(folder.rglob("*.json")))  # noqa: E731  # as its neighbours
        yield Far(channel, received)


def mail_id(content: bytes | str | None) -> bytes:
    assert isinstance(content, bytes)
    return content.split(b"Message-ID: ")[1].split(b"\r\n")[0]


@pytest.fixture(params=[*sorted(KINDS), "recording"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_message_is_taken_once_and_a_second_copy_is_safe(kind: str, tmp_path: Path) -> None:
    async with far(kind, tmp_path) as there:
        assert isinstance(await there.channel.send(MESSAGE), Accepted)
        assert there.received() == 1
        assert isinstance(await there.channel.send(MESSAGE), Accepted)
        assert there.received() == 1


async def test_a_channel_has_the_name_it_was_given(kind: str, tmp_path: Path) -> None:
    async with closing(make(kind, 1, tmp_path)) as channel:
        assert channel.name == "c"


def test_no_secret_shows_in_how_a_channel_is_set_up(kind: str, tmp_path: Path) -> None:
    shown = repr(vars(make(kind, 1, tmp_path)).get("_settings"))
    assert SECRET not in shown
    assert NOTIFY_SECRET not in shown


@pytest.mark.parametrize("kind", AFAR)
@pytest.mark.parametrize("how", ["hangs", "garbage", "drops", "drips"])
async def test_a_server_without_manners_is_a_passing_refusal_in_time(
    kind: str, how: str, tmp_path: Path
) -> None:
    async with (
        rude_server(how) as server,
        closing(make(kind, server.port, tmp_path, timeout=0.4)) as channel,
    ):
        outcome = await asyncio.wait_for(channel.send(MESSAGE), 10)
        server.released.set()
    assert isinstance(outcome, Refused)
    assert not outcome.permanent
    assert outcome.reason
    assert SECRET not in outcome.reason
    assert NOTIFY_SECRET not in outcome.reason


@pytest.mark.parametrize("kind", AFAR)
async def test_a_server_that_is_down_is_a_passing_refusal(kind: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with closing(make(kind, port, tmp_path)) as channel:
        outcome = await channel.send(MESSAGE)
    assert isinstance(outcome, Refused)
    assert not outcome.permanent
    assert SECRET not in outcome.reason


async def refused_by(kind: str, status: int, folder: Path) -> Refused:
    async with AsyncExitStack() as stack:
        if kind == "mail":
            answer = {400: "554 5.6.0 no", 503: "451 4.3.0 later", 401: "451 4.7.0 who are you"}[
                status
            ]
            server = await stack.enter_async_context(smtp_server({"data": answer}))
        else:
            reply = (status, '{"errors": [{"message": "no"}]}', {"Retry-After": "7"})
            server = await stack.enter_async_context(http_server(lambda _: reply))
        channel = await stack.enter_async_context(closing(make(kind, server.port, folder)))
        outcome = await channel.send(MESSAGE)
    assert isinstance(outcome, Refused)
    return outcome


@pytest.mark.parametrize("kind", sorted({*AFAR} - {"apprise"}))
async def test_a_message_that_is_no_good_is_refused_for_good(kind: str, tmp_path: Path) -> None:
    assert (await refused_by(kind, 400, tmp_path)).permanent


@pytest.mark.parametrize("kind", AFAR)
@pytest.mark.parametrize("status", [401, 503])
async def test_trouble_of_the_channel_itself_may_pass(
    kind: str, status: int, tmp_path: Path
) -> None:
    assert not (await refused_by(kind, status, tmp_path)).permanent


class HangingFolder(Folder):
    """A folder on a disk that answers only once `answers` is set."""

    answers = threading.Event()

    def _send_blocking(self, message: Message) -> Outcome:
        self.answers.wait()
        return super()._send_blocking(message)


async def test_a_disk_that_hangs_is_waited_for_no_longer_than_told(tmp_path: Path) -> None:
    settings = channel_settings("folder", folder=str(tmp_path), timeout=0.2)
    async with closing(HangingFolder(settings, lambda: NOW, DIRECT)) as channel:
        outcome = await channel.send(MESSAGE)
        HangingFolder.answers.set()
    assert outcome == Refused(permanent=False, reason="no answer within 0.2 s")


@pytest.mark.parametrize("how", ["passing", "permanent"])
async def test_the_fake_refuses_and_takes_as_it_is_told(how: str) -> None:
    channel = FakeChannel("fake", Options(refuses=how), lambda: NOW)
    assert await channel.send(MESSAGE) == Refused(
        permanent=how == "permanent", reason="refused as told"
    )
    channel.behave(Options())
    assert await channel.send(MESSAGE) == Accepted(MESSAGE.id)
    assert (channel.attempts, channel.received[MESSAGE.id]) == (2, NOW)


async def test_the_fake_hangs_no_longer_than_told() -> None:
    channel = FakeChannel("fake", Options(hangs=True, timeout=0.01), lambda: NOW)
    assert isinstance(await channel.send(MESSAGE), Refused)
