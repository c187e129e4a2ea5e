"""The history: which releases it counts, who may read it, and that pictures and tables agree."""

from __future__ import annotations

import re
from datetime import timedelta
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


# Besides these the board has one of ofqual that was early in January 2018.
FOUR_RELEASES = [("ofqual", "on_time", 2), ("ofqual", "late", 40), ("dft", "on_time", 3), ("dft", "unproven", 3)]


async def test_settled_releases_are_counted_by_month_producer_host_and_hour(board: Board) -> None:
    board.add_final_releases(*FOUR_RELEASES, ("dft", "early", 700), ("dft", "cancelled", 3))
    board.queries.producers = {"dft": "Department for Transport"}
    found = read_tables(await board.client.get("/history"))
    by_month = found["Releases by month and verdict"]
    assert len(by_month) == 12
    on_time = {month: cells[0] for month, cells in by_month.items() if cells[0] != "no releases judged"}
    assert on_time == {"Nov 2017": "0 %, 0 of 1", "Jan 2018": "66 %, 2 of 3"}
    assert found["Releases by producer and verdict"]["Department for Transport"][0] == "100 %, 1 of 1"
    assert len(found["Releases by host and verdict"]) == 1
    assert list(found["Releases by hour and verdict"]) == ["09:00"]


async def test_history_filters_by_producer_and_refuses_an_unknown_one(board: Board) -> None:
    board.add_final_releases(*FOUR_RELEASES)
    found = read_tables(await board.client.get("/history", params={"producer": "dft"}))
    assert sum(cells[1] == "1" for cells in found["Releases by month and verdict"].values()) == 1
    assert "Releases by producer and verdict" not in found
    assert (await board.client.get("/history", params={"producer": "nobody"})).status_code == 404
    assert (await board.client.get("/history", params={"host": "x"})).status_code == 404
    assert (await board.client.get("/history", params={"day": "x"})).status_code == 400


async def test_a_producer_is_shown_by_series_the_worst_first_under_the_newest_title(board: Board) -> None:
    board.add_final_releases(("dft", "on_time", 40), ("dft", "on_time", 9), ("dft", "late", 70), ("dft", "late", 8))
    titles = ["Road figures, November 2017", "Road figures, December 2017", "Rail, 2016 to 2017", "Rail, 2017/18"]
    for number, title in enumerate(titles):
        board.change_release(f"old-{number}", title=title, url=f"https://h{number % 2}.example/")
    of_all = read_tables(await board.client.get("/history"))
    of_dft = read_tables(await board.client.get("/history", params={"producer": "dft"}))
    on_one_host = read_tables(await board.client.get("/history", params={"producer": "dft", "host": "h1.example"}))
    by_series = "Releases by series and verdict"
    assert by_series not in of_all
    assert [(title, cells[0]) for title, cells in of_dft[by_series].items()] == [
        ("Rail, 2017/18", "0 %, 0 of 2"),
        ("Road figures, December 2017", "100 %, 2 of 2"),
    ]
    assert [cells[0] for cells in on_one_host[by_series].values()] == ["0 %, 0 of 1", "100 %, 1 of 1"]
    assert "Releases by host and verdict" not in on_one_host


async def test_releases_whose_slot_is_ahead_are_not_counted() -> None:
    async with a_board() as board:
        board.add_final_releases(("dft", "early", 3), ("dft", "late", 3))
        assert "dft" in await board.read_page("/history")
    async with a_board() as board:
        board.add_final_releases(("dft", "early", 3), ("dft", "late", 3))
        for release in ("old-0", "old-1"):
            board.move_slot(release, after_slot(86400))
        assert "dft" not in await board.read_page("/history")


async def test_year_is_read_once_in_ten_minutes_for_all_viewers(board: Board) -> None:
    board.add_final_releases(FOUR_RELEASES[0])
    before = await board.read_page("/history")
    board.add_final_releases(*FOUR_RELEASES)
    assert await board.read_page("/history") == before
    board.clock.seconds += 601
    assert await board.read_page("/history") != before


async def test_releases_are_dots_on_one_scale_with_their_median_and_number(board: Board) -> None:
    board.add_final_releases(
        *[("dft", "late", days) for days in (5, 40, 90)], ("dft", "unproven", 6), ("ofqual", "on_time", 6)
    )
    for number, seconds in enumerate((60.0, 600.0, 7200.0, 5.0)):
        board.change_release(f"old-{number}", delay={"min": seconds, "max": seconds})
    page = await board.client.get("/history")
    dots = re.findall(r'<circle class="(\w+)" cx="[\d.]+%" cy="([\d.]+)"', page.text.partition("ofqual</strong>")[0])
    assert [word for word, _ in dots] == ["late"] * 3
    # The release with the largest delay touches the top.
    assert min(float(y) for _, y in dots) == 0
    assert "4 releases, median 10 min after; on time 0 %, 0 of 3" in page.text
    assert read_tables(page)["Releases by producer and verdict"]["dft"][-1] == "10 min after"


def test_two_thousand_releases_become_a_few_hundred_dots_that_count_each_once() -> None:
    starts = month_starts(after_slot(0), "Europe/London")
    points = [make_point(number) for number in range(2000)]
    axes = Axes(starts, after_slot(0), -1, 180)
    dots = axes.dots(points)
    assert len(dots) < 600
    counts = [re.match(r"(\d+) releases", text) for *_, text in dots]
    assert sum(1 if many is None else int(many[1]) for many in counts) == len(points)
    assert all(0 <= x <= 100 and 0 <= y <= 120 for x, y, *_ in dots)
    assert len(axes.dots(points[:2])) == 2


def make_point(number: int) -> Point:
    """Return one of many releases of a year: every fifth is late, by up to three hours."""
    slot, late = after_slot(-86400 * (number % 300)), 7 * number % 10800 if number % 5 == 0 else number % 40
    delay = {"min": float(late), "max": float(late)}
    return Point(slot, "", "", "dft", "s", "h", f"No {number}", "late" if number % 5 == 0 else "on_time", delay)


async def test_picture_has_a_label_and_contains_every_box(board: Board) -> None:
    board.add_final_releases(
        *FOUR_RELEASES, *[("dft", word, 5) for word in ("late", "early", "not_published", "on_time")]
    )
    page = await board.read_page("/history")
    pictures = re.findall(r'<svg width="100%"[^>]*role="img".*?</svg>', page, re.DOTALL)
    assert len(pictures) == 3
    for picture in pictures:
        assert 'role="img" aria-label="Releases by ' in picture
        for left, width in re.findall(r'x="([\d.]+)%" width="([\d.]+)%"', picture):
            assert float(left) + float(width) <= 100.001


@pytest.mark.parametrize("seconds", [0, 86400 * 27, 86400 * 200])
def test_twelve_months_end_with_this_one(seconds: float) -> None:
    now = after_slot(seconds)
    starts = month_starts(now, "Europe/London")
    assert len({(one.year, one.month) for one in starts}) == 12
    assert starts == sorted(starts)
    assert starts[-1] <= now < starts[-1] + timedelta(days=32)
