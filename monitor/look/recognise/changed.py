"""`changed`: the release is present once the body differs from the baseline, which is the first body ever seen."""

from __future__ import annotations

from dataclasses import replace

from monitor.look.fetch import Answer
from monitor.look.recognise.file_kind import message_fault
from monitor.look.recognise.notices import says_missing, says_removed, site_notice_reason
from monitor.look.recognise.page import Page, is_html
from monitor.look.recognise.result import NAMELESS, Context, Recognised, absent, unknown
from monitor.look.sighting import State

NO_BASELINE = "no baseline yet"
"""Reason of an unknown: this is the first body ever seen, which becomes the baseline."""
_HEAD = 16_384


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return presence if the body differs from the baseline, else absence. It is unknown if there is no baseline yet.

    Pages without a name and error messages are unknown too: they can be neither a baseline nor a change.
    """
    # If the address names a file, the caller has checked the kind of content.
    if context.file is None and (why := _content_fault(answer)):
        return unknown(why)
    if context.baseline is None:
        return unknown(NO_BASELINE)
    if context.baseline == context.digest:
        return absent("unchanged from the baseline")
    return Recognised(State.PRESENT)


def _content_fault(answer: Answer) -> str:
    """Return why an answer cannot be the content, or an empty string."""
    if not is_html(answer):
        return message_fault(answer)
    # Only read the top, where title and heading are, because the rest may be large.
    page = Page(replace(answer, body=answer.body[:_HEAD]))
    if not page.title and not page.heading:
        return NAMELESS
    return "a notice in place of content" if says_missing(page) or says_removed(page) else site_notice_reason(page)
