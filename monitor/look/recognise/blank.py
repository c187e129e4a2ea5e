"""Blank and test pages and placeholders: where there is nothing to read yet is no publication, whatever the status."""

from __future__ import annotations

import re

from monitor.look.recognise.page import Page

# What may fill a page without words in its HTML.
_FILLING = ("script", "img", "iframe", "frame", "object", "embed", "svg", "canvas", "video")
_WORDS = "boolean(//body//text()[normalize-space() and not(ancestor::noscript or ancestor::style)])"
_FILLER = re.compile(r"\blorem ipsum\b", re.IGNORECASE)
_STANDS_IN = re.compile(r"\W*(placeholder|coming soon|test page)\b", re.IGNORECASE)
# A date must follow: figures that "will be published on a quarterly basis" may well be out.
_PROMISED = re.compile(
    r"\b(these|the|this) ([a-z]+ ){0,2}(statistics|figures|release|publication)"
    r" will be (released|published) (on|in|between|at) [^.]{0,30}\d"
    r"|\bnot yet (been )?(published|released)\b|\bcoming soon\b",
    re.IGNORECASE,
)
_PUBLISHED = re.compile(r"(?<!be )\b(published|updated):? \d{1,2} [a-z]+ \d{4}\b", re.IGNORECASE)


def says_nothing(page: Page) -> str:
    """Return why a page is blank or a test of its layout; empty when it may be more, or is no page at all."""
    if page.root is None:
        return ""
    if not page.root.xpath(_WORDS) and next(page.root.iter(*_FILLING), None) is None:
        return "a blank page"
    if _FILLER.search(page.text) or _STANDS_IN.match(page.title) or _STANDS_IN.match(page.heading):
        return "a test page"
    return ""


def says_not_yet(page: Page) -> bool:
    """Tell whether a page promises its release in running words and bears no date of publication.

    A page that is out may say so of the edition after it: hence the second half.
    """
    return _PROMISED.search(page.text) is not None and _PUBLISHED.search(page.text) is None
