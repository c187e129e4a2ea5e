"""Remembers the last answer of each target with its compressed body. It becomes evidence if the next one differs."""

from __future__ import annotations

import zlib
from dataclasses import replace
from itertools import chain

from monitor.look.fetch import Answer, Request
from monitor.store.evidence.headers import SharedTexts

_MOST_BYTES = 16_000_000
_LONGEST_BODY = 32_000
_BODIES_SHARED = 64

_Packed = tuple[str, bytes]
"""A body's SHA-256, and the body, compressed at the fastest level."""


class PackedAnswer:
    """The last answer of a target. `evidence_id` is the id of its evidence record, empty if it has none.

    To save memory, `header_text` has names and values of headers on alternating lines. Of the request, only the fields
    for an evidence record are kept. `request_head` is shared by all targets of a host.
    """

    __slots__ = (
        *("packed", "whole", "url", "status", "header_text", "sent", "received", "evidence_id"),
        *("method", "etag", "modified", "request_head", "unique"),
    )

    def __init__(self, packed: _Packed, *, whole: bool) -> None:
        """Create it with a compressed body, which was cut if not `whole`. Call `update` to set the other fields."""
        self.packed = packed
        self.whole = whole

    def update(self, answer: Answer, header_text: str, evidence_id: str) -> None:
        """Set all fields except the body and `whole` from an answer with the same body."""
        self.url = answer.url
        self.status = answer.status
        self.header_text = header_text
        self.sent = answer.sent
        self.received = answer.received
        self.evidence_id = evidence_id
        self.request_head = answer.head  # the part of the request after its address
        self.unique = answer.unique
        self.method, self.etag, self.modified = None, None, None
        if (request := answer.request) is not None:
            self.method, self.etag, self.modified = request.method, request.etag, request.modified

    def answer(self) -> Answer:
        """Return the answer with its body."""
        _digest, compressed_body = self.packed
        lines, body = self.header_text.split("\n"), zlib.decompress(compressed_body)
        headers = dict(zip(lines[::2], lines[1::2], strict=False))  # without headers, there is one empty line
        answer = Answer(self.url, self.status, headers, body, self.sent, self.received, self.whole)
        request = None
        if self.method is not None:
            request = Request(self.url, self.method, etag=self.etag, modified=self.modified)
        return replace(answer, request=request, head=self.request_head, unique=self.unique)


class LastAnswers:
    """The last answer of each target: the first 32 kB of each body, and at most 16 MB of compressed bodies in all.

    Above that limit, the answer with the body that has not changed for the longest time is forgotten.
    """

    def __init__(self) -> None:
        self._last: dict[str, PackedAnswer] = {}
        self._bytes = 0
        self._packed: dict[str, _Packed] = {}
        self._texts = SharedTexts()

    def get(self, target: str) -> PackedAnswer | None:
        """Return the last answer of a target, or None if it is not remembered."""
        return self._last.get(target)

    def remember(self, target: str, answer: Answer, evidence_id: str = "") -> None:
        """Remember the last answer of a target, and the id of its evidence record ("" if it has none).

        Above 16 MB, forget the answers whose bodies have not changed for the longest time.
        """
        last = self._last.get(target)
        whole = answer.whole and len(answer.body) <= _LONGEST_BODY
        has_same_body = last is not None and last.packed[0] == answer.digest and last.whole is whole
        # Most looks receive the same body as the look before. Then there is no need to compress it again.
        if last is None or not has_same_body:
            self.forget(target)
            last = self._last[target] = PackedAnswer(self._pack(answer), whole=whole)
            self._bytes += len(last.packed[1])  # a body that targets share counts for each of them
        # No header can contain a line break, so line breaks can separate them.
        header_text = "\n".join(chain.from_iterable(answer.headers.items()))
        last.update(answer, self._texts.share(header_text), evidence_id)
        while self._bytes > _MOST_BYTES:
            self.forget(next(iter(self._last)))

    def forget(self, target: str) -> None:
        """Forget the last answer of a target."""
        last = self._last.pop(target, None)
        self._bytes -= 0 if last is None else len(last.packed[1])

    def _pack(self, answer: Answer) -> _Packed:
        """Return the digest and the compressed body of an answer."""
        # A host sends the same body for every missing address, so these answers share one compressed copy.
        packed = self._packed.get(answer.digest)
        if packed is None:
            if len(self._packed) >= _BODIES_SHARED:
                self._packed.clear()
            packed = self._packed[answer.digest] = (answer.digest, zlib.compress(answer.body[:_LONGEST_BODY], 1))
        return packed
