"""Redirects: what they prove, and where they lead."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.seen import Recognised, absent, unknown, withdrawn

_FILES = "assets.publishing.service.gov.uk"
_PAGES = "www.gov.uk"


def redirected(url: str, answer: Answer) -> Recognised:
    """Return what a 3xx answer at `url` proves. It is never followed here.

    A draft host means that the file is not out; the parent page, that its part was taken back. Another
    address of the same host is found with the role `redirect`, for the next look.
    """
    there = _location(url, answer)
    if there is None or answer.status == 303:
        # GOV.UK's content API answers 303 for a path that is part of another item: that item is not ours.
        return unknown("redirected nowhere" if there is None else "part of another page")
    here, host = urlsplit(url), urlsplit(there).hostname or ""
    if host.startswith("draft-"):
        return absent("still a draft")
    if _is_taken_back(url, there):
        return withdrawn("its address leads to the parent page")
    if host == here.hostname and there != url:
        return unknown("redirected", (Found(there, "", "redirect"),))
    return unknown("redirected to itself" if there == url else "redirected to another host")


def _is_taken_back(url: str, there: str) -> bool:
    # GOV.UK leads the parts of an unpublished page to the page: its files, and the pages below it.
    here, to = urlsplit(url), urlsplit(there)
    if here.hostname == _FILES:
        return to.hostname == _PAGES
    path = to.path.rstrip("/")
    below = here.path.startswith(f"{path}/") and path.count("/") >= 3
    return here.hostname == to.hostname == _PAGES and below and here.path.rstrip("/") != path


def _location(url: str, answer: Answer) -> str | None:
    location = answer.headers.get("location")
    if not location:
        return None
    try:
        there = urljoin(url, location).partition("#")[0]
        return there if urlsplit(there).hostname else None
    except ValueError:
        return None
