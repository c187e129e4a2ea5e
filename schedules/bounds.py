"""Limits on HTML, XML and JSON from other sites, because some input costs a parser minutes.

They are checked on the bytes, before a parser runs. The HTML parser itself limits nesting to 256
elements.
"""

from __future__ import annotations

from itertools import accumulate

from schedules.patterns import quick

DEEPEST = 100
"""Nested arrays and objects. Real calendars and content items have about a dozen."""
MOST_TAGS = 250_000
"""Tags of a page, end tags included. The largest release calendars have about ten thousand."""
MOST_ATTRIBUTES = 500
"""Attributes of one element. The parser's time grows with their square."""
_QUOTED = quick(rb"=\s*(?:\"[^\"]*\"|'[^']*')")
_JSON_BEGINS = quick(rb"[\xef\xbb\xbf \t\r\n]*[\[{]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = dict(zip(b"[]{}", (1, -1, 1, -1), strict=True))


def why_too_complex(body: bytes) -> str:
    """Return in a few words which limit these bytes exceed, "" if they may be parsed."""
    if _JSON_BEGINS.match(body) and _is_deep(body):
        return f"nested deeper than {DEEPEST}"
    if body.count(b"<") > MOST_TAGS:
        return f"more than {MOST_TAGS} tags"
    # An attribute takes at least two bytes, its name and a blank. Shorter tags need no count, which
    # would take long.
    long_tags = (tag for tag in body.split(b"<")[1:] if len(tag) > 2 * MOST_ATTRIBUTES)
    if any(_count_attributes(tag) > MOST_ATTRIBUTES for tag in long_tags):
        return f"more than {MOST_ATTRIBUTES} attributes"
    return ""


def _is_deep(body: bytes) -> bool:
    # Without escaped quotes, every second piece between quotes is a string, whose brackets do not
    # count.
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(bare.split(b'"')[::2]).translate(None, _NOT_BRACKETS)
    return any(depth > DEEPEST for depth in accumulate(map(_STEPS.__getitem__, brackets)))


def _count_attributes(piece: bytes) -> int:
    """Return how many attributes the tag at the start of this text can have at most."""
    if not piece[:1].isalpha():
        return 0
    return len(_QUOTED.sub(b"= ", piece).partition(b">")[0].replace(b"/", b" ").split())
