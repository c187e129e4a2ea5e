"""What releases promised for one instant tell about each other: late together, the platform held them up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.judge.findings.platform import BEHIND
from monitor.judge.verdict import Verdict
from monitor.watch.release import WatchedRelease


def others_behind(releases: Mapping[str, WatchedRelease], verdict: Verdict) -> list[Verdict]:
    """Return the verdicts on all other releases, where one that is behind must be held against them."""
    if verdict.word not in BEHIND:
        return []
    others = (watched for name, watched in releases.items() if name != verdict.release)
    known = (watched.verdict for watched in others if watched.held is None)
    return [other for other in known if other is not None]


def sharing_the_slot(releases: Mapping[str, WatchedRelease], before: Verdict | None, verdict: Verdict) -> Iterator[str]:
    """Yield the releases to be judged again, since one of their instant falls behind or is found not to."""
    was_behind = before is not None and before.word in BEHIND
    if (verdict.word in BEHIND) is was_behind or verdict.slot is None:
        return
    for name, other in releases.items():
        promised = other.verdict.slot if other.verdict is not None else None
        if name != verdict.release and promised is not None and promised.instant == verdict.slot.instant:
            yield name
