from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from monitor.health.hosts import Silence
from tests.unit.monitor.deliver.story import at
from tests.unit.monitor.web.board import a_board


async def test_what_went_wrong_stands_first_and_leads_to_what_is_to_be_done() -> None:
    async with a_board() as board:
        text = (await board.client.get("/?date=2018-01-05")).text
        rows = (await board.client.get("/api/v1/releases?from=2018-01-05")).json()["releases"]
    places = {row["verdict"]: text.index(f'href="/releases/{row["id"]}"') for row in rows}
    assert min(places, key=places.__getitem__) in {"overdue", "early", "late"}
    for row in rows:
        assert (f'href="/incidents/{row["incident"]}"' in text) is (row["incident"] is not None)


async def test_a_day_is_summed_up_before_its_releases_are_listed() -> None:
    async with a_board() as board:
        text = (await board.client.get("/?date=2018-01-05")).text
        rows = (await board.client.get("/api/v1/releases?from=2018-01-05")).json()["releases"]
    told = re.sub("<[^>]*>", "", text.partition('<p class="counts">')[2].partition("</p>")[0])
    assert told.startswith(f"{len(rows)} promised: ")
    assert sum(int(number) for number in re.findall(r"\d+", told.partition(":")[2])) == len(rows)


async def test_a_host_that_answers_nothing_usable_is_told_where_people_look_first() -> None:
    async with a_board() as board:
        quiet = (await board.client.get("/?date=2018-01-05")).text
        board.queries.silences = lambda _now: {"www.gov.uk": Silence(at(-180), at(60), 812, "503")}
        pages = [(await board.client.get(path)).text for path in ("/?date=2018-01-05", "/status")]
    assert "no usable answer" not in quiet
    assert all("www.gov.uk, since 5 Jan 2018 09:27:00 GMT (503), 812 looks" in page for page in pages)


async def test_incidents_that_are_open_stand_before_those_that_are_closed() -> None:
    async with a_board() as board:
        known = board.store.verdicts.incident(board.incident)
        assert known is not None
        with board.store.transaction() as tx:
            tx.save_incident(replace(known, id="newer", occurred=known.occurred + timedelta(days=1), closed=at(1500)))
        text = (await board.client.get("/incidents")).text
    assert text.index(f'href="/incidents/{board.incident}"') < text.index('href="/incidents/newer"')


async def test_nobody_is_told_to_act_on_what_is_settled() -> None:
    async with a_board() as board:
        row = board.store.verdicts.judged_one("r")
        assert row is not None
        words = []
        for is_final in (False, True):
            with board.store.transaction() as tx:
                tx.save_judged(replace(row, body=row.body | {"final": is_final}))
            text = (await board.client.get("/?date=2018-01-05")).text
            words.append(text.partition(f'href="/incidents/{board.incident}"')[2].partition(">")[2].partition("<")[0])
        assert words == ["what to do", "what happened"]


async def test_a_name_that_means_something_in_an_address_leads_to_its_page() -> None:
    async with a_board() as board:
        row = board.store.verdicts.judged_one("r")
        assert row is not None
        with board.store.transaction() as tx:
            tx.save_judged(replace(row, body=row.body | {"id": "prices #3?"}))
        assert 'href="/releases/prices%20%233%3F"' in (await board.client.get("/?date=2018-01-05")).text


async def test_a_release_with_more_parts_than_are_watched_says_so() -> None:
    async with a_board() as board:
        row = board.store.verdicts.judged_one("r")
        assert row is not None
        before = (await board.client.get("/?date=2018-01-05")).text
        cut = {"kind": "parts_cut", "part": None, "detail": "60 of 2,000", "seconds": None}
        with board.store.transaction() as tx:
            tx.save_judged(replace(row, body=row.body | {"findings": [*row.body["findings"], cut]}))
        after = (await board.client.get("/?date=2018-01-05")).text
    told = "not all of its parts are watched"
    assert (told in before, after.count(told)) == (False, 1)


async def test_a_board_that_nobody_can_mean_is_refused_with_the_reason() -> None:
    async with a_board() as board:
        answers = [await board.client.get(f"/?{query}") for query in ("date=rubbish", "day=2018-01-05")]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert "date: not a day, write &#34;2026-11-26&#34;" in answers[0].text
    assert "day: unknown parameter, known are date" in answers[1].text


async def test_an_incident_and_its_release_are_told_apart_by_their_titles() -> None:
    async with a_board() as board:
        pages = [(await board.client.get(path)).text for path in ("/releases/r", f"/incidents/{board.incident}")]
    titles = [re.findall("<title>([^<]*)</title>", page)[0] for page in pages]
    assert titles[1] == f"Incident: {titles[0]}"
