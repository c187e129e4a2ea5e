"""The JSON Schema of the configuration: the committed file is the current one, and it accepts every shipped example."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from monitor.config.schema import schema_text

ROOT = Path(__file__).parents[4]
COMMITTED = ROOT / "examples" / "config.schema.json"
VALIDATOR = Draft202012Validator(json.loads(schema_text()))
CONFIGURATIONS = [
    ROOT / "config.toml",
    *(p for p in (ROOT / "examples").glob("*.toml") if "[[release]]" not in p.read_text()),
]


def test_the_committed_schema_is_what_check_prints() -> None:
    assert COMMITTED.read_text() == schema_text(), "ninethirty check --schema > examples/config.schema.json"
    Draft202012Validator.check_schema(json.loads(schema_text()))


def test_keys_and_tables_have_the_meaning_that_the_configuration_page_gives() -> None:
    properties, tables = VALIDATOR.schema["properties"], VALIDATOR.schema["$defs"]
    assert properties["clock"]["description"] in (ROOT / "docs" / "configure.md").read_text()
    assert tables["StoreSettings"]["properties"]["takeover"]["description"].startswith("After so long without a sign")
    assert tables["MailSettings"]["properties"]["host"]["description"]


def test_links_of_the_configuration_page_are_not_in_the_schema() -> None:
    assert "](" not in schema_text()


def test_a_key_that_tables_of_one_model_explain_differently_has_no_description() -> None:
    assert "description" not in VALIDATOR.schema["properties"]["channel"]


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_the_schema_accepts_every_shipped_configuration(path: Path) -> None:
    # Editors hand over dates as text.
    written = json.loads(json.dumps(tomllib.loads(path.read_text()), default=str))
    assert list(VALIDATOR.iter_errors(written)) == []


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("watch", {"slott": {}}),
        ("policy", {"on_time_within": "1 minute"}),
        ("budget", {"default": 2}),
        ("channel", [{"name": "x", "kind": "teams"}]),
        ("timezon", "Europe/London"),
    ],
)
def test_the_schema_refuses_wrong_keys_and_values(key: str, wrong: object) -> None:
    assert list(VALIDATOR.iter_errors({key: wrong}))
