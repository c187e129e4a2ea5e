"""Several producers late together on one platform: a finding that no release can show by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from monitor.judge.verdict import Finding, Kind, Verdict, Word

BEHIND = (Word.LATE, Word.OVERDUE, Word.NOT_PUBLISHED)
Place = tuple[str, datetime]


def platform(verdicts: Iterable[Verdict]) -> dict[str, Finding]:
    """Return a finding by release id where two or more producers were late on one host at one slot."""
    together: dict[Place, list[Verdict]] = {}
    for verdict in verdicts:
        place = _place(verdict)
        if place is not None:
            together.setdefault(place, []).append(verdict)
    return {
        verdict.release: found
        for (host, _), late in together.items()
        if (found := _finding(host, late)) is not None
        for verdict in late
    }


def with_platform(verdict: Verdict, others: Iterable[Verdict]) -> Verdict:
    """Return a verdict with the finding that it and others were late together, unchanged when they were not."""
    found = platform([verdict, *others]).get(verdict.release)
    return verdict if found is None else replace(verdict, findings=(*verdict.findings, found))


def _place(verdict: Verdict) -> Place | None:
    slot = verdict.slot
    if verdict.word not in BEHIND or slot is None or slot.instant is None:
        return None
    return urlsplit(verdict.url).hostname or "", slot.instant


def _finding(host: str, late: Iterable[Verdict]) -> Finding | None:
    late = list(late)
    producers = sorted({verdict.producer for verdict in late})
    if len(producers) < 2:
        return None
    count = len({verdict.release for verdict in late})
    return Finding(Kind.PLATFORM, None, f"{count} releases of {', '.join(producers)} late together on {host}")
