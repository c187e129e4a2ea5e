"""The calendar of a month: its days and releases, and what strangers see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from monitor.store.rows import Judged
from monitor.store.sql.read import VerdictStore
from monitor.store.sql.read_ledger import LedgerStore
from schedules.announcement import State
from schedules.times.json import instant_json
from tests.unit.monitor.web.board import Board, UnreadableVerdicts
from tests.unit.monitor.web.people import signed_in_board
from tests.worlds.releases import a_promise, a_release

FEBRUARY = "/calendar?month=2018-02"


def save_release_due(board: Board, name: str, start: datetime, **changes: Any) -> None:  # noqa: ANN401 # of the JSON
    """Store a pending release, titled by its name.

    `changes` are to its JSON, `slot` to that of its slot.
    """
    row = board.stored_release()
    slot = row.body["slot"] | {"start": instant_json(start), "end": None} | changes.pop("slot", {})
    result = {"id": name, "title": name, "verdict": "pending", "incident": None, "final": False}
    body = row.body | result | {"slot": slot, "exposures": [], "findings": []} | changes
    with board.store.transaction() as tx:
        tx.save(
            Judged(
                name,
                body["producer"],
                start,
                body["verdict"],
                "none",
                final=False,
                at=start,
                body=body,
            )
        )


def titles_by_day(page: str) -> Mapping[str, list[str]]:
    """Return the titles under the heading of each day."""
    parts = re.split('<details class="day"[^>]*><summary>([^:<]*)', page)[1:]
    return {
        heading: re.findall(r'href="/releases/[^"]*">([^<]*)<', part)
        for heading, part in zip(parts[::2], parts[1::2], strict=True)
    }


async def test_releases_are_listed_under_their_local_day_in_slot_order(board: Board) -> None:
    # Each title is the local time of the slot, which is an hour ahead of UTC in summer.
    save_release_due(board, "00:30 on 1 August", datetime(2018, 7, 31, 23, 30, tzinfo=UTC))
    save_release_due(board, "noon on 5 July", datetime(2018, 7, 5, 11, 0, tzinfo=UTC))
    save_release_due(board, "00:00 on 5 July", datetime(2018, 7, 4, 23, 0, tzinfo=UTC))
    july, august = [
        await board.read_page(f"/calendar?month=2018-{month}") for month in ("07", "08")
    ]
    assert titles_by_day(july) == {"Thursday 5": ["00:00 on 5 July", "noon on 5 July"]}
    assert titles_by_day(august) == {"Wednesday 1": ["00:30 on 1 August"]}
    assert '<td class="time" data-head="Promised">00:00 BST' in july


async def test_releases_without_a_time_are_marked_and_dayless_ones_last(board: Board) -> None:
    save_release_due(
        board, "due in a month", datetime(2018, 2, 1, tzinfo=UTC), slot={"precision": "month"}
    )
    save_release_due(
        board, "due on a day", datetime(2018, 2, 8, tzinfo=UTC), slot={"precision": "day"}
    )
    text = (await board.client.get(FEBRUARY)).text
    assert titles_by_day(text) == {
        "Thursday 8": ["due on a day"],
        "Not on a single day": ["due in a month"],
    }
    assert text.count("no time announced") == 2


async def test_provisional_promise_is_marked(board: Board) -> None:
    slot = datetime(2018, 2, 8, 9, 30, tzinfo=UTC)
    with board.store.transaction() as tx:
        tx.save(a_release(id="perhaps"))
        tx.add_promises([a_promise(slot, release="perhaps", state=State.PROVISIONAL)])
    # The page also needs the JSON of the release, which has no state of its promise.
    save_release_due(board, "perhaps", slot)
    text = (await board.client.get(FEBRUARY)).text
    assert re.search(r"09:30 GMT <br><span class=\"producer\">provisional<", text)


async def test_without_the_store_a_month_shows_the_releases_under_watch(board: Board) -> None:
    save_release_due(board, "watched", board.clock.now())
    board.running.watched["watched"] = None
    body = board.stored_release("watched").body
    board.running.bodies["watched"] = body | {"verdict": "late"}
    board.store.verdicts = cast("VerdictStore", UnreadableVerdicts())
    board.store.ledger = cast("LedgerStore", UnreadableVerdicts())
    text = await board.read_page("/calendar")
    assert [*titles_by_day(text).values()] == [["watched"]]
    assert "The store does not answer. Only the releases under watch are shown." in text
    assert await board.status_of("/calendar?month=2017-02") == 503


async def test_month_of_one_producer_has_its_own_subscription_address(board: Board) -> None:
    board.queries.producers = {"dft": "Department for Transport"}
    save_release_due(
        board, "roads", datetime(2018, 2, 8, 9, 30, tzinfo=UTC), producer="dft", producers=["dft"]
    )
    save_release_due(board, "marks", datetime(2018, 2, 8, 9, 30, tzinfo=UTC))
    of_all = await board.read_page(FEBRUARY)
    of_dft = await board.read_page(f"{FEBRUARY}&producer=dft")
    assert {title for titles in titles_by_day(of_all).values() for title in titles} == {
        "marks",
        "roads",
    }
    assert titles_by_day(of_dft) == {"Thursday 8": ["roads"]}
    assert 'href="/calendar.ics"' in of_all
    assert 'href="/calendar.ics?producer=dft"' in of_dft
    assert 'href="/calendar?month=2018-03&amp;producer=dft"' in of_dft


async def test_very_full_month_shows_linked_counts_per_day(board: Board) -> None:
    # A month of more than 400 releases is very full. Of these 401, 201 are on 1 February and 200 on
    # 2 February.
    for number in range(401):
        save_release_due(board, f"n{number}", datetime(2018, 2, 1 + number % 2, 9, 30, tzinfo=UTC))
    text = (await board.client.get(FEBRUARY)).text
    assert titles_by_day(text) == {"Thursday 1": [], "Friday 2": []}
    assert "Thursday 1: 201 pending</summary>" in text
    assert 'href="/?date=2018-02-02&amp;producer="' in text


@pytest.mark.parametrize(("releases", "is_open"), [(20, True), (21, False)])
async def test_busy_month_folds_its_days_and_shows_the_worst_outcome_of_each(
    board: Board,
    releases: int,
    is_open: bool,  # noqa: FBT001 # a column of the table
) -> None:
    for number in range(releases):
        verdict = "late" if number == 7 else "on_time"
        save_release_due(
            board, f"n{number}", datetime(2018, 2, 1, 9, 30, tzinfo=UTC), verdict=verdict
        )
    text = (await board.client.get(FEBRUARY)).text
    assert ('id="day-1" open' in text) == is_open
    assert re.search('<td class="late( many)?"><a href="#day-1">', text)


@pytest.mark.parametrize(
    "query", ["month=rubbish", "month=2018-13", "month=2018-02-01", "day=2018-02-01"]
)
async def test_invalid_month_is_refused_with_the_reason(board: Board, query: str) -> None:
    """A case is an invalid month, or a parameter that the page does not have.

    The reason begins with its name.
    """
    answer = await board.client.get(f"/calendar?{query}")
    assert answer.status_code == 400
    assert f"{query.partition('=')[0]}: " in answer.text


async def test_month_for_strangers_never_reveals_an_early_release(users: Path) -> None:
    """A page is public 40 days before its slot.

    Only staff can see that. For strangers the month is unchanged.
    """
    async with signed_in_board(users) as board:
        board.queries.public = True
        now = board.clock.now()
        # `after` is None: no look saw the page absent before. `to` has None twice: it is still
        # public.
        seen_now, not_ended = {"after": None, "by": instant_json(now)}, {"after": None, "by": None}
        exposure = {
            "part": "page",
            "from": seen_now,
            "to": not_ended,
            "seconds": None,
            "open": True,
        }
        url = "https://www.gov.uk/out-already"
        out_early = {"verdict": "early", "exposures": [exposure], "incident": "inc", "url": url}
        start = now + timedelta(days=40)
        save_release_due(board, "marks", start, **out_early)
        for_staff = await board.read_page(f"/calendar?month={start:%Y-%m}")
        board.client.cookies.clear()
        for_strangers_if_out = await board.read_page(f"/calendar?month={start:%Y-%m}")
        save_release_due(board, "marks", start)
        for_strangers_if_not_out = await board.read_page(f"/calendar?month={start:%Y-%m}")
    assert "1 early" in for_staff
    assert 'href="/incidents/inc"' in for_staff
    assert [*titles_by_day(for_strangers_if_out).values()] == [["marks"]]
    assert for_strangers_if_out == for_strangers_if_not_out
