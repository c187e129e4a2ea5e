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

CAME = [(-2.0, ABSENT), (-1.0, ABSENT), (0.5, PRESENT), (30.0, PRESENT)]
Bytes = tuple[float, str]


def withdrawals(*edge: Look, origin: Sequence[Look] = ()) -> list[Finding]:
    """Return the findings of content that was withdrawn from a page which came in time."""
    return found(judged(90_000, {"page": looks(*CAME, *edge), "page/origin": looks(*origin)}), Kind.WITHDRAWN)


def bytes_at(*each: Bytes) -> Looks:
    """Return looks at a file that was absent at the slot and had these bytes later."""
    return looks((-2, ABSENT), (-1, ABSENT), *(a_sighting(PRESENT, when, digest=digest) for when, digest in each))


def swaps(*edge: Bytes, origin: Sequence[Bytes] = ()) -> list[Finding]:
    """Return the findings of a file with other bytes than at its release."""
    seen = {"page": looks(*CAME), "sheet": bytes_at(*edge)} | ({"sheet/origin": bytes_at(*origin)} if origin else {})
    return found(judged(90_000, seen, SHEET), Kind.SWAPPED)


@pytest.mark.parametrize("absent", [(90,), (90, 95), (90, 149)])
def test_content_that_is_absent_for_less_than_a_minute_is_a_flicker(absent: tuple[float, ...]) -> None:
    assert withdrawals(*((when, ABSENT) for when in absent)) == []


@pytest.mark.parametrize("absent_at", [(90, 150), (90, 95, 100, 150.5), (3700, 7300)])
def test_content_absent_in_two_looks_a_minute_apart_counts_as_withdrawn(absent_at: tuple[float, ...]) -> None:
    (withdrawal,) = withdrawals(*((when, ABSENT) for when in absent_at))
    assert (withdrawal.part, withdrawal.at) == ("page", after_slot(absent_at[0]))
    assert withdrawal.seconds == Bounds(absent_at[-1] - absent_at[0], None)


def test_a_notice_of_withdrawal_needs_no_second_look() -> None:
    assert withdrawals((90, WITHDRAWN))


def test_a_flicker_before_a_withdrawal_is_no_withdrawal() -> None:
    flicker, withdrawn = [(90, ABSENT), (95, PRESENT), (150, PRESENT)], [(210, ABSENT), (271, ABSENT)]
    (withdrawal,) = withdrawals(*flicker, *withdrawn)
    assert withdrawal.at == after_slot(210)


@pytest.mark.parametrize(
    ("edge", "origin", "expected_withdrawals"),
    [
        # The origin is no longer looked at once the edge has the release.
        ([(90, ABSENT)], [(-2, ABSENT), (-1, ABSENT), (95, ABSENT)], 0),
        ([(90, ABSENT)], [(95, ABSENT), (150, ABSENT)], 1),
        ([(90 + 5 * n, ABSENT) for n in range(24)], [(-2, ABSENT), *((95 + 5 * n, PRESENT) for n in range(24))], 0),
    ],
    ids=["absent at one look", "absent for a minute", "still present"],
)
def test_a_release_absent_at_its_edge_is_withdrawn_if_its_origin_still_lacks_it_a_minute_later(
    edge: list[Look], origin: list[Look], expected_withdrawals: int
) -> None:
    assert len(withdrawals(*edge, origin=origin)) == expected_withdrawals


def test_new_bytes_are_a_swap_once_looks_a_minute_apart_agree() -> None:
    seen_for_5_s = [(1, "a"), (60, "a"), (120, "b"), (125, "b")]
    assert swaps(*seen_for_5_s) == []
    (swap,) = swaps(*seen_for_5_s, (180, "b"))
    # The file came between -1 and 1, and its bytes changed between 60 and 120.
    assert (swap.part, swap.seconds) == ("sheet", Bounds(60 - 1, 120 - -1))


@pytest.mark.parametrize(
    ("origin", "seconds"),
    [
        ([(1, "a"), (7201, "b"), (7300, "b")], Bounds(3599, 7201)),
        ([(1, "a"), (5000, "a"), (5005, "b"), (7300, "b")], Bounds(4999, 5006)),
    ],
    ids=["by the edge", "by the origin"],
)
def test_a_swap_is_dated_by_the_origin_if_that_was_watched(origin: list[Bytes], seconds: Bounds) -> None:
    # The file came from -1 to 1. At the edge its bytes changed from 3600 to 7200. The origin dates the change better
    # only if its looks around it are close: at 5000 and 5005, not at 1 and 7201.
    (swap,) = swaps((1, "a"), (3600, "a"), (7200, "b"), (7205, "b"), (7300, "b"), origin=origin)
    assert swap.seconds == seconds


NO_SWAPS = {
    "a copy that one look got": [(1, "a"), (60, "b"), (65, "a"), (125, "a")],
    "stamped with the minute": [(5 * place, f"{place // 12}") for place in range(1, 60)],
    "made for each request": [(60 * place + 1, f"{min(place, MOST_CHANGES)}") for place in range(5)],
    "made for each request, more often": [(60 * n + 1, f"{min(n, MOST_CHANGES)}") for n in range(MOST_CHANGES + 1)],
    "made for each request, for an hour": [(60 * place + 1, f"{min(place, MOST_CHANGES)}") for place in range(60)],
}


@pytest.mark.parametrize("each", NO_SWAPS.values(), ids=NO_SWAPS)
def test_bytes_that_do_not_last_are_no_swap(each: list[Bytes]) -> None:
    # Each pair is a look and the bytes that it got. New bytes must last for a minute. After MOST_CHANGES changes bytes
    # are no longer compared, because the server makes the file for each request.
    assert swaps(*each) == []


def test_the_first_three_changes_of_a_file_are_found() -> None:
    # Looks are a minute apart, and each second one gets new bytes. So they change six times and last for a minute.
    assert len(swaps(*((60 * place + 1, f"{place // 2}") for place in range(14)))) == 3
