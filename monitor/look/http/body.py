"""Receives bodies and decompresses them up to a limit, so that a gzip bomb does no harm."""

from __future__ import annotations

import zlib

import httpx

from monitor.look.fetch import Reason

_IS_GZIP = {"": False, "identity": False, "gzip": True, "x-gzip": True}
_MOST_EMPTY = 65_536
"""How many more bytes than the cap may be received, because gzip blocks may be empty."""


class UnusableBody(httpx.DecodingError):
    """Raised for a body that cannot be used. `reason` says why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Body:
    """Receives the chunks of one body and decodes them. `encoding` is its `Content-Encoding`.

    Raises `UnusableBody` for an encoding that was not requested, and for a body that is too long,
    damaged or truncated.
    """

    __slots__ = ("_cap", "_inflate", "_may_cut", "_parts", "_received", "_size", "is_whole")

    def __init__(self, encoding: str, cap: int, *, may_cut: bool) -> None:
        """Expect at most `cap` decoded bytes.

        With `may_cut`, a longer body is cut, and `is_whole` is then False.
        """
        is_gzip = _IS_GZIP.get(encoding.strip().lower())
        if is_gzip is None:
            raise UnusableBody(Reason.ENCODING, "an encoding that we did not request")
        # the largest window, in a gzip stream
        self._inflate = zlib.decompressobj(wbits=31) if is_gzip else None
        self._cap = cap
        self._may_cut = may_cut
        self._parts: list[bytes] = []
        self._size = 0
        self._received = 0
        self.is_whole = True

    def feed(self, chunk: bytes) -> bool:
        """Add one chunk as it was received. Return False if no more chunks are wanted."""
        self._received += len(chunk)
        decoded = chunk if self._inflate is None else self._decode_gzip(self._inflate, chunk)
        self._size += len(decoded)
        self._parts.append(decoded)
        # Empty gzip blocks add no decoded bytes, so the received bytes are limited too.
        if self._size > self._cap or self._received > self._cap + _MOST_EMPTY:
            self.is_whole = False
            if not self._may_cut:
                raise UnusableBody(Reason.TOO_LARGE, f"more than {self._cap} bytes")
        return self.is_whole

    def end(self) -> bytes:
        """Return the body after the last chunk, or after `feed` returned False."""
        if self.is_whole and self._inflate is not None and self._received and not self._inflate.eof:
            raise UnusableBody(Reason.TRUNCATED, "the gzip stream ends early")
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        return body if self.is_whole else body[: self._cap]

    def _decode_gzip(self, inflate: zlib._Decompress, chunk: bytes) -> bytes:
        """Return the decoded bytes of one chunk.

        Stop one byte above the cap, which shows that the body is too long.
        """
        try:
            decoded = inflate.decompress(chunk, self._cap - self._size + 1)
        except zlib.error as exc:
            raise UnusableBody(Reason.ENCODING, "damaged gzip") from exc
        if inflate.unused_data:
            raise UnusableBody(Reason.ENCODING, "bytes after the end of the gzip stream")
        return decoded
