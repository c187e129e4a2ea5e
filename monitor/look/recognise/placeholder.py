"""Recognises placeholders: pages with the release's title that exist before the release is out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from monitor.look.cache_age import answer_time_bounds
from monitor.look.fetch import Answer
from monitor.look.recognise.page import Page
from monitor.look.recognise.result import Context, Recognised, absent
from monitor.look.recognise.title import names_same_period
from monitor.look.sighting import State
from monitor.plan.targets import GOVUK, is_file
from schedules.dates.words import MONTHS
from schedules.patterns import quick
from schedules.slot import Precision, Slot, first_day, last_day

ANNOUNCED = "announced, not released"
PLACEHOLDER = (
    "a page under its title that names the day of its slot, without a date of publication or a file"
)

# A promise must have a date: figures that "will be published on a quarterly basis" may be out
# already.
_PROMISE_PATTERN = quick(
    r"\b(?P<dated>(these|the|this) ([a-z]+ ){0,2}(statistics|figures|release|publication)"
    r" will be (released|published) (on|in|between|at) [^.]{0,30}\d)"
    r"|\bnot yet (been )?(published|released)\b|\bcoming soon\b",
    re.IGNORECASE,
)
# These are searched first, as plain text, because the pattern takes fifty times as long.
_PROMISING_WORDS = ("will be released", "will be published", "not yet", "coming soon")
_REST_OF_DATE = 25
# This is a label. In a sentence ("is published on", "will be published on") it is a promise.
_PUBLISHED = quick(
    r"\bPublished(?: on)?:? (?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?\d{1,2} [a-z]+"
    r" \d{4}\b",
    re.IGNORECASE,
)
_PROMISE_ENDINGS = ("be ", "is ", "are ", "not ", "yet ")
_LONGEST_ENDING = 4
_DATE = quick(
    r"\b(?P<d>\d{1,2}) ?(?:st|nd|rd|th)?(?: of)?[ -](?P<m>[a-z]{3,12})\b[.,]?(?:["
    r" -](?P<y>\d{4})\b)?"
    r"|\b(?P<m2>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})\.?"
    r" (?P<d2>\d{1,2})(?:st|nd|rd|th)?\b(?:,? (?P<y2>\d{4})\b)?"
    r"|\b(?P<y3>\d{4})-(?P<n3>\d\d)-(?P<d3>\d\d)\b"
    r"|\b(?P<d4>\d{1,2})[/.](?P<n4>\d{1,2})[/.](?P<y4>\d{4}|\d\d)\b"
)
_MONTH = quick(r"\b([a-z]{3,12}) (\d{4})\b")
_MOST_TEXT = 100_000
_LONGEST_PLACEHOLDER = 3000  # characters without titles and menus
# a promise for a day this long after the slot is of the next edition
_NEXT_EDITION = timedelta(days=7)
_CLOCK_UNCERTAINTY = timedelta(seconds=1)


def read_placeholder(
    page: Page, answer: Answer, context: Context, *, has_files: bool = False
) -> Recognised | None:
    """Return absence or unknown if a page is a placeholder of its release, None if it may be the
    release itself.

    Placeholders are recognised by structure, because no list of phrases is complete. They have no
    date of publication, and promise the release ("will be published …"), or name the day of its
    slot and link to no file. Without a file, a promise proves absence, but in a long page only if
    it has a date. Any other placeholder is unknown, if its text may be from before the slot or is
    that of the last placeholder. `has_files`: the caller has found files or parts.
    """
    text, slot = page.text[:_MOST_TEXT], context.known.slot
    if has_date_of_publication(text):
        return None
    is_promise = proves_absence = promises_release(text, slot)
    if len(page.content) > _LONGEST_PLACEHOLDER:
        # It may be the release, which mentions other figures that are "coming soon".
        proves_absence = promises_release(text, slot, by_slot_only=True)
    if proves_absence and not has_files and not links_file(page, context):
        return absent(ANNOUNCED)
    # The digest of the last placeholder's text, "" if that was before a restart, None if there was
    # no placeholder.
    last_placeholder = context.known.placeholder
    may_predate_slot = _may_predate_slot(context) or _is_before_slot(answer, context)
    may_be_placeholder = may_predate_slot or last_placeholder is not None
    if slot is None or not context.title or not may_be_placeholder:
        return None
    if not is_promise:
        names_slot = names_day_of(slot, _text_without_titles(page, text))
        if not names_slot or has_files or links_file(page, context):
            return None
    digest = sha256(text.encode("utf-8", "replace")).hexdigest()
    # A text other than the last placeholder's may be the release. After a restart, that text is not
    # known.
    is_same_text = last_placeholder in ("", digest)
    return (
        Recognised(State.UNKNOWN, why=PLACEHOLDER, placeholder=digest)
        if may_predate_slot or is_same_text
        else None
    )


def _may_predate_slot(context: Context) -> bool:
    """Return whether a page's text may be from before the slot.

    The caller has found no date of publication in it.

    A placeholder is a page with the release's title that exists before the release is out.
    """
    if context.known.was_missing or context.known.placeholder is not None:
        # If an earlier look got a 404, the text is new. If it showed a placeholder, the caller
        # compares the two texts.
        return False
    # Pages of GOV.UK's releases have a date of publication, so a text without one may be old. It is
    # not in doubt if an earlier look kept the body from before the release (`baseline`), because
    # the bodies are compared then.
    is_in_doubt_on_govuk = (
        context.known.baseline is None and urlsplit(context.url).hostname == GOVUK
    )
    # If the announcement has just begun to redirect to this page (`is_led_to`), a cache may still
    # have the old text.
    return context.is_led_to or is_in_doubt_on_govuk


def has_date_of_publication(text: str) -> bool:
    """Return whether a text contains a label such as "Published: 26 November 2026", not in a
    promise or a sentence.
    """
    starts = (found.start() for found in _PUBLISHED.finditer(text))
    return any(
        not text[max(start - _LONGEST_ENDING, 0) : start].lower().endswith(_PROMISE_ENDINGS)
        for start in starts
    )


def promises_release(text: str, slot: Slot | None, *, by_slot_only: bool = False) -> bool:
    """Return whether a text promises this release explicitly.

    A promise of the next edition does not count.

    With `by_slot_only`, only a promise with a date counts, and only if that is not after the day of
    the slot.
    """
    lower_text, last = text.lower(), None if slot is None else last_day(slot)
    if not any(words in lower_text for words in _PROMISING_WORDS):
        return False
    for promise in _PROMISE_PATTERN.finditer(lower_text):
        if last is None or not promise["dated"]:  # without a date, such as "coming soon"
            if by_slot_only:
                continue
            return True
        # The pattern ends with the first digits of the date, such as "these figures will be
        # published on 26".
        sentence = lower_text[promise.start() : promise.end() + _REST_OF_DATE]
        too_late = timedelta(days=1) if by_slot_only else _NEXT_EDITION
        is_of_next_edition = any(day - last >= too_late for day in _dates_in(sentence, last.year))
        if not is_of_next_edition:
            return True
    return False


def names_day_of(slot: Slot, text: str) -> bool:
    """Return whether a text names the day of a slot or, if only months are announced, the first or
    last of them.
    """
    first, last = first_day(slot), last_day(slot)
    if first is None or last is None:
        return False
    words = text.lower()
    if first == last:
        return first in _dates_in(words, first.year)
    named_months = {(MONTHS.get(found[1]), int(found[2])) for found in _MONTH.finditer(words)}
    slot_months = {(day.month, day.year) for day in (first, last)}
    return slot.precision in (Precision.MONTH, Precision.RANGE) and not named_months.isdisjoint(
        slot_months
    )


def _is_before_slot(answer: Answer, context: Context) -> bool:
    """Return whether an answer is certainly from before the slot, even if our clock is wrong."""
    begins = None if context.known.slot is None else context.known.slot.begins()
    behind = max(_CLOCK_UNCERTAINTY, timedelta(seconds=context.behind))
    return begins is not None and answer_time_bounds(answer)[1] < begins - behind


def _dates_in(text: str, year: int) -> Iterator[date]:
    """Yield the dates that a lower-case text names, in `year` if they have none.

    Impossible dates are left out.
    """
    for found in _DATE.finditer(text):
        # Groups are named d (day), m (name of the month), n (number of the month) or y (year), with
        # a number.
        named = {name[0]: value for name, value in found.groupdict().items() if value is not None}
        month = MONTHS.get(named["m"]) if "m" in named else int(named["n"])
        in_year = int(named.get("y", year))
        try:
            # A word that is no month counts as month 0, which is impossible.
            yield date(in_year + 2000 if in_year < 100 else in_year, month or 0, int(named["d"]))
        except ValueError:
            continue


def _text_without_titles(page: Page, text: str) -> str:
    """Return the text of a page without title and heading, because these may name a day as the
    edition's period.
    """
    for words in (page.title, page.heading):
        text = text.replace(words, " ") if words else text
    return text


def links_file(page: Page, context: Context) -> bool:
    """Return whether the content of a page links to a file that is not of another edition."""
    links = (link for link in page.links(content_only=True) if is_file(link.url))
    named = (
        f"{link.text} {link.url.rpartition('/')[2].replace('-', ' ').replace('_', ' ')}"
        for link in links
    )
    return any(names_same_period(context.title, words) is not False for words in named)
