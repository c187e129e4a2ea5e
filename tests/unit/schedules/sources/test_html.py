from __future__ import annotations

from datetime import date

import pytest

from schedules.announcement import Announcement
from tests.unit.schedules.sources.conftest import Parse, Summarise

TABLE = b"""<!DOCTYPE html><html><body><table><caption>Planned</caption>
<tr><th>Date of&nbsp;release</th><th>Statistical release</th><th>Status</th></tr>
<tr><th colspan="3">November 2026</th></tr>
<tr><td rowspan="2">Thursday 26&nbsp;November</td><td><a href="/trade?utm_source=x">Trade</a></td>
<td>Confirmed</td></tr>
<tr><td><a href="/energy">Energy</a><sup>1</sup></td><td>Confirmed</td></tr>
<tr><td>30</td><td>Labour</td><td></td></tr>
<tr><th colspan="3">December 2026</th></tr>
<tr><td><del>3 December 2026</del> 10 December 2026</td><td>Housing&sup1;</td><td>Delayed</td></tr>
<tr><td><time datetime="2026-12-15">15 December 2026 at 9:30am</time></td><td>Crime</td><td>Provisional</td></tr>
<tr><td><time datetime="2026-12-16T07:00:00Z">Soon</time></td><td>Visitors</td><td>Cancelled</td></tr>
<tr><th colspan="3">2027</th></tr>
<tr><td>4 May</td><td>Poverty</td><td></td></tr>
<tr><td>TBC</td><td>Migration</td><td></td></tr>
</table><table><tr><td>Contact</td><td>us</td></tr></table></body></html>"""


def test_table_dates_are_completed_from_cells_and_headings_above(
    parse: Parse, summarise: Summarise
) -> None:
    """The first rows are below the heading "November 2026"."""
    assert summarise(parse("html", TABLE)) == [
        ("Trade", "day", "2026-11-26 2026-11-26", "confirmed"),
        ("Energy", "day", "2026-11-26 2026-11-26", "confirmed"),  # one date cell with Trade
        ("Labour", "day", "2026-11-30 2026-11-30", ""),  # "30"
        ("Housing", "day", "2026-12-10 2026-12-10", "postponed"),  # with the status "Delayed"
        ("Crime", "instant", "2026-12-15 09:30", "provisional"),
        # "Soon", in a <time> element with this instant
        ("Visitors", "instant", "2026-12-16 07:00", "cancelled"),
        ("Poverty", "day", "2027-05-04 2027-05-04", ""),  # "4 May", below the heading "2027"
        ("Migration", "none", "None None", ""),  # "TBC"
    ]


def test_a_struck_out_date_is_the_earlier_date(parse: Parse) -> None:
    cell = b"<td><del>3 December 2026</del> 10 December 2026</td>"
    (entry,) = parse(
        "html", b"<table><tr><th>Title<th>Date<tr><td>Housing" + cell + b"</table>"
    ).announcements
    assert entry.previous is not None
    assert (str(entry.previous.first), str(entry.slot.first)) == ("2026-12-03", "2026-12-10")


def test_the_link_of_the_title_is_the_address(parse: Parse) -> None:
    """The first title links to /trade?utm_source=x, the second to /energy. The third has no
    link.
    """
    urls = [
        each.url
        for each in parse("html", TABLE, url="https://stats.example.org/calendar/").announcements
    ]
    assert urls[:3] == ["https://stats.example.org/trade", "https://stats.example.org/energy", ""]


def test_a_list_is_read_by_selectors(parse: Parse, summarise: Summarise) -> None:
    """A date such as "Thursday 1" is completed by the heading above it, "July 2027"."""
    body = b"""<h2>July 2027</h2><ul><li class=r><a href=/a>A</a> <b>Thursday 1</b><i>9.30am</i></li>
    <li class=r><a href=/b>B</a> <b>Friday 2</b></li></ul><h2>August 2027</h2>
    <li class=r><a href=/c>C</a> <b>3</b></li>"""
    options = {
        "rows": "li.r",
        "title": "a",
        "url": "a@href",
        "date": "b",
        "time": "i",
        "heading": "h2",
    }
    reading = parse("html", body, options=options)
    assert summarise(reading) == [
        ("A", "instant", "2027-07-01 09:30", ""),
        ("B", "day", "2027-07-02 2027-07-02", ""),
        ("C", "day", "2027-08-03 2027-08-03", ""),
    ]
    assert reading.announcements[0].url == "https://stats.example.org/a"


def test_table_with_endless_span_does_not_prevent_reading_the_next(
    parse: Parse, summarise: Summarise
) -> None:
    """The first table has a cell that spans millions of rows and columns. No entry is made of
    it.
    """
    endless = (
        b"<table><tr><th>Title<th>Date</tr><tr><td rowspan=99999999 colspan=9999999>A<td>1 May"
        b" 2027</tr></table>"
    )
    assert summarise(parse("html", endless + TABLE)) == summarise(parse("html", TABLE))


