"""How many connections strangers may hold and for how long: looks keep their descriptors, and the board its room.

The place of a connection that has not asked anything yet goes to the newest: whoever asks at once always gets in.
"""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from monitor.web.credentials import network_of

HEAD_WITHIN = 10.0
"""Seconds within which a request must have been asked, its headers complete."""
ANSWERED_WITHIN = 60.0
"""Seconds after which a connection ends that has not taken its answer."""
LONGEST_HEAD = 16_384
_MOST = 256
_MOST_EACH = 64


@dataclass
class Room:
    """The connections there are. Those of `proxies` are of many people, and bounded all together alone."""

    most: int = _MOST
    most_each: int = _MOST_EACH
    proxies: Collection[str] = ()
    head_within: float = HEAD_WITHIN
    _held: dict[Connection, str] = field(default_factory=dict)
    _each: Counter[str] = field(default_factory=Counter)
    # Those that have asked nothing yet, the oldest first; a dict keeps that order.
    _idle: dict[Connection, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many connections there are."""
        return len(self._held)

    def enter(self, one: Connection, address: str) -> None:
        """Take a connection in, and end the oldest idle one where there is no room; itself, where none is idle."""
        self._each[address] += 1
        self._held[one] = self._idle[one] = address
        own = self._each[address] > self.most_each and address not in self.proxies
        if own or len(self) > self.most:
            ended = next(each for each, where in self._idle.items() if where == address or not own)
            self.leave(ended)
            ended.end()

    def asked(self, one: Connection) -> None:
        """Take note that a connection has asked something: nobody else gets its place."""
        self._idle.pop(one, None)

    def idle(self, one: Connection) -> None:
        """Take note that a connection has its answer."""
        if one in self._held:
            self._idle[one] = self._held[one]

    def leave(self, one: Connection) -> None:
        """Take note that a connection has ended, or is ended now."""
        self._idle.pop(one, None)
        address = self._held.pop(one, None)
        if address is not None:
            self._each[address] -= 1
            if not self._each[address]:
                del self._each[address]


def room_of(proxies: Collection[str]) -> Room:
    """Return room for at most a quarter of the descriptors this process may open: the rest is for looks and files."""
    may_open, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(8, min(_MOST, may_open // 4))
    return Room(most, min(_MOST_EACH, most // 2), proxies)


class Connection(H11Protocol):
    """A connection with an end: to its head, and to the taking of its answer."""

    def __init__(self, *args: Any, room: Room, **kwargs: Any) -> None:  # noqa: ANN401 # as uvicorn gives them
        super().__init__(*args, **kwargs)
        self._room = room
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Take it in."""
        super().connection_made(transport)
        self._end_in(self._room.head_within)
        self._room.enter(self, network_of(self.client[0] if self.client else ""))

    def data_received(self, data: bytes) -> None:
        """Read on; once a head is complete, an answer is awaited."""
        if self._timer is None:
            self._end_in(self._room.head_within)
        before = self.cycle
        super().data_received(data)
        self._answer_is_awaited(before)

    def on_response_complete(self) -> None:
        """Wait for the next request, which uvicorn gives its own few seconds."""
        before = self.cycle
        self._cancel()
        self._room.idle(self)
        super().on_response_complete()
        self._answer_is_awaited(before)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let its place go."""
        self._cancel()
        self._room.leave(self)
        super().connection_lost(exc)

    def _answer_is_awaited(self, before: object) -> None:
        if self.cycle is not before and not self.cycle.response_complete:
            self._room.asked(self)
            self._end_in(ANSWERED_WITHIN)

    def end(self) -> None:
        """End it without a word."""
        self.transport.abort()

    def _end_in(self, seconds: float) -> None:
        self._cancel()
        self._timer = self.loop.call_later(seconds, self.end)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def bounded(config: uvicorn.Config, room: Room) -> uvicorn.Config:
    """Return a server's configuration whose connections are all in this room."""
    config.load()
    config.http_protocol_class = partial(Connection, room=room)  # type: ignore[assignment] # called as one
    return config
