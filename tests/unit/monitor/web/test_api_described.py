"""The API is what its description says: every answer by its models, page by page, and every refusal as a problem."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from monitor.deliver.open_data import EVENT, INCIDENT, SILENCE, VERDICT
from monitor.web import answers
from monitor.web.app import make_application
from monitor.web.operations import describe_api
from tests.unit.monitor.web.board import KEYS, TITLE, Board, a_board

TOKEN = {"Authorization": f"Bearer {KEYS.token.decode()}"}
DAY = "from=2018-01-05"


async def described(board: Board) -> dict[str, Any]:
    result: dict[str, Any] = (await board.client.get("/api/v1/openapi.json")).json()
    return result


def operations(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in result["paths"].values():
        yield from path.values()


async def test_every_operation_has_a_unique_name_a_tag_a_summary_and_typed_answers() -> None:
    async with a_board() as board:
        result = await described(board)
    every = list(operations(result))
    assert len({one["operationId"] for one in every}) == len(every) == 15
    tags = {one["name"] for one in result["tags"]}
    for one in every:
        assert set(one["tags"]) <= tags
        assert one["summary"]
        assert {"400", "401", "403", "429", "503"} <= set(one["responses"])
        for status, answer in one["responses"].items():
            kinds = set(answer.get("content", {}))
            assert status < "400" or kinds == {"application/problem+json"}
        for parameter in one["parameters"]:
            assert parameter["in"] == "path" or parameter["description"]


async def test_every_object_is_described_and_every_reference_resolves() -> None:
    async with a_board() as board:
        result = await described(board)
    schemas = result["components"]["schemas"]
    assert [name for name, one in schemas.items() if not one.get("description")] == []
    assert {one.rpartition("/")[2] for one in _all_references(result)} <= set(schemas)


async def test_every_default_is_valid_under_its_schema() -> None:
    async with a_board() as board:
        result = await described(board)
    shapes = [one for one in _all_objects(result) if "default" in one]
    assert shapes
    for one in shapes:
        Draft202012Validator(one).validate(one["default"])


def _all_objects(result: object) -> Iterator[dict[str, Any]]:
    if isinstance(result, dict):
        yield result
        result = list(result.values())
    for one in result if isinstance(result, list) else ():
        yield from _all_objects(one)


def _all_references(result: object) -> Iterator[str]:
    yield from (one["$ref"] for one in _all_objects(result) if "$ref" in one)


ANSWERS: dict[str, type[answers.Answer]] = {
    "releases?from=2018-01-05&limit=1": answers.Releases,
    "releases/r": answers.Release,
    "releases/early": answers.Release,
    "incidents": answers.Incidents,
    "incidents?open=true": answers.Incidents,
    "events": answers.Events,
    "calendars": answers.Calendars,
    "silences": answers.Silences,
}


async def test_every_answer_matches_its_model_without_extra_fields() -> None:
    async with a_board() as board:
        asked = {"of": "release", "name": "r", "until": "2018-01-05T12:00:00Z", "reason": "moves", "role": "web team"}
        made = await board.client.post("/api/v1/silences", json=asked, headers=TOKEN)
        answers.Silence.model_validate(made.json(), extra="forbid")
        for path, model in (ANSWERS | {f"incidents/{board.incident}": answers.Incident}).items():
            model.model_validate((await board.client.get(f"/api/v1/{path}")).json(), extra="forbid")


async def test_strangers_get_answers_of_the_same_shape() -> None:
    async with a_board(base="http://board.example") as board:
        for path, model in ANSWERS.items():
            result = await board.client.get(f"/api/v1/{path}")
            assert path == "calendars" or model.model_validate(result.json(), extra="forbid")


async def test_unchanged_answer_is_a_304() -> None:
    async with a_board() as board:
        first = await board.client.get(f"/api/v1/releases?{DAY}")
        mark = first.headers["etag"]
        for known in (mark, f'"x", W/{mark}', "*"):
            again = await board.client.get(f"/api/v1/releases?{DAY}", headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", mark)
        for other in (f"{DAY}&producer=nobody", f"{DAY}&limit=1"):
            assert (await board.client.get(f"/api/v1/releases?{other}", headers={"If-None-Match": mark})).is_success


async def pages(client: httpx.AsyncClient, address: str, name: str) -> list[list[str]]:
    found, after = [], ""
    while after is not None:
        result = (await client.get(f"{address}{after and '&after='}{after}")).json()
        found.append([one["id"] for one in result[name]])
        after = result["next"]
    return found


async def test_lists_are_read_page_by_page() -> None:
    async with a_board() as board:
        releases = await pages(board.client, f"/api/v1/releases?{DAY}&limit=1", "releases")
        incidents = await pages(board.client, "/api/v1/incidents?limit=1", "incidents")
        still = await pages(board.client, "/api/v1/incidents?open=true&limit=1", "incidents")
    assert releases == [["early"], ["r"]]
    assert sorted(one for page in incidents for one in page) == sorted([board.incident, board.early])
    assert [len(page) for page in incidents] == [len(page) for page in still] == [1, 1, 0]


async def test_span_of_many_years_is_paged_by_400_days() -> None:
    async with a_board() as board:
        found = await pages(board.client, "/api/v1/releases?from=2017-01-01&to=2018-12-31", "releases")
    assert found == [["early", "r"], []]


async def test_unknown_method_is_refused_with_the_allowed_ones() -> None:
    async with a_board() as board:
        for path, methods in (
            ("/api/v1/silences", {"GET", "HEAD", "POST"}),
            ("/api/v1/releases", {"GET", "HEAD"}),
            (f"/api/v1/incidents/{board.incident}/acknowledge", {"POST"}),
        ):
            answer = await board.client.delete(path)
            assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, methods)
            assert answer.json()["title"] == "Method Not Allowed"


@pytest.mark.parametrize("name", ["%00", "a%0Ab", "x" * 3000])
async def test_name_with_control_characters_is_unknown(name: str) -> None:
    async with a_board() as board:
        for kind in ("releases", "incidents"):
            assert (await board.client.get(f"/api/v1/{kind}/{name}")).status_code == 404


class Broken(dict[str, dict[str, Any]]):
    """A dict that raises an error at each read."""

    def get(self, *_args: object) -> Any:  # noqa: ANN401 # never returns
        raise RuntimeError(TITLE)


async def test_internal_error_is_a_problem_document_without_details() -> None:
    async with a_board() as board:
        board.running.bodies = Broken()
        transport = httpx.ASGITransport(make_application(board.queries), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.get("/api/v1/releases/r")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert TITLE not in answer.text


def test_description_without_operations_is_valid() -> None:
    assert describe_api([])["paths"] == {}


@pytest.mark.parametrize(
    ("path", "columns"),
    [("releases?from=2018-01-05", VERDICT), ("incidents", INCIDENT), ("events", EVENT), ("silences", SILENCE)],
)
async def test_list_is_csv_if_the_client_asks_for_it(path: str, columns: Mapping[str, str]) -> None:
    async with a_board() as board:
        more = "&" if "?" in path else "?"
        held = {"of": "release", "name": "r", "until": "2018-01-05T12:00:00Z", "reason": "moves", "role": "web team"}
        await board.client.post("/api/v1/silences", json=held, headers=TOKEN)
        listed = (await board.client.get(f"/api/v1/{path}")).json()[path.partition("?")[0]]
        asked = await board.client.get(f"/api/v1/{path}{more}format=csv")
        preferred = await board.client.get(f"/api/v1/{path}", headers={"Accept": "text/csv, application/json;q=0.5"})
        plain = await board.client.get(f"/api/v1/{path}", headers={"Accept": "application/json, text/csv"})
        known = {"If-None-Match": asked.headers["etag"]}
        again = await board.client.get(f"/api/v1/{path}{more}format=csv", headers=known)
    assert asked.content == preferred.content
    assert (asked.headers["content-type"], asked.headers["vary"]) == ("text/csv; charset=utf-8", "Accept")
    assert (plain.headers["content-type"], again.status_code) == ("application/json", 304)
    rows = list(csv.DictReader(asked.text.splitlines()))
    assert [row["id"] for row in rows] == [one["id"] for one in listed]
    assert rows
    assert list(rows[0]) == list(columns)


async def test_csv_page_links_to_the_next() -> None:
    async with a_board() as board:
        found, address = [], f"/api/v1/releases?{DAY}&limit=1&format=csv"
        while address:
            answer = await board.client.get(address)
            found += [row["id"] for row in csv.DictReader(answer.text.splitlines())]
            address = answer.links["next"]["url"] if "next" in answer.links else ""
    assert found == ["early", "r"]


async def test_visitors_without_sign_in_get_the_same_incidents_as_csv_and_as_json() -> None:
    async with a_board(base="http://board.example") as board:
        listed = (await board.client.get("/api/v1/incidents")).json()["incidents"]
        rows = csv.DictReader((await board.client.get("/api/v1/incidents?format=csv")).text.splitlines())
        assert [row["id"] for row in rows] == [one["id"] for one in listed]
        assert (await board.client.get(f"/api/v1/releases?{DAY}&format=csv")).status_code == 200


async def test_api_page_has_every_operation_and_object_and_no_broken_link() -> None:
    async with a_board() as board:
        result, page = await described(board), (await board.client.get("/api")).text
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {*result["components"]["schemas"], *(one["operationId"] for one in operations(result))} <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []
    assert "<code>next</code> of the page before" in page
