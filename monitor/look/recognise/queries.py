"""`css:…` and `jmespath:…`: the release is present once a query finds something in the page or in
the JSON.
"""

from __future__ import annotations

import jmespath
from cssselect import SelectorError
from jmespath.exceptions import JMESPathError
from lxml.cssselect import CSSSelector

from monitor.errors import UserFault
from monitor.look.fetch import Answer
from monitor.look.recognise.file_kind import ERROR_MESSAGE, says_error
from monitor.look.recognise.page import Page, parse_json, text_of
from monitor.look.recognise.result import (
    Context,
    Recognised,
    Recogniser,
    absent,
    present,
    unknown,
)
from monitor.look.recognise.title import is_title_among


def find_element(selector: str) -> Recogniser:
    """Return a recogniser of elements that match a CSS selector.

    Raises `UserFault` for an invalid selector.
    """
    try:
        path = CSSSelector(selector.strip(), translator="html").path
    except SelectorError as exc:
        raise UserFault(f"css:{selector}: no CSS selector ({exc})") from exc

    def recognise(answer: Answer, context: Context) -> Recognised:
        elements = Page(answer).find(path)
        if not elements:
            return absent("no such element")
        return present(specific=is_title_among(context, map(text_of, elements)))

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


def recognise_json_query(expression: str) -> Recogniser:
    """Return a recogniser of JSON for which a JMESPath expression has a result other than null,
    false or empty.

    The answer is specific to this edition if the result is the title of the release, or a list that
    contains it.

    Raises `UserFault` for an invalid expression.
    """
    try:
        query = jmespath.compile(expression.strip())
    except JMESPathError as exc:
        raise UserFault(f"jmespath:{expression}: not a valid JMESPath expression") from exc

    def recognise(answer: Answer, context: Context) -> Recognised:
        """Return presence if the query finds anything in the JSON, else absence."""
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
