from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schedules.announcement import State
from schedules.slot import Precision
from tests.unit.schedules.sources.conftest import Parse, Summarise

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def event(*lines: str, uid: str = "u", title: str = "Prices") -> str:
    return "\r\n".join(("BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{title}", *lines, "END:VEVENT"))


def calendar(*parts: str) -> bytes:
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *parts, "END:VCALENDAR", "")).encode()


def slot_of(parse: Parse, *lines: str, head: tuple[str, ...] = ()) -> tuple[str, str, str | None]:
    announcement = parse("ics", calendar(*head, event(*lines)), at=NOW).announcements[0]
    slot = announcement.slot
    when = f"{slot.instant:%Y-%m-%dT%H:%MZ}" if slot.instant else f"{slot.first} {slot.last}"
    return slot.precision.value, when, announcement.doubt


VTIMEZONE = """BEGIN:VTIMEZONE
TZID:Dept Time
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0200
TZOFFSETTO:+0200
END:STANDARD
END:VTIMEZONE""".replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("line", "precision_time_and_doubt"),
    [
        ("DTSTART:20260723T083000Z", ("instant", "2026-07-23T08:30Z", None)),
        ("DTSTART;TZID=Europe/London:20260723T093000", ("instant", "2026-07-23T08:30Z", None)),
        ("DTSTART;TZID=GMT Standard Time:20260723T093000", ("instant", "2026-07-23T08:30Z", None)),
        ("DTSTART;TZID=europe/london:20260723T093000", ("instant", "2026-07-23T08:30Z", None)),
        ("DTSTART;TZID=BST:20260723T093000", ("instant", "2026-07-23T08:30Z", None)),
        (
            "DTSTART;TZID=/mozilla.org/20050126_1/Europe/London:20260723T093000",
            ("instant", "2026-07-23T08:30Z", None),
        ),
        (
            "DTSTART;TZID=(UTC+00:00) Dublin\\, Edinburgh\\, Lisbon\\, London:20260723T093000",
            ("instant", "2026-07-23T08:30Z", None),
        ),
        ("DTSTART;TZID=US-Eastern:20260723T083000", ("instant", "2026-07-23T12:30Z", None)),
        (
            'DTSTART;TZID="Eastern Standard Time":20261123T083000',
            ("instant", "2026-11-23T13:30Z", None),
        ),
        ("DTSTART;TZID=GMT:20260723T093000", ("instant", "2026-07-23T09:30Z", "zone")),
        ("DTSTART;TZID=GMT:20261223T093000", ("instant", "2026-12-23T09:30Z", None)),
        ("DTSTART;TZID=BST:20261223T093000", ("instant", "2026-12-23T09:30Z", "zone")),
        ("DTSTART;TZID=Europe/London:20260723T093000Z", ("day", "2026-07-23 2026-07-23", "zone")),
        (
            "DTSTART;TZID=Dept Time:20260723T093000",
            ("day", "2026-07-23 2026-07-23", "zone-unknown"),
        ),
        ("DTSTART:20260723T093000", ("instant", "2026-07-23T08:30Z", None)),
        ("DTSTART;VALUE=DATE:20260723", ("day", "2026-07-23 2026-07-23", None)),
        ("DTSTART:20260723T000000", ("day", "2026-07-23 2026-07-23", "midnight")),
        ("DTSTART:20260723T000000Z", ("day", "2026-07-23 2026-07-23", "midnight")),
        ("DTSTART:2026-07-23T09:30:00", ("instant", "2026-07-23T08:30Z", None)),
        ("DTSTART:TBC", ("none", "None None", None)),
        ("DTSTART:", ("none", "None None", "unreadable-date")),
        ("DTSTART:20260723T240000", ("none", "None None", "unreadable-date")),
        ("DTSTART:20260230", ("none", "None None", None)),
        ("DTSTART:99991231T235959Z", ("none", "None None", None)),
        (
            "DTSTART;TZID=Europe/London:20260329T013000",
            ("day", "2026-03-29 2026-03-29", "nonexistent-time"),
        ),
        (
            "DTSTART;TZID=Europe/London:20261025T013000",
            ("day", "2026-10-25 2026-10-25", "ambiguous-time"),
        ),
        ("X-NOTHING:1", ("none", "None None", "unreadable-date")),
    ],
)
def test_event_start_is_read_in_its_zone_with_doubts(
    parse: Parse, line: str, precision_time_and_doubt: tuple[str, str, str | None]
) -> None:
    """For example, British files write GMT also for summer time. So 09:30 on a day in July with
    `TZID=GMT` is read as 09:30 UTC with the doubt "zone". On a day in December there is no doubt.
    """
    assert slot_of(parse, line) == precision_time_and_doubt


