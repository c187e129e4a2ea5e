from __future__ import annotations

from tests.unit.monitor.web.board import a_board


async def test_what_went_wrong_stands_first_and_leads_to_what_is_to_be_done() -> None:
    async with a_board() as board:
        text = (await board.client.get("/?date=2018-01-05")).text
        rows = (await board.client.get("/api/v1/releases?from=2018-01-05")).json()["releases"]
    places = {row["verdict"]: text.index(f'href="/releases/{row["id"]}"') for row in rows}
    assert min(places, key=places.__getitem__) in {"overdue", "early", "late"}
    for row in rows:
        assert (f'href="/incidents/{row["incident"]}"' in text) is (row["incident"] is not None)
