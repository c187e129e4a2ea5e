"""Web addresses as calendars print them: repaired, and compared."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

_BLANKS = re.compile(r"[\s\u00ad\u200b-\u200d\u2060\ufeff]+")
_DASHES = re.compile(r"[\u2010-\u2015\u2212]")


def repaired(url: str) -> str:
    """Return an address without the blanks, soft hyphens and long dashes that printing put into it."""
    return _DASHES.sub("-", _BLANKS.sub("", url))


@lru_cache(maxsize=50_000)
def canonical(url: str) -> str:
    """Return what two addresses of one page have in common; empty for what is no web address.

    Scheme, case of the host, `www.`, trailing slash, query and fragment do not count (`facts/calendars.md`
    §6 rule 7).
    """
    text = repaired(url)
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""
    return f"{host}{parts.path.rstrip('/')}" if "." in host else ""


def last_segment(url: str) -> str:
    """Return the last segment of an address's path, empty when it has none."""
    return urlsplit(repaired(url)).path.rstrip("/").rpartition("/")[2]
