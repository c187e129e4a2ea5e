"""What published content says of its own version, in one line for a run to keep: instants and counts, no words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

Told = datetime | int | None


def written(**told: Told) -> str | None:
    """Return `change_history=2 public_updated_at=2026-11-27T14:05:00+00:00`; None when nothing was told."""
    facts = sorted((name, _text(value)) for name, value in told.items() if value is not None)
    return " ".join(f"{name}={text}" for name, text in facts) or None


def read(version: str) -> dict[str, datetime | int]:
    """Return what `written` wrote, by field."""
    pairs = (fact.split("=", 1) for fact in version.split())
    return {name: int(text) if text.isdecimal() else datetime.fromisoformat(text) for name, text in pairs}


def first_published(version: str | None) -> datetime | None:
    """Return when the publisher says that it first published the content; None where it does not say."""
    told = read(version or "").get("first_published_at")
    return told if isinstance(told, datetime) else None


def moved_on(known: Mapping[str, datetime | int], told: Mapping[str, datetime | int]) -> list[str]:
    """Return the fields that have gone beyond what was known of them, in order; a cache's older copy moves nothing."""
    return sorted(name for name in known.keys() & told.keys() if _is_later(told[name], known[name]))


def _is_later(one: datetime | int, other: datetime | int) -> bool:
    if isinstance(one, int) and isinstance(other, int):
        return one > other
    return isinstance(one, datetime) and isinstance(other, datetime) and one > other


def _text(value: datetime | int) -> str:
    return str(value) if isinstance(value, int) else value.astimezone(UTC).isoformat()
