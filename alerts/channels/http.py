"""One POST of a message, and the meaning of its response, for channels that use HTTP themselves."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeVar

import httpx

from alerts.channel import Accepted, Outcome, Refused
from alerts.channels.base import NamedChannel, limit_attempt
from alerts.channels.settings import PostSettings
from alerts.one_line import one_line
from schedules.times.mail_date import retry_after

# These are faults of the message. After a fault of the channel, such as a wrong token, it can still
# be sent.
_PERMANENT_STATUSES = frozenset({400, 406, 410, 411, 413, 414, 415, 417, 422, 431, 451})

_LONGEST_REASON = 300
SettingsT = TypeVar("SettingsT", bound=PostSettings)


class HttpChannel(NamedChannel[SettingsT]):
    """A channel that sends each message as one POST of JSON, on a connection of its own."""

    async def _post_json(
        self, url: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Outcome:
        """Send JSON to an address once, with these headers added.

        Return the outcome, within the time limit.
        """
        all_headers = {"Content-Type": "application/json", "User-Agent": "ninethirty"}
        all_headers.update(headers or {})
        return await limit_attempt(self._timeout, self._post_once(url, body, all_headers))

    async def _post_once(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        """Send a body once and read the answer.

        Follows no redirect, reads no proxy from the environment.
        """
        try:
            # Each message has its own client, so that a cancelled attempt cannot affect the next
            # one.
            tls = ssl.create_default_context(cafile=self._settings.ca_file)
            transport = self._outbound(url, tls, self._timeout)
            async with (
                httpx.AsyncClient(transport=transport, trust_env=False) as client,
                client.stream("POST", url, content=body, headers=headers) as response,
            ):
                return outcome_of_status(
                    response.status_code, response.headers.get("retry-after", ""), self._now()
                )
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as fault:
            # The fault's own words may quote the address, which may be a secret.
            return Refused(loggable_reason(f"no answer: {type(fault).__name__}"))


def outcome_of_status(status: int, retry_header: str, now: datetime) -> Outcome:
    """Return whether a response accepts, refuses for now, or refuses permanently, from its status
    and `Retry-After`.
    """
    if 200 <= status < 300:
        return Accepted(str(status))
    if status in _PERMANENT_STATUSES:
        return Refused(f"{status} was the answer", permanent=True)
    what = "a redirect, which is not followed" if 300 <= status < 400 else "the answer"
    return Refused(f"{status} was {what}", retry_after=retry_after(retry_header, now))


def loggable_reason(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a reason for logs and pages: one short line with every secret redacted."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[redacted]")
    return one_line(text, _LONGEST_REASON)
