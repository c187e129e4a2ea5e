"""Reads and compares titles."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from sys import intern

from schedules.dates.words import ENGLISH_MONTHS, MONTHS, SEASONS
from schedules.patterns import linear, quick

MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_NUMBERS = {
    "first": "1",
    "second": "2",
    "third": "3",
    "fourth": "4",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
}
_NTH = r"(?:[1-4](?:st|nd|rd|th)?|first|second|third|fourth)"

_PERIOD = quick(
    rf"""\b(?:
      (?P<iso_date>(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))
    | (?P<from>(?:19|20)\d\d)\s*(?:/|-|\bto\b)\s*(?P<to>(?:19|20)?\d\d)\b(?!-\d)
    | (?P<year>(?:19|20)\d\d)
    | q(?P<q>[1-4]) | quarter\s+(?P<q_after>[1-4]|one|two|three|four)
    | (?P<q_before>{_NTH})\s+quarter
    | h(?P<h>[12]) | (?P<h_before>first|second)\s+half
    | week\s+(?P<week>\d\d?)
    | (?P<day_before_month>\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month_after_day>{MONTH})
    | (?P<month_before_short_year>{MONTH})-(?P<short_year>\d\d)\b(?!-\d)
    | (?P<month_before_day>{MONTH})\s+(?P<day_after_month>\d\d?)(?:st|nd|rd|th)?
    | (?P<month>{MONTH})
    | (?P<season>spring|summer|autumn|winter)
    )\b""",
    re.VERBOSE,
)
_YEAR = r"(?:19|20)\d\d(?:[/-]\d\d(?!\d))?"
_RANGE_OF_MONTHS = quick(
    rf"\b{MONTH}(?:\s+(?P<first>{_YEAR}))?\s*(?:-|\b(?:to|and|until)\b)"
    rf"\s*(?:\d\d?(?:st|nd|rd|th)?\s+)?(?P<month>{MONTH})\b(?:\s+(?P<year>{_YEAR}))?"
)
_RANGE_OF_YEARS = quick(rf"\b(?P<first>{_YEAR})\s*(?:-|\bto\b)\s*(?P<last>{_YEAR})\b(?!-\d)")
_WORD = quick(r"[a-z0-9]+")
_DASHES = quick(r"[\u2010-\u2015\u2212]")
_APOSTROPHES = quick(r"[\u2018\u2019]")
_SITE = linear(
    r"(?:\s+[-|]\s+[^-|]*\b(?:gov\.uk|office for national statistics|explore education"
    r" statistics|announcement)"
    r"\b[^-|]*)+$"
)
_LABEL = quick(
    r"^(?:\[withdrawn\]\s*)?(?:(?:accredited )?(?:official|national) statistics(?:"
    r" announcement)?:\s*|statistic(?:s|al) (?:first )?(?:release|bulletin|report)\s*[:-]\s*)?"
)
_ANY_LABEL = quick(_LABEL.pattern, re.IGNORECASE)
_SMALL = frozenset(
    {"a", "an", "the", "of", "in", "for", "and", "to", "on", "from", "by", "at", "ending"}
)
_GENRE = frozenset({"statistics", "statistic", "statistical", "bulletin"})
_LEAST_SHARED = 0.7
_STAGE = (
    r"provisional | final | revised | preliminary | first | second | third | early | flash"
    r" | interim | initial | draft | updated | corrected | advance"
)
_STAGES = quick(_STAGE, re.VERBOSE)
# A word of these in only one of two titles makes them titles of two releases.
_IDENTIFYING = quick(
    rf"""(?:
      # places
      eng(?:land|lish) | wales | welsh | scot(?:land|tish) | ireland | irish | uk | gb | britain
    | british | united | kingdom | great | north | south | east | west | north(?:ern|east|west)
    | south(?:ern|east|west) | eastern | western | midlands | yorkshire | humber | cornwall | london
    | birmingham | bradford | bristol | cardiff | edinburgh | glasgow | belfast | leeds | liverpool
    | manchester | newcastle | nottingham | sheffield | swansea | eu | european? | world | global
    | international | overseas | (?:sub)?national | local | region(?:s|al)? | count(?:y|ies)
    | boroughs? | cit(?:y|ies) | districts? | councils? | urban | rural | coastal
      # groups: sex, age, sector
    | (?:wo)?m[ae]n | (?:fe)?males? | boys? | girls? | mothers? | fathers? | adults? | child(?:ren)?
    | young | youths? | older | teenagers? | babies | infants? | pensioners? | elderly | aged?s?
    | under | over | famil(?:y|ies) | public | private | households? | business(?:es)?
    | industr(?:y|ies|ial) | manufacturing | services | construction | retail | wholesale
    | agricultur(?:e|al) | primary | secondary | special | independent | academies | maintained
    | voluntary | social | disabled | ethnic
    | {_STAGE}
      # kinds of content
    | tables? | data | datasets? | methods? | methodology | technical | annex(?:es)? | appendix
    | background | quality | guid(?:e|ance) | notes? | metadata | microdata | dashboard
    | infographics? | questionnaires? | supplementary
    | [a-z]*\d[a-z0-9]*
    )""",
    re.VERBOSE,
)
_LABELS = frozenset({"official", "accredited", "experimental", "release", "publication"})
_LEAST_MISSPELT = 4
_MONTHS_OF_FINANCIAL_YEAR = (*range(4, 13), 1, 2, 3)
_LONGEST = 500
"""Only so many characters of a title count, because a page may have a very long one."""


@dataclass(frozen=True, slots=True)
class Title:
    """A title in parts.

    `words` name the series, `period` the edition (`2026`, `2025/26`, `q3`, `jul`, `d23`).
    `range_end` is the last year and month of a range: (2026, 9) of "July to September 2026",
    (2025,) of "2020 to 2025", () without a range.
    """

    words: tuple[str, ...]
    period: frozenset[str]
    range_end: tuple[int, ...]

    @property
    def end(self) -> tuple[int, ...]:
        """The last year of the period, and its last month if named, () without a year."""
        return self.range_end or last_month(self.period)

    def is_later_than(self, other: Title) -> bool:
        """Return whether its period ends later, as far as both ends are named."""
        return self.end[: len(other.end)] > other.end[: len(self.end)]


def read_title(title: str) -> Title:
    """Split a title into series and period.

    Case, punctuation, small words and "statistical bulletin" do not count.
    """
    return _split_title(title[:_LONGEST])


@lru_cache(maxsize=10_000)
def _split_title(title: str) -> Title:
    text = _fold_text(title)
    period: set[str] = set()

    def collect_period(found: re.Match[str]) -> str:
        period.update(_period_tokens(found))
        return " "

    rest = _PERIOD.sub(collect_period, text)
    words = (word for word in _WORD.findall(rest) if word not in _SMALL and word not in _GENRE)
    # Interned, because thousands of titles share their words.
    return Title(
        tuple(map(intern, words)), frozenset(map(intern, period)), _read_range_end(text, period)
    )


def _read_range_end(text: str, period: Collection[str]) -> tuple[int, ...]:
    """Return the last year and month of the last range in a folded text, () without one.

    A range of months counts before one of years, which may belong to the name of the series.
    """
    years = [word for word in period if period_kind(word) in ("year", "span")]
    if len(years) < 2 and len(MONTHS.keys() & period) < 2:
        return ()
    end: tuple[int, ...] = ()
    for found in _RANGE_OF_YEARS.finditer(text):
        first, last = _read_year(found["first"]), _read_year(found["last"])
        # "2025 to 2026" is one financial year.
        if "/" in last or int(last) > int(first[:4]) + 1:
            end = last_month({last})
    for found in _RANGE_OF_MONTHS.finditer(text):
        year = found["year"] or found["first"]
        own_years = [_read_year(year)] if year else years
        end = last_month([found["month"][:3], *own_years])
    return end


def _read_year(text: str) -> str:
    """Return the token of a year or financial year: `2025-26` gives `2025/26`."""
    return text.replace("-", "/")


def period_of(text: str) -> tuple[str, ...]:
    """Return the tokens of the periods in a text, as in `Title.period`, in order and with
    repeats.
    """
    return tuple(
        token for found in _PERIOD.finditer(_fold_text(text)) for token in _period_tokens(found)
    )


def period_kind(word: str) -> str:
    """Return what a word of a period is: year, span of years, month, season, or its letter (q, h,
    w, d).
    """
    if word[0].isdecimal():
        return "span" if "/" in word else "year"
    if word[1:].isdecimal():
        return word[0]
    return "season" if word in SEASONS else "month"


def names_a_period(text: str) -> bool:
    """Return whether a text names a year, month, quarter or season, and so one edition."""
    return any(period_kind(word) not in ("d", "w") for word in read_title(text).period)


def last_month(period: Iterable[str]) -> tuple[int, ...]:
    """Return the last year of a period, and its last month if named, () without a year.

    A span such as 2026/27 is a financial year, from April to March.
    """
    words = _group_by_kind(period)
    months = [MONTHS[word] for word in words.get("month", ())]
    quarters = [int(word[1]) for word in words.get("q", ())]
    years = [int(year) for year in words.get("year", ())]
    if not years:
        return ()
    if not months and not quarters:
        return (max(years),)
    is_financial_year = "span" in words and max(years) == min(years) + 1
    if not is_financial_year:
        return (max(years), max(months + [3 * quarter for quarter in quarters]))
    months += [_MONTHS_OF_FINANCIAL_YEAR[3 * quarter - 1] for quarter in quarters]
    last = max(months, key=_MONTHS_OF_FINANCIAL_YEAR.index)
    return (min(years) if last >= _MONTHS_OF_FINANCIAL_YEAR[0] else max(years), last)


def lacks_period(title: str, seen: str, text: str, *, is_new: bool) -> bool:
    """Return whether neither the title of a page nor its text names the period of a release's
    title.

    On a page that is new, the months of the quarter name it too, or the quarter of the months.
    """
    ours, theirs = read_title(title).period, read_title(seen).period
    return not (ours <= set(period_of(text)) or (is_new and _are_same_quarter(ours, theirs)))


def _are_same_quarter(ours: Collection[str], theirs: Collection[str]) -> bool:
    """Return whether one of two periods names a quarter, and the other its first and last month."""
    for named, spelt in ((ours, theirs), (theirs, ours)):
        months = _group_by_kind(spelt).get("month", set())
        quarters = _group_by_kind(named).get("q", set())
        if len(quarters) == 1 and len(months) in (2, 3) and last_month(named) == last_month(spelt):
            return max(map(MONTHS.__getitem__, months)) - min(map(MONTHS.__getitem__, months)) == 2
    return False


def are_other_editions(ours: Title, theirs: Title) -> bool:
    """Return whether the periods of two titles contradict each other, or are ranges that end at
    different times.
    """
    if _periods_contradict(ours.period, theirs.period):
        return True
    return bool(ours.range_end and theirs.range_end) and _end_differently(ours, theirs)


def _end_differently(ours: Title, theirs: Title) -> bool:
    return ours.is_later_than(theirs) or theirs.is_later_than(ours)


def _periods_contradict(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Return whether two periods name, for instance, a month each, but none in common."""
    our_words, their_words = _group_by_kind(ours), _group_by_kind(theirs)
    return any(
        our_words[kind].isdisjoint(their_words[kind])
        for kind in our_words.keys() & their_words.keys()
    )


