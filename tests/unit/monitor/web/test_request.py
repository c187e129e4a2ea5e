"""A typo in an address for programs never gives other data; addresses for people forgive."""

from __future__ import annotations

import pytest
from starlette.routing import Route

from monitor.web import api
from monitor.web.operations import describe_api
from tests.unit.monitor.web.board import a_board

DAY = "2018-01-05"
FOR_PROGRAMS = [one for one in api.ROUTES if one.path.startswith("/api/")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?date=2018-01-04", "date: unknown parameter, known are format, from, to, producer, after, limit"),
        (
            "?from=2018-01-04&producr=ofqual",
            "producr: unknown parameter, known are format, from, to, producer, after, limit",
        ),
        ("?From=2018-01-04", "From: unknown parameter, known are format, from, to, producer, after, limit"),
        ("?from=2018-01-04&from=2018-01-05", "from: given more than once"),
        ("?=2018-01-04", "(no name): unknown parameter, known are format, from, to, producer, after, limit"),
        (f"?{'x' * 500}=%0d%0a", f"{'x' * 39}…: unknown parameter, known are format, from, to, producer, after, limit"),
    ],
)
async def test_unknown_parameter_is_refused_with_the_known_ones(query: str, expected: str) -> None:
    async with a_board() as board:
        answer = await board.client.get(f"/api/v1/releases{query}")
        assert (answer.status_code, answer.json()["detail"]) == (400, expected)


@pytest.mark.parametrize("route", FOR_PROGRAMS, ids=lambda route: route.path)
async def test_every_api_address_refuses_unknown_parameters(route: Route) -> None:
    async with a_board() as board:
        path = route.path.replace("{release}", "r").replace("{incident}", board.incident).replace("{ending}", "md")
        method = "POST" if "POST" in (route.methods or ()) else "GET"
        answer = await board.client.request(method, path, params={"verdict": "late"})
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("verdict: unknown parameter, ")


@pytest.mark.parametrize("path", ["/api/v1/releases", "/api/v1/incidents"])
async def test_days_in_the_wrong_order_give_an_empty_list(path: str) -> None:
    async with a_board() as board:
        answer = await board.client.get(path, params={"from": "2018-01-05", "to": "2018-01-04"})
        assert (answer.status_code, answer.json()[path.rpartition("/")[2]], answer.json()["next"]) == (200, [], None)


async def test_every_described_parameter_is_accepted() -> None:
    async with a_board() as board:
        (first, *_) = (await board.client.get("/api/v1/events")).json()["events"]
        asked = {"producer": "ofqual", "open": "true", "release": first["release"], "limit": "5"}
        places = {"releases": f"{DAY}T09:00:00.000Z/r", "incidents": board.incident, "events": first["id"]}
        asked |= {"document": "evidence", "format": "json"}
        for path, result in describe_api(api.ROUTES)["paths"].items():
            names = [one["name"] for one in result.get("get", {}).get("parameters", ()) if one["in"] == "query"]
            values = {name: asked.get(name, DAY) for name in names}
            values |= {"after": places[path.rpartition("/")[2]]} if "after" in names else {}
            if values:
                address = path.replace("{incident}", board.incident).replace("{ending}", "md")
                assert (await board.client.get(address, params=values)).status_code == 200


async def test_page_without_parameters_ignores_unknown_ones() -> None:
    async with a_board() as board:
        for page in ("/incidents?utm=1", f"/incidents/{board.incident}?x", "/status?x=1"):
            assert (await board.client.get(page)).status_code == 200
