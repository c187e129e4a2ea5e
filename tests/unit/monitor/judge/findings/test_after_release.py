"""After the release: removed content, and files whose bytes changed. A number is an instant in
seconds after the slot. Each look is made on its own: its neighbours may be minutes away.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.judge.runs import MOST_CHANGES
from monitor.look.recognise.title import NEXT_EDITION
from schedules.contract.verdict import Finding, FindingKind, VerdictKind
from schedules.times.interval import Bounds, Interval
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
    """Return the findings of content that was withdrawn from a page which came in time.

    `edge` are its later looks.
    """
    seen = {"page": looks(*CAME_IN_TIME, *edge), "page/origin": looks(*origin)}
    return found(judged(now=90_000, seen=seen), FindingKind.WITHDRAWN)


def test_page_that_shows_the_next_edition_was_not_removed() -> None:
    """The page came in time. An hour later it is absent, because its address shows the next
    edition.
    """
    later = [a_sighting(ABSENT, when, why=NEXT_EDITION) for when in (3600, 3700, 3800, 7000)]
    assert withdrawals([(3500.0, PRESENT), *later]) == []
    (finding,) = withdrawals([(3500.0, PRESENT), *later, *absent_at(7100, 7200, 7300)])
    assert finding.kind is FindingKind.WITHDRAWN


def looks_at_file(looks_at_bytes: Sequence[LookAtBytes]) -> Looks:
    """Return looks at a file that was absent at the slot and had these bytes later."""
    present = [a_sighting(PRESENT, when, digest=digest) for when, digest in looks_at_bytes]
    return looks((FILE_LAST_ABSENT - 1, ABSENT), (FILE_LAST_ABSENT, ABSENT), *present)


def changes_of_bytes(
    edge: Sequence[LookAtBytes], origin: Sequence[LookAtBytes] = ()
) -> list[Finding]:
    """Return the findings of a file with other bytes than at its release."""
    seen = {"page": looks(*CAME_IN_TIME), "sheet": looks_at_file(edge)}
    if origin:
        seen["sheet/origin"] = looks_at_file(origin)
    return found(judged(90_000, seen, SHEET), FindingKind.SWAPPED)


def time_since_release(*, last_old: float, first_new: float) -> Bounds:
    """Return the least and most seconds from the release of the file to a change of its bytes
    between two looks.
    """
    return Bounds(last_old - FILE_FIRST_PRESENT, first_new - FILE_LAST_ABSENT)


@pytest.mark.parametrize("edge", [absent_at(90), absent_at(90, 95), absent_at(90, 149)])
def test_absence_of_less_than_a_minute_is_no_withdrawal(edge: Sequence[Look]) -> None:
    """The page came in time. Looks at 90 s and 149 s, for example, find it absent: for 59 s. A
    cache may lack a page for a moment. So less than a minute is no withdrawal.
    """
    assert withdrawals(edge) == []


@pytest.mark.parametrize("absences", [(90, 150), (90, 95, 100, 150.5), (3700, 7300)])
def test_absence_of_a_minute_or_more_is_a_withdrawal(absences: tuple[float, ...]) -> None:
    """The page came in time. Looks at 90 s and 150 s (`absences`), for example, find it absent: for
    60 s at least. So it was withdrawn. No later look finds it again, so it is not known for how
    long at most (None).
    """
    (withdrawal,) = withdrawals(absent_at(*absences))
    first, *_, last = absences
    assert withdrawal.part == "page"
    assert withdrawal.at == after_slot(first)
    assert withdrawal.seconds == Bounds(min=last - first, max=None)


def test_notice_of_withdrawal_needs_no_second_look() -> None:
    """The page came in time.

    At 90 s one look gets a notice that it was withdrawn. That proves a withdrawal at once.
    """
    assert withdrawals(edge=[(90, WITHDRAWN)])


def test_short_absence_before_a_withdrawal_is_ignored() -> None:
    """The page came in time. One look found it absent, at 90 s. From 95 s to 150 s it was there. At
    210 s and 271 s it was absent, so for over a minute. Only this is a withdrawal. It dates from
    210 s.
    """
    short_absence, present, withdrawn = (
        absent_at(90),
        [(95, PRESENT), (150, PRESENT)],
        absent_at(210, 271),
    )
    (withdrawal,) = withdrawals(edge=[*short_absence, *present, *withdrawn])
    assert withdrawal.at == after_slot(210)


@pytest.mark.parametrize(
    ("edge", "origin", "expected_withdrawals"),
    [
        (absent_at(90), absent_at(-2, -1, 95), 0),
        (absent_at(90), absent_at(95, 90 + 60), 1),
        (
            absent_at(*range(90, 210, 5)),
            [(-2, ABSENT), *((when, PRESENT) for when in range(95, 215, 5))],
            0,
        ),
    ],
    ids=[
        "absent at both for 5 s",
        "absent at both for a minute",
        "absent at the edge, shown by the origin",
    ],
)
def test_withdrawal_needs_absence_of_a_minute_by_both_views(
    edge: Sequence[Look], origin: Sequence[Look], expected_withdrawals: int
) -> None:
    """Users get the page from a cache, the edge. In one row a look found it absent there at 90 s.
    Looks at the publisher's server, the origin, found it absent at 95 s and 150 s. That is a
    minute, so it was withdrawn. In the other rows it was not: both lacked it only from 90 s to 95
    s, or the origin still showed it.
    """
    assert len(withdrawals(edge, origin)) == expected_withdrawals


def test_changed_bytes_are_found_once_seen_for_a_minute() -> None:
    """A file has its old bytes at 60 s and new ones at 120 s. If those are last seen at 125 s, that
    is no finding. If they are still there at 180 s, they have lasted for a minute. Then it is a
    finding, with the time from the release of the file to the change, which was between 60 s and
    120 s.
    """
    new_for_5_s = [(1, "old"), (60, "old"), (120, "new"), (125, "new")]
    new_for_60_s = [*new_for_5_s, (180, "new")]
    assert changes_of_bytes(edge=new_for_5_s) == []
    (change,) = changes_of_bytes(edge=new_for_60_s)
    assert change.part == "sheet"
    assert change.seconds == time_since_release(last_old=60, first_new=120)


CHANGED_AT_EDGE = [(1, "old"), (3600, "old"), (7200, "new"), (7205, "new"), (7300, "new")]


def test_change_of_bytes_is_dated_by_frequent_looks_at_origin() -> None:
    """The bytes of a file changed. By looks at the cache for users, the edge, that was between 3600
    s and 7200 s. By looks at the publisher's server, the origin, it was between 5000 s and 5005 s.
    These were closer, so they count.
    """
    origin = [(1, "old"), (5000, "old"), (5005, "new"), (7300, "new")]
    (change,) = changes_of_bytes(CHANGED_AT_EDGE, origin)
    assert change.seconds == time_since_release(last_old=5000, first_new=5005)


def test_change_of_bytes_is_dated_by_edge_if_origin_looks_are_rare() -> None:
    """The bytes of a file changed. By looks at the cache for users, the edge, that was between 3600
    s and 7200 s. The publisher's server, the origin, was not looked at from 1 s to 7201 s. So the
    edge dates the change better.
    """
    origin = [(1, "old"), (7201, "new"), (7300, "new")]
    (change,) = changes_of_bytes(CHANGED_AT_EDGE, origin)
    assert change.seconds == time_since_release(last_old=3600, first_new=7200)


def test_changed_bytes_that_only_one_look_got_are_no_finding() -> None:
    """A file has new bytes at 60 s, and its old ones again at 65 s.

    New bytes count only if they last for a minute.
    """
    assert changes_of_bytes(edge=[(1, "old"), (60, "new"), (65, "old"), (125, "old")]) == []


def test_bytes_that_change_every_minute_are_no_finding() -> None:
    """The bytes of a file change every minute. Looks are 5 s apart, so the first and last look at
    the same bytes are 55 s apart. New bytes count only if they are seen for 60 s.
    """
    versions = [(seconds, f"version {seconds // 60}") for seconds in range(5, 300, 5)]
    assert changes_of_bytes(edge=versions) == []


@pytest.mark.parametrize("number_of_looks", [5, MOST_CHANGES + 1, 60])
def test_file_made_anew_for_each_request_is_no_finding(number_of_looks: int) -> None:
    """A server makes a file anew for each request. So each look, a minute apart, gets new bytes.
    After MOST_CHANGES changes, all looks are stored with the bytes of the last change. They only
    seem to last: no finding.
    """
    versions = [
        (1 + 60 * look, f"version {min(look, MOST_CHANGES)}") for look in range(number_of_looks)
    ]
    assert changes_of_bytes(edge=versions) == []


def test_only_first_three_changes_of_a_file_are_found() -> None:
    """Looks at a file are a minute apart, and every other one gets new bytes. So each of its six
    changes lasts for a minute and counts. But only the first three are findings.
    """
    versions = [(1 + 60 * look, f"version {look // 2}") for look in range(14)]
    assert len(changes_of_bytes(edge=versions)) == 3


@pytest.mark.parametrize(
    ("later", "changed", "came_by", "swaps"),
    [
        ([], "", None, 0),
        ([(-300, "b"), (400, "b")], "", -300, 0),
        ([(1200, "b"), (1400, "b")], "it changed between Fri 5 Jan 2018 09:30:01 GMT", 1200, 0),
        (
            [(1200, "b"), (1400, "b"), (2000, "c"), (2100, "c")],
            "it changed between Fri 5 Jan 2018 09:30:01 GMT",
            2000,
            1,
        ),
    ],
    ids=["never changed", "changed before the slot", "changed once", "changed twice"],
)
def test_first_change_of_file_in_place_is_no_replacement(
    later: Sequence[LookAtBytes], changed: str, came_by: float | None, swaps: int
) -> None:
    """All editions have one address. The file there before the slot may be the previous edition. So
    its first change since the slot may be the release, and does not show whether it was late. It
    came by its last change, or perhaps never.
    """
    in_place = [(-600, "a"), (-10, "a"), (1, "a")]
    if later and later[0][0] < 0:
        in_place = [(-600, "a")]
    sheet = [a_sighting(PRESENT, when, digest=digest) for when, digest in (*in_place, *later)]
    verdict = judged(90_000, {"page": looks(*CAME_IN_TIME), "sheet": looks(*sheet)}, SHEET)
    (part,) = (part for part in verdict.parts if part.id == "sheet")
    assert part.verdict is VerdictKind.UNPROVEN
    assert ("it changed" in part.unproven_because) is bool(changed)
    assert changed in part.unproven_because
    assert (part.was_in_place, part.changed.by is None) == (True, not changed)
    last_change = None if came_by is None else a_sighting(PRESENT, came_by).proved_to
    assert part.first_seen == part.released == Interval(None, last_change)
    assert len(found(verdict, FindingKind.SWAPPED)) == swaps
