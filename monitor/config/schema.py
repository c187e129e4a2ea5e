"""The JSON Schema of `config.toml`, with which editors complete and check keys."""

from __future__ import annotations

import json

from monitor.config.settings import Settings

FILE = "config.schema.json"


def schema_text() -> str:
    """Return the JSON Schema (2020-12) of a configuration, as the text of a file."""
    schema = Settings.model_json_schema(by_alias=True)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ninethirty configuration"}
    return json.dumps(schema | head, indent=1) + "\n"
