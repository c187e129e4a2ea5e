"""Web addresses as calendars print them: repaired, and compared."""

from __future__ import annotations

import re
from functools import lru_cache

from schedules.patterns import quick

_BLANKS = quick(r"[\s\u00ad\u200b-\u200d\u2060\ufeff]+")
_DASHES = quick(r"[\u2010-\u2015\u2212]")
_ADDRESS = quick(
    r"(?:(?:https?:)?//)?(?:[^/?#@\[\]]*@)?([^/?#@:\[\]]+)(?::\d+)?(/[^?#]*)?(?:[?#].*)?",
    re.IGNORECASE,
)


def repair_address(url: str) -> str:
    """Return an address without blanks, soft hyphens and long dashes, which word processors
    insert.
    """
    text = "".join(url.split())
    if text.isascii():
        return text
    return _DASHES.sub("-", _BLANKS.sub("", text))


@lru_cache(maxsize=50_000)
def canonical_address(url: str) -> str:
    """Return the form in which all addresses of one page are equal, "" for anything but a web
    address.

    It has no scheme, `www.`, trailing slash, query or fragment, and its host is in lower case.
    """
    found = _ADDRESS.fullmatch(repair_address(url))
    host = ""
    if found:
        host = found[1].lower().removeprefix("www.")
    if found and "." in host:
        return f"{host}{(found[2] or '').rstrip('/')}"
    return ""


def last_segment(url: str) -> str:
    """Return the last segment of an address's path, "" if the path is empty."""
    return canonical_address(url).partition("/")[2].rpartition("/")[2]
