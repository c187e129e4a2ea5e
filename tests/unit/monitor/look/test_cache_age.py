from __future__ import annotations

import pytest

from monitor.look.cache_age import age_bounds, age_of, is_stale


@pytest.mark.parametrize(
    ("headers", "bounds"),
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
def test_the_age_of_an_answer_has_bounds(headers: dict[str, str], bounds: tuple[float, float]) -> None:
    assert age_bounds(headers) == bounds


def test_an_age_that_cannot_be_read_is_none() -> None:
    assert age_of({"age": "1.5"}) is None


@pytest.mark.parametrize(
    ("age", "control", "stale"),
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
def test_an_answer_older_than_its_lifetime_is_stale(age: str, control: str, stale: bool) -> None:  # noqa: FBT001
    assert is_stale({"age": age, "cache-control": control}) is stale
