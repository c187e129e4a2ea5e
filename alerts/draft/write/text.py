"""Text that office formats accept."""

from __future__ import annotations

import re

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """Return text without characters that XML forbids: each is shown by its control picture, none is dropped."""
    return CONTROL.sub(lambda found: _picture(found.group()), text.replace("\r\n", "\n").replace("\r", "\n"))


def _picture(character: str) -> str:
    return chr(0x2400 + ord(character)) if ord(character) < 0x20 else "\ufffd"
