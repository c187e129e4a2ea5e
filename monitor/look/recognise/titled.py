"""`titled`: a page that bears the release's own title, and nothing less.

For addresses that nobody promised. At the announced address whatever appears is the release; elsewhere a page counts
only for what it says of itself.
"""

from __future__ import annotations

import re

from monitor.look.fetch import Answer
from monitor.look.recognise import govuk
from monitor.look.recognise.page import Page
from monitor.look.recognise.result import Context, Recognised, unknown
from monitor.look.sighting import State
from schedules.patterns import quick
from schedules.titles import title_matches

TO_COME = quick(
    r"\bnot yet (?:been )?(?:published|released)\b"
    r"|\b(?:this|these)(?: \w+){0,3} (?:will be|is due to be|are due to be) (?:published|released)\b",
    re.IGNORECASE,
)


def recognise(answer: Answer, context: Context) -> Recognised:
    """Read a page as `govuk` does; presence needs the title, and no words that it is still to come."""
    seen = govuk.recognise(answer, context)
    if seen.state is not State.PRESENT:
        return seen
    page = Page(answer)
    if TO_COME.search(page.text):
        return unknown("it speaks of a publication to come")
    if seen.specific or title_matches(context.title, page.heading or page.title):
        return seen
    return unknown("it does not bear the title of this release")
