"""Notices: what a page answered with success says of itself, and not of a release."""

from __future__ import annotations

import re

from monitor.look.recognise.page import Page
from monitor.look.recognise.result import NO_LONGER_AVAILABLE, Recognised, withdrawn
from schedules.patterns import quick

# What may fill a page without words in its HTML.
_FILLING = ("script", "img", "iframe", "frame", "object", "embed", "svg", "canvas", "video")
_WORDS = "boolean(//body//text()[normalize-space() and not(ancestor::noscript or ancestor::style)])"
# How a page without words sends browsers on to another, as bot walls do.
_SENDS_ON = "boolean(//meta[@http-equiv]|//body[@onload])"
# Sought as plain words: a pattern that ignores case takes fifty times as long over the text of a page.
_FILLER = "lorem ipsum"
_GONE = quick(r"no longer (available|here)|published in error", re.IGNORECASE)
_IN_ERROR = "published in error"
_MISSING = quick(r"^\W*(error )?(404|page not found|not found|page cannot be found)\b", re.IGNORECASE)
_LONGEST_TITLE = 300
# Maintenance, sign-in and cookie walls, and apologies are answered with success by many sites.
_OF_THE_SITE = quick(
    r"^\W*sorry\b|\bunder maintenance\b|\b(planned|scheduled|essential) maintenance\b|\bdown for maintenance\b"
    r"|\b(temporarily|currently) unavailable\b|\b(service|site|website|page) (is )?unavailable\b"
    r"|^\W*(sign in|log ?in|please (sign|log) ?in)\b|^\W*(cookies? (on|settings|preferences|consent)|we use cookies)\b"
    r"|^\W*(access denied|before you continue|just a moment|verify you are human)\b",
    re.IGNORECASE,
)


def says_gone(page: Page) -> bool:
    """Return whether a page says that its content was taken away: such a notice is often answered with success."""
    return bool(_GONE.search(page.title) or _GONE.search(page.heading))


def read_gone(page: Page) -> Recognised | None:
    """Return a withdrawal if a page, of whatever site, says that its content was taken away."""
    if any(_IN_ERROR in words.lower() for words in (page.title, page.heading)):
        return withdrawn(_IN_ERROR)
    return withdrawn(NO_LONGER_AVAILABLE) if says_gone(page) else None


def says_missing(page: Page) -> bool:
    """Return whether a page says in its title that there is no such page."""
    return bool(_MISSING.match(page.title))


def says_nothing(page: Page) -> str:
    """Return why a page is blank or a test of its layout; empty when it may be more, or is no page at all."""
    if page.root is None:
        return ""
    is_filled = page.root.xpath(_WORDS) or page.root.xpath(_SENDS_ON)
    if not is_filled and next(page.root.iter(*_FILLING), None) is None:
        return "a blank page"
    return "a test page" if _FILLER in page.text.lower() else ""


def says_nothing_of_it(page: Page) -> str:
    """Return why a page speaks of the site and not of what is published on it; empty when it may be content."""
    for words in (page.title, page.heading):
        if found := _OF_THE_SITE.search(words[:_LONGEST_TITLE]):
            return f"a page of the site itself: {found[0].strip().lower()}"
    return ""
