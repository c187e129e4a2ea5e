"""What channels have in common: name and settings, a thread for those that block, a limit on the
time to send.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from alerts.channel import Message, Outcome, Refused
from alerts.channels.settings import CommonSettings
from schedules.values import Secret

if TYPE_CHECKING:
    import ssl

    import httpx

SettingsT = TypeVar("SettingsT", bound=CommonSettings)


Outbound = Callable[[str, "ssl.SSLContext", float], "httpx.AsyncBaseTransport"]
"""Makes the transport for one message to an address, as `[network]` says. The last argument is its
time limit in seconds.
"""


class NamedChannel(Generic[SettingsT]):
    """A channel by its name, with its settings and secrets by key.

    It keeps no connection between messages.

    It takes no files by default. A draft takes a fifth of a second to write, and other notices
    would wait for it.
    """

    formats: Sequence[str] = ()

    def __init__(
        self, settings: SettingsT, now: Callable[[], datetime], outbound: Outbound
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._secrets = {
            key: value.reveal() for key, value in settings if isinstance(value, Secret)
        }
        self._timeout = settings.timeout.total_seconds()
        self._now = now
        self._outbound = outbound
        self._set_up_channel()

    def _set_up_channel(self) -> None:
        """Set up what only this kind of channel has, once its settings are known."""

    async def close(self) -> None:
        """Return at once, because each message has its own connection."""


class ThreadChannel(NamedChannel[SettingsT], ABC):
    """A channel that blocks.

    It has its own thread, so that the loop's default threads are free for name look-ups.
    """

    def _set_up_channel(self) -> None:
        self._thread = ThreadPoolExecutor(1, f"channel-{self.name}")

    async def send(self, message: Message) -> Outcome:
        """Send the message once, on the channel's thread."""
        sending = asyncio.get_running_loop().run_in_executor(
            self._thread, self._send_blocking, message
        )
        return await limit_attempt(self._timeout, sending)

    @abstractmethod
    def _send_blocking(self, message: Message) -> Outcome:
        """Send the message once. Blocks while it does."""

    async def close(self) -> None:
        """Stop the thread, without waiting for it."""
        self._thread.shutdown(wait=False, cancel_futures=True)


async def limit_attempt(seconds: float, sending: Awaitable[Outcome]) -> Outcome:
    """Return the outcome of an attempt, or a refusal if it takes longer than `seconds` in all."""
    try:
        async with asyncio.timeout(seconds):
            return await sending
    except TimeoutError:
        return Refused(f"no answer within {seconds:g} s")
