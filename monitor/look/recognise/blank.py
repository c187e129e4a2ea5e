"""Blank and test pages: an answer in which there is nothing to read is no publication, whatever its status."""

from __future__ import annotations

import re

from monitor.look.recognise.page import Page

# What may fill a page without words in its HTML.
_FILLING = ("script", "img", "iframe", "frame", "object", "embed", "svg", "canvas", "video")
_WORDS = "boolean(//body//text()[normalize-space() and not(ancestor::noscript or ancestor::style)])"
_FILLER = re.compile(r"\blorem ipsum\b", re.IGNORECASE)


def says_nothing(page: Page) -> str:
    """Return why a page is blank or a test of its layout; empty when it may be more, or is no page at all."""
    if page.root is None:
        return ""
    if not page.root.xpath(_WORDS) and next(page.root.iter(*_FILLING), None) is None:
        return "a blank page"
    return "a test page" if _FILLER.search(page.text) else ""
