"""One POST, and what its answer means: for the channels that speak HTTP themselves."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

import httpx

from alerts.channel import Accepted, Outcome, Refused
from alerts.channels.base import NamedChannel, Patient, within
from alerts.one_line import one_line
from schedules.times.mail_date import retry_after

# These are about the message. A wrong token or a moved address is about the channel: once it is mended
# the message can still go.
_FOR_GOOD = frozenset({400, 406, 410, 411, 413, 414, 415, 417, 422, 431, 451})


Transports = Callable[[ssl.SSLContext], httpx.AsyncBaseTransport]
"""Makes the transport for one message. It goes through the proxy, if one is configured."""


class PostOptions(Patient, Protocol):
    """The options that all channels which post have in common: the certificates they trust, and their transport."""

    @property
    def ca_file(self) -> str | None:
        """Return the file of certificates, None for those of the system."""

    @property
    def transport(self) -> Transports:
        """Return what makes a transport."""


OptionsT = TypeVar("OptionsT", bound=PostOptions)


class HttpChannel(NamedChannel[OptionsT]):
    """A channel that sends each message as one POST of JSON, on a connection of its own."""

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Outcome:
        every = {"Content-Type": "application/json", "User-Agent": "ninethirty", **(headers or {})}
        return await within(self._options.timeout, post(url, body, every, self._options, self._now()))


async def post(url: str, body: bytes, headers: Mapping[str, str], options: PostOptions, now: datetime) -> Outcome:
    """Send a body once and return what the answer means. Follows no redirect, reads no proxy from the environment."""
    try:
        # A client of its own for each message: an attempt that is cut short cannot harm the next one.
        transport = options.transport(ssl.create_default_context(cafile=options.ca_file))
        async with (
            httpx.AsyncClient(transport=transport, trust_env=False) as client,
            client.stream("POST", url, content=body, headers=dict(headers)) as response,
        ):
            return weigh(response.status_code, response.headers.get("retry-after", ""), now)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as fault:
        # The fault's own words may quote the address, which may be a secret.
        return Refused(permanent=False, reason=reason(f"no answer: {type(fault).__name__}"))


def weigh(status: int, asked: str, now: datetime) -> Outcome:
    """Return what an answer means: taken, worth another attempt, or refused for good. `asked` is its `Retry-After`."""
    if 200 <= status < 300:
        return Accepted(str(status))
    permanent = status in _FOR_GOOD
    wait = None if permanent else retry_after(asked, now)
    what = "a redirect, which is not followed" if 300 <= status < 400 else "the answer"
    return Refused(permanent=permanent, reason=f"{status} was {what}", retry_after=wait)


_LONGEST_REASON = 300


def reason(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a reason fit for logs and pages: one line, not long, with every secret blanked."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[redacted]")
    return one_line(text, _LONGEST_REASON)
