"""A channel that keeps the messages that it was given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from alerts.channel import Accepted, Message, Outcome, Refused


@dataclass(frozen=True, slots=True)
class Options:
    """The behaviour of the channel.

    `refuses` is empty, `passing` or `permanent`. With `hangs` it never answers.
    """

    refuses: str = ""
    hangs: bool = False
    timeout: float = 30.0


class FakeChannel:
    """Keeps messages in memory, each once by its id, and the time at which it first came."""

    def __init__(self, name: str, options: Options, now: Callable[[], datetime]) -> None:
        self.name, self.formats = name, ()
        self._options, self._now = options, now
        self.messages: dict[str, Message] = {}
        self.received: dict[str, datetime] = {}
        self.attempts = 0
        self.is_closed = False

    def behave(self, options: Options) -> None:
        """Behave otherwise from now on, as a server does that goes down or comes back."""
        self._options = options

    async def send(self, message: Message) -> Outcome:
        """Keep the message, or refuse or hang as the options say."""
        self.attempts += 1
        if self._options.hangs:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), self._options.timeout)
            return Refused(permanent=False, reason=f"no answer within {self._options.timeout:g} s")
        if self._options.refuses:
            return Refused(permanent=self._options.refuses == "permanent", reason="refused as told")
        self.messages.setdefault(message.id, message)
        self.received.setdefault(message.id, self._now())
        return Accepted(message.id)

    async def close(self) -> None:
        """Keep the messages."""
        self.is_closed = True