def test_a_private_zone_follows_the_file_s_own_rules(parse: Parse) -> None:
    """The file itself defines the zone “Dept Time”, two hours ahead of UTC.

    So 09:30 there is 07:30 UTC.
    """
    start = "DTSTART;TZID=Dept Time:20260723T093000"
    two_hours_ahead = VTIMEZONE
    assert slot_of(parse, start, head=(two_hours_ahead,)) == ("instant", "2026-07-23T07:30Z", None)


def test_series_in_private_zone_follows_the_files_own_rules(parse: Parse) -> None:
    """The file itself defines the zone “Dept Time”, two hours ahead of UTC.

    So 09:30 there is 07:30 UTC.
    """
    two_days = event("DTSTART;TZID=Dept Time:20260723T093000", "RRULE:FREQ=DAILY;COUNT=2")
    two_hours_ahead = VTIMEZONE
    announcements = parse("ics", calendar(two_hours_ahead, two_days), at=NOW).announcements
    assert [f"{each.slot.instant:%d at %H:%M}" for each in announcements] == [
        "23 at 07:30",
        "24 at 07:30",
    ]


def test_private_zone_of_one_file_does_not_apply_to_next(parse: Parse) -> None:
    """Three files have an event at 09:30 in the zone "Dept Time". The first one defines it as two
    hours ahead of UTC, the second one not at all, and the third one as three hours ahead.
    """
    start = "DTSTART;TZID=Dept Time:20260723T093000"
    two_hours_ahead, three_hours_ahead = VTIMEZONE, VTIMEZONE.replace("+0200", "+0300")
    slot_of(parse, start, head=(two_hours_ahead,))
    assert slot_of(parse, start) == ("day", "2026-07-23 2026-07-23", "zone-unknown")
    assert slot_of(parse, start, head=(three_hours_ahead,)) == (
        "instant",
        "2026-07-23T06:30Z",
        None,
    )


def test_broken_definition_of_a_zone_affects_only_its_own_events(parse: Parse) -> None:
    """The definition of the zone "Dept Time" lacks a line.

    So the event in this zone is doubted, the other is not.
    """
    broken_definition = VTIMEZONE.replace("TZOFFSETFROM:+0200\r\n", "")
    in_its_zone = event("DTSTART;TZID=Dept Time:20260723T093000", uid="in its zone")
    in_utc = event("DTSTART:20260723T083000Z", uid="in UTC")
    announcements = parse(
        "ics", calendar(broken_definition, in_its_zone, in_utc), at=NOW
    ).announcements
    assert {each.uid: each.doubt for each in announcements} == {
        "in its zone": "zone-unknown",
        "in UTC": None,
    }


def test_event_of_whole_days_gives_slot_of_those_days(parse: Parse) -> None:
    """In ICS the end is the first day that is no longer part of the event."""
    august_3_to_7 = slot_of(parse, "DTSTART;VALUE=DATE:20260803", "DTEND;VALUE=DATE:20260808")
    assert august_3_to_7 == ("range", "2026-08-03 2026-08-07", None)
    week_from_august_3 = slot_of(parse, "DTSTART;VALUE=DATE:20260803", "DURATION:P1W")
    assert week_from_august_3 == ("range", "2026-08-03 2026-08-09", None)


def test_event_from_local_midnight_to_midnight_is_one_day(parse: Parse) -> None:
    """In July, midnight in London is 23:00 UTC."""
    slot = slot_of(parse, "DTSTART:20260727T230000Z", "DTEND:20260728T230000Z")
    assert slot == ("day", "2026-07-28 2026-07-28", None)