def test_a_page_in_the_encoding_of_windows_is_read(parse: Parse) -> None:
    body = "<table><tr><th>Title<th>Date<tr><td>Café<td>1 May 2027</table>".encode("cp1252")
    assert parse("html", body).announcements[0].title == "Café"


_HEAD = "<tr><th>Title<th>Date<th>Time<th>Status"
_ROW = "<tr><td>Apples<td>3 December 2026<td>9:30am<td>Confirmed"


def _one(parse: Parse, *rows: str, head: str = _HEAD) -> Announcement:
    (entry,) = parse("html", f"<table>{head}{''.join(rows)}</table>".encode()).announcements
    return entry


@pytest.mark.parametrize(
    "page",
    [
        f"<table>{_HEAD}<tr><td colspan=4>Cancelled releases{_ROW}</table>",
        f"<h2>Postponed</h2><p>See below.</p><table>{_HEAD}{_ROW}</table>",
        f"<table><caption>Cancelled and postponed releases</caption>{_HEAD}{_ROW}</table>",
    ],
)
def test_a_heading_above_rows_calls_them_off_until_the_next(parse: Parse, page: str) -> None:
    more = f"<h2>Planned</h2><table>{_HEAD}{_ROW.replace('Apples', 'Pears')}</table>"
    apples, pears = parse("html", (page + more).encode()).announcements
    assert (apples.doubt, pears.doubt) == ("status", None)


def test_an_entry_that_is_also_in_a_table_of_cancelled_ones_is_a_doubt(parse: Parse) -> None:
    page = f"<table>{_HEAD}{_ROW}<tr><td colspan=4>Cancelled{_ROW}</table>"
    read = parse("html", page.encode()).announcements
    assert [(each.doubt, each.status) for each in read] == [("status", "Cancelled")] * 2


@pytest.mark.parametrize("how", ["hidden", "style='DISPLAY: none'", "style='visibility:collapse'"])
def test_a_row_that_browsers_hide_is_a_doubt(parse: Parse, how: str) -> None:
    entry = _one(parse, _ROW.replace("<tr>", f"<tr {how}>"))
    assert (entry.doubt, entry.status) == ("status", "hidden on the page; Confirmed")
    listed = f"<ul><li {how}><b>Apples</b><i>3 December 2026</i></ul>".encode()
    options = {"rows": "li", "title": "b", "date": "i"}
    (entry,) = parse("html", listed, options=options).announcements
    assert entry.status == "hidden on the page"
    settled = {"options": options, "stands": ["Hidden on the page"]}
    (entry,) = parse("html", listed, **settled).announcements
    assert entry.doubt is None


def test_a_hidden_key_for_sorting_is_no_part_of_a_date(parse: Parse) -> None:
    key = "<td><b style='display:none'>20261203</b>3 December 2026"
    assert _one(parse, _ROW.replace("<td>3 December 2026", key)).slot.instant is not None


def test_a_struck_time_without_another_is_a_doubt(parse: Parse) -> None:
    entry = _one(parse, _ROW.replace("9:30am", "<s>9:30am</s>").replace("Confirmed", ""))
    assert entry.doubt == "status"


def test_a_cell_that_spans_to_the_end_ends_with_its_group_of_rows(parse: Parse) -> None:
    first = _ROW.replace("<td>3", "<td rowspan=0>3")
    rows = f"<tbody>{first}<tr><td>Pears<td>9:30am<td></tbody><tbody>{_ROW.replace('Apples', 'Plums')}</tbody>"
    read = parse("html", f"<table>{_HEAD}{rows}</table>".encode()).announcements
    assert [entry.slot.instant for entry in read] == [read[0].slot.instant] * 3


def test_two_rows_of_headings_are_read_by_the_second(parse: Parse) -> None:
    head = "<tr><th rowspan=2>Title<th colspan=2>Release<th rowspan=2>Status<tr><th>Date<th>Time"
    assert _one(parse, _ROW, "<tr><td>Title<td>Date<td>Time<td>Status", head=head).doubt is None


@pytest.mark.parametrize(("new", "day"), [("10 December 2026", 10), ("", 3), ("-", 3)])
def test_a_column_with_a_revised_date_counts_where_it_has_one(
    parse: Parse, new: str, day: int
) -> None:
    head = "<tr><th>Title<th>Release date<th>Revised release date"
    entry = _one(parse, f"<tr><td>Apples<td>3 December 2026<td>{new}", head=head)
    assert entry.slot.first == date(2026, 12, day)
    assert (entry.previous is None) == (day == 3)
