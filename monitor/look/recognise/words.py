"""`text:…` and `link:…`: the release is present once certain words, or a certain link, have
appeared.
"""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote

from monitor.look.fetch import Answer
from monitor.look.recognise.file_kind import decode_text
from monitor.look.recognise.page import Page, is_html
from monitor.look.recognise.result import (
    Context,
    Recognised,
    Recogniser,
    absent,
    present,
    unknown,
)
from monitor.look.recognise.title import OTHER_FILE, is_title_among
from schedules.patterns import glob, quick
from schedules.titles import names_a_period

UNSEARCHABLE = "a file whose text cannot be searched"
_MOST_LINKS = 200
_UNSEEN = quick(r"[\s\u00ad\u200b-\u200f\u2060\ufeff]+")
_DASH = quick(r"[\u2010-\u2015\u2212]")
_APOSTROPHE = quick(r"[\u2018\u2019\u02bc]")


def find_text(words: str) -> Recogniser:
    """Return a recogniser of `words`, in upper or lower case and with any spacing, dashes and
    apostrophes.
    """
    wanted = _normalise_text(words)
    # Words without a period may be in the previous edition too, so their presence is not specific
    # to this one.
    is_dated = names_a_period(words)

    def recognise(answer: Answer, _context: Context) -> Recognised:
        is_page = is_html(answer)
        text = Page(answer).text if is_page else decode_text(answer.body)
        if text is None:
            return unknown(UNSEARCHABLE)
        if wanted in _normalise_text(text):
            return present(specific=is_dated)
        return absent("the words are not there" if is_page else OTHER_FILE)

    return recognise


def find_link(pattern: str) -> Recogniser:
    """Return a recogniser of links with `pattern` in their address or text.

    In it, `*` matches any text.

    Matching links are `found`. Presence is `specific` if the pattern names a period, or a link's
    text is the title.
    """
    wanted = glob(unquote(pattern))
    is_dated = names_a_period(pattern)

    def recognise(answer: Answer, context: Context) -> Recognised:
        links = [
            link
            for link in Page(answer).links()
            if wanted.search(unquote(link.url)) or wanted.search(link.title)
        ]
        if not links:
            return absent("no such link")
        is_titled = is_title_among(context, (link.title for link in links))
        unique = {link.url: link for link in links}
        return present(tuple(unique.values())[:_MOST_LINKS], specific=is_dated or is_titled)

    return recognise


def _normalise_text(text: str) -> str:
    """Return a text as readers see it, without spaces: elements of a page may divide its words."""
    plain = _DASH.sub("-", _APOSTROPHE.sub("'", unicodedata.normalize("NFKC", text)))
    return _UNSEEN.sub("", plain).casefold()
