from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.look.cache_age import ConstantAge, age_bounds, age_of, is_stale
from monitor.look.fetch import Answer


@pytest.mark.parametrize(
    ("headers", "least_and_most_age"),
    [
        ({}, (0, 0)),
        ({"age": "0"}, (0, 2)),
        ({"age": "0", "x-cache": "MISS"}, (0, 0)),
        ({"age": "0", "x-cache": "MISS, MISS"}, (0, 0)),
        ({"age": "0", "x-cache": "MISS, HIT"}, (0, 2)),
        ({"age": "0", "x-cache": "HIT, MISS"}, (0, 2)),
        ({"age": "0", "x-cache": "Hit"}, (0, 2)),
        ({"age": "1"}, (0, 3)),
        ({"age": "1", "x-cache": "MISS"}, (0, 3)),
        ({"age": "17", "x-cache": "HIT, HIT"}, (16, 19)),
        ({"age": "17, 3"}, (16, 19)),
        ({"age": "soon"}, (0, 0)),
        ({"age": "-3"}, (0, 0)),
        ({"age": "3.5"}, (0, 0)),
        ({"age": "0" * 20 + "7"}, (6, 9)),
        ({"age": "9" * 30}, (365 * 86_400 - 1, 365 * 86_400 + 2)),
        ({"age": "9" * 5000}, (365 * 86_400 - 1, 365 * 86_400 + 2)),
    ],
)
def test_age_header_gives_least_and_most_seconds_in_caches(
    headers: dict[str, str], least_and_most_age: tuple[float, float]
) -> None:
    """An `Age` is in whole seconds. It may be a second too high, or two seconds too low: 17 means
    16 to 19 s. Zero is exact only if every cache reports in `X-Cache` that it had no copy (MISS).
    Text that is no number counts as no age, which means zero. An age of more than a year counts as
    a year.
    """
    assert age_bounds(headers) == least_and_most_age


def test_unreadable_age_is_ignored() -> None:
    assert age_of({"age": "1.5"}) is None


@pytest.mark.parametrize(
    ("age", "cache_control", "stale"),
    [
        ("1914", "max-age=300, public", True),
        ("300", "max-age=300, public", False),
        ("17", "public, max-age=30", False),
        ("500", "max-age=10, s-maxage=900", False),
        ("901", 'max-age=10, s-maxage="900"', True),
        ("120", "max-age=0, must-revalidate", False),
        ("120", "no-cache", False),
        ("120", "", False),
        ("0", "max-age=5", False),
        ("1000000000000", "", True),
        ("1000000000000", "max-age=9999999999999999", True),
        ("2147483648", "no-cache", True),
        ("86400", "max-age=9999999999999999", False),
        ("120", "max-age=-1", False),
    ],
)
def test_answer_older_than_its_lifetime_is_stale(
    *, age: str, cache_control: str, stale: bool
) -> None:
    """A copy that is 1914 s old is stale if its lifetime (`max-age`) is 300 s. One that is 17 s old
    is not stale. `s-maxage` goes before `max-age`. Without a lifetime, or with one of zero, only a
    copy as old as a year is stale. Such a copy is stale whatever its lifetime.
    """
    assert is_stale({"age": age, "cache-control": cache_control}) is stale


NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def ages_after_check(*ages: tuple[float, str | None]) -> list[str | None]:
    """Return the `Age` of answers that were received at these seconds with these ages, None where
    it was removed.
    """
    checked, left = ConstantAge(), []
    for second, age in ages:
        sent = NOON + timedelta(seconds=second)
        answer = Answer(
            "https://a.example/", 200, {} if age is None else {"age": age}, b"", sent, sent
        )
        left.append(checked.remove_constant_age(answer).headers.get("age"))
    return left


def test_constant_age_is_removed_once_it_should_have_grown() -> None:
    """A server sends the same `Age` with every answer. A true age grows, so such a number is
    removed (None). Two equal ages may be chance. Three prove it, if the looks are at least 3 s
    apart, because ages are whole seconds. Each look below is its second and the age in its answer.
    """
    # 1. The looks are 5 s apart. The third of them proves it.
    looked_at_every_5_s = ages_after_check((0, "300"), (5, "300"), (10, "300"), (15, "300"))
    assert looked_at_every_5_s == ["300", "300", None, None]
    # 2. Eight looks are a second apart. Those at 0, 3 and 6 s are compared. So the look at 6 s
    #    proves it.
    looked_at_every_second = ages_after_check(*((second, "30") for second in range(8)))
    assert looked_at_every_second == ["30"] * 6 + [None] * 2


@pytest.mark.parametrize(
    "ages",
    [
        [(0, "300"), (5, "305"), (10, "310"), (15, "315")],
        # Ages are whole seconds, so one may be the same for two seconds.
        [(0, "300"), (1, "300"), (2, "302"), (3, "302"), (4, "304")],
        # A cache that fetches a new copy every minute shows the same age at every look.
        [(0, "30"), (60, "30"), (120, "30"), (180, "30")],
        # One that fetches a new copy every 15 s may show 17 s, because ages may be two seconds off.
        [(0, "17"), (15, "17"), (30, "17"), (45, "17")],
        # By chance an edge takes over a copy that is as old as its last one was.
        [(0, "60"), (15, "60"), (30, "75"), (45, "90"), (60, "90")],
        # After an answer without an age, the comparison starts again.
        [(0, "300"), (5, "300"), (10, None), (15, "300"), (20, "300")],
        # Each answer may be new.
        [(0, "0"), (5, "0"), (10, "0")],
        # Ages of more than a year are not compared.
        [(0, "2147483648"), (5, "2147483648"), (10, "2147483648"), (15, "2147483648")],
    ],
)
def test_age_that_may_be_real_is_kept(ages: list[tuple[float, str | None]]) -> None:
    """Each pair is the second of a look and the age in its answer. An age that should have grown,
    and did not, would be removed. These all have an explanation: for example, they grow, or the
    cache fetched a new copy in between.
    """
    assert ages_after_check(*ages) == [age for _, age in ages]


def test_ages_of_two_caches_are_not_compared() -> None:
    """Two caches, a and b, answer in turn, each time with an age of 300 s. If one cache sent three
    equal ages in a row, the age could not be true and would be removed. But ages of different
    caches may be equal by chance, so it stays.
    """
    checked = ConstantAge()
    for second, cache in ((0, "a"), (5, "b"), (10, "a"), (15, "b"), (20, "a")):
        sent = NOON + timedelta(seconds=second)
        answer = Answer(
            "https://a.example/",
            200,
            {"age": "300", "x-served-by": cache},
            b"",
            sent=sent,
            received=sent,
        )
        assert checked.remove_constant_age(answer).headers["age"] == "300"


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=6),
    st.lists(st.integers(1, 90), min_size=3, max_size=12),
)
def test_true_ages_are_kept_whenever_cache_fetches_new_copies(
    later_copies_at: list[int], seconds_between_looks: list[int]
) -> None:
    """A cache answers our looks with its newest copy. The first copy is from 500 s before our first
    look. Random are the times at which it fetches newer copies, and the times of our looks. The age
    in an answer is true: it is the time since the copy was fetched. The check removes ages that do
    not grow, but may never remove a true one.
    """
    copies_at = [-500, *later_copies_at]
    ages: list[tuple[float, str | None]] = []
    for look_at in accumulate(seconds_between_looks, initial=0):
        newest_copy_at = max(copy_at for copy_at in copies_at if copy_at <= look_at)
        true_age = look_at - newest_copy_at
        ages.append((look_at, str(true_age)))
    assert ages_after_check(*ages) == [age for _, age in ages]
