"""The publisher's own claim of when it published, shown apart from measurements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from schedules.times.json import fields_json, instant_json

NO_PROOF = (
    "This is claimed by the publisher, not measured, and is no part of any verdict or figure: "
    "the public stamps of really late releases often say 09:30:00."
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One publication in the publisher's record: `at` is when it was first published, by the
    publisher's own stamp.

    `slot` is the planned time in that record, None without one. `slot_source` says whether it was
    `announced`, or only `scheduled` in the publisher's system. `source` is where the record was
    found, `read` when.
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
        """Return the host of its address."""
        return urlsplit(self.url).hostname or ""


def claim_json(claim: Claim) -> dict[str, Any]:
    """Return a publisher's claim as JSON values, with `claimed` to mark it."""
    return {
        "claimed": True,
        **fields_json(claim, "producer", "title", "url", "slot"),
        "slot_source": claim.slot_source or None,
        "first_published": instant_json(claim.at),
        **fields_json(claim, "source", "read"),
    }
