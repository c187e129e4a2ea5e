"""Bytes that are not a calendar of the kind are refused, and do not count as an empty calendar."""

from __future__ import annotations

import pytest

from schedules.source import UnreadableCalendar
from tests.unit.schedules.sources.conftest import Parse

SIGN_IN_PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"
TEN_MEGABYTES = b"x" * 10_000_000
FEED = b"<rss version='2.0'><channel><item><title>Retail sales</title></item></channel></rss>"
REPEATED_ENTITIES = b'<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "' + b"&a;" * 50 + b'">]>'
ICS = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260723\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("csv", b"", "is empty"),
        ("csv", b"   \n", "is empty"),
        ("csv", b"nothing,here\n1,2\n", "no heading"),
        ("csv", SIGN_IN_PAGE, "an HTML page"),
        ("csv", b"title,date\nA,1\0May", "NUL"),
        ("csv", b'title,date\nA,"' + TEN_MEGABYTES, "not CSV"),
        ("csv", TEN_MEGABYTES, "not CSV|no heading"),
        ("ees", b"", "is empty"),
        ("ees", SIGN_IN_PAGE, "an HTML page"),
        ("ees", b"{}", "JSON without slug"),
        ("ees", b"nope", "not JSON"),
        ("feed", b"", "is empty"),
        ("feed", FEED[:-20], "cut short"),
        ("feed", REPEATED_ENTITIES + FEED, "declares entities"),
        ("feed", SIGN_IN_PAGE, "an HTML page"),
        ("feed", b"<?xml version='1.0'?><other/></feed>", "neither RSS nor Atom"),
        ("feed", b"local.xml", "cut short"),
        ("feed", b"https://example.org/feed", "cut short"),
        ("feed", FEED.replace(b"Retail", b"Re\0tail"), "NUL"),
        ("feed", b"<rss>" + b"<br>" * 60_000 + b"<p></rss>", "too deeply"),
        ("feed", b"<rss>" + b"<a>" * 300_000 + b"</rss>", "more than 250000 tags"),
        ("html", b"", "is empty"),
        ("html", b"<html></html>", "no table or row"),
        ("html", b"<p>Checking your browser</p>", "no table or row"),
        ("html", b"<table><tr><td>1</td></tr></table>", "no table or row"),
        ("html", TEN_MEGABYTES, "no table or row"),
        ("html", b"<div>" * 200_000, "no table or row|not HTML"),
        ("html", b"<p>\0</p>", "NUL"),
        ("ics", b"", "is empty"),
        ("ics", ICS[:-20], "cut short"),
        ("ics", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMM", "cut short"),
        ("ics", SIGN_IN_PAGE, "an HTML page"),
        ("ics", b"/etc/hostname", "does not begin"),
        ("ics", ICS.replace(b"2026", b"\0"), "NUL"),
        ("ics", TEN_MEGABYTES, "does not begin"),
        ("json", b'{"a": 1}', "no list"),
        ("json", b'[{"title": "cut', "not JSON"),
        ("json", SIGN_IN_PAGE, "an HTML page"),
        ("json", b"[" * 100_000, "nested deeper than 100"),
        ("json", b"9" * 10_000_000, "not JSON|no list"),
        ("ons", b"", "is empty"),
        ("ons", SIGN_IN_PAGE, "an HTML page"),
        ("ons", b"{}", "JSON without releases"),
        ("ons", b"nope", "not JSON"),
        ("ons", b"[1]", "another shape"),
        ("toml", b"", "is empty"),
        ("toml", b"[[release]\ntitle=1", "not TOML"),
        ("toml", b"release = 3", r"\[\[release\]\] table"),
        ("toml", b"\xff\xfe\xff", "UTF-8|NUL|not"),
        ("toml", b"title = '\0'", "NUL"),
        ("toml", SIGN_IN_PAGE, "an HTML page"),
        ("toml", b"a = " + b"[" * 100_000, "not TOML"),
        ("toml", b"a" + b".a" * 7_000 + b" = 1", "tables within tables, more than 8 deep"),
        ("toml", b"[source" + b".a" * 7_000 + b"]\nb = 1", "tables within tables"),
        ("toml", b"other = 1", r"no \[\[release\]\]"),
    ],
    ids=lambda value: str(value[:20]),
)
def test_bytes_that_are_no_such_calendar_are_refused(
    parse: Parse, kind: str, body: bytes, reason: str
) -> None:
    """For example, a page to sign in is no csv calendar. The message has one of the texts in
    `reason`, separated by |.
    """
    with pytest.raises(UnreadableCalendar, match=reason):
        parse(kind, body)
