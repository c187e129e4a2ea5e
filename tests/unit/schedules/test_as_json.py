from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schedules.announcement import Announcement, Part, State, announcement_from_json
from schedules.slot import Precision, Slot, slot_from_json

INSTANT = Slot(
    Precision.INSTANT, instant=datetime(2026, 7, 23, 8, 30, tzinfo=UTC), raw="23 July 2026 9:30am"
)
MONTH = Slot(Precision.MONTH, first=date(2026, 7, 1), last=date(2026, 7, 31), raw="July 2026")

instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
)
days = st.dates(date(2000, 1, 1), date(2099, 1, 1))
more_days = st.timedeltas(timedelta(1), timedelta(400))
slots = st.one_of(
    st.builds(
        lambda moment, raw: Slot(Precision.INSTANT, instant=moment, raw=raw), instants, st.text()
    ),
    st.builds(lambda day, more: Slot(Precision.RANGE, first=day, last=day + more), days, more_days),
    st.builds(lambda day, at: Slot(Precision.DAY, first=day, last=day, assumed=at), days, instants),
    st.builds(lambda raw: Slot(Precision.NONE, raw=raw, reason="tbc"), st.text()),
)


def test_an_instant_is_written_with_milliseconds_and_z() -> None:
    written = INSTANT.as_json()
    assert (written["precision"], written["start"], written["end"]) == (
        "instant",
        "2026-07-23T08:30:00.000Z",
        None,
    )


def test_a_month_is_written_as_two_local_dates() -> None:
    written = MONTH.as_json()
    assert (written["precision"], written["start"], written["end"]) == (
        "month",
        "2026-07-01",
        "2026-07-31",
    )


def test_unreadable_slot_is_written_with_its_reason() -> None:
    written = Slot(Precision.NONE, raw="TBC", reason="tbc").as_json()
    assert (written["start"], written["end"], written["reason"]) == (None, None, "tbc")


def test_the_json_of_an_announcement_has_its_published_keys() -> None:
    written = Announcement("u", "t", "p", "https://x.example/", INSTANT, State.CONFIRMED).as_json()
    keys = (
        "uid title producer url slot state doubt reason parts recognise link previous why published"
        " address producers"
    )
    assert list(written) == keys.split()
    assert written["state"] == "confirmed"
    assert written["parts"] == []


@given(slots)
def test_a_slot_comes_back_as_it_was_written(slot: Slot) -> None:
    assert slot_from_json(json.loads(json.dumps(slot.as_json()))) == slot


parts = st.builds(Part, recognise=st.none() | st.text(), required=st.booleans())
announcements = st.builds(
    Announcement,
    slot=slots,
    state=st.sampled_from([None, *State]),
    doubt=st.none() | st.text(min_size=1),
    parts=st.tuples(parts),
    recognise=st.none() | st.text(),
    link=st.text(),
    previous=st.none() | slots,
    why=st.text(),
    published=st.booleans(),
)


@given(announcements)
def test_an_announcement_comes_back_as_it_was_written(announcement: Announcement) -> None:
    assert announcement_from_json(json.loads(json.dumps(announcement.as_json()))) == announcement
