"""Compares what was read inside a file with the release that it should be.

A sign that another reading could explain is left out, because a wrong one is worse than none.
"""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from monitor.files.facts import FileFacts, FileSign
from monitor.files.mentions import may_name_period
from monitor.files.people import find_people
from monitor.look.recognise.title import (
    Likeness,
    compare_titles,
    is_variant,
    names_earlier_edition,
)
from schedules.contract.verdict import FindingKind
from schedules.patterns import quick
from schedules.titles import is_same_series, period_of, read_title

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_RECENT = timedelta(days=14)
_LONGEST_MARK = 90
_VERSION = r"(?:v(?:ersion|\.)?\s*)?\d+(?:\.\d+)*"
_REST = r".{0,60}"
_SENSITIVE = r"official\W+sensitive"
_MARK = quick(
    rf"""^\W*(?:{_SENSITIVE}\W+)?(?:
      (?P<draft>draft(?:\s+(?:only|copy|document|(?:copy\s+)?{_VERSION}
        |(?:version\s+)?for\s+(?:comment|review|qa|clearance|internal\s+use){_REST}|version))?
        (?:\W+not\s+for\s+(?:publication|release|circulation){_REST})?)
    | (?P<embargo>(?:strictly\s+|under\s+)?embargo(?:ed)?(?:\s*:\s*|\s+)(?:until|till|to)\b{_REST})
    | (?P<private>(?:strictly\s+)?not\s+(?:yet\s+)?for\s+(?:publication|release|circulation)
        (?:\s+(?:before|until)\b{_REST})?)
    | (?P<early>pre-?\s?release(?:\s+(?:version|copy|draft|only|use\s+only))?)
    )\W*(?:{_SENSITIVE}\W*)?$""",
    re.VERBOSE | re.IGNORECASE,
)
EMBARGOED = "embargoed until"
_NAME_OF_MARK = {
    "draft": "draft",
    "embargo": EMBARGOED,
    "private": "not for publication",
    "early": "pre-release",
}
_LONE_WORD = quick(r"^\W*(?:draft|pre-?\s?release)\W*$", re.IGNORECASE)
_NAMES_OTHERS = quick(
    r"^\W*(?:related|see also|previous\s*:|(?:previous|earlier|last|other)\s+"
    r"(?:editions?|releases?|versions?|publications?|statistics)\b)",
    re.IGNORECASE,
)
_DAY = r"(?:on\s+)?(?:[a-z]{3,6}day,?\s+)?\d{1,2}(?:st|nd|rd|th)?[\s./-]"
_MONTH = r"[a-z\d]{1,9}[\s./-]\d{2,4}(?:\W{1,3}(?:at\s)?\d{1,2}[:.]\d\d\s?(?:[ap]m)?)?\W{0,3}$"
_NEXT_DATE = quick(
    rf"^\W*next\s+(?:release|update|publication|edition)(?:\s+date)?\W+(?:{_DAY})?{_MONTH}",
    re.IGNORECASE,
)
_OWN_DATE = quick(
    rf"^\W*(?:date\s+of\s+)?(?:publication|published|released?|issued)(?:\s+date)?\W+{_DAY}{_MONTH}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """The release of a file, and the day of its slot.

    `similar_titles` are those of other releases that may be confused with its title.
    """

    title: str
    day: date
    similar_titles: Sequence[str] = ()


def find_signs(facts: FileFacts, expected: Expectation) -> tuple[FileSign, ...]:
    """Return the signs of faults in a file, each once.

    If a line introduces other releases ("See also"), no title in the file shows which one it is.
    """
    lists_others = any(map(_NAMES_OTHERS.match, facts.lines))
    signs = [
        *(() if lists_others else _find_other_edition(facts, expected)),
        *(() if lists_others else _find_other_series(facts, expected)),
        *_find_marks(facts),
        *(FileSign(FindingKind.PERSONAL_METADATA, name) for name in find_people(facts.people)),
    ]
    if facts.is_tagged is False:
        signs.append(FileSign(FindingKind.NOT_ACCESSIBLE, "a PDF without tags"))
    return tuple(dict.fromkeys(signs))


def _find_other_edition(facts: FileFacts, expected: Expectation) -> Iterator[FileSign]:
    """Yield the heading of an earlier edition of the series."""
    title = expected.title
    earlier = [
        heading
        for heading in facts.headings
        if names_earlier_edition(title, heading) and _have_same_shape(title, heading)
    ]
    if not earlier or _is_named_after_publication(title, expected.day):
        return
    if _mentions_edition(facts.lines, expected, earlier):
        return
    if _has_recent_data(facts, expected) or _was_just_changed(facts.modified, expected.day):
        return
    yield FileSign(FindingKind.WRONG_EDITION, _name_period(earlier[0]))


def _name_period(heading: str) -> str:
    """Return the period of a heading in words, such as `5 January 2018`, and no other words."""
    return " ".join(map(_name_word, period_of(heading)))


def _name_word(word: str) -> str:
    if word in _MONTHS:
        return month_name[_MONTHS.index(word) + 1]
    is_day = word[0] == "d" and word[1:].isdecimal()
    return word[1:] if is_day else word.capitalize()


def _have_same_shape(title: str, heading: str) -> bool:
    """Return whether two titles name periods of the same shape, such as one month and one year."""
    ours, theirs = (sorted(map(_shape_of, read_title(text).period)) for text in (title, heading))
    return ours == theirs


def _shape_of(word: str) -> str:
    """Return the kind of one word of a period: a year, a span of years, a month, or its letter."""
    if word[0].isdigit():
        return "span" if "/" in word else "year"
    if word in _MONTHS:
        return "month"
    return word if word.isalpha() else word[0]


def _is_named_after_publication(title: str, day: date) -> bool:
    """Return whether a title may name when it is published, not what its data are about."""
    period = read_title(title).period
    if any(_shape_of(word) in ("d", "w") for word in period):
        return False
    months = [_MONTHS.index(word) + 1 for word in period if word in _MONTHS]
    is_of_year = str(day.year) in period
    return is_of_year and (not months or max(months) >= day.month)


def _mentions_edition(lines: Sequence[str], expected: Expectation, earlier: Sequence[str]) -> bool:
    """Return whether a line may name the release's period, or the month of its slot.

    The date of the next edition is no such line, and the file's own date only for the slot's month.
    """
    own = read_title(expected.title)
    slot_month = read_title(f"{_MONTHS[expected.day.month - 1]} {expected.day.year}")
    is_new_year = any(read_title(heading).end[:1] < own.end[:1] for heading in earlier)
    for before, line in pairwise(("", *lines)):
        names_slot_month = may_name_period(line, slot_month, is_new_year=False)
        if not names_slot_month and not may_name_period(line, own, is_new_year=is_new_year):
            continue
        # The label of a date may be in the cell before it.
        texts = line, f"{before} {line}"
        is_next_date = any(map(_NEXT_DATE.match, texts))
        is_own_date = any(map(_OWN_DATE.match, texts)) and not names_slot_month
        if not is_next_date and not is_own_date:
            return True
    return False


def _has_recent_data(facts: FileFacts, expected: Expectation) -> bool:
    """Return whether the latest day of the data is in or after the first month of the release's
    period. A cell may name a quarter by its first day, and a period may end in the next year.
    """
    latest = facts.latest
    if latest is None:
        return False
    period = read_title(expected.title).period
    years = [int(word) for word in period if _shape_of(word) == "year"]
    months = [_MONTHS.index(word) + 1 for word in period if word in _MONTHS]
    if not years:
        # Any data may be recent.
        return True
    return (latest.year, latest.month) >= (min(years), min(months, default=1))


def _was_just_changed(modified: datetime | None, day: date) -> bool:
    return modified is not None and timedelta() <= day - modified.date() <= _RECENT


def _find_other_series(facts: FileFacts, expected: Expectation) -> Iterator[FileSign]:
    """Yield the title of another release that heads the file."""
    headings = [read_title(heading) for heading in facts.headings]
    for other in expected.similar_titles:
        title = read_title(other)
        if len(title.words) > 1 and any(is_same_series(heading, title) for heading in headings):
            if not any(_may_be_ours(line, expected) for line in (*facts.headings, *facts.lines)):
                yield FileSign(FindingKind.WRONG_CONTENT, other)
            return


def _may_be_ours(line: str, expected: Expectation) -> bool:
    """Return whether a line may be the title of the release, of this or any other edition."""
    title = expected.title
    likeness = compare_titles(title, line, ())
    return likeness is not Likeness.DIFFERENT or is_variant(
        title, line, expected.similar_titles, is_new=True
    )


def _find_marks(facts: FileFacts) -> Iterator[FileSign]:
    """Yield the marks of what is not to be published, each without other text beside it."""
    # In a text, "Draft" may be the title of a section, or an entry in a list of stages.
    words = [line for line in facts.alone if line.isupper() or not _LONE_WORD.match(line)]
    for line in (*words, facts.status):
        found = _MARK.match(line) if len(line) <= _LONGEST_MARK else None
        if found is not None and found.lastgroup is not None:
            yield FileSign(FindingKind.MARKED_DRAFT, _NAME_OF_MARK[found.lastgroup])
    if facts.has_tracked_changes:
        yield FileSign(FindingKind.MARKED_DRAFT, "tracked changes")
