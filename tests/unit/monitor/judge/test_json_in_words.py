from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.judge.as_json import decisive_delay, lateness_text, length_text
from schedules.contract.verdict import verdict_text

SECONDS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
# As measured: to the millisecond.
length = some.floats(-2_000_000, 2_000_000, allow_nan=False).map(lambda seconds: round(seconds, 3))


def parse_seconds(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    return sign * sum(
        int(count) * SECONDS[unit] for count, unit in re.findall(r"(\d+) (d|h|min|s)", text)
    )


def bounds(least: float | None, most: float | None) -> dict[str, Any]:
    return {"min": least, "max": most}


@pytest.mark.parametrize(
    ("least", "most", "text"),
    [
        (10_125, 10_185, "2 h 48 min to 2 h 50 min"),
        (10_140, 10_140, "2 h 49 min"),
        (10_139.2, 10_140.8, "2 h 48 min to 2 h 50 min"),
        (1_790.4, 1_809.5, "29 min 50 s to 30 min 10 s"),
        (0.2, 0.9, "0 s to 1 s"),
        (0, 0, "0 s"),
        (3_598.5, 3_599.5, "59 min 58 s to 1 h"),
        (86_399, 90_001, "23 h 59 min to 1 d 2 h"),
        (-1_800.5, -1_799.5, "-30 min 1 s to -29 min 59 s"),
        (-0.5, 0.5, "-1 s to 1 s"),
        (75, None, "at least 1 min 15 s"),
        (None, 7_201, "at most 2 h 1 min"),
    ],
)
def test_each_bound_is_rounded_outward_to_its_unit(
    least: float | None, most: float | None, text: str
) -> None:
    """A length is only known to lie between two bounds, in seconds. The text rounds the lower bound
    down and the upper one up, so that it never claims too much. For example, 10,125 s is 2 h 48 min
    45 s, and 10,185 s is 2 h 49 min 45 s. Over an hour, the unit is the minute. So the text is “2 h
    48 min to 2 h 50 min”.
    """
    assert length_text(bounds(least, most)) == text


def test_unknown_length_has_no_text() -> None:
    assert length_text(None) == length_text(bounds(None, None)) == ""


@given(one=length, other=length)
def test_text_of_a_length_contains_the_measured_length(one: float, other: float) -> None:
    """Two random lengths are the least and the most that were measured. The text names both in
    words, as in “1 min to 2 min”, or one if both have the same words. Read back into seconds, the
    text must include both measured lengths.
    """
    least, most = sorted((one, other))
    words = length_text(bounds(least, most)).split(" to ")
    least_in_words, most_in_words = words[0], words[-1]
    assert parse_seconds(least_in_words) <= least
    assert most <= parse_seconds(most_in_words)


def test_a_verdict_is_written_in_words() -> None:
    assert [verdict_text(word) for word in ("late", "not_published")] == ["late", "not published"]


def late_release_json(
    *, page: tuple[str, float], sheet: tuple[str, float], is_sheet_required: bool = True
) -> dict[str, Any]:
    """Return the JSON of a late release whose parts have these verdicts and delays in seconds."""
    parts = [
        {"id": name, "required": is_required, "verdict": word, "delay": bounds(delay, delay)}
        for name, (word, delay), is_required in (
            ("page", page, True),
            ("sheet", sheet, is_sheet_required),
        )
    ]
    return {"verdict": "late", "delay": parts[0]["delay"], "parts": parts}


def test_page_in_time_with_late_file_is_late_by_file() -> None:
    """The page came in time, but its sheet 90 s late.

    So the release is late by 1 min 30 s. The sheet is named.
    """
    body = late_release_json(page=("on_time", 0), sheet=("late", 90))
    delay, named_part = decisive_delay(body)
    assert delay == bounds(least=90, most=90)
    assert named_part == "sheet"
    assert lateness_text(body) == "1 min 30 s (sheet)"


@pytest.mark.parametrize("sheet", [("late", 90), ("on_time", 0)])
def test_late_page_shows_its_own_lateness_whatever_its_files(sheet: tuple[str, float]) -> None:
    """The page came 75 s late.

    Its sheet came 90 s late, or in time. In both cases the page decides: 1 min 15 s.
    """
    body = late_release_json(page=("late", 75), sheet=sheet)
    assert lateness_text(body) == "1 min 15 s"


def test_later_part_that_is_not_required_does_not_decide_delay() -> None:
    """The page came 75 s late, and its sheet 90 s late.

    But the sheet is not required. So the page decides.
    """
    body = late_release_json(page=("late", 75), sheet=("late", 90), is_sheet_required=False)
    delay, named_part = decisive_delay(body)
    assert delay == bounds(least=75, most=75)
    # No part is named, because the page itself was late.
    assert named_part == ""
