"""`css:…`: an element matches the selector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from cssselect import SelectorError
from lxml.cssselect import CSSSelector

from monitor.errors import UserFault
from monitor.look.fetch import Answer
from monitor.look.recognise.page import Page, words_of
from monitor.look.recognise.result import Context, Recognised, Recogniser, absent
from monitor.look.recognise.title import Likeness, likeness
from monitor.look.sighting import State


def looking_for(selector: str) -> Recogniser:
    """Return a recogniser of elements; specific when the words of one are the title of the release.

    Raises `UserFault` for what is no selector.
    """
    try:
        select = CSSSelector(selector.strip(), translator="html")
    except SelectorError as exc:
        raise UserFault(f"css:{selector}: no CSS selector ({exc})") from exc

    def recognise(answer: Answer, context: Context) -> Recognised:
        root = Page(answer).root
        found: list[Any] = [] if root is None else list(cast("Iterable[Any]", select(root)))
        if not found:
            return absent("no such element")
        specific = any(likeness(context.title, words_of(element)) is Likeness.SAME for element in found)
        return Recognised(State.PRESENT, specific)

    return recognise
