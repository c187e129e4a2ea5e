"""What the public record claims: the publisher's own word on when it published, shown apart from what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from alerts.draft import words
from alerts.draft.report import Table
from schedules.times.json import instant_json
from schedules.times.words import stamp

MOST_TOLD = 500
"""How many a document lists."""
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


def claims_text(claims: Sequence[Claim]) -> tuple[str, ...]:
    """Return in words how many claims there are, and what they are worth; nothing without any."""
    if not claims:
        return ()
    told = f"The public record tells of {words.count(len(claims), 'publication')} in the period"
    where = f"the first {MOST_TOLD} in the last annex, all in .csv" if len(claims) > MOST_TOLD else "see the last annex"
    return (f"{told}: {where}. {NO_PROOF}",)


def claims_table(claims: Sequence[Claim], zone: str) -> tuple[Table, ...]:
    """Return the first claims as a table, none without any."""
    rows = tuple(
        (
            stamp(claim.at, zone),
            f"{claim.title}\n{claim.producer}\n{claim.url}",
            f"{stamp(claim.slot, zone)}\n{claim.slot_source}" if claim.slot else "not told",
            f"{urlsplit(claim.source).hostname}, read {stamp(claim.read, zone)}",
        )
        for claim in claims[:MOST_TOLD]
    )
    header = ("First published, as claimed", "Publication and producer", "Slot in the record", "Source")
    return (Table("Claimed by the publishers, not measured", header, rows, (3.2, 7.4, 3.2, 3.0)),) if rows else ()
