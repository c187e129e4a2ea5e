"""Checks the style of sentences that a person signs or sends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

PRECISE = re.compile(
    r"\bseconds?\b|\d"
    r" ?s\b|\d:\d|\bUTC\b|\bGMT\b|\bBST\b|\d{4}-\d\d-\d\d|\b[0-9a-f]{32,}\b|\b[0-9A-HJKMNP-TV-Z]{26}\b"
)
"""Seconds, times with a zone or to the second, and the ids and hashes of records."""
MONITORING = re.compile(
    r"\b(?:monitor\w*|looks?|looked|guess\w*|sighting\w*|verdicts?|judged|first"
    r" (?:seen|read)|exposures?|exposed|slots?"
    r"|calendars?|unproven|tolerance|poll\w*|edge|origin|vantage|logged|interval|absent|present)\b",
    re.IGNORECASE,
)
"""The monitor's own vocabulary."""


def breaches_of_style(text: str, ids: Sequence[str] = ()) -> Iterator[str]:
    """Yield each breach of style in a sentence without titles.

    It must not contain the internal names `ids`. Quotations are in the words of others.
    """
    plain = re.sub(r"https?://\S+|“[^”]*”", "", text)
    for pattern in (PRECISE, MONITORING):
        if found := pattern.search(plain):
            yield f"contains {found[0]!r}"
    yield from (f"contains the id {each!r}" for each in ids if each and each in plain)
    if "\x00" in plain:
        yield "contains a mark that was not filled"
