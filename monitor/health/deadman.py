"""The dead man's switch: regular pings to another machine, which notifies people if they stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from monitor.look.fetch import Failure, Fetcher, Request

_log = structlog.get_logger(__name__)
_CAP = 10_000


@dataclass(frozen=True, slots=True)
class DeadManSwitch:
    """Pings an address unless there is a reason to alarm. The address is a secret and never logged.

    `count_ping` is called with each outcome: `accepted`, `refused` or `withheld`.
    """

    fetcher: Fetcher
    url: str = field(repr=False)
    reasons_to_alarm: Callable[[], Sequence[str]]
    count_ping: Callable[[str], None]

    async def ping(self) -> None:
        """Send one request, or none if there is a reason to alarm, because the missing ping is the alarm."""
        reasons = list(self.reasons_to_alarm())
        if reasons:
            self.count_ping("withheld")
            _log.warning("deadman_withheld", reasons=reasons)
            return
        answer = await self.fetcher.fetch(Request(self.url, cap=_CAP, enough=True))
        is_accepted = not isinstance(answer, Failure) and answer.status < 300
        self.count_ping("accepted" if is_accepted else "refused")
        if not is_accepted:
            _log.warning("deadman_refused", why=answer.reason.value if isinstance(answer, Failure) else answer.status)
