"""The API conforms to its OpenAPI description: answers, pages and problems.

The description of the API is an OpenAPI document. An operation is a path with a method, such as
GET.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from monitor.deliver.open_data import EVENT, INCIDENT, SILENCE, VERDICT
from monitor.web import answers, api
from monitor.web.app import make_application
from monitor.web.operations import describe_api
from tests.unit.monitor.web.board import SILENCE_OF_R, TITLE, WITH_TOKEN, Board, a_board, ids_of

DAY = "from=2018-01-05"


async def read_openapi(board: Board) -> dict[str, Any]:
    """Return the description of the API that the board serves."""
    openapi: dict[str, Any] = await board.read_json("/api/v1/openapi.json")
    return openapi


async def read_csv(board: Board, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader((await board.read_page(path)).splitlines()))


def operations_of(openapi: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in openapi["paths"].values() for operation in methods.values()]


def objects_in(json: object) -> Iterator[dict[str, Any]]:
    """Yield each JSON object at any depth."""
    if isinstance(json, dict):
        yield json
        json = list(json.values())
    for part in json if isinstance(json, list) else ():
        yield from objects_in(part)


async def test_description_has_every_operation_of_the_routes(board: Board) -> None:
    openapi = await read_openapi(board)
    described = {
        (path, method.upper()) for path, methods in openapi["paths"].items() for method in methods
    }
    routes = [route for route in api.ROUTES if route.path.startswith("/api/")]
    served = {
        (route.path_format, method)
        for route in routes
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert described == served


async def test_every_operation_has_name_tags_summary_and_described_parameters(board: Board) -> None:
    """An operation is a path with a method.

    Parameters in the path, such as {release}, have only a name.
    """
    openapi = await read_openapi(board)
    operations = operations_of(openapi)
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    tags = {tag["name"] for tag in openapi["tags"]}
    for operation in operations:
        assert operation["tags"]
        assert set(operation["tags"]) <= tags
        assert operation["summary"]
        assert all(
            parameter["description"]
            for parameter in operation["parameters"]
            if parameter["in"] != "path"
        )


async def test_every_operation_describes_its_refusals_as_problem_documents(board: Board) -> None:
    """Answers with a status from 400 on are refusals."""
    for operation in operations_of(await read_openapi(board)):
        refusals = {
            status: answer
            for status, answer in operation["responses"].items()
            if int(status) >= 400
        }
        assert {"400", "401", "403", "429", "503"} <= set(refusals)
        assert all(
            set(answer["content"]) == {"application/problem+json"} for answer in refusals.values()
        )


async def test_every_schema_is_described_and_every_reference_resolves(board: Board) -> None:
    """The description has a schema of each object in an answer, and refers to schemas by `$ref`."""
    openapi = await read_openapi(board)
    schemas = openapi["components"]["schemas"]
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []
    references = {part["$ref"].rpartition("/")[2] for part in objects_in(openapi) if "$ref" in part}
    assert references <= set(schemas)


async def test_every_default_is_valid_under_its_schema(board: Board) -> None:
    """The schema of a parameter or field may name its default."""
    schemas = [part for part in objects_in(await read_openapi(board)) if "default" in part]
    assert schemas
    for schema in schemas:
        Draft202012Validator(schema).validate(schema["default"])


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


async def test_every_answer_matches_its_model_without_extra_fields(board: Board) -> None:
    made = await board.client.post("/api/v1/silences", json=SILENCE_OF_R, headers=WITH_TOKEN)
    answers.Silence.model_validate(made.json(), extra="forbid")
    # `ANSWERS` has the model of each address, for example `answers.Release` for /api/v1/releases/r.
    model_by_path = ANSWERS | {f"incidents/{board.incident}": answers.Incident}
    for path, model in model_by_path.items():
        model.model_validate(await board.read_json(f"/api/v1/{path}"), extra="forbid")


async def test_answers_for_strangers_match_the_models_of_the_api() -> None:
    # The host of these requests is not this machine, so they are from strangers.
    async with a_board(base="http://board.example") as board:
        # `ANSWERS` has the model of each address, for example `answers.Release` for
        # /api/v1/releases/r.
        for path, model in ANSWERS.items():
            if path != "calendars":  # not open to strangers
                model.model_validate(await board.read_json(f"/api/v1/{path}"), extra="forbid")


async def test_known_etag_gets_304_only_for_its_own_query(board: Board) -> None:
    """A list has an ETag. A client that sends the same query with this ETag gets 304 and no
    content. For another query it gets the whole list (200).
    """
    etag = (await board.client.get(f"/api/v1/releases?{DAY}")).headers["etag"]
    # `*` stands for any ETag.
    for if_none_match in (etag, f'"x", W/{etag}', "*"):
        again = await board.client.get(
            f"/api/v1/releases?{DAY}", headers={"If-None-Match": if_none_match}
        )
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    for other_query in (f"{DAY}&producer=nobody", f"{DAY}&limit=1"):
        other = await board.client.get(
            f"/api/v1/releases?{other_query}", headers={"If-None-Match": etag}
        )
        assert other.status_code == 200


async def read_pages(client: httpx.AsyncClient, name: str, query: str) -> list[list[str]]:
    """Return the ids on each page of a list, until a page names no next one."""
    pages, address = [], f"/api/v1/{name}?{query}"
    after = ""
    while after is not None:
        page = (await client.get(f"{address}{after and '&after='}{after}")).json()
        pages.append(ids_of(page[name]))
        after = page["next"]
    return pages


async def test_lists_are_read_page_by_page(board: Board) -> None:
    releases = await read_pages(board.client, "releases", f"{DAY}&limit=1")
    incidents = await read_pages(board.client, "incidents", "limit=1")
    open_incidents = await read_pages(board.client, "incidents", "open=true&limit=1")
    assert releases == [["early"], ["r"]]
    # A page of incidents names a next one unless it is empty, so the last page is empty.
    first, second, last = incidents
    assert sorted(first + second) == sorted([board.incident, board.early_incident])
    assert last == []
    assert [len(page) for page in open_incidents] == [1, 1, 0]


async def test_span_of_many_years_is_paged_by_400_days(board: Board) -> None:
    """A page covers 400 days.

    Both releases are in the first 400 of these 730, so the second page is empty.
    """
    pages = await read_pages(board.client, "releases", "from=2017-01-01&to=2018-12-31")
    assert pages == [["early", "r"], []]


async def test_unknown_method_is_refused_with_the_allowed_ones(board: Board) -> None:
    for path, methods in (
        ("/api/v1/silences", {"GET", "HEAD", "POST"}),
        ("/api/v1/events", {"GET", "HEAD"}),
        (f"/api/v1/incidents/{board.incident}/acknowledge", {"POST"}),
    ):
        answer = await board.client.delete(path)
        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, methods)
        assert answer.json()["title"] == "Method Not Allowed"


@pytest.mark.parametrize("name", ["%00", "a%0Ab", "x" * 3000])
async def test_name_with_control_characters_or_of_3000_characters_is_unknown(
    board: Board, name: str
) -> None:
    for kind in ("releases", "incidents"):
        assert await board.status_of(f"/api/v1/{kind}/{name}") == 404


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/releases/r/explanation", "at"),
        ("/releases/r/slot", "meant"),
        ("/releases/r/ticks", "time"),
        ("/silences", "begins"),
        ("/silences", "until"),
        ("/claims", "first_published"),
        ("/claims", "slot"),
        ("/claims", "read"),
    ],
)
@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_instant_outside_the_calendar_is_a_fault_of_its_field(
    board: Board, path: str, field: str, at: str
) -> None:
    """In UTC, each of them is before the first or after the last year that Python knows."""
    if field == "at":
        answer = await board.client.get(f"/api/v1{path}", params={field: at}, headers=WITH_TOKEN)
    else:
        answer = await board.client.post(f"/api/v1{path}", json={field: at}, headers=WITH_TOKEN)
    assert answer.status_code == 400
    assert f"{field}: not of the years 1900 to 2199" in answer.json()["detail"]


async def test_description_names_only_ways_to_sign_in_that_exist(board: Board) -> None:
    described = await board.read_json("/api/v1/openapi.json")
    assert [*described["components"]["securitySchemes"]] == ["token"]


class UnreadableDict(dict[str, dict[str, Any]]):
    """A dict that raises an error at each read."""

    def get(self, *_args: object) -> Any:  # noqa: ANN401 # never returns
        raise RuntimeError(TITLE)


async def test_internal_error_is_a_problem_document_without_details(board: Board) -> None:
    # The monitor reads the release from `bodies`, which raises RuntimeError(TITLE), an unexpected
    # error.
    board.running.bodies = UnreadableDict()
    transport = httpx.ASGITransport(make_application(board.queries), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/api/v1/releases/r")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert TITLE not in answer.text


def test_description_without_operations_is_valid() -> None:
    assert describe_api([])["paths"] == {}


async def test_list_is_csv_if_preferred_or_named_as_format(board: Board) -> None:
    """A client gets the list of events as CSV if its `Accept` header prefers CSV, or if the address
    has `format=csv`. If it accepts JSON and CSV equally, it gets JSON.
    """
    prefers_json = await board.client.get(
        "/api/v1/events", headers={"Accept": "application/json, text/csv"}
    )
    prefers_csv = await board.client.get(
        "/api/v1/events", headers={"Accept": "text/csv, application/json;q=0.5"}
    )
    by_parameter = await board.client.get("/api/v1/events?format=csv")
    assert prefers_json.headers["content-type"] == "application/json"
    assert prefers_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert prefers_csv.headers["vary"] == "Accept"
    assert by_parameter.content == prefers_csv.content
    # The ETag says that the client already has this CSV, so it gets 304.
    etag = {"If-None-Match": by_parameter.headers["etag"]}
    unchanged = await board.client.get("/api/v1/events?format=csv", headers=etag)
    assert (unchanged.status_code, unchanged.headers["vary"]) == (304, "Accept")


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        ("releases?from=2018-01-05", VERDICT),
        ("incidents?", INCIDENT),
        ("events?", EVENT),
        ("silences?", SILENCE),
    ],
)
async def test_csv_has_rows_of_the_json_and_documented_columns(
    board: Board, path: str, columns: Mapping[str, str]
) -> None:
    """A case is a list: releases, incidents, events or silences.

    The list of silences needs one, so one is made.
    """
    await board.client.post("/api/v1/silences", json=SILENCE_OF_R, headers=WITH_TOKEN)
    name, _, _ = path.partition("?")
    json_rows = (await board.read_json(f"/api/v1/{path}"))[name]
    csv_rows = await read_csv(board, f"/api/v1/{path}&format=csv")
    assert csv_rows != []
    assert ids_of(csv_rows) == ids_of(json_rows)
    assert list(csv_rows[0]) == list(columns)


async def test_csv_page_links_to_the_next(board: Board) -> None:
    # Two releases are due on this day, and a page has only one. The header `Link` leads to the next
    # page.
    found, address = [], f"/api/v1/releases?{DAY}&limit=1&format=csv"
    while address:
        answer = await board.client.get(address)
        found += [row["id"] for row in csv.DictReader(answer.text.splitlines())]
        address = answer.links["next"]["url"] if "next" in answer.links else ""
    assert found == ["early", "r"]


async def test_strangers_get_the_same_rows_as_csv_and_json() -> None:
    # The host of these requests is not this machine, so they are from strangers.
    async with a_board(base="http://board.example") as board:
        for name, path in (
            ("releases", f"/api/v1/releases?{DAY}"),
            ("incidents", "/api/v1/incidents?"),
        ):
            as_json = (await board.read_json(path))[name]
            as_csv = await read_csv(board, f"{path}&format=csv")
            # The slot of both releases has passed, so strangers see them and their incidents.
            assert len(as_json) == 2
            assert ids_of(as_csv) == ids_of(as_json)


async def test_api_page_lists_every_operation_and_has_no_broken_link(board: Board) -> None:
    """The page /api describes the API to people.

    It lists every object too, and no link leads to another site.
    """
    openapi, page = await read_openapi(board), await board.read_page("/api")
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(openapi["components"]["schemas"]) <= set(ids)
    assert {operation["operationId"] for operation in operations_of(openapi)} <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []
    # The description of the parameter `after` marks this word as code.
    assert "<code>next</code> of the page before" in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("from=2018-01-06&to=2018-01-05", "must not be a day before"),
        ("to=1999-01-05", "must not be a day before"),
        ("producer=%0A", "no control characters"),
    ],
)
async def test_a_wrong_parameter_is_a_400_in_words(board: Board, query: str, words: str) -> None:
    answer = await board.client.get(f"/api/v1/releases?{query}")
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert "pattern" not in answer.json()["detail"]
