"""All texts and addresses of calendars can be stored and shown safely."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from schedules.source import Page
from schedules.sources.registry import KINDS
from tests.worlds.calendars import calendar_settings

NOW = datetime(2026, 7, 1, tzinfo=UTC)
TITLE = "Births\u202e in\u200b Wales\x00\x9b"
URL = "https://www.gov.uk@evil.example/births"
ROWS = [{"id": f"r{TITLE}", "title": TITLE, "date": "23 July 2026 9:30am", "url": URL, "producer": f"ons{TITLE}"}]
PLAIN = TITLE.replace("\0", "")
TABLE = "<table><tr><th>Title</th><th>Date</th></tr>"
EVENT = f"UID:1\r\nSUMMARY:{PLAIN}\r\nURL:{URL}\r\nDTSTART:20260723T083000Z\r\n"
BODIES = {
    "json": json.dumps([{**ROWS[0], "title": TITLE + "\ud83d"}]),
    "csv": f'title,date,url\n"{PLAIN}",23 July 2026 9:30am,{URL}\n',
    "html": f'{TABLE}<tr><td><a href="{URL}">{PLAIN}</a></td><td>23 July 2026</td></tr></table>',
    "ics": f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{EVENT}END:VEVENT\r\nEND:VCALENDAR\r\n",
}


@pytest.mark.parametrize("kind", BODIES)
def test_no_hidden_character_or_misleading_address_of_a_calendar_is_stored(kind: str) -> None:
    # The title contains hidden characters such as U+202E, and the address is https://www.gov.uk@evil.example/births.
    source = KINDS[kind](calendar_settings(kind, "https://a.example/"))
    (announcement,) = source.read([Page("https://a.example/", 200, BODIES[kind].encode())], NOW).announcements
    # Only the title in the JSON calendar ends with half a character (a lone surrogate). U+FFFD replaces it, after a
    # space that replaces two control characters. No other kind has U+FFFD or that space.
    assert announcement.title.removesuffix("\ufffd").strip() == "Births in Wales"
    assert "evil" not in announcement.url
    stored = json.dumps(announcement.as_json(), ensure_ascii=False).encode()
    assert stored.replace("\ufffd".encode(), b"").isascii()
