"""The last answer of each target, packed small: evidence, should the next one turn out different."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.look.fetch import Answer, Request
from monitor.store.evidence.headers import Same

_MOST = 16_000_000
_LONGEST = 32_000
_SHARED = 64

_Packed = tuple[int, bytes]
"""A body's hash, which tells it from the next one, and the body, packed no further than is reasonable."""


@dataclass(frozen=True, slots=True)
class PackedAnswer:
    """The last answer of a target, and the id of its record once it is kept.

    `head` are its headers in one text, names and values in turn: as a mapping they would be most of what a target
    costs. Of the request it has what a record tells and the address does not: what went to the host besides is one
    object for all its targets.
    """

    url: str
    status: int
    head: str
    packed: _Packed
    sent: datetime
    received: datetime
    whole: bool
    method: str | None
    asked: bytes
    unique: int | None
    etag: str | None
    modified: str | None
    kept: str

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
    """What was last answered of each target: 16 MB of bodies in all, of each the first 32 kB."""

    def __init__(self) -> None:
        self._last: dict[str, PackedAnswer] = {}
        self._weight = 0
        self._packed: dict[int, _Packed] = {}
        self._same = Same()

    def of(self, target: str) -> PackedAnswer | None:
        """Return the last answer of a target that is remembered."""
        return self._last.get(target)

    def remember(self, target: str, answer: Answer, kept: str = "") -> None:
        """Keep an answer as a target's last; `kept` is the id of its record, if it has one."""
        body, last = answer.body[:_LONGEST], self._last.get(target)
        mark = hash(body)
        # Most looks bring the bytes of the one before: those are packed already.
        packed = last.packed if last is not None and last.packed[0] == mark else self._pack(body, mark)
        self.forget(target)
        self._last[target] = _packed(answer, self._same.of(_head(answer)), packed, kept)
        self._weight += len(packed[1])
        while self._weight > _MOST:
            self.forget(next(iter(self._last)))

    def forget(self, target: str) -> None:
        """Let go of the last answer of a target."""
        last = self._last.pop(target, None)
        self._weight -= 0 if last is None else len(last.packed[1])

    def _pack(self, body: bytes, mark: int) -> _Packed:
        # What is missing on one host is told in the same bytes for every address: one copy does for all.
        packed = self._packed.get(mark)
        if packed is None:
            if len(self._packed) >= _SHARED:
                self._packed.clear()
            packed = self._packed[mark] = (mark, zlib.compress(body, 1))
        return packed


def _head(answer: Answer) -> str:
    # No header holds a line break: that is where it would have ended.
    return "\n".join([text for header in answer.headers.items() for text in header])


def _packed(answer: Answer, head: str, packed: _Packed, kept: str) -> PackedAnswer:
    whole = answer.whole and len(answer.body) <= _LONGEST
    asked = answer.request
    return PackedAnswer(
        answer.url,
        answer.status,
        head,
        packed,
        answer.sent,
        answer.received,
        whole,
        asked.method if asked is not None else None,
        answer.head,
        answer.unique,
        asked.etag if asked is not None else None,
        asked.modified if asked is not None else None,
        kept,
    )
