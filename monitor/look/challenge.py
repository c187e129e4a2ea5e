"""Answers that come from something standing in front of the publisher: challenges, sign-in pages, mirrors."""

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
    """Tell whether a mirror or an error page of the CDN answered in the publisher's place."""
    backend = headers.get("fastly-backend-name", "").lower()
    return backend.startswith("mirror") or backend == "error"


def is_challenged(headers: Mapping[str, str]) -> bool:
    """Tell whether the headers alone say that a firewall answered."""
    return "cf-mitigated" in headers or "x-amzn-waf-action" in headers


def not_theirs(answer: Answer) -> str:
    """Return why an answer says nothing of what its publisher has now, by its headers alone; empty when it may."""
    headers = answer.headers
    if "fastly-backend-name" in headers and is_mirror(headers):
        return "mirror"
    if "age" in headers and is_stale(headers):
        return "stale"
    return "challenge" if is_challenged(headers) else ""


def challenge(answer: Answer) -> str | None:
    """Return what stands in front of the publisher, None when nothing does. Reads the first 64 KB."""
    if is_challenged(answer.headers):
        return "challenge"
    if "html" not in answer.headers.get("content-type", "html").lower():
        return None
    # Words are sought in lower case one by one: one pattern for all, whatever their case, takes ten times as long.
    head = answer.body[:_HEAD].lower()
    title = head.find(b"<title")
    if any(mark in head for mark in _MARKS) or (title >= 0 and _TITLES.match(head, title)):
        return "challenge"
    if b"password" in head and _ASKED_TO_SIGN_IN.search(head) and b"<h1" not in head:
        return "sign-in page"
    return None
