"""Every input that the API description allows gets an answer as described."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from monitor.web import answers, api
from monitor.web.operations import describe_api
from tests.unit.monitor.web.board import WITH_TOKEN, Board, a_board

OPENAPI = describe_api(api.ROUTES)
SCHEMAS = OPENAPI["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, methods in OPENAPI["paths"].items()
    for method, operation in methods.items()
}
NOT_BY_TOKEN = {"signReport", "waiveReport", "reload"}
"""Operations that need the right `head`, or a user of the machine."""
WITH_A_CHOICE = {"keepReport"}
"""Operations that need one of several inputs: two days or a series. Without any it is 400."""
NAMES_IN_USE = ["r", "early", "r-2018-01-05", "ofqual", "2018-01-05", "2018-01-05T09:30:00.000Z/r"]
ODD_NAMES = ["r'--", "ø", "../r", ".", "\ue000"]
DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(date.isoformat)
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    datetime.isoformat
)  # bounds are naive
BASE64 = st.binary(max_size=40).map(lambda content: b64encode(content).decode())
Json = dict[str, Any]


def values_for(schema: Json) -> st.SearchStrategy[Any]:
    """Return a strategy for values that a schema of the description allows, among them ids that
    exist.
    """
    if "$ref" in schema:
        return values_for(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return st.one_of(*map(values_for, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if schema.get("additionalProperties"):
        names = st.sampled_from(["B.2.account", "step.tell-head", *NAMES_IN_USE, *ODD_NAMES])
        return st.dictionaries(names, values_for(schema["additionalProperties"]))
    if schema["type"] == "object":
        parts = {name: values_for(one) for name, one in schema["properties"].items()}
        needed = {name: parts.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional=parts)
    return numbers_or_texts_for(schema)


def numbers_or_texts_for(schema: Json) -> st.SearchStrategy[int | str]:
    if schema["type"] == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    if "format" in schema:
        return {"date": DAYS, "date-time": INSTANTS, "base64": BASE64}[schema["format"]]
    # Surrogates are not characters.
    letters = st.text(
        st.characters(exclude_categories=["Cs"]), max_size=min(40, schema.get("maxLength", 40))
    )
    return st.one_of(
        st.sampled_from(NAMES_IN_USE + ODD_NAMES),
        letters.filter(re.compile(schema["pattern"].replace("$", r"\Z")).search),
    )


def valid_requests(name: str) -> st.SearchStrategy[Json]:
    """Return a strategy for requests to an operation, with all required and some optional parts."""
    _, _, operation = OPERATIONS[name]
    parts = {
        place: {
            parameter["name"]: values_for(parameter["schema"])
            for parameter in operation["parameters"]
            if parameter["in"] == place
        }
        for place in ("path", "query")
    }
    body = (
        operation.get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("schema")
    )
    query = st.fixed_dictionaries({}, optional=parts["query"])
    return st.fixed_dictionaries(
        {
            "path": st.fixed_dictionaries(parts["path"]),
            "query": query.filter(are_days_in_order),
            "body": values_for(body) if body else st.none(),
        }
    )


def are_days_in_order(query: Json) -> bool:
    """Return whether a query asks for days in their order. Without `from`, releases begin today."""
    return "to" not in query or query.get("from", "9999") <= query["to"]


async def send_request(board: Board, name: str, request: Json) -> httpx.Response:
    path, method, _ = OPERATIONS[name]
    for part, value in request["path"].items():
        # A path that is only a dot would be removed before it is sent.
        path = path.replace(f"{{{part}}}", quote(value, safe="").replace(".", "%2E"))
    return await board.client.request(
        method, path, params=request["query"], json=request["body"], headers=WITH_TOKEN
    )


def check_schema(name: str, answer: httpx.Response) -> None:
    """Check that the description has the status and media type of an answer, and that its model
    accepts the body.
    """
    _, _, operation = OPERATIONS[name]
    media = answer.headers["content-type"]
    content = operation["responses"][str(answer.status_code)]["content"]
    assert media in content
    ref = content[media].get("schema", {}).get("$ref", "").rpartition("/")[2]
    if ref:
        model: type[BaseModel] = getattr(answers, ref)
        model.model_validate(answer.json(), extra="forbid")


@pytest.mark.slow
@pytest.mark.explored
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_valid_api_request_gets_an_answer_as_described(operation: str) -> None:
    """A case is an operation of the API. Its requests are drawn from its description."""

    @settings(max_examples=10, deadline=None, phases=[Phase.generate])
    @given(st.lists(valid_requests(operation), min_size=8, max_size=8))
    def check_requests(requests: list[Json]) -> None:
        async def send_all() -> None:
            async with a_board() as board:
                # Eight requests share a board, so the later ones also meet what the earlier ones
                # have changed.
                for request in requests:
                    answer = await send_request(board, operation, request)
                    # A valid id may be unknown (404), and a change may conflict with the state of
                    # the board (409). The token of programs does not sign (403).
                    expected = {200, 201, 404, 409}
                    if operation in NOT_BY_TOKEN:
                        expected = {403, 404}
                    if operation in WITH_A_CHOICE:
                        expected |= {400}
                    assert answer.status_code in expected, (request, answer.text)
                    check_schema(operation, answer)

        asyncio.run(send_all())

    check_requests()
