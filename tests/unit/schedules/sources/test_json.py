from __future__ import annotations

import json

import pytest

from schedules.source import Page, UnreadableCalendar
from schedules.sources.json import JsonSource
from tests.unit.schedules.sources.conftest import NOW, Parse, Summarise
from tests.worlds.calendars import calendar_settings


def test_fields_are_found_by_expressions(parse: Parse, summarise: Summarise) -> None:
    """For example, the expression `n.en` names the field “en” inside the field “n”."""
    row = {"n": {"en": "Trade"}, "d": "26/11/2026", "t": "9.30", "s": "final"}
    body = json.dumps({"data": {"rows": [row]}}).encode()
    options = {
        "entries": "data.rows",
        "title": "n.en",
        "date": "d",
        "time": "t",
        "status": "s == 'final' && 'confirmed'",
    }
    assert summarise(parse("json", body, options=options)) == [
        ("Trade", "instant", "2026-11-26 09:30", "confirmed")
    ]


def test_a_plain_list_needs_no_mapping(parse: Parse, summarise: Summarise) -> None:
    body = (
        b'{"releases": [{"id": 7, "title": "A &amp; B", "date": "July 2027", "state":'
        b' "provisional", "url": "/a"}]}'
    )
    reading = parse("json", body)
    assert summarise(reading) == [("A & B", "month", "2027-07-01 2027-07-31", "provisional")]
    assert (reading.announcements[0].uid, reading.announcements[0].url) == (
        "7",
        "https://stats.example.org/a",
    )


def post(**more: object) -> dict[str, object]:
    about = {
        "id": 1,
        "title": {"rendered": "Trade &#8211; Q3"},
        "date": "2026-11-02T10:15:00",
        "date_gmt": "x",
    }
    return about | {"status": "publish", "content": {"rendered": ""}, "acf": []} | more


@pytest.mark.parametrize(
    ("fields", "expected_precision_and_slot"),
    [
        (
            {"acf": {"release_date": "20261126", "release_time": "09:30"}},
            ("instant", "2026-11-26 09:30"),
        ),
        (
            {"content": {"rendered": "<p>Expected January 2027</p>"}},
            ("month", "2027-01-01 2027-01-31"),
        ),
        ({"status": "future", "date": "2026-12-03T09:30:00"}, ("instant", "2026-12-03 09:30")),
        ({}, ("none", "None None")),
    ],
    ids=["field of a plug-in", "text", "scheduled", "published"],
)
def test_date_of_wordpress_post_is_slot_only_if_scheduled(
    parse: Parse,
    summarise: Summarise,
    fields: dict[str, object],
    expected_precision_and_slot: tuple[str, str],
) -> None:
    """A post with the status "future" is the release itself, so the `date` of its publication is
    the slot. A post that is out only announces a release. Its slot is in a field of a plug-in, in
    the text (“Expected January 2027”), or nowhere.
    """
    calendar = json.dumps([post(**fields)]).encode()
    [(_title, precision, slot, _state)] = summarise(parse("json", calendar))
    assert (precision, slot) == expected_precision_and_slot


def test_option_published_names_the_field_that_says_so(parse: Parse) -> None:
    """With this option, the field `is_out` says whether an entry is published.

    An entry without the field is not.
    """
    calendar = [
        {"t": "a", "d": "2026", "is_out": True},
        {"t": "b", "d": "2026", "is_out": False},
        {"t": "c", "d": "2026"},
    ]
    options = {"title": "t", "date": "d", "published": "is_out"}
    announcements = parse("json", json.dumps(calendar).encode(), options=options).announcements
    assert {each.title: each.published for each in announcements} == {
        "a": True,
        "b": False,
        "c": False,
    }


def test_the_option_published_does_not_give_an_entry_a_state(parse: Parse) -> None:
    """The option `published` names a field that an entry has once it is out. This entry lacks that
    field. It has no state, such as confirmed, either.
    """
    options = {"title": "t", "date": "d", "published": "is_out"}
    (announcement,) = parse("json", b'[{"t":"b","d":"2026"}]', options=options).announcements
    assert announcement.state is None


def test_as_many_pages_are_requested_as_the_first_answer_says() -> None:
    """The header of the first answer says that there are three pages.

    So two more are requested, both at once.
    """
    source = JsonSource(
        calendar_settings("json", "https://x.example/wp?per_page=100", options={"pages": "page"})
    )
    first = Page(source.first(NOW)[0].url, 200, b"[]", {"x-wp-totalpages": "3"})
    further = [request.url for request in source.more([first], NOW)]
    assert further == [
        "https://x.example/wp?per_page=100&page=2",
        "https://x.example/wp?per_page=100&page=3",
    ]
    # After the answer to the second page, nothing more is requested.
    second = Page(further[0], 200, b"[]", {"x-wp-totalpages": "3"})
    assert source.more([first, second], NOW) == ()


def test_list_items_that_are_no_entries_have_no_slot(parse: Parse) -> None:
    announcements = parse("json", b'["\\u0000", 3, null]').announcements
    assert {each.slot.reason for each in announcements} == {"empty"}


def test_an_expression_that_fails_on_the_data_is_reported(parse: Parse) -> None:
    with pytest.raises(UnreadableCalendar, match="length"):
        parse("json", b'[{"d": 3}]', options={"title": "length(d)", "date": "d"})