def names_other_period(title: str, seen: str) -> bool:
    """Return whether a text contradicts the period of a title, or one of both is a quarter or range
    that does not end with the other.
    """
    own, shown = read_title(title), read_title(seen)
    if are_other_editions(own, shown):
        return True
    our_kinds, their_kinds = set(map(period_kind, own.period)), set(map(period_kind, shown.period))
    if "q" in our_kinds:
        return False
    has_range = "q" in their_kinds or bool(own.range_end or shown.range_end)
    return has_range and _end_differently(own, shown)


def _group_by_kind(period: Iterable[str]) -> dict[str, set[str]]:
    """Group the words of a period by kind. A span of years counts as both years too."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for word in period:
        kind = period_kind(word)
        kinds[kind].add(word)
        if kind == "span":
            # 2025/26 does not contradict 2026, but it does contradict 2024/25.
            first, last = word.split("/")
            kinds["year"] |= {first, first[:2] + last}
    return dict(kinds)


def title_matches(release_title: str, seen_title: str) -> bool:
    """Return whether a title on a page is that of the release: same period, and the same series
    (`is_same_series`).

    Site names, `[Withdrawn]` and "Official Statistics:" around the seen title do not count. Another
    quarter does not match, nor does a name with one word exchanged (Wales for England).
    """
    own, seen = read_title(release_title), _read_seen_title(seen_title)
    return own.period == seen.period and is_same_series(own, seen)


def is_nearer(title: str, other: str, seen: str) -> bool:
    """Return whether `seen` is nearer to a release's title than to `other`.

    First the period counts, then the words.
    """
    shown = _read_seen_title(seen)
    return _count_differences(read_title(title), shown) < _count_differences(
        read_title(other), shown
    )


def may_be_confused(title: Title, other: Title) -> bool:
    """Return whether a title that is like that of one release could be that of another one.

    Both have half of their words in common. Two releases with the same title have no such title.
    """
    words, other_words = _words_of(title), _words_of(other)
    if (words, title.period) == (other_words, other.period):
        return False
    return 2 * len(words & other_words) >= max(len(words), len(other_words), 1)


def differ_in_stage(title: Title, other: Title) -> bool:
    """Return whether two titles have the same period and words, except for a stage such as
    "provisional".
    """
    difference = _words_of(title) ^ _words_of(other)
    is_stage = bool(difference) and all(map(_STAGES.fullmatch, difference))
    return is_stage and title.period == other.period


def has_one_stage_more(title: Title, other: Title) -> bool:
    """Return whether one of two titles names a stage that the other leaves out, and both are the
    same otherwise.
    """
    words, other_words = _words_of(title), _words_of(other)
    is_left_out = words <= other_words or other_words <= words
    return is_left_out and differ_in_stage(title, other)


def _read_seen_title(seen: str) -> Title:
    """Return a title on a page without the name of the site and the labels around it."""
    bare = _LABEL.sub("", " ".join(_fold_text(seen[:_LONGEST]).split()))
    return read_title(_SITE.sub("", bare) if " - " in bare or " | " in bare else bare)


def _words_of(title: Title) -> frozenset[str]:
    return frozenset(title.words) - _LABELS


def _count_differences(title: Title, other: Title) -> tuple[int, int]:
    return len(title.period ^ other.period), len(_words_of(title) ^ _words_of(other))


def is_same_series(title: Title, other: Title) -> bool:
    """Return whether one of two titles has all words of the other, and no others but labels or a
    few that identify no other release.

    A number, place, group, stage or kind of content does, such as "Wales" or "provisional". Of the
    longer title, at least `_LEAST_SHARED` of the words must be in both.
    """
    shorter, longer = sorted((set(title.words), set(other.words)), key=len)
    more = longer - shorter - _LABELS
    if not shorter or not shorter - _LABELS <= longer or any(map(_IDENTIFYING.fullmatch, more)):
        return False
    return not more or len(shorter) >= _LEAST_SHARED * len(longer)


def is_misspelt(title: Title, other: Title) -> bool:
    """Return whether two titles differ by at most one letter in each word.

    Their period, numbers, places, groups and the like must be the same.
    """
    if title.period != other.period or len(title.words) != len(other.words):
        return False
    pairs = zip(title.words, other.words, strict=True)
    return all(word == seen or _is_one_letter_off(word, seen) for word, seen in pairs)


def _is_one_letter_off(word: str, seen: str) -> bool:
    """Return whether two words differ by one letter, and neither identifies a release."""
    shorter, longer = sorted((word, seen), key=len)
    if len(shorter) < _LEAST_MISSPELT or len(longer) - len(shorter) > 1:
        return False
    if _IDENTIFYING.fullmatch(word) or _IDENTIFYING.fullmatch(seen):
        return False
    pairs = enumerate(zip(shorter, longer, strict=False))
    wrong = next((place for place, (own, other) in pairs if own != other), len(shorter))
    is_exchanged = len(shorter) == len(longer)
    return shorter[wrong + is_exchanged :] == longer[wrong + 1 :]


def strip_label(title: str) -> str:
    """Return a title in one line without the label that GOV.UK's feeds put before it ("Official
    Statistics:").
    """
    return _ANY_LABEL.sub("", " ".join(title.split()))


def slug(text: str, longest: int = 80) -> str:
    """Return a text as lower-case words joined by hyphens, cut between words at `longest`
    characters.
    """
    words = "-".join(_WORD.findall(_fold_text(text)))
    if len(words) <= longest:
        return words
    return words[: longest + 1].rpartition("-")[0] or words[:longest]


def _fold_text(title: str) -> str:
    """Return a text in lower case, without accents and apostrophes, and with plain dashes."""
    text = title
    if not text.isascii():
        text = unicodedata.normalize("NFKD", _DASHES.sub("-", _APOSTROPHES.sub("", text)))
        # Marks and, of category Cf, characters that no reader sees, such as a soft hyphen.
        text = "".join(
            char
            for char in text
            if not unicodedata.combining(char) and unicodedata.category(char) != "Cf"
        )
    return text.lower().replace("&", " and ").replace("'", "").replace("`", "")


def _period_tokens(found: re.Match[str]) -> Iterator[str]:
    """Yield the tokens of one period, a match of `_PERIOD`: `23 July` gives `d23` and `jul`, `2025
    to 26` `2025/26`, `2026-07` `2026` and `jul`.
    """
    named = {name: text for name, text in found.groupdict().items() if text}
    for name, text in named.items():
        if name in ("month", "month_after_day", "month_before_day", "month_before_short_year"):
            yield text[:3]
        elif name in ("year", "season"):
            yield text
        elif name == "short_year":
            yield f"20{text}"
        elif name in ("day_before_month", "day_after_month"):
            yield f"d{int(text)}"
        elif name in ("q", "q_after", "q_before", "h", "h_before"):
            # `q3`, `quarter 3`, `3rd quarter` and `third quarter` become `q3`, `first half` becomes
            # `h1`.
            number = text[0] if text[0].isdigit() else _NUMBERS[text]
            yield f"{name[0]}{number}"
        elif name == "week":
            yield f"w{int(text)}"
        elif name == "iso_date":
            year, month, day = text.split("-")
            yield from (year, _month_token(month), f"d{int(day)}")
        elif name == "from":
            yield from _years_tokens(text, named["to"])


def _years_tokens(first: str, last: str) -> tuple[str, ...]:
    """Return the tokens of two years, of a financial year, or of a year and the number of its
    month.
    """
    # For "1999/00", this is still the year after 1999.
    is_financial_year = (int(last[-2:]) - int(first[2:])) % 100 == 1
    if is_financial_year:
        return (f"{first}/{last[-2:]}",)
    if len(last) == 2 and 1 <= int(last) <= 12:
        return (first, _month_token(last))
    return (first, last if len(last) == 4 else first[:2] + last)


def _month_token(number: str) -> str:
    return ENGLISH_MONTHS[int(number) - 1][:3]
