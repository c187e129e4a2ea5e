"""Detects answers that are not the publisher's present page: bot challenges, sign-in pages,
mirrors, stale copies.
"""

from __future__ import annotations

from monitor.look.cache_age import is_stale
from monitor.look.fetch import Answer
from schedules.patterns import quick

_HEAD = 65_536
_SHORT_HEAD = 8192
_MARKS = (
    b"cf-chl-",
    b"cf_chl_opt",
    b"incapsula incident",
    b"aws-waf",
    b"awswafcookie",
    b"captcha-delivery",
    b"px-captcha",
    b"pardon our interruption",
    b"ddos-guard",
    b"/_sec/cp_challenge",
)
# Cloudflare and Imperva put these scripts into ordinary pages too. But such a page has a heading.
_MARKS_WITHOUT_HEADING = (b"challenge-platform", b"_incapsula_resource")
_TITLES = quick(
    rb"<title[^>]{0,100}>\s*(just a moment|attention required|access denied|access to this"
    rb" page|sign in|log in|login"
    rb"|signing in|are you (a )?(human|robot)|human verification|security check|verify|one moment"
    rb"|request rejected|making sure you|client challenge|robot c|bot verification|azure waf"
    rb"|vercel security|validating|establishing a secure|[^<]{0,60}captcha"
    rb"|you are being redirected|checking your browser"
    rb"|(error )?(40[13]|429|50[0234])\W{1,3}(unauthor|forbidden|too many|internal|bad gateway"
    rb"|service|gateway|this web app))"
)
_ASKED_TO_SIGN_IN = quick(rb"<input[^>]{1,500}type\s*=\s*[\"']?password")


CHALLENGE = "challenge"


def rejection_reason(answer: Answer) -> str:
    """Return `mirror` (of the CDN), `stale` or `challenge` if the headers show such an answer, else
    an empty string.

    A 404 or 410 with the body of a bot wall is a `challenge` too: it proves nothing of the page.
    """
    # If the origin fails, this is a mirror with older copies.
    backend = answer.headers.get("fastly-backend-name", "").lower()
    if backend.startswith("mirror") or backend == "error":
        return "mirror"
    if is_stale(answer.headers):
        return "stale"
    is_by_firewall = "cf-mitigated" in answer.headers or "x-amzn-waf-action" in answer.headers
    is_by_firewall |= answer.status in (404, 410) and _is_challenge_for_missing(answer)
    return CHALLENGE if is_by_firewall else ""


def find_challenge(answer: Answer) -> str | None:
    """Return `challenge` or `sign-in page` if an answer is one, judged by its first 64 KB.

    None if it is neither.
    """
    if not _may_be_page(answer):
        return None
    # Searching each word in lower-case text is ten times faster than one pattern that ignores case.
    head = answer.body[:_HEAD].lower()
    has_heading = b"<h1" in head
    has_any_heading = has_heading or b"<h2" in head
    is_by_wall = not has_any_heading and any(mark in head for mark in _MARKS_WITHOUT_HEADING)
    if is_by_wall or _is_challenge(head):
        return CHALLENGE
    # The page of a release may also have a field to sign in, but it has a heading.
    is_sign_in = not has_heading and b"password" in head and _ASKED_TO_SIGN_IN.search(head)
    return "sign-in page" if is_sign_in else None


def _is_challenge_for_missing(answer: Answer) -> bool:
    """Return whether the page of a 404 or 410 is that of a bot wall, or names another status."""
    return _may_be_page(answer) and _is_challenge(answer.body[:_SHORT_HEAD].lower())


def _may_be_page(answer: Answer) -> bool:
    return "html" in answer.headers.get("content-type", "html").lower()  # it may have no type


def _is_challenge(head: bytes) -> bool:
    """Return whether the start of a page, in lower case, has a mark or the title of a bot wall."""
    if any(mark in head for mark in _MARKS):
        return True
    title = head.find(b"<title")
    return title >= 0 and _TITLES.match(head, title) is not None
