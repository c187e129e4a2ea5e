"""The JSON Schema of the configuration: the committed file is the current one, and it accepts every
shipped example.
"""

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
    assert COMMITTED.read_text() == schema_text(), (
        "ninethirty check --schema > examples/config.schema.json"
    )
    Draft202012Validator.check_schema(json.loads(schema_text()))


def test_keys_and_tables_are_described_by_their_docstrings() -> None:
    """In the JSON schema of the configuration, a table has the docstring of its class, and a key
    that of its field.
    """
    tables = VALIDATOR.schema["$defs"]
    assert (
        tables["ClockSettings"]["description"]
        == "How far our clock may differ from those of the watched hosts."
    )
    assert tables["StoreSettings"]["properties"]["takeover"]["description"].startswith(
        "If the leader gives no sign"
    )


def test_key_that_a_table_inherits_is_described() -> None:
    assert VALIDATOR.schema["$defs"]["MailSettings"]["properties"]["digest"][
        "description"
    ].startswith("Whether many")


def test_descriptions_have_no_links_and_no_broken_lines() -> None:
    """The JSON schema of the configuration has its descriptions from docstrings.

    Editors show them as plain text.
    """
    described = json.loads(schema_text())["$defs"]["PartSettings"]["properties"]["recognise"][
        "description"
    ]
    first, *items = described.split("\n")
    assert first.startswith("What shows that the part is out.")
    assert all(item.startswith("- ") for item in items if item)
    assert "](" not in schema_text()


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
    """`slott` and `timezon` are misspelt.

    The others have a valid key, but its value is wrong: a rate is "2/s".
    """
    assert list(VALIDATOR.iter_errors({key: wrong}))
