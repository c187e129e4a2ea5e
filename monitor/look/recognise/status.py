"""`status`: a page with the release's title, or a file of the kind that its address names."""

from __future__ import annotations

from dataclasses import replace

from monitor.look.fetch import Answer
from monitor.look.recognise.content import links_file, read_page
from monitor.look.recognise.file_kind import content_fault
from monitor.look.recognise.notices import BLANK, is_blank, is_notice
from monitor.look.recognise.page import Page, is_html, text_of
from monitor.look.recognise.result import Context, Recognised, absent, present, unknown
from monitor.look.recognise.title import Likeness, compare_titles, is_title_among, names_release
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
    others = [title for title in page.other_titles if is_title_among(context, [title])]
    titles = (*reversed(page.names), *others)
    if is_title_among(context, titles) and _is_under_another_heading(page, context):
        return unknown(OTHER_HEADING)
    seen = read_page(page, answer, context, titles)
    # The page of an earlier edition may be in place from the first look on, even under this title.
    was_without_content = context.known.placeholder is not None
    return seen if was_without_content else replace(seen, specific=False)


def _is_under_another_heading(page: Page, context: Context) -> bool:
    """Return whether a page names the release only in its `<title>`, and is about something else,
    such as signing in.

    A heading that its `<title>` also contains, such as the name of the site, is not something else.
    """
    title = context.title
    if is_notice(title):
        return False
    # The first may be that of a box about cookies.
    headings = [text_of(heading) for heading in page.find("//h1")]
    content_headings = [each for each in headings if not is_notice(each)]
    if any(compare_titles(title, each) is not Likeness.DIFFERENT for each in content_headings):
        return False
    if len(content_headings) < len(headings):
        return True
    if slug(page.heading) in slug(page.title):
        return False
    return not (names_release(title, page.content) or links_file(page, context))