def test_event_from_midnight_to_midnight_utc_gives_its_day(parse: Parse) -> None:
    """In July, midnight in UTC is 01:00 in London."""
    slot = slot_of(parse, "DTSTART:20260728T000000Z", "DTEND:20260729T000000Z")
    assert slot == ("day", "2026-07-28 2026-07-28", None)


@pytest.mark.parametrize(
    ("end", "doubt"),
    [
        ("DTEND;TZID=Asia/Tokyo:20260729T000000", None),
        ("DTEND;TZID=Asia/Tokyo:20260728T235900", None),
        ("DURATION:P1D", None),
        ("DURATION:PT24H", None),
        ("DURATION:PT30M", "midnight"),
        ("SEQUENCE:1", "midnight"),
    ],
)
def test_event_from_midnight_of_its_own_zone_is_a_day(
    parse: Parse, end: str, doubt: str | None
) -> None:
    slot = slot_of(parse, "DTSTART;TZID=Asia/Tokyo:20260728T000000", end)
    assert slot == ("day", "2026-07-28 2026-07-28", doubt)


@pytest.mark.parametrize("start", ["DTSTART:20260723T000000", "DTSTART:20260723T000000Z"])
def test_series_at_midnight_gives_doubtful_days(parse: Parse, start: str) -> None:
    """A series is a recurring event, here of two days.

    Its time of midnight may only stand for a day without a time.
    """
    two_days = event(start, "RRULE:FREQ=DAILY;COUNT=2")
    announcements = parse("ics", calendar(two_days), at=NOW).announcements
    assert [(str(each.slot.first), each.doubt) for each in announcements] == [
        ("2026-07-23", "midnight"),
        ("2026-07-24", "midnight"),
    ]


def test_event_with_time_gives_its_start_as_slot(parse: Parse) -> None:
    slot = slot_of(parse, "DTSTART:20260723T083000Z", "DTEND:20260723T083000Z")
    assert slot == ("instant", "2026-07-23T08:30Z", None)


def test_event_with_two_starts_gives_doubt_instead_of_slot(parse: Parse) -> None:
    slot = slot_of(parse, "DTSTART:20260723T083000Z", "DTSTART:20260724T083000Z")
    assert slot == ("none", "None None", "duplicate-date")


def test_floating_times_follow_the_zone_that_the_file_names(parse: Parse) -> None:
    """A floating time is one without a zone. 08:30 in New York is 12:30 UTC in summer."""
    start = "DTSTART:20260723T083000"
    assert slot_of(parse, start, head=("X-WR-TIMEZONE:America/New_York",)) == (
        "instant",
        "2026-07-23T12:30Z",
        None,
    )


def test_slots_of_a_series_are_shown_in_the_configured_zone(parse: Parse) -> None:
    """The file is in the zone of New York, where 08:30 is 12:30 UTC in summer. The configured zone
    is London. A recurring event (RRULE) is read by other code than a single one, even if it recurs
    on one day only.
    """
    series_of_one_day = event("DTSTART:20260723T083000", "RRULE:FREQ=DAILY;COUNT=1")
    body = calendar("X-WR-TIMEZONE:America/New_York", series_of_one_day)
    (announcement,) = parse("ics", body, at=NOW).announcements
    half_past_eight_in_new_york = datetime(2026, 7, 23, 12, 30, tzinfo=UTC)
    assert announcement.slot.instant == half_past_eight_in_new_york
    assert announcement.slot.timezone == "Europe/London"  # the configured zone


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("CONFIRMED", State.CONFIRMED),
        ("Provisional", State.PROVISIONAL),
        ("TENTATIVE", State.PROVISIONAL),
        ("CANCELED", State.CANCELLED),
        ("Postponed", State.POSTPONED),
        ("Odd", None),
    ],
)
def test_a_status_is_understood_in_any_spelling(
    parse: Parse, status: str, state: State | None
) -> None:
    body = calendar(event("DTSTART:20260723T083000Z", f"STATUS:{status}"))
    assert parse("ics", body, at=NOW).announcements[0].state is state


