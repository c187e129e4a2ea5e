"""Detects answers that are not from the publisher: bot challenges, sign-in pages, mirrors, stale copies."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.look.cache_age import is_stale
from monitor.look.fetch import Answer
from schedules.patterns import quick

_HEAD = 65_536
_MARKS = (
    b"cf-chl-",
    b"challenge-platform",
    b"_incapsula_resource",
    b"incapsula incident",
    b"aws-waf",
    b"awswafcookie",
    b"captcha-delivery",
    b"px-captcha",
    b"pardon our interruption",
    b"ddos-guard",
    b"/_sec/cp_challenge",
)
_TITLES = quick(
    rb"<title[^>]{0,100}>\s*(just a moment|attention required|access denied|access to this page|sign in|log in|login"
    rb"|signing in|are you (a )?(human|robot)|human verification|security check|verify|one moment"
    rb"|checking your browser)"
)
_ASKED_TO_SIGN_IN = quick(rb"<input[^>]{1,500}type\s*=\s*[\"']?password")


def is_mirror(headers: Mapping[str, str]) -> bool:
    """Return whether a mirror or an error page of the CDN answered instead of the publisher."""
    backend = headers.get("fastly-backend-name", "").lower()
    return backend.startswith("mirror") or backend == "error"


def is_challenged(headers: Mapping[str, str]) -> bool:
    """Return whether the headers show that a firewall answered."""
    return "cf-mitigated" in headers or "x-amzn-waf-action" in headers


def rejected_by_headers(answer: Answer) -> str:
    """Return why the headers show that an answer is not what the publisher has now, else an empty string."""
    headers = answer.headers
    if "fastly-backend-name" in headers and is_mirror(headers):
        return "mirror"
    if "age" in headers and is_stale(headers):
        return "stale"
    return "challenge" if is_challenged(headers) else ""


def find_challenge(answer: Answer) -> str | None:
    """Return whether a challenge or a sign-in page answered, by the first 64 KB. None if neither did."""
    if is_challenged(answer.headers):
        return "challenge"
    if "html" not in answer.headers.get("content-type", "html").lower():
        return None
    # Searching each word in lower-case text is ten times faster than one pattern that ignores case.
    head = answer.body[:_HEAD].lower()
    title = head.find(b"<title")
    if any(mark in head for mark in _MARKS) or (title >= 0 and _TITLES.match(head, title)):
        return "challenge"
    if b"password" in head and _ASKED_TO_SIGN_IN.search(head) and b"<h1" not in head:
        return "sign-in page"
    return None
