"""The dead man's switch: a sign of life to somebody else's machine, which tells people when it stays away."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from monitor.look.fetch import Failure, Fetcher, Request

_log = structlog.get_logger(__name__)
_CAP = 10_000


class Deadman:
    """Pings an address as long as there is nothing to complain of. The address is a secret and is never told."""

    def __init__(
        self, fetcher: Fetcher, url: str, troubles: Callable[[], Sequence[str]], counted: Callable[[str], None]
    ) -> None:
        """`troubles` returns why the monitor is not to be relied on, `counted` hears the outcome of each ping."""
        self._fetcher = fetcher
        self._url = url
        self._troubles = troubles
        self._counted = counted

    async def ping(self) -> None:
        """Make one request, or none while something is wrong: silence is the alarm."""
        troubles = list(self._troubles())
        if troubles:
            self._counted("withheld")
            _log.warning("deadman_withheld", reasons=troubles)
            return
        answer = await self._fetcher.fetch(Request(self._url, cap=_CAP, enough=True))
        taken = not isinstance(answer, Failure) and answer.status < 300
        self._counted("accepted" if taken else "refused")
        if not taken:
            _log.warning("deadman_refused", why=answer.reason.value if isinstance(answer, Failure) else answer.status)
