"""Placeholders: a page under the release's own title that stands there before the release is out.

Told by its structure, because no list of phrases is complete: before its slot it names the day of its slot, has no date
of publication and links to no file. Only an explicit promise ("will be published on …") also proves absence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256

from monitor.look.cache_age import spoken_of
from monitor.look.fetch import Answer
from monitor.look.recognise.page import Page
from monitor.look.recognise.result import Context, Recognised, absent
from monitor.look.recognise.title import names_same_period
from monitor.look.sighting import State
from monitor.plan.targets import is_file
from schedules.dates.words import MONTHS
from schedules.patterns import quick
from schedules.slot import Precision, Slot
from schedules.slot_relations import first_day, last_day

ANNOUNCED = "announced, not released"
PLACEHOLDER = "a page under its title that names the day of its slot, without a date of publication or a file"

# Only a promise with a date: figures that "will be published on a quarterly basis" may well be out.
_PROMISED = quick(
    r"\b(?P<dated>(these|the|this) ([a-z]+ ){0,2}(statistics|figures|release|publication)"
    r" will be (released|published) (on|in|between|at) [^.]{0,30}\d)"
    r"|\bnot yet (been )?(published|released)\b|\bcoming soon\b",
    re.IGNORECASE,
)
# Looked for first, as plain words: the pattern takes fifty times as long over the text of a page.
_PROMISES = ("will be released", "will be published", "not yet", "coming soon")
_REST_OF_DATE = 25
# A label, not a sentence: "is published on" and "will be published" promise.
_PUBLISHED = quick(
    r"\bPublished(?: on)?:? (?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?\d{1,2} [a-z]+ \d{4}\b", re.IGNORECASE
)
_PROMISING = ("be ", "is ", "are ", "not ", "yet ")
_LONGEST_PROMISING = 4
_DATE = quick(
    r"\b(?P<d>\d{1,2}) ?(?:st|nd|rd|th)?(?: of)?[ -](?P<m>[a-z]{3,12})\b[.,]?(?:[ -](?P<y>\d{4})\b)?"
    r"|\b(?P<m2>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})\.?"
    r" (?P<d2>\d{1,2})(?:st|nd|rd|th)?\b(?:,? (?P<y2>\d{4})\b)?"
    r"|\b(?P<y3>\d{4})-(?P<n3>\d\d)-(?P<d3>\d\d)\b"
    r"|\b(?P<d4>\d{1,2})[/.](?P<n4>\d{1,2})[/.](?P<y4>\d{4}|\d\d)\b"
)
_MONTH = quick(r"\b([a-z]{3,12}) (\d{4})\b")
_MOST_TEXT = 100_000
_NEXT_EDITION = timedelta(days=7)
_CLOCK_UNCERTAINTY = timedelta(seconds=1)
_BY_MONTH = (Precision.MONTH, Precision.RANGE)


def read_placeholder(page: Page, answer: Answer, context: Context, *, has_files: bool = False) -> Recognised | None:
    """Return what a page shows that only announces its release; None when it may be the release itself.

    `has_files`: the caller knows of files or parts that it links to. Words that were a placeholder before their slot
    remain one until they change.
    """
    text = page.text[:_MOST_TEXT]
    if has_date_of_publication(text):
        return None
    slot, is_ahead = context.slot, _is_before(answer, context)
    is_promised = promises_release(text, slot)
    may_wait = bool(context.title) and (is_ahead or context.placeholder is not None)
    is_waiting = may_wait and slot is not None and (is_promised or names_day_of(slot, _body(page, text)))
    if not is_promised and not is_waiting:
        return None
    links_file = has_files or _links_file(page, context)
    if is_promised and not links_file:
        return absent(ANNOUNCED)
    if not is_waiting or (links_file and not is_promised):
        return None
    words = sha256(text.encode("utf-8", "replace")).hexdigest()
    if is_ahead or context.placeholder in ("", words):
        return Recognised(State.UNKNOWN, why=PLACEHOLDER, placeholder=words)
    return None


def has_date_of_publication(text: str) -> bool:
    """Return whether a text has a label such as "Published: 26 November 2026"."""
    starts = (found.start() for found in _PUBLISHED.finditer(text))
    return any(not text[max(start - _LONGEST_PROMISING, 0) : start].lower().endswith(_PROMISING) for start in starts)


def promises_release(text: str, slot: Slot | None) -> bool:
    """Return whether a text promises this release in so many words; a promise of the next edition does not count."""
    words = text.lower()
    if not any(promise in words for promise in _PROMISES):
        return False
    for found in _PROMISED.finditer(words):
        sentence = words[found.start() : found.end() + _REST_OF_DATE] if found["dated"] else ""
        if not _is_of_next_edition(sentence, slot):
            return True
    return False


def names_day_of(slot: Slot, text: str) -> bool:
    """Return whether a text names the day of a slot; its month, where no day was announced."""
    first, last = first_day(slot), last_day(slot)
    if first is None or last is None:
        return False
    words = text.lower()
    if first == last:
        return first in _dates_in(words, first.year)
    months = {(day.month, day.year) for day in (first, last)}
    named = ((MONTHS.get(found[1]), int(found[2])) for found in _MONTH.finditer(words))
    return slot.precision in _BY_MONTH and any(each in months for each in named)


def _is_before(answer: Answer, context: Context) -> bool:
    """Return whether an answer surely speaks of a time before the slot, by more than our clock may be wrong."""
    begins = None if context.slot is None else context.slot.begins()
    behind = max(_CLOCK_UNCERTAINTY, timedelta(seconds=context.behind))
    return begins is not None and spoken_of(answer)[1] < begins - behind


def _is_of_next_edition(promise: str, slot: Slot | None) -> bool:
    last = None if slot is None else last_day(slot)
    if last is None:
        return False
    return any(day - last >= _NEXT_EDITION for day in _dates_in(promise, last.year))


def _dates_in(text: str, year: int) -> Iterator[date]:
    """Yield the dates that a lower-case text names, in `year` if they have none. Impossible dates are left out."""
    for found in _DATE.finditer(text):
        # Names of groups begin with d (day), m (name of the month), n (number of the month) or y (year).
        named = {name[0]: value for name, value in found.groupdict().items() if value is not None}
        month = MONTHS.get(named["m"]) if "m" in named else int(named["n"])
        in_year = int(named.get("y", year))
        try:
            yield date(in_year + 2000 if in_year < 100 else in_year, month or 0, int(named["d"]))
        except ValueError:
            continue


def _body(page: Page, text: str) -> str:
    """Return a page's text without its titles, which may name a day as the period of the edition."""
    for words in (page.title, page.heading):
        text = text.replace(words, " ") if words else text
    return text


def _links_file(page: Page, context: Context) -> bool:
    """Return whether a page's content links to a file, other than one of another edition."""
    links = (link for link in page.links(content_only=True) if is_file(link.url))
    named = (f"{link.text} {link.url.rpartition('/')[2].replace('-', ' ').replace('_', ' ')}" for link in links)
    return any(names_same_period(context.title, words) is not False for words in named)
