from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.dates.read import DateText, assume_time, read_date, with_time
from schedules.dates.words import normalise
from schedules.slot import Precision, Slot
from schedules.times.zone import local

ANCHOR = date(2026, 6, 1)
HARD = Path(__file__).parent / "payloads" / "hard_dates.tsv"


def slot_as_in_samples(slot: Slot) -> dict[str, str | None]:
    """Return precision, days and time of a slot in the words of the samples."""
    wall = local(slot.instant) if slot.instant else None
    first, last = (wall.date(), wall.date()) if wall else (slot.first, slot.last)
    return {
        "precision": slot.precision.value,
        "start": str(first) if first else None,
        "end": str(last) if last else None,
        "time": f"{wall:%H:%M}" if wall else None,
    }


def as_in_samples(read: DateText) -> dict[str, Any]:
    """Return what was read in the words of the samples."""
    slot, before = read.slot, read.previous
    more = {
        "doubt": slot.doubt,
        "reason": slot.reason,
        "status": read.status,
        "previous": before and _describe_slot(before),
    }
    return slot_as_in_samples(slot) | {name: value for name, value in more.items() if value}


def _describe_slot(slot: Slot) -> str:
    return f"{local(slot.instant):%Y-%m-%dT%H:%M}" if slot.instant else str(slot.first)


def hard_rows() -> list[dict[str, str]]:
    with HARD.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("row", hard_rows(), ids=lambda row: row["text"])
def test_each_difficult_date_text_is_read_as_the_samples_say(row: dict[str, str]) -> None:
    """For example, `Thursday 23rd July, 9.30am` is an instant on 2026-07-23 at 09:30. The year
    comes from the day of the read, 1 June 2026 (`ANCHOR`).
    """
    expected = {name: value for name, value in row.items() if name != "text" and value}
    read = as_in_samples(read_date(row["text"], ANCHOR))
    assert {name: value for name, value in read.items() if value} == expected


def test_every_text_of_the_samples_is_read_as_expected(root: Path) -> None:
    """Each sample is a text with the slot that it means. A text without a year is completed from
    `anchor`, the day of the read.
    """
    samples = root.parent / "shared/samples/calendars/date_texts.json"
    if not samples.exists():
        pytest.skip("the samples do not stand beside the project")
    data = json.loads(samples.read_text(encoding="utf-8"))
    anchor = date.fromisoformat(data["defaults"]["anchor"])
    items = data["items"]
    for item in items:
        read = read_date(item["text"], anchor, date_order=item.get("date_order", "dmy"))
        assert as_in_samples(read) == item["expect"], item["text"]


def test_the_text_itself_is_kept() -> None:
    assert read_date(" 23 July 2026¹ ", ANCHOR).slot.raw == " 23 July 2026¹ "


def test_an_instant_is_cut_to_milliseconds() -> None:
    read = read_date("2026-07-23T08:30:00.987654Z", ANCHOR)
    assert read.slot.instant == datetime(2026, 7, 23, 8, 30, 0, 987000, tzinfo=UTC)


def test_a_calendar_in_another_zone_is_converted() -> None:
    read = read_date("July 23, 2026 8:30am", ANCHOR, timezone="America/New_York", date_order="mdy")
    assert read.slot.instant == datetime(2026, 7, 23, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["23/07/2026", "1/7/26"])
def test_numbers_in_another_order_than_the_configured_one_are_no_date(text: str) -> None:
    """The calendar writes the year first. These texts end with it."""
    assert read_date(text, ANCHOR, date_order="ymd").slot.reason == "order"


def test_british_zone_word_in_another_zone_is_doubted() -> None:
    """No one knows whether 9:30 is a time of London or of New York."""
    read = read_date("23 July 2026 9:30am BST", ANCHOR, timezone="America/New_York")
    assert (read.slot.precision, read.slot.doubt) == (Precision.DAY, "zone-unknown")


def test_times_in_gmt_all_the_year_are_read_with_the_time_zone_utc() -> None:
    read = read_date("23 July 2026 9:30am GMT", ANCHOR, timezone="UTC")
    assert (read.slot.instant, read.slot.doubt) == (datetime(2026, 7, 23, 9, 30, tzinfo=UTC), None)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("23 July 2026 9:30am BST", None),
        ("23 July 2026 9:30am GMT", "zone"),
        ("3 December 2026 9:30am GMT", None),
        ("3 December 2026 9:30am BST", "zone"),
    ],
)
def test_zone_word_must_fit_the_season(text: str, doubt: str | None) -> None:
    assert read_date(text, ANCHOR).slot.doubt == doubt


@pytest.mark.parametrize(
    ("text", "local_time"),
    [
        ("09.30", "09:30"),
        ("7am", "07:00"),
        ("0930", "09:30"),
        ("noon", "12:00"),
        ("09h30", "09:30"),
        ("09:30:00.000", "09:30"),
        ("09:30Z", "09:30"),
        ("10:30+01:00", "09:30"),
        ("09:30 Europe/London", "09:30"),
        ("09:30 (local time)", "09:30"),
        ("9.30am (GMT)", "09:30"),
        ("00/01/1900 09:30", "09:30"),
        ("1/0/1900 9:30:00 AM", "09:30"),
        ("01/01/1904 09:30", "09:30"),
        ("0.395833333333333", "09:30"),
    ],
)
def test_a_time_in_its_own_column_makes_a_day_exact(text: str, local_time: str) -> None:
    """For example, the column for the time has “7am”, “0930” or “noon”."""
    slot = with_time(read_date("26/11/2026", ANCHOR).slot, text)
    assert slot.instant is not None
    assert f"{local(slot.instant):%H:%M}" == local_time


