"""Answers of the shapes that publishers give, for the tests of recognisers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from monitor.look.fetch import Answer
from monitor.look.recognise.result import Context

TITLE = "Example claims: quarterly statistics, July to September 2026"
PATH = "/government/statistics/example-claims-quarterly-statistics-july-to-september-2026"
URL = f"https://www.gov.uk{PATH}"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
CONTEXT = Context(URL, TITLE)


def answer(body: bytes, kind: str = "text/html; charset=utf-8", url: str = URL) -> Answer:
    return Answer(url, 200, {"content-type": kind}, body, NOON, NOON)


def page(title: str, heading: str, inside: str = "") -> Answer:
    text = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{heading}</h1>{inside}</body></html>"
    return answer(text.encode())


def item(schema: str, title: str | None = TITLE, url: str = URL, **more: Any) -> Answer:  # noqa: ANN401  # any JSON
    said = {"schema_name": schema, "base_path": PATH, "title": title, "details": {}, "withdrawn_notice": {}} | more
    return answer(json.dumps(said).encode(), "application/json; charset=utf-8", url)
