"""`text:…`: the words stand in the answer."""

from __future__ import annotations

from monitor.look.fetch import Answer
from monitor.look.recognise.page import Page, is_html
from monitor.look.recognise.result import Context, Recognised, Recogniser, absent
from monitor.look.recognise.title import names_a_period
from monitor.look.sighting import State


def looking_for(words: str) -> Recogniser:
    """Return a recogniser of these words, whatever their case and spacing.

    They are specific when they name a period: other words may stand there from the edition before.
    """
    wanted = _flat(words)
    specific = names_a_period(words)

    def recognise(answer: Answer, _context: Context) -> Recognised:
        text = Page(answer).text if is_html(answer) else answer.body.decode("utf-8", "replace")
        return Recognised(State.PRESENT, specific) if wanted in _flat(text) else absent("the words are not there")

    return recognise


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
