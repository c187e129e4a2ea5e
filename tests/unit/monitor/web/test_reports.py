"""Reports on periods in the browser: rights, refusals, and that they equal those of the command."""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from alerts.draft.period import Period
from monitor.errors import UnknownName
from monitor.judge.runs import Blind
from monitor.watch.periods import FORMATS, file_stem_of
from monitor.web.operations import file_response
from tests.unit.monitor.web.board import Board
from tests.unit.monitor.web.people import VIEWER, hidden_field, signed_in_board
from tests.worlds.instants import after_slot
from tests.worlds.releases import a_promise, a_release

JANUARY = {"from": "2018-01-01", "to": "2018-01-31"}


@pytest.fixture
async def board(users: Path) -> AsyncIterator[Board]:
    """Open a board that is not public, with the duty statistician signed in."""
    async with signed_in_board(users) as board:
        yield board


async def test_report_is_shown_and_downloaded_in_every_format(board: Board) -> None:
    page = await board.client.get("/reports", params=JANUARY)
    links = re.findall(r'href="(/api/v1/report\.(\w+)[^"]+)"', page.text)
    files = {ending: await board.client.get(link.replace("&amp;", "&")) for link, ending in links}
    assert "<h2>All producers watched, 1 to 31 January 2018</h2>" in page.text
    assert {ending: file.headers["content-type"] for ending, file in files.items()} == dict(FORMATS)
    for file in files.values():
        assert file.status_code == 200
        assert "default-src 'none'" in file.headers["content-security-policy"]
    assert (
        files["docx"].headers["content-disposition"]
        == 'attachment; filename="all-2018-01-01-2018-01-31.docx"'
    )


async def test_report_gives_the_first_sight_of_the_late_part(board: Board) -> None:
    """A page was on time, and a required table 130 s late."""
    seen = {"after": "2018-01-03T09:32:09.000Z", "by": "2018-01-03T09:32:10.000Z"}
    page = {**board.stored_release().body["parts"][0], "verdict": "on_time"}
    delay = {"min": 129.0, "max": 130.0}
    table = {**page, "id": "table", "verdict": "late", "delay": delay, "first_seen": seen}
    board.add_past_release("dft", "late", days_ago=2, parts=[page, table])
    report = await board.client.get("/api/v1/report.csv", params={**JANUARY, "producer": "dft"})
    (row,) = csv.DictReader(report.text.splitlines())
    assert (row["first_seen_by"], row["delay_max"]) == (seen["by"], "130.0")


async def test_report_on_a_producer_at_a_host_names_both(board: Board) -> None:
    page = await board.client.get(
        "/reports", params={**JANUARY, "producer": "ofqual", "host": "www.gov.uk"}
    )
    assert "<h2>www.gov.uk, Ofqual, 1 to 31 January 2018</h2>" in page.text


PERIOD = Period(date(2018, 1, 1), date(2018, 1, 31), ())


def test_reports_on_different_subjects_have_different_file_names() -> None:
    """A host, a series or `all` may read like a producer."""
    subjects = [
        {"producer": "localhost"},
        {"host": "localhost"},
        {"producer": "ofqual", "host": "exams"},
        {"producer": "ofqual-exams"},
        {"producer": "ofqual", "series": "Exams"},
        {"series": "Ofqual exams"},
        {},
        {"producer": "all"},
        {"series": "All"},
        {"producer": "Office for Exams"},
        {"producer": "office-for-exams"},
    ]
    stems = [file_stem_of(replace(PERIOD, **subject)) for subject in subjects]
    assert len({*stems}) == len(subjects)
    assert all(re.fullmatch("[a-z0-9-]+", stem) for stem in stems)


def test_file_keeps_a_name_in_any_alphabet() -> None:
    answer = file_response(b"", "text/csv", "ŵy.csv")
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''%C5%B5y.csv"


async def test_downloaded_report_is_the_one_that_the_store_gives(board: Board) -> None:
    """January 2018 has two releases, with the ids `early` and `r`.

    The first column of a row is the id.
    """
    file = await board.client.get("/api/v1/report.csv", params=JANUARY)
    periods, now = board.queries.periods, board.clock.now()
    assert periods is not None
    january = periods.period(date(2018, 1, 1), date(2018, 1, 31), now)
    assert file.content == periods.render(january, "csv", now)
    _, *rows = file.text.splitlines()
    assert [row.partition(",")[0] for row in rows] == ["early", "r"]


async def test_report_on_one_producer_or_host_counts_only_the_gaps_that_concern_it(
    board: Board,
) -> None:
    """The store has one gap in everything, one at the host of the releases, and two elsewhere."""
    spans = (
        Blind(after_slot(0), after_slot(5), "budget", "www.gov.uk"),
        Blind(after_slot(0), after_slot(6), "budget", "stats.example"),
        Blind(after_slot(0), after_slot(7), "clock", target="r/page/edge"),
        Blind(after_slot(0), after_slot(8), "clock", target="elsewhere/page/edge"),
    )
    with board.store.transaction() as tx:
        for span in spans:
            tx.add_blind(span)
    periods, now = board.queries.periods, board.clock.now()
    assert periods is not None
    january = date(2018, 1, 1), date(2018, 1, 31), now

    def causes(found: Period) -> list[tuple[str, float]]:
        return [(one.cause, (one.ends - one.begins).total_seconds()) for one in found.blind]

    concerning = [("stalled", 50.0), ("budget", 5.0), ("clock", 7.0)]
    assert sorted(causes(periods.period(*january, producer="ofqual"))) == sorted(concerning)
    assert sorted(causes(periods.period(*january, host="www.gov.uk"))) == sorted(concerning)
    assert len(causes(periods.period(*january))) == 5
    series = periods.series("Malpractice", now)
    assert sorted(causes(series)) == sorted(concerning)


