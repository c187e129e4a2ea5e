"""Answers of the shapes that publishers give, for the tests of recognisers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from monitor.look.fetch import Answer
from monitor.look.recognise.registry import find_recogniser
from monitor.look.recognise.result import Context, Recognised

OUR_TITLE = "Example claims: quarterly statistics, July to September 2026"
PATH = "/government/statistics/example-claims-quarterly-statistics-july-to-september-2026"
URL = f"https://www.gov.uk{PATH}"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
OUR_RELEASE = Context(URL, OUR_TITLE)


def answer(body: bytes, kind: str = "text/html; charset=utf-8", url: str = URL) -> Answer:
    return Answer(url, 200, {"content-type": kind}, body, NOON, NOON)


def page(title: str, heading: str, inside: str = "") -> Answer:
    text = (
        "<!DOCTYPE"
        f" html><html><head><title>{title}</title></head><body><h1>{heading}</h1>{inside}</body></html>"
    )
    return answer(text.encode())


def our_page(inside: str = "") -> Answer:
    """Return a page with the title of our release as its title and heading."""
    return page(OUR_TITLE, OUR_TITLE, inside)


def recognise_with(recogniser: str, seen: Answer, release: Context = OUR_RELEASE) -> Recognised:
    """Return what the recogniser of this name recognises of a release in an answer."""
    return find_recogniser(recogniser)(seen, release)


def item(schema: str, title: str | None = OUR_TITLE, url: str = URL, **more: Any) -> Answer:  # noqa: ANN401  # any JSON
    said = {
        "schema_name": schema,
        "base_path": PATH,
        "title": title,
        "details": {},
        "withdrawn_notice": {},
    } | more
    return answer(json.dumps(said).encode(), "application/json; charset=utf-8", url)
