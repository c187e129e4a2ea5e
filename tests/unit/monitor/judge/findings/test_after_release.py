"""After the release: removed content, and files whose bytes changed. A number is an instant in seconds after the slot.

Each look is made on its own: its neighbours may be minutes away.
"""

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
LookAtBytes = tuple[float, str]


def withdrawals_after_release(edge: Sequence[Look], origin: Sequence[Look] = ()) -> list[Finding]:
    """Return the findings of content that was withdrawn from a page which came in time. `edge` are its later looks."""
    seen = {"page": looks(*CAME_IN_TIME, *edge), "page/origin": looks(*origin)}
    return found(judged(90_000, seen), Kind.WITHDRAWN)


def looks_at_file(looks_at_bytes: Sequence[LookAtBytes]) -> Looks:
    """Return looks at a file that was absent at the slot and had these bytes later."""
    present = [a_sighting(PRESENT, when, digest=digest) for when, digest in looks_at_bytes]
    return looks((-2, ABSENT), (-1, ABSENT), *present)


def findings_of_changed_bytes(edge: Sequence[LookAtBytes], origin: Sequence[LookAtBytes] = ()) -> list[Finding]:
    """Return the findings of a file with other bytes than at its release."""
    seen = {"page": looks(*CAME_IN_TIME), "sheet": looks_at_file(edge)}
    if origin:
        seen["sheet/origin"] = looks_at_file(origin)
    return found(judged(90_000, seen, SHEET), Kind.SWAPPED)


@pytest.mark.parametrize("absent_at", [(90,), (90, 95), (90, 149)])
def test_content_that_is_absent_for_less_than_a_minute_is_a_flicker(absent_at: tuple[float, ...]) -> None:
    assert withdrawals_after_release(edge=[(when, ABSENT) for when in absent_at]) == []


@pytest.mark.parametrize("absent_at", [(90, 150), (90, 95, 100, 150.5), (3700, 7300)])
def test_content_absent_in_two_looks_a_minute_apart_counts_as_withdrawn(absent_at: tuple[float, ...]) -> None:
    (withdrawal,) = withdrawals_after_release(edge=[(when, ABSENT) for when in absent_at])
    assert (withdrawal.part, withdrawal.at) == ("page", after_slot(absent_at[0]))
    assert withdrawal.seconds == Bounds(absent_at[-1] - absent_at[0], None)


def test_a_notice_of_withdrawal_needs_no_second_look() -> None:
    assert withdrawals_after_release(edge=[(90, WITHDRAWN)])


def test_a_flicker_before_a_withdrawal_is_no_withdrawal() -> None:
    flicker, withdrawn = [(90, ABSENT), (95, PRESENT), (150, PRESENT)], [(210, ABSENT), (271, ABSENT)]
    (withdrawal,) = withdrawals_after_release(edge=[*flicker, *withdrawn])
    assert withdrawal.at == after_slot(210)


def test_an_absence_at_edge_and_origin_for_less_than_a_minute_is_no_withdrawal() -> None:
    # Both lacked the page from 90 s to 95 s. The origin is not looked at while the edge shows the page.
    origin = [(-2, ABSENT), (-1, ABSENT), (95, ABSENT)]
    assert withdrawals_after_release(edge=[(90, ABSENT)], origin=origin) == []


def test_an_absence_at_the_edge_that_the_origin_confirms_a_minute_later_is_a_withdrawal() -> None:
    origin = [(95, ABSENT), (90 + 60, ABSENT)]
    assert len(withdrawals_after_release(edge=[(90, ABSENT)], origin=origin)) == 1


def test_an_absence_at_the_edge_is_no_withdrawal_while_the_origin_shows_the_page() -> None:
    edge = [(when, ABSENT) for when in range(90, 210, 5)]
    origin = [(-2, ABSENT), *((when, PRESENT) for when in range(95, 215, 5))]
    assert withdrawals_after_release(edge=edge, origin=origin) == []


def test_changed_bytes_are_a_finding_once_two_looks_a_minute_apart_got_them() -> None:
    new_for_5_s = [(1, "old"), (60, "old"), (120, "new"), (125, "new")]
    assert findings_of_changed_bytes(edge=new_for_5_s) == []
    new_for_60_s = [*new_for_5_s, (180, "new")]
    (change,) = findings_of_changed_bytes(edge=new_for_60_s)
    # `seconds` is the time from the release of the file, which was last absent at -1 s, to its change.
    last_absent, first_present = -1, 1
    last_old, first_new = 60, 120
    assert (change.part, change.seconds) == ("sheet", Bounds(last_old - first_present, first_new - last_absent))


def test_a_change_of_bytes_is_timed_by_the_origin_if_its_looks_around_the_change_are_close() -> None:
    edge = [(1, "old"), (3600, "old"), (7200, "new"), (7205, "new"), (7300, "new")]
    origin = [(1, "old"), (5000, "old"), (5005, "new"), (7300, "new")]
    (change,) = findings_of_changed_bytes(edge=edge, origin=origin)
    # `seconds` is the time from the release of the file, which was last absent at -1 s, to its change.
    last_absent, first_present = -1, 1
    assert change.seconds == Bounds(5000 - first_present, 5005 - last_absent)


def test_a_change_of_bytes_is_timed_by_the_edge_if_looks_at_the_origin_are_far_apart() -> None:
    edge = [(1, "old"), (3600, "old"), (7200, "new"), (7205, "new"), (7300, "new")]
    origin = [(1, "old"), (7201, "new"), (7300, "new")]
    (change,) = findings_of_changed_bytes(edge=edge, origin=origin)
    # `seconds` is the time from the release of the file, which was last absent at -1 s, to its change.
    last_absent, first_present = -1, 1
    assert change.seconds == Bounds(3600 - first_present, 7200 - last_absent)


def test_changed_bytes_that_only_one_look_got_are_no_finding() -> None:
    assert findings_of_changed_bytes(edge=[(1, "old"), (60, "new"), (65, "old"), (125, "old")]) == []


def test_bytes_that_change_every_minute_are_no_finding() -> None:
    # By looks every 5 s, each version of the file lasts for 55 s. New bytes must last for 60 s.
    versions = [(seconds, f"version {seconds // 60}") for seconds in range(5, 300, 5)]
    assert findings_of_changed_bytes(edge=versions) == []


@pytest.mark.parametrize("number_of_looks", [5, MOST_CHANGES + 1, 60])
def test_a_file_that_its_server_makes_for_each_request_is_no_finding(number_of_looks: int) -> None:
    # Looks are a minute apart, and each gets new bytes. After MOST_CHANGES changes the watch no longer compares bytes.
    # Then the bytes of all further looks are stored as the same.
    versions = [(1 + 60 * look, f"version {min(look, MOST_CHANGES)}") for look in range(number_of_looks)]
    assert findings_of_changed_bytes(edge=versions) == []


def test_the_first_three_changes_of_a_file_are_found() -> None:
    # Looks are a minute apart, and each second one gets new bytes. So they change six times and last for a minute.
    versions = [(1 + 60 * look, f"version {look // 2}") for look in range(14)]
    assert len(findings_of_changed_bytes(edge=versions)) == 3
