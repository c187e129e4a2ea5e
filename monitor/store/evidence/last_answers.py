"""The last answer of each target, with a compressed body. It becomes evidence if the next answer differs."""

from __future__ import annotations

import zlib
from dataclasses import replace
from itertools import chain

from monitor.look.fetch import Answer, Request
from monitor.store.evidence.headers import Same

_MOST = 16_000_000
_LONGEST = 32_000
_SHARED = 64

_Packed = tuple[str, bytes]
"""A body's SHA-256, and the body, compressed at the fastest level."""


class PackedAnswer:
    """The last answer of a target, and the id of its record once it is kept. Most looks only update its fields.

    `head` contains the headers in one text, with names and values alternating. A mapping would take most of the memory
    of a target. Of the request it keeps only the fields that a record needs. `asked`, the head of the request, is one
    object for all targets of a host.
    """

    __slots__ = (
        *("packed", "whole", "url", "status", "head", "sent", "received", "kept"),
        *("method", "etag", "modified", "asked", "unique"),
    )

    def __init__(self, packed: _Packed, *, whole: bool) -> None:
        """Start with a compressed body. If not `whole`, it was cut. Call `take` to set the other fields."""
        self.packed = packed
        self.whole = whole

    def take(self, answer: Answer, head: str, kept: str) -> None:
        """Set the other fields from an answer with the same body."""
        self.url = answer.url
        self.status = answer.status
        self.head = head
        self.sent = answer.sent
        self.received = answer.received
        self.kept = kept
        self.asked = answer.head
        self.unique = answer.unique
        self.method, self.etag, self.modified = None, None, None
        if (asked := answer.request) is not None:
            self.method, self.etag, self.modified = asked.method, asked.etag, asked.modified

    def answer(self) -> Answer:
        """Return the answer with its body."""
        head, body = self.head.split("\n"), zlib.decompress(self.packed[1])
        headers = dict(zip(head[::2], head[1::2], strict=False))
        answer = Answer(self.url, self.status, headers, body, self.sent, self.received, self.whole)
        return replace(answer, request=self._request(), head=self.asked, unique=self.unique)

    def _request(self) -> Request | None:
        if self.method is None:
            return None
        return Request(self.url, self.method, etag=self.etag, modified=self.modified)


class LastAnswers:
    """The last answer of each target: the first 32 kB of each body, and at most 16 MB of compressed bodies in all.

    Above that limit, the body that has been unchanged for the longest time is forgotten first.
    """

    def __init__(self) -> None:
        self._last: dict[str, PackedAnswer] = {}
        self._weight = 0
        self._packed: dict[str, _Packed] = {}
        self._same = Same()

    def of(self, target: str) -> PackedAnswer | None:
        """Return the last answer of a target, or None if it is not remembered."""
        return self._last.get(target)

    def remember(self, target: str, answer: Answer, kept: str = "") -> None:
        """Store an answer as a target's last. `kept` is the id of its evidence record, if it has one."""
        last, whole = self._last.get(target), answer.whole and len(answer.body) <= _LONGEST
        # Most looks receive the same body as the look before, which is already compressed.
        if last is None or last.packed[0] != answer.digest or last.whole is not whole:
            self.forget(target)
            last = self._last[target] = PackedAnswer(self._pack(answer), whole=whole)
            self._weight += len(last.packed[1])
        # Headers are joined by line breaks, because none can contain one.
        last.take(answer, self._same.of("\n".join(chain.from_iterable(answer.headers.items()))), kept)
        while self._weight > _MOST:
            self.forget(next(iter(self._last)))

    def forget(self, target: str) -> None:
        """Forget the last answer of a target."""
        last = self._last.pop(target, None)
        self._weight -= 0 if last is None else len(last.packed[1])

    def _pack(self, answer: Answer) -> _Packed:
        # A host sends the same body for every missing address, so these answers share one compressed copy.
        packed = self._packed.get(answer.digest)
        if packed is None:
            if len(self._packed) >= _SHARED:
                self._packed.clear()
            packed = self._packed[answer.digest] = (answer.digest, zlib.compress(answer.body[:_LONGEST], 1))
        return packed