def test_a_file_with_the_method_cancel_cancels_all_its_events(parse: Parse) -> None:
    body = calendar("METHOD:CANCEL", event("DTSTART:20260723T083000Z", "STATUS:CONFIRMED"))
    assert parse("ics", body, at=NOW).announcements[0].state is State.CANCELLED


def test_the_higher_sequence_wins_and_equal_ones_are_doubted(parse: Parse) -> None:
    """A higher SEQUENCE marks a newer version of an event."""
    body = calendar(
        event("SEQUENCE:0", "DTSTART:20260723", uid="moved"),
        event("SEQUENCE:2", "DTSTART:20260724", uid="moved"),
        event("DTSTART:20260101", uid="doubtful"),
        event("DTSTART:20260102", uid="doubtful"),
    )
    announcements = parse("ics", body, at=NOW).announcements
    assert [(each.uid, each.slot.raw, each.doubt) for each in announcements] == [
        ("moved", "20260724", None),
        ("doubtful", "20260101", "duplicate-uid"),
        ("doubtful", "20260102", "duplicate-uid"),
    ]


def test_events_without_a_uid_get_keys_from_their_texts(parse: Parse) -> None:
    body = calendar(
        event("DTSTART:20260723", uid="", title="A"), event("DTSTART:20260723", uid="", title="B")
    )
    a, b = parse("ics", body, at=NOW).announcements
    assert a.uid != b.uid
    (b_on_another_day,) = parse(
        "ics", calendar(event("DTSTART:20260724", uid="", title="B")), at=NOW
    ).announcements
    assert b_on_another_day.uid == b.uid


def test_a_series_is_expanded_with_its_exceptions(parse: Parse, summarise: Summarise) -> None:
    """An event recurs on third Wednesdays.

    March is left out, April is moved by a week, and May is cancelled.
    """
    third_wednesdays_from_february_to_june = "RRULE:FREQ=MONTHLY;BYDAY=3WE;COUNT=5"
    without_march = "EXDATE;TZID=London:20260318T093000"
    series = event(
        "DTSTART;TZID=London:20260218T093000", third_wednesdays_from_february_to_june, without_march
    )
    april_moved = event(
        "RECURRENCE-ID:20260415T083000Z", "DTSTART;TZID=London:20260422T093000", title="Moved"
    )
    on_20_may = "RECURRENCE-ID;TZID=London:20260520T093000", "DTSTART;TZID=London:20260520T093000"
    may_cancelled = event(*on_20_may, "STATUS:CANCELLED")
    reading = parse("ics", calendar(series, april_moved, may_cancelled), at=NOW)
    assert summarise(reading) == [
        ("Prices", "instant", "2026-02-18 09:30", ""),
        ("Moved", "instant", "2026-04-22 09:30", ""),
        ("Prices", "instant", "2026-05-20 09:30", "cancelled"),
        ("Prices", "instant", "2026-06-17 09:30", ""),
    ]
    moved = reading.announcements[1]
    # The key has the day in the series, before the move.
    assert moved.uid == "u#2026-04-15"


@pytest.mark.parametrize("start", ["DTSTART;TZID=London:20260701T093000", "DTSTART:20260701"])
def test_a_series_until_a_day_includes_that_day(parse: Parse, start: str) -> None:
    series = calendar(event(start, "RRULE:FREQ=WEEKLY;UNTIL=20260715"))
    uids = [each.uid for each in parse("ics", series, at=NOW).announcements]
    assert uids == ["u#2026-07-01", "u#2026-07-08", "u#2026-07-15"]


def test_a_zone_name_of_the_other_season_is_doubted_in_a_series_too(parse: Parse) -> None:
    """The clocks change between these two days."""
    series = calendar(event("DTSTART;TZID=GMT:20261022T093000", "RRULE:FREQ=WEEKLY;COUNT=2"))
    doubts = [each.doubt for each in parse("ics", series, at=NOW).announcements]
    assert doubts == ["zone", None]


