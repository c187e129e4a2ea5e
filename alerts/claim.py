"""What the public record claims: the publisher's own word on when it published, shown apart from what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from schedules.times.json import instant_json

NO_PROOF = (
    "This is claimed by the publisher, not measured, and is no part of any verdict or figure: "
    "the public stamps of really late releases often say 09:30:00."
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One publication as its publisher tells of it: `at` is when it was first published by its own stamp.

    `slot` is the time that the record itself gives beside it, None without one: `slot_source` says whether that was
    `announced`, or set for its publication in the publisher's own system (`scheduled`). `source` is where it was
    `read`, and when.
    """

    producer: str
    url: str
    at: datetime
    title: str
    slot: datetime | None
    slot_source: str
    source: str
    read: datetime

    @property
    def host(self) -> str:
        """Return the platform."""
        return urlsplit(self.url).hostname or ""


def claim_json(claim: Claim) -> dict[str, Any]:
    """Return a claim as JSON values, marked as one."""
    return {
        "claimed": True,
        "producer": claim.producer,
        "title": claim.title,
        "url": claim.url,
        "slot": instant_json(claim.slot),
        "slot_source": claim.slot_source or None,
        "first_published": instant_json(claim.at),
        "source": claim.source,
        "read": instant_json(claim.read),
    }
