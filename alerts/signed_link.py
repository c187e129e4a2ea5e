"""Signed tokens in links, which let people read and acknowledge one incident for a while without
signing in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime

_LONGEST = 1000
SEPARATOR = "\x1f"
"""Separates, in a token, the incident, the first characters of the id of the notice with the link,
and the channel to which that is sent.
"""


def sign_token(incident: str, until: datetime, key: bytes) -> str:
    """Return a token for a URL that is valid for one incident until an instant (whole seconds)."""
    body = f"{int(until.timestamp())}.{incident}".encode()
    return (
        base64.urlsafe_b64encode(hmac.digest(key, body, hashlib.sha256) + body).decode().rstrip("=")
    )


def read_token(token: str, key: bytes, now: datetime) -> str | None:
    """Return the incident that the token of a link names, None if it was not signed with `key` or
    has expired.
    """
    try:
        padded = token.encode() + b"=" * (-len(token) % 4)
        raw = (
            base64.b64decode(padded, altchars=b"-_", validate=True)
            if len(token) <= _LONGEST
            else b""
        )
    except (binascii.Error, ValueError):
        return None
    signature, body = raw[:32], raw[32:]  # a SHA-256 has 32 bytes
    if not hmac.compare_digest(hmac.digest(key, body, hashlib.sha256), signature):
        return None
    until, _, incident = body.decode().partition(".")
    return incident if now <= datetime.fromtimestamp(int(until), UTC) else None
