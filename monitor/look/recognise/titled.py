"""`titled`: a page under the release's whole title. For addresses that nobody promised."""

from __future__ import annotations

from monitor.look.fetch import Answer
from monitor.look.recognise import govuk
from monitor.look.recognise.page import Page
from monitor.look.recognise.result import Context, Recognised, unknown
from monitor.look.recognise.title import NOT_ITS_TITLE
from monitor.look.sighting import State
from schedules.titles import title_matches


def recognise(answer: Answer, context: Context) -> Recognised:
    """Read a page as `govuk` does; presence needs the whole title."""
    seen = govuk.recognise(answer, context)
    if seen.state is not State.PRESENT or seen.specific:
        return seen
    page = Page(answer)
    return seen if title_matches(context.title, page.heading or page.title) else unknown(NOT_ITS_TITLE)
