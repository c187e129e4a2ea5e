"""What releases promised for one instant tell about each other: late together, the platform held them up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.judge.findings.platform import BEHIND, Settled, settled
from monitor.judge.verdict import Verdict, Word
from monitor.watch.release import WatchedRelease


def others_settled(releases: Mapping[str, WatchedRelease], verdict: Verdict) -> list[Settled]:
    """Return how all other releases stand, where one that is behind must be held against them."""
    if verdict.word not in BEHIND:
        return []
    others = (watched for name, watched in releases.items() if name != verdict.release)
    known = (watched.verdict for watched in others if watched.held is None)
    return [settled(other) for other in known if other is not None]


def sharing_the_slot(releases: Mapping[str, WatchedRelease], before: Verdict | None, verdict: Verdict) -> Iterator[str]:
    """Yield the releases to be judged again, since one of their instant falls behind or is found not to.

    One that turns out on time tells against the platform, which only those that are behind rest on.
    """
    was, now = before.word if before is not None else Word.PENDING, verdict.word
    crossed, in_time = (was in BEHIND) is not (now in BEHIND), (was is Word.ON_TIME) is not (now is Word.ON_TIME)
    if not (crossed or in_time) or verdict.slot is None:
        return
    for name, other in releases.items():
        known = other.verdict
        promised = known.slot if known is not None else None
        if name == verdict.release or known is None or promised is None or promised.instant != verdict.slot.instant:
            continue
        if crossed or known.word in BEHIND:
            yield name
