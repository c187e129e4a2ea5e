"""`changed`: the bytes differ from the baseline."""

from __future__ import annotations

from dataclasses import replace

from monitor.look.fetch import Answer
from monitor.look.recognise.file_kind import message_fault
from monitor.look.recognise.notices import says_gone, says_missing, says_nothing_of_it
from monitor.look.recognise.page import Page, is_html
from monitor.look.recognise.result import NAMELESS, Context, Recognised, absent, unknown
from monitor.look.sighting import State

NO_BASELINE = "no baseline yet"
"""Why the first body ever seen is unknown; it is the one that later ones are compared with."""
_HEAD = 16_384


def recognise(answer: Answer, context: Context) -> Recognised:
    """Compare with the baseline; the first content ever seen becomes it, and proves nothing.

    What is no content (a page without a name, an error message) is neither a baseline nor a change.
    """
    # At the address of a file its kind has been checked already.
    if context.file is None and (why := _fault(answer)):
        return unknown(why)
    if context.baseline is None:
        return unknown(NO_BASELINE)
    if context.baseline == context.digest:
        return absent("unchanged from the baseline")
    return Recognised(State.PRESENT)


def _fault(answer: Answer) -> str:
    if not is_html(answer):
        return message_fault(answer)
    # Titles and headings are near the top; the rest may be large.
    page = Page(replace(answer, body=answer.body[:_HEAD]))
    if not page.title and not page.heading:
        return NAMELESS
    return "a notice in place of content" if says_missing(page) or says_gone(page) else says_nothing_of_it(page)
