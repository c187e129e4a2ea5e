from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schedules.slot import Precision
from tests.unit.schedules.sources.conftest import Parse

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Calendar</title>
<item><title>Retail sales: 26 November 2026 9:30am</title><link>https://stats.example/retail</link>
<guid>retail</guid><pubDate>Thu, 26 Nov 2026 09:30:00 GMT</pubDate>
<description>&lt;p&gt;Due December 2026&lt;/p&gt;</description></item>
<item><title>No date</title><link>https://stats.example/none</link></item>
</channel></rss>"""
ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><id>x</id><title>x</title>
<entry><id>a</id><title>Prices</title><link href="https://stats.example/p"/><updated>2027-07-22T09:30:00+01:00</updated></entry>
</feed>"""


def test_a_release_date_in_pubdate_is_an_instant(parse: Parse) -> None:
    """The first item has the guid "retail" and the pubDate "Thu, 26 Nov 2026 09:30:00 GMT".

    The second has no date.
    """
    dated, undated = parse("feed", RSS).announcements
    assert dated.slot.instant == datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
    assert (dated.uid, dated.url) == ("retail", "https://stats.example/retail")
    assert undated.slot.reason == "empty"


@pytest.mark.parametrize(
    ("time", "begins", "doubt"),
    [
        (b"09:30:00 -0000", "2026-11-26T09:30+00:00", None),
        (b"00:00:00 GMT", "2026-11-26T00:00+00:00", "midnight"),
    ],
    ids=["in UTC, of an unknown place", "a day without a time"],
)
def test_a_pubdate_with_an_odd_time_is_read(
    parse: Parse, time: bytes, begins: str, doubt: str | None
) -> None:
    """For example, 00:00:00 GMT may stand for a day without a time, so the doubt is “midnight”."""
    body = RSS.replace(b"09:30:00 GMT", time)
    dated, _undated = parse("feed", body).announcements
    assert (dated.slot.begins(), dated.doubt) == (datetime.fromisoformat(begins), doubt)


def test_an_atom_stamp_keeps_its_offset(parse: Parse) -> None:
    """The element `updated` is 2027-07-22T09:30:00+01:00."""
    announcement = parse("feed", ATOM, options={"date": "updated"}).announcements[0]
    assert announcement.slot.instant == datetime(2027, 7, 22, 8, 30, tzinfo=UTC)


def test_a_feed_may_give_the_date_in_the_title(parse: Parse) -> None:
    """The first title is "Retail sales: 26 November 2026 9:30am"."""
    options = {"date": "title", "pattern": r": (\d.*)$", "title": "^(.*?):"}
    announcement = parse("feed", RSS, options=options).announcements[0]
    assert announcement.title == "Retail sales"
    assert announcement.slot.instant == datetime(2026, 11, 26, 9, 30, tzinfo=UTC)


def test_a_feed_may_give_the_date_in_the_summary(parse: Parse) -> None:
    """The first summary is "Due December 2026"."""
    announcement = parse(
        "feed", RSS, options={"date": "summary", "pattern": "Due (.*)"}
    ).announcements[0]
    assert (announcement.slot.precision, announcement.slot.raw) == (
        Precision.MONTH,
        "December 2026",
    )


def test_a_feed_does_not_list_overdue_entries(parse: Parse) -> None:
    """So an entry that leaves the feed after its slot does not count as removed."""
    assert not parse("feed", RSS).lists_overdue
