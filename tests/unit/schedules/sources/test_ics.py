"""Files of ICS that are too large to be a case of `calendar_cases/ics.toml`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from tests.unit.schedules.sources.conftest import Parse

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def event(*lines: str, uid: str = "u", title: str = "Prices") -> str:
    return "\r\n".join(("BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{title}", *lines, "END:VEVENT"))


def calendar(*parts: str) -> bytes:
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *parts, "END:VCALENDAR", "")).encode()


def test_private_zone_of_one_file_does_not_apply_to_next(parse: Parse) -> None:
    zone = ("BEGIN:VTIMEZONE", "TZID:Dept Time", "BEGIN:STANDARD", "DTSTART:19700101T000000")
    offsets = ("TZOFFSETFROM:+0200", "TZOFFSETTO:+0200", "END:STANDARD", "END:VTIMEZONE")
    start = event("DTSTART;TZID=Dept Time:20260723T093000")
    (with_zone,) = parse("ics", calendar(*zone, *offsets, start), at=NOW).announcements
    (without_zone,) = parse("ics", calendar(start), at=NOW).announcements
    assert (with_zone.doubt, without_zone.doubt) == (None, "zone-unknown")


def test_events_without_a_uid_get_keys_from_their_texts(parse: Parse) -> None:
    a, b = (
        event("DTSTART:20260723", uid="", title="A"),
        event("DTSTART:20260723", uid="", title="B"),
    )
    read_a, read_b = parse("ics", calendar(a, b), at=NOW).announcements
    assert read_a.uid != read_b.uid
    moved = b.replace("20260723", "20260724")
    (read_moved,) = parse("ics", calendar(moved), at=NOW).announcements
    assert read_moved.uid == read_b.uid


def test_line_folded_inside_a_character_is_read(parse: Parse) -> None:
    body = calendar(event("DTSTART:20260723", title="Café"))
    folded = body.replace("é".encode(), b"\xc3\r\n \xa9")
    (entry,) = parse("ics", folded, at=NOW).announcements
    assert entry.title == "Café"


@pytest.mark.slow
def test_only_first_five_dateless_recurrence_rules_are_searched(parse: Parse) -> None:
    """To search a rule that never has a date takes long, so the rest are doubts."""
    rules, searched = 40, 5
    never = [
        event("DTSTART:20200101T083000Z", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", uid=f"n{n}")
        for n in range(rules)
    ]
    announced = parse("ics", calendar(*never), at=NOW).announcements
    # The five that were searched give no entry, because they have no date.
    assert len(announced) == rules - searched
    assert {each.doubt for each in announced} == {"series-refused"}


@pytest.mark.parametrize("rule", ["BYMONTHDAY=15", "BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"])
def test_series_that_have_ended_refuse_no_other(parse: Parse, rule: str) -> None:
    ended = [
        event("DTSTART:20180115T093000Z", f"RRULE:FREQ=MONTHLY;{rule};UNTIL=20190101", uid=f"e{n}")
        for n in range(7)
    ]
    current = event("DTSTART:20260115T093000Z", "RRULE:FREQ=MONTHLY;BYMONTHDAY=15", uid="current")
    announced = parse("ics", calendar(*ended, current), at=NOW).announcements
    assert announced
    assert {each.doubt for each in announced} == {None}


def test_a_line_of_ten_megabytes_is_read(parse: Parse) -> None:
    body = calendar(event("DTSTART:20260723", "DESCRIPTION:" + "x" * 10_000_000))
    assert len(parse("ics", body, at=NOW).announcements) == 1


def test_series_with_a_thousand_overrides_and_exclusions_is_read(parse: Parse) -> None:
    """Were each compared with all others for each event, this would take many minutes."""
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(1000)]
    exclusions = [f"EXDATE:{day:%Y%m%d}T093000Z" for day in days]
    daily = event("DTSTART:20260101T083000Z", "RRULE:FREQ=DAILY", *exclusions)
    moved = [
        event(f"RECURRENCE-ID:{day:%Y%m%d}T083000Z", f"DTSTART:{day:%Y%m%d}T103000Z")
        for day in days
    ]
    announced = parse("ics", calendar(daily, *moved), at=NOW).announcements
    times = {each.slot.instant.time() for each in announced if each.slot.instant is not None}
    assert times == {time(10, 30)}
