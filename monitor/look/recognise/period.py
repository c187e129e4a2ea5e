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
from monitor.look.recognise.title import NOT_ITS_TITLE, is_title_of_another
from schedules.dates.sentences import without_days_since
from schedules.patterns import quick
from schedules.titles import are_other_editions, names_a_period, read_title

_ANNOUNCES_NEXT = quick(
    r"\b(next|forthcoming|upcoming|coming|will be|to be (?:published|released))\b", re.IGNORECASE
)


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return presence if the page's heading and title name the period of the release, absence if
    they name an earlier one.
    """
    page = Page(answer)
    if why := _why_not_compared(page, context):
        return unknown(why)
    slot, own = context.known.slot, read_title(context.title)
    undated = [without_days_since(text, slot, context.title) for text in page.names]
    shown = [read_title(text) for text in undated]
    names_ours = any(title.period == own.period for title in shown)
    others = [title for title in shown if are_other_editions(own, title)]
    names_another = bool(others)
    if names_ours == names_another:
        count = "two periods" if names_ours else "no period"
        return unknown(f"its heading and its title name {count}")
    if any(title.is_later_than(own) for title in others):
        return unknown("the page shows a later period, perhaps that of publication")
    if names_another:
        return absent("the page shows another period")
    # Another page may name the same period, so presence is not specific.
    is_same_title = read_title(page.heading).words == own.words
    return require_content(present(specific=is_same_title), page, answer, context)


def _why_not_compared(page: Page, context: Context) -> str:
    """Return why the period in a page's headlines says nothing of the release, or ""."""
    if why := site_notice_reason(page, context.title):
        return why
    if not names_a_period(context.title):
        return "this release has no period to compare"
    if any(map(_ANNOUNCES_NEXT.search, page.names)):
        return "its heading or its title says what comes next"
    own_words = set(read_title(context.title).words)
    shown_words = set(read_title(" ".join(page.names)).words)
    is_about_another = bool(own_words and shown_words) and own_words.isdisjoint(shown_words)
    is_of_another = is_title_of_another(context.title, page.heading, context.similar_titles)
    return NOT_ITS_TITLE if is_about_another or is_of_another else ""
