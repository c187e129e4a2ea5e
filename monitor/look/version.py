"""Formats and reads the version that published content states about itself: one line of instants
and counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def format_version(**values: datetime | int | None) -> str | None:
    """Return `change_history=2 public_updated_at=2026-11-27T14:05:00+00:00`; None if all values are
    None.
    """
    stated = []
    for name, value in sorted(values.items()):
        text = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        if text is not None:
            stated.append(f"{name}={text}")
    return " ".join(stated) or None


def parse_version(version: str) -> dict[str, datetime | int]:
    """Return the fields of a line that `format_version` returned."""
    pairs = (fact.split("=", 1) for fact in version.split())
    return {
        name: int(text) if text.isdecimal() else datetime.fromisoformat(text)
        for name, text in pairs
    }


def first_published(version: str | None) -> datetime | None:
    """Return when the content was first published, by its own statement. None if it does not
    say.
    """
    stated = parse_version(version or "").get("first_published_at")
    if isinstance(stated, datetime):
        return stated
    return None


def advanced_fields(known: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the names of fields that are later or larger than before, sorted.

    Fields of an older copy are not.
    """
    return sorted(name for name in known.keys() & new.keys() if new[name] > known[name])
