"""`link:…`: a link to such an address, or with such words, has appeared."""

from __future__ import annotations

from urllib.parse import urlsplit

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.page import Link, Page
from monitor.look.recognise.result import Context, Recognised, Recogniser, absent
from monitor.look.recognise.title import Likeness, likeness, names_a_period
from monitor.look.sighting import State
from schedules.patterns import Linear, glob

_FOUND = 200


def looking_for(pattern: str) -> Recogniser:
    """Return a recogniser of links whose address or words hold `pattern`, in which `*` stands for anything.

    The links that match are found. They are specific when the pattern names a period, or when the words
    of one are the title of the release.
    """
    wanted = glob(pattern)
    dated = names_a_period(pattern)

    def recognise(answer: Answer, context: Context) -> Recognised:
        links = [link for link in Page(answer).links() if _matches(wanted, link)]
        if not links:
            return absent("no such link")
        named = any(likeness(context.title, link.text) is Likeness.SAME for link in links)
        unique = {link.url: Found(link.url, link.text, "link") for link in links}
        return Recognised(State.PRESENT, dated or named, tuple(unique.values())[:_FOUND])

    return recognise


def _matches(wanted: Linear, link: Link) -> bool:
    return any(wanted.search(text) for text in (link.url, urlsplit(link.url).path, link.text))
