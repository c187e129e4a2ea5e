"""Redirects: what they prove, and where they lead."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.result import Recognised, absent, unknown, withdrawn

REDIRECTED = "redirected"
"""Why a look at an address that leads elsewhere on its host proves nothing of itself."""
_FILES = "assets.publishing.service.gov.uk"
_PAGES = "www.gov.uk"
_PORTS = {"http": 80, "https": 443}


def redirected(url: str, answer: Answer) -> Recognised:
    """Return what a 3xx answer at `url` proves. It is never followed here.

    A draft host means that the file is not out; the parent page, that its part was taken back. Another
    address of the same host is found with the role `redirect`, for the next look.
    """
    there = _location(url, answer)
    if there is None or answer.status == 303:
        # GOV.UK's content API answers 303 for a path that is part of another item: that item is not ours.
        return unknown("redirected nowhere" if there is None else "part of another page")
    host = urlsplit(there).hostname or ""
    if host.startswith("draft-"):
        return absent("still a draft")
    if _is_taken_back(url, there):
        return withdrawn("its address leads to the parent page")
    if is_near(url, there) and there != url:
        return unknown(REDIRECTED, (Found(there, "", "redirect"),))
    return unknown(_told(url, there))


def is_near(here: str, there: str) -> bool:
    """Tell whether a redirect stays on the same host and port, with nobody's name in it, and gives up no encryption."""
    try:
        one, other = urlsplit(here), urlsplit(there)
        ports = [parts.port or _PORTS.get(parts.scheme) for parts in (one, other)]
    except ValueError:
        return False
    is_safer = (one.scheme, other.scheme, *ports) == ("http", "https", 80, 443)
    is_same = one.scheme == other.scheme and ports[0] == ports[1] is not None
    return one.hostname == other.hostname and other.username is None and (is_same or is_safer)


def _is_taken_back(url: str, there: str) -> bool:
    # GOV.UK leads the parts of an unpublished page to the page: its files, and the pages below it.
    here, to = urlsplit(url), urlsplit(there)
    if here.hostname == _FILES:
        return to.hostname == _PAGES
    path = to.path.rstrip("/")
    below = here.path.startswith(f"{path}/") and path.count("/") >= 3
    return here.hostname == to.hostname == _PAGES and below and here.path.rstrip("/") != path


def _told(url: str, there: str) -> str:
    if there == url:
        return "redirected to itself"
    same = urlsplit(url).hostname == urlsplit(there).hostname
    return "redirected to another port or scheme" if same else "redirected to another host"


def _location(url: str, answer: Answer) -> str | None:
    location = answer.headers.get("location")
    if not location:
        return None
    try:
        there = urljoin(url, location).partition("#")[0]
        return there if urlsplit(there).hostname else None
    except ValueError:
        return None
