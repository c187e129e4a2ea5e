"""Interprets redirects: what they prove, and which address the next look uses."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from monitor.look.fetch import Answer, Found
from monitor.look.guard import DEFAULT_PORTS
from monitor.look.recognise.result import Recognised, absent, unknown, withdrawn
from monitor.plan.targets import ASSETS, GOVUK
from schedules.patterns import quick

REDIRECTED = "redirected"
"""Reason of an unknown: another path on the host, which the next look uses."""
MISREAD = "absent at an address that we may have misread in a redirect"
OTHER_HOST = "redirected to another host"
"""Reason of an unknown: users are led away."""
HOME = "redirected to the home page"
"""Reason of an unknown: sites answer so for what they do not have."""
_FOLLOWED = (301, 302, 303, 307, 308)
"""Browsers follow no other status."""
_BLANKS = "".join(map(chr, range(0x21)))
"""Browsers ignore these at both ends of an address."""
_BEFORE_QUERY = quick(r"^[^?#]*")
_SLASHES = quick(r"^(https?:)///+", re.IGNORECASE)
_KEPT = "!#$%&'()*+,/:;=?@[\\]^_{|}~"
"""Besides letters and digits, `_mend_location` leaves these as they are."""


def interpret_redirect(url: str, answer: Answer) -> Recognised:
    """Return what a 3xx answer at `url` proves, without following it.

    A draft host proves absence, the parent page a withdrawal. Another address of the same host is
    found, with the role `redirect`, for the next look.
    """
    is_followed = answer.status in _FOLLOWED
    destination = None
    if is_followed:
        destination = _resolve_location(url, answer)
    if destination is None:
        return unknown("redirected nowhere")
    here, there = urlsplit(url), urlsplit(destination)
    if answer.status == 303 and here.hostname == GOVUK:
        # The content API answers so for a path of another content item.
        return unknown("part of another page")
    if (there.hostname or "").startswith("draft-"):
        return absent("still a draft")
    if _is_withdrawal(here, there):
        return withdrawn("its address leads to the parent page")
    if not is_same_site(url, destination):
        is_same_host = here.hostname == there.hostname
        return unknown("redirected to another port or scheme" if is_same_host else OTHER_HOST)
    # An announcement that leads to the same path with another query does not lead to its release.
    why = REDIRECTED
    if here.path == there.path:
        why = "redirected to itself"
    if here.path.strip("/") and not there.path.strip("/") and not there.query:
        why = HOME
    leads_on = destination != url and why != HOME
    return unknown(why, (Found(destination, "", "redirect"),) if leads_on else ())


def is_same_site(url: str, destination: str) -> bool:
    """Return whether a redirect keeps host (`www.` aside), scheme and port, or adds encryption."""
    try:
        here, there = urlsplit(url), urlsplit(destination)
        port, new_port = (parts.port or DEFAULT_PORTS.get(parts.scheme) for parts in (here, there))
    except ValueError:
        return False
    adds_encryption = (here.scheme, port, there.scheme, new_port) == ("http", 80, "https", 443)
    is_same = port is not None and (here.scheme, port) == (there.scheme, new_port)
    is_same_host = _host_without_www(here) == _host_without_www(there)
    return is_same_host and there.username is None and (is_same or adds_encryption)


def _host_without_www(address: SplitResult) -> str:
    return (address.hostname or "").removeprefix("www.")


def is_location_mended(answer: Answer) -> bool:
    """Return whether we had to correct the `Location`, as browsers do."""
    location = _stated_location(answer)
    return _mend_location(location) != location


def _is_withdrawal(here: SplitResult, there: SplitResult) -> bool:
    """Return whether GOV.UK redirects from a file to a page, or to the page above: it unpublished
    it.
    """
    if here.hostname == ASSETS:
        return there.hostname == GOVUK
    parent = there.path.rstrip("/")
    is_below = here.path.startswith(f"{parent}/") and here.path.rstrip("/") != parent
    # With fewer segments it is a section of the site.
    return here.hostname == there.hostname == GOVUK and is_below and parent.count("/") >= 3


def _resolve_location(url: str, answer: Answer) -> str | None:
    """Return the absolute address in an answer's `Location`, without fragment, or None."""
    location = _mend_location(_stated_location(answer))
    if not location:
        return None
    try:
        destination = urljoin(url, location).partition("#")[0]
        return destination if urlsplit(destination).hostname else None
    except ValueError:
        return None


def _stated_location(answer: Answer) -> str:
    """Return the `Location`, once if it was sent several times with one value."""
    location = answer.headers.get("location", "").strip(_BLANKS)
    first, *others = location.split(", ")
    if all(other == first for other in others):
        return first
    return location


def _mend_location(location: str) -> str:
    """Return an address as browsers read it (WHATWG URL Standard, "URL parsing")."""
    location = _decode_utf8(location).replace("\t", "")
    location = _BEFORE_QUERY.sub(lambda path: path[0].replace("\\", "/"), location)
    location = _SLASHES.sub(r"\1//", location)
    return quote(location, safe=_KEPT, errors="replace")


def _decode_utf8(header: str) -> str:
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header
