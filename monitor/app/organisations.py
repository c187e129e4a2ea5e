"""The bodies that GOV.UK knows, asked of it once: for whoever writes a configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from monitor.app.readers import asking
from monitor.clock import SystemClock
from monitor.config.organisations import ALL_OF_GOVUK, Organisations, read_organisations
from monitor.config.settings import Settings
from monitor.errors import SurroundingsFault
from monitor.look.fetch import Answer, Failure, Request

_MOST = 8_000_000
_OK = 200


async def all_of_govuk() -> Organisations:
    """Return what `organisations_by` does, asked in www.gov.uk's turn."""
    async with asking(Settings(), SystemClock()) as (poller, _):
        return await organisations_by(poller.send_in_turn)


async def organisations_by(ask: Callable[[Request], Awaitable[Answer | Failure]]) -> Organisations:
    """Return every body that GOV.UK names. Raises `SurroundingsFault` where it does not answer as it should."""
    answer = await ask(Request(ALL_OF_GOVUK, accept="application/json", cap=_MOST))
    if isinstance(answer, Failure):
        raise _fault(answer.detail)
    if answer.status != _OK or not answer.whole:
        raise _fault(f"answered {answer.status}" if answer.whole else "answered too much")
    try:
        return read_organisations(answer.body)
    except ValueError as exc:
        raise _fault(str(exc)) from exc


def _fault(told: str) -> SurroundingsFault:
    return SurroundingsFault(f"GOV.UK's organisations: {told}; without --online those of this version do")
