"""Answers that come from something standing in front of the publisher: challenges, sign-in pages, mirrors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from monitor.look.fetch import Answer

_HEAD = 65_536
_MARKS = re.compile(
    rb"cf-chl-|challenge-platform|_incapsula_resource|incapsula incident|aws-waf|awswafcookie|captcha-delivery"
    rb"|px-captcha|pardon our interruption|ddos-guard|/_sec/cp_challenge",
    re.IGNORECASE,
)
_TITLES = re.compile(
    rb"<title[^>]*>\s*(just a moment|attention required|access denied|access to this page|sign in|log in|login"
    rb"|signing in|are you (a )?(human|robot)|human verification|security check|verify|one moment"
    rb"|checking your browser)",
    re.IGNORECASE,
)
_ASKED_TO_SIGN_IN = re.compile(rb"<input[^>]+type\s*=\s*[\"']?password", re.IGNORECASE)
_HEADING = re.compile(rb"<h1[\s>]", re.IGNORECASE)


def is_mirror(headers: Mapping[str, str]) -> bool:
    """Tell whether a mirror or an error page of the CDN answered in the publisher's place."""
    backend = headers.get("fastly-backend-name", "").lower()
    return backend.startswith("mirror") or backend == "error"


def is_challenged(headers: Mapping[str, str]) -> bool:
    """Tell whether the headers alone say that a firewall answered."""
    return "cf-mitigated" in headers or "x-amzn-waf-action" in headers


def challenge(answer: Answer) -> str | None:
    """Return what stands in front of the publisher, None when nothing does. Reads the first 64 KB."""
    if is_challenged(answer.headers):
        return "challenge"
    if "html" not in answer.headers.get("content-type", "html").lower():
        return None
    head = answer.body[:_HEAD]
    if _MARKS.search(head) or _TITLES.search(head):
        return "challenge"
    if _ASKED_TO_SIGN_IN.search(head) and not _HEADING.search(head):
        return "sign-in page"
    return None
