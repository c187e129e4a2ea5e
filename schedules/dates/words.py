"""The words of date texts, English and Welsh. All in case-folded form."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from schedules.patterns import quick

LONGEST = 200  # characters; nothing longer is a date

# Removed first, because NFKC would turn "2026¹" into "20261". The last ones are ticks.
_FOOTNOTES = str.maketrans(
    "", "", "⁰¹²³⁴⁵⁶⁷⁸⁹*†‡§¶\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0f\u2713\u2714\u2705"
)
# Old typography raises the minutes of a time: "9³⁰am".
_RAISED_MINUTES = quick(
    r"(?<![\d.:])(\d{1,2})[.:]?\s?([⁰¹²³⁴⁵⁶⁷⁸⁹]{2})(?=\s?[ap]\.?m)", re.IGNORECASE
)
_DASHES = quick(r"[‐‑‒–—―−]")  # noqa: RUF001
_QUOTES = quick(r"[‘’‛′`]")  # noqa: RUF001
# British print has a raised point in times: "9·30am".
_RAISED_POINT = quick(r"(?<=\d)[·∙•](?=\d\d)")
# Not "[p]", which means provisional.
_NOTES = quick(r"\[(?!p\])(?:note )?[0-9a-z]{1,2}\]|\((?:[0-9]|note [0-9]{1,2})\)")


@lru_cache(maxsize=16_384)
def normalise(text: str) -> str:
    """Return the text in lower case, with plain dashes, quotes and single blanks, without footnote
    marks.
    """
    plain = _fold_signs(text)
    if "[" in plain or "(" in plain:
        plain = _NOTES.sub(" ", plain)
    plain = " ".join(plain.split()).strip(" ,;:")
    if plain[:1] in {"'", '"'}:
        plain = plain.strip("'\"")
    # The last point of "a.m." or "w.c." belongs to the word.
    if plain.endswith((".m.", "w.c.")):
        return plain
    return plain.rstrip(" .,;")


def _fold_signs(text: str) -> str:
    """Return a text in lower case with plain digits, points, dashes and quotes, without footnote
    signs.
    """
    if text.isascii():
        # The only footnote sign and the only odd quote in ASCII.
        return text.replace("*", "").replace("`", "'").lower()
    text = _RAISED_POINT.sub(".", _RAISED_MINUTES.sub(_lower_minutes, text))
    plain = unicodedata.normalize("NFKC", text.translate(_FOOTNOTES))
    return _QUOTES.sub("'", _DASHES.sub("-", plain)).casefold()


def _lower_minutes(found: re.Match[str]) -> str:
    return f"{found[1]}:{unicodedata.normalize('NFKC', found[2])}"


ENGLISH_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_WELSH = (
    "ionawr", "chwefror", "mawrth", "ebrill", "mai", "mehefin",
    "gorffennaf", "awst", "medi", "hydref", "tachwedd", "rhagfyr",
)  # fmt: skip
# Soft mutations: forms of the names after "o" and "i". Short forms, but not "Ion", "Maw" and "Hyd",
# which are other words in names of files.
_OTHER_WELSH = {
    "fawrth": 3,
    "fai": 5,
    "fehefin": 6,
    "orffennaf": 7,
    "fedi": 9,
    "dachwedd": 11,
    "ragfyr": 12,
    "chwef": 2,
    "ebr": 4,
    "meh": 6,
    "gorff": 7,
    "tach": 11,
    "rhag": 12,
}
_DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WELSH_DAYS = ("llun", "mawrth", "mercher", "iau", "gwener", "sadwrn", "sul")


def _map_prefixes(names: tuple[str, ...], base: int) -> dict[str, int]:
    """Return the number, counted from `base`, for each name and for its abbreviations of three
    letters or more.
    """
    numbers: dict[str, int] = {}
    for number, name in enumerate(names, base):
        for size in range(3, len(name) + 1):
            numbers[name[:size]] = number
    return numbers


MONTHS: dict[str, int] = (
    _map_prefixes(ENGLISH_MONTHS, 1) | {name: n for n, name in enumerate(_WELSH, 1)} | _OTHER_WELSH
)
WEEKDAYS: dict[str, int] = (
    _map_prefixes(_DAY_NAMES, 0)
    | {"weds": 2}
    | {f"{dydd}{name}": n for dydd in ("", "dydd ", "ddydd ") for n, name in enumerate(_WELSH_DAYS)}
)

SEASONS: dict[str, int] = {
    "spring": 3, "summer": 6, "autumn": 9, "winter": 12,
    "gwanwyn": 3, "haf": 6, "gaeaf": 12,
}  # fmt: skip

HYDREF = "hydref"  # both October and autumn
