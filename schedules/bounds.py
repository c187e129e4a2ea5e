"""How deep and how rich foreign HTML, XML and JSON may be. Beyond that nothing is parsed, whatever it would cost.

Counted on the bytes: what costs a parser most costs it before there is anything else to count. Elements are nested to
256 at most by the parser itself.
"""

from __future__ import annotations

from itertools import accumulate

from schedules.patterns import quick

DEEPEST = 100
"""Arrays and objects inside each other. Those of the calendars and items there are come to a dozen."""
MOST_TAGS = 250_000
"""Tags of a page, those that end an element counted too. The largest release calendars have some ten thousand."""
MOST_ATTRIBUTES = 500
"""Attributes of an element: the parser's time grows with their square."""
_LONG = 2 * MOST_ATTRIBUTES
_QUOTED = quick(rb"=\s*(?:\"[^\"]*\"|'[^']*')")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = dict(zip(b"[]{}", (1, -1, 1, -1), strict=True))


def beyond(body: bytes) -> str:
    """Return in few words what bytes have too much of, empty when they may be parsed."""
    if body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{") and _is_deep(body):
        return f"nested deeper than {DEEPEST}"
    if body.count(b"<") > MOST_TAGS:
        return f"more than {MOST_TAGS} tags"
    long = (piece for piece in body.split(b"<")[1:] if len(piece) > _LONG)
    return (
        f"more than {MOST_ATTRIBUTES} attributes" if any(_attributes(piece) > MOST_ATTRIBUTES for piece in long) else ""
    )


def _is_deep(body: bytes) -> bool:
    # Every second piece between quotes is a string, once no quote inside one is left.
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(bare.split(b'"')[::2]).translate(None, _NOT_BRACKETS)
    return any(depth > DEEPEST for depth in accumulate(map(_STEPS.__getitem__, brackets)))


def _attributes(piece: bytes) -> int:
    """Return how many attributes there may be in the tag that a piece begins with."""
    if not piece[:1].isalpha():
        return 0
    return len(_QUOTED.sub(b"= ", piece).partition(b">")[0].replace(b"/", b" ").split())
