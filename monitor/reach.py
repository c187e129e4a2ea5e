"""Is it the hosts that do not answer, or is it we who cannot reach them? Pure; instants are given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.judge.runs import Blind
from monitor.look.fetch import Answer, Failure, Reason

_UNREACHED = {Reason.DNS, Reason.CONNECT, Reason.TIMEOUT}
_SAYS_NOTHING = {Reason.POOL, Reason.REFUSED_ADDRESS}
_LEAST = 3
_GROWS_EVERY = timedelta(seconds=30)


class Reach:
    """Takes every look's outcome and tells of spans in which no host at all could be reached.

    Nothing is reached once three looks in a row failed without a connection, at two hosts or more, cause `network`;
    where all of them failed for want of an address the cause is `dns`, and a lone host is enough. What answers
    anything, a reset or an error page, was reached. A span is told of again while it grows, and when it ends.
    """

    def __init__(self, told: Callable[[Blind], None]) -> None:
        self._told = told
        self._known: set[str] = set()
        self._failed: set[str] = set()
        self._reasons: set[Reason] = set()
        self._looks = 0
        self._since: datetime | None = None
        self._cause = ""
        self._until: datetime | None = None

    def hear(self, host: str, outcome: Answer | Failure) -> None:
        """Take in one look, in the order in which they ended."""
        self._known.add(host)
        reason = outcome.reason if isinstance(outcome, Failure) else None
        if reason in _UNREACHED:
            self._fail(host, reason, outcome)
        elif reason not in _SAYS_NOTHING:
            self._reached(outcome.sent)

    def _fail(self, host: str, reason: Reason | None, outcome: Answer | Failure) -> None:
        self._since = self._since or outcome.sent
        self._failed.add(host)
        self._reasons |= {reason} if reason is not None else set()
        self._looks += 1
        # A cause that was told stays that of the span: another would be a second span.
        self._cause = self._cause or self._named()
        if self._cause and (self._until is None or outcome.received - self._until >= _GROWS_EVERY):
            self._tell(outcome.received)

    def _named(self) -> str:
        if self._looks < _LEAST:
            return ""
        is_names = self._reasons == {Reason.DNS}
        if len(self._failed) < 2 and not (is_names and len(self._known) == 1):
            return ""
        return "dns" if is_names else "network"

    def _reached(self, at: datetime) -> None:
        if self._cause:
            self._tell(at)
        self._failed, self._reasons = set(), set()
        self._looks, self._since, self._cause, self._until = 0, None, "", None

    def _tell(self, until: datetime) -> None:
        self._until = until
        if self._since is not None and until > self._since:
            self._told(Blind(self._since, until, self._cause))
