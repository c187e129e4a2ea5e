"""`changed`: the bytes of a body differ from the baseline, which is the first body ever seen."""

from __future__ import annotations

from dataclasses import replace

from monitor.look.fetch import Answer
from monitor.look.recognise.file_kind import message_fault
from monitor.look.recognise.notices import says_missing, says_removed, site_notice_reason
from monitor.look.recognise.page import Page, is_html
from monitor.look.recognise.result import NAMELESS, Context, Recognised, absent, unknown
from monitor.look.sighting import State

NO_BASELINE = "no baseline yet"
"""Reason of an unknown: this is the first body ever seen, with which later ones are compared."""
_HEAD = 16_384


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return presence if the body differs from the baseline, absence if not. The first body becomes the baseline.

    Pages without a name and error messages are no content: they are neither a baseline nor a change.
    """
    # For the address of a file, the kind of content has been checked already.
    if context.file is None and (why := _content_fault(answer)):
        return unknown(why)
    if context.baseline is None:
        return unknown(NO_BASELINE)
    if context.baseline == context.digest:
        return absent("unchanged from the baseline")
    return Recognised(State.PRESENT)


def _content_fault(answer: Answer) -> str:
    """Return why an answer is no content, or an empty string."""
    if not is_html(answer):
        return message_fault(answer)
    # Titles and headings are near the top; the rest may be large.
    page = Page(replace(answer, body=answer.body[:_HEAD]))
    if not page.title and not page.heading:
        return NAMELESS
    return "a notice in place of content" if says_missing(page) or says_removed(page) else site_notice_reason(page)
