"""`period`: a page that keeps its address from edition to edition and names the current period in
its heading.
"""

from __future__ import annotations

import re

from monitor.look.fetch import Answer
from monitor.look.recognise.content import require_content
from monitor.look.recognise.notices import site_notice_reason
from monitor.look.recognise.page import Page
from monitor.look.recognise.result import Context, Recognised, absent, present, unknown
from monitor.look.recognise.title import (
    NOT_ITS_TITLE,
    is_title_of_another,
    names_a_period,
    names_same_period,
)
from schedules.patterns import quick
from schedules.titles import read_title

_ANNOUNCES_NEXT = quick(
    r"\b(next|forthcoming|upcoming|coming|will be|to be (?:published|released))\b", re.IGNORECASE
)


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return presence if the page's heading and title name the period of the release, absence if
    they name another.
    """
    page = Page(answer)
    headlines = [text for text in (page.heading, page.title) if text]
    if why := site_notice_reason(page):
        return unknown(why)
    # A release without a period cannot be compared. A headline such as "Next release: May" names no
    # period that is out.
    if not names_a_period(context.title) or any(_ANNOUNCES_NEXT.search(text) for text in headlines):
        return unknown("no period of what is out")
    # None: the headline names no period
    comparisons = [names_same_period(context.title, text) for text in headlines]
    names_ours, names_another = True in comparisons, False in comparisons
    if names_ours and names_another:
        return unknown("its heading and its title name two periods")
    if not names_ours:
        return (
            absent("the page shows another period") if names_another else unknown("names no period")
        )
    if is_title_of_another(context.title, page.heading, context.similar_titles):
        return unknown(NOT_ITS_TITLE)
    # Another page may name the same period, so presence is not specific.
    is_same_title = read_title(page.heading).words == read_title(context.title).words
    return require_content(present(specific=is_same_title), page, answer, context)
