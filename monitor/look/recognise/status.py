"""`status`: a page under the release's title, or a file of the kind that its address names."""

from __future__ import annotations

from monitor.look.fetch import Answer
from monitor.look.recognise.file_kind import content_fault
from monitor.look.recognise.notices import read_gone, says_missing, says_nothing, says_nothing_of_it
from monitor.look.recognise.page import Page, is_html
from monitor.look.recognise.placeholder import read_placeholder
from monitor.look.recognise.result import NAMELESS, Context, Recognised, absent, unknown
from monitor.look.recognise.title import by_title
from monitor.look.sighting import State

_PRESENT = Recognised(State.PRESENT)


def recognise(answer: Answer, context: Context) -> Recognised:
    """Judge a page by its notices and its title, any other content by its type and bytes; never a specific presence.

    A part that is neither page nor alternative has no title to compare with: any title or heading is enough.
    """
    if context.file is not None or not is_html(answer):
        why = content_fault(answer, context)
        return unknown(why) if why else _PRESENT
    page = Page(answer)
    seen = _by_notice(page) or _by_title(page, context)
    return (seen.state is State.PRESENT and read_placeholder(page, answer, context)) or seen


def _by_notice(page: Page) -> Recognised | None:
    if says_missing(page):
        return absent("the page says it is not found")
    if why := says_nothing(page):
        return absent(why)
    return read_gone(page)


def _by_title(page: Page, context: Context) -> Recognised:
    """Judge by the heading or the title, whichever is nearer to ours: either may be the name of the site."""
    seen = [by_title(context, words, text=page.text) for words in (page.heading, page.title) if words]
    if any(one.specific for one in seen):
        return _PRESENT
    if why := says_nothing_of_it(page):
        return unknown(why)
    absence = next((one for one in seen if one.state is State.ABSENT), None)
    return absence or max(seen, key=lambda one: one.state is State.PRESENT, default=unknown(NAMELESS))
