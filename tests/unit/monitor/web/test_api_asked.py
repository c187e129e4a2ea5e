"""Every input that the API description allows gets an answer as described."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from monitor.web import answers, api
from monitor.web.operations import describe_api
from tests.unit.monitor.web.board import KEYS, Board, a_board

TOLD = describe_api(api.ROUTES)
SCHEMAS = TOLD["components"]["schemas"]
OPERATIONS = {
    one["operationId"]: (path, method, one) for path, each in TOLD["paths"].items() for method, one in each.items()
}
TOKEN = {"Authorization": f"Bearer {KEYS.token.decode()}"}
KNOWN = [
    "r",
    "early",
    "r-2018-01-05",
    "ofqual",
    "2018-01-05",
    "2018-01-05T09:30:00.000Z/r",
    "r'--",
    "ø",
    "../r",
    ".",
    "\ue000",
]
DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(date.isoformat)
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat)  # noqa: DTZ001 # bounds are naive
Json = dict[str, Any]


def values(schema: Json) -> st.SearchStrategy[Any]:
    """Return what a schema of the description allows, names that there are among it."""
    if "$ref" in schema:
        return values(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if "additionalProperties" in schema:
        names = st.sampled_from(["B.2.account", "step.tell-head", *KNOWN])
        return st.dictionaries(names, values(schema["additionalProperties"]))
    if schema["type"] == "object":
        parts = {name: values(one) for name, one in schema["properties"].items()}
        needed = {name: parts.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional=parts)
    if schema["type"] == "integer" or "format" in schema:
        kinds = {"date": DAYS, "date-time": INSTANTS}
        return kinds[schema["format"]] if "format" in schema else st.integers(schema["minimum"], schema["maximum"])
    # Surrogates are not characters.
    letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=min(40, schema.get("maxLength", 40)))
    return st.one_of(st.sampled_from(KNOWN), letters.filter(re.compile(schema["pattern"].replace("$", r"\Z")).search))


def requests(name: str) -> st.SearchStrategy[Json]:
    """Return a strategy for requests to an operation, with all required and some optional parts."""
    _, _, one = OPERATIONS[name]
    parts = {
        where: {
            parameter["name"]: values(parameter["schema"])
            for parameter in one["parameters"]
            if parameter["in"] == where
        }
        for where in ("path", "query")
    }
    body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return st.fixed_dictionaries(
        {
            "path": st.fixed_dictionaries(parts["path"]),
            "query": st.fixed_dictionaries({}, optional=parts["query"]),
            "body": values(body) if body else st.none(),
        }
    )


async def answered(board: Board, name: str, asked: Json) -> None:
    path, method, one = OPERATIONS[name]
    for part, value in asked["path"].items():
        # A path that is only a dot would be removed before it is sent.
        path = path.replace(f"{{{part}}}", quote(value, safe="").replace(".", "%2E"))
    answer = await board.client.request(method, path, params=asked["query"], json=asked["body"], headers=TOKEN)
    status, media = str(answer.status_code), answer.headers["content-type"]
    assert status in {"200", "201", "404", "409"}, (path, asked, answer.text)
    parameter = one["responses"][status]["content"]
    assert media in parameter
    ref = parameter[media].get("schema", {}).get("$ref", "").rpartition("/")[2]
    if ref:
        model: type[BaseModel] = getattr(answers, ref)
        model.model_validate(answer.json(), extra="forbid")


@pytest.mark.slow
@pytest.mark.explored
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_valid_input_gets_an_answer_that_matches_its_schema(name: str) -> None:
    @settings(max_examples=10, deadline=None, phases=[Phase.generate])
    @given(st.lists(requests(name), min_size=8, max_size=8))
    def ask(every: list[Json]) -> None:
        async def story() -> None:
            async with a_board() as board:
                for asked in every:
                    await answered(board, name, asked)

        asyncio.run(story())

    ask()
