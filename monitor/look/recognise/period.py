"""`period`: a page that keeps its address from edition to edition and names the current period in its heading."""

from __future__ import annotations

import re
from dataclasses import replace

from monitor.look.fetch import Answer
from monitor.look.recognise.notices import site_notice_reason
from monitor.look.recognise.page import Page
from monitor.look.recognise.placeholder import read_placeholder
from monitor.look.recognise.result import Context, Recognised, absent, present, unknown
from monitor.look.recognise.title import names_a_period, names_same_period
from monitor.look.sighting import State
from schedules.patterns import quick
from schedules.titles import read_title

_ANNOUNCES_NEXT = quick(r"\b(next|forthcoming|upcoming|coming|will be|to be (?:published|released))\b", re.IGNORECASE)


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return presence if heading and title name the period of the release, absence if they name another.

    Presence is specific to this edition if the heading is the title of the release. The result is unknown if they name
    no period, name two, or announce the next edition.
    """
    page = Page(answer)
    names = [text for text in (page.heading, page.title) if text]
    if why := site_notice_reason(page):
        return unknown(why)
    if not names_a_period(context.title) or any(_ANNOUNCES_NEXT.search(text) for text in names):
        return unknown("no period of what is out")
    # Contains True if one of them names the period of the release, and False if one names another.
    is_its_period = {names_same_period(context.title, text) for text in names} - {None}
    if len(is_its_period) != 1:
        return unknown("its heading and its title name two periods" if is_its_period else "names no period")
    if False in is_its_period:
        return absent("the page shows another period")
    if (placeholder := read_placeholder(page, answer, context)) is not None:
        # The page names the period of this edition, so it does not prove absence.
        return replace(placeholder, state=State.UNKNOWN)
    return present(specific=read_title(page.heading).words == read_title(context.title).words)
