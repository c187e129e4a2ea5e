"""What every channel owes the others: an end to waiting, and no secret in a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable

from alerts.channel import Outcome, Refused
from alerts.say import one_line

_LONGEST_REASON = 300


async def within(seconds: float, sending: Awaitable[Outcome]) -> Outcome:
    """Await an attempt for at most so many seconds in all, however slowly the other side drips."""
    try:
        async with asyncio.timeout(seconds):
            return await sending
    except TimeoutError:
        return Refused(permanent=False, reason=f"no answer within {seconds:g} s")


def reason(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a reason fit for logs and pages: one line, not long, with every secret blanked."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[redacted]")
    return one_line(text, _LONGEST_REASON)