@pytest.mark.parametrize(
    ("rule", "doubt"),
    [
        ("FREQ=SECONDLY", "series-refused"),
        ("FREQ=MINUTELY;COUNT=3", "series-refused"),
        ("FREQ=DAILY;INTERVAL=0", "series-refused"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "series-refused"),
        ("FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=1,2", "series-refused"),
        ("", "series-refused"),
        ("FREQ=MONTHLY;BYDAY=XX", "series-unreadable"),
        ("FREQ=DAILY;UNTIL=soon", "series-unreadable"),
    ],
)
def test_a_series_that_cannot_be_expanded_is_doubted(parse: Parse, rule: str, doubt: str) -> None:
    """A series is a recurring event. Rules that could take long, such as one for every second, are
    refused. Others, such as one with the weekday XX, cannot be read.
    """
    series = calendar(event("DTSTART:20260630T083000Z", f"RRULE:{rule}"))
    (announcement,) = parse("ics", series, at=NOW).announcements
    assert announcement.doubt == doubt
    # Only a rule that cannot be read leaves the start of the series as slot.
    precision = Precision.INSTANT if doubt == "series-unreadable" else Precision.NONE
    assert announcement.slot.precision is precision


def test_a_series_that_begins_after_the_days_that_are_read_is_no_fault(parse: Parse) -> None:
    later = event("DTSTART:20300630T083000Z", "RRULE:FREQ=MONTHLY", uid="later")
    reading = parse("ics", calendar(later, event("DTSTART:20260723T083000Z")), at=NOW)
    assert (len(reading.announcements), reading.notes) == (1, ())


_WEEKLY = ("DTSTART;TZID=Europe/London:20260702T093000", "RRULE:FREQ=WEEKLY;COUNT=3")


@pytest.mark.parametrize("excluded", ["20260709T103000Z", "20260709T000000", "20260709T103000"])
def test_an_exception_at_another_time_of_its_day_is_a_doubt(parse: Parse, excluded: str) -> None:
    series = calendar(event(*_WEEKLY, f"EXDATE:{excluded}"))
    read = parse("ics", series, at=NOW).announcements
    assert [each.status for each in read] == ["", f"EXDATE {excluded}", ""]
    assert [each.doubt for each in read] == [None, "status", None]


@pytest.mark.parametrize(
    "note", ["DESCRIPTION:This release has been postponed.", "COMMENT:On hold"]
)
def test_notes_of_a_series_and_of_one_occurrence_call_off(parse: Parse, note: str) -> None:
    every = parse("ics", calendar(event(*_WEEKLY, note)), at=NOW).announcements
    assert [each.doubt for each in every] == ["status"] * 3
    one = ("RECURRENCE-ID:20260709T083000Z", "DTSTART:20260709T083000Z", note)
    changed = parse("ics", calendar(event(*_WEEKLY), event(*one)), at=NOW).announcements
    assert [each.doubt for each in changed] == [None, "status", None]


@pytest.mark.parametrize(
    "lines",
    [
        ("STATUS:CONFIRMED", "STATUS:CANCELLED"),
        ("CATEGORIES:Statistics,Cancelled",),
        ("CATEGORIES:Statistics", "CATEGORIES:Cancelled"),
    ],
)
def test_every_status_and_category_counts(parse: Parse, lines: tuple[str, ...]) -> None:
    (entry,) = parse("ics", calendar(event("DTSTART:20260723T083000Z", *lines))).announcements
    assert entry.doubt == "status"


@pytest.mark.slow
def test_only_first_five_dateless_recurrence_rules_are_searched(parse: Parse) -> None:
    """To search a rule that never has a date takes long. Of 40 such rules, five are searched.
    Events with the other 35 become entries with a doubt.
    """
    rules, searched = 40, 5
    # 30 February never comes.
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


def test_address_comes_from_url_description_or_uid_path(parse: Parse) -> None:
    body = calendar(
        event("DTSTART:20260723", "URL:https://stats.example/a", uid="with URL"),
        event(
            "DTSTART:20260723",
            "DESCRIPTION:See https://stats.example/b.\\nThanks",
            uid="one in the text",
        ),
        event(
            "DTSTART:20260723",
            "DESCRIPTION:https://x.example/1 https://x.example/2",
            uid="two in the text",
        ),
        event("DTSTART:20260723", uid="/releases/c"),
    )
    announcements = parse("ics", body, at=NOW, url="webcal://www.ons.gov.uk/calendar").announcements
    assert {each.uid: each.url for each in announcements} == {
        "with URL": "https://stats.example/a",
        "one in the text": "https://stats.example/b",
        "two in the text": "",
        "/releases/c": "https://www.ons.gov.uk/releases/c",
    }


