"""`changed`: the release is present once the body differs from the baseline, the body that was seen
first.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.look.fetch import Answer
from monitor.look.recognise.file_kind import ERROR_MESSAGE, is_note, is_table, message_fault
from monitor.look.recognise.notices import foreign_reason, notice_reason
from monitor.look.recognise.page import Page, is_html
from monitor.look.recognise.result import Context, Recognised, absent, present, unknown

NO_BASELINE = "no baseline yet"
"""Reason of an unknown: this is the first body, which becomes the baseline."""
_HEAD = 16_384
_SHOWS_WITHOUT_TEXT = "//body//script|//body//img|//iframe|//canvas|//svg|//object|//embed"


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return presence if the body differs from the baseline (the body before the release), else
    absence.

    Without a baseline, the result is unknown. So it is for a page without a name, a notice or an
    error message.
    """
    if context.file is None and (why := _why_not_content(answer, context)):
        return unknown(why)
    if context.known.baseline is None:
        return unknown(NO_BASELINE)
    return (
        absent("unchanged from the baseline")
        if context.known.baseline == context.digest
        else present()
    )


def _why_not_content(answer: Answer, context: Context) -> str:
    """Return why an answer is a notice, an error message or not from the publisher.

    Empty if it may be the content.
    """
    if not is_html(answer):
        is_message = is_note(answer) and not is_table(answer)
        return message_fault(answer) or (ERROR_MESSAGE if is_message else "")
    page = Page(replace(answer, body=answer.body[:_HEAD]))
    if not (page.heading or page.content or page.find(_SHOWS_WITHOUT_TEXT)):
        return "an empty page"
    title = context.title or context.edition
    return notice_reason(page, title) or foreign_reason(page, answer, context)
