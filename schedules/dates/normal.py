"""Date texts brought into one spelling: footnote marks, dashes, quotes, blanks and case."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 200  # characters; nothing longer is a date

# NFKC would make "2026¹" into "20261", so the marks go first.
_FOOTNOTES = str.maketrans("", "", "⁰¹²³⁴⁵⁶⁷⁸⁹*†‡§¶\u00ad\u200b\u200c\u200d\u2060\ufeff")
_DASHES = re.compile(r"[‐‑‒–—―−]")  # noqa: RUF001
_QUOTES = re.compile(r"[‘’‛′`]")  # noqa: RUF001
_NOTES = re.compile(r"\[(?:note )?[0-9a-z]{1,2}\]|\((?:[0-9]|note [0-9]{1,2})\)")
_BLANKS = re.compile(r"\s+")


@lru_cache(maxsize=16_384)
def normalise(text: str) -> str:
    """Return the text case-folded, with plain dashes, quotes and single blanks, without footnote marks."""
    plain = unicodedata.normalize("NFKC", text.translate(_FOOTNOTES))
    plain = _QUOTES.sub("'", _DASHES.sub("-", plain)).casefold()
    plain = _BLANKS.sub(" ", _NOTES.sub(" ", plain)).strip(" ,;:")
    if plain[:1] in {"'", '"'}:
        plain = plain.strip("'\"")
    return plain if plain.endswith((".m.", "w.c.")) else plain.rstrip(" .,;")