def test_provisional_ons_entry_is_a_day_at_best(parse: Parse) -> None:
    """The PRODID shows that the file is from the ONS.

    A provisional entry of the ONS has a time without a meaning.
    """
    head = ("PRODID:-//Office for National Statistics//NONSGML//EN",)
    precision, *_ = slot_of(parse, "DTSTART:20270128T093000Z", "STATUS:Provisional", head=head)
    assert precision == "day"


def test_escaped_and_folded_title_is_read_whole(parse: Parse) -> None:
    """Commas and semicolons in a title are escaped, and \\n is a line end in it, read as a blank.
    This file also begins with a byte order mark, and a line is folded in the middle of the é.
    """
    body = calendar(event("DTSTART:20260723", title="Café prices \\, and\\; more\\nsecond"))
    folded_inside_a_character = body.replace("é".encode(), b"\xc3\r\n \xa9")
    byte_order_mark = b"\xef\xbb\xbf"
    (announcement,) = parse(
        "ics", byte_order_mark + folded_inside_a_character, at=NOW
    ).announcements
    assert announcement.title == "Café prices , and; more second"


@pytest.mark.parametrize("ends", [b"\n", b"\r"])
def test_other_line_ends_are_accepted(parse: Parse, ends: bytes) -> None:
    body = calendar(event("DTSTART:20260723")).replace(b"\r\n", ends)
    assert len(parse("ics", body, at=NOW).announcements) == 1


def test_text_lines_that_look_like_properties_do_not_change_status(parse: Parse) -> None:
    """The text of the DESCRIPTION goes on in two lines that are not folded, so each looks like a
    property.
    """
    text = "DESCRIPTION:first", "not: a property", "STATUS: odd"
    body = calendar(event("STATUS:Confirmed", "DTSTART:20260723", *text))
    assert parse("ics", body, at=NOW).announcements[0].state is State.CONFIRMED


def test_two_calendars_in_one_file_are_both_read(parse: Parse) -> None:
    body = calendar(event("DTSTART:20260723")) + calendar(event("DTSTART:20260724", uid="v"))
    assert len(parse("ics", body, at=NOW).announcements) == 2


def test_a_line_of_ten_megabytes_is_read(parse: Parse) -> None:
    body = calendar(event("DTSTART:20260723", "DESCRIPTION:" + "x" * 10_000_000))
    assert len(parse("ics", body, at=NOW).announcements) == 1


def test_midnights_of_several_days_are_whole_days(parse: Parse) -> None:
    lines = (
        "DTSTART;TZID=Europe/London:20260723T000000",
        "DTEND;TZID=Europe/London:20260726T000000",
    )
    assert slot_of(parse, *lines) == ("range", "2026-07-23 2026-07-25", None)


def test_calendars_of_one_file_keep_their_own_zones(parse: Parse) -> None:
    start = "DTSTART:20260723T093000"
    tokyo = calendar("X-WR-TIMEZONE:Asia/Tokyo", event(start, uid="tokyo"))
    london = calendar("X-WR-TIMEZONE:Europe/London", event(start, uid="london"))
    slots = {
        each.uid: each.slot.instant for each in parse("ics", tokyo + london, at=NOW).announcements
    }
    assert slots == {
        "tokyo": datetime(2026, 7, 23, 0, 30, tzinfo=UTC),
        "london": datetime(2026, 7, 23, 8, 30, tzinfo=UTC),
    }


def test_event_of_a_million_days_leaves_the_others_readable(parse: Parse) -> None:
    endless = event(
        "DTSTART:20260706T083000Z", "DURATION:P99999999D", "RRULE:FREQ=WEEKLY", uid="endless"
    )
    other = event("DTSTART:20260723T083000Z", uid="other")
    entries = parse("ics", calendar(endless, other), at=NOW).announcements
    assert {each.uid: each.doubt for each in entries} == {
        "endless": "series-unreadable",
        "other": None,
    }
