"""Web addresses as calendars print them: repaired, and compared."""

from __future__ import annotations

import re
from functools import lru_cache

from schedules.patterns import quick

_BLANKS = quick(r"[\s\u00ad\u200b-\u200d\u2060\ufeff]+")
_DASHES = quick(r"[\u2010-\u2015\u2212]")
_ADDRESS = quick(r"(?:(?:https?:)?//)?(?:[^/?#@\[\]]*@)?([^/?#@:\[\]]+)(?::\d+)?(/[^?#]*)?(?:[?#].*)?", re.IGNORECASE)


def repaired(url: str) -> str:
    """Return an address without the blanks, soft hyphens and long dashes that printing put into it."""
    text = "".join(url.split())
    return text if text.isascii() else _DASHES.sub("-", _BLANKS.sub("", text))


@lru_cache(maxsize=50_000)
def canonical(url: str) -> str:
    """Return what two addresses of one page have in common; empty for what is no web address.

    Scheme, case of the host, `www.`, trailing slash, query and fragment do not count (`facts/calendars.md`
    §6 rule 7).
    """
    found = _ADDRESS.fullmatch(repaired(url))
    host = found[1].lower().removeprefix("www.") if found else ""
    return f"{host}{(found[2] or '').rstrip('/')}" if found and "." in host else ""


def last_segment(url: str) -> str:
    """Return the last segment of an address's path, empty when it has none."""
    return canonical(url).partition("/")[2].rpartition("/")[2]
