"""All texts and addresses of calendars can be stored and shown safely."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from schedules.source import Page
from tests.worlds.calendars import calendar_settings

NOW = datetime(2026, 7, 1, tzinfo=UTC)
TITLE = "Births\u202e in\u200b Wales\x00\x9b"
URL = "https://www.gov.uk@evil.example/births"
HALF_A_CHARACTER = "\ud83d"
ROWS = [
    {
        "id": f"r{TITLE}",
        "title": TITLE,
        "date": "23 July 2026 9:30am",
        "url": URL,
        "producer": f"ons{TITLE}",
    }
]
PLAIN = TITLE.replace("\0", "")
TABLE = "<table><tr><th>Title</th><th>Date</th></tr>"
EVENT = f"UID:1\r\nSUMMARY:{PLAIN}\r\nURL:{URL}\r\nDTSTART:20260723T083000Z\r\n"
BODIES = {
    "json": json.dumps([{**ROWS[0], "title": TITLE + HALF_A_CHARACTER}]),
    "csv": f'title,date,url\n"{PLAIN}",23 July 2026 9:30am,{URL}\n',
    "html": f'{TABLE}<tr><td><a href="{URL}">{PLAIN}</a></td><td>23 July 2026</td></tr></table>',
    "ics": f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{EVENT}END:VEVENT\r\nEND:VCALENDAR\r\n",
}


@pytest.mark.parametrize(
    ("kind", "expected_title"),
    [
        ("json", "Births in Wales \N{REPLACEMENT CHARACTER}"),  # instead of HALF_A_CHARACTER
        ("csv", "Births in Wales"),
        ("html", "Births in Wales"),
        ("ics", "Births in Wales"),
    ],
)
def test_entry_is_stored_without_hidden_characters_or_misleading_address(
    kind: str, expected_title: str
) -> None:
    """The title has hidden characters such as U+202E.

    The address is https://www.gov.uk@evil.example/births.
    """
    source = calendar_settings(kind, "https://a.example/").make_source()
    (announcement,) = source.read(
        [Page("https://a.example/", 200, BODIES[kind].encode())], NOW
    ).announcements
    assert announcement.title == expected_title
    assert "evil.example" not in announcement.url
    stored = json.dumps(announcement.as_json(), ensure_ascii=False)
    assert stored.replace("\N{REPLACEMENT CHARACTER}", "").isascii()
