"""Interprets redirects: what they prove, and which address the next look uses."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.result import Recognised, absent, unknown, withdrawn

REDIRECTED = "redirected"
"""Reason of an unknown: the address redirects to another one on its host, which the next look uses."""
_FILES = "assets.publishing.service.gov.uk"
_PAGES = "www.gov.uk"
_PORTS = {"http": 80, "https": 443}


def interpret_redirect(url: str, answer: Answer) -> Recognised:
    """Return what a 3xx answer at `url` proves. The redirect is not followed here.

    A redirect to a draft host proves that the file is not out. One to the parent page proves that the part was
    withdrawn. Another address of the same host is returned as found, with the role `redirect`, for the next look.
    """
    there = _resolve_location(url, answer)
    if there is None or answer.status == 303:
        # GOV.UK's content API answers 303 for a path that is part of another content item.
        return unknown("redirected nowhere" if there is None else "part of another page")
    host = urlsplit(there).hostname or ""
    if host.startswith("draft-"):
        return absent("still a draft")
    if _is_withdrawal(url, there):
        return withdrawn("its address leads to the parent page")
    if is_same_site(url, there) and there != url:
        return unknown(REDIRECTED, (Found(there, "", "redirect"),))
    return unknown(_describe_destination(url, there))


def is_same_site(here: str, there: str) -> bool:
    """Return whether a redirect stays on the host and port, adds no user name, and keeps encryption."""
    try:
        one, other = urlsplit(here), urlsplit(there)
        ports = [parts.port or _PORTS.get(parts.scheme) for parts in (one, other)]
    except ValueError:
        return False
    is_safer = (one.scheme, other.scheme, *ports) == ("http", "https", 80, 443)
    is_same = one.scheme == other.scheme and ports[0] == ports[1] is not None
    return one.hostname == other.hostname and other.username is None and (is_same or is_safer)


def _is_withdrawal(url: str, there: str) -> bool:
    # GOV.UK redirects the files of an unpublished page, and the pages below it, to that page.
    here, to = urlsplit(url), urlsplit(there)
    if here.hostname == _FILES:
        return to.hostname == _PAGES
    path = to.path.rstrip("/")
    below = here.path.startswith(f"{path}/") and path.count("/") >= 3
    return here.hostname == to.hostname == _PAGES and below and here.path.rstrip("/") != path


def _describe_destination(url: str, there: str) -> str:
    if there == url:
        return "redirected to itself"
    same = urlsplit(url).hostname == urlsplit(there).hostname
    return "redirected to another port or scheme" if same else "redirected to another host"


def _resolve_location(url: str, answer: Answer) -> str | None:
    """Return the absolute address in an answer's `Location`, without fragment. None if there is none."""
    location = answer.headers.get("location")
    if not location:
        return None
    try:
        there = urljoin(url, location).partition("#")[0]
        return there if urlsplit(there).hostname else None
    except ValueError:
        return None
