"""Several producers late together on one platform: a finding that no release can show by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from monitor.judge.verdict import Finding, Kind, Verdict, Word

BEHIND = (Word.LATE, Word.OVERDUE, Word.NOT_PUBLISHED)
SHARE = 3
"""Late together are at least one in so many of what was settled there: two among a hundred on time share no fault."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How a release stands that others of its slot are held against: whose it is, where, when due, and the verdict."""

    release: str
    producer: str
    host: str
    slot: datetime | None
    word: Word


def settled(verdict: Verdict) -> Settled:
    """Return how a judged release stands."""
    slot = verdict.slot.instant if verdict.slot is not None else None
    return Settled(verdict.release, verdict.producer, host_of(verdict.url), slot, verdict.word)


def host_of(url: str) -> str:
    """Return the platform an address is on."""
    return urlsplit(url).hostname or ""


def with_platform(verdict: Verdict, others: Iterable[Settled]) -> Verdict:
    """Return a verdict with the finding that it and others were late together, unchanged when they were not.

    Together: two producers or more on one host at one slot, and a share of what was settled there then.
    """
    own = settled(verdict)
    if own.word not in BEHIND or own.slot is None:
        return verdict
    there = [own, *(one for one in others if (one.host, one.slot) == (own.host, own.slot))]
    late = {one.release: one.producer for one in there if one.word in BEHIND}
    producers = sorted(set(late.values()))
    in_time = len({one.release for one in there if one.word is Word.ON_TIME})
    if len(producers) < 2 or SHARE * len(late) < len(late) + in_time:
        return verdict
    detail = f"{len(late)} releases of {', '.join(producers)} late together on {own.host}"
    return replace(verdict, findings=(*verdict.findings, Finding(Kind.PLATFORM, None, detail)))
