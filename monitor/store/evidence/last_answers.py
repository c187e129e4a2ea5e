"""Remembers the last answer of each target with its compressed body.

It becomes evidence if the next one differs.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from monitor.look.fetch import Answer
from monitor.store.evidence.headers import text_sharer

_MOST_BYTES = 16_000_000
_LONGEST_BODY = 32_000
_BODIES_SHARED = 64
_NO_HEADERS: Mapping[str, str] = {}


class _Packed(NamedTuple):
    """A body's SHA-256, and the body, compressed at the fastest level."""

    digest: str
    compressed_body: bytes


@dataclass(slots=True)
class PackedAnswer:
    """The last answer of a target.

    `evidence_id` is the id of its evidence record, empty if it has none.

    To save memory, `bare` has no headers and body. `header_text` has names and values of headers on
    alternating lines.
    """

    packed: _Packed
    bare: Answer
    header_text: str
    evidence_id: str

    def answer(self) -> Answer:
        """Return the answer with its headers and its body, which is cut if it was long."""
        lines = self.header_text.split("\n")
        headers = dict(zip(lines[::2], lines[1::2], strict=False))
        return replace(
            self.bare, headers=headers, body=zlib.decompress(self.packed.compressed_body)
        )


class LastAnswers:
    """The last answer of each target: the first 32 kB of each body, and at most 16 MB of compressed
    bodies in all.

    Above that limit, the answer with the body that has not changed for the longest time is
    forgotten.
    """

    def __init__(self) -> None:
        self._last: dict[str, PackedAnswer] = {}
        self._bytes = 0
        self._packed: dict[str, _Packed] = {}
        self._share = text_sharer()  # returns an equal earlier text, so that targets share one copy

    def get(self, target: str) -> PackedAnswer | None:
        """Return the last answer of a target, or None if it is not remembered."""
        return self._last.get(target)

    def remember(self, target: str, answer: Answer, evidence_id: str = "") -> None:
        """Remember the last answer of a target."""
        last = self._last.get(target)
        is_whole = answer.whole and len(answer.body) <= _LONGEST_BODY
        # Most looks receive the same body as the look before.
        if last is not None and last.packed.digest == answer.digest and last.bare.whole is is_whole:
            packed = last.packed
        else:
            # `_last` is in the order of body changes, so the target must become the last one in it
            self.forget(target)
            packed = self._pack_answer(answer)
            # a body that targets share counts for each of them
            self._bytes += len(packed.compressed_body)
        # No header can contain a line break, so line breaks can separate them.
        header_text = self._share("\n".join(chain.from_iterable(answer.headers.items())))
        # `dataclasses.replace` would take longer.
        last_four = answer.request, answer.head, answer.unique, answer.lost_before
        bare = Answer(
            answer.url,
            answer.status,
            _NO_HEADERS,
            b"",
            answer.sent,
            answer.received,
            is_whole,
            *last_four,
        )
        self._last[target] = PackedAnswer(packed, bare, header_text, evidence_id)
        while self._bytes > _MOST_BYTES:
            self.forget(next(iter(self._last)))

    def forget(self, target: str) -> None:
        """Forget the last answer of a target."""
        last = self._last.pop(target, None)
        self._bytes -= 0 if last is None else len(last.packed.compressed_body)

    def _pack_answer(self, answer: Answer) -> _Packed:
        """Return the compressed body, shared by equal answers, because a host has one body for all
        missing pages.
        """
        packed = self._packed.get(answer.digest)
        if packed is None:
            if len(self._packed) >= _BODIES_SHARED:
                self._packed.clear()
            packed = _Packed(answer.digest, zlib.compress(answer.body[:_LONGEST_BODY], 1))
            self._packed[answer.digest] = packed
        return packed