async def test_series_is_found_by_the_beginning_that_only_its_titles_have(board: Board) -> None:
    """`week ending` belongs to the period for people, and to the title for the grammar."""
    periods, now = board.queries.periods, board.clock.now()
    assert periods is not None

    (row,) = board.store.verdicts.judged_on(["r"])

    def add(release: str, title: str) -> None:
        with board.store.transaction() as tx:
            tx.save(a_release(id=release, title=title))
            tx.add_promises([a_promise(release=release)])
            tx.save(replace(row, release=release, body=row.body | {"id": release, "title": title}))

    add("weekly", "Road deaths: week ending 5 January 2018")
    found = periods.series("road deaths", now)
    assert found.series == "Road deaths: week ending 5 January 2018"
    add("yearly", "Road deaths in Wales: 2017")
    with pytest.raises(UnknownName, match="did you mean"):
        periods.series("road deaths", now)


async def test_form_proposes_the_last_month_and_makes_no_report_yet(board: Board) -> None:
    board.queries.producers = {"ofqual": "Ofqual"}
    # It is 5 January 2018, so the last month is December.
    page = await board.read_page("/reports?producer=ofqual")
    assert re.findall(r'type="date" name="(\w+)" value="([^"]+)"', page) == [
        ("from", "2017-12-01"),
        ("to", "2017-12-31"),
    ]
    assert '<option value="ofqual" selected>' in page
    assert "/api/v1/report." not in page


@pytest.mark.parametrize(
    ("change", "reason", "status_of_file"),
    [
        ({"to": "2017-12-31"}, "to: must not be before from", 400),
        ({"from": "2016-01-01"}, "to: must be within 400 days of from", 200),
        ({"from": "rubbish"}, "from: not a day", 400),
        ({"from": ""}, "from: not a day", 400),
        ({"producer": "ofqal"}, "no producer &#34;ofqal&#34;, did you mean &#34;ofqual&#34;?", 404),
        ({"series": "Malpractise"}, "no series &#34;Malpractise&#34;", 404),
        ({"host": "gov.uk"}, "no host &#34;gov.uk&#34;", 404),
    ],
)
async def test_invalid_period_is_refused_with_reason_and_typed_text(
    board: Board, change: dict[str, str], reason: str, status_of_file: int
) -> None:
    """A case changes one field of a valid form. For example, there is no producer `ofqal`."""
    typed = JANUARY | change
    page = await board.client.get("/reports", params=typed)
    file = await board.client.get("/api/v1/report.csv", params=typed)
    # The page shows its form again (400). The file of an unknown producer or host is not found
    # (404), and a file may be of a longer time.
    assert (page.status_code, file.status_code) == (400, status_of_file)
    assert reason in page.text
    assert f'value="{typed["to"]}"' in page.text


async def test_page_of_a_release_leads_to_the_editions_of_its_series(board: Board) -> None:
    release = await board.read_page("/releases/r")
    assert 'href="/reports?series=Malpractice' in release
    page = await board.read_page("/reports?series=malpractice%20statistics%202016")
    assert re.findall("<h2>(.*)</h2>", page) == ["Malpractice, 5 January 2018"]
    (file,) = re.findall(r'href="(/api/v1/report\.csv[^"]+)"', page)
    rows = (await board.client.get(file.replace("&amp;", "&"))).text.splitlines()
    assert [row.partition(",")[0] for row in rows] == ["release", "r"]


@pytest.mark.parametrize("is_signed_in", [True, False])
async def test_viewers_and_strangers_get_no_report(users: Path, *, is_signed_in: bool) -> None:
    """A viewer lacks the right (403). A stranger has not signed in: the page says so (401)."""
    async with signed_in_board(users, VIEWER) as board:
        board.queries.public = True
        if not is_signed_in:
            board.client.cookies.clear()
        page, file = [
            await board.client.get(path, params=JANUARY)
            for path in ("/reports", "/api/v1/report.csv")
        ]
        assert page.status_code == (403 if is_signed_in else 401)
        assert file.status_code == 403
        assert "Malpractice" not in page.text + file.text


async def test_person_who_may_act_saves_a_report_as_a_draft(board: Board) -> None:
    """The hidden field `guard` proves that the form was made for this session."""
    page = await board.client.get("/reports", params=JANUARY)
    sent = JANUARY | {"producer": "", "host": "", "guard": hidden_field(page, "guard")}
    answer = await board.client.post("/reports", data=sent)
    assert answer.headers["location"] == "/incidents/period-all-2018-01-01-2018-01-31"
    shown = await board.client.get(answer.headers["location"])
    assert shown.status_code == 200
    assert "All producers watched, 1 to 31 January 2018" in shown.text
    assert "Platform or period report. Version 1." in shown.text
    # A period report does not have these documents, so they are not offered.
    assert "?document=evidence" in shown.text
    assert not any(
        f"?document={paper}" in shown.text
        for paper in ("statement", "correction", "lines", "email")
    )


async def test_form_of_another_session_saves_no_report(board: Board) -> None:
    """The hidden field `guard` of a form proves its session. Here it is of another one."""
    sent = JANUARY | {"producer": "", "host": "", "guard": "another"}
    assert (await board.client.post("/reports", data=sent)).status_code == 403
    assert await board.status_of("/incidents/period-all-2018-01-01-2018-01-31") == 404
