"""The last answer of each target, packed small: evidence, should the next one turn out different."""

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
"""A body's SHA-256, which tells it from the next one, and the body, packed no further than is reasonable."""


class PackedAnswer:
    """The last answer of a target, and the id of its record once it is kept; most looks only take it on.

    `head` are its headers in one text, names and values in turn: as a mapping they would be most of what a target
    costs. Of the request it has what a record tells and the address does not: what went to the host besides is one
    object for all its targets.
    """

    __slots__ = (
        *("packed", "whole", "url", "status", "head", "sent", "received", "kept"),
        *("method", "etag", "modified", "asked", "unique"),
    )

    def __init__(self, packed: _Packed, *, whole: bool) -> None:
        """Have a body, whole or cut; `take` gives it the rest."""
        self.packed = packed
        self.whole = whole

    def take(self, answer: Answer, head: str, kept: str) -> None:
        """Be an answer with the same body."""
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
    """What was last answered of each target: 16 MB of bodies in all, of each the first 32 kB.

    Where there is no more room, the body that has stood longest goes first.
    """

    def __init__(self) -> None:
        self._last: dict[str, PackedAnswer] = {}
        self._weight = 0
        self._packed: dict[str, _Packed] = {}
        self._same = Same()

    def of(self, target: str) -> PackedAnswer | None:
        """Return the last answer of a target that is remembered."""
        return self._last.get(target)

    def remember(self, target: str, answer: Answer, kept: str = "") -> None:
        """Keep an answer as a target's last; `kept` is the id of its record, if it has one."""
        last, whole = self._last.get(target), answer.whole and len(answer.body) <= _LONGEST
        # Most looks bring the bytes of the one before: those are packed already.
        if last is None or last.packed[0] != answer.digest or last.whole is not whole:
            self.forget(target)
            last = self._last[target] = PackedAnswer(self._pack(answer), whole=whole)
            self._weight += len(last.packed[1])
        # Headers are joined by line breaks, because none can contain one.
        last.take(answer, self._same.of("\n".join(chain.from_iterable(answer.headers.items()))), kept)
        while self._weight > _MOST:
            self.forget(next(iter(self._last)))

    def forget(self, target: str) -> None:
        """Let go of the last answer of a target."""
        last = self._last.pop(target, None)
        self._weight -= 0 if last is None else len(last.packed[1])

    def _pack(self, answer: Answer) -> _Packed:
        # What is missing on one host is told in the same bytes for every address: one copy does for all.
        packed = self._packed.get(answer.digest)
        if packed is None:
            if len(self._packed) >= _SHARED:
                self._packed.clear()
            packed = self._packed[answer.digest] = (answer.digest, zlib.compress(answer.body[:_LONGEST], 1))
        return packed
