"""Reads the claims of a notice from its text and compares them with the truth."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts.finding import PAGE_NAMES, ROLE_NAMES
from alerts.notice import Notice
from monitor.judge.policy import Policy
from monitor.look.sighting import State
from tests.worlds.instants import SLOT
from tests.worlds.truths import SLOWEST_LOOK, Truth

_CLOCK = r"(?:\d+ January )?\d\d:\d\d(?::\d\d)?"
_SPAN = rf"(?:between {_CLOCK} and {_CLOCK} GMT|(?:at|by) {_CLOCK} GMT)"
_LENGTH = r"(?:\d+ (?:d|h|min|s)(?: \d+ (?:h|min|s))*)"
_UNITS = {"d": 86_400, "h": 3600, "min": 60, "s": 1}
_HEAD = re.compile(r"^([A-Z ]+?)((?:, [a-z0-9 ]+)?): ")
_BEGINNING_OF_TIME = -1e12
# Milliseconds by which a clock, and the age that a cache gives, may be wrong.
_UNSURE = 1000 * Policy().uncertainty.total_seconds() + 1000


@dataclass(frozen=True)
class Claimed:
    """One line of a notice: the truth of the part it speaks of, of all parts, and when it was sent
    (ms from slot).
    """

    about: Truth
    all: Mapping[str, Truth]
    now: float


def false_claims(notice: Notice, truths: Mapping[str, Truth]) -> list[str]:
    """Return every claim of a notice that did not hold when it was sent; `truths` are by part, with
    the `page`.
    """
    now = _ms_of(notice.at)
    found = [
        f"{why}: {notice.subject}"
        for why in _false_heads(notice.subject, Claimed(truths["page"], truths, now))
    ]
    part = "page"
    for line in (notice.subject, *notice.text.split("\n")[1:]):
        part = (
            _named_in_subject(line, truths)
            if line == notice.subject
            else _named_in_line(line, truths) or part
        )
        claimed = Claimed(truths[part], truths, now)
        for pattern, holds in _CLAIMS.items():
            found += [
                f"not so: {claim[0]!r} in {line!r}"
                for claim in re.finditer(pattern, line)
                if not holds(claim, claimed)
            ]
    return found


def _named_in_subject(subject: str, truths: Mapping[str, Truth]) -> str:
    return next(
        (one for one in reversed(re.findall(r"\((\w+)\)", subject)) if one in truths), "page"
    )


def _named_in_line(line: str, truths: Mapping[str, Truth]) -> str | None:
    """Return the part that a line is about: `- Announced page: …`, `- Data file (tables): …`, `-
    HTML version: …`.
    """
    found = re.match(r"- ([^:(]+?)(?: \((\w+)\))?(?: \(not required\))?: ", line)
    if found is None:
        return None
    roles = {label.lower(): role for role, label in ROLE_NAMES.items()}
    label = found[1].lower()
    part = found[2] or (
        "page" if label in {*PAGE_NAMES.values(), "landing page"} else roles.get(label, "")
    )
    return part if part in truths else None


def _false_heads(subject: str, claimed: Claimed) -> Iterator[str]:
    found = _HEAD.match(subject)
    assert found, subject
    head, tail, truths = found[1], found[2], claimed.all.values()
    if head in ("LATE", "PARTLY LATE") and not any(
        _was_missing(each, claimed.now) for each in truths
    ):
        yield "nothing was late"
    if head == "PARTLY LATE" and not _has_come(claimed.about, claimed.now):
        yield "the page was not out"
    if head == "EARLY" and not any(
        begin < min(0, claimed.now) for each in truths for begin, _ in _public_spans(each)
    ):
        yield "nothing was early"
    if head == "ON TIME" and not _has_come(claimed.about, claimed.now):
        yield "the page was not out"
    if (
        tail == ", over"
        and claimed.now < 0
        and not any(went <= claimed.now for each in truths for went in each.went)
    ):
        yield "it was not over"
    if (head == "OUT NOW" or tail == ", now out") and not _has_come(claimed.about, claimed.now):
        yield "it was not out"


def _was_missing(truth: Truth, now: float) -> bool:
    """Return whether it was absent at some instant after the slot, so that it may be called
    late.
    """
    turns = (turn for turn, _ in truth.turns if 0 < turn <= now)
    return any(truth.at(ms) is not State.PRESENT for ms in (0, *turns))


def _has_come(truth: Truth, now: float) -> bool:
    return any(begin <= now for begin, _ in _public_spans(truth))


def _public_spans(truth: Truth) -> list[tuple[float, float]]:
    """Return from when to when it was public, in milliseconds from the slot."""
    begins = [*([_BEGINNING_OF_TIME] if truth.at_first is State.PRESENT else []), *truth.came]
    return [
        (begin, next((went for went in truth.went if went > begin), -_BEGINNING_OF_TIME))
        for begin in begins
    ]


def _is_absent_at(found: re.Match[str], claimed: Claimed) -> bool:
    # A look names the second in which it was sent. The page may be removed before it answers.
    then = _instants(found[1])[0]
    answered = then + 999 + SLOWEST_LOOK
    turns = [turn for turn, _ in claimed.about.turns if then < turn <= answered]
    return any(claimed.about.at(ms) is not State.PRESENT for ms in (then, *turns))


def _has_come_at(found: re.Match[str], claimed: Claimed) -> bool:
    instants, by = _instants(found[1]), _instants(found[1])[-1]
    if found[1].startswith("by"):
        return _has_come(claimed.about, by)
    return any(instants[0] <= begin <= by for begin, _ in _public_spans(claimed.about))


def _is_late_by(found: re.Match[str], claimed: Claimed) -> bool:
    low, high = _seconds(found[1]), _seconds(found[2]) if found[2] else _seconds(found[1])
    return any(low * 1000 <= begin <= high * 1000 for begin, _ in _public_spans(claimed.about))


def _is_public_since(found: re.Match[str], claimed: Claimed) -> bool:
    then = _instants(found[1])[0]
    return (
        any(each.at(then) is State.PRESENT for each in claimed.all.values())
        and then <= claimed.now + 1000
    )


def _was_public_for(found: re.Match[str], claimed: Claimed) -> bool:
    is_at_most, length, seen = found[1], _seconds(found[2]) * 1000, _instants(found[3])[0]
    spans = [span for each in claimed.all.values() for span in _public_spans(each)]
    true_lengths = [min(end, 0) - begin for begin, end in spans if begin <= seen]
    return any(true <= length if is_at_most else true >= length for true in true_lengths)


def _was_public_at_slot(_found: re.Match[str], claimed: Claimed) -> bool:
    return any(begin < 0 <= end + _UNSURE for begin, end in _public_spans(claimed.about))


def _was_removed(_found: re.Match[str], claimed: Claimed) -> bool:
    return any(
        0 < end <= claimed.now for each in claimed.all.values() for _, end in _public_spans(each)
    )


def _are_parts_late(found: re.Match[str], claimed: Claimed) -> bool:
    late = [each for each in claimed.all.values() if _was_missing(each, claimed.now)]
    return 1 <= int(found[1]) <= len(late) and int(found[2]) == len(claimed.all)


_CLAIMS: dict[str, Callable[[re.Match[str], Claimed], bool]] = {
    rf"still absent at ({_CLOCK})": _is_absent_at,
    rf"(?:first seen|released|came) ({_SPAN})": _has_come_at,
    rf"GMT, ({_LENGTH})(?: to ({_LENGTH}))? late": _is_late_by,
    rf"(?<!before )GMT, ({_LENGTH})(?: to ({_LENGTH}))? after the slot": _is_late_by,
    rf"public since ({_CLOCK})": _is_public_since,
    rf"was public for (at most )?({_LENGTH})(?: to {_LENGTH})? from ({_CLOCK})": _was_public_for,
    r"already public when its slot came": _was_public_at_slot,
    r"removed after its release": _was_removed,
    r"(\d+) of (\d+) parts late": _are_parts_late,
}


def _instants(words: str) -> list[float]:
    found = re.findall(r"(?:(\d+) January )?(\d\d):(\d\d)(?::(\d\d))?", words)
    return [
        _ms_of(
            datetime(2018, 1, int(day or 5), int(hour), int(minute), int(second or 0), tzinfo=UTC)
        )
        for day, hour, minute, second in found
    ]


def _ms_of(instant: datetime) -> float:
    return (instant - SLOT) / timedelta(milliseconds=1)


def _seconds(words: str) -> int:
    return sum(
        int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+) (d|h|min|s)\b", words)
    )
