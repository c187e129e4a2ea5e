"""`css:…`, `jmespath:…`, `link:…` and `text:…`: the release is present once a search finds
something in the answer.
"""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote

import jmespath
from cssselect import SelectorError
from jmespath.exceptions import JMESPathError
from lxml.cssselect import CSSSelector

from monitor.errors import UserFault
from monitor.look.fetch import Answer
from monitor.look.recognise.file_kind import ERROR_MESSAGE, decode_text, says_error
from monitor.look.recognise.page import Page, is_html, is_shown, parse_json, text_of
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

_MOST_LINKS = 200
# "\ufffd" stands for bytes that are not in the page's encoding, most often a blank.
_UNSEEN = quick(r"[\s\ufffd\u00ad\u200b-\u200f\u2060\ufeff]+")
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
            return unknown("a file whose text cannot be searched")
        if wanted in _normalise_text(text):
            return present(specific=is_dated)
        return absent("the words are not there" if is_page else OTHER_FILE)

    return recognise


def _normalise_text(text: str) -> str:
    """Return a text as readers see it, without spaces: elements of a page may divide its words."""
    plain = _DASH.sub("-", _APOSTROPHE.sub("'", unicodedata.normalize("NFKC", text)))
    return _UNSEEN.sub("", plain).casefold()


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


def find_element(selector: str) -> Recogniser:
    """Return a recogniser of elements that match a CSS selector.

    Raises `UserFault` for an invalid selector.
    """
    try:
        path = CSSSelector(selector, translator="html").path
    except SelectorError as exc:
        raise UserFault(f"no CSS selector ({exc})") from exc

    def recognise(answer: Answer, context: Context) -> Recognised:
        elements = list(filter(is_shown, Page(answer).find(path)))
        if not elements:
            return absent("no such element")
        return present(specific=is_title_among(context, map(text_of, elements)))

    return recognise


def find_in_json(expression: str) -> Recogniser:
    """Return a recogniser of JSON for which a JMESPath expression has a result other than null,
    false or empty.

    The answer is specific to this edition if the result is the title of the release, or a list that
    contains it.

    Raises `UserFault` for an invalid expression.
    """
    try:
        query = jmespath.compile(expression)
    except JMESPathError as exc:
        raise UserFault("not a valid JMESPath expression") from exc

    def recognise(answer: Answer, context: Context) -> Recognised:
        content = parse_json(answer.body)
        try:
            value = query.search(content)
            is_empty = _is_empty(value)
        except (JMESPathError, ValueError, RecursionError):
            content = None
        if not isinstance(content, dict | list):
            return unknown("no JSON that can be read")
        if not is_empty:
            values = value if isinstance(value, list) else [value]
            texts = (text for text in values if isinstance(text, str))
            return present(specific=is_title_among(context, texts))
        if says_error(content):
            return unknown(ERROR_MESSAGE)
        return absent("the expression matches nothing")

    return recognise


def _is_empty(value: object) -> bool:
    """Return whether a query found nothing: null, false or "", or only such values.

    Zero is true in JMESPath.
    """
    if isinstance(value, list):
        return all(map(_is_empty, value))
    if isinstance(value, dict):
        return all(map(_is_empty, value.values()))
    return value is None or value is False or value == ""
