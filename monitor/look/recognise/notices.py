"""Recognises pages that answer with success although they are not content: missing, removed, blank,
maintenance.
"""

from __future__ import annotations

import re

from monitor.look.recognise.page import Page
from monitor.look.recognise.result import NO_LONGER_AVAILABLE, Recognised, withdrawn
from schedules.patterns import quick

MARKED_TITLE = "a page whose title is marked, for instance as a preview"
NOTICE_ONLY = "a page under its title that only says that it is not out or not available"
"""Reasons of an unknown: the page is under the release's title, but is not the release."""
# Elements that may fill a page without text in its HTML.
_VISIBLE_ELEMENTS = (
    "script",
    "img",
    "iframe",
    "frame",
    "object",
    "embed",
    "svg",
    "canvas",
    "video",
)
_HAS_TEXT = (
    "boolean(//body//text()[normalize-space() and not(ancestor::noscript or ancestor::style)])"
)
# A page without text may redirect browsers, like bot walls do.
_REDIRECTS = "boolean(//meta[@http-equiv]|//body[@onload])"
# searched as plain text, because a pattern that ignores case takes fifty times as long
_DUMMY_TEXT = "lorem ipsum"
_REMOVED = quick(r"no longer (available|here)|published in error", re.IGNORECASE)
_IN_ERROR = "published in error"
_MISSING = quick(
    r"^\W*(error )?(404|page not found|not found|page cannot be found)\b", re.IGNORECASE
)
_LONGEST_TITLE = 300
# Many sites answer maintenance, sign-in and cookie pages and apologies with success.
_OF_THE_SITE = quick(
    r"^\W*sorry\b|\bunder maintenance\b|\b(planned|scheduled|essential) maintenance\b|\bdown for"
    r" maintenance\b"
    r"|\b(temporarily|currently) unavailable\b|\b(service|site|website|page) (is )?unavailable\b"
    r"|^\W*(sign in|log ?in|please (sign|log) ?in)\b|^\W*(cookies?"
    r" (on|settings|preferences|consent)|we use cookies)\b"
    r"|^\W*(access denied|before you continue|just a moment|verify you are human|something went"
    r" wrong)\b"
    r"|\b(internal server error|bad gateway|gateway time-?out)\b|^\W*(an|(an"
    r" )?unexpected|server|runtime) error\b",
    re.IGNORECASE,
)

# A mark at either end of a title, such as "[Preview]", "CANCELLED:" or "(draft)".
_MARK = quick(
    r"^\W*(preview|draft|test|cancelled|postponed|delayed|embargoed)\b *[\])}:–—|-]"
    r"|[\[({](preview|draft|test|cancelled|postponed|delayed|embargoed)[\])}]\W*$",
    re.IGNORECASE,
)
# These count only in the text of a page that says little else: a release may mention them.
_NO_CONTENT = quick(
    r"\b((is|are) (now |currently |temporarily )?(unavailable|not (yet |currently )?available)|try"
    r" again later"
    r"|(has|have) been (postponed|cancelled|delayed)|not for publication)\b",
    re.IGNORECASE,
)
_LONGEST_NOTICE, _LONGEST_WITH_MENUS = 300, 5000


def says_removed(page: Page) -> bool:
    """Return whether title or heading of a page say that its content was removed."""
    return bool(_REMOVED.search(page.title) or _REMOVED.search(page.heading))


def read_removal(page: Page) -> Recognised | None:
    """Return a withdrawal with its reason if a page says that its content was removed, else
    None.
    """
    if any(_IN_ERROR in words.lower() for words in (page.title, page.heading)):
        return withdrawn(_IN_ERROR)
    return withdrawn(NO_LONGER_AVAILABLE) if says_removed(page) else None


def says_missing(page: Page) -> bool:
    """Return whether the title of a page says that the page does not exist."""
    return bool(_MISSING.match(page.title))


def blank_page_reason(page: Page) -> str:
    """Return "a blank page" if a page shows nothing, "a test page" if it has dummy text, else an
    empty string.
    """
    if page.root is None:
        return ""
    has_content = page.root.xpath(_HAS_TEXT) or page.root.xpath(_REDIRECTS)
    if not has_content and next(page.root.iter(*_VISIBLE_ELEMENTS), None) is None:
        return "a blank page"
    return "a test page" if _DUMMY_TEXT in page.text.lower() else ""


def site_notice_reason(page: Page) -> str:
    """Return why a page is a notice about the site, such as maintenance or sign-in, or an empty
    string.
    """
    for words in (page.title, page.heading):
        if found := _OF_THE_SITE.search(words[:_LONGEST_TITLE]):
            return f"a page of the site itself: {found[0].strip().lower()}"
    return ""


def not_released_reason(page: Page, title: str) -> str:
    """Return why a page under the title of a release is not the release yet, or an empty string if
    it may be.

    Its title or heading is marked, for instance as a preview, or its only text is a notice, for
    instance that the page is unavailable. `title` is the release's title, which may have such a
    mark itself.
    """
    if not _MARK.search(title) and any(
        _MARK.search(words[:_LONGEST_TITLE]) for words in (page.title, page.heading)
    ):
        return MARKED_TITLE
    # Reading the content takes time, so skip it if the text with menus is too long to be only a
    # notice.
    is_short = len(page.text) <= _LONGEST_WITH_MENUS and len(page.content) <= _LONGEST_NOTICE
    return NOTICE_ONLY if is_short and _NO_CONTENT.search(page.content) else ""