@pytest.mark.parametrize("text", ["", "-", "TBC", "n/a", "to be confirmed", "soon"])
def test_an_empty_time_leaves_the_day(text: str) -> None:
    """Some calendars have a column for the time beside that of the date. Here it is empty or says,
    for example, “TBC”.
    """
    slot = with_time(read_date("26/11/2026", ANCHOR).slot, text)
    assert (slot.precision, slot.doubt) == (Precision.DAY, None)


@pytest.mark.parametrize(
    "text", ["9:30 or 10:00", "25:00", "9:30am Mars time", "9:30-10:00", "9:30am (briefing 9am)"]
)
def test_a_time_column_with_other_words_leaves_a_doubtful_day(text: str) -> None:
    """Some calendars have a column for the time beside that of the date.

    Here it says, for example, “9:30 or 10:00”.
    """
    slot = with_time(read_date("26/11/2026", ANCHOR).slot, text)
    assert (slot.precision, slot.doubt) == (Precision.DAY, "unreadable-date")


@pytest.mark.parametrize("midnight", ["12:00:00 AM", "12:00 am", "00:00:00"])
def test_midnight_as_programs_write_it_beside_a_date_is_no_time(midnight: str) -> None:
    slot = read_date(f"26/11/2026 {midnight}", ANCHOR).slot
    assert (slot.precision, slot.doubt) == (Precision.DAY, "midnight")
    timed = with_time(slot, "9:30am")
    assert (timed.instant, timed.doubt) == (datetime(2026, 11, 26, 9, 30, tzinfo=UTC), None)


def test_two_times_in_two_columns_are_two_readings() -> None:
    slot = with_time(read_date("26/11/2026 09:30", ANCHOR).slot, "11:00")
    assert slot.doubt == "zone"
    assert [f"{each:%H:%M}" for each in slot.readings] == ["09:30", "11:00"]


@pytest.mark.parametrize("text", ["09:30", "9.30am", "", "TBC", "morning", "to 10:30"])
def test_a_time_column_that_does_not_contradict_leaves_the_time_of_the_date(text: str) -> None:
    slot = read_date("26/11/2026 09:30", ANCHOR).slot
    assert with_time(slot, text) == slot


def test_time_column_is_ignored_beside_a_month() -> None:
    """Some calendars have a column for the time beside that of the date."""
    month = read_date("July 2026", ANCHOR).slot
    assert with_time(month, "9:30") == month


def test_an_assumed_time_leaves_the_slot_a_day() -> None:
    """A calendar may have a default time for its days. No one has announced it for this release."""
    slot = assume_time(read_date("26 November 2026", ANCHOR).slot, time(9, 30))
    assert slot.precision is Precision.DAY
    assert slot.assumed == datetime(2026, 11, 26, 9, 30, tzinfo=UTC)


def test_no_time_is_assumed_for_a_month() -> None:
    assert assume_time(read_date("July 2026", ANCHOR).slot, time(9, 30)).assumed is None


@given(st.text(max_size=60), st.dates(date(2001, 1, 1), date(2099, 1, 1)))
def test_any_text_gives_a_slot_or_a_reason(text: str, anchor: date) -> None:
    """Text and day of the read are random. A slot has an instant, or a first and a last day."""
    slot = read_date(text, anchor).slot
    if slot.precision is Precision.NONE:
        assert slot.reason
    elif slot.precision is not Precision.INSTANT:
        assert slot.first is not None
        assert slot.last is not None
        assert slot.first <= slot.last


@given(st.lists(st.sampled_from("0123456789/-.: aphmst()JulyQw,&12026"), max_size=40).map("".join))
def test_a_text_that_looks_like_a_date_raises_no_error(text: str) -> None:
    read_date(text, ANCHOR)


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2100, 1, 1)),
    st.sampled_from(["%d %B %Y %H:%M", "%Y-%m-%d %H:%M"]),
)
def test_a_written_time_is_read_back_to_the_minute(moment: datetime, form: str) -> None:
    """Midnight would be read as a day without a time."""
    moment = moment.replace(second=0, microsecond=0, hour=moment.hour or 9)
    slot = read_date(moment.strftime(form), ANCHOR).slot
    if slot.instant is None:
        # The clock skips or repeats this time.
        assert slot.doubt in {"nonexistent-time", "ambiguous-time"}
    else:
        assert local(slot.instant).replace(tzinfo=None) == moment


@given(st.dates(date(2001, 6, 1), date(2098, 6, 1)), st.integers(-30, 335))
def test_day_without_a_year_is_near_the_day_of_reading(read_on: date, days_later: int) -> None:
    """It is at most 30 days before the read or 335 days after it."""
    day = read_on + timedelta(days=days_later)
    slot = read_date(f"{day:%A} {day.day} {day:%B}", read_on).slot
    assert slot.first == day


def test_a_long_text_is_refused_at_once() -> None:
    assert read_date("1 July 2026 and " * 1_000_000, ANCHOR).slot.reason == "not-a-date"


def test_signs_of_ascii_texts_are_folded_as_in_others() -> None:
    for sign in map(chr, range(128)):
        text = f"9{sign}30 A{sign}M [1]{sign} caf"
        assert normalise(f"{text}\u00e9") == f"{normalise(f'{text}e')[:-1]}\u00e9"
