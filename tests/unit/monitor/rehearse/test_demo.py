"""The demonstration: the boards of several rehearsed incidents, from one merged store."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.cli.rehearse import play_scripts
from monitor.errors import UserFault
from monitor.rehearse.demo import merge_kept_stores, opening_time, script_of, serve_board

FIRST_MINUTES = {
    "ofsted-2017": ("2017-03-20T16:58:00", "2017-03-20T17:04:00"),
    "ofqual-2018-03": ("2018-03-08T09:28:00", "2018-03-08T09:36:00"),
}
RELEASES_WITH_INCIDENT = {"schools-outcomes-december-2016", "vocational-2017-q4"}
AT = datetime(2018, 3, 8, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def kept_stores(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Play the first minutes of two incidents, and return the folders of their stores."""
    folder = tmp_path_factory.mktemp("demo")
    for name in FIRST_MINUTES:
        (result,) = play_scripts([write_first_minutes(name, folder)], folder)
        assert result.ok
    return [folder / name for name in FIRST_MINUTES]


def write_first_minutes(name: str, folder: Path) -> Path:
    """Write a script with only the first minutes of an incident, and return its path."""
    shipped = script_of(name)
    text = shipped.read_text().partition("[[expect]]")[0]
    for beside in ("config/", "pages/"):
        text = text.replace(f'"{beside}', f'"{shipped.parent}/{beside}')
    for key, at in zip(("from", "until"), FIRST_MINUTES[name], strict=True):
        text = re.sub(rf"^{key} .*", f"{key} = {at}", text, flags=re.MULTILINE)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


@asynccontextmanager
async def open_demo(kept_stores: list[Path]) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the demonstration."""
    store, stop = merge_kept_stores(kept_stores), asyncio.Event()
    addresses: asyncio.Queue[str] = asyncio.Queue()
    serving = asyncio.create_task(serve_board(store, "127.0.0.1:0", AT, stop, addresses.put_nowait))
    async with httpx.AsyncClient(base_url=await addresses.get(), trust_env=False) as client:
        yield client
    stop.set()
    await serving
    store.close()


async def fetch_from_demo(kept_stores: list[Path], *paths: str) -> list[httpx.Response]:
    """Return the demonstration's responses for these paths, requested in this order."""
    async with open_demo(kept_stores) as client:
        return [await client.get(path) for path in paths]


@pytest.mark.slow
async def test_demo_opens_on_the_day_of_the_last_incident(kept_stores: list[Path]) -> None:
    """The demonstration has two incidents. Its first board is of the last one, on 8 March 2018. The
    other is there too.
    """
    first_board, board_of_2017, listed = await fetch_from_demo(
        kept_stores, "/", "/?date=2017-03-24", "/api/v1/incidents"
    )
    assert "Thursday 8 March 2018" in first_board.text
    assert "Vocational and other qualifications quarterly" in first_board.text
    assert {
        incident["release"] for incident in listed.json()["incidents"]
    } == RELEASES_WITH_INCIDENT
    assert board_of_2017.status_code == 200


@pytest.mark.slow
async def test_demo_of_one_kept_incident_opens_there_and_leads_to_no_other(
    kept_stores: list[Path],
) -> None:
    ofsted = kept_stores[:1]
    with closing(merge_kept_stores(ofsted)) as store:
        assert opening_time(store) == datetime(2017, 3, 20, 17, 20, tzinfo=UTC)
    (board,) = await fetch_from_demo(ofsted, "/")
    assert "Ofsted, March 2017</a>" in board.text
    assert "Ofqual" not in board.text


@pytest.mark.slow
async def test_demo_makes_reports(kept_stores: list[Path]) -> None:
    (page,) = await fetch_from_demo(kept_stores, "/reports?from=2018-03-01&to=2018-03-31")
    assert "1 release watched" in page.text


@pytest.mark.slow
async def test_demo_names_what_appears_next_and_leads_there(kept_stores: list[Path]) -> None:
    """On 20 March 2017 at 16:59, the HTML version comes 89 s later."""
    _, before, _, later = await fetch_from_demo(
        kept_stores, "/demo?at=2017-03-20T16:59:00Z", "/", "/demo?at=2017-03-21T17:03:00Z", "/"
    )
    found = re.search(r'href="([^"]+)">HTML version appears at 17:00:29 GMT</a>', before.text)
    assert found is not None
    assert "2017-03-20T17%3A00%3A29" in found[1]
    # A day later, nothing is to come.
    assert "appears at" not in later.text


