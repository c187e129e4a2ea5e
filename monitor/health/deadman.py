"""The dead man's switch: a sign of life to another machine, which tells people when none comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from monitor.look.fetch import Failure, Fetcher, Request

_log = structlog.get_logger(__name__)
_CAP = 10_000


@dataclass(frozen=True, slots=True)
class Deadman:
    """Pings an address as long as there is nothing to complain of. The address is a secret and is never told.

    `troubles` returns why the monitor is not to be relied on; `counted` is called with the outcome of each ping.
    """

    fetcher: Fetcher
    url: str = field(repr=False)
    troubles: Callable[[], Sequence[str]]
    counted: Callable[[str], None]

    async def ping(self) -> None:
        """Make one request, or none while something is wrong: silence is the alarm."""
        troubles = list(self.troubles())
        if troubles:
            self.counted("withheld")
            _log.warning("deadman_withheld", reasons=troubles)
            return
        answer = await self.fetcher.fetch(Request(self.url, cap=_CAP, enough=True))
        taken = not isinstance(answer, Failure) and answer.status < 300
        self.counted("accepted" if taken else "refused")
        if not taken:
            _log.warning("deadman_refused", why=answer.reason.value if isinstance(answer, Failure) else answer.status)
