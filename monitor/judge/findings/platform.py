"""The finding that several producers were late together on one platform.

It needs the verdicts of other releases.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from monitor.judge.reasons import Reason
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import LATE_VERDICTS, Finding, FindingKind, VerdictKind

SHARE = 3
"""At least one in this many releases must be late. Two late ones among a hundred do not show a
platform fault.
"""


@dataclass(frozen=True, slots=True)
class SlotVerdict:
    """The verdict on one release, to compare it with others of the same host and slot."""

    release: str
    producer: str
    host: str
    slot: datetime | None
    verdict: VerdictKind


def slot_verdict(verdict: Verdict) -> SlotVerdict:
    """Return the short form of a verdict, for the comparison of releases."""
    slot = None
    if verdict.slot is not None:
        slot = verdict.slot.instant
    return SlotVerdict(
        verdict.release, verdict.producer, host_of(verdict.url), slot, verdict.verdict
    )


def host_of(url: str) -> str:
    """Return the host of an address, which is its platform; empty if it has none."""
    return urlsplit(url).hostname or ""


def add_platform_finding(verdict: Verdict, others: Iterable[SlotVerdict]) -> Verdict:
    """Return a verdict with the finding `platform` added if its release and others were late
    together.
    """
    # Together means: at one host and slot, of two producers or more, and at least one in `SHARE` of
    # the releases there.
    own = slot_verdict(verdict)
    if own.verdict not in LATE_VERDICTS or own.slot is None:
        return verdict
    same_slot = [
        own,
        *(other for other in others if (other.host, other.slot) == (own.host, own.slot)),
    ]
    late = {other.release: other.producer for other in same_slot if other.verdict in LATE_VERDICTS}
    on_time = {other.release for other in same_slot if other.verdict is VerdictKind.ON_TIME}
    producers = tuple(sorted(set(late.values())))
    if len(producers) < 2 or SHARE * len(late) < len(late) + len(on_time):
        return verdict
    detail = Reason.PLATFORM.text(number=len(late), producers=producers, host=own.host)
    return replace(
        verdict, findings=(*verdict.findings, Finding(FindingKind.PLATFORM, None, detail))
    )
