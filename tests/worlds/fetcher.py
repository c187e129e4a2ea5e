"""A fetcher without a network: answers come from a table or a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from monitor.clock import Clock
from monitor.look.fetch import Answer, Failure, Reason, Request


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of one address. `etag` is sent, and a matching condition is answered with 304.

    `fails` is the reason of a failure instead of an answer. Opening the connection takes
    `connect_seconds`, then `seconds` pass before the answer.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None
    fails: Reason | None = None
    connect_seconds: float = 0.0
    seconds: float = 0.0


NOT_FOUND = Reply(404, b"Not Found")


class ScriptedFetcher:
    """Answers requests from a script, and 404 for other addresses.

    `asked` lists the requests in order.
    """

    def __init__(
        self, clock: Clock, script: Mapping[str, Reply] | Callable[[Request], Reply]
    ) -> None:
        self._clock = clock
        self._script = script
        self.asked: list[Request] = []

    async def fetch(self, request: Request) -> Answer | Failure:
        """Return the scripted answer after its scripted time."""
        self.asked.append(request)
        reply = (
            self._script(request)
            if callable(self._script)
            else self._script.get(request.url, NOT_FOUND)
        )
        if reply.connect_seconds:
            await self._clock.sleep(reply.connect_seconds)
        sent = self._clock.now()
        if reply.seconds:
            await self._clock.sleep(reply.seconds)
        reason = reply.fails or _too_large(request, reply)
        if reason is not None:
            return Failure(request.url, reason, "scripted", sent, self._clock.now())
        status, body = _answered(request, reply)
        whole = len(body) <= request.cap
        headers = {name.lower(): value for name, value in reply.headers.items()}
        headers |= {"etag": reply.etag} if reply.etag else {}
        return Answer(
            request.url,
            status,
            headers,
            body[: request.cap],
            sent,
            self._clock.now(),
            whole,
            request,
        )

    async def close(self) -> None:
        """Do nothing, because there are no connections."""


def _answered(request: Request, reply: Reply) -> tuple[int, bytes]:
    if reply.etag is not None and request.etag == reply.etag and reply.status == 200:
        return 304, b""
    return reply.status, b"" if request.method == "HEAD" else reply.body


def _too_large(request: Request, reply: Reply) -> Reason | None:
    over = len(reply.body) > request.cap and not request.may_cut and request.method != "HEAD"
    return Reason.TOO_LARGE if over else None
