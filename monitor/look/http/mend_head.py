"""Rewrites heads of responses that every browser reads but our parser refuses."""

from __future__ import annotations

import re

from schedules.patterns import quick

_END = quick(rb"\r?\n\r?\n")
_LINE_END = quick(rb"\r?\n")
_INTERIM = quick(rb"HTTP/1\.[01] 1\d\d")
_FOLD = quick(rb"\r?\n[ \t]+")
_LENGTH = quick(rb"\r\nContent-Length:([^\r]*)", re.IGNORECASE)
_TRANSFER = quick(rb"\r\nTransfer-Encoding:([^\r]*)", re.IGNORECASE)


def mend_head(received: bytes) -> bytes | None:
    """Return a response with its head as the parser reads it, None if the head is incomplete.

    A folded header becomes one line (RFC 9112, 5.2). A line may end without CR (2.2). A line
    without a colon, and blanks before a colon, are removed, as browsers do. A `Content-Length`
    beside chunks is removed (6.3). One that is stated several times with the same number is stated
    once (RFC 9110, 8.6). Other faults stay, so that the parser refuses them again.
    """
    begins = 0
    while _INTERIM.match(received, begins):
        end = _END.search(received, begins)
        if end is None:
            return None
        begins = end.end()
    end = _END.search(received, begins)
    if end is None:
        return None
    status, *lines = _LINE_END.split(_FOLD.sub(b" ", received[begins : end.start()]))
    fields = [line.partition(b":") for line in lines]
    stated_fields = (name.rstrip() + colon + value for name, colon, value in fields if colon)
    head = b"\r\n".join((status, *stated_fields))
    stated = b",".join(_LENGTH.findall(head)).split(b",")
    lengths = {length.strip() for length in stated}
    transfers = [transfer.strip().lower() for transfer in _TRANSFER.findall(head)]
    if transfers == [b"chunked"]:
        head = _LENGTH.sub(b"", head)
    elif lengths != {b""} and len(lengths) == 1:
        head = _LENGTH.sub(b"", head) + b"\r\nContent-Length: " + lengths.pop()
    return received[:begins] + head + b"\r\n\r\n" + received[end.end() :]
