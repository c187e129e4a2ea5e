"""`status`: a page with the release's title, or a file of the kind that its address names."""

from __future__ import annotations

from monitor.look.fetch import Answer
from monitor.look.recognise.content import links_file, require_content
from monitor.look.recognise.file_kind import content_fault
from monitor.look.recognise.notices import BLANK, is_blank, is_marked_withdrawn, notice_reason
from monitor.look.recognise.page import Page, is_html, text_of
from monitor.look.recognise.result import (
    NAMELESS,
    Context,
    Recognised,
    absent,
    present,
    unknown,
    withdrawn,
)
from monitor.look.recognise.title import (
    Likeness,
    compare_titles,
    is_title_among,
    names_release,
    recognise_title,
)
from monitor.look.sighting import State
from schedules.titles import slug

OTHER_HEADING = "a page under another heading, with the title of this release only in <title>"


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return whether an answer shows that its release is present or absent, or unknown with the
    reason.

    A page is judged by its notices, title and heading, a file or other content by its media type
    and bytes. Without a title in `context`, as for parts, any title or heading is accepted.
    """
    if context.file is not None or not is_html(answer):
        why = content_fault(answer, context)
        return unknown(why) if why else present()
    page = Page(answer)
    if is_blank(page):
        return absent(BLANK)
    seen = _read_titles(page, context)
    if seen.state is State.PRESENT and is_marked_withdrawn(page, context.title):
        return withdrawn("marked as withdrawn")
    return require_content(seen, page, answer, context)


def _read_titles(page: Page, context: Context) -> Recognised:
    """Return what the heading and the `<title>` of a page prove, compared with the release's title.

    Presence if one has the same title and period (`specific`), or if one of the other titles has.
    Unknown if the heading is about something else, e.g. at a sign-in page.
    """
    results = [recognise_title(context, words, text=page.text) for words in reversed(page.names)]
    has_other_title = bool(context.title) and is_title_among(context, page.other_titles)
    if has_other_title or any(result.specific for result in results):
        return unknown(OTHER_HEADING) if _is_under_another_heading(page, context) else present()
    if why := notice_reason(page):
        return unknown(why)
    # One proof of absence is enough, else one of presence, because the other title may be the
    # site's name.
    strongest_first = (State.ABSENT, State.PRESENT, State.UNKNOWN)
    return min(
        results, key=lambda result: strongest_first.index(result.state), default=unknown(NAMELESS)
    )


def _is_under_another_heading(page: Page, context: Context) -> bool:
    """Return whether a page names the release only in its `<title>`, and is about something else,
    such as signing in.

    A heading that its `<title>` also contains, such as the name of the site, is not something else.
    """
    # The first may be that of a box about cookies.
    headings = map(text_of, page.find("//h1"))
    likeness = {compare_titles(context.title, heading) for heading in headings}
    if likeness - {Likeness.DIFFERENT} or slug(page.heading) in slug(page.title):
        return False
    return not (names_release(context.title, page.content) or links_file(page, context))
