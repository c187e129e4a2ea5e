"""Bodies, taken in raw and unpacked here, so that no encoding can blow one up."""

from __future__ import annotations

import zlib

from monitor.look.fetch import Reason

_PLAIN = ("", "identity")
_GZIP = ("gzip", "x-gzip")
_RAW_SLACK = 65_536


class UnusableBody(Exception):
    """A body that proves nothing. `reason` says of which kind."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Body:
    """Takes the chunks of one body and gives at most `cap` decoded bytes.

    `enough` True makes a longer body no fault: it is cut, and `whole` is False. Raises `UnusableBody`
    for an encoding we did not ask for, a longer body, a damaged or a truncated one.
    """

    __slots__ = ("_cap", "_enough", "_inflate", "_parts", "_raw", "_size", "whole")

    def __init__(self, encoding: str, cap: int, *, enough: bool) -> None:
        self._inflate = zlib.decompressobj(31) if encoding and _is_packed(encoding) else None
        self._cap = cap
        self._enough = enough
        self._parts: list[bytes] = []
        self._size = 0
        self._raw = 0
        self.whole = True

    def feed(self, chunk: bytes) -> bool:
        """Take one chunk as it came; False when no more is wanted."""
        self._raw += len(chunk)
        out = chunk if self._inflate is None else self._inflated(self._inflate, chunk)
        self._size += len(out)
        self._parts.append(out)
        # A stream of empty blocks never grows the output: the raw length is bounded as well.
        if self._size > self._cap or self._raw > self._cap + _RAW_SLACK:
            self._overflow()
        return self.whole

    def end(self) -> bytes:
        """Return the body when the last chunk has come, or no more was wanted."""
        if self.whole and self._inflate is not None and self._raw and not self._inflate.eof:
            raise UnusableBody(Reason.TRUNCATED, "the gzip stream ends early")
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        return body if self.whole else body[: self._cap]

    def _inflated(self, inflate: zlib._Decompress, chunk: bytes) -> bytes:
        try:
            out = inflate.decompress(chunk, self._cap - self._size + 1)
        except zlib.error as exc:
            raise UnusableBody(Reason.ENCODING, "damaged gzip") from exc
        if inflate.unused_data:
            raise UnusableBody(Reason.ENCODING, "bytes after the end of the gzip stream")
        return out

    def _overflow(self) -> None:
        self.whole = False
        if not self._enough:
            raise UnusableBody(Reason.TOO_LARGE, f"more than {self._cap} bytes")


def _is_packed(encoding: str) -> bool:
    encoding = encoding.strip().lower()
    if encoding not in _PLAIN + _GZIP:
        raise UnusableBody(Reason.ENCODING, "an encoding we did not ask for")
    return encoding in _GZIP
