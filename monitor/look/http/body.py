"""Receives bodies and decompresses them up to a limit, so that a gzip bomb does no harm."""

from __future__ import annotations

import zlib

import httpx

from monitor.look.fetch import Reason
from schedules.patterns import quick

_GZIP, _DEFLATE = ("gzip", "x-gzip"), "deflate"
"""Some servers send deflate, although we request only gzip."""
# Servers state these by mistake. They name no compression, so browsers ignore them.
_NO_COMPRESSION = quick(
    r"(identity|none|null|binary|[78]bit|utf-?(8|16)|us-ascii|ascii|iso-8859-\d+|latin-?1"
    r"|windows-\d+|text/[a-z]+)?"
)
_GZIP_WINDOW = 31  # the largest window, in a gzip stream
_ANY_HEADER, _NO_HEADER = 47, -15  # the same in a gzip or zlib stream, or a raw one
_GZIP_MAGIC = b"\x1f\x8b"
_MOST_MEMBERS = 1024
"""How many gzip members a body may have, because each costs time, even if it is empty."""
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

    __slots__ = ("_cap", "_gzip", "_may_cut", "_parts", "_received", "_size", "is_whole")

    def __init__(self, encoding: str, cap: int, *, may_cut: bool) -> None:
        """Expect at most `cap` decoded bytes.

        With `may_cut`, a longer body is cut, and `is_whole` is then False.
        """
        encoding = encoding.strip().lower().removesuffix(", identity")
        is_deflate = encoding == _DEFLATE
        self._gzip = _Gzip(may_lack_header=is_deflate) if is_deflate or encoding in _GZIP else None
        if self._gzip is None and not _NO_COMPRESSION.fullmatch(encoding):
            raise UnusableBody(Reason.ENCODING, "an encoding that we did not request")
        self._cap = cap
        self._may_cut = may_cut
        self._parts: list[bytes] = []
        self._size = 0
        self._received = 0
        self.is_whole = True

    def feed(self, chunk: bytes) -> bool:
        """Add one chunk as it was received. Return False if no more chunks are wanted."""
        self._received += len(chunk)
        if self._gzip is None:
            decoded = chunk
        else:
            # One byte above the cap shows that the body is too long.
            decoded = self._gzip.decode(chunk, self._cap - self._size + 1)
        self._size += len(decoded)
        self._parts.append(decoded)
        # Empty gzip blocks and padding add no decoded bytes, so the received bytes are limited too.
        if self._size > self._cap or self._received > self._cap + _MOST_EMPTY:
            self.is_whole = False
            if not self._may_cut:
                raise UnusableBody(Reason.TOO_LARGE, f"more than {self._cap} bytes")
        return self.is_whole

    def end(self) -> bytes:
        """Return the body after the last chunk, or after `feed` returned False."""
        if self.is_whole and self._gzip is not None and self._received and not self._gzip.is_ended:
            raise UnusableBody(Reason.TRUNCATED, "the compressed stream ends early")
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        return body if self.is_whole else body[: self._cap]


class _Gzip:
    """Decodes a gzip stream: one or more members (RFC 1952), then perhaps padding, which browsers
    ignore. Deflate may have the header of zlib or gzip, or none.
    """

    __slots__ = ("_begun", "_inflate", "_is_padding", "_may_lack_header", "_members")

    def __init__(self, *, may_lack_header: bool) -> None:
        self._inflate = zlib.decompressobj(wbits=_GZIP_WINDOW)
        self._may_lack_header = may_lack_header
        self._members = 1
        self._begun = b""
        self._is_padding = False

    @property
    def is_ended(self) -> bool:
        """Return whether every member that began has ended."""
        return self._inflate.eof

    def decode(self, chunk: bytes, most: int) -> bytes:
        """Return what a chunk decodes to, and at most `most` bytes of that."""
        data, parts = self._begun + chunk, []
        if self._may_lack_header and data:
            has_header = data.startswith(_GZIP_MAGIC[:1]) or data[0] & 15 == zlib.DEFLATED
            self._inflate = zlib.decompressobj(wbits=_ANY_HEADER if has_header else _NO_HEADER)
            self._may_lack_header = False
        while data and most > 0 and (not self._inflate.eof or self._begin_member(data)):
            try:
                part = self._inflate.decompress(data, most)
            except zlib.error as exc:
                raise UnusableBody(Reason.ENCODING, "damaged compression") from exc
            parts.append(part)
            most -= len(part)
            data = self._inflate.unused_data
        return b"".join(parts)

    def _begin_member(self, data: bytes) -> bool:
        """Return whether the bytes after a member begin another one, and prepare to decode it."""
        # The first byte of the next member may come at the end of a chunk.
        self._begun = data if data == _GZIP_MAGIC[:1] and not self._is_padding else b""
        self._is_padding = self._is_padding or not (self._begun or data.startswith(_GZIP_MAGIC))
        if self._begun or self._is_padding:
            return False
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise UnusableBody(Reason.ENCODING, "too many gzip members")
        self._inflate = zlib.decompressobj(wbits=_GZIP_WINDOW)
        return True
