"""`jmespath:…`: the expression finds something in the JSON."""

from __future__ import annotations

import json
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from monitor.errors import UserFault
from monitor.look.fetch import Answer, Found
from monitor.look.recognise.page import absolute
from monitor.look.recognise.result import Context, Recognised, Recogniser, absent, unknown
from monitor.look.recognise.title import Likeness, likeness
from monitor.look.sighting import State

_ENTRIES = 1500


def looking_for(expression: str) -> Recogniser:
    """Return a recogniser of JSON in which the expression is true: not null, false, nor empty.

    Specific when what it finds is the title of the release. Objects with `title` and `url` are found, with the
    role `listed`. Raises `UserFault` for what is no expression.
    """
    try:
        compiled = jmespath.compile(expression.strip())
    except JMESPathError as exc:
        raise UserFault(f"jmespath:{expression}: no JMESPath expression") from exc

    def recognise(answer: Answer, context: Context) -> Recognised:
        try:
            value = compiled.search(json.loads(answer.body))
        except (ValueError, RecursionError, JMESPathError):
            return unknown("no JSON that can be read")
        # JMESPath's own truth: zero is something.
        if value is None or value is False or value in ("", [], {}):
            return absent("the expression finds nothing")
        texts = value if isinstance(value, list) else [value]
        named = (isinstance(text, str) and likeness(context.title, text) is Likeness.SAME for text in texts)
        return Recognised(State.PRESENT, any(named), _listed(answer.url, texts))

    return recognise


def _listed(base: str, values: list[Any]) -> tuple[Found, ...]:
    rows = [row for row in values[:_ENTRIES] if isinstance(row, dict) and row.get("url")]
    listed = [Found(absolute(base, row["url"]), str(row.get("title", "")), "listed") for row in rows]
    return tuple(one for one in listed if one.url)
