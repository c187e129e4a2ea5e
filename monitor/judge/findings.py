"""What the evidence shows besides the verdict: one release can be exposed on Monday and on time on Wednesday."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.judge.case import Case
from monitor.judge.seen import Seen
from monitor.judge.verdict import Finding, Kind, PartVerdict, Word


def findings(case: Case, parts: Sequence[PartVerdict], sights: Sequence[Seen]) -> tuple[Finding, ...]:
    """Return the findings on a release, gravest kinds first."""
    del case, sights
    found = [
        Finding(Kind.EARLY_EXPOSURE, part.id, "", exposure.seconds) for part in parts for exposure in part.exposures
    ]
    found += [Finding(Kind.LATE, part.id, "", part.delay) for part in parts if part.word in (Word.LATE, Word.OVERDUE)]
    return tuple(found)
