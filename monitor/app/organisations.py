"""Fetches the organisations that GOV.UK lists, for people who write a configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from monitor.app.readers import open_poller
from monitor.clock import SystemClock
from monitor.config.organisations import ALL_OF_GOVUK, Organisations, read_organisations
from monitor.config.settings import Settings
from monitor.errors import EnvironmentFault
from monitor.look.fetch import Answer, Failure, Request

_MOST_BYTES = 8_000_000


async def fetch_govuk_organisations() -> Organisations:
    """Return every organisation that GOV.UK lists, within the budget of www.gov.uk.

    Raises `EnvironmentFault`.
    """
    async with open_poller(Settings(), SystemClock()) as (poller, _):
        return await request_organisations(poller.send_in_turn)


async def request_organisations(
    send: Callable[[Request], Awaitable[Answer | Failure]],
) -> Organisations:
    """Return every organisation that GOV.UK lists, by one request.

    Raises `EnvironmentFault` if that fails.
    """
    answer = await send(Request(ALL_OF_GOVUK, accept="application/json", cap=_MOST_BYTES))
    if isinstance(answer, Failure):
        raise _organisations_fault(answer.detail)
    if answer.status != 200 or not answer.whole:
        raise _organisations_fault(
            f"answered {answer.status}" if answer.whole else "answered too much"
        )
    try:
        return read_organisations(answer.body)
    except ValueError as exc:
        raise _organisations_fault(str(exc)) from exc


def _organisations_fault(why: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"GOV.UK's organisations: {why}. Leave out --online to use the list of this version"
    )