@pytest.mark.slow
async def test_demo_is_ready_and_its_board_says_demonstration(kept_stores: list[Path]) -> None:
    board, ready, metrics = await fetch_from_demo(kept_stores, "/", "/readyz", "/metrics")
    assert "<strong>Demonstration.</strong>" in board.text
    assert 'role="alert"' not in board.text
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": [], "doubts": []})
    assert metrics.status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("time", "verdict", "incidents"), [("09:29", "pending", 0), ("09:34", "overdue", 1)]
)
async def test_the_demonstration_shows_what_was_known_at_the_chosen_time(
    kept_stores: list[Path], time: str, verdict: str, incidents: int
) -> None:
    """The release was due at 09:30. At 09:29 it is pending, and at 09:34 overdue, with an
    incident.
    """
    release, listed = await fetch_vocational_at(kept_stores, time)
    assert release["verdict"] == verdict
    assert [incident["release"] for incident in listed].count("vocational-2017-q4") == incidents


@pytest.mark.slow
async def test_delay_of_an_overdue_release_grows_with_chosen_time(kept_stores: list[Path]) -> None:
    """The user of the demo chooses the time of the verdict, 09:34 or 09:35. The slot was 09:30, and
    the page is absent. The delay, in seconds, ends with the last look by that time, which may be up
    to three minutes old.
    """
    at_09_34, _ = await fetch_vocational_at(kept_stores, "09:34")
    at_09_35, _ = await fetch_vocational_at(kept_stores, "09:35")
    # So the last look by 09:34 was 1 to 4 minutes after the slot.
    assert (4 - 3) * 60 <= at_09_34["delay"]["min"] <= 4 * 60
    assert at_09_34["delay"]["min"] < at_09_35["delay"]["min"] <= 5 * 60


async def fetch_vocational_at(kept_stores: list[Path], time: str) -> tuple[Any, Any]:
    """Return the release that was due at 09:30 and all incidents, as of a time on 8 March 2018."""
    choose_time = f"/demo?at=2018-03-08T{time}:00%2B00:00"
    paths = (choose_time, "/api/v1/releases/vocational-2017-q4", "/api/v1/incidents")
    _, release, incidents = await fetch_from_demo(kept_stores, *paths)
    return release.json(), incidents.json()["incidents"]


@pytest.mark.slow
async def test_the_demonstration_never_redirects_to_another_host(kept_stores: list[Path]) -> None:
    move = "/demo?at=2018-03-08T09:33:00%2B00:00&path="
    answers = await fetch_from_demo(
        kept_stores, f"{move}//evil.example/", f"{move}https://evil.example/", f"{move}/incidents"
    )
    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert [answer.headers["location"] for answer in answers] == ["/", "/", "/incidents"]


@pytest.mark.slow
async def test_invalid_time_gets_400_and_does_not_change_the_board(kept_stores: list[Path]) -> None:
    day_at_the_start = "Thursday 8 March 2018"
    invalid_moves = (
        "/demo?at=soon",
        "/demo?at=0001-01-01T00:00:00%2B00:00",
        "/demo?at=9999-12-31T23:59:59%2B00:00",
    )
    *refused, board = await fetch_from_demo(kept_stores, *invalid_moves, "/")
    assert [response.status_code for response in refused] == [400, 400, 400]
    assert (board.status_code, day_at_the_start in board.text) == (200, True)


@pytest.mark.slow
async def test_visitor_acknowledges_an_incident_until_another_time_is_chosen(
    kept_stores: list[Path],
) -> None:
    at_09_34 = "/demo?at=2018-03-08T09:34:00%2B00:00"
    async with open_demo(kept_stores) as client:
        await client.get(at_09_34)
        listed = (await client.get("/api/v1/incidents")).json()["incidents"]
        name = next(one["id"] for one in listed if one["release"] == "vocational-2017-q4")
        page = await client.get(f"/incidents/{name}")
        guard = re.search(r'name="guard" value="(\w+)"', page.text)
        assert guard is not None
        sent = await client.post(f"/incidents/{name}/acknowledge", data={"guard": guard[1]})
        assert sent.status_code == 303
        acted = (await client.get(f"/api/v1/incidents/{name}")).json()
        evidence = await client.get(f"/incidents/{name}/evidence.zip")
        await client.get(at_09_34)
        later = (await client.get(f"/api/v1/incidents/{name}")).json()
    assert acted["acknowledged"] == {
        "by": "head of profession",
        "at": "2018-03-08T09:34:00.000Z",
    }
    assert later["acknowledged"] is None
    assert evidence.headers["content-type"] == "application/zip"


@pytest.mark.slow
async def test_request_without_a_form_of_the_page_acknowledges_nothing(
    kept_stores: list[Path],
) -> None:
    """Another page in the visitor's browser could send it."""
    async with open_demo(kept_stores) as client:
        listed = (await client.get("/api/v1/incidents")).json()["incidents"]
        sent = await client.post(f"/incidents/{listed[0]['id']}/acknowledge")
    assert sent.status_code == 403


def test_merging_names_a_folder_without_a_kept_rehearsal(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="no rehearsal was kept there"):
        merge_kept_stores([tmp_path / "ofsted-2017"])
