"""Signed words in a link by which one incident can be read and acknowledged without signing in, for a while."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime

_LONGEST = 1000
OF_NOTICE = "\x1f"
"""What stands in a link between its incident and the beginning of the id of the notice that brought it."""


def sign(incident: str, until: datetime, key: bytes) -> str:
    """Return a token, fit for a URL, that stands for one incident until an instant (whole seconds)."""
    body = f"{int(until.timestamp())}.{incident}".encode()
    return _encode(hmac.digest(key, body, hashlib.sha256) + body)


def read(token: str, key: bytes, now: datetime) -> str | None:
    """Return the incident a token stands for; None when it was not signed with `key` or has run out."""
    raw = _decode(token) if len(token) <= _LONGEST else b""
    signature, body = raw[:32], raw[32:]
    if not hmac.compare_digest(hmac.digest(key, body, hashlib.sha256), signature):
        return None
    until, _, incident = body.decode().partition(".")
    return incident if now <= datetime.fromtimestamp(int(until), UTC) else None


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
