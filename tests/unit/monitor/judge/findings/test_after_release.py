"""After the release: removed content, and files whose bytes changed. A number is an instant in seconds after the slot.
Each look is made on its own: its neighbours may be minutes away."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.judge.runs import MOST_CHANGES
from schedules.contract.verdict import Finding, Kind
from schedules.times.interval import Bounds
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, WITHDRAWN, Look, Looks, a_sighting, looks
from tests.worlds.releases import SHEET
from tests.worlds.verdicts import found, judged

CAME_IN_TIME = [(-2.0, ABSENT), (-1.0, ABSENT), (0.5, PRESENT), (30.0, PRESENT)]
FILE_LAST_ABSENT, FILE_FIRST_PRESENT = -1, 1
LookAtBytes = tuple[float, str]


def absent_at(*instants: float) -> list[Look]:
    """Return looks at these instants which found the page absent."""
    return [(when, ABSENT) for when in instants]


def withdrawals(edge: Sequence[Look], origin: Sequence[Look] = ()) -> list[Finding]:
    """Return the findings of content that was withdrawn from a page which came in time. `edge` are its later looks."""
    seen = {"page": looks(*CAME_IN_TIME, *edge), "page/origin": looks(*origin)}
    return found(judged(now=90_000, seen=seen), Kind.WITHDRAWN)


def looks_at_file(looks_at_bytes: Sequence[LookAtBytes]) -> Looks:
    """Return looks at a file that was absent at the slot and had these bytes later."""
    present = [a_sighting(PRESENT, when, digest=digest) for when, digest in looks_at_bytes]
    return looks((FILE_LAST_ABSENT - 1, ABSENT), (FILE_LAST_ABSENT, ABSENT), *present)


def changes_of_bytes(edge: Sequence[LookAtBytes], origin: Sequence[LookAtBytes] = ()) -> list[Finding]:
    """Return the findings of a file with other bytes than at its release."""
    seen = {"page": looks(*CAME_IN_TIME), "sheet": looks_at_file(edge)}
    if origin:
        seen["sheet/origin"] = looks_at_file(origin)
    return found(judged(90_000, seen, SHEET), Kind.SWAPPED)


def time_since_release(*, last_old: float, first_new: float) -> Bounds:
    """Return the least and most seconds from the release of the file to a change of its bytes between two looks."""
    return Bounds(last_old - FILE_FIRST_PRESENT, first_new - FILE_LAST_ABSENT)


@pytest.mark.parametrize("edge", [absent_at(90), absent_at(90, 95), absent_at(90, 149)])
def test_absence_of_less_than_a_minute_is_no_withdrawal(edge: Sequence[Look]) -> None:
    """The page came in time. Looks at 90 s and 149 s, for example, find it absent: for 59 s."""
    assert withdrawals(edge) == []


@pytest.mark.parametrize("absences", [(90, 150), (90, 95, 100, 150.5), (3700, 7300)])
def test_absence_of_a_minute_or_more_is_a_withdrawal(absences: tuple[float, ...]) -> None:
    """Looks at 90 s and 150 s, for example, find the page absent: for 60 s at least. How long at most is not known."""
    (withdrawal,) = withdrawals(absent_at(*absences))
    first, *_, last = absences
    assert withdrawal.part == "page"
    assert withdrawal.at == after_slot(first)
    assert withdrawal.seconds == Bounds(min=last - first, max=None)


def test_notice_of_withdrawal_needs_no_second_look() -> None:
    """At 90 s one look gets a notice that the page was withdrawn."""
    assert withdrawals(edge=[(90, WITHDRAWN)])


def test_short_absence_before_a_withdrawal_is_ignored() -> None:
    """The page was absent for a moment at 90 s, and again for over a minute from 210 s on."""
    short_absence, present, withdrawn = absent_at(90), [(95, PRESENT), (150, PRESENT)], absent_at(210, 271)
    (withdrawal,) = withdrawals(edge=[*short_absence, *present, *withdrawn])
    assert withdrawal.at == after_slot(210)


@pytest.mark.parametrize(
    ("edge", "origin", "expected_withdrawals"),
    [
        (absent_at(90), absent_at(-2, -1, 95), 0),
        (absent_at(90), absent_at(95, 90 + 60), 1),
        (absent_at(*range(90, 210, 5)), [(-2, ABSENT), *((when, PRESENT) for when in range(95, 215, 5))], 0),
    ],
    ids=["absent at both for 5 s", "absent at both for a minute", "absent at the edge, shown by the origin"],
)
def test_withdrawal_needs_absence_of_a_minute_by_both_views(
    edge: Sequence[Look], origin: Sequence[Look], expected_withdrawals: int
) -> None:
    """The edge is the cache for users, and the origin is the publisher's server. A page absent at both for a minute was
    withdrawn. It was not if both lacked it for 5 s, or if the origin showed it while the edge did not."""
    assert len(withdrawals(edge, origin)) == expected_withdrawals


def test_changed_bytes_are_found_once_seen_for_a_minute() -> None:
    """The file has new bytes at 120 s. If they are last seen at 125 s, that is no finding. If they are still there at
    180 s, a minute after they came, it is one."""
    new_for_5_s = [(1, "old"), (60, "old"), (120, "new"), (125, "new")]
    new_for_60_s = [*new_for_5_s, (180, "new")]
    assert changes_of_bytes(edge=new_for_5_s) == []
    (change,) = changes_of_bytes(edge=new_for_60_s)
    assert change.part == "sheet"
    assert change.seconds == time_since_release(last_old=60, first_new=120)


CHANGED_AT_EDGE = [(1, "old"), (3600, "old"), (7200, "new"), (7205, "new"), (7300, "new")]


def test_change_of_bytes_is_dated_by_frequent_looks_at_origin() -> None:
    """By the edge, the bytes changed from 3600 s to 7200 s. By the origin, they changed from 5000 s to 5005 s."""
    origin = [(1, "old"), (5000, "old"), (5005, "new"), (7300, "new")]
    (change,) = changes_of_bytes(CHANGED_AT_EDGE, origin)
    assert change.seconds == time_since_release(last_old=5000, first_new=5005)


def test_change_of_bytes_is_dated_by_edge_if_origin_looks_are_rare() -> None:
    """By the edge, the bytes changed from 3600 s to 7200 s. The origin was not looked at from 1 s to 7201 s."""
    origin = [(1, "old"), (7201, "new"), (7300, "new")]
    (change,) = changes_of_bytes(CHANGED_AT_EDGE, origin)
    assert change.seconds == time_since_release(last_old=3600, first_new=7200)


def test_changed_bytes_that_only_one_look_got_are_no_finding() -> None:
    """The file has new bytes at 60 s, and its old ones again at 65 s."""
    assert changes_of_bytes(edge=[(1, "old"), (60, "new"), (65, "old"), (125, "old")]) == []


def test_bytes_that_change_every_minute_are_no_finding() -> None:
    """By looks every 5 s, each version of the file lasts for 55 s. New bytes must last for 60 s."""
    versions = [(seconds, f"version {seconds // 60}") for seconds in range(5, 300, 5)]
    assert changes_of_bytes(edge=versions) == []


@pytest.mark.parametrize("number_of_looks", [5, MOST_CHANGES + 1, 60])
def test_file_made_anew_for_each_request_is_no_finding(number_of_looks: int) -> None:
    """Looks are a minute apart, and each gets new bytes, so that no bytes last. After MOST_CHANGES changes the watch no
    longer compares bytes, and the further looks have those of the last change."""
    versions = [(1 + 60 * look, f"version {min(look, MOST_CHANGES)}") for look in range(number_of_looks)]
    assert changes_of_bytes(edge=versions) == []


def test_only_first_three_changes_of_a_file_are_found() -> None:
    """Looks are a minute apart, and every other one gets new bytes. So each of six changes lasts for a minute."""
    versions = [(1 + 60 * look, f"version {look // 2}") for look in range(14)]
    assert len(changes_of_bytes(edge=versions)) == 3
