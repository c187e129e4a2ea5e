from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.notice_text import write_notice_text
from alerts.one_line import one_line
from schedules.contract.verdict import VerdictKind
from schedules.times.interval import Bounds, Interval, magnitude
from schedules.times.words import between_moments, lengths, moment
from tests.unit.alerts.conftest import Facts, page_part

NOON = datetime(2018, 7, 5, 11, tzinfo=UTC)
LONDON = "Europe/London"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (Bounds(61.2, 62.1), "1 min 1 s to 1 min 3 s"),
        (Bounds(60, 60), "1 min"),
        (Bounds(61.9, None), "at least 1 min 1 s"),
        (Bounds(None, 5.1), "at most 6 s"),
        (Bounds(-145801, -145799), "1 d 16 h 29 min 59 s to 1 d 16 h 30 min 1 s"),
        (Bounds(None, -60), "at least 1 min"),
        (Bounds(-5, 10), "0 s to 10 s"),
        (Bounds(), "an unknown time"),
    ],
)
def test_bounds_are_rounded_outward(seconds: Bounds, words: str) -> None:
    """Whole seconds, the lower bound down and the upper bound up.

    A negative length is a time before the slot.
    """
    assert lengths(magnitude(seconds), tenths=False) == words


@pytest.mark.parametrize(
    ("min_seconds_after_slot", "max_seconds_after_slot", "expected_delay"),
    [
        (-0.3, 0.4, "within a second of the slot"),
        (0, 0.4, "within a second of the slot"),
        (1, 1, "1 s after the slot"),
        (-1, 0.4, "within a second of the slot"),
        (None, 0.4, "at most 1 s after the slot"),
        (None, -0.5, "an unknown time before the slot"),
        (-5, 0, "at most 5 s before the slot"),
        (0, 5, "at most 5 s after the slot"),
    ],
)
def test_a_delay_within_a_second_has_no_direction(
    make_facts: Facts,
    min_seconds_after_slot: float | None,
    max_seconds_after_slot: float,
    expected_delay: str,
) -> None:
    """For example, from 0.3 s before the slot to 0.4 s after it is “within a second of the slot”.
    If no bound before the slot is known, the page may have been out long before, so these words are
    not used.
    """
    page = page_part(
        VerdictKind.UNPROVEN, delay=Bounds(min_seconds_after_slot, max_seconds_after_slot)
    )
    facts = make_facts(parts=(page,))
    text = write_notice_text(
        kind="unproven", reported_kind="unproven", facts=facts, incident="r", now=NOON
    )
    (line_of_page,) = [line for line in text.splitlines() if line.startswith("- Announced page: ")]
    assert line_of_page.endswith(expected_delay)


@pytest.mark.parametrize(
    ("between", "words"),
    [
        (Interval(NOON, NOON + timedelta(seconds=0.2)), "between 12:00:00 and 12:00:01 BST"),
        (Interval(NOON, NOON), "at 12:00 BST"),
        (Interval(None, NOON), "by 12:00 BST"),
        (Interval(NOON), "after 12:00 BST"),
        (Interval(), "at an unknown time"),
    ],
)
def test_intervals_of_instants_are_rounded_outward(between: Interval, words: str) -> None:
    """NOON is 12:00 in London. An end 0.2 s after it is rounded up to a whole second."""
    assert between_moments(between, LONDON, NOON + timedelta(minutes=1)) == words


@pytest.mark.parametrize(
    ("between", "words"),
    [
        (Interval(NOON, NOON + timedelta(seconds=0.2)), "between 12:00:00 and 12:00:00.200 BST"),
        (Interval(None, NOON + timedelta(seconds=0.7)), "by 12:00:00.700 BST"),
        (Interval(None, NOON), "by 12:00 BST"),
    ],
)
def test_no_limit_is_rounded_to_a_time_after_the_text(between: Interval, words: str) -> None:
    assert between_moments(between, LONDON, NOON + timedelta(seconds=0.8)) == words


def test_moment_of_another_day_or_year_has_its_date() -> None:
    noon_in_london = datetime(2018, 7, 5, 11, tzinfo=UTC)
    assert (
        moment(noon_in_london - timedelta(days=1), LONDON, today=noon_in_london)
        == "4 July 12:00 BST"
    )
    in_winter = datetime(2017, 1, 5, 11, tzinfo=UTC)
    assert moment(in_winter, LONDON, today=noon_in_london) == "5 January 2017 11:00 GMT"


def test_a_moment_near_midnight_is_written_with_its_local_day() -> None:
    assert (
        moment(datetime(2022, 5, 4, 23, 30, tzinfo=UTC), LONDON, today=NOON)
        == "5 May 2022 00:30 BST"
    )


def test_a_text_is_cut_to_one_line_without_control_characters() -> None:
    assert one_line("a\r\n b\x00c\u2028d", longest=6) == "a b c…"
