"""`status`: a 2xx answer with a body."""

from __future__ import annotations

import re

from monitor.look.fetch import Answer
from monitor.look.recognise.page import Page, is_html, says_not_yet, says_nothing, says_nothing_of_it
from monitor.look.recognise.result import Context, Recognised, absent, unknown, withdrawn
from monitor.look.recognise.title import by_title
from monitor.look.sighting import State
from schedules.patterns import quick

_PRESENT = Recognised(State.PRESENT)
_GONE = quick(r"no longer (available|here)|published in error", re.IGNORECASE)
_MISSING = quick(r"^\W*(error )?(404|page not found|not found|page cannot be found)\b", re.IGNORECASE)


def recognise(answer: Answer, context: Context) -> Recognised:
    """Take any body for presence, never a specific one; a page is judged by what it says of itself, its title too."""
    if not is_html(answer):
        return _PRESENT
    page = Page(answer)
    return _by_notice(page) or (_by_title(page, context) if context.title else _PRESENT)


def _by_notice(page: Page) -> Recognised | None:
    if says_missing(page):
        return absent("the page says it is not found")
    if why := says_nothing(page):
        return absent(why)
    if says_gone(page):
        return withdrawn("no longer available")
    return absent("announced, not released") if says_not_yet(page) else None


def _by_title(page: Page, context: Context) -> Recognised:
    """Judge by the heading or the title, whichever is nearer to ours: either may be the name of the site."""
    seen = [by_title(context, words, ()) for words in (page.heading, page.title) if words]
    if any(one.specific for one in seen):
        return _PRESENT
    if why := says_nothing_of_it(page):
        return unknown(why)
    return next(
        (one for one in seen if one.state is State.ABSENT),
        max(seen, key=lambda one: one.state is State.PRESENT, default=_PRESENT),
    )


def says_gone(page: Page) -> bool:
    """Tell whether a page says that what stood there was taken away: a notice is often answered with success."""
    return bool(_GONE.search(page.title) or _GONE.search(page.heading))


def says_missing(page: Page) -> bool:
    """Tell whether a page answered with success says in its title that there is nothing."""
    return bool(_MISSING.match(page.title))
