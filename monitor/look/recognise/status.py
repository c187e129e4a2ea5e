"""`status`: a 2xx answer with a body."""

from __future__ import annotations

import re

from monitor.look.fetch import Answer
from monitor.look.recognise.page import Page, is_html, says_not_yet, says_nothing
from monitor.look.recognise.result import Context, Recognised, absent, withdrawn
from monitor.look.sighting import State
from schedules.patterns import quick

_PRESENT = Recognised(State.PRESENT)
_GONE = quick(r"no longer (available|here)|published in error", re.IGNORECASE)
_MISSING = quick(r"^\W*(error )?(404|page not found|not found|page cannot be found)\b", re.IGNORECASE)


def recognise(answer: Answer, _context: Context) -> Recognised:
    """Take any body for presence, never a specific one; a page that says nothing or `not yet` is absence."""
    if is_html(answer):
        page = Page(answer)
        if says_missing(page):
            return absent("the page says it is not found")
        if why := says_nothing(page):
            return absent(why)
        if says_gone(page):
            return withdrawn("no longer available")
        if says_not_yet(page):
            return absent("announced, not released")
    return _PRESENT


def says_gone(page: Page) -> bool:
    """Tell whether a page says that what stood there was taken away: a notice is often answered with success."""
    return bool(_GONE.search(page.title) or _GONE.search(page.heading))


def says_missing(page: Page) -> bool:
    """Tell whether a page answered with success says in its title that there is nothing."""
    return bool(_MISSING.match(page.title))
