"""The history: which releases it counts, who may read it, and that pictures and tables agree."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import httpx
import pytest

from monitor.web.history import Axes, Point, month_starts
from tests.unit.monitor.web.board import Board, a_board
from tests.worlds.instants import after_slot


def read_tables(page: httpx.Response) -> dict[str, dict[str, list[str]]]:
    """Return the cells of each table by its caption and the heading of the row."""
    assert page.status_code == 200, page.text
    found = {}
    for table in re.findall(r"<table>.*?</table>", page.text, re.DOTALL):
        tree = ET.fromstring(table)  # noqa: S314 # our own
        rows = [["".join(cell.itertext()) for cell in row] for row in tree.findall("tbody/tr")]
        found["".join(tree.findtext("caption") or "")] = {row[0]: row[1:] for row in rows}
    return found


def on_time_shares(table: dict[str, list[str]]) -> dict[str, str]:
    """Return the first cell of each row, the share of its releases that were on time, by the
    heading of the row.
    """
    return {heading: cells[0] for heading, cells in table.items()}


async def test_history_counts_a_year_by_month_producer_host_and_hour(board: Board) -> None:
    # The board is of 5 January 2018 and already has a release of ofqual, which was early.
    in_january, in_november, before_the_year = 3, 40, 700
    board.add_past_release("ofqual", "on_time", days_ago=in_january)
    board.add_past_release("ofqual", "late", days_ago=in_november)
    board.add_past_release("dft", "on_time", days_ago=in_january)
    for verdict_that_is_not_counted in ("unproven", "cancelled"):
        board.add_past_release("dft", verdict_that_is_not_counted, days_ago=in_january)
    board.add_past_release("dft", "early", days_ago=before_the_year)
    board.queries.producers = {"dft": "Department for Transport"}
    found = read_tables(await board.client.get("/history"))
    by_month = on_time_shares(found["Releases by month and verdict"])
    assert len(by_month) == 12
    on_time = {month: share for month, share in by_month.items() if share != "no releases judged"}
    # January: two are on time and one was early. Percentages are rounded down.
    assert on_time == {"Nov 2017": "0 %, 0 of 1", "Jan 2018": "66 %, 2 of 3"}
    assert (
        found["Releases by producer and verdict"]["Department for Transport"][0] == "100 %, 1 of 1"
    )
    # All releases have the same host and are due at 09:30.
    assert len(found["Releases by host and verdict"]) == 1
    assert list(found["Releases by hour and verdict"]) == ["09:00"]


async def test_history_of_one_producer_counts_no_release_of_others(board: Board) -> None:
    board.add_past_release("ofqual", "late", days_ago=3)
    board.add_past_release("dft", "on_time", days_ago=3)
    found = read_tables(await board.client.get("/history", params={"producer": "dft"}))
    by_month = on_time_shares(found["Releases by month and verdict"])
    assert list(by_month.values()) == ["no releases judged"] * 11 + ["100 %, 1 of 1"]
    assert "Releases by producer and verdict" not in found


async def test_history_of_a_producer_lists_its_series_worst_first(board: Board) -> None:
    """A series is all editions of one output, under the title of the newest. The series with the
    lowest share on time is first. A page of all producers has no such table, and a page of one host
    counts only its releases.
    """
    # There are two series, road figures and rail. Each has an older release on h0.example and a
    # newer on h1.example.
    for days_ago, verdict, title, host in (
        (40, "on_time", "Road figures, November 2017", "h0.example"),
        (9, "on_time", "Road figures, December 2017", "h1.example"),
        (70, "late", "Rail, 2016 to 2017", "h0.example"),
        (8, "late", "Rail, 2017/18", "h1.example"),
    ):
        board.add_past_release(
            "dft", verdict, days_ago=days_ago, title=title, url=f"https://{host}/"
        )
    of_all_producers = read_tables(await board.client.get("/history"))
    of_dft = read_tables(await board.client.get("/history", params={"producer": "dft"}))
    of_dft_on_h1 = read_tables(
        await board.client.get("/history", params={"producer": "dft", "host": "h1.example"})
    )
    by_series = "Releases by series and verdict"
    assert by_series not in of_all_producers
    assert list(on_time_shares(of_dft[by_series]).items()) == [
        ("Rail, 2017/18", "0 %, 0 of 2"),
        ("Road figures, December 2017", "100 %, 2 of 2"),
    ]
    assert list(on_time_shares(of_dft_on_h1[by_series]).values()) == [
        "0 %, 0 of 1",
        "100 %, 1 of 1",
    ]
    assert "Releases by host and verdict" not in of_dft_on_h1


async def test_releases_whose_slot_is_ahead_are_not_counted() -> None:
    # There are two boards, because a board keeps the year that it has read for ten minutes.
    async with a_board() as board:
        board.add_past_release("dft", "late", days_ago=3)
        assert "dft" in await board.read_page("/history")
    async with a_board() as board:
        release = board.add_past_release("dft", "late", days_ago=3)
        board.move_slot(release, after_slot(86400))  # tomorrow
        assert "dft" not in await board.read_page("/history")


async def test_history_shows_a_new_release_only_after_ten_minutes(board: Board) -> None:
    before = await board.read_page("/history")
    board.add_past_release("dft", "late", days_ago=3)
    assert await board.read_page("/history") == before
    board.clock.seconds += 601
    assert await board.read_page("/history") != before


async def test_producer_has_a_dot_per_proved_delay_and_a_median(board: Board) -> None:
    """The history shows each proved delay of a producer as a dot. Three releases of dft were 1, 10
    and 120 minutes late, so the median is 10 minutes.
    """
    for minutes_late in (1, 10, 120):
        delay = {"min": 60.0 * minutes_late, "max": 60.0 * minutes_late}
        board.add_past_release("dft", "late", days_ago=5, delay=delay)
    # The fourth release of dft is unproven, so it has no dot, and counts neither for the median nor
    # as one of the 3.
    board.add_past_release("dft", "unproven", days_ago=5, delay={"min": 5.0, "max": 5.0})
    board.add_past_release("ofqual", "on_time", days_ago=5)
    page = await board.client.get("/history")
    # The picture of dft is before the heading of ofqual.
    picture_of_dft = page.text.partition("ofqual</strong>")[0]
    dots = re.findall(r'<circle class="(\w+)" cx="[\d.]+%" cy="([\d.]+)"', picture_of_dft)
    assert [word for word, _ in dots] == ["late"] * 3
    # The release with the largest delay touches the top.
    assert min(float(y) for _, y in dots) == 0
    assert "4 releases, median 10 min after; on time 0 %, 0 of 3" in page.text
    assert read_tables(page)["Releases by producer and verdict"]["dft"][-1] == "10 min after"


async def test_release_with_a_late_part_is_not_shown_as_on_time(board: Board) -> None:
    """The page was on time and a required table 130 s late, so the median is 2 min 10 s."""
    page = {**board.stored_release().body["parts"][0], "verdict": "on_time"}
    table = {**page, "id": "table", "verdict": "late", "delay": {"min": 130.0, "max": 130.0}}
    on_time = {"min": 0.0, "max": 0.0}
    board.add_past_release("dft", "late", days_ago=5, delay=on_time, parts=[page, table])
    response = await board.client.get("/history")
    assert "1 release, median 2 min 10 s after; on time 0 %, 0 of 1" in response.text


def test_2000_releases_share_fewer_than_600_dots() -> None:
    """The history draws the delay of each release as a dot by month. Releases that are close to
    each other share a dot.
    """
    starts = month_starts(after_slot(0), "Europe/London")
    points = [make_point(number) for number in range(2000)]
    # The picture shows delays from -1 to 180 minutes.
    axes = Axes(starts, ends=after_slot(0), low=-1, high=180)
    dots = axes.dots(points)
    assert len(dots) < 600
    # A dot of several releases has their number in its text, and a dot of one has its title.
    counts = [re.match(r"(\d+) releases", text) for *_, text in dots]
    assert sum(1 if many is None else int(many[1]) for many in counts) == len(points)
    # x is in percent, and y in pixels of a picture that is 120 pixels high.
    assert all(0 <= x <= 100 and 0 <= y <= 120 for x, y, *_ in dots)
    # The first release is late and the second on time, and releases with different verdicts share
    # no dot.
    assert len(axes.dots(points[:2])) == 2


def make_point(number: int) -> Point:
    """Return one of many releases of a year: every fifth is late, by up to three hours."""
    slot, late = (
        after_slot(-86400 * (number % 300)),
        7 * number % 10800 if number % 5 == 0 else number % 40,
    )
    delay = {"min": float(late), "max": float(late)}
    return Point(
        slot,
        "",
        "",
        "dft",
        "s",
        "h",
        f"No {number}",
        "late" if number % 5 == 0 else "on_time",
        delay,
    )


async def test_pictures_are_labelled_and_their_bars_stay_inside(board: Board) -> None:
    for days_ago, verdict in (
        (40, "late"),
        (5, "late"),
        (5, "early"),
        (5, "not_published"),
        (5, "on_time"),
    ):
        board.add_past_release("dft", verdict, days_ago=days_ago)
    page = await board.read_page("/history")
    pictures = re.findall(r'<svg width="100%"[^>]*role="img".*?</svg>', page, re.DOTALL)
    # There is a picture by month, one by host and one by hour.
    assert len(pictures) == 3
    for picture in pictures:
        assert 'role="img" aria-label="Releases by ' in picture
        for left, width in re.findall(r'x="([\d.]+)%" width="([\d.]+)%"', picture):
            # Each of the two is rounded to 0.001 percent, so their sum can be 0.001 too large.
            assert float(left) + float(width) <= 100.001


@pytest.mark.parametrize("seconds_after_slot", [0, 86400 * 27, 86400 * 200])
def test_history_has_twelve_months_up_to_the_current_one(seconds_after_slot: float) -> None:
    """A case is the current time, for example 200 days after the slot on 5 January 2018."""
    now = after_slot(seconds_after_slot)
    starts = month_starts(now, "Europe/London")
    assert len({(one.year, one.month) for one in starts}) == 12
    assert starts == sorted(starts)
    assert (starts[-1].year, starts[-1].month) == (now.year, now.month)
