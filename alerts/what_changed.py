"""What a notice tells that the one before it did not, in a few words."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.finding import ReleaseFacts

_NAMES = {
    "late": "late",
    "never": "never seen until the watch ended",
    "early": "public before its slot",
    "exposed": "public before its slot",
    "elsewhere": "found at another address",
    "lead": "something that a person must judge",
    "withdrawn": "taken away",
    "swapped": "a file with other bytes than at its release",
    "behind": "missing",
    "out": "out",
}
_NAMED = frozenset({"elsewhere", "behind", "out"})


def what_changed(kind: str, keys: Sequence[str], before: ReleaseFacts | None, facts: ReleaseFacts) -> str:
    """Return what a notice of a kind adds to what was told `before`; empty for one that opens a thread."""
    if kind == "final":
        return "; ".join([*_verdict(before, facts), "nothing more will be measured"])
    if kind == "exposure_closed":
        return _closed(facts)
    if kind == "back":
        return "what was taken away is there again"
    if kind == "appeared":
        return "its page is out"
    return ", ".join(dict.fromkeys(_name(key) for key in keys))


def _verdict(before: ReleaseFacts | None, facts: ReleaseFacts) -> list[str]:
    if before is None or before.verdict == facts.verdict:
        return []
    new, old = (word.replace("_", " ") for word in (facts.verdict, before.verdict))
    return [f"the verdict is {new}, was {old}"]


def _closed(facts: ReleaseFacts) -> str:
    # An exposure that nobody ended lasts until its slot, when the release is public by right.
    ends = {one.to.by for one in facts.exposures if one.to.after == one.to.by}
    return "its slot has come" if facts.slot in ends else "what was public before its slot is seen gone"


def _name(key: str) -> str:
    sort, _, part = key.partition(" ")
    name = _NAMES.get(sort, sort)
    return f"{name}: {part}" if sort in _NAMED else name
