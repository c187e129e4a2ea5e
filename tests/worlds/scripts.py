"""Tables of a rehearsal's script: what an address answers from a time of its day on, and pages for
it.
"""

from __future__ import annotations


def an_answer(url: str, at: str, body: str | None = None, status: int = 200, more: str = "") -> str:
    """Return the table of an address that answers so from a time on 26 November 2026.

    `more` are further keys.
    """
    text = "" if body is None else f"body = '''{body}'''\n"
    return f'\n[[answer]]\nurl = "{url}"\nat = 2026-11-26T{at}\nstatus = {status}\n{text}{more}'


FIGURES = "<table><tr><th>Claims</th><td>1,204</td></tr></table>"
"""Content that shows, even before its slot, that a page is out."""


def a_web_page(title: str, text: str = FIGURES) -> str:
    """Return a page with this title, which is its heading too."""
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1><div>{text}</div></body></html>"
