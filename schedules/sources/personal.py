"""Personal data taken out of answers before anything of them is stored or hashed."""

from __future__ import annotations

import json

# fmt: off
PERSONAL = frozenset({
    "contact", "contactDetails", "contactName", "contactTelNo", "email", "telephone", "teamEmail",
    "alternative_format_contact_email", "preReleaseAccessList", "highlight",
})
# fmt: on


def strip_personal(body: bytes) -> bytes:
    """Return a JSON body without names, addresses and numbers of people, keys in their order; other bytes unchanged.

    A change of contact then changes no hash.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return body
    told = json.dumps(_stripped(data), ensure_ascii=False, separators=(",", ":"))
    try:
        return told.encode()
    except UnicodeEncodeError:
        # Half of a pair that stands for one character has no bytes of its own, but an escape.
        return json.dumps(_stripped(data), separators=(",", ":")).encode()


def _stripped(value: object) -> object:
    if isinstance(value, dict):
        return {name: _stripped(inner) for name, inner in value.items() if name not in PERSONAL}
    if isinstance(value, list):
        return [_stripped(inner) for inner in value]
    return value
