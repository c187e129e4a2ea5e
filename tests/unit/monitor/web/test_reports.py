"""Reports on periods in the browser: rights, refusals, and that they equal those of the command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.watch.periods import FORMATS
from tests.unit.monitor.web.people import users_file, working
from tests.unit.monitor.web.test_signin import hidden

JANUARY = {"from": "2018-01-01", "to": "2018-01-31"}


async def test_a_report_is_read_on_the_page_and_downloaded_in_every_format(tmp_path: Path) -> None:
    async with working(users_file(tmp_path)) as board:
        page = (await board.client.get("/reports", params=JANUARY)).text
        links = re.findall(r'href="(/reports/period\.[^"]+)"', page)
        answers = {link: await board.client.get(link.replace("&amp;", "&")) for link in links}
        now = board.clock.now()
        periods = board.queries.periods
        assert periods is not None
        found = periods.period(board.queries.today().replace(day=1), board.queries.today().replace(day=31), now)
        assert answers[links[0]].status_code == 200
        kinds = {link.partition("?")[0].rpartition(".")[2]: answer for link, answer in answers.items()}
        assert kinds["csv"].content == periods.render(found, "csv", now)
        assert kinds["csv"].text.splitlines()[1].startswith("early,")
    assert "<h2>All producers watched, 1 to 31 January 2018</h2>" in page
    assert {kind: answer.headers["content-type"] for kind, answer in kinds.items()} == dict(FORMATS)
    assert all("default-src 'none'" in answer.headers["content-security-policy"] for answer in kinds.values())
    assert kinds["docx"].headers["content-disposition"] == 'attachment; filename="all-2018-01-01-2018-01-31.docx"'


async def test_default_period_is_the_last_month(tmp_path: Path) -> None:
    async with working(users_file(tmp_path)) as board:
        board.queries.producers = {"ofqual": "Ofqual"}
        page = (await board.client.get("/reports?producer=ofqual")).text
    assert re.findall(r'type="date" name="(\w+)" value="([^"]+)"', page) == [
        ("from", "2017-12-01"),
        ("to", "2017-12-31"),
    ]
    assert '<option value="ofqual" selected>' in page
    assert "/reports/period." not in page


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"to": "2017-12-31"}, "to: must not be before from"),
        ({"from": "2016-01-01"}, "to: must be within 400 days of from"),
        ({"from": "rubbish"}, "from: not a day"),
        ({"from": ""}, "from: not a day"),
        ({"producer": "ofqal"}, "no producer &#34;ofqal&#34;, did you mean &#34;ofqual&#34;?"),
        ({"host": "gov.uk"}, "no host &#34;gov.uk&#34;"),
    ],
)
async def test_invalid_period_is_refused_with_the_reason_and_the_typed_text(
    tmp_path: Path, change: dict[str, str], why: str
) -> None:
    async with working(users_file(tmp_path)) as board:
        answer = await board.client.get("/reports", params=JANUARY | change)
        file = await board.client.get("/reports/period.csv", params=JANUARY | change)
    assert (answer.status_code, file.status_code) == (400, 404 if "no " in why and "not" not in why else 400)
    assert why in answer.text
    assert f'value="{(JANUARY | change)["to"]}"' in answer.text


@pytest.mark.parametrize("name", ["vic", ""])
async def test_viewers_and_strangers_get_no_report(tmp_path: Path, name: str) -> None:
    async with working(users_file(tmp_path), name or "anne") as board:
        board.queries.public = True
        if not name:
            board.client.cookies.clear()
        for path in ("/reports", "/reports/period.csv"):
            answer = await board.client.get(path, params=JANUARY)
            assert answer.status_code in (401, 403)
            assert "Malpractice" not in answer.text


async def test_person_who_may_act_saves_a_report_as_a_draft(tmp_path: Path) -> None:
    async with working(users_file(tmp_path)) as board:
        page = await board.client.get("/reports", params=JANUARY)
        sent = JANUARY | {"producer": "", "host": "", "guard": hidden(page, "guard")}
        answer = await board.client.post("/reports", data=sent)
        assert answer.headers["location"] == "/incidents/period-all-2018-01-01-2018-01-31"
        shown = await board.client.get(answer.headers["location"])
        refused = await board.client.post("/reports", data=sent | {"guard": "another"})
    assert (shown.status_code, refused.status_code) == (200, 403)
    assert "All producers watched, 1 to 31 January 2018" in shown.text
    assert "Platform or period report. Version 1." in shown.text
    # A period report does not have these documents, so they are not offered.
    assert "?document=evidence" in shown.text
    assert not any(f"?document={paper}" in shown.text for paper in ("statement", "correction", "lines", "email"))


async def test_unknown_file_format_is_not_found(tmp_path: Path) -> None:
    async with working(users_file(tmp_path)) as board:
        assert (await board.client.get("/reports/period.pdf", params=JANUARY)).status_code == 404
