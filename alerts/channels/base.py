"""What channels have in common: their name and options, a thread for those that block, and patience."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from alerts.channel import Message, Outcome, Refused


class Patient(Protocol):
    """What every channel is told: its patience in seconds, in all."""

    @property
    def timeout(self) -> float:
        """Return how long an attempt may take."""


PatientT = TypeVar("PatientT", bound=Patient)


class NamedChannel(Generic[PatientT]):
    """A channel by its name, with its options; it holds on to nothing between messages."""

    def __init__(self, name: str, options: PatientT, now: Callable[[], datetime]) -> None:
        self._name = name
        self._options = options
        self._now = now

    @property
    def name(self) -> str:
        """Return the name the configuration gives it."""
        return self._name

    @property
    def formats(self) -> Sequence[str]:
        """Return no format: it takes no files."""
        # To write a draft takes a fifth of a second, in which others of the same minute wait.
        return ()

    async def close(self) -> None:
        """Let go of nothing: each message has its own connection."""


class ThreadChannel(NamedChannel[PatientT]):
    """A channel that blocks: a thread of its own leaves the loop's default ones to name look-ups."""

    def __init__(self, name: str, options: PatientT, now: Callable[[], datetime]) -> None:
        super().__init__(name, options, now)
        self._thread = ThreadPoolExecutor(1, f"channel-{name}")

    async def _in_thread(self, send: Callable[[PatientT, Message], Outcome], message: Message) -> Outcome:
        sending = asyncio.get_running_loop().run_in_executor(self._thread, send, self._options, message)
        return await within(self._options.timeout, sending)

    async def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


async def within(seconds: float, sending: Awaitable[Outcome]) -> Outcome:
    """Await an attempt for at most so many seconds in all, however slowly the other side drips."""
    try:
        async with asyncio.timeout(seconds):
            return await sending
    except TimeoutError:
        return Refused(permanent=False, reason=f"no answer within {seconds:g} s")
